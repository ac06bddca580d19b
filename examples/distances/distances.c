/* SPDX-License-Identifier: Apache-2.0
 *
 * An interactive graph: links between nodes come and go on one topic, questions on another, and the
 * answer to each question is kept right on a third for as long as it is asked: by how many links
 * does one come from one node to another? All questions share one index of the links. Without
 * --brokers it runs on a Kafka inside the process, and asks itself (demo.c).
 *
 *     {"from": 1, "to": 2, "gone": false}              a link, or, with gone, one less
 *     {"id": 7, "from": 1, "to": 5, "gone": false}     a question, or that it is asked no more
 *     {"id": 7, "from": 1, "to": 5, "links": 3}        its answer, by id; null: there is no way
 */
#include <weir/weir.h>
#include <weir/connectors/kafka.h>
#include <weir/connectors/main.h>

#include "../kafka_inside.h"
#include "demo.h"
#include "records.h"

/* ---- what comes and what goes ---- */

static bool link_comes(const link_change *l) { return !l->gone; }
static bool link_goes(const link_change *l) { return l->gone; }
static weir_edge to_edge(const link_change *l) { return (weir_edge){ l->from, l->to }; }
WEIR_FILTER(link_comes, link_change)
WEIR_FILTER(link_goes, link_change)
WEIR_MAP(to_edge, link_change, weir_edge)

static bool is_asked(const question_change *q) { return !q->gone; }
static bool is_withdrawn(const question_change *q) { return q->gone; }
static question to_question(const question_change *q)
{
    return (question){ q->id, q->from, q->to };
}
WEIR_FILTER(is_asked, question_change)
WEIR_FILTER(is_withdrawn, question_change)
WEIR_MAP(to_question, question_change, question)

static weir_stream(weir_edge) links_of(weir_stream(link_change) all)
{
    weir_stream(link_change) come = weir_as_collection(weir_filter(all, link_comes));
    weir_stream(link_change) go = weir_as_collection(weir_filter(all, link_goes));
    return weir_map(weir_concat(come, weir_negate(go)), to_edge);
}

static weir_stream(question) questions_of(weir_stream(question_change) all)
{
    weir_stream(question_change) come = weir_as_collection(weir_filter(all, is_asked));
    weir_stream(question_change) go = weir_as_collection(weir_filter(all, is_withdrawn));
    return weir_map(weir_concat(come, weir_negate(go)), to_question);
}

/* ---- the search ---- */

/* A node that question `id` has come to. */
#define REACHED(F) F(u64, id) F(u64, node) F(u64, links)
WEIR_RECORD(reached, REACHED)

static reached at_start(const question *q) { return (reached){ q->id, q->from, 0 }; }
WEIR_MAP(at_start, question, reached)

static void step(const reached *r, const weir_edge *e, weir_out(reached) out)
{
    reached_emit(out, (reached){ r->id, e->to, r->links + 1 });
}
WEIR_JOIN(step, reached, weir_edge, reached)

/* Records come in the order of their fields: the fewest links first. */
static void fewest(const reached *key, weir_group(reached) all, weir_out(reached) out)
{
    const reached *first = weir_group_first(all);
    (void)key;
    if (first)
        reached_emit(out, *first);
}
WEIR_REDUCE(fewest, reached, reached)

static weir_stream(reached) search(weir_stream(weir_edge) links, weir_stream(question) questions)
{
    weir_graph *g = weir_port_graph(links.port);
    weir_scope *rounds = weir_scope_add(g, NULL, "search");
    weir_stream(reached) on;
    weir_variable(reached) v = weir_variable_new(g, reached, rounds, &on);
    weir_stream(reached) start = weir_enter(weir_map(questions, at_start), rounds);
    weir_stream(reached) known =
        weir_reduce(weir_concat(start, on), WEIR_KEY(reached, id, node), fewest);
    weir_variable_set(v, weir_join(known, WEIR_KEY(reached, node), weir_enter(links, rounds),
                                   WEIR_KEY(weir_edge, from), step));
    return weir_leave(known);
}

static void with_links(const question *q, const reached *r, weir_out(answer) out)
{
    answer_emit(out, (answer){ q->id, q->from, q->to, { r != NULL, r ? (int64_t)r->links : 0 } });
}
WEIR_OUTER_JOIN(with_links, question, reached, answer)

static void build(weir_graph *g, void *ctx)
{
    kafka_inside_option(g);
    const char *links_topic = weir_option_str(g, "links-topic", "links", "topic of links");
    const char *questions_topic =
        weir_option_str(g, "questions-topic", "questions", "topic of questions");
    const char *answers_topic =
        weir_option_str(g, "answers-topic", "answers", "topic to write answers to");
    (void)ctx;
    weir_stream(weir_edge) links =
        links_of(weir_kafka_source(g, link_change, .topic = links_topic));
    weir_stream(question) questions =
        questions_of(weir_kafka_source(g, question_change, .topic = questions_topic));
    weir_stream(answer) answers =
        weir_left_join(questions, WEIR_KEY(question, id, to), search(links, questions),
                       WEIR_KEY(reached, id, node), with_links);
    weir_view(answers, "answers", WEIR_KEY(answer, id));
    weir_kafka_sink_by(answers, WEIR_KEY(answer, id), .topic = answers_topic);
}

int main(int argc, char **argv)
{
    demo *d = demo_create();
    int status = weir_main_with(demo_config(d), argc, argv, build, NULL);
    demo_destroy(d);
    return status;
}

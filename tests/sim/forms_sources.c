/* SPDX-License-Identifier: Apache-2.0
 *
 * Forms of sources that send at times of their own: functions, files, topics, what the engine does.
 * The records that come of them have to be those there are, each once, whatever their times.
 */
#include <stdlib.h>
#include <string.h>

#include <weir/connectors/file.h>
#include <weir/connectors/generator.h>
#include <weir/connectors/kafka_simulated.h>
#include <weir/weir.h>

#include "forms.h"

enum { SENT = 40, PARTITIONS = 3 };

static item sent(uint64_t n)
{
    return (item){ n % 4, n * 7 % 16, n % 3 };
}

static void all_sent(const sim_at *at, sim_bag *out)
{
    (void)at;
    for (uint64_t n = 0; n < SENT; n++)
        sim_bag_add(out, sent(n), 1);
}

/* ---- a node that takes what comes as output of the form, at time 0 ---- */

static weir_status tally_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)step;
    (void)error;
    *state = ctx;
    return WEIR_OK;
}

static void tally_step(weir_step *step, void *state)
{
    const struct sim_use *use = state;
    unsigned op = (unsigned)(use->op - use->flow->plan.ops);
    for (const weir_batch *b; (b = weir_step_take(step, 0));)
        for (size_t i = 0; i < b->count; i++)
            sim_records_add(&use->flow->output,
                            &(sim_record){ .op = op,
                                           .record = *(const item *)weir_batch_record(b, i),
                                           .count = weir_batch_diff(b, i) });
}

static void tally(struct sim_use *use, weir_stream(item) s)
{
    weir_node_input input = { .type = item_type(), .takes_diffs = true };
    if (s.port)
        (void)weir_node_add(weir_port_graph(s.port),
                            &(weir_node_spec){ .struct_size = sizeof(weir_node_spec),
                                               .kind = "tally",
                                               .input_count = 1,
                                               .inputs = &input,
                                               .ctx = use,
                                               .init = tally_init,
                                               .step = tally_step },
                            &s.port);
}

/* ---- functions ---- */

typedef struct feed {
    uint64_t next, stride, calls;
    weir_waker *waker; /* NULL: it is called again after a while */
} feed;

static feed *feed_open(const weir_source_start *start)
{
    const sim_op *op = start->ctx;
    feed *f = malloc(sizeof *f);
    *f = (feed){ start->worker, start->workers, 0, op->a % 2 ? start->waker : NULL };
    return f;
}
static void feed_close(feed *f)
{
    free(f);
}

static weir_more next_item(feed *f, weir_out(item) out)
{
    if (f->next >= SENT)
        return WEIR_SOURCE_END;
    if (++f->calls % 3 == 0) {
        if (f->waker)
            weir_wake(f->waker);
        return WEIR_SOURCE_WAIT;
    }
    item_emit(out, sent(f->next));
    f->next += f->stride;
    return WEIR_SOURCE_MORE;
}
WEIR_SOURCE(next_item, feed, item)

static weir_port *build_source(const sim_op *op, weir_port *const *in)
{
    if (in[0])
        tally(sim_use_of(weir_port_graph(in[0]), op),
              weir_source(weir_port_graph(in[0]), item, next_item, .init = feed_open,
                          .fini = feed_close, .ctx = op, .wait_ms = op->a % 2 ? 0 : 1));
    return NULL;
}

static void generated(uint64_t n, weir_out(item) out)
{
    item_emit(out, sent(n));
}
WEIR_GENERATE(generated, item)

static weir_port *build_generator(const sim_op *op, weir_port *const *in)
{
    if (in[0])
        tally(sim_use_of(weir_port_graph(in[0]), op),
              weir_generator(weir_port_graph(in[0]), item, generated, .count = SENT, .batch = op->a,
                             .rate = op->b % 2 ? 1e6 : 0));
    return NULL;
}

/* ---- a file: each process has one of its own, with the same in it ---- */

#define LINE(F) F(str, text)
WEIR_RECORD(line, LINE)

static void read_line(const line *l, weir_out(item) out)
{
    unsigned long long key, value, hops;
    char text[80];
    size_t size = l->text.len;
    memcpy(text, weir_str_data(&l->text), size < sizeof text ? size : sizeof text - 1);
    text[size < sizeof text ? size : sizeof text - 1] = 0;
    if (sscanf(text, "%llu %llu %llu", &key, &value, &hops) == 3)
        item_emit(out, (item){ key, value, hops });
}
WEIR_FLAT_MAP(read_line, line, item)

static weir_port *build_file(const sim_op *op, weir_port *const *in)
{
    char path[40];
    if (!in[0])
        return NULL;
    weir_graph *g = weir_port_graph(in[0]);
    struct sim_use *use = sim_use_of(g, op);
    FILE **file = &use->kept[sim_process_that_builds(g)].file;
    *file = tmpfile(); /* it has no name, and goes with the process */
    for (uint64_t n = 0; n < SENT; n++)
        fprintf(*file, "%u %u %u\n", (unsigned)sent(n).key, (unsigned)sent(n).value,
                (unsigned)sent(n).hops);
    (void)fflush(*file);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fileno(*file));
    const char *const paths[] = { path, NULL };
    tally(use, weir_flat_map(weir_file_source(g, line, .paths = paths), read_line));
    return NULL;
}

/* ---- topics ---- */

/* Message n has a value, unless it takes its key away. */
static bool has_value(const sim_op *op, uint64_t n)
{
    return strcmp(op->form->name, "kafka_table") != 0 || n % 5 != 3;
}

/* Filled by the first who asks for it. */
static struct sim_use *open_topic(weir_graph *graph, const sim_op *op, char *topic, size_t size)
{
    struct sim_use *use = sim_use_of(graph, op);
    weir_kafka_broker *broker = sim_broker(use->flow->run);
    sim_topic_name(use, topic, size);
    weir_kafka_simulated_topic(broker, topic, PARTITIONS);
    for (int32_t p = 0; p < PARTITIONS; p++)
        if (weir_kafka_simulated_end(broker, topic, p) > 0)
            return use;
    for (uint64_t n = 0; n < SENT; n++) {
        char key[40], value[80];
        weir_kafka_record r = { .partition = -1, .key = key, .value = value };
        r.key_len = (size_t)snprintf(key, sizeof key, "%u", (unsigned)sent(n).key);
        r.value_len = (size_t)snprintf(value, sizeof value, "{\"value\":%u,\"hops\":%u}",
                                       (unsigned)sent(n).value, (unsigned)sent(n).hops);
        r.value = has_value(op, n) ? value : NULL;
        (void)weir_kafka_simulated_write(broker, topic, &r);
    }
    return use;
}

static weir_port *build_topic(const sim_op *op, weir_port *const *in)
{
    char topic[40];
    if (!in[0])
        return NULL;
    weir_graph *g = weir_port_graph(in[0]);
    struct sim_use *use = open_topic(g, op, topic, sizeof topic);
    tally(use, weir_kafka_source(g, item, .topic = topic, .broker = use->flow->run->broker,
                                 .until_end = true, .key_field = "key"));
    return NULL;
}

static weir_port *build_table(const sim_op *op, weir_port *const *in)
{
    char topic[40];
    if (!in[0])
        return NULL;
    weir_graph *g = weir_port_graph(in[0]);
    struct sim_use *use = open_topic(g, op, topic, sizeof topic);
    tally(use, weir_kafka_table(g, item, WEIR_KEY(item, key), .topic = topic,
                                .broker = use->flow->run->broker, .until_end = true));
    return NULL;
}

/* Of each key the newest, if it was not taken away. */
static void newest_sent(const sim_at *at, sim_bag *out)
{
    for (uint64_t key = 0; key < 4; key++) {
        uint64_t newest = 0;
        for (uint64_t n = 0; n < SENT; n++)
            newest = sent(n).key == key ? n : newest;
        sim_bag_add(out, sent(newest), has_value(at->op, newest));
    }
}

/* ---- what the engine does: of the other dataflows each step that begins ends, before another ----
 */

typedef struct watching {
    uint64_t at_ns, seen;
    bool steps;
    uint32_t dataflow, node;
} watching;

static weir_status watch_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)step;
    (void)ctx;
    (void)error;
    *state = calloc(1, sizeof(watching));
    return WEIR_OK;
}

static const char *watch(watching *w, const weir_event *e)
{
    if (e->at_ns < w->at_ns)
        return "an event is before the one that came before it";
    w->at_ns = e->at_ns;
    if (e->kind == WEIR_EVENT_LOST)
        return "events were lost";
    if (e->kind == WEIR_EVENT_STEP && w->steps)
        return "a step begins within another";
    if (e->kind == WEIR_EVENT_STEPPED &&
        (!w->steps || w->dataflow != e->dataflow || w->node != e->node))
        return "a step ends that has not begun";
    if (e->kind == WEIR_EVENT_STEP || e->kind == WEIR_EVENT_STEPPED)
        *w = (watching){ w->at_ns, w->seen + 1, e->kind == WEIR_EVENT_STEP, e->dataflow, e->node };
    return NULL;
}

static void watch_step(weir_step *step, void *state)
{
    for (const weir_batch *b; (b = weir_step_take(step, 0));)
        for (size_t i = 0; i < b->count; i++) {
            const char *wrong = watch(state, weir_batch_record(b, i));
            if (wrong)
                weir_step_fail(step, WEIR_FAILED, "%s", wrong);
        }
}

static void watch_fini(void *state)
{
    free(state);
}

static weir_port *build_events(const sim_op *op, weir_port *const *in)
{
    if (!in[0])
        return NULL;
    weir_graph *g = weir_port_graph(in[0]);
    weir_node_input input = { .type = weir_event_type() };
    uint32_t some = WEIR_EVENT_SET(STEP) | WEIR_EVENT_SET(STEPPED) | WEIR_EVENT_SET(LOST);
    weir_stream(weir_event) events = weir_events(g, .kinds = op->a % 2 ? some : 0);
    (void)weir_node_add(g,
                        &(weir_node_spec){ .struct_size = sizeof(weir_node_spec),
                                           .kind = "watch",
                                           .input_count = 1,
                                           .inputs = &input,
                                           .init = watch_init,
                                           .step = watch_step,
                                           .fini = watch_fini },
                        &events.port);
    return NULL;
}

enum { SENDS = SIM_LATE | SIM_LEAVES | SIM_OUTSIDE | SIM_PLAIN_TOO };

/* Their input is that they are in its graph. */
const sim_form sim_forms_sources[] = {
    { "source", 1, 0, SENDS, 0, 4, build_source, all_sent, NULL },
    { "generator", 1, 0, SENDS, 0, 4, build_generator, all_sent, NULL },
    { "file_source", 1, 0, SENDS, 0, 4, build_file, all_sent, NULL },
    { "kafka_source", 1, 0, SENDS, 0, 5, build_topic, all_sent, NULL },
    { "kafka_table", 1, 0, SENDS, 0, 5, build_table, newest_sent, NULL },
    { "events", 1, 0, SIM_LATE | SIM_OUTSIDE | SIM_OF_LATER, 0, 10, build_events, sim_nothing,
      NULL },
    { NULL, 0, 0, 0, 0, 0, NULL, NULL, NULL }
};

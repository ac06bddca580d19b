/* SPDX-License-Identifier: Apache-2.0
 *
 * More algorithms on a graph that changes: who tells whom, and how many days that takes. After each
 * change the program says what it has made of the groups of people (connected components), of the
 * inner circle (2-core), of those who all know each other (triangles), of whose news come to fay
 * (transitive closure), and of how soon all hear of ann's (shortest paths). Nothing is computed
 * anew.
 *
 *     $ friends
 *     epoch 0: +1 ann is in the group of ann
 *     …
 *     epoch 1: +1 ann's news come to fay
 *     epoch 1: +1 ann's news come to fay after 8 days
 *     …
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/weir.h>

#include "../no_options.h"

#define SENTENCE(F) F(str, text)
WEIR_RECORD(sentence, SENTENCE)

enum { ANN, BOB, CID, DAN, EVE, FAY };
static const char *const names[] = { "ann", "bob", "cid", "dan", "eve", "fay" };

typedef struct program {
    weir_input(weir_weighted_edge) news;
    weir_captured *said;
} program;

/* ---- what the answers say ---- */

static void say_group(const weir_label *l, weir_out(sentence) out)
{
    sentence_emit(out, (sentence){ weir_str_format(out, "%s is in the group of %s", names[l->node],
                                                   names[l->label]) });
}
WEIR_FLAT_MAP(say_group, weir_label, sentence)

static void say_circle(const weir_vertex *v, weir_out(sentence) out)
{
    sentence_emit(out, (sentence){ weir_str_format(out, "%s is in the inner circle",
                                                   names[v->node]) });
}
WEIR_FLAT_MAP(say_circle, weir_vertex, sentence)

static void say_three(const weir_triangle *t, weir_out(sentence) out)
{
    sentence_emit(out, (sentence){ weir_str_format(out, "%s, %s and %s know each other",
                                                   names[t->a], names[t->b], names[t->c]) });
}
WEIR_FLAT_MAP(say_three, weir_triangle, sentence)

static void say_reaches(const weir_edge *way, weir_out(sentence) out)
{
    if (way->to == FAY)
        sentence_emit(out, (sentence){ weir_str_format(out, "%s's news come to fay",
                                                       names[way->from]) });
}
WEIR_FLAT_MAP(say_reaches, weir_edge, sentence)

static void say_after(const weir_distance *d, weir_out(sentence) out)
{
    sentence_emit(out, (sentence){ weir_str_format(out, "ann's news come to %s after %d days",
                                                   names[d->node], (int)d->distance) });
}
WEIR_FLAT_MAP(say_after, weir_distance, sentence)

/* ---- the dataflow ---- */

static weir_edge without_days(const weir_weighted_edge *e)
{
    return (weir_edge){ e->from, e->to };
}
WEIR_MAP(without_days, weir_weighted_edge, weir_edge)

static void build(weir_graph *g, void *ctx)
{
    static const weir_vertex ann = { ANN };
    program *p = ctx;
    weir_stream(weir_weighted_edge) news =
        weir_input_add(g, weir_weighted_edge, &p->news, .manual = true, .collection = true);
    weir_stream(weir_edge) ties = weir_map(news, without_days);
    weir_stream(weir_vertex) root = weir_as_collection(weir_to_stream(g, weir_vertex, &ann, 1));
    weir_stream(sentence) said = weir_concat(
        weir_flat_map(weir_connected_components(ties), say_group),
        weir_flat_map(weir_k_core(ties, 2), say_circle),
        weir_flat_map(weir_triangles(ties), say_three),
        weir_flat_map(weir_transitive_closure(ties), say_reaches),
        weir_flat_map(weir_shortest_paths(news, root), say_after));
    weir_capture(weir_consolidate(said), p->said); /* what rounds have said and taken back */
}

static void feed(weir_worker *worker, void *ctx)
{
    static const struct {
        uint64_t epoch;
        weir_weighted_edge tie;
        int64_t diff;
    } changes[] = {
        { 0, { ANN, BOB, 2 }, +1 }, { 0, { BOB, CID, 1 }, +1 }, { 0, { CID, ANN, 4 }, +1 },
        { 0, { CID, DAN, 1 }, +1 }, { 0, { EVE, FAY, 3 }, +1 }, { 1, { DAN, EVE, 1 }, +1 },
        { 2, { BOB, CID, 1 }, -1 },
    };
    program *p = ctx;
    weir_input_handle(weir_weighted_edge) news =
        weir_input_open(p->news, weir_worker_index(worker));
    size_t count = weir_worker_index(worker) == 0 ? sizeof changes / sizeof *changes : 0;
    for (size_t i = 0; i < count; i++) {
        weir_time epoch = weir_time_1(changes[i].epoch);
        weir_input_advance_to(news, &epoch);
        while (weir_input_change(news, weir_weighted_edge, changes[i].tie, changes[i].diff) ==
               WEIR_FULL)
            if (!weir_worker_step(worker)) /* it makes room */
                return;
    }
    weir_input_close(news);
}

/* ---- what is shown ---- */

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* By epoch and sentence, whichever worker has said it. */
static void print(const weir_captured *said)
{
    size_t count = 0, at = 0;
    for (unsigned w = 0; w < weir_captured_workers(said); w++)
        count += weir_captured_count(said, w);
    char (*text)[80] = calloc(count + 1, sizeof *text);
    char **lines = calloc(count + 1, sizeof *lines);
    for (unsigned w = 0; text && lines && w < weir_captured_workers(said); w++)
        for (size_t i = 0; i < weir_captured_count(said, w); i++, at++) {
            weir_capture_entry e = weir_captured_at(said, w, i);
            const weir_str *s = &((const sentence *)e.record)->text;
            lines[at] = text[at];
            snprintf(text[at], sizeof text[at], "epoch %" PRIu64 ": %+" PRId64 " %.*s",
                     e.time.at[0], e.diff, (int)s->len, weir_str_data(s));
        }
    if (at > 0)
        qsort(lines, at, sizeof *lines, compare);
    for (size_t i = 0; i < at; i++)
        puts(lines[i]);
    free(lines);
    free(text);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return no_options(argv, "friends");
    weir_error error = { .status = WEIR_OK };
    char text[1600];
    program p = { .said = weir_captured_create() };
    weir_config config = { .struct_size = sizeof config, .workers = 2, .worker_main = feed,
                           .ctx = &p };
    if (!p.said || weir_run(&config, build, &p, &error) != WEIR_OK) {
        fprintf(stderr, "friends: %s\n", weir_error_text(&error, text, sizeof text));
        return 1;
    }
    print(p.said);
    weir_captured_destroy(p.said);
    return fflush(stdout) == 0 ? 0 : 1;
}

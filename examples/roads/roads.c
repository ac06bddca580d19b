/* SPDX-License-Identifier: Apache-2.0
 *
 * Collections: roads between towns open and close, and with each change the program says what has
 * become of the distance of each town from town 0, and of the town with the most metres of road.
 * Shows an input of changes, a sum, a reduce, and an algorithm that repeats itself until nothing
 * changes; all of them are corrected, not computed anew.
 *
 *     $ roads
 *     epoch 0: +1 town 0 is 0 roads away
 *     …
 *     epoch 1: -1 town 3 is 3 roads away
 *     epoch 1: +1 town 3 is 1 roads away
 */
#include <inttypes.h>
#include <stdio.h>

#include <weir/weir.h>

#include "../no_options.h"

#define ROAD(F)    F(u64, from) F(u64, to) F(i64, metres)
#define TOTAL(F)   F(u64, town) F(i64, metres)
#define LONGEST(F) F(flag, of_all) F(u64, town) F(i64, metres)
WEIR_RECORD(road, ROAD)
WEIR_RECORD(total, TOTAL)
WEIR_RECORD(longest, LONGEST)

static longest of_all(const total *t) { return (longest){ true, t->town, t->metres }; }
WEIR_MAP(of_all, total, longest)

/* The records come in the order that the call names. */
static void first(const longest *key, weir_group(longest) totals, weir_out(longest) out)
{
    (void)key;
    longest_emit(out, *totals.records[0]);
}
WEIR_REDUCE(first, longest, longest)

static weir_edge to_edge(const road *r) { return (weir_edge){ r->from, r->to }; }
WEIR_MAP(to_edge, road, weir_edge)

typedef struct program {
    weir_input(road) roads;
    weir_captured *distances, *longest;
} program;

static void build(weir_graph *g, void *ctx)
{
    static const weir_vertex capital = { 0 };
    program *p = ctx;
    weir_stream(road) roads =
        weir_input_add(g, road, &p->roads, .manual = true, .collection = true);
    weir_stream(total) totals = weir_sum(roads, total, WEIR_KEY(road, from), metres);
    weir_stream(longest) most = weir_reduce(weir_map(totals, of_all), WEIR_KEY(longest, of_all),
                                            first, .order = WEIR_DESC(longest, metres));
    weir_stream(weir_vertex) roots =
        weir_as_collection(weir_to_stream(g, weir_vertex, &capital, 1));
    weir_stream(weir_distance) away = weir_bfs(weir_map(roads, to_edge), roots);
    weir_capture(away, p->distances);
    weir_capture(most, p->longest);
}

/* Sends a change; while there is no room for it, steps, which makes some. */
static void change(weir_worker *worker, weir_input_handle(road) roads, road which, int64_t diff)
{
    while (weir_input_change(roads, road, which, diff) == WEIR_FULL && weir_worker_step(worker))
        ;
}

/* In epoch 0 four roads open, in epoch 1 a short cut, in epoch 2 one of the first closes. */
static void feed(weir_worker *worker, void *ctx)
{
    program *p = ctx;
    weir_input_handle(road) roads = weir_input_open(p->roads, weir_worker_index(worker));
    if (weir_worker_index(worker) == 0) {
        static const road first_roads[] = { { 0, 1, 300 }, { 1, 2, 250 }, { 2, 3, 200 },
                                            { 3, 4, 350 } };
        weir_time epoch = weir_time_1(1);
        for (int i = 0; i < 4; i++)
            change(worker, roads, first_roads[i], +1);
        weir_input_advance_to(roads, &epoch);
        change(worker, roads, (road){ 0, 3, 100 }, +1);
        epoch = weir_time_1(2);
        weir_input_advance_to(roads, &epoch);
        change(worker, roads, first_roads[0], -1);
    }
    weir_input_close(roads);
}

static bool is_of(weir_capture_entry e, uint64_t epoch, uint64_t town, int64_t diff)
{
    const weir_distance *d = e.record;
    return e.time.at[0] == epoch && d->node == town && e.diff == diff;
}

static void print(const program *p)
{
    for (uint64_t i = 0; i < 3 * 5 * 2; i++) /* by epoch, town, and what goes before what comes */
        for (unsigned w = 0; w < weir_captured_workers(p->distances); w++)
            for (size_t k = 0; k < weir_captured_count(p->distances, w); k++) {
                weir_capture_entry e = weir_captured_at(p->distances, w, k);
                const weir_distance *d = e.record;
                if (is_of(e, i / 10, i / 2 % 5, i % 2 ? +1 : -1))
                    printf("epoch %" PRIu64 ": %+d town %" PRIu64 " is %" PRIu64 " roads away\n",
                           i / 10, (int)e.diff, d->node, d->distance);
            }
    for (uint64_t i = 0; i < 3 * 2; i++)
        for (unsigned w = 0; w < weir_captured_workers(p->longest); w++)
            for (size_t k = 0; k < weir_captured_count(p->longest, w); k++) {
                weir_capture_entry e = weir_captured_at(p->longest, w, k);
                const longest *l = e.record;
                if (e.time.at[0] == i / 2 && e.diff == (i % 2 ? +1 : -1))
                    printf("epoch %" PRIu64 ": %+d town %" PRIu64 " has %" PRId64 " metres\n",
                           i / 2, (int)e.diff, l->town, l->metres);
            }
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return no_options(argv, "roads");
    weir_error error = { .status = WEIR_OK };
    char text[1600];
    program p = { .distances = weir_captured_create(), .longest = weir_captured_create() };
    weir_config config = { .struct_size = sizeof config, .workers = 2, .worker_main = feed,
                           .ctx = &p };
    if (!p.distances || !p.longest || weir_run(&config, build, &p, &error) != WEIR_OK) {
        fprintf(stderr, "roads: %s\n", weir_error_text(&error, text, sizeof text));
        return 1;
    }
    print(&p);
    weir_captured_destroy(p.distances);
    weir_captured_destroy(p.longest);
    return fflush(stdout) == 0 ? 0 : 1;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * No engine: the work of pagerank's own operator, round by round on one thread: what it tells goes
 * into a small array and is heard at once. The same edges as of -w workers, the same answer; the
 * time is divided by -w, as if that many shared it without loss.
 */
#include "ranks.h"

enum { ROOM = 1024, STREAMS = 16 };

typedef struct telling {
    ranks *ranks;
    hearing *next;
    rank room[ROOM];
} telling;

static void turn(teller *t)
{
    telling *to = t->to;
    if (t->start) {
        hear(to->ranks, to->next, t->start, (size_t)(t->at - t->start));
        t->told += (size_t)(t->at - t->start);
    }
    t->start = t->at = to->room;
    t->end = t->at + ROOM;
}

/* Edges of a time: all at first, then one that comes and one that goes, of each sequence. */
static change *edges_of(const bench_options *o, uint64_t time, uint64_t *comes, uint64_t *goes,
                        size_t *count)
{
    uint64_t each = time == 1 ? o->records / o->workers : 2;
    change *all = malloc((each * o->workers + 1) * sizeof *all);
    if (!all)
        bench_fail("no memory for the edges of a round");
    *count = each * o->workers;
    for (size_t i = 0; i < *count; i++) {
        size_t stream = i / each;
        bool leaves = time > 1 && i % each;
        all[i] = change_next(leaves ? &goes[stream] : &comes[stream], o->nodes, leaves ? -1 : 1);
    }
    return all;
}

static void run_round(ranks *r, telling *to, uint64_t time)
{
    for (bool done = false; !done;) {
        teller t = { .turn = turn, .to = to };
        done = run_changes(r, &r->heard[time & 1], &t);
        turn(&t);
    }
}

int main(int argc, char **argv)
{
    bench_options o = bench_options_read(argc, argv, 1);
    static ranks r;
    static telling to = { .ranks = &r };
    uint64_t comes[STREAMS], goes[STREAMS];
    if (o.workers > STREAMS)
        bench_fail("at most %d workers", (int)STREAMS);
    for (unsigned i = 0; i < o.workers; i++)
        comes[i] = goes[i] = 1 + i;
    /* as many places as the workers have together, of which the last ones are nobody's */
    ranks_make(&r, (o.nodes / o.workers + 1) * o.workers - 1, 1, 0);
    double start = bench_seconds();
    for (uint64_t time = 1; time <= o.rounds + 1 || r.heard[time & 1].count; time++) {
        to.next = &r.heard[(time + 1) & 1];
        if (time <= o.rounds + 1) {
            size_t count;
            change *edges = edges_of(&o, time, comes, goes, &count);
            teller t = { .turn = turn, .to = &to };
            run_edges(&r, edges, count, &t);
            turn(&t);
        }
        run_round(&r, &to, time);
    }
    double seconds = bench_seconds() - start;
    bench_answer("%llu", (unsigned long long)ranks_end(&r));
    bench_cost(seconds * 1e3 / o.workers, "ms");
    return 0;
}

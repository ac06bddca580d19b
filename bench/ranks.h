/* SPDX-License-Identifier: Apache-2.0
 *
 * Ranks of the nodes of a random graph that live on one worker: edges come and go, changes of ranks
 * are heard and told. No engine: where what is told goes is the caller's. Ranks are integers, so
 * every order of the same changes gives the same ranks.
 */
#ifndef BENCH_RANKS_H
#define BENCH_RANKS_H

#include <stdlib.h>
#include <string.h>

#include "edge.h"

enum { START = 1000, SMALL = 6, DIGIT_BITS = 9, STEP_RECORDS = 16 << 10 };

#define CHANGE(F) F(u32, from) F(u32, to) F(i64, diff)
#define RANK(F) F(u64, node) F(i64, diff)
WEIR_RECORD(change, CHANGE)
WEIR_RECORD(rank, RANK)

/* The next edge of a sequence comes, or goes. */
static inline change change_next(uint64_t *state, uint64_t nodes, int64_t diff)
{
    change c = { .from = (uint32_t)bench_random_below(state, nodes), .diff = diff };
    c.to = (uint32_t)bench_random_below(state, nodes);
    return c;
}

typedef struct target {
    uint32_t node;
    int32_t count;
} target;

/* What target i of a node gets, an edge: one more for the first ones. */
typedef struct spread {
    int64_t share, rest;
} spread;

/* A node of the graph, on the worker where it lives. */
typedef struct place {
    int64_t rank, unspent; /* changes that were too small so far */
    spread spread;         /* what its targets have */
    target *targets;       /* by node */
    uint32_t count;
} place;

/* What was heard for a round: the sum for each place; and which places, if they are few. */
typedef struct hearing {
    int64_t *sums;
    uint32_t *places; /* some perhaps more than once: the second time there is nothing left */
    size_t count;     /* above `few`: all are to be looked at */
} hearing;

typedef struct ranks {
    place *places;
    uint64_t place_count;
    hearing heard[2]; /* by the time's parity */
    size_t few, done; /* of the round's places */
    uint64_t inverse;
    unsigned workers, self;
} ranks;

static inline void ranks_make(ranks *r, uint64_t nodes, unsigned workers, unsigned self)
{
    *r = (ranks){ .workers = workers, .inverse = edge_inverse(workers), .self = self,
                  .place_count = nodes / workers + 1 };
    r->few = r->place_count / 4;
    r->places = calloc(r->place_count, sizeof *r->places);
    for (int k = 0; k < 2; k++) {
        r->heard[k].sums = calloc(r->place_count, sizeof *r->heard[k].sums);
        r->heard[k].places = malloc((r->few + 1) * sizeof *r->heard[k].places);
        if (!r->places || !r->heard[k].sums || !r->heard[k].places)
            bench_fail("no memory for the nodes");
    }
    for (uint64_t i = 0; i < r->place_count; i++)
        r->places[i].rank = START;
}

/* The worker's share of the answer: the sum of all ranks, each times something of its node. */
static inline uint64_t ranks_end(ranks *r)
{
    uint64_t answer = 0;
    for (uint64_t i = 0; i < r->place_count; i++) {
        uint64_t node = i * r->workers + r->self;
        answer += (uint64_t)r->places[i].rank * bench_random(&node);
        free(r->places[i].targets);
    }
    for (int k = 0; k < 2; k++) {
        free(r->heard[k].sums);
        free(r->heard[k].places);
    }
    free(r->places);
    return answer;
}

/* ---- telling ---- */

/* Writes changes of ranks, many at a time, into room that `turn` gives: it takes what lies from
 * `start` to `at`, if there is a start, and sets all three. */
typedef struct teller {
    void (*turn)(struct teller *t);
    void *to;
    rank *start, *at, *end;
    size_t told; /* before `start` */
} teller;

static inline size_t teller_room(teller *t)
{
    if (t->at == t->end)
        t->turn(t);
    return (size_t)(t->end - t->at);
}

static inline spread spread_of(const place *p)
{
    int64_t all = p->rank * 5 / 6;
    if (p->count == 0)
        return (spread){ 0, 0 };
    return (spread){ all / p->count, all % p->count };
}

/* Tells each target what it gets now, less what it had. Whether that is nothing cannot be guessed:
 * without a branch. */
static inline void tell(teller *t, const place *p, spread had, spread gets)
{
    for (uint32_t i = 0, end; i < p->count; i = end) {
        size_t room = teller_room(t);
        rank *at = t->at;
        end = p->count - i < room ? p->count : i + (uint32_t)room;
        for (uint32_t k = i; k < end; k++) {
            int64_t diff = gets.share - had.share + (k < gets.rest) - (k < had.rest);
            *at = (rank){ p->targets[k].node, p->targets[k].count * diff };
            at += diff != 0;
        }
        t->at = at;
    }
}

/* ---- edges ---- */

/* Adds changes of edges that all start at this place, by their ends, and tells what moves. */
static inline void change_edges(place *p, const change *changes, size_t n, teller *t)
{
    target *merged = malloc((p->count + n) * sizeof *merged);
    uint32_t kept = 0;
    if (!merged)
        bench_fail("no memory for the edges of a node");
    tell(t, p, p->spread, (spread){ 0, 0 });
    for (size_t i = 0, k = 0; i < p->count || k < n;) {
        target next = { UINT32_MAX, 0 };
        if (i < p->count)
            next.node = p->targets[i].node;
        if (k < n && changes[k].to < next.node)
            next.node = changes[k].to;
        while (i < p->count && p->targets[i].node == next.node)
            next.count += p->targets[i++].count;
        while (k < n && changes[k].to == next.node)
            next.count += (int32_t)changes[k++].diff;
        if (next.count)
            merged[kept++] = next;
    }
    free(p->targets);
    p->targets = merged;
    p->count = kept;
    p->spread = spread_of(p);
    tell(t, p, (spread){ 0, 0 }, p->spread);
}

/* Places changes by one digit of an end of their edges, those of the same digit as they came. */
static inline void place_by(const change *from, change *to, size_t n, bool by_start, unsigned shift)
{
    enum { DIGITS = 1 << DIGIT_BITS };
    size_t next[DIGITS] = { 0 }, sum = 0;
#define DIGIT(c) (((by_start ? (c).from : (c).to) >> shift) & (DIGITS - 1))
    for (size_t i = 0; i < n; i++)
        next[DIGIT(from[i])]++;
    for (size_t d = 0; d < DIGITS; d++) {
        size_t count = next[d];
        next[d] = sum;
        sum += count;
    }
    for (size_t i = 0; i < n; i++)
        to[next[DIGIT(from[i])]++] = from[i];
#undef DIGIT
}

/* Sorts changes, which are in memory of their own, by start and end. */
static inline change *sorted_changes(const ranks *r, change *from, size_t n)
{
    change *to = malloc((n + 1) * sizeof *to);
    if (!to)
        bench_fail("no memory for the edges of a round");
    for (int by_start = 0; by_start < 2; by_start++)
        for (unsigned shift = 0; r->place_count * r->workers >> shift; shift += DIGIT_BITS) {
            place_by(from, to, n, by_start, shift);
            change *swap = from;
            from = to;
            to = swap;
        }
    free(to);
    return from;
}

/* Frees the changes. */
static inline void run_edges(ranks *r, change *changes, size_t count, teller *t)
{
    change *sorted = sorted_changes(r, changes, count);
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from; to < count && sorted[to].from == sorted[from].from; to++)
            ;
        change_edges(&r->places[edge_place(r->inverse, sorted[from].from)], sorted + from,
                     to - from, t);
    }
    free(sorted);
}

/* ---- ranks ---- */

static inline void hear(ranks *r, hearing *h, const rank *changes, size_t n)
{
    uint64_t inverse = r->inverse;
    int64_t *sums = h->sums;
    if (h->count + n <= r->few)
        for (size_t i = 0; i < n; i++)
            h->places[h->count + i] = edge_place(inverse, (uint32_t)changes[i].node);
    h->count += n;
    for (size_t i = 0; i < n; i++)
        sums[edge_place(inverse, (uint32_t)changes[i].node)] += changes[i].diff;
}

static inline void move_rank(place *p, int64_t *heard, teller *t)
{
    p->unspent += *heard;
    *heard = 0;
    if (p->unspent < SMALL && p->unspent > -SMALL)
        return;
    p->rank += p->unspent;
    p->unspent = 0;
    spread had = p->spread;
    p->spread = spread_of(p);
    tell(t, p, had, p->spread);
}

/* Whether all of the round is done: what is told in one step is heard, in the next one, before it
 * leaves the cache. */
static inline bool run_changes(ranks *r, hearing *h, teller *t)
{
    bool all = h->count > r->few;
    size_t end = all ? r->place_count : h->count;
    for (; r->done < end; r->done++) {
        uint32_t at = all ? (uint32_t)r->done : h->places[r->done];
        move_rank(&r->places[at], &h->sums[at], t);
        if (t->told >= STEP_RECORDS)
            return false;
    }
    h->count = r->done = 0;
    return true;
}

#endif

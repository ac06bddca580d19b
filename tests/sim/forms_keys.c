/* SPDX-License-Identifier: Apache-2.0
 *
 * Forms that make something of the records of each key.
 */
#include <string.h>
#include <weir/weir.h>

#include "forms.h"

#define ITEMS(port_) ((weir_stream(item)){ .port = (port_) })

/* ---- records other than items ---- */

#define NUMBERED(F) F(u64, key) F(i64, number)
#define NUMBERED_AT(F) F(u64, key) F(u64, hops) F(i64, number)
#define RATED(F) F(u64, key) F(f64, rate)
#define VALUED(F) F(u64, key) F(u64, value)
#define SPREAD(F) F(u64, key) F(u64, low) F(u64, high)
WEIR_RECORD(numbered, NUMBERED)
WEIR_RECORD(numbered_at, NUMBERED_AT)
WEIR_RECORD(rated, RATED)
WEIR_RECORD(valued, VALUED)
WEIR_RECORD(spread, SPREAD)

static item of_number(uint64_t key, int64_t number)
{
    return (item){ key, sim_small(number), 0 };
}
static item of_number_at(uint64_t key, uint64_t hops, int64_t number)
{
    return (item){ key, sim_small(number), hops };
}
static item of_rate(uint64_t key, double rate)
{
    return (item){ key, sim_small((int64_t)(rate * 4)), 1 };
}
static item of_value(uint64_t key, uint64_t value) { return (item){ key, value, 2 }; }
static item of_spread(uint64_t key, uint64_t low, uint64_t high)
{
    return (item){ key, low, high % 4 };
}

static item map_number(const numbered *n) { return of_number(n->key, n->number); }
WEIR_MAP(map_number, numbered, item)
static item map_number_at(const numbered_at *n) { return of_number_at(n->key, n->hops, n->number); }
WEIR_MAP(map_number_at, numbered_at, item)
static item map_rate(const rated *r) { return of_rate(r->key, r->rate); }
WEIR_MAP(map_rate, rated, item)
static item map_value(const valued *v) { return of_value(v->key, v->value); }
WEIR_MAP(map_value, valued, item)
static item map_spread(const spread *s) { return of_spread(s->key, s->low, s->high); }
WEIR_MAP(map_spread, spread, item)

/* Some values are below 0. */
static int64_t signed_of(const item *i) { return (int64_t)i->value - 3; }
static numbered to_number(const item *i) { return (numbered){ i->key, signed_of(i) }; }
WEIR_MAP(to_number, item, numbered)

/* ---- counts and sums ---- */

static weir_port *build_count(const sim_op *op, weir_port *const *in)
{
    weir_stream(item) s = ITEMS(in[0]);
    return op->a % 2 ? weir_map(weir_count(s, numbered, WEIR_KEY(item, key)), map_number).port
                     : weir_map(weir_count(s, numbered_at, WEIR_KEY(item, key, hops)),
                                map_number_at).port;
}

static void count(const sim_op *op, const sim_of_key *of, sim_bag *out)
{
    int64_t at_hops[16] = { 0 };
    for (size_t i = 0; i < of->count; i++)
        at_hops[of->items[i].record.hops] += of->items[i].count;
    if (op->a % 2)
        sim_bag_add(out, of_number(of->key, of->total), of->total != 0);
    for (uint64_t h = 0; h < 16 && op->a % 2 == 0; h++)
        sim_bag_add(out, of_number_at(of->key, h, at_hops[h]), at_hops[h] != 0);
}

static int64_t sum_of(const sim_of_key *of)
{
    int64_t sum = 0;
    for (size_t i = 0; i < of->count; i++)
        sum += of->items[i].count * signed_of(&of->items[i].record);
    return sum;
}

static weir_port *build_sum(const sim_op *op, weir_port *const *in)
{
    (void)op;
    return weir_map(weir_sum(weir_map(ITEMS(in[0]), to_number), numbered,
                             WEIR_KEY(numbered, key), number), map_number).port;
}

static void sum(const sim_op *op, const sim_of_key *of, sim_bag *out)
{
    (void)op;
    sim_bag_add(out, of_number(of->key, sum_of(of)), of->total != 0);
}

static weir_port *build_average(const sim_op *op, weir_port *const *in)
{
    (void)op;
    return weir_map(weir_average(weir_map(ITEMS(in[0]), to_number), rated,
                                 WEIR_KEY(numbered, key), number), map_rate).port;
}

static void average(const sim_op *op, const sim_of_key *of, sim_bag *out)
{
    (void)op;
    if (of->total != 0)
        sim_bag_add(out, of_rate(of->key, (double)sum_of(of) / (double)of->total), 1);
}

#define TOTAL(F) F(i64, sum) F(i64, records)
WEIR_RECORD(total, TOTAL)

static void change(const item *i, int64_t n, total *t)
{
    t->sum += n * signed_of(i);
    t->records += n;
}
static item result(const item *key, const total *t)
{
    return of_number_at(key->key, 3, 5 * t->sum + t->records);
}
WEIR_ACCUMULATE(change, result, item, total, item)

static weir_port *build_accumulate(const sim_op *op, weir_port *const *in)
{
    (void)op;
    return weir_accumulate(ITEMS(in[0]), WEIR_KEY(item, key), change).port;
}

static void accumulate(const sim_op *op, const sim_of_key *of, sim_bag *out)
{
    (void)op;
    sim_bag_add(out, of_number_at(of->key, 3, 5 * sum_of(of) + of->total), of->total != 0);
}

static weir_port *build_count_distinct(const sim_op *op, weir_port *const *in)
{
    (void)op;
    return weir_map(weir_count_distinct(ITEMS(in[0]), numbered, WEIR_KEY(item, key), hops),
                    map_number).port;
}

static void count_distinct(const sim_op *op, const sim_of_key *of, sim_bag *out)
{
    (void)op;
    int64_t at_hops[16] = { 0 }, there = 0;
    for (size_t i = 0; i < of->count; i++)
        at_hops[of->items[i].record.hops] += of->items[i].count;
    for (unsigned h = 0; h < 16; h++)
        there += at_hops[h] > 0;
    sim_bag_add(out, of_number(of->key, there), there > 0);
}

static weir_port *build_prefix_sum(const sim_op *op, weir_port *const *in)
{
    (void)op;
    weir_stream(numbered_at) s =
        weir_prefix_sum(ITEMS(in[0]), numbered_at, WEIR_KEY(item, key), hops, value);
    return weir_map(s, map_number_at).port;
}

static void prefix_sum(const sim_op *op, const sim_of_key *of, sim_bag *out)
{
    (void)op;
    int64_t running = 0;
    for (uint64_t h = 0; h < 16; h++) {
        int64_t there = 0;
        for (size_t i = 0; i < of->count; i++)
            if (of->items[i].record.hops == h) {
                there += of->items[i].count;
                running += of->items[i].count * (int64_t)of->items[i].record.value;
            }
        sim_bag_add(out, of_number_at(of->key, h, running), there > 0);
    }
}

/* ---- in the order of values ---- */

static weir_port *build_min(const sim_op *op, weir_port *const *in)
{
    weir_stream(item) s = ITEMS(in[0]);
    return op->a % 2 ? weir_map(weir_min(s, valued, WEIR_KEY(item, key), value), map_value).port
                     : weir_map(weir_max(s, valued, WEIR_KEY(item, key), value), map_value).port;
}

static void min(const sim_op *op, const sim_of_key *of, sim_bag *out)
{
    const item *last = &of->items[op->a % 2 ? 0 : of->count - 1].record; /* they lie by value */
    sim_bag_add(out, of_value(of->key, last->value), 1);
}

/* The value at a rank from 1 on. */
static uint64_t at_rank(const sim_of_key *of, int64_t rank)
{
    size_t i = 0;
    for (; rank > of->items[i].count; i++)
        rank -= of->items[i].count;
    return of->items[i].record.value;
}

static weir_port *build_quantile(const sim_op *op, weir_port *const *in)
{
    (void)op;
    return weir_map(weir_quantile(ITEMS(in[0]), spread, WEIR_KEY(item, key), value, 0.25, 0.75),
                    map_spread).port;
}

static void quantile(const sim_op *op, const sim_of_key *of, sim_bag *out)
{
    (void)op;
    sim_bag_add(out, of_spread(of->key, at_rank(of, (of->total + 3) / 4),
                               at_rank(of, (of->total * 3 + 3) / 4)), 1);
}

static weir_port *build_median(const sim_op *op, weir_port *const *in)
{
    (void)op;
    return weir_map(weir_median(ITEMS(in[0]), rated, WEIR_KEY(item, key), value), map_rate).port;
}

static void median(const sim_op *op, const sim_of_key *of, sim_bag *out)
{
    (void)op;
    double both = (double)(at_rank(of, (of->total + 1) / 2) + at_rank(of, of->total / 2 + 1));
    sim_bag_add(out, of_rate(of->key, both / 2), 1);
}

static weir_port *build_top(const sim_op *op, weir_port *const *in)
{
    weir_stream(item) s = ITEMS(in[0]);
    return op->a % 2 ? weir_top(s, WEIR_KEY(item, key), op->b % 3 + 1, WEIR_DESC(item, hops)).port
                     : weir_top(s, WEIR_KEY(item, key), op->b % 3 + 1, WEIR_ASC(item, value)).port;
}

/* Of one order after the other the first that are there; records lie by value and hops. */
static void top(const sim_op *op, const sim_of_key *of, sim_bag *out)
{
    int64_t left = (int64_t)(op->b % 3 + 1);
    for (uint64_t down = 0; down < 16; down++)
        for (size_t i = 0; i < of->count && left > 0; i++) {
            const sim_count *c = &of->items[i];
            if (op->a % 2 ? c->record.hops != 15 - down : down > 0)
                continue;
            int64_t taken = c->count < left ? c->count : left;
            sim_bag_add(out, c->record, taken);
            left -= taken;
        }
}

/* ---- reduce ---- */

/* Of some keys nothing, of others much. */
static void digest(const item *key, weir_group(item) group, weir_out(item) out)
{
    int64_t sum = 0;
    for (size_t i = 0; i < group.count; i++) {
        sum += group.counts[i] * (int64_t)(1 + group.records[i]->value);
        if (group.counts[i] > 1)
            item_emit_n(out, (item){ key->key, group.records[i]->value, 3 }, group.counts[i]);
    }
    if (key->key > 0)
        item_emit(out, (item){ key->key, sim_small(sum), group.count % 4 });
}
WEIR_REDUCE(digest, item, item)
static void last_one(const item *key, weir_group(item) group, weir_out(item) out)
{
    item_emit(out, (item){ key->key, group.records[0]->value, group.records[0]->hops });
}
WEIR_REDUCE(last_one, item, item)

static weir_port *build_reduce(const sim_op *op, weir_port *const *in)
{
    weir_stream(item) s = ITEMS(in[0]);
    return op->a % 2 ? weir_reduce(s, WEIR_KEY(item, key), digest, .ahead = op->b % 2).port
                     : weir_reduce(s, WEIR_KEY(item, key), last_one,
                                   .order = WEIR_DESC(item, value), .ahead = op->b % 2).port;
}

static void reduce(const sim_op *op, const sim_of_key *of, sim_bag *out)
{
    int64_t all = 0;
    const item *last = &of->items[0].record;
    for (size_t i = 0; i < of->count; i++) {
        const sim_count *c = &of->items[i];
        all += c->count * (int64_t)(1 + c->record.value);
        last = c->record.value != last->value ? &c->record : last;
        if (op->a % 2)
            sim_bag_add(out, (item){ of->key, c->record.value, 3 }, c->count > 1 ? c->count : 0);
    }
    if (op->a % 2 == 0)
        sim_bag_add(out, *last, 1);
    else if (of->key > 0)
        sim_bag_add(out, (item){ of->key, sim_small(all), of->count % 4 }, 1);
}

const sim_form sim_forms_keys[] = {
    { "count", 1, 1, SIM_CLEAN, 0, 5, build_count, NULL, count },
    { "sum", 1, 1, SIM_CLEAN, 0, 4, build_sum, NULL, sum },
    { "average", 1, 1, SIM_CLEAN, 0, 3, build_average, NULL, average },
    { "accumulate", 1, 1, SIM_WHOLE | SIM_CLEAN, 0, 4, build_accumulate, NULL, accumulate },
    { "count_distinct", 1, 1, SIM_CLEAN, 0, 4, build_count_distinct, NULL,
      count_distinct },
    { "prefix_sum", 1, 1, SIM_WHOLE | SIM_CLEAN, 0, 3, build_prefix_sum, NULL,
      prefix_sum },
    { "min", 1, 1, SIM_WHOLE | SIM_CLEAN, 0, 5, build_min, NULL, min },
    { "quantile", 1, 1, SIM_WHOLE | SIM_CLEAN, 0, 3, build_quantile, NULL, quantile },
    { "median", 1, 1, SIM_WHOLE | SIM_CLEAN, 0, 3, build_median, NULL, median },
    { "top", 1, 1, SIM_WHOLE | SIM_CLEAN, 0, 6, build_top, NULL, top },
    { "reduce", 1, 1, SIM_CLEAN, 0, 8, build_reduce, NULL, reduce },
    { NULL, 0, 0, 0, 0, 0, NULL, NULL, NULL }
};

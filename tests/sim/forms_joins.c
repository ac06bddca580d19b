/* SPDX-License-Identifier: Apache-2.0
 *
 * Forms that put records of several collections together.
 */
#include <weir/weir.h>

#include "forms.h"

#define ITEMS(port_) ((weir_stream(item)){ .port = (port_) })

/* ---- what pairs make ---- */

static item pair_of(const item *a, const item *b)
{
    return (item){ a->key, (a->value + 2 * b->value) % 16, (a->hops + b->hops) % 4 };
}
static item left_alone(const item *a) { return (item){ a->key, (a->value + 5) % 16, 2 }; }
static item right_alone(const item *b) { return (item){ b->key, (b->value + 9) % 16, 3 }; }
static item triple_of(const item *a, const item *b, const item *c)
{
    return (item){ a->key, (a->value + b->hops + 3 * c->value) % 16, c->hops % 4 };
}

static void pair(const item *a, const item *b, weir_out(item) out)
{
    item_emit(out, pair_of(a, b));
}
WEIR_JOIN(pair, item, item, item)
static void either(const item *a, const item *b, weir_out(item) out)
{
    item_emit(out, !b ? left_alone(a) : !a ? right_alone(b) : pair_of(a, b));
}
WEIR_OUTER_JOIN(either, item, item, item)
static void newest(const item *a, const item *b, weir_out(item) out)
{
    item_emit(out, b ? pair_of(a, b) : left_alone(a));
}
WEIR_ASOF_JOIN(newest, item, item, item)
static void three(const item *a, const item *b, const item *c, weir_out(item) out)
{
    item_emit(out, triple_of(a, b, c));
}
WEIR_DELTA_JOIN3(three, item, item, item, item)

/* ---- which pairs ---- */

/* The second side's key. */
static uint64_t other_key(const sim_op *op, const item *b)
{
    return op->a % 3 == 0 ? b->value : b->key;
}

static weir_port *build_join(const sim_op *op, weir_port *const *in)
{
    weir_stream(item) a = ITEMS(in[0]), b = ITEMS(in[1]);
    return op->a % 3 == 0 ? weir_join(a, WEIR_KEY(item, key), b, WEIR_KEY(item, value), pair).port
                          : weir_join(a, WEIR_KEY(item, key), b, WEIR_KEY(item, key), pair).port;
}

static void join(const sim_at *at, sim_bag *out)
{
    const sim_bag *a = sim_at_input(at, 0, NULL), *b = sim_at_input(at, 1, NULL);
    for (size_t i = 0; i < a->count; i++)
        for (size_t k = 0; k < b->count; k++)
            if (a->items[i].record.key == other_key(at->op, &b->items[k].record))
                sim_bag_add(out, pair_of(&a->items[i].record, &b->items[k].record),
                            a->items[i].count * b->items[k].count);
}

static bool has(const sim_bag *b, const sim_op *op, uint64_t key)
{
    int64_t count = 0;
    for (size_t k = 0; k < b->count; k++)
        if (other_key(op, &b->items[k].record) == key)
            count += b->items[k].count;
    return count > 0;
}

static weir_port *build_semijoin(const sim_op *op, weir_port *const *in)
{
    weir_stream(item) a = ITEMS(in[0]), b = ITEMS(in[1]);
    return op->a % 3 == 0
               ? weir_semijoin(a, WEIR_KEY(item, key), b, WEIR_KEY(item, value)).port
               : weir_semijoin(a, WEIR_KEY(item, key), b, WEIR_KEY(item, key)).port;
}

static weir_port *build_antijoin(const sim_op *op, weir_port *const *in)
{
    weir_stream(item) a = ITEMS(in[0]), b = ITEMS(in[1]);
    return op->a % 3 == 0
               ? weir_antijoin(a, WEIR_KEY(item, key), b, WEIR_KEY(item, value)).port
               : weir_antijoin(a, WEIR_KEY(item, key), b, WEIR_KEY(item, key)).port;
}

static void choose(const sim_at *at, sim_bag *out, bool wanted)
{
    const sim_bag *a = sim_at_input(at, 0, NULL), *b = sim_at_input(at, 1, NULL);
    for (size_t i = 0; i < a->count; i++)
        if (has(b, at->op, a->items[i].record.key) == wanted)
            sim_bag_add(out, a->items[i].record, a->items[i].count);
}

static void semijoin(const sim_at *at, sim_bag *out) { choose(at, out, true); }
static void antijoin(const sim_at *at, sim_bag *out) { choose(at, out, false); }

enum { LEFT, RIGHT, FULL };

static weir_port *build_outer(const sim_op *op, weir_port *const *in)
{
    weir_stream(item) a = ITEMS(in[0]), b = ITEMS(in[1]);
    unsigned kept = op->a % 3;
    return kept == LEFT
               ? weir_left_join(a, WEIR_KEY(item, key), b, WEIR_KEY(item, key), either).port
           : kept == RIGHT
               ? weir_right_join(a, WEIR_KEY(item, key), b, WEIR_KEY(item, key), either).port
               : weir_full_join(a, WEIR_KEY(item, key), b, WEIR_KEY(item, key), either).port;
}

static void outer(const sim_at *at, sim_bag *out)
{
    const sim_bag *a = sim_at_input(at, 0, NULL), *b = sim_at_input(at, 1, NULL);
    sim_op by_key = { .a = 1 };
    for (size_t i = 0; i < a->count; i++) {
        const sim_count *c = &a->items[i];
        for (size_t k = 0; k < b->count; k++)
            if (c->record.key == b->items[k].record.key)
                sim_bag_add(out, pair_of(&c->record, &b->items[k].record),
                            c->count * b->items[k].count);
        if (at->op->a % 3 != RIGHT && !has(b, &by_key, c->record.key))
            sim_bag_add(out, left_alone(&c->record), c->count);
    }
    for (size_t k = 0; k < b->count; k++)
        if (at->op->a % 3 != LEFT && !has(a, &by_key, b->items[k].record.key))
            sim_bag_add(out, right_alone(&b->items[k].record), b->items[k].count);
}

static weir_port *build_delta(const sim_op *op, weir_port *const *in)
{
    weir_stream(item) a = ITEMS(in[0]), b = ITEMS(in[1]), c = ITEMS(in[2]);
    return op->a % 2 ? weir_delta_join3(a, b, c, three, WEIR_ON(1, key, 2, key),
                                        WEIR_ON(2, value, 3, key), WEIR_ON(3, hops, 1, hops)).port
                     : weir_delta_join3(a, b, c, three, WEIR_ON(1, key, 2, key),
                                        WEIR_ON(2, value, 3, key), WEIR_ON(3, hops, 1, hops),
                                        WEIR_CHAIN(1, 3, 2), WEIR_CHAIN(2, 3, 1),
                                        WEIR_CHAIN(3, 2, 1)).port;
}

static void delta(const sim_at *at, sim_bag *out)
{
    const sim_bag *in[3];
    for (unsigned i = 0; i < 3; i++)
        in[i] = sim_at_input(at, i, NULL);
    for (size_t i = 0; i < in[0]->count; i++)
        for (size_t k = 0; k < in[1]->count; k++)
            for (size_t n = 0; n < in[2]->count; n++) {
                const sim_count *a = &in[0]->items[i], *b = &in[1]->items[k],
                                *c = &in[2]->items[n];
                if (a->record.key == b->record.key && b->record.value == c->record.key &&
                    c->record.hops == a->record.hops)
                    sim_bag_add(out, triple_of(&a->record, &b->record, &c->record),
                                a->count * b->count * c->count);
            }
}

static weir_port *build_asof(const sim_op *op, weir_port *const *in)
{
    (void)op;
    return weir_asof_join(ITEMS(in[0]), WEIR_KEY(item, key), value, ITEMS(in[1]),
                          WEIR_KEY(item, key), value, newest).port;
}

static void asof(const sim_at *at, sim_bag *out)
{
    const sim_bag *a = sim_at_input(at, 0, NULL), *b = sim_at_input(at, 1, NULL);
    for (size_t i = 0; i < a->count; i++) {
        const item *is = &a->items[i].record, *best = NULL;
        for (size_t k = 0; k < b->count; k++) { /* in the order of values, then of hops */
            const item *other = &b->items[k].record;
            if (other->key == is->key && other->value <= is->value && b->items[k].count > 0)
                best = other;
        }
        sim_bag_add(out, best ? pair_of(is, best) : left_alone(is), a->items[i].count);
    }
}

static weir_port *build_interval(const sim_op *op, weir_port *const *in)
{
    (void)op;
    return weir_interval_join(ITEMS(in[0]), WEIR_KEY(item, key), value, ITEMS(in[1]),
                              WEIR_KEY(item, key), value, pair, .low = -1, .high = 2).port;
}

static void interval(const sim_at *at, sim_bag *out)
{
    const sim_bag *a = sim_at_input(at, 0, NULL), *b = sim_at_input(at, 1, NULL);
    for (size_t i = 0; i < a->count; i++)
        for (size_t k = 0; k < b->count; k++) {
            const item *is = &a->items[i].record, *other = &b->items[k].record;
            if (is->key == other->key && other->value + 1 >= is->value &&
                other->value <= is->value + 2)
                sim_bag_add(out, pair_of(is, other), a->items[i].count * b->items[k].count);
        }
}

const sim_form sim_forms_joins[] = {
    { "join", 2, 1, 0, 0, 10, build_join, join, NULL },
    { "semijoin", 2, 1, 0, 0, 4, build_semijoin, semijoin, NULL },
    { "antijoin", 2, 1, 0, 0, 4, build_antijoin, antijoin, NULL },
    { "outer join", 2, 1, 0, 0, 4, build_outer, outer, NULL },
    { "delta_join", 3, 1, 0, 0, 4, build_delta, delta, NULL },
    { "asof_join", 2, 1, 0, 0, 4, build_asof, asof, NULL },
    { "interval_join", 2, 1, 0, 0, 4, build_interval, interval, NULL },
    { NULL, 0, 0, 0, 0, 0, NULL, NULL, NULL }
};

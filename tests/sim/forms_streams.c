/* SPDX-License-Identifier: Apache-2.0
 *
 * Forms that divide streams and hand parts of them on, those that keep states of plain streams, and
 * joins and reductions in their other forms.
 */
#include <string.h>

#include <weir/weir.h>

#include "forms.h"

#define ITEMS(port_) ((weir_stream(item)){ .port = (port_) })

static void each(const sim_at *at, sim_bag *out, void (*fn)(const item *i, int64_t n, sim_bag *out))
{
    const sim_bag *in = sim_at_input(at, 0, NULL);
    for (size_t k = 0; k < in->count; k++)
        fn(&in->items[k].record, in->items[k].count, out);
}

/* ---- what divides ---- */

static item marked(const item *i)
{
    return (item){ i->key, (i->value + 1) % 8, (i->hops + 1) % 4 };
}
WEIR_MAP(marked, item, item)
static bool is_even(const item *i) { return i->value % 2 == 0; }
WEIR_FILTER(is_even, item)
static uint64_t by_hops(const item *i) { return i->hops; }
WEIR_ROUTE(by_hops, item)

/* One part is marked, so that it shows which one a record was in. */
static weir_port *build_branch(const sim_op *op, weir_port *const *in)
{
    weir_stream(item) yes, no;
    (void)op;
    weir_branch(ITEMS(in[0]), is_even, &yes, &no);
    return weir_concat(weir_map(yes, marked), no).port;
}

static void branch_one(const item *i, int64_t n, sim_bag *out)
{
    sim_bag_add(out, is_even(i) ? marked(i) : *i, n);
}
static void branch(const sim_at *at, sim_bag *out) { each(at, out, branch_one); }

static weir_port *build_partition(const sim_op *op, weir_port *const *in)
{
    weir_stream(item) part[3];
    (void)op;
    weir_partition(ITEMS(in[0]), by_hops, part, 3);
    return weir_concat(weir_map(part[0], marked), part[2]).port;
}

static void partition_one(const item *i, int64_t n, sim_bag *out)
{
    if (i->hops % 3 != 1)
        sim_bag_add(out, i->hops % 3 == 0 ? marked(i) : *i, n);
}
static void partition(const sim_at *at, sim_bag *out) { each(at, out, partition_one); }

#define WRONG(F) F(u64, why) F(u64, key)
WEIR_RECORD(wrong, WRONG)

static bool check(const item *i, item *result, wrong *bad)
{
    if (is_even(i))
        *result = marked(i);
    else
        *bad = (wrong){ i->value, i->key };
    return is_even(i);
}
WEIR_TRY(check, item, item, wrong)
static item of_wrong(const wrong *bad) { return (item){ bad->key, bad->why, 3 }; }
WEIR_MAP(of_wrong, wrong, item)

static weir_port *build_try(const sim_op *op, weir_port *const *in)
{
    weir_stream(item) right;
    weir_stream(wrong) bad;
    (void)op;
    weir_try(ITEMS(in[0]), check, &right, &bad);
    return weir_concat(right, weir_map(bad, of_wrong)).port;
}

static void try_one(const item *i, int64_t n, sim_bag *out)
{
    sim_bag_add(out, is_even(i) ? marked(i) : (item){ i->key, i->value, 3 }, n);
}
static void try(const sim_at *at, sim_bag *out) { each(at, out, try_one); }

static bool in_odd_epochs(weir_time now) { return now.at[0] % 2; }

static weir_port *build_when(const sim_op *op, weir_port *const *in)
{
    weir_stream(item) odd, others;
    (void)op;
    weir_branch_when(ITEMS(in[0]), in_odd_epochs, &odd, &others);
    return weir_concat(odd, weir_map(others, marked)).port;
}

/* What each epoch has changed. */
static void when(const sim_at *at, sim_bag *out)
{
    for (weir_time time = at->time;; time.at[0]--) {
        weir_time before = time;
        before.at[0]--;
        const sim_bag *now = sim_at_input(at, 0, &time);
        for (size_t k = 0; k < now->count; k++)
            sim_bag_add(out, time.at[0] % 2 ? now->items[k].record : marked(&now->items[k].record),
                        now->items[k].count);
        if (time.at[0] == 0)
            break;
        const sim_bag *then = sim_at_input(at, 0, &before);
        for (size_t k = 0; k < then->count; k++)
            sim_bag_add(out,
                        time.at[0] % 2 ? then->items[k].record : marked(&then->items[k].record),
                        -then->items[k].count);
    }
}

typedef struct place {
    uint64_t next;
} place;

static bool one_by_one(const item *i, place *at, weir_out(item) out)
{
    item_emit(out, (item){ i->key, i->value, at->next });
    return ++at->next <= i->hops;
}
WEIR_FLAT_MAP_RESUMABLE(one_by_one, item, place, item)

static void look(const item *i) { (void)i; }
WEIR_INSPECT(look, item)

static weir_port *build_resumable(const sim_op *op, weir_port *const *in)
{
    (void)op;
    return weir_inspect(weir_flat_map_resumable(ITEMS(in[0]), one_by_one), look).port;
}

static void resumable_one(const item *i, int64_t n, sim_bag *out)
{
    for (uint64_t hops = 0; hops <= i->hops; hops++)
        sim_bag_add(out, (item){ i->key, i->value, hops }, n);
}
static void resumable(const sim_at *at, sim_bag *out) { each(at, out, resumable_one); }

/* ---- states of plain streams: what they send is made a collection ---- */

#define STATE(F) F(u64, seen) F(u64, sum)
WEIR_RECORD(state, STATE)

static void fold(const item *i, state *s)
{
    s->seen++;
    s->sum += i->value + 1;
}
static item folded(const item *key, const state *s)
{
    return (item){ key->key, (5 * s->sum + s->seen) % 16, 1 };
}
WEIR_AGGREGATE(fold, folded, item, state, item)

static weir_port *build_aggregate(const sim_op *op, weir_port *const *in)
{
    (void)op;
    return weir_as_collection(weir_aggregate(ITEMS(in[0]), WEIR_KEY(item, key), fold)).port;
}

static void aggregate(const sim_at *at, sim_bag *out)
{
    const sim_record *r, *other;
    for (size_t i = 0; (r = sim_at_sent(at, &i));) {
        state s = { 0, 0 };
        bool is_first = true;
        for (size_t k = 0; (other = sim_at_sent(at, &k));)
            if (other->record.key == r->record.key && other->time.at[0] == r->time.at[0]) {
                is_first &= s.seen > 0 || other == r;
                fold(&other->record, &s);
            }
        sim_bag_add(out, folded(&r->record, &s), is_first);
    }
}

/* Of what came before, in order. */
static void chain(const item *i, state *s, weir_timers *timers, weir_out(item) out)
{
    (void)timers;
    s->sum = (3 * s->sum + i->value + i->hops) % 16;
    item_emit(out, (item){ i->key, s->sum, i->hops });
}
WEIR_PROCESS_UNTIMED(chain, item, state, item)

static weir_port *build_process(const sim_op *op, weir_port *const *in)
{
    (void)op;
    return weir_as_collection(weir_process(ITEMS(in[0]), WEIR_KEY(item, key), chain,
                                           .order = WEIR_DESC(item, value))).port;
}

/* By epoch, value downwards, then by all fields. */
static bool is_before(const sim_record *a, const sim_record *b)
{
    if (a->time.at[0] != b->time.at[0])
        return a->time.at[0] < b->time.at[0];
    if (a->record.value != b->record.value)
        return a->record.value > b->record.value;
    return a->record.hops != b->record.hops ? a->record.hops < b->record.hops : a < b;
}

static void process(const sim_at *at, sim_bag *out)
{
    const sim_record *r, *next, *last;
    for (uint64_t key = 0; key < 16; key++) {
        uint64_t sum = 0;
        for (last = NULL;; last = next) {
            next = NULL;
            for (size_t i = 0; (r = sim_at_sent(at, &i));)
                if (r->record.key == key && (!last || is_before(last, r)) &&
                    (!next || is_before(r, next)))
                    next = r;
            if (!next)
                break;
            sum = (3 * sum + next->record.value + next->record.hops) % 16;
            sim_bag_add(out, (item){ key, sum, next->record.hops }, 1);
        }
    }
}

/* Whenever three have come, in whichever order. */
static bool third(const item *i, state *s, weir_out(item) out)
{
    if (++s->seen < 3)
        return false;
    item_emit(out, (item){ i->key, 7, 0 });
    return true;
}
WEIR_STATE_MACHINE(third, item, state, item)

static weir_port *build_machine(const sim_op *op, weir_port *const *in)
{
    (void)op;
    return weir_as_collection(weir_state_machine(ITEMS(in[0]), WEIR_KEY(item, key), third)).port;
}

static void machine(const sim_at *at, sim_bag *out)
{
    const sim_record *r;
    int64_t seen[16] = { 0 };
    for (size_t i = 0; (r = sim_at_sent(at, &i));)
        seen[r->record.key]++;
    for (uint64_t key = 0; key < 16; key++)
        sim_bag_add(out, (item){ key, 7, 0 }, seen[key] / 3);
}

/* ---- views: read at any moment (shown.c) ---- */

static weir_port *build_view(const sim_op *op, weir_port *const *in)
{
    weir_stream(item) s = ITEMS(in[0]);
    char name[40];
    sim_view_name(op, name, sizeof name);
    if (op->a % 3 == 0)
        weir_view(s, name, WEIR_KEY(item, value, hops));
    else if (op->a % 3 == 1)
        weir_view(s, name, WEIR_KEY(item, key), .no_retention = true);
    else
        weir_view(s, name, WEIR_KEY(item, key), .retention_ms = 1);
    return NULL;
}

/* ---- other forms ---- */

static void first_there(const item *key, weir_group(item) group, weir_out(item) out)
{
    const item *first = weir_group_first(group);
    if (first)
        item_emit(out, (item){ key->key, first->value, first->hops });
}
WEIR_REDUCE(first_there, item, item)

static weir_port *build_first(const sim_op *op, weir_port *const *in)
{
    return weir_reduce(ITEMS(in[0]), WEIR_KEY(item, key), first_there, .first = 1,
                       .order = WEIR_DESC(item, value), .ahead = op->b % 2).port;
}

static void first(const sim_op *op, const sim_of_key *of, sim_bag *out)
{
    const item *best = NULL;
    (void)op;
    for (size_t i = 0; i < of->count; i++) /* by value, then by hops */
        if (of->items[i].count > 0 && (!best || of->items[i].record.value > best->value))
            best = &of->items[i].record;
    if (best)
        sim_bag_add(out, *best, 1);
}

static item four_of(const item *a, const item *b, const item *c, const item *d)
{
    return (item){ a->key, (a->value + b->hops + 3 * c->value + d->hops) % 16, c->hops % 4 };
}
static void four(const item *a, const item *b, const item *c, const item *d, weir_out(item) out)
{
    item_emit(out, four_of(a, b, c, d));
}
WEIR_DELTA_JOIN4(four, item, item, item, item, item)

/* The first one twice. */
static weir_port *build_four(const sim_op *op, weir_port *const *in)
{
    weir_stream(item) a = ITEMS(in[0]), b = ITEMS(in[1]), c = ITEMS(in[2]);
    (void)op;
    return weir_delta_join4(a, b, c, a, four, WEIR_ON(1, key, 2, key), WEIR_ON(2, value, 3, key),
                            WEIR_ON(3, value, 4, value), WEIR_ON(4, hops, 1, hops),
                            WEIR_ON(4, key, 1, key)).port;
}

static void four_at(const sim_at *at, sim_bag *out)
{
    const sim_bag *in[3];
    for (unsigned i = 0; i < 3; i++)
        in[i] = sim_at_input(at, i, NULL);
    for (size_t i = 0; i < in[0]->count; i++)
        for (size_t k = 0; k < in[1]->count; k++)
            for (size_t n = 0; n < in[2]->count; n++) {
                const sim_count *a = &in[0]->items[i], *b = &in[1]->items[k],
                                *c = &in[2]->items[n];
                if (a->record.key != b->record.key || b->record.value != c->record.key)
                    continue;
                for (size_t m = 0; m < in[0]->count; m++) {
                    const sim_count *d = &in[0]->items[m];
                    if (c->record.value == d->record.value && d->record.hops == a->record.hops &&
                        d->record.key == a->record.key)
                        sim_bag_add(out, four_of(&a->record, &b->record, &c->record, &d->record),
                                    a->count * b->count * c->count * d->count);
                }
            }
}

const sim_form sim_forms_streams[] = {
    { "branch", 1, 1, 0, 0, 3, build_branch, branch, NULL },
    { "partition", 1, 1, 0, 0, 3, build_partition, partition, NULL },
    { "try", 1, 1, 0, 0, 2, build_try, try, NULL },
    { "branch_when", 1, 1, SIM_NEGATES, 0, 2, build_when, when, NULL },
    { "flat_map_resumable", 1, 1, 0, 0, 3, build_resumable, resumable, NULL },
    { "aggregate", 1, 1, SIM_OUTSIDE | SIM_OF_SOURCE | SIM_CLEAN, 0, 0, build_aggregate, aggregate,
      NULL },
    { "process", 1, 1, SIM_OUTSIDE | SIM_OF_SOURCE | SIM_CLEAN, 0, 0, build_process, process,
      NULL },
    { "state_machine", 1, 1, SIM_OUTSIDE | SIM_OF_SOURCE | SIM_CLEAN, 0, 0, build_machine, machine,
      NULL },
    { "view", 1, 0, SIM_OUTSIDE, 0, 8, build_view, sim_nothing, NULL },
    { "reduce first", 1, 1, SIM_CLEAN, 0, 4, build_first, NULL, first },
    { "delta_join4", 3, 1, 0, 0, 3, build_four, four_at, NULL },
    { NULL, 0, 0, 0, 0, 0, NULL, NULL, NULL }
};

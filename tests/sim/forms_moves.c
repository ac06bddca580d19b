/* SPDX-License-Identifier: Apache-2.0
 *
 * Forms that hand records on: stages, what sums, what indexes, what moves records in time; what
 * makes collections of plain streams.
 */
#include <weir/weir.h>

#include "forms.h"

#define ITEMS(port_) ((weir_stream(item)){ .port = (port_) })

/* ---- stages ---- */

static item moved(const item *i)
{
    return (item){ (i->key + i->value) % 5, (i->value * 3 + 1) % 8, i->hops };
}
WEIR_MAP(moved, item, item)
static bool is_chosen(const item *i) { return (i->value + i->hops) % 4 != 0; }
WEIR_FILTER(is_chosen, item)
static void doubled(const item *i, weir_out(item) out)
{
    item_emit(out, *i);
    if (i->value % 2)
        item_emit(out, (item){ i->key, i->value - 1, (i->hops + 1) % 3 });
}
WEIR_FLAT_MAP(doubled, item, item)
static void exploded(const item *i, weir_out(item) out)
{
    item_emit_n(out, (item){ i->key, (i->value + 1) % 8, i->hops }, (int64_t)i->hops);
    item_emit_n(out, *i, 2);
}
WEIR_EXPLODE(exploded, item, item)

static weir_port *build_stage(const sim_op *op, weir_port *const *in)
{
    weir_stream(item) s = ITEMS(in[0]);
    return op->a % 3 == 0   ? weir_map(s, moved).port
           : op->a % 3 == 1 ? weir_filter(s, is_chosen).port
                            : weir_flat_map(s, doubled).port;
}

static void stage(const sim_at *at, sim_bag *out)
{
    const sim_bag *in = sim_at_input(at, 0, NULL);
    for (size_t k = 0; k < in->count; k++) {
        item i = in->items[k].record;
        int64_t n = in->items[k].count;
        if (at->op->a % 3 == 0)
            sim_bag_add(out, (item){ (i.key + i.value) % 5, (i.value * 3 + 1) % 8, i.hops }, n);
        else if (at->op->a % 3 == 2 || (i.value + i.hops) % 4 != 0)
            sim_bag_add(out, i, n);
        if (at->op->a % 3 == 2 && i.value % 2)
            sim_bag_add(out, (item){ i.key, i.value - 1, (i.hops + 1) % 3 }, n);
    }
}

static weir_port *build_explode(const sim_op *op, weir_port *const *in)
{
    (void)op;
    return weir_explode(ITEMS(in[0]), exploded).port;
}

static void explode(const sim_at *at, sim_bag *out)
{
    const sim_bag *in = sim_at_input(at, 0, NULL);
    for (size_t k = 0; k < in->count; k++) {
        item i = in->items[k].record;
        sim_bag_add(out, i, 2 * in->items[k].count);
        i.value = (i.value + 1) % 8;
        sim_bag_add(out, i, (int64_t)i.hops * in->items[k].count);
    }
}

static weir_port *build_negate(const sim_op *op, weir_port *const *in)
{
    (void)op;
    return weir_negate(ITEMS(in[0])).port;
}

static void scale(const sim_at *at, sim_bag *out, int64_t by)
{
    const sim_bag *in = sim_at_input(at, 0, NULL);
    for (size_t k = 0; k < in->count; k++)
        sim_bag_add(out, in->items[k].record, by * in->items[k].count);
}

static void negate(const sim_at *at, sim_bag *out) { scale(at, out, -1); }
static void same(const sim_at *at, sim_bag *out) { scale(at, out, 1); }

/* ---- what sums and what indexes ---- */

static weir_port *build_consolidate(const sim_op *op, weir_port *const *in)
{
    weir_stream(item) s = ITEMS(in[0]);
    return op->a % 2 ? weir_consolidate(s).port
                     : weir_consolidate_by(s, WEIR_KEY(item, value)).port;
}

static weir_port *build_arranged(const sim_op *op, weir_port *const *in)
{
    weir_stream(item) s = ITEMS(in[0]);
    weir_arranged(item) a = op->a % 3 == 0 ? weir_arrange(s, WEIR_KEY(item, key))
                            : op->a % 3 == 1
                                ? weir_arrange(s, WEIR_KEY(item, key),
                                               .order = WEIR_DESC(item, hops, value))
                                : weir_arrange_by_self(s);
    return weir_arranged_collection(a).port;
}

/* Arranged in a region, from which the arrangement leaves. */
static weir_port *build_region(const sim_op *op, weir_port *const *in)
{
    (void)op;
    if (!in[0])
        return NULL;
    weir_scope *region = weir_region_add(weir_port_graph(in[0]), weir_port_scope(in[0]), "region");
    weir_stream(item) inside = weir_negate(weir_enter(ITEMS(in[0]), region));
    weir_arranged(item) left = weir_arranged_leave(weir_arrange(inside, WEIR_KEY(item, key)));
    return weir_negate(weir_arranged_collection(left)).port;
}

/* ---- what moves in time ---- */

static weir_port *build_epochs(const sim_op *op, weir_port *const *in)
{
    weir_stream(item) s = ITEMS(in[0]);
    return op->a % 2 ? weir_temporal_filter(s, .from = "hops", .until = "value").port
                     : weir_temporal_filter(s, .until = "key").port;
}

static void epochs(const sim_at *at, sim_bag *out)
{
    const sim_bag *in = sim_at_input(at, 0, NULL);
    for (size_t k = 0; k < in->count; k++) {
        const item *i = &in->items[k].record;
        uint64_t from = at->op->a % 2 ? i->hops : 0, until = at->op->a % 2 ? i->value : i->key;
        if (from <= at->time.at[0] && at->time.at[0] < until)
            sim_bag_add(out, *i, in->items[k].count);
    }
}

static weir_time by_hops(const item *i, weir_time now)
{
    now.at[0] += i->hops % 2;
    return now;
}
WEIR_DELAY(by_hops, item)
static weir_time by_value_inside(const item *i, weir_time now)
{
    now.at[1] += i->value % 2;
    return now;
}
WEIR_DELAY(by_value_inside, item)
static weir_time to_even(weir_time now)
{
    now.at[0] += now.at[0] % 2;
    return now;
}

enum { BY_HOPS, TO_EVEN, INSIDE };

static unsigned delay_of(const sim_op *op, unsigned depth)
{
    return depth > 1 && op->a % 3 == INSIDE ? INSIDE : op->a % 2 ? BY_HOPS : TO_EVEN;
}

static weir_port *build_delay(const sim_op *op, weir_port *const *in)
{
    weir_stream(item) s = ITEMS(in[0]);
    unsigned delay = delay_of(op, in[0] ? weir_port_depth(in[0]) : 1);
    return delay == INSIDE    ? weir_delay(s, by_value_inside).port
           : delay == BY_HOPS ? weir_delay(s, by_hops).port
                              : weir_delay_batch(s, to_even).port;
}

/* By how much a record is late, the time before it has been by as much. */
static void delay(const sim_at *at, sim_bag *out)
{
    unsigned how = delay_of(at->op, at->depth), moved_at = how == INSIDE;
    for (uint64_t by = 0; by < 3 && by <= at->time.at[moved_at]; by++) {
        weir_time before = at->time;
        before.at[moved_at] -= how == TO_EVEN ? before.at[0] % 2 : by;
        const sim_bag *in = sim_at_input(at, 0, &before);
        for (size_t k = 0; k < in->count; k++) {
            const item *i = &in->items[k].record;
            uint64_t late = how == TO_EVEN ? 0 : how == INSIDE ? i->value % 2 : i->hops % 2;
            sim_bag_add(out, *i, late == by ? in->items[k].count : 0);
        }
    }
}

/* ---- of sources ---- */

#define LEASE(F) F(u64, key) F(u64, value) F(u64, hops) F(instant, begins) F(instant, ends)
WEIR_RECORD(lease, LEASE)

enum { MS = 1000, LATE_MS = 2 };

static int64_t begins_us(const item *i) { return (int64_t)i->value * MS; }
static int64_t ends_us(const item *i) { return (int64_t)(i->value + 1 + 2 * i->hops) * MS; }

static lease to_lease(const item *i)
{
    return (lease){ i->key, i->value, i->hops, { begins_us(i) }, { ends_us(i) } };
}
WEIR_MAP(to_lease, item, lease)
static item from_lease(const lease *l) { return (item){ l->key, l->value, l->hops }; }
WEIR_MAP(from_lease, lease, item)

static weir_port *build_instants(const sim_op *op, weir_port *const *in)
{
    (void)op;
    weir_stream(lease) s = weir_map(ITEMS(in[0]), to_lease);
    return weir_map(weir_temporal_filter(s, .from = "begins", .until = "ends",
                                         .lateness_ms = LATE_MS), from_lease).port;
}

/* Time has come as far as the greatest instant that was sent, less what may be late. */
static void instants(const sim_at *at, sim_bag *out)
{
    int64_t now = INT64_MIN;
    const sim_record *r;
    for (size_t i = 0; (r = sim_at_sent(at, &i));)
        if (begins_us(&r->record) - LATE_MS * MS > now)
            now = begins_us(&r->record) - LATE_MS * MS;
    for (size_t i = 0; (r = sim_at_sent(at, &i));)
        if (begins_us(&r->record) <= now && ends_us(&r->record) > now)
            sim_bag_add(out, r->record, r->count);
}

static bool newest(const item *i, item *result)
{
    *result = *i;
    return i->hops != 0;
}
WEIR_UPSERT(newest, item, item)

static weir_port *build_upsert(const sim_op *op, weir_port *const *in)
{
    (void)op;
    return weir_upsert(ITEMS(in[0]), WEIR_KEY(item, key), newest,
                       .order = WEIR_ASC(item, value)).port;
}

static bool is_newer(const sim_record *a, const sim_record *b, bool by_epoch)
{
    if (by_epoch && a->time.at[0] != b->time.at[0])
        return a->time.at[0] > b->time.at[0];
    if (a->record.value != b->record.value)
        return a->record.value > b->record.value;
    return a->record.hops < b->record.hops;
}

static void newest_of(const sim_at *at, sim_bag *out, bool by_epoch)
{
    const sim_record *r, *other;
    for (size_t i = 0; (r = sim_at_sent(at, &i));) {
        bool counts = r->record.hops != 0;
        for (size_t k = 0; (other = sim_at_sent(at, &k));)
            counts &= other->record.key != r->record.key || !is_newer(other, r, by_epoch);
        if (counts) /* sent twice it counts once */
            sim_bag_add(out, r->record, 1);
    }
    sim_bag_settle(out);
    for (size_t i = 0; i < out->count; i++)
        out->items[i].count = 1;
}

static void upsert(const sim_at *at, sim_bag *out) { newest_of(at, out, true); }
static void upsert_inside(const sim_at *at, sim_bag *out) { newest_of(at, out, false); }

/* In a scope of its own, where the order alone says which record counts. */
static weir_port *build_upsert_inside(const sim_op *op, weir_port *const *in)
{
    (void)op;
    if (!in[0])
        return NULL;
    weir_scope *scope = weir_scope_add(weir_port_graph(in[0]), weir_port_scope(in[0]), "newest");
    return weir_leave(weir_upsert(weir_enter(ITEMS(in[0]), scope), WEIR_KEY(item, key), newest,
                                  .order = WEIR_ASC(item, value))).port;
}

static weir_port *build_declared(const sim_op *op, weir_port *const *in)
{
    (void)op;
    return weir_as_collection(ITEMS(in[0])).port;
}

const sim_form sim_forms_moves[] = {
    { "stage", 1, 1, 0, 0, 8, build_stage, stage, NULL },
    { "explode", 1, 1, 0, 0, 3, build_explode, explode, NULL },
    { "negate", 1, 1, SIM_NEGATES, 0, 3, build_negate, negate, NULL },
    { "consolidate", 1, 1, 0, 0, 4, build_consolidate, same, NULL },
    { "arranged", 1, 1, 0, 0, 5, build_arranged, same, NULL },
    { "arranged_leave", 1, 1, 0, 0, 2, build_region, same, NULL },
    { "temporal_filter", 1, 1, 0, 0, 4, build_epochs, epochs, NULL },
    { "delay", 1, 1, 0, 0, 4, build_delay, delay, NULL },
    { "temporal_filter by instants", 1, 1, SIM_OUTSIDE | SIM_OF_SOURCE | SIM_PLAIN_TOO, 0, 0,
      build_instants, instants, NULL },
    { "upsert", 1, 1, SIM_OUTSIDE | SIM_OF_SOURCE | SIM_PLAIN_TOO | SIM_CLEAN, 0, 0, build_upsert,
      upsert, NULL },
    { "upsert in a scope", 1, 1, SIM_OUTSIDE | SIM_OF_SOURCE | SIM_PLAIN_TOO | SIM_CLEAN, 0, 0,
      build_upsert_inside, upsert_inside, NULL },
    { "as_collection", 1, 1, SIM_OUTSIDE | SIM_OF_SOURCE | SIM_PLAIN_TOO, 0, 0, build_declared,
      same, NULL },
    { NULL, 0, 0, 0, 0, 0, NULL, NULL, NULL }
};

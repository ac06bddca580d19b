/* SPDX-License-Identifier: Apache-2.0
 *
 * Forms that say how often a record is there, and what has to hold of collections: a run in which
 * it does not ends.
 */
#include <weir/weir.h>

#include "forms.h"

#define ITEMS(port_) ((weir_stream(item)){ .port = (port_) })

static int64_t by_thirds(const item *i, int64_t count)
{
    (void)i;
    return (count % 3 + 3) % 3;
}
WEIR_THRESHOLD(by_thirds, item)
static int64_t once(const item *i, int64_t count)
{
    (void)i;
    return count > 0;
}
WEIR_THRESHOLD(once, item)

static weir_port *build_distinct(const sim_op *op, weir_port *const *in)
{
    (void)op;
    return weir_distinct(ITEMS(in[0])).port;
}

static void distinct(const sim_at *at, sim_bag *out)
{
    const sim_bag *in = sim_at_input(at, 0, NULL);
    for (size_t k = 0; k < in->count; k++)
        sim_bag_add(out, in->items[k].record, in->items[k].count > 0);
}

static weir_port *build_threshold(const sim_op *op, weir_port *const *in)
{
    (void)op;
    return weir_threshold(ITEMS(in[0]), by_thirds).port;
}

static void threshold(const sim_at *at, sim_bag *out)
{
    const sim_bag *in = sim_at_input(at, 0, NULL);
    for (size_t k = 0; k < in->count; k++)
        sim_bag_add(out, in->items[k].record, (in->items[k].count % 3 + 3) % 3);
}

/* ---- a number of each record ---- */

#define NUMBERED_ITEM(F) F(u64, key) F(u64, value) F(u64, hops) F(u64, id)
#define HOW_OFTEN(F) F(u64, id) F(i64, count)
WEIR_RECORD(numbered_item, NUMBERED_ITEM)
WEIR_RECORD(how_often, HOW_OFTEN)

static item without_number(const numbered_item *i) { return (item){ i->key, i->value, i->hops }; }
WEIR_MAP(without_number, numbered_item, item)
static bool is_shared(const how_often *h) { return h->count != 1; }
WEIR_FILTER(is_shared, how_often)

/* No two have one number, at no time. */
static weir_port *build_identifiers(const sim_op *op, weir_port *const *in)
{
    weir_stream(numbered_item) n = weir_identifiers(ITEMS(in[0]), numbered_item);
    (void)op;
    weir_assert_empty(
        weir_filter(weir_count(n, how_often, WEIR_KEY(numbered_item, id)), is_shared));
    return weir_map(n, without_number).port;
}

/* ---- what has to hold ---- */

static void group_once(const item *key, weir_group(item) group, weir_out(item) out)
{
    (void)key;
    for (size_t i = 0; i < group.count; i++)
        if (group.counts[i] > 0)
            item_emit(out, *group.records[i]);
}
WEIR_REDUCE(group_once, item, item)

/* In two ways. */
static weir_port *build_equal(const sim_op *op, weir_port *const *in)
{
    weir_stream(item) s = ITEMS(in[0]);
    if (op->a % 3 == 0)
        weir_assert_equal(weir_distinct(s), weir_threshold(s, once));
    else if (op->a % 3 == 1)
        weir_assert_equal(weir_distinct(s), weir_reduce(s, WEIR_KEY(item, key), group_once));
    else
        weir_assert_equal(s, weir_concat(weir_semijoin(s, WEIR_KEY(item, value), s,
                                                       WEIR_KEY(item, hops)),
                                         weir_antijoin(s, WEIR_KEY(item, value), s,
                                                       WEIR_KEY(item, hops))));
    return NULL;
}

static weir_port *build_empty(const sim_op *op, weir_port *const *in)
{
    weir_stream(item) s = ITEMS(in[0]);
    weir_assert_empty(op->a % 2 ? weir_concat(weir_consolidate(s), weir_negate(s))
                                : weir_antijoin(s, WEIR_KEY(item, key), s, WEIR_KEY(item, key)));
    return NULL;
}

const sim_form sim_forms_sets[] = {
    { "distinct", 1, 1, SIM_CLEAN, 0, 6, build_distinct, distinct, NULL },
    { "threshold", 1, 1, SIM_CLEAN, 0, 3, build_threshold, threshold, NULL },
    { "identifiers", 1, 1, SIM_CLEAN, 1, 2, build_identifiers, distinct, NULL },
    { "assert_equal", 1, 0, 0, 0, 3, build_equal, sim_nothing, NULL },
    { "assert_empty", 1, 0, SIM_WHOLE, 0, 2, build_empty, sim_nothing, NULL },
    { NULL, 0, 0, 0, 0, 0, NULL, NULL, NULL }
};

/* SPDX-License-Identifier: Apache-2.0
 *
 * Queries about orders and their lines: the largest orders that are not shipped yet (3), and how
 * many were late, by priority (4).
 */
#include "queries.h"
#include "values.h"

/* What the lines of an order bring in. */
#define REVENUE(F) F(u64, orderkey) F(i64, amount)
WEIR_RECORD(revenue, REVENUE)

static revenue to_revenue(const lineitem *l)
{
    return (revenue){ l->l_orderkey, tpch_revenue(l->l_extendedprice, l->l_discount) };
}
WEIR_MAP(to_revenue, lineitem, revenue)

/* ---- 3: the ten orders of builders that were worth most and are not shipped on 1995-03-15 ---- */

#define BUILDER(F)   F(u32, custkey)
#define UNSHIPPED(F) F(u64, orderkey) F(u32, custkey) F(date, orderdate) F(i32, shippriority)
#define RANKED(F)                                                                                  \
    F(flag, all) F(u64, orderkey) F(i64, amount) F(date, orderdate) F(i32, shippriority)
#define Q3_ROW(F)                                                                                  \
    F(u64, l_orderkey) F(decimal(4), revenue) F(date, o_orderdate) F(i32, o_shippriority)
WEIR_RECORD(builder, BUILDER)
WEIR_RECORD(unshipped, UNSHIPPED)
WEIR_RECORD(ranked, RANKED)
WEIR_RECORD(q3_row, Q3_ROW)

static bool is_builder(const customer *c) { return tpch_is(&c->c_mktsegment, "BUILDING"); }
static bool was_ordered(const orders *o) { return o->o_orderdate.days < tpch_day(1995, 3, 15); }
static bool is_to_ship(const lineitem *l) { return l->l_shipdate.days > tpch_day(1995, 3, 15); }
WEIR_FILTER(is_builder, customer)
WEIR_FILTER(was_ordered, orders)
WEIR_FILTER(is_to_ship, lineitem)

static builder to_builder(const customer *c) { return (builder){ c->c_custkey }; }
static unshipped to_unshipped(const orders *o)
{
    return (unshipped){ o->o_orderkey, o->o_custkey, o->o_orderdate, o->o_shippriority };
}
WEIR_MAP(to_builder, customer, builder)
WEIR_MAP(to_unshipped, orders, unshipped)

static void of_builder(const unshipped *o, const builder *b, weir_out(unshipped) out)
{
    (void)b;
    unshipped_emit(out, *o);
}
static void with_revenue(const unshipped *o, const revenue *r, weir_out(ranked) out)
{
    ranked_emit(out, (ranked){ true, o->orderkey, r->amount, o->orderdate, o->shippriority });
}
WEIR_JOIN(of_builder, unshipped, builder, unshipped)
WEIR_JOIN(with_revenue, unshipped, revenue, ranked)

static q3_row to_q3_row(const ranked *r)
{
    return (q3_row){ r->orderkey, tpch_decimal(r->amount), r->orderdate, r->shippriority };
}
WEIR_MAP(to_q3_row, ranked, q3_row)

weir_port *tpch_q3(const tpch_tables *t)
{
    weir_stream(builder) builders = weir_map(weir_filter(t->customer, is_builder), to_builder);
    weir_stream(unshipped) ordered = weir_map(weir_filter(t->orders, was_ordered), to_unshipped);
    weir_stream(unshipped) theirs = weir_join(ordered, WEIR_KEY(unshipped, custkey), builders,
                                              WEIR_KEY(builder, custkey), of_builder);
    weir_stream(revenue) lines = weir_map(weir_filter(t->lineitem, is_to_ship), to_revenue);
    weir_stream(revenue) sums = weir_sum(lines, revenue, WEIR_KEY(revenue, orderkey), amount);
    weir_stream(ranked) all = weir_join(theirs, WEIR_KEY(unshipped, orderkey), sums,
                                        WEIR_KEY(revenue, orderkey), with_revenue);
    weir_stream(ranked) top =
        weir_top(all, WEIR_KEY(ranked, all), 10,
                 weir_order_then(WEIR_DESC(ranked, amount), WEIR_ASC(ranked, orderdate)));
    return weir_map(top, to_q3_row).port;
}

/* ---- 4: orders of a quarter of which a line came later than promised, by priority ---- */

#define LATE(F)    F(u64, orderkey)
#define QUARTER(F) F(u64, orderkey) F(str, priority)
#define Q4_ROW(F)  F(str, o_orderpriority) F(i64, order_count)
WEIR_RECORD(late, LATE)
WEIR_RECORD(quarter, QUARTER)
WEIR_RECORD(q4_row, Q4_ROW)

static bool is_of_quarter(const orders *o)
{
    return tpch_within(o->o_orderdate, tpch_day(1993, 7, 1), tpch_day(1993, 10, 1));
}
static bool came_late(const lineitem *l) { return l->l_commitdate.days < l->l_receiptdate.days; }
WEIR_FILTER(is_of_quarter, orders)
WEIR_FILTER(came_late, lineitem)

static quarter to_quarter(const orders *o)
{
    return (quarter){ o->o_orderkey, o->o_orderpriority };
}
static late to_late(const lineitem *l) { return (late){ l->l_orderkey }; }
WEIR_MAP(to_quarter, orders, quarter)
WEIR_MAP(to_late, lineitem, late)

weir_port *tpch_q4(const tpch_tables *t)
{
    weir_stream(quarter) ordered = weir_map(weir_filter(t->orders, is_of_quarter), to_quarter);
    weir_stream(late) lines = weir_map(weir_filter(t->lineitem, came_late), to_late);
    weir_stream(quarter) found =
        weir_semijoin(ordered, WEIR_KEY(quarter, orderkey), lines, WEIR_KEY(late, orderkey));
    return weir_count(found, q4_row, WEIR_KEY(quarter, priority)).port;
}

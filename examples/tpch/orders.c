/* SPDX-License-Identifier: Apache-2.0
 *
 * Queries about orders and their lines: the largest orders that are not shipped yet (3), how many
 * were late, by priority (4) and by how they were sent (12), and those of very many things (18).
 */
#include "queries.h"
#include "values.h"

/* An order, as often as its lines have units of what is to be summed: so what is arranged are keys
 * alone, joins hand the sums on, and a count reads them. */
#define ORDER_UNIT(F) F(u32, orderkey)
WEIR_RECORD(order_unit, ORDER_UNIT)

/* ---- 3: the ten orders of builders that were worth most and are not shipped on 1995-03-15 ---- */

#define CONSTRUCTOR(F) F(u32, custkey)
#define UNSHIPPED(F) F(u32, orderkey) F(u32, custkey) F(date, orderdate) F(i32, shippriority)
#define EARNING(F) F(flag, all) F(u32, orderkey) F(date, orderdate) F(i32, shippriority)
#define RANKED(F) EARNING(F) F(i64, amount)
#define Q3_ROW(F) \
    F(u32, l_orderkey) F(decimal(4), revenue) F(date, o_orderdate) F(i32, o_shippriority)
WEIR_RECORD(constructor, CONSTRUCTOR)
WEIR_RECORD(unshipped, UNSHIPPED)
WEIR_RECORD(earning, EARNING)
WEIR_RECORD(ranked, RANKED)
WEIR_RECORD(q3_row, Q3_ROW)

static bool is_builder(const customer *c)
{
    return tpch_is(&c->c_mktsegment, "BUILDING");
}
static bool was_ordered(const orders *o)
{
    return o->o_orderdate.days < tpch_day(1995, 3, 15);
}
WEIR_FILTER(is_builder, customer)
WEIR_FILTER(was_ordered, orders)

static constructor to_builder(const customer *c)
{
    return (constructor){ c->c_custkey };
}
static unshipped to_unshipped(const orders *o)
{
    return (unshipped){ o->o_orderkey, o->o_custkey, o->o_orderdate, o->o_shippriority };
}
static void revenue_to_ship(const lineitem *l, weir_out(order_unit) out)
{
    if (l->l_shipdate.days > tpch_day(1995, 3, 15))
        order_unit_emit_n(out, (order_unit){ l->l_orderkey },
                          tpch_revenue(l->l_extendedprice, l->l_discount));
}
WEIR_MAP(to_builder, customer, constructor)
WEIR_MAP(to_unshipped, orders, unshipped)
WEIR_FLAT_MAP(revenue_to_ship, lineitem, order_unit)

static void of_builder(const unshipped *o, const constructor *b, weir_out(unshipped) out)
{
    (void)b;
    unshipped_emit(out, *o);
}
static void with_revenue(const unshipped *o, const order_unit *r, weir_out(earning) out)
{
    (void)r;
    earning_emit(out, (earning){ true, o->orderkey, o->orderdate, o->shippriority });
}
WEIR_JOIN(of_builder, unshipped, constructor, unshipped)
WEIR_JOIN(with_revenue, unshipped, order_unit, earning)

static q3_row to_q3_row(const ranked *r)
{
    return (q3_row){ r->orderkey, tpch_decimal(r->amount), r->orderdate, r->shippriority };
}
WEIR_MAP(to_q3_row, ranked, q3_row)

weir_port *tpch_q3(const tpch_tables *t)
{
    weir_stream(constructor) builders = weir_map(weir_filter(t->customer, is_builder), to_builder);
    weir_stream(unshipped) ordered = weir_map(weir_filter(t->orders, was_ordered), to_unshipped);
    weir_stream(unshipped) theirs = weir_join(ordered, WEIR_KEY(unshipped, custkey), builders,
                                              WEIR_KEY(constructor, custkey), of_builder);
    weir_stream(order_unit) lines = weir_flat_map(t->lineitem, revenue_to_ship);
    weir_stream(earning) earned = weir_join(theirs, WEIR_KEY(unshipped, orderkey), lines,
                                            WEIR_KEY(order_unit, orderkey), with_revenue);
    weir_stream(ranked) all =
        weir_count(earned, ranked, WEIR_KEY(earning, all, orderkey, orderdate, shippriority));
    weir_stream(ranked) top =
        weir_top(all, WEIR_KEY(ranked, all), 10,
                 weir_order_then(WEIR_DESC(ranked, amount), WEIR_ASC(ranked, orderdate)));
    return weir_map(top, to_q3_row).port;
}

/* ---- 4: orders of a quarter of which a line came later than promised, by priority ---- */

#define LATE(F) F(u32, orderkey)
#define QUARTER(F) F(u32, orderkey) F(str, priority)
#define Q4_ROW(F) F(str, o_orderpriority) F(i64, order_count)
WEIR_RECORD(late, LATE)
WEIR_RECORD(quarter, QUARTER)
WEIR_RECORD(q4_row, Q4_ROW)

static bool is_of_quarter(const orders *o)
{
    return tpch_within(o->o_orderdate, tpch_day(1993, 7, 1), tpch_day(1993, 10, 1));
}
static bool came_late(const lineitem *l)
{
    return l->l_commitdate.days < l->l_receiptdate.days;
}
WEIR_FILTER(is_of_quarter, orders)

static quarter to_quarter(const orders *o)
{
    return (quarter){ o->o_orderkey, o->o_orderpriority };
}
static void if_late(const lineitem *l, weir_out(late) out)
{
    if (came_late(l))
        late_emit_n(out, (late){ l->l_orderkey }, 1);
}
WEIR_MAP(to_quarter, orders, quarter)
WEIR_FLAT_MAP(if_late, lineitem, late)

static void with_late(const quarter *o, const late *l, weir_out(quarter) out)
{
    (void)l;
    quarter_emit(out, *o);
}
WEIR_JOIN(with_late, quarter, late, quarter)

weir_port *tpch_q4(const tpch_tables *t)
{
    weir_stream(quarter) ordered = weir_map(weir_filter(t->orders, is_of_quarter), to_quarter);
    weir_stream(late) lines = weir_flat_map(t->lineitem, if_late);
    weir_stream(quarter) found =
        weir_join(ordered, WEIR_KEY(quarter, orderkey), lines, WEIR_KEY(late, orderkey), with_late);
    return weir_count(weir_distinct(found), q4_row, WEIR_KEY(quarter, priority)).port;
}

/* ---- 12: orders of which a line came late though sent in time, by mode and priority ---- */

#define SENT(F) F(u32, orderkey) F(str, shipmode)
#define URGENCY(F) F(u32, orderkey) F(flag, high)
#define SENT_LATE(F) F(str, shipmode) F(flag, high)
#define Q12_SUMS(F) F(i64, high) F(i64, low)
#define Q12_ROW(F) F(str, l_shipmode) F(i64, high_line_count) F(i64, low_line_count)
WEIR_RECORD(sent, SENT)
WEIR_RECORD(urgency, URGENCY)
WEIR_RECORD(sent_late, SENT_LATE)
WEIR_RECORD(q12_sums, Q12_SUMS)
WEIR_RECORD(q12_row, Q12_ROW)

static bool was_sent_in_time(const lineitem *l)
{
    bool of_year = tpch_within(l->l_receiptdate, tpch_day(1994, 1, 1), tpch_day(1995, 1, 1));
    bool is_late = came_late(l), was_sent = l->l_shipdate.days < l->l_commitdate.days;
    return (of_year & is_late & was_sent) &&
           (tpch_is(&l->l_shipmode, "MAIL") || tpch_is(&l->l_shipmode, "SHIP"));
}
WEIR_FILTER(was_sent_in_time, lineitem)

static sent to_sent(const lineitem *l)
{
    return (sent){ l->l_orderkey, l->l_shipmode };
}
static urgency to_urgency(const orders *o)
{
    return (urgency){ o->o_orderkey, tpch_is(&o->o_orderpriority, "1-URGENT") ||
                                         tpch_is(&o->o_orderpriority, "2-HIGH") };
}
WEIR_MAP(to_sent, lineitem, sent)
WEIR_MAP(to_urgency, orders, urgency)

static void how_urgent(const sent *s, const urgency *u, weir_out(sent_late) out)
{
    sent_late_emit(out, (sent_late){ s->shipmode, u->high });
}
WEIR_JOIN(how_urgent, sent, urgency, sent_late)

static void add_late(const sent_late *l, int64_t n, q12_sums *s)
{
    *(l->high ? &s->high : &s->low) += n;
}
static q12_row to_q12_row(const sent_late *key, const q12_sums *s)
{
    return (q12_row){ key->shipmode, s->high, s->low };
}
WEIR_ACCUMULATE(add_late, to_q12_row, sent_late, q12_sums, q12_row)

weir_port *tpch_q12(const tpch_tables *t)
{
    weir_stream(sent) lines = weir_map(weir_filter(t->lineitem, was_sent_in_time), to_sent);
    weir_stream(sent_late) found =
        weir_join(lines, WEIR_KEY(sent, orderkey), weir_map(t->orders, to_urgency),
                  WEIR_KEY(urgency, orderkey), how_urgent);
    return weir_accumulate(found, WEIR_KEY(sent_late, shipmode), add_late).port;
}

/* ---- 18: the hundred most expensive orders of more than 300 things, and who ordered them ---- */

#define LARGE(F) F(u32, orderkey) F(i64, quantity)
#define NAMED(F) F(u32, custkey) F(str, name)
#define PLACED(F) F(u32, orderkey) F(u32, custkey) F(date, orderdate) F(i64, totalprice)
#define LARGE_ORDER(F) \
    F(u32, orderkey) F(u32, custkey) F(date, orderdate) F(i64, totalprice) F(i64, quantity)
#define LARGE_RANKED(F)                                                                 \
    F(flag, all)                                                                        \
    F(str, name) F(u32, custkey) F(u32, orderkey) F(date, orderdate) F(i64, totalprice) \
        F(i64, quantity)
#define Q18_ROW(F)                                                                        \
    F(str, c_name)                                                                        \
    F(u32, c_custkey) F(u32, o_orderkey) F(date, o_orderdate) F(decimal(2), o_totalprice) \
        F(decimal(2), sum_quantity)
WEIR_RECORD(large, LARGE)
WEIR_RECORD(placed, PLACED)
WEIR_RECORD(named, NAMED)
WEIR_RECORD(large_order, LARGE_ORDER)
WEIR_RECORD(large_ranked, LARGE_RANKED)
WEIR_RECORD(q18_row, Q18_ROW)

static void quantity_of(const lineitem *l, weir_out(order_unit) out)
{
    order_unit_emit_n(out, (order_unit){ l->l_orderkey }, l->l_quantity);
}
static named to_named(const customer *c)
{
    return (named){ c->c_custkey, c->c_name };
}
static placed to_placed(const orders *o)
{
    return (placed){ o->o_orderkey, o->o_custkey, o->o_orderdate, o->o_totalprice };
}
static bool is_large(const large *l)
{
    return l->quantity > 30000;
}
WEIR_FLAT_MAP(quantity_of, lineitem, order_unit)
WEIR_MAP(to_named, customer, named)
WEIR_MAP(to_placed, orders, placed)
WEIR_FILTER(is_large, large)

static void large_order_of(const large *l, const placed *o, weir_out(large_order) out)
{
    large_order_emit(
        out, (large_order){ o->orderkey, o->custkey, o->orderdate, o->totalprice, l->quantity });
}
static void with_name(const large_order *o, const named *c, weir_out(large_ranked) out)
{
    large_ranked_emit(out, (large_ranked){ true, c->name, o->custkey, o->orderkey, o->orderdate,
                                           o->totalprice, o->quantity });
}
WEIR_JOIN(large_order_of, large, placed, large_order)
WEIR_JOIN(with_name, large_order, named, large_ranked)

static q18_row to_q18_row(const large_ranked *r)
{
    return (q18_row){ r->name,
                      r->custkey,
                      r->orderkey,
                      r->orderdate,
                      tpch_decimal(r->totalprice),
                      tpch_decimal(r->quantity) };
}
WEIR_MAP(to_q18_row, large_ranked, q18_row)

weir_port *tpch_q18(const tpch_tables *t)
{
    weir_stream(large) sums =
        weir_count(weir_flat_map(t->lineitem, quantity_of), large, WEIR_KEY(order_unit, orderkey));
    weir_stream(large_order) found =
        weir_join(weir_filter(sums, is_large), WEIR_KEY(large, orderkey),
                  weir_map(t->orders, to_placed), WEIR_KEY(placed, orderkey), large_order_of);
    weir_stream(large_ranked) all =
        weir_join(found, WEIR_KEY(large_order, custkey), weir_map(t->customer, to_named),
                  WEIR_KEY(named, custkey), with_name);
    weir_stream(large_ranked) top = weir_top(
        all, WEIR_KEY(large_ranked, all), 100,
        weir_order_then(WEIR_DESC(large_ranked, totalprice), WEIR_ASC(large_ranked, orderdate)));
    return weir_map(top, to_q18_row).port;
}

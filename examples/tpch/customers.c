/* SPDX-License-Identifier: Apache-2.0
 *
 * Queries about customers: who sent most back (10), how many have how many orders (13), and who has
 * money and no order (22).
 */
#include "queries.h"
#include "values.h"

/* ---- 10: the twenty customers who sent back most of what they ordered in a quarter ---- */

#define RETURNED(F)   F(u32, orderkey)
#define ORDERED_BY(F) F(u32, orderkey) F(u32, custkey)
#define PLACED(F) ORDERED_BY(F) F(u32, nationkey)
#define LOST(F)       F(flag, all) F(u32, custkey)
#define LOSS(F)       LOST(F) F(i64, amount)
#define LOSER(F)                                                                              \
    F(u32, nationkey)                                                                         \
    F(u32, custkey) F(str, name) F(i64, amount) F(i64, acctbal) F(str, address) F(str, phone) \
        F(str, comment)
#define Q10_ROW(F)                                                                                 \
    F(u32, c_custkey) F(str, c_name) F(decimal(4), revenue) F(decimal(2), c_acctbal)               \
    F(str, n_name) F(str, c_address) F(str, c_phone) F(str, c_comment)
WEIR_RECORD(returned, RETURNED)
WEIR_RECORD(ordered_by, ORDERED_BY)
WEIR_RECORD(placed, PLACED)
WEIR_RECORD(lost, LOST)
WEIR_RECORD(loss, LOSS)
WEIR_RECORD(loser, LOSER)
WEIR_RECORD(q10_row, Q10_ROW)

static bool is_of_quarter(const orders *o)
{
    return tpch_within(o->o_orderdate, tpch_day(1993, 10, 1), tpch_day(1994, 1, 1));
}
WEIR_FILTER(is_of_quarter, orders)

/* As often as it has units of revenue, which the join hands on and a count reads. */
static void if_returned(const lineitem *l, weir_out(returned) out)
{
    if (l->l_returnflag == 'R')
        returned_emit_n(out, (returned){ l->l_orderkey },
                        tpch_revenue(l->l_extendedprice, l->l_discount));
}
static ordered_by to_ordered_by(const orders *o)
{
    return (ordered_by){ o->o_orderkey, o->o_custkey };
}
WEIR_FLAT_MAP(if_returned, lineitem, returned)
WEIR_MAP(to_ordered_by, orders, ordered_by)

static void placed_by(const ordered_by *o, const customer *c, weir_out(placed) out)
{
    placed_emit(out, (placed){ o->orderkey, o->custkey, c->c_nationkey });
}
static void whose(const returned *r, const placed *p, weir_out(lost) out)
{
    (void)r;
    lost_emit(out, (lost){ true, p->custkey });
}
static void loser_of(const loss *l, const customer *c, weir_out(loser) out)
{
    loser_emit(out, (loser){ c->c_nationkey, c->c_custkey, c->c_name, l->amount, c->c_acctbal,
                             c->c_address, c->c_phone, c->c_comment });
}
static void lives_in(const loser *l, const nation *n, weir_out(q10_row) out)
{
    q10_row_emit(out,
                 (q10_row){ l->custkey, l->name, tpch_decimal(l->amount), tpch_decimal(l->acctbal),
                            n->n_name, l->address, l->phone, l->comment });
}
WEIR_JOIN(placed_by, ordered_by, customer, placed)
WEIR_JOIN(whose, returned, placed, lost)
WEIR_JOIN(loser_of, loss, customer, loser)
WEIR_JOIN(lives_in, loser, nation, q10_row)

/* What is long, a customer's texts, is arranged once, and joined to the twenty alone. Only whoever
 * lives in a nation counts, so orders are asked for it before there are twenty. */
weir_port *tpch_q10(const tpch_tables *t)
{
    weir_stream(placed) all = weir_join(
        weir_map(weir_filter(t->orders, is_of_quarter), to_ordered_by),
        WEIR_KEY(ordered_by, custkey), t->customer, WEIR_KEY(customer, c_custkey), placed_by);
    weir_stream(placed) ordered =
        weir_semijoin(all, WEIR_KEY(placed, nationkey), t->nation, WEIR_KEY(nation, n_nationkey));
    weir_stream(lost) each =
        weir_join(weir_flat_map(t->lineitem, if_returned), WEIR_KEY(returned, orderkey), ordered,
                  WEIR_KEY(placed, orderkey), whose);
    weir_stream(loss) top = weir_top(weir_count(each, loss, WEIR_KEY(lost, all, custkey)),
                                     WEIR_KEY(loss, all), 20, WEIR_DESC(loss, amount));
    weir_stream(loser) losers = weir_join(top, WEIR_KEY(loss, custkey), t->customer,
                                          WEIR_KEY(customer, c_custkey), loser_of);
    return weir_join(losers, WEIR_KEY(loser, nationkey), t->nation, WEIR_KEY(nation, n_nationkey),
                     lives_in)
        .port;
}

/* ---- 13: how many customers have how many orders, those without special requests ---- */

#define ANYONE(F)      F(u32, custkey)
#define ORDER_COUNT(F) F(u32, custkey) F(i64, count)
#define HAS_ORDERS(F)  F(i64, count)
#define Q13_ROW(F)     F(i64, c_count) F(i64, custdist)
WEIR_RECORD(anyone, ANYONE)
WEIR_RECORD(order_count, ORDER_COUNT)
WEIR_RECORD(has_orders, HAS_ORDERS)
WEIR_RECORD(q13_row, Q13_ROW)

static bool is_ordinary(const orders *o)
{
    return !tpch_has_both(&o->o_comment, "special", "requests");
}
WEIR_FILTER(is_ordinary, orders)

static anyone to_anyone(const customer *c) { return (anyone){ c->c_custkey }; }
static anyone who_ordered(const orders *o) { return (anyone){ o->o_custkey }; }
WEIR_MAP(to_anyone, customer, anyone)
WEIR_MAP(who_ordered, orders, anyone)

static void or_none(const anyone *c, const order_count *o, weir_out(has_orders) out)
{
    (void)c;
    has_orders_emit(out, (has_orders){ o ? o->count : 0 });
}
WEIR_OUTER_JOIN(or_none, anyone, order_count, has_orders)

weir_port *tpch_q13(const tpch_tables *t)
{
    weir_stream(anyone) ordered = weir_map(weir_filter(t->orders, is_ordinary), who_ordered);
    weir_stream(order_count) counts = weir_count(ordered, order_count, WEIR_KEY(anyone, custkey));
    weir_stream(has_orders) all =
        weir_left_join(weir_map(t->customer, to_anyone), WEIR_KEY(anyone, custkey), counts,
                       WEIR_KEY(order_count, custkey), or_none);
    return weir_count(all, q13_row, WEIR_KEY(has_orders, count)).port;
}

/* ---- 22: customers of seven countries who have more than the average and order nothing ---- */

#define RICH(F)        F(flag, all) F(u32, custkey) F(str, code) F(i64, acctbal)
#define WEALTH(F)      F(flag, all) F(i64, sum) F(i64, count)
#define WEALTH_SUMS(F) F(i64, sum) F(i64, count)
#define PROSPECT(F)    F(str, code) F(i64, acctbal)
#define Q22_ROW(F)     F(str, cntrycode) F(i64, numcust) F(decimal(2), totacctbal)
WEIR_RECORD(rich, RICH)
WEIR_RECORD(wealth, WEALTH)
WEIR_RECORD(wealth_sums, WEALTH_SUMS)
WEIR_RECORD(prospect, PROSPECT)
WEIR_RECORD(q22_row, Q22_ROW)

/* Whoever has nothing is below the average of those who have something. */
static bool is_called(const customer *c)
{
    static const char codes[7][3] = { "13", "31", "23", "29", "30", "18", "17" };
    for (int i = 0; i < 7; i++)
        if (tpch_begins(&c->c_phone, codes[i]))
            return c->c_acctbal > 0;
    return false;
}
WEIR_FILTER(is_called, customer)

static rich to_rich(const customer *c)
{
    return (rich){ true, c->c_custkey, weir_str_view(weir_str_data(&c->c_phone), 2), c->c_acctbal };
}
WEIR_MAP(to_rich, customer, rich)

static void add_wealth(const rich *r, int64_t n, wealth_sums *s)
{
    s->sum += n * r->acctbal;
    s->count += n;
}
static wealth to_wealth(const rich *key, const wealth_sums *s)
{
    return (wealth){ key->all, s->sum, s->count };
}
WEIR_ACCUMULATE(add_wealth, to_wealth, rich, wealth_sums, wealth)

static void above_average(const rich *r, const wealth *w, weir_out(prospect) out)
{
    if (r->acctbal * w->count > w->sum)
        prospect_emit(out, (prospect){ r->code, r->acctbal });
}
WEIR_JOIN(above_average, rich, wealth, prospect)

static void add_prospect(const prospect *p, int64_t n, wealth_sums *s)
{
    s->sum += n * p->acctbal;
    s->count += n;
}
static q22_row to_q22_row(const prospect *key, const wealth_sums *s)
{
    return (q22_row){ key->code, s->count, tpch_decimal(s->sum) };
}
WEIR_ACCUMULATE(add_prospect, to_q22_row, prospect, wealth_sums, q22_row)

weir_port *tpch_q22(const tpch_tables *t)
{
    weir_stream(rich) all = weir_map(weir_filter(t->customer, is_called), to_rich);
    weir_stream(wealth) average = weir_accumulate(all, WEIR_KEY(rich, all), add_wealth);
    weir_stream(rich) idle = weir_antijoin(
        all, WEIR_KEY(rich, custkey), weir_map(t->orders, who_ordered), WEIR_KEY(anyone, custkey));
    weir_stream(prospect) found =
        weir_join(idle, WEIR_KEY(rich, all), average, WEIR_KEY(wealth, all), above_average);
    return weir_accumulate(found, WEIR_KEY(prospect, code), add_prospect).port;
}

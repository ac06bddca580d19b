/* SPDX-License-Identifier: Apache-2.0
 *
 * Queries about markets of parts: the share of a nation in a market (8), and what all nations earn
 * with a kind of parts (9).
 */
#include "queries.h"
#include "values.h"

/* Parts that a query asks for. */
#define WANTED(F) F(u32, partkey)
#define DATED(F) F(u32, orderkey) F(i32, year)
#define SELLER(F) F(u32, suppkey) F(str, nation)
WEIR_RECORD(wanted, WANTED)
WEIR_RECORD(dated, DATED)
WEIR_RECORD(seller, SELLER)

static wanted to_wanted(const part *p)
{
    return (wanted){ p->p_partkey };
}
static dated to_dated(const orders *o)
{
    return (dated){ o->o_orderkey, weir_date_parts(o->o_orderdate).year };
}
WEIR_MAP(to_wanted, part, wanted)
WEIR_MAP(to_dated, orders, dated)

static void seller_of(const supplier *s, const nation *n, weir_out(seller) out)
{
    seller_emit(out, (seller){ s->s_suppkey, n->n_name });
}
WEIR_JOIN(seller_of, supplier, nation, seller)

static weir_stream(seller) sellers_of(const tpch_tables *t)
{
    return weir_join(t->supplier, WEIR_KEY(supplier, s_nationkey), t->nation,
                     WEIR_KEY(nation, n_nationkey), seller_of);
}

/* ---- 8: which share of America's market of a type of parts Brazil had, by year ---- */

#define AMERICAN(F) F(u32, custkey)
#define ORDERED(F) F(u32, orderkey) F(u32, custkey) F(i32, year)
#define STEEL(F) F(u32, orderkey) F(u32, partkey) F(u32, suppkey) F(i64, amount)
#define STEEL_OF_YEAR(F) F(u32, suppkey) F(i32, year) F(i64, amount)
#define MARKET(F) F(i32, year) F(flag, brazil) F(i64, amount)
#define MARKET_SUMS(F) F(i64, brazil) F(i64, total)
#define Q8_ROW(F) F(i32, o_year) F(decimal(4), mkt_share)
WEIR_RECORD(american, AMERICAN)
WEIR_RECORD(ordered, ORDERED)
WEIR_RECORD(steel, STEEL)
WEIR_RECORD(steel_of_year, STEEL_OF_YEAR)
WEIR_RECORD(market, MARKET)
WEIR_RECORD(market_sums, MARKET_SUMS)
WEIR_RECORD(q8_row, Q8_ROW)

static bool is_america(const region *r)
{
    return tpch_is(&r->r_name, "AMERICA");
}
static bool is_steel(const part *p)
{
    return tpch_is(&p->p_type, "ECONOMY ANODIZED STEEL");
}
static bool is_recent(const orders *o)
{
    return tpch_within(o->o_orderdate, tpch_day(1995, 1, 1), tpch_day(1997, 1, 1));
}
WEIR_FILTER(is_america, region)
WEIR_FILTER(is_steel, part)
WEIR_FILTER(is_recent, orders)

static ordered to_ordered(const orders *o)
{
    return (ordered){ o->o_orderkey, o->o_custkey, weir_date_parts(o->o_orderdate).year };
}
static steel to_steel(const lineitem *l)
{
    return (steel){ l->l_orderkey, l->l_partkey, l->l_suppkey,
                    tpch_revenue(l->l_extendedprice, l->l_discount) };
}
WEIR_MAP(to_ordered, orders, ordered)
WEIR_MAP(to_steel, lineitem, steel)

static void in_region(const nation *n, const region *r, weir_out(nation) out)
{
    (void)r;
    nation_emit(out, *n);
}
static void lives_in(const customer *c, const nation *n, weir_out(american) out)
{
    (void)n;
    american_emit(out, (american){ c->c_custkey });
}
static void ordered_by(const ordered *o, const american *a, weir_out(dated) out)
{
    (void)a;
    dated_emit(out, (dated){ o->orderkey, o->year });
}
static void of_wanted(const steel *s, const wanted *w, weir_out(steel) out)
{
    (void)w;
    steel_emit(out, *s);
}
static void in_year(const steel *s, const dated *o, weir_out(steel_of_year) out)
{
    steel_of_year_emit(out, (steel_of_year){ s->suppkey, o->year, s->amount });
}
static void sold_by(const steel_of_year *s, const seller *by, weir_out(market) out)
{
    market_emit(out, (market){ s->year, tpch_is(&by->nation, "BRAZIL"), s->amount });
}
WEIR_JOIN(in_region, nation, region, nation)
WEIR_JOIN(lives_in, customer, nation, american)
WEIR_JOIN(ordered_by, ordered, american, dated)
WEIR_JOIN(of_wanted, steel, wanted, steel)
WEIR_JOIN(in_year, steel, dated, steel_of_year)
WEIR_JOIN(sold_by, steel_of_year, seller, market)

static void add_market(const market *m, int64_t n, market_sums *s)
{
    s->brazil += m->brazil ? n * m->amount : 0;
    s->total += n * m->amount;
}
static q8_row to_q8_row(const market *key, const market_sums *s)
{
    return (q8_row){ key->year, tpch_quotient(s->brazil, 10000, s->total) };
}
WEIR_ACCUMULATE(add_market, to_q8_row, market, market_sums, q8_row)

static weir_stream(dated) american_orders(const tpch_tables *t)
{
    weir_stream(nation) nations =
        weir_join(t->nation, WEIR_KEY(nation, n_regionkey), weir_filter(t->region, is_america),
                  WEIR_KEY(region, r_regionkey), in_region);
    weir_stream(american) people = weir_join(t->customer, WEIR_KEY(customer, c_nationkey), nations,
                                             WEIR_KEY(nation, n_nationkey), lives_in);
    weir_stream(ordered) recent = weir_map(weir_filter(t->orders, is_recent), to_ordered);
    return weir_join(recent, WEIR_KEY(ordered, custkey), people, WEIR_KEY(american, custkey),
                     ordered_by);
}

weir_port *tpch_q8(const tpch_tables *t)
{
    weir_stream(wanted) parts = weir_map(weir_filter(t->part, is_steel), to_wanted);
    weir_stream(steel) lines = weir_join(weir_map(t->lineitem, to_steel), WEIR_KEY(steel, partkey),
                                         parts, WEIR_KEY(wanted, partkey), of_wanted);
    weir_stream(steel_of_year) sold = weir_join(
        lines, WEIR_KEY(steel, orderkey), american_orders(t), WEIR_KEY(dated, orderkey), in_year);
    weir_stream(market) all = weir_join(sold, WEIR_KEY(steel_of_year, suppkey), sellers_of(t),
                                        WEIR_KEY(seller, suppkey), sold_by);
    return weir_accumulate(all, WEIR_KEY(market, year), add_market).port;
}

/* ---- 9: what is earned with parts whose names have "green" in them, by nation and year ---- */

#define COST(F) F(u32, partkey) F(u32, suppkey) F(i64, cost)
#define GREEN(F) F(u32, partkey) F(u32, suppkey) F(u32, orderkey) F(u16, quantity) F(i64, amount)
#define EARNED(F) F(u32, orderkey) F(u32, suppkey) F(i64, amount)
#define EARNED_BY(F) F(u32, orderkey) F(u32, nationkey) F(i64, amount)
#define SUPPLIES(F) F(u32, suppkey) F(u32, nationkey)
#define COUNTRY(F) F(u32, nationkey) F(str, name)
#define PROFIT(F) F(u32, nationkey) F(i32, year) F(i64, amount)
#define Q9_ROW(F) F(str, nation) F(i32, o_year) F(decimal(4), sum_profit)
WEIR_RECORD(cost, COST)
WEIR_RECORD(green, GREEN)
WEIR_RECORD(earned, EARNED)
WEIR_RECORD(earned_by, EARNED_BY)
WEIR_RECORD(supplies, SUPPLIES)
WEIR_RECORD(country, COUNTRY)
WEIR_RECORD(profit, PROFIT)
WEIR_RECORD(q9_row, Q9_ROW)

static bool is_green(const part *p)
{
    return tpch_has(&p->p_name, "green");
}
WEIR_FILTER(is_green, part)

static green to_green(const lineitem *l)
{
    return (green){ l->l_partkey, l->l_suppkey, l->l_orderkey, l->l_quantity,
                    tpch_revenue(l->l_extendedprice, l->l_discount) };
}
static cost to_cost(const partsupp *s)
{
    return (cost){ s->ps_partkey, s->ps_suppkey, s->ps_supplycost };
}
static supplies to_supplies(const supplier *s)
{
    return (supplies){ s->s_suppkey, s->s_nationkey };
}
static country to_country(const nation *n)
{
    return (country){ n->n_nationkey, n->n_name };
}
WEIR_MAP(to_green, lineitem, green)
WEIR_MAP(to_cost, partsupp, cost)
WEIR_MAP(to_supplies, supplier, supplies)
WEIR_MAP(to_country, nation, country)

static void of_green(const cost *c, const wanted *w, weir_out(cost) out)
{
    (void)w;
    cost_emit(out, *c);
}
static void less_cost(const green *g, const cost *c, weir_out(earned) out)
{
    earned_emit(out, (earned){ g->orderkey, g->suppkey, g->amount - c->cost * g->quantity });
}
static void by_nation(const earned *e, const supplies *s, weir_out(earned_by) out)
{
    earned_by_emit(out, (earned_by){ e->orderkey, s->nationkey, e->amount });
}
static void by_year(const earned_by *e, const dated *o, weir_out(profit) out)
{
    profit_emit(out, (profit){ e->nationkey, o->year, e->amount });
}
static void in_country(const profit *p, const country *c, weir_out(q9_row) out)
{
    q9_row_emit(out, (q9_row){ c->name, p->year, tpch_decimal(p->amount) });
}
WEIR_JOIN(of_green, cost, wanted, cost)
WEIR_JOIN(less_cost, green, cost, earned)
WEIR_JOIN(by_nation, earned, supplies, earned_by)
WEIR_JOIN(by_year, earned_by, dated, profit)
WEIR_JOIN(in_country, profit, country, q9_row)

weir_port *tpch_q9(const tpch_tables *t)
{
    weir_stream(wanted) parts = weir_map(weir_filter(t->part, is_green), to_wanted);
    weir_stream(cost) costs = weir_join(weir_map(t->partsupp, to_cost), WEIR_KEY(cost, partkey),
                                        parts, WEIR_KEY(wanted, partkey), of_green);
    weir_stream(earned) each =
        weir_join(weir_map(t->lineitem, to_green), WEIR_KEY(green, partkey, suppkey), costs,
                  WEIR_KEY(cost, partkey, suppkey), less_cost);
    weir_stream(earned_by) theirs =
        weir_join(each, WEIR_KEY(earned, suppkey), weir_map(t->supplier, to_supplies),
                  WEIR_KEY(supplies, suppkey), by_nation);
    weir_stream(profit) profits =
        weir_join(theirs, WEIR_KEY(earned_by, orderkey), weir_map(t->orders, to_dated),
                  WEIR_KEY(dated, orderkey), by_year);
    weir_stream(profit) sums = weir_sum(profits, profit, WEIR_KEY(profit, nationkey, year), amount);
    return weir_join(sums, WEIR_KEY(profit, nationkey), weir_map(t->nation, to_country),
                     WEIR_KEY(country, nationkey), in_country)
        .port;
}

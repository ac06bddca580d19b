/* SPDX-License-Identifier: Apache-2.0
 *
 * Queries about trade between nations: what suppliers sell in their own nation (5).
 */
#include "queries.h"
#include "values.h"

/* ---- 5: what suppliers of Asia sold to customers of their own nation in 1994 ---- */

#define PLACE(F)  F(u32, nationkey) F(str, nation)
#define BUYER(F)  F(u32, custkey) F(u32, nationkey) F(str, nation)
#define SOLD(F)   F(u64, orderkey) F(u32, custkey)
#define BOUGHT(F) F(u64, orderkey) F(u32, nationkey) F(str, nation)
#define LINE(F)   F(u64, orderkey) F(u32, suppkey) F(i64, amount)
#define SALE(F)   F(u32, suppkey) F(u32, nationkey) F(str, nation) F(i64, amount)
#define LOCAL(F)  F(str, nation) F(i64, amount)
#define Q5_ROW(F) F(str, n_name) F(decimal(4), revenue)
WEIR_RECORD(place, PLACE)
WEIR_RECORD(buyer, BUYER)
WEIR_RECORD(sold, SOLD)
WEIR_RECORD(bought, BOUGHT)
WEIR_RECORD(line, LINE)
WEIR_RECORD(sale, SALE)
WEIR_RECORD(local, LOCAL)
WEIR_RECORD(q5_row, Q5_ROW)

static bool is_asia(const region *r) { return tpch_is(&r->r_name, "ASIA"); }
static bool is_of_1994(const orders *o)
{
    return tpch_within(o->o_orderdate, tpch_day(1994, 1, 1), tpch_day(1995, 1, 1));
}
WEIR_FILTER(is_asia, region)
WEIR_FILTER(is_of_1994, orders)

static sold to_sold(const orders *o) { return (sold){ o->o_orderkey, o->o_custkey }; }
static line to_line(const lineitem *l)
{
    return (line){ l->l_orderkey, l->l_suppkey, tpch_revenue(l->l_extendedprice, l->l_discount) };
}
WEIR_MAP(to_sold, orders, sold)
WEIR_MAP(to_line, lineitem, line)

static void in_region(const nation *n, const region *r, weir_out(place) out)
{
    (void)r;
    place_emit(out, (place){ n->n_nationkey, n->n_name });
}
static void buyer_of(const customer *c, const place *p, weir_out(buyer) out)
{
    buyer_emit(out, (buyer){ c->c_custkey, c->c_nationkey, p->nation });
}
static void bought_by(const sold *o, const buyer *b, weir_out(bought) out)
{
    bought_emit(out, (bought){ o->orderkey, b->nationkey, b->nation });
}
static void sale_of(const line *l, const bought *b, weir_out(sale) out)
{
    sale_emit(out, (sale){ l->suppkey, b->nationkey, b->nation, l->amount });
}
static void local_sale(const sale *s, const supplier *u, weir_out(local) out)
{
    (void)u;
    local_emit(out, (local){ s->nation, s->amount });
}
WEIR_JOIN(in_region, nation, region, place)
WEIR_JOIN(buyer_of, customer, place, buyer)
WEIR_JOIN(bought_by, sold, buyer, bought)
WEIR_JOIN(sale_of, line, bought, sale)
WEIR_JOIN(local_sale, sale, supplier, local)

static q5_row to_q5_row(const local *l) { return (q5_row){ l->nation, tpch_decimal(l->amount) }; }
WEIR_MAP(to_q5_row, local, q5_row)

weir_port *tpch_q5(const tpch_tables *t)
{
    weir_stream(place) asia =
        weir_join(t->nation, WEIR_KEY(nation, n_regionkey), weir_filter(t->region, is_asia),
                  WEIR_KEY(region, r_regionkey), in_region);
    weir_stream(buyer) buyers = weir_join(t->customer, WEIR_KEY(customer, c_nationkey), asia,
                                          WEIR_KEY(place, nationkey), buyer_of);
    weir_stream(sold) ordered = weir_map(weir_filter(t->orders, is_of_1994), to_sold);
    weir_stream(bought) theirs =
        weir_join(ordered, WEIR_KEY(sold, custkey), buyers, WEIR_KEY(buyer, custkey), bought_by);
    weir_stream(sale) sales = weir_join(weir_map(t->lineitem, to_line), WEIR_KEY(line, orderkey),
                                        theirs, WEIR_KEY(bought, orderkey), sale_of);
    weir_stream(local) own = weir_join(sales, WEIR_KEY(sale, suppkey, nationkey), t->supplier,
                                       WEIR_KEY(supplier, s_suppkey, s_nationkey), local_sale);
    weir_stream(local) sums = weir_sum(own, local, WEIR_KEY(local, nation), amount);
    return weir_map(sums, to_q5_row).port;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Queries about trade between nations: what suppliers sell in their own nation (5), and between two
 * nations, in both directions (7).
 */
#include "queries.h"
#include "values.h"

/* ---- 5: what suppliers of Asia sold to customers of their own nation in 1994 ---- */

#define PLACE(F)  F(u32, nationkey) F(str, nation)
#define BUYER(F)  F(u32, custkey) F(u32, nationkey)
#define SOLD(F)   F(u32, orderkey) F(u32, custkey)
#define BOUGHT(F) F(u32, orderkey) F(u32, nationkey)
#define LINE(F)   F(u32, orderkey) F(u32, suppkey)
#define SALE(F)   F(u32, suppkey) F(u32, nationkey)
#define DEALER(F) SALE(F) F(str, nation)
#define LOCAL(F)  F(str, nation)
#define VOLUME(F) F(str, nation) F(i64, amount)
#define Q5_ROW(F) F(str, n_name) F(decimal(4), revenue)
WEIR_RECORD(place, PLACE)
WEIR_RECORD(buyer, BUYER)
WEIR_RECORD(sold, SOLD)
WEIR_RECORD(bought, BOUGHT)
WEIR_RECORD(line, LINE)
WEIR_RECORD(sale, SALE)
WEIR_RECORD(dealer, DEALER)
WEIR_RECORD(local, LOCAL)
WEIR_RECORD(volume, VOLUME)
WEIR_RECORD(q5_row, Q5_ROW)

static bool is_asia(const region *r) { return tpch_is(&r->r_name, "ASIA"); }
static bool is_of_1994(const orders *o)
{
    return tpch_within(o->o_orderdate, tpch_day(1994, 1, 1), tpch_day(1995, 1, 1));
}
WEIR_FILTER(is_asia, region)
WEIR_FILTER(is_of_1994, orders)

static buyer to_buyer(const customer *c)
{
    return (buyer){ c->c_custkey, c->c_nationkey };
}
static sale to_sale(const supplier *s)
{
    return (sale){ s->s_suppkey, s->s_nationkey };
}
static sold to_sold(const orders *o) { return (sold){ o->o_orderkey, o->o_custkey }; }
/* As often as it has units of revenue, which joins hand on and a count reads. */
static void line_of(const lineitem *l, weir_out(line) out)
{
    line_emit_n(out, (line){ l->l_orderkey, l->l_suppkey },
                tpch_revenue(l->l_extendedprice, l->l_discount));
}
WEIR_MAP(to_buyer, customer, buyer)
WEIR_MAP(to_sale, supplier, sale)
WEIR_MAP(to_sold, orders, sold)
WEIR_FLAT_MAP(line_of, lineitem, line)

static void in_region(const nation *n, const region *r, weir_out(place) out)
{
    (void)r;
    place_emit(out, (place){ n->n_nationkey, n->n_name });
}
static void buyer_of(const buyer *b, const place *p, weir_out(buyer) out)
{
    (void)p;
    buyer_emit(out, *b);
}
static void dealer_of(const sale *s, const place *p, weir_out(dealer) out)
{
    dealer_emit(out, (dealer){ s->suppkey, s->nationkey, p->nation });
}
static void bought_by(const sold *o, const buyer *b, weir_out(bought) out)
{
    bought_emit(out, (bought){ o->orderkey, b->nationkey });
}
static void sale_of(const line *l, const bought *b, weir_out(sale) out)
{
    sale_emit(out, (sale){ l->suppkey, b->nationkey });
}
static void local_sale(const sale *s, const dealer *d, weir_out(local) out)
{
    (void)s;
    local_emit(out, (local){ d->nation });
}
WEIR_JOIN(in_region, nation, region, place)
WEIR_JOIN(buyer_of, buyer, place, buyer)
WEIR_JOIN(dealer_of, sale, place, dealer)
WEIR_JOIN(bought_by, sold, buyer, bought)
WEIR_JOIN(sale_of, line, bought, sale)
WEIR_JOIN(local_sale, sale, dealer, local)

static q5_row to_q5_row(const volume *v)
{
    return (q5_row){ v->nation, tpch_decimal(v->amount) };
}
WEIR_MAP(to_q5_row, volume, q5_row)

weir_port *tpch_q5(const tpch_tables *t)
{
    weir_stream(place) asia =
        weir_join(t->nation, WEIR_KEY(nation, n_regionkey), weir_filter(t->region, is_asia),
                  WEIR_KEY(region, r_regionkey), in_region);
    weir_stream(buyer) buyers =
        weir_join(weir_map(t->customer, to_buyer), WEIR_KEY(buyer, nationkey), asia,
                  WEIR_KEY(place, nationkey), buyer_of);
    weir_stream(dealer) dealers =
        weir_join(weir_map(t->supplier, to_sale), WEIR_KEY(sale, nationkey), asia,
                  WEIR_KEY(place, nationkey), dealer_of);
    weir_stream(sold) ordered = weir_map(weir_filter(t->orders, is_of_1994), to_sold);
    weir_stream(bought) theirs =
        weir_join(ordered, WEIR_KEY(sold, custkey), buyers, WEIR_KEY(buyer, custkey), bought_by);
    weir_stream(sale) sales =
        weir_join(weir_flat_map(t->lineitem, line_of), WEIR_KEY(line, orderkey), theirs,
                  WEIR_KEY(bought, orderkey), sale_of);
    weir_stream(local) own = weir_join(sales, WEIR_KEY(sale, suppkey, nationkey), dealers,
                                       WEIR_KEY(dealer, suppkey, nationkey), local_sale);
    weir_stream(volume) sums = weir_count(own, volume, WEIR_KEY(local, nation));
    return weir_map(sums, to_q5_row).port;
}

/* ---- 7: what France and Germany sold to each other, by year ---- */

#define SELLER(F)  F(u32, suppkey) F(str, nation)
#define CLIENT(F)  F(u32, custkey) F(str, nation)
#define IMPORT(F)  F(u32, orderkey) F(str, nation)
#define SHIPPED(F) F(u32, orderkey) F(u32, suppkey) F(i32, year) F(i64, amount)
#define EXPORT(F)  F(u32, orderkey) F(str, nation) F(i32, year) F(i64, amount)
#define TRADE(F)   F(str, from) F(str, to) F(i32, year) F(i64, amount)
#define Q7_ROW(F)  F(str, supp_nation) F(str, cust_nation) F(i32, l_year) F(decimal(4), revenue)
WEIR_RECORD(seller, SELLER)
WEIR_RECORD(client, CLIENT)
WEIR_RECORD(import, IMPORT)
WEIR_RECORD(shipped, SHIPPED)
WEIR_RECORD(export, EXPORT)
WEIR_RECORD(trade, TRADE)
WEIR_RECORD(q7_row, Q7_ROW)

static bool is_partner(const nation *n)
{
    return tpch_is(&n->n_name, "FRANCE") || tpch_is(&n->n_name, "GERMANY");
}
static bool was_shipped(const lineitem *l)
{
    return tpch_within(l->l_shipdate, tpch_day(1995, 1, 1), tpch_day(1997, 1, 1));
}
WEIR_FILTER(is_partner, nation)
WEIR_FILTER(was_shipped, lineitem)

static shipped to_shipped(const lineitem *l)
{
    return (shipped){ l->l_orderkey, l->l_suppkey, weir_date_parts(l->l_shipdate).year,
                      tpch_revenue(l->l_extendedprice, l->l_discount) };
}
WEIR_MAP(to_shipped, lineitem, shipped)

static void seller_of(const supplier *s, const nation *n, weir_out(seller) out)
{
    seller_emit(out, (seller){ s->s_suppkey, n->n_name });
}
static void client_of(const customer *c, const nation *n, weir_out(client) out)
{
    client_emit(out, (client){ c->c_custkey, n->n_name });
}
static void import_of(const sold *o, const client *c, weir_out(import) out)
{
    import_emit(out, (import){ o->orderkey, c->nation });
}
static void export_of(const shipped *l, const seller *s, weir_out(export) out)
{
    export_emit(out, (export){ l->orderkey, s->nation, l->year, l->amount });
}
static void trade_of(const export *e, const import *i, weir_out(trade) out)
{
    if (!weir_str_equal(&e->nation, &i->nation))
        trade_emit(out, (trade){ e->nation, i->nation, e->year, e->amount });
}
WEIR_JOIN(seller_of, supplier, nation, seller)
WEIR_JOIN(client_of, customer, nation, client)
WEIR_JOIN(import_of, sold, client, import)
WEIR_JOIN(export_of, shipped, seller, export)
WEIR_JOIN(trade_of, export, import, trade)

static q7_row to_q7_row(const trade *t)
{
    return (q7_row){ t->from, t->to, t->year, tpch_decimal(t->amount) };
}
WEIR_MAP(to_q7_row, trade, q7_row)

weir_port *tpch_q7(const tpch_tables *t)
{
    weir_stream(nation) both = weir_filter(t->nation, is_partner);
    weir_stream(seller) sellers = weir_join(t->supplier, WEIR_KEY(supplier, s_nationkey), both,
                                            WEIR_KEY(nation, n_nationkey), seller_of);
    weir_stream(client) clients = weir_join(t->customer, WEIR_KEY(customer, c_nationkey), both,
                                            WEIR_KEY(nation, n_nationkey), client_of);
    weir_stream(import) imports = weir_join(weir_map(t->orders, to_sold), WEIR_KEY(sold, custkey),
                                            clients, WEIR_KEY(client, custkey), import_of);
    weir_stream(shipped) lines = weir_map(weir_filter(t->lineitem, was_shipped), to_shipped);
    weir_stream(export) exports =
        weir_join(lines, WEIR_KEY(shipped, suppkey), sellers, WEIR_KEY(seller, suppkey), export_of);
    weir_stream(trade) each = weir_join(exports, WEIR_KEY(export, orderkey), imports,
                                        WEIR_KEY(import, orderkey), trade_of);
    weir_stream(trade) sums = weir_sum(each, trade, WEIR_KEY(trade, from, to, year), amount);
    return weir_map(sums, to_q7_row).port;
}

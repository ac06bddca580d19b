/* SPDX-License-Identifier: Apache-2.0
 *
 * Queries about what suppliers have: who sells a part for least (2), which parts are worth most of
 * a nation's stock (11), and how many supply which kinds of parts (16).
 */
#include <math.h>

#include "queries.h"
#include "values.h"

/* ---- 2: for each part of a kind, who in Europe sells it for least; the hundred richest ---- */

#define BRASS(F) F(u32, partkey) F(str, mfgr)
#define EUROPEAN(F)                                                                                \
    F(u32, suppkey) F(i64, acctbal) F(str, name) F(str, nation) F(str, address) F(str, phone)      \
    F(str, comment)
#define OFFER(F) F(u32, partkey) F(u32, suppkey) F(i64, cost) F(str, mfgr)
#define LEAST(F) F(u32, partkey) F(i64, cost)
#define BEST(F)                                                                                    \
    F(flag, all) F(i64, acctbal) F(str, name) F(str, nation) F(u32, partkey) F(str, mfgr)          \
    F(str, address) F(str, phone) F(str, comment)
#define Q2_ROW(F)                                                                                  \
    F(decimal(2), s_acctbal) F(str, s_name) F(str, n_name) F(u32, p_partkey) F(str, p_mfgr)        \
    F(str, s_address) F(str, s_phone) F(str, s_comment)
WEIR_RECORD(brass, BRASS)
WEIR_RECORD(european, EUROPEAN)
WEIR_RECORD(offer, OFFER)
WEIR_RECORD(least, LEAST)
WEIR_RECORD(best, BEST)
WEIR_RECORD(q2_row, Q2_ROW)

static bool is_europe(const region *r) { return tpch_is(&r->r_name, "EUROPE"); }
static bool is_brass(const part *p) { return p->p_size == 15 && tpch_ends(&p->p_type, "BRASS"); }
WEIR_FILTER(is_europe, region)
WEIR_FILTER(is_brass, part)

static brass to_brass(const part *p) { return (brass){ p->p_partkey, p->p_mfgr }; }
WEIR_MAP(to_brass, part, brass)

static void in_region(const nation *n, const region *r, weir_out(nation) out)
{
    (void)r;
    nation_emit(out, *n);
}
static void european_of(const supplier *s, const nation *n, weir_out(european) out)
{
    european_emit(out, (european){ s->s_suppkey, s->s_acctbal, s->s_name, n->n_name, s->s_address,
                                   s->s_phone, s->s_comment });
}
static void offer_of(const partsupp *s, const brass *p, weir_out(offer) out)
{
    offer_emit(out, (offer){ s->ps_partkey, s->ps_suppkey, s->ps_supplycost, p->mfgr });
}
static void from_europe(const offer *o, const european *s, weir_out(offer) out)
{
    (void)s;
    offer_emit(out, *o);
}
static void best_of(const offer *o, const european *s, weir_out(best) out)
{
    best_emit(out, (best){ true, s->acctbal, s->name, s->nation, o->partkey, o->mfgr, s->address,
                           s->phone, s->comment });
}
WEIR_JOIN(in_region, nation, region, nation)
WEIR_JOIN(european_of, supplier, nation, european)
WEIR_JOIN(offer_of, partsupp, brass, offer)
WEIR_JOIN(from_europe, offer, european, offer)
WEIR_JOIN(best_of, offer, european, best)

static q2_row to_q2_row(const best *b)
{
    return (q2_row){ tpch_decimal(b->acctbal),
                     b->name,
                     b->nation,
                     b->partkey,
                     b->mfgr,
                     b->address,
                     b->phone,
                     b->comment };
}
WEIR_MAP(to_q2_row, best, q2_row)

weir_port *tpch_q2(const tpch_tables *t)
{
    weir_stream(nation) nations =
        weir_join(t->nation, WEIR_KEY(nation, n_regionkey), weir_filter(t->region, is_europe),
                  WEIR_KEY(region, r_regionkey), in_region);
    weir_stream(european) suppliers =
        weir_join(t->supplier, WEIR_KEY(supplier, s_nationkey), nations,
                  WEIR_KEY(nation, n_nationkey), european_of);
    weir_stream(brass) parts = weir_map(weir_filter(t->part, is_brass), to_brass);
    weir_stream(offer) all = weir_join(t->partsupp, WEIR_KEY(partsupp, ps_partkey), parts,
                                       WEIR_KEY(brass, partkey), offer_of);
    weir_stream(offer) offers = weir_join(all, WEIR_KEY(offer, suppkey), suppliers,
                                          WEIR_KEY(european, suppkey), from_europe);
    weir_stream(least) minima = weir_min(offers, least, WEIR_KEY(offer, partkey), cost);
    weir_stream(offer) cheapest = weir_semijoin(offers, WEIR_KEY(offer, partkey, cost), minima,
                                                WEIR_KEY(least, partkey, cost));
    weir_stream(best) found = weir_join(cheapest, WEIR_KEY(offer, suppkey), suppliers,
                                        WEIR_KEY(european, suppkey), best_of);
    weir_stream(best) top =
        weir_top(found, WEIR_KEY(best, all), 100,
                 weir_order_then(WEIR_DESC(best, acctbal), WEIR_ASC(best, nation, name, partkey)));
    return weir_map(top, to_q2_row).port;
}

/* ---- 11: the parts that are worth more than a fraction of all that is in stock in Germany ---- */

#define GERMAN(F)   F(u32, suppkey)
#define STOCK(F)    F(flag, all) F(u32, partkey) F(i64, value)
#define WORTH(F)    F(flag, all) F(i64, value)
#define COMPARED(F) F(flag, all) F(u32, partkey) F(i64, value) F(i64, times)
#define Q11_ROW(F)  F(u32, ps_partkey) F(decimal(2), value)
WEIR_RECORD(german, GERMAN)
WEIR_RECORD(stock, STOCK)
WEIR_RECORD(worth, WORTH)
WEIR_RECORD(compared, COMPARED)
WEIR_RECORD(q11_row, Q11_ROW)

static bool is_germany(const nation *n) { return tpch_is(&n->n_name, "GERMANY"); }
WEIR_FILTER(is_germany, nation)

static void german_of(const supplier *s, const nation *n, weir_out(german) out)
{
    (void)n;
    german_emit(out, (german){ s->s_suppkey });
}
static void stock_of(const partsupp *s, const german *g, weir_out(stock) out)
{
    (void)g;
    stock_emit(out, (stock){ true, s->ps_partkey, s->ps_supplycost * s->ps_availqty });
}
WEIR_JOIN(german_of, supplier, nation, german)
WEIR_JOIN(stock_of, partsupp, german, stock)

/* How many times as much it would have to be to be all: 1 / fraction. */
static compared times(const int64_t *fractions, const stock *s)
{
    return (compared){ s->all, s->partkey, s->value, *fractions * s->value };
}
WEIR_MAP_CTX(times, const int64_t, stock, compared)

static void is_important(const compared *c, const worth *all, weir_out(q11_row) out)
{
    if (c->times > all->value)
        q11_row_emit(out, (q11_row){ c->partkey, tpch_decimal(c->value) });
}
WEIR_JOIN(is_important, compared, worth, q11_row)

weir_port *tpch_q11(const tpch_tables *t)
{
    int64_t *fractions = weir_graph_alloc(t->graph, sizeof *fractions);
    *fractions = llround(10000 * t->scale); /* the fraction is 0.0001 / scale */
    weir_stream(german) sellers =
        weir_join(t->supplier, WEIR_KEY(supplier, s_nationkey), weir_filter(t->nation, is_germany),
                  WEIR_KEY(nation, n_nationkey), german_of);
    weir_stream(stock) each = weir_join(t->partsupp, WEIR_KEY(partsupp, ps_suppkey), sellers,
                                        WEIR_KEY(german, suppkey), stock_of);
    weir_stream(stock) by_part = weir_sum(each, stock, WEIR_KEY(stock, all, partkey), value);
    weir_stream(worth) total = weir_sum(each, worth, WEIR_KEY(stock, all), value);
    return weir_join(weir_map_ctx(by_part, times, .ctx = fractions), WEIR_KEY(compared, all), total,
                     WEIR_KEY(worth, all), is_important)
        .port;
}

/* ---- 16: how many suppliers without complaints there are, by kind of part ---- */

#define KIND(F)      F(u32, partkey) F(str, brand) F(str, type) F(i32, size)
#define COMPLAINT(F) F(u32, suppkey)
#define SUPPLIED(F)  F(str, brand) F(str, type) F(i32, size) F(u32, suppkey)
#define Q16_ROW(F)   F(str, p_brand) F(str, p_type) F(i32, p_size) F(i64, supplier_cnt)
WEIR_RECORD(kind, KIND)
WEIR_RECORD(complaint, COMPLAINT)
WEIR_RECORD(supplied, SUPPLIED)
WEIR_RECORD(q16_row, Q16_ROW)

static bool is_of_kind(const part *p)
{
    static const int32_t sizes[] = { 49, 14, 23, 45, 19, 3, 36, 9 };
    bool fits = false;
    for (int i = 0; i < 8; i++)
        fits |= p->p_size == sizes[i];
    return fits && !tpch_is(&p->p_brand, "Brand#45") && !tpch_begins(&p->p_type, "MEDIUM POLISHED");
}
static bool has_complaints(const supplier *s)
{
    return tpch_has_both(&s->s_comment, "Customer", "Complaints");
}
WEIR_FILTER(is_of_kind, part)
WEIR_FILTER(has_complaints, supplier)

static kind to_kind(const part *p)
{
    return (kind){ p->p_partkey, p->p_brand, p->p_type, p->p_size };
}
static complaint to_complaint(const supplier *s) { return (complaint){ s->s_suppkey }; }
WEIR_MAP(to_kind, part, kind)
WEIR_MAP(to_complaint, supplier, complaint)

static void supplied_by(const partsupp *s, const kind *k, weir_out(supplied) out)
{
    supplied_emit(out, (supplied){ k->brand, k->type, k->size, s->ps_suppkey });
}
WEIR_JOIN(supplied_by, partsupp, kind, supplied)

weir_port *tpch_q16(const tpch_tables *t)
{
    weir_stream(kind) kinds = weir_map(weir_filter(t->part, is_of_kind), to_kind);
    weir_stream(complaint) complaints =
        weir_map(weir_filter(t->supplier, has_complaints), to_complaint);
    weir_stream(supplied) all = weir_join(t->partsupp, WEIR_KEY(partsupp, ps_partkey), kinds,
                                          WEIR_KEY(kind, partkey), supplied_by);
    weir_stream(supplied) good =
        weir_antijoin(all, WEIR_KEY(supplied, suppkey), complaints, WEIR_KEY(complaint, suppkey));
    return weir_count_distinct(good, q16_row, WEIR_KEY(supplied, brand, type, size), suppkey).port;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Queries about suppliers: who brought in most (15), who has too much of something (20), and who
 * alone kept orders waiting (21).
 */
#include "queries.h"
#include "values.h"

/* ---- 15: the suppliers of whom most was bought in a quarter ---- */

#define BROUGHT_IN(F) F(flag, all) F(u32, suppkey) F(i64, amount)
#define GREATEST(F)   F(flag, all) F(i64, amount)
#define Q15_ROW(F)                                                                                 \
    F(u32, s_suppkey) F(str, s_name) F(str, s_address) F(str, s_phone)                             \
    F(decimal(4), total_revenue)
WEIR_RECORD(brought_in, BROUGHT_IN)
WEIR_RECORD(greatest, GREATEST)
WEIR_RECORD(q15_row, Q15_ROW)

static bool is_of_quarter(const lineitem *l)
{
    return tpch_within(l->l_shipdate, tpch_day(1996, 1, 1), tpch_day(1996, 4, 1));
}
WEIR_FILTER(is_of_quarter, lineitem)

static brought_in to_brought_in(const lineitem *l)
{
    return (brought_in){ true, l->l_suppkey, tpch_revenue(l->l_extendedprice, l->l_discount) };
}
WEIR_MAP(to_brought_in, lineitem, brought_in)

static void to_q15_row(const brought_in *b, const supplier *s, weir_out(q15_row) out)
{
    q15_row_emit(out, (q15_row){ s->s_suppkey, s->s_name, s->s_address, s->s_phone,
                                 tpch_decimal(b->amount) });
}
WEIR_JOIN(to_q15_row, brought_in, supplier, q15_row)

weir_port *tpch_q15(const tpch_tables *t)
{
    weir_stream(brought_in) lines =
        weir_map(weir_filter(t->lineitem, is_of_quarter), to_brought_in);
    weir_stream(brought_in) sums =
        weir_sum(lines, brought_in, WEIR_KEY(brought_in, all, suppkey), amount);
    weir_stream(greatest) most = weir_max(sums, greatest, WEIR_KEY(brought_in, all), amount);
    weir_stream(brought_in) found =
        weir_semijoin(sums, WEIR_KEY(brought_in, amount), most, WEIR_KEY(greatest, amount));
    return weir_join(found, WEIR_KEY(brought_in, suppkey), t->supplier,
                     WEIR_KEY(supplier, s_suppkey), to_q15_row)
        .port;
}

/* ---- 20: suppliers of Canada who have more of a forest part than half of what 1994 took ---- */

#define FOREST(F)  F(u32, partkey)
#define TAKEN(F)   F(u32, partkey) F(u32, suppkey) F(i64, quantity)
#define SURPLUS(F) F(u32, suppkey)
#define Q20_ROW(F) F(str, s_name) F(str, s_address)
WEIR_RECORD(forest, FOREST)
WEIR_RECORD(taken, TAKEN)
WEIR_RECORD(surplus, SURPLUS)
WEIR_RECORD(q20_row, Q20_ROW)

static bool is_forest(const part *p) { return tpch_begins(&p->p_name, "forest"); }
static bool is_of_1994(const lineitem *l)
{
    return tpch_within(l->l_shipdate, tpch_day(1994, 1, 1), tpch_day(1995, 1, 1));
}
static bool is_canada(const nation *n) { return tpch_is(&n->n_name, "CANADA"); }
WEIR_FILTER(is_forest, part)
WEIR_FILTER(is_of_1994, lineitem)
WEIR_FILTER(is_canada, nation)

static forest to_forest(const part *p) { return (forest){ p->p_partkey }; }
static taken to_taken(const lineitem *l)
{
    return (taken){ l->l_partkey, l->l_suppkey, l->l_quantity };
}
static q20_row to_q20_row(const supplier *s) { return (q20_row){ s->s_name, s->s_address }; }
WEIR_MAP(to_forest, part, forest)
WEIR_MAP(to_taken, lineitem, taken)
WEIR_MAP(to_q20_row, supplier, q20_row)

static void of_forest(const taken *l, const forest *f, weir_out(taken) out)
{
    (void)f;
    taken_emit(out, *l);
}
static void has_surplus(const taken *l, const partsupp *s, weir_out(surplus) out)
{
    if (2 * 100 * (int64_t)s->ps_availqty > l->quantity)
        surplus_emit(out, (surplus){ l->suppkey });
}
static void is_in(const supplier *s, const nation *n, weir_out(supplier) out)
{
    (void)n;
    supplier_emit(out, *s);
}
WEIR_JOIN(of_forest, taken, forest, taken)
WEIR_JOIN(has_surplus, taken, partsupp, surplus)
WEIR_JOIN(is_in, supplier, nation, supplier)

weir_port *tpch_q20(const tpch_tables *t)
{
    weir_stream(taken) all = weir_map(weir_filter(t->lineitem, is_of_1994), to_taken);
    weir_stream(forest) parts = weir_map(weir_filter(t->part, is_forest), to_forest);
    weir_stream(taken) lines =
        weir_join(all, WEIR_KEY(taken, partkey), parts, WEIR_KEY(forest, partkey), of_forest);
    weir_stream(taken) sums = weir_sum(lines, taken, WEIR_KEY(taken, partkey, suppkey), quantity);
    weir_stream(surplus) found = weir_join(sums, WEIR_KEY(taken, partkey, suppkey), t->partsupp,
                                           WEIR_KEY(partsupp, ps_partkey, ps_suppkey), has_surplus);
    weir_stream(supplier) canadian =
        weir_join(t->supplier, WEIR_KEY(supplier, s_nationkey), weir_filter(t->nation, is_canada),
                  WEIR_KEY(nation, n_nationkey), is_in);
    return weir_map(weir_semijoin(canadian, WEIR_KEY(supplier, s_suppkey), found,
                                  WEIR_KEY(surplus, suppkey)),
                    to_q20_row)
        .port;
}

/* ---- 21: suppliers of Saudi Arabia who alone were late with orders of several suppliers ---- */

#define PROMISED(F)   F(u32, orderkey) F(u32, suppkey) F(flag, late)
#define WAITED_FOR(F) F(u32, orderkey) F(u32, suppkey)
#define SAUDI(F)      F(u32, suppkey) F(str, name)
#define WAITING(F)    F(u32, orderkey) F(flag, all) F(str, name)
#define CLOSED(F)     F(u32, orderkey)
#define WAITS(F)      F(flag, all) F(str, name) F(i64, count)
#define Q21_ROW(F)    F(str, s_name) F(i64, numwait)
WEIR_RECORD(promised, PROMISED)
WEIR_RECORD(waited_for, WAITED_FOR)
WEIR_RECORD(saudi, SAUDI)
WEIR_RECORD(waiting, WAITING)
WEIR_RECORD(closed, CLOSED)
WEIR_RECORD(waits, WAITS)
WEIR_RECORD(q21_row, Q21_ROW)

static bool is_saudi(const nation *n) { return tpch_is(&n->n_name, "SAUDI ARABIA"); }
static bool is_closed(const orders *o) { return o->o_orderstatus == 'F'; }
WEIR_FILTER(is_saudi, nation)
WEIR_FILTER(is_closed, orders)

static promised to_promised(const lineitem *l)
{
    return (promised){ l->l_orderkey, l->l_suppkey, l->l_receiptdate.days > l->l_commitdate.days };
}
static closed to_closed(const orders *o) { return (closed){ o->o_orderkey }; }
static q21_row to_q21_row(const waits *w) { return (q21_row){ w->name, w->count }; }
WEIR_MAP(to_promised, lineitem, promised)
WEIR_MAP(to_closed, orders, closed)
WEIR_MAP(to_q21_row, waits, q21_row)

/* Lines of an order lie by supplier: its late ones count if nobody else was late, and somebody else
 * was there. */
static void alone_late(const promised *key, weir_group(promised) lines, weir_out(waited_for) out)
{
    uint32_t first = lines.records[0]->suppkey, who = 0;
    int64_t late = 0;
    bool others = false;
    for (size_t i = 0; i < lines.count; i++) {
        const promised *l = lines.records[i];
        others |= l->suppkey != first;
        if (!l->late)
            continue;
        if (late != 0 && l->suppkey != who)
            return;
        who = l->suppkey;
        late = lines.counts[i];
    }
    if (late != 0 && others)
        waited_for_emit_n(out, (waited_for){ key->orderkey, who }, late);
}
WEIR_REDUCE(alone_late, promised, waited_for)

static void saudi_of(const supplier *s, const nation *n, weir_out(saudi) out)
{
    (void)n;
    saudi_emit(out, (saudi){ s->s_suppkey, s->s_name });
}
static void waited_for_saudi(const waited_for *w, const saudi *s, weir_out(waiting) out)
{
    waiting_emit(out, (waiting){ w->orderkey, true, s->name });
}
WEIR_JOIN(saudi_of, supplier, nation, saudi)
WEIR_JOIN(waited_for_saudi, waited_for, saudi, waiting)

weir_port *tpch_q21(const tpch_tables *t)
{
    weir_stream(waited_for) late =
        weir_reduce(weir_map(t->lineitem, to_promised), WEIR_KEY(promised, orderkey), alone_late);
    weir_stream(saudi) suppliers =
        weir_join(t->supplier, WEIR_KEY(supplier, s_nationkey), weir_filter(t->nation, is_saudi),
                  WEIR_KEY(nation, n_nationkey), saudi_of);
    weir_stream(waiting) theirs = weir_join(late, WEIR_KEY(waited_for, suppkey), suppliers,
                                            WEIR_KEY(saudi, suppkey), waited_for_saudi);
    weir_stream(closed) orders_closed = weir_map(weir_filter(t->orders, is_closed), to_closed);
    weir_stream(waiting) counted = weir_semijoin(theirs, WEIR_KEY(waiting, orderkey), orders_closed,
                                                 WEIR_KEY(closed, orderkey));
    weir_stream(waits) counts = weir_count(counted, waits, WEIR_KEY(waiting, all, name));
    weir_stream(waits) top =
        weir_top(counts, WEIR_KEY(waits, all), 100,
                 weir_order_then(WEIR_DESC(waits, count), WEIR_ASC(waits, name)));
    return weir_map(top, to_q21_row).port;
}

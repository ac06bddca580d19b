/* SPDX-License-Identifier: Apache-2.0
 *
 * Queries about parts and the lines in which they were sold: the share of promoted ones (14), what
 * small orders bring in (17), and what was sold by air at a discount (19).
 */
#include "queries.h"
#include "values.h"

/* What one line brings in, or several together. */
#define EVERYTHING(F) F(flag, all)
#define TAKINGS(F) EVERYTHING(F) F(i64, amount)
WEIR_RECORD(everything, EVERYTHING)
WEIR_RECORD(takings, TAKINGS)

/* ---- 14: which share of the revenue of 1995-09 came from promoted parts ---- */

#define SOLD_PART(F) F(u32, partkey)
#define PROMOTION(F) SOLD_PART(F) F(flag, promoted)
#define PROMO_SALE(F) F(flag, all) F(flag, promoted)
#define PROMO_SUMS(F) F(i64, promoted) F(i64, total)
#define Q14_ROW(F) F(decimal(4), promo_revenue)
WEIR_RECORD(sold_part, SOLD_PART)
WEIR_RECORD(promotion, PROMOTION)
WEIR_RECORD(promo_sale, PROMO_SALE)
WEIR_RECORD(promo_sums, PROMO_SUMS)
WEIR_RECORD(q14_row, Q14_ROW)

/* As often as it has units of revenue, which the join hands on and the sums read. */
static void if_of_month(const lineitem *l, weir_out(sold_part) out)
{
    if (tpch_within(l->l_shipdate, tpch_day(1995, 9, 1), tpch_day(1995, 10, 1)))
        sold_part_emit_n(out, (sold_part){ l->l_partkey },
                         tpch_revenue(l->l_extendedprice, l->l_discount));
}
static promotion to_promotion(const part *p)
{
    return (promotion){ p->p_partkey, tpch_begins(&p->p_type, "PROMO") };
}
WEIR_FLAT_MAP(if_of_month, lineitem, sold_part)
WEIR_MAP(to_promotion, part, promotion)

static void by_promotion(const sold_part *s, const promotion *p, weir_out(promo_sale) out)
{
    (void)s;
    promo_sale_emit(out, (promo_sale){ true, p->promoted });
}
WEIR_JOIN(by_promotion, sold_part, promotion, promo_sale)

static void add_promo_sale(const promo_sale *s, int64_t n, promo_sums *sums)
{
    sums->promoted += s->promoted ? n : 0;
    sums->total += n;
}
/* A percentage to 1/10000 of it. */
static q14_row to_q14_row(const promo_sale *key, const promo_sums *s)
{
    (void)key;
    return (q14_row){ tpch_quotient(s->promoted, 100 * 10000, s->total) };
}
WEIR_ACCUMULATE(add_promo_sale, to_q14_row, promo_sale, promo_sums, q14_row)

weir_port *tpch_q14(const tpch_tables *t)
{
    weir_stream(sold_part) sold = weir_flat_map(t->lineitem, if_of_month);
    weir_stream(promo_sale) sales =
        weir_join(sold, WEIR_KEY(sold_part, partkey), weir_map(t->part, to_promotion),
                  WEIR_KEY(promotion, partkey), by_promotion);
    return weir_accumulate(sales, WEIR_KEY(promo_sale, all), add_promo_sale).port;
}

/* ---- 17: what orders of less than a fifth of a part's average quantity bring in a year ---- */

#define BOXED(F) F(u32, partkey)
#define ORDERED(F) F(u32, partkey) F(u16, quantity) F(u32, price)
#define SMALL(F) F(u32, partkey) F(i64, price)
#define Q17_ROW(F) F(decimal(2), avg_yearly)
WEIR_RECORD(boxed, BOXED)
WEIR_RECORD(ordered, ORDERED)
WEIR_RECORD(small, SMALL)
WEIR_RECORD(q17_row, Q17_ROW)

static bool is_boxed(const part *p)
{
    return tpch_is(&p->p_brand, "Brand#23") && tpch_is(&p->p_container, "MED BOX");
}
WEIR_FILTER(is_boxed, part)

static boxed to_boxed(const part *p)
{
    return (boxed){ p->p_partkey };
}
/* No price of a line is above 105,000. */
static ordered to_ordered(const lineitem *l)
{
    return (ordered){ l->l_partkey, l->l_quantity, (uint32_t)l->l_extendedprice };
}
WEIR_MAP(to_boxed, part, boxed)
WEIR_MAP(to_ordered, lineitem, ordered)

static void of_boxed(const ordered *o, const boxed *b, weir_out(ordered) out)
{
    (void)b;
    ordered_emit(out, *o);
}
WEIR_JOIN(of_boxed, ordered, boxed, ordered)

/* Those of a part that are below 0.2 × sum / count. */
static void small_orders(const ordered *key, weir_group(ordered) lines, weir_out(small) out)
{
    int64_t sum = 0, count = 0;
    for (size_t i = 0; i < lines.count; i++) {
        sum += lines.counts[i] * lines.records[i]->quantity;
        count += lines.counts[i];
    }
    for (size_t i = 0; i < lines.count; i++)
        if (5 * lines.records[i]->quantity * count < sum)
            small_emit_n(out, (small){ key->partkey, lines.records[i]->price }, lines.counts[i]);
}
WEIR_REDUCE(small_orders, ordered, small)

static takings to_takings(const small *s)
{
    return (takings){ true, s->price };
}
static q17_row to_q17_row(const takings *t)
{
    return (q17_row){ tpch_quotient(t->amount, 1, 7) };
}
WEIR_MAP(to_takings, small, takings)
WEIR_MAP(to_q17_row, takings, q17_row)

weir_port *tpch_q17(const tpch_tables *t)
{
    weir_stream(boxed) parts = weir_map(weir_filter(t->part, is_boxed), to_boxed);
    weir_stream(ordered) lines =
        weir_join(weir_map(t->lineitem, to_ordered), WEIR_KEY(ordered, partkey), parts,
                  WEIR_KEY(boxed, partkey), of_boxed);
    weir_stream(small) below = weir_reduce(lines, WEIR_KEY(ordered, partkey), small_orders);
    weir_stream(takings) sum =
        weir_sum(weir_map(below, to_takings), takings, WEIR_KEY(takings, all), amount);
    return weir_map(sum, to_q17_row).port;
}

/* ---- 19: what three kinds of parts brought in that were sent by air, in their quantities ---- */

#define RANGE(F) F(u32, partkey) F(u16, least)
#define BY_AIR(F) F(u32, partkey) F(u16, quantity)
#define Q19_ROW(F) F(decimal(4), revenue)
WEIR_RECORD(range, RANGE)
WEIR_RECORD(by_air, BY_AIR)
WEIR_RECORD(q19_row, Q19_ROW)

/* No kind of part counts in more than thirty (quantities). */
static bool is_by_air(const lineitem *l)
{
    bool air = tpch_is(&l->l_shipmode, "AIR"), regular = tpch_is(&l->l_shipmode, "AIR REG");
    return (air | regular) && l->l_quantity <= 3000 &&
           tpch_is(&l->l_shipinstruct, "DELIVER IN PERSON");
}

/* Again as often as it has units of revenue. */
static void if_by_air(const lineitem *l, weir_out(by_air) out)
{
    if (is_by_air(l))
        by_air_emit_n(out, (by_air){ l->l_partkey, l->l_quantity },
                      tpch_revenue(l->l_extendedprice, l->l_discount));
}
WEIR_FLAT_MAP(if_by_air, lineitem, by_air)

/* The least quantity that counts for a part, if it is of one of the kinds; ten more do, too. */
static void quantities(const part *p, weir_out(range) out)
{
    static const struct {
        const char *brand, *containers[4];
        int32_t size;
        uint16_t least;
    } kinds[] = {
        { "Brand#12", { "SM CASE", "SM BOX", "SM PACK", "SM PKG" }, 5, 100 },
        { "Brand#23", { "MED BAG", "MED BOX", "MED PKG", "MED PACK" }, 10, 1000 },
        { "Brand#34", { "LG CASE", "LG BOX", "LG PACK", "LG PKG" }, 15, 2000 },
    };
    for (int k = 0; k < 3; k++) {
        if (!tpch_is(&p->p_brand, kinds[k].brand) || p->p_size < 1 || p->p_size > kinds[k].size)
            continue;
        for (int c = 0; c < 4; c++)
            if (tpch_is(&p->p_container, kinds[k].containers[c]))
                range_emit(out, (range){ p->p_partkey, kinds[k].least });
    }
}
WEIR_FLAT_MAP(quantities, part, range)

static void in_range(const by_air *l, const range *r, weir_out(everything) out)
{
    if (l->quantity >= r->least && l->quantity <= r->least + 1000)
        everything_emit(out, (everything){ true });
}
WEIR_JOIN(in_range, by_air, range, everything)

static q19_row to_q19_row(const takings *t)
{
    return (q19_row){ tpch_decimal(t->amount) };
}
WEIR_MAP(to_q19_row, takings, q19_row)

weir_port *tpch_q19(const tpch_tables *t)
{
    weir_stream(everything) each =
        weir_join(weir_flat_map(t->lineitem, if_by_air), WEIR_KEY(by_air, partkey),
                  weir_flat_map(t->part, quantities), WEIR_KEY(range, partkey), in_range);
    return weir_map(weir_count(each, takings, WEIR_KEY(everything, all)), to_q19_row).port;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Queries that add up line items alone: the pricing summary (1) and what revenue would be without
 * some discounts (6).
 */
#include "queries.h"
#include "values.h"

/* ---- 1: sums and averages of all that was shipped until 90 days before the last day ---- */

#define Q1_ITEM(F)                                                                                 \
    F(u8, returnflag) F(u8, linestatus) F(u16, quantity) F(u16, discount) F(u16, tax) F(i64, price)
#define Q1_SUMS(F)                                                                                 \
    F(i64, quantity) F(i64, price) F(i64, revenue) F(i64, charge) F(i64, discount) F(i64, count)
#define Q1_ROW(F)                                                                                  \
    F(str, l_returnflag) F(str, l_linestatus) F(decimal(2), sum_qty)                               \
    F(decimal(2), sum_base_price) F(decimal(4), sum_disc_price) F(decimal(6), sum_charge)          \
    F(decimal(2), avg_qty) F(decimal(2), avg_price) F(decimal(2), avg_disc) F(i64, count_order)
WEIR_RECORD(q1_item, Q1_ITEM)
WEIR_RECORD(q1_sums, Q1_SUMS)
WEIR_RECORD(q1_row, Q1_ROW)

static void shipped_item(const lineitem *l, weir_out(q1_item) out)
{
    if (l->l_shipdate.days <= tpch_day(1998, 9, 2))
        q1_item_emit(out, (q1_item){ l->l_returnflag, l->l_linestatus, l->l_quantity, l->l_discount,
                                     l->l_tax, l->l_extendedprice });
}
WEIR_FLAT_MAP(shipped_item, lineitem, q1_item)

static void add_item(const q1_item *i, int64_t n, q1_sums *s)
{
    int64_t revenue = tpch_revenue(i->price, i->discount);
    s->quantity += n * i->quantity;
    s->price += n * i->price;
    s->revenue += n * revenue;
    s->charge += n * revenue * (100 + i->tax);
    s->discount += n * i->discount;
    s->count += n;
}
static q1_row to_q1_row(const q1_item *key, const q1_sums *s)
{
    return (q1_row){ .l_returnflag = weir_str_view((const char *)&key->returnflag, 1),
                     .l_linestatus = weir_str_view((const char *)&key->linestatus, 1),
                     .sum_qty = tpch_decimal(s->quantity),
                     .sum_base_price = tpch_decimal(s->price),
                     .sum_disc_price = tpch_decimal(s->revenue),
                     .sum_charge = tpch_decimal(s->charge),
                     .avg_qty = tpch_quotient(s->quantity, 1, s->count),
                     .avg_price = tpch_quotient(s->price, 1, s->count),
                     .avg_disc = tpch_quotient(s->discount, 1, s->count),
                     .count_order = s->count };
}
WEIR_ACCUMULATE(add_item, to_q1_row, q1_item, q1_sums, q1_row)

weir_port *tpch_q1(const tpch_tables *t)
{
    weir_stream(q1_item) items = weir_flat_map(t->lineitem, shipped_item);
    return weir_accumulate(items, WEIR_KEY(q1_item, returnflag, linestatus), add_item).port;
}

/* ---- 6: what small discounts on small quantities cost in 1994 ---- */

#define DISCOUNT(F) F(flag, all) F(i64, amount)
#define Q6_ROW(F)   F(decimal(4), revenue)
WEIR_RECORD(discount, DISCOUNT)
WEIR_RECORD(q6_row, Q6_ROW)

static bool is_small_discount(const lineitem *l)
{
    return tpch_within(l->l_shipdate, tpch_day(1994, 1, 1), tpch_day(1995, 1, 1)) &
           (l->l_discount >= 5) & (l->l_discount <= 7) & (l->l_quantity < 2400);
}
WEIR_FILTER(is_small_discount, lineitem)

static discount to_discount(const lineitem *l)
{
    return (discount){ true, l->l_extendedprice * l->l_discount };
}
static q6_row to_q6_row(const discount *d) { return (q6_row){ tpch_decimal(d->amount) }; }
WEIR_MAP(to_discount, lineitem, discount)
WEIR_MAP(to_q6_row, discount, q6_row)

weir_port *tpch_q6(const tpch_tables *t)
{
    weir_stream(discount) each = weir_map(weir_filter(t->lineitem, is_small_discount), to_discount);
    weir_stream(discount) sum = weir_sum(each, discount, WEIR_KEY(discount, all), amount);
    return weir_map(sum, to_q6_row).port;
}

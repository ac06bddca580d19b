/* SPDX-License-Identifier: Apache-2.0
 *
 * What SQL has for values and the queries need here: days, texts that are like a pattern, and
 * quotients that are rounded once.
 */
#ifndef TPCH_VALUES_H
#define TPCH_VALUES_H

#include <weir/weir.h>

/* Days since 1970-01-01; of constants a constant. Years begin in March here, so that a leap day is
 * the last of its year: 719468 days lie between 0000-03-01 and 1970-01-01. */
static inline int32_t tpch_day(int year, int month, int day)
{
    int y = month > 2 ? year : year - 1, m = month > 2 ? month - 3 : month + 9;
    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}
/* first <= date < end. Dates come in no order, so this is one comparison. */
static inline bool tpch_within(weir_date date, int32_t first, int32_t end)
{
    return (uint32_t)date.days - (uint32_t)first < (uint32_t)end - (uint32_t)first;
}

static inline bool tpch_begins(const weir_str *s, const char *text)
{
    size_t len = strlen(text);
    return s->len >= len && memcmp(weir_str_data(s), text, len) == 0;
}
static inline bool tpch_is(const weir_str *s, const char *text)
{
    weir_str other = weir_str_of(text);
    return weir_str_equal(s, &other);
}

/* Whether one follows the other in it. */
static inline bool tpch_has_both(const weir_str *s, const char *first, const char *then)
{
    const char *text = weir_str_data(s), *end = text + s->len;
    const char *at = memmem(text, s->len, first, strlen(first));
    at = at ? at + strlen(first) : end;
    return at < end && memmem(at, (size_t)(end - at), then, strlen(then)) != NULL;
}
static inline bool tpch_has(const weir_str *s, const char *text)
{
    return memmem(weir_str_data(s), s->len, text, strlen(text)) != NULL;
}
static inline bool tpch_ends(const weir_str *s, const char *text)
{
    size_t len = strlen(text);
    return s->len >= len && memcmp(weir_str_data(s) + s->len - len, text, len) == 0;
}

/* n of a unit of which 100 are one, as the decimal that it is; and so on. */
static inline weir_decimal tpch_decimal(int64_t n) { return (weir_decimal){ .unscaled = n }; }

/* What lines bring in: the price less the discount, in units of 1/10000. */
static inline int64_t tpch_revenue(int64_t price, int64_t discount)
{
    return price * (100 - discount);
}

/* a × scale / b, rounded half up; none of them is negative. 0, where SQL has null, for b 0. */
static inline weir_decimal tpch_quotient(int64_t a, int64_t scale, int64_t b)
{
    __extension__ typedef __int128 wide;
    return (weir_decimal){ b == 0 ? 0 : ((wide)2 * a * scale + b) / ((wide)2 * b) };
}

#endif

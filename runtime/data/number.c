/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the texts of integers and floats. The C library does the floats; the locale that it
 * would ask is taken out of its hands here.
 */
#include <locale.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <weir/value.h>

#include "data/scan.h"

/* ---- integers ---- */

weir_status weir_u64_parse(const char *text, size_t len, uint64_t *result)
{
    weir__scan in = { text, text + len };
    uint64_t value = 0;
    bool fits = true;
    if (in.at == in.end)
        return WEIR_BAD_DATA;
    for (; in.at < in.end; in.at++) {
        if (!weir__is_digit(*in.at))
            return WEIR_BAD_DATA;
        fits = fits && !__builtin_mul_overflow(value, 10u, &value) &&
               !__builtin_add_overflow(value, (unsigned)(*in.at - '0'), &value);
    }
    if (!fits)
        return WEIR_OVERFLOWED;
    *result = value;
    return WEIR_OK;
}

weir_status weir_i64_parse(const char *text, size_t len, int64_t *result)
{
    bool negative = len > 0 && text[0] == '-';
    uint64_t size;
    weir_status status = weir_u64_parse(text + negative, len - negative, &size);
    if (status != WEIR_OK)
        return status;
    if (size > (uint64_t)INT64_MAX + negative)
        return WEIR_OVERFLOWED;
    *result = negative ? (int64_t)(0 - size) : (int64_t)size;
    return WEIR_OK;
}

size_t weir_u64_text(uint64_t value, char *text)
{
    char digits[WEIR_INTEGER_TEXT];
    size_t len = 0, at = sizeof digits;
    do
        digits[--at] = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    len = sizeof digits - at;
    memcpy(text, digits + at, len);
    text[len] = '\0';
    return len;
}

size_t weir_i64_text(int64_t value, char *text)
{
    if (value >= 0)
        return weir_u64_text((uint64_t)value, text);
    text[0] = '-';
    return 1 + weir_u64_text(0 - (uint64_t)value, text + 1);
}

/* ---- floats ---- */

/* Made by whoever needs it first, kept for the life of the process. If it cannot be made, the
 * thread's own locale stays in use. */
static locale_t plain(void)
{
    static _Atomic(locale_t) made;
    locale_t locale = atomic_load_explicit(&made, memory_order_acquire);
    if (WEIR_LIKELY(locale != (locale_t)0))
        return locale;
    locale_t mine = newlocale(LC_ALL_MASK, "C", (locale_t)0), none = (locale_t)0;
    if (mine != (locale_t)0 && !atomic_compare_exchange_strong(&made, &none, mine)) {
        freelocale(mine);
        return none;
    }
    return mine;
}

/* Whether all of the text is a number as JSON and people write it; strtod takes much more. */
static bool is_float(const char *text, size_t len)
{
    weir__scan in = { text, text + len };
    weir__scan_one(&in, '-');
    size_t digits = weir__scan_digits(&in);
    if (weir__scan_one(&in, '.'))
        digits += weir__scan_digits(&in);
    if (digits == 0)
        return false;
    if (weir__scan_one(&in, 'e') || weir__scan_one(&in, 'E')) {
        if (!weir__scan_one(&in, '-'))
            weir__scan_one(&in, '+');
        if (weir__scan_digits(&in) == 0)
            return false;
    }
    return in.at == in.end;
}

static bool is_text(const char *text, size_t len, const char *wanted)
{
    return len == strlen(wanted) && memcmp(text, wanted, len) == 0;
}

/* The text as a C string, if it is a number; a special value otherwise. */
static weir_status float_prepare(const char *text, size_t len, char copy[512], double *special)
{
    *special = 0;
    if (is_text(text, len, "NaN"))
        *special = (double)NAN;
    else if (is_text(text, len, "Infinity"))
        *special = (double)INFINITY;
    else if (is_text(text, len, "-Infinity"))
        *special = -(double)INFINITY;
    else if (len > 500 || !is_float(text, len))
        return WEIR_BAD_DATA;
    if (*special == 0) {
        memcpy(copy, text, len);
        copy[len] = '\0';
    }
    return WEIR_OK;
}

weir_status weir_f64_parse(const char *text, size_t len, double *result)
{
    char copy[512];
    double value;
    weir_status status = float_prepare(text, len, copy, &value);
    if (status != WEIR_OK)
        return status;
    if (value == 0) {
        locale_t before = uselocale(plain());
        value = strtod(copy, NULL);
        uselocale(before);
        if (isinf(value))
            return WEIR_OVERFLOWED;
    }
    *result = value;
    return WEIR_OK;
}

weir_status weir_f32_parse(const char *text, size_t len, float *result)
{
    char copy[512];
    double special;
    weir_status status = float_prepare(text, len, copy, &special);
    if (status != WEIR_OK)
        return status;
    float value = (float)special;
    if (special == 0) {
        locale_t before = uselocale(plain());
        value = strtof(copy, NULL);
        uselocale(before);
        if (isinf(value))
            return WEIR_OVERFLOWED;
    }
    *result = value;
    return WEIR_OK;
}

static size_t put(char *text, const char *from)
{
    size_t len = strlen(from);
    memcpy(text, from, len + 1);
    return len;
}

/* Values without a text of digits, and whole numbers, which need no search; 0 if it is neither. */
static size_t special_text(double value, char *text)
{
    if (isnan(value))
        return put(text, "NaN");
    if (isinf(value))
        return put(text, value > 0 ? "Infinity" : "-Infinity");
    if (fabs(value) < 1e15 && value == (double)(int64_t)value)
        return weir_i64_text((int64_t)value, text);
    return 0;
}

size_t weir_f64_text(double value, char *text)
{
    size_t len = special_text(value, text);
    if (len > 0)
        return len;
    locale_t before = uselocale(plain());
    for (int digits = 15; digits <= 17; digits++) {
        len = (size_t)snprintf(text, WEIR_FLOAT_TEXT, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    uselocale(before);
    return len;
}

size_t weir_f32_text(float value, char *text)
{
    size_t len = special_text((double)value, text);
    if (len > 0)
        return len;
    locale_t before = uselocale(plain());
    for (int digits = 6; digits <= 9; digits++) {
        len = (size_t)snprintf(text, WEIR_FLOAT_TEXT, "%.*g", digits, (double)value);
        if (strtof(text, NULL) == value)
            break;
    }
    uselocale(before);
    return len;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the texts of decimals. All steps are exact, or refused.
 */
#include <weir/value.h>

#include "data/scan.h"

__extension__ typedef unsigned __int128 magnitude;

/* The parts of a text: its digits lie from `digits` on with perhaps a point among them. */
typedef struct parts {
    bool negative;
    const char *digits;
    size_t digits_len; /* bytes, the point included */
    size_t count;      /* digits */
    int64_t exponent;  /* of the last digit */
} parts;

/* An exponent beyond any use stands for all that are greater. */
enum { EXPONENT_MAX = 1000000 };

static bool scan_exponent(weir__scan *in, int64_t *exponent)
{
    bool negative = weir__scan_one(in, '-');
    if (!negative)
        weir__scan_one(in, '+');
    const char *from = in->at;
    int64_t value = 0;
    if (weir__scan_digits(in) == 0)
        return false;
    for (; from < in->at; from++)
        value = value < EXPONENT_MAX ? value * 10 + (*from - '0') : EXPONENT_MAX;
    *exponent += negative ? -value : value;
    return true;
}

static bool scan_parts(const char *text, size_t len, parts *p)
{
    weir__scan in = { text, text + len };
    p->negative = weir__scan_one(&in, '-');
    if (!p->negative)
        weir__scan_one(&in, '+');
    p->digits = in.at;
    p->count = weir__scan_digits(&in);
    p->exponent = 0;
    if (weir__scan_one(&in, '.')) {
        size_t after = weir__scan_digits(&in);
        p->count += after;
        p->exponent = -(int64_t)after;
    }
    p->digits_len = (size_t)(in.at - p->digits);
    if (p->count == 0)
        return false;
    if (weir__scan_one(&in, 'e') || weir__scan_one(&in, 'E'))
        if (!scan_exponent(&in, &p->exponent))
            return false;
    return in.at == in.end;
}

/* value × 10 + digit, if it fits. */
static bool push(magnitude *value, unsigned digit)
{
    return !__builtin_mul_overflow(*value, (magnitude)10, value) &&
           !__builtin_add_overflow(*value, (magnitude)digit, value);
}

/* The digits × 10^shift. A negative shift drops that many digits, which must be 0. */
static bool shifted(const parts *p, int64_t shift, magnitude *value)
{
    int64_t kept = shift < 0 ? (int64_t)p->count + shift : (int64_t)p->count;
    *value = 0;
    for (size_t i = 0; i < p->digits_len; i++) {
        if (p->digits[i] == '.')
            continue;
        unsigned digit = (unsigned)(p->digits[i] - '0');
        if (kept-- > 0 ? !push(value, digit) : digit != 0)
            return false;
    }
    for (; shift > 0 && *value != 0; shift--)
        if (!push(value, 0))
            return false;
    return true;
}

weir_status weir_decimal_parse(const char *text, size_t len, unsigned scale, weir_decimal *result)
{
    parts p;
    magnitude value;
    if (!scan_parts(text, len, &p))
        return WEIR_BAD_DATA;
    if (!shifted(&p, p.exponent + (int64_t)scale, &value))
        return WEIR_OVERFLOWED;
    if (value > ((magnitude)1 << 127) - !p.negative)
        return WEIR_OVERFLOWED;
    if (p.negative)
        value = 0 - value;
    memcpy(&result->unscaled, &value, sizeof value);
    return WEIR_OK;
}

size_t weir_decimal_text(weir_decimal value, unsigned scale, char *text)
{
    char digits[WEIR_DECIMAL_TEXT];
    size_t at = sizeof digits, len = 0, count;
    bool negative = value.unscaled < 0;
    magnitude left = (magnitude)value.unscaled;
    if (negative)
        left = 0 - left;
    for (; left > UINT64_MAX; left /= 10)
        digits[--at] = (char)('0' + (unsigned)(left % 10));
    for (uint64_t low = (uint64_t)left; low != 0 || sizeof digits - at <= scale; low /= 10)
        digits[--at] = (char)('0' + (unsigned)(low % 10));
    if (negative)
        text[len++] = '-';
    count = sizeof digits - at;
    memcpy(text + len, digits + at, count - scale);
    len += count - scale;
    if (scale > 0) {
        text[len++] = '.';
        memcpy(text + len, digits + sizeof digits - scale, scale);
        len += scale;
    }
    text[len] = '\0';
    return len;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * See exact.h. A double is a mantissa of 53 bits, 0 to 2045 bits above the smallest; times a count
 * that is at most 116 bits, in three words.
 */
#include "exact.h"

#include <string.h>

#include <weir/memory.h>

__extension__ typedef unsigned __int128 product;
__extension__ typedef __int128 wide_count; /* of any number of diffs */

/* 34 words are what one product reaches, two more than all sums of 2^64 of them. */
enum { WINDOW = 4, WIDE = 36, PARTS = 3, EXPONENTS = 2047 };

struct weir__exact_wide {
    uint64_t words[WIDE];
    wide_count infinite[2], nan; /* how often: of + and -, of NaN */
};

/* ---- numbers of several words ---- */

static void add(uint64_t *words, size_t count, const uint64_t *parts)
{
    unsigned carry = 0;
    for (size_t i = 0; i < count && (i < PARTS || carry); i++) {
        uint64_t part = i < PARTS ? parts[i] : 0, with = part + carry;
        carry = with < part;
        words[i] += with;
        carry |= words[i] < with;
    }
}

static void subtract(uint64_t *words, size_t count, const uint64_t *parts)
{
    unsigned borrow = 0;
    for (size_t i = 0; i < count && (i < PARTS || borrow); i++) {
        uint64_t part = i < PARTS ? parts[i] : 0, with = part + borrow, before = words[i];
        borrow = with < part || before < with;
        words[i] = before - with;
    }
}

static bool is_negative(const uint64_t *words, size_t count)
{
    return words[count - 1] >> 63;
}

/* ---- adding ---- */

bool weir__exact_is_blank(const weir__exact *sum)
{
    static const struct weir__exact_wide zero;
    return sum->wide ? memcmp(sum->wide, &zero, sizeof zero) == 0
                     : memcmp(sum->words, zero.words, sizeof sum->words) == 0;
}

static struct weir__exact_wide *widen(weir__exact *sum)
{
    if (sum->wide)
        return sum->wide;
    struct weir__exact_wide *wide = weir_alloc_zero(sizeof *wide);
    if (!wide)
        return NULL;
    if (sum->used) {
        memcpy(wide->words + sum->base, sum->words, sizeof sum->words);
        if (is_negative(sum->words, WINDOW))
            for (size_t i = sum->base + WINDOW; i < WIDE; i++)
                wide->words[i] = UINT64_MAX;
    }
    sum->wide = wide;
    return wide;
}

/* Into the window, if the parts lie in it and so does the result. */
static bool add_to_window(weir__exact *sum, uint32_t at, const uint64_t *parts, bool negative)
{
    if (sum->wide)
        return false;
    if (!sum->used || weir__exact_is_blank(sum)) {
        sum->base = at > 0 ? at - 1 : 0;
        sum->used = true;
    }
    if (at < sum->base || at + PARTS > sum->base + WINDOW)
        return false;
    uint64_t *words = sum->words + (at - sum->base);
    size_t count = WINDOW - (at - sum->base);
    bool was_negative = is_negative(sum->words, WINDOW);
    negative ? subtract(words, count, parts) : add(words, count, parts);
    if (was_negative != negative || is_negative(sum->words, WINDOW) == negative)
        return true;
    negative ? add(words, count, parts) : subtract(words, count, parts);
    return false;
}

static bool add_special(weir__exact *sum, bool is_nan, bool negative, int64_t times)
{
    struct weir__exact_wide *wide = widen(sum);
    if (!wide)
        return false;
    *(is_nan ? &wide->nan : &wide->infinite[negative]) += times;
    return true;
}

bool weir__exact_add(weir__exact *sum, double value, int64_t times)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint64_t mantissa = bits & (((uint64_t)1 << 52) - 1);
    uint32_t exponent = (uint32_t)(bits >> 52) & EXPONENTS;
    bool negative = bits >> 63;
    if (exponent == EXPONENTS)
        return add_special(sum, mantissa != 0, negative, times);
    if (exponent > 0)
        mantissa |= (uint64_t)1 << 52;
    uint32_t position = exponent > 0 ? exponent - 1 : 0, shift = position % 64;
    product p = (product)mantissa * (times < 0 ? 0 - (uint64_t)times : (uint64_t)times);
    if (p == 0)
        return true;
    negative ^= times < 0;
    uint64_t parts[PARTS] = { (uint64_t)(p << shift), (uint64_t)(p << shift >> 64),
                              shift ? (uint64_t)(p >> 64 >> (64 - shift)) : 0 };
    if (add_to_window(sum, position / 64, parts, negative))
        return true;
    struct weir__exact_wide *wide = widen(sum);
    if (!wide)
        return false;
    uint64_t *words = wide->words + position / 64;
    negative ? subtract(words, WIDE - position / 64, parts)
             : add(words, WIDE - position / 64, parts);
    return true;
}

/* ---- reading ---- */

static bool read_special(const struct weir__exact_wide *wide, double *result)
{
    bool plus = wide->infinite[0] != 0, minus = wide->infinite[1] != 0;
    if (wide->nan == 0 && !plus && !minus)
        return false;
    *result = wide->nan != 0 || (plus && minus) ? __builtin_nan("")
                                                : plus ? __builtin_inf() : -__builtin_inf();
    return true;
}

/* Bits `from` and up to 63 more of a magnitude; bits below 0 are 0. */
static uint64_t bits_from(const uint64_t *words, size_t count, int64_t from)
{
    if (from < 0)
        return words[0] << -from;
    size_t at = (size_t)from / 64, shift = (size_t)from % 64;
    uint64_t high = at + 1 < count && shift ? words[at + 1] << (64 - shift) : 0;
    return words[at] >> shift | high;
}

static bool any_below(const uint64_t *words, int64_t end)
{
    for (int64_t i = 0; i * 64 < end; i++)
        if (end - i * 64 >= 64 ? words[i] : words[i] << (64 - (end - i * 64)))
            return true;
    return false;
}

/* words is a magnitude, `base` words above the smallest float. */
static double round_words(const uint64_t *words, size_t count, uint32_t base, bool negative)
{
    size_t top = count;
    while (top > 0 && words[top - 1] == 0)
        top--;
    if (top == 0)
        return 0;
    int64_t high = (int64_t)top * 64 - 1 - __builtin_clzll(words[top - 1]);
    int64_t position = high + (int64_t)base * 64; /* of the highest bit, above the smallest float */
    uint64_t bits, sign = (uint64_t)negative << 63;
    if (position <= 52) {
        bits = words[0];
    } else {
        uint64_t mantissa = bits_from(words, count, high - 52) & (((uint64_t)1 << 53) - 1);
        bool half = high >= 53 && (bits_from(words, count, high - 53) & 1);
        bool more = high > 53 && any_below(words, high - 53);
        uint64_t exponent = (uint64_t)position - 51;
        bits = (exponent << 52) + (mantissa & (((uint64_t)1 << 52) - 1));
        bits += half && (more || (mantissa & 1)); /* may carry into the exponent: as it should */
        if (bits >> 52 >= EXPONENTS)
            bits = (uint64_t)EXPONENTS << 52;
    }
    bits |= sign;
    double result;
    memcpy(&result, &bits, sizeof result);
    return result;
}

double weir__exact_read(const weir__exact *sum)
{
    uint64_t words[WIDE];
    double special;
    size_t count = sum->wide ? WIDE : WINDOW;
    memcpy(words, sum->wide ? sum->wide->words : sum->words, count * sizeof *words);
    if (sum->wide && read_special(sum->wide, &special))
        return special;
    bool negative = is_negative(words, count);
    for (size_t i = 0, carry = 1; negative && i < count; i++) {
        words[i] = ~words[i] + carry;
        carry = carry && words[i] == 0;
    }
    return round_words(words, count, sum->wide ? 0 : sum->base, negative);
}

weir__exact weir__exact_copy(const weir__exact *sum)
{
    weir__exact copy = *sum;
    if (sum->wide) {
        copy.wide = weir_alloc_must(sizeof *copy.wide);
        *copy.wide = *sum->wide;
    }
    return copy;
}

size_t weir__exact_bytes(const weir__exact *sum)
{
    return sum->wide ? sizeof *sum->wide : 0;
}

void weir__exact_fini(weir__exact *sum)
{
    weir_free(sum->wide, weir__exact_bytes(sum));
    *sum = (weir__exact){ .wide = NULL };
}

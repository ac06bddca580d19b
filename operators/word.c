/* SPDX-License-Identifier: Apache-2.0
 *
 * See word.h. Integers have their sign turned; floats are turned round below 0. NaN, of which there
 * is one, is above all.
 */
#include "word.h"

#include <math.h>
#include <string.h>

#include <weir/record.h>

static const weir__word SIGN = (weir__word)1 << 127;
static const uint64_t SIGN_64 = (uint64_t)1 << 63;

static weir__word of_integer(weir__wide value)
{
    return (weir__word)value ^ SIGN;
}

static weir__word of_float(double value)
{
    uint64_t bits;
    value = value == 0 ? 0 : value;
    memcpy(&bits, &value, sizeof bits);
    return bits & SIGN_64 && value == value ? ~bits : bits | SIGN_64;
}

static double float_of(weir__word word)
{
    uint64_t bits = (uint64_t)word;
    double value;
    bits = bits & SIGN_64 ? bits & ~SIGN_64 : ~bits;
    memcpy(&value, &bits, sizeof value);
    return value;
}

#define INTEGERS(XX)                                                                               \
    XX(i8, int8_t) XX(i16, int16_t) XX(i32, int32_t) XX(i64, int64_t) XX(u8, uint8_t)              \
    XX(u16, uint16_t) XX(u32, uint32_t) XX(u64, uint64_t) XX(decimal, weir__wide)                  \
    XX(date, int32_t) XX(instant, int64_t)

bool weir__word_has(weir_kind kind)
{
    switch (kind) {
#define CASE(name, type) case WEIR_KIND_##name:
        INTEGERS(CASE)
#undef CASE
    case WEIR_KIND_f32:
    case WEIR_KIND_f64:
        return true;
    default:
        return false;
    }
}

weir__word weir__word_of(weir_kind kind, const void *at)
{
    double wide;
    float narrow;
    switch (kind) {
#define CASE(name, type)                                                                           \
    case WEIR_KIND_##name: {                                                                       \
        type value;                                                                                \
        memcpy(&value, at, sizeof value);                                                          \
        return of_integer((weir__wide)value);                                                      \
    }
        INTEGERS(CASE)
#undef CASE
    case WEIR_KIND_f32:
        memcpy(&narrow, at, sizeof narrow);
        return of_float((double)narrow);
    default:
        memcpy(&wide, at, sizeof wide);
        return of_float(wide);
    }
}

void weir__word_put(weir_kind kind, weir__word word, void *to)
{
    double wide = float_of(word);
    float narrow = (float)wide;
    switch (kind) {
#define CASE(name, type)                                                                           \
    case WEIR_KIND_##name: {                                                                       \
        type value = (type)weir__word_integer(word);                                               \
        memcpy(to, &value, sizeof value);                                                          \
        return;                                                                                    \
    }
        INTEGERS(CASE)
#undef CASE
    case WEIR_KIND_f32:
        weir_clean_f32_(&narrow);
        memcpy(to, &narrow, sizeof narrow);
        return;
    default:
        weir_clean_f64_(&wide);
        memcpy(to, &wide, sizeof wide);
    }
}

void weir__word_put_least(weir_kind kind, void *to)
{
    /* of as many bits, with a sign */
    weir__word least = SIGN - (SIGN >> (128 - 8 * weir_kind_size(kind)));
    switch (kind) {
    case WEIR_KIND_u8:
    case WEIR_KIND_u16:
    case WEIR_KIND_u32:
    case WEIR_KIND_u64:
        least = of_integer(0);
        break;
    case WEIR_KIND_f32:
    case WEIR_KIND_f64:
        least = of_float(-INFINITY);
        break;
    default:
        break;
    }
    weir__word_put(kind, least, to);
}

double weir__word_number(weir_kind kind, weir__word word)
{
    if (kind == WEIR_KIND_f32 || kind == WEIR_KIND_f64)
        return float_of(word);
    return (double)weir__word_integer(word);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Random records of any type, by its field table: values that often collide and often lie at an
 * edge of their kind. For tests of laws and round trips.
 */
#ifndef WEIR_TESTS_PROPERTY_RECORDS_H
#define WEIR_TESTS_PROPERTY_RECORDS_H

#include <string.h>

#include <weir/record.h>

#include "support.h"

/* One record with every kind, one with every kind optional. */
#define RECORDS_PLAIN(F)                                                                          \
    F(flag, flag)                                                                                 \
    F(i8, i8)                                                                                     \
    F(i16, i16) F(i32, i32) F(i64, i64) F(u8, u8) F(u16, u16) F(u32, u32) F(u64, u64) F(f32, f32) \
        F(f64, f64) F(str, str) F(bytes, bytes) F(decimal(3), decimal) F(date, date)              \
            F(instant, instant)
#define RECORDS_NULLS(F)                                                                          \
    F(opt_flag, flag)                                                                             \
    F(opt_i8, i8)                                                                                 \
    F(opt_i16, i16) F(opt_i32, i32) F(opt_i64, i64) F(opt_u8, u8) F(opt_u16, u16) F(opt_u32, u32) \
        F(opt_u64, u64) F(opt_f32, f32) F(opt_f64, f64) F(opt_str, str) F(opt_bytes, bytes)       \
            F(opt_decimal(3), decimal) F(opt_date, date) F(opt_instant, instant)
WEIR_RECORD(records_plain, RECORDS_PLAIN)
WEIR_RECORD(records_nulls, RECORDS_NULLS)

typedef union records_any {
    records_plain plain;
    records_nulls nulls;
} records_any;

/* UTF-8 texts of many lengths; equal ones at different addresses. */
static inline weir_str records_str(uint64_t *state)
{
    static const char texts[2][96] = {
        "abcdefghijklmnopqrstuvwxyz\"\\/\b\f\n\r\t\x01\x1f\x7f \xc3\xa9 \xe2\x82\xac "
        "\xf0\x9f\x90\x9d",
        "abcdefghijklmnopqrstuvwxyz\"\\/\b\f\n\r\t\x01\x1f\x7f \xc3\xa9 \xe2\x82\xac "
        "\xf0\x9f\x90\x9d",
    };
    static const uint8_t ends[] = {
        0, 1, 3, 4, 5, 7, 8, 11, 12, 13, 16, 25, 26, 30, 37, 40, 44, 49
    };
    size_t from = test_below(state, 3), to = ends[test_below(state, sizeof ends)];
    const char *text = texts[test_below(state, 2)];
    return weir_str_view(text + from, to > from ? to - from : 0);
}

static inline uint64_t records_bits(uint64_t *state)
{
    static const uint64_t edges[] = {
        0,    1,      UINT64_MAX, INT64_MAX, (uint64_t)INT64_MIN, 0x7f,
        0x80, 0x7fff, 0x8000,     INT32_MAX, 0x80000000u,         UINT32_MAX
    };
    switch (test_below(state, 3)) {
    case 0:
        return edges[test_below(state, sizeof edges / sizeof *edges)];
    case 1:
        return test_below(state, 4);
    default:
        return test_random(state) >> test_below(state, 64);
    }
}

static inline void records_float(uint64_t *state, char *at, size_t size)
{
    static const double edges[] = { 0.0, -0.0, 1, -1, 0.1, 1e300, -1e-300, 5e-324, 3.4e38 };
    uint64_t bits = test_random(state);
    double wide = edges[test_below(state, sizeof edges / sizeof *edges)];
    switch (test_below(state, 4)) {
    case 0:
        wide = __builtin_nan("");
        break;
    case 1:
        wide = test_below(state, 2) ? __builtin_inf() : -__builtin_inf();
        break;
    case 2:
        memcpy(&wide, &bits, sizeof wide);
        break;
    default:
        break;
    }
    float brief = (wide > 1e38 || wide < -1e38) && wide - wide == 0 ? 1.5f : (float)wide;
    memcpy(at, size == 4 ? (const void *)&brief : (const void *)&wide, size);
}

/* Fills the record; what is not a value (padding, unset optionals) is garbage. */
static inline void records_fill(uint64_t *state, const weir_type *type, void *record)
{
    char *base = record;
    memset(base, (int)test_below(state, 256), type->size);
    for (uint32_t i = 0; i < type->field_count; i++) {
        const weir_field *f = &type->fields[i];
        char *at = base + f->offset;
        size_t size = weir_kind_size(f->kind);
        uint64_t bits[2] = { records_bits(state), 0 };
        bits[1] = test_below(state, 4) ? (uint64_t)((int64_t)bits[0] >> 63) : records_bits(state);
        weir_str s = records_str(state);
        if (f->kind == WEIR_KIND_str || f->kind == WEIR_KIND_bytes)
            memcpy(at, &s, sizeof s);
        else if (f->kind == WEIR_KIND_f32 || f->kind == WEIR_KIND_f64)
            records_float(state, at, size);
        else if (f->kind == WEIR_KIND_flag)
            *at = (char)(bits[0] & 1);
        else
            memcpy(at, bits, size);
        if (f->optional)
            base[f->set_offset] = (char)(test_below(state, 3) > 0);
    }
}

#endif

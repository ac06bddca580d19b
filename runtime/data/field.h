/* SPDX-License-Identifier: Apache-2.0
 *
 * One field of a record: reading it by kind, without reliance on the record being canonical or on a
 * flag's byte being 0 or 1. Equality, order and hash are all built on these, so that they agree.
 */
#ifndef WEIR_DATA_FIELD_H
#define WEIR_DATA_FIELD_H

#include <weir/type.h>

static inline const void *weir__field_at(const weir_field *f, const void *record)
{
    return (const char *)record + f->offset;
}

static inline bool weir__field_is_null(const weir_field *f, const void *record)
{
    return f->optional && ((const unsigned char *)record)[f->set_offset] == 0;
}

static inline bool weir__kind_is_str(weir_kind kind)
{
    return kind == WEIR_KIND_str || kind == WEIR_KIND_bytes;
}

/* A float's bits: -0 as 0, every NaN as the quiet one without a sign. */
static inline uint32_t weir__f32_bits(const void *at)
{
    uint32_t bits;
    memcpy(&bits, at, 4);
    if ((bits & 0x7fffffffu) > 0x7f800000u)
        return 0x7fc00000u;
    return bits == 0x80000000u ? 0 : bits;
}

static inline uint64_t weir__f64_bits(const void *at)
{
    uint64_t bits;
    memcpy(&bits, at, 8);
    if ((bits & 0x7fffffffffffffffu) > 0x7ff0000000000000u)
        return 0x7ff8000000000000u;
    return bits == 0x8000000000000000u ? 0 : bits;
}

/* Floats in their order as signed integers: NaN, being canonical, above infinity. */
static inline int64_t weir__f32_rank(const void *at)
{
    uint32_t bits = weir__f32_bits(at);
    return bits >> 31 ? -(int64_t)(bits & 0x7fffffffu) : (int64_t)bits;
}

static inline int64_t weir__f64_rank(const void *at)
{
    uint64_t bits = weir__f64_bits(at);
    return bits >> 63 ? -(int64_t)(bits & 0x7fffffffffffffffu) : (int64_t)bits;
}

/* The value of a kind of at most 8 bytes as a number: equal exactly if the values are. 0 for the
 * other kinds. */
uint64_t weir__value_bits(weir_kind kind, const void *at);
/* Writes back what weir__value_bits read. */
void weir__value_from_bits(weir_kind kind, uint64_t bits, void *at);

bool weir__value_equal(weir_kind kind, const void *a, const void *b);
/* -1, 0 or 1. */
int weir__value_compare(weir_kind kind, const void *a, const void *b);

bool weir__field_equal(const weir_field *fa, const void *a, const weir_field *fb, const void *b);
int weir__field_compare(const weir_field *f, const void *a, const void *b);

#endif

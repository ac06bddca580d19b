/* SPDX-License-Identifier: Apache-2.0
 *
 * See field.h: the values of fields as bits, their equality and their order.
 */
#include "data/field.h"

uint64_t weir__value_bits(weir_kind kind, const void *at)
{
    switch (kind) {
    case WEIR_KIND_flag:
        return *(const unsigned char *)at != 0;
#define INTEGER(name, type)               \
    case WEIR_KIND_##name: {              \
        type value;                       \
        memcpy(&value, at, sizeof value); \
        return (uint64_t)value;           \
    }
        INTEGER(i8, int8_t)
        INTEGER(i16, int16_t)
        INTEGER(i32, int32_t)
        INTEGER(i64, int64_t)
        INTEGER(u8, uint8_t)
        INTEGER(u16, uint16_t)
        INTEGER(u32, uint32_t)
        INTEGER(u64, uint64_t)
        INTEGER(date, int32_t)
        INTEGER(instant, int64_t)
#undef INTEGER
    case WEIR_KIND_f32:
        return weir__f32_bits(at);
    case WEIR_KIND_f64:
        return weir__f64_bits(at);
    case WEIR_KIND_str:
    case WEIR_KIND_bytes:
    case WEIR_KIND_decimal:
        break;
    }
    return 0;
}

void weir__value_from_bits(weir_kind kind, uint64_t bits, void *at)
{
    uint8_t b8 = (uint8_t)bits;
    uint16_t b16 = (uint16_t)bits;
    uint32_t b32 = (uint32_t)bits;
    switch (weir_kind_size(kind)) {
    case 1:
        memcpy(at, &b8, 1);
        break;
    case 2:
        memcpy(at, &b16, 2);
        break;
    case 4:
        memcpy(at, &b32, 4);
        break;
    case 8:
        memcpy(at, &bits, 8);
        break;
    default:
        break;
    }
}

bool weir__value_equal(weir_kind kind, const void *a, const void *b)
{
    if (weir__kind_is_str(kind))
        return weir_str_equal(a, b);
    if (kind == WEIR_KIND_decimal)
        return memcmp(a, b, sizeof(weir_decimal)) == 0;
    return weir__value_bits(kind, a) == weir__value_bits(kind, b);
}

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

static int decimal_compare(const void *a, const void *b)
{
    weir_decimal x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return ORDER(x.unscaled, y.unscaled);
}

int weir__value_compare(weir_kind kind, const void *a, const void *b)
{
    switch (kind) {
    case WEIR_KIND_str:
    case WEIR_KIND_bytes:
        return weir_str_compare(a, b);
    case WEIR_KIND_decimal:
        return decimal_compare(a, b);
    case WEIR_KIND_f32:
        return ORDER(weir__f32_rank(a), weir__f32_rank(b));
    case WEIR_KIND_f64:
        return ORDER(weir__f64_rank(a), weir__f64_rank(b));
    case WEIR_KIND_i8:
    case WEIR_KIND_i16:
    case WEIR_KIND_i32:
    case WEIR_KIND_i64:
    case WEIR_KIND_date:
    case WEIR_KIND_instant:
        return ORDER((int64_t)weir__value_bits(kind, a), (int64_t)weir__value_bits(kind, b));
    case WEIR_KIND_flag:
    case WEIR_KIND_u8:
    case WEIR_KIND_u16:
    case WEIR_KIND_u32:
    case WEIR_KIND_u64:
        break;
    }
    return ORDER(weir__value_bits(kind, a), weir__value_bits(kind, b));
}

bool weir__field_equal(const weir_field *fa, const void *a, const weir_field *fb, const void *b)
{
    bool null = weir__field_is_null(fa, a);
    if (null != weir__field_is_null(fb, b))
        return false;
    return null || weir__value_equal(fa->kind, weir__field_at(fa, a), weir__field_at(fb, b));
}

int weir__field_compare(const weir_field *f, const void *a, const void *b)
{
    bool a_null = weir__field_is_null(f, a), b_null = weir__field_is_null(f, b);
    if (a_null || b_null)
        return (int)b_null - (int)a_null;
    return weir__value_compare(f->kind, weir__field_at(f, a), weir__field_at(f, b));
}

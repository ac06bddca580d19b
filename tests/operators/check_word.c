/* SPDX-License-Identifier: Apache-2.0
 *
 * Words of values: they order as the values do, and give them back; of every kind.
 */
#include "word.h"

#include <math.h>
#include <string.h>
#include <weir/record.h>

#include "support.h"

/* Values of one kind, ascending: their words ascend, and are theirs. */
static void ascend(weir_kind kind, const void *values, size_t size, size_t count)
{
    ck_assert(weir__word_has(kind));
    for (size_t i = 0; i < count; i++) {
        const char *at = (const char *)values + i * size;
        char back[16];
        weir__word word = weir__word_of(kind, at);
        ck_assert_msg(i == 0 || weir__word_of(kind, at - size) < word, "%s: value %zu",
                      weir_kind_name(kind), i);
        weir__word_put(kind, word, back);
        ck_assert_msg(memcmp(back, at, size) == 0, "%s: value %zu", weir_kind_name(kind), i);
    }
}
/* The first of the values is the least one of the kind. */
static void begins_with_least(weir_kind kind, const void *values, size_t size)
{
    char least[16];
    weir__word_put_least(kind, least);
    ck_assert_msg(memcmp(least, values, size) == 0, "%s", weir_kind_name(kind));
}
#define LEAST(kind, values) begins_with_least(WEIR_KIND_##kind, values, sizeof *values)
#define ASCEND(kind, values) \
    ascend(WEIR_KIND_##kind, values, sizeof *values, sizeof values / sizeof *values)

START_TEST(integers)
{
    static const int8_t i8[] = { INT8_MIN, -1, 0, 1, INT8_MAX };
    static const int16_t i16[] = { INT16_MIN, -1, 0, 1, INT16_MAX };
    static const int32_t i32[] = { INT32_MIN, -1, 0, 1, INT32_MAX };
    static const int64_t i64[] = { INT64_MIN, -1, 0, 1, INT64_MAX };
    static const uint8_t u8[] = { 0, 1, UINT8_MAX };
    static const uint16_t u16[] = { 0, 1, UINT16_MAX };
    static const uint32_t u32[] = { 0, 1, UINT32_MAX };
    static const uint64_t u64[] = { 0, 1, UINT64_MAX };
    static const weir_instant at[] = { { INT64_MIN }, { -7 }, { 0 }, { INT64_MAX } };
    static const weir_date day[] = { { -70000 }, { 0 }, { 3 } };
    weir_decimal decimal[] = { { 0 }, { -3 }, { 0 }, { 0 } };
    decimal[0].unscaled = -((weir__wide)1 << 120);
    decimal[3].unscaled = (weir__wide)1 << 120;
    ASCEND(i8, i8);
    ASCEND(i16, i16);
    ASCEND(i32, i32);
    ASCEND(i64, i64);
    ASCEND(u8, u8);
    ASCEND(u16, u16);
    ASCEND(u32, u32);
    ASCEND(u64, u64);
    ASCEND(instant, at);
    ASCEND(date, day);
    ASCEND(decimal, decimal);
    LEAST(i8, i8);
    LEAST(i16, i16);
    LEAST(i32, i32);
    LEAST(i64, i64);
    LEAST(u8, u8);
    LEAST(u16, u16);
    LEAST(u32, u32);
    LEAST(u64, u64);
    LEAST(instant, at);
    decimal[0].unscaled = (weir__wide)((weir__word)1 << 127);
    LEAST(decimal, decimal);
    ck_assert(weir__word_number(WEIR_KIND_i64, weir__word_of(WEIR_KIND_i64, &i64[1])) == -1);
    ck_assert(weir__word_integer(weir__word_of(WEIR_KIND_u64, &u64[2])) == UINT64_MAX);
}
END_TEST

START_TEST(floats)
{
    double f64[] = { -INFINITY, -1e300, -1, -5e-324, 0, 5e-324, 1, 1e300, INFINITY, NAN };
    float f32[] = { -INFINITY, -1e30F, -1, -1e-45F, 0, 1e-45F, 1, INFINITY, NAN };
    double zero = -0.0, negative_nan;
    weir_clean_f64_(&f64[9]);
    weir_clean_f32_(&f32[8]);
    ASCEND(f64, f64);
    ASCEND(f32, f32);
    ck_assert(weir__word_of(WEIR_KIND_f64, &zero) == weir__word_of(WEIR_KIND_f64, &f64[4]));
    negative_nan = -f64[9];
    ck_assert(weir__word_of(WEIR_KIND_f64, &negative_nan) ==
              weir__word_of(WEIR_KIND_f64, &f64[9]));
    ck_assert(weir__word_number(WEIR_KIND_f32, weir__word_of(WEIR_KIND_f32, &f32[1])) ==
              (double)f32[1]);
}
END_TEST

START_TEST(no_words)
{
    ck_assert(!weir__word_has(WEIR_KIND_str));
    ck_assert(!weir__word_has(WEIR_KIND_bytes));
    ck_assert(!weir__word_has(WEIR_KIND_flag));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { integers, floats, no_words, NULL };
    return test_run(test_suite("word", tests));
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Records of whole records: types that a graph takes, parts that are read where they lie, parts
 * that are too many.
 */
#include "parts.h"

#include <string.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define SMALL(F) F(u8, a)
#define MIXED(F) F(opt_str, name) F(decimal(2), price) F(opt_i64, count)
#define TEN(F, n)                                                                             \
    F(i64, n##0) F(i64, n##1) F(i64, n##2) F(i64, n##3) F(i64, n##4) F(i64, n##5) F(i64, n##6)     \
    F(i64, n##7) F(i64, n##8) F(i64, n##9)
#define MANY(F) TEN(F, a) TEN(F, b)
WEIR_RECORD(small, SMALL)
WEIR_RECORD(mixed, MIXED)
WEIR_RECORD(many, MANY)

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    const weir_type *types[] = { small_type(), mixed_type(), small_type(), mixed_type() };
    weir__parts *p = weir__parts_of(g, types, 4, "test");
    weir_error error;
    ck_assert_int_eq(weir_type_check(&p->type, &error), WEIR_OK);
    ck_assert_uint_eq(p->type.field_count, 8);
    ck_assert_uint_eq(p->first_field[3], 5);
    ck_assert(p->type.has_strings);
    _Alignas(16) char record[4096];
    memset(record, 0, sizeof record);
    *(mixed *)weir__part(p, 3, record) =
        (mixed){ { true, weir_str_of("plum") }, { 125 }, { true, 7 } };
    *(small *)weir__part(p, 2, record) = (small){ 9 };
    ck_assert_uint_eq(((const small *)weir__part_read(p, 2, record))->a, 9);
    char text[500];
    ck_assert_str_eq(weir_record_text(&p->type, record, text, sizeof text),
                     "(1.0.a: 0, 2.0.name: null, 2.1.price: 0.00, 2.2.count: null, 3.0.a: 9, "
                     "4.0.name: \"plum\", 4.1.price: 1.25, 4.2.count: 7)");
}

static void build_many(weir_graph *g, void *ctx)
{
    const weir_type *types[] = { many_type(), many_type(), many_type(), many_type() };
    (void)ctx;
    ck_assert_ptr_nonnull(weir__parts_of(g, types, 3, "test"));
    ck_assert_ptr_null(weir__parts_of(g, types, 4, "test"));
}

START_TEST(side_by_side)
{
    weir_test *t = weir_test_create(build, NULL);
    ck_assert_int_eq(weir_test_error(t)->status, WEIR_OK);
    weir_test_destroy(t);
}
END_TEST

START_TEST(too_many)
{
    weir_test *t = weir_test_create(build_many, NULL);
    ck_assert_int_eq(weir_test_error(t)->status, WEIR_TOO_LARGE);
    ck_assert_str_eq(weir_test_error(t)->what,
                     "the records have together over 64 fields or 4096 bytes");
    weir_test_destroy(t);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { side_by_side, too_many, NULL };
    return test_run(test_suite("parts", tests));
}

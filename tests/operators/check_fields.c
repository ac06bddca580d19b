/* SPDX-License-Identifier: Apache-2.0
 *
 * Records of some fields of others: their layout, which is a compiler's, and the copies.
 */
#include "fields.h"

#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define WHOLE(F) F(u8, a) F(opt_str, name) F(decimal(2), price) F(flag, b) F(opt_i64, count)
#define SOME(F) F(flag, b) F(opt_i64, count) F(opt_str, name) F(u8, a)
WEIR_RECORD(whole, WHOLE)
WEIR_RECORD(some, SOME)

static const weir_key key = { .count = 3, .field = { 3, 4, 1 } };
static const char *const long_name = "a name of more than twelve bytes";

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(whole) in = weir_test_input(g, whole);
    weir__fields *f = weir__fields_of(g, whole_type(), &key, 0);
    ck_assert_uint_eq(f->count, 4);
    ck_assert(weir_type_same_layout(&f->type, some_type()));
    ck_assert(f->type.has_strings);
    weir_test_output(((weir_stream(some)){ .port = weir__fields_map(in.port, f, "some") }));
    /* what has only entered a scope is made of its fields outside */
    weir_scope *scope = weir_scope_add(g, NULL, "rounds");
    weir_stream(whole) inside = weir_enter(in, scope), changed = inside;
    ck_assert_ptr_nonnull(weir_port_outside(weir__fields_map(inside.port, f, "some")));
    ck_assert_ptr_eq(weir_port_scope(weir__fields_map(inside.port, f, "some")), scope);
    changed.port = weir__negate(weir_port_as_collection(inside.port));
    ck_assert_ptr_null(weir_port_outside(weir__fields_map(changed.port, f, "some")));
    weir_key found;
    ck_assert_int_eq(weir__fields_resolve(in.port, (const char *const[]){ "b", "name", NULL },
                                          "price", &found, "test"), 2);
    ck_assert_uint_eq(found.count, 2);
    ck_assert_uint_eq(found.field[1], 1);
    ck_assert_int_eq(weir__fields_resolve(NULL, NULL, "price", &found, "test"), -1);
    found = weir__fields_key(3);
    ck_assert_uint_eq(found.count, 3);
    ck_assert_uint_eq(found.field[2], 2);
}

static void build_wrong(weir_graph *g, void *ctx)
{
    weir_key found;
    (void)ctx;
    ck_assert_int_eq(weir__fields_resolve(weir_test_input(g, whole).port,
                                          (const char *const[]){ "b", NULL }, "prize", &found,
                                          "test"), -1);
}

START_TEST(as_a_stream)
{
    weir_test *t = weir_test_create(build, NULL, .workers = 2);
    weir_test_push(t, 0, whole, 1, 1,
                   { 7, { true, weir_str_of(long_name) }, { 5 }, true, { true, -3 } });
    weir_test_push(t, 0, whole, 1, 1, { 8, { .set = false }, { 5 }, false, { .set = false } });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_str_eq(weir_test_take(t, 0),
                     "(b: false, count: null, name: null, a: 8) @1 +1\n"
                     "(b: true, count: -3, name: \"a name of more than twelve bytes\", a: 7) @1 "
                     "+1\n");
    weir_test_destroy(t);
    t = weir_test_create(build_wrong, NULL);
    ck_assert_str_eq(weir_test_error(t)->what, "record 'whole' has no field 'prize'");
    weir_test_destroy(t);
}
END_TEST

/* A field several times: under names that are different ones. */
static void build_again(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(whole) in = weir_test_input(g, whole);
    const weir_key twice = { .count = 4, .field = { 3, 0, 1, 3 } };
    weir__fields *f = weir__fields_of(g, whole_type(), &twice, 3);
    ck_assert_uint_eq(f->count, 5);
    ck_assert_str_eq(f->fields[0].name, "b");
    weir__test_output(weir__fields_map(in.port, f, "again"));
}

START_TEST(a_field_again)
{
    weir_test *t = weir_test_create(build_again, NULL);
    ck_assert_msg(!weir_test_error(t)->status, "%s", weir_test_error(t)->what);
    weir_test_push(t, 0, whole, 1, 1, { 7, { .set = false }, { 5 }, true, { .set = false } });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    const char *text = weir_test_take(t, 0);
    ck_assert_int_eq(strncmp(text, "(b: true, a: 7, name: null, b'", 30), 0);
    weir_test_destroy(t);
}
END_TEST

START_TEST(first_fields)
{
    some from = { true, { true, 4 }, { true, weir_str_of(long_name) }, 9 }, to;
    memset(&to, 0xff, sizeof to);
    weir__fields_move(some_type(), &from, some_type(), &to, 2);
    some wanted;
    memset(&wanted, 0, sizeof wanted);
    wanted.b = true;
    wanted.count.set = true;
    wanted.count.value = 4;
    ck_assert(weir_record_equal(some_type(), &to, &wanted));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { as_a_stream, a_field_again, first_fields, NULL };
    return test_run(test_suite("fields", tests));
}

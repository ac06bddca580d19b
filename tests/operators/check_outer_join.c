/* SPDX-License-Identifier: Apache-2.0
 *
 * Left, right and full joins: records that are alone until the other side has their key, and again
 * when it has not; refusals.
 */
#include <weir/operators/outer_join.h>

#include <string.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define SALE(F) F(u64, id) F(u32, product)
#define PRODUCT(F) F(u32, id) F(str, name)
#define NAMED(F) F(u64, sale) F(str, name)
WEIR_RECORD(sale, SALE)
WEIR_RECORD(product, PRODUCT)
WEIR_RECORD(named, NAMED)

static void with_name(const sale *s, const product *p, weir_out(named) out)
{
    named_emit(out, (named){ s ? s->id : 0, p ? p->name : weir_str_of("?") });
}
WEIR_OUTER_JOIN(with_name, sale, product, named)

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(sale) sales = weir_test_collection(g, sale);
    weir_stream(product) products = weir_test_collection(g, product);
    weir_test_output(weir_left_join(sales, WEIR_KEY(sale, product), products,
                                    WEIR_KEY(product, id), with_name));
    weir_test_output(weir_right_join(sales, WEIR_KEY(sale, product), products,
                                     WEIR_KEY(product, id), with_name));
    weir_test_output(weir_full_join(sales, WEIR_KEY(sale, product), products,
                                    WEIR_KEY(product, id), with_name));
}

static void sell(weir_test *t, uint64_t epoch, int64_t diff, uint64_t id, uint32_t what)
{
    weir_test_push(t, 0, sale, epoch, diff, { id, what });
}

static void offer(weir_test *t, uint64_t epoch, int64_t diff, uint32_t id, const char *name)
{
    weir_test_push(t, 1, product, epoch, diff, { id, weir_str_of(name) });
}

static void to_epoch(weir_test *t, uint64_t epoch)
{
    weir_test_advance(t, 0, epoch);
    weir_test_advance(t, 1, epoch);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
}

START_TEST(what_is_alone_is_kept)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        weir_test *t = weir_test_create(build, NULL, .workers = workers);
        sell(t, 1, 1, 10, 7);
        sell(t, 1, 1, 11, 8);
        offer(t, 1, 1, 7, "a name of more than twelve bytes");
        offer(t, 1, 1, 9, "tea");
        to_epoch(t, 2);
        ck_assert_str_eq(weir_test_take_sums(t, 0),
                         "(sale: 10, name: \"a name of more than twelve bytes\") @1 +1\n"
                         "(sale: 11, name: \"?\") @1 +1\n");
        ck_assert_str_eq(weir_test_take_sums(t, 1),
                         "(sale: 0, name: \"tea\") @1 +1\n"
                         "(sale: 10, name: \"a name of more than twelve bytes\") @1 +1\n");
        ck_assert_str_eq(weir_test_take_sums(t, 2),
                         "(sale: 0, name: \"tea\") @1 +1\n"
                         "(sale: 10, name: \"a name of more than twelve bytes\") @1 +1\n"
                         "(sale: 11, name: \"?\") @1 +1\n");
        offer(t, 2, 1, 8, "milk");
        sell(t, 2, -1, 10, 7);
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        ck_assert_str_eq(weir_test_take_sums(t, 0),
                         "(sale: 10, name: \"a name of more than twelve bytes\") @2 -1\n"
                         "(sale: 11, name: \"?\") @2 -1\n(sale: 11, name: \"milk\") @2 +1\n");
        ck_assert_str_eq(weir_test_take_sums(t, 2),
                         "(sale: 0, name: \"a name of more than twelve bytes\") @2 +1\n"
                         "(sale: 10, name: \"a name of more than twelve bytes\") @2 -1\n"
                         "(sale: 11, name: \"?\") @2 -1\n(sale: 11, name: \"milk\") @2 +1\n");
        weir_test_destroy(t);
    }
}
END_TEST

/* ---- refusals ---- */

static void build_refused(weir_graph *g, void *ctx)
{
    weir_port *sides[2] = { weir_test_collection(g, sale).port,
                            weir_test_collection(g, product).port };
    const char *const one[] = { *(int *)ctx ? "id" : "nothing", NULL };
    const char *const other[] = { "id", NULL };
    const char *const *names[2] = { one, other };
    weir_outer_join_spec spec = { .struct_size = sizeof spec,
                                  .join = { .struct_size = sizeof spec.join,
                                            .out = named_type(),
                                            .kernel = weir_outer_join_pairs_with_name },
                                  .alone = { weir_outer_join_left_of_with_name, NULL } };
    ck_assert_ptr_null(weir__outer_join(sides, names, &spec));
}

START_TEST(refusals)
{
    static const char *const wanted[] = { "record 'sale' has no field 'nothing'",
                                          "the keys of 'sale' and 'product' do not agree" };
    for (int i = 0; i < 2; i++) {
        weir_test *t = weir_test_create(build_refused, &i);
        const weir_error *error = weir_test_error(t);
        ck_assert_int_eq(error->status, WEIR_TYPE_MISMATCH);
        ck_assert_msg(strstr(error->what, wanted[i]) != NULL, "%s", error->what);
        weir_test_destroy(t);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { what_is_alone_is_kept, refusals, NULL };
    return test_run(test_suite("outer_join", tests));
}

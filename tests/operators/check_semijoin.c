/* SPDX-License-Identifier: Apache-2.0
 *
 * semijoin and antijoin: keys that come, go and come several times, texts as keys, several workers,
 * a scope; refusals.
 */
#include <weir/operators/semijoin.h>

#include <string.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define ORDER(F) F(u64, id) F(str, customer)
#define SHIPMENT(F) F(u8, boxes) F(u64, order) F(str, to)
WEIR_RECORD(order, ORDER)
WEIR_RECORD(shipment, SHIPMENT)

static const char *const long_name = "somebody with a name of more than twelve bytes";

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(order) orders = weir_test_collection(g, order);
    weir_stream(shipment) shipments = weir_test_collection(g, shipment);
    weir_test_output(weir_semijoin(orders, WEIR_KEY(order, id), shipments,
                                   WEIR_KEY(shipment, order)));
    weir_test_output(weir_antijoin(orders, WEIR_KEY(order, customer), shipments,
                                   WEIR_KEY(shipment, to)));
}

static void order_one(weir_test *t, uint64_t epoch, int64_t diff, uint64_t id)
{
    weir_test_push(t, 0, order, epoch, diff, { id, weir_str_of(id % 2 ? long_name : "me") });
}

static void ship(weir_test *t, uint64_t epoch, int64_t diff, uint8_t boxes, uint64_t id)
{
    weir_test_push(t, 1, shipment, epoch, diff,
                   { boxes, id, weir_str_of(id % 2 ? long_name : "me") });
}

static void to_epoch(weir_test *t, uint64_t epoch)
{
    weir_test_advance(t, 0, epoch);
    weir_test_advance(t, 1, epoch);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
}

START_TEST(keys_come_and_go)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        weir_test *t = weir_test_create(build, NULL, .workers = workers);
        order_one(t, 1, 1, 1);
        order_one(t, 1, 2, 2);
        ship(t, 1, 1, 1, 1);
        ship(t, 1, 1, 2, 1); /* the key twice */
        to_epoch(t, 2);
        ck_assert_str_eq(weir_test_take_sums(t, 0),
                         "(id: 1, customer: \"somebody with a name of more than twelve bytes\") "
                         "@1 +1\n");
        ck_assert_str_eq(weir_test_take_sums(t, 1), "(id: 2, customer: \"me\") @1 +2\n");
        ship(t, 2, -1, 1, 1); /* one of both goes: nothing changes */
        ship(t, 2, 1, 1, 2);
        to_epoch(t, 3);
        ck_assert_str_eq(weir_test_take_sums(t, 0), "(id: 2, customer: \"me\") @2 +2\n");
        ck_assert_str_eq(weir_test_take_sums(t, 1), "(id: 2, customer: \"me\") @2 -2\n");
        ship(t, 3, -1, 2, 1);
        order_one(t, 3, -1, 2);
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        ck_assert_str_eq(weir_test_take_sums(t, 0),
                         "(id: 1, customer: \"somebody with a name of more than twelve bytes\") "
                         "@3 -1\n(id: 2, customer: \"me\") @3 -1\n");
        ck_assert_str_eq(weir_test_take_sums(t, 1),
                         "(id: 1, customer: \"somebody with a name of more than twelve bytes\") "
                         "@3 +1\n");
        weir_test_destroy(t);
    }
}
END_TEST

/* Of a key more may go than came before it, in a scope as outside: what counts is the sum. */
static void build_both(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(order) orders = weir_test_collection(g, order);
    weir_stream(shipment) shipments = weir_test_collection(g, shipment);
    weir_scope *scope = weir_scope_add(g, NULL, "scope");
    weir_test_output(weir_semijoin(orders, WEIR_KEY(order, id), shipments,
                                   WEIR_KEY(shipment, order)));
    weir_test_output(weir_leave(weir_semijoin(weir_enter(orders, scope), WEIR_KEY(order, id),
                                              weir_enter(shipments, scope),
                                              WEIR_KEY(shipment, order))));
}

START_TEST(the_sum_of_a_key_counts)
{
    weir_test *t = weir_test_create(build_both, NULL);
    order_one(t, 1, 1, 2);
    ship(t, 1, -1, 1, 2);
    ship(t, 1, 1, 2, 2);
    to_epoch(t, 2);
    for (unsigned i = 0; i < 2; i++)
        ck_assert_str_eq(weir_test_take_sums(t, i), "");
    ship(t, 2, 1, 3, 2);
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    for (unsigned i = 0; i < 2; i++)
        ck_assert_str_eq(weir_test_take_sums(t, i), "(id: 2, customer: \"me\") @2 +1\n");
    weir_test_destroy(t);
}
END_TEST

/* Records of an epoch come in any order: how many a key has may leave 64 bits on its way. */
START_TEST(counts_that_come_back)
{
    static const int64_t diffs[] = { INT64_MAX, INT64_MAX, -INT64_MAX, -INT64_MAX + 1 };
    weir_test *t = weir_test_create(build_both, NULL, .no_delays = true);
    order_one(t, 1, 1, 2);
    for (uint8_t i = 0; i < 4; i++)
        ship(t, 1, diffs[i], i, 2);
    to_epoch(t, 2);
    for (unsigned i = 0; i < 2; i++)
        ck_assert_str_eq(weir_test_take_sums(t, i), "(id: 2, customer: \"me\") @1 +1\n");
    ship(t, 2, INT64_MAX, 0, 2);
    ck_assert_int_eq(weir_test_finish(t), WEIR_OVERFLOWED);
    weir_test_destroy(t);
}
END_TEST

static void build_inside(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_scope *scope = weir_scope_add(g, NULL, "scope");
    weir_stream(order) orders = weir_enter(weir_test_collection(g, order), scope);
    weir_stream(shipment) shipments = weir_enter(weir_test_collection(g, shipment), scope);
    weir_test_output(weir_antijoin(orders, WEIR_KEY(order, id, customer), shipments,
                                   WEIR_KEY(shipment, order, to)));
}

START_TEST(in_a_scope)
{
    weir_test *t = weir_test_create(build_inside, NULL, .workers = 2);
    order_one(t, 1, 1, 1);
    order_one(t, 1, 1, 2);
    ship(t, 4, 1, 1, 2);
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_str_eq(weir_test_take_sums(t, 0),
                     "(id: 1, customer: \"somebody with a name of more than twelve bytes\") "
                     "@(1, 0) +1\n(id: 2, customer: \"me\") @(1, 0) +1\n"
                     "(id: 2, customer: \"me\") @(4, 0) -1\n");
    weir_test_destroy(t);
}
END_TEST

/* ---- refusals ---- */

enum { KEYS, NAME, ANTI_NAME };

static void build_refused(weir_graph *g, void *ctx)
{
    weir_port *sides[2] = { weir_test_collection(g, order).port,
                            weir_test_collection(g, shipment).port };
    weir_key keys[2] = { { .count = 1, .field = { 0 } }, { .count = 1, .field = { 0 } } };
    const char *const one[] = { "id", NULL }, *const none[] = { "nothing", NULL };
    const char *const *names[2] = { one, none };
    switch (*(int *)ctx) {
    case KEYS:
        ck_assert_ptr_null(weir_antijoin_erased(sides, keys));
        return;
    case NAME:
        ck_assert_ptr_null(weir__semijoin(sides, names));
        return;
    default:
        ck_assert_ptr_null(weir__antijoin(sides, names));
    }
}

START_TEST(refusals)
{
    static const char *const wanted[] = { "the keys of 'order' and 'shipment' do not agree",
                                          "record 'shipment' has no field 'nothing'",
                                          "record 'shipment' has no field 'nothing'" };
    for (int i = KEYS; i <= ANTI_NAME; i++) {
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
    const TTest *const tests[] = { keys_come_and_go, the_sum_of_a_key_counts,
                                   counts_that_come_back, in_a_scope, refusals, NULL };
    return test_run(test_suite("semijoin", tests));
}

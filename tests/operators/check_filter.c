/* SPDX-License-Identifier: Apache-2.0
 *
 * filter: what stays, of records, diffs and hashes; the unique key stays, too.
 */
#include <stdio.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define ITEM(F) F(u64, id) F(str, name)
WEIR_RECORD(item, ITEM)

static bool is_even(const item *i) { return i->id % 2 == 0; }
WEIR_FILTER(is_even, item)
static bool is_none(const item *i) { return i->id > UINT32_MAX; }
WEIR_FILTER(is_none, item)
static bool is_any(const item *i) { return i->id <= UINT32_MAX; }
WEIR_FILTER(is_any, item)

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(item) in = weir_test_collection(g, item);
    /* exchanged by a string: batches carry hashes, which a filter has to pick from as well */
    weir_stream(item) spread = weir_exchange(in, WEIR_KEY(item, name));
    weir_stream(item) even = weir_filter(spread, is_even);
    weir_test_output(weir_exchange(even, WEIR_KEY(item, name)));
    weir_test_output(weir_filter(even, is_none));
    weir_test_output(weir_filter(even, is_any));
    weir_test_output(spread);
}

START_TEST(keeps_what_is_true)
{
    for (unsigned workers = 1; workers <= 4; workers++) {
        weir_test *t = weir_test_create(build, NULL, .workers = workers);
        char text[64];
        for (uint64_t i = 0; i < 2000; i++) {
            snprintf(text, sizeof text, i % 3 ? "n%u" : "a name that is rather long: %u",
                     (unsigned)i);
            weir_test_push(t, 0, item, i / 1000, (int64_t)(i % 7) - 3, { i, weir_str_of(text) });
        }
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_uint_eq(weir_test_count(t, 0), 1000);
        ck_assert_uint_eq(weir_test_count(t, 1), 0);
        ck_assert_uint_eq(weir_test_count(t, 2), 1000);
        ck_assert_uint_eq(weir_test_count(t, 3), 2000);
        for (size_t i = 0; i < 1000; i++) {
            weir_test_change c = weir_test_at(t, 2, i);
            uint64_t id = ((const item *)c.record)->id;
            ck_assert_uint_eq(id, 2 * i);
            ck_assert_int_eq(c.diff, (int64_t)(id % 7) - 3);
            ck_assert_uint_eq(c.time.at[0], id / 1000);
            ck_assert(weir_record_equal(item_type(), c.record, weir_test_at(t, 0, i).record));
            ck_assert_uint_eq(weir_test_at(t, 0, i).worker, c.worker);
        }
        weir_test_destroy(t);
    }
}
END_TEST

static void build_keyed(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(item) in = weir_test_collection(g, item);
    in.port = weir_port_with_key(in.port, &(weir_key){ .count = 1, .field = { 0 } });
    ck_assert_uint_eq(weir_port_unique_key(weir_filter(in, is_even).port)->count, 1);
    ck_assert_ptr_null(weir__filter(NULL, item_type(), weir_filter_kernel_is_even, "x"));
}

START_TEST(keeps_the_key)
{
    weir_test *t = weir_test_create(build_keyed, NULL);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    weir_test_destroy(t);
}
END_TEST

int main(void)
{
    return test_run(test_suite("filter", (const TTest *const[]){
        keeps_what_is_true, keeps_the_key, NULL }));
}

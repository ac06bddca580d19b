/* SPDX-License-Identifier: Apache-2.0
 *
 * delay: by record, by batch, into a scope; records with times of their own; refusals.
 */
#include <string.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "operators/timed.h"
#include "support.h"

#define ITEM(F) F(u64, by) F(str, name)
#define COUNTED(F) F(str, name) F(i64, count)
WEIR_RECORD(item, ITEM)
WEIR_RECORD(counted, COUNTED)

static weir_time by(const item *i, weir_time now)
{
    now.at[0] += i->by;
    return now;
}
WEIR_DELAY(by, item)
static uint64_t depth_of(const item *i) { return i->by; }
WEIR_ENTER_AT(depth_of, item)
static weir_time next(weir_time now)
{
    now.at[0]++;
    return now;
}

static void build(weir_graph *g, void *ctx)
{
    weir_stream(item) in = ctx ? weir_test_collection(g, item) : weir_test_input(g, item);
    weir_test_output(weir_delay(in, by));
    weir_test_output(weir_delay_batch(in, next));
    weir_test_output(weir_enter_at(in, weir_scope_add(g, NULL, "scope"), depth_of));
    weir_test_output(weir_count(weir_delay(in, by), counted, WEIR_KEY(item, name)));
}

static const char text[] = "a text that begins with names of many lengths, some long";

/* Every record comes out once, at its time, with its diff and its string. */
static void ck_all(weir_test *t, unsigned output, bool collection)
{
    enum { COUNT = 2000 };
    uint64_t sum = 0;
    ck_assert_uint_eq(weir_test_count(t, output), COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        weir_test_change c = weir_test_at(t, output, i);
        const item *r = c.record;
        weir_str name = weir_str_view(text, r->by % 47);
        ck_assert(weir_str_equal(&name, &r->name));
        ck_assert_int_eq(c.diff, collection ? (int64_t)(r->by % 3) - 1 : 1);
        uint64_t epoch = r->by / 100;
        ck_assert_uint_eq(c.time.at[0], output == 0 ? epoch + r->by : epoch + (output == 1));
        ck_assert_uint_eq(c.time.at[1], output == 2 ? r->by : 0);
        sum += r->by;
    }
    ck_assert_uint_eq(sum, (uint64_t)COUNT * (COUNT - 1) / 2);
}

START_TEST(to_later_times)
{
    int yes;
    for (unsigned workers = 1; workers <= 3; workers++)
        for (int collection = 0; collection < 2; collection++) {
            weir_test *t = weir_test_create(build, collection ? &yes : NULL, .workers = workers,
                                            .batch_bytes = 1024);
            for (uint64_t i = 0; i < 2000; i++)
                weir_test_push(t, 0, item, i / 100, collection ? (int64_t)(i % 3) - 1 : 1,
                               { i, weir_str_view(text, i % 47) });
            weir_test_advance(t, 0, 20);
            ck_assert_int_eq(weir_test_run(t), WEIR_OK);
            for (unsigned o = 0; o < 3; o++)
                ck_all(t, o, collection);
            ck_assert_str_eq(weir_test_frontier(t, 0), "{20}");
            ck_assert_str_eq(weir_test_frontier(t, 2), "{(20, 0)}");
            ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
            ck_assert_uint_gt(weir_test_count(t, 3), 1000);
            weir_test_destroy(t);
        }
}
END_TEST

/* ---- batches of several times ---- */

static weir_time doubled(const timed *r, weir_time now)
{
    (void)r;
    now.at[0] *= 2;
    return now;
}
WEIR_DELAY(doubled, timed)

static void build_timed(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(timed) in = timed_source(g);
    weir_test_output(weir_delay(in, doubled));
    weir_test_output(weir_delay_batch(in, next));
}

START_TEST(of_several_times)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        weir_test *t = weir_test_create(build_timed, NULL, .workers = workers);
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        for (unsigned o = 0; o < 2; o++) {
            ck_assert_uint_eq(weir_test_count(t, o), TIMED_COUNT);
            for (size_t k = 0; k < TIMED_COUNT; k++) {
                weir_test_change c = weir_test_at(t, o, k);
                uint64_t i = ((const timed *)c.record)->i, at = timed_time(i);
                ck_assert_uint_eq(c.time.at[0], o ? at + 1 : at * 2);
                ck_assert_int_eq(c.diff, timed_diff(i));
            }
        }
        weir_test_destroy(t);
    }
}
END_TEST

/* ---- refusals ---- */

static weir_time back(const item *i, weir_time now)
{
    now.at[0] -= i->by;
    return now;
}
WEIR_DELAY(back, item)

static void build_back(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_test_output(weir_delay(weir_test_input(g, item), back));
}

static void build_other(weir_graph *g, void *ctx)
{
    (void)ctx;
    ck_assert_ptr_null(weir_delay_erased(NULL, item_type(), weir_delay_kernel_by, NULL));
    ck_assert_ptr_null(weir_delay_erased(weir_test_input(g, timed).port, counted_type(),
                                         weir_delay_kernel_by, NULL));
}

START_TEST(refusals)
{
    weir_test *t = weir_test_create(build_back, NULL);
    weir_test_push(t, 0, item, 7, +1, { 2, weir_str_of("") });
    ck_assert_int_eq(weir_test_run(t), WEIR_INVALID);
    ck_assert(strstr(weir_test_error(t)->what, "a record at 7 cannot be delayed to 5") != NULL);
    weir_test_destroy(t);
    t = weir_test_create(build_other, NULL);
    ck_assert_int_eq(weir_test_error(t)->status, WEIR_TYPE_MISMATCH);
    weir_test_destroy(t);
}
END_TEST

int main(void)
{
    return test_run(test_suite("delay", (const TTest *const[]){
        to_later_times, of_several_times, refusals, NULL }));
}

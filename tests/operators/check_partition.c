/* SPDX-License-Identifier: Apache-2.0
 *
 * partition: each record goes into the stream of its number, with strings, diffs and times.
 */
#include <stdio.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define ITEM(F) F(u64, id) F(str, name)
WEIR_RECORD(item, ITEM)

static uint64_t number(const item *i) { return i->id; }
WEIR_ROUTE(number, item)

enum { PARTS = 7 };

static void build(weir_graph *g, void *ctx)
{
    bool collection = ctx;
    weir_stream(item) in = collection ? weir_test_collection(g, item) : weir_test_input(g, item);
    weir_stream(item) parts[PARTS];
    weir_partition(in, number, parts, PARTS);
    for (unsigned p = 0; p < PARTS; p++) {
        ck_assert_int_eq(weir_port_is_collection(parts[p].port), collection);
        weir_test_output(parts[p]);
    }
}

static void run(unsigned workers, bool collection)
{
    static const char text[] = "a text whose beginnings are names of many lengths, some long";
    weir_test *t = weir_test_create(build, collection ? (void *)text : NULL, .workers = workers,
                                    .batch_bytes = 512);
    for (uint64_t i = 0; i < 3000; i++)
        weir_test_push(t, 0, item, i / 1000, collection ? (int64_t)(i % 5) - 2 : 1,
                       { i, weir_str_view(text, i % 50) });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    uint64_t all = 0;
    for (unsigned p = 0; p < PARTS; p++) {
        all += weir_test_count(t, p);
        for (size_t i = 0; i < weir_test_count(t, p); i++) {
            weir_test_change c = weir_test_at(t, p, i);
            const item *r = c.record;
            weir_str name = weir_str_view(text, r->id % 50);
            ck_assert_uint_eq(r->id % PARTS, p);
            ck_assert_uint_eq(c.time.at[0], r->id / 1000);
            ck_assert_int_eq(c.diff, collection ? (int64_t)(r->id % 5) - 2 : 1);
            ck_assert(weir_str_equal(&name, &r->name));
        }
    }
    ck_assert_uint_eq(all, 3000);
    weir_test_destroy(t);
}

START_TEST(by_number)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        run(workers, false);
        run(workers, true);
    }
}
END_TEST

static weir_port *outs[2];

static void build_none(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir__partition(weir_test_input(g, item).port, item_type(), weir_route_kernel_number, outs, 0);
}

static void build_many(weir_graph *g, void *ctx)
{
    (void)ctx;
    static weir_port *many[1025];
    weir__partition(weir_test_input(g, item).port, item_type(), weir_route_kernel_number, many,
                    1025);
}

#define OTHER(F) F(u64, id)
WEIR_RECORD(other, OTHER)
static void build_other(weir_graph *g, void *ctx)
{
    (void)ctx;
    outs[0] = outs[1] = weir_test_input(g, other).port;
    weir__partition(outs[0], item_type(), weir_route_kernel_number, outs, 2);
    ck_assert_ptr_null(outs[0]);
    ck_assert_ptr_null(outs[1]);
    weir__partition(NULL, item_type(), weir_route_kernel_number, outs, 2);
}

static void ck_refused(weir_build_fn *wrong, weir_status status, const char *what)
{
    weir_test *t = weir_test_create(wrong, NULL);
    ck_assert_int_eq(weir_test_error(t)->status, status);
    ck_assert_str_eq(weir_test_error(t)->what, what);
    weir_test_destroy(t);
}

START_TEST(refuses_what_does_not_fit)
{
    ck_refused(build_none, WEIR_INVALID, "a stream cannot be divided into 0");
    ck_refused(build_many, WEIR_INVALID, "a stream cannot be divided into 1025");
    ck_refused(build_other, WEIR_TYPE_MISMATCH, "input 0 takes 'item', the stream carries 'other'");
}
END_TEST

int main(void)
{
    return test_run(test_suite("partition", (const TTest *const[]){
        by_number, refuses_what_does_not_fit, NULL }));
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * exchange: by key to the owner of its hash, by function to the worker named; nothing is lost.
 */
#include <stdio.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define ITEM(F) F(u64, id) F(str, name)
WEIR_RECORD(item, ITEM)

static uint64_t shelf(const item *i) { return i->id / 10; }
WEIR_ROUTE(shelf, item)
static item next(const item *i) { return (item){ i->id + 1, i->name }; }
WEIR_MAP(next, item, item)

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(item) in = weir_test_input(g, item), changes = weir_test_collection(g, item);
    weir_test_output(weir_exchange(in, WEIR_KEY(item, id)));
    weir_test_output(weir_exchange(changes, WEIR_KEY(item, name)));
    weir_test_output(weir_exchange(changes, WEIR_KEY(item, id, name)));
    weir_test_output(weir_exchange_by(in, shelf));
    /* twice on the way, the second time by what a stage has made of it */
    weir_test_output(weir_exchange_by(
        weir_map(weir_exchange(in, WEIR_KEY(item, id)), next), shelf));
}

/* Whether equal keys came out at one worker: by_name 0, 1 or 2 as the outputs are exchanged. */
static void ck_together(weir_test *t, unsigned output, bool by_name, bool by_id)
{
    unsigned worker_of[200];
    memset(worker_of, 0xff, sizeof worker_of);
    for (size_t i = 0; i < weir_test_count(t, output); i++) {
        weir_test_change c = weir_test_at(t, output, i);
        const item *r = c.record;
        uint64_t key = by_id ? r->id : by_name ? r->name.len % 200 : 0;
        if (worker_of[key] == UINT32_MAX)
            worker_of[key] = c.worker;
        ck_assert_uint_eq(worker_of[key], c.worker);
    }
}

START_TEST(one_worker_for_a_key)
{
    static const char text[] = "a text whose beginnings are names of many lengths, some long";
    for (unsigned workers = 1; workers <= 5; workers++) {
        weir_test *t = weir_test_create(build, NULL, .workers = workers,
                                        .batch_bytes = workers == 4 ? 128 : 0);
        for (uint64_t i = 0; i < 1000; i++) {
            weir_str name = weir_str_view(text, i % 50);
            weir_test_push(t, 0, item, i / 400, +1, { i % 100, name });
            weir_test_push(t, 1, item, i / 300, (int64_t)(i % 3) - 1, { i % 100, name });
        }
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        for (unsigned o = 0; o < 5; o++)
            ck_assert_uint_eq(weir_test_count(t, o), 1000);
        ck_together(t, 0, false, true);
        ck_together(t, 1, true, false);
        ck_together(t, 2, false, true);
        for (unsigned o = 3; o < 5; o++)
            for (size_t i = 0; i < 1000; i++) {
                weir_test_change c = weir_test_at(t, o, i);
                ck_assert_uint_eq(c.worker, shelf(c.record) % workers);
            }
        ck_assert_str_eq(weir_test_take_sums(t, 1), weir_test_take_sums(t, 2));
        weir_test_destroy(t);
    }
}
END_TEST

static void build_unknown(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(item) in = weir_test_input(g, item);
    ck_assert_ptr_null(weir__exchange(in.port, (const char *const[]){ "nome", NULL }));
    ck_assert_ptr_null(weir__exchange(NULL, (const char *const[]){ "name", NULL }));
    ck_assert_ptr_null(weir__exchange_by(NULL, item_type(), weir_route_kernel_shelf));
}

static void build_collection(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_exchange_by(weir_test_collection(g, item), shelf);
}

#define OTHER(F) F(u64, id)
WEIR_RECORD(other, OTHER)
static void build_other(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir__exchange_by(weir_test_input(g, other).port, item_type(), weir_route_kernel_shelf);
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
    ck_refused(build_unknown, WEIR_TYPE_MISMATCH, "record 'item' has no field 'nome'");
    ck_refused(build_collection, WEIR_TYPE_MISMATCH,
               "a function that names a worker is for plain streams only");
    ck_refused(build_other, WEIR_TYPE_MISMATCH,
               "the stream carries 'other', the function takes 'item'");
}
END_TEST

int main(void)
{
    return test_run(test_suite("exchange", (const TTest *const[]){
        one_worker_for_a_key, refuses_what_does_not_fit, NULL }));
}

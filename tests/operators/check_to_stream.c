/* SPDX-License-Identifier: Apache-2.0
 *
 * to_stream: every record once, whatever the number of workers; beside inputs of both kinds.
 */
#include <string.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define ITEM(F) F(u64, n) F(str, name)
WEIR_RECORD(item, ITEM)

static item items[3000];
static const char text[] = "a text that begins with names of many lengths, some long";
static weir_input(item) in;

static void build(weir_graph *g, void *ctx)
{
    static char own[sizeof text];
    memcpy(own, text, sizeof own);
    size_t count = *(const size_t *)ctx;
    for (size_t i = 0; i < count; i++)
        items[i] = (item){ i, weir_str_view(own, i % 40) };
    weir_stream(item) s = weir_to_stream(g, item, items, count);
    weir_stream(item) clocked = weir_input_add(g, item, &in);
    weir_test_output(weir_concat(s, weir_test_input(g, item)));
    weir_test_output(weir_concat(s, clocked));
    memset(own, 'x', sizeof own);
    memset(items, 0, sizeof items);
}

START_TEST(each_once)
{
    static const size_t counts[] = { 0, 1, 2, 777, 3000 };
    for (unsigned workers = 1; workers <= 3; workers++)
        for (unsigned k = 0; k < 5; k++) {
            size_t count = counts[k];
            weir_test *t = weir_test_create(build, &count, .workers = workers,
                                            .batch_bytes = 500, .budget_bytes = 5000);
            for (unsigned w = 0; w < workers; w++)
                weir_input_close(weir_input_open(in, w));
            weir_test_push(t, 0, item, 5, +1, { 1000000, weir_str_of("") });
            ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
            ck_assert_uint_eq(weir_test_count(t, 0), count + 1);
            ck_assert_uint_eq(weir_test_count(t, 1), count);
            for (size_t i = 0; i < count; i++) {
                weir_test_change c = weir_test_at(t, 1, i);
                const item *r = c.record;
                weir_str name = weir_str_view(text, i % 40);
                ck_assert_uint_eq(r->n, i);
                ck_assert_uint_eq(c.time.at[0], 0);
                ck_assert(weir_str_equal(&r->name, &name));
            }
            weir_test_destroy(t);
        }
}
END_TEST

static void build_wrong(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_type wrong = *item_type();
    wrong.size = 1;
    ck_assert_ptr_null(weir_to_stream_erased(g, &wrong, items, 1));
    ck_assert_ptr_null(weir_to_stream_erased(g, item_type(), items, 1));
}

START_TEST(refuses_wrong_types)
{
    weir_test *t = weir_test_create(build_wrong, NULL);
    ck_assert_int_ne(weir_test_error(t)->status, WEIR_OK);
    weir_test_destroy(t);
}
END_TEST

int main(void)
{
    return test_run(test_suite("to_stream", (const TTest *const[]){
        each_once, refuses_wrong_types, NULL }));
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * inspect: sees every record, or every batch with its times and diffs; changes nothing.
 */
#include <stdio.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define ITEM(F) F(u64, id)
WEIR_RECORD(item, ITEM)

static uint64_t seen, seen_sum;
static void look(const item *i)
{
    seen++;
    seen_sum += i->id;
}
WEIR_INSPECT(look, item)

typedef struct sums {
    uint64_t batches, records, times;
    int64_t diffs;
} sums;

static void look_at_batch(const weir_batch *batch, void *ctx)
{
    sums *s = ctx;
    s->batches++;
    s->records += batch->count;
    for (size_t i = 0; i < batch->count; i++) {
        s->times += weir_batch_time(batch, i).at[0];
        s->diffs += weir_batch_diff(batch, i);
    }
}

static void build(weir_graph *g, void *ctx)
{
    weir_stream(item) in = weir_test_collection(g, item);
    weir_test_output(weir_inspect_batches(weir_inspect(in, look), look_at_batch, ctx));
    ck_assert_ptr_null(weir__inspect(NULL, look_at_batch, ctx, "x"));
}

START_TEST(sees_everything)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        sums s = { 0 };
        seen = seen_sum = 0;
        weir_test *t = weir_test_create(build, &s, .workers = workers);
        for (uint64_t i = 0; i < 100; i++)
            weir_test_push(t, 0, item, i / 10, (int64_t)i, { i });
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        ck_assert_uint_eq(weir_test_count(t, 0), 100);
        ck_assert_uint_eq(seen, 100);
        ck_assert_uint_eq(seen_sum, 4950);
        ck_assert_uint_eq(s.records, 100);
        ck_assert_uint_ge(s.batches, 10);
        ck_assert_uint_eq(s.times, 450);
        ck_assert_int_eq(s.diffs, 4950);
        weir_test_destroy(t);
    }
}
END_TEST

int main(void)
{
    return test_run(test_suite("inspect", (const TTest *const[]){
        sees_everything, NULL }));
}

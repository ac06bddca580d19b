/* SPDX-License-Identifier: Apache-2.0
 *
 * Builders whose records have times and diffs of their own, set one by one or taken from columns;
 * headers of batches that a thread keeps.
 */
#include <weir/memory.h>
#include <weir/record.h>

#include "data/builder.h"
#include "support.h"

#define NUMBER(F) F(u64, value)
WEIR_RECORD(number, NUMBER)

/* Keeps the one batch that is made. */
typedef struct keeper {
    weir__sink sink;
    weir_batch *batch;
} keeper;

static void keep(weir__sink *sink, weir_batch *batch)
{
    keeper *k = (keeper *)sink;
    ck_assert_ptr_null(k->batch);
    k->batch = batch;
}

typedef struct fixture {
    weir__pool *pool;
    weir__builder builder;
    keeper to;
    weir_out(number) out;
} fixture;

static const weir_time START = { { 3, 1, 0, 0 } };

static void set_up(fixture *f)
{
    memset(f, 0, sizeof *f);
    f->pool = weir__pool_create();
    f->to.sink.push = keep;
    weir__builder_init(&f->builder, &(weir__builder_spec){ .pool = f->pool, .depth = 2,
                                                           .type = number_type(),
                                                           .batch_bytes = 32 << 10,
                                                           .sink = &f->to.sink });
    weir__builder_open(&f->builder, &START, 0);
    f->out.builder = &f->builder.b;
}

static const weir_batch *flush(fixture *f)
{
    weir__builder_flush(&f->builder);
    ck_assert_ptr_nonnull(f->to.batch);
    return f->to.batch;
}

static void tear_down(fixture *f)
{
    weir_batch_release(f->to.batch);
    weir__builder_fini(&f->builder);
    weir__pool_close(f->pool);
}

static void assert_at(const weir_batch *batch, size_t i, uint64_t a, uint64_t b, int64_t diff)
{
    weir_time t = weir_batch_time(batch, i);
    ck_assert_msg(t.at[0] == a && t.at[1] == b && weir_batch_diff(batch, i) == diff,
                  "record %zu is at (%llu, %llu) with %lld", i, (unsigned long long)t.at[0],
                  (unsigned long long)t.at[1], (long long)weir_batch_diff(batch, i));
    ck_assert_uint_eq(((const number *)weir_batch_record(batch, i))->value, i);
}

START_TEST(records_before_the_first_later_time_are_at_the_batchs)
{
    fixture f;
    set_up(&f);
    weir_builder_set_time(f.out.builder, &START);
    number_emit(f.out, (number){ 0 });
    number_emit(f.out, (number){ 1 });
    weir_builder_set_time(f.out.builder, &(weir_time){ { 4, 1 } });
    number_emit(f.out, (number){ 2 });
    weir_builder_set_diff(f.out.builder, -5);
    weir_builder_set_time(f.out.builder, &(weir_time){ { 3, 9 } });
    number_emit(f.out, (number){ 3 });
    weir_builder_set_time(f.out.builder, &START);
    number_emit(f.out, (number){ 4 });
    const weir_batch *batch = flush(&f);
    ck_assert(weir_time_equal(&batch->time, &START, 2));
    assert_at(batch, 0, 3, 1, 1);
    assert_at(batch, 1, 3, 1, 1);
    assert_at(batch, 2, 4, 1, 1);
    assert_at(batch, 3, 3, 9, -5);
    assert_at(batch, 4, 3, 1, -5);
    tear_down(&f);
}
END_TEST

START_TEST(one_time_needs_no_column)
{
    fixture f;
    set_up(&f);
    weir_builder_set_time(f.out.builder, &START);
    number_emit(f.out, (number){ 0 });
    ck_assert_ptr_null(flush(&f)->times);
    tear_down(&f);
}
END_TEST

/* Also when a column outgrows its buffer. */
START_TEST(many_records_keep_their_times)
{
    enum { MANY = 3000 };
    fixture f;
    set_up(&f);
    for (uint64_t i = 0; i < MANY; i++) {
        weir_builder_set_time(f.out.builder, &(weir_time){ { 3 + i % 7, 1 + i % 5 } });
        number_emit(f.out, (number){ i });
    }
    const weir_batch *batch = flush(&f);
    ck_assert_uint_eq(batch->count, MANY);
    for (uint64_t i = 0; i < MANY; i++)
        assert_at(batch, i, 3 + i % 7, 1 + i % 5, 1);
    tear_down(&f);
}
END_TEST

START_TEST(bulk_room_is_at_the_time_that_was_set)
{
    fixture f;
    set_up(&f);
    weir_builder_set_time(f.out.builder, &(weir_time){ { 3, 2 } });
    number_emit(f.out, (number){ 0 });
    weir_builder_set_time(f.out.builder, &(weir_time){ { 8, 8 } });
    void *room;
    ck_assert_uint_eq(weir_builder_bulk(f.out.builder, 2, &room, NULL), 2);
    ((number *)room)[0].value = 1;
    ((number *)room)[1].value = 2;
    weir_builder_commit(f.out.builder, 2);
    const weir_batch *batch = flush(&f);
    assert_at(batch, 0, 3, 2, 1);
    assert_at(batch, 1, 8, 8, 1);
    assert_at(batch, 2, 8, 8, 1);
    tear_down(&f);
}
END_TEST

START_TEST(columns_give_diffs_and_times_by_entry)
{
    static const int64_t diffs[] = { 2, -7 };
    static const uint64_t times[] = { 3, 1, 6, 4 };
    fixture f;
    set_up(&f);
    number_emit(f.out, (number){ 0 });
    weir_builder_set_columns(f.out.builder, diffs, times);
    f.out.builder->from = 1;
    number_emit(f.out, (number){ 1 });
    f.out.builder->from = 0;
    number_emit(f.out, (number){ 2 });
    weir_builder_set_columns(f.out.builder, NULL, NULL);
    number_emit(f.out, (number){ 3 });
    const weir_batch *batch = flush(&f);
    assert_at(batch, 0, 3, 1, 1);
    assert_at(batch, 1, 6, 4, -7);
    assert_at(batch, 2, 3, 1, 2);
    assert_at(batch, 3, 3, 1, 1);
    tear_down(&f);
}
END_TEST

/* ---- misuse ---- */

static void be_early(void *ctx)
{
    fixture *f = ctx;
    weir_builder_set_time(f->out.builder, &(weir_time){ { 9, 0 } });
}

START_TEST(a_record_cannot_be_before_its_batch)
{
    fixture f;
    set_up(&f);
    test_dies(be_early, &f, "a time that is not at or after its batch's");
    number_emit(f.out, (number){ 0 });
    (void)flush(&f);
    tear_down(&f);
}
END_TEST

/* Between open and close the thread takes headers from those it has let go of, and leaves none. */
START_TEST(headers_are_kept_for_the_next_batches)
{
    enum { MANY = 200 };
    size_t before = weir_memory_used();
    weir_batch *batches[MANY];
    weir_batch_release(weir__batch_create(number_type(), 1));
    ck_assert_uint_eq(weir_memory_used(), before);
    weir__batch_spare_open();
    for (int i = 0; i < MANY; i++)
        batches[i] = weir__batch_create(number_type(), 1);
    for (int i = 0; i < MANY; i++)
        weir_batch_release(batches[i]);
    size_t kept = weir_memory_used() - before;
    ck_assert(kept > 0 && kept < MANY / 2 * sizeof(weir_batch));
    weir_memory_fail_nth(1, 1);
    weir_batch *first = weir__batch_create(number_type(), 2), *second = weir__batch_share(first);
    weir_memory_fail_nth(0, 0);
    ck_assert(!weir_memory_exhausted());
    ck_assert(first->depth == 2 && first->count == 0 && !first->records && second->depth == 2);
    weir_batch_release(first);
    weir__batch_spare_close();
    weir_batch_release(second);
    ck_assert_uint_eq(weir_memory_used(), before);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        records_before_the_first_later_time_are_at_the_batchs,
        one_time_needs_no_column,
        many_records_keep_their_times,
        bulk_room_is_at_the_time_that_was_set,
        columns_give_diffs_and_times_by_entry,
        a_record_cannot_be_before_its_batch,
        headers_are_kept_for_the_next_batches,
        NULL,
    };
    return test_run(test_suite("builder_times", tests));
}

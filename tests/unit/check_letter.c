/* SPDX-License-Identifier: Apache-2.0
 *
 * Letters: what arrives is what was sent, copied where it is small and can be, else as it is.
 */
#include "dataflow/letter.h"

#include <string.h>

#include "harness/harness.h"
#include "support.h"

#define PAIR(F) F(u64, a) F(u32, b)
WEIR_RECORD(pair, PAIR)

/* Two workers' contexts over one environment; both pools are this thread's. */
typedef struct ends {
    weir__test_env *env;
    weir__context from, to;
    size_t before;
} ends;

static void begin(ends *e)
{
    e->before = weir_memory_used();
    e->env = weir__test_env_create(2, 1, false);
    weir_env *table = weir__test_env_table(e->env);
    e->from = (weir__context){ .env = table, .pool = weir__pool_create(), .first = 4, .self = 4,
                               .locals = 2, .workers = 8 };
    e->to = (weir__context){ .env = table, .pool = weir__pool_create(), .first = 4, .local = 1,
                             .self = 5, .locals = 2, .workers = 8 };
}

static void end(ends *e)
{
    weir__pool_close(e->from.pool);
    weir__pool_close(e->to.pool);
    weir__test_env_destroy(e->env);
    ck_assert_uint_eq(weir_memory_used(), e->before);
}

static void *column(ends *e, weir__buffer **buffer, size_t size)
{
    *buffer = weir__pool_get(e->from.pool, size);
    return weir__buffer_data(*buffer);
}

/* Of so many pairs at a time of two coordinates, with all columns or only records. */
static weir_batch *make(ends *e, size_t count, bool all)
{
    weir_batch *batch = weir__batch_create(pair_type(), 2);
    batch->count = count;
    batch->time = (weir_time){ { 7, 8 } };
    pair *records = column(e, &batch->record_buffer, count * sizeof *records);
    batch->records = records;
    int64_t *diffs = all ? column(e, &batch->diff_buffer, count * sizeof *diffs) : NULL;
    uint64_t *times = all ? column(e, &batch->time_buffer, 2 * count * sizeof *times) : NULL;
    uint64_t *hashes = all ? column(e, &batch->hash_buffer, count * sizeof *hashes) : NULL;
    for (size_t i = 0; i < count; i++) {
        records[i] = (pair){ .a = i * 3, .b = (uint32_t)i };
        if (!all)
            continue;
        diffs[i] = -(int64_t)i;
        times[2 * i] = 7 + i;
        times[2 * i + 1] = 8;
        hashes[i] = ~i;
    }
    batch->diffs = diffs;
    batch->times = times;
    batch->hashes = hashes;
    weir__batch_charge(batch);
    batch->mail_dataflow = 3;
    batch->mail_port = 11;
    batch->mail_from = 4;
    batch->mail_to = 5;
    return batch;
}

static void check(const weir_batch *batch, size_t count, bool all, size_t bytes)
{
    ck_assert_ptr_eq(batch->type, pair_type());
    ck_assert_uint_eq(batch->count, count);
    ck_assert(batch->depth == 2 && batch->time.at[0] == 7 && batch->time.at[1] == 8);
    ck_assert_uint_eq(batch->mail_dataflow, 3);
    ck_assert_uint_eq(batch->mail_port, 11);
    ck_assert_uint_eq(batch->mail_from, 4);
    ck_assert_uint_eq(batch->bytes, bytes);
    ck_assert(!batch->diffs == !all && !batch->times == !all && !batch->hashes == !all);
    for (size_t i = 0; i < count; i++) {
        const pair *p = weir_batch_record(batch, i);
        ck_assert(p->a == i * 3 && p->b == i);
        ck_assert(!all || (batch->diffs[i] == -(int64_t)i && batch->times[2 * i] == 7 + i &&
                           batch->times[2 * i + 1] == 8 && batch->hashes[i] == ~i));
    }
}

/* Sends, and takes the letter out. */
static weir_mail pass(ends *e, weir_batch *batch)
{
    weir_mail letter = { NULL, 0 };
    weir__letter_send(&e->from, 1, batch);
    ck_assert_uint_eq(e->from.mail_mask[0], 2);
    ck_assert(e->to.env->mail_take(e->to.env->ctx, 1, 0, &letter));
    return letter;
}

START_TEST(small_ones_are_copied)
{
    for (size_t count = 1; count < 40; count++)
        for (int all = 0; all < 2; all++) {
            ends e;
            begin(&e);
            weir_batch *batch = make(&e, count, all), view;
            size_t bytes = batch->bytes, size = 24 + 16 + count * (all ? 48 : 16);
            weir_mail letter = pass(&e, batch);
            ck_assert_uint_eq(letter.size, size <= 504 ? size : sizeof batch);
            check(weir__letter_look(&letter, &view), count, all, bytes);
            weir_batch *got = weir__letter_open(&letter, &e.to);
            ck_assert(size <= 504 || got == batch);
            ck_assert_uint_eq(got->mail_to, 5);
            check(got, count, all, bytes);
            weir_batch_release(got);
            end(&e);
        }
}
END_TEST

START_TEST(what_pins_is_not_copied)
{
    ends e;
    begin(&e);
    weir_batch *batch = make(&e, 1, false);
    weir_pin *pin;
    weir__pin_room(e.from.pool, 100, &pin);
    weir__batch_add_pin(batch, pin);
    weir_mail letter = pass(&e, batch);
    ck_assert_ptr_eq(weir__letter_open(&letter, &e.to), batch);
    weir_batch_release(batch);
    end(&e);
}
END_TEST

/* What the first worker of the process sends on keeps its address. */
START_TEST(what_goes_elsewhere_is_not_copied)
{
    ends e;
    begin(&e);
    weir_batch *batch = make(&e, 1, false);
    batch->mail_to = 2;
    weir_mail letter = pass(&e, batch);
    weir_batch *got = weir__letter_open(&letter, &e.to);
    ck_assert(got == batch && got->mail_to == 2);
    weir_batch_release(batch);
    end(&e);
}
END_TEST

START_TEST(discarded)
{
    ends e;
    begin(&e);
    for (size_t count = 1; count < 100; count += 98) {
        weir_mail letter = pass(&e, make(&e, count, false));
        weir__letter_discard(&letter);
    }
    end(&e);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        small_ones_are_copied,
        what_pins_is_not_copied,
        what_goes_elsewhere_is_not_copied,
        discarded,
        NULL,
    };
    return test_run(test_suite("letter", tests));
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Sieves: what is in one of their runs passes, whatever came and was merged; most of the rest does
 * not; when there are too many keys, there is none.
 */
#include "trace/sieve.h"

#include <stdlib.h>

#include <weir/record.h>

#include "support.h"

#define NUMBER(F) F(u64, id)
WEIR_RECORD(number, NUMBER)

static weir_shape *shape;

static void start(void)
{
    weir_shape_spec spec = { .type = number_type(), .key = { .count = 1 }, .depth = 1, .seed = 7 };
    ck_assert_int_eq(weir_shape_create(&shape, &spec, NULL), WEIR_OK);
}

/* Of keys from `first` on. */
static weir_trace_run *run_of(uint64_t first, size_t count)
{
    weir_trace_builder *b = weir_trace_builder_create(shape, NULL);
    weir_trace_run *run;
    for (size_t i = 0; i < count; i++) {
        number n = { first + i };
        weir_updates u = { .records = &n, .count = 1, .time = { { 0 } } };
        if (weir_trace_builder_add(b, &u) != WEIR_OK)
            ck_abort();
    }
    ck_assert_int_eq(weir_trace_builder_build(b, &run), WEIR_OK);
    weir_trace_builder_destroy(b);
    return run;
}

static uint32_t picked_of(const weir__sieve *s, const weir_trace_run *run)
{
    uint32_t *picked = malloc(run->key_count * sizeof *picked);
    uint32_t count = weir__sieve_pick(s, run, picked);
    for (uint32_t i = 1; i < count; i++)
        if (picked[i] <= picked[i - 1] || picked[i] >= run->key_count)
            ck_abort_msg("not in order");
    free(picked);
    return count;
}

START_TEST(what_is_there_passes)
{
    enum { RUNS = 20, KEYS = 300 };
    weir_trace_run *all[RUNS];
    weir_trace_runs list = { .refs = 1, .runs = all };
    weir__sieve s = { 0 };
    start();
    weir_trace_run *others = run_of(1 << 20, 10000);
    for (uint32_t i = 0; i < RUNS; i++) {
        all[i] = run_of(i * KEYS, KEYS);
        list.count = i + 1;
        weir__sieve_add(&s, all[i]);
        ck_assert(weir__sieve_ready(&s, &list));
        for (uint32_t k = 0; k <= i; k++)
            ck_assert_uint_eq(picked_of(&s, all[k]), KEYS);
        if (weir__run_hash(others, 0) >> 8) /* not if all hashes are of eight bits */
            ck_assert_uint_lt(picked_of(&s, others), 10000 / 6);
    }
    size_t before = weir_memory_used(), size = s.size;
    weir__sieve_fini(&s);
    ck_assert_uint_eq(weir_memory_used(), before - size);
    for (uint32_t i = 0; i < RUNS; i++)
        weir_trace_run_release(all[i]);
    weir_trace_run_release(others);
    weir_shape_release(shape);
}
END_TEST

START_TEST(none_of_many)
{
    weir__sieve s = { 0 };
    start();
    weir_trace_run *all[] = { run_of(0, 100), run_of(100, 1 << 16) };
    weir_trace_runs list = { .refs = 1, .count = 1, .runs = all };
    ck_assert(weir__sieve_ready(&s, &list));
    weir__sieve_add(&s, all[1]);
    list.count = 2;
    ck_assert(!weir__sieve_ready(&s, &list));
    ck_assert(!s.bits);
    list.count = 1; /* it stays so */
    weir__sieve_add(&s, all[0]);
    ck_assert(!weir__sieve_ready(&s, &list));
    weir_trace_run_release(all[0]);
    weir_trace_run_release(all[1]);
    weir_shape_release(shape);
}
END_TEST

/* Without memory everything may be there; then it is made. */
START_TEST(memory_runs_out)
{
    weir__sieve s = { 0 };
    start();
    weir_trace_run *run = run_of(0, 100);
    weir_trace_runs list = { .refs = 1, .count = 1, .runs = &run };
    weir_memory_fail_nth(1, 0);
    ck_assert(!weir__sieve_ready(&s, &list));
    weir_memory_fail_nth(0, 0);
    ck_assert(weir__sieve_ready(&s, &list));
    ck_assert_uint_eq(picked_of(&s, run), 100);
    weir__sieve_fini(&s);
    weir_trace_run_release(run);
    weir_shape_release(shape);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { what_is_there_passes, none_of_many, memory_runs_out, NULL };
    return test_run(test_suite("sieve", tests));
}

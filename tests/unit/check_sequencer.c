/* SPDX-License-Identifier: Apache-2.0
 *
 * Sequencers: every worker gets every entry, in one order, whoever pushed. Barriers: nobody passes
 * before all have come.
 */
#include <pthread.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

enum { WORKERS = 3, PUSHERS = 2, ENTRIES = 500, SEEN_MAX = 4000 };

typedef struct seen {
    uint32_t numbers[SEEN_MAX];
    uint64_t last_place;
    unsigned count;
} seen;

typedef struct fixture {
    weir_runtime *runtime;
    weir_sequencer *sequencer;
    seen seen[WORKERS];
    unsigned arrived; /* atomic: at the barrier in hand */
    bool wrong;
    pthread_barrier_t programs; /* their ends */
} fixture;

static void note(const weir_entry *entry, void *ctx)
{
    seen *s = &((fixture *)ctx)->seen[weir_worker_index(entry->worker)];
    uint32_t number;
    ck_assert_uint_eq(entry->size, sizeof number);
    memcpy(&number, entry->data, sizeof number);
    ck_assert(s->count == 0 || entry->place > s->last_place);
    s->last_place = entry->place;
    s->numbers[s->count++] = number;
}

static void push(fixture *f, uint32_t number)
{
    ck_assert_int_eq(weir_sequencer_push(f->sequencer, &number, sizeof number, NULL), WEIR_OK);
}

typedef struct pusher {
    fixture *f;
    uint32_t first;
} pusher;

static void *push_all(void *ctx)
{
    pusher *p = ctx;
    for (uint32_t i = 0; i < ENTRIES; i++)
        push(p->f, p->first + i);
    return NULL;
}

/* Each worker pushes, too; all have everything after the barrier. */
static void program(weir_worker *worker, void *ctx)
{
    fixture *f = ctx;
    for (uint32_t i = 0; i < ENTRIES; i++) {
        push(f, weir_worker_index(worker) * 10000 + i);
        if (i % 16 == 0)
            weir_worker_step(worker);
    }
    for (unsigned round = 1; round <= 20; round++) {
        __atomic_fetch_add(&f->arrived, 1, __ATOMIC_RELAXED);
        ck_assert(weir_worker_barrier(worker));
        if (__atomic_load_n(&f->arrived, __ATOMIC_RELAXED) < round * WORKERS)
            __atomic_store_n(&f->wrong, true, __ATOMIC_RELAXED);
    }
    if (f->seen[weir_worker_index(worker)].count < WORKERS * ENTRIES)
        __atomic_store_n(&f->wrong, true, __ATOMIC_RELAXED);
    pthread_barrier_wait(&f->programs);
}

START_TEST(one_order_for_all)
{
    fixture *f = calloc(1, sizeof *f);
    weir_config config = { .struct_size = sizeof config, .workers = WORKERS,
                           .until_stopped = true, .worker_main = program, .ctx = f };
    pthread_barrier_init(&f->programs, NULL, WORKERS + 1);
    f->runtime = weir_runtime_create(&config, NULL);
    f->sequencer = weir_sequencer_create(f->runtime, "numbers", note, f, NULL);
    ck_assert_int_eq(weir_runtime_start(f->runtime, NULL), WEIR_OK);
    pthread_t threads[PUSHERS];
    pusher pushers[PUSHERS];
    for (unsigned i = 0; i < PUSHERS; i++) {
        pushers[i] = (pusher){ f, (i + 5) * 10000 };
        pthread_create(&threads[i], NULL, push_all, &pushers[i]);
    }
    for (unsigned i = 0; i < PUSHERS; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_wait(&f->programs);
    weir_runtime_stop(f->runtime); /* what was pushed before reaches all */
    ck_assert_int_eq(weir_runtime_wait(f->runtime, NULL), WEIR_OK);
    ck_assert(!f->wrong);
    for (unsigned w = 1; w < WORKERS; w++) {
        ck_assert_uint_eq(f->seen[w].count, f->seen[0].count);
        ck_assert_mem_eq(f->seen[w].numbers, f->seen[0].numbers, sizeof f->seen[0].numbers);
    }
    uint32_t next[8] = { 0 }; /* those of one thread keep their order */
    for (unsigned i = 0; i < f->seen[0].count; i++)
        ck_assert_uint_eq(f->seen[0].numbers[i] % 10000, next[f->seen[0].numbers[i] / 10000]++);
    ck_assert_uint_eq(next[5], ENTRIES);
    ck_assert_uint_eq(next[6], ENTRIES);
    weir_error error = { 0 };
    ck_assert_int_eq(weir_sequencer_push(f->sequencer, NULL, 0, &error), WEIR_CLOSED);
    weir_runtime_destroy(f->runtime);
    pthread_barrier_destroy(&f->programs);
    free(f);
}
END_TEST

START_TEST(refusals)
{
    fixture f = { 0 };
    weir_error error = { 0 };
    f.runtime = weir_runtime_create(NULL, NULL);
    ck_assert_ptr_nonnull(weir_sequencer_create(f.runtime, "rules", note, &f, NULL));
    ck_assert_ptr_null(weir_sequencer_create(f.runtime, "rules", note, &f, &error));
    ck_assert_int_eq(error.status, WEIR_EXISTS);
    ck_assert_str_eq(error.what, "there is a sequencer 'rules' already");
    ck_assert_int_eq(weir_runtime_start(f.runtime, NULL), WEIR_OK);
    ck_assert_ptr_null(weir_sequencer_create(f.runtime, "more", note, &f, &error));
    ck_assert_int_eq(error.status, WEIR_INVALID);
    ck_assert_str_eq(error.what, "the sequencer 'more' was created after the start");
    ck_assert_int_eq(weir_runtime_wait(f.runtime, NULL), WEIR_OK);
    weir_runtime_destroy(f.runtime);
}
END_TEST

/* In pieces, all workers in one thread. */
START_TEST(a_barrier_in_pieces)
{
    weir_test *t = weir_test_create(NULL, NULL, .workers = WORKERS);
    uint64_t number[WORKERS];
    for (unsigned round = 1; round <= 3; round++) {
        for (unsigned w = 0; w < WORKERS; w++) {
            ck_assert_int_eq(weir_test_run(t), WEIR_OK);
            for (unsigned before = 0; before < w; before++)
                ck_assert(!weir_worker_barrier_passed(weir_test_worker(t, before),
                                                      number[before]));
            number[w] = weir_worker_barrier_enter(weir_test_worker(t, w));
            ck_assert_uint_eq(number[w], round);
        }
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        for (unsigned w = 0; w < WORKERS; w++)
            ck_assert(weir_worker_barrier_passed(weir_test_worker(t, w), number[w]));
    }
    weir_test_destroy(t);
}
END_TEST

/* A run that ends at once lets go of who waits. */
static void wait_alone(weir_worker *worker, void *ctx)
{
    (void)ctx;
    if (weir_worker_index(worker) == 0)
        ck_assert(!weir_worker_barrier(worker));
}

START_TEST(a_barrier_that_nobody_passes)
{
    weir_config config = { .struct_size = sizeof config, .workers = 2,
                           .worker_main = wait_alone };
    weir_runtime *runtime = weir_runtime_create(&config, NULL);
    ck_assert_int_eq(weir_runtime_start(runtime, NULL), WEIR_OK);
    weir_runtime_stop(runtime);
    weir_runtime_stop(runtime);
    ck_assert_int_eq(weir_runtime_wait(runtime, NULL), WEIR_CANCELLED);
    weir_runtime_destroy(runtime);
}
END_TEST

int main(void)
{
    return test_run(test_suite("sequencer", (const TTest *const[]){
        one_order_for_all, refusals, a_barrier_in_pieces, a_barrier_that_nobody_passes, NULL }));
}

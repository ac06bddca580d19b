/* SPDX-License-Identifier: Apache-2.0
 *
 * Recycled buffers: classes, counts, bounds, trimming, pools closed before their buffers, threads
 * that pass buffers around.
 */
#include "data/pool.h"

#include <pthread.h>
#include <string.h>

#include <weir/memory.h>

#include "comm/broadcast.h"
#include "support.h"
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

static weir__pool *create(void)
{
    weir__pool *pool = weir__pool_create();
    ck_assert_ptr_nonnull(pool);
    return pool;
}

START_TEST(sizes)
{
    size_t before = weir_memory_used();
    weir__pool *pool = create();
    for (size_t size = 0; size < 600000; size = size < 70 ? size + 1 : size * 9 / 8) {
        weir__buffer *buffer = weir__pool_get(pool, size);
        ck_assert_uint_ge(buffer->size, size);
        ck_assert_uint_eq((uintptr_t)weir__buffer_data(buffer) % 64, 0);
        memset(weir__buffer_data(buffer), 1, buffer->size);
        if (size > WEIR__BUFFER_SIZE_MAX)
            ck_assert_uint_eq(buffer->size, size);
        else if (size > 1024 - WEIR__BUFFER_HEADER)
            ck_assert_uint_lt(buffer->size, 2 * size + WEIR__BUFFER_HEADER);
        weir__buffer_release(buffer);
    }
    for (size_t bytes = 1024; bytes <= 512 << 10; bytes *= 2) {
        weir__buffer *exact = weir__pool_get(pool, bytes - WEIR__BUFFER_HEADER);
        ck_assert_uint_eq(exact->size, bytes - WEIR__BUFFER_HEADER);
        weir__buffer *more = weir__pool_get(pool, bytes - WEIR__BUFFER_HEADER + 1);
        ck_assert_uint_ge(more->size, bytes - WEIR__BUFFER_HEADER + 1);
        weir__buffer_release(exact);
        weir__buffer_release(more);
    }
    weir__pool_close(pool);
    ck_assert_uint_eq(weir_memory_used(), before);
}
END_TEST

START_TEST(recycled_without_memory)
{
    weir__pool *pool = create();
    weir__buffer_release(weir__pool_get(pool, 5000));
    ck_assert_uint_eq(weir__pool_kept(pool), 8192);
    weir_memory_fail_nth(1, 1);
    for (int i = 0; i < 10; i++) {
        weir__buffer *buffer = weir__pool_get(pool, 8000);
        ck_assert_uint_eq(weir__pool_kept(pool), 0);
        memset(weir__buffer_data(buffer), i, buffer->size);
        weir__buffer_release(buffer);
    }
    weir_memory_fail_nth(0, 0);
    ck_assert(!weir_memory_exhausted());
    weir__pool_close(pool);
}
END_TEST

START_TEST(shared_by_count)
{
    weir__pool *pool = create();
    weir__buffer *buffer = weir__pool_get(pool, 100);
    ck_assert(weir__buffer_sole(buffer));
    weir__buffer_retain(buffer);
    weir__buffer_retain(buffer);
    weir__buffer_release(buffer);
    ck_assert(!weir__buffer_sole(buffer));
    weir__buffer_release(buffer);
    ck_assert(weir__buffer_sole(buffer));
    ck_assert_uint_eq(weir__pool_kept(pool), 0);
    weir__buffer_release(buffer);
    ck_assert_uint_eq(weir__pool_kept(pool), 1024);
#if defined(__SANITIZE_ADDRESS__)
    ck_assert(__asan_address_is_poisoned(weir__buffer_data(buffer)));
    ck_assert_ptr_eq(weir__pool_get(pool, 100), buffer);
    ck_assert(!__asan_address_is_poisoned(weir__buffer_data(buffer)));
    weir__buffer_release(buffer);
#endif
    weir__pool_close(pool);
}
END_TEST

START_TEST(free_lists_are_bounded)
{
    enum { N = 6000 };
    static weir__buffer *buffers[N];
    weir__pool *pool = create();
    for (int i = 0; i < N; i++)
        buffers[i] = weir__pool_get(pool, 1000 - WEIR__BUFFER_HEADER);
    for (int i = 0; i < N; i++)
        weir__buffer_release(buffers[i]);
    ck_assert_uint_eq(weir__pool_kept(pool), WEIR__POOL_KEPT_MAX);
    for (int i = 0; i < 20; i++)
        buffers[i] = weir__pool_get(pool, WEIR__BUFFER_SIZE_MAX);
    for (int i = 0; i < 20; i++)
        weir__buffer_release(buffers[i]);
    ck_assert_uint_eq(weir__pool_kept(pool), 2 * WEIR__POOL_KEPT_MAX);
    weir__pool_close(pool);
}
END_TEST

START_TEST(trimming_keeps_what_is_in_use)
{
    enum { N = 100, BUSY = 7 };
    weir__buffer *buffers[N];
    weir__pool *pool = create();
    for (int i = 0; i < N; i++)
        buffers[i] = weir__pool_get(pool, 100);
    for (int i = 0; i < N; i++)
        weir__buffer_release(buffers[i]);
    weir__pool_trim(pool); /* all were needed a moment ago */
    ck_assert_uint_eq(weir__pool_kept(pool), N * 1024);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < BUSY; i++)
            buffers[i] = weir__pool_get(pool, 100);
        for (int i = 0; i < BUSY; i++)
            weir__buffer_release(buffers[i]);
        weir__pool_trim(pool);
        ck_assert_uint_eq(weir__pool_kept(pool), BUSY * 1024);
    }
    weir__pool_trim(pool);
    ck_assert_uint_eq(weir__pool_kept(pool), 0);
    weir__pool_close(pool);
}
END_TEST

START_TEST(memory_runs_out)
{
    size_t before = weir_memory_used();
    weir_memory_fail_nth(1, 0);
    ck_assert_ptr_null(weir__pool_create());
    weir__pool *pool = create();
    weir__buffer_release(weir__pool_get(pool, 100));
    weir__buffer_release(weir__pool_get(pool, 10000));
    weir_memory_fail_nth(1, 0); /* what lies in the pool is freed first, and is enough */
    weir__buffer *buffer = weir__pool_get(pool, 3000);
    ck_assert(!weir_memory_exhausted());
    ck_assert_uint_eq(weir__pool_kept(pool), 0);
    weir_memory_fail_nth(1, 1);
    weir__buffer *reserved = weir__pool_get(pool, 3000);
    weir_memory_fail_nth(0, 0);
    ck_assert(weir_memory_exhausted());
    memset(weir__buffer_data(reserved), 1, reserved->size);
    weir__buffer_release(reserved);
    weir__buffer_release(buffer);
    weir__pool_trim(pool); /* keeps nothing now */
    ck_assert_uint_eq(weir__pool_kept(pool), 0);
    weir_memory_exhausted_reset();
    weir__pool_close(pool);
    ck_assert_uint_eq(weir_memory_used(), before);
}
END_TEST

static void *release_all(void *ctx)
{
    for (weir__buffer **buffers = ctx; *buffers; buffers++)
        weir__buffer_release(*buffers);
    return NULL;
}

static void release_elsewhere(weir__buffer **buffers)
{
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, release_all, buffers), 0);
    pthread_join(thread, NULL);
}

START_TEST(buffers_come_home)
{
    weir__pool *pool = create();
    weir__buffer *buffers[] = { weir__pool_get(pool, 100), weir__pool_get(pool, 100),
                                weir__pool_get(pool, 3000), NULL };
    weir__buffer *first = buffers[0], *second = buffers[1];
    release_elsewhere(buffers);
    ck_assert_uint_eq(weir__pool_kept(pool), 0); /* on the stack until looked for */
    weir__buffer *again = weir__pool_get(pool, 100);
    ck_assert(again == first || again == second);
    ck_assert_uint_eq(weir__pool_kept(pool), 1024 + 4096);
    weir__buffer *one[] = { again, NULL };
    release_elsewhere(one);
    weir__pool_trim(pool);
    ck_assert_uint_eq(weir__pool_kept(pool), 2 * 1024 + 4096);
    weir__pool_close(pool);
}
END_TEST

START_TEST(large_buffers_are_freed_where_they_end)
{
    weir__pool *pool = create();
    size_t before = weir_memory_used();
    const size_t large = 1 << 20;
    weir__buffer *buffers[] = { weir__pool_get(pool, large), weir__pool_get(pool, large), NULL };
    weir__buffer *mine = weir__pool_get(pool, large);
    release_elsewhere(buffers);
    weir__buffer_release(mine);
    ck_assert_uint_eq(weir_memory_used(), before);
    ck_assert_uint_eq(weir__pool_kept(pool), 0);
    weir__pool_close(pool);
}
END_TEST

START_TEST(a_pool_outlives_its_owner)
{
    size_t before = weir_memory_used();
    weir__pool *pool = create();
    weir__buffer *buffers[] = { weir__pool_get(pool, 100), weir__pool_get(pool, 1 << 20), NULL };
    weir__buffer *early[] = { weir__pool_get(pool, 100), weir__pool_get(pool, 1 << 20), NULL };
    weir__buffer *mine = weir__pool_get(pool, 100), *kept = weir__pool_get(pool, 100);
    weir__buffer_release(kept);
    release_elsewhere(early);
    weir__pool_close(pool);
    memset(weir__buffer_data(buffers[1]), 1, buffers[1]->size);
    release_elsewhere(buffers);
    ck_assert_uint_gt(weir_memory_used(), before);
    weir__buffer_release(mine);
    ck_assert_uint_eq(weir_memory_used(), before);
}
END_TEST

static void *adopt_and_use(void *ctx)
{
    weir__pool *pool = ctx;
    weir__pool_adopt(pool);
    weir__buffer_release(weir__pool_get(pool, 100));
    return (void *)(uintptr_t)weir__pool_kept(pool);
}

START_TEST(handed_to_a_thread)
{
    size_t before = weir_memory_used();
    weir__pool *pool = create();
    pthread_t thread;
    void *kept;
    ck_assert_int_eq(pthread_create(&thread, NULL, adopt_and_use, pool), 0);
    pthread_join(thread, &kept);
    ck_assert_uint_eq((uintptr_t)kept, 1024);
    weir__pool_close(pool); /* by who joined the owner */
    ck_assert_uint_eq(weir_memory_used(), before);
}
END_TEST

/* Threads that take buffers from their pools, stamp them, send each to one or several others, check
 * and release what they get, and close their pools as soon as they have sent everything, while
 * others still hold what came from them. */
enum { THREADS = 4, SENDS = 4000 };

typedef struct party {
    weir__broadcast **boxes; /* [from * THREADS + to] */
    unsigned self;
    uint64_t random, wrong;
} party;

static atomic_uint sent_all;

static void receive(party *me)
{
    for (unsigned from = 0; from < THREADS; from++) {
        weir_mail letter;
        while (weir__broadcast_read(me->boxes[from * THREADS + me->self], 0, &letter)) {
            weir__buffer *buffer;
            memcpy(&buffer, letter.data, sizeof buffer);
            const uint64_t *stamp = weir__buffer_data(buffer);
            me->wrong += stamp[0] != stamp[buffer->size / 8 - 1];
            if (weir__buffer_sole(buffer))
                memset(weir__buffer_data(buffer), 0xee, 64);
            weir__buffer_release(buffer);
        }
    }
}

static void send(party *me, weir__buffer *buffer)
{
    uint64_t to = test_below(&me->random, THREADS);
    weir__broadcast_append(me->boxes[me->self * THREADS + to], &buffer, sizeof buffer);
}

static void *party_run(void *ctx)
{
    party *me = ctx;
    weir__pool *pool = weir__pool_create();
    for (uint64_t i = 0; i < SENDS; i++) {
        size_t most = test_below(&me->random, 200) == 0 ? 300000 : 9000;
        weir__buffer *buffer = weir__pool_get(pool, 8 + test_below(&me->random, most));
        uint64_t *stamp = weir__buffer_data(buffer);
        stamp[0] = stamp[buffer->size / 8 - 1] = me->self << 20 | i;
        for (uint64_t more = test_below(&me->random, 3); more > 0; more--) {
            weir__buffer_retain(buffer);
            send(me, buffer);
        }
        send(me, buffer);
        if (test_below(&me->random, 20) == 0)
            receive(me);
        if (test_below(&me->random, 300) == 0)
            weir__pool_trim(pool);
    }
    weir__pool_close(pool);
    atomic_fetch_add(&sent_all, 1);
    for (uint64_t looks = 0; atomic_load(&sent_all) < THREADS;) {
        receive(me);
        test_look_again(&looks, "the other threads' buffers");
    }
    receive(me);
    return NULL;
}

START_TEST(threads_pass_buffers_around)
{
    uint64_t seed = test_seed(31);
    size_t before = weir_memory_used();
    weir__broadcast *boxes[THREADS * THREADS];
    party parties[THREADS];
    pthread_t threads[THREADS];
    atomic_store(&sent_all, 0);
    for (unsigned i = 0; i < THREADS * THREADS; i++)
        boxes[i] = weir__broadcast_create(&(weir__broadcast_options){
            .readers = 1, .chunk_bytes = 4096, .lag_bytes = WEIR__BROADCAST_WHATEVER });
    for (unsigned i = 0; i < THREADS; i++) {
        parties[i] = (party){ .boxes = boxes, .self = i, .random = seed + i };
        ck_assert_int_eq(pthread_create(&threads[i], NULL, party_run, &parties[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_msg(parties[i].wrong == 0, "seed %lu", (unsigned long)seed);
    }
    for (unsigned i = 0; i < THREADS * THREADS; i++)
        weir__broadcast_destroy(boxes[i]);
    ck_assert_msg(weir_memory_used() == before, "seed %lu", (unsigned long)seed);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        sizes,
        recycled_without_memory,
        shared_by_count,
        free_lists_are_bounded,
        trimming_keeps_what_is_in_use,
        memory_runs_out,
        buffers_come_home,
        large_buffers_are_freed_where_they_end,
        a_pool_outlives_its_owner,
        handed_to_a_thread,
        threads_pass_buffers_around,
        NULL,
    };
    return test_run(test_suite("pool", tests));
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Allocation: alignment, accounts, failures on demand, the reserve, counting across threads.
 */
#include <weir/memory.h>

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/large.h"
#include "base/mapped.h"
#include "env/huge_pages.h"
#include "support.h"

START_TEST(sizes_and_alignment)
{
    size_t before = weir_memory_used();
    for (size_t size = 1; size < 5000; size += 7) {
        char *block = weir_alloc(size);
        ck_assert_ptr_nonnull(block);
        ck_assert_uint_eq((uintptr_t)block % (size >= 64 ? 64 : 8), 0);
        memset(block, 1, size);
        ck_assert_uint_eq(weir_memory_used(), before + size);
        weir_free(block, size);
    }
    ck_assert_uint_eq(weir_memory_used(), before);
    weir_free(NULL, 10);
    ck_assert_uint_eq(weir_memory_used(), before);
}
END_TEST

START_TEST(nothing_and_too_much)
{
    ck_assert_ptr_null(weir_alloc(0));
    ck_assert_ptr_null(weir_alloc_zero(0));
    ck_assert_ptr_null(weir_alloc_must(0));
    ck_assert_ptr_null(weir_realloc(NULL, 0, 0));
    ck_assert_ptr_null(weir_realloc_must(NULL, 0, 0));
    size_t huge = (size_t)PTRDIFF_MAX + 1;
    ck_assert_ptr_null(weir_alloc(huge));
    ck_assert_ptr_null(weir_alloc_zero(huge));
    char *block = weir_alloc(100);
    ck_assert_ptr_null(weir_realloc(block, 100, huge));
    weir_free(block, 100);
    ck_assert(!weir_memory_exhausted());
}
END_TEST

START_TEST(zeroed)
{
    for (size_t size = 1; size < 100000; size = size * 3 + 1) {
        char *dirty = weir_alloc(size);
        memset(dirty, 0xff, size);
        weir_free(dirty, size);
        char *block = weir_alloc_zero(size);
        for (size_t i = 0; i < size; i++)
            ck_assert_int_eq(block[i], 0);
        weir_free(block, size);
    }
}
END_TEST

START_TEST(resizing_keeps_content_and_alignment)
{
    uint64_t seed = test_seed(11), state = seed;
    size_t before = weir_memory_used(), size = 0;
    unsigned char *block = NULL;
    for (int step = 0; step < 2000; step++) {
        size_t next = 1 + test_below(&state, step % 50 == 0 ? 100000 : 200);
        unsigned char *moved =
            step % 2 ? weir_realloc(block, size, next) : weir_realloc_must(block, size, next);
        ck_assert_ptr_nonnull(moved);
        ck_assert_msg((uintptr_t)moved % (next >= 64 ? 64 : 8) == 0, "seed %lu", (long)seed);
        for (size_t i = 0; i < size && i < next; i++)
            ck_assert_msg(moved[i] == (unsigned char)(i * 31), "seed %lu", (long)seed);
        for (size_t i = 0; i < next; i++)
            moved[i] = (unsigned char)(i * 31);
        block = moved;
        size = next;
        ck_assert_uint_eq(weir_memory_used(), before + size);
    }
    ck_assert_ptr_null(weir_realloc(block, size, 0));
    ck_assert_uint_eq(weir_memory_used(), before);
}
END_TEST

/* Where the system gives them; other blocks have none. */
START_TEST(pieces_in_huge_pages)
{
    enum { SIZE = 100000 };
    size_t before = weir_memory_used();
    bool huge = weir__large_flags() != 0;
    char *block = weir_alloc(SIZE), *piece = weir__alloc_dense(SIZE);
    memset(block, 1, SIZE);
    memset(piece, 1, SIZE);
    ck_assert(!huge || !test_mapped_with(block, "hg"));
    ck_assert(test_mapped_with(piece, "hg") == (huge && weir__huge_pages_slow() == 0));
    ck_assert_uint_eq((uintptr_t)piece % (huge ? 4096 : 64), 0);
    ck_assert_uint_eq(weir_memory_used(), before + 2 * SIZE);
    weir_free(block, SIZE);
    weir_free(piece, SIZE);
    weir_memory_fail_nth(1, 0);
    ck_assert_ptr_null(weir__alloc_dense(SIZE));
    weir_memory_fail_nth(0, 0);
    ck_assert_ptr_null(weir__alloc_dense(0));
    ck_assert_uint_eq(weir_memory_used(), before);
}
END_TEST

/* As jemalloc takes it where the system does not overcommit. */
START_TEST(memory_that_is_not_committed)
{
    enum { SIZE = 8 << 20 };
    char *block = mmap(NULL, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert(block != MAP_FAILED);
    weir__huge_pages_ask(block, SIZE, false);
    ck_assert_int_eq(mprotect(block, SIZE, PROT_READ | PROT_WRITE), 0);
    memset(block, 1, SIZE);
    ck_assert_int_eq(munmap(block, SIZE), 0);
}
END_TEST

START_TEST(failing_the_nth)
{
    for (int kind = 0; kind < 3; kind++) {
        weir_memory_fail_nth(3, 2);
        for (int i = 1; i <= 9; i++) {
            void *block = kind == 0   ? weir_alloc(10)
                          : kind == 1 ? weir_alloc_zero(200)
                                      : weir_realloc(NULL, 0, 30);
            ck_assert_int_eq(block == NULL, i >= 3 && i % 2 == 1);
            weir_free(block, kind == 0 ? 10 : kind == 1 ? 200 : 30);
        }
    }
    weir_memory_fail_nth(2, 0);
    void *block = weir_alloc(10);
    ck_assert_ptr_null(weir_realloc(block, 10, 20));
    block = weir_realloc(block, 10, 20);
    ck_assert_ptr_nonnull(block);
    weir_memory_fail_nth(1, 0);
    weir_memory_fail_nth(0, 0);
    block = weir_realloc(block, 20, 10);
    ck_assert_ptr_nonnull(block);
    weir_free(block, 10);
}
END_TEST

/* What is kept of large blocks, that freed ones have left. */
static void keep_some(void)
{
    enum { SIZE = 3 << 20 };
    char *block = weir_alloc(SIZE);
    memset(block, 1, SIZE);
    weir_free(block, SIZE);
    ck_assert_uint_gt(weir__mapped_kept(), 0);
}

/* The allocator has no memory: what is kept goes, whoever the allocator is, and it has some. */
START_TEST(what_is_kept_goes_first)
{
    static const size_t sizes[] = { 10, 1000, 1 << 20 };
    for (size_t i = 0; i < 2 * sizeof sizes / sizeof *sizes; i++) {
        size_t size = sizes[i / 2];
        keep_some();
        weir__memory_fail_answer(1);
        char *block = i % 2 ? weir_alloc_zero(size) : weir_alloc(size);
        ck_assert_ptr_nonnull(block);
        ck_assert_uint_eq(weir__mapped_kept(), 0);
        memset(block, 1, size);
        keep_some();
        weir__memory_fail_answer(1);
        block = weir_realloc(block, size, size + 20);
        ck_assert_ptr_nonnull(block);
        ck_assert_uint_eq(weir__mapped_kept(), 0);
        ck_assert_int_eq(block[size - 1], 1);
        weir_free(block, size + 20);
    }
    weir_memory_fail_nth(0, 0);
}
END_TEST

START_TEST(reserve_serves_and_recovers)
{
    size_t before = weir_memory_used();
    ck_assert(!weir_memory_exhausted());
    weir_memory_fail_nth(1, 1);
    char *blocks[64];
    for (int round = 0; round < 3; round++) { /* more than the reserve, but not at once */
        for (int i = 0; i < 63; i++) {
            blocks[i] = weir_alloc_must(64000);
            ck_assert_uint_eq((uintptr_t)blocks[i] % 64, 0);
            memset(blocks[i], i, 64000);
            ck_assert(weir_memory_exhausted());
        }
        blocks[0] = weir_realloc_must(blocks[0], 64000, 70000);
        ck_assert_int_eq(blocks[0][63999], 0);
        for (int i = 1; i < 63; i++) {
            ck_assert_int_eq(blocks[i][0], i);
            ck_assert_int_eq(blocks[i][63999], i);
            weir_free(blocks[i], 64000);
        }
        weir_free(blocks[0], 70000);
    }
    weir_memory_fail_nth(0, 0);
    ck_assert(weir_memory_exhausted());
    weir_memory_exhausted_reset();
    ck_assert(!weir_memory_exhausted());
    ck_assert_uint_eq(weir_memory_used(), before);
}
END_TEST

START_TEST(reserve_blocks_move_out_again)
{
    weir_memory_fail_nth(1, 0);
    char *block = weir_alloc_must(100);
    ck_assert(weir_memory_exhausted());
    memset(block, 7, 100);
    weir_memory_exhausted_reset();
    block = weir_realloc(block, 100, 300); /* by now there is memory */
    ck_assert_ptr_nonnull(block);
    ck_assert_int_eq(block[99], 7);
    ck_assert(!weir_memory_exhausted());
    weir_memory_fail_nth(1, 0);
    block = weir_realloc_must(block, 300, 50);
    ck_assert_int_eq(block[49], 7);
    ck_assert(weir_memory_exhausted());
    weir_free(block, 50);
    weir_memory_fail_nth(0, 0);
    weir_memory_exhausted_reset();
}
END_TEST

START_TEST(end_of_the_reserve_ends_the_process)
{
    pid_t child = fork();
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        close(STDERR_FILENO);
        weir_memory_fail_nth(1, 1);
        for (int i = 0; i < 5; i++)
            weir_alloc_must(1 << 20);
        _exit(0);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGABRT);
}
END_TEST

/* More threads than shards: some share one, all count. */
static void *allocate_and_leave(void *ctx)
{
    void **slot = ctx;
    for (size_t i = 1; i < 100; i++)
        weir_free(weir_alloc(i), i);
    *slot = weir_alloc(1000);
    return NULL;
}

START_TEST(counted_across_threads)
{
    enum { WAVES = 3, THREADS = 300 };
    static void *slots[WAVES][THREADS];
    pthread_t threads[THREADS];
    size_t before = weir_memory_used();
    for (int wave = 0; wave < WAVES; wave++) {
        for (int i = 0; i < THREADS; i++)
            ck_assert_int_eq(pthread_create(&threads[i], NULL, allocate_and_leave, &slots[wave][i]),
                             0);
        for (int i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
    }
    ck_assert_uint_eq(weir_memory_used(), before + WAVES * THREADS * 1000);
    for (int wave = 0; wave < WAVES; wave++)
        for (int i = 0; i < THREADS; i++)
            weir_free(slots[wave][i], 1000);
    ck_assert_uint_eq(weir_memory_used(), before);
}
END_TEST

START_TEST(accounts)
{
    weir_account account = { 0, 0 };
    weir_account_add(&account, 100);
    weir_account_add(&account, -40);
    weir_account_add(&account, 20);
    ck_assert_int_eq(weir_account_bytes(&account), 80);
    ck_assert_int_eq(account.bytes_max, 100);
}
END_TEST

int main(void)
{
    weir__huge_pages_use();
    const TTest *const tests[] = {
        sizes_and_alignment,
        nothing_and_too_much,
        zeroed,
        resizing_keeps_content_and_alignment,
        pieces_in_huge_pages,
        memory_that_is_not_committed,
        failing_the_nth,
        what_is_kept_goes_first,
        reserve_serves_and_recovers,
        reserve_blocks_move_out_again,
        end_of_the_reserve_ends_the_process,
        counted_across_threads,
        accounts,
        NULL,
    };
    return test_run(test_suite("memory", tests));
}

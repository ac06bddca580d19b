/* SPDX-License-Identifier: Apache-2.0
 *
 * Large blocks: what they hold while they grow and shrink, what is kept of freed ones and for whom,
 * the bound, and where the system gives or moves nothing.
 */
#include "base/mapped.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weir/memory.h>

#include "base/large.h"
#include "support.h"
#include "unit/marks.h"

enum { MIB = 1 << 20, GRANULE = WEIR__GRANULE, PAGE = TEST_PAGE };

/* How many of these bytes lie in memory. */
static size_t resident(char *block, size_t size)
{
    size_t count = 0;
    for (size_t at = 0; at < size; at += PAGE) {
        unsigned char is = 0;
        ck_assert_int_eq(mincore(block + at, PAGE, &is), 0);
        count += is & 1 ? PAGE : 0;
    }
    return count;
}

static void nothing_kept(void)
{
    (void)weir__mapped_give_back();
    ck_assert_uint_eq(weir__mapped_kept(), 0);
}

START_TEST(freed_pages_are_the_next_block)
{
    nothing_kept();
    char *block = weir__mapped_alloc(4 * MIB);
    ck_assert_uint_eq((uintptr_t)block % GRANULE, 0);
    ck_assert_uint_eq(resident(block, 4 * MIB), 0);
    test_mark(block, 4 * MIB, 1);
    weir__mapped_free(block, 4 * MIB, 0);
    ck_assert_uint_eq(weir__mapped_kept(), 4 * MIB);

    block = weir__mapped_alloc(3 * MIB); /* cut off */
    ck_assert_uint_eq(resident(block, 3 * MIB), 3 * MIB);
    ck_assert_uint_eq(weir__mapped_kept(), MIB);
    test_mark(block, 3 * MIB, 2);
    char *other = weir__mapped_alloc(5 * MIB); /* put together */
    ck_assert_uint_eq(resident(other, 5 * MIB), MIB);
    test_mark(other, 5 * MIB, 3);
    ck_assert_uint_eq(test_wrong(block, 3 * MIB, 2), 0);
    ck_assert_uint_eq(weir__mapped_kept(), 0);
    weir__mapped_free(block, 3 * MIB, 0);
    weir__mapped_free(other, 5 * MIB, 0);
    ck_assert_uint_eq(weir__mapped_kept(), 8 * MIB);

    block = weir__mapped_alloc_fresh(6 * MIB);
    ck_assert_uint_eq(resident(block, 6 * MIB), 0);
    for (size_t i = 0; i < 6 * MIB; i += 64)
        ck_assert_int_eq(block[i], 0);
    weir__mapped_free(block, 6 * MIB, 0);
    ck_assert(weir__mapped_give_back());
    ck_assert(!weir__mapped_give_back());
    nothing_kept();
}
END_TEST

START_TEST(grows_and_shrinks)
{
    nothing_kept();
    char *block = weir__mapped_alloc(2 * MIB), *before = block;
    test_mark(block, 2 * MIB, 1);
    ck_assert_ptr_eq(weir__mapped_resize(block, 2 * MIB, 2 * MIB - 100, 0), before);
    char *other = weir__mapped_alloc(3 * MIB);
    test_mark(other, 3 * MIB, 1);
    weir__mapped_free(other, 3 * MIB, 0);
    for (size_t size = 2; size < 64; size *= 2) {
        block = weir__mapped_resize(block, size * MIB, 2 * size * MIB, 0);
        ck_assert_uint_eq(test_wrong(block, size * MIB, 1), 0);
        if (size == 2) /* what was there, and of what was kept */
            ck_assert_uint_eq(resident(block, 4 * MIB), 4 * MIB);
        test_mark(block, 2 * size * MIB, 1);
    }
    before = block;
    block = weir__mapped_resize(block, 64 * MIB, 10 * MIB, 0);
    ck_assert_ptr_eq(block, before);
    ck_assert_uint_eq(test_wrong(block, 10 * MIB, 1), 0);
    ck_assert_uint_eq(weir__mapped_kept(), WEIR__KEPT_MIN);
    weir__mapped_free(block, 10 * MIB, 0);
    nothing_kept();
}
END_TEST

START_TEST(no_more_than_the_bound)
{
    nothing_kept();
    char *block = weir__mapped_alloc(100 * MIB);
    test_mark(block, 100 * MIB, 1);
    weir__mapped_free(block, 100 * MIB, 0);
    ck_assert_uint_eq(weir__mapped_kept(), WEIR__KEPT_MIN);
    block = weir__mapped_alloc(100 * MIB);
    ck_assert_uint_eq(resident(block, 100 * MIB), WEIR__KEPT_MIN);
    test_mark(block, 100 * MIB, 1);
    weir__mapped_free(block, 100 * MIB, (size_t)WEIR__KEPT_SHARE * 40 * MIB);
    ck_assert_uint_eq(weir__mapped_kept(), 40 * MIB);
    char *last = weir__mapped_alloc_fresh(2 * MIB); /* far less is in use by then */
    weir__mapped_free(last, 2 * MIB, 1);
    ck_assert_uint_eq(weir__mapped_kept(), 2 * WEIR__KEPT_MIN);
    last = weir__mapped_alloc_fresh(3 * MIB);
    last = weir__mapped_resize(last, 3 * MIB, 2 * MIB, WEIR__KEPT_SHARE * 15 * MIB + 1000);
    ck_assert_uint_eq(weir__mapped_kept(), 2 * WEIR__KEPT_MIN);
    weir__mapped_free(last, 2 * MIB, 0);
    nothing_kept();
    block = weir__mapped_alloc(100 * MIB);
    test_mark(block, 100 * MIB, 1);
    weir__mapped_free(block, 100 * MIB, (size_t)WEIR__KEPT_SHARE * 40 * MIB);
    weir__large_gone(); /* in small blocks */
    ck_assert_uint_eq(weir__mapped_kept(), 2 * WEIR__KEPT_MIN);
    nothing_kept();
    block = weir__mapped_alloc(8 * MIB); /* of a process with too many mappings as it is */
    test_mark(block, 8 * MIB, 1);
    weir__mapped_free(block, 8 * MIB, SIZE_MAX);
    ck_assert_uint_eq(weir__mapped_kept(), 0);
}
END_TEST

/* Every other granule has pages: in as many pieces as are kept at most, and some more. */
START_TEST(without_pages_it_is_worth_nothing)
{
    enum { GRANULES = 600 };
    size_t size = GRANULES * (size_t)GRANULE, in_use = 8 * WEIR__KEPT_SHARE * size / 8;
    nothing_kept();
    char *block = weir__mapped_alloc(size);
    for (size_t i = 0; i < GRANULES; i += 2)
        test_mark(block + i * GRANULE, GRANULE, 1);
    weir__mapped_free(block, size, in_use);
    ck_assert_uint_ge(weir__mapped_kept(), 200 * GRANULE);
    ck_assert_uint_le(weir__mapped_kept(), GRANULES / 2 * GRANULE);
    nothing_kept();
    block = weir__mapped_alloc(4 * MIB);
    test_mark(block, GRANULE / 4, 1);
    weir__mapped_free(block, 4 * MIB, 0);
    ck_assert_uint_eq(weir__mapped_kept(), 0);
}
END_TEST

START_TEST(feeding)
{
    nothing_kept();
    char *block = weir__mapped_alloc_fresh(4 * MIB), *other = weir__mapped_alloc(2 * MIB);
    weir__mapped_feed(block + GRANULE); /* there is nothing */
    ck_assert_uint_eq(resident(block, 4 * MIB), 0);
    test_mark(block, GRANULE, 1);
    test_mark(other, 2 * MIB, 2);
    weir__mapped_free(other, 2 * MIB, 0);
    weir__mapped_feed(block + GRANULE);
    ck_assert_uint_eq(weir__mapped_kept(), 2 * MIB - GRANULE);
    ck_assert_uint_eq(resident(block, 4 * MIB), 2 * GRANULE);
    test_mark(block + GRANULE, 4 * MIB - GRANULE, 3);
    ck_assert_uint_eq(test_wrong(block, GRANULE, 1), 0);
    ck_assert_uint_eq(test_wrong(block + GRANULE, 4 * MIB - GRANULE, 3), 0);
    weir__mapped_empty(block + 2 * MIB, MIB / 2);
    ck_assert_uint_eq(resident(block, 4 * MIB), 3 * MIB + MIB / 2);
    ck_assert_uint_eq(test_wrong(block, GRANULE, 1), 0);
    nothing_kept();
    weir__mapped_free(block, 4 * MIB, 0);
    size_t most = WEIR__KEPT_MIN - 3 * MIB - MIB / 2;
    ck_assert_uint_eq(weir__mapped_kept(), WEIR__KEPT_MIN - most);
    ck_assert(weir__mapped_would_keep(most, 0));
    ck_assert(!weir__mapped_would_keep(most + 1, 0));
    nothing_kept();
}
END_TEST

/* ---- where the system gives nothing, and moves nothing ---- */

static bool fails(bool ok)
{
    return !ok;
}

/* From now on a system call fails if this argument is at least that, or has one of these bits. */
static bool refuse(uint32_t call, unsigned argument, uint16_t test, uint32_t operand)
{
    uint32_t at = (uint32_t)(offsetof(struct seccomp_data, args) + argument * sizeof(uint64_t));
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at),
        BPF_JUMP((uint16_t)(BPF_JMP | BPF_K | test), operand, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOMEM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { sizeof filter / sizeof *filter, filter };
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* There is no more: what is kept goes, and then nothing is left to be tried. */
static int full(void)
{
    char *block = weir__mapped_alloc(4 * MIB), *other = weir__mapped_alloc(8 * MIB);
    test_mark(block, 4 * MIB, 1);
    test_mark(other, 8 * MIB, 2);
    weir__mapped_free(other, 8 * MIB, 0);
    if (fails(refuse(SYS_mmap, 1, BPF_JGE, 16 * MIB)))
        return 1;
    if (fails(weir__mapped_kept() == 8 * MIB && !weir__mapped_alloc(16 * MIB)) ||
        fails(weir__mapped_kept() == 0))
        return 2;
    if (fails(!weir__mapped_resize(block, 4 * MIB, 16 * MIB, 0) && !test_wrong(block, 4 * MIB, 1)))
        return 3;
    return weir__mapped_alloc(SIZE_MAX / 2) || weir__mapped_alloc_fresh(SIZE_MAX) ? 4 : 0;
}

/* As where there are too many mappings: nor is anything put in the place of another. A hole is
 * filled before. */
static int unmoved(void)
{
    char *block = weir__mapped_alloc(4 * MIB), *other = weir__mapped_alloc(2 * MIB);
    char *holey = weir__mapped_alloc_fresh(2 * MIB);
    test_mark(block, 4 * MIB, 1);
    test_mark(other, 2 * MIB, 2);
    weir__mapped_free(other, 2 * MIB, 0);
    if (fails(refuse(SYS_mremap, 1, BPF_JGE, 0) && munmap(holey + GRANULE, GRANULE) == 0))
        return 1;
    weir__mapped_feed(holey + GRANULE);
    test_mark(holey, 2 * MIB, 3);
    if (fails(test_wrong(holey, 2 * MIB, 3) == 0 && refuse(SYS_mmap, 3, BPF_JSET, MAP_FIXED)))
        return 4;
    block = weir__mapped_resize(block, 4 * MIB, 16 * MIB, 0);
    if (fails(block && !test_wrong(block, 4 * MIB, 1)))
        return 2;
    test_mark(block, 16 * MIB, 3);
    return test_wrong(block, 16 * MIB, 3) == 0 && weir__mapped_kept() == 0 ? 0 : 3;
}

static int status_of(int (*part)(void))
{
    int status;
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        _exit(part());
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

START_TEST(where_there_is_no_more)
{
    nothing_kept();
    ck_assert_int_eq(status_of(full), 0);
}
END_TEST

START_TEST(where_nothing_can_be_moved)
{
    nothing_kept();
    ck_assert_int_eq(status_of(unmoved), 0);
}
END_TEST

/* ---- by the way that all memory takes ---- */

START_TEST(by_weir_alloc)
{
    nothing_kept();
    size_t used = weir_memory_used();
    char *block = weir_alloc(1000); /* small, mapped, small */
    memset(block, 5, 1000);
    block = weir_realloc(block, 1000, 3 * MIB);
    ck_assert_int_eq(block[999], 5);
    test_mark(block, 3 * MIB, 1);
    block = weir_realloc(block, 3 * MIB, 5 * MIB);
    ck_assert_uint_eq(test_wrong(block, 3 * MIB, 1), 0);
    ck_assert_uint_eq(weir_memory_used(), used + 5 * MIB);
    weir_memory_fail_nth(1, 1);
    ck_assert_ptr_null(weir_realloc(block, 5 * MIB, 6 * MIB));
    ck_assert_ptr_null(weir_alloc(3 * MIB));
    ck_assert_ptr_null(weir__alloc_fresh(3 * MIB));
    ck_assert_ptr_null(weir_alloc_zero(3 * MIB));
    weir_memory_fail_nth(0, 0);
    block = weir_realloc(block, 5 * MIB, MIB);
    ck_assert_uint_eq(test_wrong(block, MIB, 1), 0);
    ck_assert_uint_gt(weir__mapped_kept(), 0);
    weir_free(block, MIB);
    char *zeros = weir_alloc_zero(3 * MIB), *fresh = weir__alloc_fresh(3 * MIB);
    for (size_t i = 0; i < 3 * MIB; i += 64)
        ck_assert(zeros[i] == 0 && fresh[i] == 0);
    ck_assert_uint_eq(weir_memory_used(), used + 6 * MIB);
    weir_free(zeros, 3 * MIB);
    weir_free(fresh, 3 * MIB);
    ck_assert_uint_eq(weir_memory_used(), used);
    nothing_kept();
}
END_TEST

/* Whole pages alone, of which nothing is lost; none where the system knows of no such request. */
START_TEST(pages_asked_for)
{
    nothing_kept();
    char *block = weir__mapped_alloc_fresh(4 * MIB), *probed = block + 3 * MIB;
    bool can = madvise(probed, PAGE, 23 /* MADV_POPULATE_WRITE */) == 0;
    weir__pages_ask(block + 1, PAGE);
    ck_assert_uint_eq(resident(block, 2 * MIB), 0);
    weir__pages_ask(block + 1, (size_t)10 * PAGE);
    ck_assert_uint_eq(resident(block, 2 * MIB), can ? 9 * PAGE : 0);
    ck_assert_uint_eq(resident(block, PAGE), 0);
    test_mark(block, MIB, 1);
    weir__pages_ask(block, 2 * MIB);
    ck_assert_uint_eq(test_wrong(block, MIB, 1), 0);
    ck_assert_uint_eq(resident(block, 2 * MIB), can ? 2 * MIB : MIB);
    weir__pages_ask(NULL, 0);
    weir__mapped_free(block, 4 * MIB, 0);
    (void)weir__mapped_give_back();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { freed_pages_are_the_next_block,
                                   grows_and_shrinks,
                                   no_more_than_the_bound,
                                   without_pages_it_is_worth_nothing,
                                   feeding,
                                   where_there_is_no_more,
                                   where_nothing_can_be_moved,
                                   by_weir_alloc,
                                   pages_asked_for,
                                   NULL };
    return test_run(test_suite("mapped", tests));
}

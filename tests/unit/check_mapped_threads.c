/* SPDX-License-Identifier: Apache-2.0
 *
 * Large blocks of several threads, at random: none of their pages is anybody else's.
 */
#include <pthread.h>
#include <stdint.h>

#include "base/mapped.h"
#include "support.h"
#include "unit/marks.h"

enum { MIB = 1 << 20 };

typedef struct load {
    uint64_t seed;
    size_t wrong;
} load;

static void *work(void *ctx)
{
    enum { BLOCKS = 6, ROUNDS = 300 };
    load *l = ctx;
    struct {
        char *at;
        size_t size, seed;
    } blocks[BLOCKS] = { 0 };
    for (int round = 0; round < ROUNDS; round++) {
        size_t i = test_random(&l->seed) % BLOCKS;
        size_t size = 2 * MIB + test_random(&l->seed) % (6 * MIB);
        l->wrong +=
            test_wrong(blocks[i].at, blocks[i].size / TEST_PAGE * TEST_PAGE, blocks[i].seed);
        if (test_random(&l->seed) % 3 > 0 && blocks[i].at) {
            size_t least = size < blocks[i].size ? size : blocks[i].size;
            blocks[i].at = weir__mapped_resize(blocks[i].at, blocks[i].size, size, 0);
            l->wrong += test_wrong(blocks[i].at, least / TEST_PAGE * TEST_PAGE, blocks[i].seed);
        } else {
            if (blocks[i].at)
                weir__mapped_free(blocks[i].at, blocks[i].size, 0);
            blocks[i].at = weir__mapped_alloc(size);
        }
        blocks[i].size = size;
        blocks[i].seed = test_random(&l->seed) % 1000;
        test_mark(blocks[i].at, size / TEST_PAGE * TEST_PAGE, blocks[i].seed);
    }
    for (int i = 0; i < BLOCKS; i++)
        if (blocks[i].at)
            weir__mapped_free(blocks[i].at, blocks[i].size, 0);
    return NULL;
}

START_TEST(several_threads)
{
    load loads[3] = { { 1, 0 }, { 2, 0 }, { 3, 0 } };
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, work, &loads[i]), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert_uint_eq(loads[i].wrong, 0);
    }
    ck_assert_uint_le(weir__mapped_kept(), WEIR__KEPT_MIN);
    ck_assert(weir__mapped_give_back());
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { several_threads, NULL };
    return test_run(test_suite("mapped_threads", tests));
}

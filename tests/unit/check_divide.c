/* SPDX-License-Identifier: Apache-2.0
 *
 * Division among workers: each way that this machine has, against the plain reading of the rule.
 */
#include "dataflow/divide.h"

#include <string.h>

#include <weir/memory.h>

#include "support.h"

enum { ELEMENTS = 300, SIZE_MAX_TRIED = 24, WORKERS = 5, MARK = 0xa5 };

static const char *const way_name[WEIR__DIVIDE_WAYS] = { "plain", "avx512" };

typedef struct room {
    char *bytes, *next;
} room;

/* Exactly as much as a worker may be sent, at any alignment, so that a store beyond is seen. */
static room room_of(size_t bytes, size_t shift)
{
    room r = { .bytes = weir_alloc_must(bytes + shift) };
    if (bytes + shift > 0)
        memset(r.bytes, MARK, bytes + shift);
    r.next = r.bytes + shift;
    return r;
}

static void expect_way(weir__divide_way way, const weir__division *d, size_t shift)
{
    room rooms[WORKERS];
    char *next[WORKERS];
    size_t bytes = d->count * d->size, seen[WORKERS] = { 0 };
    for (unsigned w = 0; w < d->workers; w++) {
        rooms[w] = room_of(bytes, shift);
        next[w] = rooms[w].next;
    }
    weir__divide_by(way, d, next);
    for (size_t i = 0; i < d->count; i++) {
        unsigned w = weir__owner(d->hashes[i], d->workers);
        ck_assert_msg(memcmp(rooms[w].next + seen[w], d->from + i * d->size, d->size) == 0,
                      "%s: element %zu of %zu, %zu bytes, %u workers", way_name[way], i, d->count,
                      d->size, d->workers);
        seen[w] += d->size;
    }
    for (unsigned w = 0; w < d->workers; w++) {
        ck_assert_ptr_eq(next[w], rooms[w].next + seen[w]);
        for (size_t i = 0; i < shift; i++)
            ck_assert_int_eq((unsigned char)rooms[w].bytes[i], MARK);
        weir_free(rooms[w].bytes, bytes + shift);
    }
}

static void expect_all(const weir__division *d, size_t shift)
{
    for (int way = 0; way < WEIR__DIVIDE_WAYS; way++)
        if (weir__divide_has((weir__divide_way)way))
            expect_way((weir__divide_way)way, d, shift);
}

START_TEST(every_way_divides_alike)
{
    static const size_t sizes[] = { 8, 16, SIZE_MAX_TRIED, 4 };
    uint64_t state = test_seed(31), hashes[ELEMENTS];
    char from[ELEMENTS * SIZE_MAX_TRIED];
    for (size_t i = 0; i < sizeof from; i++)
        from[i] = (char)test_below(&state, 256);
    for (int round = 0; round < 2000; round++) {
        uint64_t bias = test_below(&state, 5); /* also where all go to one */
        for (size_t i = 0; i < ELEMENTS; i++) {
            hashes[i] = test_below(&state, UINT64_MAX);
            hashes[i] = bias == 0 ? hashes[i] | 1ull << 63 : bias == 1 ? hashes[i] >> 3 : hashes[i];
        }
        weir__division d = { from, hashes, test_below(&state, round % 8 ? 40 : ELEMENTS + 1),
                             sizes[test_below(&state, 4)],
                             2 + (round % 3 ? 0 : (unsigned)test_below(&state, WORKERS - 1)) };
        expect_all(&d, test_below(&state, 64));
    }
}
END_TEST

START_TEST(nothing_is_divided_into_nothing)
{
    char byte = 1, *next[2] = { &byte, &byte };
    weir__division d = { NULL, NULL, 0, 8, 2 };
    weir__divide(&d, next);
    ck_assert(next[0] == &byte && next[1] == &byte && byte == 1);
}
END_TEST

START_TEST(the_plain_way_is_always_there)
{
    ck_assert(weir__divide_has(WEIR__DIVIDE_PLAIN));
    ck_assert(!weir__divide_has((weir__divide_way)WEIR__DIVIDE_WAYS));
}
END_TEST

START_TEST(ranges_of_hashes_have_owners)
{
    ck_assert_uint_eq(weir__owner(0, 3), 0);
    ck_assert_uint_eq(weir__owner(UINT64_MAX, 3), 2);
    ck_assert_uint_eq(weir__owner(UINT64_MAX / 2, 2), 0);
    ck_assert_uint_eq(weir__owner(UINT64_MAX / 2 + 1, 2), 1);
    ck_assert_uint_eq(weir__owner(UINT64_MAX, 1), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        every_way_divides_alike,
        nothing_is_divided_into_nothing,
        the_plain_way_is_always_there,
        ranges_of_hashes_have_owners,
        NULL,
    };
    return test_run(test_suite("divide", tests));
}

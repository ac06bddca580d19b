/* SPDX-License-Identifier: Apache-2.0
 *
 * Changes: what cancels vanishes, few and many pairs against a plain list, the flat form and its
 * refusal.
 */
#include "progress/changes.h"

#include <string.h>
#include <weir/memory.h>

#include "support.h"

enum { PORTS = 6, TIMES = 20 };
static const uint8_t depths_of[PORTS] = { 1, 1, 2, 4, 3, 1 };
static const weir__depths depths = { depths_of, PORTS };

static weir_time pair_time(uint32_t port, uint64_t n)
{
    weir_time t = { { n } };
    for (unsigned i = 1; i < depths_of[port]; i++)
        t.at[i] = n * 7 + i;
    return t;
}

/* The sums per port and time, by pair_time. */
typedef struct model {
    int64_t diff[PORTS][TIMES];
} model;

static void expect(weir__changes *c, const model *m, uint64_t seed)
{
    uint32_t count, nonzero = 0;
    const weir__change *e = weir__changes_entries(c, &count);
    for (uint32_t p = 0; p < PORTS; p++)
        for (uint64_t n = 0; n < TIMES; n++)
            nonzero += m->diff[p][n] != 0;
    ck_assert_msg(count == nonzero && weir__changes_is_empty(c) == (nonzero == 0),
                  "%u entries of %u: WEIR_SEED=%lu", count, nonzero, (long)seed);
    for (uint32_t i = 0; i < count; i++) {
        ck_assert_msg(e[i].port < PORTS && e[i].time.at[0] < TIMES, "WEIR_SEED=%lu", (long)seed);
        weir_time t = pair_time(e[i].port, e[i].time.at[0]);
        ck_assert_msg(weir_time_equal(&t, &e[i].time, 4) &&
                          e[i].diff == m->diff[e[i].port][e[i].time.at[0]],
                      "WEIR_SEED=%lu", (long)seed);
    }
}

START_TEST(cancelling)
{
    weir__changes c = { 0 };
    weir_time t = weir_time_1(5), u = weir_time_1(6);
    uint32_t count;
    ck_assert(weir__changes_is_empty(&c));
    weir__changes_entries(&c, &count);
    ck_assert_uint_eq(count, 0);
    weir__changes_add(&c, 1, &t, 0);
    ck_assert(weir__changes_is_empty(&c));
    weir__changes_add(&c, 1, &t, 2);
    weir__changes_add(&c, 1, &u, -1);
    weir__changes_add(&c, 1, &t, -2);
    const weir__change *e = weir__changes_entries(&c, &count);
    ck_assert(count == 1 && e->port == 1 && e->time.at[0] == 6 && e->diff == -1);
    weir__changes_add(&c, 1, &u, 1);
    ck_assert(weir__changes_is_empty(&c));
    weir__changes_add(&c, 2, &u, 1);
    weir__changes_clear(&c);
    ck_assert(weir__changes_is_empty(&c));
    weir__changes_fini(&c);
}
END_TEST

START_TEST(any_number_against_a_list)
{
    uint64_t seed = test_seed(21), state = seed;
    size_t used = weir_memory_used();
    weir__changes c = { 0 }, other = { 0 };
    for (int round = 0; round < 2000; round++) {
        model m = { 0 };
        uint64_t steps = test_below(&state, round % 3 ? 12 : 300),
                 span = 1 + test_below(&state, TIMES);
        for (uint64_t s = 0; s < steps; s++) {
            uint32_t port = (uint32_t)test_below(&state, PORTS);
            uint64_t n = test_below(&state, span);
            weir_time t = pair_time(port, n);
            int64_t diff = (int64_t)test_below(&state, 5) - 2;
            weir__changes_add(test_below(&state, 2) ? &c : &other, port, &t, diff);
            m.diff[port][n] += diff;
            if (s % 64 == 63)
                weir__changes_merge(&c, &other), weir__changes_clear(&other), expect(&c, &m, seed);
        }
        if (round % 2)
            weir__changes_merge(&c, &other);
        else
            weir__changes_move(&c, &other);
        expect(&c, &m, seed);
        weir__changes_clear(&other);
        weir__changes_move(&other, &c); /* into an empty one */
        expect(&other, &m, seed);
        weir__changes_clear(&other);
        weir__changes_clear(&c);
    }
    weir__changes_fini(&c);
    weir__changes_fini(&other);
    ck_assert_uint_eq(weir_memory_used(), used);
}
END_TEST

START_TEST(coming_and_going_takes_no_room)
{
    weir__changes c = { 0 };
    weir_time start = weir_time_1(0);
    weir__changes_add(&c, 0, &start, 1);
    for (uint64_t n = 1; n < 10000; n++) {
        weir_time t = weir_time_1(n);
        weir__changes_add(&c, 0, &t, 1);
        weir__changes_add(&c, 0, &t, -1);
    }
    ck_assert_uint_le(c.capacity, 16);
    uint32_t count;
    ck_assert_uint_eq(weir__changes_entries(&c, &count)->time.at[0], 0);
    ck_assert_uint_eq(count, 1);
    weir__changes_fini(&c);
}
END_TEST

START_TEST(flat_form)
{
    weir__changes c = { 0 }, back = { 0 };
    weir_time t = pair_time(3, 4), one = weir_time_1(9);
    weir_error error;
    ck_assert_uint_eq(weir__changes_encoded_size(&c, depths), 0);
    ck_assert_int_eq(weir__changes_decode(&back, depths, NULL, 0, &error), WEIR_OK);
    ck_assert(weir__changes_is_empty(&back));
    weir__changes_add(&c, 3, &t, -3);
    weir__changes_add(&c, 0, &one, INT64_C(5) << 31);
    weir__changes_add(&c, 5, &one, INT64_C(-3) * (INT64_C(1) << 31));
    weir__changes_add(&c, 1, &one, 1);
    weir__changes_add(&c, 1, &one, -1);
    size_t size = weir__changes_encoded_size(&c, depths);
    /* 4 small coordinates; 5 parts of 5 bytes and the last of 1; 3 parts of 5 bytes */
    ck_assert_uint_eq(size, 6 + 5 * 7 + 3 + 3 * 7);
    ck_assert_uint_ge(weir__changes_encoded_most(&c, depths), size);
    char room[200];
    ck_assert_uint_eq(weir__changes_encode(&c, depths, room + 1), size);
    ck_assert_int_eq(weir__changes_decode(&back, depths, room + 1, size, &error), WEIR_OK);
    for (int i = 0; i < 2; i++) {
        uint32_t count;
        const weir__change *e = weir__changes_entries(&back, &count);
        ck_assert_uint_eq(count, 3);
        for (uint32_t k = 0; k < count; k++)
            weir__changes_add(&c, e[k].port, &e[k].time, -e[k].diff);
        ck_assert(weir__changes_is_empty(&c));
        weir__changes_merge(&c, &back);
    }
    weir__changes_fini(&c);
    weir__changes_fini(&back);
}
END_TEST

static void refused(const uint8_t *bytes, size_t size)
{
    weir__changes c = { 0 };
    weir_time t = weir_time_1(3);
    weir_error error;
    weir__changes_add(&c, 1, &t, 1);
    ck_assert_int_eq(weir__changes_decode(&c, depths, bytes, size, &error), WEIR_BAD_DATA);
    ck_assert_str_eq(error.what, "changes of progress cannot be decoded");
    ck_assert_int_eq(weir__changes_decode(&c, depths, bytes, size, NULL), WEIR_BAD_DATA);
    uint32_t count;
    const weir__change *e = weir__changes_entries(&c, &count);
    ck_assert(count == 1 && e->port == 1 && e->diff == 1);
    weir__changes_fini(&c);
}

START_TEST(refusals)
{
    /* port, diff (-1 is 1, 1 is 2), coordinates */
    const uint8_t unknown[] = { PORTS, 2, 0 }, zero[] = { 0, 0, 10 };
    const uint8_t good[] = { 0, 2, 10, 1, 2, 2, 2, 1, 0x80, 1, 2 }, deep[] = { 3, 2, 0, 2, 4, 6 };
    /* 2^31 and -2^31 - 1; a coordinate of 65 bits, one of more bytes than 64 bits take */
    const uint8_t above[] = { 0, 0x80, 0x80, 0x80, 0x80, 0x10, 0 };
    const uint8_t below[] = { 0, 0x81, 0x80, 0x80, 0x80, 0x10, 0 };
    const uint8_t wide[] = { 0, 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 3 };
    const uint8_t many[] = { 0, 2, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0 };
    refused(unknown, sizeof unknown);
    refused(zero, sizeof zero);
    refused(above, sizeof above);
    refused(below, sizeof below);
    refused(wide, sizeof wide);
    refused(many, sizeof many);
    for (size_t cut = 1; cut < sizeof good; cut++) /* after whole entries, too */
        if (cut != 3 && cut != 6)
            refused(good, cut);
    for (size_t cut = 1; cut < sizeof deep; cut++)
        refused(deep, cut);
}
END_TEST

/* What times the pairs have is told by what they differ in, down and up over all 64 bits. */
START_TEST(all_coordinates)
{
    const uint64_t values[] = { 0, 63, 64, UINT64_MAX, 1, UINT64_MAX / 2, UINT64_MAX / 2 + 1, 127 };
    enum { COUNT = sizeof values / sizeof *values };
    weir__changes c = { 0 }, back = { 0 };
    char room[WEIR_TIME_COORDS * 10 * COUNT + 10 * COUNT];
    for (unsigned i = 0; i < COUNT; i++) {
        weir_time t = { { values[i], values[(i + 3) % COUNT], values[(i + 5) % COUNT], i } };
        weir__changes_add(&c, 3, &t, i % 2 ? INT32_MIN : INT32_MAX);
    }
    size_t size = weir__changes_encode(&c, depths, room);
    ck_assert_uint_eq(size, weir__changes_encoded_size(&c, depths));
    ck_assert_uint_le(size, weir__changes_encoded_most(&c, depths));
    ck_assert_int_eq(weir__changes_decode(&back, depths, room, size, NULL), WEIR_OK);
    for (uint32_t i = 0; i < c.count; i++)
        weir__changes_add(&back, 3, &c.entries[i].time, -c.entries[i].diff);
    ck_assert(weir__changes_is_empty(&back) && back.count == COUNT);
    weir__changes_fini(&c);
    weir__changes_fini(&back);
}
END_TEST

START_TEST(garbage_never_crashes)
{
    uint64_t seed = test_seed(33), state = seed;
    for (int round = 0; round < 20000; round++) {
        weir__changes c = { 0 };
        unsigned char bytes[96];
        size_t size = test_below(&state, sizeof bytes + 1);
        for (size_t i = 0; i < size; i++)
            bytes[i] = test_below(&state, 3) ? (unsigned char)test_below(&state, 7) % 5
                                             : (unsigned char)test_random(&state);
        weir__changes entries = { 0 };
        weir_status status = weir__changes_decode(&c, depths, bytes, size, NULL);
        ck_assert_int_eq(weir__changes_read(&entries, depths, bytes, size, NULL), status);
        ck_assert(status == WEIR_OK || entries.count == 0);
        for (uint32_t i = 0; i < entries.count; i++)
            weir__changes_add(&c, entries.entries[i].port, &entries.entries[i].time,
                              -entries.entries[i].diff);
        ck_assert_msg(weir__changes_is_empty(&c), "WEIR_SEED=%lu", (long)seed);
        for (uint32_t i = 0; i < entries.count; i++)
            weir__changes_add(&c, entries.entries[i].port, &entries.entries[i].time,
                              entries.entries[i].diff);
        weir__changes_fini(&entries);
        if (status == WEIR_OK) {
            unsigned char again[sizeof bytes];
            ck_assert_msg(weir__changes_encoded_size(&c, depths) <= size, "WEIR_SEED=%lu",
                          (long)seed);
            weir__changes_encode(&c, depths, again);
        }
        weir__changes_fini(&c);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        cancelling,
        any_number_against_a_list,
        coming_and_going_takes_no_room,
        flat_form,
        refusals,
        all_coordinates,
        garbage_never_crashes,
        NULL,
    };
    return test_run(test_suite("changes", tests));
}

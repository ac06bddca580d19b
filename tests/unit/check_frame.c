/* SPDX-License-Identifier: Apache-2.0
 *
 * Frames: what was written is read back, and bytes that are no frame are refused, however they are
 * cut or changed. The MAC: known answers.
 */
#include "comm/frame.h"

#include <stdio.h>
#include <string.h>

#include <weir/memory.h>

#include "support.h"

static weir__frame read_whole(const unsigned char *bytes, size_t size)
{
    weir__frame frame;
    weir_error error = { 0 };
    for (size_t cut = 0; cut < size; cut++) {
        /* in memory of exactly that size, so that a read beyond it is seen */
        unsigned char *exact = weir_alloc(cut + 1);
        memcpy(exact, bytes, cut);
        ck_assert_int_eq(weir__frame_read(exact, cut, WEIR__FRAME_MAX, &frame, &error),
                         0);
        weir_free(exact, cut + 1);
    }
    int64_t got = weir__frame_read(bytes, size, WEIR__FRAME_MAX, &frame, &error);
    ck_assert_int_eq(got, (int64_t)size);
    return frame;
}

START_TEST(heads_come_back)
{
    unsigned char room[WEIR__FRAME_HEAD_MAX], nonce[WEIR__NONCE_BYTES], mac[WEIR__MAC_BYTES];
    memset(nonce, 0x5a, sizeof nonce);
    memset(mac, 0xa5, sizeof mac);
    weir__hello hello = { WEIR__PROTOCOL, 3, 300, nonce }, hello_again;
    weir__frame frame = read_whole(room, weir__frame_put_hello(room, &hello));
    ck_assert(weir__frame_get_hello(&frame, &hello_again));
    ck_assert_uint_eq(hello_again.process, 3);
    ck_assert_uint_eq(hello_again.processes, 300);
    ck_assert_mem_eq(hello_again.nonce, nonce, sizeof nonce);

    frame = read_whole(room, weir__frame_put_proof(room, mac));
    ck_assert_mem_eq(weir__frame_get_proof(&frame), mac, sizeof mac);

    weir__data data = { 1, 70000, 2, 255, INT64_MAX }, data_again;
    frame = read_whole(room, weir__frame_put_data(room, &data, 0));
    ck_assert(weir__frame_get_data(&frame, &data_again));
    ck_assert_mem_eq(&data, &data_again, sizeof data);

    weir__credited credit = { 9, 1, 2, 1ull << 40 }, credit_again;
    frame = read_whole(room, weir__frame_put_credit(room, &credit));
    ck_assert(weir__frame_get_credit(&frame, &credit_again));
    ck_assert_uint_eq(credit_again.dataflow, credit.dataflow);
    ck_assert_uint_eq(credit_again.from, credit.from);
    ck_assert_uint_eq(credit_again.to, credit.to);
    ck_assert_uint_eq(credit_again.bytes, credit.bytes);
    ck_assert(!weir__frame_get_data(&frame, &data_again)); /* of another kind */
}
END_TEST

START_TEST(complaints_are_cut)
{
    unsigned char room[WEIR__FRAME_HEAD_MAX];
    char text[4000];
    memset(text, 'x', sizeof text);
    weir__complaint c = { .status = WEIR_DENIED, .again = true,
                          .what = weir_str_view(text, sizeof text),
                          .detail = weir_str_of("here"), .hint = weir_str_view(NULL, 0) }, again;
    size_t size = weir__frame_put_complaint(room, WEIR__FRAME_REFUSE, &c);
    weir__frame frame = read_whole(room, size);
    ck_assert(weir__frame_get_complaint(&frame, &again));
    ck_assert_uint_eq(again.status, WEIR_DENIED);
    ck_assert(again.again);
    ck_assert_uint_eq(again.what.len, 511);
    ck_assert_uint_eq(again.detail.len, 4);
    ck_assert_uint_eq(again.hint.len, 0);
}
END_TEST

START_TEST(complaints_are_errors)
{
    weir__complaint c = { .status = WEIR_DENIED, .what = weir_str_of("the secret differs"),
                          .hint = weir_str_of("give the same") };
    weir_error error = { 0 };
    weir__complaint_error(&c, "it does not say why", &error);
    ck_assert_int_eq(error.status, WEIR_DENIED);
    ck_assert_str_eq(error.what, "the secret differs");
    ck_assert_str_eq(error.hint, "give the same");
    static const uint32_t unknown[] = { WEIR_OK, WEIR_CANCELLED + 1, INT32_MAX, UINT32_MAX };
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        c = (weir__complaint){ .status = unknown[i], .what = weir_str_view("\0x", 2 * (i & 1)) };
        weir__complaint_error(&c, "it does not say why", &error);
        ck_assert_int_eq(error.status, WEIR_FAILED);
        ck_assert_str_eq(error.what, "it does not say why");
    }
}
END_TEST

START_TEST(facts_come_back)
{
    unsigned char room[1000], *at = room;
    char long_value[300];
    memset(long_value, 'v', sizeof long_value);
    long_value[299] = 0;
    at += weir__frame_put_plain(at, WEIR__FRAME_READY, 0);
    size_t body = weir__frame_put_fact(NULL, "version", "1") +
                  weir__frame_put_fact(NULL, "layout", long_value);
    weir__facts facts = { 0, UINT64_MAX }, again;
    size_t head = weir__frame_put_facts(room, &facts, body);
    at = room + head;
    at += weir__frame_put_fact(at, "version", "1");
    at += weir__frame_put_fact(at, "layout", long_value);
    ck_assert_ptr_eq(at, room + head + body);
    weir__frame frame = read_whole(room, head + body);
    ck_assert(weir__frame_get_facts(&frame, &again));
    ck_assert_uint_eq(again.incarnation, UINT64_MAX);
    weir_str fact[2];
    bool bad;
    size_t from = 0;
    ck_assert(weir__frame_next_fact(&frame, &from, fact, &bad));
    ck_assert_uint_eq(fact[0].len, 7);
    ck_assert(weir__frame_next_fact(&frame, &from, fact, &bad));
    ck_assert_uint_eq(fact[1].len, 299);
    ck_assert(!weir__frame_next_fact(&frame, &from, fact, &bad) && !bad);
    frame.body_size -= 100; /* the last one is cut off */
    from = 0;
    ck_assert(weir__frame_next_fact(&frame, &from, fact, &bad));
    ck_assert(!weir__frame_next_fact(&frame, &from, fact, &bad) && bad);
}
END_TEST

static int64_t try_read(const unsigned char *bytes, size_t size, size_t max, weir_error *error)
{
    weir__frame frame;
    return weir__frame_read(bytes, size, max, &frame, error);
}

START_TEST(what_is_no_frame_is_refused)
{
    unsigned char room[WEIR__FRAME_ROOM];
    weir_error error = { 0 };
    size_t size = weir__frame_put_plain(room, WEIR__FRAME_BEAT, 0);
    ck_assert_int_eq(try_read(room, size, size, &error), (int64_t)size);
    ck_assert_int_eq(try_read(room, size, size - 1, &error), -1); /* larger than allowed */
    ck_assert_int_eq(error.status, WEIR_TOO_LARGE);
    static const struct {
        unsigned at;
        unsigned char byte;
    } changes[] = { { 7, 0 }, { 6, WEIR__FRAME_KINDS }, { 5, 0xff }, { 4, 99 } };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        weir__frame_put_plain(room, WEIR__FRAME_BEAT, 0);
        room[changes[i].at] = changes[i].byte;
        ck_assert_int_eq(try_read(room, size, WEIR__FRAME_MAX, &error), -1);
        ck_assert_int_eq(error.status, WEIR_BAD_DATA);
    }
    memset(room, 0xff, 4); /* 4 GiB: refused by its first bytes, not waited for */
    ck_assert_int_eq(try_read(room, WEIR__FRAME_PREFIX, WEIR__FRAME_MAX, &error), -1);
}
END_TEST

/* Whatever is in a head, nothing outside of it is read: by the sanitizers. */
START_TEST(any_head_is_answered)
{
    uint64_t random = test_seed(41);
    for (int round = 0; round < 20000; round++) {
        size_t head = test_below(&random, 40), body = test_below(&random, 20);
        size_t size = WEIR__FRAME_PREFIX + head + body;
        unsigned char *bytes = weir_alloc(size);
        for (size_t i = 0; i < size; i++)
            bytes[i] = (unsigned char)test_random(&random);
        if (head && test_below(&random, 2))
            bytes[WEIR__FRAME_PREFIX] = (unsigned char)(0x90 | test_below(&random, 6));
        memcpy(bytes, &(uint32_t){ (uint32_t)(head + body) }, 4);
        memcpy(bytes + 4, &(uint16_t){ (uint16_t)head }, 2);
        bytes[6] = (unsigned char)test_below(&random, WEIR__FRAME_KINDS);
        bytes[7] = WEIR__FRAME_MARK;
        weir__frame frame;
            ck_assert_int_eq(weir__frame_read(bytes, size, WEIR__FRAME_MAX, &frame, NULL),
                         (int64_t)size);
        weir__hello hello;
        weir__facts facts;
        weir__complaint complaint;
        weir__data data;
        weir__credited credit;
        weir_str fact[2];
        bool bad;
        size_t at = 0;
        (void)weir__frame_get_hello(&frame, &hello);
        (void)weir__frame_get_proof(&frame);
        (void)weir__frame_get_facts(&frame, &facts);
        (void)weir__frame_get_complaint(&frame, &complaint);
        (void)weir__frame_get_data(&frame, &data);
        (void)weir__frame_get_credit(&frame, &credit);
        while (weir__frame_next_fact(&frame, &at, fact, &bad))
            ck_assert_uint_le(at, body);
        weir_free(bytes, size);
    }
}
END_TEST

static void mac_is(const char *key, const char *data, size_t size, const char *wanted)
{
    unsigned char mac[WEIR__MAC_BYTES], flipped[WEIR__MAC_BYTES];
    char text[2 * WEIR__MAC_BYTES + 1];
    weir__mac(key, strlen(key), data, size, mac);
    for (int i = 0; i < WEIR__MAC_BYTES; i++)
        snprintf(text + 2 * i, 3, "%02x", mac[i]);
    ck_assert_str_eq(text, wanted);
    memcpy(flipped, mac, sizeof mac);
    ck_assert(weir__mac_equal(mac, flipped));
    flipped[31] ^= 1;
    ck_assert(!weir__mac_equal(mac, flipped));
}

/* Computed by another implementation of RFC 7693. */
START_TEST(the_mac_is_blake2s)
{
    char x[100], y[64];
    memset(x, 'x', sizeof x);
    memset(y, 'y', sizeof y);
    mac_is("", "abc", 3, "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982");
    mac_is("secret", x, sizeof x,
           "f67d18a6bfe254ce47889450de25bd3acec78d955fcc66f6c0422bcac28ab779");
    mac_is("k", "", 0, "e4db13614567e4ed83bed1b46d4d51717081c2eaf18d4b71fd85d487b9572929");
    mac_is("secret", y, sizeof y,
           "9c86fc6781d2e478246941a52cb31bffb88a44d702da1d4d27f0e43d671dc04b");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { heads_come_back, complaints_are_cut, complaints_are_errors,
                                   facts_come_back, what_is_no_frame_is_refused,
                                   any_head_is_answered, the_mac_is_blake2s, NULL };
    return test_run(test_suite("frame", tests));
}

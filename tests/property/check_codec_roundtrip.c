/* SPDX-License-Identifier: Apache-2.0
 *
 * Every kind, optional or not, through every codec and back; and payloads with a few bytes changed,
 * which may be refused but nothing worse.
 */
#include <weir/codec.h>
#include <weir/memory.h>

#include "property/records.h"
#include "support.h"

enum { ROUNDS = 2000 };
static uint64_t seed;

#define LAW(ok) ck_assert_msg(ok, "%s: WEIR_SEED=%lu", #ok, (unsigned long)seed)

/* Room for one record's strings at a time. */
typedef struct arena {
    char bytes[4096];
    size_t used;
} arena;

static void *arena_room(void *ctx, size_t size)
{
    arena *a = ctx;
    if (size > sizeof a->bytes - a->used)
        return NULL;
    a->used += size;
    return a->bytes + a->used - size;
}

typedef struct trip {
    const weir_type *type;
    weir_decoder *decoder;
    weir_encode_options encode;
    weir_bytes_out out;
    arena arena;
    weir_error error;
} trip;

static void trip_init(trip *t, const weir_type *type, weir_codec codec, weir_field_set fields)
{
    weir_field_set all = UINT64_MAX >> (WEIR_FIELDS_MAX - type->field_count);
    weir_decoder_options options = { .struct_size = sizeof options,
                                     .codec = codec,
                                     .skip = all & ~fields };
    *t = (trip){ .type = type,
                 .encode = { .struct_size = sizeof t->encode, .codec = codec, .fields = fields } };
    ck_assert_int_eq(weir_decoder_create(type, &options, &t->decoder, &t->error), WEIR_OK);
}

static void trip_fini(trip *t)
{
    weir_decoder_destroy(t->decoder);
    weir_bytes_out_fini(&t->out);
}

static weir_status trip_decode(trip *t, void *record)
{
    weir_decode_sink sink = { arena_room, &t->arena };
    weir_str payload = weir_str_view(t->out.data, t->out.len);
    t->arena.used = 0;
    return weir_decode(t->decoder, &payload, &sink, record, &t->error);
}

static void random_record(uint64_t *state, const weir_type *type, void *record)
{
    records_fill(state, type, record);
    weir_record_canonicalize(type, record);
}

/* Canonical records are equal exactly if they are but for the places of their long strings. */
static bool is_canonical(const weir_type *type, const void *record)
{
    records_any copy;
    memcpy(&copy, record, type->size);
    weir_record_canonicalize(type, &copy);
    return memcmp(&copy, record, type->size) == 0;
}

static void round_trips(weir_codec codec, uint64_t first)
{
    uint64_t state = seed = test_seed(first);
    for (int which = 0; which < 2; which++) {
        const weir_type *type = which ? records_nulls_type() : records_plain_type();
        trip t;
        trip_init(&t, type, codec, UINT64_MAX);
        for (int round = 0; round < ROUNDS; round++) {
            records_any before, after;
            random_record(&state, type, &before);
            t.out.len = 0;
            LAW(weir_encode(type, &t.encode, &before, &t.out, &t.error) == WEIR_OK);
            weir_status status = trip_decode(&t, &after);
            ck_assert_msg(status == WEIR_OK, "%s %s, WEIR_SEED=%lu", t.error.what, t.error.detail,
                          (unsigned long)seed);
            LAW(weir_record_equal(type, &before, &after) && is_canonical(type, &after));
        }
        trip_fini(&t);
    }
}

START_TEST(json_comes_back)
{
    round_trips(WEIR_CODEC_JSON, 41);
}
END_TEST

START_TEST(msgpack_comes_back)
{
    round_trips(WEIR_CODEC_MSGPACK, 42);
}
END_TEST

START_TEST(raw_comes_back)
{
    uint64_t state = seed = test_seed(43);
    const weir_type *type = records_plain_type();
    trip t;
    trip_init(&t, type, WEIR_CODEC_RAW, UINT64_C(1) << weir_type_field(type, "bytes"));
    for (int round = 0; round < ROUNDS; round++) {
        records_plain before, after;
        random_record(&state, type, &before);
        t.out.len = 0;
        LAW(weir_encode(type, &t.encode, &before, &t.out, &t.error) == WEIR_OK);
        LAW(trip_decode(&t, &after) == WEIR_OK);
        LAW(weir_str_equal(&before.bytes, &after.bytes) && after.i64 == 0);
    }
    trip_fini(&t);
}
END_TEST

START_TEST(some_fields_come_back_and_the_rest_is_zero)
{
    uint64_t state = seed = test_seed(44);
    for (int round = 0; round < ROUNDS / 10; round++) {
        const weir_type *type = test_below(&state, 2) ? records_nulls_type() : records_plain_type();
        weir_field_set fields = 1 + test_below(&state, (UINT64_C(1) << type->field_count) - 1);
        weir_codec codec = test_below(&state, 2) ? WEIR_CODEC_JSON : WEIR_CODEC_MSGPACK;
        records_any before, after;
        trip t;
        trip_init(&t, type, codec, fields);
        random_record(&state, type, &before);
        LAW(weir_encode(type, &t.encode, &before, &t.out, &t.error) == WEIR_OK);
        LAW(trip_decode(&t, &after) == WEIR_OK);
        LAW(is_canonical(type, &after));
        for (uint32_t i = 0; i < type->field_count; i++) {
            weir_key key = { 1, { (uint16_t)i } };
            records_any zero;
            memset(&zero, 0, sizeof zero);
            const void *wanted = fields >> i & 1 ? (const void *)&before : (const void *)&zero;
            LAW(weir_key_equal(type, &key, &after, wanted));
        }
        trip_fini(&t);
    }
}
END_TEST

static void changed_payloads(weir_codec codec, uint64_t first)
{
    uint64_t state = seed = test_seed(first);
    trip t;
    trip_init(&t, records_nulls_type(), codec, UINT64_MAX);
    for (int round = 0; round < ROUNDS; round++) {
        records_any record;
        random_record(&state, t.type, &record);
        t.out.len = 0;
        LAW(weir_encode(t.type, &t.encode, &record, &t.out, &t.error) == WEIR_OK);
        for (uint64_t n = 1 + test_below(&state, 4); n > 0; n--)
            t.out.data[test_below(&state, t.out.len)] = (char)test_random(&state);
        if (test_below(&state, 4) == 0)
            t.out.len = test_below(&state, t.out.len + 1);
        weir_status status = trip_decode(&t, &record);
        LAW(status == WEIR_OK || status == WEIR_BAD_DATA || status == WEIR_OVERFLOWED ||
            status == WEIR_TOO_LARGE);
        LAW(status != WEIR_OK || is_canonical(t.type, &record));
        LAW(status == WEIR_OK || t.error.what[0] != '\0');
    }
    trip_fini(&t);
}

START_TEST(changed_json_is_decoded_or_refused)
{
    changed_payloads(WEIR_CODEC_JSON, 45);
}
END_TEST

START_TEST(changed_msgpack_is_decoded_or_refused)
{
    changed_payloads(WEIR_CODEC_MSGPACK, 46);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        json_comes_back,
        msgpack_comes_back,
        raw_comes_back,
        some_fields_come_back_and_the_rest_is_zero,
        changed_json_is_decoded_or_refused,
        changed_msgpack_is_decoded_or_refused,
        NULL,
    };
    return test_run(test_suite("codec_roundtrip", tests));
}

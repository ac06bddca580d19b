/* SPDX-License-Identifier: Apache-2.0
 *
 * The typed façade: what WEIR_RECORD makes, what is emitted, keys and orders at compile time.
 */
#include <math.h>

#include <weir/codec.h>
#include <weir/record.h>

#include "data/builder.h"
#include "support.h"

#define WORD(F) F(str, text)
#define WORD_COUNT(F) F(str, word) F(i64, count)
#define MIXED(F)                                                                   \
    F(flag, a)                                                                     \
    F(opt_flag, b) F(i8, c) F(opt_i64, d) F(f32, e) F(opt_f64, f) F(decimal(2), g) \
        F(opt_decimal(7), h) F(opt_str, i) F(bytes, j) F(date, k) F(opt_instant, l) F(f64, m)
WEIR_RECORD(word, WORD)
WEIR_RECORD(word_count, WORD_COUNT)
WEIR_RECORD(mixed, MIXED)

/* Eight fields, and one of each kind of a field by itself. */
#define EIGHT(F) F(u8, a) F(u16, b) F(u32, c) F(u64, d) F(i16, e) F(i32, f) F(str, g) F(date, h)
WEIR_RECORD(eight, EIGHT)

typedef struct collector {
    weir__sink sink;
    weir_batch *batch;
} collector;

static void collect(weir__sink *sink, weir_batch *batch)
{
    collector *c = (collector *)sink;
    ck_assert_ptr_null(c->batch);
    c->batch = batch;
}

typedef struct emitter {
    weir__pool *pool;
    weir__builder builder;
    collector to;
} emitter;

static void emitter_init(emitter *e, const weir_type *type)
{
    weir_time time = weir_time_1(0);
    e->pool = weir__pool_create();
    e->to = (collector){ .sink = { collect } };
    weir__builder_init(&e->builder, &(weir__builder_spec){ e->pool, type, 1, 4096, &e->to.sink });
    weir__builder_open(&e->builder, &time, 0);
}

static const weir_batch *emitter_flush(emitter *e)
{
    weir__builder_flush(&e->builder);
    ck_assert_ptr_nonnull(e->to.batch);
    return e->to.batch;
}

static void emitter_fini(emitter *e)
{
    weir_batch_release(e->to.batch);
    weir__builder_fini(&e->builder);
    weir__pool_close(e->pool);
}

START_TEST(descriptions_are_sound)
{
    weir_error error;
    const weir_type *t = mixed_type();
    ck_assert_int_eq(weir_type_check(word_type(), &error), WEIR_OK);
    ck_assert_int_eq(weir_type_check(word_count_type(), &error), WEIR_OK);
    ck_assert_int_eq(weir_type_check(eight_type(), &error), WEIR_OK);
    ck_assert_msg(weir_type_check(t, &error) == WEIR_OK, "%s", error.what);
    ck_assert_str_eq(t->name, "mixed");
    ck_assert_uint_eq(t->size, sizeof(mixed));
    ck_assert_uint_eq(t->align, _Alignof(mixed));
    ck_assert_uint_eq(t->field_count, 13);
    ck_assert(t->has_strings && !weir_type_same_layout(t, word_type()));
}
END_TEST

START_TEST(fields_are_described_as_declared)
{
    const weir_field *f = mixed_type()->fields;
    ck_assert_str_eq(f[3].name, "d");
    ck_assert_int_eq(f[3].kind, WEIR_KIND_i64);
    ck_assert(f[3].optional && !f[2].optional);
    ck_assert_uint_eq(f[3].offset, offsetof(mixed, d.value));
    ck_assert_uint_eq(f[3].set_offset, offsetof(mixed, d.set));
    ck_assert_uint_eq(f[2].offset, offsetof(mixed, c));
    ck_assert_int_eq(f[7].kind, WEIR_KIND_decimal);
    ck_assert(f[7].optional && f[7].scale == 7 && f[6].scale == 2);
    ck_assert_uint_eq(f[7].offset, offsetof(mixed, h.value));
    ck_assert_int_eq(f[9].kind, WEIR_KIND_bytes);
}
END_TEST

START_TEST(what_is_emitted_is_canonical)
{
    emitter e;
    emitter_init(&e, mixed_type());
    weir_out(mixed) out = { .builder = &e.builder.b };
    mixed record, copy;
    memset(&record, 0xee, sizeof record); /* padding, and what unset optionals hold */
    record.a = true;
    record.b.set = record.f.set = record.h.set = record.i.set = false;
    record.c = -1;
    record.d = (weir_opt_i64){ true, 5 };
    record.e = -0.0f;
    record.g.unscaled = -1;
    record.j = weir_str_of("bytes");
    record.k.days = 3;
    record.l = (weir_opt_instant){ true, { 77 } };
    record.m = -(double)NAN;
    mixed_emit(out, record);
    record.f = (weir_opt_f64){ true, -0.0 };
    mixed_emit(out, record);
    const weir_batch *batch = emitter_flush(&e);
    ck_assert_uint_eq(batch->count, 2);
    for (size_t i = 0; i < 2; i++) {
        const mixed *sent = weir_batch_record(batch, i);
        memcpy(&copy, sent, sizeof copy);
        weir_record_canonicalize(mixed_type(), &copy);
        ck_assert_msg(memcmp(&copy, sent, sizeof copy) == 0, "record %zu is not canonical", i);
        ck_assert(sent->a && sent->c == -1 && sent->d.value == 5 && sent->l.value.us == 77);
        ck_assert(!sent->b.set && sent->i.value.len == 0 && sent->f.set == (i == 1));
        ck_assert(!signbit(sent->e) && isnan(sent->m) && !signbit(sent->m));
    }
    emitter_fini(&e);
}
END_TEST

START_TEST(many_records_are_emitted_in_order)
{
    emitter e;
    emitter_init(&e, word_count_type());
    weir_out(word_count) out = { .builder = &e.builder.b };
    for (int64_t i = 0; i < 100; i++)
        word_count_emit(out, (word_count){ .word = weir_str_of("x"), .count = i });
    const weir_batch *batch = emitter_flush(&e);
    ck_assert_uint_eq(batch->count, 100);
    for (size_t i = 0; i < 100; i++)
        ck_assert_int_eq(((const word_count *)weir_batch_record(batch, i))->count, (int64_t)i);
    emitter_fini(&e);
}
END_TEST

/* The diffs' column is on since an earlier record: bulk room without diffs counts one each. */
START_TEST(bulk_room_without_diffs_is_counted)
{
    emitter e;
    emitter_init(&e, word_type());
    weir_builder *b = &e.builder.b;
    weir_builder_set_diff(b, -3);
    word_emit((weir_out(word)){ b }, (word){ weir_str_of("a") });
    weir_builder_set_diff(b, 1);
    void *room;
    ck_assert_uint_eq(weir_builder_bulk(b, 2, &room, NULL), 2);
    ((word *)room)[0] = (word){ weir_str_of("b") };
    ((word *)room)[1] = (word){ weir_str_of("c") };
    weir_builder_commit(b, 2);
    const weir_batch *batch = emitter_flush(&e);
    ck_assert_uint_eq(batch->count, 3);
    ck_assert_int_eq(weir_batch_diff(batch, 0), -3);
    ck_assert_int_eq(weir_batch_diff(batch, 1), 1);
    ck_assert_int_eq(weir_batch_diff(batch, 2), 1);
    emitter_fini(&e);
}
END_TEST

START_TEST(strings_are_copied_and_formatted_for_the_batch)
{
    emitter e;
    char text[] = "a text that is too long to be inline", longest[600];
    emitter_init(&e, word_type());
    weir_out(word) out = { .builder = &e.builder.b };
    memset(longest, 'y', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    word_emit(out, (word){ .text = weir_str_copy(out, weir_str_of(text)) });
    word_emit(out, (word){ .text = weir_str_copy(out, weir_str_of("short")) });
    word_emit(out, (word){ .text = weir_str_format(out, "%s-%d", "n", 5) });
    word_emit(out, (word){ .text = weir_str_format(out, "%s/%s", text, longest) });
    word_emit(out, (word){ .text = weir_str_format(out, "%s", "") });
    memset(text, 'z', sizeof text - 1);
    const word *sent = emitter_flush(&e)->records;
    weir_str wanted = weir_str_of("a text that is too long to be inline");
    ck_assert(weir_str_equal(&sent[0].text, &wanted));
    ck_assert(weir_str_is_inline(&sent[1].text) && weir_str_is_inline(&sent[2].text));
    ck_assert(memcmp(weir_str_data(&sent[2].text), "n-5", 3) == 0);
    ck_assert_uint_eq(sent[3].text.len, sizeof text - 1 + 1 + 599);
    ck_assert(memcmp(sent[3].text.u.ptr, "a text that is too long to be inline/yyy", 40) == 0);
    ck_assert_uint_eq(sent[4].text.len, 0);
    emitter_fini(&e);
}
END_TEST

START_TEST(decoded_strings_go_to_the_builder)
{
    emitter e;
    emitter_init(&e, word_type());
    weir_out(word) out = { .builder = &e.builder.b };
    weir_decode_sink sink = weir_builder_sink(out.builder);
    weir_decoder_options options = { .struct_size = sizeof options, .codec = WEIR_CODEC_JSON };
    weir_decoder *decoder;
    char json[] = "{\"text\":\"a text that is too long to be inline\"}";
    weir_str payload = weir_str_of(json);
    word record;
    ck_assert_int_eq(weir_decoder_create(word_type(), &options, &decoder, NULL), WEIR_OK);
    ck_assert_int_eq(weir_decode(decoder, &payload, &sink, &record, NULL), WEIR_OK);
    weir_decoder_destroy(decoder);
    word_emit(out, record);
    memset(json, 'z', sizeof json - 1);
    const word *sent = emitter_flush(&e)->records;
    weir_str wanted = weir_str_of("a text that is too long to be inline");
    ck_assert(weir_str_equal(&sent[0].text, &wanted));
    emitter_fini(&e);
}
END_TEST

START_TEST(keys_are_taken_apart)
{
    const char *const *names = WEIR_KEY_NAMES_(WEIR_KEY(word_count, word, count));
    weir_key key;
    ck_assert_str_eq(names[0], "word");
    ck_assert_str_eq(names[1], "count");
    ck_assert_ptr_null(names[2]);
    names = WEIR_KEY_NAMES_(WEIR_KEY(eight, h, g, f, e, d, c, b, a));
    ck_assert_int_eq(weir_key_resolve(eight_type(), names, &key, NULL), WEIR_OK);
    ck_assert_uint_eq(key.count, 8);
    ck_assert_uint_eq(key.field[0], 7);
    ck_assert_uint_eq(key.field[7], 0);
}
END_TEST

START_TEST(shapes_are_compared_when_compiling)
{
    _Static_assert(WEIR_KEYS_AGREE_(WEIR_KEY(word, text), WEIR_KEY(word_count, word)), "str, str");
    _Static_assert(!WEIR_KEYS_AGREE_(WEIR_KEY(mixed, j), WEIR_KEY(word, text)), "bytes, str");
    _Static_assert(!WEIR_KEYS_AGREE_(WEIR_KEY(mixed, i), WEIR_KEY(word, text)), "opt_str, str");
    _Static_assert(!WEIR_KEYS_AGREE_(WEIR_KEY(mixed, g), WEIR_KEY(mixed, h)), "decimals' scales");
    _Static_assert(WEIR_RESULT_FITS_(word_count, WEIR_KEY(word, text), weir_tag_i64), "counted");
    _Static_assert(!WEIR_RESULT_FITS_(word_count, WEIR_KEY(word, text), weir_tag_f64), "not f64");
    _Static_assert(
        WEIR_RESULT_FITS_(word_count, WEIR_KEY(word, text), WEIR_FIELD_TAG_(word_count, count)),
        "the field's kind");
    _Static_assert(WEIR_RESULT_IS_KEY_(word, WEIR_KEY(word_count, word)), "key only");
    _Static_assert(WEIR_SAME_SHAPE_(word, word) && !WEIR_SAME_SHAPE_(word, eight), "shapes");
    weir_stream(word) words = { .port = NULL };
    _Static_assert(WEIR_CARRIES_(words, word) && !WEIR_CARRIES_(words, eight), "carried");
    _Static_assert(WEIR_KEY_FITS_(words, WEIR_KEY(word, text)), "the stream's key");
    _Static_assert(sizeof words == sizeof(void *), "a stream is a pointer");
    ck_assert_ptr_null((WEIR_CHECK_(sizeof(word) == 16, "in an expression"), words.port));
}
END_TEST

START_TEST(orders_name_fields_and_direction)
{
    weir_order order = weir_order_then(WEIR_DESC(word_count, count), WEIR_ASC(word_count, word));
    struct options {
        weir_order order;
    } options = { .order = WEIR_DESC(eight, a, b, c, d, e, f, g, h) };
    ck_assert_ptr_eq(order.type, word_count_type());
    ck_assert_uint_eq(order.count, 2);
    ck_assert_uint_eq(order.descending, 1);
    ck_assert_str_eq(order.field[0], "count");
    ck_assert_str_eq(order.field[1], "word");
    ck_assert_uint_eq(options.order.count, 8);
    ck_assert_uint_eq(options.order.descending, 0xff);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        descriptions_are_sound,
        fields_are_described_as_declared,
        what_is_emitted_is_canonical,
        many_records_are_emitted_in_order,
        bulk_room_without_diffs_is_counted,
        strings_are_copied_and_formatted_for_the_batch,
        decoded_strings_go_to_the_builder,
        keys_are_taken_apart,
        shapes_are_compared_when_compiling,
        orders_name_fields_and_direction,
        NULL,
    };
    return test_run(test_suite("record", tests));
}

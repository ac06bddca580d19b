/* SPDX-License-Identifier: Apache-2.0
 *
 * Batches of records with large strings: none pins much more than it should, and every string lives
 * as long as the batch that it is in. Batches that use little of what they pin.
 */
#include "data/builder.h"

#include <string.h>

#include <weir/record.h>

#include "support.h"

#define PAIR(F) F(u64, n) F(str, one) F(str, two)
WEIR_RECORD(pair, PAIR)

enum { BATCH = 4096, TEXT_MAX = 40000 };

static weir__pool *pool;
static size_t seen, largest, batches;

static void assert_text(const weir_str *text, uint64_t n)
{
    ck_assert_uint_eq(text->len, n * 7919 % TEXT_MAX);
    for (size_t i = 0; i < text->len; i += 97)
        ck_assert_int_eq(weir_str_data(text)[i], (char)('a' + n % 26));
}

static weir_str make_text(weir_builder *b, uint64_t n)
{
    char text[TEXT_MAX];
    size_t len = n * 7919 % TEXT_MAX;
    memset(text, (int)('a' + n % 26), len);
    return weir_builder_str(b, text, len);
}

static void check(weir__sink *sink, weir_batch *batch)
{
    (void)sink;
    for (size_t i = 0; i < batch->count; i++, seen++) {
        const pair *p = (const pair *)batch->records + i;
        ck_assert_uint_eq(p->n, seen);
        assert_text(&p->one, 2 * seen);
        assert_text(&p->two, 2 * seen + 1);
    }
    largest = batch->bytes > largest ? batch->bytes : largest;
    batches++;
    weir_batch_release(batch);
}

static void build(unsigned tracked, size_t records)
{
    weir__sink sink = { check };
    weir__builder builder;
    weir__builder_init(&builder, &(weir__builder_spec){ .pool = pool, .type = pair_type(),
        .depth = 1, .batch_bytes = BATCH, .sink = &sink });
    weir__builder_open(&builder, &(weir_time){ { 1 } }, tracked);
    seen = largest = batches = 0;
    for (uint64_t n = 0; n < records; n++) {
        pair p = { n, make_text(&builder.b, 2 * n), make_text(&builder.b, 2 * n + 1) };
        pair_emit((weir_out(pair)){ .builder = &builder.b }, p);
    }
    weir__builder_flush(&builder);
    weir__builder_fini(&builder);
}

START_TEST(large_strings)
{
    for (unsigned tracked = 0; tracked < 2; tracked++) {
        build(tracked, 300);
        ck_assert_uint_eq(seen, 300);
        /* what pins too much, a record more, each string in a chunk of its own */
        ck_assert_uint_le(largest, 16 * BATCH + 5 * (size_t)(64 << 10));
        ck_assert_uint_ge(batches, 45);
    }
}
END_TEST

static weir_batch *kept;
static void keep(weir__sink *sink, weir_batch *batch)
{
    (void)sink;
    kept = batch;
}

START_TEST(waste_is_left_behind)
{
    weir__sink sink = { keep };
    weir__builder builder;
    weir__builder_init(&builder, &(weir__builder_spec){ .pool = pool, .type = pair_type(),
        .depth = 1, .batch_bytes = 1 << 20, .sink = &sink });
    for (int large = 0; large < 2; large++) {
        weir__builder_open(&builder, &(weir_time){ { 1 } }, WEIR__TRACK_DIFFS);
        builder.b.diff = 5;
        weir_str text = weir_str_of("a text of some length");
        for (uint64_t n = 0; n < 1000; n++)
            pair_emit((weir_out(pair)){ .builder = &builder.b }, (pair){ n,
                weir_builder_str(&builder.b, weir_str_data(&text), text.len), text });
        (void)weir_builder_room(&builder.b, large ? 1 << 20 : 1 << 10); /* of no use */
        weir__builder_flush(&builder);
        weir_batch *batch = kept;
        size_t before = batch->bytes;
        batch = weir__batch_without_waste(batch, pool);
        ck_assert_int_eq(batch != kept, large);
        ck_assert_uint_le(batch->bytes, large ? 256 << 10 : before);
        for (uint64_t n = 0; n < 1000; n++) {
            const pair *p = (const pair *)batch->records + n;
            ck_assert(p->n == n && weir_batch_diff(batch, n) == 5);
            ck_assert(weir_str_equal(&p->one, &text) && weir_str_equal(&p->two, &text));
        }
        weir_batch_release(batch);
    }
    weir__builder_fini(&builder);
}
END_TEST

/* ---- pins that are kept from one batch to the next ---- */

static void never_released(weir_pin *pin) { (void)pin; }

START_TEST(every_batch_keeps_the_last_two_pins)
{
    weir_pin pins[3] = { { 1, 0, never_released }, { 1, 0, never_released },
                         { 1, 0, never_released } };
    weir__sink sink = { keep };
    weir__builder builder;
    weir__builder_init(&builder, &(weir__builder_spec){ pool, pair_type(), 1, 16 << 10, &sink });
    weir__builder_open(&builder, &(weir_time){ { 0 } }, 0);
    weir_builder_keep(&builder.b, &pins[0]);
    weir_builder_keep(&builder.b, &pins[1]);
    weir_builder_keep(&builder.b, &pins[0]); /* is kept already */
    pair_emit((weir_out(pair)){ .builder = &builder.b }, (pair){ .n = 1 });
    weir__builder_flush(&builder);
    ck_assert_uint_eq(kept->pin_count, 2);
    weir_batch_release(kept);
    weir_builder_keep(&builder.b, &pins[2]);
    pair_emit((weir_out(pair)){ .builder = &builder.b }, (pair){ .n = 2 });
    weir__builder_flush(&builder);
    ck_assert_uint_eq(kept->pin_count, 3); /* of both that were and the one that came */
    weir_batch_release(kept);
    pair_emit((weir_out(pair)){ .builder = &builder.b }, (pair){ .n = 3 });
    weir__builder_flush(&builder);
    ck_assert_uint_eq(kept->pin_count, 2);
    ck_assert(kept->pins[0] == &pins[2] && kept->pins[1] == &pins[1]);
    weir_batch_release(kept);
    weir__builder_open(&builder, &(weir_time){ { 0 } }, 0);
    pair_emit((weir_out(pair)){ .builder = &builder.b }, (pair){ .n = 4 });
    weir__builder_flush(&builder);
    weir_batch_release(kept);
    weir__builder_fini(&builder);
    for (int i = 0; i < 3; i++)
        ck_assert_uint_eq(pins[i].refs, 1);
}
END_TEST

static void let_go(weir_pin *pin)
{
    (void)pin;
    seen++;
}

static void charge(weir__sink *sink, weir_batch *batch)
{
    (void)sink;
    largest = batch->bytes;
    weir_batch_release(batch);
}

/* What is kept alive counts in full, however much it is. */
START_TEST(more_than_4_gib)
{
    weir__sink sink = { charge };
    weir__builder builder;
    weir_pin mapped = { 1, (size_t)5 << 30, let_go };
    seen = largest = 0;
    weir__builder_init(
        &builder,
        &(weir__builder_spec){
            .pool = pool, .type = pair_type(), .depth = 1, .batch_bytes = BATCH, .sink = &sink });
    weir__builder_open(&builder, &(weir_time){ { 1 } }, 0);
    weir_builder_pin(&builder.b, &mapped);
    pair_emit((weir_out(pair)){ .builder = &builder.b }, (pair){ 1, { 0 }, { 0 } });
    weir__builder_flush(&builder);
    weir__builder_fini(&builder);
    weir_pin_release(&mapped);
    ck_assert_uint_ge(largest, (size_t)5 << 30);
    ck_assert_uint_eq(seen, 1);
}
END_TEST

static void open_pool(void) { pool = weir__pool_create(); }
static void close_pool(void)
{
    weir__pool_close(pool);
    ck_assert_uint_eq(weir_memory_used(), 0);
}

int main(void)
{
    const TTest *const tests[] = {
        large_strings, waste_is_left_behind, every_batch_keeps_the_last_two_pins, more_than_4_gib,
        NULL,
    };
    return test_run(test_suite_around("builder_pins", tests, open_pool, close_pool));
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Batches as bytes: there and back with every choice of columns, cut short at every byte, with
 * every byte changed, and what each refusal says.
 */
#include "data/batch_bytes.h"

#include <string.h>

#include "property/records.h"
#include "support.h"

static weir__pool *pool;
static weir_batch *made; /* what the builder sent */

static void take(weir__sink *sink, weir_batch *batch)
{
    (void)sink;
    ck_assert_ptr_null(made);
    made = batch;
}

/* A batch of n random records, as a builder makes it. */
static weir_batch *batch_of(const weir_type *type, uint32_t depth, unsigned tracked, size_t n)
{
    uint64_t state = test_seed(71);
    weir__sink sink = { take };
    weir__builder builder;
    weir__builder_init(&builder, &(weir__builder_spec){ .pool = pool, .type = type,
        .depth = depth, .batch_bytes = 1 << 20, .sink = &sink });
    weir_time time = { { 3, 4, 0, 0 } };
    uint64_t *times = weir_alloc(n * depth * sizeof *times);
    for (size_t i = 0; i < n * depth; i++)
        times[i] = 4 + test_below(&state, 5);
    if (depth == 1)
        time.at[1] = 0;
    weir_batch input = { .times = times, .depth = depth, .type = type };
    weir__builder_open(&builder, &time, tracked & (WEIR__TRACK_DIFFS | WEIR__TRACK_TIMES));
    builder.b.input = tracked & WEIR__TRACK_TIMES ? &input : NULL;
    for (size_t i = 0; i < n; i++) {
        records_any record;
        builder.b.from = i;
        if (tracked & WEIR__TRACK_DIFFS)
            builder.b.diff = (int64_t)test_below(&state, 9) - 4;
        records_fill(&state, type, &record);
        weir_record_canonicalize(type, &record);
        memcpy(weir_builder_next(&builder.b, type->size), &record, type->size);
    }
    weir__builder_flush(&builder);
    weir__builder_fini(&builder);
    weir_free(times, n * depth * sizeof *times);
    weir_batch *batch = made;
    made = NULL;
    return batch;
}

static void add_hashes(weir_batch *batch)
{
    batch->hash_buffer = weir__pool_get(pool, batch->count * sizeof(uint64_t));
    batch->hashes = weir__buffer_data(batch->hash_buffer);
    for (size_t i = 0; i < batch->count; i++)
        ((uint64_t *)batch->hashes)[i] = weir_record_hash(batch->type, weir_batch_record(batch, i),
                                                          5);
}

/* All pieces, one after the other; freed by the caller. */
static char *bytes_of(const weir_batch *batch, size_t *size)
{
    weir__batch_bytes bytes;
    weir__batch_bytes_of(batch, pool, &bytes);
    char *all = weir_alloc(bytes.size), *to = all;
    for (unsigned p = 0; p < bytes.parts; p++) {
        memcpy(to, bytes.part[p].at, bytes.part[p].size);
        to += bytes.part[p].size;
    }
    ck_assert_uint_eq((size_t)(to - all), bytes.size);
    *size = bytes.size;
    weir__batch_bytes_fini(&bytes);
    return all;
}

static weir_batch *read_back(const weir_batch *like, const char *data, size_t size,
                             weir_error *error)
{
    weir_batch *batch = (weir_batch *)&pool; /* not NULL */
    weir_status status = weir__batch_from_bytes(
        data, &(weir__batch_shape){ like->type, like->depth, size }, pool, &batch, error);
    ck_assert_int_eq(status == WEIR_OK, batch != NULL);
    ck_assert(status == WEIR_OK || (status == WEIR_BAD_DATA && error->detail[0]));
    return batch;
}

static void assert_same(const weir_batch *a, const weir_batch *b)
{
    ck_assert_uint_eq(a->count, b->count);
    ck_assert(weir_time_equal(&a->time, &b->time, WEIR_TIME_COORDS) && a->depth == b->depth);
    ck_assert(!a->diffs == !b->diffs && !a->times == !b->times && !a->hashes == !b->hashes);
    for (size_t i = 0; i < a->count; i++) {
        weir_time at = weir_batch_time(a, i), bt = weir_batch_time(b, i);
        ck_assert(weir_record_equal(a->type, weir_batch_record(a, i), weir_batch_record(b, i)));
        ck_assert_int_eq(weir_batch_diff(a, i), weir_batch_diff(b, i));
        ck_assert(weir_time_equal(&at, &bt, WEIR_TIME_COORDS));
        ck_assert(!a->hashes || a->hashes[i] == b->hashes[i]);
    }
}

static void round_trip(const weir_type *type, unsigned tracked, bool hashes, size_t n)
{
    size_t size, again_size;
    weir_error error = { 0 };
    weir_batch *batch = batch_of(type, tracked & WEIR__TRACK_TIMES ? 2 : 1, tracked, n);
    if (hashes)
        add_hashes(batch);
    char *data = bytes_of(batch, &size);
    weir_batch *back = read_back(batch, data, size, &error);
    ck_assert_msg(back != NULL, "%s", error.detail);
    assert_same(batch, back);
    weir_batch_release(batch); /* nothing of it is needed any more */
    ck_assert_uint_ge(back->bytes, n * type->size);
    char *again = bytes_of(back, &again_size);
    ck_assert_uint_eq(again_size, size);
    ck_assert_mem_eq(data, again, size); /* no address is in it */
    weir_batch_release(back);
    weir_free(data, size);
    weir_free(again, size);
}

START_TEST(there_and_back)
{
    for (unsigned tracked = 0; tracked < 4; tracked++)
        for (int hashes = 0; hashes < 2; hashes++)
            for (size_t n = 1; n < 300; n = 3 * n + 2) {
                round_trip(records_plain_type(), tracked, hashes, n);
                round_trip(records_nulls_type(), tracked, hashes, n);
            }
}
END_TEST

/* Reads everything that the batch claims to have. */
static uint64_t read_all(const weir_batch *batch)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < batch->count; i++) {
        char text[512];
        sum += weir_record_hash(batch->type, weir_batch_record(batch, i), 1);
        weir_record_text(batch->type, weir_batch_record(batch, i), text, sizeof text);
        sum += (uint64_t)weir_batch_diff(batch, i) + weir_batch_time(batch, i).at[0];
        sum += batch->hashes ? batch->hashes[i] : 0;
    }
    return sum;
}

START_TEST(cut_and_changed)
{
    const weir_type *types[] = { records_plain_type(), records_nulls_type() };
    uint64_t state = test_seed(72);
    for (int t = 0; t < 2; t++) {
        size_t size;
        weir_error error = { 0 };
        weir_batch *batch = batch_of(types[t], 2, WEIR__TRACK_DIFFS | WEIR__TRACK_TIMES, 4);
        add_hashes(batch);
        char *data = bytes_of(batch, &size);
        for (size_t cut = 0; cut < size; cut++) {
            char *exact = weir_alloc(cut + !cut);
            memcpy(exact, data, cut);
            ck_assert_ptr_null(read_back(batch, exact, cut, &error));
            weir_free(exact, cut + !cut);
        }
        for (size_t at = 0; at < size; at++) {
            char before = data[at];
            data[at] = (char)(before ^ (1 + test_below(&state, 255)));
            weir_batch *back = read_back(batch, data, size, &error);
            if (back)
                (void)read_all(back);
            weir_batch_release(back);
            data[at] = before;
        }
        weir_batch_release(batch);
        weir_free(data, size);
    }
}
END_TEST

#define PAIR(F) F(opt_str, name) F(flag, on)
WEIR_RECORD(pair, PAIR)
#define NUMBER(F) F(u64, n)
WEIR_RECORD(number, NUMBER)

/* Two pairs with a long string each, at depth 1 and time 3, with times. */
static char *two_pairs(size_t *size)
{
    pair pairs[2] = { { { true, weir_str_of("a string of some length") }, true },
                      { { true, weir_str_of("another one that is long") }, false } };
    uint64_t times[2] = { 3, 4 };
    weir_batch batch = { .type = pair_type(), .count = 2, .records = pairs, .times = times,
                         .time = { { 3 } }, .depth = 1 };
    return bytes_of(&batch, size);
}

/* Eight bytes at `at` replaced by `value`; why it is refused. */
static void assert_refused(size_t at, uint64_t value, size_t bytes, const char *why)
{
    size_t size;
    weir_error error = { 0 };
    weir_batch like = { .type = pair_type(), .depth = 1 };
    char *data = two_pairs(&size);
    memcpy(data + at, &value, bytes);
    ck_assert_ptr_null(read_back(&like, data, size, &error));
    ck_assert_str_eq(error.what, "a batch cannot be read");
    ck_assert_msg(strstr(error.detail, why) != NULL, "'%s', not '%s'", error.detail, why);
    weir_free(data, size);
}

START_TEST(refusals)
{
    const size_t count = offsetof(weir__batch_head, count), head = WEIR__BATCH_HEAD;
    const size_t name = head + offsetof(pair, name.value), strings = 2 * sizeof(pair);
    assert_refused(0, 7, 4, "does not begin");
    assert_refused(offsetof(weir__batch_head, record_size), 8, 4, "not as long as");
    assert_refused(offsetof(weir__batch_head, depth), 2, 4, "not as deep");
    assert_refused(offsetof(weir__batch_head, columns), 10, 4, "a column that there is not");
    assert_refused(offsetof(weir__batch_head, time) + 8, 1, 8, "more coordinates");
    assert_refused(count, 0, 8, "do not add up");
    assert_refused(count, 3, 8, "do not add up");
    assert_refused(count, UINT64_MAX, 8, "do not add up");
    assert_refused(count, UINT64_MAX / sizeof(pair), 8, "do not add up");
    assert_refused(offsetof(weir__batch_head, string_bytes), UINT64_MAX, 8, "do not add up");
    assert_refused(offsetof(weir__batch_head, columns), 0, 4, "do not add up");
    assert_refused(head + offsetof(pair, on), 2, 1, "neither 0 nor 1");
    assert_refused(head + offsetof(pair, name.set), 3, 1, "neither 0 nor 1");
    assert_refused(name + offsetof(weir_str, u), UINT64_MAX, 8, "not where it is said to be");
    assert_refused(name + offsetof(weir_str, u), 40, 8, "not where it is said to be");
    assert_refused(name, UINT32_MAX, 4, "not where it is said to be");
    assert_refused(name + 4, 0, 4, "not where it is said to be");
    assert_refused(head + strings, 2, 8, "before that of the batch");
}
END_TEST

START_TEST(strings_nobody_expects)
{
    size_t size;
    weir_error error = { 0 };
    number records[4] = { { 1 }, { 2 }, { 3 }, { 4 } };
    weir_batch batch = { .type = number_type(), .count = 4, .records = records, .depth = 1 };
    char *data = bytes_of(&batch, &size);
    weir__batch_head head;
    memcpy(&head, data, sizeof head);
    head.count = 2;
    head.string_bytes = 16;
    memcpy(data, &head, sizeof head);
    ck_assert_ptr_null(read_back(&batch, data, size, &error));
    ck_assert_str_eq(error.detail, "it has strings, its type has none");
    weir_free(data, size);
    /* a long string in a batch that has none */
    pair one = { { true, weir_str_of("short") }, true };
    weir_batch other = { .type = pair_type(), .count = 1, .records = &one, .depth = 1 };
    data = bytes_of(&other, &size);
    uint32_t len = 13;
    memcpy(data + WEIR__BATCH_HEAD + offsetof(pair, name.value), &len, sizeof len);
    ck_assert_ptr_null(read_back(&other, data, size, &error));
    ck_assert_str_eq(error.detail, "a string is not where it is said to be");
    weir_free(data, size);
}
END_TEST

static void open_pool(void)
{
    pool = weir__pool_create();
}

static void close_pool(void)
{
    weir__pool_close(pool);
    ck_assert_uint_eq(weir_memory_used(), 0);
}

int main(void)
{
    const TTest *const tests[] = { there_and_back, cut_and_changed, refusals,
                                   strings_nobody_expects, NULL };
    return test_run(test_suite_around("batch_bytes", tests, open_pool, close_pool));
}

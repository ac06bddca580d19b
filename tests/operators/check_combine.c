/* SPDX-License-Identifier: Apache-2.0
 *
 * Inputs that combine: whatever the key, the sums are those of an input that does not, of fewer
 * records; nothing overflows on the way; where keys do not repeat the combiner rests.
 */
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

/* `count` items, evenly of `distinct` keys from `first` on */
#define MANY(F) F(u64, count) F(u64, first) F(u64, distinct)
#define ITEM(F) F(u64, id) F(str, name) F(opt_u32, group)
#define NAME(F) F(str, name)
WEIR_RECORD(many, MANY)
WEIR_RECORD(item, ITEM)
WEIR_RECORD(name, NAME)

/* Every third name is long. */
static void expand(const many *m, weir_out(item) out)
{
    for (uint64_t i = 0; i < m->count; i++) {
        uint64_t id = m->first + i % m->distinct;
        weir_str text = weir_str_format(
            out, id % 3 ? "n%lu" : "number %lu, a long name", (unsigned long)id);
        item_emit(out, (item){ id, text, { id % 5 > 0, (uint32_t)(id % 5) } });
    }
}
WEIR_FLAT_MAP(expand, many, item)

static name name_of(const item *i) { return (name){ i->name }; }
WEIR_MAP(name_of, item, name)

static void pass_on(weir_step *step, void *state)
{
    (void)state;
    for (const weir_batch *batch; (batch = weir_step_take(step, 0));)
        weir_step_send(step, 0, batch, NULL);
}

/* A node that passes on what comes, its input combined or not. */
static weir_port *gather(weir_port *in, const char *const *names, bool combines)
{
    weir_error error;
    weir_node_input input = { .type = weir_port_type(in), .route = WEIR_BY_KEY,
                              .takes_diffs = true, .combines = combines };
    weir_node_output output = { .type = weir_port_type(in), .collection = true };
    ck_assert_int_eq(weir_key_resolve(input.type, names, &input.key, &error), WEIR_OK);
    weir_node_spec spec = { .struct_size = sizeof spec, .kind = "gather", .input_count = 1,
                            .output_count = 1, .inputs = &input, .outputs = &output,
                            .step = pass_on };
    return weir_node_output_port(weir_node_add(weir_port_graph(in), &spec, &in), 0);
}

static const char *const keys[][4] = { { "id" }, { "name" }, { "name", "group" }, { "group" } };
enum { KEYS = 4 };

/* Outputs 2k and 2k + 1: by key k, combined and not; at the end names alone. The records that a key
 * leaves undecided are all the same only where it is the id or the name. */
static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(item) items = weir_flat_map(weir_test_collection(g, many), expand);
    weir_stream(name) names = weir_map(items, name_of);
    for (unsigned k = 0; k < KEYS - 1; k++)
        for (int plain = 0; plain < 2; plain++)
            weir_test_output((weir_stream(item)){ .port = gather(items.port, keys[k], !plain) });
    for (int plain = 0; plain < 2; plain++)
        weir_test_output((weir_stream(name)){ .port = gather(names.port, keys[1], !plain) });
}

START_TEST(sums_are_the_same_of_fewer_records)
{
    for (unsigned workers = 1; workers <= 5; workers++) {
        weir_test *t = weir_test_create(build, NULL, .workers = workers,
                                        .batch_bytes = workers == 4 ? 16 << 10 : 0);
        for (uint64_t e = 0; e < 3; e++) {
            weir_test_push(t, 0, many, e, +1, { 900, 0, 40 });
            weir_test_push(t, 0, many, e, -2, { 700, 20, 7 });
            weir_test_push(t, 0, many, e, +3, { 5000, 100, 1000 });
        }
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        for (unsigned o = 0; o < 2 * KEYS; o += 2) {
            ck_assert_uint_eq(weir_test_count(t, o + 1), 3 * 6600);
#ifndef WEIR_HASH_8BIT /* keys that take each other's hints all the time */
            ck_assert_uint_lt(weir_test_count(t, o), 3 * 6600 / 2);
#endif
            ck_assert_str_eq(weir_test_take_sums(t, o), weir_test_take_sums(t, o + 1));
        }
        weir_test_destroy(t);
    }
}
END_TEST

START_TEST(more_keys_than_a_window_holds)
{
    for (unsigned workers = 1; workers <= 2; workers++) {
        weir_test *t = weir_test_create(build, NULL, .workers = workers);
        weir_test_push(t, 0, many, 0, +1, { 100000, 0, 30000 });
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        for (unsigned o = 0; o < 2 * KEYS; o += 2)
            ck_assert_str_eq(weir_test_take_sums(t, o), weir_test_take_sums(t, o + 1));
        weir_test_destroy(t);
    }
}
END_TEST

START_TEST(a_sum_that_would_overflow_is_two_records)
{
    __extension__ typedef __int128 wide;
    const int64_t diffs[] = { INT64_MAX / 10, INT64_MIN / 10 };
    for (unsigned d = 0; d < 2; d++) {
        weir_test *t = weir_test_create(build, NULL);
        weir_test_push(t, 0, many, 0, diffs[d], { 100, 0, 1 });
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        for (unsigned o = 0; o < 2 * KEYS; o += 2) {
            wide sum = 0;
            size_t count = weir_test_count(t, o);
            for (size_t i = 0; i < count; i++)
                sum += weir_test_at(t, o, i).diff;
            ck_assert(sum == (wide)100 * diffs[d]);
            ck_assert_uint_lt(count, 20);
        }
        weir_test_destroy(t);
    }
}
END_TEST

static void build_plain(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(item) items = weir_flat_map(weir_test_input(g, many), expand);
    weir_test_output((weir_stream(item)){ .port = gather(items.port, keys[0], true) });
}

/* How many records 1000 of one key have become. */
static size_t thousand(weir_test *t, uint64_t epoch)
{
    size_t before = weir_test_count(t, 0);
    weir_test_push(t, 0, many, epoch, +1, { 1000, 1, 1 });
    weir_test_advance(t, 0, epoch + 1);
    weir_test_run(t);
    return weir_test_count(t, 0) - before;
}

START_TEST(rests_where_keys_do_not_repeat)
{
    weir_test *t = weir_test_create(build_plain, NULL);
    ck_assert_uint_eq(thousand(t, 0), 1);
    weir_test_push(t, 0, many, 1, +1, { 20000, 0, 20000 });
    weir_test_advance(t, 0, 2);
    weir_test_run(t);
    ck_assert_uint_eq(thousand(t, 2), 1000);
    weir_test_push(t, 0, many, 3, +1, { 600000, 0, 600000 });
    weir_test_advance(t, 0, 4);
    weir_test_run(t);
    ck_assert_uint_eq(thousand(t, 4), 1000); /* it has looked again, and rests again */
    weir_test_push(t, 0, many, 5, +1, { 600000, 0, 10 });
    weir_test_advance(t, 0, 6);
    weir_test_run(t);
#ifndef WEIR_HASH_8BIT /* there ten keys may take each other's hints, and it goes on resting */
    ck_assert_uint_eq(thousand(t, 6), 1);
#endif
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    weir_test_destroy(t);
}
END_TEST

/* Windows in which one of two workers got nothing, and no keys met, and others after them. */
START_TEST(a_window_may_leave_a_worker_out)
{
    for (uint64_t n = 64; n < 2000; n += n < 600 ? 1 : 9) {
        weir_test *t = weir_test_create(build_plain, NULL, .workers = 2, .batch_bytes = 4096,
                                        .budget_bytes = 128 << 10);
        for (uint64_t e = 0; e < 3; e++)
            weir_test_push(t, 0, many, e, +1, { n, 1000 * n, n });
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        weir_test_destroy(t);
    }
}
END_TEST

int main(void)
{
    return test_run(test_suite("combine", (const TTest *const[]){
        sums_are_the_same_of_fewer_records, more_keys_than_a_window_holds,
        a_sum_that_would_overflow_is_two_records, rests_where_keys_do_not_repeat,
        a_window_may_leave_a_worker_out, NULL }));
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * reduce: against a computation from scratch at every time, depth 1 to 3, with insertions and
 * deletions, several open epochs, workers, tiny batches; groups in an order; refusals and
 * failures.
 */
#include <weir/operators/reduce.h>

#include <stdio.h>
#include <string.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "bag.h"
#include "steps.h"
#include "support.h"

#define TIMED(F) F(u32, key) F(u32, value) F(u64, round) F(u64, inner)
#define ITEM(F) F(u32, value) F(u32, key)
#define DIGEST(F) F(u32, key) F(str, text) F(u32, value)
WEIR_RECORD(timed, TIMED)
WEIR_RECORD(item, ITEM)
WEIR_RECORD(digest, DIGEST)
#define GRADED(F) F(u32, key) F(u32, grade) F(u32, value)
WEIR_RECORD(graded, GRADED)

enum { KEYS = 5, VALUES = 4, EPOCHS = 5, ROUNDS = 3, CHANGES = 160, FIRST = 2 };

static item strip(const timed *t) { return (item){ t->value, t->key }; }
WEIR_MAP(strip, timed, item)
static uint64_t round_of(const timed *t) { return t->round; }
WEIR_ENTER_AT(round_of, timed)
static uint64_t inner_of(const timed *t) { return t->inner; }
WEIR_ENTER_AT(inner_of, timed)

/* Texts short and long that every change changes, and values that are there more than once, as
 * often; of some keys nothing. */
static void describe(const item *key, weir_group(item) group, weir_out(digest) out)
{
    char text[200];
    size_t used = 0;
    ck_assert_uint_eq(key->value, 0);
    ck_assert_uint_gt(group.count, 0);
    for (size_t i = 0; i < group.count; i++) {
        const item *it = group.records[i];
        ck_assert_uint_eq(it->key, key->key);
        ck_assert_int_ne(group.counts[i], 0);
        ck_assert(i == 0 || group.records[i - 1]->value < it->value);
        used += (size_t)snprintf(text + used, sizeof text - used, "%u*%d ", it->value,
                                 (int)group.counts[i]);
        if (group.counts[i] > 1) {
            weir_builder_set_diff(out.builder, group.counts[i]);
            digest_emit(out, (digest){ key->key, weir_str_of("much"), it->value });
            weir_builder_set_diff(out.builder, 1);
        }
    }
    if (key->key > 0)
        digest_emit(out, (digest){ key->key, weir_str_copy(out, weir_str_of(text)), 0 });
}
WEIR_REDUCE(describe, item, digest)

/* How many of so many are among those that are left to take: 0 of what is not there. */
static int64_t take(int64_t *left, int64_t count)
{
    int64_t taken = count < *left ? count : *left;
    taken = taken > 0 ? taken : 0;
    *left -= taken;
    return taken;
}

/* The least FIRST that are there, of all that may be given behind them. */
static void leading(const item *key, weir_group(item) group, weir_out(digest) out)
{
    int64_t left = FIRST;
    for (size_t i = 0; i < group.count && left > 0; i++) {
        int64_t taken = take(&left, group.counts[i]);
        if (taken == 0)
            continue;
        weir_builder_set_diff(out.builder, taken);
        digest_emit(out, (digest){ key->key, weir_str_of("first"), group.records[i]->value });
    }
}
WEIR_REDUCE(leading, item, digest)

/* Of these the same again. */
static void repeating(const digest *key, weir_group(digest) group, weir_out(digest) out)
{
    int64_t left = FIRST;
    (void)key;
    for (size_t i = 0; i < group.count && left > 0; i++) {
        int64_t taken = take(&left, group.counts[i]);
        if (taken == 0)
            continue;
        weir_builder_set_diff(out.builder, taken);
        digest_emit(out, *group.records[i]);
    }
}
WEIR_REDUCE(repeating, digest, digest)

static graded grade(const item *i)
{
    return (graded){ i->key, i->value / 2, i->value };
}
WEIR_MAP(grade, item, graded)

/* Of the least FIRST that are there the grades. */
static void grading(const graded *key, weir_group(graded) group, weir_out(digest) out)
{
    int64_t left = FIRST;
    for (size_t i = 0; i < group.count && left > 0; i++) {
        int64_t taken = take(&left, group.counts[i]);
        if (taken == 0)
            continue;
        weir_builder_set_diff(out.builder, taken);
        digest_emit(out, (digest){ key->key, weir_str_of("first"), group.records[i]->grade });
    }
}
WEIR_REDUCE(grading, graded, digest)

static unsigned depth;
static uint64_t first_round; /* of ROUNDS, up to the greatest that there is */
static bool is_read[2]; /* the results; their arrangement by the key */
static bool is_first;   /* only the first records of a group are asked for, */
static bool is_twice;   /* and of these once more: of runs of several times */
static bool is_graded;  /* and of these nothing but the grade is looked at */

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(timed) in = weir_test_collection(g, timed);
    if (depth > 1) {
        weir_scope *scope = weir_scope_add(g, NULL, "rounds");
        in = weir_enter_at(in, scope, round_of);
        if (depth > 2)
            in = weir_enter_at(in, weir_scope_add(g, scope, "inner"), inner_of);
    }
    weir_stream(item) items = weir_map(in, strip);
    weir_stream(digest) results =
        is_graded  ? weir_reduce(weir_map(items, grade), WEIR_KEY(graded, key), grading,
                                 .first = FIRST, .by_first_field = true)
        : is_first ? weir_reduce(items, WEIR_KEY(item, key), leading, .first = FIRST)
                   : weir_reduce(items, WEIR_KEY(item, key), describe);
    if (is_twice)
        results = weir_reduce(results, WEIR_KEY(digest, key), repeating, .first = FIRST);
    if (is_read[0])
        weir_test_output(results);
    if (!is_read[1])
        return;
    weir_arranged(digest) by_key = weir_arrange(results, WEIR_KEY(digest, key));
    ck_assert_str_eq(weir_port_name(weir_arrangement_port(by_key.arrangement)),
                     weir_port_name(results.port)); /* nothing arranges them anew */
    weir_test_output(weir_arranged_collection(by_key));
}

typedef struct change {
    weir_time time;
    uint32_t key, value;
    int64_t diff;
} change;

static void expect_first(bag *b, uint32_t key, const int64_t *sums)
{
    int64_t left = FIRST;
    for (uint32_t v = 0; v < VALUES && left > 0; v++) {
        int64_t taken = take(&left, sums[v]);
        if (taken == 0)
            continue;
        bag_add_record(b, digest_type(),
                       &(digest){ key, weir_str_of("first"), is_graded ? v / 2 : v }, taken);
    }
}

/* From scratch, by the same rules. */
static void expect(bag *b, const change *changes, size_t count, const weir_time *time)
{
    int64_t sums[KEYS][VALUES] = { { 0 } };
    for (size_t i = 0; i < count; i++)
        if (weir_time_less_equal(&changes[i].time, time, 3))
            sums[changes[i].key][changes[i].value] += changes[i].diff;
    for (uint32_t k = 0; k < KEYS; k++) {
        char text[200] = "";
        size_t used = 0;
        if (is_first)
            expect_first(b, k, sums[k]);
        for (uint32_t v = 0; v < VALUES && !is_first; v++) {
            if (sums[k][v] == 0)
                continue;
            used += (size_t)snprintf(text + used, sizeof text - used, "%u*%d ", v,
                                     (int)sums[k][v]);
            if (sums[k][v] > 1)
                bag_add_record(b, digest_type(), &(digest){ k, weir_str_of("much"), v },
                               sums[k][v]);
        }
        if (used > 0 && k > 0)
            bag_add_record(b, digest_type(), &(digest){ k, weir_str_of(text), 0 }, 1);
    }
}

static void compare(weir_test *t, const change *changes, size_t count)
{
    uint64_t rounds = depth > 1 ? ROUNDS : 1, inner = depth > 2 ? ROUNDS : 1;
    for (uint64_t n = 0; n < EPOCHS * rounds * inner; n++) {
        weir_time time = { { n / rounds / inner,
                             depth > 1 ? first_round + n / inner % rounds : 0,
                             depth > 2 ? first_round + n % inner : 0 } };
        bag wanted = { .count = 0 };
        expect(&wanted, changes, count, &time);
        for (unsigned o = 0; o < (unsigned)is_read[0] + is_read[1]; o++) {
            bag is = { .count = 0 };
            char text[100];
            bag_of_output(&is, t, o, digest_type(), &time);
            const char *difference = bag_difference(&is, &wanted);
            ck_assert_msg(!difference, "WEIR_SEED=%llu: output %u at %s: %s",
                          (unsigned long long)weir_test_seed(t), o,
                          weir_time_text(&time, depth, text, sizeof text), difference);
            bag_free(&is);
        }
        bag_free(&wanted);
    }
}

static void run(uint64_t seed)
{
    uint64_t random = seed;
    change *changes = calloc(CHANGES, sizeof *changes);
    size_t count = 0;
    depth = 1 + (unsigned)(seed % 3);
    first_round = seed % 5 == 0 ? UINT64_MAX - ROUNDS + 1 : 0;
    is_read[0] = seed % 4 != 1;
    is_read[1] = seed % 4 != 0;
    is_first = seed % 7 > 3;
    is_graded = is_first && seed / 7 % 2;
    is_twice = is_first && !is_graded && seed % 2;
    weir_test *t = weir_test_create(build, NULL, .workers = 1 + (unsigned)(seed / 3 % 3),
                                    .seed = seed, .batch_bytes = seed % 2 ? 128 : 0);
    for (uint64_t now = 0; now < EPOCHS; now++) {
        for (uint64_t n = test_below(&random, CHANGES / EPOCHS); n > 0; n--) {
            uint64_t epoch = now + test_below(&random, 3);
            timed r = { (uint32_t)test_below(&random, KEYS), (uint32_t)test_below(&random, VALUES),
                        first_round + test_below(&random, ROUNDS),
                        first_round + test_below(&random, ROUNDS) };
            change *c = &changes[count++];
            epoch = epoch < EPOCHS ? epoch : EPOCHS - 1;
            *c = (change){ { { epoch, depth > 1 ? r.round : 0, depth > 2 ? r.inner : 0, 0 } },
                           r.key, r.value, (int64_t)test_below(&random, 5) - 2 };
            weir_test_push_record(t, 0, WEIR_TEST_IN_TURN, &r, epoch, c->diff);
        }
        if (test_below(&random, 2))
            ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        if (test_below(&random, 3))
            weir_test_advance(t, 0, now + 1);
    }
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    compare(t, changes, count);
    weir_test_destroy(t);
    free(changes);
}

START_TEST(like_from_scratch)
{
    test_each_seed(run, 120);
}
END_TEST

/* A record behind those that are first, which go in a later round. */
START_TEST(behind_what_goes)
{
    depth = 2;
    is_first = is_read[0] = true;
    is_read[1] = is_twice = is_graded = false;
    weir_test *t = weir_test_create(build, NULL);
    weir_test_push(t, 0, timed, 0, 2, { 7, 1, 0, 0 });
    weir_test_push(t, 0, timed, 0, -2, { 7, 1, 2, 0 });
    weir_test_advance(t, 0, 1);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    (void)weir_test_take(t, 0);
    weir_test_push(t, 0, timed, 1, 1, { 7, 3, 1, 0 });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_str_eq(weir_test_take(t, 0), "(key: 7, text: \"first\", value: 3) @(1, 2) +1\n");
    weir_test_destroy(t);
}
END_TEST

/* ---- by hand ---- */

static void first(const item *key, weir_group(item) group, weir_out(item) out)
{
    (void)key;
    item_emit(out, *group.records[0]);
}
WEIR_REDUCE(first, item, item)

#define BY_KEY(F) F(u32, key) F(u32, value)
WEIR_RECORD(by_key, BY_KEY)
static void largest(const by_key *key, weir_group(by_key) group, weir_out(by_key) out)
{
    (void)key;
    by_key_emit(out, *group.records[0]);
}
WEIR_REDUCE(largest, by_key, by_key)

static void build_largest(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(by_key) in = weir_test_collection(g, by_key);
    weir_stream(by_key) top = weir_reduce(in, WEIR_KEY(by_key, key), largest,
                                          .order = WEIR_DESC(by_key, value), .name = "top");
    ck_assert_str_eq(weir_port_name(top.port), "top");
    weir_test_output(top);
}

START_TEST(in_an_order)
{
    weir_test *t = weir_test_create(build_largest, NULL, .workers = 2);
    weir_test_push(t, 0, by_key, 0, 1, { 7, 3 });
    weir_test_push(t, 0, by_key, 0, 1, { 7, 9 });
    weir_test_push(t, 0, by_key, 0, 1, { 7, 5 });
    weir_test_push(t, 0, by_key, 1, 1, { 7, 4 });
    weir_test_push(t, 0, by_key, 2, -1, { 7, 9 });
    weir_test_push(t, 0, by_key, 2, 1, { 8, 1 });
    weir_test_push(t, 0, by_key, 3, -1, { 8, 1 });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_str_eq(weir_test_take(t, 0), "(key: 7, value: 9) @0 +1\n"
                                           "(key: 7, value: 5) @2 +1\n"
                                           "(key: 7, value: 9) @2 -1\n"
                                           "(key: 8, value: 1) @2 +1\n"
                                           "(key: 8, value: 1) @3 -1\n");
    weir_test_destroy(t);
}
END_TEST

/* ---- what cannot be ---- */

static void refuse_result(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(item) in = weir_as_collection(weir_test_input(g, item));
    ck_assert_ptr_null(weir_reduce_erased(NULL, NULL));
    const char *const names[] = { "key", "value", NULL };
    weir_reduce_spec spec = { .kind = "mine", .out = digest_type(),
                              .reduce = weir_reduce_of_describe };
    ck_assert_ptr_null(weir__reduce(
        in.port, names,
        &(struct weir_reduce_options){ .struct_size = sizeof(struct weir_reduce_options) }, &spec));
}

/* What lies behind the size that the caller knows is nothing. */
static void build_by_part(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(by_key) in = weir_test_collection(g, by_key);
    const char *const names[] = { "key", NULL };
    weir_reduce_spec spec = { .struct_size = offsetof(weir_reduce_spec, ctx),
                              .kind = "mine",
                              .out = by_key_type(),
                              .reduce = weir_reduce_of_largest,
                              .ctx = names,
                              .result_key = { .count = 7 } };
    ck_assert_ptr_nonnull(weir__reduce(
        in.port, names,
        &(struct weir_reduce_options){ .struct_size = sizeof(struct weir_reduce_options) }, &spec));
    spec.struct_size = sizeof spec;
    ck_assert_ptr_null(weir_reduce_erased(weir__arrange(in.port, names,
                                                        &(struct weir_arrange_options){ 0 }),
                                          &spec));
}

static void refuse_plain(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(by_key) in = weir_test_input(g, by_key);
    ck_assert_ptr_null(weir_reduce(in, WEIR_KEY(by_key, key), largest).port);
}

static void refused(weir_build_fn *fn, weir_status status, const char *what)
{
    weir_test *t = weir_test_create(fn, NULL);
    ck_assert_int_eq(weir_test_error(t)->status, status);
    ck_assert_str_eq(weir_test_error(t)->what, what);
    ck_assert(weir_test_error(t)->hint[0]);
    weir_test_destroy(t);
}

START_TEST(refusals)
{
    refused(refuse_result, WEIR_TYPE_MISMATCH,
            "record 'digest' does not begin with the key of 'item'");
    refused(build_by_part, WEIR_TYPE_MISMATCH,
            "record 'by_key' does not begin with the key of 'by_key'");
    refused(refuse_plain, WEIR_TYPE_MISMATCH,
            "collections are arranged, and this is a plain stream");
}
END_TEST

static void build_wrong_key(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(item) in = weir_test_collection(g, item);
    weir_test_output(weir_reduce(in, WEIR_KEY(item, key), first)); /* begins with the value */
}

static void build_overflow(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(by_key) in = weir_test_collection(g, by_key);
    weir_test_output(weir_reduce(in, WEIR_KEY(by_key, key), largest));
}

START_TEST(failures)
{
    weir_test *t = weir_test_create(build_wrong_key, NULL);
    weir_test_push(t, 0, item, 0, 1, { 3, 4 });
    ck_assert_int_eq(weir_test_finish(t), WEIR_INVALID);
    ck_assert_str_eq(weir_test_error(t)->what,
                     "the function gave a record of another key than that of (value: 4, key: 0): "
                     "the first fields of a result are the key's");
    weir_test_destroy(t);
    t = weir_test_create(build_overflow, NULL);
    weir_test_push(t, 0, by_key, 0, INT64_MAX, { 3, 4 });
    weir_test_push(t, 0, by_key, 1, 1, { 3, 4 });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OVERFLOWED);
    ck_assert_str_eq(weir_test_error(t)->what,
                     "counts or sums of the key of (key: 3, value: 0) leave their range");
    weir_test_destroy(t);
}
END_TEST

/* A step is bounded by the values that it looks at, however few keys they are of. */
START_TEST(large_groups)
{
    enum { GROUPS = 60, LARGE = 5000 };
    weir_test *t = weir_test_create(build_overflow, NULL, .no_delays = true);
    for (uint32_t i = 0; i < GROUPS * LARGE; i++)
        weir_test_push(t, 0, by_key, 0, 1, { i % GROUPS, i });
    weir_test_advance(t, 0, 1);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    for (uint32_t i = 0; i < GROUPS; i++)
        weir_test_push(t, 0, by_key, 1, 1, { i, 0 });
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    uint64_t before = steps_of(t, "largest");
    weir_test_advance(t, 0, 2);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_uint_ge(steps_of(t, "largest") - before, GROUPS * LARGE / 70000);
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    weir_test_destroy(t);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { like_from_scratch, behind_what_goes, in_an_order, large_groups,
                                   refusals,          failures,         NULL };
    return test_run(test_suite("reduce", tests));
}

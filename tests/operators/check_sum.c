/* SPDX-License-Identifier: Apache-2.0
 *
 * sum and average: against plain sums at every epoch, with insertions and deletions, epochs out of
 * order, workers, tiny batches; nulls; every kind; overflow; refusals.
 */
#include <weir/operators/sum.h>

#include <math.h>
#include <stdio.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "bag.h"
#include "support.h"

#define SALE(F)                                                                                    \
    F(str, product) F(u8, shop) F(i64, cents) F(f64, weight) F(decimal(2), tax) F(opt_i32, points)
#define KEYED_I64(F) F(str, product) F(u8, shop) F(i64, sum)
#define KEYED_F64(F) F(str, product) F(u8, shop) F(f64, sum)
#define KEYED_DECIMAL(F) F(str, product) F(u8, shop) F(decimal(2), sum)
#define KEYED_OPT(F) F(str, product) F(u8, shop) F(opt_i64, sum)
#define KEYED_OPT_F64(F) F(str, product) F(u8, shop) F(opt_f64, sum)
#define BY_SHOP(F) F(u8, shop) F(u64, sum)
WEIR_RECORD(sale, SALE)
WEIR_RECORD(keyed_i64, KEYED_I64)
WEIR_RECORD(keyed_f64, KEYED_F64)
WEIR_RECORD(keyed_decimal, KEYED_DECIMAL)
WEIR_RECORD(keyed_opt, KEYED_OPT)
WEIR_RECORD(keyed_opt_f64, KEYED_OPT_F64)
WEIR_RECORD(by_shop, BY_SHOP)

__extension__ typedef __int128 wide;

enum { PRODUCTS = 4, SHOPS = 2, KEYS = PRODUCTS * SHOPS, EPOCHS = 8, CHANGES = 400, OUTPUTS = 6 };

static const char *const products[PRODUCTS] = { "tea", "a product of a long name", "", "coffee" };
static const double weights[] = { 0.125, -0.25, 1e16, 3, 0.375, -1e16, 0x1p996, -0x1p996, 7 };

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(sale) s = weir_test_collection(g, sale);
    weir_stream(keyed_i64) sums = weir_sum(s, keyed_i64, WEIR_KEY(sale, product, shop), cents);
    ck_assert_uint_eq(weir_port_unique_key(sums.port)->count, 2);
    weir_test_output(sums);
    weir_test_output(weir_sum(s, keyed_f64, WEIR_KEY(sale, product, shop), weight));
    weir_test_output(weir_sum(s, keyed_decimal, WEIR_KEY(sale, product, shop), tax));
    weir_test_output(weir_sum(s, keyed_opt, WEIR_KEY(sale, product, shop), points));
    weir_test_output(weir_average(s, keyed_f64, WEIR_KEY(sale, product, shop), cents));
    weir_test_output(weir_average(s, keyed_opt_f64, WEIR_KEY(sale, product, shop), points));
}

typedef struct change {
    sale record;
    unsigned key;
    uint64_t epoch;
    int64_t diff;
} change;

/* ---- from scratch ---- */

static void expect(const change *changes, size_t count, unsigned key, uint64_t epoch, bag *bags)
{
    int64_t records = 0, cents = 0, points = 0, with_points = 0;
    wide tax = 0;
    long double weight = 0, parts[CHANGES];
    size_t part_count = 0;
    weir_str product = weir_str_of(products[key % PRODUCTS]);
    uint8_t shop = (uint8_t)(key / PRODUCTS);
    for (size_t i = 0; i < count; i++) {
        const change *c = &changes[i];
        if (c->key != key || c->epoch > epoch)
            continue;
        records += c->diff;
        cents += c->diff * c->record.cents;
        tax += c->diff * c->record.tax.unscaled;
        parts[part_count++] = (long double)c->diff * (long double)c->record.weight;
        if (c->record.points.set) {
            points += c->diff * c->record.points.value;
            with_points += c->diff;
        }
    }
    if (records == 0)
        return;
    /* large ones cancel first: for what is left long double is wide enough */
    for (int scale = 0; scale < 3; scale++)
        for (size_t i = 0; i < part_count; i++) {
            long double size = fabsl(parts[i]);
            int of = size >= 1e200L ? 0 : size >= 1e14L ? 1 : 2;
            weight += of == scale ? parts[i] : 0;
        }
    bag_add_record(&bags[0], keyed_i64_type(), &(keyed_i64){ product, shop, cents }, 1);
    bag_add_record(&bags[1], keyed_f64_type(), &(keyed_f64){ product, shop, (double)weight }, 1);
    bag_add_record(&bags[2], keyed_decimal_type(), &(keyed_decimal){ product, shop, { tax } }, 1);
    bag_add_record(&bags[3], keyed_opt_type(),
                   &(keyed_opt){ product, shop, { with_points != 0, with_points ? points : 0 } },
                   1);
    bag_add_record(&bags[4], keyed_f64_type(),
                   &(keyed_f64){ product, shop, (double)cents / (double)records }, 1);
    bag_add_record(&bags[5], keyed_opt_f64_type(),
                   &(keyed_opt_f64){ product, shop, { with_points != 0, with_points ?
                                     (double)points / (double)with_points : 0 } }, 1);
}

static void compare(weir_test *t, const change *changes, size_t count)
{
    const weir_type *types[OUTPUTS] = { keyed_i64_type(), keyed_f64_type(), keyed_decimal_type(),
                                        keyed_opt_type(), keyed_f64_type(), keyed_opt_f64_type() };
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
        bag wanted[OUTPUTS] = { { .count = 0 } };
        for (unsigned key = 0; key < KEYS; key++)
            expect(changes, count, key, epoch, wanted);
        for (unsigned o = 0; o < OUTPUTS; o++) {
            weir_time time = weir_time_1(epoch);
            bag_expect(&wanted[o], t, o, types[o], &time);
        }
    }
}

static void run(uint64_t seed)
{
    uint64_t random = seed;
    change *changes = calloc(CHANGES, sizeof *changes);
    size_t count = 0;
    weir_test *t = weir_test_create(build, NULL, .workers = 1 + (unsigned)(seed % 3),
                                    .seed = seed, .batch_bytes = seed % 2 ? 256 : 0);
    for (uint64_t now = 0; now < EPOCHS; now++) {
        for (uint64_t n = test_below(&random, CHANGES / EPOCHS); n > 0; n--) {
            change *c = &changes[count++];
            const change *old = &changes[test_below(&random, count)];
            c->epoch = now + test_below(&random, 3);
            c->epoch = c->epoch < EPOCHS ? c->epoch : EPOCHS - 1;
            if (old != c && old->diff > 0 && test_below(&random, 2)) { /* it goes again */
                c->record = old->record;
                c->key = old->key;
                c->diff = -old->diff;
                c->epoch = c->epoch < old->epoch ? old->epoch : c->epoch;
            } else {
                c->key = (unsigned)test_below(&random, KEYS);
                c->diff = 1 + (int64_t)test_below(&random, 3);
                c->record = (sale){ .product = weir_str_of(products[c->key % PRODUCTS]),
                                    .shop = (uint8_t)(c->key / PRODUCTS),
                                    .cents = (int64_t)test_below(&random, 9) - 4,
                                    .weight = weights[test_below(&random, 9)],
                                    .tax = { (wide)test_below(&random, 1000) << 70 },
                                    .points = { test_below(&random, 2), 0 } };
                if (c->record.points.set)
                    c->record.points.value = (int32_t)test_below(&random, 5) - 2;
            }
            weir_test_push_record(t, 0, WEIR_TEST_IN_TURN, &c->record, c->epoch, c->diff);
        }
        if (test_below(&random, 2))
            ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        weir_test_advance(t, 0, now + 1);
    }
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    compare(t, changes, count);
    weir_test_destroy(t);
    free(changes);
}

START_TEST(like_plain_sums)
{
    test_each_seed(run, 24);
}
END_TEST

/* ---- by hand ---- */

static void build_shops(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(sale) s = weir_test_input(g, sale);
    weir_test_output(weir_sum(s, by_shop, WEIR_KEY(sale, shop), cents));
}

START_TEST(of_a_plain_stream)
{
    weir_test *t = weir_test_create(build_shops, NULL, .workers = 2);
    weir_test_push(t, 0, sale, 0, 1, { .shop = 1, .cents = 5 });
    weir_test_push(t, 0, sale, 0, 1, { .shop = 1, .cents = 7 });
    weir_test_push(t, 0, sale, 1, 1, { .shop = 1, .cents = 0 });
    weir_test_push(t, 0, sale, 2, 1, { .shop = 2, .cents = INT64_MAX });
    weir_test_push(t, 0, sale, 2, 1, { .shop = 2, .cents = INT64_MAX });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_str_eq(weir_test_take(t, 0), "(shop: 1, sum: 12) @0 +1\n"
                                           "(shop: 2, sum: 18446744073709551614) @2 +1\n");
    weir_test_destroy(t);
}
END_TEST

static void build_collection(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(sale) s = weir_test_collection(g, sale);
    weir_test_output(weir_sum(s, keyed_i64, WEIR_KEY(sale, product, shop), cents));
}

/* What went before it came is kept, though no record is left of the key. */
START_TEST(records_that_go_first)
{
    weir_test *t = weir_test_create(build_collection, NULL, .workers = 2);
    sale five = { .shop = 1, .cents = 5 }, two = { .shop = 1, .cents = 2 };
    weir_test_push_record(t, 0, WEIR_TEST_IN_TURN, &five, 0, -1);
    weir_test_push_record(t, 0, WEIR_TEST_IN_TURN, &two, 0, 1);
    weir_test_push_record(t, 0, WEIR_TEST_IN_TURN, &five, 1, 1);
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_str_eq(weir_test_take(t, 0), "(product: \"\", shop: 1, sum: 2) @1 +1\n");
    weir_test_destroy(t);
}
END_TEST

static void overflows(const sale *record, int64_t diff, const char *what)
{
    weir_test *t = weir_test_create(build_collection, NULL);
    weir_test_push_record(t, 0, WEIR_TEST_IN_TURN, record, 0, diff);
    weir_test_push_record(t, 0, WEIR_TEST_IN_TURN, record, 0, 1);
    ck_assert_int_eq(weir_test_finish(t), what ? WEIR_OVERFLOWED : WEIR_OK);
    if (what)
        ck_assert_str_eq(weir_test_error(t)->what, what);
    weir_test_destroy(t);
}

START_TEST(overflow)
{
    sale large = { .product = weir_str_of("x"), .shop = 3, .cents = INT64_MAX };
    sale small = { .product = weir_str_of("x"), .shop = 3, .cents = 1 };
    overflows(&large, 1, "the sum for (product: \"x\", shop: 3) leaves the range of 64 bits");
    overflows(&large, -1, NULL);
    overflows(&small, INT64_MAX - 1, NULL);
    overflows(&small, INT64_MAX,
              "the number of records of (product: \"x\", shop: 3) leaves the range of 64 bits");
}
END_TEST

/* Neither the sum, which leaves 128 bits, nor the number of records has to fit before the epoch is
 * complete; what is kept of a key without records does not have to fit at all. */
START_TEST(overflow_of_words)
{
    static const char *const wanted[] = {
        "(product: \"\", shop: 3, sum: 7) @1 +1\n",
        "(product: \"\", shop: 3, sum: 7) @0 +1\n",
    };
    sale up = { .shop = 3, .cents = INT64_MAX }, down = { .shop = 3, .cents = INT64_MIN };
    sale one = { .shop = 3, .cents = 7 };
    for (int same = 0; same < 2; same++) {
        weir_test *t = weir_test_create(build_collection, NULL, .no_delays = true);
        for (int i = 0; i < 3; i++) {
            weir_test_push_record(t, 0, 0, &down, 0, -INT64_MAX);
            weir_test_push_record(t, 0, 0, &up, 0, INT64_MAX);
        }
        for (int i = 0; i < 3; i++)
            weir_test_push_record(t, 0, 0, &up, same ? 0 : 1, -INT64_MAX);
        for (int i = 0; i < 3; i++)
            weir_test_push_record(t, 0, 0, &down, same ? 0 : 1, INT64_MAX);
        weir_test_push_record(t, 0, 0, &one, same ? 0 : 1, 1);
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        ck_assert_str_eq(weir_test_take(t, 0), wanted[same]);
        weir_test_destroy(t);
    }
}
END_TEST

#define WORD(F)     F(u8, shop) F(u64, value)
#define WORD_SUM(F) F(u8, shop) F(u64, sum)
WEIR_RECORD(word, WORD)
WEIR_RECORD(word_sum, WORD_SUM)

static void build_words(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(word) s = weir_test_collection(g, word);
    weir_test_output(weir_sum(s, word_sum, WEIR_KEY(word, shop), value));
}

/* Above the range of i64 they are no numbers below 0. */
START_TEST(words_without_a_sign)
{
    weir_test *t = weir_test_create(build_words, NULL);
    weir_test_push(t, 0, word, 0, 1, { .shop = 1, .value = UINT64_MAX });
    weir_test_push(t, 0, word, 1, 3, { .shop = 1, .value = UINT64_MAX });
    weir_test_push(t, 0, word, 1, -3, { .shop = 1, .value = UINT64_MAX - 1 });
    weir_test_push(t, 0, word, 1, 1, { .shop = 2, .value = UINT64_MAX });
    weir_test_push(t, 0, word, 1, -1, { .shop = 1, .value = 3 });
    weir_test_push(t, 0, word, 1, 1, { .shop = 1, .value = 0 });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_str_eq(weir_test_take(t, 0), "(shop: 1, sum: 18446744073709551615) @0 +1\n"
                                           "(shop: 2, sum: 18446744073709551615) @1 +1\n");
    weir_test_destroy(t);
}
END_TEST

static void build_taxes(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(sale) s = weir_test_collection(g, sale);
    weir_test_output(weir_sum(s, keyed_decimal, WEIR_KEY(sale, product, shop), tax));
}

START_TEST(overflow_of_decimals)
{
    weir_test *t = weir_test_create(build_taxes, NULL);
    weir_test_push(t, 0, sale, 0, 1, { .shop = 1, .tax = { (wide)1 << 126 } });
    weir_test_push(t, 0, sale, 0, 1, { .shop = 1, .tax = { (wide)1 << 126 } });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OVERFLOWED);
    ck_assert_str_eq(weir_test_error(t)->what, "the sum for (product: \"\", shop: 1) leaves the "
                                               "range of 128 bits");
    weir_test_destroy(t);
}
END_TEST

/* So often that what is added leaves 128 bits, too. */
START_TEST(decimals_that_come_back)
{
    sale large = { .shop = 1, .tax = { (wide)1 << 126 } };
    sale less = { .shop = 1, .tax = { -((wide)1 << 126) + 5 } };
    static const int64_t diffs[] = { INT64_MAX,  INT64_MAX,  INT64_MAX,
                                     -INT64_MAX, -INT64_MAX, -INT64_MAX + 1 };
    for (int up = 0; up < 2; up++) {
        weir_test *t = weir_test_create(build_taxes, NULL, .no_delays = true);
        for (int i = 0; i < 6; i++)
            weir_test_push_record(t, 0, 0, up ? &large : &less, 0, diffs[i]);
        for (int i = 0; i < 6; i++)
            weir_test_push_record(t, 0, 0, up ? &less : &large, 0, diffs[i]);
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        ck_assert_str_eq(weir_test_take(t, 0),
                         "(product: \"\", shop: 1, sum: 0.05) @0 +1\n");
        weir_test_destroy(t);
    }
}
END_TEST

/* ---- refusals ---- */

static const weir_key by_product = { .count = 1, .field = { 0 } };

static void refuse_field(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_port *in = weir_test_input(g, sale).port;
    ck_assert_ptr_null(
        weir__sum(in, by_shop_type(), (const char *const[]){ "shop", NULL }, "colour"));
    ck_assert_ptr_null(weir_sum_erased(NULL, &by_product, 1, by_shop_type()));
}
static void refuse_text(weir_graph *g, void *ctx)
{
    (void)ctx;
    ck_assert_ptr_null(
        weir_sum_erased(weir_test_input(g, sale).port, &by_product, 0, by_shop_type()));
}
static void refuse_no_field(weir_graph *g, void *ctx)
{
    (void)ctx;
    ck_assert_ptr_null(
        weir_sum_erased(weir_test_input(g, sale).port, &by_product, 70, by_shop_type()));
}
static void refuse_result(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_key key = { .count = 1, .field = { 1 } };
    ck_assert_ptr_null(weir_average_erased(weir_test_input(g, sale).port, &key, 2, by_shop_type()));
}
static void refuse_null(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(sale) s = weir_test_input(g, sale);
    ck_assert_ptr_null(weir_sum(s, keyed_i64, WEIR_KEY(sale, product, shop), points).port);
}
static void refuse_key(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_key key = { .count = 1, .field = { 9 } };
    ck_assert_ptr_null(weir_sum_erased(weir_test_input(g, sale).port, &key, 2, by_shop_type()));
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
    refused(refuse_field, WEIR_TYPE_MISMATCH, "record 'sale' has no field 'colour'");
    refused(refuse_text, WEIR_TYPE_MISMATCH, "field 'product' of record 'sale' is no number");
    refused(refuse_no_field, WEIR_TYPE_MISMATCH, "record 'sale' has no field 70");
    refused(refuse_result, WEIR_TYPE_MISMATCH,
            "record 'by_shop' cannot hold the average of 'cents' of 'sale' by this key");
    refused(refuse_null, WEIR_TYPE_MISMATCH,
            "record 'keyed_i64' cannot hold the sum of 'points' of 'sale' by this key");
    refused(refuse_key, WEIR_TYPE_MISMATCH, "the key is none of the stream's records 'sale'");
}
END_TEST

/* Whichever allocation fails while it runs: it goes on, or says so. */
START_TEST(memory_runs_out)
{
    int failures = 0;
    for (uint64_t nth = 1; nth < 150; nth += nth < 60 ? 1 : 7) {
        weir_test *t = weir_test_create(build, NULL);
        for (int i = 0; i < 600; i++)
            weir_test_push(t, 0, sale, (uint64_t)i % 2, 1,
                           { .product = weir_str_of(products[i % 4]), .shop = (uint8_t)(i % 128),
                             .weight = i % 3 ? 1e300 : 1 });
        weir_test_advance(t, 0, 2);
        weir_memory_fail_nth(nth, 0);
        weir_status status = weir_test_run(t);
        weir_memory_fail_nth(0, 0);
        ck_assert(status == WEIR_OK || status == WEIR_NO_MEMORY);
        failures += status != WEIR_OK;
        weir_test_destroy(t);
        weir_memory_exhausted_reset();
    }
    ck_assert_int_gt(failures, 5);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { like_plain_sums, of_a_plain_stream, records_that_go_first,
                                   overflow, overflow_of_decimals, overflow_of_words,
                                   decimals_that_come_back,
                                   words_without_a_sign, refusals, memory_runs_out, NULL };
    return test_run(test_suite("sum", tests));
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * upsert: the newest record of each key against following them one by one, with and without an
 * order, ties, removals, texts, several epochs open, outside of scopes and in one; refusals and
 * failures.
 */
#include <weir/operators/upsert.h>

#include <stdio.h>
#include <weir/test.h>

#include "oracle.h"

#define QUOTE(F) F(u64, version) F(str, item) F(opt_i64, cents) F(u8, shop)
#define PRICE(F) F(str, item) F(u8, shop) F(i64, cents) F(str, text)
WEIR_RECORD(quote, QUOTE)
WEIR_RECORD(price, PRICE)

static bool price_of(const quote *q, price *p)
{
    *p = (price){ q->item, q->shop, q->cents.value, q->item };
    return q->cents.set;
}
WEIR_UPSERT(price_of, quote, price)

static uint64_t round_of(const quote *q) { return q->version % ROUNDS; }
WEIR_ENTER_AT(round_of, quote)
static bool in_scope;

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(quote) in = weir_test_input(g, quote);
    if (in_scope)
        in = weir_enter_at(in, weir_scope_add(g, NULL, "rounds"), round_of);
    weir_stream(price) p = weir_upsert(in, WEIR_KEY(quote, item, shop), price_of,
                                       .order = WEIR_ASC(quote, version));
    ck_assert_uint_eq(weir_port_unique_key(p.port)->count, 2);
    weir_test_output(p);
}

static const char *const items[] = { "pear", "a fruit of more than twelve bytes" };

enum { QUOTES = 400 };

typedef struct entry {
    quote record;
    uint64_t epoch;
    uint32_t item;
} entry;

/* In a scope a later epoch does not count more. */
static bool is_newer(const entry *a, const entry *b)
{
    if (!in_scope && a->epoch != b->epoch)
        return a->epoch > b->epoch;
    if (a->record.version != b->record.version)
        return a->record.version > b->record.version;
    return weir_record_compare(quote_type(), &a->record, &b->record) < 0;
}

static const entry *newest_of(const entry *all, uint32_t k, const weir_time *time)
{
    const entry *newest = NULL;
    for (size_t i = 0; i < QUOTES; i++)
        if (all[i].epoch <= time->at[0] && (!in_scope || round_of(&all[i].record) <= time->at[1]) &&
            all[i].item == k / 3 && all[i].record.shop == k % 3 &&
            (!newest || is_newer(&all[i], newest)))
            newest = &all[i];
    return newest;
}

static void compare(weir_test *t, const entry *all)
{
    for (uint64_t n = 0; n < EPOCHS * ROUNDS; n++) {
        bag wanted = { .count = 0 };
        weir_time time = { { n / ROUNDS, in_scope ? n % ROUNDS : 0 } };
        for (uint32_t k = 0; k < 6; k++) {
            const entry *newest = newest_of(all, k, &time);
            if (!newest || !newest->record.cents.set)
                continue;
            weir_str item = weir_str_of(items[k / 3]);
            bag_add_record(&wanted, price_type(),
                           &(price){ item, (uint8_t)(k % 3), newest->record.cents.value, item }, 1);
        }
        bag_expect(&wanted, t, 0, price_type(), &time);
    }
}

static void run(uint64_t seed)
{
    uint64_t random = seed;
    static entry all[QUOTES];
    in_scope = seed / 3 % 2;
    weir_test *t = weir_test_create(build, NULL, .workers = 1 + (unsigned)(seed % 3),
                                    .seed = seed, .batch_bytes = seed % 2 ? 256 : 0);
    for (uint64_t i = 0; i < QUOTES; i++) {
        uint64_t now = i * EPOCHS / QUOTES, epoch = now + test_below(&random, 2);
        bool set = test_below(&random, 3) > 0;
        uint32_t item = (uint32_t)test_below(&random, 2);
        all[i] = (entry){ { i * 7919 % QUOTES / 2, weir_str_of(items[item]),
                            { set, set ? (int64_t)test_below(&random, 4) : 0 },
                            (uint8_t)test_below(&random, 3) },
                          epoch < EPOCHS ? epoch : EPOCHS - 1, item };
        weir_test_push_record(t, 0, WEIR_TEST_IN_TURN, &all[i].record, all[i].epoch, 1);
        if (test_below(&random, 20) == 0)
            ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        if (test_below(&random, 20) == 0)
            weir_test_advance(t, 0, now);
    }
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    compare(t, all);
    weir_test_destroy(t);
}

START_TEST(like_following)
{
    test_each_seed(run, 40);
}
END_TEST

static void build_by_arrival(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_test_output(weir_upsert(weir_test_input(g, quote), WEIR_KEY(quote, item, shop),
                                 price_of));
}

START_TEST(by_arrival)
{
    weir_test *t = weir_test_create(build_by_arrival, NULL);
    for (int64_t i = 0; i < 10; i++)
        weir_test_push(t, 0, quote, 0, 1,
                       { (uint64_t)(100 - i), weir_str_of("fig"), { true, i }, 1 });
    weir_test_push(t, 0, quote, 1, 1, { 0, weir_str_of("fig"), { true, 9 }, 1 }); /* no change */
    weir_test_push(t, 0, quote, 2, 1, { 0, weir_str_of("fig"), { .set = false }, 1 });
    weir_test_push(t, 0, quote, 2, 1, { 0, weir_str_of("plum"), { .set = false }, 1 });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_str_eq(weir_test_take(t, 0),
                     "(item: \"fig\", shop: 1, cents: 9, text: \"fig\") @0 +1\n"
                     "(item: \"fig\", shop: 1, cents: 9, text: \"fig\") @2 -1\n");
    weir_test_destroy(t);
}
END_TEST

/* ---- what cannot be ---- */

static bool of_another(const quote *q, price *p)
{
    *p = (price){ weir_str_of("another"), q->shop, 1, q->item };
    return true;
}
WEIR_UPSERT(of_another, quote, price)

static void build_another(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(quote) in = weir_test_input(g, quote);
    if (in_scope)
        in = weir_enter(in, weir_scope_add(g, NULL, "rounds"));
    weir_test_output(weir_upsert(in, WEIR_KEY(quote, item, shop), of_another,
                                 .order = WEIR_ASC(quote, version)));
}

START_TEST(of_another_key)
{
    for (int i = 0; i < 2; i++) {
        in_scope = i;
        weir_test *t = weir_test_create(build_another, NULL);
        weir_test_push(t, 0, quote, 0, 1, { 3, weir_str_of("fig"), { true, 1 }, 7 });
        ck_assert_int_eq(weir_test_finish(t), WEIR_INVALID);
        ck_assert_ptr_nonnull(strstr(weir_test_error(t)->what, "a record of another key"));
        ck_assert_ptr_nonnull(strstr(weir_test_error(t)->what, "item: \"fig\", shop: 7"));
        weir_test_destroy(t);
    }
}
END_TEST

static int wrong;

static void refuse(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(quote) in = weir_test_input(g, quote), none = { .port = NULL };
    static weir_type huge;
    static const char *const key[] = { "item", "shop", NULL };
    static const char *const other_key[] = { "item", "size", NULL };
    weir_upsert_spec spec = { .struct_size = sizeof spec,
                              .kind = "mine",
                              .in = quote_type(),
                              .out = price_type(),
                              .key = key,
                              .make = weir_upsert_of_price_of };
    struct weir_upsert_options options = { .struct_size = sizeof options };
    ck_assert_ptr_null(weir_upsert(none, WEIR_KEY(quote, item), price_of).port);
    switch (wrong) {
    case 0:
        in = weir_as_collection(in);
        break;
    case 1:
        in = weir_enter(in, weir_scope_add(g, NULL, "rounds"));
        break;
    case 2:
        spec.key = other_key;
        break;
    case 3:
        spec.in = price_type();
        break;
    case 4:
        spec.out = quote_type();
        break;
    case 5:
        options.order = WEIR_ASC(price, text);
        break;
    default:
        huge = *price_type();
        huge.size = 4096;
        spec.out = &huge;
    }
    ck_assert_ptr_null(weir_upsert_erased(in.port, &spec, &options));
}

START_TEST(refusals)
{
    static const struct {
        weir_status status;
        const char *what;
    } expected[] = {
        { WEIR_TYPE_MISMATCH, "this is a collection already, in which records go by themselves" },
        { WEIR_INVALID, "in a scope no record is the newest: its times have no one order" },
        { WEIR_TYPE_MISMATCH, "record 'quote' has no field 'size'" },
        { WEIR_TYPE_MISMATCH, "the stream carries 'quote', the function takes 'price'" },
        { WEIR_TYPE_MISMATCH, "record 'quote' does not begin with the key of 'quote'" },
        { WEIR_TYPE_MISMATCH, "an order of record 'price' cannot sort records 'quote'" },
        { WEIR_TOO_LARGE, "a record 'quote' and a result 'price' have over 3500 bytes" },
    };
    for (wrong = 0; wrong < (int)(sizeof expected / sizeof *expected); wrong++)
        oracle_refused(refuse, expected[wrong].status, expected[wrong].what);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { like_following, by_arrival, of_another_key, refusals, NULL };
    return test_run(test_suite("upsert", tests));
}

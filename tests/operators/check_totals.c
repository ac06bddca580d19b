/* SPDX-License-Identifier: Apache-2.0
 *
 * What the changes of each key have come to: when it is known, how values and results add up, that
 * keys with too many of them are given up, and all when most are; and reductions of groups of few
 * values in scopes, against a computation from scratch at every time.
 */
#include "totals.h"

#include <stdio.h>
#include <string.h>
#include <weir/operators/reduce.h>
#include <weir/test.h>

#include "oracle.h"

#define ITEM(F) F(u32, key) F(i32, value)
#define MADE(F) F(u32, key) F(i64, sum)
#define NAMED(F) F(u32, key) F(str, name)
#define LARGE(F) F(u32, key) F(u64, a) F(u64, b) F(u64, c) F(u64, d) F(u64, e)
WEIR_RECORD(item, ITEM)
WEIR_RECORD(made, MADE)
WEIR_RECORD(named, NAMED)
WEIR_RECORD(large, LARGE)

static const weir_key by_key = { .count = 1 };
static const weir_time early = { { 1, 4 } }, late = { { 2, 4 } }, aside = { { 2, 3 } };

static weir__totals totals_of(const weir_type *in, const weir_type *out, bool is_empty)
{
    weir__totals t;
    weir__totals_spec spec = { .order = { .type = in }, .key = &by_key, .out = out, .depth = 2,
                               .parts = 1, .is_empty = is_empty };
    ck_assert_int_eq(weir__totals_init(&t, &spec, NULL), WEIR_OK);
    return t;
}

static void *find(weir__totals *t, uint32_t key)
{
    item i = { key, 0 };
    uint64_t hash = weir_key_hash(item_type(), &by_key, &i, 0);
    void *entry;
    weir__totals_find(t, &i, &hash, 1, &entry);
    return entry;
}

static bool add(weir__totals *t, const void *entry, item i, int64_t sum)
{
    return weir__totals_add(t, entry, (const char *)&i, &sum, 1);
}

/* The key has this value so often at the time, and this result once. */
static void keep(weir__totals *t, void *entry, item i, int64_t sum, const weir_time *time)
{
    made m = { i.key, sum };
    ck_assert(add(t, entry, i, sum));
    ck_assert_uint_eq(t->results.count, 0);
    weir_history_update made_it = { *time, 1, 0 };
    weir__totals_keep(t, entry, time, &(weir__totals_made){ (const char *)&m, 1, &made_it, 1 });
}

START_TEST(adds_up)
{
    weir__totals t = totals_of(item_type(), made_type(), true);
    void *entry = find(&t, 7);
    ck_assert(weir__totals_holds(&t, entry, &aside)); /* it has had none */
    keep(&t, entry, (item){ 7, 5 }, 2, &early);
    ck_assert_ptr_eq(find(&t, 7), entry);
    ck_assert(weir__totals_holds(&t, entry, &early) && weir__totals_holds(&t, entry, &late));
    ck_assert(!weir__totals_holds(&t, entry, &aside));
    item both[] = { { 7, -1 }, { 7, 5 } };
    ck_assert(weir__totals_add(&t, entry, (const char *)both, (int64_t[]){ 3, 1 }, 2));
    const item *values = (const item *)(void *)t.values.records;
    ck_assert(t.values.count == 2 && values[0].value == -1 && values[1].value == 5);
    ck_assert(t.values.sums[0] == 3 && t.values.sums[1] == 3);
    ck_assert(t.results.count == 1 && t.results.sums[0] == 1);
    ck_assert_int_eq(((const made *)(void *)t.results.records)->sum, 2);
    /* instead of the first result another one, twice */
    made results[] = { { 7, 2 }, { 7, 6 } };
    weir_history_update corrections[] = { { late, -1, 0 }, { late, 2, 1 } };
    weir__totals_keep(&t, entry, &late,
                      &(weir__totals_made){ (const char *)results, 2, corrections, 2 });
    ck_assert(!weir__totals_holds(&t, entry, &early));
    ck_assert(add(&t, entry, (item){ 7, 5 }, -3)); /* which takes the value away */
    ck_assert(t.values.count == 1 && values[0].value == -1 && t.values.sums[0] == 3);
    ck_assert(t.results.count == 1 && t.results.sums[0] == 2);
    ck_assert_int_eq(((const made *)(void *)t.results.records)->sum, 6);
    ck_assert(!add(&t, entry, (item){ 7, 5 }, INT64_MAX));
    weir__totals_lose(&t, entry);
    ck_assert(!weir__totals_holds(&t, find(&t, 7), &late));
    weir__totals_fini(&t);
}
END_TEST

START_TEST(too_many)
{
    weir__totals t = totals_of(item_type(), made_type(), true);
    void *entry = find(&t, 7);
    item values[WEIR__TOTALS_MANY - 1];
    int64_t sums[WEIR__TOTALS_MANY - 1];
    for (int i = 0; i < WEIR__TOTALS_MANY - 1; i++) {
        values[i] = (item){ 7, i };
        sums[i] = 1;
    }
    ck_assert(weir__totals_add(&t, entry, (const char *)values, sums, WEIR__TOTALS_MANY - 1));
    weir__totals_keep(&t, entry, &early, &(weir__totals_made){ .count = 0 });
    ck_assert(!weir__totals_holds(&t, entry, &late));
    entry = find(&t, 8);
    made results[2 * WEIR__TOTALS_MANY];
    weir_history_update corrections[2 * WEIR__TOTALS_MANY];
    for (uint32_t i = 0; i < 2 * WEIR__TOTALS_MANY; i++) {
        results[i] = (made){ 8, i };
        corrections[i] = (weir_history_update){ early, 1, i };
    }
    ck_assert(add(&t, entry, (item){ 8, 1 }, 1));
    weir__totals_keep(&t, entry, &early,
                      &(weir__totals_made){ (const char *)results, 2 * WEIR__TOTALS_MANY,
                                            corrections, 2 * WEIR__TOTALS_MANY });
    ck_assert(!weir__totals_holds(&t, entry, &late));
    /* where most keys are such, nothing is kept */
    weir__totals_bound(&t, 100);
    ck_assert_ptr_nonnull(t.table);
    for (int i = 0; i < 2000; i++)
        weir__totals_lose(&t, entry);
    weir__totals_bound(&t, 100);
    ck_assert_ptr_null(t.table);
    ck_assert_ptr_null(find(&t, 8));
    weir__totals_lose(&t, NULL);
    weir__totals_fini(&t);
}
END_TEST

START_TEST(more_keys_than_updates)
{
    weir__totals t = totals_of(item_type(), made_type(), true);
    for (uint32_t k = 0; k < 3000; k++)
        (void)find(&t, k);
    weir__totals_bound(&t, 3000);
    ck_assert_ptr_nonnull(t.table);
    weir__totals_bound(&t, 100);
    ck_assert_ptr_null(t.table);
    weir__totals_fini(&t);
}
END_TEST

START_TEST(nothing_is_kept)
{
    weir__totals t = totals_of(named_type(), made_type(), true);
    ck_assert_ptr_null(t.table);
    ck_assert(!weir__totals_holds(&t, find(&t, 7), &late));
    weir__totals_bound(&t, 0);
    weir__totals_fini(&t);
    t = totals_of(item_type(), named_type(), true);
    ck_assert_ptr_null(t.table);
    weir__totals_fini(&t);
    t = totals_of(large_type(), made_type(), true);
    ck_assert_ptr_null(t.table);
    weir__totals_fini(&t);
    t = totals_of(item_type(), made_type(), false); /* what came before is not known */
    ck_assert_ptr_null(t.table);
    weir__totals_fini(&t);
    t = totals_of(item_type(), made_type(), true);
    weir_memory_fail_nth(1, 1);
    void *entry = find(&t, 7);
    weir_memory_fail_nth(0, 0);
    ck_assert_ptr_null(entry);
    ck_assert(!weir__totals_holds(&t, find(&t, 7), &late)); /* it was seen before */
    weir__totals_bound(&t, 100);
    ck_assert_ptr_null(t.table);
    weir__totals_fini(&t);
}
END_TEST

/* ---- in scopes ---- */

/* Of each key its values up to 2, and the others' sum: few enough, most often. */
static fact fold(const fact *f) { return (fact){ f->key, f->value < 2 ? f->value : 2 }; }
WEIR_MAP(fold, fact, fact)

static void add_all(const fact *key, weir_group(fact) all, weir_out(made) out)
{
    int64_t sum = 0;
    for (size_t i = 0; i < all.count; i++)
        sum += all.counts[i] * (all.records[i]->value + 1);
    if (sum != 0)
        made_emit(out, (made){ key->key, sum });
    if (sum > 3)
        made_emit_n(out, (made){ key->key, -1 }, sum);
}
WEIR_REDUCE(add_all, fact, made)

/* Of results, which change at every time: again. */
static void repeat(const made *key, weir_group(made) all, weir_out(made) out)
{
    (void)key;
    for (size_t i = 0; i < all.count; i++)
        made_emit_n(out, *all.records[i], 2 * all.counts[i]);
}
WEIR_REDUCE(repeat, made, made)

static void build(const weir_stream(fact) *in)
{
    weir_stream(made) sums = weir_reduce(weir_map(in[0], fold), WEIR_KEY(fact, key), add_all);
    weir_test_output(sums);
    weir_test_output(weir_reduce(sums, WEIR_KEY(made, key), repeat));
    weir_test_output(weir_reduce(weir_map(in[0], fold), WEIR_KEY(fact, key), add_all,
                                 .order = WEIR_DESC(fact, value)));
}

static void expect(unsigned output, bag *b, const oracle_sums *sums)
{
    for (uint32_t k = 0; k < KEYS; k++) {
        int64_t sum = 0;
        for (uint32_t v = 0; v < VALUES; v++)
            sum += sums[0].of[k][v] * (v < 2 ? v + 1 : 3);
        int64_t times = output == 1 ? 2 : 1;
        bag_add_record(b, made_type(), &(made){ k, sum }, sum != 0 ? times : 0);
        bag_add_record(b, made_type(), &(made){ k, -1 }, sum > 3 ? times * sum : 0);
    }
}

START_TEST(from_scratch)
{
    oracle o = { .inputs = 1, .outputs = 3, .depth_max = 3, .build = build, .expect = expect,
                 .types = { made_type(), made_type(), made_type() }, .seeds = 120 };
    oracle_check(&o);
    o.negative = true;
    oracle_check(&o);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { adds_up,         too_many,     more_keys_than_updates,
                                   nothing_is_kept, from_scratch, NULL };
    return test_run(test_suite("totals", tests));
}

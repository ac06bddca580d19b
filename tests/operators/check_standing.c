/* SPDX-License-Identifier: Apache-2.0
 *
 * What is known of first records: which changes change nothing, in each order and of kinds that
 * order differently; which keys are new; that it is forgotten when there are more keys than
 * updates; and in a loop, how many values are looked at for changes behind what stays first.
 */
#include "standing.h"

#include <stdio.h>
#include <string.h>
#include <weir/operators/min.h>
#include <weir/operators/reduce.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "looked.h"
#include "support.h"

#define ROW(F) F(u32, key) F(i32, value) F(u64, round)
#define SHARE(F) F(u32, key) F(f64, value)
#define NAMED(F) F(u32, key) F(str, name)
#define LEAST(F) F(u32, key) F(i32, value)
#define CLAIM(F) F(u32, key) F(i32, value) F(u32, who) F(u64, round)
WEIR_RECORD(row, ROW)
WEIR_RECORD(share, SHARE)
WEIR_RECORD(named, NAMED)
WEIR_RECORD(least, LEAST)
WEIR_RECORD(claim, CLAIM)

static const weir_key by_key = { .count = 1 }, no_order = { .count = 0 };
static const weir_time early = { { 1, 4 } }, late = { { 2, 4 } }, aside = { { 2, 3 } };

static weir__standing standing_of(const weir_type *type, uint32_t descending)
{
    weir_key order = { .count = 1, .field = { 1 } };
    weir__standing s;
    weir__standing_spec spec = { .type = type, .key = &by_key, .depth = 2, .parts = 1,
                                 .order = descending ? &order : &no_order,
                                 .descending = descending, .is_empty = true };
    ck_assert_int_eq(weir__standing_init(&s, &spec, NULL), WEIR_OK);
    return s;
}

static void *find(weir__standing *s, const weir_type *type, const void *record)
{
    uint64_t hash = weir_key_hash(type, &by_key, record, 0);
    void *entry;
    weir__standing_find(s, record, &hash, 1, &entry);
    return entry;
}

static bool holds(const weir__standing *s, const void *entry, int32_t value, const weir_time *time)
{
    row r = { 7, value, 0 };
    weir__standing_changes changes = { &r, true, time, 1 };
    return weir__standing_holds(s, entry, &changes);
}

START_TEST(what_changes_nothing)
{
    for (uint32_t descending = 0; descending < 2; descending++) {
        weir__standing s = standing_of(row_type(), descending);
        int32_t behind = descending ? -6 : -4, before = descending ? -4 : -6;
        row r = { 7, -5, 0 };
        void *entry = find(&s, row_type(), &r);
        ck_assert(weir__standing_is_new(&s, entry));
        ck_assert(!holds(&s, entry, behind, &early));
        weir__standing_mark(&s, &r, &early);
        weir__standing_settle(&s, entry);
        ck_assert_ptr_eq(find(&s, row_type(), &r), entry);
        ck_assert(!weir__standing_is_new(&s, entry));
        ck_assert(holds(&s, entry, behind, &early));
        ck_assert(holds(&s, entry, behind, &late));
        ck_assert(!holds(&s, entry, behind, &aside));
        ck_assert(!holds(&s, entry, -5, &early));
        ck_assert(!holds(&s, entry, before, &early));
        weir_time both[] = { early, aside };
        row later = { 7, behind, 0 };
        ck_assert(!weir__standing_holds(&s, entry,
                                        &(weir__standing_changes){ &later, true, both, 2 }));
        weir__standing_settle(&s, entry); /* looked at, and nothing was marked */
        ck_assert(!holds(&s, entry, behind, &late));
        ck_assert(!weir__standing_is_new(&s, entry));
        weir__standing_fini(&s);
    }
}
END_TEST

START_TEST(other_kinds)
{
    weir__standing s = standing_of(share_type(), 0);
    share r = { 7, -0.5 }, behind = { 7, 0.25 }, before = { 7, -0.75 };
    void *entry = find(&s, share_type(), &r);
    weir__standing_mark(&s, &r, &early);
    weir__standing_settle(&s, entry);
    ck_assert(weir__standing_holds(&s, entry,
                                   &(weir__standing_changes){ &behind, true, &early, 1 }));
    ck_assert(!weir__standing_holds(&s, entry,
                                    &(weir__standing_changes){ &before, true, &early, 1 }));
    weir__standing_fini(&s);
    s = standing_of(named_type(), 0); /* of strings nothing is kept */
    named n = { 7, weir_str_of("a") };
    entry = find(&s, named_type(), &n);
    ck_assert_ptr_null(entry);
    ck_assert(!weir__standing_is_new(&s, entry));
    weir__standing_mark(&s, &n, &early);
    weir__standing_settle(&s, entry);
    weir__standing_bound(&s, 0);
    weir__standing_fini(&s);
}
END_TEST

/* More of the very record that stands change nothing, less of it may; so may one that differs from
 * it in what comes behind. */
START_TEST(the_same_again)
{
    weir__standing s = standing_of(least_type(), 0);
    least r = { 7, -5 };
    void *entry = find(&s, least_type(), &r);
    weir__standing_changes changes = { &r, true, &early, 1 };
    weir__standing_mark(&s, &r, &early);
    weir__standing_settle(&s, entry);
    ck_assert(weir__standing_holds(&s, entry, &changes));
    changes.times = &aside;
    ck_assert(!weir__standing_holds(&s, entry, &changes));
    changes = (weir__standing_changes){ &r, false, &late, 1 };
    ck_assert(!weir__standing_holds(&s, entry, &changes));
    weir__standing_fini(&s);
    s = standing_of(row_type(), 0);
    row other = { 7, -5, 1 };
    entry = find(&s, row_type(), &other);
    weir__standing_mark(&s, &other, &early);
    weir__standing_settle(&s, entry);
    ck_assert(!holds(&s, entry, -5, &early));
    weir__standing_fini(&s);
}
END_TEST

/* Where nobody looks at what comes behind, another record is as good. */
START_TEST(alike)
{
    weir__standing s;
    weir__standing_spec spec = { .type = row_type(),
                                 .key = &by_key,
                                 .order = &no_order,
                                 .depth = 2,
                                 .parts = 1,
                                 .by_field = true,
                                 .is_empty = true };
    ck_assert_int_eq(weir__standing_init(&s, &spec, NULL), WEIR_OK);
    row r = { 7, -5, 3 }, other = { 7, -5, 1 }, behind = { 7, -4, 3 };
    ck_assert(weir__standing_is_alike(&s, &r, &other));
    ck_assert(!weir__standing_is_alike(&s, &r, &behind));
    void *entry = find(&s, row_type(), &r);
    weir__standing_mark(&s, &r, &early);
    weir__standing_settle(&s, entry);
    weir__standing_changes changes = { &other, true, &late, 1 };
    ck_assert(weir__standing_holds(&s, entry, &changes));
    changes.grows = false;
    ck_assert(!weir__standing_holds(&s, entry, &changes));
    changes = (weir__standing_changes){ &other, true, &aside, 1 };
    ck_assert(!weir__standing_holds(&s, entry, &changes));
    weir__standing_fini(&s);
    s = standing_of(row_type(), 0);
    ck_assert(!weir__standing_is_alike(&s, &r, &other));
    weir__standing_fini(&s);
}
END_TEST

START_TEST(forgets_what_is_too_much)
{
    weir__standing s = standing_of(row_type(), 0);
    for (uint32_t k = 0; k < 3000; k++)
        ck_assert(weir__standing_is_new(&s, find(&s, row_type(), &(row){ k, 1, 0 })));
    weir__standing_bound(&s, 3000);
    ck_assert_uint_eq(weir_table_count(s.table), 3000);
    weir__standing_bound(&s, 100);
    ck_assert_uint_eq(weir_table_count(s.table), 0);
    row r = { 7, -5, 0 };
    void *entry = find(&s, row_type(), &r);
    ck_assert(entry && !weir__standing_is_new(&s, entry)); /* it may lie in runs */
    weir__standing_mark(&s, &r, &early);
    weir__standing_settle(&s, entry);
    ck_assert(holds(&s, entry, 4, &late));
    weir__standing_fini(&s);
}
END_TEST

START_TEST(memory_runs_out)
{
    weir__standing s = standing_of(row_type(), 0);
    row r = { 7, 1, 0 };
    weir_memory_fail_nth(1, 1);
    ck_assert_ptr_null(find(&s, row_type(), &r));
    weir_memory_fail_nth(0, 0);
    ck_assert(!weir__standing_is_new(&s, find(&s, row_type(), &r))); /* it was seen before */
    weir__standing_fini(&s);
}
END_TEST

/* ---- in a loop ---- */

static uint64_t round_of(const row *r) { return r->round; }
WEIR_ENTER_AT(round_of, row)

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(row) in = weir_test_collection(g, row);
    weir_scope *rounds = weir_scope_add(g, NULL, "rounds");
    weir_test_output(weir_min(weir_enter_at(in, rounds, round_of), least, WEIR_KEY(row, key),
                              value));
}

/* Of a key's first record no value is looked at, of changes behind it neither; of one before it, or
 * where it goes, the group. */
START_TEST(looks_at_nothing)
{
    weir_test *t = weir_test_create(build, NULL);
    for (uint32_t k = 0; k < 100; k++)
        weir_test_push(t, 0, row, 0, 1, { k, 5, 1 });
    weir_test_advance(t, 0, 1);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    for (uint32_t k = 0; k < 100; k++) {
        weir_test_push(t, 0, row, 1, 1, { k, 5, 2 });
        weir_test_push(t, 0, row, 1, 1, { k, 6, 1 });
        weir_test_push(t, 0, row, 1, 1, { k, 9, 3 });
    }
    weir_test_advance(t, 0, 2);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_int_eq(looked(t), 0);
    (void)weir_test_take(t, 0);
    weir_test_push(t, 0, row, 2, -1, { 3, 5, 1 }); /* it is there from round 2 on */
    weir_test_push(t, 0, row, 2, 1, { 4, 2, 2 });
    weir_test_push(t, 0, row, 2, -1, { 5, 5, 2 }); /* which leaves one of two */
    weir_test_advance(t, 0, 3);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_int_gt(looked(t), 0);
    ck_assert_str_eq(weir_test_take(t, 0), "(key: 3, value: 5) @(2, 1) -1\n"
                                           "(key: 3, value: 6) @(2, 1) +1\n"
                                           "(key: 3, value: 5) @(2, 2) +1\n"
                                           "(key: 3, value: 6) @(2, 2) -1\n"
                                           "(key: 4, value: 2) @(2, 2) +1\n"
                                           "(key: 4, value: 5) @(2, 2) -1\n");
    weir_test_destroy(t);
}
END_TEST

static uint64_t claimed_in(const claim *c)
{
    return c->round;
}
WEIR_ENTER_AT(claimed_in, claim)

static void least_claimed(const claim *key, weir_group(claim) all, weir_out(least) out)
{
    const claim *first = weir_group_first(all);
    if (first)
        least_emit(out, (least){ key->key, first->value });
}
WEIR_REDUCE(least_claimed, claim, least)

static void build_claims(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(claim) in = weir_test_collection(g, claim);
    weir_scope *rounds = weir_scope_add(g, NULL, "rounds");
    weir_test_output(weir_reduce(weir_enter_at(in, rounds, claimed_in), WEIR_KEY(claim, key),
                                 least_claimed, .first = 1, .by_first_field = true));
}

/* Where only the first field is looked at, no value is of one that agrees in it; but where one of
 * those goes, even if the first of them in the order comes at the same time. */
START_TEST(looks_at_none_alike)
{
    weir_test *t = weir_test_create(build_claims, NULL);
    for (uint32_t k = 0; k < 100; k++)
        weir_test_push(t, 0, claim, 0, 1, { k, 5, 7, 1 });
    weir_test_advance(t, 0, 1);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    for (uint32_t k = 0; k < 100; k++) {
        weir_test_push(t, 0, claim, 1, 1, { k, 5, 2, 3 });
        weir_test_push(t, 0, claim, 1, 1, { k, 5, 9, 1 });
        weir_test_push(t, 0, claim, 1, 1, { k, 6, 1, 1 });
    }
    weir_test_advance(t, 0, 2);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_int_eq(looked(t), 0);
    (void)weir_test_take(t, 0);
    weir_test_push(t, 0, claim, 2, 1, { 3, 5, 1, 3 });
    weir_test_push(t, 0, claim, 2, -1, { 3, 5, 7, 1 });
    weir_test_push(t, 0, claim, 2, -1, { 3, 5, 9, 1 });
    weir_test_advance(t, 0, 3);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_int_gt(looked(t), 0);
    ck_assert_str_eq(weir_test_take(t, 0), "(key: 3, value: 5) @(2, 1) -1\n"
                                           "(key: 3, value: 6) @(2, 1) +1\n"
                                           "(key: 3, value: 5) @(2, 3) +1\n"
                                           "(key: 3, value: 6) @(2, 3) -1\n");
    weir_test_destroy(t);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { what_changes_nothing,
                                   other_kinds,
                                   the_same_again,
                                   alike,
                                   memory_runs_out,
                                   looks_at_nothing,
                                   forgets_what_is_too_much,
                                   looks_at_none_alike,
                                   NULL };
    return test_run(test_suite("standing", tests));
}

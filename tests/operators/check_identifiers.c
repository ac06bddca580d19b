/* SPDX-License-Identifier: Apache-2.0
 *
 * identifiers: at every time each record that is there has one number, and no two have the same
 * one; which it is depends on the records alone; refusals. Where hashes have 8 bits, many collide.
 */
#include <weir/operators/identifiers.h>

#include <stdio.h>
#include <weir/test.h>

#include "oracle.h"

#define PAGE(F) F(u32, key) F(str, address)
#define NUMBERED(F) F(u32, key) F(str, address) F(u64, id)
WEIR_RECORD(page, PAGE)
WEIR_RECORD(numbered, NUMBERED)

enum { MANY = 120, LAST = 4 };

static page page_of(uint32_t i)
{
    static char text[40];
    snprintf(text, sizeof text, "the address of page %u", i);
    return (page){ i % 5, weir_str_of(text) };
}

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(numbered) n = weir_identifiers(weir_test_collection(g, page), numbered);
    ck_assert_uint_eq(weir_port_unique_key(n.port)->count, 1);
    ck_assert_uint_eq(weir_port_unique_key(n.port)->field[0], 2);
    weir_test_output(n);
}

/* What is there once the epoch is complete, as id of each page; ~0: it is not there. */
static void state_at(weir_test *t, uint64_t epoch, uint64_t ids[MANY])
{
    static int64_t there[MANY];
    memset(ids, 0xff, MANY * sizeof *ids);
    memset(there, 0, sizeof there);
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < weir_test_count(t, 0); i++) {
            weir_test_change c = weir_test_at(t, 0, i);
            const numbered *n = c.record;
            char text[40];
            unsigned which = 0;
            if (c.time.at[0] > epoch)
                continue;
            snprintf(text, sizeof text, "%.*s", (int)n->address.len, weir_str_data(&n->address));
            ck_assert_int_eq(sscanf(text, "the address of page %u", &which), 1);
            ck_assert_uint_lt(which, MANY);
            ck_assert_uint_eq(n->key, which % 5);
            if (pass == 0)
                there[which] += c.diff;
            else if (c.diff > 0 && c.time.at[0] <= epoch)
                ids[which] = n->id; /* the last one that came */
        }
    for (uint32_t i = 0; i < MANY; i++) {
        ck_assert(there[i] == 0 || there[i] == 1);
        ids[i] = there[i] ? ids[i] : UINT64_MAX;
    }
}

static void is_numbered(const uint64_t ids[MANY], const int64_t wanted[MANY])
{
    for (uint32_t i = 0; i < MANY; i++) {
        ck_assert_msg((ids[i] != UINT64_MAX) == (wanted[i] > 0), "page %u", i);
        for (uint32_t k = 0; k < i && wanted[i] > 0; k++)
            ck_assert_msg(ids[k] != ids[i], "pages %u and %u", k, i);
    }
}

static void run(uint64_t seed, unsigned workers, uint64_t last[MANY])
{
    uint64_t random = seed;
    int64_t there[LAST + 1][MANY] = { { 0 } };
    weir_test *t = weir_test_create(build, NULL, .workers = workers, .seed = seed,
                                    .batch_bytes = seed % 2 ? 256 : 0);
    for (uint64_t epoch = 0; epoch <= LAST; epoch++) {
        for (uint32_t i = 0; epoch > 0 && i < MANY; i++)
            there[epoch][i] = there[epoch - 1][i];
        for (uint64_t n = test_below(&random, MANY); n > 0; n--) {
            uint32_t i = (uint32_t)test_below(&random, MANY);
            int64_t diff = there[epoch][i] > 0 && test_below(&random, 2) ? -there[epoch][i] : 1;
            page p = page_of(i);
            there[epoch][i] += diff;
            weir_test_push_record(t, 0, WEIR_TEST_IN_TURN, &p, epoch, diff);
        }
        weir_test_advance(t, 0, epoch + 1);
        if (test_below(&random, 2))
            ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    }
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    for (uint64_t epoch = 0; epoch <= LAST; epoch++) {
        state_at(t, epoch, last);
        is_numbered(last, there[epoch]);
    }
    weir_test_destroy(t);
}

START_TEST(each_has_its_own)
{
    uint64_t ids[3][MANY];
    for (uint64_t seed = 1; seed <= 20; seed++) {
        for (unsigned workers = 1; workers <= 3; workers++)
            run(seed, workers, ids[workers - 1]);
        ck_assert_int_eq(memcmp(ids[0], ids[1], sizeof ids[0]), 0);
        ck_assert_int_eq(memcmp(ids[0], ids[2], sizeof ids[0]), 0);
    }
}
END_TEST

/* ---- in a scope ---- */

static void build_scope(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(page) pages = weir_test_collection(g, page);
    weir_stream(page) inside = weir_enter(pages, weir_scope_add(g, NULL, "rounds"));
    weir_stream(numbered) left = weir_leave(weir_identifiers(inside, numbered));
    weir_assert_equal(left, weir_identifiers(pages, numbered));
    weir_test_output(left);
}

START_TEST(in_a_scope)
{
    weir_test *t = weir_test_create(build_scope, NULL, .workers = 2);
    for (uint32_t i = 0; i < 50; i++) {
        page p = page_of(i);
        weir_test_push_record(t, 0, WEIR_TEST_IN_TURN, &p, i % 3, 1);
    }
    ck_assert_msg(weir_test_finish(t) == WEIR_OK, "%s", weir_test_error(t)->what);
    ck_assert_uint_ge(weir_test_count(t, 0), 50);
    weir_test_destroy(t);
}
END_TEST

/* ---- refusals ---- */

static void refuse_result(weir_graph *g, void *ctx)
{
    (void)ctx;
    ck_assert_ptr_null(weir_identifiers_erased(NULL, numbered_type()));
    ck_assert_ptr_null(weir_identifiers(weir_test_collection(g, numbered), numbered).port);
}

static void refuse_depth(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(page) in = weir_test_collection(g, page);
    weir_scope *scope = NULL;
    for (int i = 0; i < WEIR_TIME_COORDS - 1; i++)
        in = weir_enter(in, scope = weir_scope_add(g, scope, "deep"));
    ck_assert_ptr_null(weir_identifiers(in, numbered).port);
}

START_TEST(refusals)
{
    oracle_refused(refuse_result, WEIR_TYPE_MISMATCH,
                   "record 'numbered' cannot hold records 'numbered' and a number");
    oracle_refused(refuse_depth, WEIR_TOO_LARGE, "times have at most 4 coordinates");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { each_has_its_own, in_a_scope, refusals, NULL };
    return test_run(test_suite("identifiers", tests));
}

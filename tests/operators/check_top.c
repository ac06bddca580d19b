/* SPDX-License-Identifier: Apache-2.0
 *
 * top: against sorting from scratch at every time, outside of scopes and in one, with insertions
 * and deletions, records that are there more than once, keys that are not the first field;
 * refusals.
 */
#include <weir/operators/top.h>

#include <stdio.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "bag.h"
#include "support.h"

#define HITS(F) F(u64, hits) F(str, page) F(u32, country)
WEIR_RECORD(hits, HITS)

enum { PAGES = 4, HITS_MAX = 5, COUNTRIES = 3, EPOCHS = 6, ROUNDS = 3, CHANGES = 150 };

static uint64_t round_of(const hits *h) { return h->hits % ROUNDS; }
WEIR_ENTER_AT(round_of, hits)

static bool in_scope;

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(hits) in = weir_test_collection(g, hits);
    if (in_scope)
        in = weir_enter_at(in, weir_scope_add(g, NULL, "rounds"), round_of);
    weir_test_output(weir_top(in, WEIR_KEY(hits, country), 3, WEIR_DESC(hits, hits)));
    weir_test_output(weir_top(in, WEIR_KEY(hits, country), 1, WEIR_ASC(hits, page, hits)));
}

static const char *const pages[PAGES] = { "/", "/a page of a long name", "/b", "/a" };

typedef struct change {
    hits record;
    uint32_t page;
    weir_time time;
    int64_t diff;
    bool is_gone;
} change;

/* Counts down through the records of a country in an order. */
static void expect(bag *b, const change *changes, size_t count, const weir_time *time, int which)
{
    static const uint32_t by_name[PAGES] = { 0, 3, 1, 2 }; /* "/" "/a" "/a page…" "/b" */
    int64_t there[COUNTRIES][HITS_MAX][PAGES] = { { { 0 } } };
    for (size_t i = 0; i < count; i++)
        if (weir_time_less_equal(&changes[i].time, time, 2))
            there[changes[i].record.country][changes[i].record.hits][changes[i].page] +=
                changes[i].diff;
    for (uint32_t c = 0; c < COUNTRIES; c++) {
        int64_t left = which == 0 ? 3 : 1;
        for (uint64_t n = 0; n < HITS_MAX * PAGES && left > 0; n++) {
            uint64_t h = which == 0 ? HITS_MAX - 1 - n / PAGES : n % HITS_MAX;
            uint32_t p = by_name[which == 0 ? n % PAGES : n / HITS_MAX];
            int64_t taken = there[c][h][p] < left ? there[c][h][p] : left;
            bag_add_record(b, hits_type(), &(hits){ h, weir_str_of(pages[p]), c }, taken);
            left -= taken;
        }
    }
}

static void compare(weir_test *t, const change *changes, size_t count)
{
    for (uint64_t n = 0; n < EPOCHS * ROUNDS; n++)
        for (unsigned which = 0; which < 2; which++) {
            bag wanted = { .count = 0 };
            weir_time time = { { n / ROUNDS, in_scope ? n % ROUNDS : 0 } };
            expect(&wanted, changes, count, &time, (int)which);
            bag_expect(&wanted, t, which, hits_type(), &time);
        }
}

static void run(uint64_t seed)
{
    uint64_t random = seed;
    change *changes = calloc(CHANGES, sizeof *changes);
    size_t count = 0;
    in_scope = seed / 3 % 2;
    weir_test *t = weir_test_create(build, NULL, .workers = 1 + (unsigned)(seed % 3),
                                    .seed = seed, .batch_bytes = seed % 2 ? 128 : 0);
    for (uint64_t now = 0; now < EPOCHS; now++) {
        for (uint64_t n = test_below(&random, CHANGES / EPOCHS); n > 0; n--) {
            change *c = &changes[count++];
            change *old = &changes[test_below(&random, count)];
            uint64_t epoch = now + test_below(&random, 2);
            epoch = epoch < EPOCHS ? epoch : EPOCHS - 1;
            c->page = (uint32_t)test_below(&random, PAGES);
            c->record = (hits){ test_below(&random, HITS_MAX), weir_str_of(pages[c->page]),
                                (uint32_t)test_below(&random, COUNTRIES) };
            c->diff = 1 + (int64_t)test_below(&random, 2);
            if (old != c && !old->is_gone && test_below(&random, 2)) {
                c->page = old->page;
                c->record = old->record;
                c->diff = -old->diff;
                c->is_gone = old->is_gone = true;
                epoch = epoch < old->time.at[0] ? old->time.at[0] : epoch;
            }
            c->time = (weir_time){ { epoch, in_scope ? c->record.hits % ROUNDS : 0 } };
            weir_test_push_record(t, 0, WEIR_TEST_IN_TURN, &c->record, epoch, c->diff);
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

START_TEST(like_sorting)
{
    test_each_seed(run, 30);
}
END_TEST

/* ---- refusals ---- */

static void refuse_none(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(hits) in = weir_test_collection(g, hits);
    ck_assert_ptr_null(weir_top(in, WEIR_KEY(hits, country), 0, WEIR_DESC(hits, hits)).port);
    ck_assert_ptr_null(weir__top(NULL, NULL, 1, WEIR_DESC(hits, hits)));
}
static void refuse_no_order(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(hits) in = weir_test_collection(g, hits);
    ck_assert_ptr_null(weir_top(in, WEIR_KEY(hits, country), 1, (weir_order){ 0 }).port);
}
static void refuse_plain(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(hits) in = weir_test_input(g, hits);
    ck_assert_ptr_null(weir_top(in, WEIR_KEY(hits, country), 1, WEIR_ASC(hits, hits)).port);
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
    refused(refuse_none, WEIR_INVALID, "the first 0 records of a key are none");
    refused(refuse_no_order, WEIR_INVALID, "there are no first records without an order");
    refused(refuse_plain, WEIR_TYPE_MISMATCH,
            "collections are arranged, and this is a plain stream");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { like_sorting, refusals, NULL };
    return test_run(test_suite("top", tests));
}

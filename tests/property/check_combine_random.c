/* SPDX-License-Identifier: Apache-2.0
 *
 * Counts of random records with long strings, which are added up on the way to the count: on 1 to 3
 * workers, of plain streams and of collections, by a string, a number or both, with a tiny budget
 * and with a large one, all against a naive model. However much is added up, what is in flight
 * stays within the budget. WEIR_SEED repeats one graph.
 */
#include <stdio.h>
#include <string.h>
#include <weir/observe.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define ITEM(F) F(u64, value) F(str, name)
#define BY_NAME(F) F(str, name) F(i64, count)
#define BY_VALUE(F) F(u64, value) F(i64, count)
#define BY_BOTH(F) F(str, name) F(u64, value) F(i64, count)
WEIR_RECORD(item, ITEM)
WEIR_RECORD(by_name, BY_NAME)
WEIR_RECORD(by_value, BY_VALUE)
WEIR_RECORD(by_both, BY_BOTH)

enum { GRAPHS = 12, PUSHED = 12, EPOCHS = 4, NAMES_MAX = 8000, BATCH = 2048 };

typedef struct program {
    uint64_t seed, times; /* records made of each */
    unsigned workers, names, key;
    bool collection, moves; /* moves: to another worker before they are counted */
} program;

static item made(const program *p, const item *in, uint64_t i, char *text)
{
    uint64_t n = (in->value * 7919 + i * 31) % p->names;
    snprintf(text, 200, n % 3 ? "%u" : "the name of number %u, which lies outside of the record: "
             "it is as long as a line of some text that somebody reads", (unsigned)n);
    return (item){ n % 17, weir_str_of(text) };
}

static void make(const program *p, const item *in, weir_out(item) out)
{
    char text[200];
    for (uint64_t i = 0; i < p->times; i++) {
        item r = made(p, in, i, text);
        r.name = weir_str_copy(out, r.name);
        item_emit(out, r);
    }
}
WEIR_FLAT_MAP_CTX(make, const program, item, item)

static void build(weir_graph *g, void *ctx)
{
    const program *p = ctx;
    weir_stream(item) s = { .port = NULL };
    if (p->collection)
        s = weir_test_collection(g, item);
    else
        s = weir_test_input(g, item);
    weir_stream(item) many = weir_flat_map_ctx(s, make, .ctx = p);
    if (p->moves)
        many = weir_exchange(many, WEIR_KEY(item, value));
    if (p->key == 0)
        weir_test_output(weir_count(many, by_name, WEIR_KEY(item, name)));
    else if (p->key == 1)
        weir_test_output(weir_count(many, by_value, WEIR_KEY(item, value)));
    else
        weir_test_output(weir_count(many, by_both, WEIR_KEY(item, name, value)));
}

/* What was pushed, and the counts that it has in the end. */
typedef struct input {
    uint64_t value[PUSHED], epoch[PUSHED];
    int64_t diff[PUSHED];
    int64_t counts[NAMES_MAX];
} input;

static void make_input(const program *p, input *in)
{
    uint64_t random = p->seed;
    *in = (input){ .value = { 0 } };
    for (unsigned i = 0; i < PUSHED; i++) {
        in->value[i] = test_below(&random, 1000);
        in->epoch[i] = 1 + i * EPOCHS / PUSHED;
        in->diff[i] = p->collection && i >= PUSHED / 2 && test_below(&random, 2) ? -1 : 1;
        if (in->diff[i] < 0) /* takes back an earlier one */
            in->value[i] = in->value[i - PUSHED / 2];
        for (uint64_t k = 0; k < p->times; k++)
            in->counts[(in->value[i] * 7919 + k * 31) % p->names] += in->diff[i];
    }
}

static uint64_t number_of(weir_str name)
{
    char text[300];
    size_t len = name.len;
    memcpy(text, weir_str_data(&name), len);
    text[len] = 0;
    return strtoull(text[0] == 't' ? text + strlen("the name of number ") : text, NULL, 10);
}

/* Adds up what came out; of counts by value, for the value. */
static void check(const program *p, const input *in, weir_test *t)
{
    int64_t sums[NAMES_MAX] = { 0 };
    for (size_t i = 0; i < weir_test_count(t, 0); i++) {
        weir_test_change c = weir_test_at(t, 0, i);
        if (p->key == 0)
            sums[number_of(((const by_name *)c.record)->name)] +=
                c.diff * ((const by_name *)c.record)->count;
        else if (p->key == 1)
            sums[((const by_value *)c.record)->value] +=
                c.diff * ((const by_value *)c.record)->count;
        else
            sums[number_of(((const by_both *)c.record)->name)] +=
                c.diff * ((const by_both *)c.record)->count;
    }
    int64_t expected[NAMES_MAX] = { 0 };
    for (unsigned n = 0; n < p->names; n++)
        expected[p->key == 1 ? n % 17 : n] += in->counts[n];
    for (unsigned n = 0; n < NAMES_MAX; n++)
        ck_assert_msg(sums[n] == expected[n], "WEIR_SEED=%llu: %u counts %lld, not %lld",
                      (unsigned long long)p->seed, n, (long long)sums[n],
                      (long long)expected[n]);
}

static void run(const program *p, const input *in, size_t budget)
{
    weir_test *t = weir_test_create(build, (void *)p, .workers = p->workers, .seed = p->seed,
                                    .batch_bytes = BATCH, .budget_bytes = budget);
    for (unsigned i = 0; i < PUSHED; i++)
        weir_test_push(t, 0, item, in->epoch[i], in->diff[i],
                       { in->value[i], weir_str_of("the name of one that was pushed") });
    weir_status status = weir_test_finish(t);
    ck_assert_msg(status == WEIR_OK, "WEIR_SEED=%llu: %s %s", (unsigned long long)p->seed,
                  weir_test_error(t)->what, weir_test_error(t)->detail);
    check(p, in, t);
    weir_process_info info;
    weir_observe_process(weir_test_runtime(t), &info);
    ck_assert_uint_eq(info.spilled_bytes, 0);
    ck_assert_uint_eq(info.in_flight_bytes, 0);
    /* as in check_flow_random: one batch that must go, one that is read back */
    ck_assert_msg(info.in_flight_peak_bytes <=
                      budget + p->workers * 2 * ((64 << 10) + 16 * BATCH + (16 << 10)),
                  "WEIR_SEED=%llu: %llu in flight", (unsigned long long)p->seed,
                  (unsigned long long)info.in_flight_peak_bytes);
    weir_test_destroy(t);
}

START_TEST(counts_are_right_within_the_budget)
{
    uint64_t first = test_seed(0);
    for (uint64_t n = 0; n < (first ? 1 : GRAPHS); n++) {
        uint64_t seed = first ? first : 500 + n, random = seed;
        program p = { .seed = seed, .workers = 1 + (unsigned)test_below(&random, 3),
                      .times = 1 + test_below(&random, test_below(&random, 3) ? 200 : 12000),
                      .names = 1 + (unsigned)test_below(&random, NAMES_MAX),
                      .key = (unsigned)test_below(&random, 3),
                      .collection = test_below(&random, 2), .moves = test_below(&random, 2) };
        input in;
        make_input(&p, &in);
        run(&p, &in, 1u << 30);
        run(&p, &in, p.times <= 200 ? 40000 : 150000);
        if (p.times <= 200) /* else it takes very many turns */
            run(&p, &in, 1);
    }
}
END_TEST

/* One record is made into so many that they do not go into the budget, added up or not. */
START_TEST(many_different_keys)
{
    for (unsigned workers = 1; workers <= 2; workers++) {
        program p = { .seed = 1, .workers = workers, .times = NAMES_MAX, .names = NAMES_MAX };
        input in;
        make_input(&p, &in);
        run(&p, &in, 100000);
    }
}
END_TEST

int main(void)
{
    return test_run(test_suite("combine_random", (const TTest *const[]){
        counts_are_right_within_the_budget, many_different_keys, NULL }));
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * An operator over collections against a computation from scratch at every time: random facts that
 * come and go, at depth 1 to 3, with several open epochs, 1 to 3 workers, tiny batches.
 */
#ifndef WEIR_TESTS_OPERATORS_ORACLE_H
#define WEIR_TESTS_OPERATORS_ORACLE_H

#include <weir/weir.h>

#include "bag.h"
#include "support.h"

enum { KEYS = 4, VALUES = 7, EPOCHS = 5, ROUNDS = 3, CHANGES = 160, ORACLE_INPUTS = 3 };

#define FACT(F) F(u32, key) F(u32, value)
#define FACT_AT(F) F(u32, key) F(u32, value) F(u64, round) F(u64, inner)
WEIR_RECORD(fact, FACT)
WEIR_RECORD(fact_at, FACT_AT)

/* How often each fact is there, of each input. */
typedef struct oracle_sums {
    int64_t of[KEYS][VALUES];
} oracle_sums;

typedef struct oracle {
    unsigned inputs, outputs, depth_max;
    bool negative; /* more may go than there was */
    const weir_type *types[4]; /* of the outputs */
    void (*build)(const weir_stream(fact) *in); /* declares the outputs */
    void (*expect)(unsigned output, bag *b, const oracle_sums *sums);
    uint64_t seeds;
} oracle;

typedef struct oracle_change {
    unsigned input;
    weir_time time;
    uint32_t key, value;
    int64_t diff;
    bool is_gone;
} oracle_change;

static const oracle *oracle_at;
static unsigned oracle_depth;

static inline fact oracle_strip(const fact_at *f) { return (fact){ f->key, f->value }; }
WEIR_MAP(oracle_strip, fact_at, fact)
static inline uint64_t oracle_round(const fact_at *f) { return f->round; }
WEIR_ENTER_AT(oracle_round, fact_at)
static inline uint64_t oracle_inner(const fact_at *f) { return f->inner; }
WEIR_ENTER_AT(oracle_inner, fact_at)

/* Facts of several times in one batch, as joins and reductions send them. */
static void oracle_mix(weir_step *step, void *state)
{
    (void)state;
    for (const weir_batch *batch; (batch = weir_step_take(step, 0));) {
        weir_builder *out = weir_step_output(step, 0, NULL);
        for (size_t i = 0; i < batch->count; i++) {
            const fact_at *f = weir_batch_record(batch, i);
            weir_time time = weir_batch_time(batch, i);
            time.at[1] = f->round;
            time.at[2] = oracle_depth > 2 ? f->inner : 0;
            weir_builder_set_time(out, &time);
            weir_builder_set_diff(out, weir_batch_diff(batch, i));
            weir_builder_copy(out, batch, i);
        }
    }
}

static weir_port *oracle_mixed(weir_graph *g, weir_port *in)
{
    weir_node_input input = { .type = fact_at_type(), .takes_diffs = true };
    weir_node_output output = { .type = fact_at_type(), .collection = true };
    weir_node_spec spec = { .struct_size = sizeof spec,
                            .kind = "mix",
                            .input_count = 1,
                            .output_count = 1,
                            .inputs = &input,
                            .outputs = &output,
                            .step = oracle_mix };
    return weir_node_output_port(weir_node_add(g, &spec, &in), 0);
}

static void oracle_build(weir_graph *g, void *ctx)
{
    weir_stream(fact) streams[ORACLE_INPUTS];
    weir_scope *scope = oracle_depth > 1 ? weir_scope_add(g, NULL, "rounds") : NULL;
    weir_scope *inner = oracle_depth > 2 ? weir_scope_add(g, scope, "inner") : NULL;
    const bool *mixed = ctx;
    for (unsigned i = 0; i < oracle_at->inputs; i++) {
        weir_stream(fact_at) in = weir_test_collection(g, fact_at);
        if (scope)
            in = *mixed ? weir_enter(in, scope) : weir_enter_at(in, scope, oracle_round);
        if (inner)
            in = *mixed ? weir_enter(in, inner) : weir_enter_at(in, inner, oracle_inner);
        if (scope && *mixed)
            in.port = oracle_mixed(g, in.port);
        streams[i] = weir_map(in, oracle_strip);
    }
    oracle_at->build(streams);
}

/* The next change: something new, or something less of what there was, at its time or later. */
static oracle_change oracle_next(uint64_t *random, oracle_change *all, size_t count, uint64_t now)
{
    uint64_t epoch = now + test_below(random, 3);
    uint64_t round = test_below(random, ROUNDS), inner = test_below(random, ROUNDS);
    oracle_change c = { .input = (unsigned)test_below(random, oracle_at->inputs),
                        .key = (uint32_t)test_below(random, KEYS),
                        .value = (uint32_t)test_below(random, VALUES),
                        .diff = 1 + (int64_t)test_below(random, 2) };
    oracle_change *old = count > 0 ? &all[test_below(random, count)] : NULL;
    if (oracle_at->negative && test_below(random, 2))
        c.diff = -c.diff;
    if (!oracle_at->negative && old && !old->is_gone && test_below(random, 2)) {
        old->is_gone = true;
        c = *old;
        c.diff = -old->diff;
        epoch = epoch < old->time.at[0] ? old->time.at[0] : epoch;
        round = oracle_depth > 1 ? old->time.at[1] : 0;
        inner = oracle_depth > 2 ? old->time.at[2] : 0;
    }
    epoch = epoch < EPOCHS ? epoch : EPOCHS - 1;
    c.time = (weir_time){ { epoch, oracle_depth > 1 ? round : 0, oracle_depth > 2 ? inner : 0 } };
    return c;
}

static void oracle_compare(weir_test *t, const oracle_change *changes, size_t count)
{
    uint64_t rounds = oracle_depth > 1 ? ROUNDS : 1, inner = oracle_depth > 2 ? ROUNDS : 1;
    for (uint64_t n = 0; n < EPOCHS * rounds * inner; n++) {
        weir_time time = { { n / rounds / inner, n / inner % rounds, n % inner, 0 } };
        oracle_sums sums[ORACLE_INPUTS];
        memset(sums, 0, sizeof sums);
        for (size_t i = 0; i < count; i++)
            if (weir_time_less_equal(&changes[i].time, &time, WEIR_TIME_COORDS))
                sums[changes[i].input].of[changes[i].key][changes[i].value] += changes[i].diff;
        for (unsigned o = 0; o < oracle_at->outputs; o++) {
            bag wanted = { .count = 0 };
            oracle_at->expect(o, &wanted, sums);
            bag_expect(&wanted, t, o, oracle_at->types[o], &time);
        }
    }
}

static void oracle_run(uint64_t seed)
{
    uint64_t random = seed;
    oracle_change *changes = calloc(CHANGES, sizeof *changes);
    size_t count = 0;
    oracle_depth = 1 + (unsigned)(seed % oracle_at->depth_max);
    bool mixed = seed / 2 % 2;
    weir_test *t = weir_test_create(oracle_build, &mixed, .workers = 1 + (unsigned)(seed / 3 % 3),
                                    .seed = seed, .batch_bytes = seed % 2 ? 128 : 0);
    for (uint64_t now = 0; now < EPOCHS; now++) {
        for (uint64_t n = test_below(&random, CHANGES / EPOCHS); n > 0; n--) {
            oracle_change c = oracle_next(&random, changes, count, now);
            fact_at f = { c.key, c.value, c.time.at[1], c.time.at[2] };
            changes[count++] = c;
            weir_test_push_record(t, c.input, WEIR_TEST_IN_TURN, &f, c.time.at[0], c.diff);
        }
        if (test_below(&random, 2))
            ck_assert_msg(weir_test_run(t) == WEIR_OK, "WEIR_SEED=%llu: %s",
                          (unsigned long long)seed, weir_test_error(t)->what);
        for (unsigned i = 0; i < oracle_at->inputs; i++)
            if (test_below(&random, 3))
                weir_test_advance(t, i, now + 1);
    }
    ck_assert_msg(weir_test_finish(t) == WEIR_OK, "WEIR_SEED=%llu: %s", (unsigned long long)seed,
                  weir_test_error(t)->what);
    oracle_compare(t, changes, count);
    weir_test_destroy(t);
    free(changes);
}

/* Each seed of the test, or the one that the environment names. */
WEIR_UNUSED static void oracle_check(const oracle *o)
{
    oracle_at = o;
    test_each_seed(oracle_run, o->seeds);
    oracle_at = NULL;
}

/* ---- refusals ---- */

WEIR_UNUSED static void oracle_refused(weir_build_fn *fn, weir_status status, const char *what)
{
    weir_test *t = weir_test_create(fn, NULL);
    ck_assert_int_eq(weir_test_error(t)->status, status);
    ck_assert_str_eq(weir_test_error(t)->what, what);
    ck_assert(weir_test_error(t)->hint[0]);
    weir_test_destroy(t);
}

#endif

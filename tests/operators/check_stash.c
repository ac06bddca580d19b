/* SPDX-License-Identifier: Apache-2.0
 *
 * The stash: batches of one time and of many, in any order, come out epoch by epoch, each record
 * once, none before its epoch is the earliest that may still come; the last epoch that there can be
 * is complete, too, when nothing more comes.
 */
#include "stash.h"

#include <weir/weir.h>

#include "data/builder.h"
#include "data/pool.h"
#include "support.h"

#define NUMBER(F) F(u64, value)
WEIR_RECORD(number, NUMBER)

enum { BATCHES = 400, EPOCHS = 60 };

/* By epoch; the last of all epochs is behind them. `worked` counts records that a step's limit was
 * charged with. */
static uint64_t seed, sent[EPOCHS + 1], got[EPOCHS + 1], sent_count, got_count, worked;

static uint64_t slot_of(uint64_t epoch)
{
    return epoch == UINT64_MAX ? EPOCHS : epoch;
}

/* ---- a source of batches whose records have times of their own ---- */

typedef struct source {
    uint64_t random, low;
    unsigned left;
} source;

static weir__pool *pool;

static void send(weir_step *step, source *s)
{
    bool last = seed % 3 == 0 && s->left < 4;
    uint64_t first = last && s->left < 2 ? UINT64_MAX : s->low + test_below(&s->random, 4);
    bool mixed = test_below(&s->random, 2);
    weir_batch *batch = weir__batch_create(number_type(), 1);
    batch->count = 1 + test_below(&s->random, 20);
    batch->record_buffer = weir__pool_get(pool, batch->count * sizeof(number));
    batch->records = weir__buffer_data(batch->record_buffer);
    batch->time = weir_time_1(first);
    if (mixed) {
        batch->time_buffer = weir__pool_get(pool, batch->count * sizeof(uint64_t));
        batch->times = weir__buffer_data(batch->time_buffer);
    }
    for (size_t i = 0; i < batch->count; i++) {
        uint64_t value = test_below(&s->random, 1000), time = first;
        if (mixed && first < UINT64_MAX)
            time = last && i % 3 == 0 ? UINT64_MAX : time + test_below(&s->random, 4);
        if (mixed)
            ((uint64_t *)weir__buffer_data(batch->time_buffer))[i] = time;
        ((number *)weir__buffer_data(batch->record_buffer))[i].value = value;
        sent[slot_of(time)] += value;
        sent_count++;
    }
    weir__batch_charge(batch);
    weir_step_send(step, 0, batch, NULL);
    weir_batch_release(batch);
}

static weir_status source_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)step;
    (void)ctx;
    (void)error;
    source *s = calloc(1, sizeof *s);
    *s = (source){ .random = seed, .left = BATCHES };
    *state = s;
    return WEIR_OK;
}

static void source_step(weir_step *step, void *state)
{
    source *s = state;
    for (uint64_t n = test_below(&s->random, 20); n > 0 && s->left > 0; n--, s->left--)
        send(step, s);
    if (s->left == 0) {
        weir_cap_drop(step, 0);
        return;
    }
    if (s->low + 8 < EPOCHS)
        s->low += test_below(&s->random, 3);
    weir_time low = weir_time_1(s->low);
    weir_cap_downgrade(step, 0, &low);
    weir_step_again(step);
}

/* ---- what is tested, once with capabilities and once without ---- */

typedef struct taker {
    weir__stash stash;
    uint64_t epoch;
    weir_account *account;
} taker;

static bool with_caps;

static weir_status taker_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)ctx;
    (void)error;
    taker *t = calloc(1, sizeof *t);
    t->account = weir_step_account(step);
    weir__stash_init(&t->stash, with_caps, t->account);
    *state = t;
    return WEIR_OK;
}

static void piece(const weir_batch *batch, size_t from, size_t to, void *ctx)
{
    taker *t = ctx;
    t->epoch = weir__stash_epoch(&t->stash);
    for (size_t i = from; i < to; i++) {
        ck_assert_msg(weir_batch_time(batch, i).at[0] == t->epoch, "WEIR_SEED=%llu",
                      (unsigned long long)seed);
        got[slot_of(t->epoch)] += ((const number *)weir_batch_record(batch, i))->value;
        got_count++;
    }
}

static void take_in(weir_step *step, taker *t)
{
    if (!weir__stash_feed(&t->stash, step, piece, t))
        return;
    while (weir__stash_complete(&t->stash, step, piece, t)) {
        const weir__due *due = weir__stash_first(&t->stash);
        ck_assert_uint_ge(due->time.at[0], t->epoch);
        ck_assert_int_eq(with_caps, due->cap != WEIR_CAP_NONE);
        /* What came of it is there, and nothing can come any more. */
        uint64_t slot = slot_of(due->time.at[0]);
        ck_assert_msg(got[slot] == sent[slot], "WEIR_SEED=%llu: epoch %u",
                      (unsigned long long)seed, (unsigned)slot);
        weir__stash_done(&t->stash, step);
    }
    if (t->stash.dues.count == 0)
        ck_assert_int_eq(weir_account_bytes(t->account), 0);
}

static void taker_step(weir_step *step, void *state)
{
    taker *t = state;
    take_in(step, t);
    worked += t->stash.limit - t->stash.left;
}

static void taker_fini(void *state)
{
    taker *t = state;
    weir__stash_fini(&t->stash);
    free(t);
}

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_node_output output = { .type = number_type() };
    weir_node_spec spec = { .struct_size = sizeof spec,
                            .kind = "source",
                            .output_count = 1,
                            .outputs = &output,
                            .initial_capabilities = true,
                            .init = source_init,
                            .step = source_step,
                            .fini = free };
    weir_port *port = weir_node_output_port(weir_node_add(g, &spec, NULL), 0);
    weir_node_input input = { .type = number_type(), .interest = WEIR_ALWAYS };
    weir_node_spec taker_spec = { .struct_size = sizeof spec,
                                  .kind = "taker",
                                  .input_count = 1,
                                  .inputs = &input,
                                  .output_count = 1,
                                  .outputs = &output,
                                  .init = taker_init,
                                  .step = taker_step,
                                  .fini = taker_fini };
    weir_node_add(g, &taker_spec, &port);
}

static void run(void)
{
    weir_error error;
    weir_config config = { .struct_size = sizeof config };
    memset(sent, 0, sizeof sent);
    memset(got, 0, sizeof got);
    sent_count = got_count = worked = 0;
    pool = weir__pool_create();
    ck_assert_int_eq(weir_run(&config, build, NULL, &error), WEIR_OK);
    weir__pool_close(pool);
    ck_assert_uint_eq(sent_count, got_count);
    ck_assert_uint_eq(sent_count, worked);
    for (int e = 0; e <= EPOCHS; e++)
        ck_assert_uint_eq(sent[e], got[e]);
}

START_TEST(epoch_by_epoch)
{
    uint64_t fixed = test_seed(0);
    for (seed = fixed ? fixed : 1; seed <= (fixed ? fixed : 30); seed++) {
        with_caps = seed % 2;
        run();
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { epoch_by_epoch, NULL };
    return test_run(test_suite("stash", tests));
}

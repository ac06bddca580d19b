/* SPDX-License-Identifier: Apache-2.0
 *
 * A worker that waits for credits: it does not sleep on those that come while it is going to sleep,
 * and files that cannot be read, or are damaged, end the run with what happened. Two workers in one
 * thread; the second one's node takes nothing, so that credits come back with no changes.
 */
#include <string.h>

#include <weir/weir.h>

#include "dataflow/instance.h"
#include "harness/disk.h"
#include "harness/harness.h"
#include "support.h"
#include "worker/runtime.h"

#define NUMBER(F) F(u64, n)
WEIR_RECORD(number, NUMBER)

enum { MADE = 40 };

typedef struct pair {
    weir__test_env *env;
    weir_runtime *runtime;
    weir_input(number) numbers;
    weir_input_handle(number) handle;
    bool parked, races; /* the first worker is asleep; the second runs just before it is */
    unsigned sleeps, lost;
} pair;

static pair *current;

static void make_many(const number *in, weir_out(number) out)
{
    for (uint64_t i = 0; i < MADE; i++)
        number_emit(out, (number){ in->n + i });
}
WEIR_FLAT_MAP(make_many, number, number)

static void to_second(const void *records, size_t count, uint64_t *hashes, void *ctx)
{
    (void)records;
    (void)ctx;
    for (size_t i = 0; i < count; i++)
        hashes[i] = 1;
}

static void take_nothing(weir_step *step, void *state)
{
    (void)step;
    (void)state;
}

static void build(weir_graph *g, void *ctx)
{
    pair *p = ctx;
    weir_stream(number) numbers = weir_input_add(g, number, &p->numbers, .manual = true);
    weir_stream(number) many = weir_flat_map(numbers, make_many);
    weir_node_input in = { .type = number_type(), .route = WEIR_BY_FUNCTION,
                           .route_fn = to_second };
    weir_node_add(g, &(weir_node_spec){ .struct_size = sizeof(weir_node_spec), .kind = "idle",
                                        .input_count = 1, .inputs = &in, .step = take_nothing },
                  &many.port);
}

static weir_worker *worker_of(pair *p, unsigned w) { return &p->runtime->workers[w]; }

static void steps(pair *p, unsigned w)
{
    for (int i = 0; i < 5; i++)
        weir_worker_step(worker_of(p, w));
}

/* ---- the first worker's sleep ---- */

static void wake(void *ctx, unsigned to)
{
    (void)ctx;
    if (to == 0)
        current->parked = false;
}

static void prepare(void *ctx, unsigned self)
{
    (void)ctx;
    if (self == 0 && current->races)
        steps(current, 1);
    current->parked = current->parked || self == 0;
}

static void cancel(void *ctx, unsigned self)
{
    (void)ctx;
    current->parked = current->parked && self != 0;
}

static void sleep_until_woken(void *ctx, unsigned self, uint64_t wait_ns)
{
    (void)ctx;
    (void)wait_ns;
    const weir__flow *flow = &worker_of(current, self)->first->flow;
    current->sleeps++;
    current->lost += current->parked && flow->outbox_count &&
                     weir__flow_in_flight(flow) < flow->total;
}

/* With the first batch in the second worker's mail, and the others waiting for credits. */
static void begin(pair *p, unsigned unread)
{
    weir_error error = { 0 };
    *p = (pair){ .env = weir__test_env_create(2, 1, false) };
    current = p;
    weir_env *env = weir__test_env_table(p->env);
    env->wake = wake;
    env->park_prepare = prepare;
    env->park_cancel = cancel;
    env->sleep = sleep_until_woken;
    weir_config config = { .struct_size = sizeof config, .workers = 2, .env = env,
                           .no_spin = true, .budget_bytes = 8, .batch_bytes = 64 };
    p->runtime = weir_runtime_create(&config, &error);
    ck_assert_int_eq(weir_runtime_build(p->runtime, "waits", build, p, &error), WEIR_OK);
    for (unsigned w = 0; w < 2; w++)
        ck_assert_ptr_nonnull(weir_runtime_take_worker(p->runtime, w, &error));
    ck_assert_int_eq(weir_runtime_start(p->runtime, &error), WEIR_OK);
    steps(p, 0);
    steps(p, 1);
    p->handle = weir_input_open(p->numbers, 0);
    number record = { 1 };
    ck_assert_int_eq(weir_input_change(p->handle, number, record, 1), WEIR_OK);
    weir_input_flush(p->handle);
    weir__test_env_disk(p->env)->unread = unread;
    steps(p, 0);
    ck_assert_uint_eq(worker_of(p, 0)->first->flow.outbox_count, 1);
}

static void end(pair *p)
{
    weir_runtime_destroy(p->runtime);
    weir__test_env_destroy(p->env);
}

START_TEST(credits_are_seen_before_sleep)
{
    pair p;
    begin(&p, 0);
    p.races = true;
    for (int i = 0; i < 200 && worker_of(&p, 0)->first->flow.outbox_count; i++)
        weir_worker_step_or_park(worker_of(&p, 0), UINT64_MAX);
    ck_assert_uint_eq(p.lost, 0);
    ck_assert_uint_eq(worker_of(&p, 0)->first->flow.outbox_count, 0);
    /* it sleeps when there is nothing to wait for */
    for (int i = 0; i < 5; i++)
        weir_worker_step_or_park(worker_of(&p, 0), UINT64_MAX);
    ck_assert_uint_gt(p.sleeps, 0);
    end(&p);
}
END_TEST

static void fails(pair *p, weir_status status, const char *what)
{
    weir_error error = { 0 };
    for (int i = 0; i < 5; i++) {
        steps(p, 1);
        steps(p, 0);
    }
    ck_assert_int_eq(weir_runtime_wait(p->runtime, &error), status);
    ck_assert_msg(strstr(error.what, what) != NULL, "%s", error.what);
    ck_assert_ptr_nonnull(strstr(error.detail, "in what waits for "));
    end(p);
}

/* Even if it is not known yet for whom: what says so is what cannot be read. */
START_TEST(files_that_cannot_be_read)
{
    pair p;
    begin(&p, 1);
    fails(&p, WEIR_IO, "cannot be read from");
}
END_TEST

/* Where a batch goes is looked at before its checksum is. */
START_TEST(ports_that_are_damaged)
{
    pair p;
    begin(&p, 0);
    const weir__spill *outbox = &worker_of(&p, 0)->first->flow.outboxes[1];
    uint64_t second = sizeof outbox->block + outbox->block.size;
    ck_assert(outbox->has_block); /* so the first will be sent */
    weir__test_disk_damage(weir__test_env_disk(p.env), second + offsetof(weir__spill_block, port));
    fails(&p, WEIR_BAD_DATA, "is damaged: ");
}
END_TEST

int main(void)
{
    return test_run(test_suite("flow_waits", (const TTest *const[]){
        credits_are_seen_before_sleep, files_that_cannot_be_read,
        ports_that_are_damaged, NULL }));
}

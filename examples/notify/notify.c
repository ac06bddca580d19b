/* SPDX-License-Identifier: Apache-2.0
 *
 * An operator written by hand: it adds up what belongs to an epoch, and tells the sum when the
 * frontier says that nothing of that epoch can come any more. Shows a node of one's own, its state,
 * capabilities and notification.
 *
 *     $ notify
 *     epoch 0: 45 in 10 readings
 *     epoch 1: 145 in 10 readings
 *     …
 */
#include <inttypes.h>
#include <stdio.h>

#include <weir/weir.h>

#include "../no_options.h"

#define READING(F) F(u64, value)
#define TOTAL(F) F(u64, epoch) F(u64, sum) F(u64, readings)
WEIR_RECORD(reading, READING)
WEIR_RECORD(total, TOTAL)

enum { EPOCHS = 5, READINGS = 10, OPEN_MAX = 64 };

/* ---- the operator ---- */

/* Epochs that have begun and are not complete. Each holds a capability: the right to send its total
 * later, which keeps the epoch open for everyone behind this node. */
typedef struct open_epoch {
    weir_cap cap;
    total total;
} open_epoch;

typedef struct totals {
    open_epoch open[OPEN_MAX];
    size_t count;
} totals;

static weir_status totals_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)step;
    (void)ctx;
    *state = weir_alloc_zero(sizeof(totals));
    return *state ? WEIR_OK : weir_error_set(error, WEIR_NO_MEMORY, "no memory for totals");
}

static void totals_fini(void *state)
{
    weir_free(state, sizeof(totals));
}

static open_epoch *open_of(weir_step *step, totals *t, const weir_time *at)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->open[i].total.epoch == at->at[0])
            return &t->open[i];
    if (t->count == OPEN_MAX) {
        weir_step_fail(step, WEIR_FULL, "more than %d epochs are open", OPEN_MAX);
        return NULL;
    }
    t->open[t->count] =
        (open_epoch){ .cap = weir_cap_retain(step, 0, at), .total = { .epoch = at->at[0] } };
    return &t->open[t->count++];
}

static void totals_step(weir_step *step, void *state)
{
    totals *t = state;
    for (const weir_batch *batch; (batch = weir_step_take(step, 0));) {
        const reading *readings = batch->records;
        for (size_t i = 0; i < batch->count; i++) {
            weir_time at = weir_batch_time(batch, i);
            open_epoch *open = open_of(step, t, &at);
            if (!open)
                return;
            open->total.sum += readings[i].value;
            open->total.readings++;
        }
    }
    const weir_frontier *frontier = weir_step_frontier(step, 0);
    for (size_t i = 0; i < t->count;) {
        weir_time at = weir_time_1(t->open[i].total.epoch);
        if (weir_frontier_less_equal(frontier, &at)) { /* more of it may still come */
            i++;
            continue;
        }
        total_emit((weir_out(total)){ weir_step_output(step, 0, &at) }, t->open[i].total);
        weir_cap_drop(step, t->open[i].cap);
        t->open[i] = t->open[--t->count];
    }
}

/* All readings go to one worker, so that there is one total. */
static void to_first(const void *records, size_t count, uint64_t *out, void *ctx)
{
    (void)records;
    (void)ctx;
    for (size_t i = 0; i < count; i++)
        out[i] = 0;
}

static weir_stream(total) add_totals(weir_graph *g, weir_stream(reading) readings)
{
    weir_node_input input = { .type = reading_type(),
                              .interest = WEIR_IF_HOLDING, /* told when the frontier moves */
                              .route = WEIR_BY_FUNCTION,
                              .route_fn = to_first };
    weir_node_output output = { .type = total_type() };
    weir_node_spec spec = { .struct_size = sizeof spec,
                            .kind = "totals",
                            .input_count = 1,
                            .inputs = &input,
                            .output_count = 1,
                            .outputs = &output,
                            .deterministic = true,
                            .state_kind = WEIR_STATE_SINGLE,
                            .init = totals_init,
                            .step = totals_step,
                            .fini = totals_fini };
    weir_node *node = weir_node_add(g, &spec, &readings.port);
    return (weir_stream(total)){ .port = weir_node_output_port(node, 0) };
}

/* ---- a program around it ---- */

static weir_input(reading) readings_in;

static void build(weir_graph *g, void *ctx)
{
    weir_stream(reading) readings =
        weir_input_add(g, reading, &readings_in, .name = "readings", .manual = true);
    weir_capture(add_totals(g, readings), (weir_captured *)ctx);
}

/* Runs on each worker: an epoch's readings, then on to the next epoch. */
static void feed(weir_worker *worker, void *ctx)
{
    unsigned index = weir_worker_index(worker), workers = weir_worker_count(worker);
    weir_input_handle(reading) handle = weir_input_open(readings_in, index);
    (void)ctx;
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
        for (uint64_t n = index; n < READINGS; n += workers)
            while (weir_input_send(handle, reading, { epoch * READINGS + n }) == WEIR_FULL)
                if (!weir_worker_step(worker)) /* it makes room */
                    return;
        weir_time next = weir_time_1(epoch + 1);
        weir_input_advance_to(handle, &next);
        if (!weir_worker_step(worker))
            return; /* the run has failed: weir_run says how */
    }
    weir_input_close(handle);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return no_options(argv, "notify");
    weir_error error = { .status = WEIR_OK };
    char text[1600];
    weir_captured *seen = weir_captured_create();
    weir_config config = { .struct_size = sizeof config, .workers = 2, .worker_main = feed };
    if (!seen || weir_run(&config, build, seen, &error) != WEIR_OK) {
        fprintf(stderr, "notify: %s\n", weir_error_text(&error, text, sizeof text));
        return 1;
    }
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++)
        for (size_t i = 0; i < weir_captured_count(seen, 0); i++) {
            const total *t = weir_captured_at(seen, 0, i).record;
            if (t->epoch == epoch)
                printf("epoch %" PRIu64 ": %" PRIu64 " in %" PRIu64 " readings\n", t->epoch, t->sum,
                       t->readings);
        }
    weir_captured_destroy(seen);
    return fflush(stdout) == 0 ? 0 : 1;
}

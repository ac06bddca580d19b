/* SPDX-License-Identifier: Apache-2.0
 *
 * Inputs of simulated graphs: what a source has to send comes by the handle of each worker, from
 * outside, in any order of the epochs that are open.
 */
#include <string.h>

#include "forms.h"

enum { EPOCHS = 8 }; /* as far as inputs go: beyond it nothing is looked at */

typedef struct sim_feed {
    weir_input_handle(item) handle;
    const sim_input *left[SIM_RECORDS];
    unsigned left_count;
    uint64_t random, held; /* the epoch that it has advanced to */
    bool done;
} feed;

static feed *open_feed(sim_flow *flow, const sim_op *op, unsigned worker)
{
    const sim_plan *p = &flow->plan;
    unsigned number = (unsigned)(op - p->ops);
    feed *f = calloc(1, sizeof *f);
    f->random = p->seed * 13 + number * SIM_WORKERS + worker + p->limits.schedule * 1000003;
    for (unsigned i = 0; i < p->input_count; i++)
        if (p->input[i].op == number && p->input[i].worker == worker)
            f->left[f->left_count++] = &p->input[i];
    f->handle = weir_input_open(flow->use[number].input[sim_process_of(flow->run, worker)], worker);
    if (!f->handle.handle)
        sim_fail(flow->run, "the input of worker %u cannot be opened", worker);
    return f;
}

static void expect(sim_flow *flow, weir_status status, const char *what)
{
    if (status != WEIR_OK && status != WEIR_CLOSED)
        sim_fail(flow->run, "an input says %s to %s", weir_status_name(status), what);
}

/* Any of those that are left. */
static void send_one(sim_flow *flow, feed *f)
{
    unsigned i = (unsigned)test_below(&f->random, f->left_count);
    const sim_input *in = f->left[i];
    weir_time at = weir_time_1(in->epoch), now = weir_input_time(f->handle);
    if (!weir_time_equal(&at, &now, 1))
        expect(flow, weir_input_at(f->handle, &at), "a time at which it may send");
    weir_status status = in->diff == 1 ? weir__input_send(f->handle.handle, &in->record, 1)
                                       : weir_input_change(f->handle, item, in->record, in->diff);
    if (status == WEIR_OK) {
        sim_records_add(&flow->input, &(sim_record){ in->op, at, in->record, in->diff });
        f->left[i] = f->left[--f->left_count];
    } else if (status == WEIR_FULL) {
        weir_input_flush(f->handle);
    } else {
        expect(flow, status, "a record");
        f->done = true;
    }
}

/* To the first epoch for which something is left, or not quite as far; it may be where it is. */
static void move_on(sim_flow *flow, feed *f)
{
    uint64_t to = f->held + 1 + test_below(&f->random, 2);
    to = to < EPOCHS ? to : EPOCHS;
    for (unsigned i = 0; i < f->left_count; i++)
        to = f->left[i]->epoch < to ? f->left[i]->epoch : to;
    weir_time at = weir_time_1(to);
    weir_frontier frontier;
    f->held = to;
    if (test_below(&f->random, 2)) {
        weir_input_advance_to(f->handle, &at);
        return;
    }
    weir_frontier_init(&frontier, 1);
    weir_frontier_insert(&frontier, &at);
    expect(flow, weir_input_advance_frontier(f->handle, &frontier), "a frontier after its own");
    weir_frontier_fini(&frontier);
}

bool sim_feed(sim_flow *flow, const sim_op *op, unsigned worker)
{
    sim_run *run = flow->run;
    unsigned process = sim_process_of(run, worker);
    struct sim_feed **place = &flow->use[op - flow->plan.ops].feed[worker];
    if (run->process[process].dead || !sim_order_find(flow, process) ||
        !flow->use[op - flow->plan.ops].input[process].input)
        return false;
    feed *f = *place ? *place : (*place = open_feed(flow, op, worker));
    bool was_done = f->done;
    for (uint64_t n = 1 + test_below(&f->random, 4); n > 0 && !f->done; n--) {
        if (f->left_count && test_below(&f->random, 3))
            send_one(flow, f);
        if (!f->done && test_below(&f->random, 4) == 0)
            move_on(flow, f);
        if (!f->done && test_below(&f->random, 3) == 0)
            weir_input_flush(f->handle);
    }
    bool may_end = !flow->plan.publishes || sim_order_is_complete(run);
    if (!f->done && f->left_count == 0 && may_end && test_below(&f->random, 2)) {
        weir_input_close(f->handle);
        f->done = true;
    }
    if (!f->done && f->left_count == 0)
        move_on(flow, f); /* so that there is a step, and what it waits for is asked */
    return !was_done;
}

void sim_feeds_look(sim_run *run)
{
    for (unsigned f = 0; f < run->flow_count; f++)
        for (unsigned i = 0; i < run->flows[f].plan.op_count; i++)
            for (unsigned w = 0; run->flows[f].plan.ops[i].by_handle && w < sim_workers(run->plan);
                 w++)
                if (!run->over[w] && test_below(&run->random, 6) == 0)
                    (void)sim_feed(&run->flows[f], &run->flows[f].plan.ops[i], w);
}

void sim_feeds_end(sim_run *run)
{
    for (unsigned f = 0; f < run->flow_count; f++)
        for (unsigned i = 0; i < run->flows[f].plan.op_count; i++)
            for (unsigned w = 0; w < SIM_WORKERS; w++)
                free(run->flows[f].use[i].feed[w]);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Sources of simulated graphs. A manual one holds several epochs open at once and closes them in
 * any order; a clocked one sends when it is called.
 */
#include <string.h>

#include "node.h"

static uint64_t below(sim_node *n, uint64_t bound)
{
    return test_below(&n->random, bound);
}

static int by_epoch(const void *a, const void *b)
{
    const sim_input *x = *(const sim_input *const *)a, *y = *(const sim_input *const *)b;
    return x->epoch != y->epoch ? (x->epoch < y->epoch ? -1 : 1) : (x > y) - (x < y);
}

void sim_source_open(sim_node *n)
{
    const sim_plan *p = &n->flow->plan;
    unsigned op = (unsigned)(n->op - p->ops);
    for (unsigned i = 0; i < p->input_count; i++)
        if (p->input[i].op == op && p->input[i].worker == n->worker)
            n->left[n->left_count++] = &p->input[i];
    qsort(n->left, n->left_count, sizeof *n->left, by_epoch);
    for (unsigned e = 0; e < sizeof n->open / sizeof *n->open; e++)
        n->open[e] = WEIR_CAP_NONE;
}

/* One of the next few, so that epochs mix. */
static void send_one(weir_step *step, sim_node *n, const weir_time *time)
{
    unsigned i = (unsigned)below(n, n->left_count < 8 ? n->left_count : 8);
    const sim_input *in = n->left[i];
    weir_time t = time ? *time : weir_time_1(in->epoch);
    sim_send(step, 0, &t, &in->record, in->diff);
    sim_records_add(&n->flow->input, &(sim_record){ in->op, t, in->record, in->diff });
    memmove(&n->left[i], &n->left[i + 1], (--n->left_count - i) * sizeof *n->left);
}

/* Moves the initial capability on; epochs before it that are not done get one of their own. */
static void move_on(weir_step *step, sim_node *n)
{
    weir_time base = weir_cap_time(step, 0);
    weir_time to = weir_time_1(base.at[0] + 1 + below(n, 2));
    if (to.at[0] >= sizeof n->open / sizeof *n->open)
        return;
    for (unsigned i = 0; i < n->left_count && n->left[i]->epoch < to.at[0]; i++) {
        uint64_t epoch = n->left[i]->epoch;
        weir_time t = weir_time_1(epoch);
        if (epoch >= base.at[0] && n->open[epoch] == WEIR_CAP_NONE)
            n->open[epoch] = weir_cap_delayed(step, 0, &t);
    }
    weir_cap_downgrade(step, 0, &to);
}

static void close_epochs(weir_step *step, sim_node *n)
{
    for (unsigned e = 0; e < sizeof n->open / sizeof *n->open; e++) {
        bool wanted = n->open[e] == WEIR_CAP_NONE;
        for (unsigned i = 0; i < n->left_count && !wanted; i++)
            wanted = n->left[i]->epoch == e;
        if (!wanted && below(n, 2)) {
            weir_cap_drop(step, n->open[e]);
            n->open[e] = WEIR_CAP_NONE;
        }
    }
}

static void finish(weir_step *step, sim_node *n)
{
    n->done = true;
    if (n->op->kind == SIM_CLOCKED) {
        weir_step_finish(step);
        return;
    }
    weir_cap_drop(step, 0);
    for (unsigned e = 0; e < sizeof n->open / sizeof *n->open; e++)
        if (n->open[e] != WEIR_CAP_NONE)
            weir_cap_drop(step, n->open[e]);
}

/* Called again soon, after a while, or when somebody outside says so. */
static void wait(weir_step *step, sim_node *n)
{
    uint64_t how = below(n, 4);
    if (how < 2) {
        weir_step_again(step);
    } else if (how == 2) {
        n->asked_ns = weir_step_now_ns(step) + below(n, 100000);
        if (below(n, 2)) /* the same moment more than once, also one that has passed */
            n->asked_ns -= n->asked_ns % (1 << 18);
        weir_step_at_ns(step, n->asked_ns);
    }
}

void sim_source_step(weir_step *step, void *state)
{
    sim_node *n = state;
    n->asked_ns = UINT64_MAX;
    n->lacks_room = false;
    if (n->done)
        return;
    if (weir_step_ending(step)) {
        n->done = true;
        return;
    }
    n->lacks_room = below(n, 2) && weir_step_full(step);
    if (n->lacks_room)
        return; /* it is called when there is some */
    weir_time epoch = n->op->kind == SIM_CLOCKED ? weir_step_epoch(step) : weir_time_1(0);
    for (uint64_t k = 1 + below(n, 4); k > 0; k--) {
        if (n->left_count && below(n, 4))
            send_one(step, n, n->op->kind == SIM_CLOCKED ? &epoch : NULL);
        if (n->op->kind == SIM_MANUAL && below(n, 3) == 0)
            move_on(step, n);
    }
    if (n->op->kind == SIM_MANUAL)
        close_epochs(step, n);
    bool may_end = !n->flow->plan.publishes || sim_order_is_complete(n->run);
    if (n->left_count == 0 && below(n, 3) == 0 && may_end)
        finish(step, n);
    else
        wait(step, n);
}

bool sim_node_poke(sim_node *n)
{
    if (!n->done)
        weir_wake(n->waker);
    return !n->done;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The nodes of simulated graphs: they send what sim_make makes, at once or later, and look whether
 * what they are told of frontiers is true.
 */
#include <string.h>

#include "node.h"

static uint64_t below(sim_node *n, uint64_t bound)
{
    return test_below(&n->random, bound);
}

weir_status sim_node_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)error;
    struct sim_use *use = ctx;
    sim_node *n = calloc(1, sizeof *n);
    n->use = use;
    n->flow = use->flow;
    n->run = n->flow->run;
    n->op = use->op;
    n->worker = weir_step_worker(step);
    n->random = n->flow->plan.seed * 7 + (uint64_t)(n->op - n->flow->plan.ops) * SIM_WORKERS +
                n->worker + n->flow->plan.limits.schedule * 1000003;
    n->waker = weir_step_waker(step);
    n->asked_ns = UINT64_MAX;
    for (unsigned i = 0; i < 2; i++) {
        weir_frontier_init(&n->seen[i], sim_depth(&n->flow->plan, n->op));
        n->one[i] = WEIR_CAP_NONE;
    }
    if (n->op->inputs == 0)
        sim_source_open(n);
    use->node[n->worker] = n;
    *state = n;
    return WEIR_OK;
}

void sim_node_fini(void *state)
{
    sim_node *n = state;
    for (unsigned i = 0; i < 2; i++)
        weir_frontier_fini(&n->seen[i]);
    for (size_t i = 0; i < n->hold_count; i++) {
        free(n->holds[i].records);
        free(n->holds[i].diffs);
    }
    free(n->holds);
    n->use->node[n->worker] = NULL;
    free(n);
}

void sim_send(weir_step *step, unsigned output, const weir_time *time, const item *record,
              int64_t diff)
{
    weir_builder *out = weir_step_output(step, output, time);
    weir_builder_set_diff(out, diff);
    memcpy(weir_builder_next(out, sizeof *record), record, sizeof *record);
}

/* ---- what is kept for later ---- */

static void take_capability(weir_step *step, sim_node *n, sim_hold *h)
{
    if (!n->op->one_cap) {
        h->cap = weir_cap_retain(step, h->output, &h->time);
        return;
    }
    weir_cap *one = &n->one[h->output];
    if (*one == WEIR_CAP_NONE || weir_cap_time(step, *one).at[0] > h->time.at[0]) {
        weir_cap before = *one;
        *one = weir_cap_retain(step, h->output, &h->time);
        if (before != WEIR_CAP_NONE)
            weir_cap_drop(step, before);
    }
}

static void keep(weir_step *step, sim_node *n, const weir_time *time, const sim_made *made)
{
    size_t i = 0;
    while (i < n->hold_count && !(n->holds[i].output == made->output &&
                                  weir_time_equal(&n->holds[i].time, time, WEIR_TIME_COORDS)))
        i++;
    if (i == n->hold_count) {
        n->holds = realloc(n->holds, ++n->hold_count * sizeof *n->holds);
        n->holds[i] = (sim_hold){ .output = made->output, .time = *time,
                                  .steps = 1 + (unsigned)below(n, 4),
                                  .due_ns = weir_step_now_ns(step) + below(n, 200000) };
        take_capability(step, n, &n->holds[i]);
    }
    sim_hold *h = &n->holds[i];
    h->records = realloc(h->records, (h->count + 1) * sizeof *h->records);
    h->diffs = realloc(h->diffs, (h->count + 1) * sizeof *h->diffs);
    h->records[h->count] = made->record;
    h->diffs[h->count++] = n->diff;
}

/* The sums by key of what was kept. */
static void send_groups(weir_step *step, sim_hold *h)
{
    for (size_t i = 0; i < h->count; i++) {
        sim_group group = { .key = h->records[i].key };
        bool first = true;
        for (size_t k = 0; k < h->count; k++) {
            first &= k >= i || h->records[k].key != group.key;
            if (h->records[k].key == group.key)
                sim_group_add(&group, &h->records[k], 1);
        }
        item result = sim_group_result(&group);
        if (first)
            sim_send(step, 0, &h->time, &result, 1);
    }
}

static void let_go(weir_step *step, sim_node *n, const sim_hold *gone)
{
    if (!n->op->one_cap) {
        weir_cap_drop(step, gone->cap);
        return;
    }
    weir_cap *one = &n->one[gone->output];
    const weir_time *least = NULL;
    for (size_t i = 0; i < n->hold_count; i++)
        if (n->holds[i].output == gone->output &&
            (!least || n->holds[i].time.at[0] < least->at[0]))
            least = &n->holds[i].time;
    if (least) {
        weir_cap_downgrade(step, *one, least);
    } else {
        weir_cap_drop(step, *one);
        *one = WEIR_CAP_NONE;
    }
}

static void release(weir_step *step, sim_node *n, size_t i)
{
    sim_hold h = n->holds[i];
    n->holds[i] = n->holds[--n->hold_count];
    if (n->op->kind == SIM_GATHER)
        send_groups(step, &h);
    for (size_t k = 0; n->op->kind != SIM_GATHER && k < h.count; k++)
        sim_send(step, h.output, &h.time, &h.records[k], h.diffs[k]);
    let_go(step, n, &h);
    free(h.records);
    free(h.diffs);
}

static bool is_complete(const sim_node *n, const weir_time *t)
{
    for (unsigned i = 0; i < n->op->inputs; i++)
        if (weir_frontier_less_equal(&n->seen[i], t))
            return false;
    return true;
}

static void release_what_is_due(weir_step *step, sim_node *n)
{
    uint64_t now = weir_step_now_ns(step), next = UINT64_MAX;
    bool again = false;
    n->asked_ns = UINT64_MAX;
    for (size_t i = n->hold_count; i-- > 0;) {
        sim_hold *h = &n->holds[i];
        bool due = n->op->patience == SIM_TIMER      ? h->due_ns <= now
                   : n->op->patience == SIM_FRONTIER ? is_complete(n, &h->time)
                                                     : --h->steps == 0;
        if (due)
            release(step, n, i);
    }
    for (size_t i = 0; i < n->hold_count; i++) {
        again |= n->op->patience == SIM_STEPS;
        if (n->op->patience == SIM_TIMER && n->holds[i].due_ns < next)
            next = n->holds[i].due_ns;
    }
    if (again)
        weir_step_again(step);
    if (next != UINT64_MAX) {
        weir_step_at_ns(step, next);
        n->asked_ns = next;
    }
}

/* ---- steps ---- */

static void look(weir_step *step, sim_node *n)
{
    char before[200], now[200];
    for (unsigned i = 0; i < n->op->inputs; i++) {
        if (n->op->interest[i] == WEIR_NEVER)
            continue;
        const weir_frontier *f = weir_step_frontier(step, i);
        if (n->has_seen[i] && !weir_frontier_dominates(&n->seen[i], f))
            sim_fail(n->run, "the frontier of input %u of node '%s' went back from %s to %s", i,
                     weir_step_name(step), weir_frontier_text(&n->seen[i], before, sizeof before),
                     weir_frontier_text(f, now, sizeof now));
        weir_frontier_set(&n->seen[i], f);
        n->has_seen[i] = true;
    }
}

static void handle(weir_step *step, sim_node *n, unsigned input, const item *record)
{
    sim_made made[SIM_MADE];
    weir_time time = n->time;
    unsigned last = sim_depth(&n->flow->plan, n->op) - 1;
    if (n->op->kind == SIM_SINK) {
        sim_records_add(&n->flow->output,
                        &(sim_record){ (unsigned)(n->op - n->flow->plan.ops), time, *record,
                                        n->diff });
        return;
    }
    for (unsigned k = 0, count = sim_make(n->op, input, record, made); k < count; k++) {
        time = n->time;
        time.at[last] += made[k].later;
        bool now = n->op->patience == SIM_AT_ONCE ||
                   (n->op->kind != SIM_GATHER && below(n, 4) == 0);
        if (now)
            sim_send(step, made[k].output, &time, &made[k].record, n->diff);
        else
            keep(step, n, &time, &made[k]);
    }
}

static void take(weir_step *step, sim_node *n, unsigned input)
{
    char seen[200], time[100];
    uint64_t left = below(n, 3) ? UINT64_MAX : 1 + below(n, 3);
    for (const weir_batch *b; left && (b = weir_step_take(step, input)); left--)
        for (size_t i = 0; i < b->count; i++) {
            n->time = weir_batch_time(b, i);
            if (n->has_seen[input] && !weir_frontier_less_equal(&n->seen[input], &n->time))
                sim_fail(n->run, "node '%s' takes a record at %s from input %u, of which it was "
                         "told that the frontier is %s", weir_step_name(step),
                         weir_time_text(&n->time, b->depth, time, sizeof time), input,
                         weir_frontier_text(&n->seen[input], seen, sizeof seen));
            n->diff = weir_batch_diff(b, i);
            if (n->diff != 1 && !n->run->plan->collections)
                sim_fail(n->run, "node '%s' takes a diff of %lld", weir_step_name(step),
                         (long long)n->diff);
            handle(step, n, input, weir_batch_record(b, i));
        }
    if (weir_step_waiting(step, input))
        weir_step_again(step);
}

void sim_node_step(weir_step *step, void *state)
{
    sim_node *n = state;
    const sim_plan *p = n->run->plan;
    look(step, n);
    unsigned first = n->op->inputs > 1 ? (unsigned)below(n, 2) : 0;
    for (unsigned i = 0; i < n->op->inputs; i++)
        take(step, n, (first + i) % n->op->inputs);
    release_what_is_due(step, n);
    if (below(n, 8) == 0)
        sim_order_ask(n->run);
    if (p->ending == SIM_FAILS && n->run->steps >= p->ends_at && !n->run->told_to_fail) {
        n->run->told_to_fail = true;
        weir_step_fail(step, WEIR_FAILED, "the plan wants it");
    }
}

/* ---- at rest ---- */

const char *sim_node_at_rest(const sim_node *n)
{
    if (n->lacks_room)
        return "waits for room though nothing is in flight";
    if (n->asked_ns != UINT64_MAX)
        return "asked to be called at a time and was not";
    for (size_t i = 0; i < n->hold_count; i++) {
        if (n->op->patience != SIM_FRONTIER)
            return "asked to be called again and was not";
        if (is_complete(n, &n->holds[i].time))
            return "keeps what is complete";
    }
    return NULL;
}

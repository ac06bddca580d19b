/* SPDX-License-Identifier: Apache-2.0
 *
 * A plan in sequence: one record after the other through the graph, and a group of a time once
 * nothing is left that could still lead to it. What the cluster has to give, whatever its order.
 */
#include <string.h>

#include "sim.h"

/* ---- multisets ---- */

void sim_records_add(sim_records *records, const sim_record *record)
{
    if (records->count == records->capacity) {
        records->capacity = records->capacity ? 2 * records->capacity : 64;
        records->items = realloc(records->items, records->capacity * sizeof *records->items);
    }
    records->items[records->count++] = *record;
}

void sim_records_fini(sim_records *records)
{
    free(records->items);
    *records = (sim_records){ 0 };
}

static int compare(const void *a, const void *b)
{
    const sim_record *x = a, *y = b;
    if (x->op != y->op)
        return x->op < y->op ? -1 : 1;
    int order = weir_time_compare(&x->time, &y->time, WEIR_TIME_COORDS);
    return order ? order : weir_record_compare(item_type(), &x->record, &y->record);
}

static void add_up(sim_records *r)
{
    size_t kept = 0;
    if (r->count)
        qsort(r->items, r->count, sizeof *r->items, compare);
    for (size_t i = 0; i < r->count; i++)
        if (kept && compare(&r->items[kept - 1], &r->items[i]) == 0)
            r->items[kept - 1].count += r->items[i].count;
        else
            r->items[kept++] = r->items[i];
    r->count = kept;
}

const char *sim_records_differ(sim_records *have, sim_records *want, char *text, size_t size)
{
    add_up(have);
    add_up(want);
    for (size_t i = 0; i < have->count || i < want->count; i++) {
        const sim_record *h = i < have->count ? &have->items[i] : NULL;
        const sim_record *w = i < want->count ? &want->items[i] : NULL;
        int order = !h ? 1 : !w ? -1 : compare(h, w);
        if (order == 0 && h->count == w->count)
            continue;
        const sim_record *r = order > 0 ? w : h;
        snprintf(text, size, "the sink %u has {%llu, %llu, %llu} at (%llu, %llu, %llu, %llu) "
                 "%lld times, and in sequence %lld times", r->op,
                 (unsigned long long)r->record.key, (unsigned long long)r->record.value,
                 (unsigned long long)r->record.hops, (unsigned long long)r->time.at[0],
                 (unsigned long long)r->time.at[1], (unsigned long long)r->time.at[2],
                 (unsigned long long)r->time.at[3],
                 order > 0 ? 0 : (long long)h->count, order < 0 ? 0 : (long long)w->count);
        return text;
    }
    return NULL;
}

/* ---- evaluation ---- */

/* A record on its way to an operator's input. */
typedef struct arrival {
    unsigned op, input;
    sim_record record;
} arrival;

typedef struct evaluation {
    const sim_plan *plan;
    sim_records *output;
    arrival *arrivals;
    size_t count, capacity, handed_on, at_most;
    struct pending {
        unsigned op;
        sim_group group;
    } *pending;
    size_t pending_count, pending_capacity;
    sim_paths paths; /* between operators: from the outputs of one to the inputs of another */
} evaluation;

static void send(evaluation *e, unsigned stream, const sim_record *record)
{
    const sim_plan *p = e->plan;
    for (unsigned i = 0; i < p->op_count; i++)
        for (unsigned k = 0; k < p->ops[i].inputs; k++) {
            if (p->ops[i].in[k] != stream)
                continue;
            if (e->count == e->capacity) {
                e->capacity = e->capacity ? 2 * e->capacity : 64;
                e->arrivals = realloc(e->arrivals, e->capacity * sizeof *e->arrivals);
            }
            arrival *a = &e->arrivals[e->count++];
            *a = (arrival){ i, k, *record };
            a->record.op = i;
            if (p->ops[i].route[k] == WEIR_TO_ALL)
                a->record.count *= sim_workers(p);
            e->handed_on += (size_t)a->record.count;
        }
}

static void gather(evaluation *e, const arrival *a)
{
    const sim_record *r = &a->record;
    size_t i = 0;
    for (; i < e->pending_count; i++)
        if (e->pending[i].op == a->op && e->pending[i].group.key == r->record.key &&
            weir_time_equal(&e->pending[i].group.time, &r->time, WEIR_TIME_COORDS))
            break;
    if (i == e->pending_count) {
        if (i == e->pending_capacity) {
            e->pending_capacity = i ? 2 * i : 64;
            e->pending = realloc(e->pending, e->pending_capacity * sizeof *e->pending);
        }
        e->pending[e->pending_count++] =
            (struct pending){ a->op, { .time = r->time, .key = r->record.key } };
    }
    sim_group_add(&e->pending[i].group, &r->record, (uint64_t)r->count);
}

static void arrive(evaluation *e, const arrival *a)
{
    const sim_op *op = &e->plan->ops[a->op];
    unsigned last = sim_depth(e->plan, op) - 1;
    sim_record r = a->record;
    sim_made made[SIM_MADE];
    if (op->kind == SIM_SINK) {
        sim_records_add(e->output, &r);
        return;
    }
    if (op->kind == SIM_GATHER) {
        gather(e, a);
        return;
    }
    if (op->kind == SIM_LEAVE)
        r.time.at[last + 1] = 0;
    if (op->kind == SIM_FEEDBACK)
        r.time.at[last] += op->a;
    for (unsigned k = 0, n = sim_make(op, a->input, &r.record, made); k < n; k++) {
        sim_record out = r;
        out.record = made[k].record;
        out.time.at[last] += made[k].later;
        send(e, op->out[made[k].output], &out);
    }
}

/* How the time of a record changes on the way through an operator at the least. */
static bool through(const sim_plan *p, const sim_op *op, unsigned input, unsigned output,
                    weir_summary *s)
{
    unsigned depth = sim_depth(p, op);
    *s = weir_summary_identity(depth);
    if (op->kind == SIM_ENTER)
        *s = weir_summary_enter(depth - 1);
    else if (op->kind == SIM_LEAVE)
        *s = weir_summary_leave(depth + 1);
    else if (op->kind == SIM_FEEDBACK)
        *s = weir_summary_feedback(depth, op->a);
    else if (op->kind == SIM_DELAY || op->kind == SIM_PAIR)
        s->add[depth - 1] = op->add[input][output];
    return op->kind != SIM_PAIR || op->add[input][output] != SIM_NONE;
}

/* Vertices are streams. */
static void find_paths(evaluation *e)
{
    const sim_plan *p = e->plan;
    sim_arc arcs[SIM_OPS * 4];
    uint8_t depth[SIM_STREAMS];
    uint32_t count = 0;
    for (unsigned s = 0; s < p->stream_count; s++)
        depth[s] = (uint8_t)p->scopes[p->streams[s].scope].depth;
    for (unsigned i = 0; i < p->op_count; i++)
        for (unsigned k = 0; k < p->ops[i].inputs; k++)
            for (unsigned o = 0; o < p->ops[i].outputs; o++) {
                arcs[count] = (sim_arc){ .from = p->ops[i].in[k], .to = p->ops[i].out[o] };
                count += through(p, &p->ops[i], k, o, &arcs[count].summary);
            }
    sim_paths_init(&e->paths, p->stream_count, depth, arcs, count);
}

/* Whether something of the first group may still become a part of the second. */
static bool leads_to(const evaluation *e, const struct pending *a, const struct pending *b)
{
    const sim_op *from = &e->plan->ops[a->op], *to = &e->plan->ops[b->op];
    const struct sim_path *path = sim_path(&e->paths, from->out[0], to->in[0]);
    for (uint32_t i = 0; i < path->count; i++) {
        weir_time t;
        if (weir_summary_apply(&path->items[i], &a->group.time, &t) &&
            weir_time_less_equal(&t, &b->group.time, sim_depth(e->plan, to)))
            return true;
    }
    return false;
}

static void finish_a_group(evaluation *e)
{
    size_t at = 0;
    for (bool first = false; !first;) {
        first = true;
        for (size_t i = 0; i < e->pending_count && first; i++)
            if (i != at && leads_to(e, &e->pending[i], &e->pending[at])) {
                at = i;
                first = false;
            }
    }
    struct pending done = e->pending[at];
    e->pending[at] = e->pending[--e->pending_count];
    sim_record r = { .time = done.group.time, .record = sim_group_result(&done.group),
                     .count = 1 };
    send(e, e->plan->ops[done.op].out[0], &r);
}

bool sim_evaluate(const sim_plan *plan, const sim_records *input, sim_records *output,
                  size_t at_most)
{
    evaluation e = { .plan = plan, .output = output, .at_most = at_most };
    find_paths(&e);
    for (size_t i = 0; i < input->count; i++)
        send(&e, plan->ops[input->items[i].op].out[0], &input->items[i]);
    while ((e.count || e.pending_count) && e.handed_on <= at_most) {
        if (e.count) {
            arrival a = e.arrivals[--e.count];
            arrive(&e, &a);
        } else {
            finish_a_group(&e);
        }
    }
    sim_paths_fini(&e.paths);
    free(e.arrivals);
    free(e.pending);
    return e.handed_on <= at_most;
}

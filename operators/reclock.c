/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/reclock.h. Batches wait as they came, in order of arrival.
 */
#include <weir/node.h>
#include <weir/operators/notify.h>
#include <weir/operators/reclock.h>

#include "planted.h"

/* A batch that waits; of one with several times, which of its records have gone. */
typedef struct waiting {
    weir_batch *batch;
    bool *gone; /* NULL: none of them */
} waiting;

typedef struct state {
    weir_notify notify; /* times of the clock */
    waiting *list;
    size_t count, capacity;
    weir_account *account;
} state;

static weir_status reclock_init(weir_step *step, void *ctx, void **made, weir_error *error)
{
    (void)ctx;
    state *s = weir_alloc_zero(sizeof *s);
    if (!s)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for a reclock");
    s->notify.inputs = 2;
    s->account = weir_step_account(step);
    *made = s;
    return WEIR_OK;
}

static void waiting_free(waiting *w)
{
    weir_free(w->gone, w->batch->count * sizeof *w->gone);
    weir_batch_release(w->batch);
}

static void reclock_fini(void *ctx)
{
    state *s = ctx;
    for (size_t i = 0; i < s->count; i++)
        waiting_free(&s->list[i]);
    weir_free(s->list, s->capacity * sizeof *s->list);
    weir_notify_fini(&s->notify);
    weir_free(s, sizeof *s);
}

static void keep(state *s, const weir_batch *batch)
{
    if (s->count == s->capacity) {
        size_t capacity = s->capacity ? 2 * s->capacity : 8;
        s->list = weir_realloc_must(s->list, s->capacity * sizeof *s->list,
                                    capacity * sizeof *s->list);
        s->capacity = capacity;
    }
    s->list[s->count++] = (waiting){ .batch = weir_batch_retain(batch) };
    weir_account_add(s->account, (int64_t)batch->bytes);
}

static void ask(weir_step *step, state *s, const weir_batch *clock)
{
    for (size_t i = 0; i < (clock->times ? clock->count : 1); i++) {
        weir_time t = clock->times ? weir_batch_time(clock, i) : clock->time;
        weir_notify_at(&s->notify, step, &t);
    }
}

/* Records of several times: those at or before t. True: all have gone now. */
static bool let_some_through(weir_step *step, waiting *w, const weir_time *t)
{
    const weir_batch *batch = w->batch;
    weir_builder *out = NULL;
    bool all = true;
    if (!w->gone) {
        w->gone = weir_alloc_must(batch->count * sizeof *w->gone);
        for (size_t i = 0; i < batch->count; i++)
            w->gone[i] = false;
    }
    for (size_t i = 0; i < batch->count; i++) {
        weir_time at = weir_batch_time(batch, i);
        if (w->gone[i])
            continue;
        if (!weir_time_less_equal(&at, t, batch->depth)) {
            all = false;
            continue;
        }
        out = out ? out : weir_step_output(step, 0, t);
        weir_builder_set_diff(out, weir_batch_diff(batch, i));
        weir_builder_copy(out, batch, i);
        w->gone[i] = true;
    }
    return all;
}

/* What is at or before t goes at t. */
static void let_through(weir_step *step, state *s, const weir_time *t)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->count; i++) {
        waiting *w = &s->list[i];
        bool goes = weir_time_less_equal(&w->batch->time, t, w->batch->depth) &&
                    (i + 1 < s->count || !WEIR_PLANTED(RECLOCK_KEEPS));
        if (goes && w->batch->times)
            goes = let_some_through(step, w, t);
        else if (goes)
            weir_step_send(step, 0, w->batch, t);
        if (goes) {
            weir_account_add(s->account, -(int64_t)w->batch->bytes);
            waiting_free(w);
        } else {
            s->list[kept++] = *w;
        }
    }
    s->count = kept;
}

static void reclock_step(weir_step *step, void *ctx)
{
    state *s = ctx;
    for (const weir_batch *batch; (batch = weir_step_take(step, 0));)
        keep(s, batch);
    for (const weir_batch *clock; (clock = weir_step_take(step, 1));)
        ask(step, s, clock);
    for (weir_time t; weir_notify_next(&s->notify, step, &t);)
        let_through(step, s, &t);
}

weir_port *weir_reclock_erased(weir_port *in, weir_port *clock)
{
    if (!in || !clock)
        return NULL;
    weir_port *ports[] = { in, clock };
    weir_node_input inputs[] = {
        { .type = weir_port_type(in), .interest = WEIR_IF_HOLDING, .takes_diffs = true },
        { .type = weir_port_type(clock), .interest = WEIR_IF_HOLDING, .takes_diffs = true },
    };
    weir_node_output output = { .type = weir_port_type(in),
                                .collection = weir_port_is_collection(in) };
    weir_node *node = weir_node_add(weir_port_graph(in), &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "reclock", .input_count = 2,
        .output_count = 1, .inputs = inputs, .outputs = &output, .deterministic = true,
        .init = reclock_init, .step = reclock_step, .fini = reclock_fini }, ports);
    return weir_node_output_port(node, 0);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/delay.h. A batch whose records all get one time is sent on as it is; of others
 * the records are sorted by time first, so that each time has one batch.
 */
#include <stdlib.h>
#include <string.h>

#include <weir/node.h>
#include <weir/operators/delay.h>

/* What the graph knows: one of the functions. */
typedef struct description {
    weir_delay_fn *fn;
    weir_delay_batch_fn *batch_fn;
} description;

typedef struct slot {
    weir_time time;
    uint32_t index;
} slot;

typedef struct state {
    const description *d;
    weir_time *times; /* of the records of a batch */
    slot *slots;
    size_t capacity;
} state;

static weir_status delay_init(weir_step *step, void *ctx, void **made, weir_error *error)
{
    (void)step;
    state *s = weir_alloc_zero(sizeof *s);
    if (!s)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for a delay");
    s->d = ctx;
    *made = s;
    return WEIR_OK;
}

static void delay_fini(void *ctx)
{
    state *s = ctx;
    weir_free(s->times, s->capacity * sizeof *s->times);
    weir_free(s->slots, s->capacity * sizeof *s->slots);
    weir_free(s, sizeof *s);
}

static void reserve(state *s, size_t count)
{
    if (count <= s->capacity)
        return;
    s->times = weir_realloc_must(s->times, s->capacity * sizeof *s->times,
                                 count * sizeof *s->times);
    s->slots = weir_realloc_must(s->slots, s->capacity * sizeof *s->slots,
                                 count * sizeof *s->slots);
    s->capacity = count;
}

static int by_time(const void *a, const void *b)
{
    const slot *x = a, *y = b;
    int order = weir_time_compare(&x->time, &y->time, WEIR_TIME_COORDS);
    return order ? order : (x->index > y->index) - (x->index < y->index);
}

/* Fills in the new times. False: one of them is refused. *one: they are all the same. */
static bool ask(weir_step *step, state *s, const weir_batch *batch, bool *one)
{
    *one = true;
    for (size_t i = 0; i < batch->count; i++)
        s->times[i] = weir_batch_time(batch, i);
    if (s->d->fn)
        s->d->fn(batch, s->times);
    for (size_t i = 0; i < batch->count; i++) {
        weir_time now = weir_batch_time(batch, i);
        if (s->d->batch_fn)
            s->times[i] = s->d->batch_fn(now);
        *one = *one && weir_time_equal(&s->times[i], &s->times[0], WEIR_TIME_COORDS);
        if (weir_time_less_equal(&now, &s->times[i], WEIR_TIME_COORDS))
            continue;
        char a[96], b[96];
        weir_step_fail(step, WEIR_INVALID, "a record at %s cannot be delayed to %s: give it a "
                       "time at or after its own", weir_time_text(&now, batch->depth, a, sizeof a),
                       weir_time_text(&s->times[i], batch->depth, b, sizeof b));
        return false;
    }
    return true;
}

static void divide(weir_step *step, state *s, const weir_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        s->slots[i] = (slot){ s->times[i], (uint32_t)i };
    qsort(s->slots, batch->count, sizeof *s->slots, by_time);
    weir_builder *out = NULL;
    for (size_t i = 0; i < batch->count; i++) {
        const slot *at = &s->slots[i];
        if (i == 0 || !weir_time_equal(&at->time, &s->slots[i - 1].time, WEIR_TIME_COORDS))
            out = weir_step_output(step, 0, &at->time);
        if (batch->diffs)
            weir_builder_set_diff(out, batch->diffs[at->index]);
        weir_builder_copy(out, batch, at->index);
    }
}

static void delay_step(weir_step *step, void *ctx)
{
    state *s = ctx;
    while (weir_step_waiting(step, 0)) {
        if (weir_step_spent(step)) {
            weir_step_again(step);
            return;
        }
        const weir_batch *batch = weir_step_take(step, 0);
        bool one;
        reserve(s, batch->count);
        if (!ask(step, s, batch, &one))
            return;
        if (one && !batch->times)
            weir_step_send(step, 0, batch, &s->times[0]);
        else
            divide(step, s, batch);
    }
}

static weir_port *add(weir_port *in, const weir_type *type, const description *what,
                      const char *name)
{
    if (!in)
        return NULL;
    weir_graph *graph = weir_port_graph(in);
    description *d = weir_graph_alloc(graph, sizeof *d);
    *d = *what;
    weir_node_input input = { .type = type, .takes_diffs = true };
    weir_node_output output = { .type = type, .collection = weir_port_is_collection(in) };
    weir_node *node = weir_node_add(graph, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "delay", .name = name, .input_count = 1,
        .output_count = 1, .inputs = &input, .outputs = &output, .deterministic = true, .ctx = d,
        .init = delay_init, .step = delay_step, .fini = delay_fini }, &in);
    return weir_node_output_port(node, 0);
}

weir_port *weir_delay_erased(weir_port *in, const weir_type *type, weir_delay_fn *fn,
                             const char *name)
{
    return add(in, type, &(description){ .fn = fn }, name);
}

weir_port *weir__delay_batch(weir_port *in, weir_delay_batch_fn *fn, const char *name)
{
    return add(in, weir_port_type(in), &(description){ .batch_fn = fn }, name);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/partition.h. A node with an output for each stream. A batch is sorted by
 * number first, so that each output gets all of its records in one go.
 */
#include <string.h>

#include <weir/memory.h>
#include <weir/node.h>
#include <weir/operators/partition.h>

enum { OUTPUTS_MAX = 1024 };

typedef struct description {
    weir_route_fn *fn;
    unsigned count;
} description;

typedef struct state {
    const description *d;
    uint64_t *numbers; /* of the records of a batch */
    uint32_t *order;   /* their indices, by number */
    size_t capacity;
    uint32_t ends[OUTPUTS_MAX]; /* where each number's indices end */
} state;

static weir_status partition_init(weir_step *step, void *ctx, void **out, weir_error *error)
{
    (void)step;
    state *s = weir_alloc_zero(sizeof *s);
    if (!s)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for a partition");
    s->d = ctx;
    *out = s;
    return WEIR_OK;
}

static void partition_fini(void *ctx)
{
    state *s = ctx;
    weir_free(s->numbers, s->capacity * sizeof *s->numbers);
    weir_free(s->order, s->capacity * sizeof *s->order);
    weir_free(s, sizeof *s);
}

static void reserve(state *s, size_t count)
{
    if (count <= s->capacity)
        return;
    s->numbers = weir_realloc_must(s->numbers, s->capacity * sizeof *s->numbers,
                                   count * sizeof *s->numbers);
    s->order = weir_realloc_must(s->order, s->capacity * sizeof *s->order,
                                 count * sizeof *s->order);
    s->capacity = count;
}

/* A counting sort, which keeps the order of records with one number. */
static void sort(state *s, const weir_batch *batch)
{
    uint32_t starts[OUTPUTS_MAX], at = 0;
    memset(s->ends, 0, s->d->count * sizeof *s->ends);
    for (size_t i = 0; i < batch->count; i++) {
        s->numbers[i] %= s->d->count;
        s->ends[s->numbers[i]]++;
    }
    for (unsigned o = 0; o < s->d->count; o++) {
        starts[o] = at;
        at += s->ends[o];
        s->ends[o] = at;
    }
    for (size_t i = 0; i < batch->count; i++)
        s->order[starts[s->numbers[i]]++] = (uint32_t)i;
}

static void divide(weir_step *step, state *s, const weir_batch *batch)
{
    reserve(s, batch->count);
    s->d->fn(batch->records, batch->count, s->numbers, NULL);
    sort(s, batch);
    for (unsigned o = 0, at = 0; o < s->d->count; o++) {
        weir_builder *out = NULL;
        for (; at < s->ends[o]; at++) {
            size_t i = s->order[at];
            if (!out || batch->times) {
                weir_time t = weir_batch_time(batch, i);
                out = weir_step_output(step, o, &t);
            }
            if (batch->diffs)
                weir_builder_set_diff(out, batch->diffs[i]);
            weir_builder_copy(out, batch, i);
        }
    }
}

static void partition_step(weir_step *step, void *ctx)
{
    for (const weir_batch *batch; (batch = weir_step_take(step, 0));)
        divide(step, ctx, batch);
}

void weir__partition(weir_port *in, const weir_type *type, weir_route_fn *fn, weir_port **outs,
                     unsigned count)
{
    for (unsigned o = 0; o < count; o++)
        outs[o] = NULL;
    if (!in)
        return;
    weir_graph *graph = weir_port_graph(in);
    if (count == 0 || count > OUTPUTS_MAX) {
        weir_graph_fail(graph, WEIR_INVALID, "partition", "divide it into 1 to 1024 streams",
                        "a stream cannot be divided into %u", count);
        return;
    }
    description *d = weir_graph_alloc(graph, sizeof *d);
    *d = (description){ fn, count };
    weir_node_input input = { .type = type, .takes_diffs = true };
    weir_node_output *outputs = weir_graph_alloc(graph, count * sizeof *outputs);
    for (unsigned o = 0; o < count; o++)
        outputs[o] = (weir_node_output){ .type = type, .collection = weir_port_is_collection(in),
                                         .unique_key = *weir_port_unique_key(in) };
    weir_node *node = weir_node_add(graph, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "partition", .input_count = 1,
        .output_count = count, .inputs = &input, .outputs = outputs, .deterministic = true,
        .ctx = d, .init = partition_init, .step = partition_step, .fini = partition_fini }, &in);
    for (unsigned o = 0; o < count; o++)
        outs[o] = weir_node_output_port(node, o);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/assert_equal.h. What one collection has more than the other, consolidated, has
 * nothing at any time: so the first change of it that a worker sees is what is wrong.
 */
#include <weir/operators/assert_equal.h>

#include <weir/node.h>
#include <weir/operators/collection.h>
#include <weir/operators/consolidate.h>

typedef struct description {
    bool is_empty; /* the other collection is nothing */
} description;

static void run(weir_step *step, void *state);

static weir_status init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)step;
    (void)error;
    *state = ctx;
    return WEIR_OK;
}

static void fail(weir_step *step, const weir_batch *batch, const description *what)
{
    char record[512], time[96];
    weir_time at = weir_batch_time(batch, 0);
    int64_t more = weir_batch_diff(batch, 0);
    weir_record_text(batch->type, weir_batch_record(batch, 0), record, sizeof record);
    weir_time_text(&at, batch->depth, time, sizeof time);
    bool less = more < 0;
    unsigned long long times = less ? -(uint64_t)more : (uint64_t)more;
    const char *s = times == 1 ? "" : "s";
    if (!what->is_empty)
        weir_step_fail(step, WEIR_FAILED,
                       "at time %s the collections differ: %s is in the %s one %llu time%s more "
                       "than in the %s",
                       time, record, less ? "second" : "first", times, s,
                       less ? "first" : "second");
    else if (less)
        weir_step_fail(step, WEIR_FAILED,
                       "at time %s %s has gone %llu time%s more than it came, and nothing may be "
                       "there", time, record, times, s);
    else
        weir_step_fail(step, WEIR_FAILED,
                       "at time %s %s is there %llu time%s, and nothing may be", time, record,
                       times, s);
}

static void run(weir_step *step, void *state)
{
    const weir_batch *batch = weir_step_take(step, 0);
    if (batch && batch->count > 0)
        fail(step, batch, state);
}

static void add(weir_port *difference, bool is_empty, const char *kind, const char *name)
{
    if (!difference)
        return;
    weir_graph *graph = weir_port_graph(difference);
    weir_port *left = weir__consolidate(difference, NULL);
    description *what = weir_graph_alloc(graph, sizeof *what);
    what->is_empty = is_empty;
    weir_node_input input = { .type = weir_port_type(difference), .takes_diffs = true };
    weir_node_spec spec = { .struct_size = sizeof spec,
                            .kind = kind,
                            .name = name,
                            .input_count = 1,
                            .inputs = &input,
                            .deterministic = true,
                            .ctx = what,
                            .init = init,
                            .step = run };
    if (left)
        weir_node_add(graph, &spec, &left);
}

void weir_assert_equal_erased(weir_port *a, weir_port *b, const char *name)
{
    if (!a || !b)
        return;
    weir_port *both[2] = { weir_port_as_collection(a), weir__negate(weir_port_as_collection(b)) };
    add(weir_port_concat(both, 2), false, "assert_equal", name);
}

void weir_assert_empty_erased(weir_port *in, const char *name)
{
    add(in ? weir_port_as_collection(in) : NULL, true, "assert_empty", name);
}

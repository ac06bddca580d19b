/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/join.h. A node that takes the runs of two arrangements: one that comes is
 * matched with what has come of the other side, so that each two runs meet once. What a pair makes
 * is the function's business.
 */
#include <weir/operators/join.h>

#include <weir/node.h>
#include <weir/operators/arrange.h>

#include "arrange.h"
#include "join.h"
#include "pin.h"
#include "trace_failed.h"

enum { BLOCKS_OF_A_STEP = 64 };

/* What the graph knows; shared by the workers. */
typedef struct description {
    weir_arrangement *sides[2];
    weir_join_spec spec;
    unsigned depth;
} description;

typedef struct state {
    const description *what;
    weir_trace_reader *readers[2];
    weir_matcher *matcher;
    weir__run_pin *pins[2]; /* of runs that strings have been taken from; NULL: none */
    unsigned side;          /* whose batch is being worked off */
    size_t at;              /* in that batch */
    unsigned blocks;        /* that are left of the step's */
    size_t matched[2];      /* updates of runs begun in this step that were looked up in a side */
} state;

/* ---- building ---- */

static weir_status init(weir_step *step, void *ctx, void **result, weir_error *error);
static void run(weir_step *step, void *s);
static void fini(void *s);

static bool same_kind(const weir_field *a, const weir_field *b)
{
    return a->kind == b->kind && a->optional == b->optional && a->scale == b->scale;
}

static bool keys_agree(weir_port *const sides[2], const weir_key keys[2])
{
    const weir_type *a = weir_port_type(sides[0]), *b = weir_port_type(sides[1]);
    if (keys[0].count != keys[1].count)
        return false;
    for (uint32_t i = 0; i < keys[0].count; i++)
        if (!same_kind(&a->fields[keys[0].field[i]], &b->fields[keys[1].field[i]]))
            return false;
    return true;
}

/* The function takes what the streams carry. */
static bool takes_these(weir_port *const sides[2], const weir_join_spec *spec, const char *where)
{
    for (int s = 0; s < 2; s++) {
        const weir_type *has = weir_port_type(sides[s]), *takes = spec->takes[s];
        if (!takes || weir_type_same_layout(has, takes))
            continue;
        weir_graph_fail(weir_port_graph(sides[s]), WEIR_TYPE_MISMATCH, where,
                        "give it a stream of those records",
                        "stream %d carries '%s', the function takes '%s'", s + 1, has->name,
                        takes->name);
        return false;
    }
    return true;
}

bool weir__join_check(weir_port *const sides[2], const weir_key keys[2], const char *where)
{
    weir_graph *graph = weir_port_graph(sides[0]);
    if (weir_port_scope(sides[0]) != weir_port_scope(sides[1])) {
        weir_graph_fail(graph, WEIR_INVALID, where, "let one enter the other's scope",
                        "the streams are in different scopes");
        return false;
    }
    for (int s = 0; s < 2; s++)
        for (uint32_t i = 0; i < keys[s].count; i++)
            if (keys[s].field[i] >= weir_port_type(sides[s])->field_count) {
                weir_graph_fail(graph, WEIR_TYPE_MISMATCH, where, "name 1 to 8 of its fields",
                                "the key of stream %d is none of its records '%s'", s + 1,
                                weir_port_type(sides[s])->name);
                return false;
            }
    if (keys_agree(sides, keys))
        return true;
    weir_graph_fail(graph, WEIR_TYPE_MISMATCH, where,
                    "name fields of the same kinds, in the same order",
                    "the keys of '%s' and '%s' do not agree", weir_port_type(sides[0])->name,
                    weir_port_type(sides[1])->name);
    return false;
}

static weir_port *add_node(weir_graph *graph, description *what)
{
    weir_node_input inputs[2];
    weir_port *runs[2];
    for (int s = 0; s < 2; s++) {
        inputs[s] = (weir_node_input){ .type = weir_run_ref_type(), .interest = WEIR_IF_HOLDING };
        runs[s] = weir_arrangement_port(what->sides[s]);
    }
    weir_node_output output = { .type = what->spec.out, .collection = true };
    weir_node_spec spec = { .struct_size = sizeof spec,
                            .kind = "join",
                            .name = what->spec.name,
                            .input_count = 2,
                            .output_count = 1,
                            .inputs = inputs,
                            .outputs = &output,
                            .deterministic = true,
                            .ctx = what,
                            .init = init,
                            .step = run,
                            .fini = fini };
    return weir_node_output_port(weir_node_add(graph, &spec, runs), 0);
}

weir_port *weir_join_erased(weir_port *const sides[2], const weir_key keys[2],
                            const weir_join_spec *given)
{
    weir_join_spec spec = { 0 };
    weir_struct_copy(&spec, sizeof spec, given);
    const char *where = spec.name ? spec.name : "join";
    if (!sides[0] || !sides[1] || !takes_these(sides, &spec, where) ||
        !weir__join_check(sides, keys, where))
        return NULL;
    weir_graph *graph = weir_port_graph(sides[0]);
    description *what = weir_graph_alloc(graph, sizeof *what);
    what->spec = spec;
    what->depth = weir_port_depth(sides[0]);
    for (int s = 0; s < 2; s++) {
        weir_arrange_spec by = { .struct_size = sizeof by, .key = keys[s] };
        what->sides[s] = weir_arrange_erased(sides[s], &by);
        if (!what->sides[s])
            return NULL;
    }
    for (int s = 0; s < 2; s++)
        weir__arrangement_meets(what->sides[s], what->sides[1 - s]);
    return add_node(graph, what);
}

bool weir__join_keys(weir_port *const sides[2], const char *const *const names[2],
                     const char *where, weir_key keys[2])
{
    weir_error error;
    for (int s = 0; s < 2; s++) {
        if (!sides[s])
            return false;
        if (weir_key_resolve(weir_port_type(sides[s]), names[s], &keys[s], &error) == WEIR_OK)
            continue;
        weir_graph_fail(weir_port_graph(sides[s]), error.status, where, error.hint, "%s",
                        error.what);
        return false;
    }
    return true;
}

weir_port *weir__join(weir_port *const sides[2], const char *const *const names[2],
                      const weir_join_spec *spec)
{
    weir_key keys[2];
    const char *where = spec->name ? spec->name : "join";
    return weir__join_keys(sides, names, where, keys) ? weir_join_erased(sides, keys, spec) : NULL;
}

/* ---- state ---- */

static void fini(void *ctx)
{
    state *s = ctx;
    weir_matcher_destroy(s->matcher);
    for (int side = 0; side < 2; side++) {
        weir_trace_reader_close(s->readers[side]);
        weir__run_pin_drop(&s->pins[side]);
    }
    weir_free(s, sizeof *s);
}

static weir_status init(weir_step *step, void *ctx, void **result, weir_error *error)
{
    const description *what = ctx;
    state *s = weir_alloc_must(sizeof *s);
    *s = (state){ .what = what };
    weir_shape *shapes[2];
    bool made = true;
    for (int side = 0; side < 2; side++) {
        weir_trace *trace = weir_arrangement_trace(what->sides[side], step);
        weir_trace_reader_spec spec = { .owner = weir_step_name(step),
                                        .depth = what->depth,
                                        .now_ns = weir_step_now_ns(step) };
        shapes[side] = weir_trace_shape(trace);
        s->readers[side] = weir_trace_reader_open(trace, &spec);
        made = made && s->readers[side];
    }
    s->matcher = weir_matcher_create(shapes, what->depth);
    *result = s;
    if (s->matcher)
        weir_matcher_see_all(s->matcher);
    if (made && s->matcher)
        return WEIR_OK;
    fini(s);
    return weir_error_set(error, WEIR_NO_MEMORY, "no memory for a join");
}

/* ---- the step ---- */

/* Each side's past is asked for by what can still come along the other. */
static void advance(weir_step *step, state *s)
{
    for (unsigned side = 0; side < 2; side++)
        weir_trace_reader_advance(s->readers[side], weir_step_frontier(step, 1 - side));
}

static void emit(weir_step *step, state *s, const weir_matches *pairs)
{
    const weir_join_spec *spec = &s->what->spec;
    weir_builder *out = weir_step_output(step, 0, NULL);
    if (!pairs->times)
        weir_builder_set_time(out, &pairs->time);
    weir_builder_set_columns(out, pairs->diffs, pairs->times);
    for (unsigned side = 0; spec->out->has_strings && side < 2; side++)
        weir_builder_keep(out, weir__run_pin_of(&s->pins[side],
                                                weir_matcher_run(s->matcher, side)));
    spec->kernel(pairs, out, spec->ctx);
}

/* Begins with the run that entry `at` of the batch names. False: no memory. */
static bool start(weir_step *step, state *s, const weir_batch *batch)
{
    const weir_run_ref *ref = weir_batch_record(batch, s->at);
    weir_trace_run *came = weir_trace_reader_deliver(s->readers[s->side], ref->number);
    weir_trace_runs *others = weir_trace_reader_list(s->readers[1 - s->side]);
    if (others) {
        weir_matcher_start(s->matcher, s->side, came, others);
        s->matched[1 - s->side] += weir_trace_run_updates(came);
        weir_trace_runs_release(others);
        return true;
    }
    weir_step_fail(step, WEIR_NO_MEMORY, "no memory for a join");
    return false;
}

/* Works on the batch at hand. False: there is more to do for it in another step. */
static bool work(weir_step *step, state *s, const weir_batch *batch)
{
    weir_status status = WEIR_OK;
    for (; s->at < batch->count; s->at++) {
        if (!weir_matcher_is_busy(s->matcher) && !start(step, s, batch))
            return true;
        const weir_matches *pairs;
        while ((pairs = weir_matcher_next(s->matcher, &status))) {
            if (pairs->count > 0)
                emit(step, s, pairs);
            if (--s->blocks == 0 || weir_step_spent(step))
                return false;
        }
        if (status != WEIR_OK) {
            weir_step_fail(step, status, "the product of two diffs leaves the range of 64 bits");
            return true;
        }
    }
    s->at = 0;
    return true;
}

/* What was delivered may be merged only now, which the one who appended it did not see; and the
 * more is looked up in a side, the sooner it shall be few runs. */
static void merge(weir_step *step, state *s)
{
    for (int side = 0; side < 2; side++) {
        weir_trace *trace = weir_trace_reader_trace(s->readers[side]);
        weir__trace_merge(step, trace, 0, s->matched[side]);
        s->matched[side] = 0;
    }
}

static void run(weir_step *step, void *ctx)
{
    state *s = ctx;
    advance(step, s);
    s->blocks = BLOCKS_OF_A_STEP;
    for (unsigned turn = 0; turn < 2; turn++, s->side = 1 - s->side)
        for (const weir_batch *batch; (batch = weir_step_take(step, s->side));)
            if (!work(step, s, batch)) {
                weir_step_put_back(step);
                return;
            }
    for (int side = 0; side < 2; side++)
        weir__run_pin_drop(&s->pins[side]);
    merge(step, s);
}

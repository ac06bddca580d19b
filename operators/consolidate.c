/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/consolidate.h. The open epoch is a trace of its own: what comes is summed run
 * by run, runs are merged as they get many, and the end of the epoch reads them as one.
 */
#include <string.h>

#include <weir/node.h>
#include <weir/operators/arrange.h>
#include <weir/operators/consolidate.h>
#include <weir/trace.h>

#include "owned.h"
#include "stash.h"
#include "trace_failed.h"

enum { RUN_UPDATES = 8 << 10, FUEL_AN_UPDATE = 4 };

typedef struct description {
    const weir_type *type;
    weir_key key;
} description;

typedef struct state {
    const description *what;
    weir_shape *shape;
    weir_spine *spine; /* of the open epoch */
    weir_trace_builder *builder;
    weir__stash stash;
    weir_status failed;
    weir_trace_runs *runs; /* while it is emitted */
    weir_cursor *cursor;
    bool in_key; /* the cursor has a key whose values are not all out */
} state;

/* ---- the graph ---- */

static weir_status init(weir_step *step, void *ctx, void **result, weir_error *error);
static void run(weir_step *step, void *s);
static void fini(void *s);

static bool find_key(weir_port *in, const char *const *names, weir_key *key)
{
    const weir_type *type = weir_port_type(in);
    weir_error error;
    if (!names) {
        for (uint32_t i = 0; i < type->field_count && i < WEIR_KEY_FIELDS_MAX; i++)
            key->field[key->count++] = (uint16_t)i;
        return true;
    }
    if (weir_key_resolve(type, names, key, &error) == WEIR_OK)
        return true;
    weir_graph_fail(weir_port_graph(in), error.status, "consolidate", error.hint, "%s", error.what);
    return false;
}

/* Where times have no one order, as the runs of an arrangement: one of each time. */
static weir_port *by_arrangement(weir_port *in, const weir_key *key)
{
    weir_arrange_spec spec = { .struct_size = sizeof spec, .key = *key, .whole = true };
    return weir_arrangement_collection(weir_arrange_erased(weir_port_as_collection(in), &spec));
}

weir_port *weir__consolidate(weir_port *in, const char *const *names)
{
    if (!in)
        return NULL;
    weir_graph *graph = weir_port_graph(in);
    description *what = weir_graph_alloc(graph, sizeof *what);
    what->type = weir_port_type(in);
    if (!find_key(in, names, &what->key))
        return NULL;
    if (weir_port_depth(in) > 1)
        return by_arrangement(in, &what->key);
    weir_node_input input = { .type = what->type,
                              .interest = WEIR_IF_HOLDING,
                              .route = WEIR_BY_KEY,
                              .key = what->key,
                              .takes_diffs = true };
    weir_node_output output = { .type = what->type,
                                .collection = true,
                                .unique_key = *weir_port_unique_key(in) };
    weir_node_spec spec = { .struct_size = sizeof spec,
                            .kind = "consolidate",
                            .input_count = 1,
                            .output_count = 1,
                            .inputs = &input,
                            .outputs = &output,
                            .deterministic = true,
                            .state_kind = WEIR_STATE_KEYED,
                            .ctx = what,
                            .init = init,
                            .step = run,
                            .fini = fini };
    return weir_node_output_port(weir_node_add(graph, &spec, &in), 0);
}

/* ---- state ---- */

static void fini(void *ctx)
{
    state *s = ctx;
    weir_cursor_destroy(s->cursor);
    weir_trace_runs_release(s->runs);
    weir__stash_fini(&s->stash);
    weir_trace_builder_destroy(s->builder);
    weir_spine_destroy(s->spine);
    weir_shape_release(s->shape);
    weir_free(s, sizeof *s);
}

static weir_status init(weir_step *step, void *ctx, void **result, weir_error *error)
{
    const description *what = ctx;
    weir_account *account = weir_step_account(step);
    state *s = weir_alloc_must(sizeof *s);
    *s = (state){ .what = what };
    weir__stash_init(&s->stash, true, account);
    weir_shape_spec shape = {
        .type = what->type, .key = what->key, .depth = 1, .seed = weir_step_hash_seed(step)
    };
    weir_status status = weir_shape_create(&s->shape, &shape, error);
    if (status == WEIR_OK) {
        s->spine = weir_spine_create(s->shape, account);
        s->builder = weir_trace_builder_create(s->shape, account);
        if (!s->spine || !s->builder)
            status = weir_error_set(error, WEIR_NO_MEMORY, "no memory for a trace");
    }
    if (status != WEIR_OK)
        fini(s);
    else
        *result = s;
    return status;
}

/* ---- summing ---- */

static void build_run(state *s)
{
    weir_trace_run *made;
    size_t updates = weir_trace_builder_count(s->builder);
    if (s->failed)
        return;
    s->failed = weir_trace_builder_build(s->builder, &made);
    if (s->failed || !made)
        return;
    s->failed = weir_spine_append(s->spine, made, NULL);
    if (s->failed)
        weir_trace_run_release(made);
    else
        weir_spine_work(s->spine, FUEL_AN_UPDATE * updates);
}

static void add(const weir_batch *batch, size_t from, size_t to, void *ctx)
{
    state *s = ctx;
    uint64_t epoch = weir__stash_epoch(&s->stash);
    while (from < to && !s->failed) {
        size_t room = RUN_UPDATES - weir_trace_builder_count(s->builder);
        weir_updates updates = { .records = weir_batch_record(batch, from),
                                 .count = to - from < room ? to - from : room,
                                 .hashes = batch->hashes ? batch->hashes + from : NULL,
                                 .diffs = batch->diffs ? batch->diffs + from : NULL,
                                 .time = weir_time_1(epoch) };
        s->failed = weir_trace_builder_add(s->builder, &updates);
        from += updates.count;
        if (weir_trace_builder_count(s->builder) == RUN_UPDATES)
            build_run(s);
    }
}

/* ---- emitting ---- */

/* The epoch is complete: what came of it is to be read. */
static void begin(state *s)
{
    build_run(s);
    if (s->failed)
        return;
    s->runs = weir_spine_list(s->spine);
    if (s->runs)
        s->cursor = weir_cursor_create(s->runs->runs, s->runs->count);
    if (!s->cursor)
        s->failed = WEIR_NO_MEMORY;
}

static void end(weir_step *step, state *s)
{
    weir_cursor_destroy(s->cursor);
    weir_trace_runs_release(s->runs);
    s->cursor = NULL;
    s->runs = NULL;
    weir_spine_clear(s->spine);
    weir__stash_done(&s->stash, step);
}

/* Goes to the next record that is left; false: there is none. */
static bool next(state *s, uint64_t epoch, int64_t *sum)
{
    do {
        while (!s->in_key || !weir_cursor_next_value(s->cursor)) {
            s->in_key = weir_cursor_next_key(s->cursor);
            if (!s->in_key)
                return false;
        }
        if (!weir_cursor_sum(s->cursor, &(weir_time){ { epoch } }, sum)) {
            s->failed = WEIR_OVERFLOWED;
            return false;
        }
    } while (*sum == 0);
    return true;
}

/* False: the step's work is used up. */
static bool emit(weir_step *step, state *s)
{
    const weir_type *type = s->what->type;
    uint64_t epoch = weir__stash_epoch(&s->stash);
    weir_time time = weir_time_1(epoch);
    weir_builder *out = weir_step_output(step, 0, &time);
    bool more = true;
    while (more && !weir_step_spent(step)) {
        void *records;
        int64_t *diffs;
        size_t room = weir_builder_bulk(out, RUN_UPDATES, &records, &diffs), n = 0;
        while (n < room && (more = next(s, epoch, &diffs[n]))) {
            char *record = (char *)records + n++ * type->size;
            memcpy(record, weir_cursor_record(s->cursor), type->size);
            weir__emit_strings(out, type, record);
        }
        weir_builder_commit(out, n);
    }
    return !more;
}

static void run(weir_step *step, void *ctx)
{
    state *s = ctx;
    while (!s->failed) {
        if (s->cursor && !emit(step, s)) {
            weir_step_again(step);
            return;
        }
        if (s->cursor)
            end(step, s);
        if (s->failed || !weir__stash_feed(&s->stash, step, add, s) ||
            !weir__stash_complete(&s->stash, step, add, s))
            break;
        begin(s);
    }
    if (s->failed)
        weir__trace_failed(step, s->failed, weir_spine_updates(s->spine));
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/view.h. Each worker arranges its part of the collection, epoch by epoch, and
 * publishes the list of its runs whenever an epoch is complete. What is older than the retention and
 * not held by a reader is moved together.
 */
#include <weir/operators/view.h>

#include <weir/trace.h>

#include "stash.h"

enum { RETENTION_MS = 10000, MARKS = 64, FUEL_MIN = 1024 };

typedef struct description {
    weir_view *view;
    const weir_type *type;
    weir_key key;
    uint64_t retention_ns;
} description;

/* When an upper was reached. */
typedef struct mark {
    uint64_t upper, ns;
} mark;

typedef struct state {
    const description *d;
    weir_step *step;
    weir_shape *shape;
    weir_trace_builder *builder;
    weir_spine *spine;
    weir__stash stash;
    uint64_t upper, seed;
    int64_t records;
    mark marks[MARKS]; /* a ring, the oldest at `first` */
    uint32_t first, count;
    bool failed;
} state;

static void view_fini(void *ctx)
{
    state *s = ctx;
    weir__stash_fini(&s->stash);
    if (s->builder)
        weir_trace_builder_destroy(s->builder);
    if (s->spine)
        weir_spine_destroy(s->spine);
    if (s->shape)
        weir_shape_release(s->shape);
    weir_free(s, sizeof *s);
}

static weir_status view_init(weir_step *step, void *ctx, void **out, weir_error *error)
{
    const description *d = ctx;
    state *s = weir_alloc_zero(sizeof *s);
    if (!s)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for a view");
    s->d = d;
    s->seed = weir_step_hash_seed(step);
    weir__stash_init(&s->stash, false, weir_step_account(step));
    weir_status status = weir_shape_create(&s->shape, d->type, &d->key, s->seed, error);
    if (status == WEIR_OK) {
        s->builder = weir_trace_builder_create(s->shape, weir_step_account(step));
        s->spine = weir_spine_create(s->shape, weir_step_account(step));
        if (!s->builder || !s->spine)
            status = weir_error_set(error, WEIR_NO_MEMORY, "no memory for a view");
    }
    if (status != WEIR_OK)
        view_fini(s);
    else
        *out = s;
    return status;
}

static void fail(state *s, weir_status status)
{
    if (!s->failed)
        weir_step_fail(s->step, status, "view '%s': %s", weir_view_name(s->d->view),
                       status == WEIR_OVERFLOWED ? "the diffs of a record leave 64 bits"
                                                 : weir_status_text(status));
    s->failed = true;
}

static void add_piece(const weir_batch *batch, size_t from, size_t to, void *ctx)
{
    state *s = ctx;
    weir_updates updates = { .records = weir_batch_record(batch, from), .count = to - from,
                             .hashes = batch->hashes ? batch->hashes + from : NULL,
                             .diffs = batch->diffs ? batch->diffs + from : NULL,
                             .time = weir_batch_time(batch, from).at[0] };
    weir_status status = weir_trace_builder_add(s->builder, &updates);
    if (status != WEIR_OK)
        fail(s, status);
    for (size_t i = from; i < to; i++)
        s->records += weir_batch_diff(batch, i);
}

/* What the builder has becomes a run of the spine. */
static void build_run(state *s)
{
    weir_trace_run *run = NULL;
    weir_status status = weir_trace_builder_build(s->builder, &run);
    if (status == WEIR_OK && run)
        status = weir_spine_append(s->spine, run);
    if (status != WEIR_OK)
        fail(s, status);
}

/* Remembers when this upper was reached, at most MARKS times a retention. */
static void remember(state *s, uint64_t now)
{
    uint32_t last = (s->first + s->count + MARKS - 1) % MARKS;
    if (s->count && now < s->marks[last].ns + s->d->retention_ns / (MARKS - 2))
        return;
    if (s->count == MARKS) {
        s->first = (s->first + 1) % MARKS;
        s->count--;
    }
    s->marks[(s->first + s->count++) % MARKS] = (mark){ s->upper, now };
}

/* The upper that was reached a retention ago or longer. */
static uint64_t wanted_since(state *s, uint64_t now)
{
    uint64_t upper = 0;
    while (s->count && now >= s->marks[s->first].ns + s->d->retention_ns) {
        upper = s->marks[s->first].upper;
        s->first = (s->first + 1) % MARKS;
        s->count--;
    }
    return upper && upper != WEIR_VIEW_ENDED ? upper - 1 : 0;
}

static void publish(state *s, uint64_t now)
{
    weir_trace_runs *runs = weir_spine_list(s->spine);
    if (!runs) {
        fail(s, WEIR_NO_MEMORY);
        return;
    }
    weir_view_publish(s->d->view, weir_step_worker(s->step), &(weir_view_part){
        .runs = runs, .upper = s->upper, .since = weir_spine_since(s->spine), .seed = s->seed,
        .now_ns = now, .records = s->records, .updates = weir_spine_updates(s->spine),
        .bytes = weir_spine_bytes(s->spine) });
    weir_trace_runs_release(runs);
}

static void view_step(weir_step *step, void *ctx)
{
    state *s = ctx;
    s->step = step;
    uint64_t now = weir_step_now_ns(step);
    size_t before = weir_spine_updates(s->spine);
    bool done = weir__stash_feed(&s->stash, step, add_piece, s);
    while (done && !s->failed && weir__stash_complete(&s->stash, step, add_piece, s)) {
        build_run(s);
        weir__stash_done(&s->stash, step);
    }
    if (s->failed)
        return;
    uint64_t since = wanted_since(s, now);
    if (since)
        weir_spine_advance_since(s->spine, weir_view_grant_since(s->d->view,
                                                                 weir_step_worker(step), since));
    size_t added = weir_spine_updates(s->spine) - before;
    bool more = weir_spine_work(s->spine, added < FUEL_MIN / 8 ? FUEL_MIN : added * 8);
    const weir__due *first = weir__stash_first(&s->stash);
    uint64_t complete = weir__complete_before(step, 0);
    if (first && first->epoch < complete)
        complete = first->epoch; /* the step's work ended before it was all added */
    if (complete > s->upper || since || more) {
        s->upper = complete > s->upper ? complete : s->upper;
        remember(s, now);
        publish(s, now);
    }
    if (more)
        weir_step_again(step);
    if (s->count && s->upper != WEIR_VIEW_ENDED)
        weir_step_at_ns(step, s->marks[s->first].ns + s->d->retention_ns);
}

/* ---- the graph ---- */

static void remove_view(void *ctx)
{
    weir_views_remove(ctx);
}

static bool find_key(weir_port *port, const char *name, const char *const *names, weir_key *key)
{
    weir_graph *graph = weir_port_graph(port);
    weir_error error = { 0 };
    *key = *weir_port_unique_key(port);
    if (names && weir_key_resolve(weir_port_type(port), names, key, &error) != WEIR_OK) {
        weir_graph_fail(graph, error.status, name, error.hint, "%s", error.what);
        return false;
    }
    if (key->count == 0)
        weir_graph_fail(graph, WEIR_INVALID, name, "name the view's key",
                        "the collection has no known key, and none is given");
    return key->count > 0;
}

void weir__view_add(weir_port *port, const char *name, const char *const *names,
                    const struct weir_view_options *options)
{
    if (!port || weir_graph_failed(weir_port_graph(port)))
        return;
    weir_graph *graph = weir_port_graph(port);
    description *d = weir_graph_alloc(graph, sizeof *d);
    if (!weir_port_is_collection(port)) {
        weir_graph_fail(graph, WEIR_TYPE_MISMATCH, name,
                        "count or otherwise aggregate it, or use weir_port_as_collection",
                        "a view shows a collection; this is a plain stream");
        return;
    }
    if (weir_port_depth(port) != 1) {
        weir_graph_fail(graph, WEIR_INVALID, name, "leave the scope first",
                        "a view inside a scope is not possible");
        return;
    }
    if (!find_key(port, name, names, &d->key))
        return;
    uint64_t retention_ms = options->retention_ms ? options->retention_ms : RETENTION_MS;
    weir_views *views = weir_graph_service(graph, "views");
    weir_error error = { 0 };
    if (weir_views_add(views, &(weir_view_spec){
            .struct_size = sizeof(weir_view_spec), .name = name, .type = weir_port_type(port),
            .key = d->key, .workers = weir_graph_workers(graph), .retention_ms = retention_ms },
            &d->view, &error) != WEIR_OK) {
        weir_graph_fail(graph, error.status, "view", error.hint, "%s", error.what);
        return;
    }
    weir_graph_at_end(graph, remove_view, d->view);
    d->type = weir_port_type(port);
    d->retention_ns = retention_ms * 1000000;
    weir_node_input input = { .type = d->type, .interest = WEIR_ALWAYS, .route = WEIR_BY_KEY,
                              .key = d->key, .takes_diffs = true, .settles = true };
    weir_node_add(graph, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "view", .name = name, .input_count = 1,
        .inputs = &input, .deterministic = true, .state_kind = WEIR_STATE_KEYED, .ctx = d,
        .init = view_init, .step = view_step, .fini = view_fini }, &port);
}

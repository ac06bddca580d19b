/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/view.h. Each worker arranges its keys in a trace of its own and publishes the
 * list of runs whenever an epoch has become complete. What is published of later epochs is not seen
 * by readers, whose time is before them: so a large epoch is built up run by run as it comes.
 */
#include <string.h>

#include <weir/dataflow.h>
#include <weir/node.h>
#include <weir/observe.h>
#include <weir/operators/view.h>

#include "stash.h"
#include "trace_failed.h"

/* A run is built when it has this many updates, at the latest: some milliseconds of work. Fuel is
 * for each level of merging; an update costs some 30 ns. */
enum { RUN_UPDATES = 8 << 10 };

/* Retention goes by moments at which it was noted what was complete: about this many. */
enum { MOMENTS = 32, RETENTION_MS = 10000 };

typedef struct description {
    const weir_type *type;
    weir_key key;
    weir_view *view;
    uint64_t retention_ns; /* 0: none */
} description;

typedef struct moment {
    uint64_t ns, upper; /* from ns on, everything before upper was complete */
} moment;

typedef struct state {
    const description *what;
    weir_shape *shape;
    weir_spine *spine;
    weir_trace_builder *builder;
    weir__stash stash;
    uint64_t upper, wanted, seed;
    uint64_t open_records, records; /* sums of diffs: of the open epoch, of complete ones */
    size_t appended;                /* updates, in this step */
    weir_status failed;
    moment moments[MOMENTS + 4];
    unsigned moment_count;
} state;

/* ---- building the graph ---- */

static weir_status init(weir_step *step, void *ctx, void **result, weir_error *error);
static void run(weir_step *step, void *s);
static void fini(void *s);

static void remove_view(void *view)
{
    weir_views_remove(view);
}

static void release_view(void *view)
{
    weir_view_release(view);
}

/* The key given, or else the unique one. */
static bool find_key(weir_port *in, const char *name, const weir_key *given, weir_key *key)
{
    weir_graph *graph = weir_port_graph(in);
    const weir_type *type = weir_port_type(in);
    *key = given ? *given : *weir_port_unique_key(in);
    if (!given && key->count == 0) {
        weir_graph_fail(graph, WEIR_INVALID, name, "name the fields that readers look up by",
                        "a view needs a key, and no unique key of these records is known");
        return false;
    }
    bool valid = key->count > 0 && key->count <= WEIR_KEY_FIELDS_MAX;
    for (uint32_t i = 0; valid && i < key->count; i++)
        valid = key->field[i] < type->field_count;
    if (!valid)
        weir_graph_fail(graph, WEIR_TYPE_MISMATCH, name, "name 1 to 8 fields of the record",
                        "the key is none of the stream's records '%s'", type->name);
    return valid;
}

static weir_view *publish(weir_port *in, const weir_view_spec *spec)
{
    weir_graph *graph = weir_port_graph(in);
    weir_view *view;
    weir_error error;
    weir_views *views = weir_graph_service(graph, "views");
    if (weir_views_add(views, spec, &view, &error) == WEIR_OK) {
        weir_graph_at_removal(graph, remove_view, view);
        /* Workers that have not come to the removal yet go on publishing. */
        weir_graph_at_end(graph, release_view, weir_views_find(views, spec->name));
        return view;
    }
    weir_graph_fail(graph, error.status, spec->name, "choose another name", "%s", error.what);
    return NULL;
}

weir_view *weir__view_add(weir_port *in, const char *name, const char *const *names,
                          const struct weir_view_options *options)
{
    weir_key key;
    weir_error error;
    if (!in || !names || weir_key_resolve(weir_port_type(in), names, &key, &error) == WEIR_OK)
        return weir_view_erased(in, name, names ? &key : NULL, options);
    weir_graph_fail(weir_port_graph(in), error.status, name, error.hint, "%s", error.what);
    return NULL;
}

weir_view *weir_view_erased(weir_port *in, const char *name, const weir_key *key,
                            const struct weir_view_options *options)
{
    static const struct weir_view_options defaults = { .struct_size = sizeof defaults };
    if (!in || weir_graph_failed(weir_port_graph(in)))
        return NULL;
    weir_graph *graph = weir_port_graph(in);
    options = options ? options : &defaults;
    unsigned retention_ms = options->retention_ms ? options->retention_ms : RETENTION_MS;
    weir_view_spec published = { .struct_size = sizeof published,
                                 .name = name,
                                 .type = weir_port_type(in),
                                 .workers = weir_graph_workers(graph),
                                 .first = weir_graph_first_worker(graph),
                                 .here = weir_graph_local_workers(graph),
                                 .asker = weir_graph_service(graph, "asker"),
                                 .retention_ms = options->no_retention ? 0 : retention_ms };
    if (!weir_port_is_collection(in)) {
        weir_graph_fail(graph, WEIR_TYPE_MISMATCH, name,
                        "aggregate it, or declare it a collection: weir_port_as_collection",
                        "a view shows a collection, and this is a plain stream");
        return NULL;
    }
    if (weir_port_depth(in) > 1) {
        weir_graph_fail(
            graph, WEIR_INVALID, name, "leave the scope first",
            "the records of a scope cannot be published: their times have no one order");
        return NULL;
    }
    if (!find_key(in, name, key, &published.key))
        return NULL;
    weir_view *view = publish(in, &published);
    if (!view)
        return NULL;
    description *what = weir_graph_alloc(graph, sizeof *what);
    *what = (description){ .type = published.type,
                           .key = published.key,
                           .view = view,
                           .retention_ns = published.retention_ms * 1000000 };
    weir_node_input input = { .type = what->type,
                              .interest = WEIR_ALWAYS,
                              .route = WEIR_BY_KEY,
                              .key = what->key,
                              .takes_diffs = true,
                              .settles = true };
    weir_node_spec spec = { .struct_size = sizeof spec,
                            .kind = "view",
                            .name = name,
                            .input_count = 1,
                            .inputs = &input,
                            .deterministic = true,
                            .state_kind = WEIR_STATE_KEYED,
                            .ctx = what,
                            .init = init,
                            .step = run,
                            .fini = fini };
    return weir_node_add(graph, &spec, &in) ? view : NULL;
}

/* ---- state ---- */

static void fini(void *ctx)
{
    state *s = ctx;
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
    *s = (state){ .what = what, .seed = weir_step_hash_seed(step) };
    weir_shape_spec shape = { .type = what->type, .key = what->key, .depth = 1, .seed = s->seed };
    weir_status status = weir_shape_create(&s->shape, &shape, error);
    if (status == WEIR_OK) {
        weir_step_keep_large(step, s->shape);
        s->spine = weir_spine_create(s->shape, account);
        s->builder = weir_trace_builder_create(s->shape, account);
        if (!s->spine || !s->builder)
            status = weir_error_set(error, WEIR_NO_MEMORY, "no memory for a view");
    }
    weir__stash_init(&s->stash, false, account);
    s->stash.limit = RUN_UPDATES;
    *result = s;
    if (status != WEIR_OK)
        fini(s);
    return status;
}

/* ---- taking in ---- */

static void build_run(state *s)
{
    weir_trace_run *made;
    size_t updates = weir_trace_builder_count(s->builder);
    if (updates == 0 || s->failed)
        return;
    s->appended += updates;
    s->failed = weir_trace_builder_build(s->builder, &made);
    if (!s->failed && made) {
        s->failed = weir_spine_append(s->spine, made, NULL);
        if (s->failed)
            weir_trace_run_release(made);
    }
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
        for (size_t i = 0; i < updates.count; i++)
            s->open_records += (uint64_t)weir_batch_diff(batch, from + i);
        from += updates.count;
        if (weir_trace_builder_count(s->builder) == RUN_UPDATES)
            build_run(s);
    }
}

/* True: everything that has come is in the trace or of an epoch that is not complete. */
static bool take_in(weir_step *step, state *s)
{
    if (!weir__stash_feed(&s->stash, step, add, s))
        return false;
    while (!s->failed && weir__stash_complete(&s->stash, step, add, s)) {
        s->records += s->open_records;
        s->open_records = 0;
        weir__stash_done(&s->stash, step);
    }
    return !weir__stash_first(&s->stash) || !weir__complete(step, 0, weir__stash_epoch(&s->stash));
}

/* ---- retention ---- */

/* Notes what is complete now. Two moments are not nearer to each other than it takes for there to
 * be few of them, but the last one is always now. */
static void note_moment(state *s, uint64_t now)
{
    uint64_t apart = s->what->retention_ns / MOMENTS;
    if (s->moment_count >= 2 &&
        s->moments[s->moment_count - 1].ns - s->moments[s->moment_count - 2].ns < apart)
        s->moment_count--;
    s->moments[s->moment_count++] = (moment){ now, s->upper };
}

/* Forgets what is older than the retention, as far as readers allow, and says when to be called for
 * more. */
static void forget(weir_step *step, state *s, uint64_t now)
{
    uint64_t retention = s->what->retention_ns;
    unsigned old = 0;
    while (old < s->moment_count && s->moments[old].ns + retention <= now)
        s->wanted = s->moments[old++].upper - 1;
    s->moment_count -= old;
    memmove(s->moments, s->moments + old, s->moment_count * sizeof *s->moments);
    uint64_t since = weir_frontier_times(weir_spine_since(s->spine))->at[0];
    if (s->wanted > since) {
        since = weir_view_grant_since(s->what->view, weir_step_worker(step), s->wanted);
        weir_frontier granted = { .count = 1, .depth = 1, .one = weir_time_1(since) };
        weir_spine_advance_since(s->spine, &granted);
    }
    if (s->moment_count > 0)
        weir_step_at_ns(step, s->moments[0].ns + retention);
    if (since < s->wanted)
        weir_step_at_ns(step, now + RETENTION_MS / MOMENTS * (uint64_t)1000000);
}

/* ---- the step ---- */

static void show(weir_step *step, state *s, uint64_t now)
{
    weir_trace_runs *runs = weir_spine_list(s->spine);
    if (!runs) {
        s->failed = WEIR_NO_MEMORY;
        return;
    }
    weir_view_part part = { .runs = runs,
                            .upper = s->upper,
                            .seed = s->seed,
                            .now_ns = now,
                            .dataflow = weir_step_dataflow(step),
                            .records = (int64_t)s->records,
                            .updates = weir_spine_updates(s->spine),
                            .bytes = weir_spine_bytes(s->spine) };
    weir_view_publish(s->what->view, weir_step_worker(step), &part);
    weir_trace_runs_release(runs);
}

static void run(weir_step *step, void *ctx)
{
    state *s = ctx;
    uint64_t now = weir_step_now_ns(step), complete = weir__complete_before(step, 0);
    s->appended = 0;
    bool all = take_in(step, s), later = all && complete > s->upper;
    if (later)
        build_run(s);
    if (!s->failed && later) {
        s->upper = complete;
        note_moment(s, now);
    }
    weir_merge_work work = weir__merge_work_of(step, s->appended, 0);
    work.looked = s->appended; /* who reads it does not say */
    if (!s->failed)
        (void)weir_spine_work_at(s->spine, &work);
    if (!s->failed && (later || !weir_spine_current(s->spine)))
        show(step, s, now);
    if (!s->failed)
        forget(step, s, now);
    /* Asked again, for what it has forgotten now: that does not wait for a merge without room. */
    work = (weir_merge_work){ .now_ns = now };
    if (!s->failed && weir_spine_work_at(s->spine, &work))
        weir__merge_later(step, &work);
    if (s->failed)
        weir__trace_failed(step, s->failed, weir_spine_updates(s->spine));
}

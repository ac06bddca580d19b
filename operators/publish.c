/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/publish.h: the side that publishes. A node takes the stream of runs like any
 * other reader, and tells importers on the same worker what has come and what is complete. What it
 * holds is what an import may begin with.
 */
#include "publish.h"

#include <stdio.h>

#include <weir/node.h>
#include <weir/observe.h>

#include "trace_failed.h"

typedef struct state {
    weir__published_part *part;
    weir_trace_reader *reader;
    bool keep_history;
} state;

static weir_status init(weir_step *step, void *ctx, void **result, weir_error *error);
static void run(weir_step *step, void *s);
static void fini(void *s);

/* ---- the graph ---- */

static void retain(void *ctx)
{
    const weir__published *p = ctx;
    (void)weir_dataflow_retain(p->dataflow);
}

const weir_traces_kind weir__published_kind = { .retain = retain };

static void withdraw(void *ctx)
{
    const weir__published *p = ctx;
    weir_traces_withdraw(p->names, p->name);
}

static bool check(weir_arrangement *a, const char *name)
{
    weir_graph *graph = a->graph;
    if (!name || !*name) {
        weir_graph_fail(graph, WEIR_INVALID, "publish", "give it one",
                        "an arrangement is published without a name");
        return false;
    }
    if (weir_arrangement_depth(a) > 1) {
        weir_graph_fail(graph, WEIR_INVALID, name, "arrange what leaves the scope",
                        "an arrangement inside a scope cannot be published: its times mean "
                        "nothing elsewhere");
        return false;
    }
    if (a->what->imported) {
        weir_graph_fail(graph, WEIR_INVALID, name,
                        "import it by its own name, or arrange it by another key and publish that",
                        "an imported arrangement cannot be published again: '%s' is its name",
                        a->what->imported);
        return false;
    }
    return true;
}

static bool take_name(weir_graph *graph, weir__published *p)
{
    weir_error error;
    if (weir_traces_publish(p->names, p->name, &weir__published_kind, p, &error) != WEIR_OK) {
        weir_graph_fail(graph, error.status, p->name, "choose another name", "%s", error.what);
        return false;
    }
    weir_graph_at_removal(graph, withdraw, p);
    return true;
}

void weir_arrangement_publish(weir_arrangement *a, const char *name,
                              const struct weir_publish_options *options)
{
    if (!a || weir_graph_failed(a->graph) || !check(a, name))
        return;
    weir_graph *graph = a->graph;
    weir__published *p = weir_graph_alloc(graph, sizeof *p);
    *p = (weir__published){
        .name = weir_graph_text(graph, name),
        .what = a->what,
        .dataflow = weir_graph_dataflow(graph),
        .names = weir_runtime_traces(weir_graph_runtime(graph)),
        .keep_history = options->keep_history,
        .parts = weir_graph_alloc(graph, weir_graph_workers(graph) * sizeof *p->parts)
    };
    /* the graph, in which this lies, lives as long as the dataflow: a reference would keep both */
    weir_dataflow_release(p->dataflow);
    if (!take_name(graph, p))
        return;
    weir_graph_keep(graph); /* until it is removed, in the order in which imports are built */
    weir_node_input input = { .type = weir_run_ref_type(), .interest = WEIR_ALWAYS,
                              .settles = true /* readers elsewhere wait for it */ };
    weir_node_spec spec = { .struct_size = sizeof spec,
                            .kind = "publish",
                            .input_count = 1,
                            .inputs = &input,
                            .deterministic = true,
                            .ctx = p,
                            .init = init,
                            .step = run,
                            .fini = fini };
    (void)weir_node_add(graph, &spec, &a->runs);
}

/* ---- state ---- */

static void wake(const weir__published_part *part)
{
    for (const weir__importer *i = part->importers; i; i = i->next)
        weir_wake(i->waker);
}

static void fini(void *ctx)
{
    state *s = ctx;
    weir_trace_reader_close(s->reader);
    s->part->trace = NULL;
    wake(s->part);
    weir_free(s, sizeof *s);
}

static weir_status init(weir_step *step, void *ctx, void **result, weir_error *error)
{
    const weir__published *p = ctx;
    weir__published_part *part = &p->parts[weir_step_worker(step)];
    weir_trace *trace = p->what->traces[weir_step_worker(step)];
    char owner[160];
    (void)snprintf(owner, sizeof owner, "published as '%.128s'", p->name);
    weir_trace_reader_spec spec = { .owner = owner, .now_ns = weir_step_now_ns(step) };
    weir_trace_reader *reader = weir_trace_reader_open(trace, &spec);
    if (!reader)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for a reader of a trace");
    state *s = weir_alloc_must(sizeof *s);
    *s = (state){ .part = part, .reader = reader, .keep_history = p->keep_history };
    part->trace = trace;
    *result = s;
    return WEIR_OK;
}

/* ---- steps ---- */

static void tell(const weir__published_part *part, uint64_t number, uint64_t epoch)
{
    for (weir__importer *i = part->importers; i; i = i->next) {
        if (i->count == i->capacity) {
            size_t capacity = 2 * i->capacity + 8;
            i->came = weir_realloc_must(i->came, i->capacity * sizeof *i->came,
                                        capacity * sizeof *i->came);
            i->capacity = capacity;
        }
        i->came[i->count++] = (weir__came){ number, epoch };
    }
}

/* The least epoch at or after all that there is. */
static uint64_t last_epoch(const state *s)
{
    weir_trace_run *const *runs;
    size_t count = weir_trace_reader_runs(s->reader, &runs);
    uint64_t last = s->part->upper;
    for (size_t i = 0; i < count; i++) {
        uint64_t epoch = weir_trace_run_join(runs[i]).at[0];
        last = epoch > last ? epoch : last;
    }
    return last;
}

/* True: something has become complete. */
static bool advance(weir_step *step, state *s)
{
    weir__published_part *part = s->part;
    const weir_frontier *frontier = weir_step_frontier(step, 0);
    bool complete = weir_frontier_is_empty(frontier);
    uint64_t upper = complete ? last_epoch(s) : weir_frontier_times(frontier)->at[0];
    if (part->complete || (!complete && upper == part->upper))
        return false;
    part->complete = complete;
    part->upper = upper;
    if (s->keep_history)
        return true;
    part->since = upper;
    weir_frontier since = { .count = 1, .depth = 1, .one = weir_time_1(upper) };
    weir_trace_reader_advance(s->reader, &since);
    return true;
}

static void run(weir_step *step, void *ctx)
{
    state *s = ctx;
    bool news = false;
    for (const weir_batch *batch; (batch = weir_step_take(step, 0)); news = true)
        for (size_t i = 0; i < batch->count; i++) {
            const weir_run_ref *ref = weir_batch_record(batch, i);
            (void)weir_trace_reader_deliver(s->reader, ref->number);
            tell(s->part, ref->number, weir_batch_time(batch, i).at[0]);
        }
    news |= advance(step, s);
    if (news)
        wake(s->part);
    /* what was delivered may be merged only now, which the one who appended it did not see */
    weir__trace_merge(step, weir_trace_reader_trace(s->reader), 0, 0);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/publish.h: the side that imports. Two nodes: one tells all workers from which
 * epoch on its part can be told, the other begins with the latest of these when it has heard them
 * all, sends what is there, and then follows the publisher on its worker.
 */
#include <stdio.h>
#include <string.h>

#include <weir/node.h>
#include <weir/observe.h>

#include "publish.h"

typedef struct start start;
typedef struct follower follower;

typedef struct description {
    weir__published *from;
    weir__arranged *what; /* as those who read it see it */
    uint64_t as_of;
    start **starts; /* by worker */
    follower **followers;
} description;

/* The first node. It stays until the import is over, since a node without inputs is told when the
 * program ends. */
struct start {
    const description *what;
    unsigned worker;
    weir_waker *waker;
    bool sent, ending, over;
};

struct follower {
    description *what;
    unsigned worker, heard;
    weir__published_part *part;
    weir__importer importer;
    weir_trace *trace; /* the import */
    weir_trace_reader *hold; /* until it has begun: what it has told others is kept */
    uint64_t floor;
    bool begun, done; /* done: it has no more to say, or cannot begin */
};

static const weir_field since_fields[] = { { .name = "epoch", .kind = WEIR_KIND_u64 } };
static const weir_type since_type = { .struct_size = sizeof since_type,
                                      .name = "weir_import_since",
                                      .size = sizeof(uint64_t),
                                      .align = _Alignof(uint64_t),
                                      .field_count = 1,
                                      .fields = since_fields };

static weir_status start_init(weir_step *step, void *ctx, void **result, weir_error *error);
static void start_run(weir_step *step, void *s);
static void start_fini(void *s);
static weir_status follow_init(weir_step *step, void *ctx, void **result, weir_error *error);
static void follow_run(weir_step *step, void *s);
static void follow_fini(void *s);

/* ---- the graph ---- */

static void release(void *ctx)
{
    weir_dataflow_release(ctx);
}

/* A dataflow that kept itself would stay until the runtime is destroyed. */
static bool is_own(weir_graph *graph, const weir__published *p)
{
    weir_dataflow *own = weir_graph_dataflow(graph);
    weir_dataflow_release(own);
    return p->dataflow == own;
}

static weir__published *find(weir_graph *graph, const char *name)
{
    weir_traces *names = weir_runtime_traces(weir_graph_runtime(graph));
    weir__published *p = name ? weir_traces_find(names, name, &weir__published_kind) : NULL;
    if (!p) {
        weir_graph_fail(graph, WEIR_NOT_FOUND, name ? name : "import",
                        "add the dataflow that publishes it first",
                        "no arrangement was published as '%s'", name ? name : "");
        return NULL;
    }
    if (is_own(graph, p)) {
        weir_graph_fail(graph, WEIR_INVALID, name, "use the arrangement that was published",
                        "'%s' is imported by the dataflow that publishes it", name);
        weir_dataflow_release(p->dataflow);
        return NULL;
    }
    weir_graph_at_end(graph, release, p->dataflow);
    return p;
}

static void put_key(char *text, size_t size, const weir_type *type, const weir_key *key)
{
    size_t used = 0;
    *text = '\0';
    for (uint32_t i = 0; i < key->count && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "",
                                 type->fields[key->field[i]].name);
}

static bool fits(weir_graph *graph, const weir__published *p, const weir_type *type,
                 const char *const *names)
{
    weir_error error;
    weir_key key;
    const weir_type *has = p->what->type;
    const weir_key *has_key = &p->what->spec.key;
    if (!weir_type_same_layout(has, type)) {
        weir_graph_fail(graph, WEIR_TYPE_MISMATCH, p->name, "import it as what it is",
                        "'%s' was published with records '%s', not '%s'", p->name, has->name,
                        type->name);
        return false;
    }
    weir_status status = names ? weir_key_resolve(type, names, &key, &error)
                               : weir_key_all(type, &key, &error);
    if (status != WEIR_OK) {
        weir_graph_fail(graph, status, p->name, error.hint, "%s", error.what);
        return false;
    }
    if (key.count == has_key->count &&
        memcmp(key.field, has_key->field, key.count * sizeof *key.field) == 0)
        return true;
    char is[200], wanted[200];
    put_key(is, sizeof is, has, has_key);
    put_key(wanted, sizeof wanted, type, &key);
    weir_graph_fail(graph, WEIR_TYPE_MISMATCH, p->name,
                    "import it by its key, or publish an arrangement by the other",
                    "'%s' was arranged by (%s), not by (%s)", p->name, is, wanted);
    return false;
}

static weir_port *add_nodes(weir_graph *graph, description *what)
{
    weir_node_output since = { .type = &since_type };
    weir_node_spec first = { .struct_size = sizeof first,
                             .kind = "import_start",
                             .output_count = 1,
                             .outputs = &since,
                             .initial_capabilities = true,
                             .at_start = true,
                             .is_input = true,
                             .ctx = what,
                             .init = start_init,
                             .step = start_run,
                             .fini = start_fini };
    weir_port *told = weir_node_output_port(weir_node_add(graph, &first, NULL), 0);
    weir_node_input input = { .type = &since_type, .route = WEIR_TO_ALL };
    weir_node_output runs = { .type = weir_run_ref_type() };
    weir_summary none = { .depth = 0 };
    weir_node_spec second = { .struct_size = sizeof second,
                              .kind = "import",
                              .input_count = 1,
                              .output_count = 1,
                              .inputs = &input,
                              .outputs = &runs,
                              .summaries = &none,
                              .initial_capabilities = true,
                              .at_start = true,
                              .ctx = what,
                              .init = follow_init,
                              .step = follow_run,
                              .fini = follow_fini };
    return weir_node_output_port(weir_node_add(graph, &second, &told), 0);
}

weir_arrangement *weir_arrangement_import(weir_graph *graph, const weir_type *type,
                                          const char *const *key, const char *name,
                                          const struct weir_import_options *options)
{
    if (weir_graph_failed(graph))
        return NULL;
    weir__published *p = find(graph, name);
    if (!p || !fits(graph, p, type, key))
        return NULL;
    unsigned workers = weir_graph_workers(graph);
    description *what = weir_graph_alloc(graph, sizeof *what);
    *what = (description){ .from = p,
                           .as_of = options->as_of,
                           .starts = weir_graph_alloc(graph, workers * sizeof(start *)),
                           .followers = weir_graph_alloc(graph, workers * sizeof(follower *)) };
    what->what = weir_graph_alloc(graph, sizeof *what->what +
                                             workers * sizeof *what->what->traces);
    what->what->type = p->what->type;
    what->what->spec = p->what->spec;
    what->what->spec.whole = false; /* what there is comes in as many runs as it lies in */
    what->what->depth = 1;
    what->what->unique_key = p->what->unique_key;
    what->what->imported = p->name;
    weir_port *runs = add_nodes(graph, what);
    what->what->runs = runs;
    return weir__arrangement_note(runs, runs, what->what);
}

/* ---- the beginning ---- */

static weir_status start_init(weir_step *step, void *ctx, void **result, weir_error *error)
{
    const description *what = ctx;
    unsigned worker = weir_step_worker(step);
    weir__published_part *part = &what->from->parts[worker];
    if (!part->trace) {
        weir_error_set(error, WEIR_GONE, "what publishes '%s' has failed on worker %u",
                       what->from->name, worker);
        weir_error_hint(error, "import it when that is mended and added again");
        return WEIR_GONE;
    }
    start *s = weir_alloc_must(sizeof *s);
    *s = (start){ .what = what, .worker = worker, .waker = weir_step_waker(step) };
    what->what->traces[worker] = weir_trace_import(part->trace, weir_step_account(step));
    what->starts[worker] = s;
    *result = s;
    if (what->what->traces[worker])
        return WEIR_OK;
    start_fini(s);
    return weir_error_set(error, WEIR_NO_MEMORY, "no memory to import '%s'", what->from->name);
}

static void start_fini(void *ctx)
{
    start *s = ctx;
    weir_trace *trace = s->what->what->traces[s->worker];
    s->what->starts[s->worker] = NULL;
    if (trace)
        weir_trace_leave_account(trace);
    weir_trace_release(trace);
    s->what->what->traces[s->worker] = NULL;
    weir_free(s, sizeof *s);
}

static void start_run(weir_step *step, void *ctx)
{
    start *s = ctx;
    follower *f = s->what->followers[s->worker];
    if (!s->sent) {
        weir_builder *out = weir_step_output(step, 0, &(weir_time){ { 0 } });
        *(uint64_t *)weir_builder_next(out, sizeof(uint64_t)) = f ? f->part->since : 0;
    }
    s->sent = true;
    if (weir_step_ending(step)) {
        s->ending = true;
        if (f)
            weir_wake(f->importer.waker);
    } else if (s->over) {
        weir_step_finish(step);
    }
}

/* ---- following ---- */

static void follow_fini(void *ctx)
{
    follower *f = ctx;
    weir__importer **at = &f->part->importers;
    while (*at != &f->importer)
        at = &(*at)->next;
    *at = f->importer.next;
    weir_free(f->importer.came, f->importer.capacity * sizeof *f->importer.came);
    weir_trace_reader_close(f->hold);
    f->what->followers[f->worker] = NULL;
    weir_trace_release(f->trace);
    weir_free(f, sizeof *f);
}

static weir_status follow_init(weir_step *step, void *ctx, void **result, weir_error *error)
{
    description *what = ctx;
    unsigned worker = weir_step_worker(step);
    weir__published_part *part = &what->from->parts[worker];
    weir_trace_reader_spec spec = { .owner = weir_step_name(step),
                                    .now_ns = weir_step_now_ns(step) };
    follower *f = weir_alloc_must(sizeof *f);
    *f = (follower){ .what = what,
                     .worker = worker,
                     .part = part,
                     .floor = what->as_of,
                     .trace = weir_trace_retain(what->what->traces[worker]),
                     .hold = weir_trace_reader_open(part->trace, &spec) };
    f->importer = (weir__importer){ .next = part->importers, .waker = weir_step_waker(step) };
    part->importers = &f->importer;
    what->followers[worker] = f;
    *result = f;
    if (f->hold)
        return WEIR_OK;
    follow_fini(f);
    return weir_error_set(error, WEIR_NO_MEMORY, "no memory to import '%s'", what->from->name);
}

/* From which epoch on each worker can tell. False: one has forgotten what was asked for. */
static bool hear(weir_step *step, follower *f)
{
    for (const weir_batch *batch; (batch = weir_step_take(step, 0));)
        for (size_t i = 0; i < batch->count; i++, f->heard++) {
            uint64_t since = *(const uint64_t *)weir_batch_record(batch, i);
            if (f->what->as_of && since > f->what->as_of) {
                weir_step_fail_dataflow(
                    step, WEIR_GONE,
                    "'%s' cannot be imported as of epoch %llu: only epochs from %llu on are kept; "
                    "publish it with .keep_history, or import it sooner",
                    f->what->from->name, (unsigned long long)f->what->as_of,
                    (unsigned long long)since);
                f->done = true;
                return false;
            }
            f->floor = since > f->floor ? since : f->floor;
        }
    return f->heard == weir_step_workers(step);
}

static void send(weir_step *step, const follower *f, uint64_t number, uint64_t epoch)
{
    weir_time time = weir_time_1(epoch > f->floor ? epoch : f->floor);
    weir_builder *out = weir_step_output(step, 0, &time);
    *(weir_run_ref *)weir_builder_next(out, sizeof(weir_run_ref)) = (weir_run_ref){ number };
}

static void begin(weir_step *step, follower *f)
{
    const uint64_t *numbers;
    size_t count = weir_trace_import_numbers(f->trace, &numbers);
    weir_time floor = weir_time_1(f->floor);
    weir_trace_import_begin(f->trace, &floor);
    f->begun = true;
    for (size_t i = 0; i < count; i++)
        send(step, f, numbers[i], f->floor);
    weir_trace_reader_close(f->hold);
    f->hold = NULL;
}

/* Those that were there at the beginning have been sent with the past. */
static void send_new(weir_step *step, follower *f)
{
    const uint64_t *numbers;
    size_t count = weir_trace_import_numbers(f->trace, &numbers);
    for (size_t i = 0; i < f->importer.count; i++)
        if (count == 0 || f->importer.came[i].number > numbers[count - 1])
            send(step, f, f->importer.came[i].number, f->importer.came[i].epoch);
    f->importer.count = 0;
}

static void follow_run(weir_step *step, void *ctx)
{
    follower *f = ctx;
    const weir__published_part *part = f->part;
    start *s = f->what->starts[f->worker];
    if (f->done || (!f->begun && !hear(step, f)))
        return;
    if (!f->begun)
        begin(step, f);
    send_new(step, f);
    f->done = part->complete || (!part->trace && s && s->ending);
    if (f->done) {
        weir_cap_drop(step, 0);
        if (s) {
            s->over = true;
            weir_wake(s->waker);
        }
        return;
    }
    weir_time upper = weir_time_1(part->upper > f->floor ? part->upper : f->floor);
    weir_cap_downgrade(step, 0, &upper);
}

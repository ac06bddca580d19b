/* SPDX-License-Identifier: Apache-2.0
 *
 * The node that arranges. What comes is gathered by its time; when no more can come of a time, it
 * becomes a run, which is appended to the worker's trace, and whose number leaves at that time. Of
 * a time with much a run leaves whenever there is enough for one, so that nothing large is left to
 * do when it is complete.
 */
#include <weir/observe.h>

#include "arrange.h"
#include "times.h"
#include "trace_failed.h"

/* A run has so many updates at most, or ends with so many bytes of records, so that what is left to
 * do when a time is complete is bounded, and what memory it takes; the fewer runs a time with much
 * makes, the less there is to be merged. With more than a few it takes no more than a part of the
 * worker's share of the budget, since sources wait until it is delivered. In a scope a round often
 * takes back what came of the same round, so all of it is put together (in runs of 512 Ki scc-load
 * takes a fifth longer), but for rounds that are so large that memory matters more. A builder is
 * kept for another time if it has not become large. */
enum {
    RUN_UPDATES = 512 << 10,
    RUN_FEW = 128 << 10,
    RUN_SHARE = 8,
    RUN_BYTES = 16 << 20,
    ROUND_UPDATES = 4 << 20,
    ROUND_BYTES = 128 << 20,
    STEP_UPDATES = 64 << 10,
    KEPT_UPDATES = 64 << 10,
    SPARES_MAX = 4
};

/* Of so few keys what looking them up in another trace will read is asked for ahead. */
enum { EXPECTED_MAX = 8 };

/* Runs that readers have not taken count as under way when they have more bytes. */
enum { UNDELIVERED = 256 << 10 };

/* What came of a time, and the right to send at it. */
typedef struct due {
    weir_time time;
    weir_cap cap;
    weir_trace_builder *builder;
    bool is_large; /* the builder is, by now */
} due;

typedef struct state {
    weir__arranged *what;
    unsigned worker;
    weir_account *account;
    weir_shape *shape;
    weir_trace *trace;
    weir__times dues;
    weir_frontier sealed; /* nothing is due that is not at or after it */
    weir_trace_builder *spares[SPARES_MAX];
    uint32_t spare_count;
    size_t taken, appended; /* updates, in this step */
    size_t most;            /* updates of a run */
    uint64_t expected[EXPECTED_MAX]; /* hashes of keys that came since something was sealed */
    size_t expected_count;
    weir_status failed;
} state;

static weir_status init(weir_step *step, void *ctx, void **result, weir_error *error);
static void run(weir_step *step, void *s);
static void fini(void *s);

void weir__arrange_node(weir_port *in, weir__arranged *what)
{
    weir_graph *graph = weir_port_graph(in);
    weir_node_input input = { .type = what->type,
                              .interest = WEIR_IF_HOLDING,
                              .route = WEIR_BY_KEY,
                              .key = what->spec.key,
                              .takes_diffs = true };
    weir_node_output output = { .type = weir_run_ref_type() };
    weir_node_spec spec = { .struct_size = sizeof spec,
                            .kind = "arrange",
                            .name = what->spec.name,
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
    what->runs = weir_node_output_port(weir_node_add(graph, &spec, &in), 0);
}

/* ---- runs that others read ---- */

static void wake(void *waker)
{
    weir_wake(waker);
}

void weir__runs_watch(weir_trace *trace, weir_step *step)
{
    weir_trace_watch(trace, UNDELIVERED, wake, weir_step_waker(step));
}

void weir__runs_under_way(const weir_trace *trace, weir_step *step)
{
    weir_trace_info info;
    weir_trace_get_info(trace, &info);
    weir_step_under_way(step, info.undelivered_bytes > UNDELIVERED ? info.undelivered_bytes : 0);
}

void weir__runs_leave(weir_trace *trace)
{
    weir_trace_leave_account(trace);
    weir_trace_watch(trace, 0, NULL, NULL);
}

/* ---- state ---- */

static void fini(void *ctx)
{
    state *s = ctx;
    for (uint32_t i = 0; i < s->dues.count; i++)
        weir_trace_builder_destroy(((due *)weir__times_at(&s->dues, i))->builder);
    weir_frontier_fini(&s->sealed);
    while (s->spare_count > 0)
        weir_trace_builder_destroy(s->spares[--s->spare_count]);
    weir__times_fini(&s->dues);
    s->what->traces[s->worker] = NULL;
    if (s->trace)
        weir__runs_leave(s->trace);
    weir_trace_release(s->trace);
    weir_shape_release(s->shape);
    weir_free(s, sizeof *s);
}

/* Updates of a run. */
static size_t most_of(const weir_step *step, const weir__arranged *what)
{
    size_t most = weir_step_share(step) / RUN_SHARE / what->type->size;
    if (what->spec.whole)
        return SIZE_MAX;
    if (what->depth > 1)
        return ROUND_UPDATES;
    return most < RUN_FEW ? RUN_FEW : most < RUN_UPDATES ? most : RUN_UPDATES;
}

static weir_status init(weir_step *step, void *ctx, void **result, weir_error *error)
{
    weir__arranged *what = ctx;
    state *s = weir_alloc_must(sizeof *s);
    *s = (state){ .what = what,
                  .worker = weir_step_worker(step),
                  .account = weir_step_account(step),
                  .most = most_of(step, what) };
    weir__times_init(&s->dues, what->depth, sizeof(due));
    weir_frontier_init(&s->sealed, what->depth);
    weir_frontier_insert(&s->sealed, &(weir_time){ { 0 } });
    weir_shape_spec spec = { .type = what->type,
                             .key = what->spec.key,
                             .order = what->spec.order,
                             .descending = what->spec.descending,
                             .depth = what->depth,
                             .seed = weir_step_hash_seed(step) };
    weir_status status = weir_shape_create(&s->shape, &spec, error);
    if (status == WEIR_OK) {
        s->trace = weir_trace_create(s->shape, s->account, weir_step_name(step));
        if (!s->trace || weir_step_show_trace(step, s->trace) != WEIR_OK)
            status = weir_error_set(error, WEIR_NO_MEMORY, "no memory for a trace");
    }
    what->traces[s->worker] = s->trace;
    if (s->trace)
        weir__runs_watch(s->trace, step);
    *result = s;
    if (status != WEIR_OK)
        fini(s);
    return status;
}

/* ---- what came, by time ---- */

static weir_trace_builder *builder_for(state *s)
{
    if (s->spare_count > 0)
        return s->spares[--s->spare_count];
    weir_trace_builder *builder = weir_trace_builder_create(s->shape, s->account);
    if (!builder)
        s->failed = WEIR_NO_MEMORY;
    return builder;
}

/* The one of this time, which is at or after the current batch's; NULL: no memory. Valid until
 * another one is made. */
static due *due_of(weir_step *step, state *s, const weir_time *time)
{
    due *d = weir__times_find(&s->dues, time);
    if (d)
        return d;
    weir_trace_builder *builder = builder_for(s);
    if (!builder)
        return NULL;
    d = weir__times_add(&s->dues, time);
    d->builder = builder;
    d->is_large = false;
    d->cap = weir_cap_retain(step, 0, time);
    return d;
}

/* What there is of a time becomes a run and leaves. */
static void send(weir_step *step, state *s, due *d)
{
    weir_trace_run *made;
    size_t updates = weir_trace_builder_count(d->builder);
    weir_run_ref ref;
    if (s->failed)
        return;
    d->is_large |= updates > KEPT_UPDATES;
    s->failed = weir_trace_builder_build(d->builder, &made);
    if (s->failed || !made)
        return;
    s->failed = weir_trace_append(s->trace, made, &ref.number);
    if (s->failed) {
        weir_trace_run_release(made);
        return;
    }
    s->appended += updates;
    weir_builder *out = weir_step_output(step, 0, &d->time);
    *(weir_run_ref *)weir_builder_next(out, sizeof ref) = ref;
}

static bool is_enough(const state *s, const due *d)
{
    size_t bytes = s->what->depth > 1 ? ROUND_BYTES : RUN_BYTES;
    return !s->what->spec.whole && (weir_trace_builder_count(d->builder) == s->most ||
                                    weir_trace_builder_bytes(d->builder) >= bytes);
}

static void add(weir_step *step, state *s, const weir_updates *of, due *d)
{
    weir_updates u = *of;
    size_t left = u.count;
    while (left > 0 && !s->failed) {
        size_t room = s->most - weir_trace_builder_count(d->builder);
        u.count = left < room ? left : room;
        s->failed = weir_trace_builder_add(d->builder, &u);
        u.records = (const char *)u.records + u.count * s->what->type->size;
        u.hashes = u.hashes ? u.hashes + u.count : NULL;
        u.diffs = u.diffs ? u.diffs + u.count : NULL;
        left -= u.count;
        if (is_enough(s, d))
            send(step, s, d);
    }
}

/* ---- what is looked up next, in another trace ---- */

static weir_trace *other_of(const state *s)
{
    const weir__arranged *other = s->what->other;
    return other ? other->traces[s->worker] : NULL;
}

/* Where there are few records, each miss of the cache would be waited for. */
static void expect(state *s, const weir_batch *batch)
{
    weir_trace *other = other_of(s);
    uint64_t *hashes = s->expected + s->expected_count;
    if (!other || batch->count > EXPECTED_MAX - s->expected_count)
        return;
    for (size_t i = 0; i < batch->count; i++)
        hashes[i] = batch->hashes ? batch->hashes[i]
                                  : weir_shape_hash(s->shape, weir_batch_record(batch, i));
    weir_trace_expect(other, hashes, batch->count, false);
    s->expected_count += batch->count;
}

static void expect_again(state *s)
{
    weir_trace *other = other_of(s);
    if (other && s->expected_count > 0)
        weir_trace_expect(other, s->expected, s->expected_count, true);
    s->expected_count = 0;
}

/* The records of a batch, those of one time that lie together at once. */
static void take(weir_step *step, state *s, const weir_batch *batch)
{
    expect(s, batch);
    for (size_t from = 0, to; from < batch->count && !s->failed; from = to) {
        weir_time time = weir_batch_time(batch, from);
        for (to = batch->times ? from + 1 : batch->count; to < batch->count; to++)
            if (memcmp(batch->times + to * batch->depth, batch->times + from * batch->depth,
                       batch->depth * sizeof *batch->times) != 0)
                break;
        weir_updates u = { .records = weir_batch_record(batch, from),
                           .count = to - from,
                           .hashes = batch->hashes ? batch->hashes + from : NULL,
                           .diffs = batch->diffs ? batch->diffs + from : NULL,
                           .time = time };
        due *d = due_of(step, s, &time);
        if (d)
            add(step, s, &u, d);
    }
    s->taken += batch->count;
}

/* ---- the step ---- */

typedef struct sealing {
    weir_step *step;
    state *s;
} sealing;

static void finish(void *entry, void *ctx)
{
    const sealing *at = ctx;
    state *s = at->s;
    due *d = entry;
    send(at->step, s, d);
    weir_cap_drop(at->step, d->cap);
    if (s->spare_count < SPARES_MAX && !d->is_large)
        s->spares[s->spare_count++] = d->builder;
    else
        weir_trace_builder_destroy(d->builder);
}

/* Times that nothing more can come of leave. */
static void seal(weir_step *step, state *s)
{
    const weir_frontier *frontier = weir_step_frontier(step, 0);
    if (weir_frontier_equal(frontier, &s->sealed))
        return; /* since what came then was at or after it */
    weir_frontier_set(&s->sealed, frontier);
    expect_again(s);
    weir__times_take(&s->dues, frontier, finish, &(sealing){ step, s });
}

static void run(weir_step *step, void *ctx)
{
    state *s = ctx;
    const weir_batch *batch;
    s->taken = s->appended = 0;
    while (!s->failed && s->taken < STEP_UPDATES && (batch = weir_step_take(step, 0)))
        take(step, s, batch);
    if (!s->failed && s->dues.count > 0)
        seal(step, s);
    if (!s->failed) {
        /* what is due has a step of its own later, and until then nothing is to be merged anew */
        if (s->dues.count == 0 || s->appended > 0 || weir_step_is_idle(step))
            weir__trace_merge(step, s->trace, s->appended, 0);
        if (weir_step_waiting(step, 0) > 0)
            weir_step_again(step);
    }
    weir__runs_under_way(s->trace, step);
    if (s->failed) {
        weir_trace_info info;
        weir_trace_get_info(s->trace, &info);
        weir__trace_failed(step, s->failed, info.updates);
    }
}

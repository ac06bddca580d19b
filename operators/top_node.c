/* SPDX-License-Identifier: Apache-2.0
 *
 * See top_node.h. When a time is complete, each key that changed at it is looked at: its front as
 * it is now, and its results as they were, of a trace of their own; what differs leaves. The fronts
 * of large groups are kept (front.h); those of small ones are read anew.
 */
#include "top_node.h"

#include <string.h>

#include <weir/node.h>
#include <weir/observe.h>
#include <weir/operators/reduce.h>
#include <weir/table.h>

#include "arrange.h"
#include "owned.h"
#include "round.h"
#include "trace_failed.h"

/* A group of more values than LARGE has a front that is kept. */
enum { RUN_UPDATES = 64 << 10, LARGE = 256 };

/* Results of a key, in their order. */
typedef struct results {
    char *records;
    int64_t *counts;
    size_t count, capacity;
} results;

typedef struct state {
    const weir__top_spec *what;
    weir_account *account;
    weir__round round;
    weir_shape *shape;
    weir_trace *trace;      /* of results */
    weir_trace_reader *own;
    weir_trace_builder *builder;
    weir_trace_runs *own_list;
    weir_cursor *own_cursor; /* in a round */
    weir_table *fronts;     /* of large groups */
    weir__front scratch;
    results before, after;
    char *key, *probe;      /* the key at hand, as a record of the input's and of the result's */
    uint64_t looked;        /* values, and below keys, in this step */
    size_t keys;
    size_t charged;         /* what the account has of the front at hand */
    size_t appended;        /* updates, in this step */
    weir_status failed;
} state;

/* ---- the graph ---- */

static weir_status init(weir_step *step, void *ctx, void **result, weir_error *error);
static void run(weir_step *step, void *s);
static void fini(void *s);

static void make_result(const weir__top_spec *what, const void *record, void *result)
{
    if (what->make)
        what->make(record, result, what->ctx);
    else
        memcpy(result, record, what->out->size);
}

/* In a scope. */
static weir_status first_ones(const void *key, const weir_values *values, weir_builder *out,
                              const void *ctx)
{
    const weir__top_spec *what = ctx;
    uint64_t left = what->order.wanted;
    (void)key;
    for (size_t i = 0; i < values->count && left > 0; i++) {
        if (values->counts[i] < 0)
            continue;
        uint64_t there = (uint64_t)values->counts[i], taken = there < left ? there : left;
        weir_builder_set_diff(out, (int64_t)taken);
        make_result(what, values->records[i], weir_builder_next(out, out->type->size));
        left -= taken;
    }
    return WEIR_OK;
}

weir_port *weir__top_add(const weir__top_spec *given)
{
    if (!given->in)
        return NULL;
    weir_port *runs = weir_arrangement_port(given->in);
    weir__top_spec *what = weir_graph_alloc(weir_port_graph(runs), sizeof *what);
    *what = *given;
    /* The runs of an import's past have many times: a reduction looks at each of them. */
    if (weir_port_depth(runs) > 1 || given->in->what->imported)
        return weir_reduce_erased(what->in,
                                  &(weir_reduce_spec){ .struct_size = sizeof(weir_reduce_spec),
                                                       .kind = what->kind,
                                                       .out = what->out,
                                                       .reduce = first_ones,
                                                       .ctx = what,
                                                       .result_key = what->result_key,
                                                       .first = what->order.wanted });
    return weir__round_node(&(weir__round_spec){ .kind = what->kind,
                                                 .in = what->in,
                                                 .out = what->out,
                                                 .ctx = what,
                                                 .init = init,
                                                 .step = run,
                                                 .fini = fini });
}

/* ---- state ---- */

static void close_own(state *s)
{
    weir_cursor_destroy(s->own_cursor);
    weir_trace_runs_release(s->own_list);
    s->own_cursor = NULL;
    s->own_list = NULL;
}

static void free_results(results *r, const weir_type *type)
{
    weir_free(r->records, r->capacity * type->size);
    weir_free(r->counts, r->capacity * sizeof *r->counts);
}

static void fini(void *ctx)
{
    state *s = ctx;
    const weir__top_spec *what = s->what;
    close_own(s);
    if (s->fronts) {
        weir_table_walk walk = weir_table_walk_range(s->fronts, 0, UINT64_MAX);
        for (weir__front *f; (f = weir_table_walk_next(&walk));) {
            weir_account_add(s->account, -(int64_t)weir__front_bytes(f, &what->order));
            weir__front_fini(f, &what->order);
        }
        weir_table_destroy(s->fronts);
    }
    weir__front_fini(&s->scratch, &what->order);
    weir__round_fini(&s->round);
    free_results(&s->before, what->out);
    free_results(&s->after, what->out);
    weir_trace_builder_destroy(s->builder);
    weir_trace_reader_close(s->own);
    weir_trace_release(s->trace);
    weir_shape_release(s->shape);
    weir_free(s->key, what->order.type->size);
    weir_free(s->probe, what->out->size);
    weir_free(s, sizeof *s);
}

static weir_status open_trace(state *s, weir_step *step, weir_error *error)
{
    const weir__top_spec *what = s->what;
    weir_shape_spec spec = { .type = what->out,
                             .key = what->result_key,
                             .depth = 1,
                             .seed = weir_step_hash_seed(step) };
    if (!what->make) { /* results lie as the records do */
        spec.order = what->order.key;
        spec.descending = what->order.descending;
    }
    weir_status status = weir_shape_create(&s->shape, &spec, error);
    if (status != WEIR_OK)
        return status;
    weir_trace_reader_spec reader = { .owner = weir_step_name(step),
                                      .now_ns = weir_step_now_ns(step) };
    s->trace = weir_trace_create(s->shape, s->account, weir_step_name(step));
    if (s->trace)
        s->own = weir_trace_reader_open(s->trace, &reader);
    s->builder = weir_trace_builder_create(s->shape, s->account);
    return s->own && s->builder
               ? WEIR_OK
               : weir_error_set(error, WEIR_NO_MEMORY, "no memory for a trace");
}

static weir_status init(weir_step *step, void *ctx, void **result, weir_error *error)
{
    const weir__top_spec *what = ctx;
    const weir_type *type = what->order.type;
    const weir_key *key = weir_arrangement_key(what->in);
    state *s = weir_alloc_must(sizeof *s);
    *s = (state){ .what = what, .account = weir_step_account(step) };
    s->scratch.borrows = true;
    s->key = weir_alloc_must(type->size);
    s->probe = weir_alloc_must(what->out->size);
    weir_table_options fronts = { .struct_size = sizeof fronts,
                                  .type = type,
                                  .key = *key,
                                  .value_size = sizeof(weir__front),
                                  .hash_seed = weir_step_hash_seed(step),
                                  .parts = weir_step_workers(step),
                                  .account = s->account };
    weir_status status = weir_table_create(&s->fronts, &fronts, error);
    if (status == WEIR_OK)
        status = weir__round_init(&s->round, step, what->in, error);
    if (status == WEIR_OK)
        status = open_trace(s, step, error);
    if (status != WEIR_OK)
        fini(s);
    else
        *result = s;
    return status;
}

/* ---- results ---- */

static char *add_result(state *s, results *r, int64_t count)
{
    size_t size = s->what->out->size;
    if (r->count == r->capacity) {
        size_t capacity = 2 * r->capacity + 4;
        r->records = weir_realloc_must(r->records, r->capacity * size, capacity * size);
        r->counts = weir_realloc_must(r->counts, r->capacity * sizeof *r->counts,
                                      capacity * sizeof *r->counts);
        r->capacity = capacity;
    }
    r->counts[r->count] = count;
    return r->records + r->count++ * size;
}

static void read_before(state *s)
{
    int64_t sum;
    s->before.count = 0;
    if (!weir_cursor_find(s->own_cursor, s->probe))
        return;
    while (weir_cursor_next_value(s->own_cursor))
        if (!weir_cursor_sum(s->own_cursor, &s->round.time, &sum))
            s->failed = WEIR_OVERFLOWED;
        else if (sum != 0)
            memcpy(add_result(s, &s->before, sum), weir_cursor_record(s->own_cursor),
                   s->what->out->size);
}

static void read_after(state *s, const weir__front *front)
{
    uint64_t left = s->what->order.wanted;
    s->after.count = 0;
    for (uint32_t i = 0; i < front->count && left > 0; i++) {
        const weir__front_entry *entry = weir__front_entry_at(front, &s->what->order, i);
        if (entry->count <= 0)
            continue;
        uint64_t there = (uint64_t)entry->count, taken = there < left ? there : left;
        make_result(s->what, weir__front_record(entry), add_result(s, &s->after, (int64_t)taken));
        left -= taken;
    }
}

static void build_run(state *s)
{
    weir_trace_run *made;
    uint64_t number;
    size_t updates = weir_trace_builder_count(s->builder);
    if (s->failed || updates == 0)
        return;
    s->failed = weir_trace_builder_build(s->builder, &made);
    if (s->failed || !made)
        return;
    s->failed = weir_trace_append(s->trace, made, &number);
    if (s->failed) {
        weir_trace_run_release(made);
        return;
    }
    weir_trace_reader_deliver(s->own, number);
    s->appended += updates;
}

static void put(state *s, weir_builder *out, const void *record, int64_t diff)
{
    if (diff == 0 || s->failed)
        return;
    weir_builder_set_diff(out, diff);
    weir__emit_owned(out, record);
    weir_updates updates = { .records = record, .count = 1, .diffs = &diff, .time = s->round.time };
    s->failed = weir_trace_builder_add(s->builder, &updates);
    if (!s->failed && weir_trace_builder_count(s->builder) == RUN_UPDATES)
        build_run(s);
}

/* One result gives no order to lie in; more lie as the records do. */
static int compare_results(const state *s, const void *a, const void *b)
{
    return s->what->make ? weir_record_compare(s->what->out, a, b)
                         : weir__front_compare(&s->what->order, a, b);
}

/* What is there now less what there was. */
static void put_out(weir_step *step, state *s)
{
    const results *a = &s->before, *b = &s->after;
    size_t size = s->what->out->size, i = 0, k = 0;
    weir_builder *out = NULL;
    while (i < a->count || k < b->count) {
        const char *old = a->records + i * size, *new = b->records + k * size;
        int order = i == a->count ? 1 : k == b->count ? -1 : compare_results(s, old, new);
        int64_t diff = (order >= 0 ? b->counts[k] : 0) - (order <= 0 ? a->counts[i] : 0);
        if (diff != 0 && !out)
            out = weir_step_output(step, 0, &s->round.time);
        put(s, out, order >= 0 ? new : old, diff);
        i += order <= 0;
        k += order >= 0;
    }
}

/* ---- a key ---- */

static void take_key(state *s, const void *record)
{
    const weir__top_spec *what = s->what;
    const weir_key *key = weir_arrangement_key(what->in);
    memset(s->key, 0, what->order.type->size);
    memset(s->probe, 0, what->out->size);
    for (uint32_t i = 0; i < key->count; i++) {
        const weir_field *a = &what->order.type->fields[key->field[i]];
        const weir_field *b = &what->out->fields[what->result_key.field[i]];
        const char *from = (const char *)record + a->offset;
        memcpy(s->key + a->offset, from, weir_kind_size(a->kind));
        memcpy(s->probe + b->offset, from, weir_kind_size(a->kind));
        if (a->optional) {
            s->key[a->set_offset] = ((const char *)record)[a->set_offset];
            s->probe[b->set_offset] = ((const char *)record)[a->set_offset];
        }
    }
}

/* What has changed of a front that is kept. */
static void change(state *s, weir__front *front)
{
    bool behind = false;
    size_t ahead = weir_cursor_ahead(s->round.fresh);
    while (!behind && !s->failed && weir_cursor_next_value(s->round.fresh)) {
        int64_t diff;
        if (!weir_cursor_sum(s->round.fresh, &s->round.time, &diff))
            s->failed = WEIR_OVERFLOWED;
        else
            s->failed = weir__front_change(front, &s->what->order,
                                           weir_cursor_record(s->round.fresh), diff, &behind);
    }
    s->looked += ahead - weir_cursor_ahead(s->round.fresh);
}

/* The front of the key at hand, in which there is what is wanted. */
static weir__front *front_of(state *s)
{
    const weir__front_order *order = &s->what->order;
    weir__front *front = weir_table_count(s->fronts) ? weir_table_find(s->fronts, s->key) : NULL;
    uint32_t entries;
    s->charged = front ? weir__front_bytes(front, order) : 0;
    if (front) {
        change(s, front);
        if (s->failed || weir__front_suffices(front, order, &entries))
            return front;
    }
    bool any = weir_cursor_find(s->round.all, s->key);
    if (!front && any && weir_cursor_ahead(s->round.all) > LARGE) {
        front = weir_table_insert(s->fronts, s->key);
        if (!front) {
            s->failed = WEIR_NO_MEMORY;
            return NULL;
        }
    }
    if (!front) {
        front = &s->scratch;
        weir__front_clear(front, order);
    }
    front->all = !any;
    if (any)
        s->failed = weir__front_fill(front, order, s->round.all, &s->round.time, &s->looked);
    return front;
}

/* A front of a group that has become small is not kept. */
static void settle(state *s, weir__front *front)
{
    const weir__front_order *order = &s->what->order;
    if (front == &s->scratch)
        return;
    weir__front_cut(front, order);
    bool is_small = front->all && front->count < LARGE / 4;
    size_t bytes = is_small ? 0 : weir__front_bytes(front, order);
    weir_account_add(s->account, (int64_t)bytes - (int64_t)s->charged);
    if (!is_small)
        return;
    weir__front_fini(front, order);
    weir_table_remove(s->fronts, front);
}

static void work_key(weir_step *step, state *s)
{
    take_key(s, weir_cursor_record(s->round.fresh));
    weir__front *front = front_of(s);
    if (!front)
        return;
    if (!s->failed) {
        read_before(s);
        read_after(s, front);
        put_out(step, s);
    }
    settle(s, front);
}

/* ---- rounds ---- */

/* False: the step's work is used up, or something failed. */
static bool work(weir_step *step, state *s)
{
    uint64_t done = 0, before = s->looked;
    while (!s->failed && weir__round_next_key(&s->round, s->own_cursor)) {
        work_key(step, s);
        s->keys++;
        done += WEIR__ROUND_KEY + s->before.count + s->after.count + (s->looked - before);
        before = s->looked;
        if (done >= WEIR__ROUND_VALUES || weir_step_spent(step))
            return false;
    }
    build_run(s);
    return !s->failed;
}

static void begin_round(weir_step *step, state *s)
{
    s->failed = weir__round_begin(&s->round, step, s->own);
    if (s->failed || !s->round.working)
        return;
    s->own_list = weir_trace_reader_list(s->own);
    if (s->own_list)
        s->own_cursor = weir_cursor_create(s->own_list->runs, s->own_list->count);
    if (!s->own_cursor)
        s->failed = WEIR_NO_MEMORY;
}

static void fail(weir_step *step, const state *s)
{
    char key[256];
    if (s->failed == WEIR_NO_MEMORY) {
        weir_step_fail(step, WEIR_NO_MEMORY, "no memory for the first records of a key");
        return;
    }
    weir_record_text(s->what->out, s->probe, key, sizeof key);
    weir_step_fail(step, s->failed, "counts of the key of %s leave the range of 64 bits", key);
}

static void run(weir_step *step, void *ctx)
{
    state *s = ctx;
    s->appended = 0;
    s->looked = s->keys = 0;
    while (!s->failed) {
        if (s->round.working && !work(step, s))
            break;
        weir__round_end(&s->round, step, NULL);
        close_own(s);
        begin_round(step, s);
        if (!s->round.working)
            break;
    }
    weir_metric_add(s->round.metric, (int64_t)s->looked);
    if (s->failed) {
        fail(step, s);
        return;
    }
    weir__trace_merge(step, s->trace, s->appended, s->keys);
    /* what was taken, and is not asked for any more, may be merged only now */
    weir__trace_merge(step, weir_trace_reader_trace(s->round.in), 0, s->keys);
    if (s->round.working)
        weir_step_again(step);
}

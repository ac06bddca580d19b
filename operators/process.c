/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/process.h. Input 0 has the records, by key; input 1, if there are timers, the
 * marks of time. An epoch is worked off in three parts: its records, at once or sorted when it is
 * complete; then the timers that its marks make due.
 */
#include <weir/operators/process.h>

#include <stdlib.h>
#include <string.h>

#include "marks.h"
#include "stash.h"
#include "timers.h"

enum { GROUP = 256 };

/* What the graph knows; shared by the workers. */
typedef struct description {
    weir_process_spec spec;
    weir_key key, order;
    uint32_t descending;
    bool ordered, timed;
    const weir_field *field; /* of event time, if the order begins with it: timers come between */
    int64_t lateness_us;
    weir__clock *clocks; /* by worker; NULL: timers go by event time */
} description;

/* A record that waits to be sorted, and the batch that has it. */
typedef struct slot {
    const void *record;
    const weir_batch *batch;
} slot;

typedef struct state {
    const description *d;
    weir_step *step; /* of the call at hand */
    weir__keyed keyed;
    weir__stash stash;
    weir__timer_queue queue;
    weir__marks marks;
    slot *slots; /* ordered: of the open epoch */
    size_t slot_count, slot_capacity, applied;
    const weir_batch **kept; /* whose records the slots are */
    size_t kept_count, kept_capacity;
    enum { OPEN, SORTED, FIRING } phase; /* of the earliest epoch; SORTED: being applied */
    weir_status failed;
} state;

struct weir_timers {
    state *s;
    weir__entry *entry;
    int64_t after; /* in due: its instant */
};

/* ---- timers, as users' functions see them ---- */

void weir_timer_set(weir_timers *timers, weir_instant when)
{
    state *s = timers->s;
    if (!s->d->timed || when.us <= timers->after) {
        if (!s->failed)
            weir_step_fail(s->step, WEIR_INVALID, "%s",
                           s->d->timed ? "a timer that is due sets one that is not after it"
                                       : "a timer is set, and no function was given for it");
        s->failed = WEIR_INVALID;
        return;
    }
    weir__timer_set(&s->queue, timers->entry, when.us);
}

void weir_timer_cancel(weir_timers *timers, weir_instant when)
{
    weir__timer_cancel(timers->entry, when.us);
}

void weir_timer_cancel_all(weir_timers *timers)
{
    weir__timer_cancel_all(timers->entry);
}

weir_instant weir_timer_now(const weir_timers *timers)
{
    return (weir_instant){ timers->s->marks.now };
}

/* ---- state ---- */

static weir_status init(weir_step *step, void *ctx, void **made, weir_error *error)
{
    const description *d = ctx;
    state *s = weir_alloc_must(sizeof *s);
    *s = (state){ .d = d };
    weir__keyed_spec spec = { d->spec.in, d->spec.state, &d->key };
    weir_status status = weir__keyed_init(&s->keyed, step, &spec, error);
    if (status != WEIR_OK) {
        weir_free(s, sizeof *s);
        return status;
    }
    weir__stash_init(&s->stash, true, weir_step_account(step));
    s->stash.inputs = d->timed ? 2 : 1;
    weir__marks_init(&s->marks);
    weir__timer_queue_init(&s->queue, weir_step_account(step));
    *made = s;
    return WEIR_OK;
}

static void release_kept(state *s)
{
    for (size_t i = 0; i < s->kept_count; i++)
        weir_batch_release((weir_batch *)s->kept[i]);
    s->kept_count = s->slot_count = s->applied = 0;
}

static void fini(void *ctx)
{
    state *s = ctx;
    release_kept(s);
    weir_free(s->kept, s->kept_capacity * sizeof *s->kept);
    weir_free(s->slots, s->slot_capacity * sizeof *s->slots);
    weir__marks_fini(&s->marks);
    weir__timer_queue_fini(&s->queue);
    weir__stash_fini(&s->stash);
    weir__keyed_fini(&s->keyed);
    weir_free(s, sizeof *s);
}

/* ---- records ---- */

static weir_builder *output(state *s)
{
    weir_time time = weir_time_1(weir__stash_epoch(&s->stash));
    return weir_step_output(s->step, 0, &time);
}

static void no_memory(state *s)
{
    weir_step_fail(s->step, WEIR_NO_MEMORY, "no memory for more than %zu keys",
                   weir_table_count(s->keyed.table));
    s->failed = WEIR_NO_MEMORY;
}

static void call_rule(state *s, const void *record, weir__entry *entry, weir_builder *out)
{
    weir_timers timers = { s, entry, INT64_MIN };
    s->d->spec.rule(record, entry->state, &timers, out);
    weir__keyed_settle(&s->keyed, entry);
}

/* As they arrive. Entries of a group leave the table when none of it needs them any more. */
static void apply(const weir_batch *batch, size_t from, size_t to, void *ctx)
{
    state *s = ctx;
    weir_builder *out = s->failed ? NULL : output(s);
    void *values[GROUP];
    for (size_t i = from, n; i < to && !s->failed; i += n) {
        n = to - i < GROUP ? to - i : GROUP;
        const uint64_t *hashes = batch->hashes ? batch->hashes + i : NULL;
        if (weir_table_insert_many(s->keyed.table, weir_batch_record(batch, i), hashes, n,
                                   values) < n) {
            no_memory(s);
            return;
        }
        weir_builder_follow(out, batch);
        for (size_t k = 0; k < n && !s->failed; k++)
            call_rule(s, weir_batch_record(batch, i + k), values[k], out);
        size_t blanks = 0;
        for (size_t k = 0; k < n; k++) {
            weir__entry *entry = values[k];
            if (!entry->unused && weir__keyed_is_blank(&s->keyed, entry)) {
                entry->unused = true; /* once in the list */
                values[blanks++] = entry;
            }
        }
        for (size_t k = 0; k < blanks; k++)
            weir__keyed_remove(&s->keyed, values[k]);
    }
}

/* Keeps them until the epoch is complete. */
static void gather(const weir_batch *batch, size_t from, size_t to, void *ctx)
{
    state *s = ctx;
    size_t count = s->slot_count + (to - from);
    if (count > s->slot_capacity) {
        size_t capacity = count < 2 * s->slot_capacity ? 2 * s->slot_capacity : count;
        s->slots = weir_realloc_must(s->slots, s->slot_capacity * sizeof *s->slots,
                                     capacity * sizeof *s->slots);
        s->slot_capacity = capacity;
    }
    if (s->kept_count == s->kept_capacity) {
        size_t capacity = s->kept_capacity ? 2 * s->kept_capacity : 8;
        s->kept = weir_realloc_must(s->kept, s->kept_capacity * sizeof *s->kept,
                                    capacity * sizeof *s->kept);
        s->kept_capacity = capacity;
    }
    s->kept[s->kept_count++] = weir_batch_retain(batch);
    for (size_t i = from; i < to; i++)
        s->slots[s->slot_count++] = (slot){ weir_batch_record(batch, i), batch };
}

static int by_order(const void *a, const void *b, void *ctx)
{
    const description *d = ctx;
    const slot *x = a, *y = b;
    int order = weir_order_compare(d->spec.in, &d->order, d->descending, x->record, y->record);
    return order ? order : weir_record_compare(d->spec.in, x->record, y->record);
}

static void forget_blank(weir__entry *entry, void *ctx)
{
    state *s = ctx;
    if (weir__keyed_is_blank(&s->keyed, entry))
        weir__keyed_remove(&s->keyed, entry);
}

/* Calls what is due until then. False: the step's work is used up. */
static bool fire(state *s, int64_t until)
{
    weir__timer timer;
    weir_builder *out = NULL;
    while (!s->failed && weir__timer_due(&s->queue, until, &timer, forget_blank, s)) {
        out = out ? out : output(s);
        weir_timers timers = { s, timer.entry, timer.when };
        s->d->spec.due((weir_instant){ timer.when }, timer.entry->state, &timers, out);
        weir__keyed_settle(&s->keyed, timer.entry);
        forget_blank(timer.entry, s);
        if (weir_step_spent(s->step))
            return false;
    }
    return true;
}

/* Up to when timers come before this record. */
static int64_t before(const description *d, const void *record)
{
    weir_instant at;
    if (!d->field || (d->field->optional && !((const char *)record)[d->field->set_offset]))
        return INT64_MIN;
    memcpy(&at, (const char *)record + d->field->offset, sizeof at);
    return at.us < INT64_MIN + d->lateness_us ? INT64_MIN : at.us - d->lateness_us;
}

/* False: the step's work is used up. */
static bool apply_sorted(state *s)
{
    if (s->applied == 0 && s->slot_count > 1) /* there may be none: only marks, or only timers */
        qsort_r(s->slots, s->slot_count, sizeof *s->slots, by_order, (void *)s->d);
    while (s->applied < s->slot_count && !s->failed) {
        const slot *at = &s->slots[s->applied];
        if (!fire(s, before(s->d, at->record)))
            return false;
        weir_builder *out = output(s);
        weir__entry *entry = weir_table_insert(s->keyed.table, at->record);
        if (!entry) {
            no_memory(s);
            break;
        }
        weir_builder_follow(out, at->batch);
        call_rule(s, at->record, entry, out);
        if (weir__keyed_is_blank(&s->keyed, entry))
            weir__keyed_remove(&s->keyed, entry);
        if (++s->applied % GROUP == 0 && weir_step_spent(s->step))
            return false;
    }
    release_kept(s);
    return true;
}

/* ---- time ---- */

static void tell_clock(state *s)
{
    weir__clock *clock = &s->d->clocks[weir_step_worker(s->step)];
    if (weir_frontier_is_empty(weir_step_frontier(s->step, 0)))
        weir__clock_end(clock);
    else if (s->queue.count > 0)
        weir__marks_ask(&s->marks, clock, weir__timer_first(&s->queue));
}

/* ---- the node ---- */

/* Works an epoch that is complete off. False: the step's work is used up. */
static bool work_off(state *s)
{
    if (s->phase == SORTED) {
        if (s->d->ordered && !apply_sorted(s))
            return false;
        weir__marks_use(&s->marks, weir__stash_epoch(&s->stash));
        s->phase = FIRING;
    }
    if (!fire(s, s->marks.now))
        return false;
    s->phase = OPEN;
    weir__stash_done(&s->stash, s->step);
    return true;
}

static void run(weir_step *step, void *ctx)
{
    state *s = ctx;
    weir__piece_fn *piece = s->d->ordered ? gather : apply;
    s->step = step;
    if (s->d->timed)
        weir__marks_take(&s->marks, step, &s->stash);
    while (!s->failed) {
        if (s->phase != OPEN && !work_off(s)) {
            weir_step_again(step);
            return;
        }
        if (s->failed || !weir__stash_feed(&s->stash, step, piece, s) ||
            !weir__stash_complete(&s->stash, step, piece, s))
            break;
        s->phase = SORTED;
    }
    if (s->d->clocks && !s->failed)
        tell_clock(s);
}

/* ---- building ---- */

static bool resolve_order(weir_port *in, description *d, const weir_order *order, const char *name)
{
    weir_error error;
    d->ordered = order->count > 0;
    d->descending = order->descending;
    if (!d->ordered ||
        weir_order_resolve(weir_port_type(in), order, &d->order, &error) == WEIR_OK)
        return true;
    weir_graph_fail(weir_port_graph(in), error.status, name, error.hint, "%s", error.what);
    return false;
}

/* The index of the field of event time, or -1: then the graph has failed. */
static int time_field(weir_port *in, const description *d, const char *named, const char *where)
{
    const weir_type *type = weir_port_type(in);
    int field = -1;
    if (named)
        field = weir_type_field(type, named);
    else if (d->ordered && !(d->descending & 1))
        field = d->order.field[0];
    if (field >= 0 && type->fields[field].kind == WEIR_KIND_instant)
        return field;
    weir_graph_fail(weir_port_graph(in), WEIR_TYPE_MISMATCH, where,
                    "name a field of kind instant in .event_time, begin .order with one, or let "
                    "timers go by the machine's clock: .by_clock",
                    named ? "timers cannot go by '%s': '%s' has no such field of kind instant"
                          : "timers need event time%.0s: records '%s' are in no order of instants",
                    named ? named : "", type->name);
    return -1;
}

static weir_port *marks_of(weir_port **in, description *d,
                           const struct weir_process_options *options, const char *where)
{
    if (options->by_clock)
        return weir__marks_by_clock(weir_port_graph(*in), &d->clocks);
    int field = time_field(*in, d, options->event_time, where);
    if (field >= 0 && d->ordered && d->order.field[0] == field && !(d->descending & 1))
        d->field = &d->spec.in->fields[field];
    d->lateness_us = (int64_t)options->lateness_ms * 1000;
    return field < 0 ? NULL
                     : weir__marks_by_event(in, (unsigned)field, d->lateness_us);
}

weir_port *weir_process_erased(weir_port *in, const weir_process_spec *what,
                               const struct weir_process_options *given)
{
    struct weir_process_options options = { 0 };
    weir_process_spec spec = { 0 };
    weir_struct_copy(&spec, sizeof spec, what);
    weir_struct_copy(&options, sizeof options, given);
    if (!in)
        return NULL;
    weir_graph *graph = weir_port_graph(in);
    const char *where = options.name ? options.name : spec.kind;
    description *d = weir_graph_alloc(graph, sizeof *d);
    *d = (description){ .spec = spec, .timed = spec.due != NULL };
    if (!weir__keyed_check(in, spec.in, spec.key, &d->key, where) ||
        !resolve_order(in, d, &options.order, where))
        return NULL;
    weir_port *ports[] = { in, NULL };
    if (d->timed && !weir_port_is_collection(in))
        ports[1] = marks_of(&ports[0], d, &options, where);
    weir_node_input inputs[] = {
        { .type = spec.in, .route = WEIR_BY_KEY, .key = d->key,
          .interest = d->clocks ? WEIR_ALWAYS : WEIR_IF_HOLDING },
        { .type = weir__mark_type(), .interest = WEIR_IF_HOLDING },
    };
    weir_node_output result = { .type = spec.out };
    weir_node *node = weir_node_add(graph, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = spec.kind, .name = options.name,
        .input_count = d->timed ? 2 : 1, .output_count = 1, .inputs = inputs, .outputs = &result,
        .deterministic = d->ordered && !d->clocks, .state_kind = WEIR_STATE_KEYED, .ctx = d,
        .init = init, .step = run, .fini = fini }, ports);
    return weir_node_output_port(node, 0);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/temporal_filter.h. By epochs a record is sent on twice, at the times at which
 * it comes and goes. By instants it waits in a heap for the first of them, and is told of time by
 * marks (marks.h); an epoch's records go into the heap, and when it is complete, what is due
 * leaves.
 */
#include <weir/operators/temporal_filter.h>

#include <string.h>

#include "keyed.h"
#include "marks.h"
#include "stash.h"

static const char *const where = "temporal-filter";

/* What the graph knows; shared by the workers. */
typedef struct description {
    const weir_type *type;
    const weir_field *from, *until; /* or NULL */
    weir__clock *clocks;            /* by worker; NULL: by event time */
} description;

/* ---- by epochs ---- */

static bool is_set(const weir_field *field, const void *record)
{
    return field && (!field->optional || ((const char *)record)[field->set_offset]);
}

/* The value of a field of 8 bytes. */
static uint64_t word_of(const weir_field *field, const void *record)
{
    uint64_t word;
    memcpy(&word, (const char *)record + field->offset, sizeof word);
    return word;
}

static void emit_at(weir_step *step, const weir_batch *batch, size_t i, const weir_time *time,
                    int64_t diff)
{
    weir_builder *out = weir_step_output(step, 0, NULL);
    weir_builder_set_time(out, time);
    weir_builder_set_diff(out, diff);
    weir__emit_owned(out, weir_batch_record(batch, i));
}

/* False: the diff has no opposite. */
static bool send_record(weir_step *step, const description *d, const weir_batch *batch, size_t i)
{
    const void *record = weir_batch_record(batch, i);
    weir_time begin = weir_batch_time(batch, i), end = begin;
    int64_t diff = weir_batch_diff(batch, i);
    uint64_t from = is_set(d->from, record) ? word_of(d->from, record) : 0;
    bool ends = is_set(d->until, record);
    uint64_t until = ends ? word_of(d->until, record) : UINT64_MAX;
    begin.at[0] = from > begin.at[0] ? from : begin.at[0];
    end.at[0] = until;
    if (ends && (until <= from || until <= begin.at[0]))
        return true;
    emit_at(step, batch, i, &begin, diff);
    if (ends && diff == INT64_MIN)
        return false;
    if (ends)
        emit_at(step, batch, i, &end, -diff);
    return true;
}

static weir_status epochs_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)step;
    (void)error;
    *state = ctx;
    return WEIR_OK;
}

static void epochs_run(weir_step *step, void *ctx)
{
    for (const weir_batch *batch; (batch = weir_step_take(step, 0));)
        for (size_t i = 0; i < batch->count; i++)
            if (!send_record(step, ctx, batch, i)) {
                weir_step_fail(step, WEIR_OVERFLOWED, "a record that goes again is there %lld "
                               "times, which has no opposite", (long long)INT64_MIN);
                return;
            }
}

/* ---- by instants: what waits ---- */

/* A record that is to come, or that is there and is to go. */
typedef struct waiting {
    int64_t diff;
    size_t size; /* of it all: this, the record, its strings */
    bool is_there;
    _Alignas(16) char record[];
} waiting;

typedef struct slot {
    int64_t when;
    waiting *what;
} slot;

typedef struct state {
    const description *d;
    weir_step *step; /* of the call at hand */
    weir__stash stash;
    weir_account *account;
    slot *heap; /* the least `when` first */
    size_t count, capacity;
    struct {
        uint64_t epoch;
        int64_t us;
    } *marks; /* of epochs that are not complete, in no order */
    size_t mark_count, mark_capacity;
    int64_t now;
    bool firing; /* the earliest epoch is complete, and its marks are used */
    weir_status failed;
} state;

static void heap_up(state *s, size_t i, slot moved)
{
    for (; i > 0 && s->heap[(i - 1) / 2].when > moved.when; i = (i - 1) / 2)
        s->heap[i] = s->heap[(i - 1) / 2];
    s->heap[i] = moved;
}

static void heap_push(state *s, int64_t when, waiting *what)
{
    if (s->count == s->capacity) {
        size_t capacity = 2 * s->capacity + 16;
        s->heap = weir_realloc_must(s->heap, s->capacity * sizeof *s->heap,
                                    capacity * sizeof *s->heap);
        weir_account_add(s->account, (int64_t)((capacity - s->capacity) * sizeof *s->heap));
        s->capacity = capacity;
    }
    heap_up(s, s->count++, (slot){ when, what });
}

static slot heap_pop(state *s)
{
    slot first = s->heap[0], last = s->heap[--s->count];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < s->count; i = child) {
        child += child + 1 < s->count && s->heap[child + 1].when < s->heap[child].when;
        if (s->heap[child].when >= last.when)
            break;
        s->heap[i] = s->heap[child];
    }
    s->heap[i] = last;
    return first;
}

static void free_waiting(state *s, waiting *w)
{
    weir_account_add(s->account, -(int64_t)w->size);
    weir_free(w, w->size);
}

static void wait_for(state *s, const void *record, int64_t diff)
{
    const description *d = s->d;
    size_t strings = d->type->has_strings ? weir_record_heap_size(d->type, record) : 0;
    size_t size = sizeof(waiting) + d->type->size + strings;
    bool begins = is_set(d->from, record), ends = is_set(d->until, record);
    int64_t from = begins ? (int64_t)word_of(d->from, record) : INT64_MIN;
    if (ends && (int64_t)word_of(d->until, record) <= from)
        return;
    waiting *w = weir_alloc_must(size);
    *w = (waiting){ .diff = diff, .size = size };
    memcpy(w->record, record, d->type->size);
    if (strings)
        weir_record_move_strings(d->type, w->record, w->record + d->type->size);
    weir_account_add(s->account, (int64_t)size);
    heap_push(s, from, w);
}

/* ---- by instants: the node ---- */

static weir_status init(weir_step *step, void *ctx, void **made, weir_error *error)
{
    (void)error;
    state *s = weir_alloc_must(sizeof *s);
    *s = (state){ .d = ctx, .account = weir_step_account(step), .now = INT64_MIN };
    weir__stash_init(&s->stash, true, s->account);
    s->stash.inputs = 2;
    *made = s;
    return WEIR_OK;
}

static void fini(void *ctx)
{
    state *s = ctx;
    while (s->count > 0)
        free_waiting(s, s->heap[--s->count].what);
    weir_account_add(s->account, -(int64_t)(s->capacity * sizeof *s->heap));
    weir_free(s->heap, s->capacity * sizeof *s->heap);
    weir_free(s->marks, s->mark_capacity * sizeof *s->marks);
    weir__stash_fini(&s->stash);
    weir_free(s, sizeof *s);
}

static void add(const weir_batch *batch, size_t from, size_t to, void *ctx)
{
    for (; from < to; from++)
        wait_for(ctx, weir_batch_record(batch, from), weir_batch_diff(batch, from));
}

static void take_marks(state *s)
{
    for (const weir_batch *batch; (batch = weir_step_take(s->step, 1));)
        for (size_t i = 0; i < batch->count; i++) {
            if (s->mark_count == s->mark_capacity) {
                size_t capacity = 2 * s->mark_capacity + 16;
                s->marks = weir_realloc_must(s->marks, s->mark_capacity * sizeof *s->marks,
                                             capacity * sizeof *s->marks);
                s->mark_capacity = capacity;
            }
            uint64_t epoch = weir_batch_time(batch, i).at[0];
            weir__stash_touch(&s->stash, s->step, epoch);
            s->marks[s->mark_count].epoch = epoch;
            s->marks[s->mark_count++].us = ((const int64_t *)batch->records)[i];
        }
}

/* What the epochs up to this one have shown. */
static void use_marks(state *s, uint64_t epoch)
{
    size_t left = 0;
    for (size_t i = 0; i < s->mark_count; i++) {
        if (s->marks[i].epoch > epoch)
            s->marks[left++] = s->marks[i];
        else if (s->marks[i].us > s->now)
            s->now = s->marks[i].us;
    }
    s->mark_count = left;
}

/* A record's time has come: to come, to go, or, when both have passed meanwhile, for neither. */
static void change(state *s, weir_builder *out, waiting *w)
{
    const weir_field *field = s->d->until;
    bool ends = is_set(field, w->record);
    int64_t until = ends ? (int64_t)word_of(field, w->record) : INT64_MAX;
    if (w->diff == INT64_MIN && ends) {
        weir_step_fail(s->step, WEIR_OVERFLOWED, "a record that goes again is there %lld times, "
                       "which has no opposite", (long long)INT64_MIN);
        s->failed = WEIR_OVERFLOWED;
    } else if (w->is_there || !ends || until > s->now) {
        weir_builder_set_diff(out, w->is_there ? -w->diff : w->diff);
        weir__emit_owned(out, w->record);
    }
    if (s->failed || w->is_there || !ends || until <= s->now) {
        free_waiting(s, w);
        return;
    }
    w->is_there = true;
    heap_push(s, until, w);
}

/* False: the step's work is used up. */
static bool fire(state *s)
{
    weir_time time = weir_time_1(weir__stash_first(&s->stash)->epoch);
    weir_builder *out = NULL;
    while (s->count > 0 && s->heap[0].when <= s->now && !s->failed) {
        out = out ? out : weir_step_output(s->step, 0, &time);
        change(s, out, heap_pop(s).what);
        if (weir_step_spent(s->step))
            return false;
    }
    return true;
}

/* When something is due next. When nothing more comes, what is due already is still waited for. */
static void tell_clock(state *s)
{
    weir__clock *clock = &s->d->clocks[weir_step_worker(s->step)];
    int64_t first = s->count > 0 ? s->heap[0].when : INT64_MAX;
    if (weir_frontier_is_empty(weir_step_frontier(s->step, 0)) &&
        first > weir_step_wall_us(s->step))
        weir__clock_end(clock);
    else if (s->count > 0)
        weir__clock_set(clock, first);
}

static void run(weir_step *step, void *ctx)
{
    state *s = ctx;
    s->step = step;
    take_marks(s);
    while (!s->failed) {
        if (s->firing && !fire(s)) {
            weir_step_again(step);
            return;
        }
        if (s->firing && !s->failed)
            weir__stash_done(&s->stash, step);
        s->firing = false;
        if (s->failed || !weir__stash_feed(&s->stash, step, add, s) ||
            !weir__stash_complete(&s->stash, step, add, s))
            break;
        use_marks(s, weir__stash_first(&s->stash)->epoch);
        s->firing = true;
    }
    if (s->d->clocks && !s->failed)
        tell_clock(s);
}

/* ---- building ---- */

static const weir_field *field_of(weir_port *in, const char *name)
{
    int index = name ? weir_type_field(weir_port_type(in), name) : -1;
    return index < 0 ? NULL : &weir_port_type(in)->fields[index];
}

/* Finds the fields, of one kind. WEIR_KIND_flag: the graph is told what is wrong. */
static weir_kind find_fields(weir_port *in, const struct weir_temporal_filter_options *options,
                             description *d)
{
    const char *names[2] = { options->from, options->until };
    weir_kind kind = WEIR_KIND_flag;
    bool fits = options->from || options->until;
    d->from = field_of(in, options->from);
    d->until = field_of(in, options->until);
    const weir_field *fields[2] = { d->from, d->until };
    for (int i = 0; i < 2 && fits; i++) {
        if (!names[i])
            continue;
        weir_kind is = fields[i] ? fields[i]->kind : WEIR_KIND_flag;
        fits = (is == WEIR_KIND_instant || is == WEIR_KIND_u64) &&
               (kind == WEIR_KIND_flag || is == kind);
        kind = is;
    }
    if (fits)
        return kind;
    weir_graph_fail(weir_port_graph(in), WEIR_TYPE_MISMATCH, where,
                    "name fields of kind instant, or of kind u64 with epochs, in .from and .until",
                    "records '%s' do not say from when until when they count by '%s' and '%s'",
                    weir_port_type(in)->name, names[0] ? names[0] : "", names[1] ? names[1] : "");
    return WEIR_KIND_flag;
}

/* The stream of marks for instants. NULL: the graph is told what is wrong. */
static weir_port *marks_of(weir_port **in, const struct weir_temporal_filter_options *options,
                           description *d)
{
    const char *named = options->event_time ? options->event_time : options->from;
    const weir_field *time = field_of(*in, named);
    if (weir_port_depth(*in) > 1) {
        weir_graph_fail(weir_port_graph(*in), WEIR_INVALID, where, "leave the scope first",
                        "how far time has come is known for epochs, and not in a scope");
        return NULL;
    }
    if (options->by_clock)
        return weir__marks_by_clock(weir_port_graph(*in), &d->clocks);
    if (time && time->kind == WEIR_KIND_instant)
        return weir__marks_by_event(in, (unsigned)(time - weir_port_type(*in)->fields),
                                    (int64_t)options->lateness_ms * 1000);
    weir_graph_fail(weir_port_graph(*in), WEIR_TYPE_MISMATCH, where,
                    "name a field of kind instant in .event_time, or let time be that of the "
                    "machine's clock: .by_clock",
                    "time cannot go by '%s': '%s' has no such field of kind instant",
                    named ? named : "", weir_port_type(*in)->name);
    return NULL;
}

weir_port *weir_temporal_filter_erased(weir_port *in,
                                       const struct weir_temporal_filter_options *given)
{
    struct weir_temporal_filter_options options = { 0 };
    size_t size = given->struct_size;
    memcpy(&options, given, size < sizeof options ? size : sizeof options);
    if (!in)
        return NULL;
    weir_graph *graph = weir_port_graph(in);
    description *d = weir_graph_alloc(graph, sizeof *d);
    d->type = weir_port_type(in);
    weir_kind kind = find_fields(in, &options, d);
    bool by_epochs = kind == WEIR_KIND_u64;
    if (kind == WEIR_KIND_flag)
        return NULL;
    if (by_epochs && (options.by_clock || options.event_time || options.lateness_ms > 0)) {
        weir_graph_fail(graph, WEIR_INVALID, where, "use fields of kind instant, or no clock",
                        "fields of kind u64 are epochs, which go by no clock");
        return NULL;
    }
    weir_port *ports[] = { weir_port_as_collection(in), NULL };
    if (!by_epochs && !(ports[1] = marks_of(&ports[0], &options, d)))
        return NULL;
    weir_node_input inputs[] = {
        { .type = d->type, .takes_diffs = true,
          .interest = by_epochs ? WEIR_NEVER : d->clocks ? WEIR_ALWAYS : WEIR_IF_HOLDING },
        { .type = weir__mark_type(), .interest = WEIR_IF_HOLDING },
    };
    weir_node_output output = { .type = d->type, .collection = true };
    weir_node_spec spec = { .struct_size = sizeof spec,
                            .kind = where,
                            .name = options.name,
                            .input_count = by_epochs ? 1 : 2,
                            .output_count = 1,
                            .inputs = inputs,
                            .outputs = &output,
                            .deterministic = !d->clocks,
                            .state_kind = by_epochs ? WEIR_STATE_NONE : WEIR_STATE_MERGE,
                            .ctx = d,
                            .init = by_epochs ? epochs_init : init,
                            .step = by_epochs ? epochs_run : run,
                            .fini = by_epochs ? NULL : fini };
    return weir_node_output_port(weir_node_add(graph, &spec, ports), 0);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/temporal_filter.h. By epochs a record is sent on twice, at the times at which
 * it comes and goes. By instants it waits (waits.h) for the first of them, and is told of time by
 * marks (marks.h); an epoch's records wait with those before, and when it is complete, what is due
 * leaves: only then it has to fit how often a record is there.
 */
#include <weir/operators/temporal_filter.h>

#include <string.h>

#include "owned.h"
#include "marks.h"
#include "stash.h"
#include "waits.h"

static const char *const where = "temporal_filter";

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

/* ---- by instants ---- */

typedef struct state {
    const description *d;
    weir_step *step; /* of the call at hand */
    weir__stash stash;
    weir__waits waits;
    weir__marks marks;
    bool firing; /* the earliest epoch is complete, and its marks are used */
    weir_status failed;
} state;

static weir_status init(weir_step *step, void *ctx, void **made, weir_error *error)
{
    const description *d = ctx;
    (void)error;
    state *s = weir_alloc_must(sizeof *s);
    *s = (state){ .d = d };
    weir__waits_init(&s->waits, d->type, weir_step_account(step));
    weir__marks_init(&s->marks);
    weir__stash_init(&s->stash, true, weir_step_account(step));
    s->stash.inputs = 2;
    *made = s;
    return WEIR_OK;
}

static void fini(void *ctx)
{
    state *s = ctx;
    weir__waits_fini(&s->waits);
    weir__marks_fini(&s->marks);
    weir__stash_fini(&s->stash);
    weir_free(s, sizeof *s);
}

static void fail(state *s, const char *what)
{
    weir_step_fail(s->step, WEIR_OVERFLOWED, "%s", what);
    s->failed = WEIR_OVERFLOWED;
}

static const char *const too_many = "what there is of a record leaves the range of 64 bits";

static int64_t end_of(const description *d, const void *record)
{
    return is_set(d->until, record) ? (int64_t)word_of(d->until, record) : INT64_MAX;
}

static void add(const weir_batch *batch, size_t from, size_t to, void *ctx)
{
    state *s = ctx;
    const description *d = s->d;
    for (; from < to; from++) {
        const void *record = weir_batch_record(batch, from);
        bool begins = is_set(d->from, record), ends = is_set(d->until, record);
        int64_t begin = begins ? (int64_t)word_of(d->from, record) : INT64_MIN;
        if (ends && end_of(d, record) <= begin)
            continue;
        weir__waits_add(&s->waits, record, begin, weir_batch_diff(batch, from));
    }
}

/* The first one's time has come: to come, to go, or, when both have passed meanwhile, for
 * neither. */
static void change(state *s, weir_builder *out)
{
    weir__wait *w = weir__waits_first(&s->waits);
    bool ends = is_set(s->d->until, w->record);
    int64_t until = end_of(s->d, w->record);
    bool stays = !w->is_there && ends && until > s->marks.now;
    if (w->diff < INT64_MIN || w->diff > INT64_MAX) {
        fail(s, too_many);
        return;
    }
    if (w->diff == INT64_MIN && ends) {
        fail(s, "a record that goes again is there -9223372036854775808 times, which has no "
                "opposite");
        return;
    }
    if (w->is_there || stays || !ends) {
        int64_t diff = (int64_t)w->diff;
        weir_builder_set_diff(out, w->is_there ? -diff : diff);
        weir__emit_owned(out, w->record);
    }
    if (!stays)
        weir__waits_drop(&s->waits);
    else if (!weir__waits_stay(&s->waits, until))
        fail(s, too_many);
}

/* False: the step's work is used up. */
static bool fire(state *s)
{
    weir_time time = weir_time_1(weir__stash_epoch(&s->stash));
    weir_builder *out = NULL;
    for (weir__wait *w; !s->failed && (w = weir__waits_first(&s->waits)) &&
                        w->when <= s->marks.now;) {
        out = out ? out : weir_step_output(s->step, 0, &time);
        change(s, out);
        if (weir_step_spent(s->step))
            return false;
    }
    return true;
}

/* When something is due next. When nothing more comes, what is due already is still waited for. */
static void tell_clock(state *s)
{
    weir__clock *clock = &s->d->clocks[weir_step_worker(s->step)];
    const weir__wait *w = weir__waits_first(&s->waits);
    if (weir_frontier_is_empty(weir_step_frontier(s->step, 0)) &&
        (!w || w->when > weir_step_wall_us(s->step)))
        weir__clock_end(clock);
    else if (w)
        weir__marks_ask(&s->marks, clock, w->when);
}

static void run(weir_step *step, void *ctx)
{
    state *s = ctx;
    s->step = step;
    weir__marks_take(&s->marks, step, &s->stash);
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
        weir__marks_use(&s->marks, weir__stash_epoch(&s->stash));
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
    weir_struct_copy(&options, sizeof options, given);
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
    /* what comes and goes of one record meets on one worker */
    weir_key whole = { .count = 0 };
    for (uint32_t i = 0; i < d->type->field_count && i < WEIR_KEY_FIELDS_MAX; i++)
        whole.field[whole.count++] = (uint16_t)i;
    weir_node_input inputs[] = {
        { .type = d->type, .takes_diffs = true, .key = whole,
          .route = by_epochs ? WEIR_LOCAL : WEIR_BY_KEY,
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

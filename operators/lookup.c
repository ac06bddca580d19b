/* SPDX-License-Identifier: Apache-2.0
 *
 * See lookup.h. Changes of an epoch are kept until the collection is complete at it; then each is
 * looked up in the collection's runs.
 */
#include "lookup.h"

#include <string.h>

#include <weir/node.h>

#include "owned.h"
#include "stash.h"
#include "trace_failed.h"

enum { VALUES_OF_A_STEP = 64 << 10 };

typedef struct description {
    weir__lookup_spec spec;
    weir_arrangement *with;
} description;

/* Changes of the epoch that waits. */
typedef struct piece {
    weir_batch *batch;
    size_t from, to;
} piece;

typedef struct state {
    const description *d;
    weir_trace_reader *reader;
    weir__stash stash;
    piece *pieces;
    size_t piece_count, piece_capacity, at; /* the piece at hand */
    bool working;                           /* the epoch is complete */
    bool in_group;                          /* the cursor is in what the change at hand finds */
    size_t left;                            /* values that the step may look at */
    size_t looked;                          /* keys that were looked up since the last merging */
    weir_trace_runs *runs;
    weir_cursor *cursor;
    weir_status failed;
} state;

/* ---- state ---- */

static void end_epoch(state *s)
{
    for (size_t i = 0; i < s->piece_count; i++)
        weir_batch_release(s->pieces[i].batch);
    weir_cursor_destroy(s->cursor);
    weir_trace_runs_release(s->runs);
    s->cursor = NULL;
    s->runs = NULL;
    s->piece_count = s->at = 0;
    s->working = s->in_group = false;
}

static void fini(void *ctx)
{
    state *s = ctx;
    end_epoch(s);
    weir_free(s->pieces, s->piece_capacity * sizeof *s->pieces);
    weir__stash_fini(&s->stash);
    weir_trace_reader_close(s->reader);
    weir_free(s, sizeof *s);
}

static weir_status init(weir_step *step, void *ctx, void **result, weir_error *error)
{
    const description *d = ctx;
    state *s = weir_alloc_must(sizeof *s);
    *s = (state){ .d = d };
    weir__stash_init(&s->stash, true, weir_step_account(step));
    s->stash.inputs = 2;
    weir_trace_reader_spec reader = { .owner = weir_step_name(step),
                                      .now_ns = weir_step_now_ns(step) };
    s->reader = weir_trace_reader_open(weir_arrangement_trace(d->with, step), &reader);
    if (!s->reader) {
        fini(s);
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for a join");
    }
    *result = s;
    return WEIR_OK;
}

/* ---- an epoch ---- */

static void keep(const weir_batch *batch, size_t from, size_t to, void *ctx)
{
    state *s = ctx;
    if (s->piece_count == s->piece_capacity) {
        size_t capacity = 2 * s->piece_capacity + 4;
        s->pieces = weir_realloc_must(s->pieces, s->piece_capacity * sizeof *s->pieces,
                                      capacity * sizeof *s->pieces);
        s->piece_capacity = capacity;
    }
    s->pieces[s->piece_count++] = (piece){ weir_batch_retain(batch), from, to };
}

bool weir__lookup_agrees(const weir__lookup_spec *spec, const void *tuple)
{
    const weir_type *type = &spec->parts->type;
    for (uint32_t i = 0; i < spec->agree_count; i++) {
        weir_key a = { .count = 1, .field = { spec->agrees[i].field[0] } };
        weir_key b = { .count = 1, .field = { spec->agrees[i].field[1] } };
        if (!weir_key_equal_across(type, &a, tuple, type, &b, tuple))
            return false;
    }
    return true;
}

/* A record of the collection with the key that agrees with the tuple. */
static void make_probe(const weir__lookup_spec *spec, const char *tuple, char *probe)
{
    const weir_type *from = &spec->parts->type, *to = spec->parts->parts[spec->part];
    memset(probe, 0, to->size);
    for (uint32_t i = 0; i < spec->key.count; i++) {
        const weir_field *a = &from->fields[spec->tuple_key.field[i]];
        const weir_field *b = &to->fields[spec->key.field[i]];
        memcpy(probe + b->offset, tuple + a->offset, weir_kind_size(a->kind));
        if (a->optional)
            probe[b->set_offset] = tuple[a->set_offset];
    }
}

/* Goes before the values that the tuple finds. False: there are none. */
static bool find_group(state *s, const void *tuple)
{
    _Alignas(16) char probe[WEIR_RECORD_SIZE_MAX];
    if (!weir__lookup_agrees(&s->d->spec, tuple))
        return false;
    make_probe(&s->d->spec, tuple, probe);
    s->looked++;
    return weir_cursor_find(s->cursor, probe);
}

/* Puts out what one change makes. False: there is more of it to do. */
static bool look_up(weir_step *step, state *s, const weir_time *at, const weir_time *time)
{
    const weir__lookup_spec *spec = &s->d->spec;
    const piece *p = &s->pieces[s->at];
    const void *tuple = weir_batch_record(p->batch, p->from);
    int64_t change = weir_batch_diff(p->batch, p->from);
    _Alignas(16) char whole[WEIR_RECORD_SIZE_MAX];
    if (!s->in_group && !find_group(s, tuple)) {
        s->left--;
        return true;
    }
    weir_builder *out = weir_step_output(step, 0, at);
    memcpy(whole, tuple, spec->parts->type.size);
    s->in_group = true;
    for (; !s->failed; s->left--) {
        int64_t sum, diff;
        if (s->left == 0 || (s->left % 64 == 0 && weir_step_spent(step)))
            return false;
        if (!weir_cursor_next_value(s->cursor))
            break;
        if (!weir_cursor_sum(s->cursor, time, &sum) ||
            __builtin_mul_overflow(sum, change, &diff)) {
            s->failed = WEIR_OVERFLOWED;
            break;
        }
        if (diff == 0)
            continue;
        memcpy(weir__part(spec->parts, spec->part, whole), weir_cursor_record(s->cursor),
               spec->parts->parts[spec->part]->size);
        weir_builder_set_diff(out, diff);
        weir__emit_owned(out, whole);
    }
    s->in_group = false;
    return true;
}

/* False: the step's work is used up. */
static bool work(weir_step *step, state *s)
{
    weir_time time = weir_time_1(weir__stash_epoch(&s->stash)), as_of = time;
    if (s->d->spec.before && as_of.at[0]-- == 0)
        s->at = s->piece_count; /* there was nothing before */
    for (; s->at < s->piece_count; s->at++) {
        piece *p = &s->pieces[s->at];
        for (; p->from < p->to && !s->failed; p->from++)
            if (s->left == 0 || weir_step_spent(step) || !look_up(step, s, &time, &as_of))
                return false;
    }
    return true;
}

static void begin(state *s)
{
    s->working = true;
    s->runs = weir_trace_reader_list(s->reader);
    if (s->runs)
        s->cursor = weir_cursor_create(s->runs->runs, s->runs->count);
    if (!s->cursor)
        s->failed = WEIR_NO_MEMORY;
}

static void run(weir_step *step, void *ctx)
{
    state *s = ctx;
    s->left = VALUES_OF_A_STEP;
    for (const weir_batch *batch; (batch = weir_step_take(step, 1));)
        for (size_t i = 0; i < batch->count; i++) {
            const weir_run_ref *ref = weir_batch_record(batch, i);
            (void)weir_trace_reader_deliver(s->reader, ref->number);
        }
    while (!s->failed) {
        if (s->working && !work(step, s)) {
            weir_step_again(step);
            return;
        }
        if (s->working && !s->failed) {
            end_epoch(s);
            weir__stash_done(&s->stash, step);
        }
        if (s->failed || !weir__stash_feed(&s->stash, step, keep, s) ||
            !weir__stash_complete(&s->stash, step, keep, s))
            break;
        begin(s);
    }
    if (s->failed == WEIR_OVERFLOWED)
        weir_step_fail(step, s->failed, "the product of diffs leaves the range of 64 bits");
    else if (s->failed)
        weir_step_fail(step, s->failed, "no memory for a join");
    if (s->failed)
        return;
    weir__stash_move_since(&s->stash, step, s->reader);
    weir__trace_merge(step, weir_trace_reader_trace(s->reader), 0, s->looked);
    s->looked = 0;
}

/* ---- building ---- */

weir_port *weir__lookup_add(weir_port *tuples, weir_port *with, const weir__lookup_spec *spec)
{
    weir_graph *graph = weir_port_graph(tuples);
    weir_arrange_spec by = { .struct_size = sizeof by, .key = spec->key };
    description *d = weir_graph_alloc(graph, sizeof *d);
    *d = (description){ .spec = *spec, .with = weir_arrange_erased(with, &by) };
    if (!d->with)
        return NULL;
    weir_node_input inputs[] = {
        { .type = &spec->parts->type, .interest = WEIR_IF_HOLDING, .route = WEIR_BY_KEY,
          .key = spec->tuple_key, .takes_diffs = true },
        { .type = weir_run_ref_type(), .interest = WEIR_IF_HOLDING },
    };
    weir_node_output output = { .type = &spec->parts->type, .collection = true };
    weir_node_spec node = { .struct_size = sizeof node,
                            .kind = spec->kind,
                            .input_count = 2,
                            .output_count = 1,
                            .inputs = inputs,
                            .outputs = &output,
                            .deterministic = true,
                            .state_kind = WEIR_STATE_KEYED,
                            .ctx = d,
                            .init = init,
                            .step = run,
                            .fini = fini };
    weir_port *const ports[] = { tuples, weir_arrangement_port(d->with) };
    return weir_node_output_port(weir_node_add(graph, &node, ports), 0);
}

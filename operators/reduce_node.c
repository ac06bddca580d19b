/* SPDX-License-Identifier: Apache-2.0
 *
 * See reduce_node.h. A round goes through the keys that are fresh, which have changed, and then
 * through those that are due, of which something was pending.
 */
#include "reduce_node.h"

#include <stdlib.h>
#include <string.h>
#include <weir/observe.h>

#include "correct.h"
#include "fresh.h"
#include "pending.h"
#include "results.h"
#include "round.h"
#include "trace_failed.h"

/* A step may look at so many values, a key takes as much as KEY of them. */
enum { VALUES_OF_A_STEP = 64 << 10, KEY = 4 };

typedef weir__reduction description;

typedef struct state {
    const description *what;
    weir_account *account;
    weir_trace_reader *in;
    weir__results results;
    weir__pending pending;
    weir__correct correct;
    weir__gone gone;         /* if first records are asked for */
    weir__standing standing; /* the same */
    weir__totals totals;     /* if all are, in a scope */
    weir_metric *metric;
    size_t looked; /* keys, in this step */
    weir_status failed;
    /* the round */
    bool working;
    weir_frontier upper;
    weir_trace_runs *in_list, *own_list;
    weir_trace_run **fresh_runs;
    weir_cursor *in_cursor, *own_cursor;
    weir__fresh fresh;
    void *known[WEIR_CURSOR_ASK_MAX]; /* of fresh keys: entries of `standing`, of `totals` */
    weir__pending_key **due;          /* by hash */
    size_t due_count, due_at, due_capacity, fresh_capacity;
    size_t asked; /* keys that come next and that the cursors were asked for */
} state;

static weir_status init(weir_step *step, void *ctx, void **result, weir_error *error);
static void run(weir_step *step, void *s);
static void fini(void *s);

weir_node *weir__reduce_node(const weir__reduction *what)
{
    weir_port *runs = weir_arrangement_port((weir_arrangement *)what->in);
    weir_node_input input = { .type = weir_run_ref_type(), .interest = WEIR_IF_HOLDING };
    weir_node_output outputs[WEIR__RESULT_OUTPUTS] = {
        [WEIR__RESULTS] = { .type = what->spec.out, .collection = true },
        [WEIR__RESULT_RUNS] = { .type = weir_run_ref_type() }
    };
    weir_node_spec node = { .struct_size = sizeof node,
                            .kind = what->spec.kind,
                            .name = what->spec.name,
                            .input_count = 1,
                            .output_count = WEIR__RESULT_OUTPUTS,
                            .inputs = &input,
                            .outputs = outputs,
                            .deterministic = true,
                            .state_kind = WEIR_STATE_KEYED,
                            .ctx = (void *)what,
                            .init = init,
                            .step = run,
                            .fini = fini };
    return weir_node_add(weir_port_graph(runs), &node, &runs);
}

/* ---- state ---- */

static void end_round(state *s)
{
    weir_cursor_destroy(s->in_cursor);
    weir_cursor_destroy(s->own_cursor);
    weir_cursor_destroy(s->correct.other);
    weir__fresh_end(&s->fresh);
    weir_trace_runs_release(s->in_list);
    weir_trace_runs_release(s->own_list);
    s->in_cursor = s->own_cursor = s->correct.other = NULL;
    s->in_list = s->own_list = NULL;
    s->working = false;
}

static void fini(void *ctx)
{
    state *s = ctx;
    end_round(s);
    weir__pending_fini(&s->pending);
    weir__correct_fini(&s->correct);
    weir__gone_fini(&s->gone);
    weir__standing_fini(&s->standing);
    weir__totals_fini(&s->totals);
    weir__fresh_fini(&s->fresh);
    weir__results_fini(&s->results);
    weir_free(s->due, s->due_capacity * sizeof(weir__pending_key *));
    weir_free(s->fresh_runs, s->fresh_capacity * sizeof(weir_trace_run *));
    weir_trace_reader_close(s->in);
    weir_frontier_fini(&s->upper);
    weir_free(s, sizeof *s);
}

static weir_status open_reader(state *s, weir_step *step, weir_error *error)
{
    weir_trace_reader_spec reader = { .owner = weir_step_name(step),
                                      .depth = s->what->depth,
                                      .now_ns = weir_step_now_ns(step),
                                      .eager = s->correct.gone != NULL };
    s->in = weir_trace_reader_open(weir_arrangement_trace(s->what->in, step), &reader);
    return s->in ? WEIR_OK : weir_error_set(error, WEIR_NO_MEMORY, "no memory for a trace");
}

/* Groups are not read as a whole. */
static weir_status prepare_first(state *s, weir_step *step, weir_error *error)
{
    const weir_arrangement *in = s->what->in;
    const weir_arrange_spec *arranged = &in->what->spec;
    weir__gone_spec gone = { .order = { .type = weir_arrangement_type(in),
                                        .key = arranged->order,
                                        .descending = arranged->descending },
                             .key = *weir_arrangement_key(in),
                             .seed = weir_step_hash_seed(step),
                             .parts = weir_step_workers(step),
                             .account = s->account };
    weir_trace_info info;
    weir_trace_get_info(weir_arrangement_trace(in, step), &info);
    weir__standing_spec standing = { .type = gone.order.type,
                                     .key = &gone.key,
                                     .order = &arranged->order,
                                     .descending = arranged->descending,
                                     .depth = s->what->depth,
                                     .seed = gone.seed,
                                     .parts = gone.parts,
                                     .account = s->account,
                                     .by_field = s->what->spec.by_first_field,
                                     .is_empty = info.appended == 0 };
    s->metric = weir__round_metric(step);
    s->fresh.gone = s->correct.gone = &s->gone;
    s->correct.standing = &s->standing;
    weir_status status = weir__gone_init(&s->gone, &gone, error);
    if (status == WEIR_OK && s->what->depth > 1) /* else there are fronts for large groups */
        status = weir__standing_init(&s->standing, &standing, error);
    s->fresh.standing = &s->standing;
    return status;
}

/* Groups are read as a whole, in a scope. */
static weir_status prepare_all(state *s, weir_step *step, weir_error *error)
{
    const weir_arrangement *in = s->what->in;
    const weir_arrange_spec *arranged = &in->what->spec;
    weir_trace_info info;
    weir_trace_get_info(weir_arrangement_trace(in, step), &info);
    weir__totals_spec spec = { .order = { .type = weir_arrangement_type(in),
                                          .key = arranged->order,
                                          .descending = arranged->descending },
                               .key = weir_arrangement_key(in),
                               .out = s->what->spec.out,
                               .depth = s->what->depth,
                               .seed = weir_step_hash_seed(step),
                               .parts = weir_step_workers(step),
                               .account = s->account,
                               .is_empty = info.appended == 0 };
    s->fresh.windows = s->correct.windows = s->what->windows;
    if (s->correct.windows)
        s->metric = weir__round_metric(step);
    return weir__totals_init(&s->totals, &spec, error);
}

static weir_status init(weir_step *step, void *ctx, void **result, weir_error *error)
{
    const description *what = ctx;
    state *s = weir_alloc_must(sizeof *s);
    *s = (state){ .what = what, .account = weir_step_account(step) };
    weir_frontier_init(&s->upper, what->depth);
    const weir_type *type = weir_arrangement_type(what->in);
    const weir_key *key = weir_arrangement_key(what->in);
    weir_status status = weir__results_init(&s->results, step, what->results, error);
    /* without readers there is still a frontier to be told of */
    unsigned sends = s->results.sends ? s->results.sends : 1u << WEIR__RESULTS;
    weir__pending_spec pending = { type, key, what->depth, sends };
    weir__correct_spec correct = { type, key, &what->spec, what->depth };
    if (status == WEIR_OK)
        status = weir__pending_init(&s->pending, step, &pending, error);
    if (status == WEIR_OK && weir__correct_init(&s->correct, &correct) != WEIR_OK)
        status = weir_error_set(error, WEIR_NO_MEMORY, "no memory for a reduction");
    if (status == WEIR_OK && what->spec.first > 0)
        status = prepare_first(s, step, error);
    if (status == WEIR_OK && what->spec.first == 0 && what->depth > 1)
        status = prepare_all(s, step, error);
    if (status == WEIR_OK)
        status = open_reader(s, step, error);
    if (status != WEIR_OK)
        fini(s);
    else
        *result = s;
    return status;
}

/* ---- a round ---- */

static void fail(weir_step *step, state *s)
{
    char key[256];
    if (s->failed == WEIR_NO_MEMORY) {
        weir_step_fail(step, WEIR_NO_MEMORY, "no memory for a reduction");
        return;
    }
    weir_record_text(s->what->spec.out, s->correct.probe, key, sizeof key);
    if (s->failed == WEIR_OVERFLOWED)
        weir_step_fail(step, WEIR_OVERFLOWED, "counts or sums of the key of %s leave their range",
                       key);
    else
        weir_step_fail(step, s->failed,
                       "the function gave a record of another key than that of %s: the first "
                       "fields of a result are the key's",
                       key);
}

/* The key that was begun and worked on: its corrections and what is pending of it. */
static void finish_key(weir_step *step, state *s, weir__pending_key *known, uint64_t hash)
{
    weir__correct *c = &s->correct;
    if (c->same)
        return;
    if (!s->failed)
        s->failed = weir__results_put(&s->results, step, c, hash);
    if (!s->failed &&
        !weir__pending_set(&s->pending, step, c->key_record, &known, &c->history.pending))
        s->failed = WEIR_NO_MEMORY;
    if (!c->windows || s->failed || c->history.pending.count == 0)
        return;
    weir__window_settle(&c->window, WEIR__WINDOW_END);
    weir__pending_keep_window(known, &c->window);
}

/* The key that was begun, with its seeds. */
static void work_key(weir_step *step, state *s, weir__pending_key *known, uint64_t hash)
{
    weir__correct *c = &s->correct;
    if (known) {
        known->due = false;
        if (known->window && known->times.count > 0)
            weir__window_join(&c->window, known->window);
        for (uint32_t i = 0; i < known->times.count; i++)
            weir_history_seed(&c->history, &weir_frontier_times(&known->times)[i]);
    }
    s->failed = weir__correct_run(c, s->in_cursor, s->own_cursor, &s->upper);
    if (s->metric)
        weir_metric_add(s->metric, (int64_t)(c->looked > 0 ? c->looked : c->values.count));
    finish_key(step, s, known, hash);
}

/* Whether changes of the fresh key cannot matter, by what is known of it. */
static bool is_lost(const state *s, uint32_t i)
{
    const weir__fresh *f = &s->fresh;
    const weir__standing_changes changes = { .first = weir__fresh_record(f, i),
                                             .grows = f->keys[i].grows,
                                             .times = weir__fresh_times(f, i),
                                             .count = f->keys[i].count };
    return s->correct.gone && s->known[i] &&
           weir__standing_holds(&s->standing, s->known[i], &changes);
}

/* Whether nothing but one change of the fresh key is there. */
static bool is_one(const state *s, uint32_t i)
{
    return s->fresh.keys[i].is_one && weir__standing_is_new(&s->standing, s->known[i]);
}

/* Whether all that the fresh key has had is known, and it has changed at one time. */
static bool is_total(const state *s, uint32_t i)
{
    const weir__fresh *f = &s->fresh;
    return f->keys[i].values > 0 && f->keys[i].count == 1 &&
           weir__totals_holds(&s->totals, s->known[i], weir__fresh_times(f, i));
}

/* The fresh key that was begun, from what is known of it. False: that does not do. */
static bool work_total(state *s, uint32_t i, const weir__pending_key *known)
{
    const weir__fresh *f = &s->fresh;
    weir__correct *c = &s->correct;
    weir__totals *t = &s->totals;
    const weir__fresh_key *key = &f->keys[i];
    bool done = false;
    if (!known && is_total(s, i) &&
        weir__totals_add(t, s->known[i], weir__fresh_values(f, i), &f->sums[key->first_value],
                         key->values))
        s->failed = weir__correct_total(c, t, &s->upper, &done);
    weir__totals_made made = { .results = c->results.records, .count = c->results.count };
    made.corrections = weir_history_corrections(&c->history, &made.correction_count);
    if (done && !s->failed)
        weir__totals_keep(t, s->known[i], weir__fresh_times(f, i), &made);
    else
        weir__totals_lose(t, s->known[i]);
    return done || s->failed;
}

static void work_fresh(weir_step *step, state *s)
{
    weir__correct *c = &s->correct;
    const weir__fresh *f = &s->fresh;
    uint32_t i = s->fresh.at++;
    const void *record = weir__fresh_record(f, i);
    bool done = false;
    s->looked += c->gone != NULL;
    if (is_lost(s, i)) /* if something is due, it will be looked at for that */
        return;
    weir__pending_key *known = weir__pending_find(&s->pending, record);
    weir__correct_begin(c, record);
    if (c->windows)
        c->window = f->places[i];
    for (uint32_t t = 0; t < f->keys[i].count; t++)
        weir_history_seed(&c->history, &weir__fresh_times(f, i)[t]);
    if (!c->gone)
        done = work_total(s, i, known);
    else if (!known && is_one(s, i))
        s->failed = weir__correct_one(c, record, f->keys[i].diff, &s->upper, &done);
    if (done || s->failed) {
        finish_key(step, s, known, f->hashes[i]);
    } else {
        s->looked += c->gone == NULL;
        if (c->gone && (!known || !known->due))
            weir__correct_changed(c, record);
        work_key(step, s, known, f->hashes[i]);
    }
    if (c->gone)
        weir__standing_settle(&s->standing, s->known[i]);
}

static void work_due(weir_step *step, state *s, weir__pending_key *key)
{
    const weir_type *from = weir_table_key_type(s->pending.table);
    const weir_type *to = weir_arrangement_type(s->what->in);
    const weir_key *fields = weir_arrangement_key(s->what->in);
    const char *packed = weir_table_key(s->pending.table, key);
    _Alignas(16) char record[WEIR_RECORD_SIZE_MAX];
    for (uint32_t i = 0; i < from->field_count; i++) {
        const weir_field *a = &from->fields[i], *b = &to->fields[fields->field[i]];
        memcpy(record + b->offset, packed + a->offset, weir_kind_size(a->kind));
        if (a->optional)
            record[b->set_offset] = packed[a->set_offset];
    }
    weir__correct_begin(&s->correct, record);
    s->correct.window = (weir__window){ .any = false };
    s->looked++;
    work_key(step, s, key, key->hash);
    if (s->correct.gone) {
        void *entry;
        weir__standing_find(&s->standing, record, &key->hash, 1, &entry);
        weir__standing_settle(&s->standing, entry);
    }
    size_t count;
    (void)weir_history_corrections(&s->correct.history, &count);
    if (count == 0)
        weir__correct_earn(&s->correct);
}

static void ask(state *s, const uint64_t *hashes, size_t count)
{
    weir_cursor_ask(s->in_cursor, hashes, count);
    weir_cursor_ask(s->own_cursor, hashes, count);
    s->asked = count ? count : WEIR_CURSOR_ASK_MAX;
}

/* Asks for the fresh keys that will be looked up. */
static void ask_fresh(state *s)
{
    uint64_t hashes[WEIR_CURSOR_ASK_MAX];
    const weir__fresh *f = &s->fresh;
    size_t count = 0;
    if (s->correct.gone)
        weir__standing_find(&s->standing, f->records, f->hashes, f->count, s->known);
    else
        weir__totals_find(&s->totals, f->records, f->hashes, f->count, s->known);
    for (uint32_t i = 0; i < f->count; i++)
        if (s->correct.gone ? !is_lost(s, i) && !is_one(s, i) : !is_total(s, i))
            hashes[count++] = f->hashes[i];
    if (count > 0)
        ask(s, hashes, count);
    s->asked = 0;
}

static bool next_fresh(state *s)
{
    if (s->fresh.at < s->fresh.count)
        return true;
    if (!weir__fresh_read(&s->fresh))
        return false;
    ask_fresh(s);
    return true;
}

static weir__pending_key *next_due(state *s)
{
    uint64_t hashes[WEIR_CURSOR_ASK_MAX];
    size_t count = 0;
    while (s->due_at < s->due_count && !s->due[s->due_at]->due)
        s->due_at++;
    if (s->due_at == s->due_count)
        return NULL;
    for (size_t i = s->due_at; s->asked == 0 && i < s->due_count && count < WEIR_CURSOR_ASK_MAX;
         i++)
        if (s->due[i]->due)
            hashes[count++] = s->due[i]->hash;
    if (s->asked == 0)
        ask(s, hashes, count);
    s->asked--;
    return s->due[s->due_at++];
}

/* False: the step's work is used up, or something failed. */
static bool work(weir_step *step, state *s)
{
    const weir__correct *c = &s->correct;
    weir__results_step(&s->results);
    for (size_t done = 0; !s->failed;
         done += KEY + c->values.count + c->results.count + c->looked) {
        if (done >= VALUES_OF_A_STEP || weir_step_spent(step))
            return false;
        if (next_fresh(s)) {
            work_fresh(step, s);
            continue;
        }
        weir__pending_key *key = next_due(s);
        if (!key)
            break;
        work_due(step, s, key);
    }
    if (!s->failed)
        s->failed = weir__results_end(&s->results, step);
    return !s->failed;
}

static int by_hash(const void *a, const void *b)
{
    const weir__pending_key *x = *(weir__pending_key *const *)a;
    const weir__pending_key *y = *(weir__pending_key *const *)b;
    return (x->hash > y->hash) - (x->hash < y->hash);
}

static void find_due(state *s)
{
    const weir__pending *p = &s->pending;
    size_t most = 0;
    for (uint32_t i = 0; i < p->ready.count; i++)
        most += weir__pending_ready(p, i)->key_count;
    if (most > s->due_capacity) {
        s->due = weir_realloc_must(s->due, s->due_capacity * sizeof(weir__pending_key *),
                                   2 * most * sizeof(weir__pending_key *));
        s->due_capacity = 2 * most;
    }
    s->due_count = s->due_at = 0;
    for (uint32_t i = 0; i < p->ready.count; i++) {
        const weir__pending_time *t = weir__pending_ready(p, i);
        for (uint32_t k = 0; k < t->key_count; k++)
            if (t->keys[k]->due)
                s->due[s->due_count++] = t->keys[k];
    }
    if (s->due_count > 1)
        qsort(s->due, s->due_count, sizeof(weir__pending_key *), by_hash);
}

static weir_cursor *fresh_cursor(state *s)
{
    const weir__pending *p = &s->pending;
    size_t count = 0;
    for (uint32_t i = 0; i < p->ready.count; i++)
        count += weir__pending_ready(p, i)->run_count;
    if (count > s->fresh_capacity) {
        s->fresh_runs =
            weir_realloc_must(s->fresh_runs, s->fresh_capacity * sizeof(weir_trace_run *),
                              2 * count * sizeof(weir_trace_run *));
        s->fresh_capacity = 2 * count;
    }
    count = 0;
    for (uint32_t i = 0; i < p->ready.count; i++) {
        const weir__pending_time *t = weir__pending_ready(p, i);
        for (uint32_t k = 0; k < t->run_count; k++)
            s->fresh_runs[count++] = t->runs[k];
    }
    weir_cursor *cursor = count ? weir_cursor_create(s->fresh_runs, count) : NULL;
    if (count && !cursor)
        s->failed = WEIR_NO_MEMORY;
    return cursor;
}

static void begin_round(state *s, const weir_frontier *upper)
{
    s->working = true;
    s->asked = 0;
    weir_frontier_set(&s->upper, upper);
    weir__results_begin(&s->results, &s->pending.ready);
    find_due(s);
    weir_trace_info info;
    weir_trace_get_info(weir_trace_reader_trace(s->in), &info);
    weir__standing_bound(&s->standing, info.updates);
    weir__totals_bound(&s->totals, info.updates);
    s->fresh.whole = s->totals.table != NULL;
    weir__fresh_begin(&s->fresh, weir_arrangement_type(s->what->in), fresh_cursor(s));
    s->in_list = weir_trace_reader_list(s->in);
    s->own_list = weir_trace_reader_list(s->results.reader);
    if (s->in_list && s->own_list) {
        s->in_cursor = weir_cursor_create(s->in_list->runs, s->in_list->count);
        s->own_cursor = weir_cursor_create(s->own_list->runs, s->own_list->count);
        if (s->correct.windows)
            s->correct.other = weir_cursor_create(s->in_list->runs, s->in_list->count);
    }
    if (!s->in_cursor || !s->own_cursor || (s->correct.windows && !s->correct.other))
        s->failed = WEIR_NO_MEMORY;
}

/* ---- steps ---- */

static void run(weir_step *step, void *ctx)
{
    state *s = ctx;
    s->results.appended = s->looked = 0;
    while (!s->failed) {
        if (s->working && !work(step, s))
            break;
        if (s->working) {
            weir__pending_done(&s->pending, step);
            end_round(s);
        }
        weir__pending_take_runs(&s->pending, step, s->in);
        const weir_frontier *frontier = weir_step_frontier(step, 0);
        if (!weir__pending_take(&s->pending, frontier)) {
            weir__pending_advance(&s->pending, frontier, s->in, s->results.reader);
            break;
        }
        begin_round(s, frontier);
    }
    if (s->failed) {
        fail(step, s);
        return;
    }
    weir__runs_under_way(s->results.trace, step);
    weir__trace_merge(step, s->results.trace, s->results.appended, s->looked);
    /* what was taken, and is not asked for any more, may be merged only now */
    weir__trace_merge(step, weir_trace_reader_trace(s->in), 0, s->looked);
    if (s->working)
        weir_step_again(step);
}

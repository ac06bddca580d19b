/* SPDX-License-Identifier: Apache-2.0
 *
 * See semijoin_node.h. When an epoch is complete on both sides, keys that came or went are looked
 * up in what was arranged before it; then the records that are new with it leave if their key is
 * there now. So of the keys nothing is arranged.
 */
#include "semijoin_node.h"

#include <string.h>

#include <weir/node.h>

#include "owned.h"
#include "presence.h"
#include "stash.h"
#include "trace_failed.h"

enum { GROUP = 256, VALUES_OF_A_STEP = 64 << 10 };

typedef struct description {
    weir_arrangement *with;
    const weir__fields *fields; /* of the key */
    const weir_type *keys;
} description;

/* A run with updates of epochs that are not done with. */
typedef struct came {
    uint64_t epoch; /* the first one of them */
    uint64_t later; /* the one after it, as far as is known; UINT64_MAX: none */
    weir_trace_run *run;
} came;

typedef enum stage { GATHER, TURN, PAST, NEW } stage;

typedef struct state {
    const description *d;
    weir_trace_reader *reader;
    weir__presence presence;
    weir__stash stash;
    came *came;
    size_t came_count, came_capacity;
    stage stage;
    size_t at;   /* in the keys that turned; in `came` */
    size_t left; /* values that the step may look at */
    weir_trace_runs *runs; /* what was arranged */
    bool has_past;         /* some of it before the epoch */
    bool in_key;           /* the cursor is in what the key at hand finds */
    weir_cursor *cursor;   /* of the past; then of a new run */
    weir_cursor *ahead;    /* of the new run, for the keys that come next: */
    char *keys;
    void *found[GROUP];
    size_t found_count, found_at;
    weir_status failed;
} state;

/* ---- state ---- */

static void end_cursors(state *s)
{
    weir_cursor_destroy(s->cursor);
    weir_cursor_destroy(s->ahead);
    s->cursor = s->ahead = NULL;
    s->found_count = s->found_at = 0;
    s->in_key = false;
}

static void fini(void *ctx)
{
    state *s = ctx;
    end_cursors(s);
    weir_trace_runs_release(s->runs);
    for (size_t i = 0; i < s->came_count; i++)
        weir_trace_run_release(s->came[i].run);
    weir_free(s->came, s->came_capacity * sizeof *s->came);
    weir_free(s->keys, GROUP * s->d->keys->size);
    weir__presence_fini(&s->presence);
    weir__stash_fini(&s->stash);
    weir_trace_reader_close(s->reader);
    weir_free(s, sizeof *s);
}

static weir_status init(weir_step *step, void *ctx, void **result, weir_error *error)
{
    const description *d = ctx;
    state *s = weir_alloc_must(sizeof *s);
    *s = (state){ .d = d, .keys = weir_alloc_must(GROUP * d->keys->size) };
    weir__stash_init(&s->stash, true, weir_step_account(step));
    s->stash.inputs = 2;
    weir_trace_reader_spec reader = { .owner = weir_step_name(step),
                                      .now_ns = weir_step_now_ns(step) };
    s->reader = weir_trace_reader_open(weir_arrangement_trace(d->with, step), &reader);
    weir_status status = weir__presence_init(&s->presence, d->keys, step, error);
    if (status == WEIR_OK && !s->reader)
        status = weir_error_set(error, WEIR_NO_MEMORY, "no memory for a join");
    *result = s;
    if (status != WEIR_OK)
        fini(s);
    return status;
}

/* ---- what comes ---- */

static void take_keys(const weir_batch *batch, size_t from, size_t to, void *ctx)
{
    weir__presence_add(&((state *)ctx)->presence, batch, from, to);
}

static void take_run(weir_step *step, state *s, uint64_t number)
{
    if (s->came_count == s->came_capacity) {
        size_t capacity = 2 * s->came_capacity + 4;
        s->came = weir_realloc_must(s->came, s->came_capacity * sizeof *s->came,
                                    capacity * sizeof *s->came);
        s->came_capacity = capacity;
    }
    weir_trace_run *run = weir_trace_reader_deliver(s->reader, number);
    uint64_t epoch = weir_trace_run_meet(run).at[0];
    s->came[s->came_count++] = (came){ epoch, UINT64_MAX, weir_trace_run_retain(run) };
    weir__stash_touch(&s->stash, step, epoch);
}

static void take_runs(weir_step *step, state *s)
{
    for (const weir_batch *batch; (batch = weir_step_take(step, 1));)
        for (size_t i = 0; i < batch->count; i++) {
            const weir_run_ref *ref = weir_batch_record(batch, i);
            take_run(step, s, ref->number);
        }
}

/* ---- an epoch ---- */

/* Some values were looked at: whether the step has to end here. */
static bool is_spent(weir_step *step, const state *s)
{
    return s->left == 0 || (s->left % 64 == 0 && weir_step_spent(step));
}

static void put(weir_builder *out, const void *record, int64_t diff)
{
    weir_builder_set_diff(out, diff);
    (void)weir__emit_copy(out, record);
}

/* The records of a key that came or went, as they were before the epoch. False: the step's work is
 * used up. */
static bool put_past(weir_step *step, state *s, const weir__turned *turned)
{
    weir_time now = weir_time_1(weir__stash_epoch(&s->stash)), before = now;
    before.at[0]--;
    weir_builder *out = weir_step_output(step, 0, &now);
    for (;; s->left--) {
        int64_t sum = 0;
        if (is_spent(step, s))
            return false;
        if (!weir_cursor_next_value(s->cursor))
            return true;
        if (!weir_cursor_sum(s->cursor, &before, &sum) || sum == INT64_MIN) {
            s->failed = WEIR_OVERFLOWED;
            return true;
        }
        if (sum != 0)
            put(out, weir_cursor_record(s->cursor), turned->key->is ? sum : -sum);
    }
}

/* Keys of those that turned are looked up together. */
static void ask(state *s)
{
    const weir__presence *p = &s->presence;
    uint64_t hashes[WEIR_CURSOR_ASK_MAX];
    size_t n = 0;
    for (; n < WEIR_CURSOR_ASK_MAX && s->at + n < p->turned_count; n++)
        hashes[n] = p->turned[s->at + n].hash;
    weir_cursor_ask(s->cursor, hashes, n);
}

static bool find(state *s, const weir__turned *turned)
{
    _Alignas(16) char probe[WEIR_RECORD_SIZE_MAX];
    memset(probe, 0, s->d->fields->from->size);
    weir__fields_put(s->d->fields, weir_table_key(s->presence.table, turned->key), probe);
    return weir_cursor_find(s->cursor, probe);
}

static bool work_on_past(weir_step *step, state *s)
{
    const weir__presence *p = &s->presence;
    if (!s->cursor && !(s->cursor = weir_cursor_create(s->runs->runs, s->runs->count)))
        s->failed = WEIR_NO_MEMORY;
    for (; s->at < p->turned_count && !s->failed; s->at++, s->in_key = false) {
        const weir__turned *turned = &p->turned[s->at];
        if (!s->in_key) {
            if (s->left == 0)
                return false;
            if (s->at % WEIR_CURSOR_ASK_MAX == 0)
                ask(s);
            s->left--;
            if (!find(s, turned))
                continue;
        }
        s->in_key = true;
        if (!put_past(step, s, turned))
            return false;
    }
    return true;
}

/* Looks the next keys of the new run up. False: there are none. */
static bool look_ahead(state *s)
{
    const description *d = s->d;
    s->found_count = s->found_at = 0;
    for (; s->found_count < GROUP && weir_cursor_next_key(s->ahead); s->found_count++)
        weir__fields_copy(d->fields, weir_cursor_record(s->ahead),
                          s->keys + s->found_count * d->keys->size);
    weir_table_find_many(s->presence.table, s->keys, NULL, s->found_count, s->found);
    return s->found_count > 0;
}

/* Of the key at hand, the records that are new with the epoch, if they are to leave; what is of
 * later ones waits for these. */
static void put_new(weir_builder *out, state *s, came *c, bool is)
{
    weir_time time;
    for (int64_t diff; weir_cursor_next_value(s->cursor);)
        while (weir_cursor_next_update(s->cursor, &time, &diff)) {
            if (is && time.at[0] == c->epoch)
                put(out, weir_cursor_record(s->cursor), diff);
            else if (time.at[0] > c->epoch && time.at[0] < c->later)
                c->later = time.at[0];
            s->left -= s->left > 1;
        }
}

/* The records of a new run whose key is there. False: the step's work is used up. */
static bool work_on_run(weir_step *step, state *s, came *c)
{
    weir_time time = weir_time_1(c->epoch);
    bool of_later = weir_trace_run_join(c->run).at[0] > c->epoch;
    if (!s->cursor) {
        s->cursor = weir_cursor_create(&c->run, 1);
        s->ahead = weir_cursor_create(&c->run, 1);
        s->failed = s->cursor && s->ahead ? WEIR_OK : WEIR_NO_MEMORY;
    }
    weir_builder *out = weir_step_output(step, 0, &time);
    while (!s->failed && (s->found_at < s->found_count || look_ahead(s))) {
        if (is_spent(step, s))
            return false;
        const weir__present *key = s->found[s->found_at++];
        bool is = weir_cursor_next_key(s->cursor) && key && key->is;
        if (is || of_later)
            put_new(out, s, c, is);
        s->left--;
    }
    return true;
}

static bool work_on_new(weir_step *step, state *s)
{
    for (; s->at < s->came_count && !s->failed; s->at++) {
        if (s->came[s->at].epoch != weir__stash_epoch(&s->stash))
            continue;
        if (!work_on_run(step, s, &s->came[s->at]))
            return false;
        end_cursors(s);
    }
    return true;
}

/* False: the step's work is used up. */
static bool work(weir_step *step, state *s)
{
    if (s->stage == TURN) {
        if (!weir__presence_turn(&s->presence, s->has_past, &s->left))
            return false;
        s->failed = s->presence.failed;
        s->stage = PAST;
        s->at = 0;
    }
    if (s->stage == PAST && !s->failed) {
        if (s->has_past && !work_on_past(step, s))
            return false;
        end_cursors(s);
        s->stage = NEW;
        s->at = 0;
    }
    return s->failed || work_on_new(step, s);
}

static void begin(state *s)
{
    uint64_t epoch = weir__stash_epoch(&s->stash);
    s->stage = TURN;
    s->has_past = false;
    s->runs = weir_trace_reader_list(s->reader);
    if (!s->runs)
        s->failed = WEIR_NO_MEMORY;
    for (uint32_t i = 0; !s->failed && i < s->runs->count; i++)
        s->has_past = s->has_past || weir_trace_run_meet(s->runs->runs[i]).at[0] < epoch;
}

/* Runs go that have nothing of later epochs. */
static void end_runs(weir_step *step, state *s)
{
    uint64_t epoch = weir__stash_epoch(&s->stash);
    size_t left = 0;
    for (size_t i = 0; i < s->came_count; i++) {
        came c = s->came[i];
        if (c.epoch == epoch && c.later == UINT64_MAX) {
            weir_trace_run_release(c.run);
            continue;
        }
        if (c.epoch == epoch) {
            c = (came){ c.later, UINT64_MAX, c.run };
            weir__stash_touch(&s->stash, step, c.epoch);
        }
        s->came[left++] = c;
    }
    s->came_count = left;
}

static void end(weir_step *step, state *s)
{
    end_runs(step, s);
    weir_trace_runs_release(s->runs);
    s->runs = NULL;
    s->stage = GATHER;
    weir__presence_settle(&s->presence);
    weir__stash_done(&s->stash, step);
}

/* ---- the step ---- */

static void fail(weir_step *step, const state *s)
{
    if (s->presence.failed)
        weir__presence_fail(&s->presence, step);
    else if (s->failed == WEIR_OVERFLOWED)
        weir_step_fail(step, s->failed, "a sum of diffs leaves the range of 64 bits");
    else
        weir_step_fail(step, s->failed, "no memory for a join");
}

static void run(weir_step *step, void *ctx)
{
    state *s = ctx;
    size_t turned = 0;
    s->left = VALUES_OF_A_STEP;
    take_runs(step, s);
    while (!s->failed) {
        if (s->stage != GATHER && !work(step, s)) {
            weir_step_again(step);
            return;
        }
        if (s->stage != GATHER && !s->failed) {
            turned += s->presence.turned_count;
            end(step, s);
        }
        if (s->failed || !weir__stash_feed(&s->stash, step, take_keys, s))
            break;
        bool complete = weir__stash_complete(&s->stash, step, take_keys, s);
        s->failed = s->presence.failed;
        if (s->failed || !complete)
            break;
        begin(s);
    }
    if (s->failed) {
        fail(step, s);
        return;
    }
    weir__stash_move_since(&s->stash, step, s->reader);
    weir__trace_merge(step, weir_trace_reader_trace(s->reader), 0, turned);
}

/* ---- building ---- */

weir_port *weir__semijoin_node(weir_arrangement *with, const weir__fields *fields, weir_port *keys)
{
    weir_graph *graph = weir_port_graph(keys);
    description *d = weir_graph_alloc(graph, sizeof *d);
    *d = (description){ .with = with, .fields = fields, .keys = weir_port_type(keys) };
    weir_node_input inputs[] = {
        { .type = d->keys, .interest = WEIR_IF_HOLDING, .route = WEIR_BY_KEY,
          .key = weir__fields_key(fields->count), .takes_diffs = true, .combines = true },
        { .type = weir_run_ref_type(), .interest = WEIR_IF_HOLDING },
    };
    weir_node_output output = { .type = fields->from, .collection = true };
    weir_node_spec node = { .struct_size = sizeof node,
                            .kind = "semijoin",
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
    weir_port *const ports[] = { keys, weir_arrangement_port(with) };
    return weir_node_output_port(weir_node_add(graph, &node, ports), 0);
}

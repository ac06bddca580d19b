/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/count.h. The counts are in a keyed table. Batches of the epoch that is open
 * are added as they come; those of later epochs wait, with a capability for each epoch, until
 * theirs is the open one. What an epoch touched is in a list, so its end costs what it changed.
 */
#include <string.h>

#include <weir/node.h>
#include <weir/operators/count.h>
#include <weir/table.h>

enum { GROUP = 64 };

/* With a short key it fills half a cache line. A key that this epoch has not touched has no
 * count before: what is stored for that is the one value that a count cannot have. */
typedef struct counted {
    int64_t now;
    int64_t before_xor; /* the count as of the last complete epoch, xor UNTOUCHED; 0: untouched */
} counted;

#define UNTOUCHED INT64_MIN

/* An epoch of which something came, and what of it waits. */
typedef struct pending {
    uint64_t epoch;
    weir_cap cap;
    weir_batch **batches;
    uint32_t count, capacity;
} pending;

typedef struct description {
    const weir_type *in, *out;
    weir_key key;
    uint32_t count_offset;
} description;

typedef struct state {
    const description *d;
    weir_table *table;
    const weir_type *key_type;
    bool one_str; /* the key is one string and the result has nothing else before the count */
    pending *epochs; /* ascending; the first is the open one if it is not after the frontier */
    uint32_t epoch_count, epoch_capacity;
    counted **touched;
    size_t touched_count, touched_capacity, emitted;
    bool emitting;
} state;

static weir_status count_init(weir_step *step, void *ctx, void **out, weir_error *error)
{
    const description *d = ctx;
    state *s = weir_alloc_zero(sizeof *s);
    if (!s)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for a count");
    s->d = d;
    weir_status status = weir_table_create(&s->table, &(weir_table_options){
        .struct_size = sizeof(weir_table_options), .type = d->in, .key = d->key,
        .value_size = sizeof(counted), .hash_seed = weir_step_hash_seed(step),
        .parts = weir_step_workers(step), .account = weir_step_account(step) }, error);
    if (status != WEIR_OK) {
        weir_free(s, sizeof *s);
        return status;
    }
    s->key_type = weir_table_key_type(s->table);
    s->one_str = s->key_type->field_count == 1 && s->key_type->has_strings &&
                 !s->key_type->fields[0].optional && d->out->size == sizeof(weir_str) + 8;
    *out = s;
    return WEIR_OK;
}

static void count_fini(void *ctx)
{
    state *s = ctx;
    for (uint32_t i = 0; i < s->epoch_count; i++) {
        for (uint32_t b = 0; b < s->epochs[i].count; b++)
            weir_batch_release(s->epochs[i].batches[b]);
        weir_free(s->epochs[i].batches, s->epochs[i].capacity * sizeof(weir_batch *));
    }
    weir_free(s->epochs, s->epoch_capacity * sizeof *s->epochs);
    weir_free(s->touched, s->touched_capacity * sizeof(counted *));
    weir_table_destroy(s->table);
    weir_free(s, sizeof *s);
}

/* ---- adding ---- */

static bool touch(weir_step *step, state *s, counted *c, int64_t diff)
{
    if (c->before_xor == 0) {
        if (s->touched_count == s->touched_capacity) {
            size_t old = s->touched_capacity, capacity = old ? old * 2 : 1024;
            s->touched = weir_realloc_must(s->touched, old * sizeof(counted *),
                                           capacity * sizeof(counted *));
            s->touched_capacity = capacity;
        }
        s->touched[s->touched_count++] = c;
        c->before_xor = c->now ^ UNTOUCHED;
    }
    if (!__builtin_add_overflow(c->now, diff, &c->now) && c->now != UNTOUCHED)
        return true;
    weir_step_fail(step, WEIR_OVERFLOWED, "the count of a key of '%s' leaves 64 bits",
                   s->d->in->name);
    return false;
}

static bool add_batch(weir_step *step, state *s, const weir_batch *batch)
{
    void *values[GROUP];
    size_t size = batch->type->size;
    for (size_t at = 0; at < batch->count; at += GROUP) {
        size_t n = batch->count - at < GROUP ? batch->count - at : GROUP;
        size_t done = weir_table_insert_many(
            s->table, (const char *)batch->records + at * size,
            batch->hashes ? batch->hashes + at : NULL, n, values);
        for (size_t i = 0; i < done; i++)
            if (!touch(step, s, values[i], weir_batch_diff(batch, at + i)))
                return false;
        if (done < n) {
            weir_step_fail(step, WEIR_NO_MEMORY, "no memory for %zu keys",
                           weir_table_count(s->table) + n);
            return false;
        }
    }
    return true;
}

/* The place of an epoch in the ascending list; made, with a capability, if it is not there. */
static pending *find_epoch(weir_step *step, state *s, uint64_t epoch)
{
    uint32_t at = s->epoch_count;
    while (at > 0 && s->epochs[at - 1].epoch > epoch)
        at--;
    if (at > 0 && s->epochs[at - 1].epoch == epoch)
        return &s->epochs[at - 1];
    if (s->epoch_count == s->epoch_capacity) {
        uint32_t old = s->epoch_capacity, capacity = old ? old * 2 : 8;
        s->epochs = weir_realloc_must(s->epochs, old * sizeof *s->epochs,
                                      capacity * sizeof *s->epochs);
        s->epoch_capacity = capacity;
    }
    memmove(&s->epochs[at + 1], &s->epochs[at], (s->epoch_count - at) * sizeof *s->epochs);
    s->epoch_count++;
    s->epochs[at] = (pending){ .epoch = epoch, .cap = weir_cap_retain(step, 0, NULL) };
    return &s->epochs[at];
}

static void keep(pending *p, const weir_batch *batch)
{
    if (p->count == p->capacity) {
        uint32_t old = p->capacity, capacity = old ? old * 2 : 8;
        p->batches = weir_realloc_must(p->batches, old * sizeof(weir_batch *),
                                       capacity * sizeof(weir_batch *));
        p->capacity = capacity;
    }
    p->batches[p->count++] = weir_batch_retain(batch);
}

/* Whether nothing of an earlier epoch is under way: its batches may be added. */
static bool is_open(weir_step *step, const state *s, uint64_t epoch)
{
    weir_time before = weir_time_1(epoch - 1);
    return !s->emitting && s->epochs[0].epoch == epoch &&
           (epoch == 0 || !weir_frontier_less_equal(weir_step_frontier(step, 0), &before));
}

static void take(weir_step *step, state *s)
{
    for (const weir_batch *batch; (batch = weir_step_take(step, 0));) {
        pending *p = find_epoch(step, s, batch->time.at[0]);
        if (!is_open(step, s, p->epoch) || p->count)
            keep(p, batch);
        else if (!add_batch(step, s, batch))
            return;
    }
}

/* ---- results ---- */

/* The key's fields lie in the result as they lie in the table's key record. */
static void fill(state *s, weir_builder *out, char *to, const counted *c, int64_t count)
{
    const weir_type *key = s->key_type;
    const char *from = weir_table_key(s->table, c);
    if (s->one_str && ((const weir_str *)from)->len <= WEIR_STR_INLINE) {
        memcpy(to, from, sizeof(weir_str));
        memcpy(to + sizeof(weir_str), &count, sizeof count);
        return;
    }
    uint32_t prefix = key->size < s->d->count_offset ? key->size : s->d->count_offset;
    memset(to, 0, s->d->out->size);
    memcpy(to, from, prefix);
    for (uint32_t f = 0; key->has_strings && f < key->field_count; f++) {
        weir_kind kind = key->fields[f].kind;
        if (kind != WEIR_KIND_str && kind != WEIR_KIND_bytes)
            continue;
        weir_str text;
        memcpy(&text, to + key->fields[f].offset, sizeof text);
        if (weir_str_is_inline(&text))
            continue;
        text = weir_builder_str(out, text.u.ptr, text.len);
        memcpy(to + key->fields[f].offset, &text, sizeof text);
    }
    memcpy(to + s->d->count_offset, &count, sizeof count);
}

/* Results of the next touched keys, up to what there is room for: the old count, then the new.
 * Emitted keys are untouched again; those that fell to 0 are left to be removed. */
static size_t emit_some(state *s, weir_builder *out)
{
    enum { AHEAD = 12 };
    size_t size = s->d->out->size, left = s->touched_count - s->emitted, n = 0, done = 0;
    void *records;
    int64_t *diffs;
    size_t room = weir_builder_bulk(out, left < GROUP ? left * 2 : GROUP * 2, &records, &diffs);
    char *to = records;
    for (; done < left && n + 2 <= room; done++) {
        counted *c = s->touched[s->emitted + done];
        if (done + AHEAD < left)
            __builtin_prefetch(s->touched[s->emitted + done + AHEAD]);
        int64_t before = c->before_xor ^ UNTOUCHED;
        c->before_xor = 0;
        if (before == c->now)
            continue;
        if (before) {
            fill(s, out, to + n * size, c, before);
            diffs[n++] = -1;
        }
        if (c->now) {
            fill(s, out, to + n * size, c, c->now);
            diffs[n++] = 1;
        }
    }
    weir_builder_commit(out, n);
    return done;
}

/* A batch with room for one record only: the two results of a key go one at a time. */
static void emit_singly(state *s, weir_builder *out, counted *c)
{
    int64_t results[2][2] = { { c->before_xor ^ UNTOUCHED, -1 }, { c->now, 1 } };
    bool changed = results[0][0] != c->now;
    for (int k = 0; k < 2 && changed; k++) {
        void *record;
        int64_t *diff;
        if (results[k][0] == 0)
            continue;
        weir_builder_bulk(out, 1, &record, &diff);
        fill(s, out, record, c, results[k][0]);
        *diff = results[k][1];
        weir_builder_commit(out, 1);
    }
    c->before_xor = 0;
}

/* Sends the changes of the open epoch; false if the step's budget ended before it. */
static bool emit_epoch(weir_step *step, state *s)
{
    weir_time t = weir_time_1(s->epochs[0].epoch);
    weir_builder *out = weir_step_output(step, 0, &t);
    while (s->emitted < s->touched_count) {
        if (weir_step_spent(step)) {
            weir_step_again(step);
            return false;
        }
        size_t first = s->emitted, done = emit_some(s, out);
        if (done == 0) {
            emit_singly(s, out, s->touched[first]);
            done = 1;
        }
        for (size_t i = first; i < first + done; i++)
            if (s->touched[i]->now == 0)
                weir_table_remove(s->table, s->touched[i]);
        s->emitted += done;
    }
    return true;
}

/* The open epoch is complete: its changes go out, then the next one's batches are added. */
static bool close_epoch(weir_step *step, state *s)
{
    s->emitting = true;
    if (!emit_epoch(step, s))
        return false;
    s->emitting = false;
    s->touched_count = s->emitted = 0;
    weir_cap_drop(step, s->epochs[0].cap);
    weir_free(s->epochs[0].batches, s->epochs[0].capacity * sizeof(weir_batch *));
    s->epoch_count--;
    memmove(&s->epochs[0], &s->epochs[1], s->epoch_count * sizeof *s->epochs);
    return true;
}

static bool add_waiting(weir_step *step, state *s)
{
    pending *p = &s->epochs[0];
    bool ok = true;
    for (uint32_t i = 0; i < p->count; i++) {
        ok = ok && add_batch(step, s, p->batches[i]);
        weir_batch_release(p->batches[i]);
    }
    p->count = 0;
    return ok;
}

static void count_step(weir_step *step, void *ctx)
{
    state *s = ctx;
    take(step, s);
    while (s->epoch_count) {
        uint64_t epoch = s->epochs[0].epoch;
        if (!s->emitting && is_open(step, s, epoch) && !add_waiting(step, s))
            return;
        weir_time t = weir_time_1(epoch);
        if (!s->emitting && weir_frontier_less_equal(weir_step_frontier(step, 0), &t))
            return;
        if (!close_epoch(step, s))
            return;
    }
}

/* ---- the graph ---- */

/* The result is the key's fields and an i64: the same that the macro asserts. */
static bool fits(const weir_type *in, const weir_key *key, const weir_type *out)
{
    if (out->field_count != key->count + 1)
        return false;
    for (uint32_t i = 0; i < key->count; i++) {
        const weir_field *a = &in->fields[key->field[i]], *b = &out->fields[i];
        if (a->kind != b->kind || a->optional != b->optional || a->scale != b->scale)
            return false;
    }
    const weir_field *last = &out->fields[key->count];
    return last->kind == WEIR_KIND_i64 && !last->optional;
}

weir_port *weir__count(weir_port *in, const weir_type *out, const char *const *names)
{
    if (!in)
        return NULL;
    weir_graph *graph = weir_port_graph(in);
    const weir_type *type = weir_port_type(in);
    description *d = weir_graph_alloc(graph, sizeof *d);
    weir_error error = { 0 };
    if (weir_key_resolve(type, names, &d->key, &error) != WEIR_OK) {
        weir_graph_fail(graph, error.status, "count", error.hint, "%s", error.what);
        return NULL;
    }
    if (!fits(type, &d->key, out)) {
        weir_graph_fail(graph, WEIR_TYPE_MISMATCH, "count",
                        "give the result the key's fields, in order, then one i64",
                        "'%s' cannot hold the counts of '%s'", out->name, type->name);
        return NULL;
    }
    if (weir_port_depth(in) != 1) {
        weir_graph_fail(graph, WEIR_INVALID, "count", "leave the scope before counting",
                        "a count inside a scope is not possible yet");
        return NULL;
    }
    d->in = type;
    d->out = out;
    d->count_offset = out->fields[d->key.count].offset;
    weir_node_input input = { .type = type, .interest = WEIR_IF_HOLDING, .route = WEIR_BY_KEY,
                              .key = d->key, .takes_diffs = true };
    weir_node_output output = { .type = out, .collection = true,
                                .unique_key = { .count = d->key.count } };
    for (uint32_t i = 0; i < d->key.count; i++)
        output.unique_key.field[i] = (uint16_t)i;
    weir_node *node = weir_node_add(graph, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "count", .input_count = 1,
        .output_count = 1, .inputs = &input, .outputs = &output, .deterministic = true,
        .state_kind = WEIR_STATE_KEYED, .ctx = d, .init = count_init, .step = count_step,
        .fini = count_fini }, &in);
    return weir_node_output_port(node, 0);
}

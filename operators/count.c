/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/count.h. A table has the count of each key, and of those that the open epoch
 * touched also the count before; nothing of the history is kept, but for scopes.
 *
 * It is a tally (tally.h) by itself, since most programs count, and most keys are counted: a value
 * has 16 bytes here, 32 there, and results are written without a call for each key. Other
 * aggregates belong there.
 */
#include <weir/operators/count.h>

#include <stdlib.h>

#include <weir/node.h>
#include <weir/operators/reduce.h>
#include <weir/table.h>

#include "fields.h"
#include "owned.h"
#include "stash.h"
#include "tally.h"

/* Values of the table. The count before the epoch, its sign bit flipped, so that 0, which a new
 * value is, stands for "not touched": no epoch may end with a count of INT64_MIN. */
typedef struct tally {
    int64_t count;
    uint64_t before;
} tally;

/* A count that left 64 bits on its way, upwards (1) or downwards (-1), and went on from the other
 * end; 0: it was INT64_MIN. */
typedef struct wrapped {
    tally *tally;
    int64_t by;
} wrapped;

static const uint64_t SIGN = (uint64_t)1 << 63;

enum { GROUP = 512, AHEAD = 48 };

/* What the graph knows; shared by the workers. */
typedef struct description {
    const weir_type *in, *out;
    weir_key key;
    const weir__fields *fields; /* those of the key, in a scope */
} description;

typedef struct state {
    const description *what;
    weir_table *table;
    weir__stash stash;
    tally **touched; /* by the open epoch, but for the fresh ones */
    size_t touched_count, touched_capacity, emitted;
    uint32_t fresh;      /* where those begin that are new in it (weir_table_fresh) */
    size_t changed_count; /* both, while they are emitted */
    wrapped *wrapped;    /* in the open epoch; hardly ever any */
    size_t wrapped_count, wrapped_capacity;
    bool open, emitting, old_is_out, same_layout;
    bool one_word, one_str; /* and a result is 8 bytes, or one string, and the count */
    weir_status failed;
    tally *overflowed;
    weir_account *account;
} state;

/* ---- building ---- */

static bool result_fits(const weir_type *in, const weir_key *key, const weir_type *out)
{
    if (!weir__result_fits(in, key, out, 1))
        return false;
    const weir_field *last = &out->fields[key->count];
    return last->kind == WEIR_KIND_i64 && !last->optional;
}

/* In a scope, where times have no one order, it is a reduce of the key's fields alone: of a key
 * there is one record, so often as there are records of the key. */
static weir_status count_group(const void *key, const weir_values *values, weir_builder *builder,
                               const void *ctx)
{
    const description *what = ctx;
    char *record = weir_builder_next(builder, what->out->size);
    (void)key;
    weir__fields_move(&what->fields->type, values->records[0], what->out, record,
                      what->key.count);
    memcpy(record + what->out->fields[what->key.count].offset, &values->counts[0],
           sizeof values->counts[0]);
    return WEIR_OK;
}

static weir_port *in_scope(weir_port *in, description *what)
{
    weir_key all = weir__fields_key(what->key.count);
    weir_arrange_spec arranged = { .struct_size = sizeof arranged, .key = all };
    weir_reduce_spec counted = { .struct_size = sizeof counted,
                                 .kind = "count",
                                 .out = what->out,
                                 .reduce = count_group,
                                 .ctx = what };
    what->fields = weir__fields_of(weir_port_graph(in), what->in, &what->key, -1);
    weir_port *keys = weir__fields_map(weir_port_as_collection(in), what->fields, "count");
    weir_port *counts = weir_reduce_erased(weir_arrange_erased(keys, &arranged), &counted);
    return counts ? weir_port_with_key(counts, &all) : NULL;
}

static weir_status init(weir_step *step, void *ctx, void **result, weir_error *error);
static void run(weir_step *step, void *s);
static void fini(void *s);

weir_port *weir_count_erased(weir_port *in, const weir_key *key, const weir_type *out)
{
    if (!in)
        return NULL;
    weir_graph *graph = weir_port_graph(in);
    const weir_type *type = weir_port_type(in);
    bool valid = key->count > 0 && key->count <= WEIR_KEY_FIELDS_MAX;
    for (uint32_t i = 0; valid && i < key->count; i++)
        valid = key->field[i] < type->field_count;
    if (!valid) {
        weir_graph_fail(graph, WEIR_TYPE_MISMATCH, "count", "name 1 to 8 fields of the record",
                        "the key is none of the stream's records '%s'", type->name);
        return NULL;
    }
    if (!result_fits(type, key, out)) {
        weir_graph_fail(graph, WEIR_TYPE_MISMATCH, "count",
                        "give it the kinds of the key's fields, in order, then one i64",
                        "record '%s' cannot hold counts of '%s' by this key", out->name,
                        type->name);
        return NULL;
    }
    description *what = weir_graph_alloc(graph, sizeof *what);
    *what = (description){ .in = type, .out = out, .key = *key };
    if (weir_port_depth(in) > 1)
        return in_scope(in, what);
    weir_node_input input = { .type = type,
                              .interest = WEIR_IF_HOLDING,
                              .route = WEIR_BY_KEY,
                              .key = *key,
                              .takes_diffs = true,
                              .combines = true };
    weir_node_output output = { .type = out, .collection = true };
    for (uint32_t i = 0; i < key->count; i++)
        output.unique_key.field[output.unique_key.count++] = (uint16_t)i;
    weir_node_spec spec = { .struct_size = sizeof spec,
                            .kind = "count",
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
    return weir_node_output_port(weir_node_add(graph, &spec, &in), 0);
}

weir_port *weir__count(weir_port *in, const weir_type *out, const char *const *names)
{
    weir_key key;
    weir_error error;
    if (!in)
        return NULL;
    if (weir_key_resolve(weir_port_type(in), names, &key, &error) == WEIR_OK)
        return weir_count_erased(in, &key, out);
    weir_graph_fail(weir_port_graph(in), error.status, "count", error.hint, "%s", error.what);
    return NULL;
}

/* ---- state ---- */

/* Whether a result is a key as the table has it, then the count, and nothing else. */
static bool has_layout_of(const weir_type *key, const weir_type *out)
{
    uint32_t size = key->size;
    for (uint32_t i = 0; i < key->field_count; i++)
        if (key->fields[i].offset != out->fields[i].offset ||
            (key->fields[i].optional && key->fields[i].set_offset != out->fields[i].set_offset))
            return false;
    return out->fields[key->field_count].offset == size && out->size == size + sizeof(int64_t);
}

static weir_status init(weir_step *step, void *ctx, void **result, weir_error *error)
{
    const description *what = ctx;
    state *s = weir_alloc_must(sizeof *s);
    *s = (state){ .what = what, .account = weir_step_account(step) };
    weir_table_options options = { .struct_size = sizeof options,
                                   .type = what->in,
                                   .key = what->key,
                                   .value_size = sizeof(tally),
                                   .hash_seed = weir_step_hash_seed(step),
                                   .parts = weir_step_workers(step),
                                   .account = s->account };
    weir_status status = weir_table_create(&s->table, &options, error);
    if (status != WEIR_OK) {
        weir_free(s, sizeof *s);
        return status;
    }
    weir__stash_init(&s->stash, true, s->account);
    const weir_type *key = weir_table_key_type(s->table);
    s->same_layout = has_layout_of(key, what->out);
    s->one_word = s->same_layout && key->size == sizeof(uint64_t) && !key->has_strings;
    s->one_str = s->same_layout && key->field_count == 1 && key->has_strings &&
                 !key->fields[0].optional;
    *result = s;
    return WEIR_OK;
}

static void fini(void *ctx)
{
    state *s = ctx;
    weir_table_destroy(s->table);
    weir__stash_fini(&s->stash);
    weir_free(s->touched, s->touched_capacity * sizeof *s->touched);
    weir_free(s->wrapped, s->wrapped_capacity * sizeof *s->wrapped);
    weir_free(s, sizeof *s);
}

/* ---- counting ---- */

static bool reserve_touched(state *s, size_t more)
{
    if (s->touched_capacity - s->touched_count >= more)
        return true;
    size_t capacity = 2 * s->touched_capacity + GROUP;
    tally **touched =
        weir_realloc(s->touched, s->touched_capacity * sizeof *touched, capacity * sizeof *touched);
    if (!touched)
        return false;
    weir_account_add(s->account, (int64_t)((capacity - s->touched_capacity) * sizeof *touched));
    s->touched = touched;
    s->touched_capacity = capacity;
    return true;
}

/* Without a branch: whether the epoch has touched a count before cannot be guessed. A count of 0
 * that it has not touched is new. */
static inline void touch(state *s, tally *t)
{
    uint64_t before = t->before;
    s->touched[s->touched_count] = t;
    s->touched_count += (before == 0) & ((t->count != 0) | (s->fresh == 0));
    t->before = before ? before : (uint64_t)t->count ^ SIGN;
}

static void wrap(state *s, tally *t, int64_t by)
{
    if (s->wrapped_count == s->wrapped_capacity) {
        size_t size = s->wrapped_capacity * sizeof *s->wrapped;
        wrapped *more = weir_realloc(s->wrapped, size, 2 * size + sizeof *more);
        if (!more) {
            s->failed = WEIR_NO_MEMORY;
            return;
        }
        s->wrapped = more;
        s->wrapped_capacity = (2 * size + sizeof *more) / sizeof *more;
        weir_account_add(s->account, (int64_t)(size + sizeof *more));
    }
    s->wrapped[s->wrapped_count++] = (wrapped){ t, by };
}

static int compare_wrapped(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t)((const wrapped *)a)->tally;
    uintptr_t y = (uintptr_t)((const wrapped *)b)->tally;
    return (x > y) - (x < y);
}

/* The epoch is complete: what left 64 bits on its way must have come back. */
static void unwrap(state *s)
{
    if (s->wrapped_count > 1)
        qsort(s->wrapped, s->wrapped_count, sizeof *s->wrapped, compare_wrapped);
    for (size_t i = 0; i < s->wrapped_count && !s->failed;) {
        tally *t = s->wrapped[i].tally;
        int64_t by = 0;
        for (; i < s->wrapped_count && s->wrapped[i].tally == t; i++)
            by += s->wrapped[i].by;
        if (by != 0 || t->count == INT64_MIN) {
            s->failed = WEIR_OVERFLOWED;
            s->overflowed = t;
        }
    }
    s->wrapped_count = 0;
}

static void add_ones(state *s, void **values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        tally *t = values[i];
        touch(s, t);
        if (WEIR_UNLIKELY(t->count == INT64_MAX))
            wrap(s, t, 1);
        t->count = (int64_t)((uint64_t)t->count + 1);
    }
}

static void add_diffs(state *s, void **values, const int64_t *diffs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        tally *t = values[i];
        touch(s, t);
        int64_t sum;
        if (__builtin_add_overflow(t->count, diffs[i], &sum))
            wrap(s, t, diffs[i] > 0 ? 1 : -1);
        else if (sum == INT64_MIN)
            wrap(s, t, 0);
        t->count = sum;
    }
}

static void count(const weir_batch *batch, size_t from, size_t to, void *ctx)
{
    state *s = ctx;
    void *values[GROUP];
    if (!s->open)
        s->fresh = weir_table_fresh(s->table);
    s->open = true;
    for (size_t i = from, n; i < to && !s->failed; i += n) {
        n = to - i < GROUP ? to - i : GROUP;
        const uint64_t *hashes = batch->hashes ? batch->hashes + i : NULL;
        if (!reserve_touched(s, n) ||
            weir_table_insert_many(s->table, weir_batch_record(batch, i), hashes, n, values) < n)
            s->failed = WEIR_NO_MEMORY;
        else if (batch->diffs)
            add_diffs(s, values, batch->diffs + i, n);
        else
            add_ones(s, values, n);
    }
}

/* ---- emitting ---- */

static inline tally *changed_at(const state *s, size_t i)
{
    if (i < s->touched_count)
        return s->touched[i];
    return weir_table_fresh_value(s->table, s->fresh + (uint32_t)(i - s->touched_count));
}

static void copy_fields(const weir_type *from, const char *key, const weir_type *to, char *record)
{
    memset(record, 0, to->size);
    for (uint32_t i = 0; i < from->field_count; i++) {
        const weir_field *a = &from->fields[i], *b = &to->fields[i];
        memcpy(record + b->offset, key + a->offset, weir_kind_size(a->kind));
        if (a->optional)
            record[b->set_offset] = key[a->set_offset];
    }
}

/* The key's fields of a result. */
static inline void copy_key(const state *s, const void *key, char *record, weir_builder *out)
{
    const weir_type *from = weir_table_key_type(s->table), *to = s->what->out;
    if (WEIR_UNLIKELY(!s->same_layout))
        copy_fields(from, key, to, record);
    else if (from->size == sizeof(uint64_t))
        memcpy(record, key, sizeof(uint64_t));
    else if (from->size == sizeof(weir_str))
        memcpy(record, key, sizeof(weir_str));
    else
        memcpy(record, key, from->size);
    if (from->has_strings)
        weir__emit_strings(out, to, record);
}

/* Writes one change of the key at hand, and moves on. Returns whether there was one. */
static bool put(state *s, char *record, int64_t *diff, weir_builder *out)
{
    const weir_type *type = s->what->out;
    tally *t = changed_at(s, s->emitted);
    int64_t before = (int64_t)(t->before ^ SIGN);
    bool is_old = !s->old_is_out && before != 0 && before != t->count;
    bool is_new = !is_old && t->count != 0 && before != t->count;
    if (is_old || is_new) {
        const int64_t *count = is_old ? &before : &t->count;
        copy_key(s, weir_table_key(s->table, t), record, out);
        memcpy(record + type->fields[type->field_count - 1].offset, count, sizeof *count);
        *diff = is_old ? -1 : 1;
    }
    s->old_is_out = is_old && t->count != 0;
    if (!s->old_is_out) {
        t->before = 0;
        s->emitted++;
        if (t->count == 0)
            weir_table_remove(s->table, t);
    }
    return is_old || is_new;
}

/* Both changes of a count of keys of 8 bytes. */
static inline void put_words(const char *key, const int64_t *counts, char *record)
{
    for (int i = 0; i < 2; i++, record += sizeof(uint64_t) + sizeof *counts) {
        memcpy(record, key, sizeof(uint64_t));
        memcpy(record + sizeof(uint64_t), &counts[i], sizeof *counts);
    }
}

/* Likewise of strings. */
static inline void put_strings(const char *key, const int64_t *counts, char *record,
                               weir_builder *out)
{
    weir_str string;
    memcpy(&string, key, sizeof string);
    if (WEIR_UNLIKELY(!weir_str_is_inline(&string)))
        string = weir_builder_str(out, string.u.ptr, string.len);
    for (int i = 0; i < 2; i++, record += sizeof string + sizeof *counts) {
        memcpy(record, &string, sizeof string);
        memcpy(record + sizeof string, &counts[i], sizeof *counts);
    }
}

/* The usual case, a count that was there and is there: both changes at once. */
static inline void put_both(state *s, tally *t, char *record, int64_t *diffs, weir_builder *out)
{
    const weir_type *type = s->what->out;
    const char *key = weir_table_key(s->table, t);
    int64_t counts[2] = { (int64_t)(t->before ^ SIGN), t->count };
    if (s->one_word) {
        put_words(key, counts, record);
    } else if (s->one_str) {
        put_strings(key, counts, record, out);
    } else {
        uint32_t count_at = type->fields[type->field_count - 1].offset;
        copy_key(s, key, record, out);
        memcpy(record + type->size, record, type->size);
        memcpy(record + count_at, &counts[0], sizeof counts[0]);
        memcpy(record + type->size + count_at, &counts[1], sizeof counts[1]);
    }
    diffs[0] = -1;
    diffs[1] = 1;
    t->before = 0;
    s->emitted++;
}

static inline bool is_usual(const state *s, const tally *t)
{
    int64_t before = (int64_t)(t->before ^ SIGN);
    return (before != 0) & (t->count != 0) & (before != t->count) & !s->old_is_out;
}

/* While much is loaded: a key that was not there. */
static inline bool is_new(const state *s, const tally *t)
{
    return (t->before == SIGN) & (t->count != 0) & !s->old_is_out;
}

static inline void put_new(state *s, tally *t, char *record, int64_t *diff, weir_builder *out)
{
    const weir_type *type = s->what->out;
    copy_key(s, weir_table_key(s->table, t), record, out);
    memcpy(record + type->fields[type->field_count - 1].offset, &t->count, sizeof t->count);
    *diff = 1;
    t->before = 0;
    s->emitted++;
}

/* False: the step's work is used up. */
static bool emit(weir_step *step, state *s)
{
    weir_time time = weir_time_1(weir__stash_epoch(&s->stash));
    weir_builder *out = weir_step_output(step, 0, &time);
    size_t size = s->what->out->size;
    while (s->emitted < s->changed_count) {
        void *records;
        int64_t *diffs;
        size_t want = 2 * (s->changed_count - s->emitted), n = 0;
        size_t room = weir_builder_bulk(out, want, &records, &diffs);
        while (s->emitted < s->changed_count && n < room) {
            tally *t = changed_at(s, s->emitted);
            char *record = (char *)records + n * size;
            if (s->emitted + AHEAD < s->touched_count)
                __builtin_prefetch(s->touched[s->emitted + AHEAD]);
            if (WEIR_LIKELY(n + 1 < room && is_usual(s, t))) {
                put_both(s, t, record, diffs + n, out);
                n += 2;
            } else if (is_new(s, t)) {
                put_new(s, t, record, diffs + n++, out);
            } else {
                n += put(s, record, diffs + n, out);
            }
        }
        weir_builder_commit(out, n);
        if (s->emitted < s->changed_count && weir_step_spent(step))
            return false;
    }
    s->touched_count = s->changed_count = s->emitted = 0;
    s->open = false;
    return true;
}

static void fail(weir_step *step, const state *s)
{
    if (s->failed == WEIR_NO_MEMORY) {
        weir_step_fail(step, WEIR_NO_MEMORY, "no memory for more than %zu keys",
                       weir_table_count(s->table));
        return;
    }
    char key[256];
    weir_record_text(weir_table_key_type(s->table), weir_table_key(s->table, s->overflowed), key,
                     sizeof key);
    weir_step_fail(step, WEIR_OVERFLOWED, "the count of %s leaves the range of 64 bits", key);
}

static void run(weir_step *step, void *ctx)
{
    state *s = ctx;
    while (!s->failed) {
        if (s->emitting && !emit(step, s)) {
            weir_step_again(step);
            return;
        }
        if (s->emitting)
            weir__stash_done(&s->stash, step);
        s->emitting = false;
        if (!weir__stash_feed(&s->stash, step, count, s))
            break;
        s->emitting = weir__stash_complete(&s->stash, step, count, s);
        if (!s->emitting)
            break;
        s->changed_count = s->touched_count;
        if (s->open && s->fresh)
            s->changed_count += weir_table_fresh(s->table) - s->fresh;
        unwrap(s);
    }
    if (s->failed)
        fail(step, s);
}

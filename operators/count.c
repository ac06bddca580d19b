/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/count.h. A table has the count of each key, and of those that the open epoch
 * touched also the count before; nothing of the history is kept, but for scopes.
 *
 * It is a tally (tally.h) by itself, since most programs count, and most keys are counted: a value
 * has 8 bytes here (counted.h), 32 there, and results are written without a call for each key.
 * Other aggregates belong there.
 */
#include <weir/operators/count.h>

#include <weir/node.h>
#include <weir/operators/reduce.h>
#include <weir/table.h>

#include "counted.h"
#include "fields.h"
#include "owned.h"
#include "stash.h"
#include "tally.h"

/* Where most of the last RECENT keys were new and the table has MANY, or where it and the epochs
 * are LARGE, records wait in it to be counted together with others whose keys lie near: until there
 * are half as many as it has keys. Not in epochs of FEW: their keys lie far apart, and what waits
 * is looked for when others wait for the epoch's end, not before. */
enum {
    GROUP = 512,
    AHEAD = 48,
    RECENT = 16 << 10,
    MANY = 64 << 10,
    LARGE_TABLE = 512 << 10,
    LARGE_EPOCH = 64 << 10,
    FEW = 4 << 10,
    STEP_KEYS = 64 << 10,
    HELD_BYTES = 32 << 10 /* of a few records, and a block of their strings */
};

/* What the graph knows; shared by the workers. */
typedef struct description {
    const weir_type *in, *out;
    weir_key key;
    const weir__fields *fields; /* those of the key, in a scope */
} description;

/* What is done of an epoch: its records are counted; when it is complete, those that wait, and what
 * has changed of some keys is emitted in between; then of all others. */
typedef enum phase { COUNTING, COUNTING_REST, EMITTING_NEAR, EMITTING_ALL } phase;

typedef struct state {
    const description *what;
    weir_table *table; /* of words (counted.h) */
    weir__key_counts counts;
    weir__stash stash;
    uint32_t fresh; /* where those begin that are new in the open epoch (weir_table_fresh) */
    size_t changed_count, emitted; /* of the changes, up to which are emitted, and are out */
    size_t kept;                   /* of the changes, which are emitted when all are counted */
    size_t came, came_before;      /* records, in the open epoch and in the one before */
    weir_batch *held;              /* the epoch's first records, if they are few: not counted yet */
    size_t held_from, held_to;
    size_t recent, had; /* since it had so many keys, so many records were counted */
    bool loading;       /* most of the last ones brought a new key */
    phase phase;        /* of the end of an epoch */
    bool open, complete, old_is_out, same_layout;
    bool one_str;        /* and a result is one string, and the count */
    uint32_t word_bytes; /* if not 0: a result is a key of 4 or 8 bytes, in 8, and the count */
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

/* Whether a result is a key as the table has it, in `size` bytes, then the count, and nothing
 * else. */
static bool has_layout_of(const weir_type *key, uint32_t size, const weir_type *out)
{
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
    *s = (state){ .what = what, .counts.account = weir_step_account(step) };
    weir_table_options options = { .struct_size = sizeof options,
                                   .type = what->in,
                                   .key = what->key,
                                   .value_size = sizeof(uint64_t),
                                   .hash_seed = weir_step_hash_seed(step),
                                   .parts = weir_step_workers(step),
                                   .account = s->counts.account };
    weir_status status = weir_table_create(&s->table, &options, error);
    if (status != WEIR_OK) {
        weir_free(s, sizeof *s);
        return status;
    }
    weir__stash_init(&s->stash, true, s->counts.account);
    const weir_type *key = weir_table_key_type(s->table);
    s->same_layout = has_layout_of(key, key->size, what->out);
    if ((key->size == sizeof(uint32_t) || key->size == sizeof(uint64_t)) && !key->has_strings &&
        has_layout_of(key, sizeof(uint64_t), what->out))
        s->word_bytes = key->size;
    s->one_str = s->same_layout && key->field_count == 1 && key->has_strings &&
                 !key->fields[0].optional;
    *result = s;
    return WEIR_OK;
}

static void release_held(state *s)
{
    weir_account_add(s->counts.account, -(int64_t)s->held->bytes);
    weir_batch_release(s->held);
    s->held = NULL;
}

static void fini(void *ctx)
{
    state *s = ctx;
    if (s->held)
        release_held(s);
    weir_table_destroy(s->table);
    weir__stash_fini(&s->stash);
    weir__key_counts_fini(&s->counts);
    weir_free(s, sizeof *s);
}

/* ---- counting ---- */

static void add_ones(weir__key_counts *counts, void **words, size_t n)
{
    size_t noted = counts->change_count;
    for (size_t i = 0; i < n; i++)
        noted = weir__key_counts_add(counts, noted, words[i], 1);
    counts->change_count = noted;
}

static void add_diffs(weir__key_counts *counts, void **words, const int64_t *diffs, size_t n)
{
    size_t noted = counts->change_count;
    for (size_t i = 0; i < n; i++)
        noted = weir__key_counts_add(counts, noted, words[i], diffs[i]);
    counts->change_count = noted;
}

/* So many more are counted. */
static void note_recent(state *s, size_t n)
{
    s->recent += n;
    if (s->recent < RECENT)
        return;
    size_t has = weir_table_count(s->table);
    s->loading = has >= MANY && has - s->had >= s->recent - s->recent / 8;
    s->had = has;
    s->recent = 0;
}

/* Counts some of those that wait in the table. */
static void count_noted(state *s)
{
    void *words[WEIR_TABLE_NOTED];
    size_t n = 0;
    if (weir__key_counts_reserve(&s->counts, WEIR_TABLE_NOTED + 1))
        n = weir_table_insert_noted(s->table, words);
    if (n == 0)
        s->counts.failed = WEIR_NO_MEMORY;
    add_ones(&s->counts, words, n);
    note_recent(s, n);
}

/* Whether this epoch or the one before has so many records. */
static bool has_come(const state *s, size_t many)
{
    return s->came >= many || s->came_before >= many;
}

static bool is_large(const state *s)
{
    return weir_table_count(s->table) >= LARGE_TABLE && has_come(s, LARGE_EPOCH);
}

/* Whether records may wait: nearly all are one of their key. */
static bool may_wait(const state *s, const weir_batch *batch, size_t from, size_t to)
{
    size_t others = 0;
    if (!(s->loading && has_come(s, FEW)) && !is_large(s))
        return false;
    for (size_t i = from; batch->diffs && i < to; i++)
        others += batch->diffs[i] != 1;
    return others <= (to - from) / 16;
}

/* How many of the records from the first on are one each; or, if that is false, are not. */
static size_t alike(const weir_batch *batch, size_t from, size_t to, bool one)
{
    size_t i = from;
    if (!batch->diffs)
        return one ? to - from : 0;
    while (i < to && (batch->diffs[i] == 1) == one)
        i++;
    return i - from;
}

/* Returns how many of the records wait now. */
static size_t note(state *s, const weir_batch *batch, size_t from, size_t n)
{
    const uint64_t *hashes = batch->hashes ? batch->hashes + from : NULL;
    size_t noted = weir_table_note(s->table, weir_batch_record(batch, from), hashes, n);
    while (weir_table_noted(s->table) > weir_table_count(s->table) / 2 && !s->counts.failed)
        count_noted(s);
    return noted;
}

static void count_now(state *s, const weir_batch *batch, size_t from, size_t to)
{
    weir__key_counts *counts = &s->counts;
    void *words[GROUP];
    for (size_t i = from, n; i < to && !counts->failed; i += n) {
        n = to - i < GROUP ? to - i : GROUP;
        const uint64_t *hashes = batch->hashes ? batch->hashes + i : NULL;
        if (!weir__key_counts_reserve(counts, n + 1) ||
            weir_table_insert_many(s->table, weir_batch_record(batch, i), hashes, n, words) < n)
            counts->failed = WEIR_NO_MEMORY;
        else if (batch->diffs)
            add_diffs(counts, words, batch->diffs + i, n);
        else
            add_ones(counts, words, n);
        note_recent(s, n);
    }
}

/* A few records that come alone are counted when their epoch is complete, or others come: until
 * then memory brings what it is asked for here, and nobody waits for it. */
static bool hold(state *s, const weir_batch *batch, size_t from, size_t to)
{
    if (s->held || s->came > WEIR_TABLE_ASKED || batch->bytes > HELD_BYTES)
        return false;
    const uint64_t *hashes = batch->hashes ? batch->hashes + from : NULL;
    s->held = weir_batch_retain(batch);
    weir_account_add(s->counts.account, (int64_t)batch->bytes);
    s->held_from = from;
    s->held_to = to;
    weir_table_ask(s->table, weir_batch_record(batch, from), hashes, to - from);
    return true;
}

static void count_held(state *s)
{
    if (!s->held)
        return;
    count_now(s, s->held, s->held_from, s->held_to);
    release_held(s);
}

/* Up to where it came: not to the end if keys cannot be noted. */
static size_t count_later(state *s, const weir_batch *batch, size_t from, size_t to)
{
    while (from < to) {
        size_t ones = alike(batch, from, to, true), noted = note(s, batch, from, ones);
        from += noted;
        if (noted < ones)
            return from;
        size_t others = alike(batch, from, to, false);
        count_now(s, batch, from, from + others);
        from += others;
    }
    return from;
}

static void begin_epoch(state *s)
{
    s->open = true;
    s->fresh = weir_table_fresh(s->table);
    s->counts.fresh = s->fresh > 0;
    s->came_before = s->came;
    s->came = 0;
}

static void count(const weir_batch *batch, size_t from, size_t to, void *ctx)
{
    state *s = ctx;
    if (!s->open)
        begin_epoch(s);
    s->came += to - from;
    if (hold(s, batch, from, to))
        return;
    count_held(s);
    if (may_wait(s, batch, from, to))
        from = count_later(s, batch, from, to);
    count_now(s, batch, from, to);
}

/* Nothing else is to be done: little will be left when the epoch is complete. */
static void count_when_idle(weir_step *step, state *s)
{
    if (weir_step_is_idle(step) && weir_table_noted(s->table) > 0)
        count_noted(s);
    if (weir_table_noted(s->table) > 0)
        weir_step_when_idle(step);
}

/* ---- emitting ---- */

/* A change as it is told of. */
typedef struct change {
    uint64_t *at; /* NULL: of a new one that is noted, too */
    int64_t before, count;
} change;

static inline change change_at(const state *s, size_t i)
{
    const weir__key_counts *counts = &s->counts;
    if (i < counts->change_count) {
        weir__count_change noted = counts->changes[i];
        return (change){ noted.at, noted.before, weir__key_counts_of(counts, *noted.at) };
    }
    uint32_t entry = s->fresh + (uint32_t)(i - counts->change_count);
    uint64_t *at = weir_table_fresh_value(s->table, entry);
    bool is_new = weir__counted_state(*at) == WEIR__COUNTED_NEW;
    return (change){ is_new ? at : NULL, 0, is_new ? weir__counted_count(*at) : 0 };
}

/* It is out. */
static inline void end_change(state *s, const change *c)
{
    s->emitted++;
    s->old_is_out = false;
    if (c->at && weir__key_counts_settle(&s->counts, c->at) == 0)
        weir_table_remove(s->table, c->at);
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

/* A key of word_bytes, as it is in a result: zeros follow those of 4 bytes. */
static inline uint64_t key_word(const state *s, const void *key)
{
    uint64_t word = 0;
    if (s->word_bytes == sizeof word)
        memcpy(&word, key, sizeof word);
    else
        memcpy(&word, key, sizeof(uint32_t));
    return word;
}

static inline void put_word(uint64_t key, int64_t count, char *record)
{
    memcpy(record, &key, sizeof key);
    memcpy(record + sizeof key, &count, sizeof count);
}

/* The key's fields of a result. */
static inline void copy_key(const state *s, const void *key, char *record, weir_builder *out)
{
    const weir_type *from = weir_table_key_type(s->table), *to = s->what->out;
    if (WEIR_UNLIKELY(!s->same_layout))
        copy_fields(from, key, to, record);
    else if (from->size == sizeof(weir_str))
        memcpy(record, key, sizeof(weir_str));
    else
        memcpy(record, key, from->size);
    if (from->has_strings)
        weir__emit_strings(out, to, record);
}

static inline void put_one(const state *s, const change *c, int64_t count, char *record,
                           weir_builder *out)
{
    const weir_type *type = s->what->out;
    const void *key = weir_table_key(s->table, c->at);
    if (s->word_bytes > 0) {
        put_word(key_word(s, key), count, record);
        return;
    }
    copy_key(s, key, record, out);
    memcpy(record + type->fields[type->field_count - 1].offset, &count, sizeof count);
}

/* Writes one record of the change at hand, and moves on. Returns whether there was one. */
static bool put(state *s, const change *c, char *record, int64_t *diff, weir_builder *out)
{
    bool is_old = !s->old_is_out && c->before != 0 && c->before != c->count;
    bool is_new = !is_old && c->count != 0 && c->before != c->count;
    if (is_old || is_new) {
        put_one(s, c, is_old ? c->before : c->count, record, out);
        *diff = is_old ? -1 : 1;
    }
    if (is_old && c->count != 0)
        s->old_is_out = true;
    else
        end_change(s, c);
    return is_old || is_new;
}

/* Both changes of a count of keys that are one string. */
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

/* The usual case, a count that was there and is there: both records at once. */
static inline void put_both(state *s, const change *c, char *record, int64_t *diffs,
                            weir_builder *out)
{
    const weir_type *type = s->what->out;
    const char *key = weir_table_key(s->table, c->at);
    int64_t counts[2] = { c->before, c->count };
    if (s->word_bytes > 0) {
        uint64_t word = key_word(s, key);
        put_word(word, counts[0], record);
        put_word(word, counts[1], record + sizeof word + sizeof counts[0]);
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
    end_change(s, c);
}

static inline bool is_usual(const state *s, const change *c)
{
    return (c->before != 0) & (c->count != 0) & (c->before != c->count) & !s->old_is_out;
}

/* While much is loaded: a key that was not there. */
static inline bool is_new(const change *c)
{
    return (c->before == 0) & (c->count != 0);
}

/* A key that has gone is removed, and this told, when all are counted: new ones follow one another
 * until then (fresh). */
static inline void keep_change(state *s)
{
    s->counts.changes[s->kept++] = s->counts.changes[s->emitted++];
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
            change c = change_at(s, s->emitted);
            char *record = (char *)records + n * size;
            if (s->emitted + AHEAD < s->counts.change_count)
                __builtin_prefetch(s->counts.changes[s->emitted + AHEAD].at, 0, 2);
            if (WEIR_LIKELY(n + 1 < room && is_usual(s, &c))) {
                put_both(s, &c, record, diffs + n, out);
                n += 2;
            } else if (is_new(&c)) {
                put_one(s, &c, c.count, record, out);
                diffs[n++] = 1;
                end_change(s, &c);
            } else if (s->phase == EMITTING_NEAR && c.count == 0) {
                keep_change(s);
            } else {
                n += put(s, &c, record, diffs + n, out);
            }
        }
        weir_builder_commit(out, n);
        if (s->emitted < s->changed_count && weir_step_spent(step))
            return false;
    }
    return true;
}

static void fail(weir_step *step, const state *s)
{
    if (s->counts.failed == WEIR_NO_MEMORY) {
        weir_step_fail(step, WEIR_NO_MEMORY, "no memory for more than %zu keys",
                       weir_table_count(s->table));
        return;
    }
    char key[256];
    weir_record_text(weir_table_key_type(s->table), weir_table_key(s->table, s->counts.at_fault),
                     key, sizeof key);
    weir_step_fail(step, WEIR_OVERFLOWED, "the count of %s leaves the range of 64 bits", key);
}

/* Changes from here on are emitted. */
static void begin_emitting(state *s, phase next, size_t from)
{
    s->phase = next;
    s->emitted = from;
    s->changed_count = s->counts.change_count;
}

/* The epoch is complete: what waits is counted. What has changed of keys that lie near each other
 * is emitted once none of them waits, while they are at hand. False: the step's work is used up. */
static bool count_rest(weir_step *step, state *s)
{
    if (s->phase == COUNTING) {
        count_held(s);
        s->phase = COUNTING_REST;
        s->kept = s->counts.change_count;
    }
    size_t n = 0;
    for (; s->phase == EMITTING_NEAR || weir_table_noted(s->table) > 0; n += WEIR_TABLE_NOTED) {
        if (s->phase == COUNTING_REST) {
            if (n >= STEP_KEYS || weir_step_spent(step))
                return false;
            count_noted(s);
            if (s->counts.failed)
                return true;
            if (!weir_table_noted_ends(s->table) || s->counts.wrapped_count > 0)
                continue; /* what left 64 bits may come back to them */
            begin_emitting(s, EMITTING_NEAR, s->kept);
        }
        if (!emit(step, s))
            return false;
        s->counts.change_count = s->kept;
        s->phase = COUNTING_REST;
    }
    return true;
}

/* All of the epoch is counted. */
static void begin_emitting_all(state *s)
{
    begin_emitting(s, EMITTING_ALL, 0);
    if (s->open && s->fresh)
        s->changed_count += weir_table_fresh(s->table) - s->fresh;
    weir__key_counts_unwrap(&s->counts);
}

/* False: the step's work is used up. */
static bool finish_epoch(weir_step *step, state *s)
{
    if (s->phase != EMITTING_ALL) {
        if (!count_rest(step, s))
            return false;
        begin_emitting_all(s);
    }
    if (s->counts.failed)
        return true;
    if (!emit(step, s))
        return false;
    s->counts.change_count = 0;
    s->phase = COUNTING;
    s->complete = s->open = false;
    weir__stash_done(&s->stash, step);
    return true;
}

static void run(weir_step *step, void *ctx)
{
    state *s = ctx;
    while (!s->counts.failed) {
        if (!s->complete) {
            if (!weir__stash_feed(&s->stash, step, count, s))
                break;
            s->complete = weir__stash_complete(&s->stash, step, count, s);
        }
        if (!s->complete)
            break;
        if (!finish_epoch(step, s)) {
            weir_step_again(step);
            return;
        }
    }
    if (s->counts.failed)
        fail(step, s);
    else
        count_when_idle(step, s);
}

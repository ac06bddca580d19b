/* SPDX-License-Identifier: Apache-2.0
 *
 * See tally.h.
 */
#include "tally.h"

#include <string.h>

#include "few.h"
#include "owned.h"
#include "stash.h"

enum { GROUP = 512, AHEAD = 16, VALUES_OF_A_STEP = 64 << 10 };

typedef struct state {
    const weir__tally_spec *spec;
    weir_table *table;
    weir__few few;
    weir__stash stash;
    weir__tally **touched; /* by the open epoch */
    size_t touched_count, touched_capacity, emitted;
    bool emitting;
    weir__tally_changes changes; /* of the value at hand */
    int made, out;               /* how many; how many of them are out */
    weir__tally_error error;
    weir__tally *at_fault;
    weir_account *account;
} state;

/* ---- building ---- */

bool weir__result_fits(const weir_type *in, const weir_key *key, const weir_type *out,
                       uint32_t more)
{
    if (out->field_count != key->count + more)
        return false;
    for (uint32_t i = 0; i < key->count; i++) {
        const weir_field *a = &in->fields[key->field[i]], *b = &out->fields[i];
        if (a->kind != b->kind || a->optional != b->optional || a->scale != b->scale)
            return false;
    }
    return true;
}

bool weir__tally_check(weir_port *in, const weir_key *key, const char *kind)
{
    const weir_type *type = weir_port_type(in);
    bool valid = key->count > 0 && key->count <= WEIR_KEY_FIELDS_MAX;
    for (uint32_t i = 0; valid && i < key->count; i++)
        valid = key->field[i] < type->field_count;
    if (!valid)
        weir_graph_fail(weir_port_graph(in), WEIR_TYPE_MISMATCH, kind,
                        "name 1 to 8 fields of the record",
                        "the key is none of the stream's records '%s'", type->name);
    return valid;
}

static weir_status init(weir_step *step, void *ctx, void **result, weir_error *error);
static void run(weir_step *step, void *s);
static void fini(void *s);

weir_port *weir__tally_add(weir_port *in, const weir__tally_spec *given)
{
    if (weir_port_depth(in) > 1)
        return weir__tally_in_scope(in, given);
    weir_graph *graph = weir_port_graph(in);
    weir__tally_spec *spec = weir_graph_alloc(graph, sizeof *spec);
    *spec = *given;
    weir_node_input input = { .type = spec->in,
                              .interest = WEIR_IF_HOLDING,
                              .route = WEIR_BY_KEY,
                              .key = spec->key,
                              .takes_diffs = true,
                              .combines = spec->combines };
    weir_node_output output = { .type = spec->out, .collection = true };
    for (uint32_t i = 0; spec->unique && i < spec->key.count; i++)
        output.unique_key.field[output.unique_key.count++] = (uint16_t)i;
    weir_node_spec node = { .struct_size = sizeof node,
                            .kind = spec->kind,
                            .input_count = 1,
                            .output_count = 1,
                            .inputs = &input,
                            .outputs = &output,
                            .deterministic = !spec->by_arrival,
                            .state_kind = WEIR_STATE_KEYED,
                            .ctx = spec,
                            .init = init,
                            .step = run,
                            .fini = fini };
    return weir_node_output_port(weir_node_add(graph, &node, &in), 0);
}

/* ---- state ---- */

static weir_status init(weir_step *step, void *ctx, void **result, weir_error *error)
{
    const weir__tally_spec *spec = ctx;
    state *s = weir_alloc_must(sizeof *s);
    *s = (state){ .spec = spec, .account = weir_step_account(step) };
    weir_table_options options = { .struct_size = sizeof options,
                                   .type = spec->in,
                                   .key = spec->key,
                                   .value_size = (spec->value_size + 15) / 16 * 16,
                                   .hash_seed = weir_step_hash_seed(step),
                                   .parts = weir_step_workers(step),
                                   .account = s->account };
    weir_status status = weir_table_create(&s->table, &options, error);
    if (status != WEIR_OK) {
        weir_free(s, sizeof *s);
        return status;
    }
    weir__few_init(&s->few, s->table, spec->in, &spec->key, options.hash_seed);
    weir__stash_init(&s->stash, true, s->account);
    for (int i = 0; i < 2; i++)
        s->changes.records[i] = weir_alloc_must(spec->out->size);
    s->changes.key_type = weir_table_key_type(s->table);
    *result = s;
    return WEIR_OK;
}

static void charge(state *s, int64_t bytes)
{
    if (bytes)
        weir_account_add(s->account, bytes);
}

static void end_value(state *s, weir__tally *value)
{
    if (!s->spec->bytes)
        return;
    charge(s, -(int64_t)s->spec->bytes(value));
    s->spec->fini(value);
}

static void fini(void *ctx)
{
    state *s = ctx;
    weir_table_walk walk = weir_table_walk_range(s->table, 0, UINT64_MAX);
    for (weir__tally *value; s->spec->bytes && (value = weir_table_walk_next(&walk));)
        end_value(s, value);
    weir__few_fini(&s->few);
    weir_table_destroy(s->table);
    weir__stash_fini(&s->stash);
    weir_free(s->touched, s->touched_capacity * sizeof *s->touched);
    for (int i = 0; i < 2; i++)
        weir_free(s->changes.records[i], s->spec->out->size);
    weir_free(s, sizeof *s);
}

/* ---- adding ---- */

static void fail_with(state *s, weir__tally *value, const weir__tally_error *error)
{
    s->error = *error;
    s->at_fault = value;
}

static bool reserve_touched(state *s, size_t more)
{
    if (s->touched_capacity - s->touched_count >= more)
        return true;
    size_t capacity = 2 * s->touched_capacity + GROUP;
    weir__tally **touched =
        weir_realloc(s->touched, s->touched_capacity * sizeof *touched, capacity * sizeof *touched);
    if (!touched)
        return false;
    charge(s, (int64_t)((capacity - s->touched_capacity) * sizeof *touched));
    s->touched = touched;
    s->touched_capacity = capacity;
    return true;
}

static inline void add_one(state *s, const weir__tally_spec *spec, weir__tally *value,
                           const void *record, int64_t diff)
{
    s->touched[s->touched_count] = value;
    s->touched_count += !value->touched;
    value->touched = true;
    weir__tally_count(value, diff);
    if (WEIR_UNLIKELY(!spec->add(value, record, diff, spec->ctx, &s->changes.error)))
        fail_with(s, value, &s->changes.error);
}

static void add_many(state *s, void *const *values, const weir_batch *batch, size_t from, size_t n)
{
    const weir__tally_spec *spec = s->spec;
    s->changes.error = (weir__tally_error){ .status = WEIR_OVERFLOWED };
    bool grows = spec->bytes && !spec->flat;
    for (size_t k = 0; k < n && !s->error.status; k++) {
        size_t before = grows ? spec->bytes(values[k]) : 0;
        add_one(s, spec, values[k], weir_batch_record(batch, from + k),
                weir_batch_diff(batch, from + k));
        if (grows)
            charge(s, (int64_t)spec->bytes(values[k]) - (int64_t)before);
    }
}

static void add(const weir_batch *batch, size_t from, size_t to, void *ctx)
{
    static const weir__tally_error no_memory = { WEIR_NO_MEMORY, "", "" };
    state *s = ctx;
    void *values[GROUP];
    for (size_t i = from, n; i < to && !s->error.status; i += n) {
        n = to - i < GROUP ? to - i : GROUP;
        const uint64_t *hashes = batch->hashes ? batch->hashes + i : NULL;
        if (!reserve_touched(s, n) ||
            weir__few_insert(&s->few, weir_batch_record(batch, i), hashes, n, values) < n)
            fail_with(s, NULL, &no_memory);
        add_many(s, values, batch, i, n);
    }
}

/* ---- emitting ---- */

static void fill_key(const state *s, const char *key, char *record)
{
    const weir_type *from = weir_table_key_type(s->table), *to = s->spec->out;
    for (uint32_t i = 0; i < from->field_count; i++) {
        const weir_field *a = &from->fields[i], *b = &to->fields[i];
        memcpy(record + b->offset, key + a->offset, weir_kind_size(a->kind));
        if (a->optional)
            record[b->set_offset] = key[a->set_offset];
    }
}

/* Asks the next value for its changes. */
static void ask(state *s)
{
    const weir__tally_spec *spec = s->spec;
    weir__tally *value = s->touched[s->emitted];
    size_t before = spec->bytes ? spec->bytes(value) : 0;
    if (s->emitted + AHEAD < s->touched_count)
        __builtin_prefetch(s->touched[s->emitted + AHEAD]);
    s->changes.key = weir_table_key(s->table, value);
    s->changes.error = (weir__tally_error){ .status = WEIR_OVERFLOWED };
    for (int i = 0; i < 2; i++) {
        memset(s->changes.records[i], 0, spec->out->size);
        if (spec->fills_key)
            fill_key(s, s->changes.key, s->changes.records[i]);
    }
    s->out = 0;
    s->made = -1;
    if (WEIR_LIKELY(weir__tally_fits(value)))
        s->made = spec->put(value, &s->changes, spec->ctx);
    else
        s->changes.error = (weir__tally_error){ WEIR_OVERFLOWED, "the number of records of",
                                                "leaves the range of 64 bits" };
    if (spec->bytes)
        charge(s, (int64_t)spec->bytes(value) - (int64_t)before);
    if (s->made < 0) {
        s->made = 0;
        fail_with(s, value, &s->changes.error);
    }
}

static void next_value(state *s)
{
    weir__tally *value = s->touched[s->emitted++];
    value->touched = false;
    s->made = -1;
    if (value->records == 0 && (!s->spec->is_blank || s->spec->is_blank(value))) {
        end_value(s, value);
        weir__few_forget(&s->few, value);
        weir_table_remove(s->table, value);
    }
}

/* False: the step's work is used up, or something failed. */
static bool emit(weir_step *step, state *s)
{
    const weir_type *type = s->spec->out;
    weir_time time = weir_time_1(weir__stash_epoch(&s->stash));
    weir_builder *out = weir_step_output(step, 0, &time);
    size_t end = s->touched_count - s->emitted < VALUES_OF_A_STEP ? s->touched_count
                                                                  : s->emitted + VALUES_OF_A_STEP;
    while (s->emitted < end && !s->error.status) {
        void *records;
        int64_t *diffs;
        size_t want = 2 * (end - s->emitted), n = 0;
        size_t room = weir_builder_bulk(out, want, &records, &diffs);
        while (s->emitted < end && n < room && !s->error.status) {
            if (s->made < 0)
                ask(s);
            for (; s->out < s->made && n < room; s->out++, n++) {
                char *record = (char *)records + n * type->size;
                memcpy(record, s->changes.records[s->out], type->size);
                weir__emit_strings(out, type, record);
                diffs[n] = s->changes.diffs[s->out];
            }
            if (s->out == s->made && !s->error.status)
                next_value(s);
        }
        weir_builder_commit(out, n);
        if (s->emitted < end && weir_step_spent(step))
            return false;
    }
    if (s->emitted < s->touched_count || s->error.status)
        return false;
    s->touched_count = s->emitted = 0;
    return true;
}

static void fail(weir_step *step, const state *s)
{
    if (s->error.status == WEIR_NO_MEMORY) {
        weir_step_fail(step, WEIR_NO_MEMORY, "no memory for more than %zu keys",
                       weir_table_count(s->table));
        return;
    }
    char key[256];
    weir_record_text(weir_table_key_type(s->table), weir_table_key(s->table, s->at_fault), key,
                     sizeof key);
    weir_step_fail(step, s->error.status, "%s %s %s", s->error.before, key, s->error.after);
}

static void run(weir_step *step, void *ctx)
{
    state *s = ctx;
    while (!s->error.status) {
        if (s->emitting && !emit(step, s))
            break;
        if (s->emitting)
            weir__stash_done(&s->stash, step);
        s->emitting = false;
        if (!weir__stash_feed(&s->stash, step, add, s))
            break;
        s->emitting = weir__stash_complete(&s->stash, step, add, s);
        s->made = -1;
        if (!s->emitting)
            break;
    }
    if (s->error.status)
        fail(step, s);
    else if (s->emitting)
        weir_step_again(step);
}

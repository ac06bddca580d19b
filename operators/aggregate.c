/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/aggregate.h. The states of the earliest epoch are in a table, which is walked
 * and emptied when the epoch is complete.
 */
#include <weir/operators/aggregate.h>

#include <string.h>

#include "keyed.h"
#include "stash.h"

enum { GROUP = 256 };

/* What the graph knows; shared by the workers. */
typedef struct description {
    weir_aggregate_spec spec;
    weir_key key;
} description;

typedef struct state {
    const description *d;
    weir__keyed keyed;
    weir__stash stash;
    weir_table_walk walk;
    bool emitting;
    weir_status failed;
    char *record, *result; /* for close */
} state;

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
    s->record = weir_alloc_must(d->spec.in->size);
    s->result = weir_alloc_must(d->spec.out->size);
    *made = s;
    return WEIR_OK;
}

static void fini(void *ctx)
{
    state *s = ctx;
    weir__keyed_fini(&s->keyed);
    weir__stash_fini(&s->stash);
    weir_free(s->record, s->d->spec.in->size);
    weir_free(s->result, s->d->spec.out->size);
    weir_free(s, sizeof *s);
}

static void fold(const weir_batch *batch, size_t from, size_t to, void *ctx)
{
    state *s = ctx;
    void *values[GROUP];
    for (size_t i = from, n; i < to && !s->failed; i += n) {
        n = to - i < GROUP ? to - i : GROUP;
        const uint64_t *hashes = batch->hashes ? batch->hashes + i : NULL;
        if (weir_table_insert_many(s->keyed.table, weir_batch_record(batch, i), hashes, n,
                                   values) < n) {
            s->failed = WEIR_NO_MEMORY;
            return;
        }
        for (size_t k = 0; k < n; k++) {
            weir__entry *entry = values[k];
            s->d->spec.fold(weir_batch_record(batch, i + k), entry->state);
            weir__keyed_settle(&s->keyed, entry);
        }
    }
}

/* A record of the input's type with the key's fields. */
static void unfold_key(state *s, const weir__entry *entry)
{
    const weir_type *from = weir_table_key_type(s->keyed.table), *to = s->d->spec.in;
    const char *key = weir_table_key(s->keyed.table, entry);
    memset(s->record, 0, to->size);
    for (uint32_t i = 0; i < from->field_count; i++) {
        const weir_field *a = &from->fields[i], *b = &to->fields[s->d->key.field[i]];
        memcpy(s->record + b->offset, key + a->offset, weir_kind_size(a->kind));
        if (a->optional)
            s->record[b->set_offset] = key[a->set_offset];
    }
}

/* False: the step's work is used up. */
static bool emit(weir_step *step, state *s)
{
    weir_time time = weir_time_1(weir__stash_epoch(&s->stash));
    weir_builder *out = weir_step_output(step, 0, &time);
    for (weir__entry *entry; (entry = weir_table_walk_next(&s->walk));) {
        unfold_key(s, entry);
        s->d->spec.close(s->record, entry->state, s->result);
        weir__emit_owned(out, s->result);
        if (weir_step_spent(step))
            return false;
    }
    weir__keyed_clear(&s->keyed);
    return true;
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
        if (!weir__stash_feed(&s->stash, step, fold, s) ||
            !weir__stash_complete(&s->stash, step, fold, s))
            break;
        s->emitting = true;
        s->walk = weir_table_walk_range(s->keyed.table, 0, UINT64_MAX);
    }
    if (s->failed)
        weir_step_fail(step, s->failed, "no memory for more than %zu keys",
                       weir_table_count(s->keyed.table));
}

weir_port *weir_aggregate_erased(weir_port *in, const weir_aggregate_spec *given)
{
    weir_aggregate_spec spec = { 0 };
    weir_struct_copy(&spec, sizeof spec, given);
    if (!in)
        return NULL;
    weir_graph *graph = weir_port_graph(in);
    description *d = weir_graph_alloc(graph, sizeof *d);
    d->spec = spec;
    if (!weir__keyed_check(in, spec.in, spec.key, &d->key, spec.kind))
        return NULL;
    weir_node_input input = { .type = spec.in, .route = WEIR_BY_KEY, .key = d->key,
                              .interest = WEIR_IF_HOLDING };
    weir_node_output output = { .type = spec.out };
    weir_node *node = weir_node_add(graph, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = spec.kind, .input_count = 1,
        .output_count = 1, .inputs = &input, .outputs = &output, .deterministic = true,
        .state_kind = WEIR_STATE_KEYED, .ctx = d, .init = init, .step = run, .fini = fini }, &in);
    return weir_node_output_port(node, 0);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/accumulate.h.
 */
#include <weir/operators/accumulate.h>

#include <string.h>

#include "owned.h"
#include "shown.h"
#include "tally.h"

enum { BYTES_MAX = 3500 };

/* A value of the table: behind it the state, then the result that was put out last. */
typedef struct group {
    weir__tally tally;
    weir__owned state;
    weir__shown shown;
} group;

typedef struct description {
    weir_accumulate_spec spec;
    weir_key key;
    size_t state_at, result_at;
} description;

static char *state_of(const description *d, weir__tally *value)
{
    return (char *)value + d->state_at;
}

static char *result_of(const description *d, weir__tally *value)
{
    return (char *)value + d->result_at;
}

static bool add(weir__tally *value, const void *record, int64_t diff, const void *ctx,
                weir__tally_error *error)
{
    const description *d = ctx;
    (void)error;
    d->spec.change(record, diff, state_of(d, value));
    weir__owned_settle(&((group *)(void *)value)->state, d->spec.state, state_of(d, value));
    return true;
}

/* The same where a state has no strings that might have to be copied. */
static bool add_flat(weir__tally *value, const void *record, int64_t diff, const void *ctx,
                     weir__tally_error *error)
{
    const description *d = ctx;
    (void)error;
    d->spec.change(record, diff, state_of(d, value));
    return true;
}

/* A record of the input's type with the key's fields. */
static void unfold_key(const description *d, const weir__tally_changes *changes, char *record)
{
    const weir_type *from = changes->key_type, *to = d->spec.in;
    const char *key = changes->key;
    memset(record, 0, to->size);
    for (uint32_t i = 0; i < from->field_count; i++) {
        const weir_field *a = &from->fields[i], *b = &to->fields[d->key.field[i]];
        memcpy(record + b->offset, key + a->offset, weir_kind_size(a->kind));
        if (a->optional)
            record[b->set_offset] = key[a->set_offset];
    }
}

static int put(weir__tally *value, weir__tally_changes *changes, const void *ctx)
{
    const description *d = ctx;
    const weir_type *type = d->spec.out;
    group *g = (group *)(void *)value;
    _Alignas(16) char key[WEIR_RECORD_SIZE_MAX], now[WEIR_RECORD_SIZE_MAX];
    bool is_there = value->records != 0;
    if (is_there) {
        unfold_key(d, changes, key);
        d->spec.result(key, state_of(d, value), now);
        weir_record_canonicalize(type, now);
    }
    return weir__shown_replace(&g->shown, type, result_of(d, value), is_there ? now : NULL,
                               changes);
}

static size_t bytes_of(const weir__tally *value)
{
    const group *g = (const group *)(const void *)value;
    return g->state.size + weir__shown_bytes(&g->shown);
}

static void end_value(weir__tally *value)
{
    group *g = (group *)(void *)value;
    weir__owned_free(&g->state);
    weir__shown_fini(&g->shown);
}

weir_port *weir_accumulate_erased(weir_port *in, const weir_accumulate_spec *given)
{
    weir_error error;
    if (!in)
        return NULL;
    weir_graph *graph = weir_port_graph(in);
    description *d = weir_graph_alloc(graph, sizeof *d);
    const weir_accumulate_spec *spec = &d->spec;
    weir_struct_copy(&d->spec, sizeof d->spec, given);
    if (!weir_type_same_layout(weir_port_type(in), spec->in)) {
        weir_graph_fail(graph, WEIR_TYPE_MISMATCH, spec->kind, "give it a stream of those records",
                        "the stream carries '%s', the function takes '%s'",
                        weir_port_type(in)->name, spec->in->name);
        return NULL;
    }
    if (weir_key_resolve(spec->in, spec->key, &d->key, &error) != WEIR_OK) {
        weir_graph_fail(graph, error.status, spec->kind, error.hint, "%s", error.what);
        return NULL;
    }
    if (spec->state->size + spec->out->size > BYTES_MAX) {
        weir_graph_fail(graph, WEIR_TOO_LARGE, spec->kind, "keep less of a key, or text as str",
                        "a state '%s' and a result '%s' have over %d bytes", spec->state->name,
                        spec->out->name, BYTES_MAX);
        return NULL;
    }
    if (!weir__tally_check(in, &d->key, spec->kind))
        return NULL;
    bool is_flat = !spec->state->has_strings;
    d->state_at = (sizeof(group) + 15) / 16 * 16;
    d->result_at = d->state_at + (spec->state->size + 15) / 16 * 16;
    return weir__tally_add(in, &(weir__tally_spec){ .kind = spec->kind,
                                                    .in = spec->in,
                                                    .out = spec->out,
                                                    .key = d->key,
                                                    .value_size = d->result_at + spec->out->size,
                                                    .add = is_flat ? add_flat : add,
                                                    .put = put,
                                                    .bytes = bytes_of,
                                                    .fini = end_value,
                                                    .flat = is_flat,
                                                    .ctx = d });
}

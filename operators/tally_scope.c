/* SPDX-License-Identifier: Apache-2.0
 *
 * Tallies in scopes, where times have no one order and a table of values cannot follow them: a
 * reduce makes the value of a key anew from all its records, and asks it once what it gives.
 * Results that do not begin with the key carry it in front of them on their way.
 */
#include <string.h>

#include <weir/operators/reduce.h>

#include "fields.h"
#include "owned.h"
#include "parts.h"
#include "tally.h"

enum { VALUE_BYTES_MAX = 4096 };

enum { KEY, RESULT }; /* parts */

typedef struct description {
    weir__tally_spec spec;
    const weir__fields *key;
    const weir__parts *parts; /* NULL: results begin with the key */
} description;

/* Everything that a group has. */
static weir_status add_all(const description *d, const weir_values *values, weir__tally *value)
{
    weir__tally_error error = { .status = WEIR_OVERFLOWED };
    for (size_t i = 0; i < values->count; i++) {
        weir__tally_count(value, values->counts[i]);
        if (!d->spec.add(value, values->records[i], values->counts[i], d->spec.ctx, &error))
            return error.status;
    }
    return weir__tally_fits(value) ? WEIR_OK : WEIR_OVERFLOWED;
}

static void emit(const description *d, const weir__tally_changes *changes, int i,
                 weir_builder *out)
{
    _Alignas(16) char whole[WEIR_RECORD_SIZE_MAX];
    const void *record = changes->records[i];
    if (d->parts) {
        memset(whole, 0, d->parts->type.size);
        memcpy(weir__part(d->parts, KEY, whole), changes->key, d->key->type.size);
        memcpy(weir__part(d->parts, RESULT, whole), record, d->spec.out->size);
        record = whole;
    }
    weir_builder_set_diff(out, changes->diffs[i]);
    weir__emit_copy(out, record);
}

static weir_status put_all(const description *d, const void *key, weir__tally *value,
                           weir_builder *out)
{
    _Alignas(16) char key_record[WEIR_RECORD_SIZE_MAX], records[2][WEIR_RECORD_SIZE_MAX];
    weir__tally_changes changes = { .key_type = &d->key->type,
                                    .key = memset(key_record, 0, d->key->type.size),
                                    .records = { records[0], records[1] },
                                    .error = { .status = WEIR_OVERFLOWED } };
    weir__fields_copy(d->key, key, key_record);
    for (int i = 0; i < 2; i++) {
        memset(records[i], 0, d->spec.out->size);
        if (d->spec.fills_key)
            weir__fields_move(&d->key->type, key_record, d->spec.out, records[i], d->key->count);
    }
    int made = d->spec.put(value, &changes, d->spec.ctx);
    for (int i = 0; i < made; i++)
        emit(d, &changes, i, out);
    return made < 0 ? changes.error.status : WEIR_OK;
}

static weir_status reduce(const void *key, const weir_values *values, weir_builder *out,
                          const void *ctx)
{
    const description *d = ctx;
    _Alignas(16) char room[VALUE_BYTES_MAX];
    weir__tally *value = memset(room, 0, d->spec.value_size);
    weir_status status = add_all(d, values, value);
    if (status == WEIR_OK)
        status = put_all(d, key, value, out);
    if (d->spec.bytes)
        d->spec.fini(value);
    return status;
}

static void strip(const weir_batch *in, weir_builder *out, void *ctx)
{
    const description *d = ctx;
    for (size_t i = 0; i < in->count; i++) {
        const void *record = weir_batch_record(in, i);
        out->from = i;
        memcpy(weir_builder_next(out, d->spec.out->size),
               weir__part_read(d->parts, RESULT, record), d->spec.out->size);
    }
}

weir_port *weir__tally_in_scope(weir_port *in, const weir__tally_spec *spec)
{
    weir_graph *graph = weir_port_graph(in);
    description *d = weir_graph_alloc(graph, sizeof *d);
    *d = (description){ .spec = *spec, .key = weir__fields_of(graph, spec->in, &spec->key, -1) };
    const weir_type *types[] = { &d->key->type, spec->out };
    if (!spec->fills_key && !(d->parts = weir__parts_of(graph, types, 2, spec->kind)))
        return NULL;
    weir_arrange_spec by = { .struct_size = sizeof by, .key = spec->key };
    weir_reduce_spec made = { .struct_size = sizeof made,
                              .kind = spec->kind,
                              .out = d->parts ? &d->parts->type : spec->out,
                              .reduce = reduce,
                              .ctx = d };
    weir_port *results =
        weir_reduce_erased(weir_arrange_erased(weir_port_as_collection(in), &by), &made);
    weir_key unique = weir__fields_key(spec->key.count);
    if (!results || (!d->parts && !spec->unique))
        return results;
    if (!d->parts)
        return weir_port_with_key(results, &unique);
    weir_stage_spec stage = { .struct_size = sizeof stage,
                              .kind = spec->kind,
                              .in = &d->parts->type,
                              .out = spec->out,
                              .flat_map = strip,
                              .ctx = d };
    return weir_stage_add(results, &stage);
}

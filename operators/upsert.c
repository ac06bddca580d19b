/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/upsert.h. A key's entry has the record that counts of the open epoch, and the
 * result that stands for the key. In a scope all records are arranged, the newest one of a key
 * first, and a reduce looks at that.
 */
#include <weir/operators/upsert.h>

#include <string.h>

#include <weir/operators/reduce.h>

#include "fields.h"
#include "owned.h"
#include "shown.h"
#include "tally.h"

enum { BYTES_MAX = 3500 };

/* A value of the table: behind it the record, then the result. */
typedef struct group {
    weir__tally tally;
    bool is_new;   /* something of the open epoch has come */
    weir__owned record;
    weir__shown shown;
} group;

typedef struct description {
    weir_upsert_spec spec;
    weir_key key, order;
    uint32_t descending;
    bool ordered;
    size_t record_at, result_at;
} description;

static bool counts_more(const description *d, const void *a, const void *b)
{
    if (!d->ordered)
        return true;
    int order = weir_order_compare(d->spec.in, &d->order, d->descending, a, b);
    return order > 0 || (order == 0 && weir_record_compare(d->spec.in, a, b) < 0);
}

static bool add(weir__tally *value, const void *record, int64_t diff, const void *ctx,
                weir__tally_error *error)
{
    const description *d = ctx;
    group *g = (group *)(void *)value;
    char *there = (char *)value + d->record_at;
    (void)diff;
    (void)error;
    value->records = 1;
    if (g->is_new && !counts_more(d, record, there))
        return true;
    g->is_new = true;
    memcpy(there, record, d->spec.in->size);
    weir__owned_settle(&g->record, d->spec.in, there);
    return true;
}

/* What stands for the key now. -1: it is of another key. */
static int result_of(const description *d, group *g, const weir__tally_changes *changes, void *now)
{
    const weir_key all = weir__fields_key(d->key.count);
    bool is_there = d->spec.make((char *)g + d->record_at, now, d->spec.ctx);
    if (!is_there)
        return 0;
    weir_record_canonicalize(d->spec.out, now);
    return weir_key_equal_across(d->spec.out, &d->spec.result_key, now, changes->key_type, &all,
                                 changes->key)
               ? 1
               : -1;
}

static int put(weir__tally *value, weir__tally_changes *changes, const void *ctx)
{
    const description *d = ctx;
    group *g = (group *)(void *)value;
    _Alignas(16) char now[WEIR_RECORD_SIZE_MAX];
    int is_there = result_of(d, g, changes, now);
    g->is_new = false;
    if (is_there < 0) {
        changes->error = (weir__tally_error){ WEIR_INVALID, "the function gave for",
                                              "a record of another key" };
        return -1;
    }
    value->records = is_there;
    return weir__shown_replace(&g->shown, d->spec.out, (char *)value + d->result_at,
                               is_there ? now : NULL, changes);
}

static size_t bytes_of(const weir__tally *value)
{
    const group *g = (const group *)(const void *)value;
    return g->record.size + weir__shown_bytes(&g->shown);
}

static void end_value(weir__tally *value)
{
    group *g = (group *)(void *)value;
    weir__owned_free(&g->record);
    weir__shown_fini(&g->shown);
}

/* ---- in a scope ---- */

static weir_status newest(const void *key, const weir_values *values, weir_builder *out,
                          const void *ctx)
{
    const description *d = ctx;
    _Alignas(16) char made[WEIR_RECORD_SIZE_MAX];
    const void *record = weir_first_there_(values);
    (void)key;
    if (record && d->spec.make(record, memset(made, 0, d->spec.out->size), d->spec.ctx))
        weir__emit_owned(out, made);
    return WEIR_OK;
}

static weir_port *in_scope(weir_port *in, const description *d)
{
    weir_arrange_spec by = { .struct_size = sizeof by,
                             .key = d->key,
                             .order = d->order,
                             .descending = ~d->descending & ((1u << d->order.count) - 1) };
    weir_reduce_spec reduced = { .struct_size = sizeof reduced,
                                 .kind = d->spec.kind,
                                 .out = d->spec.out,
                                 .reduce = newest,
                                 .ctx = d,
                                 .result_key = d->spec.result_key,
                                 .first = 1 };
    weir_port *results =
        weir_reduce_erased(weir_arrange_erased(weir_port_as_collection(in), &by), &reduced);
    return results ? weir_port_with_key(results, &d->spec.result_key) : NULL;
}

/* ---- building ---- */

static bool has_key(const description *d)
{
    const weir_key *result = &d->spec.result_key;
    bool has = result->count == d->key.count;
    for (uint32_t i = 0; has && i < d->key.count; i++) {
        const weir_field *a = &d->spec.in->fields[d->key.field[i]], *b = NULL;
        if (result->field[i] < d->spec.out->field_count)
            b = &d->spec.out->fields[result->field[i]];
        has = b && a->kind == b->kind && a->optional == b->optional && a->scale == b->scale;
    }
    return has;
}

/* Key and order. False: the graph is told. */
static bool resolve(weir_port *in, description *d, const weir_order *order)
{
    weir_error error;
    weir_status status = weir_key_resolve(d->spec.in, d->spec.key, &d->key, &error);
    d->ordered = order->count > 0;
    d->descending = order->descending;
    if (status == WEIR_OK && d->ordered)
        status = weir_order_resolve(d->spec.in, order, &d->order, &error);
    if (status != WEIR_OK)
        weir_graph_fail(weir_port_graph(in), status, d->spec.kind,
                        error.hint[0] ? error.hint : "name fields of the stream's records", "%s",
                        error.what);
    return status == WEIR_OK;
}

static bool check(weir_port *in, const description *d)
{
    const weir_upsert_spec *spec = &d->spec;
    weir_graph *graph = weir_port_graph(in);
    if (weir_port_is_collection(in))
        weir_graph_fail(graph, WEIR_TYPE_MISMATCH, spec->kind,
                        "leave out weir_as_collection: each record is the newest of its key",
                        "this is a collection already, in which records go by themselves");
    else if (!has_key(d))
        weir_graph_fail(graph, WEIR_TYPE_MISMATCH, spec->kind,
                        "begin it with the kinds of the key's fields, in order",
                        "record '%s' does not begin with the key of '%s'", spec->out->name,
                        spec->in->name);
    else if (spec->in->size + spec->out->size > BYTES_MAX)
        weir_graph_fail(graph, WEIR_TOO_LARGE, spec->kind, "map to less first, or text as str",
                        "a record '%s' and a result '%s' have over %d bytes", spec->in->name,
                        spec->out->name, BYTES_MAX);
    else if (weir_port_depth(in) > 1 && !d->ordered)
        weir_graph_fail(graph, WEIR_INVALID, spec->kind,
                        "say in .order which record is the newest, or leave the scope first",
                        "in a scope no record is the newest: its times have no one order");
    return !weir_graph_failed(graph) && weir__tally_check(in, &d->key, spec->kind);
}

weir_port *weir_upsert_erased(weir_port *in, const weir_upsert_spec *given,
                              const struct weir_upsert_options *options)
{
    if (!in)
        return NULL;
    weir_graph *graph = weir_port_graph(in);
    description *d = weir_graph_alloc(graph, sizeof *d);
    weir_struct_copy(&d->spec, sizeof d->spec, given);
    if (!weir_type_same_layout(weir_port_type(in), d->spec.in)) {
        weir_graph_fail(graph, WEIR_TYPE_MISMATCH, d->spec.kind,
                        "give it a stream of those records",
                        "the stream carries '%s', the function takes '%s'",
                        weir_port_type(in)->name, d->spec.in->name);
        return NULL;
    }
    if (!resolve(in, d, &options->order))
        return NULL;
    if (d->spec.result_key.count == 0)
        d->spec.result_key = weir__fields_key(d->key.count);
    if (!check(in, d))
        return NULL;
    if (weir_port_depth(in) > 1)
        return in_scope(in, d);
    d->record_at = (sizeof(group) + 15) / 16 * 16;
    d->result_at = d->record_at + (d->spec.in->size + 15) / 16 * 16;
    weir__tally_spec tally = { .kind = d->spec.kind,
                               .in = d->spec.in,
                               .out = d->spec.out,
                               .key = d->key,
                               .by_arrival = !d->ordered,
                               .value_size = d->result_at + d->spec.out->size,
                               .add = add,
                               .put = put,
                               .bytes = bytes_of,
                               .fini = end_value,
                               .ctx = d };
    return weir_port_with_key(weir__tally_add(in, &tally), &d->spec.result_key);
}

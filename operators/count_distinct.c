/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/count_distinct.h: the key and the field alone, each once, counted by the key.
 */
#include <weir/operators/count_distinct.h>

#include <weir/operators/count.h>
#include <weir/operators/threshold.h>

#include "fields.h"

static const char *const where = "count_distinct";

static bool has_field(weir_port *in, uint32_t field)
{
    const weir_type *type = weir_port_type(in);
    if (field >= type->field_count)
        weir_graph_fail(weir_port_graph(in), WEIR_TYPE_MISMATCH, where, "name fields that it has",
                        "record '%s' has no field %u", type->name, field);
    return field < type->field_count;
}

weir_port *weir_count_distinct_erased(weir_port *in, const weir_key *key, uint16_t field,
                                      const weir_type *out)
{
    if (!in || !has_field(in, field))
        return NULL;
    weir_graph *graph = weir_port_graph(in);
    if (key->count == 0 || key->count >= WEIR_KEY_FIELDS_MAX) {
        weir_graph_fail(graph, WEIR_INVALID, where, "name 1 to 7 fields of the record",
                        "a key of %u fields", key->count);
        return NULL;
    }
    for (uint32_t i = 0; i < key->count; i++)
        if (!has_field(in, key->field[i]))
            return NULL;
    const weir__fields *both = weir__fields_of(graph, weir_port_type(in), key, field);
    weir_port *once = weir_distinct_erased(weir__fields_map(in, both, where));
    weir_key first = weir__fields_key(key->count);
    return once ? weir_count_erased(once, &first, out) : NULL;
}

weir_port *weir__count_distinct(weir_port *in, const weir_type *out, const char *const *names,
                                const char *name)
{
    weir_key key;
    int field = weir__fields_resolve(in, names, name, &key, where);
    return field >= 0 ? weir_count_distinct_erased(in, &key, (uint16_t)field, out) : NULL;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * See keyed.h.
 */
#include "keyed.h"

#include <string.h>

weir_status weir__keyed_init(weir__keyed *keyed, weir_step *step, const weir__keyed_spec *spec,
                             weir_error *error)
{
    *keyed = (weir__keyed){ .state = spec->state, .account = weir_step_account(step) };
    size_t size = (sizeof(weir__entry) + spec->state->size + 15) / 16 * 16;
    weir_table_options options = { .struct_size = sizeof options,
                                   .type = spec->in,
                                   .key = *spec->key,
                                   .value_size = size,
                                   .hash_seed = weir_step_hash_seed(step),
                                   .parts = weir_step_workers(step),
                                   .account = keyed->account };
    return weir_table_create(&keyed->table, &options, error);
}

static void free_all(weir__keyed *keyed, weir__entry *entry)
{
    weir_account_add(keyed->account, -(int64_t)(entry->owned.size + entry->timer_capacity *
                                                                        sizeof *entry->timers));
    weir__owned_free(&entry->owned);
    weir_free(entry->timers, entry->timer_capacity * sizeof *entry->timers);
}

static void free_entries(weir__keyed *keyed)
{
    weir_table_walk walk = weir_table_walk_range(keyed->table, 0, UINT64_MAX);
    for (weir__entry *entry; (entry = weir_table_walk_next(&walk));)
        free_all(keyed, entry);
}

void weir__keyed_fini(weir__keyed *keyed)
{
    free_entries(keyed);
    weir_table_destroy(keyed->table);
}

void weir__keyed_clear(weir__keyed *keyed)
{
    free_entries(keyed);
    weir_table_clear(keyed->table);
}

void weir__keyed_settle(weir__keyed *keyed, weir__entry *entry)
{
    int64_t before = entry->owned.size;
    weir__owned_settle(&entry->owned, keyed->state, entry->state);
    if (entry->owned.size != before)
        weir_account_add(keyed->account, entry->owned.size - before);
}

bool weir__keyed_is_blank(const weir__keyed *keyed, const weir__entry *entry)
{
    static const char zeros[16];
    if (entry->timer_count > 0 || entry->queued > 0)
        return false;
    for (uint32_t i = 0; i < keyed->state->field_count; i++) {
        const weir_field *field = &keyed->state->fields[i];
        if (field->optional ? entry->state[field->set_offset] != 0
                            : memcmp(entry->state + field->offset, zeros,
                                     weir_kind_size(field->kind)) != 0)
            return false;
    }
    return true;
}

void weir__keyed_remove(weir__keyed *keyed, weir__entry *entry)
{
    free_all(keyed, entry);
    weir_table_remove(keyed->table, entry);
}

bool weir__keyed_check(weir_port *in, const weir_type *takes, const char *const *names,
                       weir_key *key, const char *where)
{
    weir_error error;
    weir_graph *graph = weir_port_graph(in);
    if (!weir_type_same_layout(weir_port_type(in), takes)) {
        weir_graph_fail(graph, WEIR_TYPE_MISMATCH, where, "give it a stream of those records",
                        "the stream carries '%s', the function takes '%s'",
                        weir_port_type(in)->name, takes->name);
        return false;
    }
    if (weir_key_resolve(takes, names, key, &error) != WEIR_OK) {
        weir_graph_fail(graph, error.status, where, error.hint, "%s", error.what);
        return false;
    }
    if (weir_port_depth(in) > 1) {
        weir_graph_fail(graph, WEIR_INVALID, where, "leave the scope first",
                        "keyed state cannot follow the times of a scope: they have no one order");
        return false;
    }
    return true;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Walks over the values of a table, or over those whose hash lies in a range, slice by slice.
 *
 * Not here: what a table is and how it changes (table.c).
 */
#include "trace/table.h"

weir_table_walk weir_table_walk_range(const weir_table *table, uint64_t first, uint64_t last)
{
    weir_table_walk walk = { .table = table, .first = first, .last = last };
    return walk;
}

/* Whether some position of the slice may belong to a hash of the range: exact only if the range
 * lies in the table's own part, where positions are ordered as hashes are. */
static bool slice_in_range(const weir_table_walk *walk, const weir__slice *slice)
{
    const weir_table *table = walk->table;
    uint64_t first = weir__table_position(table, walk->first);
    uint64_t last = weir__table_position(table, walk->last);
    if (slice->depth == 0 || first > last ||
        (last - first) / table->parts != walk->last - walk->first)
        return true;
    uint32_t shift = 64 - slice->depth;
    return slice->prefix >= first >> shift && slice->prefix <= last >> shift;
}

void *weir_table_walk_next(weir_table_walk *walk)
{
    const weir_table *table = walk->table;
    for (; walk->slice < table->slice_count; walk->slice++, walk->slot = 0) {
        size_t first;
        weir__slice_places(table, &table->slices[walk->slice], &first);
        const weir__place *place = &table->places[first];
        if (walk->slot == 0 && !slice_in_range(walk, &table->slices[walk->slice]))
            continue;
        while (walk->slot <= place->mask) {
            uint64_t slot = place->slots[walk->slot++];
            if (!slot)
                continue;
            char *value = weir__table_entry(table, (uint32_t)slot) + table->value_at;
            if (walk->first == 0 && walk->last == UINT64_MAX)
                return value;
            uint64_t hash = weir_table_hash(table, value);
            if (hash >= walk->first && hash <= walk->last)
                return value;
        }
    }
    return NULL;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * See latest.h: a table of entries, found by an open-addressed index.
 */
#include <string.h>

#include <weir/memory.h>

#include "kafka/latest.h"

static size_t slot_of(const weir__kafka_latest *l, const weir__kafka_outcome *o)
{
    size_t mask = 2 * l->capacity - 1, at = o->hash & mask;
    while (l->slots[at]) {
        const weir__kafka_latest_entry *e = &l->entries[l->slots[at] - 1];
        if (e->hash == o->hash && weir_key_equal(l->type, &l->key, e->record, o->record))
            break;
        at = (at + 1) & mask;
    }
    return at;
}

static void grow(weir__kafka_latest *l)
{
    size_t capacity = l->capacity ? 2 * l->capacity : 64;
    l->entries = weir_realloc_must(l->entries, l->capacity * sizeof *l->entries,
                                   capacity * sizeof *l->entries);
    weir_free(l->slots, 2 * l->capacity * sizeof *l->slots);
    l->slots = weir_alloc_must(2 * capacity * sizeof *l->slots);
    memset(l->slots, 0, 2 * capacity * sizeof *l->slots);
    l->bytes += (int64_t)((capacity - l->capacity) *
                          (sizeof *l->entries + 2 * sizeof *l->slots));
    l->capacity = capacity;
    for (size_t i = 0; i < l->count; i++) {
        size_t at = l->entries[i].hash & (2 * capacity - 1);
        while (l->slots[at])
            at = (at + 1) & (2 * capacity - 1);
        l->slots[at] = i + 1;
    }
}

static void drop(weir__kafka_latest *l, weir__kafka_latest_entry *e)
{
    l->bytes -= e->size;
    weir_free(e->record, e->size);
}

void weir__kafka_latest_put(weir__kafka_latest *l, const weir__kafka_outcome *o)
{
    if (l->count == l->capacity)
        grow(l);
    size_t at = slot_of(l, o), size = l->type->size + weir_record_heap_size(l->type, o->record);
    weir__kafka_latest_entry *e;
    if (l->slots[at]) {
        e = &l->entries[l->slots[at] - 1];
    } else {
        l->slots[at] = l->count + 1;
        e = &l->entries[l->count++];
        *e = (weir__kafka_latest_entry){ .hash = o->hash };
    }
    if (e->size != size) { /* most records of a key are of one size */
        drop(l, e);
        e->record = weir_alloc_must(size);
        e->size = (uint32_t)size;
        l->bytes += e->size;
    }
    e->gone = o->gone;
    memcpy(e->record, o->record, l->type->size);
    weir_record_move_strings(l->type, e->record, e->record + l->type->size);
}

void weir__kafka_latest_clear(weir__kafka_latest *l)
{
    for (size_t i = 0; i < l->count; i++)
        drop(l, &l->entries[i]);
    l->count = 0;
    if (l->slots)
        memset(l->slots, 0, 2 * l->capacity * sizeof *l->slots);
}

void weir__kafka_latest_fini(weir__kafka_latest *l)
{
    weir__kafka_latest_clear(l);
    weir_free(l->entries, l->capacity * sizeof *l->entries);
    weir_free(l->slots, 2 * l->capacity * sizeof *l->slots);
}

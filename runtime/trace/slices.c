/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the slots of a table: how slices of the hash range grow, split, and are found. It never
 * looks at entries: all it needs of a hash is in the slots.
 */
#include "trace/table.h"

/* A slice of the greatest size is rehashed in some 20 µs: what a single insert may cost at most. */
enum { SLOTS_MIN = 16, SLOTS_MAX = 8192, DEPTH_MAX = 19 };

/* Zeroes are written: a fresh page that is read first is the kernel's page of zeroes, and its first
 * write then a second fault, which halts the other cores for a moment. */
static uint64_t *slots_alloc(weir_table *table, size_t count)
{
    uint64_t *slots = weir_alloc(count * sizeof *slots);
    if (!slots)
        return NULL;
    table->bytes += count * sizeof *slots;
    return memset(slots, 0, count * sizeof *slots);
}

static void slots_free(weir_table *table, uint64_t *slots, size_t count)
{
    table->bytes -= count * sizeof *slots;
    weir_free(slots, count * sizeof *slots);
}

void weir__slot_put(const weir__place *place, uint64_t slot)
{
    uint32_t at = weir__line_home(place, (uint32_t)(slot >> 32));
    for (;; at = weir__line_next(place, at)) {
        uint32_t empty = weir__line_look(place->slots + at, 0).empty;
        if (WEIR_LIKELY(empty)) {
            place->slots[at + (uint32_t)__builtin_ctz(empty)] = slot;
            return;
        }
    }
}

/* Which slot of the line `from` has passed the full line `over` on its way from home. */
static bool find_passed(const weir__place *place, uint32_t from, uint32_t over, uint32_t *at)
{
    uint32_t mask = place->mask;
    for (*at = from; *at < from + WEIR__LINE_SLOTS; ++*at) {
        uint32_t home = weir__line_home(place, (uint32_t)(place->slots[*at] >> 32));
        if (place->slots[*at] && ((from - home) & mask) >= ((from - over) & mask))
            return true;
    }
    return false;
}

/* Where the line was full, slots beyond may have passed it: one of them moves back. */
bool weir__slot_take(const weir__place *place, uint32_t at, uint32_t *from)
{
    uint32_t line = at & ~(uint32_t)(WEIR__LINE_SLOTS - 1), next = line;
    place->slots[at] = 0;
    uint32_t empty = weir__line_look(place->slots + line, 0).empty;
    bool full = !(empty & (empty - 1));
    while (full) {
        next = weir__line_next(place, next);
        full = !weir__line_look(place->slots + next, 0).empty;
        if (find_passed(place, next, line, from)) {
            place->slots[at] = place->slots[*from];
            return true;
        }
    }
    return false;
}

static void place_slice(weir_table *table, uint32_t slice, uint64_t *slots, uint32_t mask)
{
    size_t first, count = weir__slice_places(table, &table->slices[slice], &first);
    for (size_t i = first; i < first + count; i++)
        table->places[i] = (weir__place){ .slots = slots, .mask = mask, .slice = slice };
}

static bool slices_reserve(weir_table *table)
{
    if (table->slice_count < table->slice_capacity)
        return true;
    size_t capacity = table->slice_capacity ? 2 * table->slice_capacity : 8;
    weir__slice *slices = weir_realloc(table->slices, table->slice_capacity * sizeof *slices,
                                       capacity * sizeof *slices);
    if (!slices)
        return false;
    table->bytes += (capacity - table->slice_capacity) * sizeof *slices;
    table->slices = slices;
    table->slice_capacity = capacity;
    return true;
}

bool weir__table_start(weir_table *table)
{
    if (!slices_reserve(table))
        return false;
    table->places = weir_alloc(sizeof *table->places);
    uint64_t *slots = slots_alloc(table, SLOTS_MIN);
    if (!slots || !table->places) {
        if (slots)
            slots_free(table, slots, SLOTS_MIN);
        weir_free(table->places, sizeof *table->places);
        table->places = NULL;
        return false;
    }
    table->bytes += sizeof *table->places;
    table->depth = 0;
    table->slice_count = 1;
    table->slices[0] = (weir__slice){ .count = 0 };
    place_slice(table, 0, slots, SLOTS_MIN - 1);
    return true;
}

static bool slice_double(weir_table *table, const weir__place *place)
{
    size_t count = (size_t)place->mask + 1;
    uint64_t *slots = slots_alloc(table, 2 * count);
    if (!slots)
        return false;
    weir__place grown = { .slots = slots, .mask = 2 * place->mask + 1 };
    for (size_t i = 0; i < count; i++)
        if (place->slots[i])
            weir__slot_put(&grown, place->slots[i]);
    slots_free(table, place->slots, count);
    place_slice(table, place->slice, slots, grown.mask);
    return true;
}

static bool directory_double(weir_table *table)
{
    size_t count = (size_t)1 << table->depth;
    weir__place *places = weir_alloc(2 * count * sizeof *places);
    if (!places)
        return false;
    for (size_t i = 0; i < 2 * count; i++)
        places[i] = table->places[i / 2];
    weir_free(table->places, count * sizeof *places);
    table->bytes += count * sizeof *places;
    table->places = places;
    table->depth++;
    return true;
}

static uint32_t count_upper(const weir__place *place, uint64_t bit)
{
    uint32_t count = 0;
    for (size_t i = 0; i <= place->mask; i++)
        count += place->slots[i] && place->slots[i] & bit;
    return count;
}

/* Into two slices of the same number of slots. */
static bool slice_split(weir_table *table, weir__place old, uint64_t bit, uint32_t upper_count)
{
    size_t count = (size_t)old.mask + 1;
    if (!slices_reserve(table))
        return false;
    weir__slice *slice = &table->slices[old.slice];
    if (table->depth == slice->depth && !directory_double(table))
        return false;
    weir__place lower = { .slots = slots_alloc(table, count), .mask = old.mask };
    weir__place upper = { .slots = slots_alloc(table, count), .mask = old.mask };
    if (!lower.slots || !upper.slots) {
        if (lower.slots)
            slots_free(table, lower.slots, count);
        if (upper.slots)
            slots_free(table, upper.slots, count);
        return false;
    }
    for (size_t i = 0; i < count; i++)
        if (old.slots[i])
            weir__slot_put(old.slots[i] & bit ? &upper : &lower, old.slots[i]);
    slots_free(table, old.slots, count);
    weir__slice *other = &table->slices[table->slice_count];
    slice->depth++;
    slice->prefix *= 2;
    slice->count -= upper_count;
    *other = (weir__slice){ upper_count, slice->depth, slice->prefix + 1 };
    place_slice(table, old.slice, lower.slots, old.mask);
    place_slice(table, (uint32_t)table->slice_count++, upper.slots, old.mask);
    return true;
}

/* Where all keys of a slice have the same next bit, as under a hash of 8 bits, it is not split. */
static bool slice_grow(weir_table *table, const weir__place *place)
{
    const weir__slice *slice = &table->slices[place->slice];
    if (place->mask + 1 >= SLOTS_MAX && slice->depth < DEPTH_MAX) {
        uint64_t bit = (uint64_t)1 << (63 - slice->depth);
        uint32_t upper = count_upper(place, bit);
        if (upper > 0 && upper < slice->count)
            return slice_split(table, *place, bit, upper);
    }
    return slice_double(table, place);
}

bool weir__table_make_room(weir_table *table, uint64_t position)
{
    for (;;) {
        const weir__place *place = weir__table_place(table, position);
        uint32_t count = table->slices[place->slice].count;
        if (WEIR_LIKELY(count < place->mask - place->mask / 4))
            return true;
        if (table->moved_slice == place->slice)
            table->moved_slot = 0; /* its slots change places: the evacuation takes it again */
        if (!slice_grow(table, place))
            return false;
    }
}

void weir__table_free_slices(weir_table *table)
{
    for (size_t i = 0; i < table->slice_count; i++) {
        size_t first;
        weir__slice_places(table, &table->slices[i], &first);
        slots_free(table, table->places[first].slots, (size_t)table->places[first].mask + 1);
    }
    if (table->places)
        table->bytes -= sizeof *table->places << table->depth;
    weir_free(table->places, sizeof *table->places << table->depth);
    table->bytes -= table->slice_capacity * sizeof *table->slices;
    weir_free(table->slices, table->slice_capacity * sizeof *table->slices);
    table->places = NULL;
    table->slices = NULL;
    table->slice_count = table->slice_capacity = 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the slots of a table: how slices of the hash range grow, split, and are found. It never
 * looks at entries: all it needs of a hash is in the slots.
 */
#include "base/mapped.h"
#include "trace/table.h"

/* A slice of the greatest size is rehashed in some 20 µs: what a single insert may cost at most. */
enum { SLOTS_MIN = 16, SLOTS_MAX = 8192, DEPTH_MAX = 19 };

/* Zeroes are written: a fresh page that is read first is the kernel's page of zeroes, and its first
 * write then a second fault, which halts the other cores for a moment. */
static uint64_t *slots_alloc(weir_table *table, size_t count)
{
    uint64_t *slots = weir__table_alloc(table, count * sizeof *slots);
    if (!slots)
        return NULL;
    table->bytes += count * sizeof *slots;
    if (count >= SLOTS_MAX)
        weir__pages_ask(slots, count * sizeof *slots);
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

/* A new slice while slots are put into it, and how many each of its lines has: these lie at its
 * beginning, so no line is looked at, but where there are more lines than is usual. */
typedef struct filling {
    weir__place place;
    uint8_t used[SLOTS_MAX / WEIR__LINE_SLOTS];
} filling;

static bool filling_init(filling *f, weir_table *table, size_t count)
{
    f->place = (weir__place){ .slots = slots_alloc(table, count), .mask = (uint32_t)count - 1 };
    memset(f->used, 0, sizeof f->used);
    return f->place.slots;
}

static inline void fill(filling *f, uint64_t slot)
{
    if (WEIR_UNLIKELY(f->place.mask >= SLOTS_MAX)) {
        weir__slot_put(&f->place, slot);
        return;
    }
    uint32_t last = f->place.mask / WEIR__LINE_SLOTS;
    uint32_t line = (uint32_t)(slot >> 32) / WEIR__LINE_SLOTS & last;
    while (WEIR_UNLIKELY(f->used[line] == WEIR__LINE_SLOTS))
        line = (line + 1) & last;
    f->place.slots[line * WEIR__LINE_SLOTS + f->used[line]++] = slot;
}

/* The slots of a line, those that are taken. */
static inline uint32_t taken_slots(const uint64_t *slots)
{
    return ~weir__line_look(slots, 0).empty & ((1U << WEIR__LINE_SLOTS) - 1);
}

static bool slice_double(weir_table *table, const weir__place *place)
{
    size_t count = (size_t)place->mask + 1;
    filling grown;
    if (!filling_init(&grown, table, 2 * count))
        return false;
    for (size_t i = 0; i < count; i += WEIR__LINE_SLOTS)
        for (uint32_t taken = taken_slots(place->slots + i); taken; taken &= taken - 1)
            fill(&grown, place->slots[i + (uint32_t)__builtin_ctz(taken)]);
    slots_free(table, place->slots, count);
    place_slice(table, place->slice, grown.place.slots, grown.place.mask);
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

/* Whether some slots have the bit and some have not. */
static bool differs(const weir__place *place, uint64_t bit)
{
    bool with = false, without = false;
    for (size_t i = 0; i <= place->mask && !(with && without); i++) {
        with |= place->slots[i] && place->slots[i] & bit;
        without |= place->slots[i] && !(place->slots[i] & bit);
    }
    return with && without;
}

/* Into two slices of the same number of slots. */
static bool slice_split(weir_table *table, weir__place old, uint64_t bit)
{
    size_t count = (size_t)old.mask + 1;
    filling half[2];
    uint32_t counts[2] = { 0, 0 };
    if (!slices_reserve(table))
        return false;
    weir__slice *slice = &table->slices[old.slice];
    if (table->depth == slice->depth && !directory_double(table))
        return false;
    if (!filling_init(&half[0], table, count))
        return false;
    if (!filling_init(&half[1], table, count)) {
        slots_free(table, half[0].place.slots, count);
        return false;
    }
    for (size_t i = 0; i < count; i += WEIR__LINE_SLOTS)
        for (uint32_t taken = taken_slots(old.slots + i); taken; taken &= taken - 1) {
            uint64_t slot = old.slots[i + (uint32_t)__builtin_ctz(taken)];
            bool upper = slot & bit;
            fill(&half[upper], slot);
            counts[upper]++;
        }
    slots_free(table, old.slots, count);
    weir__slice *other = &table->slices[table->slice_count];
    slice->depth++;
    slice->prefix *= 2;
    slice->count = counts[0];
    *other = (weir__slice){ counts[1], slice->depth, slice->prefix + 1 };
    place_slice(table, old.slice, half[0].place.slots, old.mask);
    place_slice(table, (uint32_t)table->slice_count++, half[1].place.slots, old.mask);
    return true;
}

/* Where all keys of a slice have the same next bit, as under a hash of 8 bits, it is not split. */
static bool slice_grow(weir_table *table, const weir__place *place)
{
    const weir__slice *slice = &table->slices[place->slice];
    uint64_t bit = (uint64_t)1 << (63 - slice->depth);
    if (place->mask + 1 >= SLOTS_MAX && slice->depth < DEPTH_MAX && differs(place, bit))
        return slice_split(table, *place, bit);
    return slice_double(table, place);
}

bool weir__table_make_room(weir_table *table, uint64_t position)
{
    for (;;) {
        const weir__place *place = weir__table_place(table, position);
        if (WEIR_LIKELY(weir__slice_has_room(table, place)))
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

/* SPDX-License-Identifier: Apache-2.0
 *
 * The inside of a weir_table, for the files that share it: slices of slots, and the entries they
 * name.
 *
 * A hash is scaled so that the table's part of the hash space spans 64 bits: the position. Its
 * highest bits choose the slice (by a directory that doubles), bits 35 and up the line in it: as
 * many slots as a line of a cache has room for. A slot is in that line, or in the next one that had
 * room when it came, so that most look-ups touch one line, which is compared as a whole. A slot
 * holds the upper half of the position and the index of the entry, so that slices grow and split
 * without a look at the entries.
 */
#ifndef WEIR_TRACE_TABLE_H
#define WEIR_TRACE_TABLE_H

#include <weir/table.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/large.h"
#include "trace/heap.h"
#include "trace/pack.h"

enum {
    WEIR__CHUNK_BITS = 10, /* entries of a chunk: 1024 */
    WEIR__CHUNK_ENTRIES = 1 << WEIR__CHUNK_BITS,
    WEIR__LINE_SLOTS = 8
};

/* What a look-up needs of a slice: one access. Slices of less depth than the directory have several
 * entries there. */
typedef struct weir__place {
    uint64_t *slots; /* upper half of the position << 32 | index of the entry; 0 is empty */
    uint32_t mask;
    uint32_t slice;
} weir__place;

typedef struct weir__slice {
    uint32_t count;
    uint32_t depth;  /* its number of leading bits */
    uint32_t prefix; /* their value */
} weir__slice;

/* How keys are compared: of one field, as 8 or 4 bytes or as a string; of several, as the bytes of
 * their stretches; or by fields. */
typedef enum weir__key_form { KEY_WORD, KEY_HALF, KEY_STR, KEY_BYTES, KEY_ANY } weir__key_form;

struct weir_table {
    weir__place *places;
    char **chunks;
    uint64_t parts;
    uint32_t depth; /* of the directory */
    uint32_t entry_size, value_at;
    weir__key_form form;
    uint32_t key_at; /* of the one field */
    uint64_t seed;
    size_t count;
    /* less often */
    weir__slice *slices;
    size_t slice_count, slice_capacity;
    size_t chunk_count, chunk_capacity;
    size_t slabs_from;     /* from this chunk on several are one block */
    uint32_t entries_used; /* indices below this have been given out; 0 is none's */
    uint32_t free_first;   /* entries given back; each begins with the next one's index */
    weir_key key;
    const weir_type *type;
    weir__pack pack;
    weir__heap heap;
    size_t moved_slice, moved_slot; /* how far the heap's evacuation has come */
    size_t value_size;
    size_t bytes, charged;
    weir_account *account;
    struct weir__notes *notes; /* keys that are inserted later (noted.c); NULL: none so far */
};

/* Slots are small, but many: those of a large table lie in huge pages. */
static inline void *weir__table_alloc(const weir_table *table, size_t size)
{
    return table->bytes < WEIR__LARGE ? weir_alloc(size) : weir__alloc_dense(size);
}

static inline uint64_t weir__table_position(const weir_table *table, uint64_t hash)
{
    return hash * table->parts;
}
static inline weir__place *weir__table_place(const weir_table *table, uint64_t position)
{
    return &table->places[position >> 1 >> (63 - table->depth)];
}
static inline char *weir__table_entry(const weir_table *table, uint32_t index)
{
    return table->chunks[index >> WEIR__CHUNK_BITS] +
           (size_t)(index & (WEIR__CHUNK_ENTRIES - 1)) * table->entry_size;
}
/* The slot that the line of a position begins with. */
static inline uint32_t weir__line_home(const weir__place *place, uint32_t tag)
{
    return tag & place->mask & ~(uint32_t)(WEIR__LINE_SLOTS - 1);
}
static inline uint32_t weir__line_next(const weir__place *place, uint32_t line)
{
    return (line + WEIR__LINE_SLOTS) & place->mask;
}

/* Slots of a line as bits. */
typedef struct weir__line {
    uint32_t same, empty; /* of this upper half, and none's */
} weir__line;

static inline __attribute__((always_inline)) weir__line weir__line_look(const uint64_t *slots,
                                                                        uint32_t tag)
{
    weir__line line = { 0, 0 };
#ifdef __SSE2__
    const __m128i tags = _mm_set1_epi32((int32_t)tag), none = _mm_setzero_si128();
    for (unsigned i = 0; i < WEIR__LINE_SLOTS; i += 4) {
        __m128 a = _mm_load_ps((const float *)(const void *)(slots + i));
        __m128 b = _mm_load_ps((const float *)(const void *)(slots + i + 2));
        __m128i upper = _mm_castps_si128(_mm_shuffle_ps(a, b, _MM_SHUFFLE(3, 1, 3, 1)));
        __m128i lower = _mm_castps_si128(_mm_shuffle_ps(a, b, _MM_SHUFFLE(2, 0, 2, 0)));
        __m128i same = _mm_cmpeq_epi32(upper, tags), empty = _mm_cmpeq_epi32(lower, none);
        line.same |= (uint32_t)_mm_movemask_ps(_mm_castsi128_ps(same)) << i;
        line.empty |= (uint32_t)_mm_movemask_ps(_mm_castsi128_ps(empty)) << i;
    }
#else
    for (unsigned i = 0; i < WEIR__LINE_SLOTS; i++) {
        line.same |= (uint32_t)(slots[i] >> 32 == tag) << i;
        line.empty |= (uint32_t)(slots[i] == 0) << i;
    }
#endif
    line.same &= ~line.empty;
    return line;
}

static inline uint64_t weir__slot_make(uint64_t position, uint32_t index)
{
    return position >> 32 << 32 | index;
}

/* Whether one more slot may come: lines that are full make look-ups go on. */
static inline bool weir__slice_has_room(const weir_table *table, const weir__place *place)
{
    return table->slices[place->slice].count < place->mask - place->mask / 4;
}

/* The first entry of the directory of a slice, and how many it has. */
static inline size_t weir__slice_places(const weir_table *table, const weir__slice *slice,
                                        size_t *first)
{
    uint32_t more = table->depth - slice->depth;
    *first = (size_t)slice->prefix << more;
    return (size_t)1 << more;
}

/* ---- table.c ---- */

/* The account is charged with what the table takes now. */
void weir__table_charge(weir_table *table);
/* As weir_table_insert_many, for a table whose keys are words: n of these. */
size_t weir__table_insert_words(weir_table *table, const uint64_t *words, const uint64_t *hashes,
                                size_t n, void **values);
/* Likewise where most of them are new, and in slices that lie in the cache. */
size_t weir__table_insert_new_words(weir_table *table, const uint64_t *words,
                                    const uint64_t *hashes, size_t n, void **values);

/* ---- noted.c ---- */

/* Forgets them. */
void weir__table_free_notes(weir_table *table);

/* ---- slices.c ---- */

/* The first slice. */
bool weir__table_start(weir_table *table);
/* Makes sure that the slice at this position has room for one more: doubles it, or splits it in
 * two. False: no memory, nothing changed. */
bool weir__table_make_room(weir_table *table, uint64_t position);
void weir__slot_put(const weir__place *place, uint64_t slot);
/* Empties a slot. True: one that had passed it has moved in; where that was has to be emptied. */
bool weir__slot_take(const weir__place *place, uint32_t at, uint32_t *from);
void weir__table_free_slices(weir_table *table);

#endif

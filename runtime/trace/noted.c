/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the keys that a table inserts later: lists of them for stretches of the range of positions,
 * each of a few slices. When a stretch is inserted, its slices lie in the cache, also those that
 * are split on the way.
 */
#include "trace/table.h"

enum { STRETCH_BITS = 9, STRETCHES = 1 << STRETCH_BITS, WORDS = WEIR_TABLE_NOTED - 1 };

typedef struct block {
    struct block *before; /* which is full */
    uint64_t words[WORDS];
} block;

typedef struct weir__notes {
    block *last[STRETCHES];
    uint32_t used[STRETCHES]; /* words of it; WORDS: there is none, or it is full */
    block *spare;
    size_t count;
    uint32_t next; /* the stretch that is inserted */
    bool known;    /* most of the last ones that were inserted had been there */
} weir__notes;

static bool begin(weir_table *table)
{
    weir__notes *notes = weir_alloc_zero(sizeof *notes);
    if (!notes)
        return false;
    for (uint32_t i = 0; i < STRETCHES; i++)
        notes->used[i] = WORDS;
    table->bytes += sizeof *notes;
    table->notes = notes;
    return true;
}

static void free_blocks(weir_table *table, block *b)
{
    while (b) {
        block *before = b->before;
        weir_free(b, sizeof *b);
        table->bytes -= sizeof *b;
        b = before;
    }
}

void weir__table_free_notes(weir_table *table)
{
    weir__notes *notes = table->notes;
    if (!notes)
        return;
    for (uint32_t i = 0; i < STRETCHES; i++)
        free_blocks(table, notes->last[i]);
    free_blocks(table, notes->spare);
    weir_free(notes, sizeof *notes);
    table->bytes -= sizeof *notes;
    table->notes = NULL;
}

/* ---- noting ---- */

static bool block_add(weir_table *table, uint32_t stretch)
{
    weir__notes *notes = table->notes;
    block *b = notes->spare;
    if (b) {
        notes->spare = b->before;
    } else {
        b = weir_alloc(sizeof *b);
        if (!b)
            return false;
        table->bytes += sizeof *b;
    }
    b->before = notes->last[stretch];
    notes->last[stretch] = b;
    notes->used[stretch] = 0;
    return true;
}

/* Returns how many it has noted. */
static size_t note(weir_table *table, const char *records, const uint64_t *hashes, size_t n)
{
    weir__notes *notes = table->notes;
    size_t size = table->type->size, i = 0;
    for (const char *word = records + table->key_at; i < n; i++, word += size) {
        uint32_t stretch =
            (uint32_t)(weir__table_position(table, hashes[i]) >> (64 - STRETCH_BITS));
        if (WEIR_UNLIKELY(notes->used[stretch] == WORDS) && !block_add(table, stretch))
            break;
        memcpy(&notes->last[stretch]->words[notes->used[stretch]++], word, sizeof(uint64_t));
    }
    notes->count += i;
    return i;
}

size_t weir_table_note(weir_table *table, const void *records, const uint64_t *hashes, size_t n)
{
    uint64_t room[WEIR_TABLE_NOTED];
    size_t done = 0, count, noted;
    if (table->form != KEY_WORD || (!table->notes && !begin(table)))
        return 0;
    do {
        const char *from = (const char *)records + done * table->type->size;
        count = n - done < WEIR_TABLE_NOTED ? n - done : WEIR_TABLE_NOTED;
        if (!hashes)
            weir_key_hash_column(table->type, &table->key, from, count, table->seed, room);
        noted = note(table, from, hashes ? hashes + done : room, count);
        done += noted;
    } while (done < n && noted == count);
    weir__table_charge(table);
    return done;
}

size_t weir_table_noted(const weir_table *table)
{
    return table->notes ? table->notes->count : 0;
}

/* ---- inserting ---- */

/* The first n words of the last block of the stretch are inserted. */
static void take_words(weir_table *table, uint32_t stretch, uint32_t n)
{
    weir__notes *notes = table->notes;
    block *b = notes->last[stretch];
    uint32_t left = notes->used[stretch] - n;
    notes->count -= n;
    memmove(b->words, b->words + n, left * sizeof *b->words);
    notes->used[stretch] = left;
    if (left > 0)
        return;
    notes->last[stretch] = b->before;
    notes->used[stretch] = WORDS;
    b->before = notes->spare;
    notes->spare = b;
    if (notes->count > 0)
        return;
    free_blocks(table, notes->spare);
    notes->spare = NULL;
    weir__table_charge(table);
}

size_t weir_table_insert_noted(weir_table *table, void **values)
{
    weir__notes *notes = table->notes;
    uint64_t hashes[WEIR_TABLE_NOTED];
    if (weir_table_noted(table) == 0)
        return 0;
    while (!notes->last[notes->next])
        notes->next = (notes->next + 1) % STRETCHES;
    uint32_t stretch = notes->next, n = notes->used[stretch];
    const uint64_t *words = notes->last[stretch]->words;
    weir_key_hash_column(&table->pack.type, &table->pack.key, words, n, table->seed, hashes);
    size_t had = table->count;
    n = (uint32_t)(notes->known ? weir__table_insert_words(table, words, hashes, n, values)
                                : weir__table_insert_new_words(table, words, hashes, n, values));
    notes->known = 2 * (table->count - had) < n;
    if (n > 0)
        take_words(table, stretch, n);
    return n;
}

bool weir_table_noted_ends(const weir_table *table)
{
    const weir__notes *notes = table->notes;
    return !notes || !notes->last[notes->next];
}

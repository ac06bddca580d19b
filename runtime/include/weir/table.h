/* SPDX-License-Identifier: Apache-2.0
 *
 * weir_table: the keyed state of operators, in memory. From a key (fields of a record) to a value
 * of fixed size. Keys are copied, long strings too. A table grows a small slice of its hash range
 * at a time, so that no insert ever takes long, whatever the table's size.
 *
 *     weir_table *table;
 *     weir_status status = weir_table_create(&table, &(weir_table_options){
 *         .struct_size = sizeof(weir_table_options), .type = word_type(), .key = key,
 *         .value_size = sizeof(int64_t), .hash_seed = weir_step_hash_seed(step) }, error);
 *     void *counts[64];
 *     size_t done = weir_table_insert_many(table, words, NULL, 64, counts);
 *     for (size_t i = 0; i < done; i++)
 *         ++*(int64_t *)counts[i];
 *
 * Belongs to one thread.
 */
#ifndef WEIR_TABLE_H
#define WEIR_TABLE_H

#include <weir/memory.h>
#include <weir/type.h>

WEIR_BEGIN_DECLS

typedef struct weir_table weir_table;

typedef struct weir_table_options {
    size_t struct_size;
    const weir_type *type; /* the records that keys are read from; must outlive the table */
    weir_key key;
    size_t value_size;  /* bytes of a value, 0 to 4096; aligned to 16 if it is a multiple of it,
                               to 8 otherwise; zero when it is new */
    uint64_t hash_seed; /* weir_step_hash_seed */
    /* The hash space is cut into that many ranges of one size, and the table holds keys of one of
     * them: weir_step_workers for records that came WEIR_BY_KEY. Default 1. Another number than the
     * true one costs time and memory, nothing else. */
    unsigned parts;
    weir_account *account; /* charged with all that the table takes; NULL: nobody */
} weir_table_options;

/* INVALID: no key, or sizes out of range. NO_MEMORY. */
WEIR_API weir_status weir_table_create(weir_table **table, const weir_table_options *options,
                                       weir_error *error);
WEIR_API void weir_table_destroy(weir_table *table);

/* Number of keys, and bytes taken. */
WEIR_API size_t weir_table_count(const weir_table *table);
WEIR_API size_t weir_table_bytes(const weir_table *table);

/* The value of the key of each of n records that lie one after the other, or NULL where there is
 * none. hashes are those of the keys; NULL: they are computed. A value stays where it is until it
 * is removed. Memory is fetched ahead: much faster than one at a time. */
WEIR_API void weir_table_find_many(const weir_table *table, const void *records,
                                   const uint64_t *hashes, size_t n, void **values);
/* The same, but keys that are not there are inserted, with a zero value. Returns how many records
 * were done: fewer than n only if memory ran out; the table is as if the rest had not been given.
 * */
WEIR_API size_t weir_table_insert_many(weir_table *table, const void *records,
                                       const uint64_t *hashes, size_t n, void **values);
/* One record. NULL: it is not there; memory ran out. */
WEIR_API void *weir_table_find(const weir_table *table, const void *record);
WEIR_API void *weir_table_insert(weir_table *table, const void *record);
/* Asks memory for what looking up these records will read first, for whoever has something else to
 * do before: of a few (up to WEIR_TABLE_ASKED) that come alone. Nothing changes by it. */
enum { WEIR_TABLE_ASKED = 8 };
WEIR_API void weir_table_ask(const weir_table *table, const void *records, const uint64_t *hashes,
                             size_t n);
/* Takes a value that the table returned, with its key, out of it. */
WEIR_API void weir_table_remove(weir_table *table, void *value);
/* Removes everything. */
WEIR_API void weir_table_clear(weir_table *table);

/* Where millions of keys come one after the other, most of the time goes into fetching what a
 * table has here and there. Then keys may be noted, 8 bytes each, to be inserted together with
 * others that lie near; until then they are not there, unless they were. Returns how many records
 * were noted: all, or fewer if memory ran out, none if keys are not one integer of 8 bytes. */
WEIR_API size_t weir_table_note(weir_table *table, const void *records, const uint64_t *hashes,
                                size_t n);
/* How many are noted. */
WEIR_API size_t weir_table_noted(const weir_table *table);
/* Inserts some, or finds them, and gives the value of each: up to WEIR_TABLE_NOTED. Goes round the
 * table, so the longer keys wait, the nearer they lie. 0: none is noted, or memory ran out. */
enum { WEIR_TABLE_NOTED = 512 };
WEIR_API size_t weir_table_insert_noted(weir_table *table, void **values);
/* Whether no key is left of those that lie near the ones that were inserted last: then none of
 * these is noted, until more are. */
WEIR_API bool weir_table_noted_ends(const weir_table *table);

/* New keys follow one another, where nothing that was removed has left room between others: so who
 * wants to come back to what was inserted need not note it. Where those that are inserted from now
 * on will begin, until something is removed; 0: they may lie anywhere. Then the value of each, up
 * to where the next one would be. */
WEIR_API uint32_t weir_table_fresh(const weir_table *table);
WEIR_API void *weir_table_fresh_value(const weir_table *table, uint32_t at);

/* Keys as they are kept: a record of the key's fields in order, laid out as a compiler lays out a
 * struct of them. Long strings in it are valid until the table is changed. */
WEIR_API const weir_type *weir_table_key_type(const weir_table *table);
WEIR_API const void *weir_table_key(const weir_table *table, const void *value);
WEIR_API uint64_t weir_table_hash(const weir_table *table, const void *value);

/* Walks over the values whose hash lies in a range (both ends in it), in no particular order. While
 * it walks, nothing may be inserted or removed: note what is to go, up to a number, and remove it
 * between two walks. */
typedef struct weir_table_walk {
    uint64_t first, last;
    /* private */
    const weir_table *table;
    size_t slice, slot;
} weir_table_walk;
WEIR_API weir_table_walk weir_table_walk_range(const weir_table *table, uint64_t first,
                                               uint64_t last);
/* The next value, NULL at the end. */
WEIR_API void *weir_table_walk_next(weir_table_walk *walk);

WEIR_END_DECLS
#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * The values of a table that has few keys, such as those of a group by a flag and a status: where
 * a key's hash is the key, a look at a small array says which value a record's key has, and the
 * table is asked for those alone that are not there. With more keys it is the table's business.
 */
#ifndef WEIR_OPERATORS_FEW_H
#define WEIR_OPERATORS_FEW_H

#include <weir/table.h>

/* Zeroed, it knows no value. */
typedef struct weir__few {
    weir_table *table;
    const weir_type *type;
    const weir_key *key;
    uint64_t seed;
    struct weir__few_seen *seen; /* made when it is first needed; NULL before */
    bool fits;                   /* hashes are keys */
} weir__few;

/* The table's records, its key of them, which lives as long as this, and its seed. */
void weir__few_init(weir__few *few, weir_table *table, const weir_type *type, const weir_key *key,
                    uint64_t seed);
void weir__few_fini(weir__few *few);
/* As weir_table_insert_many. Whoever removes a value from the table says so before. */
size_t weir__few_insert(weir__few *few, const void *records, const uint64_t *hashes, size_t n,
                        void **values);
void weir__few_forget(weir__few *few, const void *value);

#endif

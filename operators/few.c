/* SPDX-License-Identifier: Apache-2.0
 *
 * See few.h.
 */
#include "few.h"

#include <string.h>
#include <weir/memory.h>

enum { KEYS_MAX = 64, PLACES = 256, GROUP = 256 };

/* By the lowest bits of a hash, the value that was last found there. */
struct weir__few_seen {
    struct {
        uint64_t hash;
        void *value; /* NULL: none */
    } at[PLACES];
};

void weir__few_init(weir__few *few, weir_table *table, const weir_type *type, const weir_key *key,
                    uint64_t seed)
{
    *few = (weir__few){ .table = table,
                        .type = type,
                        .key = key,
                        .seed = seed,
                        .fits = weir_key_is_bijective(type, key) };
}

void weir__few_fini(weir__few *few)
{
    weir_free(few->seen, sizeof *few->seen);
    few->seen = NULL;
}

void weir__few_forget(weir__few *few, const void *value)
{
    if (!few->seen)
        return;
    size_t place = weir_table_hash(few->table, value) % PLACES;
    if (few->seen->at[place].value == value)
        few->seen->at[place].value = NULL;
}

/* Of no more than GROUP. Those that are not seen are listed without a branch, and asked for one by
 * one: of the ones that are new the first brings the value that the others find. */
static size_t insert_group(weir__few *few, const char *records, const uint64_t *hashes, size_t n,
                           void **values)
{
    struct weir__few_seen *seen = few->seen;
    uint16_t missed[GROUP];
    size_t misses = 0;
    for (size_t i = 0; i < n; i++) {
        size_t place = hashes[i] % PLACES;
        values[i] = seen->at[place].value;
        missed[misses] = (uint16_t)i;
        misses += (seen->at[place].hash != hashes[i]) | !values[i];
    }
    for (size_t k = 0; k < misses; k++) {
        size_t i = missed[k], place = hashes[i] % PLACES;
        values[i] = seen->at[place].value;
        if (values[i] && seen->at[place].hash == hashes[i])
            continue;
        if (weir_table_insert_many(few->table, records + i * few->type->size, &hashes[i], 1,
                                   &values[i]) < 1)
            return i;
        seen->at[place].hash = hashes[i];
        seen->at[place].value = values[i];
    }
    return n;
}

size_t weir__few_insert(weir__few *few, const void *records, const uint64_t *hashes, size_t n,
                        void **values)
{
    bool is_few = few->fits && weir_table_count(few->table) <= KEYS_MAX;
    if (!is_few)
        weir__few_fini(few);
    else if (!few->seen)
        few->seen = weir_alloc_zero(sizeof *few->seen);
    if (!few->seen)
        return weir_table_insert_many(few->table, records, hashes, n, values);
    for (size_t from = 0, count; from < n; from += count) {
        const char *first = (const char *)records + from * few->type->size;
        const uint64_t *own = hashes + (hashes ? from : 0);
        uint64_t room[GROUP];
        count = n - from < GROUP ? n - from : GROUP;
        if (!hashes) {
            weir_key_hash_column(few->type, few->key, first, count, few->seed, room);
            own = room;
        }
        size_t done = insert_group(few, first, own, count, values + from);
        if (done < count)
            return from + done;
    }
    return n;
}

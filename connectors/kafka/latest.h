/* SPDX-License-Identifier: Apache-2.0
 *
 * The newest outcome of each key that has changed since the last time all were taken: what a
 * throttled sink keeps. Records are copied.
 */
#ifndef WEIR_KAFKA_LATEST_H
#define WEIR_KAFKA_LATEST_H

#include "kafka/changes.h"

typedef struct weir__kafka_latest_entry {
    uint64_t hash;
    char *record; /* with its long strings behind it */
    uint32_t size;
    bool gone;
} weir__kafka_latest_entry;

typedef struct weir__kafka_latest {
    const weir_type *type;
    weir_key key;
    weir__kafka_latest_entry *entries; /* in the order in which keys changed first */
    size_t count, capacity;
    size_t *slots;                     /* index + 1 of an entry, by hash; twice the capacity */
    int64_t bytes;
} weir__kafka_latest;

/* Remembers the outcome instead of an earlier one of its key. */
void weir__kafka_latest_put(weir__kafka_latest *latest, const weir__kafka_outcome *outcome);
/* Forgets all of them. */
void weir__kafka_latest_clear(weir__kafka_latest *latest);
void weir__kafka_latest_fini(weir__kafka_latest *latest);

#endif

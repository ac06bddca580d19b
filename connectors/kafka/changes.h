/* SPDX-License-Identifier: Apache-2.0
 *
 * Changes of a collection on their way to upserts: kept by epoch until it is complete, then one
 * outcome for each key that changed. Knows nothing of messages.
 */
#ifndef WEIR_KAFKA_CHANGES_H
#define WEIR_KAFKA_CHANGES_H

#include <weir/batch.h>

/* What became of a key in an epoch. */
typedef struct weir__kafka_outcome {
    const void *record; /* the newest record; of a key that is gone, one of those that are gone */
    uint64_t hash;      /* of the key */
    uint64_t epoch;
    bool gone;
    bool ambiguous;     /* several records of this key remain: it is not unique */
} weir__kafka_outcome;

typedef struct weir__kafka_change {
    uint64_t hash;
    const void *record;
    int64_t diff;
    size_t before; /* index + 1 of the change before it of the same key, or 0 */
} weir__kafka_change;

/* Changes of one epoch, and the batches that their records lie in. */
typedef struct weir__kafka_epoch_changes {
    uint64_t epoch;
    weir__kafka_change *list;
    size_t count, capacity;
    size_t *slots; /* index + 1 of a key's last change, by hash; twice the capacity */
    weir_batch **batches;
    size_t batch_count, batch_capacity;
    size_t next; /* slots before it have been looked at */
} weir__kafka_epoch_changes;

typedef struct weir__kafka_changes {
    const weir_type *type;
    weir_key key;
    uint64_t seed;
    weir__kafka_epoch_changes *epochs; /* ascending */
    size_t count, capacity;
    uint64_t *hashes;                  /* of the batch at hand */
    size_t hash_capacity;
    weir__kafka_change *one;           /* the changes of the key at hand */
    size_t one_capacity;
    int64_t bytes;                     /* all that is kept */
} weir__kafka_changes;

/* Keeps a batch. Calls opened for each epoch that had no changes before. */
void weir__kafka_changes_add(weir__kafka_changes *changes, const weir_batch *batch,
                             void (*opened)(uint64_t epoch, void *ctx), void *ctx);
/* The first epoch that is kept; false if there is none. */
bool weir__kafka_changes_first(const weir__kafka_changes *changes, uint64_t *epoch);
/* The next outcome of the first epoch, in no order; false at its end, and then the epoch is
 * forgotten. The record is valid until the next call. */
bool weir__kafka_changes_next(weir__kafka_changes *changes, weir__kafka_outcome *outcome);
void weir__kafka_changes_fini(weir__kafka_changes *changes);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine's side of batches and builders (weir/batch.h): making, sharing and flushing them. One
 * builder belongs to one worker; the batches it makes go anywhere.
 */
#ifndef WEIR_DATA_BUILDER_H
#define WEIR_DATA_BUILDER_H

#include <weir/batch.h>
#include <weir/memory.h>

#include "data/pool.h"

/* Where a builder's full batches go; push takes the reference. */
typedef struct weir__sink weir__sink;
struct weir__sink {
    void (*push)(weir__sink *sink, weir_batch *batch);
};

enum { WEIR__TRACK_DIFFS = 1, WEIR__TRACK_TIMES = 2 };

/* Memory that strings of a builder's records are copied to: chunks from the pool, each a pin that
 * the batches using it share. */
typedef struct weir__arena {
    weir__pool *pool;
    struct weir__arena_chunk *chunk; /* being filled; the builder holds one reference */
} weir__arena;

char *weir__arena_room(weir__arena *arena, size_t len, weir_pin **pin);
void weir__arena_fini(weir__arena *arena);
/* Room for len bytes in a pin of its own; its one reference is the caller's. */
char *weir__pin_room(weir__pool *pool, size_t len, weir_pin **pin);

typedef struct weir__builder_spec {
    weir__pool *pool;
    const weir_type *type;
    uint32_t depth;
    size_t batch_bytes;
    weir__sink *sink;
} weir__builder_spec;

/* What belongs to a builder but not into the public struct. */
typedef struct weir__builder {
    weir_builder b; /* first: the public pointer is this one */
    weir__pool *pool;
    weir__arena arena;
    size_t batch_bytes;
    uint64_t inverse; /* of the record's size without its factors of 2, modulo 2^64 */
    uint32_t twos;    /* how many factors these are */
    uint32_t capacity_full, capacity_start;
    weir_pin **pins; /* what the records built so far may point into; references held */
    uint32_t pin_count, pin_capacity;
    weir_batch *follows; /* whose pins every batch made from now on keeps; a reference */
    weir_pin *kept[2];   /* which every batch made from now on keeps; references */
    uint64_t pinned;  /* bytes that these pins keep */
    bool in_bulk;     /* room was given away that is not committed yet */
    weir__buffer *hash_buffer; /* beside the records, when hashes are carried along */
    uint64_t *hashes;
} weir__builder;

void weir__builder_init(weir__builder *builder, const weir__builder_spec *spec);
/* Drops what was not flushed. */
void weir__builder_fini(weir__builder *builder);
/* Sets the time, flushing what was built for another one. tracked: columns to keep. */
void weir__builder_open(weir__builder *builder, const weir_time *time, unsigned tracked);
/* Drops what was not flushed; its columns are written anew, from the start, with a diff of 1. */
void weir__builder_rewind(weir__builder *builder);
/* Sends what there is to the sink; nothing if there is nothing. */
void weir__builder_flush(weir__builder *builder);
void weir__builder_add_pin(weir__builder *builder, weir_pin *pin);
/* Ends weir_builder_follow and weir_builder_keep for what is emitted from now on. */
void weir__builder_unfollow(weir__builder *builder);
/* The bytes there are, divided by the size of a record, of which they are a multiple. */
static inline size_t weir__builder_count(const weir__builder *builder)
{
    size_t bytes = (size_t)(builder->b.next - builder->b.begin);
    return (bytes >> builder->twos) * builder->inverse;
}
/* So many diffs; where there is no column each is 1. */
static inline void weir__diffs_copy(int64_t *to, const int64_t *from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = from ? from[i] : 1;
}
/* Appends record i of a batch with its columns; its long strings are copied to the arena, so that
 * nothing of the batch is pinned. hash is kept if the builder carries hashes (hashes: true). */
void weir__builder_append(weir__builder *builder, const weir_batch *batch, size_t i, bool hashes);
/* The same of all records of a batch without times. */
void weir__builder_append_all(weir__builder *builder, const weir_batch *batch);
/* Copies the long strings of the records from `first` on to the arena, so that nothing of the batch
 * they come from is pinned. */
void weir__builder_own_strings(weir__builder *builder, char *first);
/* Whether what its records point to is as much as a batch may pin, whatever their number: making
 * room flushes it. */
bool weir__builder_is_heavy(const weir__builder *builder);
/* Makes room for at least one more record (flushing or growing as need be). */
void weir__builder_make_room(weir__builder *builder, bool hashes);

/* A new header that shares every column and pin of a batch, at another time. */
weir_batch *weir__batch_share(const weir_batch *batch);
/* The same without the pins: for records that point to nothing. */
weir_batch *weir__batch_share_columns(const weir_batch *batch);
/* An empty header with one reference, zeroed but for type and depth. */
weir_batch *weir__batch_create(const weir_type *type, uint32_t depth);
/* From open to close the calling thread keeps some headers that it lets go of, for its next. */
void weir__batch_spare_open(void);
void weir__batch_spare_close(void);
void weir__batch_add_pin(weir_batch *batch, weir_pin *pin); /* takes over the reference */
/* The batch itself, or, if less than a quarter of what it is charged with is of any use, a copy
 * that has only that. Takes the reference. */
weir_batch *weir__batch_without_waste(weir_batch *batch, weir__pool *pool);
/* Recomputes batch->bytes from the columns and pins. */
void weir__batch_charge(weir_batch *batch);

/* Whether nobody else can see this batch or its records: then they may be changed in place. */
static inline bool weir__batch_sole(const weir_batch *batch)
{
    return __atomic_load_n(&batch->refs, __ATOMIC_ACQUIRE) == 1 && batch->record_buffer &&
           weir__buffer_sole(batch->record_buffer);
}

#endif

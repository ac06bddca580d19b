/* SPDX-License-Identifier: Apache-2.0
 *
 * Batches: what moves along a stream. An array of records of one type with one lower-bound time,
 * and optional columns. Builders: where records are emitted. A batch never changes once it is sent;
 * columns are counted separately, so that a batch that differs in one shares the others.
 */
#ifndef WEIR_BATCH_H
#define WEIR_BATCH_H

#include <weir/time.h>
#include <weir/type.h>

WEIR_BEGIN_DECLS

/* Memory that strings of records point into: an arena, a message of Kafka's. Counted; `release` is
 * called once, by whichever thread lets go last. Embed it in a struct of your own. */
typedef struct weir_pin weir_pin;
struct weir_pin {
    uint32_t refs; /* starts at 1; changed by weir_pin_retain and _release only */
    size_t bytes;  /* what it keeps alive, for the accounts */
    void (*release)(weir_pin *pin);
};
WEIR_API void weir_pin_retain(weir_pin *pin);
WEIR_API void weir_pin_release(weir_pin *pin);

struct weir__buffer;

/* Read-only for everyone who gets one. Columns that are NULL cost nothing:
 *   diffs   NULL: every record counts +1 (always so in a plain stream)
 *   times   NULL: all are at `time`; else count × depth coordinates, each time at or after `time`
 *   hashes  NULL, or the hash of each record by the key its exchange went by */
typedef struct weir_batch {
    const weir_type *type;
    size_t count;
    const void *records;
    const int64_t *diffs;
    const uint64_t *times;
    const uint64_t *hashes;
    weir_time time;
    uint32_t depth;
    /* private */
    uint32_t refs;
    uint32_t pin_count, pin_capacity;
    struct weir__buffer *record_buffer, *diff_buffer, *time_buffer, *hash_buffer;
    uint32_t mail_dataflow, mail_port; /* where it goes, while it travels */
    uint32_t mail_from, mail_to;
    weir_pin **pins;
    size_t bytes; /* what it is charged with: columns and pins */
} weir_batch;

static inline const void *weir_batch_record(const weir_batch *batch, size_t i)
{
    return (const char *)batch->records + i * batch->type->size;
}
static inline int64_t weir_batch_diff(const weir_batch *batch, size_t i)
{
    return batch->diffs ? batch->diffs[i] : 1;
}
static inline weir_time weir_batch_time(const weir_batch *batch, size_t i)
{
    if (!batch->times)
        return batch->time;
    weir_time t = { { 0, 0, 0, 0 } };
    memcpy(t.at, batch->times + i * batch->depth, batch->depth * sizeof(uint64_t));
    return t;
}

/* Keeps a batch beyond the call it was given to; strings of its records stay valid as long. Any
 * thread. weir_batch_release gives it back. */
WEIR_API weir_batch *weir_batch_retain(const weir_batch *batch);
WEIR_API void weir_batch_release(weir_batch *batch);

/* Where an operator puts its output: a column that fills up and leaves as a batch when it is full
 * or the step ends. Belongs to the engine; valid for the call it was handed to. Worker's thread. */
typedef struct weir_builder weir_builder;
struct weir_builder {
    char *next, *end; /* room for records, one after the other */
    size_t from;      /* index of the input record that what is emitted now comes from */
    int64_t diff;     /* of what is emitted now, when `tracked` */
    /* the rest is private */
    char *begin;
    const weir_type *type;
    const weir_batch *input; /* whose pins the output takes over; NULL at a node */
    const int64_t *from_diffs;  /* of what it comes from, NULL: `diff` */
    const uint64_t *from_times; /* the same of times, NULL: `at` */
    int64_t *diffs;
    uint64_t *times;
    struct weir__buffer *record_buffer, *diff_buffer, *time_buffer;
    struct weir__arena *arena;
    struct weir__sink *sink; /* where a full batch goes */
    weir_time time, at;      /* of the batch; of what is emitted now, when `tracked` */
    uint32_t depth;
    uint32_t capacity; /* records */
    uint32_t tracked;  /* columns in use: diffs 1, times 2; then `end` stays at `next` */
    bool is_plain;     /* what is emitted goes into a plain stream */
    bool is_beyond;    /* a product of weir_builder_multiply was out of range: the step fails */
};

WEIR_API void *weir__builder_next_slow(weir_builder *builder);
/* Of a record that is there n times as often as without this: weir_builder_next between
 * weir_builder_multiply and weir_builder_set_diff. NULL: it is there no times. */
WEIR_API void *weir__builder_next_n(weir_builder *builder, int64_t n);

/* Room for one record of the builder's type: zeroed it is not; fill all of it, in canonical form
 * (weir_record_canonicalize). Never NULL. The address is valid until the next call on the
 * builder. */
static inline void *weir_builder_next(weir_builder *builder, size_t size)
{
    char *room = builder->next;
    if (WEIR_LIKELY(room != builder->end)) {
        builder->next = room + size;
        return room;
    }
    return weir__builder_next_slow(builder);
}

/* n of a record, whose bytes are its canonical form. What is the same as the record just before it
 * is added to that, such as the lines of an order of which the key is left, as long as few come
 * together: a step that emits one record again and again has to end, too. */
enum { WEIR__TOGETHER_MAX = 512 };
static inline void weir__builder_put_n(weir_builder *builder, const void *record, size_t size,
                                       int64_t n)
{
    size_t i = (size_t)(builder->next - builder->begin) / size;
    bool usual = builder->tracked == 1 && builder->diff == 1 && !builder->from_diffs &&
                 !builder->is_plain && n != 0;
    int64_t sum;
    if (usual && i > 0 && memcmp(builder->next - size, record, size) == 0 &&
        !__builtin_add_overflow(builder->diffs[i - 1], n, &sum) && sum != 0 &&
        sum <= WEIR__TOGETHER_MAX && sum >= -WEIR__TOGETHER_MAX) {
        builder->diffs[i - 1] = sum;
        return;
    }
    char *room = builder->next;
    if (WEIR_LIKELY(usual && i < builder->capacity)) {
        builder->diffs[i] = n;
        builder->next = builder->end = room + size;
    } else {
        room = (char *)weir__builder_next_n(builder, n);
    }
    if (room)
        memcpy(room, record, size);
}

/* Room for many records at once: *records has room for the returned number (1 to want), to be
 * followed by weir_builder_commit with how many were written. If diffs is not NULL, *diffs has as
 * many and must be filled, too; else each has the builder's diff. Records are written in canonical
 * form (weir_record_canonicalize). For node outputs (not inside kernels of stages). */
WEIR_API size_t weir_builder_bulk(weir_builder *builder, size_t want, void **records,
                                  int64_t **diffs);
WEIR_API void weir_builder_commit(weir_builder *builder, size_t count);

/* Sets the diff of what is emitted from now on (1 at the start of every step). The port must have
 * been declared a collection. */
WEIR_API void weir_builder_set_diff(weir_builder *builder, int64_t diff);
/* What is emitted from now on is there n times as often as without this call, until
 * weir_builder_set_diff gets what it returns: the diff that it was set to before. Where the product
 * leaves the range of 64 bits, the diff is 0, and the run ends with WEIR_OVERFLOWED after the step.
 * Of a plain stream n must be 1: it is an assertion. */
WEIR_API int64_t weir_builder_multiply(weir_builder *builder, int64_t n);

/* Sets the time of what is emitted from now on, at or after the builder's own, which it is at the
 * start of every step: records of several times leave in one batch. For node outputs. */
WEIR_API void weir_builder_set_time(weir_builder *builder, const weir_time *t);
/* What is emitted from now on has diff and time of entry `from` of these columns: diffs, and as
 * many coordinates a time as the node's depth, each at or after the builder's own time. Either may
 * be NULL: as it was set; a diff that was set multiplies those of the column. Until the builder is
 * given out again, and not for bulk. For node outputs; diffs other than 1 as with
 * weir_builder_set_diff. */
WEIR_API void weir_builder_set_columns(weir_builder *builder, const int64_t *diffs,
                                       const uint64_t *times);

/* A string that lives as long as the batch: short ones inline, longer ones copied to its arena. */
WEIR_API weir_str weir_builder_str(weir_builder *builder, const char *data, size_t len);
/* Room for len bytes in the arena, for a string to be made by weir_str_view over it. */
WEIR_API char *weir_builder_room(weir_builder *builder, size_t len);
/* A copy of record i of a batch of the builder's type, its long strings too. */
WEIR_API void weir_builder_copy(weir_builder *builder, const weir_batch *batch, size_t i);
/* Strings emitted from now on may point to where the strings of this batch do, until the builder is
 * given out again. Of a node's output, in its step. */
WEIR_API void weir_builder_follow(weir_builder *builder, const weir_batch *batch);
/* The same of what this pin keeps alive: the two pins last given count. */
WEIR_API void weir_builder_keep(weir_builder *builder, weir_pin *pin);
/* The string emitted next may point into what this pin keeps alive. */
WEIR_API void weir_builder_pin(weir_builder *builder, weir_pin *pin);

WEIR_END_DECLS
#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * The inside of runs. A run is a few columns:
 *
 *     hashes      of the keys, ascending; keys of one hash in the order of their fields
 *     keys        packed key fields; absent where the hash is a bijection of the key
 *     value_at    index of the first value of each key, and the end; absent where each has one
 *     rests       packed remaining fields: one entry a value, in their order within a key
 *     update_at   index of the first update of each value, and the end; absent where each has one
 *     times       in order within a value; absent where all are `time`
 *     diffs       absent where all are `diff`
 *     heap        the bytes of long strings, which hold offsets
 *     directory   first key of each stretch of the run's own range of hashes; absent in small runs
 *
 * Nothing in them is an address.
 */
#ifndef WEIR_TRACE_RUN_H
#define WEIR_TRACE_RUN_H

#include <weir/trace.h>

#include "trace/pack.h"

struct weir_shape {
    uint32_t refs;
    bool bijective;
    const weir_type *type;
    weir_key key;
    uint64_t seed;
    weir__pack keys, rests;
};

/* Bytes that grow. */
typedef struct weir__column {
    char *data;
    size_t used, capacity;
} weir__column;

bool weir__column_grow(weir__column *column, size_t size);
/* Room for size more bytes, counted as used. NULL: no memory. */
static inline void *weir__column_add(weir__column *column, size_t size)
{
    if (WEIR_UNLIKELY(column->capacity - column->used < size) && !weir__column_grow(column, size))
        return NULL;
    char *room = column->data + column->used;
    column->used += size;
    return room;
}
void weir__column_free(weir__column *column);
/* Room for size bytes altogether, of an empty column. */
bool weir__column_reserve(weir__column *column, size_t size);
/* Gives back what is not used, if it is much. */
void weir__column_trim(weir__column *column);

struct weir_trace_run {
    uint32_t refs;
    uint32_t key_count, value_count, update_count;
    weir_shape *shape;
    uint64_t lower, upper;
    uint64_t time;
    int64_t diff;
    weir__column hashes, keys, value_at, rests, update_at, times, diffs, heap, directory;
    uint64_t base;  /* of the directory: (hash - base) >> shift is the stretch */
    uint32_t shift;
};

typedef struct weir__range {
    uint32_t at, end;
} weir__range;

static inline uint64_t weir__run_hash(const weir_trace_run *run, uint32_t key)
{
    return ((const uint64_t *)(const void *)run->hashes.data)[key];
}
static inline weir__range weir__column_range(const weir__column *column, uint32_t i)
{
    if (!column->data)
        return (weir__range){ i, i + 1 };
    const uint32_t *at = (const uint32_t *)(const void *)column->data;
    return (weir__range){ at[i], at[i + 1] };
}
static inline weir__range weir__run_values(const weir_trace_run *run, uint32_t key)
{
    return weir__column_range(&run->value_at, key);
}
static inline weir__range weir__run_updates(const weir_trace_run *run, uint32_t value)
{
    return weir__column_range(&run->update_at, value);
}
static inline uint64_t weir__run_time(const weir_trace_run *run, uint32_t update)
{
    return run->times.data ? ((const uint64_t *)(const void *)run->times.data)[update] : run->time;
}
static inline int64_t weir__run_diff(const weir_trace_run *run, uint32_t update)
{
    return run->diffs.data ? ((const int64_t *)(const void *)run->diffs.data)[update] : run->diff;
}
static inline const char *weir__run_key(const weir_trace_run *run, uint32_t key)
{
    return run->keys.data + (size_t)key * run->shape->keys.type.size;
}
static inline const char *weir__run_rest(const weir_trace_run *run, uint32_t value)
{
    return run->rests.data + (size_t)value * run->shape->rests.type.size;
}

/* Index of the first key whose hash is at or after this one. */
uint32_t weir__run_seek(const weir_trace_run *run, uint64_t hash);
/* Order of keys: by hash, then by fields. */
int weir__run_compare_keys(const weir_trace_run *a, uint32_t key_a, const weir_trace_run *b,
                           uint32_t key_b);
int weir__run_compare_values(const weir_trace_run *a, uint32_t value_a, const weir_trace_run *b,
                             uint32_t value_b);
/* Fills the key fields, or the others, of a record; its strings point into the run. */
void weir__run_get_key(const weir_trace_run *run, uint32_t key, void *record);
void weir__run_get_rest(const weir_trace_run *run, uint32_t value, void *record);

/* ---- writers: a run from sorted updates (write.c) ---- */

/* A packed key or rest, and the heap its offsets go into; heap NULL: its strings are pointers. */
typedef struct weir__packed {
    const char *at, *heap;
} weir__packed;

/* Keys and values are written when they get their first update, so that those without one leave no
 * trace. After a failure all calls do nothing, until finish. */
typedef struct weir__writer {
    weir_trace_run *run;
    uint64_t hash;
    weir__packed key, rest;
    bool key_written, rest_written, failed, diffs_vary;
    uint64_t stretch, stretches; /* of the directory, if it is made along the way */
} weir__writer;

/* What will be written at most: room is made ahead, so that writing never moves what is written. */
typedef struct weir__expected {
    uint64_t first_hash, last_hash;
    size_t keys, values, updates, heap;
    bool values_vary, updates_vary, times_vary, diffs_vary; /* whether the column may be needed */
} weir__expected;

bool weir__writer_init(weir__writer *w, weir_shape *shape);
/* Before anything is written. False: no memory; the writer is still good. */
bool weir__writer_expect(weir__writer *w, const weir__expected *expected);
void weir__writer_fini(weir__writer *w);
/* What is passed must stay valid until the next key, and the next value. */
static inline void weir__writer_key(weir__writer *w, uint64_t hash, weir__packed key)
{
    w->hash = hash;
    w->key = key;
    w->key_written = false;
    w->rest_written = false;
}
static inline void weir__writer_value(weir__writer *w, weir__packed rest)
{
    w->rest = rest;
    w->rest_written = false;
}
void weir__writer_update(weir__writer *w, uint64_t time, int64_t diff);
/* The run, or NULL if there was no update. False: memory failed, the writer's run is freed. The
 * writer is finished either way. */
bool weir__writer_finish(weir__writer *w, weir_trace_run **run);
size_t weir__run_capacity(const weir_trace_run *run);
/* Bytes written, of a run that is being made. */
size_t weir__run_used(const weir_trace_run *run);

/* ---- merges (merge.c) ---- */

enum { WEIR__MERGE_MAX = 8 };

/* A run that is merged, and what of it is left: keys, values of the key at hand, updates of the
 * value at hand. */
typedef struct weir__lane {
    weir_trace_run *run; /* borrowed from the spine */
    weir__range keys, values, updates;
} weir__lane;

/* Adjacent runs becoming one, or one being compacted. */
typedef struct weir__merge {
    uint32_t count;
    uint32_t in_key, in_value; /* bits of the lanes that have values, updates left */
    uint64_t since, moved_to;  /* times before since become moved_to */
    bool pending;
    uint64_t time;
    int64_t sum;
    weir__writer writer;
    weir__lane lanes[WEIR__MERGE_MAX];
} weir__merge;

/* Runs from the oldest to the newest. */
bool weir__merge_init(weir__merge *merge, weir_trace_run *const *runs, uint32_t count,
                      uint64_t since);
/* Works off up to *fuel updates, and takes them off it. True: all is written. */
bool weir__merge_work(weir__merge *merge, size_t *fuel);

#endif

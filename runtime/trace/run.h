/* SPDX-License-Identifier: Apache-2.0
 *
 * The inside of runs. A run is one block of memory: a head, and behind it a few columns:
 *
 *     hashes      of the keys, ascending; keys of one hash in the order of their fields
 *     keys        packed key fields; NULL where the hash is a bijection of the key
 *     rests       packed remaining fields: one entry a value, in their order within a key
 *     directory   first key of each stretch of the run's own range of hashes; NULL in small runs
 *     heap        the bytes of long strings, which hold offsets
 *     times       in lexicographic order within a value, `depth` coordinates each; NULL: all are at
 *                 the meet
 *     diffs       NULL: all are `diff`
 *     value_at    index of the first value of each key, and the end; NULL where each has one
 *     update_at   index of the first update of each value, and the end; NULL where each has one
 *
 * Nothing in them is an address.
 */
#ifndef WEIR_TRACE_RUN_H
#define WEIR_TRACE_RUN_H

#include <weir/trace.h>

#include "trace/pack.h"

struct weir_shape {
    uint32_t refs;
    uint32_t depth;
    bool bijective;
    bool has_diffs; /* diffs of updates differed, or two updates became one: builders keep diffs
                     * from the beginning (plain.h) */
    const weir_type *type;
    weir_key key;
    weir_key order; /* of values: fields of the record that are in no key */
    uint32_t descending;
    uint64_t seed;
    weir__pack keys, rests;
    struct weir__store *store; /* where large runs lie; NULL: in memory, all of them */
};

typedef struct weir__segment weir__segment;

struct weir_trace_run {
    uint32_t refs;
    uint32_t key_count, value_count, update_count;
    weir_shape *shape;
    weir__segment *segment; /* the file of the columns; NULL: they lie behind the head */
    weir_trace_run *origin; /* whose columns, and file, these are; NULL: its own */
    size_t size; /* of the block */
    uint64_t *hashes, *times;
    int64_t *diffs, diff;
    char *keys, *rests, *heap;
    uint32_t *value_at, *update_at, *directory;
    size_t heap_used;
    uint64_t base; /* of the directory: (hash - base) >> shift is the stretch */
    uint32_t shift, stretches;
    weir_time meet, join; /* of all times */
};

typedef struct weir__range {
    uint32_t at, end;
} weir__range;

static inline uint64_t weir__run_hash(const weir_trace_run *run, uint32_t key)
{
    return run->hashes[key];
}
static inline weir__range weir__run_values(const weir_trace_run *run, uint32_t key)
{
    if (!run->value_at)
        return (weir__range){ key, key + 1 };
    return (weir__range){ run->value_at[key], run->value_at[key + 1] };
}
static inline weir__range weir__run_updates(const weir_trace_run *run, uint32_t value)
{
    if (!run->update_at)
        return (weir__range){ value, value + 1 };
    return (weir__range){ run->update_at[value], run->update_at[value + 1] };
}
/* The coordinates of an update's time, as many as the shape's depth. */
static inline const uint64_t *weir__run_coords(const weir_trace_run *run, uint32_t update)
{
    return run->times ? run->times + (size_t)update * run->shape->depth : run->meet.at;
}
static inline uint64_t weir__run_epoch(const weir_trace_run *run, uint32_t update)
{
    return *weir__run_coords(run, update);
}
/* With zeros behind. */
static inline weir_time weir__run_time(const weir_trace_run *run, uint32_t update)
{
    const uint64_t *coords = weir__run_coords(run, update);
    weir_time time = { { coords[0], 0, 0, 0 } };
    for (uint32_t i = 1; i < run->shape->depth; i++)
        time.at[i] = coords[i];
    return time;
}
static inline int64_t weir__run_diff(const weir_trace_run *run, uint32_t update)
{
    return run->diffs ? run->diffs[update] : run->diff;
}
static inline const char *weir__run_key(const weir_trace_run *run, uint32_t key)
{
    return run->keys + (size_t)key * run->shape->keys.type.size;
}
static inline const char *weir__run_rest(const weir_trace_run *run, uint32_t value)
{
    return run->rests + (size_t)value * run->shape->rests.type.size;
}

/* ---- runs in files (sound.c) ---- */

/* Whether what is read next can be read, and is as it was written: a key with where its values are,
 * a value with its updates, the updates of some values, what a seek looks at, where the values of
 * all keys are. False: it must not be read, and the store has been told (segment.h), with which the
 * dataflow ends; until then it counts as not there. Merges check whole files instead. */
bool weir__segment_sound_key(const weir_trace_run *run, uint32_t key);
bool weir__segment_sound_value(const weir_trace_run *run, uint32_t value);
bool weir__segment_sound_updates(const weir_trace_run *run, weir__range values);
bool weir__segment_sound_seek(const weir_trace_run *run, uint64_t hash);
bool weir__segment_sound_keys(const weir_trace_run *run);
static inline bool weir__run_sound_key(const weir_trace_run *run, uint32_t key)
{
    return WEIR_LIKELY(!run->segment) || weir__segment_sound_key(run, key);
}
static inline bool weir__run_sound_value(const weir_trace_run *run, uint32_t value)
{
    return WEIR_LIKELY(!run->segment) || weir__segment_sound_value(run, value);
}

static inline bool weir__run_sound_updates(const weir_trace_run *run, weir__range values)
{
    return WEIR_LIKELY(!run->segment) || weir__segment_sound_updates(run, values);
}
static inline bool weir__run_sound_keys(const weir_trace_run *run)
{
    return WEIR_LIKELY(!run->segment) || weir__segment_sound_keys(run);
}
static inline bool weir__run_sound_seek(const weir_trace_run *run, uint64_t hash)
{
    return WEIR_LIKELY(!run->segment) || weir__segment_sound_seek(run, hash);
}

/* The entry of the directory for a hash; NULL: it needs none. */
static inline const uint32_t *weir__run_stretch(const weir_trace_run *run, uint64_t hash)
{
    if (!run->directory || hash < run->base || (hash - run->base) >> run->shift >= run->stretches)
        return NULL;
    return &run->directory[(hash - run->base) >> run->shift];
}

/* Index of the first key whose hash is at or after this one; of a file that is damaged there, the
 * end. */
uint32_t weir__run_seek(const weir_trace_run *run, uint64_t hash);
/* Order of keys: by hash, then by fields. */
int weir__run_compare_keys(const weir_trace_run *a, uint32_t key_a, const weir_trace_run *b,
                           uint32_t key_b);
int weir__run_compare_values(const weir_trace_run *a, uint32_t value_a, const weir_trace_run *b,
                             uint32_t value_b);
/* Fills the key fields, or the others, of a record; its strings point into the run. */
void weir__run_get_key(const weir_trace_run *run, uint32_t key, void *record);
void weir__run_get_rest(const weir_trace_run *run, uint32_t value, void *record);

/* ---- making runs (block.c, write.c) ---- */

/* What a run will hold at most. */
typedef struct weir__room {
    uint64_t first_hash, last_hash;
    size_t keys, values, updates, heap;
    bool values_vary, updates_vary, times_vary, diffs_vary; /* whether the column may be needed */
    bool waits; /* no run rather than one in memory that should lie in a file */
} weir__room;

/* An empty run whose columns have this room. NULL: no memory, or no file. */
weir_trace_run *weir__run_alloc(weir_shape *shape, const weir__room *room);
/* How far the columns of a run have been moved together. */
typedef struct weir__fit {
    uint32_t column;
    size_t moved; /* bytes of it */
} weir__fit;

/* Moves the columns of a run together, up to *bytes a call, which it takes off, and gives back what
 * is left over, if it is much. False: there is more to do, and until then nothing may be read. In a
 * file this has to be done before it is sealed (segment.h). */
bool weir__run_fit(weir_trace_run **run, weir__fit *fit, size_t *bytes);
/* A copy of a packed key or rest for the run, whose long strings go into its heap. */
void weir__run_put(weir_trace_run *run, const weir__pack *pack, char *to, const char *from,
                   const char *from_heap);

/* A packed key or rest, and the heap its offsets go into; heap NULL: its strings are pointers. */
typedef struct weir__packed {
    const char *at, *heap;
} weir__packed;

/* Of a column of a large run: the granule that gets pages next (mapped.h), and where it ends. */
enum { WEIR__FED = 7 };
typedef struct weir__fed {
    char *next, *end;
} weir__fed;

/* A run written update by update, in their final order, into room made ahead. Keys and values are
 * written when they get their first update, so that those without one leave no trace. Columns that
 * may turn out not to be needed begin when they say something, and what lies before is filled in:
 * room that nothing is written to costs no memory. */
typedef struct weir__writer {
    weir_trace_run *run;
    uint64_t hash;
    weir__packed key, rest;
    bool key_written, rest_written;
    bool values_vary, updates_vary, times_vary, diffs_vary; /* the column has begun */
    uint32_t stretch; /* the last one of the directory that is known to begin where it says */
    bool ended;
    weir__fit fit;
    bool feeds; /* the run is large */
    weir__fed fed[WEIR__FED];
} weir__writer;

bool weir__writer_init(weir__writer *w, weir_shape *shape, const weir__room *room);
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
static inline void weir__run_put_field(weir_trace_run *run, const weir__pack *pack, char *to,
                                       weir__packed from)
{
    if (pack->type.size == 8)
        memcpy(to, from.at, 8);
    else
        weir__run_put(run, pack, to, from.at, from.heap);
}

void weir__writer_begin_values(weir__writer *w);
void weir__writer_begin_updates(weir__writer *w);
void weir__writer_begin_times(weir__writer *w);
void weir__writer_begin_diffs(weir__writer *w);

/* The key that comes next has this hash. The stretch after its own begins behind it, until there is
 * another one; few stretches are empty. */
static inline void weir__writer_put_stretch(weir__writer *w, uint64_t hash, uint32_t key)
{
    weir_trace_run *run = w->run;
    if (!run->directory)
        return;
    uint32_t stretch = (uint32_t)((hash - run->base) >> run->shift);
    while (WEIR_UNLIKELY(w->stretch < stretch))
        run->directory[++w->stretch] = key;
    run->directory[w->stretch = stretch + 1] = key + 1;
}

static inline void weir__writer_put_key(weir__writer *w, uint64_t hash, weir__packed packed)
{
    weir_trace_run *run = w->run;
    const weir__pack *pack = &run->shape->keys;
    uint32_t key = run->key_count;
    weir__writer_put_stretch(w, hash, key);
    if (WEIR_UNLIKELY(!w->values_vary && run->value_count != key))
        weir__writer_begin_values(w);
    if (w->values_vary)
        run->value_at[key] = run->value_count;
    run->hashes[key] = hash;
    if (run->keys)
        weir__run_put_field(run, pack, run->keys + (size_t)key * pack->type.size, packed);
    run->key_count++;
}

static inline void weir__writer_put_rest(weir__writer *w, weir__packed packed)
{
    weir_trace_run *run = w->run;
    const weir__pack *pack = &run->shape->rests;
    uint32_t value = run->value_count;
    if (WEIR_UNLIKELY(!w->updates_vary && run->update_count != value))
        weir__writer_begin_updates(w);
    if (w->updates_vary)
        run->update_at[value] = run->update_count;
    if (run->rests)
        weir__run_put_field(run, pack, run->rests + (size_t)value * pack->type.size, packed);
    run->value_count++;
}

static inline void weir__writer_put_update(weir__writer *w, const uint64_t *coords, int64_t diff)
{
    weir_trace_run *run = w->run;
    uint32_t depth = run->shape->depth, update = run->update_count;
    bool same = true;
    if (update == 0)
        run->diff = diff;
    if (WEIR_UNLIKELY(!w->diffs_vary && diff != run->diff))
        weir__writer_begin_diffs(w);
    if (w->diffs_vary)
        run->diffs[update] = diff;
    for (uint32_t i = 0; i < depth; i++) {
        run->meet.at[i] = coords[i] < run->meet.at[i] ? coords[i] : run->meet.at[i];
        same &= coords[i] == run->meet.at[i] && (update == 0 || coords[i] == run->join.at[i]);
    }
    if (WEIR_UNLIKELY(!w->times_vary && !same))
        weir__writer_begin_times(w);
    for (uint32_t i = 0; i < depth; i++) {
        if (w->times_vary)
            run->times[(size_t)update * depth + i] = coords[i];
        run->join.at[i] = coords[i] > run->join.at[i] ? coords[i] : run->join.at[i];
    }
    run->update_count++;
}

void weir__writer_update(weir__writer *w, const uint64_t *coords, int64_t diff);
/* Puts pages that are kept where the next updates go; to be called again and again. */
void weir__writer_feed(weir__writer *w);
/* Ends the columns, then moves them together, up to *bytes a call. True: it is done. */
bool weir__writer_end(weir__writer *w, size_t *bytes);
/* The run, or NULL if there was no update: at the end. */
weir_trace_run *weir__writer_take(weir__writer *w);
/* Fills the directory of a run whose hashes are there. */
void weir__run_make_directory(weir_trace_run *run);

#endif

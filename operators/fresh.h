/* SPDX-License-Identifier: Apache-2.0
 *
 * The keys that have changed, of runs that are complete: read some at a time, so that what is known
 * of them, and what lies in other runs, is looked up together.
 */
#ifndef WEIR_OPERATORS_FRESH_H
#define WEIR_OPERATORS_FRESH_H

#include <weir/trace.h>

#include "gone.h"
#include "standing.h"
#include "window.h"

/* More values of a key are not kept. */
enum { WEIR__FRESH_VALUES = 7 };

typedef struct weir__fresh_key {
    uint32_t first, count; /* its times */
    int64_t diff;          /* of its only update */
    bool is_one;           /* it has one update */
    bool grows;            /* no update of its first value, or one alike, takes one away */
    /* where f->whole: */
    uint32_t first_value, values; /* 0: they are too many, or a sum leaves 64 bits */
} weir__fresh_key;

/* Zeroed: no runs. */
typedef struct weir__fresh {
    weir_cursor *cursor;
    const weir_type *type;
    weir__gone *gone; /* told of values that have changed; NULL: nobody is */
    const weir__standing *standing; /* tells which values are alike; NULL: none are */
    const weir__windows *windows; /* NULL: nobody asks which places have changed */
    bool whole;       /* all values of a key are kept, and what the updates of each come to */
    uint32_t count, at; /* of keys that were read, and were taken */
    weir__fresh_key keys[WEIR_CURSOR_ASK_MAX];
    uint64_t hashes[WEIR_CURSOR_ASK_MAX];
    char *records;    /* of each key the first value that has changed */
    weir_time *times;
    size_t time_count, time_capacity;
    char *values;     /* of all keys that were read, with */
    int64_t sums[WEIR_CURSOR_ASK_MAX * WEIR__FRESH_VALUES];
    uint32_t value_count;
    weir__window places[WEIR_CURSOR_ASK_MAX]; /* of each key, with windows */
} weir__fresh;

/* Takes the cursor over. */
void weir__fresh_begin(weir__fresh *f, const weir_type *type, weir_cursor *cursor);
void weir__fresh_end(weir__fresh *f);
void weir__fresh_fini(weir__fresh *f);
/* The next keys. False: there are no more. */
bool weir__fresh_read(weir__fresh *f);
static inline const void *weir__fresh_record(const weir__fresh *f, uint32_t key)
{
    return f->records + key * (size_t)f->type->size;
}
static inline const char *weir__fresh_values(const weir__fresh *f, uint32_t key)
{
    return f->values + f->keys[key].first_value * (size_t)f->type->size;
}
static inline const weir_time *weir__fresh_times(const weir__fresh *f, uint32_t key)
{
    return f->times + f->keys[key].first;
}

#endif

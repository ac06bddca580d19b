/* SPDX-License-Identifier: Apache-2.0
 *
 * The inside of cursors: several runs, and where each of them is. Going through them is in
 * cursor.c, choosing among many in choose.c,
 * looking keys up in find.c.
 */
#ifndef WEIR_TRACE_CURSOR_H
#define WEIR_TRACE_CURSOR_H

#include "trace/run.h"

/* A run, and what of it lies ahead. `values` are of the current key: none where the run has no part
 * in it. `updates` are of the current value, in lanes that show it. */
typedef struct weir__place {
    const weir_trace_run *run;
    uint32_t next, key; /* keys: the one ahead, the current one */
    weir__range values, updates;
} weir__place;

/* Whether there is a key ahead; a file that is damaged there has none. */
static inline bool weir__place_has_key(weir__place *l)
{
    if (l->next < l->run->key_count && weir__run_sound_key(l->run, l->next))
        return true;
    l->next = l->run->key_count;
    return false;
}

/* A key that was asked for, in a run that has its hash: the first one of that. */
typedef struct weir__hit {
    uint32_t run, key;
} weir__hit;

/* So many lanes are looked at one by one for the next value; more of them have a heap. */
enum { WEIR__CURSOR_FEW = 8 };

/* Keys that were asked for together: by hash, ascending, each with the runs that have it. */
typedef struct weir__asked {
    uint32_t count, at; /* the one that is found next, at the earliest */
    uint64_t hashes[WEIR_CURSOR_ASK_MAX];
    uint32_t hit_counts[WEIR_CURSOR_ASK_MAX];
    weir__hit *hits;    /* as many of each as there are runs */
    weir__range *spans; /* by run and key: where it is looked for */
} weir__asked;

struct weir_cursor {
    weir_shape *shape;
    size_t size;
    uint64_t hash;
    uint32_t count;
    uint32_t ahead;    /* lanes below this have keys ahead or take part in the current one */
    bool is_found;     /* by find: lanes below `ahead` take part in the current key, no others */
    bool is_placed;    /* ... and all lanes have the hash of what lies ahead of it */
    bool was_asked;    /* ... and the lanes are those of the hits alone */
    weir__place *key, *value; /* lanes that show the current key and value; NULL before */
    uint32_t value_at;
    weir__place *lanes;
    /* The first `waiting` are a heap of lanes with values ahead, if there are many; behind them
     * those that show the current value. */
    uint32_t *order;
    uint32_t waiting, shown;
    uint64_t looked; /* at lanes, to choose values */
    const weir_trace_run **runs;
    uint64_t *hashes; /* of the keys ahead, while placed; the greatest where there is none */
    char *record;
    weir__asked *asked; /* NULL until keys are asked for */
    size_t asked_size;
};

/* The lanes are those of all runs again. */
void weir__cursor_restore(weir_cursor *cursor);

/* To the next value of the current key, of many lanes. */
bool weir__cursor_next_of_many(weir_cursor *cursor);

static inline bool weir__place_has_value(weir__place *l)
{
    if (l->values.at < l->values.end && weir__run_sound_value(l->run, l->values.at))
        return true;
    l->values.at = l->values.end;
    return false;
}

/* One that shows the current value. */
static inline weir__place *weir__cursor_shown(const weir_cursor *c, uint32_t i)
{
    return &c->lanes[c->order[c->waiting + i]];
}

#endif

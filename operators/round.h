/* SPDX-License-Identifier: Apache-2.0
 *
 * Rounds of operators that follow the groups of an arrangement where times are in a total order:
 * one epoch at a time, when it is complete, the keys that changed at it, with what changed of each
 * and what there is of it now. What becomes of a key belongs to the operator.
 *
 *     while (!failed) {
 *         if (round.working && !work(step, s))    … weir__round_next_key(&round, NULL) …
 *             break;
 *         weir__round_end(&round, step, &changes);
 *         failed = weir__round_begin(&round, step, NULL);
 *         if (!round.working)
 *             break;
 *     }
 */
#ifndef WEIR_OPERATORS_ROUND_H
#define WEIR_OPERATORS_ROUND_H

#include <weir/observe.h>
#include <weir/operators/arrange.h>

#include "pending.h"

/* A step may look at so many values, a key takes as much as KEY of them; so many changes are read
 * at once. */
enum { WEIR__ROUND_VALUES = 64 << 10, WEIR__ROUND_KEY = 4, WEIR__ROUND_READ = 256 };

typedef struct weir__round {
    weir_trace_reader *in;
    weir__pending pending;
    weir_trace_runs *list;
    weir_metric *metric; /* counts the values of groups that were looked at */
    /* while there is one */
    bool working;
    weir_time time;
    weir_cursor *fresh; /* over what came at this time alone */
    weir_cursor *all;   /* over all */
    size_t asked;       /* keys that come next and that the cursors were asked for */
} weir__round;

/* That metric, weir_group_values_total. */
weir_metric *weir__round_metric(weir_step *step);

/* What a node describes itself with: one input of runs, one collection. */
typedef struct weir__round_spec {
    const char *kind;
    weir_arrangement *in;
    const weir_type *out;
    void *ctx;
    weir_status (*init)(weir_step *step, void *ctx, void **state, weir_error *error);
    void (*step)(weir_step *step, void *state);
    void (*fini)(void *state);
} weir__round_spec;
weir_port *weir__round_node(const weir__round_spec *spec);

weir_status weir__round_init(weir__round *r, weir_step *step, weir_arrangement *in,
                             weir_error *error);
void weir__round_fini(weir__round *r);

/* Takes what has come; if the earliest epoch that waits is complete, works on it. Otherwise what is
 * complete is asked for no more of the arrangement, nor of `own`, if there is one. NO_MEMORY. */
weir_status weir__round_begin(weir__round *r, weir_step *step, weir_trace_reader *own);
/* Goes to the next key, of `fresh`. Those that follow are looked up together, in `all` and in
 * `other`, which may be NULL: there only find may go to keys. */
bool weir__round_next_key(weir__round *r, weir_cursor *other);
/* Changes of one key, in the order of its group: copies of records, whose strings lie in runs. */
typedef struct weir__round_changes {
    char *records;
    int64_t *diffs; /* may be 0 */
    size_t count, capacity;
    bool all;    /* of the key at hand */
    size_t size; /* of a record */
    weir_account *account; /* charged with the room for them */
} weir__round_changes;
/* Reads those of the key that round.fresh has gone to, and goes on with it when called again, until
 * they are all. OVERFLOWED. */
weir_status weir__round_read(weir__round *r, weir__round_changes *changes);
void weir__round_changes_fini(weir__round_changes *changes);
static inline const void *weir__round_change(const weir__round_changes *changes, size_t i)
{
    return changes->records + i * changes->size;
}

/* All keys of the round, if there is one, have been worked on. Of changes, which may be NULL, there
 * are none any more; much room for them is given back. */
void weir__round_end(weir__round *r, weir_step *step, weir__round_changes *changes);

#endif

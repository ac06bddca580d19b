/* SPDX-License-Identifier: Apache-2.0
 *
 * One key of a reduction: its records and results are read from their traces, numbered, and given
 * to the logic of weir/history.h; the user's function says what is wanted at each time it names.
 */
#ifndef WEIR_OPERATORS_CORRECT_H
#define WEIR_OPERATORS_CORRECT_H

#include <weir/gather.h>
#include <weir/history.h>
#include <weir/operators/reduce.h>
#include <weir/trace.h>

#include "gone.h"
#include "standing.h"
#include "totals.h"
#include "window.h"

/* Copies of records, each with a number. */
typedef struct weir__numbered {
    const weir_type *type;
    char *records;
    size_t count, capacity;
} weir__numbered;

/* Strings of results, until the next key. */
typedef struct weir__block {
    struct weir__block *next;
    size_t size;
} weir__block;

typedef struct weir__correct {
    const weir_type *in, *out;
    const weir_key *key;   /* of in */
    const weir_reduce_spec *spec;
    weir_history history;
    weir_frontier later;   /* times that follow from the one at hand */
    weir_frontier of_value; /* the same, of one value */
    weir_history ahead;    /* with spec->ahead only: what is pending, looked at already */
    uint32_t credit;       /* times that may be looked at ahead */
    weir_gather *gather;
    weir__numbered values, results;
    weir__block *strings;
    char *key_record;      /* of in: the key at hand */
    char *probe;           /* of out: the same */
    const void **group;    /* the values at a time */
    size_t group_capacity;
    uint32_t *slots;       /* number of a result + 1, by its hash; built when there are many */
    size_t slot_count, slot_mask, slotted; /* as many are in use as the key at hand needs */
    weir__gone *gone;      /* with spec->first only: of groups of which not all is read */
    weir__standing *standing; /* the same: told of records that are there */
    const weir__windows *windows; /* NULL: of large groups all is read, too */
    weir__window window;          /* what has changed of the key at hand, with windows */
    weir_cursor *other;           /* with windows: a second one over the input */
    weir_history_update *updates; /* of one value */
    size_t update_count, update_capacity;
    uint64_t looked;       /* values, while not all are read */
    char *changed;         /* the first value that has changed, while has_changed */
    bool has_changed;
    bool same; /* nothing that matters has changed: pending stays what it was */
} weir__correct;

typedef struct weir__correct_spec {
    const weir_type *in;
    const weir_key *key;
    const weir_reduce_spec *reduce;
    unsigned depth;
} weir__correct_spec;

/* NO_MEMORY. `gone`, `standing`, `windows` and `other` are set by their owner. */
weir_status weir__correct_init(weir__correct *c, const weir__correct_spec *spec);
void weir__correct_fini(weir__correct *c);

/* Starts with the key of this record of the input's; then its seeds are given to c->history. */
void weir__correct_begin(weir__correct *c, const void *record);
/* With spec->first: that is the first value of the key that has changed. Only if nothing else, and
 * no time that was pending, is to be looked at. */
void weir__correct_changed(weir__correct *c, const void *record);
/* Reads what the cursors have of the key, and finds the corrections at all times not at or after
 * upper: c->history has them, and what stays pending; their values are numbers of c->results.
 * OVERFLOWED; INVALID: the function gave a record of another key. */
weir_status weir__correct_run(weir__correct *c, weir_cursor *in, weir_cursor *out,
                              const weir_frontier *upper);
/* With spec->first, of a key of which there has been nothing before: what a group of one update
 * gives. *done is false, and nothing has happened, if there is more to do. */
weir_status weir__correct_one(weir__correct *c, const void *record, int64_t diff,
                              const weir_frontier *upper, bool *done);
/* The same of a key whose values and results, as they are at its seed, are given. */
weir_status weir__correct_total(weir__correct *c, const weir__totals *totals,
                                const weir_frontier *upper, bool *done);
/* For windows, of the cursor's value. Whether it is there at `meet` and at all times after it; the
 * same, and gives it and its updates to c->history; gives a result and its updates. */
bool weir__correct_stays(weir__correct *c, weir_cursor *in, const weir_time *meet);
bool weir__correct_read_value(weir__correct *c, weir_cursor *in, const weir_time *meet);
void weir__correct_read_result(weir__correct *c, weir_cursor *out);

/* Nothing was to be corrected at a time that was pending: it pays to look ahead. */
void weir__correct_earn(weir__correct *c);
static inline const void *weir__correct_result(const weir__correct *c, uint32_t number)
{
    return c->results.records + number * (size_t)c->out->size;
}

#endif

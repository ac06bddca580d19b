/* SPDX-License-Identifier: Apache-2.0
 *
 * What has gone in large groups of an as-of join (asof_node.h): ranges of places of a side at which
 * no record is there. Whoever goes along the side passes over each by one seek. A record that
 * changes cuts its range in two, and who finds that all between two ranges has gone makes them one:
 * so what has gone is gone through once, and not at each change.
 */
#ifndef WEIR_OPERATORS_ASOF_GONE_H
#define WEIR_OPERATORS_ASOF_GONE_H

#include <weir/table.h>

#include "word.h"

enum { WEIR__ASOF_SIDES = 2 };

/* Places from one on, up to another one, which is not in it. */
typedef struct weir__asof_range {
    weir__wide from, until;
} weir__asof_range;

/* Ascending ranges, with something between any two. */
typedef struct weir__asof_ranges {
    weir__asof_range *at;
    size_t count, capacity;
} weir__asof_ranges;

/* What follows each other while a side is gone along. */
typedef struct weir__asof_stretch {
    weir__wide from, last; /* the first place of it, the last one that was met */
    size_t values;         /* that have gone; 0: none have */
    bool has_range, is_there; /* is_there: a record of the last place is */
} weir__asof_stretch;

/* Ranges of all keys of a worker, and the key that is worked on. */
typedef struct weir__asof_gone {
    weir_table *lists; /* by key: of weir__asof_ranges, one a side */
    weir_account *account;
    size_t count; /* of all ranges */
    const void *key;
    weir__asof_ranges *ranges; /* of the key; NULL: there are none */
    weir__asof_stretch stretch[WEIR__ASOF_SIDES];
} weir__asof_gone;

weir_status weir__asof_gone_init(weir__asof_gone *g, const weir_table_options *lists,
                                 weir_error *error);
void weir__asof_gone_fini(weir__asof_gone *g);

/* Between keys: all runs have so many updates. Where that is little, most of what ranges pass over
 * was merged away: they are forgotten. */
void weir__asof_gone_trim(weir__asof_gone *g, size_t updates);
/* Starts with the key of a record, which stays as it is until the end. */
void weir__asof_gone_begin(weir__asof_gone *g, const void *key);
/* Before the group is read: something has changed at a place, which is an even number. */
void weir__asof_gone_touch(weir__asof_gone *g, unsigned side, weir__wide at);

/* A record was met at a place, behind the last one that was: whether all has gone from there until
 * another place, to which to go on. */
bool weir__asof_gone_pass(weir__asof_gone *g, unsigned side, weir__wide at, weir__wide *until);
/* It was not: whether the record is there. */
void weir__asof_gone_note(weir__asof_gone *g, unsigned side, weir__wide at, bool is_there);
/* Nothing lies between the last one and this place. */
void weir__asof_gone_reach(weir__asof_gone *g, unsigned side, weir__wide at);
/* No more is read for now; behind the last one there may be anything. */
void weir__asof_gone_stop(weir__asof_gone *g, unsigned side);
/* The key is done with. */
void weir__asof_gone_end(weir__asof_gone *g);

#endif

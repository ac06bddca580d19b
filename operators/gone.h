/* SPDX-License-Identifier: Apache-2.0
 *
 * What has gone at the front of large groups, where times have no one order and no front can be
 * kept (front.h): ranges of a group's values none of which is there at any time that is still asked
 * for. Whoever reads the group passes over each by one seek. A value that changes cuts its range in
 * two, and a reader who finds that all between two ranges has gone makes them one: so what has gone
 * is gone through once, and not at each change.
 */
#ifndef WEIR_OPERATORS_GONE_H
#define WEIR_OPERATORS_GONE_H

#include <weir/table.h>
#include <weir/trace.h>

#include "front.h"

/* A record and its long strings, in one block. */
typedef struct weir__gone_bound {
    void *record; /* NULL: behind all others */
    size_t size;
} weir__gone_bound;

/* Values from one on, or behind it, up to another one, which is not in it. */
typedef struct weir__gone_range {
    weir__gone_bound from, until;
    bool behind;
} weir__gone_range;

/* Ascending ranges. */
typedef struct weir__gone_list {
    weir__gone_range *at;
    uint32_t count, capacity;
} weir__gone_list;

/* Ranges of all keys of a worker, and the key that is read. */
typedef struct weir__gone {
    weir__front_order order;
    weir_table *lists; /* by key: of weir__gone_list */
    weir_account *account;
    char *key;
    weir__gone_list *list; /* of the key at hand; NULL: it has none */
    weir__gone_list made;  /* what it will be */
    uint32_t next;         /* of `list`: the first one that was not met */
    /* values that follow each other and have gone */
    weir__gone_range open; /* its `from` is a copy, or that of a range */
    char *first;           /* the first one of them, while `from` is none */
    uint32_t values;
    bool is_open, any;     /* any: of the group something was there */
} weir__gone;

typedef struct weir__gone_spec {
    weir__front_order order; /* `wanted` does not matter */
    weir_key key;
    uint64_t seed;
    unsigned parts;
    weir_account *account;
} weir__gone_spec;

weir_status weir__gone_init(weir__gone *g, const weir__gone_spec *spec, weir_error *error);
void weir__gone_fini(weir__gone *g);

/* Starts with the key of this record. Returns whether it has ranges. */
bool weir__gone_begin(weir__gone *g, const void *key);
/* Before the group is read: this value has changed. */
void weir__gone_touch(weir__gone *g, const void *record);

/* While it is read, in its order: whether the cursor's value has gone with others; then the cursor
 * is before the first one behind them. *looked grows by the values looked at. */
bool weir__gone_pass(weir__gone *g, weir_cursor *cursor, uint64_t *looked);
/* A value that was not passed over: whether it has gone. */
void weir__gone_note(weir__gone *g, const void *record, bool has_gone);
/* The group was read up to the last value noted, which is there; or all of it. */
void weir__gone_end(weir__gone *g, bool all);

#endif

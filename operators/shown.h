/* SPDX-License-Identifier: Apache-2.0
 *
 * The record that a key of a tally has put out last, and its replacement by another one or none.
 */
#ifndef WEIR_OPERATORS_SHOWN_H
#define WEIR_OPERATORS_SHOWN_H

#include "owned.h"
#include "tally.h"

/* Zeroed: nothing is shown. The record itself lies where its owner has room for it. */
typedef struct weir__shown {
    bool is_there;
    weir__owned result;
    weir__owned gone; /* the strings of the result before, which is on its way out */
} weir__shown;

/* The changes from the record in `room` to `now` (NULL: none), which is kept there; how many. For
 * weir__tally_put_fn, which says how long strings stay. */
int weir__shown_replace(weir__shown *shown, const weir_type *type, char *room, const void *now,
                        weir__tally_changes *changes);
size_t weir__shown_bytes(const weir__shown *shown);
void weir__shown_fini(weir__shown *shown);

#endif

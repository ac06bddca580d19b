/* SPDX-License-Identifier: Apache-2.0
 *
 * One step of a join of many collections: each change of tuples that are bound in part is completed
 * by the records of an arranged collection that agree with it, as they are at its time. A change of
 * that collection makes nothing by itself.
 */
#ifndef WEIR_OPERATORS_LOOKUP_H
#define WEIR_OPERATORS_LOOKUP_H

#include <weir/operators/arrange.h>

#include "parts.h"

/* Fields of tuples that have to agree with each other. */
typedef struct weir__agree {
    uint16_t field[2];
} weir__agree;

typedef struct weir__lookup_spec {
    const char *kind;
    const weir__parts *parts;    /* of tuples */
    uint32_t part;               /* that is filled in */
    weir_key tuple_key, key;     /* of tuples, of the collection */
    const weir__agree *agrees;   /* besides; live as long as the graph */
    uint32_t agree_count;
    bool before; /* the collection as it was before the time of the change, not at it */
} weir__lookup_spec;

/* Where times have one coordinate: a node that waits until both sides are complete up to a time.
 * The key of each has the same kinds. NULL: the graph is told. */
weir_port *weir__lookup_add(weir_port *tuples, weir_port *with, const weir__lookup_spec *spec);
/* Whether a tuple agrees with itself. */
bool weir__lookup_agrees(const weir__lookup_spec *spec, const void *tuple);

#endif

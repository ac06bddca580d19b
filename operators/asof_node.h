/* SPDX-License-Identifier: Apache-2.0
 *
 * The node of asof_join where times are in a total order: of what changed of a key it finds the
 * records of the first side that this concerns, and the newest ones of the second that they had and
 * have. How records of both sides lie beside each other, which the reduce of scopes shares.
 */
#ifndef WEIR_OPERATORS_ASOF_NODE_H
#define WEIR_OPERATORS_ASOF_NODE_H

#include <weir/operators/arrange.h>
#include <weir/record.h>

#include "parts.h"
#include "word.h"

/* Where a record lies among those of its key. A record of the first side at time t is at 2 t,
 * one of the second at -2 t: between two times that there are lies a place for looking. */
#define WEIR__ASOF_PLACE_FIELDS(F) F(u8, side) F(decimal(0), at) F(flag, has_both)
WEIR_RECORD(weir__asof_place, WEIR__ASOF_PLACE_FIELDS)
enum { WEIR__ASOF_SECOND, WEIR__ASOF_FIRST };

/* Parts of the records: their key, their place, the record of either side. */
enum { WEIR__ASOF_KEY, WEIR__ASOF_PLACE, WEIR__ASOF_RECORDS };

static inline weir__wide weir__asof_first(weir__wide time) { return 2 * time; }
static inline weir__wide weir__asof_second(weir__wide time) { return -2 * time; }
static inline weir__wide weir__asof_time(const weir__asof_place *place)
{
    return place->side == WEIR__ASOF_FIRST ? place->at.unscaled / 2 : -(place->at.unscaled / 2);
}

/* Writes a record of the first side with one of the second; NULL: there is none. */
void weir__asof_pair(const weir__parts *parts, const void *first, const void *second, void *pair);

/* Pairs of an arrangement by the key, in the order of places, as a collection of such records. */
weir_port *weir__asof_add(weir_arrangement *in, const weir__parts *parts, const char *kind);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * The node that follows the first records of each key, in the order of an arrangement, where times
 * are in a total order. It reads the front of a group, not the group.
 */
#ifndef WEIR_OPERATORS_TOP_NODE_H
#define WEIR_OPERATORS_TOP_NODE_H

#include <weir/operators/arrange.h>

#include "front.h"

typedef struct weir__top_spec {
    const char *kind;
    weir_arrangement *in;    /* whose values lie in this order */
    weir__front_order order; /* of its records; `wanted` of them, at most INT64_MAX, are put out */
    const weir_type *out;
    weir_key result_key;     /* fields of out that are the key's, in order */
    /* The result that a record gives; NULL: the record. */
    void (*make)(const void *record, void *result, const void *ctx);
    const void *ctx;         /* lives as long as the graph */
} weir__top_spec;

/* At any depth: where times are not in a total order, a reduce. Everything has been checked. */
weir_port *weir__top_add(const weir__top_spec *spec);

#endif

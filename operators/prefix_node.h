/* SPDX-License-Identifier: Apache-2.0
 *
 * The sums of prefix_sum, and its node where times are in a total order: it keeps the sum of each
 * key, and goes through what lies behind the first place at which something has changed.
 */
#ifndef WEIR_OPERATORS_PREFIX_NODE_H
#define WEIR_OPERATORS_PREFIX_NODE_H

#include <weir/operators/arrange.h>

#include "exact.h"
#include "fields.h"
#include "integer.h"

typedef struct weir__prefix {
    const char *kind;
    const weir__fields *some; /* the key, then the field that orders, then the one that is summed */
    const weir_type *out;
    uint32_t key_count;
    bool is_float;
} weir__prefix;

/* Zeroed: of nothing. */
typedef struct weir__prefix_sum {
    weir__integer integer;
    weir__exact exact;
    weir__wide values; /* that are not null */
} weir__prefix_sum;

/* Of a record of `some`, so many times: a count, or one taken away. False: there is no memory. */
bool weir__prefix_add(const weir__prefix *p, weir__prefix_sum *sum, const void *record,
                      weir__wide count);
/* Writes the result of a record up to which the sum is. False: its kind does not hold it. */
bool weir__prefix_write(const weir__prefix *p, const weir__prefix_sum *sum, const void *record,
                        void *result);

/* Results of an arrangement of `some` by the key. */
weir_port *weir__prefix_add_node(weir_arrangement *in, const weir__prefix *p);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * The node of a reduction, at any depth of times. When times are complete, the keys that have
 * changed at them, or have something pending there, are gone through in a round: each is corrected
 * (correct.h), and its corrections are put out (results.h).
 */
#ifndef WEIR_OPERATORS_REDUCE_NODE_H
#define WEIR_OPERATORS_REDUCE_NODE_H

#include "arrange.h"
#include "window.h"

/* What the graph knows; shared by the workers. */
typedef struct weir__reduction {
    weir_reduce_spec spec;        /* result_key is set */
    const weir__windows *windows; /* NULL: groups are read as a whole */
    const weir_arrangement *in;
    weir__arranged *results;
    unsigned depth;
} weir__reduction;

/* Its outputs are those of results.h. */
weir_node *weir__reduce_node(const weir__reduction *what);

#endif

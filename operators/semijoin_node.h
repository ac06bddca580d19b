/* SPDX-License-Identifier: Apache-2.0
 *
 * Semijoins outside of scopes, where epochs come one after the other.
 */
#ifndef WEIR_OPERATORS_SEMIJOIN_NODE_H
#define WEIR_OPERATORS_SEMIJOIN_NODE_H

#include <weir/operators/arrange.h>

#include "fields.h"

/* The records of `with`, arranged by its key, whose key `keys` has more than 0 times. fields: those
 * of the key in what is arranged; `keys` carries the same ones and nothing else. */
weir_port *weir__semijoin_node(weir_arrangement *with, const weir__fields *fields,
                               weir_port *keys);

#endif

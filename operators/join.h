/* SPDX-License-Identifier: Apache-2.0
 *
 * What the operators that take two collections by keys check in the same words.
 */
#ifndef WEIR_OPERATORS_JOIN_INSIDE_H
#define WEIR_OPERATORS_JOIN_INSIDE_H

#include <weir/operators/join.h>

/* Finds the fields of both keys. False: a stream is missing, or the graph is told what is wrong. */
bool weir__join_keys(weir_port *const sides[2], const char *const *const names[2],
                     const char *where, weir_key keys[2]);
/* Whether the streams are of one scope, and their keys agree; else the graph is told. */
bool weir__join_check(weir_port *const sides[2], const weir_key keys[2], const char *where);

#endif

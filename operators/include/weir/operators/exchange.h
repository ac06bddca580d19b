/* SPDX-License-Identifier: Apache-2.0
 *
 * exchange: each record goes to the worker that owns the hash of its key.
 *
 *     weir_stream(order) o = weir_exchange(orders, WEIR_KEY(order, customer));
 *
 * Operators that keep state by key exchange by themselves: this is for a program's own nodes.
 */
#ifndef WEIR_OPERATORS_EXCHANGE_H
#define WEIR_OPERATORS_EXCHANGE_H

#include <weir/graph.h>
#include <weir/record.h>

#define weir_exchange(s, K)                                                                        \
    __extension__({                                                                                \
        _Static_assert(WEIR_KEY_FITS_(s, K), "weir_exchange(" #s ", " #K                           \
                                             "): the key names a record that the stream does "     \
                                             "not carry");                                         \
        __typeof__(s) weir_in_ = (s);                                                              \
        weir_in_.port = weir__exchange(weir_in_.port, WEIR_KEY_NAMES_(K));                         \
        weir_in_;                                                                                  \
    })

/* Names of key fields end with NULL; one that the record lacks sticks to the graph as an error. */
WEIR_API weir_port *weir__exchange(weir_port *in, const char *const *key);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * concat: one stream of all that flows in several.
 *
 *     weir_stream(order) all = weir_concat(web_orders, phone_orders, imported);
 *
 * Nothing is copied: records go from where they are made to where they are used. Streams of one
 * record type, in one scope, 1 to 8 of them; the result is a collection if one of them is, and has
 * no unique key.
 */
#ifndef WEIR_OPERATORS_CONCAT_H
#define WEIR_OPERATORS_CONCAT_H

#include <weir/graph.h>
#include <weir/record.h>

/* weir_port_concat, for streams: a, b, … */
#define weir_concat(...)                                                                           \
    __extension__({                                                                                \
        _Static_assert(1 WEIR_EACH_(WEIR_CONCAT_SAME_, (WEIR_FIRST_(__VA_ARGS__, 0)),              \
                                    __VA_ARGS__),                                                  \
                       "weir_concat(" #__VA_ARGS__ "): the streams carry different records");      \
        (__typeof__(WEIR_FIRST_(__VA_ARGS__, 0))){                                                 \
            .port = weir_port_concat(                                                              \
                (weir_port *const[]){ WEIR_EACH_(WEIR_CONCAT_PORT_, 0, __VA_ARGS__) },             \
                WEIR_COUNT_(__VA_ARGS__)) };                                                       \
    })
#define WEIR_CONCAT_SAME_(first, s)                                                                \
    &&WEIR_SAME_(WEIR_RECORD_OF_(first), WEIR_RECORD_OF_(s))
#define WEIR_CONCAT_PORT_(first, s) (s).port,

#endif

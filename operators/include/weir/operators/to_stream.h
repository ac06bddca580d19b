/* SPDX-License-Identifier: Apache-2.0
 *
 * to_stream: an array of records as a stream.
 *
 *     static const rate rates[] = { { 1, 107 }, { 2, 119 } };
 *     weir_stream(rate) r = weir_to_stream(g, rate, rates, 2);
 *
 * The array is copied, strings too. Its records leave at time 0, each once: every worker sends its
 * share of them, then the stream has ended. So it goes with inputs and sources of any kind.
 */
#ifndef WEIR_OPERATORS_TO_STREAM_H
#define WEIR_OPERATORS_TO_STREAM_H

#include <weir/graph.h>

WEIR_BEGIN_DECLS

/* count records that lie one after the other. Refuses, on the graph, a type that is not valid. */
WEIR_API weir_port *weir_to_stream_erased(weir_graph *graph, const weir_type *type,
                                          const void *records, size_t count);

WEIR_END_DECLS

#ifndef __cplusplus
#include <weir/record.h>

#define weir_to_stream(g, T, records, count)                                                       \
    (WEIR_CHECK_(WEIR_SAME_(__typeof__(*(records)), T) ||                                          \
                     WEIR_SAME_(__typeof__(*(records)), const T),                                  \
                 "weir_to_stream(" #g ", " #T ", " #records ", " #count                            \
                 "): the third must be an array of records " #T),                                  \
     (weir_stream(T)){ .port = weir_to_stream_erased(g, T##_type(), records, count) })
#endif

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * partition: divides a stream into several, by a function that numbers them.
 *
 *     static uint64_t severity(const event *e) { return e->severity; }
 *     WEIR_ROUTE(severity, event)
 *     …
 *     weir_stream(event) by_severity[4];
 *     weir_partition(events, severity, by_severity, 4);
 *
 * A record goes into the stream of its number modulo their count. The function is called once a
 * record. For two streams and a question there is weir_branch, which costs less.
 */
#ifndef WEIR_OPERATORS_PARTITION_H
#define WEIR_OPERATORS_PARTITION_H

#include <weir/operators/exchange.h>

WEIR_BEGIN_DECLS

/* Sets outs[0] to outs[count - 1], to NULL if the graph has failed. Refuses, on the graph, a count
 * of 0 or above 1024 and records of another layout than the function takes. */
WEIR_API void weir__partition(weir_port *in, const weir_type *type, weir_route_fn *fn,
                              weir_port **outs, unsigned count);

WEIR_END_DECLS

#ifndef __cplusplus

/* A stream is a union that begins with its port, and no larger. */
#define weir_partition(s, fn, outs, count)                                                         \
    __extension__({                                                                                \
        _Static_assert(WEIR_CARRIES_(s, weir_route_in_##fn),                                       \
                       "weir_partition(" #s ", " #fn ", " #outs ", " #count                        \
                       "): the stream does not carry the records " #fn " takes");                  \
        _Static_assert(WEIR_SAME_(__typeof__(*(outs)), weir_route_out_##fn),                       \
                       "weir_partition(" #s ", " #fn ", " #outs ", " #count                        \
                       "): the results must be streams of the records " #fn " takes");             \
        weir__partition((s).port, weir_route_type_##fn(), weir_route_kernel_##fn,                  \
                        &(outs)[0].port, count);                                                   \
    })

#endif
#endif

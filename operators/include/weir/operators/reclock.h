/* SPDX-License-Identifier: Apache-2.0
 *
 * reclock: records go on at the times of another stream, the clock. Whatever comes on the clock at
 * a time lets through, at that time, all records at or before it that have not gone yet.
 *
 *     weir_stream(reading) by_minute = weir_reclock(readings, minutes);
 *
 * Records wait on the worker where they arrive until their clock's time is complete; send the
 * clock to all workers (weir_broadcast) if they arrive on several. What no time of the clock covers
 * is dropped at the end. Records of collections keep their diffs.
 */
#ifndef WEIR_OPERATORS_RECLOCK_H
#define WEIR_OPERATORS_RECLOCK_H

#include <weir/graph.h>

WEIR_BEGIN_DECLS

/* The records of `in` at the times of `clock`, whose records do not matter. One scope. */
WEIR_API weir_port *weir_reclock_erased(weir_port *in, weir_port *clock);

WEIR_END_DECLS

#define weir_reclock(s, clock)                                                                     \
    ((__typeof__(s)){ .port = weir_reclock_erased((s).port, (clock).port) })

#endif

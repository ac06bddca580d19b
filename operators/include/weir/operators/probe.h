/* SPDX-License-Identifier: Apache-2.0
 *
 * probe: where a program looks at how far a stream has come. The queries are in weir/worker.h.
 *
 *     static weir_probe *done;                          // while building
 *     done = weir_probe(counts, "counted");
 *
 *     while (weir_probe_less_than(done, worker, &next)) // while running
 *         if (!weir_worker_step_or_park(worker, UINT64_MAX))
 *             return;                               // the run is over: it has failed
 */
#ifndef WEIR_OPERATORS_PROBE_H
#define WEIR_OPERATORS_PROBE_H

#include <weir/graph.h>
#include <weir/record.h>

/* weir_probe_add, for streams: a weir_probe *. name may be NULL. */
#define weir_probe(s, name) weir_probe_add((s).port, name)

#endif

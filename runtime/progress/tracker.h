/* SPDX-License-Identifier: Apache-2.0
 *
 * The tracker of one dataflow on one worker: counts of outstanding pointstamps, and the frontier of
 * every port where interest was declared, kept up to date. A view: it knows what this worker did
 * and what it has heard. Not for two threads at once. Sends nothing and holds nothing back by
 * itself.
 *
 * A frontier at port p: the minimal times s(t) over every pointstamp (q, t) whose count is positive
 * and every path from q to p, s being the path's summary (for q = p the identity counts as one).
 *
 *   weir__tracker_apply(t, changes);                    cheap, any number of times
 *   changed = weir__tracker_propagate(t, &count);       frontiers are right again
 *   if (weir__tracker_must_publish(t, unpublished)) …   or: nothing else to do, about to park
 */
#ifndef WEIR_PROGRESS_TRACKER_H
#define WEIR_PROGRESS_TRACKER_H

#include <weir/frontier.h>

#include "progress/changes.h"
#include "progress/reachability.h"

typedef struct weir__tracker weir__tracker;

/* The topology is borrowed until destroy. initial: the capabilities that all workers of the cluster
 * hold at the start (such a change is announced by nobody). Frontiers are right when it returns.
 * Memory throughout: weir_alloc_must. */
weir__tracker *weir__tracker_create(const weir__topology *topology, const weir__change *initial,
                                    size_t count);
void weir__tracker_destroy(weir__tracker *tracker);

/* Adds diff to the count of (port, time). Counts may be negative for a while. Frontiers move only
 * in weir__tracker_propagate: until then those of before are answered. */
void weir__tracker_update(weir__tracker *tracker, uint32_t port, const weir_time *time,
                          int64_t diff);
/* Every pair of the set, which stays as it is. */
void weir__tracker_apply(weir__tracker *tracker, const weir__changes *changes);

/* Brings the frontiers up to date and lists the ports among those with declared interest, and
 * `done`, whose frontier is another one than at the last call: ascending by weir__topology_order,
 * `done` last, each once. The list is valid until the next call. Costs nothing if nothing was
 * applied. */
const uint32_t *weir__tracker_propagate(weir__tracker *tracker, uint32_t *count);

/* The frontier of a tracked port (weir__topology_is_tracked; an assertion otherwise) as of the last
 * propagate. The address stays the same for the tracker's life. That of `done` is empty if and only
 * if nothing is outstanding anywhere in this view; else it is the least epoch that is. */
const weir_frontier *weir__tracker_frontier(const weir__tracker *tracker, uint32_t port);
static inline const weir_frontier *weir__tracker_done(const weir__tracker *tracker,
                                                      const weir__topology *topology)
{
    return weir__tracker_frontier(tracker, weir__topology_done(topology));
}

/* Whether no count differs from 0, negative ones included. */
bool weir__tracker_is_empty(const weir__tracker *tracker);

/* The rule on holding back. sum: everything this worker has applied here and not published;
 * propagated. True if some frontier at a port with interest may have to wait for it: then all of it
 * is published at once. False: it may be kept as long as there is other work, but everything is
 * published before the worker spins or parks. A few ns for a small sum. */
bool weir__tracker_must_publish(const weir__tracker *tracker, const weir__changes *sum);

/* A pointstamp whose count is not 0. */
typedef struct weir__outstanding {
    uint32_t port;
    weir_time time;
    int64_t count;
} weir__outstanding;
typedef void weir__outstanding_fn(const weir__outstanding *pointstamp, void *ctx);

/* Who holds this frontier back: every positive count whose time arrives at the port as an
 * element of its frontier. As of the last propagate. Slow: for people. */
void weir__tracker_holders(const weir__tracker *tracker, uint32_t port, weir__outstanding_fn *fn,
                           void *ctx);
/* Every pointstamp whose count is not 0, at ports that are not tracked too. */
void weir__tracker_each(const weir__tracker *tracker, weir__outstanding_fn *fn, void *ctx);
/* Bytes in use by the tracker (not the topology). */
size_t weir__tracker_bytes(const weir__tracker *tracker);

#endif

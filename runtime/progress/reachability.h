/* SPDX-License-Identifier: Apache-2.0
 *
 * The progress graph of one dataflow: ports, the summaries between them, and what follows from them
 * once and for all: that every cycle advances time, an order of the ports, which ports need to be
 * tracked. Built once a process, then immutable: shared by the trackers of all workers, any thread.
 * Owns no counts and no frontiers (tracker.h).
 *
 *   edge:      output port ──summary──▶ input port   (identity, enter, leave, feedback)
 *   internal:  input port  ──summary──▶ output port     of one node
 *   done:      a port that is always there, of depth 1; every port leads to it by its epoch
 */
#ifndef WEIR_PROGRESS_REACHABILITY_H
#define WEIR_PROGRESS_REACHABILITY_H

#include <weir/time.h>

#include "progress/changes.h"

typedef struct weir__topology weir__topology;
typedef struct weir__topology_builder weir__topology_builder;

/* What a node wants to be told about the frontier of an input. Anything but NEVER keeps the port's
 * frontier known; which of the two it is matters to the scheduler only. */
typedef enum weir__interest {
    WEIR__INTEREST_NEVER,
    WEIR__INTEREST_IF_HOLDING,
    WEIR__INTEREST_ALWAYS
} weir__interest;

typedef struct weir__port_spec {
    const char *name; /* for errors only, borrowed until the builder ends; NULL: its number */
    unsigned depth;   /* 1 to WEIR_TIME_COORDS */
    bool is_input;
    bool watched; /* its frontier is asked for whatever the interest: probes, sinks, views */
    weir__interest interest;
} weir__port_spec;

/* Memory throughout: weir_alloc_must. */
weir__topology_builder *weir__topology_builder_create(void);
void weir__topology_builder_destroy(weir__topology_builder *builder);
/* Ports are numbered from 0 in the order in which they are added. */
uint32_t weir__topology_add_port(weir__topology_builder *builder, const weir__port_spec *spec);
/* A link from an output to an input, or inside a node from an input to an output. Repeated calls
 * for one pair of ports add up: what remains is the antichain of the summaries given. The summary's
 * depth is that of `to`; it keeps at least the first coordinate. */
void weir__topology_add_edge(weir__topology_builder *builder, uint32_t from, uint32_t to,
                             const weir_summary *summary);

/* WEIR__TOPOLOGY_KEEP_ALL: no port is removed, and all are tracked (tests, and graphs looked
 * at). */
enum { WEIR__TOPOLOGY_KEEP_ALL = 1 };

/* Makes *topology from what was added; the builder can be destroyed afterwards. WEIR_INVALID,
 * naming the ports, if some cycle does not advance time: then *topology is NULL. */
WEIR_MUST_USE weir_status weir__topology_finish(const weir__topology_builder *builder,
                                                unsigned flags, weir__topology **topology,
                                                weir_error *error);
/* No tracker uses it any more. */
void weir__topology_destroy(weir__topology *topology);

/* The ports added. `done` is numbered behind them: its number is this one. */
uint32_t weir__topology_port_count(const weir__topology *topology);
static inline uint32_t weir__topology_done(const weir__topology *topology)
{
    return weir__topology_port_count(topology);
}
/* depth of each port added, for the codec of changes. `done` is in no changes. */
weir__depths weir__topology_depths(const weir__topology *topology);
/* A place from 0 to port_count - 1, each taken once, for schedulers: edges that add nothing to a
 * time lead to later places, and ports that lie on common cycles have neighbouring ones. */
uint32_t weir__topology_order(const weir__topology *topology, uint32_t port);
/* Whether the two lie on a common cycle (true for a port and itself). */
bool weir__topology_in_loop_with(const weir__topology *topology, uint32_t a, uint32_t b);
/* Whether a tracker knows the port's frontier: true for `done` and where interest was declared. */
bool weir__topology_is_tracked(const weir__topology *topology, uint32_t port);
/* Whether the port leads to one with declared interest (or is one): changes elsewhere are news to
 * nobody but `done`. */
bool weir__topology_matters(const weir__topology *topology, uint32_t port);

/* How large the tracked graph is, `done` included: for the metrics and for tests. */
typedef struct weir__topology_size {
    uint32_t ports, edges;
} weir__topology_size;
weir__topology_size weir__topology_tracked(const weir__topology *topology);

#endif

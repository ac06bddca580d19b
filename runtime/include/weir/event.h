/* SPDX-License-Identifier: Apache-2.0
 *
 * What the engine does, as records: each step of a node, each batch between nodes, changes told and
 * heard, parking, frontiers. Off until somebody reads; while off, each place costs a branch that is
 * never taken. weir/operators/events.h has them as a stream; the flight recorder (weir/flight.h)
 * keeps the coarse ones, or all, in a file.
 *
 * Events of dataflows that watch others (weir_node_spec.watches) are left out, or watching would
 * make ever more to watch.
 */
#ifndef WEIR_EVENT_H
#define WEIR_EVENT_H

#include <weir/node.h>

WEIR_BEGIN_DECLS

/* XX(NAME, text, what its fields hold). Every event has at_ns, worker, kind; those before PARK also
 * have dataflow. What is not named is 0. */
#define WEIR_EVENT_KINDS(XX)                                                              \
    XX(DATAFLOW, "dataflow", "was built on this worker; name")                            \
    XX(OPERATOR, "operator", "node: what it is; name; records, bytes: inputs, outputs")   \
    XX(EDGE, "edge", "from node to peer; port: the input there; name: how it is routed")  \
    XX(REMOVED, "removed", "the dataflow is gone from this worker")                       \
    XX(COMPLETE, "complete", "the dataflow has nothing left anywhere, as this worker knows") \
    XX(STEP, "step", "node begins a step")                                                \
    XX(STEPPED, "stepped", "node has ended it; ns: how long it took")                     \
    XX(SENT, "sent", "node's output, to an input (peer, port); to_worker; records, bytes, time") \
    XX(RECEIVED, "received", "node's input (port) from to_worker; records, bytes, time")  \
    XX(PUBLISHED, "published", "changes were told to the others; records: pairs; bytes")  \
    XX(APPLIED, "applied", "changes of others were heard; records: pairs; bytes")         \
    XX(FRONTIER, "frontier", "node's input (port): time: its first element; records: elements") \
    XX(LONG_STEP, "long-step", "node kept the worker for ns")                             \
    XX(TRACE, "trace", "node's step has changed its trace (bytes, records: updates there; port: " \
                       "runs; peer: readers; t0: runs appended so far)")               \
    XX(PARK, "park", "the worker goes to sleep")                                          \
    XX(UNPARK, "unpark", "it is awake; ns: how long it slept")                            \
    XX(LOST, "lost", "records: events that found no room in the reader")                  \
    XX(SUMMARY, "summary", "of the flight recorder only: weir/flight.h")                  \
    XX(BUSIEST, "busiest", "of the flight recorder only: weir/flight.h")

typedef enum weir_event_kind {
    WEIR_EVENT_NONE,
#define WEIR_EVENT_ENUM_(name, text, holds) WEIR_EVENT_##name,
    WEIR_EVENT_KINDS(WEIR_EVENT_ENUM_)
#undef WEIR_EVENT_ENUM_
    WEIR_EVENT_KIND_COUNT
} weir_event_kind;

/* "stepped" for WEIR_EVENT_STEPPED; "?" for what is none. */
WEIR_API const char *weir_event_kind_text(uint32_t kind);

/* A set of kinds: WEIR_EVENT_SET(STEP) | WEIR_EVENT_SET(STEPPED). 0 stands for all. */
#define WEIR_EVENT_SET(name) (1u << WEIR_EVENT_##name)

typedef struct weir_event_reader weir_event_reader;

/* For the init of a node that says .watches in its spec: events of this worker go to the reader
 * from now on, at first those that describe what is there (DATAFLOW, OPERATOR, EDGE). The node is
 * activated when there are some; PARK and UNPARK wait until something else comes, or else reading
 * them would make the next ones. At most `most` (0: 65536) wait; more are counted by LOST. The
 * worker's thread only. */
WEIR_API weir_event_reader *weir_event_reader_open(weir_step *step, uint32_t kinds, uint32_t most);
WEIR_API void weir_event_reader_close(weir_event_reader *reader);
/* The dataflows of this worker that do not watch are all complete, and nothing waits here. */
WEIR_API bool weir_event_reader_over(const weir_event_reader *reader);

WEIR_END_DECLS

#ifndef __cplusplus
#include <weir/record.h>

/* at_ns is the environment's clock, as weir_step_now_ns. A time has `depth` coordinates. */
#define WEIR_EVENT(F)                                                                              \
    F(u64, at_ns) F(u32, kind) F(u32, worker) F(u32, dataflow) F(u32, node) F(u32, port)           \
    F(u32, peer) F(u32, to_worker) F(u32, depth) F(u64, t0) F(u64, t1) F(u64, t2) F(u64, t3)       \
    F(u64, records) F(u64, bytes) F(u64, ns) F(str, name)
WEIR_RECORD(weir_event, WEIR_EVENT)

/* The oldest event that waits; false: none. Its name lives until the next call. */
WEIR_API bool weir_event_reader_take(weir_event_reader *reader, weir_event *event);
#endif
#endif

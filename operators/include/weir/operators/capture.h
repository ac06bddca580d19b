/* SPDX-License-Identifier: Apache-2.0
 *
 * capture: collects a stream in memory, records with times and diffs, for tests and small results.
 *
 *     weir_captured *seen = weir_captured_create();
 *     …
 *     weir_capture(counts, seen);                       // while building
 *     …
 *     for (size_t i = 0; i < weir_captured_count(seen, 0); i++) {
 *         weir_capture_entry e = weir_captured_at(seen, 0, i);
 *         const word_count *r = e.record;
 *     }
 *     weir_captured_destroy(seen);
 *
 * Each worker has a list of its own, in the order of arrival; those of workers in other processes
 * stay empty here. The program owns what was captured:
 * it may be read during the run, by any thread, and after the runtime is destroyed. Everything is
 * copied and kept: use it for what fits into memory.
 */
#ifndef WEIR_OPERATORS_CAPTURE_H
#define WEIR_OPERATORS_CAPTURE_H

#include <weir/frontier.h>
#include <weir/graph.h>

WEIR_BEGIN_DECLS

typedef struct weir_captured weir_captured;

/* One record of a plain stream (diff 1) or one change of a collection. */
typedef struct weir_capture_entry {
    const void *record; /* valid, with its strings, until weir_captured_destroy */
    weir_time time;
    int64_t diff;
} weir_capture_entry;

/* For one stream of one dataflow. NULL: no memory. */
WEIR_API weir_captured *weir_captured_create(void);
/* The runtime has been destroyed, the dataflow is gone, or neither was ever given the stream. */
WEIR_API void weir_captured_destroy(weir_captured *captured);

/* NULL, 0 and 0 until a stream was given to it. */
WEIR_API const weir_type *weir_captured_type(const weir_captured *captured);
WEIR_API unsigned weir_captured_workers(const weir_captured *captured);
WEIR_API unsigned weir_captured_depth(const weir_captured *captured);

/* How many entries worker `worker` has, and the i-th of them. Entries never change. */
WEIR_API size_t weir_captured_count(const weir_captured *captured, unsigned worker);
WEIR_API weir_capture_entry weir_captured_at(const weir_captured *captured, unsigned worker,
                                             size_t i);
/* What may still come, as this worker knows it: sets *frontier, which was initialised before. */
WEIR_API void weir_captured_frontier(const weir_captured *captured, unsigned worker,
                                     weir_frontier *frontier);

/* Refuses, on the graph, a weir_captured that has a stream already. name may be NULL. */
WEIR_API void weir__capture(weir_port *in, weir_captured *captured, const char *name);

/* Any stream, plain or collection. */
#define weir_capture(s, captured) weir__capture((s).port, captured, NULL)

WEIR_END_DECLS
#endif

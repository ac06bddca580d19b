/* SPDX-License-Identifier: Apache-2.0
 *
 * events: what the engine does, as a stream of weir_event (weir/event.h): steps, batches, changes,
 * frontiers, parking, and what the dataflows are made of.
 *
 *     static bool is_long(const weir_event *e)
 *     {
 *         return e->kind == WEIR_EVENT_STEPPED && e->ns > 1000000;
 *     }
 *     WEIR_FILTER(is_long, weir_event)
 *     …
 *     weir_stream(weir_event) all = weir_events(g, .kinds = WEIR_EVENT_SET(STEPPED));
 *     weir_stream(weir_event) slow = weir_filter(all, is_long);
 *
 * Each worker sends its own events: exchange them to bring them together. A dataflow with this
 * source is left out of all events, its own and those of others that watch; so put it into a
 * dataflow of its own. It follows the epoch clock, and ends when the worker's other dataflows are
 * complete.
 */
#ifndef WEIR_OPERATORS_EVENTS_H
#define WEIR_OPERATORS_EVENTS_H

#include <weir/event.h>

WEIR_BEGIN_DECLS

/* Zero means default for every field. */
struct weir_events_options {
    size_t struct_size;
    const char *name;
    uint32_t kinds;      /* WEIR_EVENT_SET(…) | …; default: all */
    uint32_t waiting_max; /* events that may wait on a worker; more are counted by LOST; 65536 */
    bool keep;           /* it does not end by itself, only with the runtime */
};

WEIR_API weir_port *weir__events_add(weir_graph *graph, const struct weir_events_options *options);

WEIR_END_DECLS

#ifndef __cplusplus
/* The options may be left out. */
#define weir_events(...)                                                                           \
    weir_events_(__VA_ARGS__, .struct_size = sizeof(struct weir_events_options))
#define weir_events_(g, ...)                                                                       \
    ((weir_stream(weir_event)){                                                                    \
        .port = weir__events_add(g, &(struct weir_events_options){ __VA_ARGS__ }) })
#endif

#endif

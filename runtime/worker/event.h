/* SPDX-License-Identifier: Apache-2.0
 *
 * Readers of events, and what event.c and reader.c share. All of it belongs to the worker's thread.
 */
#ifndef WEIR_WORKER_EVENT_H
#define WEIR_WORKER_EVENT_H

#include "worker/runtime.h"

struct weir_event_reader {
    weir_event_reader *next; /* of the worker */
    weir_worker *worker;
    weir__node_instance *node;
    uint32_t kinds, most;
    weir__event *queue; /* a ring; an event's mark is 1 + the place of its text, or 0 */
    uint32_t head, count, capacity;
    char *texts; /* emptied when the queue is */
    size_t texts_used, texts_size;
    uint64_t lost;
};

/* If the reader asked for this kind. */
void weir__reader_put(weir_event_reader *reader, const weir__event *event, const char *text);
/* To this reader, or to all of the worker if it is NULL. */
void weir__reader_put_each(weir_worker *worker, weir_event_reader *reader, weir__event *event,
                           const char *text);
void weir__reader_wake(weir_event_reader *reader);
void weir__event_describe(weir__dataflow *dataflow, weir_event_reader *reader);

#endif

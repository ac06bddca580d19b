/* SPDX-License-Identifier: Apache-2.0
 *
 * The flight recorder's file: what the workers of one process did in its last seconds, written into
 * a mapped file as it happens, so that it is there however the process ended. weir_config chooses
 * the place and how much is recorded; the program weir-inspect prints it; this reads it.
 *
 * Each worker has a ring of 8192 entries. By default an entry is made of a millisecond in which
 * something happened (SUMMARY: counters; BUSIEST: its longest step that was measured), and of what
 * is rare: dataflows and operators, steps that kept the worker for long, frontiers that had stood
 * for a millisecond or more, sleeps of a millisecond or more. WEIR_FLIGHT_ALL keeps every event of
 * weir/event.h. Beside the rings stands what each worker is doing now.
 */
#ifndef WEIR_FLIGHT_H
#define WEIR_FLIGHT_H

#include <weir/event.h>

WEIR_BEGIN_DECLS

typedef struct weir_flight weir_flight;

/* Reads a whole file. NULL: it cannot be read (IO), or is none of ours (BAD_DATA): the error says
 * whether it is of another version, cut short or damaged. The process may be alive: then it is what
 * the file was at that moment. */
WEIR_API weir_flight *weir_flight_open(const char *path, weir_error *error);
/* The same of bytes, which are copied. */
WEIR_API weir_flight *weir_flight_read(const void *data, size_t size, weir_error *error);
WEIR_API void weir_flight_close(weir_flight *flight);

typedef struct weir_flight_info {
    uint32_t pid, workers;
    int64_t started_wall_us;     /* since 1970 */
    uint64_t started_ns, end_ns; /* the events' clock: at the start; at the last sign of life */
    const char *program;
    size_t events;
    size_t damaged;              /* entries that are no longer what was written */
    bool names_full;             /* some operators have no name here: too many were built */
    bool alive;                  /* weir_flight_open: a process still has it open */
} weir_flight_info;
WEIR_API void weir_flight_get_info(const weir_flight *flight, weir_flight_info *info);

/* What a worker was doing at the end. */
typedef struct weir_flight_worker {
    uint64_t turn_ns;            /* when its last turn began */
    bool parked;
    bool in_step;                /* of this node: */
    uint32_t dataflow, node;
    uint64_t steps, sent_batches, sent_bytes, received_batches, frontiers;
} weir_flight_worker;
WEIR_API bool weir_flight_worker_at(const weir_flight *flight, uint32_t worker,
                                    weir_flight_worker *out);

/* Names; NULL if it is not known. */
WEIR_API const char *weir_flight_operator(const weir_flight *flight, uint32_t dataflow,
                                          uint32_t node);
WEIR_API const char *weir_flight_dataflow(const weir_flight *flight, uint32_t dataflow);

WEIR_END_DECLS

#ifndef __cplusplus
/* The i-th event of all workers, by time. A SUMMARY has, since the worker's one before: records:
 * steps; bytes: bytes sent; ns: its length; t0: batches sent; t1: received; t2: frontiers moved;
 * t3: turns; port: parks. A BUSIEST has node, ns, and t0: the least epoch outstanding in its
 * dataflow (UINT64_MAX: none). Names are those of weir_flight_operator. */
WEIR_API bool weir_flight_at(const weir_flight *flight, size_t i, weir_event *event);
#endif
#endif

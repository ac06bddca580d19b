/* SPDX-License-Identifier: Apache-2.0
 *
 * What a published arrangement and those that import it share. All but the description is one
 * worker's: publisher and importers are nodes of its dataflows.
 */
#ifndef WEIR_OPERATORS_PUBLISH_INSIDE_H
#define WEIR_OPERATORS_PUBLISH_INSIDE_H

#include <weir/dataflow.h>
#include <weir/operators/publish.h>

#include "arrange.h"

/* A run that came along the publisher's stream. */
typedef struct weir__came {
    uint64_t number, epoch;
} weir__came;

/* One that imports; belongs to its node. */
typedef struct weir__importer {
    struct weir__importer *next;
    weir_waker *waker;
    weir__came *came; /* that it has not taken */
    size_t count, capacity;
} weir__importer;

/* Of a worker. */
typedef struct weir__published_part {
    weir_trace *trace; /* NULL: the publisher is not there, or not any more */
    uint64_t since;    /* earlier epochs may be told wrongly */
    uint64_t upper;    /* earlier epochs are complete */
    bool complete;     /* all are */
    weir__importer *importers;
} weir__published_part;

/* In the memory of the publisher's graph. */
typedef struct weir__published {
    const char *name;
    const weir__arranged *what;
    weir_dataflow *dataflow; /* the publisher's: it is there as long as the name is */
    weir_traces *names;
    bool keep_history;
    weir__published_part *parts; /* by worker */
} weir__published;
/* What these are in the registry of names. Who finds one gets a reference to its dataflow. */
extern const weir_traces_kind weir__published_kind;

#endif

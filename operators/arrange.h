/* SPDX-License-Identifier: Apache-2.0
 *
 * The inside of arrangements, for the files that share it: what is described, and the node.
 */
#ifndef WEIR_OPERATORS_ARRANGE_INSIDE_H
#define WEIR_OPERATORS_ARRANGE_INSIDE_H

#include <weir/operators/arrange.h>

/* What one node arranges, on all workers. */
typedef struct weir__arranged {
    const weir_type *type;
    weir_arrange_spec spec;
    unsigned depth;
    weir_key unique_key;
    const char *imported; /* by this name; NULL: it is arranged here */
    weir_port *runs;      /* its stream */
    struct weir__arranged *other; /* in which keys that come are looked up; NULL: nobody said */
    weir_trace *traces[]; /* by worker: each one's is made, and ended, by that worker */
} weir__arranged;

struct weir_arrangement {
    weir_graph *graph;
    weir_port *in;   /* what is arranged, as it was when it was asked for */
    weir_port *runs; /* the stream of runs in the same scope */
    weir__arranged *what;
    weir_arrangement *next; /* of the graph */
};

/* Notes on the graph that `in` is arranged so; NULL if there are no runs. */
weir_arrangement *weir__arrangement_note(weir_port *in, weir_port *runs, weir__arranged *what);
/* Keys that come to one are looked up in the other: of several the one that was named last. */
void weir__arrangement_meets(weir_arrangement *a, weir_arrangement *other);
/* Adds the node: fills in the stream. */
void weir__arrange_node(weir_port *in, weir__arranged *what);
/* Of a node whose trace's runs others read: when it is made, at the end of each step, and before it
 * lets go of the trace. Runs that readers have not taken, if they are much, are under way. */
void weir__runs_watch(weir_trace *trace, weir_step *step);
void weir__runs_under_way(const weir_trace *trace, weir_step *step);
void weir__runs_leave(weir_trace *trace);

#endif

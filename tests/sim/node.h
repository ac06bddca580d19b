/* SPDX-License-Identifier: Apache-2.0
 *
 * What a simulated node has on one worker: for nodes.c and sources.c.
 */
#ifndef WEIR_TESTS_SIM_NODE_H
#define WEIR_TESTS_SIM_NODE_H

#include "sim.h"

/* Records for one output and time, and the right to send them. */
typedef struct sim_hold {
    unsigned output, steps;
    weir_time time;
    weir_cap cap; /* unless the node has a single one */
    uint64_t due_ns;
    item *records;
    int64_t *diffs;
    size_t count;
} sim_hold;

struct sim_node {
    struct sim_use *use;
    sim_flow *flow;
    sim_run *run;
    const sim_op *op;
    unsigned worker;
    uint64_t random;
    weir_waker *waker;
    weir_time time; /* of the record in hand, */
    int64_t diff;   /* and how often it is there */
    weir_frontier seen[2];
    bool has_seen[2];
    sim_hold *holds;
    size_t hold_count;
    weir_cap one[2];
    uint64_t asked_ns; /* when it wants to be called */
    /* a source: what is left to send, in the order of epochs */
    const sim_input *left[SIM_RECORDS];
    unsigned left_count;
    weir_cap open[8]; /* by epoch; the initial one stands for all from its epoch on */
    bool lacks_room, done;
};

void sim_source_open(sim_node *node);
void sim_send(weir_step *step, unsigned output, const weir_time *time, const item *record,
              int64_t diff);

#endif

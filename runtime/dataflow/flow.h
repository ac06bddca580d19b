/* SPDX-License-Identifier: Apache-2.0
 *
 * Flow control of one dataflow on one worker: which bytes are under way, who is charged with them,
 * when a batch goes to a file instead, and when sources wait. A part of weir__dataflow; its own
 * thread's but for what is marked.
 *
 *   under way   sent and not consumed: in queues, in mail, in the hands of a node
 *   charged     to the worker that sent it, or that read it back from a file
 *   credits     what a receiver has consumed, counted up for each pair of workers
 */
#ifndef WEIR_DATAFLOW_FLOW_H
#define WEIR_DATAFLOW_FLOW_H

#include "dataflow/spill.h"

typedef struct weir__dataflow weir__dataflow;
typedef struct weir__queue weir__queue;

/* What the workers tell each other of one dataflow. In the graph's memory: it outlives the
 * instances. Atomic. */
typedef struct weir__credits {
    uint64_t *returned; /* bytes sent by `from` that `to` was done with, counted up by `to`: at
                         * [to * stride + from], so that no two workers write to one line */
    unsigned stride;
    uint32_t *waits;    /* [worker]: is to be woken when bytes of its come back */
} weir__credits;

typedef struct weir__flow {
    weir__credits *credits;
    unsigned self, workers;
    int64_t share;      /* of the budget: what may be under way */
    int64_t total;      /* what is: never less than the truth. Read by others */
    int64_t peak;       /* the most it was. Read by others */
    int64_t *sent;      /* [to]: of total, what `to` has not returned as far as is known */
    uint64_t *seen;     /* [to]: how much of `returned` is known */
    int64_t *owed;      /* [from]: bytes done with here, not returned yet */
    bool owes, waits;
    int64_t queued;     /* bytes in the memory of queues here */
    int64_t beside;     /* that nodes here have sent by reference. Read by others */
    int64_t *withheld;  /* [from]: bytes done with, but for what was made of them by reference */
    bool withholds;
    uint64_t spilled;   /* bytes in files here. Read by others */
    uint64_t spilled_ever;
    uint64_t log_ns;    /* the last time that spilling was logged */
    weir__spill *outboxes; /* [to]: what waits for credits; NULL until there is one */
    uint32_t outbox_count; /* those that are not empty */
} weir__flow;

void weir__flow_init(weir__dataflow *dataflow);
void weir__flow_fini(weir__dataflow *dataflow);

/* Sends a batch to an input (topology port) of worker `to`: into its queue, into its mail, or to a
 * file. Takes the reference. */
void weir__flow_send(weir__dataflow *dataflow, unsigned to, uint32_t port, weir_batch *batch);
/* What came by mail goes into its queue. Takes the reference. */
void weir__flow_receive(weir__dataflow *dataflow, uint32_t port, weir_batch *batch);
/* The first batch of a queue, from memory or from its file, or NULL. */
weir_batch *weir__flow_take(weir__dataflow *dataflow, uint32_t port, weir__queue *queue);
/* Puts it back as the first. */
void weir__flow_put_back(weir__dataflow *dataflow, weir__queue *queue, weir_batch *batch);
void weir__queue_fini(weir__dataflow *dataflow, weir__queue *queue);
/* A batch was worked off: its bytes go back to who was charged. It is not released here. */
void weir__flow_consumed(weir__flow *flow, const weir_batch *batch);
/* The same by a node that has so much under way by reference: if it is much, they go back later. */
void weir__flow_referred(weir__flow *flow, const weir_batch *batch, int64_t beside);

/* The dataflow is being removed: as if a node had consumed it. The reference is taken. */
void weir__flow_discard(weir__dataflow *dataflow, uint32_t port, weir_batch *batch);
/* All that is in a queue; all that waits for credits. */
void weir__flow_discard_queue(weir__dataflow *dataflow, uint32_t port, weir__queue *queue);
void weir__flow_discard_outboxes(weir__dataflow *dataflow);

/* What is under way, to the byte when nothing moves; for any thread. */
int64_t weir__flow_in_flight(const weir__flow *flow);
/* Whether it waits for credits, and some have come that it has not seen: before it sleeps. */
bool weir__flow_has_news(const weir__flow *flow);
/* What a node has sent by reference and nobody has taken, now instead of before. */
void weir__flow_beside(weir__flow *flow, int64_t before, int64_t now);
/* Whether sources may send more. */
bool weir__flow_has_room(weir__flow *flow);
/* Before passes: what waited for credits is sent as far as these go. Whether something was. */
bool weir__flow_pump(weir__dataflow *dataflow);
/* After passes: credits are returned to their senders. */
void weir__flow_return(weir__dataflow *dataflow);
/* On the first worker of a process. What worker `from` of another process is done with goes back to
 * worker `to` of this one. What `from` of this one is done with since the last call, of what `to`
 * of another has sent: its process is to be told. */
void weir__flow_credit(weir__dataflow *dataflow, unsigned from, unsigned to, uint64_t bytes);
uint64_t weir__flow_to_tell(weir__dataflow *dataflow, unsigned from, unsigned to);
/* When nothing is active: what nobody takes out of its queue makes room in memory, and others are
 * told whether this worker waits for credits. */
void weir__flow_rest(weir__dataflow *dataflow);

#endif

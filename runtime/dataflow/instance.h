/* SPDX-License-Identifier: Apache-2.0
 *
 * What one worker makes of a described graph: nodes with state, queues, capabilities and the trees
 * of stages below their outputs. All of it belongs to the worker's thread; counters marked as such
 * are read by others.
 *
 * A turn of a dataflow is a number of passes. In a pass the active nodes run in the order of their
 * ids (edges but for feedback lead to higher ids), so that a batch crosses the whole graph; then
 * the changes of the pass are applied to the tracker, and nodes whose frontiers moved become
 * active.
 */
#ifndef WEIR_DATAFLOW_INSTANCE_H
#define WEIR_DATAFLOW_INSTANCE_H

#include <weir/observe.h>

#include "data/builder.h"
#include "dataflow/agenda.h"
#include "dataflow/description.h"
#include "dataflow/flow.h"
#include "env/env.h"

typedef struct weir__leaf weir__leaf;
typedef struct weir__cluster weir__cluster;

/* What a dataflow's instance needs of its worker. First member of struct weir_worker. */
typedef struct weir__context {
    weir_env *env;
    weir__pool *pool;
    weir_runtime *runtime;
    unsigned self, workers;         /* in the cluster */
    unsigned first, local, locals;  /* of this process: its first worker, our place, how many */
    weir__cluster *cluster;         /* NULL: there is one process only */
    uint64_t hash_seed;
    size_t batch_bytes, step_bytes; /* of a batch; of output a step may make before it is spent */
    int64_t budget_share;           /* bytes in flight that this worker may be charged with */
    const char *spill_dir;
    uint64_t tick_ns;
    uint64_t now_ns;                /* of the turn's start: cheap, for ages and rates */
    uint64_t epoch_heard;           /* the greatest epoch in any change, of any dataflow */
    uint64_t mail_mask[4];          /* workers to be woken at the end of the turn */
    weir__agenda agenda;
    struct weir__live *live;        /* what it is doing: dataflow/hooks.h */
    uint32_t hooks;                 /* atomic; 0: nobody listens */
    uint64_t slot_due_ns;           /* when the flight recorder's entry is due */
    uint64_t stood_ns;              /* a frontier that stood for so long is told of when it moves */
    struct uv_loop_s *loop;
    weir_waker *_Atomic woken;      /* wakers that other threads called, a stack */
    /* Publishes now, in mid-turn, what other workers may be waiting for. */
    void (*tell)(struct weir__context *context, weir__dataflow *dataflow);
    /* The same of these changes, when nothing is unpublished and the turn is about to end: others
     * are woken then. False: not now. */
    bool (*publish)(struct weir__context *context, weir__dataflow *dataflow,
                    weir__changes *changes);
    weir_error *const *wrong;       /* *wrong: what is wrong with the state directory, by whichever
                                     * thread was told; NULL: there is none */
    bool failed;
    weir_error error;
} weir__context;

/* Whether a worker (of the cluster) is one of this process. */
static inline bool weir__context_is_local(const weir__context *context, unsigned worker)
{
    return worker - context->first < context->locals;
}

/* to: its place in this process. */
static inline void weir__context_notify(weir__context *context, unsigned to)
{
    context->mail_mask[to >> 6] |= 1ull << (to & 63);
}

/* Time is measured for the first calls of a node or stage, then for one in so many, which stands
 * for the others: a clock costs as much as a small step. Returns how many calls this one stands
 * for, 0 if it is not measured. */
static inline uint64_t weir__timed_calls(uint64_t calls)
{
    enum { FIRST = 64, ONE_IN = 64 };
    return calls < FIRST ? 1 : calls % ONE_IN == 0 ? ONE_IN : 0;
}

/* Counters that other threads read. */
typedef struct weir__stage_counts {
    uint64_t records_in, batches_in, records_out, time_ns;
} weir__stage_counts;

typedef struct weir__stage_instance weir__stage_instance;
/* The instance of a point: what hangs from it. */
typedef struct weir__point_instance {
    weir__stage_instance **stages;
    weir__leaf **leaves;
    uint32_t stage_count, leaf_count;
} weir__point_instance;

struct weir__stage_instance {
    weir__sink sink; /* first: a flat_map's builder sends here */
    const weir__stage *stage;
    weir__dataflow *dataflow;
    weir__context *context;
    void *worker_ctx;
    bool started; /* init has made worker_ctx */
    weir__builder builder; /* flat_map only */
    weir__point_instance point;
    weir__stage_counts counts;
    bool timed;        /* this batch is */
    uint64_t below_ns; /* of it, what the stages below took */
};

/* An edge on the sending side. */
struct weir__leaf {
    const weir__edge *edge;
    weir__dataflow *dataflow;
    weir_batch *held;        /* a small batch that waits for company until the step ends */
    unsigned held_for;       /* the worker that it goes to */
    weir__builder *builders; /* one a worker (exchange), or one (coalescing small local batches) */
    struct weir__leaf_target *targets;
    weir__leaf *dirty_next;  /* in the list of leaves to be flushed when the step ends */
    bool dirty, exchanges, carries_hashes;
    uint64_t *hash_scratch;
    size_t hash_capacity;
    struct weir__combiner *combiner; /* NULL unless the input combines */
};

/* The sink of one target worker's builder. */
struct weir__leaf_target {
    weir__sink sink; /* first */
    weir__leaf *leaf;
    unsigned worker;
};

typedef struct weir__output_instance {
    weir__sink sink; /* first: the root builder sends here */
    struct weir__node_instance *node;
    weir__builder builder;
    weir__point_instance point;
    uint32_t topology_port;
    bool open; /* the builder may hold records */
} weir__output_instance;

/* Batches that wait at an input: a ring, and behind it what is in a file (flow.c). */
struct weir__queue {
    weir_batch **ring;
    uint32_t head, count, capacity;
    weir__spill *spill; /* NULL until it is needed */
    /* read by other threads; files count those of this worker that feed this input of any */
    uint64_t batches_waiting, bytes_waiting, spilled_waiting, spilled_ever;
};

typedef struct weir__held_cap {
    weir_time time;
    uint32_t output;
    bool held;
    uint64_t since_ns;
} weir__held_cap;

struct weir_waker {
    weir_waker *next; /* in the worker's stack */
    uint32_t called;  /* 1 while it lies there */
    weir__context *context;
    struct weir__node_instance *node;
};

typedef struct weir__node_instance weir__node_instance;

/* A trace that the node shows, and what was last told of it. */
typedef struct weir__step_trace {
    struct weir__step_trace *next;
    const struct weir_trace *trace;
    uint64_t updates, runs, appended, readers;
} weir__step_trace;

/* A node on one worker; during its step it is the weir_step. What every call touches lies in the
 * first two lines of the cache: where there are very many nodes, that is what a call costs.
 */
struct weir_step {
    const weir_node *node;
    weir__dataflow *dataflow;
    weir__context *context;
    void *state;
    void (*run)(weir_step *step, void *state); /* the node's */
    weir__queue *queues;
    weir__output_instance *outputs;
    uint64_t place;      /* (dataflow + 1) << 32 | node */
    /* written by each call */
    weir_batch *current; /* being consumed */
    weir__leaf *dirty;
    size_t step_bytes_left;
    size_t read_bytes; /* back from files, in this step */
    uint64_t steps;
    uint64_t next_timed; /* the step, by its number, that is measured next */
    uint64_t frontier_moved_ns;
    bool again, when_idle;  /* to be called again, or when there is nothing else to do */
    bool stepping, is_idle; /* it is called; since there is nothing else */
    bool opened;         /* one of its outputs may hold records */
    bool ending;         /* a source asked to end: one more step, then its capabilities go */
    bool waits_for_room; /* a source that follows the epoch clock */
    bool finished;
    /* the rest */
    uint32_t current_input;
    bool made, epoch_dirty;
    bool is_slow; /* the last step measured was so long that measuring each costs nothing */
    weir__held_cap *caps;
    uint32_t cap_count, cap_capacity, cap_free_count, caps_held;
    uint32_t cap_last; /* the one that was last sent by */
    uint32_t *cap_free;
    int64_t beside;    /* bytes that it has sent by reference */
    uint64_t due_ns; /* UINT64_MAX: none; place in the dataflow's timers */
    uint64_t epoch, epoch_opened_ns; /* of sources that follow the epoch clock */
    weir_waker waker;
    weir_account account;
    uint64_t step_ns, records_in, batches_in, records_out, batches_out;
    uint64_t bytes_in, bytes_out;
    uint64_t longest_ns, long_steps, held_told_us;
    weir__step_trace *traces;
};
struct weir__node_instance {
    _Alignas(64) struct weir_step step;
};

struct weir__dataflow {
    weir_graph *graph;
    weir_dataflow *shared; /* with the other workers */
    weir__context *context;
    weir__dataflow *next, **at; /* in the worker's list */
    weir__region memory; /* of what is made with it and has a fixed size */
    weir__tracker *tracker;
    const weir_frontier *done;
    weir__node_instance *nodes;
    uint64_t *active; /* bitmap of node ids */
    uint32_t active_words, active_count;
    uint64_t *idle; /* those that are called when there is nothing else to do */
    uint32_t idle_count, idle_next;
    weir__changes pass, unpublished;
    bool touched;     /* the tracker got updates since the last propagate */
    uint8_t asked_lately; /* how often passes have moved frontiers that made nodes run */
    bool told_first;      /* changes of this turn were published before they were applied here */
    bool complete;
    bool started;     /* its nodes are made */
    bool told;     /* the others of the process, that it is complete here */
    /* It is being removed: what arrives is consumed, and freed. That, and what its nodes held, is
     * in `thrown` and nobody is told, until no worker of the cluster steps it any more: then it
     * drops. */
    bool discards, drops;
    weir__changes thrown;
    uint32_t *clocked; /* ids of nodes that follow the clock */
    uint32_t clocked_count;
    const weir_frontier **settling; /* frontiers of the ports where epochs settle */
    uint32_t settling_count;
    bool unhurried;                 /* nothing that settles is in a hurry: epochs last a tick */
    uint32_t waiting_count; /* sources that wait for room */
    uint64_t next_due_ns;
    uint64_t epoch_heard; /* the greatest epoch in any of its changes: what idle sources follow */
    weir__agenda_item item;
    weir__flow flow;
    struct weir__dataflow **peers; /* the instances on the workers of the process, by place */
    /* on the first of these: of flow's `returned`, what senders in other processes were told */
    uint64_t *credits_told;
    /* there, too: changes that each process is to be told; what went to workers of others, and
     * what they charge themselves with for what they sent, by pair [from * workers + to] */
    struct weir__sum *sums;
    uint64_t *sent_away, *charged;
    weir_metric *metrics;          /* of its nodes */
};

/* ---- dataflow.c ---- */
weir__dataflow *weir__dataflow_create(weir_graph *graph, weir__context *context);
/* Runs every node's init. */
weir_status weir__dataflow_start(weir__dataflow *dataflow, weir_error *error);
void weir__dataflow_destroy(weir__dataflow *dataflow);
/* Frees the node's state. */
void weir__node_end(weir_step *step);
/* One turn: passes until it rests or the deadline (context's now + slice). True if something
 * ran. */
bool weir__dataflow_turn(weir__dataflow *dataflow, uint64_t slice_ns);
/* Gives it a turn soon. */
static inline void weir__dataflow_ready(weir__dataflow *dataflow)
{
    weir__agenda *agenda = &dataflow->context->agenda;
    if (dataflow->item.is_ready)
        return;
    dataflow->item.is_ready = true;
    dataflow->item.next_ready = NULL;
    *agenda->ready_end = dataflow;
    agenda->ready_end = &dataflow->item.next_ready;
}
/* After a turn: when it must have another. */
void weir__dataflow_rest(weir__dataflow *dataflow);
static inline void weir__node_activate(weir__node_instance *node)
{
    uint32_t id = node->step.node->id;
    uint64_t bit = 1ull << (id & 63);
    uint64_t *word = &node->step.dataflow->active[id >> 6];
    if (!(*word & bit)) {
        *word |= bit;
        node->step.dataflow->active_count++;
        weir__dataflow_ready(node->step.dataflow);
    }
}
/* It is called when there is nothing else to do. */
void weir__node_wait_for_idle(weir__node_instance *node);
/* The next one of these becomes active. */
void weir__node_activate_idle(weir__dataflow *dataflow);
/* Adds a change of this worker: applied at the end of the pass. */
static inline void weir__dataflow_change(weir__dataflow *dataflow, uint32_t port,
                                         const weir_time *time, int64_t diff)
{
    weir__changes_add(&dataflow->pass, port, time, diff);
}
/* Applies what other workers sent. */
weir_status weir__dataflow_receive(weir__dataflow *dataflow, const void *data, size_t size,
                                   weir_error *error);
void weir__dataflow_fail(weir__dataflow *dataflow, const char *name, weir_status status,
                         const char *text);
/* What a user's function has said by weir_fail on this thread, since that was last asked. */
typedef struct weir__failure {
    bool is_set;
    bool allowed; /* a worker is at work on this thread */
    weir_status status;
    char text[480];
} weir__failure;
extern _Thread_local __attribute__((tls_model("initial-exec"))) weir__failure
    weir__failed_by_user;
/* Ends the run with it, in the operator of this name. False: it has said nothing. */
static inline bool weir__dataflow_failed_by_user(weir__dataflow *dataflow, const char *name)
{
    weir__failure *failure = &weir__failed_by_user;
    if (WEIR_LIKELY(!failure->is_set))
        return false;
    failure->is_set = false;
    weir__dataflow_fail(dataflow, name, failure->status, failure->text);
    return true;
}
/* Ends a source: its capabilities go, it is not called again. */
void weir__node_finish(weir__node_instance *node);
/* The node ends: its epoch is closed if something was sent in it. True: its capabilities stay until
 * that is published. */
bool weir__clock_leave(weir_step *step);
/* Applies the changes of the pass to this worker's tracker and to what is to be published. */
void weir__dataflow_apply(weir__dataflow *dataflow);
/* The context of the worker whose thread this is, or NULL. */
extern _Thread_local weir__context *weir__current_context;
/* Activates the nodes whose wakers other threads called. */
void weir__wakers_take(weir__context *context);

/* ---- removal.c: the end of a dataflow that may still have things under way ---- */
/* Ends all nodes: their states go, their capabilities are void, what waits at them is consumed. Its
 * frontiers stay before all of that until weir__dataflow_drop. */
void weir__dataflow_discard(weir__dataflow *dataflow);
/* All workers of the cluster have discarded theirs. */
void weir__dataflow_drop(weir__dataflow *dataflow);
/* What arrives afterwards. */
void weir__dataflow_discard_batch(weir__dataflow *dataflow, uint32_t port, weir_batch *batch);
/* Whether nothing is left of it anywhere, and everybody has been told so. */
bool weir__dataflow_is_spent(const weir__dataflow *dataflow);

/* ---- step.c: one call of a node's function ---- */
void weir__node_step(weir__node_instance *node);
void weir__node_drop_caps(weir__node_instance *node);
void weir__node_consume_current(weir_step *step);
/* A planted mistake (base/planted.h): flushes what steps have left. */
void weir__planted_flush(weir__dataflow *dataflow);
weir_cap weir__cap_add(weir_step *step, uint32_t output, const weir_time *time);

/* ---- output.c: the tree below an output ---- */
void weir__output_init(weir__output_instance *output, weir__node_instance *node, unsigned o);
void weir__output_fini(weir__output_instance *output);
/* What is wrong where a builder `is_beyond`: text. name is that of the operator. */
const char *weir__beyond(const char *name, char *text, size_t size);
void weir__point_push(weir__point_instance *point, weir_batch *batch);
void weir__point_init(weir__point_instance *instance, const weir__point *point,
                      weir__dataflow *dataflow);
void weir__point_fini(weir__point_instance *instance);
/* On the worker's thread: makes the contexts of stages. The name of a stage that has none, or
 * NULL. */
const char *weir__point_start(weir__point_instance *point);

/* ---- leaf.c: edges on the sending side ---- */
/* In the dataflow's memory. */
weir__leaf *weir__leaf_create(const weir__edge *edge, weir__dataflow *dataflow);
void weir__leaf_fini(weir__leaf *leaf);
/* Takes the reference. */
void weir__leaf_push(weir__leaf *leaf, weir_batch *batch);
void weir__leaf_flush(weir__leaf *leaf);

/* ---- worker/cluster.c: the way to other processes ---- */
/* A batch for a worker of another process, by the process's first worker; takes the reference. */
void weir__cluster_send(weir__cluster *cluster, weir_batch *batch);
/* Something of what workers of other processes have sent is consumed here. Any worker's thread. */
void weir__cluster_owe(weir__cluster *cluster, weir__dataflow *dataflow);

/* ---- clock.c: epochs of sources ---- */
/* Moves sources on where epochs may be closed; returns whether it changed something. */
bool weir__clock_turn(weir__dataflow *dataflow);
/* When the clock must look again at the latest. */
uint64_t weir__clock_due_ns(const weir__dataflow *dataflow);

#endif

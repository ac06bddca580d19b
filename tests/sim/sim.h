/* SPDX-License-Identifier: Apache-2.0
 *
 * The simulator: a cluster of workers, of one process or several, in one thread. A plan (plan.c) is
 * drawn from a seed: a graph, its input, what may go wrong. Each process has a world (world.c), the
 * environment of its workers: clocks that run apart, channels that are late, sleep. A run (run.c)
 * steps the library's own workers in it, in an order drawn from the seed, while the oracle
 * (oracle.c) looks at everything there is.
 */
#ifndef WEIR_TESTS_SIM_H
#define WEIR_TESTS_SIM_H

#include <stdio.h>

#include <weir/dataflow.h>
#include <weir/node.h>
#include <weir/operators/capture.h>
#include <weir/operators/input.h>
#include <weir/operators/iterate.h>
#include <weir/record.h>
#include <weir/sequencer.h>
#include <weir/view.h>
#include <weir/worker.h>

#include "support.h"

#define ITEM(F) F(u64, key) F(u64, value) F(u64, hops)
WEIR_RECORD(item, ITEM)

enum { SIM_PROCESSES = 3, SIM_WORKERS = 9, SIM_OPS = 64, SIM_STREAMS = 96, SIM_RECORDS = 96 };
enum { SIM_MORE = 12 }; /* operators beyond those (plan_more.c) */
enum { SIM_SCOPES = 16 };
enum { SIM_ALONE = 200 }; /* plans of seeds up to this have one process */
enum { SIM_PLAIN = 300 }; /* of those above this, every other one is of collections */
enum { SIM_NONE = 255, SIM_CONNECT_MS = 1000 };

/* ---- plan.c: what is run ---- */

typedef enum sim_kind {
    SIM_MANUAL,   /* a source that holds several epochs open */
    SIM_CLOCKED,  /* a source that follows the epoch clock */
    SIM_MAP,      /* stages */
    SIM_FILTER,
    SIM_FLAT_MAP,
    SIM_ENTER,    /* edges */
    SIM_LEAVE,
    SIM_CONCAT,
    SIM_ROUTE,
    SIM_FEEDBACK, /* the stream it is closed by is input 0 */
    SIM_RELAY,    /* nodes; all may keep what they send for a while, by a capability */
    SIM_DELAY,    /* sends at a later time */
    SIM_SPLIT,    /* two outputs */
    SIM_PAIR,     /* two inputs, two outputs, a summary of its own for each of the four ways */
    SIM_TURN,     /* a record goes round again, or leaves the loop */
    SIM_GATHER,   /* sums by key, when a time is complete */
    SIM_SINK,
    SIM_FORM,     /* of collections: an operator of the library (forms.h) */
    SIM_VARIABLE, /* of a scope: input 0 is what it is set to, input 1 its start, if it has one */
    SIM_PUBLISH,  /* an arrangement under a name */
    SIM_IMPORT    /* the same in another dataflow */
} sim_kind;
enum { SIM_INPUTS = 3 };

/* How a collection comes into a scope. */
typedef enum sim_way { SIM_AT_FIRST, SIM_AT_HOPS, SIM_ARRANGED } sim_way;

/* When a node sends what it made. */
typedef enum sim_patience { SIM_AT_ONCE, SIM_STEPS, SIM_TIMER, SIM_FRONTIER } sim_patience;

typedef struct sim_op {
    sim_kind kind;
    unsigned scope;
    unsigned inputs, outputs;
    unsigned in[SIM_INPUTS], out[2]; /* streams */
    weir_route route[SIM_INPUTS];
    uint32_t key[SIM_INPUTS]; /* the field of the route */
    weir_interest interest[SIM_INPUTS];
    sim_patience patience;
    bool one_cap;           /* a single capability an output, moved on; depth 1 only */
    bool settles;
    uint64_t a, b;
    uint8_t add[2][2];      /* by input and output: what is added to the last coordinate; NONE */
    /* of collections */
    const struct sim_form *form;
    sim_way way;
    unsigned limit;         /* of a VARIABLE; 0: until nothing changes */
    bool keeps_history;     /* of a PUBLISH; then an IMPORT begins at .a */
    bool begins_late;       /* of an IMPORT: it begins at .a although nothing keeps that */
    bool by_handle;         /* of a MANUAL source: records come from outside the graph (feeds.c) */
} sim_op;

typedef struct sim_stream {
    unsigned op, output, scope;
    bool collection, used, probed;
    bool in_loop;
    bool plain;    /* in a plan of collections, not declared to be one */
    bool negative; /* its counts may be below 0 */
} sim_stream;

typedef struct sim_scope {
    unsigned parent, depth;
} sim_scope;

typedef struct sim_input {
    unsigned op, worker;
    uint64_t epoch;
    item record;
    int64_t diff;
} sim_input;

typedef enum sim_ending {
    SIM_COMPLETES,
    SIM_IS_STOPPED,
    SIM_IS_CANCELLED,
    SIM_FAILS,
    SIM_CRASHES, /* a process is not stepped any more; its streams are cut */
    SIM_FREEZES  /* or they are not */
} sim_ending;

/* What a plan is drawn from; 0: as the seed has it. Smaller ones make a smaller run. */
typedef struct sim_limits {
    uint64_t seed, schedule; /* schedule: another order of events for the same plan */
    unsigned processes, workers, flows, nodes, records;
    uint64_t steps;          /* after so many nothing is late any more, and nobody stalls */
} sim_limits;

typedef struct sim_plan {
    sim_limits limits;
    uint64_t seed;
    unsigned processes, workers; /* workers: of each process */
    bool clocked;
    bool collections;        /* the operators of collections, compared with scratch.c */
    bool publishes;
    size_t batch_bytes, budget_bytes, log_bytes; /* log_bytes: of a chunk of a log */
    size_t segment_bytes;    /* from which on a run lies in a file; 0: none does */
    unsigned spin_us;
    bool delays;             /* channels are late */
    bool stalls, spurious;   /* workers stop for a while, or wake up for nothing */
    sim_ending ending;
    uint64_t ends_at;        /* the step */
    unsigned victim;         /* the process to which it happens */
    bool ends_early;         /* while processes are still looking for each other */
    unsigned flow_count;     /* dataflows */
    uint64_t added_at, removed_at; /* steps: this one is added, and removed; 0: it is not */
    unsigned adder, remover; /* the processes that ask for it */
    unsigned entry_count;    /* of a sequencer, pushed by all processes in turn */
    unsigned node_count;     /* that were drawn one by one */
    unsigned op_count, stream_count, scope_count, input_count;
    sim_op ops[SIM_OPS + SIM_MORE];
    sim_stream streams[SIM_STREAMS + SIM_MORE];
    sim_scope scopes[SIM_SCOPES];
    sim_input input[SIM_RECORDS];
} sim_plan;

void sim_plan_draw(sim_plan *plan, const sim_limits *limits);
/* Another dataflow of the same run. */
void sim_plan_draw_more(sim_plan *plan, const sim_plan *first, unsigned number);
void sim_plan_print(const sim_plan *plan);
static inline unsigned sim_workers(const sim_plan *plan)
{
    return plan->processes * plan->workers;
}
unsigned sim_depth(const sim_plan *plan, const sim_op *op); /* of its inputs */

/* What an operator makes of one record: the same for the nodes and for the evaluation in
 * sequence. */
typedef struct sim_made {
    unsigned output;
    uint64_t later; /* added to the last coordinate */
    item record;
} sim_made;
enum { SIM_MADE = 4 };
unsigned sim_make(const sim_op *op, unsigned input, const item *record, sim_made *made);
/* Of a group of a GATHER. */
typedef struct sim_group {
    weir_time time;
    uint64_t key, sum, hops, count;
} sim_group;
void sim_group_add(sim_group *group, const item *record, uint64_t times);
item sim_group_result(const sim_group *group);

/* ---- sequence.c: the same in sequence ---- */

/* Records at times, as a multiset. */
typedef struct sim_record {
    unsigned op; /* of the source or the sink */
    weir_time time;
    item record;
    int64_t count;
} sim_record;
typedef struct sim_records {
    sim_record *items;
    size_t count, capacity;
} sim_records;
void sim_records_add(sim_records *records, const sim_record *record);
/* Sorts both, adds up what is equal. What differs, as a text, or NULL. */
const char *sim_records_differ(sim_records *have, sim_records *want, char *text, size_t size);
void sim_records_fini(sim_records *records);

/* What reaches the sinks. False: more than so many records would be handed on. */
bool sim_evaluate(const sim_plan *plan, const sim_records *input, sim_records *output,
                  size_t at_most);

/* ---- scratch.c: collections from scratch, at each time ---- */

/* Whether the plan's collections stay small, and what goes round comes to an end. Of a flow that
 * imports, first is the plan of the flow that publishes. */
bool sim_scratch_fits(const sim_plan *plan, const sim_plan *first);
/* What the sinks of a flow hold, at each time, that they should not: a text, or NULL. */
bool sim_keeps_history(const sim_plan *plan); /* of what is published */
struct sim_flow;
const char *sim_scratch_differs(struct sim_flow *flow, char *text, size_t size);

/* ---- paths.c: summaries of all paths of a graph ---- */

typedef struct sim_arc {
    uint32_t from, to;
    weir_summary summary;
} sim_arc;
typedef struct sim_paths {
    uint32_t count;
    struct sim_path {
        weir_summary *items; /* an antichain; the identity for from = to */
        uint32_t count, capacity;
    } *of;                   /* [from * count + to] */
} sim_paths;
void sim_paths_init(sim_paths *paths, uint32_t count, const uint8_t *depth, const sim_arc *arcs,
                    uint32_t arc_count);
void sim_paths_fini(sim_paths *paths);
static inline const struct sim_path *sim_path(const sim_paths *paths, uint32_t from, uint32_t to)
{
    return &paths->of[from * paths->count + to];
}

/* ---- world.c: the environment of one process ---- */

typedef struct sim_world sim_world;
sim_world *sim_world_create(const sim_plan *plan, unsigned process);
void sim_world_destroy(sim_world *world);
/* How entries of the log are folded: the runtime's own way. */
struct weir_log_sum;
void sim_world_set_sum(sim_world *world, const struct weir_log_sum *sum);
struct weir_env *sim_world_env(sim_world *world);
/* Runs that have lain in files of its disk. */
uint64_t sim_world_segments(const sim_world *world);
/* The worker whose thread this is now; NONE: another thread. */
void sim_world_enter(sim_world *world, unsigned worker);
/* When the worker can run: UINT64_MAX if it sleeps and nothing will wake it. */
uint64_t sim_world_ready_ns(const sim_world *world, unsigned worker);
/* When somebody wakes it; UINT64_MAX: nobody has. */
uint64_t sim_world_woken_ns(const sim_world *world, unsigned worker);
/* Until when it sleeps if nobody wakes it; 0: it does not sleep. */
uint64_t sim_world_due_ns(const sim_world *world, unsigned worker);
uint64_t sim_world_now_ns(const sim_world *world, unsigned worker);
/* It runs now, or at the moment it is ready; it does not sleep any more. */
void sim_world_rouse(sim_world *world, unsigned worker);
/* It has prepared to wait, and does so now. */
void sim_world_wait(sim_world *world, unsigned worker, uint64_t timeout_ns);
/* It is woken at this moment, unless it is before. */
void sim_world_wake_at(sim_world *world, unsigned worker, uint64_t at_ns);
/* How late something is. */
uint64_t sim_world_delay(sim_world *world);
void sim_world_stall(sim_world *world, unsigned worker, uint64_t ns);
void sim_world_calm(sim_world *world);
/* What is under way to this worker: entries of logs, and mail. */
size_t sim_world_under_way(const sim_world *world, unsigned worker);
typedef void sim_mail_fn(unsigned to, const weir_batch *batch, void *ctx);
void sim_world_each_mail(const sim_world *world, sim_mail_fn *fn, void *ctx);

/* ---- run.c ---- */

typedef struct sim_run sim_run;
typedef struct sim_node sim_node; /* an instance of an operator's node */

typedef struct sim_outcome {
    bool failed;
    uint64_t steps;
    uint64_t segments; /* runs that lay in files */
    uint64_t shown;    /* how often a view was read */
    char text[1024];
} sim_outcome;
void sim_run_once(const sim_limits *limits, sim_outcome *outcome);

/* ---- apart.c ---- */

/* The same in a process of its own; that it dies is an outcome, too. */
void sim_run_apart(const sim_limits *limits, sim_outcome *outcome);
/* An assertion of a test: it passes, in a process of its own. */
void sim_expect_pass(const sim_limits *limits);
/* Of a failure: a smaller one. */
void sim_shrink(sim_limits *limits, sim_outcome *outcome);
/* The command that repeats a run. */
const char *sim_command(const sim_limits *limits, char *text, size_t size);

typedef struct sim_oracle sim_oracle;
typedef struct sim_flow sim_flow;

/* A dataflow of a run. */
struct sim_flow {
    sim_run *run;
    unsigned number;
    sim_plan plan;
    sim_records input, output; /* what sources sent, what sinks got */
    struct sim_use {           /* what a node's description points to */
        sim_flow *flow;
        const sim_op *op;
        char name[12];
        weir_feedback *feedback;
        weir_variable *variable;
        sim_node *node[SIM_WORKERS];
        weir_input(item) input[SIM_PROCESSES];
        struct sim_feed *feed[SIM_WORKERS];
        struct sim_kept { /* what a process leaves outside, or finds there */
            weir_captured *captured;
            FILE *file;
        } kept[SIM_PROCESSES];
        void (*gather)(struct sim_use *use); /* makes output of it; NULL: it leaves nothing */
    } use[SIM_OPS + SIM_MORE];
    sim_oracle *oracle;
    weir_port *ports[SIM_STREAMS + SIM_MORE];
    weir_scope *scopes[SIM_SCOPES];
    weir_dataflow *handle[SIM_PROCESSES]; /* of one that was added while others ran */
    bool asked, removed, built;
};

enum { SIM_FLOWS = 4 };

typedef struct sim_process {
    sim_world *world;
    weir_runtime *runtime;
    struct sim_net *net; /* NULL: there are no others */
    bool dead;           /* it is not stepped any more */
    weir_sequencer *sequencer;
} sim_process;

enum { SIM_ENTRIES = 24 };
/* What a worker got of the sequencer. */
typedef struct sim_entries {
    unsigned pushed[SIM_ENTRIES];
    unsigned count;
    uint64_t last_place;
} sim_entries;

/* A reader of a view of the run, if one is open. */
typedef struct sim_shown {
    weir_view *view;
    weir_view_reader *reader;
    sim_flow *flow;
    const sim_op *op;
    bool none; /* the run has no view */
} sim_shown;

struct sim_run {
    struct sim_process *process; /* of the plan's many */
    struct weir__test_hub *hub;
    weir_worker *worker[SIM_WORKERS];
    bool over[SIM_WORKERS];
    bool cut_short; /* by a failure, or a stop at once: much is left undone */
    bool told_to_fail;
    bool ended;     /* what ends it from outside has happened */
    bool must_fail; /* then all others have to know */
    uint64_t until_ns; /* when they have to, at the latest; 0: any time */
    unsigned rests; /* in a row */
    uint64_t random, steps;
    sim_plan *plan;    /* of the first flow: the weather is the same for all */
    unsigned flow_count;
    sim_flow *flows;
    unsigned pushed; /* entries of the sequencer */
    sim_entries entries[SIM_WORKERS];
    sim_shown shown;
    struct weir_kafka_broker *broker; /* NULL: no dataflow has a topic */
    bool faulty;                      /* it may be away, or hold something back */
    sim_outcome *outcome;
};
void sim_fail(sim_run *run, const char *format, ...) WEIR_PRINTF(2, 3);

/* ---- order.c: what is asked of a run ---- */

/* Before the start of a process. */
void sim_order_begin(sim_run *run, unsigned process);
/* Adds and removes dataflows, and pushes entries, if it is time: from anywhere. */
void sim_order_ask(sim_run *run);
/* All that is to be added has been, on all workers: who publishes may end. */
bool sim_order_is_complete(const sim_run *run);
/* The flow as this process knows it; NULL: it does not, yet. */
weir_dataflow *sim_order_find(sim_flow *flow, unsigned process);
/* All is gone that should be; true: the flow was built, and lived to its end. */
bool sim_order_check_flow(sim_flow *flow);
/* All workers got the same. */
void sim_order_check_entries(sim_run *run);
void sim_order_end(sim_run *run);

/* ---- processes.c: many of them ---- */

void sim_processes_create(sim_run *run);
/* The runtimes are destroyed here, too. */
void sim_processes_destroy(sim_run *run);
static inline unsigned sim_process_of(const sim_run *run, unsigned worker)
{
    return worker / run->plan->workers;
}
/* The process of a worker, and its place there. */
static inline sim_world *sim_world_of(const sim_run *run, unsigned worker, unsigned *place)
{
    *place = worker % run->plan->workers;
    return run->process[sim_process_of(run, worker)].world;
}
/* Those whose streams have something for them are woken. */
void sim_processes_wake(sim_run *run);
/* All are here and run. */
bool sim_processes_run(const sim_run *run);
/* Nobody has anything to do but to say that it is there. */
bool sim_processes_rest(const sim_run *run);
/* What happens to one of them from outside. */
void sim_processes_end(sim_run *run);
/* Who has to know of it by now does. */
void sim_processes_check(sim_run *run);
/* With the right status. */
void sim_processes_check_end(sim_run *run);
/* What is under way in streams; port and time of each batch of a dataflow. */
typedef void sim_frame_fn(uint32_t port, const weir_time *time, void *ctx);
void sim_processes_each_batch_in(const void *bytes, size_t size, uint32_t dataflow,
                                 sim_frame_fn *fn, void *ctx);
void sim_processes_each_batch(const sim_run *run, uint32_t dataflow, sim_frame_fn *fn, void *ctx);

/* ---- shown.c: readers of views ---- */

void sim_view_name(const sim_op *op, char *name, size_t size);
/* Now and then, between two turns: opens one, reads it, moves it on, closes it. */
void sim_shown_look(sim_run *run);
void sim_shown_close(sim_run *run);

/* ---- outside.c: topics, files, what is captured ---- */

/* Now and then, between two turns: the broker goes away or holds something back, or does not any
 * more. */
void sim_outside_look(sim_run *run);
/* It does nothing of that any more; false: it has not done so. */
bool sim_outside_calm(sim_run *run);
/* In the end: what was left outside becomes output. */
void sim_outside_gather(sim_flow *flow);
/* After all runtimes. */
void sim_outside_end(sim_run *run);

/* ---- feeds.c: inputs ---- */

/* Sends something to a worker, closes epochs, or the input. False: it was closed before, or is not
 * there. */
bool sim_feed(sim_flow *flow, const sim_op *op, unsigned worker);
/* Gives some of a flow's inputs a turn. */
void sim_feeds_look(sim_run *run);
void sim_feeds_end(sim_run *run);

/* ---- build.c, nodes.c ---- */

/* ctx is the run; which flow it is, says the argument. */
void sim_build(weir_graph *graph, void *ctx);
/* Sources wait for this now and then. False: it has nothing more to send. */
bool sim_node_poke(sim_node *node);
/* What is wrong with a node of a cluster at rest, or NULL. */
const char *sim_node_at_rest(const sim_node *node);
weir_status sim_node_init(weir_step *step, void *ctx, void **state, weir_error *error);
void sim_node_step(weir_step *step, void *state);
void sim_node_fini(void *state);
void sim_source_step(weir_step *step, void *state);

/* ---- oracle.c ---- */

/* Of a flow that a worker has built. */
void sim_oracle_begin(sim_flow *flow);
void sim_oracle_end(sim_flow *flow);
/* The number of the dataflow. */
uint32_t sim_oracle_id(const sim_oracle *oracle);
/* After each step: no frontier of any worker is beyond a batch or a capability that exists. */
void sim_oracle_check(sim_run *run, unsigned worker);
/* Nobody has anything to do: every frontier is exactly what is outstanding. */
void sim_oracle_check_rest(sim_run *run);
/* All workers say that they are done. */
void sim_oracle_check_end(sim_run *run);

#endif

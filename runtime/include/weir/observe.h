/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking into running dataflows: nodes, stages, frontiers, counts, who holds a frontier back, and
 * metrics that operators add. Counters are read while workers write them: each is right, together
 * they may be a moment apart.
 */
#ifndef WEIR_OBSERVE_H
#define WEIR_OBSERVE_H

#include <weir/codec.h>
#include <weir/node.h>
#include <weir/trace.h>
#include <weir/worker.h>

WEIR_BEGIN_DECLS

/* A number that an operator publishes. Set by its worker's thread, read from any. */
typedef struct weir_metric weir_metric;
typedef enum weir_metric_kind { WEIR_GAUGE, WEIR_COUNTER } weir_metric_kind;

typedef struct weir_metric_spec {
    const char *name;   /* "weir_kafka_lag": Prometheus rules; counters end in _total */
    const char *help;
    weir_metric_kind kind;
    /* "topic=\"lines\",partition=\"3\"" or NULL; dataflow, node and worker are added */
    const char *labels;
} weir_metric_spec;

/* Adds a metric to this node on this worker (in init or in a step); it lives as long as the node.
 * Texts are copied. The same name and labels again give the same metric. */
WEIR_API weir_metric *weir_step_metric(weir_step *step, const weir_metric_spec *spec);
WEIR_API void weir_metric_set(weir_metric *metric, int64_t value);
WEIR_API void weir_metric_add(weir_metric *metric, int64_t value);

/* The traces of this process's dataflows, also of those that are gone, as long as others read them.
 * Any thread. */
WEIR_API weir_traces *weir_runtime_traces(const weir_runtime *runtime);
/* Shows a trace as one of this node (in its init), whose large runs lie in the state directory, if
 * there is one. NO_MEMORY. */
WEIR_API weir_status weir_step_show_trace(weir_step *step, weir_trace *trace);
/* Large runs of this shape, of which none has been made, lie there, too. */
WEIR_API void weir_step_keep_large(weir_step *step, weir_shape *shape);

/* What takes a worker is called on that worker's thread, outside of steps or in one, and calls back
 * at once. Texts and structs are valid for the callback only. */

typedef struct weir_input_info {
    const char *frontier;     /* "{12}"; NULL if nobody asks for it, so nobody knows */
    const char *from;         /* name of the node that feeds it */
    /* all workers of this process */
    uint64_t waiting_batches, waiting_bytes;     /* in queues; the bytes are those in memory */
    uint64_t spilled_bytes, spilled_total_bytes; /* in files on the way here: now, ever */
    uint64_t held_for_us;     /* since the frontier last moved */
} weir_input_info;

/* Sums over the workers of this process. */
typedef struct weir_node_info {
    const char *dataflow;
    uint32_t dataflow_id, node_id;
    const char *name, *kind;
    unsigned input_count;
    const weir_input_info *inputs;
    uint64_t steps, step_ns, records_in, batches_in, records_out, batches_out;
    uint64_t bytes_in, bytes_out; /* of these batches, with all that they keep alive */
    int64_t memory_bytes, capabilities;
    uint64_t longest_step_ns, long_steps; /* of those measured; above weir_config.long_step_ms */
} weir_node_info;

typedef struct weir_stage_info {
    const char *dataflow;
    const char *node;         /* in whose output tree it is fused */
    uint32_t dataflow_id, node_id;
    const char *behind;       /* the stage it follows there, or NULL: the node itself */
    const char *name, *kind;
    uint64_t records_in, batches_in, records_out, time_ns;
} weir_stage_info;

/* An edge, on this worker's side. */
typedef struct weir_edge_info {
    const char *dataflow, *from; /* the node that the records leave */
    uint32_t dataflow_id, from_id, to_id;
    const char *stage;           /* the last stage they went through there, or NULL */
    unsigned output, input;
    const char *to, *route;      /* "local", "by key", "by function", "to all" */
    bool moves;                  /* it changes times: a loop's end, the way into a scope or out */
} weir_edge_info;

/* What is on its way in a dataflow, on the workers of this process. */
typedef struct weir_flow_info {
    const char *dataflow;
    uint32_t dataflow_id;
    bool complete;
    uint64_t budget_bytes;      /* of all workers of all processes together */
    uint64_t in_flight_bytes;   /* in memory: in queues, in mail, in the hands of nodes */
    uint64_t in_flight_peak_bytes; /* never more than this: the sum of each worker's most */
    uint64_t spilled_bytes, spilled_total_bytes; /* in files: now, ever */
} weir_flow_info;

/* A pointstamp that keeps an input's frontier where it is. */
typedef struct weir_holder_info {
    const char *dataflow, *node, *input_of; /* who holds; whose input waits */
    const char *time;
    bool is_capability;       /* else a batch that is under way or waits */
    int64_t count;
    uint64_t age_us;          /* since this frontier last moved */
} weir_holder_info;

typedef struct weir_metric_info {
    const char *name, *help, *labels; /* labels with node and worker added, without braces */
    weir_metric_kind kind;
    int64_t value;
} weir_metric_info;

typedef struct weir_observer {
    void (*flow)(const weir_flow_info *info, void *ctx); /* before its nodes */
    void (*node)(const weir_node_info *info, void *ctx);
    void (*stage)(const weir_stage_info *info, void *ctx);
    void (*edge)(const weir_edge_info *info, void *ctx);
    void (*holder)(const weir_holder_info *info, void *ctx);
    void (*metric)(const weir_metric_info *info, void *ctx);
    void *ctx;
} weir_observer;

/* Calls what is set in observer for everything there is, but for dataflows that are being removed;
 * frontiers are this worker's view. The callbacks must not call the library back. */
WEIR_API void weir_observe(weir_worker *worker, const weir_observer *observer);

/* The graphs of all dataflows in the language of Graphviz: nodes with their counts and frontiers,
 * the stages behind their outputs, edges with how records are routed; a cluster each dataflow. The
 * text is appended, without an end. WEIR_NO_MEMORY. */
WEIR_API weir_status weir_observe_dot(weir_worker *worker, weir_bytes_out *out);

/* Who, on this worker, holds a frontier back while somebody waits for it: an input whose frontier
 * is behind work that is there already, or behind a capability that its node keeps until then. */
typedef struct weir_held_info {
    const char *dataflow, *node; /* who holds */
    uint32_t dataflow_id, node_id;
    unsigned worker;
    const char *time;
    bool is_capability;          /* else a batch that it has not taken */
    uint64_t held_us;            /* since it got the capability; of a batch: the frontier moved */
    const char *input_of;        /* who waits */
    unsigned input;
} weir_held_info;
typedef void weir_held_fn(const weir_held_info *held, void *ctx);
/* Calls fn for those that have held for at least so long. Each worker knows of its own only. */
WEIR_API void weir_observe_held(weir_worker *worker, uint64_t least_us, weir_held_fn *fn,
                                void *ctx);

/* What worker `index` of this process is doing, from 0. From any thread. */
typedef struct weir_worker_info {
    bool in_step;
    char node[128];              /* the operator whose step it is in */
    uint64_t turns, steps, parks;
} weir_worker_info;
WEIR_API void weir_observe_worker(const weir_runtime *runtime, unsigned index,
                                  weir_worker_info *info);

/* Whole-process figures. From any thread. */
typedef struct weir_process_info {
    unsigned workers;
    unsigned dataflows, dataflows_done, dataflows_gone; /* there are; of them complete; were */
    uint64_t uptime_us, turns, parks, wakes, progress_bytes;
    uint64_t memory_bytes, in_flight_bytes, budget_bytes; /* the budget is that of each dataflow */
    uint64_t in_flight_peak_bytes;               /* the rest as in weir_flow_info */
    uint64_t spilled_bytes, spilled_total_bytes;
    uint64_t early_mail; /* what came for dataflows not built yet, and was kept for them */
    uint64_t late_mail;  /* what came for dataflows that are gone: an error of the library */
    bool failed, stopping;
    unsigned processes, process; /* of the cluster; the number of this one */
    uint64_t incarnation;        /* of the cluster, once all are there; else as it was given */
    /* To and from other processes; of what was sent, the part that is progress. */
    uint64_t sent_bytes, received_bytes, sent_progress_bytes;
} weir_process_info;
WEIR_API void weir_observe_process(const weir_runtime *runtime, weir_process_info *info);

/* Makes fn run once on the thread of worker `index` of this process (from 0), between steps, soon.
 * Any thread. */
WEIR_API void weir_runtime_call(weir_runtime *runtime, unsigned index,
                                void (*fn)(weir_worker *worker, void *ctx), void *ctx);
WEIR_API weir_runtime *weir_worker_runtime(const weir_worker *worker);
/* The worker's libuv loop. Handles added to it must be unref'd or closed before the worker ends. */
WEIR_API struct uv_loop_s *weir_worker_loop(weir_worker *worker);

WEIR_END_DECLS
#endif

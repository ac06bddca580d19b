/* SPDX-License-Identifier: Apache-2.0
 *
 * A runtime, its dataflows and its workers. The runtime's lists change only before workers start,
 * but for what says otherwise; a worker belongs to one thread.
 */
#ifndef WEIR_WORKER_RUNTIME_H
#define WEIR_WORKER_RUNTIME_H

#include <pthread.h>
#include <uv.h>

#include <weir/observe.h>
#include <weir/view.h>
#include <weir/worker.h>

#include "base/id_table.h"
#include "base/lines.h"
#include "comm/ask.h"
#include "dataflow/instance.h"
#include "event/flight.h"
#include "worker/order.h"

/* Something to be run once on a worker's thread. */
typedef struct weir__call weir__call;
struct weir__call {
    weir__call *next;
    void (*fn)(weir_worker *worker, void *ctx);
    void *ctx;
};

/* What a worker tells of itself: event.c. */
typedef struct weir__events {
    weir__flight_ring ring;     /* no entries: off */
    bool ring_all;              /* every event goes there */
    weir_event_reader *readers;
    uint64_t step_ns;           /* when the step began, as far as readers want to know */
    weir__live last;            /* what the summary before this one has counted */
    uint64_t last_ns, last_turns, last_parks;
    uint64_t busiest_place, busiest_ns; /* the longest step measured since */
    uint32_t frontiers_left;    /* that may still be written before the next summary */
    uint64_t parked_ns;
} weir__events;
/* What came for dataflows that this worker has not built yet, in the order in which it came. */
typedef enum weir__early_kind {
    WEIR__EARLY_BATCH,   /* for this worker, or (the first one's) for another process */
    WEIR__EARLY_CHANGES, /* of a worker of this process */
    WEIR__EARLY_ENTRY,   /* the first worker's: the same of another process, with its header */
    WEIR__EARLY_FRAME,   /* and a frame of another process */
} weir__early_kind;
typedef struct weir__early weir__early;
struct weir__early {
    weir__early *next;
    weir__early_kind kind;
    uint32_t id;
    unsigned process;
    weir_batch *batch;
    size_t size;
    _Alignas(16) char data[];
};

/* Names what keeps a worker for long: watch.h. */
typedef struct weir__watch weir__watch;

struct weir_worker {
    /* First: a context is its worker. In whole lines, since workers lie side by side. */
    _Alignas(WEIR__LINE) weir__context context;
    weir__live own_live;   /* where there is no flight recorder */
    weir__events events;
    uint64_t marked_place, marked_ns; /* by the watch: a step that takes long, first seen when */
    weir_runtime *runtime;
    weir__id_table dataflows; /* of ids before next_id: none is a dead one */
    weir__dataflow *first;    /* all of them */
    uint32_t next_id;
    weir__command *next_command, *last_command; /* not done: guarded by the order's lock */
    uint64_t commands_done;
    uint64_t idle_at; /* atomic: nothing was left to do after so many of them, plus 1 */
    weir__early *early, **early_end;
    uint64_t early_count, late_count; /* came too early, and too late, which must not happen */
    uint64_t barriers_asked, barriers_seen;
    bool runs_here;     /* taken, but by weir_run */
    bool in_program;    /* worker_main is running */
    bool program_ended; /* and has returned */
    bool in_turn;
    bool ended;
    uv_loop_t loop;
    uv_poll_t wake_handle;
    uv_timer_t park_timer;
    bool loop_made, opened, broken, taken, stop_seen, prepared;
    bool running;           /* it does what it is commanded: all processes are here */
    weir__cluster *cluster; /* of the first worker, if there are other processes */
    uv_poll_t net_handle;
    bool clock_is_fresh; /* context.now_ns is at most a spin old */
    bool received;       /* by a look before this turn, which need not look again */
    bool logs_wait;      /* letters were taken before them: they are read next */
    bool found;          /* the last turn has found something to do */
    bool fills_time;     /* since nothing was found nodes are called that waited for that */
    uint64_t found_ns;   /* when something was found last */
    uint64_t fill_due_ns; /* when one is called though there is more to do; 0: none has been seen */
    unsigned turns_by_clock; /* that went by the last look at it */
    uint64_t clock_ticks;    /* of the environment's counter, a little before that or long ago */
    uint64_t last_poll_ns, spin_ns;
    int spin_score;
    bool yields;               /* more workers than cores: give way instead of spinning */
    weir__call *_Atomic calls;
    uint64_t turns, parks, wakes, progress_bytes;
    uint64_t rests; /* it slept, or its host did */
    /* of the first worker: to and from other processes */
    uint64_t sent_bytes, received_bytes, sent_progress_bytes;
    pthread_t thread;
    bool has_thread;
};

struct weir_metric {
    weir_metric *next, **at; /* in the runtime's list, guarded by its mutex */
    weir_metric *next_own;   /* of its dataflow */
    const weir_step *owner;
    int64_t value;
    weir_metric_kind kind;
    char *name, *help, *labels;
};

typedef struct weir__option {
    weir_option_info info;
    struct weir__option *next;
} weir__option;

typedef struct weir__build {
    struct weir__build *next;
    char *name;
    weir_build_fn *fn;
    void *ctx;
} weir__build;

typedef enum weir__described { WEIR__NOT_YET, WEIR__AT_IT, WEIR__DESCRIBED, WEIR__REFUSED }
    weir__described;

struct weir_dataflow {
    weir_runtime *runtime; /* NULL once that is destroyed */
    weir_dataflow *next, **at; /* of all there are; like what follows, under dataflows_lock */
    uint32_t id;
    bool initial; /* built before the start: lives as long as the runtime, or its run fails */
    bool keep; /* atomic */
    bool gone, user_asked, removal_asked, removal_begun;
    unsigned made, complete, freed; /* workers */
    unsigned freed_elsewhere;       /* processes */
    bool told_freed;
    bool discarded, told_discarded; /* by all workers of this process; the others know */
    unsigned discarded_in;          /* processes; in process 0 */
    weir_error *error;              /* why it could not be built, or gave up */
    uint32_t refs;                  /* atomic */
    uint32_t described;             /* atomic: weir__described */
    weir_graph *graph;
    const weir__build *build; /* NULL: initial */
    char *name;
    void *args;
    size_t args_size;
    unsigned workers;
    bool in_news; /* atomic: in the cluster's stack */
    weir_dataflow *next_news;
    weir__dataflow *peers[]; /* the instances of the process's workers; changed under the lock */
};

struct weir_runtime {
    weir_config config;
    weir_env *env;
    bool owns_env, started;
    weir_worker *workers;
    weir__order order;
    weir__build *builds;
    weir_sequencer *sequencers;
    /* Folding a log reads the table, and observing reads instances: both hold the lock. */
    pthread_mutex_t dataflows_lock;
    pthread_cond_t dataflows_changed;
    weir_dataflow *dataflows, **dataflows_end;
    weir__id_table dataflow_table; /* that are not gone */
    uint32_t dataflows_alive, dataflows_gone;
    uint64_t created_ns, seed_given;
    weir__cluster *cluster; /* NULL: one process */
    weir__flight *flight; /* NULL: off */
    weir__watch *watch;   /* NULL: off */
    uint32_t stopping; /* atomic: 0, 1 asked to end, 2 asked to end at once */
    uint32_t failed;   /* atomic */
    pthread_mutex_t mutex; /* error, metrics */
    weir_error error;
    weir_metric *metrics;
    weir_views *views;      /* the runtime's own, unless the config has some */
    weir_traces *traces;
    struct weir__store *store; /* of segments; NULL: none */
    weir__asker asker;      /* of several processes */
    weir_service *services; /* of the config, "views", "traces" and "asker" */
    size_t services_size;
    weir__option *options; /* in the order in which they were declared */
    size_t option_count;
};

/* ---- worker.c ---- */
weir_status weir__worker_init(weir_worker *worker, weir_runtime *runtime, unsigned index);
void weir__worker_fini(weir_worker *worker);
/* On the thread that will step it: takes over what belongs to a thread, runs every node's init. */
weir_status weir__worker_open(weir_worker *worker);
/* On the same thread, when it will not be stepped any more. */
void weir__worker_close(weir_worker *worker);
/* Runs it to its end: worker_main if there is one, then until all is complete. */
void weir__worker_run(weir_worker *worker);
/* A turn, and waiting for work if there was none. False: the run has failed, or ends at once. */
bool weir__worker_go_on(weir_worker *worker);
/* Remembers the first failure and makes every worker end. */
void weir__runtime_fail(weir_runtime *runtime, const weir_error *error);

/* ---- event.c ---- */
/* Opens the flight recorder, if there is to be one. Only where its folder was given is it a failure
 * that it cannot. */
weir_status weir__events_start(weir_runtime *runtime, weir_error *error);
void weir__events_init(weir_worker *worker);
/* To the readers and, if it keeps all, to the flight recorder. text: a name, or NULL. */
void weir__event_put(weir_worker *worker, weir__event *event, const char *text);
/* To the flight recorder, if there is one. */
void weir__event_record(weir_worker *worker, weir__event *event);

/* ---- dataflow.c: what all workers share of one ---- */
/* A reference is the caller's. build NULL: an initial one. */
weir_dataflow *weir__dataflow_new(weir_runtime *runtime, const weir__build *build,
                                  const weir_dataflow_spec *spec);
/* Called by the order: its place is known, and from here on the runtime has a reference. */
void weir__dataflow_number(weir_dataflow *dataflow, uint32_t id);
/* Builds the graph unless that was done. AT_IT: another thread does. */
weir__described weir__dataflow_describe(weir_dataflow *dataflow);
/* A worker has made its instance, could not, knows that it is complete, is about to free it (nobody
 * looks at it any more), has freed it. */
void weir__dataflow_made(weir_dataflow *dataflow, weir__dataflow *instance);
void weir__dataflow_broken(weir_dataflow *dataflow, const weir_error *error);
/* Its removal has its place in the order; error: why, if that is no user. */
void weir__dataflow_removing(weir_dataflow *dataflow, const weir_error *error);
/* It was asked for, and the cluster has ended before that. */
void weir__dataflow_never(weir_dataflow *dataflow);
void weir__dataflow_completed(weir_dataflow *dataflow);
void weir__dataflow_hide(weir_dataflow *dataflow, unsigned worker);
void weir__dataflow_freed(weir_dataflow *dataflow);
/* Another process has nothing left of it. */
void weir__dataflow_freed_elsewhere(weir_dataflow *dataflow);
/* Of this process, and the others have not been told: they are now. */
bool weir__dataflow_tell_freed(weir_dataflow *dataflow);
/* All workers of this process have discarded it. Then process 0 is told, and in that, for each
 * process, that one more has: when all have, it asks that all drop it. */
void weir__dataflow_discarded(weir_dataflow *dataflow);
bool weir__dataflow_tell_discarded(weir_dataflow *dataflow);
void weir__dataflow_discarded_in_one(weir_dataflow *dataflow);
/* The one of this number that is not gone everywhere, with a reference; NULL. */
weir_dataflow *weir__dataflow_by_id(weir_runtime *runtime, uint32_t id);
/* Calls what is registered for the removal, once. */
void weir__dataflow_begin_removal(weir_dataflow *dataflow);
/* Something changed that weir_dataflow_wait may wait for. */
void weir__dataflows_notify(weir_runtime *runtime);
void weir__dataflows_destroy(weir_runtime *runtime);

/* ---- commands.c: a worker does what is commanded ---- */
/* Whether it did anything. */
bool weir__commands_take(weir_worker *worker);
/* Whether a turn would do something. */
bool weir__commands_wait(weir_worker *worker);
/* Mail and changes of a dataflow that is not in the table: kept if it will be, else counted as late
 * and forgotten. Takes the batch. */
void weir__early_batch(weir_worker *worker, weir_batch *batch);
void weir__early_changes(weir_worker *worker, uint32_t id, const void *data, size_t size);
/* Keeps a copy of the bytes; the rest is as in `like`. */
void weir__early_keep(weir_worker *worker, const weir__early *like, const void *data, size_t size);
/* After a turn: frees the dataflow if nothing is left of it. True: it has. */
bool weir__worker_reclaim(weir_worker *worker, weir__dataflow *dataflow);
/* The worker is closed: frees all it has. */
void weir__commands_fini(weir_worker *worker);
/* Each source gets one more step, then ends. */
void weir__worker_end_sources(weir__dataflow *dataflow, bool inputs_only);

/* ---- fold.c ---- */
/* How log entries that a slow reader has missed are added up. */
weir_log_sum weir__runtime_log_sum(weir_runtime *runtime);

/* ---- sequencer.c ---- */
void weir__sequencer_tell(weir_worker *worker, const weir__command *command);
const char *weir__sequencer_name(const weir_sequencer *sequencer);
weir_sequencer *weir__sequencer_next(const weir_sequencer *sequencer);
void weir__sequencers_destroy(weir_runtime *runtime);

/* ---- option.c, observe.c ---- */
/* How records get to the input of an edge. */
const char *weir__route_text(const weir__edge *edge);
void weir__options_destroy(weir_runtime *runtime);
/* Those of a dataflow's nodes on one worker. */
void weir__metrics_drop(weir_runtime *runtime, weir_metric *own);

/* ---- park.c ---- */
weir_status weir__park_init(weir_worker *worker, weir_error *error);
void weir__park_fini(weir_worker *worker);
/* Runs callbacks of descriptors and timers that are ready, if it is time to look. */
void weir__park_poll(weir_worker *worker);
/* Before a host waits on the worker's descriptor: makes it watch what it should, and runs what is
 * due. Then how long the loop's own timers leave it to wait; UINT64_MAX: there are none. */
void weir__park_arm(weir_worker *worker);
uint64_t weir__park_timers_ns(const weir_worker *worker);
/* Waits until something may be there to do, at most timeout_ns. */
void weir__park_wait(weir_worker *worker, uint64_t timeout_ns);
/* When it must run again at the latest. */
uint64_t weir__worker_due_ns(weir_worker *worker);
/* Takes mail and changes; whether there was any. */
bool weir__worker_receive(weir_worker *worker);
/* An entry of another process. */
weir_status weir__worker_apply(weir_worker *worker, const weir_mail *mail, weir_error *error);
/* A batch that is for this worker; takes it over. */
void weir__worker_deliver(weir_worker *worker, weir_batch *batch);

#endif

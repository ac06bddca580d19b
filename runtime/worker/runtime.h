/* SPDX-License-Identifier: Apache-2.0
 *
 * A runtime and its workers. The runtime's lists change only before workers start, but for what
 * says otherwise; a worker belongs to one thread.
 */
#ifndef WEIR_WORKER_RUNTIME_H
#define WEIR_WORKER_RUNTIME_H

#include <pthread.h>
#include <uv.h>

#include <weir/observe.h>
#include <weir/view.h>
#include <weir/worker.h>

#include "dataflow/instance.h"
#include "event/flight.h"

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

struct weir_worker {
    weir__context context; /* first: a context is its worker */
    weir__live own_live;   /* where there is no flight recorder */
    weir__events events;
    weir_runtime *runtime;
    weir__dataflow **dataflows;
    uint32_t dataflow_count;
    uv_loop_t loop;
    uv_poll_t wake_handle;
    uv_timer_t park_timer;
    bool loop_made, opened, broken, taken, stop_seen, prepared;
    bool clock_is_fresh; /* context.now_ns is at most a spin old */
    uint64_t last_poll_ns, spin_ns;
    int spin_score;
    bool yields;               /* more workers than cores: give way instead of spinning */
    char *scratch;             /* for encoding changes */
    size_t scratch_size;
    weir__call *_Atomic calls;
    uint64_t turns, parks, wakes, progress_bytes;
    pthread_t thread;
    bool has_thread;
};

struct weir_metric {
    weir_metric *next;
    int64_t value;
    weir_metric_kind kind;
    char *name, *help, *labels;
};

typedef struct weir__option {
    weir_option_info info;
    struct weir__option *next;
} weir__option;

struct weir_runtime {
    weir_config config;
    weir_env *env;
    bool owns_env, started, opened;
    weir_worker *workers;
    weir_graph **graphs;
    uint32_t graph_count, graph_capacity;
    uint64_t created_ns;
    weir__flight *flight; /* NULL: off */
    uint32_t stopping; /* atomic: 0, 1 asked to end, 2 asked to end at once */
    uint32_t failed;   /* atomic */
    pthread_mutex_t mutex; /* error, metrics */
    weir_error error;
    weir_metric *metrics;
    weir_views *views;      /* the runtime's own, unless the config has some */
    weir_service *services; /* of the config, and "views" */
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
/* Remembers the first failure and makes every worker end. */
void weir__runtime_fail(weir_runtime *runtime, const weir_error *error);

/* ---- runtime.c ---- */
/* How log entries that a slow reader has missed are added up. */
weir_log_sum weir__runtime_log_sum(weir_runtime *runtime);

/* ---- event.c ---- */
/* Opens the flight recorder, if there is to be one. Only where its folder was given is it a failure
 * that it cannot. */
weir_status weir__events_start(weir_runtime *runtime, weir_error *error);
void weir__events_init(weir_worker *worker);
/* To the readers and, if it keeps all, to the flight recorder. text: a name, or NULL. */
void weir__event_put(weir_worker *worker, weir__event *event, const char *text);
/* To the flight recorder, if there is one. */
void weir__event_record(weir_worker *worker, weir__event *event);

/* ---- option.c, observe.c ---- */
void weir__options_destroy(weir_runtime *runtime);
void weir__metrics_destroy(weir_runtime *runtime);

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
/* Takes mail and changes; whether there was any. */
bool weir__worker_receive(weir_worker *worker);

#endif

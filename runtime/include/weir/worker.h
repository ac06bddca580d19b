/* SPDX-License-Identifier: Apache-2.0
 *
 * Running dataflows: a runtime of workers (threads), started, stepped and ended; inputs and probes
 * from outside the graph.
 */
#ifndef WEIR_WORKER_H
#define WEIR_WORKER_H

#include <weir/batch.h>
#include <weir/frontier.h>
#include <weir/graph.h>

WEIR_BEGIN_DECLS

typedef struct weir_runtime weir_runtime;
typedef struct weir_worker weir_worker;

/* A setting of a program's own option, as weir_main found it: later ones win. */
typedef struct weir_setting {
    const char *name, *value;
    const char *origin; /* "--input-topic", "WEIR_INPUT_TOPIC": for messages */
} weir_setting;

typedef struct weir_service {
    const char *name;
    void *object;
} weir_service;

/* What the flight recorder keeps (weir/flight.h): a summary of each millisecond and what is rare,
 * every event, or nothing. */
typedef enum weir_flight_level {
    WEIR_FLIGHT_COARSE, WEIR_FLIGHT_ALL, WEIR_FLIGHT_OFF
} weir_flight_level;

/* Zero means default for every field. Copied; what it points to must outlive the runtime. */
typedef struct weir_config {
    size_t struct_size;
    unsigned workers;          /* of this process; default 1; at most 256 in all processes */
    uint64_t hash_seed;        /* default: drawn at start; tests fix it */
    size_t budget_bytes;       /* of a dataflow in flight, all workers of all processes together;
                                * default 256 MiB, or less: an eighth of the memory that this
                                * process may have (ulimit -d or -v, a memory cgroup) for each
                                * process, 1 MiB at least */
    const char *spill_dir;     /* for what the budget has no room for: unnamed files; default
                                * "/tmp" */
    const char *state_dir;     /* where large runs of traces lie, in files that are mapped: made if
                                * it is not there, and this process's alone, from now on, whatever
                                * is its working directory later; a child that is forked and does
                                * not call exec keeps it when this process is killed. Room for one
                                * run, nothing that lasts: what is left in it is removed, nothing
                                * is synced. A file that is found damaged, cut short or unreadable
                                * ends the run (BAD_DATA); default: in memory */
    size_t segment_bytes;      /* from which on a run lies in a file; default 4 MiB. While the disk
                                * is full runs wait in memory, 64 times as much at most (64 MiB at
                                * least); more of them end the run (IO) */
    size_t batch_bytes;        /* of a full batch; default chosen by measurement */
    unsigned epoch_tick_ms;    /* an open epoch is closed after this at the latest; default 5 */
    unsigned spin_us;          /* how long to look for work before parking; default: adaptive */
    bool no_spin;              /* park at once */
    const weir_setting *settings;
    size_t setting_count;
    const weir_service *services;
    size_t service_count;
    struct weir_env *env;      /* NULL: threads, the machine's clocks */
    /* A cluster of several processes that run the same program. Each has its own number, and all
     * have the same hosts, one HOST:PORT a process, divided by commas: a process listens at its own
     * and calls those before it. All that is sent is in the clear: keep it in a network you trust.
     */
    unsigned processes;        /* default 1 */
    unsigned process;          /* 0 to processes - 1 */
    const char *hosts;
    const char *secret;        /* the same for all, or NULL: who does not know it stays outside */
    uint64_t incarnation;      /* the same for all of one start; default: process 0 draws it */
    unsigned connect_ms;       /* how long to wait for all to come; default 60000 */
    unsigned heartbeat_ms;     /* a process says that it lives this often; default 1000 */
    unsigned silence_ms;       /* and is lost when silent for so long; default 10000 */
    weir_flight_level flight;  /* default: coarse; with an env of one's own and no folder: off */
    const char *flight_dir;    /* its file's folder; default: $XDG_RUNTIME_DIR if it can be written
                                * to, else /tmp. One that is given must take the file */
    unsigned long_step_ms;     /* a step that takes longer is named in the log, also while it
                                * lasts; default 100; UINT_MAX: none */
    unsigned held_ms;          /* who holds a frontier back for so long while somebody waits is
                                * named in the log; default 10000; UINT_MAX: nobody */
    /* If set, each worker's thread runs this instead of stepping until everything is done; it calls
     * weir_worker_step itself. When it returns, inputs it left open are closed and the worker steps
     * until its dataflows are complete. */
    void (*worker_main)(weir_worker *worker, void *ctx);
    void *ctx;
    /* When all dataflows are complete the workers wait for others to be added (weir/dataflow.h),
     * until weir_runtime_stop; else they end. */
    bool until_stopped;
} weir_config;

#define WEIR_WORKERS_MAX 256

/* Builds one dataflow, runs it to its end on config->workers threads, and returns how it ended: the
 * graph's error, a failed step, or WEIR_OK. config NULL: defaults. The calling thread becomes
 * worker 0. weir_runtime_stop, of what weir_graph_runtime tells build (weir/dataflow.h), makes it
 * end early, cleanly. */
WEIR_API weir_status weir_run(const weir_config *config, weir_build_fn *build, void *ctx,
                              weir_error *error);

/* The same in pieces. create → build (any number) → start → wait → destroy. Not started runtimes
 * can be destroyed. */
WEIR_API weir_runtime *weir_runtime_create(const weir_config *config, weir_error *error);
/* Runs build at once, in this thread, and installs the graph on all workers. name may be NULL. */
WEIR_API weir_status weir_runtime_build(weir_runtime *runtime, const char *name,
                                        weir_build_fn *build, void *ctx, weir_error *error);
/* Starts a thread for each worker, but for those that the host steps itself. */
WEIR_API weir_status weir_runtime_start(weir_runtime *runtime, weir_error *error);
/* Waits for all threads, not for workers that were taken; returns the first failure. If `start` was
 * not called it runs a single worker in the calling thread, and refuses more (INVALID). */
WEIR_API weir_status weir_runtime_wait(weir_runtime *runtime, weir_error *error);
/* Sources end, what is under way is completed, then the runtime ends. Any thread, signal handlers
 * included. A second call gives up on completion and ends at once. */
WEIR_API void weir_runtime_stop(weir_runtime *runtime);
WEIR_API void weir_runtime_destroy(weir_runtime *runtime);
/* The file in a state directory that is mapped at this address, or NULL: for handlers of SIGBUS,
 * which is what a thread gets that reads a file after it was checked, and after somebody has cut it
 * short or its disk has gone. weir_main has such a handler. In a handler, of an address that its
 * thread reads; up to 4096 files are known. */
WEIR_API const char *weir_mapped_run_at(const void *address);
/* The flight recorder's file, or NULL if there is none. It is removed with the runtime. */
WEIR_API const char *weir_runtime_flight_path(const weir_runtime *runtime);
/* Of this process. */
WEIR_API unsigned weir_runtime_workers(const weir_runtime *runtime);
/* Whole cores that the affinity mask and the cgroups' quotas leave this process; at least 1. */
WEIR_API unsigned weir_cores_usable(void);

/* The options that the graphs built so far have declared, each name once, and the settings of the
 * config that none of them declared (NULL behind the last). */
typedef struct weir_option_info {
    const char *name, *help, *fallback, *kind;
    bool list;
} weir_option_info;
WEIR_API size_t weir_runtime_option_count(const weir_runtime *runtime);
WEIR_API const weir_option_info *weir_runtime_option(const weir_runtime *runtime, size_t i);
WEIR_API const weir_setting *weir_runtime_unknown_setting(const weir_runtime *runtime, size_t i);

/* For a host with a loop of its own: takes worker `index` of this process, from 0 (before start);
 * the host's thread steps it. weir_worker_fd becomes readable when the worker has something to do
 * after weir_worker_prepare_wait returned true (false: step again at once); *timeout_ns is how long
 * at most to wait. */
WEIR_API weir_worker *weir_runtime_take_worker(weir_runtime *runtime, unsigned index,
                                               weir_error *error);
WEIR_API int weir_worker_fd(const weir_worker *worker);
WEIR_API bool weir_worker_prepare_wait(weir_worker *worker, uint64_t *timeout_ns);

/* One turn: take mail, apply changes, run what is active, publish. True while a dataflow is not
 * complete and the run has not failed. False: the run is over, and what a loop waits for need not
 * come any more. A loop that does not look at it spins for ever once the run has failed. */
WEIR_API bool weir_worker_step(weir_worker *worker);
/* The same, and waits for work when there is none (at most timeout_ns; UINT64_MAX: no limit). */
WEIR_API bool weir_worker_step_or_park(weir_worker *worker, uint64_t timeout_ns);
/* Its index among the workers of all processes, and how many these are. */
WEIR_API unsigned weir_worker_index(const weir_worker *worker);
WEIR_API unsigned weir_worker_count(const weir_worker *worker);
WEIR_API uint64_t weir_worker_now_ns(const weir_worker *worker);

/* Probes, on a worker's thread: whether times before (or at) t may still arrive; done: none may. Of
 * a dataflow that this worker has not built yet everything may, of one that is gone nothing. */
WEIR_API bool weir_probe_less_than(const weir_probe *probe, weir_worker *worker,
                                   const weir_time *t);
WEIR_API bool weir_probe_less_equal(const weir_probe *probe, weir_worker *worker,
                                    const weir_time *t);
WEIR_API bool weir_probe_done(const weir_probe *probe, weir_worker *worker);
/* The frontier itself, as this worker knows it: valid until the worker's next step. */
WEIR_API const weir_frontier *weir_probe_frontier(const weir_probe *probe, weir_worker *worker);

WEIR_END_DECLS
#endif

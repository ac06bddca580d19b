/* SPDX-License-Identifier: Apache-2.0
 *
 * Dataflows that come and go while others run. What builds them is registered by name before the
 * start; from then on any thread, a worker's or not, adds and removes them.
 *
 *     weir_runtime_register(runtime, "minutes", build_minutes, ctx, &error);   // before the start
 *
 *     weir_dataflow *minutes;                                                  // while it runs
 *     weir_runtime_add(runtime, &(weir_dataflow_spec){ .struct_size = sizeof(weir_dataflow_spec),
 *                                                      .build = "minutes", .args = &shop,
 *                                                      .args_size = sizeof shop },
 *                      &minutes, &error);
 *     …
 *     weir_dataflow_remove(minutes, &error);
 *     weir_dataflow_release(minutes);
 *
 * All that is asked for, adding, removing and the entries of sequencers (weir/sequencer.h), has one
 * order, the same for all workers; each takes it from there between two turns. So what is added
 * after a removal may use the names that the removed one had.
 *
 * With several processes one of them asks, and every process builds or removes. Process 0 gives the
 * order. What is built has to be the same everywhere: a graph, records that are exchanged or a
 * refusal that differs ends the cluster, with a sentence that names both. A dataflow is gone when
 * no process has anything left of it; others than the one that asked have handles of their own
 * (weir_runtime_find).
 */
#ifndef WEIR_DATAFLOW_H
#define WEIR_DATAFLOW_H

#include <weir/node.h>
#include <weir/worker.h>

WEIR_BEGIN_DECLS

/* A dataflow, from being asked for to long after it is gone. Counted: what building it gave out
 * (probes, inputs, memory of weir_graph_alloc) lives until the dataflow is gone and every reference
 * is released, or the runtime is destroyed; what its nodes had is freed when it goes. */
typedef struct weir_dataflow weir_dataflow;

/* Before the start: a function that dataflows can be built by later, on any of the process's
 * workers. In a cluster every process registers the same. name is copied. EXISTS, or INVALID: the
 * runtime was started. */
WEIR_API weir_status weir_runtime_register(weir_runtime *runtime, const char *name,
                                           weir_build_fn *build, void *ctx, weir_error *error);

typedef struct weir_dataflow_spec {
    size_t struct_size;
    const char *build; /* the name of a registered function */
    const char *name;  /* for people, metrics and weir_runtime_find; NULL: build's and a number */
    const void *args;  /* bytes that building it will see; copied */
    size_t args_size;
    bool keep; /* when it is complete it stays, with its views, until it is removed; else it goes */
} weir_dataflow_spec;

/* Asks for a dataflow; any thread, in a step too. It is built soon after, by each worker between
 * two turns; whether that went well is told by weir_dataflow_get_info: a graph that is refused, or
 * a node or stage whose init fails, ends this dataflow and no other; what fails in a step later on
 * (weir_step_fail) ends the run, with all dataflows. *dataflow (which may be NULL) gets a
 * reference. NOT_FOUND: nothing is registered under that name. CLOSED: the runtime ends; if its run
 * has failed, that failure. With several processes it may still be too late when the request
 * arrives: then it is FAILED, with CLOSED. TOO_LARGE (there): more than 512 MiB of arguments. */
WEIR_API weir_status weir_runtime_add(weir_runtime *runtime, const weir_dataflow_spec *spec,
                                      weir_dataflow **dataflow, weir_error *error);

/* Asks for its end; any thread, in a step of its own too. Its sources stop, what it holds and what
 * is under way in it is thrown away, and when all workers have nothing left of it, it is gone.
 * Workers hear of it one after the other; what is thrown away by one stays to come for the others
 * until all have stopped, so no node takes a time for complete of which a part was thrown away. An
 * epoch that is complete may have been written by the sinks of some workers and not by those of
 * others; let the input end instead where that matters. One that went by itself, because it was
 * complete, may be removed, which does nothing. CLOSED: its removal was asked for already, or the
 * runtime ends. */
WEIR_API weir_status weir_dataflow_remove(weir_dataflow *dataflow, weir_error *error);

/* Takes another reference; gives one back. NULL is ignored. Any thread. */
WEIR_API weir_dataflow *weir_dataflow_retain(weir_dataflow *dataflow);
WEIR_API void weir_dataflow_release(weir_dataflow *dataflow);

/* In this order, but for what is left out. A dataflow that fails is FAILED as soon as that is
 * known, while it is still being removed from the workers that have it. */
typedef enum weir_dataflow_state {
    WEIR_DATAFLOW_ASKED,    /* not built by every worker of this process yet */
    WEIR_DATAFLOW_RUNNING,
    WEIR_DATAFLOW_COMPLETE, /* nothing will change in it any more; it is kept */
    WEIR_DATAFLOW_REMOVING,
    WEIR_DATAFLOW_GONE,
    WEIR_DATAFLOW_FAILED,   /* it could not be built, or gave up; in this process or another */
} weir_dataflow_state;
/* "running" for WEIR_DATAFLOW_RUNNING. */
WEIR_API const char *weir_dataflow_state_name(weir_dataflow_state state);

typedef struct weir_dataflow_info {
    uint32_t id; /* its place among all dataflows; never used again. UINT32_MAX: not known yet */
    const char *name, *build; /* valid as long as the dataflow; build NULL: weir_runtime_build */
    weir_dataflow_state state;
    unsigned workers; /* of this process that have nodes of it now */
    weir_error error; /* of a FAILED one */
} weir_dataflow_info;
WEIR_API void weir_dataflow_get_info(const weir_dataflow *dataflow, weir_dataflow_info *info);

/* Waits until it is in this state or a later one; not on a worker's thread, which would wait for
 * itself (assertion): there, look at the info between steps. Returns WEIR_OK, its error if it is
 * FAILED, or how the runtime ended before that came about. */
WEIR_API weir_status weir_dataflow_wait(weir_dataflow *dataflow, weir_dataflow_state state,
                                        weir_error *error);

/* The newest one of this name that is not gone, with a reference; NULL if there is none. */
WEIR_API weir_dataflow *weir_runtime_find(weir_runtime *runtime, const char *name);
/* Calls fn for each that is not gone, in the order of ids. fn must not call anything here. */
WEIR_API void weir_runtime_each_dataflow(weir_runtime *runtime,
                                         void (*fn)(const weir_dataflow_info *info, void *ctx),
                                         void *ctx);

/* ---- while building ---- */

/* The bytes that were given to weir_runtime_add; NULL and 0 if none were. */
WEIR_API const void *weir_graph_args(const weir_graph *graph, size_t *size);
/* The dataflow being built, with a reference: how a build function keeps alive what it gives out
 * (release it when that is not used any more). */
WEIR_API weir_dataflow *weir_graph_dataflow(const weir_graph *graph);
WEIR_API weir_runtime *weir_graph_runtime(const weir_graph *graph);
/* The dataflow being built stays when it is complete, as with weir_dataflow_spec.keep: for what
 * others are to find in every worker and process, or in none. */
WEIR_API void weir_graph_keep(weir_graph *graph);
/* Registers something to be called once, on a worker's thread, when the dataflow's removal begins,
 * before anything that is asked for later is built: for names that it must give free. If it is
 * never removed: when its description ends, before weir_graph_at_end. */
WEIR_API void weir_graph_at_removal(weir_graph *graph, void (*fn)(void *ctx), void *ctx);

/* ---- in a step ---- */

WEIR_API weir_runtime *weir_step_runtime(const weir_step *step);
/* Ends the step's dataflow and no other: it is FAILED with this status and text, and is removed
 * from all workers of all processes. Of several failures the first is kept. Until the removal has
 * its turn the step may be called again, and its sends count; so keep the capabilities, since what
 * reads it would be complete without them. In a dataflow of weir_runtime_build it ends the run
 * (weir_step_fail). */
WEIR_API void weir_step_fail_dataflow(weir_step *step, weir_status status, const char *format, ...)
    WEIR_PRINTF(3, 4);

WEIR_END_DECLS
#endif

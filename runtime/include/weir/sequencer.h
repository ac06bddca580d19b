/* SPDX-License-Identifier: Apache-2.0
 *
 * An order that all workers agree on: any thread pushes entries, and every worker gets all of them,
 * in one order. And a barrier, at which workers wait for each other.
 *
 *     static void apply(const weir_entry *entry, void *ctx)     // on each worker's thread
 *     {
 *         rules *own = &((rules *)ctx)[weir_worker_index(entry->worker)];
 *         rules_set(own, entry->data, entry->size);
 *     }
 *
 *     weir_sequencer *s = weir_sequencer_create(runtime, "rules", apply, all_rules, &error);
 *     …                                                         // while it runs, any thread:
 *     weir_sequencer_push(s, text, strlen(text), &error);
 *
 * It is the order of weir/dataflow.h: an entry that was pushed after a dataflow was asked for comes
 * after it was built, on every worker. With several processes it is one for all of them: process 0
 * gives the places, and an entry that is pushed in any process reaches the workers of all.
 */
#ifndef WEIR_SEQUENCER_H
#define WEIR_SEQUENCER_H

#include <weir/worker.h>

WEIR_BEGIN_DECLS

typedef struct weir_sequencer weir_sequencer;

typedef struct weir_entry {
    const void *data; /* aligned for any type; valid for the call */
    size_t size;
    uint64_t place;   /* grows from entry to entry; the same on all workers */
    weir_worker *worker;
} weir_entry;

/* Called on every worker's thread, between two of its turns. It may push, add and remove, send into
 * inputs and look at probes; it must not step the worker. */
typedef void weir_entry_fn(const weir_entry *entry, void *ctx);

/* Before the start, in every process of a cluster the same. name is copied. EXISTS, or INVALID: the
 * runtime was started. Lives as long as the runtime. */
WEIR_API weir_sequencer *weir_sequencer_create(weir_runtime *runtime, const char *name,
                                               weir_entry_fn *fn, void *ctx, weir_error *error);

/* Puts an entry into the order; any thread, in a step too. Copied. Entries of one thread keep their
 * order. CLOSED: the runtime ends. An entry that was pushed before that reaches all workers; with
 * several processes, one that was pushed outside of the workers' threads while all was complete
 * already may come too late, and reaches none. TOO_LARGE (there): more than 512 MiB. */
WEIR_API weir_status weir_sequencer_push(weir_sequencer *sequencer, const void *data, size_t size,
                                         weir_error *error);

/* Waits until all workers have come here, each as often as this one, and steps this worker until
 * then; for worker_main, or a host's loop. What any of them asked for before (entries, dataflows,
 * removals) every one has got when it returns. False: the run has failed or was ended at once. */
WEIR_API bool weir_worker_barrier(weir_worker *worker);
/* The same in pieces, for who steps several workers: says that this worker has come, and returns
 * a number; then, between steps, whether all have come as often. */
WEIR_API uint64_t weir_worker_barrier_enter(weir_worker *worker);
WEIR_API bool weir_worker_barrier_passed(const weir_worker *worker, uint64_t number);

WEIR_END_DECLS
#endif

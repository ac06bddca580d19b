/* SPDX-License-Identifier: Apache-2.0
 *
 * Planted mistakes that take more than a line. Only called, and only there, in builds with planted
 * mistakes: see base/planted.h.
 */
#ifndef WEIR_WORKER_PLANTED_H
#define WEIR_WORKER_PLANTED_H

#include "base/planted.h"
#include "worker/runtime.h"

typedef void weir__planted_publish_fn(weir_worker *worker, weir__dataflow *dataflow);
typedef void weir__planted_apply_fn(weir_worker *worker, const weir_mail *entry);

/* Publishes what was lowered; what was raised follows, or stays. */
void weir__planted_publish(weir_worker *worker, weir__dataflow *dataflow,
                           weir__planted_publish_fn *publish);
/* Keeps an entry of that sender back until the next look at its log; true if it does. */
bool weir__planted_keep(weir_worker *worker, unsigned from, const weir_mail *entry);
bool weir__planted_release(weir_worker *worker, unsigned from, weir__planted_apply_fn *apply);
/* Keeps an entry that is to go to the other processes, while none is kept, until the first worker
 * flushes three turns later; true if it does. */
bool weir__planted_postpone(weir_worker *worker, weir__dataflow *dataflow, const void *data,
                            size_t size);
void weir__planted_resume(weir_worker *worker);

#endif

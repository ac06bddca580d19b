/* SPDX-License-Identifier: Apache-2.0
 *
 * Steps that keep their worker for long, named while they last and when they have ended; and who
 * holds a frontier back. A thread of its own looks at what the workers say of themselves, a few
 * times within the time that is long; when they have nothing to do it sleeps without end, and is
 * woken by the next turn.
 */
#ifndef WEIR_WORKER_WATCH_H
#define WEIR_WORKER_WATCH_H

#include "worker/runtime.h"

/* NULL if nothing is to be watched. */
weir__watch *weir__watch_create(weir_runtime *runtime);
/* Starts the thread. It is no failure that there can be none: then only steps that have ended are
 * named. */
void weir__watch_start(weir__watch *watch);
void weir__watch_destroy(weir__watch *watch);

/* One look at all workers. False: none has done anything since the look before. */
bool weir__watch_look(weir__watch *watch, uint64_t now_ns);

/* The worker's side, from its turn: something of context->hooks is for the watch. */
void weir__watch_hooked(weir_worker *worker);
/* A step was measured: it may be a long one. */
void weir__watch_timed(weir_step *step, uint64_t ns);
/* It is. */
void weir__watch_long_step(weir_step *step, uint64_t ns);

/* On the worker's thread: names, in the log, who holds a frontier back for longer than the config
 * allows while somebody waits; each once, and again when it has doubled. */
void weir__watch_held(weir_worker *worker);
uint64_t weir__watch_held_ns(const weir_runtime *runtime);

/* "operator 'NAME'", or its number if it is gone. Any thread. Returns text. */
const char *weir__operator_text(weir_runtime *runtime, uint64_t place, char *text, size_t size);

#endif

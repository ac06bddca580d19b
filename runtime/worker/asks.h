/* SPDX-License-Identifier: Apache-2.0
 *
 * Who asks other processes about their views: any thread begins a question and waits for it; the
 * process's first worker, which has the connections, sends it and takes the answer, or says that
 * there will be none. What is asked is trace/view_far.c's business.
 */
#ifndef WEIR_WORKER_ASKS_H
#define WEIR_WORKER_ASKS_H

#include "comm/ask.h"
#include "comm/mesh.h"
#include "worker/runtime.h"

typedef struct weir__asks weir__asks;

/* Fills in the runtime's asker. */
weir__asks *weir__asks_create(weir_runtime *runtime, weir__mesh *mesh);
/* Nobody waits any more. */
void weir__asks_destroy(weir__asks *asks);

/* ---- the first worker's thread ---- */

/* Sends what is new, and ends what will have no answer: its time is over, its process ends. */
void weir__asks_turn(weir__asks *asks);
/* An answer that comes too late is nobody's. BAD_DATA: it is none. */
weir_status weir__asks_answer(weir__asks *asks, unsigned process, const weir__frame *frame,
                              weir_error *error);
/* When there must be a turn at the latest. */
uint64_t weir__asks_due_ns(const weir__asks *asks);
/* Nothing can be asked any more, and why. */
void weir__asks_end(weir__asks *asks, const weir_error *why);

#endif

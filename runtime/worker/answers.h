/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers other processes' questions about the views of this one's workers: their readers, which
 * hold history here, and the pages that they ask for. The first worker takes questions and sends
 * answers; what may take long, reading above all, is done by a thread of its own, which starts with
 * the first question. Under simulation the first worker does that as well, one page a turn.
 */
#ifndef WEIR_WORKER_ANSWERS_H
#define WEIR_WORKER_ANSWERS_H

#include "comm/ask.h"
#include "comm/mesh.h"
#include "worker/runtime.h"

typedef struct weir__answers weir__answers;

weir__answers *weir__answers_create(weir_runtime *runtime, weir__mesh *mesh);
/* Closes all readers. NULL is ignored. */
void weir__answers_destroy(weir__answers *answers);

/* ---- the first worker's thread ---- */

/* BAD_DATA: what was asked cannot be, and never comes from a process that works. */
weir_status weir__answers_ask(weir__answers *answers, unsigned process, const weir__frame *frame,
                              weir_error *error);
/* Sends what there is, as far as connections are not behind, and gives back the holds of processes
 * that end. */
void weir__answers_turn(weir__answers *answers);
/* For tests. */
unsigned weir__answers_readers(const weir__answers *answers);

#endif

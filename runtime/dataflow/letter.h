/* SPDX-License-Identifier: Apache-2.0
 *
 * Letters: what a worker finds in its mail. A small batch is copied into the letter, so that it
 * costs the receiver a line or two of the cache, and the sender's memory stays with the sender; of
 * any other batch the letter has the pointer. Which worker gets what, and who is charged, is
 * flow.c's.
 */
#ifndef WEIR_DATAFLOW_LETTER_H
#define WEIR_DATAFLOW_LETTER_H

#include "dataflow/instance.h"

/* Sends a batch, with its mail_ members filled in, to the worker at that place in this process;
 * takes the reference. A batch for a worker of another process keeps its place in memory. */
void weir__letter_send(weir__context *context, unsigned place, weir_batch *batch);

/* The batch of a letter; the reference is the caller's. The letter need not be kept. */
weir_batch *weir__letter_open(const weir_mail *letter, weir__context *context);

/* Nobody will open it. */
void weir__letter_discard(const weir_mail *letter);

/* The batch to look at, nothing taken: *view may be filled in, and is valid while the letter is. */
const weir_batch *weir__letter_look(const weir_mail *letter, weir_batch *view);

#endif

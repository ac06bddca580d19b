/* SPDX-License-Identifier: Apache-2.0
 *
 * The combiner of an edge: where the receiving node asks for nothing but keys and diffs, records of
 * one time and key become one before they leave, with the sum of their diffs.
 */
#ifndef WEIR_DATAFLOW_COMBINE_H
#define WEIR_DATAFLOW_COMBINE_H

#include "dataflow/instance.h"

typedef struct weir__combiner weir__combiner;

/* For an edge whose input combines. The leaf has its builders' targets already. */
weir__combiner *weir__combiner_create(weir__leaf *leaf);
void weir__combiner_destroy(weir__combiner *combiner);
/* Whether it wants this batch: it has no times of its own, is large enough, and equal keys have
 * been frequent enough of late. */
bool weir__combiner_wants(weir__combiner *combiner, const weir_batch *batch);
/* Adds the batch, whose reference stays the caller's, to what it has; hashes are those of the key.
 * The leaf is to be flushed before the step ends. */
void weir__combiner_add(weir__combiner *combiner, const weir_batch *batch, const uint64_t *hashes);
/* Sends what it has. */
void weir__combiner_flush(weir__combiner *combiner);

#endif

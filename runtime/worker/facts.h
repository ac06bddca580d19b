/* SPDX-License-Identifier: Apache-2.0
 *
 * What all processes of a cluster must have in common, as names and values that can be told apart
 * in a sentence: the version, the number of workers, the graphs, the records that are exchanged.
 */
#ifndef WEIR_WORKER_FACTS_H
#define WEIR_WORKER_FACTS_H

#include "comm/mesh.h"
#include "worker/runtime.h"

/* When all graphs are built. */
void weir__facts_add(weir_runtime *runtime, weir__mesh *mesh);
/* The layouts of all records that a graph exchanges, as a number. */
uint64_t weir__facts_layouts(const weir_graph *graph);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Which files the nodes of a graph read, and which they write, so that none empties what another
 * one is to read.
 */
#ifndef WEIR_FILE_USES_H
#define WEIR_FILE_USES_H

#include <weir/graph.h>

typedef enum weir__file_use { WEIR__FILE_READ, WEIR__FILE_WRITTEN } weir__file_use;

/* A node named so uses the file of this path so. False, and refused on the graph: a node added
 * before uses the same regular file, by whichever name, the other way. */
bool weir__file_used(weir_graph *graph, const char *path, weir__file_use use, const char *where);

#endif

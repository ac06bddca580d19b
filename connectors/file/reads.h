/* SPDX-License-Identifier: Apache-2.0
 *
 * Which files the sources of a graph read, so that no sink empties one of them.
 */
#ifndef WEIR_FILE_READS_H
#define WEIR_FILE_READS_H

#include <weir/graph.h>

/* Whether a source that was added before reads the regular file of this path, by whichever name. */
bool weir__file_is_read(weir_graph *graph, const char *path);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * What the cases of algorithms on graphs share: --records random edges between --nodes nodes are
 * loaded, then batches of as many new ones as old ones that leave.
 */
#ifndef BENCH_EDGES_H
#define BENCH_EDGES_H

#include "changes.h"

#include <weir/operators/graphs.h>

weir_stream(weir_edge) bench_edges_add(weir_graph *graph, bench_case *c);
/* The main of such a case; build's ctx is the bench_case. */
int bench_edges_main(int argc, char **argv, weir_build_fn *build);

#endif

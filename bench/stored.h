/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables that lie in memory, row after row, before the clock starts: lent to the engine as they
 * are, some rows an epoch, all tables in proportion.
 */
#ifndef BENCH_STORED_H
#define BENCH_STORED_H

#include "feed.h"

/* Epoch 0 is for reading; the first rows come in this one. */
#define BENCH_STREAMING 1

typedef struct bench_stored bench_stored;

/* Makes row i of the table in *record. Strings are copied. */
typedef void bench_row_fn(const void *table, uint64_t i, void *record);

typedef struct bench_table {
    const weir_type *type;
    bench_row_fn *row;
    const void *table; /* for row */
    uint64_t rows;
} bench_table;

/* Before the run. all: rows of all its tables; batch: of them an epoch. */
bench_stored *bench_stored_create(uint64_t all, uint64_t batch);
uint64_t bench_stored_epochs(const bench_stored *stored);
/* The collection of a table's rows; at most 8 of a run. Worker w of n has rows w, w + n, … */
weir_port *bench_stored_add(weir_graph *graph, bench_stored *stored, const bench_table *table);
/* Sends this worker's rows of the next epoch, without waiting. */
void bench_stored_send(bench_stored *stored, unsigned worker);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * What the cases of collections share: rows are loaded, then batches of changes come, each in an
 * epoch of its own and waited for; the answer is the sum of diff × hash over the output.
 */
#ifndef BENCH_CHANGES_H
#define BENCH_CHANGES_H

#include "feed.h"

/* Epoch 0 is empty, this one has what is loaded, those after it a batch each. */
#define BENCH_LOADING 1

/* Coprime to the numbers of keys that are used: i × this, modulo keys, is each of them once. */
#define BENCH_STRIDE UINT64_C(7777777777)

/* This worker's part of a number. */
uint64_t bench_part(const bench_case *c, weir_worker *worker, uint64_t all);

/* Of a row of numbers, on both sides. */
static inline uint64_t bench_row_hash(const uint64_t *row, size_t fields)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < fields; i++) {
        uint64_t z = (hash ^ row[i]) + UINT64_C(0x9e3779b97f4a7c15);
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        hash = z ^ (z >> 27);
    }
    return hash;
}

/* Sums diff × hash of the rows, which consist of numbers of 64 bits, in answer[0] of the worker's
 * share; its output is what is probed. */
void bench_answer_add(weir_port *in, bench_case *c);

/* Of a side of a case: rows to be loaded, changes of the first batch and of a later one; of this
 * worker. */
typedef struct bench_amount {
    uint64_t load, first, batch;
} bench_amount;

/* Loads, then --rounds batches, unless --kind load; feeds: 1 or 2. */
void bench_drive(bench_case *c, weir_worker *worker, const bench_amount *amounts, unsigned feeds);
/* Runs build and main on the workers, and prints answer and costs. */
void bench_run_changes(bench_case *c, weir_build_fn *build,
                       void (*main_fn)(weir_worker *worker, void *ctx));

#endif

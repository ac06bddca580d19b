/* SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of the program share: the rows there are, the queries asked for, the plan.
 */
#ifndef TPCH_PROGRAM_H
#define TPCH_PROGRAM_H

#include "plan.h"
#include "queries.h"

typedef struct tpch_program {
    uint32_t queries;                  /* bit q: query q + 1 was asked for */
    tpch_rows *rows[TPCH_TABLE_COUNT]; /* NULL: no query reads the table */
    weir_input *inputs[TPCH_TABLE_COUNT];
    weir_view *views[TPCH_QUERY_COUNT];
    tpch_plan plan;
    size_t batch;        /* changes an epoch */
    const char *answers; /* folder; NULL: answers are printed */
    weir_error error;    /* why the plan could not be carried out */
} tpch_program;

/* A worker's main (ctx is the program): the first one carries out the plan. */
void tpch_feed(weir_worker *worker, void *ctx);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * What a reduction has put out: corrections leave as changes, and make runs of a trace of its own,
 * which the next round reads, and which arranges the results by their key for others.
 */
#ifndef WEIR_OPERATORS_RESULTS_H
#define WEIR_OPERATORS_RESULTS_H

#include "arrange.h"
#include "correct.h"
#include "times.h"

/* Outputs of the node: changes, runs. */
enum { WEIR__RESULTS, WEIR__RESULT_RUNS, WEIR__RESULT_OUTPUTS };

/* A time of the round that no other one of it is before, and results at or after it. */
typedef struct weir__result_front {
    weir_time time;
    weir_trace_builder *builder;
} weir__result_front;

typedef struct weir__results {
    weir__arranged *what;   /* a worker's trace is in it from init to fini */
    unsigned worker, sends; /* bit o: somebody reads output o */
    weir_account *account;
    weir_shape *shape;
    weir_trace *trace;
    weir_trace_reader *reader; /* of the trace */
    size_t appended;           /* updates, since its owner set it to 0 */
    weir__result_front *fronts;
    uint32_t front_count, front_capacity;
    const weir__result_front *open; /* whose output `out` is */
    weir_builder *out;
} weir__results;

/* On failure, too, fini has to be called. */
weir_status weir__results_init(weir__results *r, weir_step *step, weir__arranged *what,
                               weir_error *error);
void weir__results_fini(weir__results *r);

/* A round begins, of these times: every correction is at or after one of them. */
void weir__results_begin(weir__results *r, const weir__times *ready);
/* A step begins: outputs of the one before are gone. */
static inline void weir__results_step(weir__results *r)
{
    r->open = NULL;
}
/* The corrections of the key at hand, which has this hash. OVERFLOWED; NO_MEMORY. */
weir_status weir__results_put(weir__results *r, weir_step *step, const weir__correct *c,
                              uint64_t hash);
/* The round ends: what there is becomes runs. */
weir_status weir__results_end(weir__results *r, weir_step *step);

#endif

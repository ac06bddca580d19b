/* SPDX-License-Identifier: Apache-2.0
 *
 * branch_when: the records at times for which a function is true, and the others.
 *
 *     static bool is_last_round(weir_time now) { return now.at[1] == 99; }
 *     …
 *     weir_stream(number) last, others;
 *     weir_branch_when(numbers, is_last_round, &last, &others);
 *
 * Batches go on as they are. Both streams keep the unique key, and diffs.
 */
#ifndef WEIR_OPERATORS_BRANCH_WHEN_H
#define WEIR_OPERATORS_BRANCH_WHEN_H

#include <weir/graph.h>
#include <weir/time.h>

WEIR_BEGIN_DECLS

typedef bool weir_when_fn(weir_time now);
/* Sets *yes and *no, to NULL if the graph has failed. */
WEIR_API void weir_branch_when_erased(weir_port *in, weir_when_fn *fn, weir_port **yes,
                                      weir_port **no);

WEIR_END_DECLS

#ifndef __cplusplus
#include <weir/record.h>

#define weir_branch_when(s, fn, yes, no)                                                           \
    __extension__({                                                                                \
        _Static_assert(WEIR_SAME_(__typeof__(*(yes)), __typeof__(s)) &&                            \
                           WEIR_SAME_(__typeof__(*(no)), __typeof__(s)),                           \
                       "weir_branch_when(" #s ", " #fn ", " #yes ", " #no                          \
                       "): the last two must point to streams of the same records");               \
        weir_branch_when_erased((s).port, fn, &(yes)->port, &(no)->port);                          \
    })
#endif

#endif

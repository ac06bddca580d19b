/* SPDX-License-Identifier: Apache-2.0
 *
 * assert_equal and assert_empty: what has to hold of collections at every complete time. For tests,
 * and for programs that compute something in two ways.
 *
 *     weir_assert_equal(fast, slow);
 *     weir_assert_empty(weir_antijoin(orders, WEIR_KEY(order, customer),
 *                                     customers, WEIR_KEY(customer, id)));
 *
 * A time at which it does not hold ends the run with WEIR_FAILED and a text that names the time, a
 * record, and how often it is there; with several workers there may be an earlier one. Both streams
 * carry the same records, in one scope of any depth; of a plain stream each record counts +1.
 * Nothing is kept of what is complete.
 */
#ifndef WEIR_OPERATORS_ASSERT_EQUAL_H
#define WEIR_OPERATORS_ASSERT_EQUAL_H

#include <weir/graph.h>

WEIR_BEGIN_DECLS

/* name is that of the operator; NULL: the kind and a number. Refuses, on the graph, streams of
 * different records or scopes. */
WEIR_API void weir_assert_equal_erased(weir_port *a, weir_port *b, const char *name);
WEIR_API void weir_assert_empty_erased(weir_port *in, const char *name);

WEIR_END_DECLS

#ifndef __cplusplus
#include <weir/record.h>

#define weir_assert_equal(a, b)                                                                    \
    (WEIR_CHECK_(WEIR_SAME_(WEIR_RECORD_OF_(a), WEIR_RECORD_OF_(b)),                               \
                 "weir_assert_equal(" #a ", " #b "): the streams carry different records"),        \
     weir_assert_equal_erased((a).port, (b).port, NULL))
#define weir_assert_empty(s) weir_assert_empty_erased((s).port, NULL)
#endif

#endif

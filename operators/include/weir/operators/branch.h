/* SPDX-License-Identifier: Apache-2.0
 *
 * branch: the records for which a function is true, and the others. Two stages; both streams keep
 * the unique key.
 *
 *     static bool is_large(const order *o) { return o->cents > 10000; }
 *     WEIR_FILTER(is_large, order)
 *     …
 *     weir_stream(order) large, small;
 *     weir_branch(orders, is_large, &large, &small);
 *
 * The function is called twice a record: it is a predicate, and has no side effects. For more than
 * two streams there is weir_partition.
 */
#ifndef WEIR_OPERATORS_BRANCH_H
#define WEIR_OPERATORS_BRANCH_H

#include <weir/operators/filter.h>

WEIR_BEGIN_DECLS

/* The records that fn does not keep. */
WEIR_API weir_port *weir__filter_not(weir_port *in, const weir_type *type, weir_filter_fn *fn,
                                     const char *name);

WEIR_END_DECLS

#ifndef __cplusplus

#define weir_branch(s, fn, yes, no)                                                                \
    __extension__({                                                                                \
        _Static_assert(WEIR_CARRIES_(s, weir_filter_in_##fn),                                      \
                       "weir_branch(" #s ", " #fn ", " #yes ", " #no                               \
                       "): the stream does not carry the records " #fn " takes");                  \
        _Static_assert(WEIR_SAME_(__typeof__(*(yes)), weir_filter_out_##fn) &&                     \
                           WEIR_SAME_(__typeof__(*(no)), weir_filter_out_##fn),                    \
                       "weir_branch(" #s ", " #fn ", " #yes ", " #no                               \
                       "): the last two must point to streams of the records " #fn " takes");      \
        weir_port *weir_branched_ = (s).port;                                                      \
        *(yes) = weir_filter_add_##fn(weir_branched_);                                             \
        *(no) = (weir_filter_out_##fn){                                                            \
            .port = weir__filter_not(weir_branched_, weir_port_type(weir_branched_),               \
                                     weir_filter_kernel_##fn, "not_" #fn) };                       \
    })

#endif
#endif

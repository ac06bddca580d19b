/* SPDX-License-Identifier: Apache-2.0
 *
 * filter: the records for which a function is true. A stage; keeps the stream's unique key.
 *
 *     static bool is_large(const order *o) { return o->cents > 10000; }
 *     WEIR_FILTER(is_large, order)
 *     …
 *     weir_stream(order) large = weir_filter(orders, is_large);
 */
#ifndef WEIR_OPERATORS_FILTER_H
#define WEIR_OPERATORS_FILTER_H

#include <weir/graph.h>
#include <weir/record.h>

/* Registers fn, bool fn(const T *), for weir_filter. */
#define WEIR_FILTER(fn, T)                                                                         \
    _Static_assert(WEIR_SAME_(__typeof__(&fn), bool (*)(const T *)),                               \
                   "WEIR_FILTER(" #fn ", " #T "): " #fn " must be bool (const " #T " *)");         \
    typedef T weir_filter_in_##fn;                                                                 \
    typedef weir_stream(T) weir_filter_out_##fn;                                                   \
    static size_t weir_filter_kernel_##fn(const void *in, size_t count, uint32_t *keep, void *ctx) \
    {                                                                                              \
        const T *from = in;                                                                        \
        size_t kept = 0;                                                                           \
        (void)ctx;                                                                                 \
        for (size_t i = 0; i < count; i++) {                                                       \
            keep[kept] = (uint32_t)i;                                                              \
            kept += fn(&from[i]);                                                                  \
        }                                                                                          \
        return kept;                                                                               \
    }                                                                                              \
    WEIR_UNUSED static inline weir_filter_out_##fn weir_filter_add_##fn(weir_port *in)             \
    {                                                                                              \
        return (weir_filter_out_##fn){ .port = weir__filter(in, T##_type(),                        \
                                                            weir_filter_kernel_##fn, #fn) };       \
    }

#define weir_filter(s, fn)                                                                         \
    (WEIR_CHECK_(WEIR_CARRIES_(s, weir_filter_in_##fn),                                            \
                 "weir_filter(" #s ", " #fn "): the stream's records are not the records " #fn     \
                 " takes"),                                                                        \
     weir_filter_add_##fn((s).port))

WEIR_API weir_port *weir__filter(weir_port *in, const weir_type *type, weir_filter_fn *fn,
                                 const char *name);

#endif

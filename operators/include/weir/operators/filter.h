/* SPDX-License-Identifier: Apache-2.0
 *
 * filter: the records for which a function is true. A stage; keeps the stream's unique key.
 *
 *     static bool is_large(const order *o) { return o->cents > 10000; }
 *     WEIR_FILTER(is_large, order)
 *     …
 *     weir_stream(order) large = weir_filter(orders, is_large);
 *
 * For both sides of the question there is weir_branch. The form with a context:
 * weir/operators/context.h.
 */
#ifndef WEIR_OPERATORS_FILTER_H
#define WEIR_OPERATORS_FILTER_H

#include <weir/operators/context.h>
#include <weir/record.h>

WEIR_BEGIN_DECLS

WEIR_API weir_port *weir__filter(weir_port *in, const weir_type *type, weir_filter_fn *fn,
                                 const char *name);

WEIR_END_DECLS

#ifndef __cplusplus

/* The stream of the records that fn is true for. */
#define weir_filter(s, fn)                                                                         \
    (WEIR_CHECK_(WEIR_CARRIES_(s, weir_filter_in_##fn),                                            \
                 "weir_filter(" #s ", " #fn "): the stream does not carry the records " #fn        \
                 " takes"),                                                                        \
     weir_filter_add_##fn((s).port))
/* weir_filter_ctx(stream, fn, options…) */
#define weir_filter_ctx(s, ...) weir_filter_ctx_(s, __VA_ARGS__, .end_ = 0)
#define weir_filter_ctx_(s, fn, ...) WEIR_CONTEXT_CALL_(filter, s, fn, __VA_ARGS__)

/* Registers fn, bool fn(const T *), for weir_filter and weir_branch. */
#define WEIR_FILTER(fn, T)                                                                         \
    _Static_assert(WEIR_SAME_(__typeof__(&fn), bool (*)(const T *)),                               \
                   "WEIR_FILTER(" #fn ", " #T "): " #fn " must be bool (const " #T " *)");         \
    typedef T weir_filter_in_##fn;                                                                 \
    typedef weir_stream(T) weir_filter_out_##fn;                                                   \
    static size_t weir_filter_kernel_##fn(const void *weir_in_, size_t weir_count_,                \
                                          uint32_t *weir_keep_, void *weir_ctx_)                   \
    {                                                                                              \
        const T *weir_from_ = weir_in_;                                                            \
        size_t weir_kept_ = 0;                                                                     \
        (void)weir_ctx_;                                                                           \
        for (size_t weir_i_ = 0; weir_i_ < weir_count_; weir_i_++) {                               \
            weir_ask_ahead_(&weir_from_[weir_i_], sizeof *weir_from_);                             \
            weir_keep_[weir_kept_] = (uint32_t)weir_i_;                                            \
            weir_kept_ += fn(&weir_from_[weir_i_]);                                                \
        }                                                                                          \
        return weir_kept_;                                                                         \
    }                                                                                              \
    WEIR_UNUSED static inline weir_filter_out_##fn weir_filter_add_##fn(weir_port *weir_in_)       \
    {                                                                                              \
        return (weir_filter_out_##fn){ .port = weir__filter(weir_in_, T##_type(),                  \
                                                            weir_filter_kernel_##fn, #fn) };       \
    }

/* Registers fn, bool fn(CTX *, const T *), for weir_filter_ctx. */
#define WEIR_FILTER_CTX(fn, CTX, T)                                                                \
    _Static_assert(WEIR_SAME_(__typeof__(&fn), bool (*)(CTX *, const T *)),                        \
                   "WEIR_FILTER_CTX(" #fn ", " #CTX ", " #T "): " #fn " must be bool (" #CTX       \
                   " *, const " #T " *)");                                                         \
    typedef T weir_filter_ctx_in_##fn;                                                             \
    typedef weir_stream(T) weir_filter_ctx_out_##fn;                                               \
    WEIR_CONTEXT_(filter, fn, CTX)                                                                 \
    static size_t weir_filter_ctx_kernel_##fn(const void *weir_in_, size_t weir_count_,            \
                                              uint32_t *weir_keep_, void *weir_ctx_)               \
    {                                                                                              \
        const T *weir_from_ = weir_in_;                                                            \
        size_t weir_kept_ = 0;                                                                     \
        for (size_t weir_i_ = 0; weir_i_ < weir_count_; weir_i_++) {                               \
            weir_ask_ahead_(&weir_from_[weir_i_], sizeof *weir_from_);                             \
            weir_keep_[weir_kept_] = (uint32_t)weir_i_;                                            \
            weir_kept_ += fn(weir_ctx_, &weir_from_[weir_i_]);                                     \
        }                                                                                          \
        return weir_kept_;                                                                         \
    }                                                                                              \
    WEIR_UNUSED static inline weir_filter_ctx_out_##fn weir_filter_ctx_add_##fn(                   \
        weir_port *weir_in_, const struct weir_filter_options_##fn *weir_o_)                       \
    {                                                                                              \
        return (weir_filter_ctx_out_##fn){ .port =                                                 \
                                               WEIR_CONTEXT_STAGE_(filter, fn, T, T, weir_in_,     \
                                                                   weir_o_) };                     \
    }

#endif
#endif

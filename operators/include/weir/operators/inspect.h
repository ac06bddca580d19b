/* SPDX-License-Identifier: Apache-2.0
 *
 * inspect: calls a function for each record on its way, or for each batch. A stage; the stream goes
 * on as it is.
 *
 *     static void show(const hit *h) { printf("%d\n", (int)h->ms); }
 *     WEIR_INSPECT(show, hit)
 *     …
 *     hits = weir_inspect(hits, show);
 *
 * Batches have times and diffs as well, and need no registration:
 *
 *     static void count_them(const weir_batch *b, void *ctx) { *(size_t *)ctx += b->count; }
 *     …
 *     hits = weir_inspect_batches(hits, count_them, &counter);
 *
 * The functions run on all workers at once. The form with a context: weir/operators/context.h.
 */
#ifndef WEIR_OPERATORS_INSPECT_H
#define WEIR_OPERATORS_INSPECT_H

#include <weir/batch.h>
#include <weir/operators/context.h>
#include <weir/record.h>

WEIR_BEGIN_DECLS

WEIR_API weir_port *weir__inspect(weir_port *in, weir_inspect_fn *fn, void *ctx, const char *name);

WEIR_END_DECLS

#ifndef __cplusplus

/* The stream, after a look at each of its records. */
#define weir_inspect(s, fn)                                                                        \
    (WEIR_CHECK_(WEIR_CARRIES_(s, weir_inspect_in_##fn),                                           \
                 "weir_inspect(" #s ", " #fn "): the stream does not carry the records " #fn       \
                 " takes"),                                                                        \
     weir_inspect_add_##fn((s).port))
/* weir_inspect_ctx(stream, fn, options…) */
#define weir_inspect_ctx(s, ...) weir_inspect_ctx_(s, __VA_ARGS__, .end_ = 0)
#define weir_inspect_ctx_(s, fn, ...) WEIR_CONTEXT_CALL_(inspect, s, fn, __VA_ARGS__)
/* The stream, after fn(batch, ctx) for each of its batches: a weir_inspect_fn. */
#define weir_inspect_batches(s, fn, ctx)                                                           \
    __extension__({ (__typeof__(s)){ .port = weir__inspect((s).port, fn, ctx, #fn) }; })

/* Registers fn, void fn(const T *), for weir_inspect. */
#define WEIR_INSPECT(fn, T)                                                                        \
    _Static_assert(WEIR_SAME_(__typeof__(&fn), void (*)(const T *)),                               \
                   "WEIR_INSPECT(" #fn ", " #T "): " #fn " must be void (const " #T " *)");        \
    typedef T weir_inspect_in_##fn;                                                                \
    typedef weir_stream(T) weir_inspect_out_##fn;                                                  \
    static void weir_inspect_kernel_##fn(const weir_batch *weir_in_, void *weir_ctx_)              \
    {                                                                                              \
        const T *weir_from_ = weir_in_->records;                                                   \
        (void)weir_ctx_;                                                                           \
        for (size_t weir_i_ = 0; weir_i_ < weir_in_->count; weir_i_++)                             \
            fn(&weir_from_[weir_i_]);                                                              \
    }                                                                                              \
    WEIR_UNUSED static inline weir_inspect_out_##fn weir_inspect_add_##fn(weir_port *weir_in_)     \
    {                                                                                              \
        return (weir_inspect_out_##fn){ .port = weir__inspect(weir_in_, weir_inspect_kernel_##fn,  \
                                                              NULL,                                \
                                                              #fn) };                              \
    }

/* Registers fn, void fn(CTX *, const T *), for weir_inspect_ctx. */
#define WEIR_INSPECT_CTX(fn, CTX, T)                                                               \
    _Static_assert(WEIR_SAME_(__typeof__(&fn), void (*)(CTX *, const T *)),                        \
                   "WEIR_INSPECT_CTX(" #fn ", " #CTX ", " #T "): " #fn " must be void (" #CTX      \
                   " *, const " #T " *)");                                                         \
    typedef T weir_inspect_ctx_in_##fn;                                                            \
    typedef weir_stream(T) weir_inspect_ctx_out_##fn;                                              \
    WEIR_CONTEXT_(inspect, fn, CTX)                                                                \
    static void weir_inspect_ctx_kernel_##fn(const weir_batch *weir_in_, void *weir_ctx_)          \
    {                                                                                              \
        const T *weir_from_ = weir_in_->records;                                                   \
        for (size_t weir_i_ = 0; weir_i_ < weir_in_->count; weir_i_++)                             \
            fn(weir_ctx_, &weir_from_[weir_i_]);                                                   \
    }                                                                                              \
    WEIR_UNUSED static inline weir_inspect_ctx_out_##fn weir_inspect_ctx_add_##fn(                 \
        weir_port *weir_in_, const struct weir_inspect_options_##fn *weir_o_)                      \
    {                                                                                              \
        return (weir_inspect_ctx_out_##fn){ .port =                                                \
                                                WEIR_CONTEXT_STAGE_(inspect, fn, T, T, weir_in_,   \
                                                                    weir_o_) };                    \
    }

#endif
#endif

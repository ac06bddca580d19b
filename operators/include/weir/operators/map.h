/* SPDX-License-Identifier: Apache-2.0
 *
 * map: one record in, one out, by a function. A stage: fused into what feeds it.
 *
 *     static sale to_sale(const order *o) { return (sale){ .product = o->product }; }
 *     WEIR_MAP(to_sale, order, sale)
 *     …
 *     weir_stream(sale) sales = weir_map(orders, to_sale);
 *
 * Strings of the result come from the input record or from literals (flat_map can make new ones).
 * Of a collection, each change becomes the change of the result, with its diff. The form with a
 * context: weir/operators/context.h.
 */
#ifndef WEIR_OPERATORS_MAP_H
#define WEIR_OPERATORS_MAP_H

#include <weir/operators/context.h>
#include <weir/record.h>

WEIR_BEGIN_DECLS

/* As weir_map, over records described at run time. name is what the operator is called; it is
 * followed by a number if it is taken. */
WEIR_API weir_port *weir__map(weir_port *in, const weir_type *from, const weir_type *to,
                              weir_map_fn *fn, const char *name);

WEIR_END_DECLS

#ifndef __cplusplus

/* The stream of fn of each record. */
#define weir_map(s, fn)                                                                            \
    (WEIR_CHECK_(WEIR_CARRIES_(s, weir_map_in_##fn),                                               \
                 "weir_map(" #s ", " #fn "): the stream does not carry the records " #fn           \
                 " takes"),                                                                        \
     weir_map_add_##fn((s).port))
/* weir_map_ctx(stream, fn, options…) */
#define weir_map_ctx(s, ...) weir_map_ctx_(s, __VA_ARGS__, .end_ = 0)
#define weir_map_ctx_(s, fn, ...) WEIR_CONTEXT_CALL_(map, s, fn, __VA_ARGS__)

/* Registers fn, OUT fn(const IN *), for weir_map: checks the signature, makes the batch loop. */
#define WEIR_MAP(fn, IN, OUT)                                                                      \
    _Static_assert(WEIR_SAME_(__typeof__(&fn), OUT(*)(const IN *)),                                \
                   "WEIR_MAP(" #fn ", " #IN ", " #OUT "): " #fn " must be " #OUT                   \
                   " (const " #IN " *)");                                                          \
    typedef IN weir_map_in_##fn;                                                                   \
    typedef weir_stream(OUT) weir_map_out_##fn;                                                    \
    static void weir_map_kernel_##fn(const void *weir_in_, void *weir_out_, size_t weir_count_,    \
                                     void *weir_ctx_)                                              \
    {                                                                                              \
        const IN *weir_from_ = weir_in_;                                                           \
        OUT *weir_to_ = weir_out_;                                                                 \
        (void)weir_ctx_;                                                                           \
        WEIR_IN_PLACE_(weir_in_ == weir_out_,                                                      \
            for (size_t weir_i_ = 0; weir_i_ < weir_count_; weir_i_++)                             \
                weir_store_##OUT((char *)&weir_to_[weir_i_],                                       \
                                 fn((const IN *)(const void *)&weir_to_[weir_i_]));)               \
        WEIR_INDEPENDENT_                                                                          \
        for (size_t weir_i_ = 0; weir_i_ < weir_count_; weir_i_++) {                               \
            weir_ask_ahead_(&weir_from_[weir_i_], sizeof *weir_from_);                             \
            weir_store_##OUT((char *)&weir_to_[weir_i_], fn(&weir_from_[weir_i_]));                \
        }                                                                                          \
    }                                                                                              \
    WEIR_UNUSED static inline weir_map_out_##fn weir_map_add_##fn(weir_port *weir_in_)             \
    {                                                                                              \
        return (weir_map_out_##fn){ .port = weir__map(weir_in_, IN##_type(), OUT##_type(),         \
                                                      weir_map_kernel_##fn, #fn) };                \
    }

/* Registers fn, OUT fn(CTX *, const IN *), for weir_map_ctx. */
#define WEIR_MAP_CTX(fn, CTX, IN, OUT)                                                             \
    _Static_assert(WEIR_SAME_(__typeof__(&fn), OUT(*)(CTX *, const IN *)),                         \
                   "WEIR_MAP_CTX(" #fn ", " #CTX ", " #IN ", " #OUT "): " #fn " must be " #OUT     \
                   " (" #CTX " *, const " #IN " *)");                                              \
    typedef IN weir_map_ctx_in_##fn;                                                               \
    typedef weir_stream(OUT) weir_map_ctx_out_##fn;                                                \
    WEIR_CONTEXT_(map, fn, CTX)                                                                    \
    static void weir_map_ctx_kernel_##fn(const void *weir_in_, void *weir_out_,                    \
                                         size_t weir_count_, void *weir_ctx_)                      \
    {                                                                                              \
        const IN *weir_from_ = weir_in_;                                                           \
        OUT *weir_to_ = weir_out_;                                                                 \
        for (size_t weir_i_ = 0; weir_i_ < weir_count_; weir_i_++) {                               \
            weir_ask_ahead_(&weir_from_[weir_i_], sizeof *weir_from_);                             \
            weir_store_##OUT((char *)&weir_to_[weir_i_], fn(weir_ctx_, &weir_from_[weir_i_]));     \
        }                                                                                          \
    }                                                                                              \
    WEIR_UNUSED static inline weir_map_ctx_out_##fn weir_map_ctx_add_##fn(                         \
        weir_port *weir_in_, const struct weir_map_options_##fn *weir_o_)                          \
    {                                                                                              \
        return (weir_map_ctx_out_##fn){ .port =                                                    \
                                            WEIR_CONTEXT_STAGE_(map, fn, IN, OUT, weir_in_,        \
                                                                weir_o_) };                        \
    }

/* Says to the compiler that iterations do not depend on each other, though in may be out. gcc is
 * told, and to unroll, which it does not by itself: one store a turn of a short loop is half of
 * what a processor can do. clang would warn of each function with which it cannot make use of that;
 * it sees by itself that in is out, and looks at run time whether they are apart. */
#ifdef __clang__
#define WEIR_INDEPENDENT_
#define WEIR_IN_PLACE_(same, loop)                                                                 \
    if (same) {                                                                                    \
        loop return;                                                                               \
    }
#else
#define WEIR_INDEPENDENT_ _Pragma("GCC ivdep") _Pragma("GCC unroll 4")
#define WEIR_IN_PLACE_(same, loop)
#endif

#endif
#endif

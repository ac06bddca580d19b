/* SPDX-License-Identifier: Apache-2.0
 *
 * flat_map: any number of records out for each in. A stage.
 *
 *     static void split_words(const line *in, weir_out(word) out)
 *     {
 *         weir_split words = weir_split_of(&in->text, ' ');
 *         for (weir_str token; weir_split_next(&words, &token);)
 *             word_emit(out, (word){ .text = token });
 *     }
 *     WEIR_FLAT_MAP(split_words, line, word)
 *     …
 *     weir_stream(word) words = weir_flat_map(lines, split_words);
 *
 * Strings of the result come from the input record, from literals, or from weir_str_copy and
 * weir_str_format. Of a collection, each change becomes changes with its diff. The form with a
 * context: weir/operators/context.h.
 *
 * A function that makes very many records of one keeps everything else from running until it
 * returns. The resumable form is called again and again for a record, with a place of its own that
 * is zero at first, until it returns false; others have their turn in between. It is a node.
 *
 *     typedef struct place { uint64_t next; } place;
 *     static bool count_up(const range *in, place *at, weir_out(number) out)
 *     {
 *         for (int i = 0; i < 1000 && at->next < in->count; i++)
 *             number_emit(out, (number){ in->first + at->next++ });
 *         return at->next < in->count;
 *     }
 *     WEIR_FLAT_MAP_RESUMABLE(count_up, range, place, number)
 *     …
 *     weir_stream(number) numbers = weir_flat_map_resumable(ranges, count_up);
 *
 * With WEIR_FLAT_MAP_RESUMABLE_CTX and weir_flat_map_resumable_ctx it takes a context first.
 */
#ifndef WEIR_OPERATORS_FLAT_MAP_H
#define WEIR_OPERATORS_FLAT_MAP_H

#include <weir/operators/context.h>
#include <weir/record.h>

WEIR_BEGIN_DECLS

WEIR_API weir_port *weir__flat_map(weir_port *in, const weir_type *from, const weir_type *to,
                                   weir_flat_map_fn *fn, const char *name);

/* Makes some of the records that come from one, about a batch of them at most; whether there are
 * more. place has place_size bytes, zero for the first call of a record, and may not lead to memory
 * that somebody would have to free. */
typedef bool weir_resumable_fn(const void *record, void *place, weir_builder *out, void *ctx);
typedef struct weir_resumable_spec {
    size_t struct_size;
    const weir_type *in, *out;
    weir_resumable_fn *call;
    size_t place_size;
    const char *name;      /* NULL: the kind and a number */
    const void *ctx;       /* for call, which the workers share; with init, what that gets */
    size_t ctx_size;       /* of what ctx points to, which is copied; 0: it is not */
    /* As of a stage (weir_stage_spec). */
    void *(*init)(void *ctx, unsigned worker);
    void (*fini)(void *worker_ctx, void *ctx);
} weir_resumable_spec;
WEIR_API weir_port *weir__flat_map_resumable(weir_port *in, const weir_resumable_spec *spec);

WEIR_END_DECLS

#ifndef __cplusplus

/* The stream of what fn emits for each record. */
#define weir_flat_map(s, fn)                                                                       \
    (WEIR_CHECK_(WEIR_CARRIES_(s, weir_flat_map_in_##fn),                                          \
                 "weir_flat_map(" #s ", " #fn "): the stream does not carry the records " #fn      \
                 " takes"),                                                                        \
     weir_flat_map_add_##fn((s).port))
/* weir_flat_map_ctx(stream, fn, options…) */
#define weir_flat_map_ctx(s, ...) weir_flat_map_ctx_(s, __VA_ARGS__, .end_ = 0)
#define weir_flat_map_ctx_(s, fn, ...) WEIR_CONTEXT_CALL_(flat_map, s, fn, __VA_ARGS__)

/* Registers fn, void fn(const IN *, weir_out(OUT)), for weir_flat_map. */
#define WEIR_FLAT_MAP(fn, IN, OUT)                                                                 \
    _Static_assert(WEIR_SAME_(__typeof__(&fn), void (*)(const IN *, weir_out(OUT))),               \
                   "WEIR_FLAT_MAP(" #fn ", " #IN ", " #OUT "): " #fn " must be void (const " #IN   \
                   " *, weir_out(" #OUT "))");                                                     \
    typedef IN weir_flat_map_in_##fn;                                                              \
    typedef weir_stream(OUT) weir_flat_map_out_##fn;                                               \
    static void weir_flat_map_kernel_##fn(const weir_batch *weir_in_, weir_builder *weir_builder_, \
                                          void *weir_ctx_)                                         \
    {                                                                                              \
        const IN *weir_from_ = weir_in_->records;                                                  \
        weir_out(OUT) weir_out_ = { .builder = weir_builder_ };                                    \
        (void)weir_ctx_;                                                                           \
        for (size_t weir_i_ = 0; weir_i_ < weir_in_->count; weir_i_++) {                           \
            weir_ask_ahead_(&weir_from_[weir_i_], sizeof *weir_from_);                             \
            weir_builder_->from = weir_i_;                                                         \
            fn(&weir_from_[weir_i_], weir_out_);                                                   \
        }                                                                                          \
    }                                                                                              \
    WEIR_UNUSED static inline weir_flat_map_out_##fn weir_flat_map_add_##fn(weir_port *weir_in_)   \
    {                                                                                              \
        return (weir_flat_map_out_##fn){ .port = weir__flat_map(weir_in_, IN##_type(),             \
                                                                OUT##_type(),                      \
                                                                weir_flat_map_kernel_##fn, #fn) }; \
    }

/* The stream of what fn emits for each record, in as many calls as it asks for. */
#define weir_flat_map_resumable(s, fn)                                                             \
    (WEIR_CHECK_(WEIR_CARRIES_(s, weir_flat_map_resumable_in_##fn),                                \
                 "weir_flat_map_resumable(" #s ", " #fn                                            \
                 "): the stream does not carry the records " #fn " takes"),                        \
     weir_flat_map_resumable_add_##fn((s).port))

/* Registers fn, bool fn(const IN *, PLACE *, weir_out(OUT)), for weir_flat_map_resumable. */
#define WEIR_FLAT_MAP_RESUMABLE(fn, IN, PLACE, OUT)                                                \
    _Static_assert(WEIR_SAME_(__typeof__(&fn), bool (*)(const IN *, PLACE *, weir_out(OUT))),      \
                   "WEIR_FLAT_MAP_RESUMABLE(" #fn ", " #IN ", " #PLACE ", " #OUT "): " #fn         \
                   " must be bool (const " #IN " *, " #PLACE " *, weir_out(" #OUT "))");           \
    typedef IN weir_flat_map_resumable_in_##fn;                                                    \
    typedef weir_stream(OUT) weir_flat_map_resumable_out_##fn;                                     \
    static bool weir_flat_map_resumable_call_##fn(const void *weir_record_, void *weir_place_,     \
                                                  weir_builder *weir_builder_, void *weir_ctx_)    \
    {                                                                                              \
        (void)weir_ctx_;                                                                           \
        return fn(weir_record_, weir_place_, (weir_out(OUT)){ .builder = weir_builder_ });         \
    }                                                                                              \
    WEIR_UNUSED static inline weir_flat_map_resumable_out_##fn weir_flat_map_resumable_add_##fn(   \
        weir_port *weir_in_)                                                                       \
    {                                                                                              \
        return (weir_flat_map_resumable_out_##fn){                                                 \
            .port = weir__flat_map_resumable(                                                      \
                weir_in_, &(weir_resumable_spec){ .struct_size = sizeof(weir_resumable_spec),      \
                                                  .in = IN##_type(),                               \
                                                  .out = OUT##_type(),                             \
                                                  .call = weir_flat_map_resumable_call_##fn,       \
                                                  .place_size = sizeof(PLACE) })                   \
        };                                                                                         \
    }

/* weir_flat_map_resumable_ctx(stream, fn, options…) */
#define weir_flat_map_resumable_ctx(s, ...)                                                        \
    weir_flat_map_resumable_ctx_(s, __VA_ARGS__, .end_ = 0)
#define weir_flat_map_resumable_ctx_(s, fn, ...)                                                   \
    WEIR_CONTEXT_CALL_(flat_map_resumable, s, fn, __VA_ARGS__)

/* Registers fn, bool fn(CTX *, const IN *, PLACE *, weir_out(OUT)), for
 * weir_flat_map_resumable_ctx. */
#define WEIR_FLAT_MAP_RESUMABLE_CTX(fn, CTX, IN, PLACE, OUT)                                       \
    _Static_assert(WEIR_SAME_(__typeof__(&fn),                                                     \
                              bool (*)(CTX *, const IN *, PLACE *, weir_out(OUT))),                \
                   "WEIR_FLAT_MAP_RESUMABLE_CTX(" #fn ", " #CTX ", " #IN ", " #PLACE ", " #OUT     \
                   "): " #fn " must be bool (" #CTX " *, const " #IN " *, " #PLACE                 \
                   " *, weir_out(" #OUT "))");                                                     \
    typedef IN weir_flat_map_resumable_ctx_in_##fn;                                                \
    typedef weir_stream(OUT) weir_flat_map_resumable_ctx_out_##fn;                                 \
    WEIR_CONTEXT_(flat_map_resumable, fn, CTX)                                                     \
    static bool weir_flat_map_resumable_ctx_call_##fn(                                             \
        const void *weir_record_, void *weir_place_, weir_builder *weir_builder_, void *weir_ctx_) \
    {                                                                                              \
        return fn(weir_ctx_, weir_record_, weir_place_,                                            \
                  (weir_out(OUT)){ .builder = weir_builder_ });                                    \
    }                                                                                              \
    WEIR_UNUSED static inline weir_flat_map_resumable_ctx_out_##fn                                 \
        weir_flat_map_resumable_ctx_add_##fn(                                                      \
            weir_port *weir_in_, const struct weir_flat_map_resumable_options_##fn *weir_o_)       \
    {                                                                                              \
        weir_resumable_spec weir_spec_ = { .struct_size = sizeof weir_spec_,                       \
                                           .in = IN##_type(),                                      \
                                           .out = OUT##_type(),                                    \
                                           .call = weir_flat_map_resumable_ctx_call_##fn,          \
                                           .place_size = sizeof(PLACE),                            \
                                           .name = weir_o_->name,                                  \
                                           .ctx = weir_o_->init || weir_o_->ctx ? weir_o_ : NULL,  \
                                           .ctx_size = sizeof *weir_o_,                            \
                                           .init = weir_flat_map_resumable_init_##fn,              \
                                           .fini = weir_flat_map_resumable_fini_##fn };            \
        return (weir_flat_map_resumable_ctx_out_##fn){                                             \
            .port = weir__flat_map_resumable(weir_in_, &weir_spec_)                                \
        };                                                                                         \
    }

/* Registers fn, void fn(CTX *, const IN *, weir_out(OUT)), for weir_flat_map_ctx. */
#define WEIR_FLAT_MAP_CTX(fn, CTX, IN, OUT)                                                        \
    _Static_assert(WEIR_SAME_(__typeof__(&fn), void (*)(CTX *, const IN *, weir_out(OUT))),        \
                   "WEIR_FLAT_MAP_CTX(" #fn ", " #CTX ", " #IN ", " #OUT "): " #fn                 \
                   " must be void (" #CTX " *, const " #IN " *, weir_out(" #OUT "))");             \
    typedef IN weir_flat_map_ctx_in_##fn;                                                          \
    typedef weir_stream(OUT) weir_flat_map_ctx_out_##fn;                                           \
    WEIR_CONTEXT_(flat_map, fn, CTX)                                                               \
    static void weir_flat_map_ctx_kernel_##fn(const weir_batch *weir_in_,                          \
                                              weir_builder *weir_builder_, void *weir_ctx_)        \
    {                                                                                              \
        const IN *weir_from_ = weir_in_->records;                                                  \
        weir_out(OUT) weir_out_ = { .builder = weir_builder_ };                                    \
        for (size_t weir_i_ = 0; weir_i_ < weir_in_->count; weir_i_++) {                           \
            weir_ask_ahead_(&weir_from_[weir_i_], sizeof *weir_from_);                             \
            weir_builder_->from = weir_i_;                                                         \
            fn(weir_ctx_, &weir_from_[weir_i_], weir_out_);                                        \
        }                                                                                          \
    }                                                                                              \
    WEIR_UNUSED static inline weir_flat_map_ctx_out_##fn weir_flat_map_ctx_add_##fn(               \
        weir_port *weir_in_, const struct weir_flat_map_options_##fn *weir_o_)                     \
    {                                                                                              \
        return (weir_flat_map_ctx_out_##fn){ .port = WEIR_CONTEXT_STAGE_(flat_map, fn, IN, OUT,    \
                                                                         weir_in_, weir_o_) };     \
    }

#endif
#endif

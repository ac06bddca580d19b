/* SPDX-License-Identifier: Apache-2.0
 *
 * upsert: a plain stream in which the newest record of a key counts becomes a collection.
 *
 *     #define QUOTE(F) F(str, item) F(opt_i64, cents) F(u64, version)
 *     #define PRICE(F) F(str, item) F(i64, cents)
 *     …
 *     static bool price_of(const quote *q, price *p)
 *     {
 *         *p = (price){ q->item, q->cents.value };
 *         return q->cents.set;                        // false: the item has no price any more
 *     }
 *     WEIR_UPSERT(price_of, quote, price)
 *     …
 *     weir_stream(price) prices = weir_upsert(quotes, WEIR_KEY(quote, item), price_of,
 *                                             .order = WEIR_ASC(quote, version));
 *
 * The function makes of the newest record of a key the one that stands for it, which begins with
 * the key's fields, or says that there is none; it must always make the same of the same record.
 * When an epoch is complete, each key of which something came gives its old record with diff -1
 * and its new one with diff +1, if they differ. The result's unique key is the key.
 *
 * Of the records of one epoch the last one in .order counts, of several the first by all fields:
 * the result then depends on what came in which epoch, and on nothing else. Without .order it is
 * the one that arrived last, which is for a source's order to say, where one worker sends all
 * records of a key; where several do, it may be another one at each run (the operator is no
 * deterministic one then). A later epoch always counts more, whatever .order says: of sources that
 * follow the clock, which cut epochs as they read, the records of one key have to come in order, as
 * those of one partition do. Strings of the result come from the record or from literals.
 *
 * In a scope, whose times have no one order, .order is needed: at each time it says which of all
 * records of a key up to there counts, whatever epoch and round they are of; all of them are kept.
 */
#ifndef WEIR_OPERATORS_UPSERT_H
#define WEIR_OPERATORS_UPSERT_H

#include <weir/graph.h>

WEIR_BEGIN_DECLS

/* Writes the result in canonical form, except for strings; false: there is none. */
typedef bool weir_upsert_fn(const void *record, void *result, const void *ctx);

/* Zero means default for every field. */
struct weir_upsert_options {
    size_t struct_size;
    weir_order order; /* of the records of an epoch */
};

/* Over records described at run time. */
typedef struct weir_upsert_spec {
    size_t struct_size;
    const char *kind; /* what metrics group by, and the default name */
    const weir_type *in, *out;
    const char *const *key; /* names of fields, ended by NULL */
    weir_upsert_fn *make;
    const void *ctx;     /* for make; lives as long as the graph */
    weir_key result_key; /* fields of out that are the key's; count 0: the first ones */
} weir_upsert_spec;

/* Refuses, on the graph, a collection, a stream or a key that does not fit, a result that does not
 * have the key where it should, a record and a result of together over 3500 bytes, and no order
 * inside a scope. */
WEIR_API weir_port *weir_upsert_erased(weir_port *in, const weir_upsert_spec *spec,
                                       const struct weir_upsert_options *options);

WEIR_END_DECLS

#ifndef __cplusplus
#include <weir/record.h>

/* weir_upsert(stream, WEIR_KEY(IN, field…), fn, options…) */
#define weir_upsert(s, K, ...)                                                                     \
    weir_upsert_(s, K, __VA_ARGS__, .struct_size = sizeof(struct weir_upsert_options))
#define weir_upsert_(s, K, fn, ...)                                                                \
    (WEIR_CHECK_(WEIR_CARRIES_(s, weir_upsert_in_##fn),                                            \
                 "weir_upsert(" #s ", " #K ", " #fn                                                \
                 "): the stream does not carry the records " #fn " takes"),                        \
     WEIR_CHECK_(WEIR_KEY_FITS_(s, K), "weir_upsert(" #s ", " #K ", " #fn                          \
                                       "): the key names a record that the stream does not "       \
                                       "carry"),                                                   \
     weir_upsert_add_##fn((s).port, WEIR_KEY_NAMES_(K),                                            \
                          &(struct weir_upsert_options){ __VA_ARGS__ }))

/* Registers fn, bool fn(const IN *, OUT *), for weir_upsert. */
#define WEIR_UPSERT(fn, IN, OUT)                                                                   \
    _Static_assert(WEIR_SAME_(__typeof__(&fn), bool (*)(const IN *, OUT *)),                       \
                   "WEIR_UPSERT(" #fn ", " #IN ", " #OUT "): " #fn " must be bool (const " #IN     \
                   " *, " #OUT " *)");                                                             \
    typedef IN weir_upsert_in_##fn;                                                                \
    static bool weir_upsert_of_##fn(const void *weir_record_, void *weir_to_,                      \
                                    const void *weir_ctx_)                                         \
    {                                                                                              \
        OUT weir_result_;                                                                          \
        (void)weir_ctx_;                                                                           \
        memset(&weir_result_, 0, sizeof weir_result_);                                             \
        if (!fn(weir_record_, &weir_result_))                                                      \
            return false;                                                                          \
        weir_store_##OUT(weir_to_, weir_result_);                                                  \
        return true;                                                                               \
    }                                                                                              \
    WEIR_UNUSED static inline weir_stream(OUT) weir_upsert_add_##fn(                               \
        weir_port *weir_in_, const char *const *weir_key_,                                         \
        const struct weir_upsert_options *weir_options_)                                           \
    {                                                                                              \
        return (weir_stream(OUT)){                                                                 \
            .port = weir_upsert_erased(weir_in_,                                                   \
                                       &(weir_upsert_spec){ .struct_size =                         \
                                                                sizeof(weir_upsert_spec),          \
                                                            .kind = #fn,                           \
                                                            .in = IN##_type(),                     \
                                                            .out = OUT##_type(),                   \
                                                            .key = weir_key_,                      \
                                                            .make = weir_upsert_of_##fn },         \
                                       weir_options_)                                              \
        };                                                                                         \
    }
#endif

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * join: the pairs of records of two collections that share a key, put together by a function.
 *
 *     static void with_name(const sale *s, const product *p, weir_out(named) out)
 *     {
 *         named_emit(out, (named){ .product = p->name, .cents = s->cents });
 *     }
 *     WEIR_JOIN(with_name, sale, product, named)
 *     …
 *     weir_stream(named) n = weir_join(sales, WEIR_KEY(sale, product),
 *                                      products, WEIR_KEY(product, id), with_name);
 *
 * The result changes as either side does, and is at every complete time what the pairs of that time
 * make. The function is called for each pair that comes or goes; what it emits has the product of
 * the diffs as its diff. So it must depend on the two records only. Strings of the result come from
 * the two records or from literals, or are made for out (weir_str_copy, weir_str_format).
 *
 * Both sides are arranged by their keys (weir/operators/arrange.h), once for all that reads them by
 * the same. Keys agree if their fields have the same kinds, in order; one that is not set is equal
 * to another that is not. In any scope: a side that only entered it is arranged outside. A product
 * of diffs beyond 64 bits ends the run with WEIR_OVERFLOWED.
 */
#ifndef WEIR_OPERATORS_JOIN_H
#define WEIR_OPERATORS_JOIN_H

#include <weir/graph.h>
#include <weir/match.h>

WEIR_BEGIN_DECLS

/* Emits what pairs make, each after out->from was set to its index. */
typedef void weir_join_fn(const weir_matches *pairs, struct weir_builder *out, void *ctx);

/* Zero means default for every field that is not said to be needed. */
typedef struct weir_join_spec {
    size_t struct_size;
    const char *name;          /* of the operator; default: numbered */
    const weir_type *takes[2]; /* the records it takes; default: those of the streams */
    const weir_type *out;      /* needed */
    weir_join_fn *kernel;      /* needed */
    void *ctx;
} weir_join_spec;

/* Refuses, on the graph, a plain stream, streams of different scopes or of other records, and keys
 * that do not agree. */
WEIR_API weir_port *weir_join_erased(weir_port *const sides[2], const weir_key keys[2],
                                     const weir_join_spec *spec);
/* The same with the names of the keys' fields; each list ends with NULL. */
WEIR_API weir_port *weir__join(weir_port *const sides[2], const char *const *const names[2],
                               const weir_join_spec *spec);

WEIR_END_DECLS

#ifndef __cplusplus
#include <weir/record.h>

#define weir_join(a, KA, b, KB, fn)                                                                \
    __extension__({                                                                                \
        WEIR_JOIN_KEYS_CHECK_("weir_join", a, KA, b, KB);                                          \
        _Static_assert(WEIR_CARRIES_(a, weir_join_left_##fn),                                      \
                       "weir_join(" #a ", ..., " #fn "): the first stream does not carry the "     \
                       "records that " #fn " takes first");                                        \
        _Static_assert(WEIR_CARRIES_(b, weir_join_right_##fn),                                     \
                       "weir_join(..., " #b ", ..., " #fn "): the second stream does not carry "   \
                       "the records that " #fn " takes second");                                   \
        weir_join_add_##fn((weir_port *const[2]){ (a).port, (b).port },                            \
                           (const char *const *const[2]){ WEIR_KEY_NAMES_(KA),                     \
                                                          WEIR_KEY_NAMES_(KB) });                  \
    })

/* What every call checks that takes two streams by keys. */
#define WEIR_JOIN_KEYS_CHECK_(call, a, KA, b, KB)                                                  \
    _Static_assert(WEIR_KEY_FITS_(a, KA), call "(" #a ", " #KA ", ...): the key names a record "   \
                                               "that the stream does not carry");                  \
    _Static_assert(WEIR_KEY_FITS_(b, KB), call "(..., " #b ", " #KB "): the key names a record "   \
                                               "that the stream does not carry");                  \
    _Static_assert(WEIR_KEYS_AGREE_(KA, KB), call "(" #a ", " #KA ", " #b ", " #KB                 \
                                                  "): the keys must have the same kinds of "       \
                                                  "fields, in order")

/* Registers fn, void fn(const A *, const B *, weir_out(OUT)), for weir_join: checks the signature,
 * makes the loop. */
#define WEIR_JOIN(fn, A, B, OUT)                                                                   \
    _Static_assert(WEIR_SAME_(__typeof__(&fn), void (*)(const A *, const B *, weir_out(OUT))),     \
                   "WEIR_JOIN(" #fn ", " #A ", " #B ", " #OUT "): " #fn                            \
                   " must be void (const " #A " *, const " #B " *, weir_out(" #OUT "))");          \
    typedef A weir_join_left_##fn;                                                                 \
    typedef B weir_join_right_##fn;                                                                \
    static void weir_join_kernel_##fn(const weir_matches *weir_pairs_, weir_builder *weir_out_,    \
                                      void *weir_ctx_)                                             \
    {                                                                                              \
        weir_out(OUT) weir_to_ = { .builder = weir_out_ };                                         \
        (void)weir_ctx_;                                                                           \
        for (size_t weir_i_ = 0; weir_i_ < weir_pairs_->count; weir_i_++) {                        \
            weir_out_->from = weir_i_;                                                             \
            fn((const A *)weir_pairs_->records[0][weir_i_],                                        \
               (const B *)weir_pairs_->records[1][weir_i_], weir_to_);                             \
        }                                                                                          \
    }                                                                                              \
    WEIR_UNUSED static inline weir_join_spec weir_join_spec_##fn(void)                             \
    {                                                                                              \
        return (weir_join_spec){ .struct_size = sizeof(weir_join_spec),                            \
                                 .takes = { A##_type(), B##_type() },                              \
                                 .out = OUT##_type(),                                              \
                                 .kernel = weir_join_kernel_##fn };                                \
    }                                                                                              \
    WEIR_UNUSED static inline weir_stream(OUT)                                                     \
        weir_join_add_##fn(weir_port *const weir_sides_[2],                                        \
                           const char *const *const weir_names_[2])                                \
    {                                                                                              \
        weir_join_spec weir_spec_ = weir_join_spec_##fn();                                         \
        return (weir_stream(OUT)){ .port = weir__join(weir_sides_, weir_names_, &weir_spec_) };    \
    }
#endif

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * explode: a record becomes several, each so often. What a record says of itself ("three of these")
 * turns into how often it is there, where counts, sums and joins see it.
 *
 *     static void fruit(const basket *in, weir_out(item) out)
 *     {
 *         item_emit_n(out, (item){ weir_str_of("apple") }, in->apples);
 *         item_emit_n(out, (item){ weir_str_of("pear") }, in->pears);
 *     }
 *     WEIR_EXPLODE(fruit, basket, item)
 *     …
 *     weir_stream(item) items = weir_explode(baskets, fruit);
 *
 * The result is a collection. Each record that the function emits has as its diff how often it says
 * times the diff of the record that it comes from; 0 is nothing, less than 0 takes away. A product
 * beyond 64 bits ends the run with WEIR_OVERFLOWED. The function must always make the same of the
 * same record. Strings of the result come from the input record, from literals, or from
 * weir_str_copy and weir_str_format. In scopes of any depth.
 */
#ifndef WEIR_OPERATORS_EXPLODE_H
#define WEIR_OPERATORS_EXPLODE_H

#include <weir/batch.h>
#include <weir/graph.h>

WEIR_BEGIN_DECLS

/* Emits what one record becomes; how often is the builder's diff. */
typedef void weir_explode_fn(const void *record, weir_builder *out);

/* Over records described at run time. kind is what metrics group by. Refuses, on the graph, a
 * stream of other records. */
WEIR_API weir_port *weir_explode_erased(weir_port *in, const weir_type *from, const weir_type *to,
                                        weir_explode_fn *fn, const char *kind);

WEIR_END_DECLS

#ifndef __cplusplus
#include <weir/record.h>

#define weir_explode(s, fn)                                                                        \
    (WEIR_CHECK_(WEIR_CARRIES_(s, weir_explode_in_##fn),                                           \
                 "weir_explode(" #s ", " #fn "): the stream does not carry the records " #fn       \
                 " takes"),                                                                        \
     weir_explode_add_##fn((s).port))

/* Registers fn, void fn(const IN *, weir_out(OUT)), for weir_explode. */
#define WEIR_EXPLODE(fn, IN, OUT)                                                                  \
    _Static_assert(WEIR_SAME_(__typeof__(&fn), void (*)(const IN *, weir_out(OUT))),               \
                   "WEIR_EXPLODE(" #fn ", " #IN ", " #OUT "): " #fn " must be void (const " #IN    \
                   " *, weir_out(" #OUT "))");                                                     \
    typedef IN weir_explode_in_##fn;                                                               \
    static void weir_explode_of_##fn(const void *weir_record_, weir_builder *weir_builder_)        \
    {                                                                                              \
        fn(weir_record_, (weir_out(OUT)){ .builder = weir_builder_ });                             \
    }                                                                                              \
    WEIR_UNUSED static inline weir_stream(OUT) weir_explode_add_##fn(weir_port *weir_in_)          \
    {                                                                                              \
        return (weir_stream(OUT)){                                                                 \
            .port = weir_explode_erased(weir_in_, IN##_type(), OUT##_type(),                       \
                                        weir_explode_of_##fn, #fn)                                 \
        };                                                                                         \
    }
#endif

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * delta_join: a join of three or more collections, by fields that have to agree, without the joins
 * of some of them in between.
 *
 *     static void close(const edge *ab, const edge *bc, const edge *ca, weir_out(triangle) out)
 *     {
 *         triangle_emit(out, (triangle){ ab->from, bc->from, ca->from });
 *     }
 *     WEIR_DELTA_JOIN3(close, edge, edge, edge, triangle)
 *     …
 *     weir_stream(triangle) t = weir_delta_join3(edges, edges, edges, close,
 *                                                WEIR_ON(1, to, 2, from), WEIR_ON(2, to, 3, from),
 *                                                WEIR_ON(3, to, 1, from));
 *
 * WEIR_ON(i, x, j, y): field x of stream i, counted from 1, is equal to field y of stream j; both
 * have one kind, and one that is not set is equal to another that is not. The conditions connect
 * all streams. One stream may be there several times. The function is called for the records that
 * meet all conditions, as that of a join (weir/operators/join.h): what it emits has the product of
 * the diffs, so it must depend on the records only.
 *
 * Each stream is arranged by the keys that the conditions ask for, once for all that reads it by
 * them; nothing else is kept. A change of a stream is looked up in the next one, what that makes in
 * the one after it, and so on. So what is worked on is in proportion to what a change makes on its
 * way, and not to joins of some of the streams. Inside a scope, where times have no one order, it
 * is one join after the other, whose results are kept.
 *
 * In which order: next comes the stream that most conditions tie to those that were gone through,
 * of several the first. Where another order makes less on the way, since few records of a stream
 * agree, WEIR_CHAIN(i, j, k), among the conditions, names it: changes of stream i are looked up in
 * stream j, and what that makes in stream k. It names all streams, and each is tied to one before
 * it; the result is the same. Inside a scope there is one chain, that of stream 1.
 *
 *     weir_delta_join3(visits, pages, bans, fn, WEIR_ON(1, page, 2, id), WEIR_ON(1, user, 3, user),
 *                      WEIR_CHAIN(1, 3, 2));   // of a visit, first whether its user is banned
 *
 * The records of all streams have together at most 64 fields and 4096 bytes.
 */
#ifndef WEIR_OPERATORS_DELTA_JOIN_H
#define WEIR_OPERATORS_DELTA_JOIN_H

#include <weir/batch.h>
#include <weir/graph.h>

WEIR_BEGIN_DECLS

#define WEIR_DELTA_JOIN_MAX 8

/* Fields of two streams, numbered from 1, that are equal; or an order in which changes of a stream
 * are looked up in the others, which begins with it. */
typedef struct weir_on {
    unsigned stream[2];
    const char *field[2];                 /* NULL: it is an order */
    unsigned chain[WEIR_DELTA_JOIN_MAX];
} weir_on;

/* Emits what records make, one of each stream. */
typedef void weir_delta_join_fn(const void *const *records, weir_builder *out);

/* Over records described at run time. */
typedef struct weir_delta_join_spec {
    size_t struct_size;
    const char *kind;              /* what metrics group by, and the default name */
    unsigned count;                /* of streams: 2 to WEIR_DELTA_JOIN_MAX */
    const weir_type *const *takes; /* of each */
    const weir_type *out;
    weir_delta_join_fn *call;
} weir_delta_join_spec;

/* Refuses, on the graph, plain streams, streams of other records or of different scopes, conditions
 * that name what is not there or do not connect all streams, an order that does not go through all
 * of them or that is the second one of a stream, and records that are too large. */
WEIR_API weir_port *weir_delta_join_erased(weir_port *const *streams,
                                           const weir_delta_join_spec *spec, const weir_on *on,
                                           size_t on_count);

WEIR_END_DECLS

#ifndef __cplusplus
#include <weir/record.h>

#define WEIR_ON(i, x, j, y) { .stream = { i, j }, .field = { #x, #y } }
#define WEIR_CHAIN(...)     { .chain = { __VA_ARGS__ } }

/* weir_delta_join3(a, b, c, fn, WEIR_ON(…)…), weir_delta_join4(a, b, c, d, fn, WEIR_ON(…)…) */
#define weir_delta_join3(a, b, c, fn, ...)                                                         \
    (WEIR_CHECK_(WEIR_CARRIES_(a, weir_delta_1_##fn) && WEIR_CARRIES_(b, weir_delta_2_##fn) &&     \
                     WEIR_CARRIES_(c, weir_delta_3_##fn),                                          \
                 "weir_delta_join3(" #a ", " #b ", " #c ", " #fn                                   \
                 ", ...): the streams do not carry the records " #fn " takes"),                    \
     weir_delta_add_##fn((weir_port *const[]){ (a).port, (b).port, (c).port },                     \
                         (const weir_on[]){ __VA_ARGS__ },                                         \
                         sizeof((const weir_on[]){ __VA_ARGS__ }) / sizeof(weir_on)))
#define weir_delta_join4(a, b, c, d, fn, ...)                                                      \
    (WEIR_CHECK_(WEIR_CARRIES_(a, weir_delta_1_##fn) && WEIR_CARRIES_(b, weir_delta_2_##fn) &&     \
                     WEIR_CARRIES_(c, weir_delta_3_##fn) && WEIR_CARRIES_(d, weir_delta_4_##fn),   \
                 "weir_delta_join4(" #a ", " #b ", " #c ", " #d ", " #fn                           \
                 ", ...): the streams do not carry the records " #fn " takes"),                    \
     weir_delta_add_##fn((weir_port *const[]){ (a).port, (b).port, (c).port, (d).port },           \
                         (const weir_on[]){ __VA_ARGS__ },                                         \
                         sizeof((const weir_on[]){ __VA_ARGS__ }) / sizeof(weir_on)))

/* Registers fn, void fn(const A *, const B *, const C *, weir_out(OUT)), for weir_delta_join3. */
#define WEIR_DELTA_JOIN3(fn, A, B, C, OUT)                                                         \
    _Static_assert(                                                                                \
        WEIR_SAME_(__typeof__(&fn), void (*)(const A *, const B *, const C *, weir_out(OUT))),     \
        "WEIR_DELTA_JOIN3(" #fn ", " #A ", " #B ", " #C ", " #OUT "): " #fn                        \
        " must be void (const " #A " *, const " #B " *, const " #C " *, weir_out(" #OUT "))");     \
    typedef C weir_delta_3_##fn;                                                                   \
    WEIR_DELTA_JOIN_(fn, A, B, OUT, (weir_of_[0], weir_of_[1], weir_of_[2], weir_out_),            \
                     A##_type(), B##_type(),                                                       \
                     C##_type())
/* Registers fn, void fn(const A *, const B *, const C *, const D *, weir_out(OUT)), for
 * weir_delta_join4. */
#define WEIR_DELTA_JOIN4(fn, A, B, C, D, OUT)                                                      \
    _Static_assert(WEIR_SAME_(__typeof__(&fn), void (*)(const A *, const B *, const C *,           \
                                                        const D *, weir_out(OUT))),                \
                   "WEIR_DELTA_JOIN4(" #fn ", " #A ", " #B ", " #C ", " #D ", " #OUT "): " #fn     \
                   " must be void (const " #A " *, const " #B " *, const " #C " *, const " #D      \
                   " *, weir_out(" #OUT "))");                                                     \
    typedef C weir_delta_3_##fn;                                                                   \
    typedef D weir_delta_4_##fn;                                                                   \
    WEIR_DELTA_JOIN_(fn, A, B, OUT,                                                                \
                     (weir_of_[0], weir_of_[1], weir_of_[2], weir_of_[3], weir_out_), A##_type(),  \
                     B##_type(), C##_type(), D##_type())
#define WEIR_DELTA_JOIN_(fn, A, B, OUT, arguments, ...)                                            \
    typedef A weir_delta_1_##fn;                                                                   \
    typedef B weir_delta_2_##fn;                                                                   \
    static void weir_delta_of_##fn(const void *const *weir_of_, weir_builder *weir_builder_)       \
    {                                                                                              \
        weir_out(OUT) weir_out_ = { .builder = weir_builder_ };                                    \
        fn arguments;                                                                              \
    }                                                                                              \
    WEIR_UNUSED static inline weir_stream(OUT)                                                     \
        weir_delta_add_##fn(weir_port *const *weir_streams_, const weir_on *weir_on_,              \
                            size_t weir_on_count_)                                                 \
    {                                                                                              \
        const weir_type *const weir_takes_[] = { __VA_ARGS__ };                                    \
        weir_delta_join_spec weir_spec_ = { .struct_size = sizeof weir_spec_,                      \
                                            .kind = #fn,                                           \
                                            .count = sizeof weir_takes_ / sizeof *weir_takes_,     \
                                            .takes = weir_takes_,                                  \
                                            .out = OUT##_type(),                                   \
                                            .call = weir_delta_of_##fn };                          \
        return (weir_stream(OUT)){                                                                 \
            .port = weir_delta_join_erased(weir_streams_, &weir_spec_, weir_on_, weir_on_count_)   \
        };                                                                                         \
    }
#endif

#endif

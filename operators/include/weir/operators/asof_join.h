/* SPDX-License-Identifier: Apache-2.0
 *
 * asof_join: each record of a collection with the newest one of another that shares its key and is
 * not after it.
 *
 *     static void with_quote(const trade *t, const quote *q, weir_out(priced) out)
 *     {
 *         priced_emit(out, (priced){ t->id, q ? q->cents : 0 });     // q is NULL: there is none
 *     }
 *     WEIR_ASOF_JOIN(with_quote, trade, quote, priced)
 *     …
 *     weir_stream(priced) p = weir_asof_join(trades, WEIR_KEY(trade, symbol), at,
 *                                            quotes, WEIR_KEY(quote, symbol), at, with_quote);
 *
 * Times are fields of one kind: an instant, a date or an integer. Of the second side's records of
 * the key whose time is at most that of the first side's record, the greatest one by time counts,
 * ties by all fields, however often above 0 it is there; NULL stands for none. A null time is after
 * nothing, and nothing is after it. What the function emits is there as often as its first record
 * is; it must depend on the two only. Strings of the result come from the two records or from
 * literals, or are made for out.
 *
 * Exact when records of either side come and go, also late ones: what they concern is taken back
 * and given anew. In scopes of any depth. Outside of scopes a change costs a look-up of the newest
 * record, and of the second side one for each record whose newest one changes, however many the key
 * has; what has gone is passed over one by one once. Inside a scope records are read from the least
 * time that has changed up to where the newest record is the same as before, now and at each time
 * that has to be looked at again, and paired anew for each such time, in one step of the worker;
 * what has gone is passed over one by one until it is merged away. Both sides' records have
 * together at most 60 fields, and the key 7.
 */
#ifndef WEIR_OPERATORS_ASOF_JOIN_H
#define WEIR_OPERATORS_ASOF_JOIN_H

#include <weir/batch.h>
#include <weir/graph.h>

WEIR_BEGIN_DECLS

/* Emits what both make; b may be NULL. */
typedef void weir_asof_join_fn(const void *a, const void *b, weir_builder *out);

/* Over records described at run time. Names of key fields end with NULL. */
typedef struct weir_asof_join_spec {
    size_t struct_size;
    const char *kind; /* what metrics group by, and the default name */
    const weir_type *takes[2], *out;
    const char *const *keys[2];
    const char *times[2];
    weir_asof_join_fn *call;
} weir_asof_join_spec;

/* Refuses, on the graph, plain streams, streams of different scopes or of other records, keys that
 * do not agree, times that are none or of different kinds, and records that are too large. */
WEIR_API weir_port *weir_asof_join_erased(weir_port *const sides[2],
                                          const weir_asof_join_spec *spec);

WEIR_END_DECLS

#ifndef __cplusplus
#include <weir/operators/join.h>
#include <weir/record.h>

/* weir_asof_join(a, KA, time of a, b, KB, time of b, fn) */
#define weir_asof_join(a, KA, ta, b, KB, tb, fn)                                                   \
    __extension__({                                                                                \
        WEIR_JOIN_KEYS_CHECK_("weir_asof_join", a, KA, b, KB);                                     \
        _Static_assert(WEIR_CARRIES_(a, weir_asof_left_##fn),                                      \
                       "weir_asof_join(" #a ", ..., " #fn "): the first stream does not carry the "\
                       "records that " #fn " takes first");                                        \
        _Static_assert(WEIR_CARRIES_(b, weir_asof_right_##fn),                                     \
                       "weir_asof_join(..., " #b ", ..., " #fn "): the second stream does not "    \
                       "carry the records that " #fn " takes second");                             \
        weir_asof_add_##fn((weir_port *const[2]){ (a).port, (b).port },                            \
                           (const char *const *const[2]){ WEIR_KEY_NAMES_(KA),                     \
                                                          WEIR_KEY_NAMES_(KB) },                   \
                           (const char *const[2]){ WEIR_NAME_IN_(a, ta), WEIR_NAME_IN_(b, tb) });  \
    })

/* Registers fn, void fn(const A *, const B *, weir_out(OUT)), for weir_asof_join. */
#define WEIR_ASOF_JOIN(fn, A, B, OUT)                                                              \
    _Static_assert(WEIR_SAME_(__typeof__(&fn), void (*)(const A *, const B *, weir_out(OUT))),     \
                   "WEIR_ASOF_JOIN(" #fn ", " #A ", " #B ", " #OUT "): " #fn                       \
                   " must be void (const " #A " *, const " #B " *, weir_out(" #OUT "))");          \
    typedef A weir_asof_left_##fn;                                                                 \
    typedef B weir_asof_right_##fn;                                                                \
    static void weir_asof_of_##fn(const void *weir_a_, const void *weir_b_,                        \
                                  weir_builder *weir_builder_)                                     \
    {                                                                                              \
        fn(weir_a_, weir_b_, (weir_out(OUT)){ .builder = weir_builder_ });                         \
    }                                                                                              \
    WEIR_UNUSED static inline weir_stream(OUT)                                                     \
        weir_asof_add_##fn(weir_port *const weir_sides_[2],                                        \
                           const char *const *const weir_keys_[2],                                 \
                           const char *const weir_times_[2])                                       \
    {                                                                                              \
        return (weir_stream(OUT)){                                                                 \
            .port = weir_asof_join_erased(                                                         \
                weir_sides_, &(weir_asof_join_spec){ .struct_size = sizeof(weir_asof_join_spec),   \
                                                     .kind = #fn,                                  \
                                                     .takes = { A##_type(), B##_type() },          \
                                                     .out = OUT##_type(),                          \
                                                     .keys = { weir_keys_[0], weir_keys_[1] },     \
                                                     .times = { weir_times_[0], weir_times_[1] },  \
                                                     .call = weir_asof_of_##fn })                  \
        };                                                                                         \
    }
#endif

#endif

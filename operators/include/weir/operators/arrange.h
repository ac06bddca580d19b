/* SPDX-License-Identifier: Apache-2.0
 *
 * Arrangements: a collection indexed by a key, once, for everything that reads it by that key.
 *
 *     weir_arranged(edge) by_from = weir_arrange(edges, WEIR_KEY(edge, from));
 *     weir_arranged(price) best = weir_arrange(prices, WEIR_KEY(price, item),
 *                                              .order = WEIR_DESC(price, cents));
 *     weir_stream(edge) again = weir_arranged_collection(by_from);
 *
 * On each worker an arrangement has a trace (weir/trace.h) of the keys that the worker owns, and a
 * stream of the runs that are appended to it. Joins and reduces arrange by the keys that they are
 * given, so a program seldom does it by name. Arranging one stream twice by one key and order is
 * arranging it once; a stream that only entered a scope is arranged outside of it, and the
 * arrangement enters.
 *
 * Runs leave when their time is complete, or before that where much comes of one time. Diffs of a
 * record that add up to more than 64 bits hold within a run end the program's run, with
 * WEIR_OVERFLOWED: also where another run of that time would have brought the sum back.
 */
#ifndef WEIR_OPERATORS_ARRANGE_H
#define WEIR_OPERATORS_ARRANGE_H

#include <weir/graph.h>
#include <weir/node.h>
#include <weir/trace.h>

WEIR_BEGIN_DECLS

/* While the graph is built; belongs to it. NULL stands for one that was refused: the functions here
 * take it. */
typedef struct weir_arrangement weir_arrangement;

/* Zero means default for every field. */
struct weir_arrange_options {
    size_t struct_size;
    const char *name; /* of the operator; default: numbered */
    weir_order order; /* in which the values of a key lie; default: by all fields */
};

/* Names of key fields end with NULL; NULL instead of names: all fields (at most 8). Refuses, on the
 * graph, a plain stream, and a key or an order that the records lack. */
WEIR_API weir_arrangement *weir__arrange(weir_port *in, const char *const *key,
                                         const struct weir_arrange_options *options);

/* The same over records described at run time. */
typedef struct weir_arrange_spec {
    size_t struct_size;
    const char *name;
    weir_key key;
    weir_key order;      /* count 0: by all fields */
    uint32_t descending; /* bit i: field i of the order goes down */
    bool whole;          /* a time leaves as one run, when it is complete */
} weir_arrange_spec;
WEIR_API weir_arrangement *weir_arrange_erased(weir_port *in, const weir_arrange_spec *spec);

/* Inside a scope that was added to the one it is in: its trace is the same. */
WEIR_API weir_arrangement *weir_arrangement_enter(weir_arrangement *arrangement,
                                                  weir_scope *scope);
/* Outside of the region that it is in. A scope that is no region is refused, on the graph: its
 * times are others than those outside. */
WEIR_API weir_arrangement *weir_arrangement_leave(weir_arrangement *arrangement);
/* The changes of the collection as a stream: summed by time and record within each run. */
WEIR_API weir_port *weir_arrangement_collection(weir_arrangement *arrangement);

/* ---- for operators that read arrangements ---- */

WEIR_API const weir_type *weir_arrangement_type(const weir_arrangement *arrangement);
WEIR_API const weir_key *weir_arrangement_key(const weir_arrangement *arrangement);
/* The unique key of the collection; count 0: unknown. */
WEIR_API const weir_key *weir_arrangement_unique_key(const weir_arrangement *arrangement);
/* Of the times at which it is read; the trace's own may be less. */
WEIR_API unsigned weir_arrangement_depth(const weir_arrangement *arrangement);

/* What the stream of runs carries. A node takes it by a LOCAL input, opens a reader of the worker's
 * trace in its init, and has each number delivered to the reader, which answers with the run. */
typedef struct weir_run_ref {
    uint64_t number;
} weir_run_ref;
WEIR_API const weir_type *weir_run_ref_type(void);
WEIR_API weir_port *weir_arrangement_port(weir_arrangement *arrangement);
/* In the init or a step of a node that was added after the arrangement. */
WEIR_API weir_trace *weir_arrangement_trace(const weir_arrangement *arrangement,
                                            const weir_step *step);

WEIR_END_DECLS

#ifndef __cplusplus
#include <weir/record.h>

/* weir_arrange(weir_stream(T) s, WEIR_KEY(T, field...), options...) */
#define weir_arrange(s, ...) WEIR_ARRANGE_(s, __VA_ARGS__, )
#define WEIR_ARRANGE_(s, K, ...)                                                                   \
    __extension__({                                                                                \
        _Static_assert(WEIR_KEY_FITS_(s, K), "weir_arrange(" #s ", " #K                            \
                                             "): the key names a record that the stream does "     \
                                             "not carry");                                         \
        WEIR_ARRANGED_LIKE_(s, weir__arrange((s).port, WEIR_KEY_NAMES_(K),                         \
                                             WEIR_ARRANGE_OPTIONS_(__VA_ARGS__)));                 \
    })
/* By all fields: weir_arrange_by_self(s, options...) */
#define weir_arrange_by_self(...) WEIR_ARRANGE_SELF_(__VA_ARGS__, )
#define WEIR_ARRANGE_SELF_(s, ...)                                                                 \
    WEIR_ARRANGED_LIKE_(s, weir__arrange((s).port, NULL, WEIR_ARRANGE_OPTIONS_(__VA_ARGS__)))
#define WEIR_ARRANGE_OPTIONS_(...)                                                                 \
    (&(const struct weir_arrange_options){ .struct_size = sizeof(struct weir_arrange_options),     \
                                           __VA_ARGS__ })
#define WEIR_ARRANGED_LIKE_(s, made) ((__typeof__(*(s).arranged)){ .arrangement = (made) })

#define weir_arranged_enter(a, scope)                                                              \
    ((__typeof__(a)){ .arrangement = weir_arrangement_enter((a).arrangement, scope) })
#define weir_arranged_leave(a)                                                                     \
    ((__typeof__(a)){ .arrangement = weir_arrangement_leave((a).arrangement) })
#define weir_arranged_collection(a)                                                                \
    ((__typeof__(*(a).stream)){ .port = weir_arrangement_collection((a).arrangement) })
#endif

#endif

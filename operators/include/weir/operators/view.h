/* SPDX-License-Identifier: Apache-2.0
 *
 * view: publishes a collection by name, for readers on any thread (weir/view.h) and over HTTP, in
 * any process of a cluster.
 *
 *     weir_view(counts, "word_counts", WEIR_KEY(word_count, word));
 *     weir_view(sales, "sales", WEIR_KEY(sale, shop, day), .retention_ms = 60000);
 *
 * Records are exchanged and kept by the key, which need not be unique: a look-up answers with all
 * records of a key. Readers see the collection as it was at the end of a complete epoch, the latest
 * one, and every change since any epoch of the last retention_ms milliseconds.
 */
#ifndef WEIR_OPERATORS_VIEW_H
#define WEIR_OPERATORS_VIEW_H

#include <weir/graph.h>
#include <weir/view.h>

WEIR_BEGIN_DECLS

/* Zero means default for every field. */
struct weir_view_options {
    size_t struct_size;
    unsigned retention_ms; /* how long changes can be asked for; default 10 s */
    bool no_retention;     /* only the latest state, and what open readers hold */
};

/* Names of key fields end with NULL; NULL instead of names: the collection's unique key. Returns
 * the view, which is the graph's. Refused on the graph, with NULL: a stream that is no collection,
 * a key that is neither given nor known, a name that is taken or no name, a stream inside a scope.
 * */
WEIR_API weir_view *weir__view_add(weir_port *in, const char *name, const char *const *key,
                                   const struct weir_view_options *options);
/* The same over records described at run time. key NULL: the unique key; options NULL: defaults. */
WEIR_API weir_view *weir_view_erased(weir_port *in, const char *name, const weir_key *key,
                                     const struct weir_view_options *options);

WEIR_END_DECLS

#ifndef __cplusplus
#include <weir/record.h>

/* weir_view(weir_stream(T) s, "name", WEIR_KEY(T, field...), options...) */
#define weir_view(s, ...) WEIR_VIEW_(s, __VA_ARGS__, )
#define WEIR_VIEW_(s, name, K, ...)                                                                \
    __extension__({                                                                                \
        _Static_assert(WEIR_KEY_FITS_(s, K), "weir_view(" #s ", " #name ", " #K                    \
                                             "): the key names a record that the stream does "     \
                                             "not carry");                                         \
        weir__view_add((s).port, name, WEIR_KEY_NAMES_(K), WEIR_VIEW_OPTIONS_(__VA_ARGS__));       \
    })
/* By the unique key that the stream is known to have: weir_view_unique(s, "name", options...) */
#define weir_view_unique(s, ...) WEIR_VIEW_UNIQUE_(s, __VA_ARGS__, )
#define WEIR_VIEW_UNIQUE_(s, name, ...)                                                            \
    weir__view_add((s).port, name, NULL, WEIR_VIEW_OPTIONS_(__VA_ARGS__))
#define WEIR_VIEW_OPTIONS_(...)                                                                    \
    (&(const struct weir_view_options){ .struct_size = sizeof(struct weir_view_options),           \
                                        __VA_ARGS__ })
#endif

#endif

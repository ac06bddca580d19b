/* SPDX-License-Identifier: Apache-2.0
 *
 * view: publishes a collection by name, for readers (weir/view.h) and for HTTP.
 *
 *     weir_view(counts, "word_counts", WEIR_KEY(word_count, word));
 *     weir_view(counts, "word_counts", WEIR_KEY(word_count, word), .retention_ms = 60000);
 *
 * Readers look up by the key, which need not be unique. Changes can be asked for as far back as
 * retention_ms (default 10 s), and whatever readers still hold.
 */
#ifndef WEIR_OPERATORS_VIEW_H
#define WEIR_OPERATORS_VIEW_H

#include <weir/graph.h>
#include <weir/view.h>

WEIR_BEGIN_DECLS

struct weir_view_options {
    size_t struct_size;
    uint64_t retention_ms; /* default 10 000 */
};

/* Names of key fields end with NULL; NULL instead of names: the collection's unique key. Refused on
 * the graph: a stream that is no collection, a key that is neither given nor known, a name that is
 * taken or no name, a stream inside a scope. */
WEIR_API void weir__view_add(weir_port *port, const char *name, const char *const *key,
                             const struct weir_view_options *options);

WEIR_END_DECLS

#ifndef __cplusplus
#include <weir/record.h>

#define weir_view(s, name, K, ...)                                                                 \
    (WEIR_CHECK_(WEIR_KEY_FITS_(s, K), "weir_view(" #s ", " #name ", " #K                          \
                                       "): the key names a record that the stream does not carry"), \
     weir__view_add((s).port, name, WEIR_KEY_NAMES_(K),                                            \
                    &(struct weir_view_options){                                                   \
                        .struct_size = sizeof(struct weir_view_options), __VA_ARGS__ }))
#endif

#endif

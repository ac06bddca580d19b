/* SPDX-License-Identifier: Apache-2.0
 *
 * Arrangements under a name, for dataflows that come later (weir/dataflow.h): what is indexed once
 * is read by all of them.
 *
 *     weir_arranged_publish(weir_arrange(edges, WEIR_KEY(edge, from)), "edges");   // in one
 *
 *     weir_arranged(edge) edges = weir_arranged_import(g, edge, WEIR_KEY(edge, from), "edges");
 *     weir_stream(edge) from = weir_arranged_collection(edges);                    // in another
 *     weir_stream(pair) pairs = weir_join(asked, WEIR_KEY(node, id), from, WEIR_KEY(edge, from),
 *                                         pair_up);       // reads the arrangement, makes no copy
 *
 * The importing dataflow has first what is there, then every change as it becomes complete. It sees
 * one collection, at any time from the one on at which it begins: that is the latest to which a
 * worker has forgotten what was before, or `as_of`, if that is later; what was there before has
 * that time. Without .keep_history the published past is forgotten as soon as it is complete and no
 * reader of the arrangement keeps it.
 *
 * The times are those of the publishing dataflow: another one that follows the epoch clock, or a
 * manual input that keeps in step, fits to it. When the publisher is complete, so is the import.
 * When the publisher is removed, the import keeps what it has, and its frontier stands still until
 * the program ends; then it ends, too, and what had come of an epoch that was not complete passes
 * for all of it. Where that matters, remove the dataflow that imports first, or let the publisher's
 * input end. What is kept in memory goes with the last who reads it.
 *
 * A publisher stays when it is complete (as with weir_dataflow_spec.keep), until it is removed: in
 * one order with all that is added, so an import finds it on all workers of all processes, or on
 * none.
 *
 * Who imports shares the publisher's trace: runs that a slow importer has not taken count as under
 * way at the node that arranges, so the publisher's sources wait for it.
 *
 * All calls here are made while the graph is built, on the thread that builds it.
 */
#ifndef WEIR_OPERATORS_PUBLISH_H
#define WEIR_OPERATORS_PUBLISH_H

#include <weir/operators/arrange.h>

WEIR_BEGIN_DECLS

/* Zero means default for every field. */
struct weir_publish_options {
    size_t struct_size;
    bool keep_history; /* all times, from the first on: imports may begin at any of them */
};

/* The name is copied; it is free again when the dataflow is removed, or has failed. On the graph:
 * EXISTS if it is taken; INVALID without a name, inside a scope, and of an arrangement that is
 * imported, which has a name already. That is also what weir_arrange gives for the collection of an
 * import by the same key. */
WEIR_API void weir_arrangement_publish(weir_arrangement *arrangement, const char *name,
                                       const struct weir_publish_options *options);

/* Zero means default for every field. */
struct weir_import_options {
    size_t struct_size;
    uint64_t as_of; /* an epoch; 0: all that is kept, from the first epoch on that is */
    /* One that is not kept any more is found out when the workers have been asked: the importing
     * dataflow is FAILED then, with GONE, and no other. */
};

/* On the graph: NOT_FOUND if nothing was published under the name, TYPE_MISMATCH if it has other
 * records or another key, INVALID in the dataflow that publishes it. Names of key fields end with
 * NULL; NULL instead of names: all fields (at most 8). */
WEIR_API weir_arrangement *weir_arrangement_import(weir_graph *graph, const weir_type *type,
                                                   const char *const *key, const char *name,
                                                   const struct weir_import_options *options);

WEIR_END_DECLS

#ifndef __cplusplus
/* weir_arranged_publish(weir_arranged(T) a, "name", options...) */
#define weir_arranged_publish(...) WEIR_PUBLISH_(__VA_ARGS__, )
#define WEIR_PUBLISH_(a, name, ...)                                                                \
    weir_arrangement_publish(                                                                      \
        (a).arrangement, name,                                                                     \
        &(const struct weir_publish_options){ .struct_size = sizeof(struct weir_publish_options),  \
                                              __VA_ARGS__ })

/* weir_arranged_import(g, T, WEIR_KEY(T, field...), "name", options...) */
#define weir_arranged_import(...) WEIR_IMPORT_(__VA_ARGS__, )
#define WEIR_IMPORT_(g, T, K, name, ...)                                                           \
    __extension__({                                                                                \
        _Static_assert(WEIR_SAME_(T, WEIR_KEY_RECORD_(K)),                                         \
                       "weir_arranged_import(" #g ", " #T ", " #K                                  \
                       "): the key names another record");                                         \
        (weir_arranged(T)){ .arrangement = weir_arrangement_import(                                \
                                g, T##_type(), WEIR_KEY_NAMES_(K), name,                           \
                                &(const struct weir_import_options){                               \
                                    .struct_size = sizeof(struct weir_import_options),             \
                                    __VA_ARGS__ }) };                                              \
    })
#endif

#endif

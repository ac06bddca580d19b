/* SPDX-License-Identifier: Apache-2.0
 *
 * Building a dataflow graph. Straight-line code that runs once a process and only describes; each
 * worker makes its own nodes from the description. Nothing here fails by return value: the first
 * error sticks to the graph and is reported once, by whoever started the build.
 */
#ifndef WEIR_GRAPH_H
#define WEIR_GRAPH_H

#include <weir/type.h>
#include <weir/time.h>

WEIR_BEGIN_DECLS

typedef struct weir_graph weir_graph;
typedef struct weir_node weir_node;
/* A stream while it is wired: what a typed stream holds. Belongs to the graph. NULL stands for the
 * stream of a call that failed; every function here takes it and does nothing. */
typedef struct weir_port weir_port;
struct weir_batch;
struct weir_builder;

/* Describes a dataflow. ctx is the caller's. */
typedef void weir_build_fn(weir_graph *graph, void *ctx);

/* Workers of the whole cluster. */
WEIR_API unsigned weir_graph_workers(const weir_graph *graph);
/* Those of this process: so many, from the first one on. */
WEIR_API unsigned weir_graph_first_worker(const weir_graph *graph);
WEIR_API unsigned weir_graph_local_workers(const weir_graph *graph);
/* Sets the error unless one is there. `where` names the operator. hint may be NULL. */
WEIR_API void weir_graph_fail(weir_graph *graph, weir_status status, const char *where,
                              const char *hint, const char *what, ...) WEIR_PRINTF(5, 6);
WEIR_API bool weir_graph_failed(const weir_graph *graph);
/* Memory that lives as long as the graph's description: for contexts of operators. Zeroed. */
WEIR_API void *weir_graph_alloc(weir_graph *graph, size_t size);
/* A copy of the text that lives as long. */
WEIR_API const char *weir_graph_text(weir_graph *graph, const char *text);
/* A place for what operators of one kind know of a graph together: one for each name, NULL at
 * first. The name is borrowed for the graph's life. */
WEIR_API void **weir_graph_slot(weir_graph *graph, const char *name);
/* Registers something to be called when the description ends. */
WEIR_API void weir_graph_at_end(weir_graph *graph, void (*fn)(void *ctx), void *ctx);
/* What the host of a program hands to its operators by name (weir_config.service): how connectors
 * find the view registry, the HTTP server, … NULL if there is none of that name. */
WEIR_API void *weir_graph_service(const weir_graph *graph, const char *name);

/* A stream that was refused has no port, and building goes on: of NULL the graph and the type are
 * NULL, too. What needs a graph for more than operators is to be handed it. */
WEIR_API weir_graph *weir_port_graph(const weir_port *port);
WEIR_API const weir_type *weir_port_type(const weir_port *port);
WEIR_API bool weir_port_is_collection(const weir_port *port);
/* The unique key if it is known, else count 0. */
WEIR_API const weir_key *weir_port_unique_key(const weir_port *port);
WEIR_API unsigned weir_port_depth(const weir_port *port);
/* Whether both are one stream: records that come from the same places by the same ways, called a
 * collection in both or in neither. */
WEIR_API bool weir_port_is_same(const weir_port *a, const weir_port *b);
/* The stream outside of its scope, if all that has happened to it is that it entered; else NULL. */
WEIR_API weir_port *weir_port_outside(const weir_port *port);
/* Name of the operator that the stream comes out of. */
WEIR_API const char *weir_port_name(const weir_port *port);
/* Names that operator, for people, metrics and events. Returns port. */
WEIR_API weir_port *weir_port_set_name(weir_port *port, const char *name);

/* ---- Stages: stateless operators, fused into the node that feeds them. ---- */

/* One record in, one out: out[i] from in[i]. Both may be the same memory if the sizes agree. */
typedef void weir_map_fn(const void *in, void *out, size_t count, void *ctx);
/* Writes the indices of the records to keep to keep (room for count), ascending; how many. */
typedef size_t weir_filter_fn(const void *in, size_t count, uint32_t *keep, void *ctx);
/* Any number out for each in. Before emitting for record i it sets out->from = i. */
typedef void weir_flat_map_fn(const struct weir_batch *in, struct weir_builder *out, void *ctx);
/* Looks at a batch. */
typedef void weir_inspect_fn(const struct weir_batch *in, void *ctx);

typedef struct weir_stage_spec {
    size_t struct_size;
    const char *kind; /* "map" */
    const char *name; /* a number is added if it is taken; NULL: the kind and a number */
    const weir_type *in, *out;
    /* exactly one of these */
    weir_map_fn *map;
    weir_filter_fn *filter;
    weir_flat_map_fn *flat_map;
    weir_inspect_fn *inspect;
    bool keeps_key;   /* the stream's unique key survives (filter, inspect do by themselves) */
    bool negate;      /* with none of the above: flips the sign of every diff */
    void *ctx;
    /* Makes and ends a context for each worker, which the functions then get instead of ctx. init
     * runs on the worker's thread; NULL from it ends the run with WEIR_FAILED; in a dataflow that
     * was added later (weir/dataflow.h) only that dataflow. fini is called for what init has made,
     * when no function will be called any more. */
    void *(*init)(void *ctx, unsigned worker);
    void (*fini)(void *worker_ctx, void *ctx);
} weir_stage_spec;

WEIR_API weir_port *weir_stage_add(weir_port *in, const weir_stage_spec *spec);

/* ---- Edges ---- */

/* Declares a plain stream to be a collection: records count +1. */
WEIR_API weir_port *weir_port_as_collection(weir_port *port);
/* Names the key by which records of the collection are unique. */
WEIR_API weir_port *weir_port_with_key(weir_port *port, const weir_key *key);

/* Names the worker for each of count records: out[i], taken modulo the number of workers. */
typedef void weir_route_fn(const void *records, size_t count, uint64_t *out, void *ctx);

/* One stream of all that flows in the given ones: same layout, same scope; a collection if one
 * is. */
WEIR_API weir_port *weir_port_concat(weir_port *const *ports, size_t count);
/* Sends each record of the stream to a worker: by the hash of a key, by a function that names it
 * (plain streams only; refused before keyed state), or to all. */
WEIR_API weir_port *weir_port_by_key(weir_port *port, const weir_key *key);
WEIR_API weir_port *weir_port_by_function(weir_port *port, weir_route_fn *fn, void *ctx);
WEIR_API weir_port *weir_port_to_all(weir_port *port);

/* A scope whose times have one coordinate more than its parent's (NULL: the root, depth 1). NULL
 * without a graph, as that of a stream that was refused. */
typedef struct weir_scope weir_scope;
WEIR_API weir_scope *weir_scope_add(weir_graph *graph, weir_scope *parent, const char *name);
/* A scope that adds no coordinate: it only groups. Streams enter and leave it like any other. */
WEIR_API weir_scope *weir_region_add(weir_graph *graph, weir_scope *parent, const char *name);
/* The scope that a stream is in: NULL is the root. */
WEIR_API weir_scope *weir_port_scope(const weir_port *port);
WEIR_API weir_port *weir_port_enter(weir_port *port, weir_scope *scope);
WEIR_API weir_port *weir_port_leave(weir_port *port);

/* The end of a loop before its beginning: a stream of what will be connected later, each time moved
 * on by step in its last coordinate. scope NULL: the root. Every feedback must be connected. */
typedef struct weir_feedback weir_feedback;
WEIR_API weir_feedback *weir_feedback_add(weir_graph *graph, weir_scope *scope,
                                          const weir_type *type, uint64_t step);
WEIR_API weir_port *weir_feedback_port(weir_feedback *feedback);
/* Records whose last coordinate would be `limit` or more do not come round. */
WEIR_API void weir_feedback_set_limit(weir_feedback *feedback, uint64_t limit);
/* What comes round is a plain stream; otherwise it is a collection. Before its port is used. */
WEIR_API void weir_feedback_set_plain(weir_feedback *feedback);
WEIR_API void weir_feedback_connect(weir_feedback *feedback, weir_port *port);

/* ---- Probes: where a frontier is looked at from outside. ---- */

typedef struct weir_probe weir_probe;
/* Watches the frontier of what this stream has delivered. */
WEIR_API weir_probe *weir_probe_add(weir_port *port, const char *name);

/* ---- A program's own options (see weir_main): declared in build, set by flags or environment. */

/* The option's value, or fallback. Text lives as long as the graph. name is lower-case words with
 * hyphens; help is one line. A value that cannot be read sticks to the graph as an error. */
WEIR_API const char *weir_option_str(weir_graph *graph, const char *name, const char *fallback,
                                     const char *help);
WEIR_API int64_t weir_option_i64(weir_graph *graph, const char *name, int64_t fallback,
                                 const char *help);
WEIR_API double weir_option_f64(weir_graph *graph, const char *name, double fallback,
                                const char *help);
WEIR_API bool weir_option_flag(weir_graph *graph, const char *name, const char *help);
/* An option that may be given several times: *values gets that many texts, ended by NULL. */
WEIR_API size_t weir_option_list(weir_graph *graph, const char *name, const char *const **values,
                                 const char *help);

WEIR_END_DECLS
#endif

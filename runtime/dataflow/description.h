/* SPDX-License-Identifier: Apache-2.0
 *
 * The description of one dataflow: what building calls record, once a process, and what all workers
 * make their instances from. Immutable once planned (plan.c). Owns all memory of the description.
 *
 *   node ─ output ─ point ┬─ stage ─ point ┬─ edge → input of a node
 *                         └─ edge          └─ edge
 */
#ifndef WEIR_DATAFLOW_DESCRIPTION_H
#define WEIR_DATAFLOW_DESCRIPTION_H

#include <weir/dataflow.h>
#include <weir/graph.h>
#include <weir/node.h>
#include <weir/worker.h>

#include "base/region.h"
#include "dataflow/flow.h"
#include "progress/tracker.h"

typedef struct weir__edge weir__edge;
typedef struct weir__stage weir__stage;

/* How records get from a link to the input it will feed. */
typedef struct weir__routing {
    weir_route route;
    weir_key key;
    weir_route_fn *fn;
    void *ctx;
} weir__routing;

/* A place in the tree below an output: the output itself, or a stage. */
typedef struct weir__point {
    weir_node *node;
    uint32_t output;
    weir__stage *stage; /* NULL: the output */
    weir__stage **stages;
    weir__edge **edges;
    uint32_t stage_count, stage_capacity, edge_count, edge_capacity;
} weir__point;

struct weir__stage {
    weir_stage_spec spec;
    const char *name;
    uint32_t id; /* in the graph */
    bool collection; /* it takes and makes changes */
    weir__point point;
};

struct weir__edge {
    uint32_t id;
    const weir__point *from;
    weir_node *to;
    uint32_t input;
    weir_summary summary;
    bool moves; /* the summary is not the identity */
    weir__routing routing;
};

struct weir_node {
    uint32_t id;
    uint32_t first_input, first_output; /* topology ports */
    uint32_t depth;
    weir_node_spec spec; /* its arrays are copies */
    weir_graph *graph;
    const char *name;
    weir_scope *scope;
    weir__point *points;     /* one an output */
    weir_port **ports;       /* one an output */
};

struct weir_scope {
    weir_scope *parent;
    const char *name;
    uint32_t depth;
};

/* One of the places that a stream's records come from. */
typedef struct weir__link {
    weir__point *point;
    weir_summary summary;
    bool moves, routed;
    weir__routing routing;
} weir__link;

struct weir_port {
    weir_graph *graph;
    const weir_type *type;
    weir_scope *scope; /* NULL: the root */
    bool collection;
    weir_key unique_key;
    weir__link *links;
    uint32_t link_count;
    const weir_port *outside; /* it entered its scope as this one; NULL otherwise */
};

struct weir_feedback {
    weir_node *pass;
    uint64_t step, limit;
    bool connected;
};

struct weir_probe {
    weir_graph *graph;
    const char *name;
    weir_port *port;
    uint32_t topology_port;
    uint32_t depth;
};

typedef struct weir__at_end weir__at_end;

/* How many operators of a kind were named by it. */
typedef struct weir__kind {
    const char *name;
    uint32_t count;
} weir__kind;

/* See weir_graph_slot. */
typedef struct weir__slot {
    const char *name;
    void *what;
} weir__slot;

/* A growing list of pointers in the graph's memory. */
typedef struct weir__list {
    void **items;
    uint32_t count, capacity;
} weir__list;

struct weir_graph {
    const char *name;
    uint32_t id; /* of the dataflow, once that is in the order */
    weir_error error;
    unsigned workers;
    weir_runtime *runtime;
    weir_dataflow *dataflow; /* what all workers share of it */
    const weir_config *config;
    weir__region memory;
    weir__at_end *at_end, *at_removal;
    weir__list nodes, stages, edges, probes, feedbacks;
    weir__list kinds; /* of unnamed operators: weir__kind */
    weir__list slots; /* weir__slot */
    /* the plan */
    weir__topology *topology;
    weir__change *initial;
    uint32_t initial_count;
    weir_node **input_owner; /* by topology port: whose input it is, NULL for others */
    uint32_t port_count;
    uint64_t fingerprint;
    bool watches; /* a node of it does */
    weir__credits credits;
};

static inline weir_node *weir__graph_node(const weir_graph *graph, uint32_t i)
{
    return graph->nodes.items[i];
}
static inline uint32_t weir__scope_depth(const weir_scope *scope)
{
    return scope ? scope->depth : 1;
}

weir_graph *weir__graph_create(weir_runtime *runtime, const weir_config *config, const char *name);
void weir__graph_destroy(weir_graph *graph);
/* Calls what is registered for the removal, and forgets it. */
void weir__graph_begin_removal(weir_graph *graph);
void weir__list_add(weir_graph *graph, weir__list *list, void *item);
/* "NAME" or, if NULL, "KIND-N" with N counting from 1 for each kind. */
const char *weir__graph_name(weir_graph *graph, const char *kind, const char *name);
/* Checks the type and sticks an error to the graph if it is not valid. */
bool weir__graph_check_type(weir_graph *graph, const weir_type *type, const char *where);
/* The key names fields of the record (none is allowed). Fails the graph. */
bool weir__graph_check_key(weir_graph *graph, const weir_type *type, const weir_key *key,
                           const char *where);
/* The stream is of this graph. Fails the graph. */
bool weir__graph_owns(weir_graph *graph, const weir_port *port, const char *where);

weir_port *weir__port_create(weir_graph *graph, const weir_type *type, weir_scope *scope);
/* The point that a stage can hang from: the port's own, or a pass node's if the port is a concat,
 * an exchange or crosses a scope. NULL after an error. */
weir__point *weir__port_point(weir_port *port);
/* Connects a port to an input, whose own routing applies where the port has none. */
void weir__port_connect(weir_port *port, weir_node *to, uint32_t input,
                        const weir__routing *routing);
/* A node that passes batches on; its one input is still unconnected. */
weir_node *weir__pass_add(weir_graph *graph, const weir_type *type, weir_scope *scope,
                          bool collection, const weir_key *unique_key);

/* Checks the whole graph and makes its topology. */
weir_status weir__plan_make(weir_graph *graph, weir_error *error);

#endif

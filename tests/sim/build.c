/* SPDX-License-Identifier: Apache-2.0
 *
 * A plan as a graph of the library: what its operators are made of.
 */
#include <string.h>

#include <weir/weir.h>

#include "forms.h"

static void map_items(const void *in, void *out, size_t count, void *ctx)
{
    const struct sim_use *use = ctx;
    const item *from = in;
    sim_made made[SIM_MADE];
    for (size_t i = 0; i < count; i++) {
        sim_make(use->op, 0, &from[i], made);
        memcpy((item *)out + i, &made[0].record, sizeof(item));
    }
}

static size_t filter_items(const void *in, size_t count, uint32_t *keep, void *ctx)
{
    const struct sim_use *use = ctx;
    const item *from = in;
    sim_made made[SIM_MADE];
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        if (sim_make(use->op, 0, &from[i], made))
            keep[n++] = (uint32_t)i;
    return n;
}

static void flat_map_items(const weir_batch *in, weir_builder *out, void *ctx)
{
    const struct sim_use *use = ctx;
    sim_made made[SIM_MADE];
    for (size_t i = 0; i < in->count; i++) {
        out->from = i;
        unsigned n = sim_make(use->op, 0, weir_batch_record(in, i), made);
        for (unsigned k = 0; k < n; k++)
            memcpy(weir_builder_next(out, sizeof(item)), &made[k].record, sizeof(item));
    }
}

static void to_workers(const void *records, size_t count, uint64_t *out, void *ctx)
{
    const item *from = records;
    const struct sim_use *use = ctx;
    for (size_t i = 0; i < count; i++) /* of a GATHER: by the key */
        out[i] = from[i].key * 7 + (use->op->kind == SIM_GATHER ? 0 : from[i].value);
}

static weir_port *stage(struct sim_use *use, weir_port *in)
{
    weir_stage_spec spec = { .struct_size = sizeof spec, .in = item_type(), .out = item_type(),
                             .ctx = use };
    if (use->op->kind == SIM_MAP) {
        spec.kind = "map";
        spec.map = map_items;
    } else if (use->op->kind == SIM_FILTER) {
        spec.kind = "filter";
        spec.filter = filter_items;
    } else {
        spec.kind = "flat_map";
        spec.flat_map = flat_map_items;
    }
    return weir_stage_add(in, &spec);
}

static weir_port *route(struct sim_use *use, weir_port *in)
{
    const sim_op *op = use->op;
    if (op->route[0] == WEIR_BY_KEY)
        return weir_port_by_key(in, &(weir_key){ .count = 1, .field = { op->key[0] } });
    if (op->route[0] == WEIR_BY_FUNCTION)
        return weir_port_by_function(in, to_workers, use);
    return weir_port_to_all(in);
}

/* In plain streams or in loops, which are collections: all their diffs are 1, except in plans of
 * collections. */
static weir_node *node(weir_graph *graph, struct sim_use *use, weir_port *const *in)
{
    static const char *const kinds[] = { [SIM_MANUAL] = "manual", [SIM_CLOCKED] = "clocked",
                                         [SIM_RELAY] = "relay",   [SIM_DELAY] = "delay",
                                         [SIM_SPLIT] = "split",   [SIM_PAIR] = "pair",
                                         [SIM_TURN] = "turn",     [SIM_GATHER] = "gather",
                                         [SIM_SINK] = "sink" };
    const sim_op *op = use->op;
    const sim_plan *plan = &use->flow->plan;
    bool source = op->kind <= SIM_CLOCKED;
    unsigned depth = sim_depth(plan, op);
    weir_node_input inputs[2];
    weir_node_output outputs[2] = { { .type = item_type() }, { .type = item_type() } };
    weir_summary summaries[4];
    if (op->outputs && plan->collections)
        outputs[0].collection = !plan->streams[op->out[0]].plain;
    for (unsigned i = 0; i < op->inputs; i++) {
        inputs[i] = (weir_node_input){
            .type = item_type(), .interest = op->interest[i], .route = op->route[i],
            .key = { .count = 1, .field = { op->key[i] } }, .route_fn = to_workers,
            .route_ctx = use, .takes_diffs = true, .settles = op->settles,
            .settles_every_ms = op->in[0] % 2 ? 1000 : 0 };
        for (unsigned o = 0; o < op->outputs; o++) {
            weir_summary *s = &summaries[i * op->outputs + o];
            *s = weir_summary_identity(depth);
            if (op->add[i][o] == SIM_NONE)
                *s = (weir_summary){ 0 };
            else
                s->add[depth - 1] = op->add[i][o];
        }
    }
    return weir_node_add(graph, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = kinds[op->kind],
        .name = weir_graph_text(graph, use->name), .input_count = op->inputs,
        .output_count = op->outputs, .inputs = inputs, .outputs = outputs,
        .summaries = op->kind == SIM_PAIR || op->kind == SIM_DELAY ? summaries : NULL,
        .initial_capabilities = op->kind == SIM_MANUAL, .follows_clock = op->kind == SIM_CLOCKED,
        .ctx = use, .init = sim_node_init, .step = source ? sim_source_step : sim_node_step,
        .fini = sim_node_fini }, in);
}

static weir_scope *scope_of(weir_graph *graph, sim_flow *flow, unsigned scope)
{
    unsigned parent = flow->plan.scopes[scope].parent;
    if (scope && !flow->scopes[scope])
        flow->scopes[scope] = weir_scope_add(graph, scope_of(graph, flow, parent), "scope");
    return flow->scopes[scope];
}

/* ---- of collections ---- */

static const char *const shared = "shared";

static uint64_t at_hops(const item *i) { return i->hops; }
WEIR_ENTER_AT(at_hops, item)

static weir_port *enter(weir_port *in, weir_scope *scope, sim_way way)
{
    weir_stream(item) s = { .port = in };
    if (way == SIM_AT_HOPS)
        return weir_enter_at(s, scope, at_hops).port;
    if (way == SIM_AT_FIRST)
        return weir_port_enter(in, scope);
    weir_arranged(item) a = weir_arrange(s, WEIR_KEY(item, value));
    return weir_arranged_collection(weir_arranged_enter(a, scope)).port;
}

static weir_port *variable(weir_graph *graph, sim_flow *flow, struct sim_use *use)
{
    const sim_op *op = use->op;
    weir_scope *scope = scope_of(graph, flow, op->scope);
    weir_stream(item) start = { .port = op->inputs > 1 ? flow->ports[op->in[1]] : NULL }, value;
    weir_variable(item) v = op->inputs > 1
                                ? weir_variable_from(start, scope, &value, .limit = op->limit)
                                : weir_variable_new(graph, item, scope, &value,
                                                    .limit = op->limit);
    use->variable = v.variable;
    return value.port;
}

static void publish(const sim_op *op, weir_port *in)
{
    weir_stream(item) s = { .port = in };
    weir_arranged_publish(weir_arrange(s, WEIR_KEY(item, key)), shared,
                          .keep_history = op->keeps_history);
}

static weir_port *import(weir_graph *graph, const sim_flow *flow, const sim_op *op)
{
    bool says = op->begins_late || sim_keeps_history(&flow->run->flows[0].plan);
    uint64_t as_of = says ? op->a : 0;
    weir_arranged(item) a =
        weir_arranged_import(graph, item, WEIR_KEY(item, key), shared, .as_of = as_of);
    return weir_arranged_collection(a).port;
}

/* A source whose records come from outside. */
static weir_port *input(weir_graph *graph, struct sim_use *use)
{
    bool is_plain = use->flow->plan.streams[use->op->out[0]].plain;
    return weir_input_add(graph, item, &use->input[sim_process_that_builds(graph)], .manual = true,
                          .collection = !is_plain)
        .port;
}

/* False: it is no operator of collections. */
static bool add_collection(weir_graph *graph, sim_flow *flow, struct sim_use *use,
                           weir_port *const *in)
{
    const sim_op *op = use->op;
    weir_port *out = NULL;
    if (op->kind == SIM_FORM)
        out = op->form->build(op, in);
    else if (op->kind == SIM_VARIABLE)
        out = variable(graph, flow, use);
    else if (op->kind == SIM_PUBLISH)
        publish(op, in[0]);
    else if (op->kind == SIM_IMPORT)
        out = import(graph, flow, op);
    else if (op->by_handle)
        out = input(graph, use);
    else
        return false;
    if (op->outputs)
        flow->ports[op->out[0]] = out;
    return true;
}

static void add(weir_graph *graph, sim_flow *flow, struct sim_use *use)
{
    const sim_op *op = use->op;
    weir_port *in[SIM_INPUTS], **out = &flow->ports[op->out[0]];
    for (unsigned i = 0; i < op->inputs; i++)
        in[i] = flow->ports[op->in[i]];
    if (add_collection(graph, flow, use, in))
        return;
    switch (op->kind) {
    case SIM_MAP:
    case SIM_FILTER:
    case SIM_FLAT_MAP:
        *out = stage(use, in[0]);
        break;
    case SIM_ENTER:
        *out = enter(in[0], scope_of(graph, flow, op->scope), op->way);
        break;
    case SIM_LEAVE:
        *out = weir_port_leave(in[0]);
        break;
    case SIM_CONCAT:
        *out = weir_port_concat(in, 2);
        break;
    case SIM_ROUTE:
        *out = route(use, in[0]);
        break;
    case SIM_FEEDBACK:
        use->feedback = weir_feedback_add(graph, scope_of(graph, flow, op->scope), item_type(),
                                          op->a);
        *out = weir_feedback_port(use->feedback);
        break;
    default: {
        weir_node *n = node(graph, use, in);
        for (unsigned o = 0; o < op->outputs; o++)
            flow->ports[op->out[o]] = weir_node_output_port(n, o);
    }
    }
}

static const char *const slot = "simulated flow";

struct sim_use *sim_use_of(weir_graph *graph, const sim_op *op)
{
    sim_flow *flow = *weir_graph_slot(graph, slot);
    return &flow->use[op - flow->plan.ops];
}

unsigned sim_process_that_builds(weir_graph *graph)
{
    return weir_graph_first_worker(graph) / weir_graph_local_workers(graph);
}

void sim_build(weir_graph *graph, void *ctx)
{
    sim_run *run = ctx;
    const unsigned *number = weir_graph_args(graph, NULL);
    sim_flow *flow = &run->flows[number ? *number : 0];
    const sim_plan *p = &flow->plan;
    *weir_graph_slot(graph, slot) = flow;
    flow->built = true;
    memset(flow->scopes, 0, sizeof flow->scopes); /* of another process's graph */
    for (unsigned i = 0; i < p->op_count; i++) {
        struct sim_use *use = &flow->use[i];
        use->flow = flow;
        use->op = &p->ops[i];
        snprintf(use->name, sizeof use->name, "%u", i);
        add(graph, flow, use);
    }
    for (unsigned i = 0; i < p->op_count; i++)
        if (flow->use[i].feedback)
            weir_feedback_connect(flow->use[i].feedback, flow->ports[p->ops[i].in[0]]);
        else if (flow->use[i].variable)
            weir__variable_set(flow->use[i].variable, flow->ports[p->ops[i].in[0]]);
    for (unsigned s = 0; s < p->stream_count; s++)
        if (p->streams[s].probed)
            weir_probe_add(flow->ports[s], NULL);
}

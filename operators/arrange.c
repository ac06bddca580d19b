/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/arrange.h. What of the graph is arranged already, and by what; how
 * arrangements enter scopes. The node is in arrange_node.c.
 */
#include <string.h>

#include "arrange.h"

static const char *const where = "arrange";

static const weir_field run_ref_fields[] = { { .name = "number", .kind = WEIR_KIND_u64 } };
static const weir_type run_ref = { .struct_size = sizeof run_ref,
                                   .name = "weir_run_ref",
                                   .size = sizeof(weir_run_ref),
                                   .align = _Alignof(weir_run_ref),
                                   .field_count = 1,
                                   .fields = run_ref_fields };

const weir_type *weir_run_ref_type(void)
{
    return &run_ref;
}

/* ---- what there is ---- */

static bool is_same_key(const weir_key *a, const weir_key *b)
{
    return a->count == b->count && memcmp(a->field, b->field, a->count * sizeof *a->field) == 0;
}

static bool is_same(const weir_arrange_spec *a, const weir_arrange_spec *b)
{
    return is_same_key(&a->key, &b->key) && is_same_key(&a->order, &b->order) &&
           a->descending == b->descending && a->whole == b->whole;
}

static weir_arrangement *find(weir_port *in, const weir_arrange_spec *spec)
{
    weir_arrangement *a = *weir_graph_slot(weir_port_graph(in), "arrangements");
    while (a && !(weir_port_is_same(a->in, in) && is_same(&a->what->spec, spec)))
        a = a->next;
    return a;
}

weir_arrangement *weir__arrangement_note(weir_port *in, weir_port *runs, weir__arranged *what)
{
    if (!runs)
        return NULL;
    weir_graph *graph = weir_port_graph(in);
    void **first = weir_graph_slot(graph, "arrangements");
    weir_arrangement *a = weir_graph_alloc(graph, sizeof *a);
    *a = (weir_arrangement){
        .graph = graph, .in = in, .runs = runs, .what = what, .next = *first
    };
    *first = a;
    return a;
}

void weir__arrangement_meets(weir_arrangement *a, weir_arrangement *other)
{
    a->what->other = other->what;
}

/* ---- building ---- */

static bool check(weir_port *in, const weir_arrange_spec *spec)
{
    weir_graph *graph = weir_port_graph(in);
    const weir_type *type = weir_port_type(in);
    const char *name = spec->name ? spec->name : where;
    if (!weir_port_is_collection(in)) {
        weir_graph_fail(graph, WEIR_TYPE_MISMATCH, name,
                        "declare it a collection: weir_as_collection",
                        "collections are arranged, and this is a plain stream");
        return false;
    }
    weir_error error;
    weir_shape *shape;
    weir_shape_spec tried = { .type = type, .key = spec->key, .order = spec->order, .depth = 1 };
    for (uint32_t i = 0; i < spec->key.count + spec->order.count; i++) {
        uint16_t field = i < spec->key.count ? spec->key.field[i]
                                             : spec->order.field[i - spec->key.count];
        if (field < type->field_count)
            continue;
        weir_graph_fail(graph, WEIR_TYPE_MISMATCH, name, "name fields that the record has",
                        "an arrangement names fields that '%s' does not have", type->name);
        return false;
    }
    if (weir_shape_create(&shape, &tried, &error) != WEIR_OK) {
        weir_graph_fail(graph, error.status, name, "name each field once", "%s", error.what);
        return false;
    }
    weir_shape_release(shape);
    return true;
}

weir_arrangement *weir_arrange_erased(weir_port *in, const weir_arrange_spec *given)
{
    weir_arrange_spec spec = { 0 };
    if (!in || weir_graph_failed(weir_port_graph(in)))
        return NULL;
    weir_graph *graph = weir_port_graph(in);
    weir_struct_copy(&spec, sizeof spec, given);
    if (!check(in, &spec))
        return NULL;
    weir_arrangement *there = find(in, &spec);
    if (there) {
        if (there->what->unique_key.count == 0) /* it was made before that was told */
            there->what->unique_key = *weir_port_unique_key(in);
        return there;
    }
    weir_port *outside = weir_port_outside(in);
    if (outside) {
        weir_arrangement *outer = weir_arrange_erased(outside, &spec);
        weir_port *runs = outer ? weir_port_enter(outer->runs, weir_port_scope(in)) : NULL;
        return outer ? weir__arrangement_note(in, runs, outer->what) : NULL;
    }
    weir__arranged *what = weir_graph_alloc(
        graph, sizeof *what + weir_graph_workers(graph) * sizeof *what->traces);
    what->type = weir_port_type(in);
    what->spec = spec;
    what->depth = weir_port_depth(in);
    what->unique_key = *weir_port_unique_key(in);
    weir__arrange_node(in, what);
    return weir__arrangement_note(in, what->runs, what);
}

static bool find_key(weir_port *in, const char *const *names, weir_arrange_spec *spec)
{
    weir_error error;
    weir_status status = names ? weir_key_resolve(weir_port_type(in), names, &spec->key, &error)
                               : weir_key_all(weir_port_type(in), &spec->key, &error);
    if (status == WEIR_OK)
        return true;
    weir_graph_fail(weir_port_graph(in), status, spec->name ? spec->name : where, error.hint, "%s",
                    error.what);
    return false;
}

weir_arrangement *weir__arrange(weir_port *in, const char *const *key,
                                const struct weir_arrange_options *options)
{
    weir_arrange_spec spec = { .struct_size = sizeof spec,
                               .name = options->name,
                               .descending = options->order.descending };
    weir_error error;
    if (!in || !find_key(in, key, &spec))
        return NULL;
    if (options->order.count > 0 &&
        weir_order_resolve(weir_port_type(in), &options->order, &spec.order, &error) != WEIR_OK) {
        weir_graph_fail(weir_port_graph(in), error.status, spec.name ? spec.name : where,
                        error.hint, "%s", error.what);
        return NULL;
    }
    return weir_arrange_erased(in, &spec);
}

weir_arrangement *weir_arrangement_enter(weir_arrangement *a, weir_scope *scope)
{
    if (!a)
        return NULL;
    weir_port *in = weir_port_enter(a->in, scope);
    if (!in)
        return NULL;
    weir_arrangement *there = find(in, &a->what->spec);
    return there ? there
                 : weir__arrangement_note(in, weir_port_enter(a->runs, scope), a->what);
}

weir_arrangement *weir_arrangement_leave(weir_arrangement *a)
{
    if (!a)
        return NULL;
    weir_port *in = weir_port_leave(a->in);
    if (!in)
        return NULL;
    if (weir_port_depth(in) < weir_port_depth(a->in)) {
        weir_graph_fail(a->graph, WEIR_INVALID, where,
                        "let its collection leave: weir_leave(weir_arranged_collection(…))",
                        "an arrangement leaves regions, and this is a scope with times of its own");
        return NULL;
    }
    weir_arrangement *there = find(in, &a->what->spec);
    return there ? there : weir__arrangement_note(in, weir_port_leave(a->runs), a->what);
}

/* ---- what is known of one ---- */

const weir_type *weir_arrangement_type(const weir_arrangement *a)
{
    return a ? a->what->type : NULL;
}

const weir_key *weir_arrangement_key(const weir_arrangement *a)
{
    static const weir_key none;
    return a ? &a->what->spec.key : &none;
}

const weir_key *weir_arrangement_unique_key(const weir_arrangement *a)
{
    static const weir_key none;
    return a ? &a->what->unique_key : &none;
}

unsigned weir_arrangement_depth(const weir_arrangement *a)
{
    return a ? weir_port_depth(a->runs) : 1;
}

weir_port *weir_arrangement_port(weir_arrangement *a)
{
    return a ? a->runs : NULL;
}

weir_trace *weir_arrangement_trace(const weir_arrangement *a, const weir_step *step)
{
    return a->what->traces[weir_step_worker(step)];
}

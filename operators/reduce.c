/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/reduce.h. What the graph is told; the work is done in reduce_node.c. The trace
 * of results arranges them by their key, so whoever asks for such an arrangement is given its runs.
 */
#include <weir/operators/reduce.h>

#include <string.h>

#include "reduce_node.h"
#include "results.h"

static bool has_key(const weir_type *in, const weir_key *key, const weir_reduce_spec *spec)
{
    const weir_key *result = &spec->result_key;
    if (result->count != key->count)
        return false;
    for (uint32_t i = 0; i < key->count; i++) {
        if (result->field[i] >= spec->out->field_count)
            return false;
        const weir_field *a = &in->fields[key->field[i]];
        const weir_field *b = &spec->out->fields[result->field[i]];
        if (a->kind != b->kind || a->optional != b->optional || a->scale != b->scale)
            return false;
    }
    return true;
}

/* Says that the results are arranged by their key. */
static void note_results(weir_node *node, weir__reduction *what)
{
    weir__arranged *results = what->results;
    weir_port *runs = weir_node_output_port(node, WEIR__RESULT_RUNS);
    *results = (weir__arranged){ .type = what->spec.out,
                                 .spec = { .struct_size = sizeof results->spec,
                                           .key = what->spec.result_key },
                                 .depth = what->depth,
                                 .runs = runs };
    weir__arrangement_note(weir_node_output_port(node, WEIR__RESULTS), runs, results);
}

/* As much of it as its caller knows. */
static weir_reduce_spec copy_of(const weir_reduce_spec *given)
{
    weir_reduce_spec spec = { 0 };
    weir_struct_copy(&spec, sizeof spec, given);
    return spec;
}

weir_port *weir_reduce_erased(weir_arrangement *in, const weir_reduce_spec *given)
{
    return weir__reduce_windows(in, given, NULL);
}

weir_port *weir__reduce_windows(weir_arrangement *in, const weir_reduce_spec *given,
                                const weir__windows *windows)
{
    if (!in)
        return NULL;
    const weir_type *type = weir_arrangement_type(in);
    weir_port *runs = weir_arrangement_port(in);
    weir_graph *graph = weir_port_graph(runs);
    weir__reduction *what = weir_graph_alloc(graph, sizeof *what);
    *what = (weir__reduction){
        .spec = copy_of(given), .windows = windows, .in = in, .depth = weir_port_depth(runs)
    };
    const weir_reduce_spec *spec = &what->spec;
    const weir_key *key = weir_arrangement_key(in);
    weir_key *result = &what->spec.result_key;
    bool is_default = result->count == 0;
    for (uint32_t i = 0; is_default && i < key->count; i++)
        result->field[result->count++] = (uint16_t)i;
    if (!has_key(type, key, &what->spec)) {
        weir_graph_fail(graph, WEIR_TYPE_MISMATCH, spec->kind,
                        "begin it with the kinds of the key's fields, in order",
                        "record '%s' does not begin with the key of '%s'", spec->out->name,
                        type->name);
        return NULL;
    }
    what->results = weir_graph_alloc(graph, sizeof *what->results +
                                                weir_graph_workers(graph) * sizeof(weir_trace *));
    weir_node *made = weir__reduce_node(what);
    note_results(made, what);
    return weir_node_output_port(made, WEIR__RESULTS);
}

weir_port *weir__reduce(weir_port *in, const char *const *key,
                        const struct weir_reduce_options *given, const weir_reduce_spec *spec)
{
    struct weir_reduce_options options = { 0 };
    weir_reduce_spec named = copy_of(spec);
    weir_struct_copy(&options, sizeof options, given);
    named.name = options.name;
    named.ahead = options.ahead;
    named.first = options.first;
    named.by_first_field = options.by_first_field;
    return weir_reduce_erased(
        weir__arrange(in, key,
                      &(struct weir_arrange_options){ .struct_size =
                                                          sizeof(struct weir_arrange_options),
                                                      .order = options.order }),
        &named);
}

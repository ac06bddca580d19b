/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/exchange.h.
 */
#include <weir/operators/exchange.h>

weir_port *weir__exchange(weir_port *in, const char *const *names)
{
    if (!in)
        return NULL;
    weir_key key;
    weir_error error = { 0 };
    if (weir_key_resolve(weir_port_type(in), names, &key, &error) != WEIR_OK) {
        weir_graph_fail(weir_port_graph(in), error.status, "exchange", error.hint, "%s",
                        error.what);
        return NULL;
    }
    return weir_port_by_key(in, &key);
}

weir_port *weir__exchange_by(weir_port *in, const weir_type *type, weir_route_fn *fn)
{
    if (!in)
        return NULL;
    if (!weir_type_same_layout(weir_port_type(in), type)) {
        weir_graph_fail(weir_port_graph(in), WEIR_TYPE_MISMATCH, "exchange",
                        "exchange a stream of those records",
                        "the stream carries '%s', the function takes '%s'",
                        weir_port_type(in)->name, type->name);
        return NULL;
    }
    return weir_port_by_function(in, fn, NULL);
}

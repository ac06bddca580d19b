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

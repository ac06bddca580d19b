/* SPDX-License-Identifier: Apache-2.0
 *
 * broadcast: every record goes to all workers, for small streams that all of them need.
 *
 *     weir_stream(rate) everywhere = weir_broadcast(rates);
 */
#ifndef WEIR_OPERATORS_BROADCAST_H
#define WEIR_OPERATORS_BROADCAST_H

#include <weir/graph.h>
#include <weir/record.h>

/* weir_port_to_all, for streams. */
#define weir_broadcast(s) ((__typeof__(s)){ .port = weir_port_to_all((s).port) })

#endif

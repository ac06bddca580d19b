/* SPDX-License-Identifier: Apache-2.0
 *
 * semijoin and antijoin: the records of a collection whose key is in another one, or is not.
 *
 *     weir_stream(order) open = weir_antijoin(orders, WEIR_KEY(order, id),
 *                                             shipments, WEIR_KEY(shipment, order));
 *
 * How often a key is in the other collection does not matter: it is there if the counts of its
 * records add up to more than 0. So a record leaves with its own diff, once, whatever the other
 * side has. antijoin passes its stream on and takes away what semijoin finds: changes of one time
 * that cancel each other are not summed. The first collection is arranged by its key, as for a
 * join; of the other one the keys are kept (in a scope it is arranged, too). In any scope. The
 * result keeps the first stream's unique key.
 */
#ifndef WEIR_OPERATORS_SEMIJOIN_H
#define WEIR_OPERATORS_SEMIJOIN_H

#include <weir/graph.h>
#include <weir/operators/join.h>

WEIR_BEGIN_DECLS

/* Refuse, on the graph, what weir_join_erased refuses. */
WEIR_API weir_port *weir_semijoin_erased(weir_port *const sides[2], const weir_key keys[2]);
WEIR_API weir_port *weir_antijoin_erased(weir_port *const sides[2], const weir_key keys[2]);
/* The same with the names of the keys' fields; each list ends with NULL. */
WEIR_API weir_port *weir__semijoin(weir_port *const sides[2], const char *const *const names[2]);
WEIR_API weir_port *weir__antijoin(weir_port *const sides[2], const char *const *const names[2]);

WEIR_END_DECLS

#ifndef __cplusplus
#define weir_semijoin(a, KA, b, KB) WEIR_SEMIJOIN_(semijoin, a, KA, b, KB)
#define weir_antijoin(a, KA, b, KB) WEIR_SEMIJOIN_(antijoin, a, KA, b, KB)
#define WEIR_SEMIJOIN_(op, a, KA, b, KB)                                                           \
    __extension__({                                                                                \
        WEIR_JOIN_KEYS_CHECK_("weir_" #op, a, KA, b, KB);                                          \
        (__typeof__(a)){ .port = weir__##op((weir_port *const[2]){ (a).port, (b).port },           \
                                            (const char *const *const[2]){                         \
                                                WEIR_KEY_NAMES_(KA), WEIR_KEY_NAMES_(KB) }) };     \
    })
#endif

#endif

/* expect: weir_antijoin\(.*the keys must have the same kinds of fields, in order */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/operators/semijoin.h>

#define ORDER(F) F(u64, id)
#define SHIPMENT(F) F(u8, boxes) F(u64, order)
WEIR_RECORD(order, ORDER)
WEIR_RECORD(shipment, SHIPMENT)

weir_port *build(weir_stream(order) orders, weir_stream(shipment) shipments);
weir_port *build(weir_stream(order) orders, weir_stream(shipment) shipments)
{
#ifdef WRONG
    return weir_antijoin(orders, WEIR_KEY(order, id), shipments, WEIR_KEY(shipment, boxes)).port;
#else
    return weir_antijoin(orders, WEIR_KEY(order, id), shipments, WEIR_KEY(shipment, order)).port;
#endif
}

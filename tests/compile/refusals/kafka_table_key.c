/* expect: weir_kafka_table\(g, price, .*: the key names another record */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/connectors/kafka.h>

#define PRICE(F) F(str, item) F(i64, cents)
#define OTHER(F) F(str, item) F(i64, cents)
WEIR_RECORD(price, PRICE)
WEIR_RECORD(other, OTHER)

weir_port *build(weir_graph *g);
weir_port *build(weir_graph *g)
{
#ifdef WRONG
    return weir_kafka_table(g, price, WEIR_KEY(other, item), .topic = "prices").port;
#else
    return weir_kafka_table(g, price, WEIR_KEY(price, item), .topic = "prices").port;
#endif
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Without --brokers: a Kafka inside the process, with the topics, for whoever is told its address.
 */
#ifndef INSIDE_H
#define INSIDE_H

#include <weir/connectors/main.h>

typedef struct inside inside;

inside *inside_create(void);
void inside_destroy(inside *kafka);
const weir_main_config *inside_config(inside *kafka);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Without --brokers: a Kafka inside the process, some links and questions that are written to it,
 * and the answers, each shown as soon as the view has it.
 */
#ifndef DEMO_H
#define DEMO_H

#include <weir/connectors/main.h>

typedef struct demo demo;

demo *demo_create(void);
void demo_destroy(demo *d);
const weir_main_config *demo_config(demo *d);

#endif

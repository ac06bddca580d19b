/* SPDX-License-Identifier: Apache-2.0
 *
 * What the word count needs to show itself: a Kafka inside the process when no other is named, text
 * to feed it with, and the top words on the terminal.
 */
#ifndef DEMO_H
#define DEMO_H

#include <weir/connectors/main.h>
#include <weir/graph.h>

typedef struct demo demo;

demo *demo_create(void);
void demo_destroy(demo *d);
/* Declares the options of the demonstration. */
void demo_options(weir_graph *graph, demo *d);
const weir_main_config *demo_config(demo *d);
/* Whether it could not feed itself; it has said why. */
bool demo_failed(const demo *d);

#endif

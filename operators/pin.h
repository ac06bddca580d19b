/* SPDX-License-Identifier: Apache-2.0
 *
 * Pins that keep a run alive as long as batches have strings of its records.
 */
#ifndef WEIR_OPERATORS_PIN_H
#define WEIR_OPERATORS_PIN_H

#include <weir/batch.h>
#include <weir/trace.h>

typedef struct weir__run_pin {
    weir_pin pin;
    weir_trace_run *run;
} weir__run_pin;

/* The pin of this run: the one at hand, or a new one in its place. */
weir_pin *weir__run_pin_of(weir__run_pin **at, weir_trace_run *run);
void weir__run_pin_drop(weir__run_pin **at);

#endif

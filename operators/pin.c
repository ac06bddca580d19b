/* SPDX-License-Identifier: Apache-2.0
 *
 * See pin.h. A run's memory is its trace's, and charged there: a pin weighs nothing.
 */
#include "pin.h"

static void release(weir_pin *pin)
{
    weir__run_pin *p = (weir__run_pin *)pin;
    weir_trace_run_release(p->run);
    weir_free(p, sizeof *p);
}

void weir__run_pin_drop(weir__run_pin **at)
{
    if (*at)
        weir_pin_release(&(*at)->pin);
    *at = NULL;
}

weir_pin *weir__run_pin_of(weir__run_pin **at, weir_trace_run *run)
{
    if (*at && (*at)->run == run)
        return &(*at)->pin;
    weir__run_pin_drop(at);
    *at = weir_alloc_must(sizeof **at);
    **at = (weir__run_pin){ .pin = { .refs = 1, .release = release },
                            .run = weir_trace_run_retain(run) };
    return &(*at)->pin;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Samples collected by family, because Prometheus' text format wants each family in one piece while
 * the engine shows itself node by node.
 */
#ifndef WEIR_HTTP_METRICS_H
#define WEIR_HTTP_METRICS_H

#include <weir/observe.h>

#include "http/text.h"

typedef struct weir__family weir__family;

/* All zero is empty. */
typedef struct weir__families {
    weir__family *first, *last;
    bool failed; /* memory was gone */
} weir__families;

/* Adds a sample; labels are those between the braces, already escaped, or "". The first call of a
 * name says what family it is; names that Prometheus would refuse are left out. */
typedef struct weir__sample {
    const char *name, *help, *labels;
    weir_metric_kind kind;
    double value;
} weir__sample;
void weir__families_add(weir__families *families, const weir__sample *sample);
/* Appends all of them, and empties. */
void weir__families_write(weir__families *families, weir__text *out);

/* Everything that a worker sees of the process. */
void weir__metrics_collect(weir_worker *worker, weir__families *families);

#endif

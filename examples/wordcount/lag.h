/* SPDX-License-Identifier: Apache-2.0
 *
 * How many messages of each partition the job has not taken yet, for the display: the metric that
 * the Kafka source keeps, asked for on a worker's thread.
 */
#ifndef LAG_H
#define LAG_H

#include <weir/worker.h>

typedef struct lag lag;

lag *lag_create(void);
/* When no worker runs any more. */
void lag_destroy(lag *l);
/* Asks for what will be shown next time. Any thread. */
void lag_ask(lag *l, weir_runtime *runtime);
/* "0:17 1:0 2:4": the partitions of this process, as they were last; "" when nothing is known. */
void lag_text(lag *l, char *text, size_t size);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * See lag.h.
 */
#include "lag.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/observe.h>

enum { SHOWN = 16 }; /* partitions: more do not fit on a line */

typedef struct part {
    unsigned number;
    int64_t lag;
} part;

struct lag {
    pthread_mutex_t lock;
    bool asked;
    part parts[SHOWN], found[SHOWN]; /* found: the worker's, while it is asked */
    unsigned count, found_count;
};

lag *lag_create(void)
{
    lag *l = calloc(1, sizeof *l);
    if (!l)
        abort();
    pthread_mutex_init(&l->lock, NULL);
    return l;
}

void lag_destroy(lag *l)
{
    pthread_mutex_destroy(&l->lock);
    free(l);
}

static void add_metric(const weir_metric_info *info, void *ctx)
{
    lag *l = ctx;
    const char *label = strstr(info->labels, "partition=\"");
    if (strcmp(info->name, "weir_kafka_lag") != 0 || !label || l->found_count == SHOWN)
        return;
    unsigned at = l->found_count++, number = (unsigned)strtoul(label + 11, NULL, 10);
    for (; at > 0 && l->found[at - 1].number > number; at--) /* in order */
        l->found[at] = l->found[at - 1];
    l->found[at] = (part){ number, info->value };
}

static void look(weir_worker *worker, void *ctx)
{
    lag *l = ctx;
    l->found_count = 0;
    weir_observe(worker, &(weir_observer){ .metric = add_metric, .ctx = l });
    pthread_mutex_lock(&l->lock);
    memcpy(l->parts, l->found, sizeof l->parts);
    l->count = l->found_count;
    l->asked = false;
    pthread_mutex_unlock(&l->lock);
}

void lag_ask(lag *l, weir_runtime *runtime)
{
    pthread_mutex_lock(&l->lock);
    bool asks = !l->asked;
    l->asked = true;
    pthread_mutex_unlock(&l->lock);
    if (asks)
        weir_runtime_call(runtime, 0, look, l);
}

void lag_text(lag *l, char *text, size_t size)
{
    size_t at = 0;
    text[0] = '\0';
    pthread_mutex_lock(&l->lock);
    for (unsigned i = 0; i < l->count && at < size; i++)
        at += (size_t)snprintf(text + at, size - at, "%s%u:%" PRId64, i ? " " : "",
                               l->parts[i].number, l->parts[i].lag);
    pthread_mutex_unlock(&l->lock);
}

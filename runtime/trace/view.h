/* SPDX-License-Identifier: Apache-2.0
 *
 * The insides of views (weir/view.h): what workers published last, who reads, who watches.
 */
#ifndef WEIR_TRACE_VIEW_H
#define WEIR_TRACE_VIEW_H

#include <pthread.h>

#include <weir/view.h>

typedef struct weir__view_part {
    weir_trace_runs *runs; /* NULL: none yet */
    uint64_t upper, since, seed, now_ns, updates, bytes;
    int64_t records;
} weir__view_part;

struct weir_view {
    weir_view *next; /* in the registry, by name */
    weir_views *views;
    char *name;
    const weir_type *type;
    weir_key key;
    unsigned workers;
    uint64_t retention_ms;
    pthread_mutex_t lock; /* parts and readers: held for the length of some reference counts */
    weir__view_part *parts;
    uint64_t upper; /* the least of the parts' */
    uint64_t now_ns;
    weir_view_reader *readers;
    pthread_mutex_t watch_lock; /* watches, and while they are called */
    weir_view_watch *watches;
};

struct weir_view_reader {
    weir_view *view;
    weir_view_reader *next;
    char *owner;
    uint64_t time, opened_ns, seed;
    weir_trace_runs **runs; /* one a worker; NULL: none */
};

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * The inside of a view, for those who publish it and those who read it.
 *
 * Locks, in this order: a view's `holds` guards its readers and the granting of since; a part's own
 * lock is held as long as it takes to swap or to count one reference. `watching` stands alone.
 */
#ifndef WEIR_TRACE_VIEW_H
#define WEIR_TRACE_VIEW_H

#include <pthread.h>

#include <weir/view.h>

/* What one worker has published. */
typedef struct weir__part {
    pthread_mutex_t lock;
    weir_trace_runs *runs; /* NULL: nothing yet */
    uint64_t upper;        /* also read without the lock */
    uint64_t since;        /* what its runs may have forgotten; set when it is granted */
    int64_t records;
    uint64_t updates, bytes;
    uint64_t now_ns;
} weir__part;

struct weir_view {
    weir_views *views;
    weir_view *next;
    char *name;
    const weir_type *type;
    weir_key key;
    unsigned workers;
    unsigned first, here; /* those of this process */
    uint64_t retention_ms;
    uint64_t seed; /* written before the first run is published */
    pthread_mutex_t holds;
    weir_view_reader *readers;
    pthread_mutex_t watching;
    weir_view_watch *watches;
    uint64_t told; /* the upper that watches have been told of */
    uint32_t refs; /* atomic: of the registry, who found it, readers, watches */
    bool removed;  /* atomic */
    weir__part parts[];
};

/* Least upper of the parts of this process. */
uint64_t weir__view_upper(const weir_view *view);
/* weir_view_release gives it back. */
void weir__view_retain(weir_view *view);
bool weir__view_is_removed(const weir_view *view);

/* What a reader has of one worker. */
typedef struct weir__taken {
    weir_trace_runs *runs;
    uint64_t since;
    weir_cursor *cursor; /* made when it is first needed */
} weir__taken;

struct weir_view_reader {
    weir_view *view;
    weir_view_reader *next;
    char *owner;
    uint64_t time; /* that it reads at, and that it keeps: guarded by `holds` when it changes */
    uint64_t opened_ns;
    char *record; /* room for one */
    size_t size;
    weir__taken taken[];
};

#endif

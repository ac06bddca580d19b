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

#include "comm/ask.h"

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
    const weir__asker *asker; /* NULL: all workers are here */
    uint64_t seed; /* written before the first run is published, like the next one */
    uint32_t dataflow;
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
bool weir__view_is_removed(const weir_view *view);

/* What a reader has of one worker. */
typedef struct weir__taken {
    weir_trace_runs *runs;
    uint64_t since;
    weir_cursor *cursor; /* made when it is first needed */
} weir__taken;

typedef struct weir__changes weir__changes;
typedef struct weir__far weir__far;

struct weir_view_reader {
    weir_view *view;
    weir_view_reader *next;
    char *owner;
    uint64_t time; /* that it reads at, and that it keeps: guarded by `holds` when it changes */
    uint64_t since, upper; /* what it has taken answers for times from since on, before upper */
    uint64_t opened_ns;
    char *record;           /* room for one */
    weir__changes *changes; /* found for an answer that is not whole yet */
    weir__far *far;         /* how it reads what other processes have; NULL: all is here */
    size_t size;
    weir__taken taken[]; /* of all workers; those of this process are used */
};

/* ---- view_reader.c: what the workers of this process have ---- */

/* A reader whose hold is the earliest time that all of them answer for, and which has taken what
 * they have; its time is the caller's to choose from since to before upper. */
weir_status weir__reader_open_here(weir_view *view, const char *owner, weir_view_reader **reader,
                                   weir_error *error);
/* One that has nothing of them, and holds nothing. */
weir_view_reader *weir__reader_create(weir_view *view, const char *owner);
/* Takes again. False: the view was removed, and it has what it had. */
bool weir__reader_take(weir_view_reader *reader);
void weir__reader_set_time(weir_view_reader *reader, uint64_t time);
void weir__reader_close_here(weir_view_reader *reader);
/* NULL: it has no runs in files. */
const struct weir__store *weir__reader_store(const weir_view_reader *reader);
weir_status weir__reader_lookup_here(weir_view_reader *reader, const void *key,
                                     weir_view_row_fn *fn, void *ctx);
weir_status weir__reader_scan_here(weir_view_reader *reader, weir_view_place *place, size_t limit,
                                   weir_view_row_fn *fn, void *ctx);
/* The worker that has the records of a hash, and the hash of a record's key. */
unsigned weir__view_owner(const weir_view *view, uint64_t hash);
uint64_t weir__view_hash(const weir_view *view, const void *key);

/* ---- view_changes.c: the same ---- */

/* Finds the changes after a time, up to the reader's, in order. GONE as for readers. */
weir_status weir__changes_find(weir_view_reader *reader, uint64_t after, const void *key,
                               weir__changes **changes);
/* Reports them, and goes on behind the last one that fn was called for when called again. */
weir_status weir__changes_report(weir_view_reader *reader, weir__changes *changes,
                                 weir_view_row_fn *fn, void *ctx);
/* NULL is ignored. */
void weir__changes_free(weir__changes *changes);

/* ---- view_far.c: what all processes have ---- */

weir_status weir__far_open(weir_view *view, const weir_view_reader_options *options,
                           weir_view_reader **reader, weir_error *error);
bool weir__far_refresh(weir_view_reader *reader);
void weir__far_close(weir_view_reader *reader);
weir_status weir__far_lookup(weir_view_reader *reader, const void *key, weir_view_row_fn *fn,
                             void *ctx);
weir_status weir__far_scan(weir_view_reader *reader, weir_view_place *place, size_t limit,
                           weir_view_row_fn *fn, void *ctx);
weir_status weir__far_changes(weir_view_reader *reader, uint64_t since, const void *key,
                              weir_view_row_fn *fn, void *ctx);
uint64_t weir__far_since(const weir_view_reader *reader);
const weir_error *weir__far_error(const weir_view_reader *reader);

#endif

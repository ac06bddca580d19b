/* SPDX-License-Identifier: Apache-2.0
 *
 * Views: collections published by name, read by any thread of the process while they change. A
 * reader sees one complete time and never a mixture; it never waits for a worker, nor a worker for
 * it. What publishes a collection is the operator weir_view (weir/operators/view.h).
 *
 * In a cluster each process has the records of its own workers, and a reader in any of them reads
 * them all: what the others have it asks of them, and waits for their answers, so such a reader is
 * for threads that are no worker's.
 *
 *     weir_error error;
 *     weir_view *view = weir_views_find(weir_runtime_views(runtime), "word_counts");
 *     weir_view_reader *reader;
 *     if (view && weir_view_reader_open(view, "my page", &reader, &error) == WEIR_OK) {
 *         weir_view_reader_lookup(reader, &(word_count){ .word = weir_str_of("to") }, show, NULL);
 *         weir_view_reader_close(reader);
 *     }
 *     weir_view_release(view);
 */
#ifndef WEIR_VIEW_H
#define WEIR_VIEW_H

#include <weir/trace.h>

WEIR_BEGIN_DECLS

typedef struct weir_views weir_views;
typedef struct weir_view weir_view;
typedef struct weir_view_reader weir_view_reader;
struct weir_runtime;

/* ---- the registry: any thread ---- */

/* The views of a runtime's dataflows: the service "views" of its configuration, if it has one, else
 * the runtime's own. */
WEIR_API weir_views *weir_runtime_views(const struct weir_runtime *runtime);
/* For hosts with a registry of their own, which outlives their runtimes. NULL: no memory. */
WEIR_API weir_views *weir_views_create(void);
WEIR_API void weir_views_destroy(weir_views *views);
/* NULL: there is none of that name. Else it is the caller's to release. A view is there until its
 * dataflow is removed, or went by itself (weir/dataflow.h); that of a dataflow that is kept can be
 * read to its last state when the dataflow has ended. A view that was removed is of no use any
 * more, but to readers that are open. */
WEIR_API weir_view *weir_views_find(weir_views *views, const char *name);
WEIR_API weir_view *weir_view_retain(weir_view *view);
/* NULL is ignored. */
WEIR_API void weir_view_release(weir_view *view);
/* Calls fn for each view, ordered by name, which is valid for the call; fn retains what it keeps.
 * The registry is locked meanwhile: fn must not find, add or remove views, and has to return
 * soon. */
WEIR_API void weir_views_each(weir_views *views, void (*fn)(weir_view *view, void *ctx), void *ctx);

WEIR_API const char *weir_view_name(const weir_view *view);
WEIR_API const weir_type *weir_view_type(const weir_view *view);
WEIR_API const weir_key *weir_view_key(const weir_view *view);
/* Some of its workers are in other processes: readers wait for answers. */
WEIR_API bool weir_view_is_divided(const weir_view *view);
/* All times before it are complete on all workers of this process. 0: none is. WEIR_VIEW_ENDED: the
 * dataflow has ended, or was removed, and nothing will change any more. */
WEIR_API uint64_t weir_view_upper(const weir_view *view);
#define WEIR_VIEW_ENDED UINT64_MAX

/* Sums over the workers of this process, each as it last published. */
typedef struct weir_view_info {
    uint64_t upper; /* as above */
    uint64_t since; /* the earliest time that changes can be asked from, on all workers */
    uint64_t retention_ms;
    int64_t records;               /* sum of all diffs */
    uint64_t updates, runs, bytes; /* of the history that is kept */
    unsigned workers, readers;
} weir_view_info;
WEIR_API void weir_view_get_info(const weir_view *view, weir_view_info *info);

/* One open reader: who keeps history from being forgotten, and since when. */
typedef struct weir_view_hold {
    const char *owner;
    uint64_t time;     /* that it reads at */
    uint64_t since_ns; /* clock of the workers when it was opened */
} weir_view_hold;
WEIR_API void weir_view_each_hold(const weir_view *view,
                                  void (*fn)(const weir_view_hold *hold, void *ctx), void *ctx);

/* ---- readers: any thread, each by one thread at a time ---- */

/* Zero means default for every field. */
typedef struct weir_view_reader_options {
    size_t struct_size;
    const char *owner; /* a text for people, copied */
    /* This key is all that will be read (a record of which only the key's fields are set; borrowed
     * for the call): of a divided view only the process that has it is asked then. */
    const void *key;
    unsigned wait_ms; /* for each answer of another process, at the most; default 5000 */
    unsigned open_ms; /* the same, while it is opened; default wait_ms */
} weir_view_reader_options;

/* Opens a reader of a view, which is not NULL, at the latest time that is complete on all workers.
 * error may be NULL; *reader is set only with OK. NOT_READY: no time is complete
 * yet, or a process has not built the view yet. CLOSED: the view was removed, or this process has
 * left its cluster. NO_MEMORY. Of a divided view also UNAVAILABLE: a process, which the error
 * names, does not answer or ends; FULL: it answers for as many readers as it may (1024 of each
 * process); INVALID: the thread is a worker's, which must not wait. While a reader is open, all
 * changes after its time are kept, so close it soon, or move it on; when the view is removed, it
 * goes on reading at its time. Close it before the runtime is destroyed, and let no thread be in
 * this call then. */
WEIR_API weir_status weir_view_reader_open_with(weir_view *view,
                                                const weir_view_reader_options *options,
                                                weir_view_reader **reader, weir_error *error);
/* With an owner alone. */
WEIR_API weir_status weir_view_reader_open(weir_view *view, const char *owner,
                                           weir_view_reader **reader, weir_error *error);
WEIR_API void weir_view_reader_close(weir_view_reader *reader);
/* What it reads: the sum of all changes at or before this time (an epoch). After the end of the
 * dataflow WEIR_VIEW_ENDED - 1. */
WEIR_API uint64_t weir_view_reader_time(const weir_view_reader *reader);
/* The earliest time that its changes can be asked from. */
WEIR_API uint64_t weir_view_reader_since(const weir_view_reader *reader);
/* Moves on to the latest complete time. True if that is later. */
WEIR_API bool weir_view_reader_refresh(weir_view_reader *reader);
/* NULL, or why another process could not be asked, or what is wrong with the state directory: the
 * reader is of no use any more. Of a divided view also why the last call of those below was FULL or
 * TOO_LARGE: others may go well. */
WEIR_API const weir_error *weir_view_reader_error(const weir_view_reader *reader);

/* A record and how often it is there, or a change: by how much. Valid for the call; strings,
 * too. */
typedef struct weir_view_row {
    const void *record;
    int64_t diff;
    uint64_t time; /* of a change; else the reader's */
} weir_view_row;
/* Returns whether to go on. */
typedef bool weir_view_row_fn(const weir_view_row *row, void *ctx);

/* The records of a key. key is a record of the view's type of which only the key's fields are read.
 * All of these: NO_MEMORY, OVERFLOWED if the diffs of a record do not add up in 64 bits, or what
 * weir_view_reader_error has. Of a divided view also TOO_LARGE of a record of more than 64 MiB that
 * another process has, and of a key of more than 16 MiB; FULL: another process has as many keys to
 * look up as it may. */
WEIR_API weir_status weir_view_reader_lookup(weir_view_reader *reader, const void *key,
                                             weir_view_row_fn *fn, void *ctx);

/* A place in a scan: zeroed is the beginning. It means the same to other readers of the view, and
 * can be written down as two numbers; where the records of one hash have changed since, it may be
 * one of them off. */
typedef struct weir_view_place {
    uint64_t hash;
    uint64_t ordinal; /* records of this hash that were passed */
    bool ended;       /* nothing is behind it */
} weir_view_place;
/* All records behind *place, in an order that is the same for all readers; at most limit of them
 * (0: no limit). Moves *place behind the last one that fn was called for. */
WEIR_API weir_status weir_view_reader_scan(weir_view_reader *reader, weir_view_place *place,
                                           size_t limit, weir_view_row_fn *fn, void *ctx);

/* Every change after the time `since`, up to the reader's, in the order of times; of one time, each
 * record once. key: of this key only; NULL: of all. GONE: that is longer ago than what is kept:
 * take a snapshot (a scan), and ask for what comes after it. */
WEIR_API weir_status weir_view_reader_changes(weir_view_reader *reader, uint64_t since,
                                              const void *key, weir_view_row_fn *fn, void *ctx);

/* ---- being told ---- */

/* Called on a worker's thread when a later time is complete: note it, wake somebody, return. It
 * must not open readers, and not add or remove watches. Filled in by the caller, who owns it. */
typedef struct weir_view_watch {
    void (*fn)(weir_view *view, void *ctx);
    void *ctx;
    /* private */
    weir_view *view;
    struct weir_view_watch *next;
} weir_view_watch;
WEIR_API void weir_view_watch_add(weir_view *view, weir_view_watch *watch);
/* When it has returned, fn is not running and will not be called again. */
WEIR_API void weir_view_watch_remove(weir_view_watch *watch);

/* ---- publishing: for the operator ---- */

typedef struct weir_view_spec {
    size_t struct_size;
    const char *name;      /* letters, digits, - _ and .; copied */
    const weir_type *type; /* must outlive the view */
    weir_key key;
    unsigned workers;
    uint64_t retention_ms;
    unsigned first, here; /* of the workers, those that publish in this process; 0, 0: all */
    const struct weir__asker *asker; /* the graph's service "asker": how others are asked; NULL: all
                                        workers are here */
} weir_view_spec;

/* EXISTS: the name is taken. INVALID: it is no name for a view, or there is no registry.
 * NO_MEMORY. */
WEIR_API weir_status weir_views_add(weir_views *views, const weir_view_spec *spec, weir_view **view,
                                    weir_error *error);
/* Takes the view out of the registry, and tells its watches that it has ended. */
WEIR_API void weir_views_remove(weir_view *view);

/* What a worker publishes; everything before `upper` is in the runs. */
typedef struct weir_view_part {
    weir_trace_runs *runs; /* the view takes a reference of its own */
    uint64_t upper;
    uint64_t since;  /* as last granted */
    uint64_t seed;   /* of the hashes in the runs */
    uint64_t now_ns; /* the clock */
    uint32_t dataflow; /* its number: that of the same one in other processes */
    int64_t records; /* sum of the diffs of what is complete */
    uint64_t updates, bytes;
} weir_view_part;
WEIR_API void weir_view_publish(weir_view *view, unsigned worker, const weir_view_part *part);
/* How far a worker may forget: at most to `wanted`, what its readers hold, and the last time that
 * is complete on all workers. What was granted is not granted to readers any more. */
WEIR_API uint64_t weir_view_grant_since(weir_view *view, unsigned worker, uint64_t wanted);

WEIR_END_DECLS
#endif

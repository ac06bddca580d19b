/* SPDX-License-Identifier: Apache-2.0
 *
 * Traces: the indexed history of a collection. Updates (record, time, diff) are built into runs,
 * immutable and ordered by the hash of the key, then key, then the other fields; a spine keeps runs
 * and merges them a little at a time; a cursor reads a list of runs as if it were one.
 *
 * Times have the depth that the shape says. Runs and lists of runs are counted and may be read by
 * any number of threads; builders, spines, traces and cursors belong to one thread.
 */
#ifndef WEIR_TRACE_H
#define WEIR_TRACE_H

#include <weir/frontier.h>
#include <weir/memory.h>
#include <weir/type.h>

WEIR_BEGIN_DECLS

/* ---- what a trace holds, and in which order ---- */

typedef struct weir_shape weir_shape;

typedef struct weir_shape_spec {
    const weir_type *type; /* of the records; must outlive the shape */
    weir_key key;
    weir_key order;        /* how the values of a key lie: by these fields first; count 0: by all */
    uint32_t descending;   /* bit i: field i of `order` goes down */
    unsigned depth;        /* of times */
    uint64_t seed;         /* of hashes */
} weir_shape_spec;

/* Counted; any thread. INVALID: the key has no field, or it or the order names one twice or one
 * that the records lack. NO_MEMORY. A depth of 0, or above WEIR_TIME_COORDS, is an assertion. */
WEIR_API weir_status weir_shape_create(weir_shape **shape, const weir_shape_spec *spec,
                                       weir_error *error);
WEIR_API weir_shape *weir_shape_retain(weir_shape *shape);
WEIR_API void weir_shape_release(weir_shape *shape);
WEIR_API const weir_type *weir_shape_type(const weir_shape *shape);
WEIR_API const weir_key *weir_shape_key(const weir_shape *shape);
WEIR_API unsigned weir_shape_depth(const weir_shape *shape);
WEIR_API uint64_t weir_shape_hash(const weir_shape *shape, const void *record);

/* ---- runs ---- */

typedef struct weir_trace_run weir_trace_run;

WEIR_API weir_trace_run *weir_trace_run_retain(weir_trace_run *run);
WEIR_API void weir_trace_run_release(weir_trace_run *run);
/* The greatest time at or before all its times, the least at or after all of them. */
WEIR_API weir_time weir_trace_run_meet(const weir_trace_run *run);
WEIR_API weir_time weir_trace_run_join(const weir_trace_run *run);
WEIR_API size_t weir_trace_run_updates(const weir_trace_run *run);
WEIR_API size_t weir_trace_run_keys(const weir_trace_run *run);
WEIR_API size_t weir_trace_run_bytes(const weir_trace_run *run);

/* Runs from the oldest to the newest. Immutable, counted. */
typedef struct weir_trace_runs {
    uint32_t refs; /* private */
    uint32_t count;
    weir_trace_run **runs;
} weir_trace_runs;
WEIR_API weir_trace_runs *weir_trace_runs_retain(weir_trace_runs *list);
WEIR_API void weir_trace_runs_release(weir_trace_runs *list);

/* ---- builders: from updates in any order to a run ---- */

typedef struct weir_trace_builder weir_trace_builder;

/* Updates to be added: count records one after the other. */
typedef struct weir_updates {
    const void *records;
    size_t count;
    const uint64_t *hashes; /* of the keys; NULL: they are computed */
    const int64_t *diffs;   /* NULL: all +1 */
    const uint64_t *times;  /* count × depth coordinates; NULL: all at `time` */
    weir_time time;
} weir_updates;

/* NULL: no memory. Charges what it keeps to the account (or NULL). */
WEIR_API weir_trace_builder *weir_trace_builder_create(weir_shape *shape, weir_account *account);
WEIR_API void weir_trace_builder_destroy(weir_trace_builder *builder);
/* Copies the updates, strings too. NO_MEMORY: none of them was added. */
WEIR_API weir_status weir_trace_builder_add(weir_trace_builder *builder,
                                            const weir_updates *updates);
/* Updates it has since the last run was built: those of one record and time that came one after the
 * other may have become one. */
WEIR_API size_t weir_trace_builder_count(const weir_trace_builder *builder);
/* What their records take as such, with their strings; it may keep them smaller. */
WEIR_API size_t weir_trace_builder_bytes(const weir_trace_builder *builder);
/* Sums the diffs of equal records of one time, and makes a run of those that are not 0: *run is
 * NULL if none is left. The builder is empty then. OVERFLOWED: a sum left the range of a diff;
 * NO_MEMORY: nothing happened, it may be tried again. */
WEIR_API weir_status weir_trace_builder_build(weir_trace_builder *builder, weir_trace_run **run);

/* ---- spines: the runs of a trace, merged with fuel ---- */

typedef struct weir_spine weir_spine;

WEIR_API weir_spine *weir_spine_create(weir_shape *shape, weir_account *account);
WEIR_API void weir_spine_destroy(weir_spine *spine);
/* Drops all runs; times may begin anew. There must be no hold. */
WEIR_API void weir_spine_clear(weir_spine *spine);
/* Appends a run (takes over the caller's reference). Runs appended are numbered 0, 1, 2, …: *number
 * (unless NULL) is this one's. NO_MEMORY: the reference stays with the caller. */
WEIR_API weir_status weir_spine_append(weir_spine *spine, weir_trace_run *run, uint64_t *number);
/* Works about `fuel` updates off at each level of merging. Returns whether there is more to do;
 * then it should be called again some time, also when nothing comes. With fuel of a small multiple
 * of what was appended, the number of runs stays logarithmic. Failing memory only delays, and so
 * does a disk that has no room. Without fuel no merge is started. */
WEIR_API bool weir_spine_work(weir_spine *spine, size_t fuel);
/* The same for a caller who knows more. The time: a merge that cannot be written is not tried again
 * at once. That nothing else is to be done: then it works for some ten microseconds only. How much
 * is looked up: where that is little beside what comes, there may be many more runs. */
typedef struct weir_merge_work {
    size_t fuel;
    size_t looked;     /* keys that were looked up since the last call; SIZE_MAX: it is not known,
                        * and as if all were */
    bool idle;         /* nothing else is to be done */
    uint64_t now_ns;   /* 0: it is not known */
    uint64_t again_ns; /* set: it should not be called again for the rest before this moment */
} weir_merge_work;
WEIR_API bool weir_spine_work_at(weir_spine *spine, weir_merge_work *work);
/* The spine answers for times at or after one of since's: a time t may be moved to the meet over
 * all f of since of join(t, f), which no such time can tell from t. Never goes back, and not beyond
 * a hold: moves on to what `wanted` and the holds allow together. */
WEIR_API void weir_spine_advance_since(weir_spine *spine, const weir_frontier *wanted);
WEIR_API const weir_frontier *weir_spine_since(const weir_spine *spine);
/* The runs as they are now: a reference for the caller. NULL: no memory. */
WEIR_API weir_trace_runs *weir_spine_list(weir_spine *spine);
/* The list last made, NULL if it is not that of the runs any more. No reference. */
WEIR_API const weir_trace_runs *weir_spine_current(const weir_spine *spine);
WEIR_API size_t weir_spine_updates(const weir_spine *spine);
WEIR_API size_t weir_spine_bytes(const weir_spine *spine);

/* What a reader keeps a spine from: forgetting times at or after `since`'s, and merging runs that
 * are not numbered below `through`. An empty since and WEIR_THROUGH_ALL are no wish. */
typedef struct weir_hold {
    const char *owner; /* borrowed */
    weir_frontier since;
    uint64_t through;
    uint64_t since_ns; /* the clock when it was placed: its age */
    bool eager;        /* there are to be few runs, however little is looked up */
    /* private */
    struct weir_hold *next;
    weir_spine *spine;
} weir_hold;
#define WEIR_THROUGH_ALL UINT64_MAX

/* Places a hold that the caller has filled in up to since_ns, and owns; since is raised to the
 * spine's. Fields since and through may be raised at any time. */
WEIR_API void weir_hold_place(weir_hold *hold, weir_spine *spine);
/* Its since stays the caller's. */
WEIR_API void weir_hold_remove(weir_hold *hold);
/* Calls fn for each hold. */
WEIR_API void weir_spine_each_hold(const weir_spine *spine,
                                   void (*fn)(const weir_hold *hold, void *ctx), void *ctx);

/* ---- traces: a spine, and those who read it ---- */

/* A spine that goes by its readers: what none of them will ask for is forgotten, all of it when
 * there is none who asks for anything. Counted. */
typedef struct weir_trace weir_trace;
typedef struct weir_trace_reader weir_trace_reader;

/* The name is copied. NULL: no memory. */
WEIR_API weir_trace *weir_trace_create(weir_shape *shape, weir_account *account, const char *name);
WEIR_API weir_trace *weir_trace_retain(weir_trace *trace);
WEIR_API void weir_trace_release(weir_trace *trace);
WEIR_API const char *weir_trace_name(const weir_trace *trace);
WEIR_API weir_shape *weir_trace_shape(const weir_trace *trace);
/* The account that it was created with, or imported, ends; it lives on while it is read. */
WEIR_API void weir_trace_leave_account(weir_trace *trace);
/* As with spines. */
WEIR_API weir_status weir_trace_append(weir_trace *trace, weir_trace_run *run, uint64_t *number);
WEIR_API bool weir_trace_work(weir_trace *trace, size_t fuel);
WEIR_API bool weir_trace_work_at(weir_trace *trace, weir_merge_work *work);
/* fn is called, on the trace's thread, whenever the undelivered bytes have been more than these and
 * are not any more. NULL: no longer. */
WEIR_API void weir_trace_watch(weir_trace *trace, uint64_t bytes, void (*fn)(void *ctx), void *ctx);
/* All its runs, also those that were not delivered to anybody yet. No reference: the array is valid
 * until something is appended or worked off. */
WEIR_API size_t weir_trace_current(const weir_trace *trace, weir_trace_run *const **runs);

/* Keys that will be looked up soon, by their hashes: asks memory for what that reads, first for
 * where the keys are, and when called again, some hundred ns later, for the keys themselves.
 * Changes nothing, and is worth it for few keys: look-ups of many go on together anyway. */
WEIR_API void weir_trace_expect(weir_trace *trace, const uint64_t *hashes, size_t count,
                                bool again);

/* What a trace takes, for people. */
typedef struct weir_trace_info {
    uint64_t updates, bytes, runs, appended;
    uint64_t undelivered_bytes; /* of runs, in files as well, that not all readers had been
                                 * delivered when it last worked or something was appended */
} weir_trace_info;
WEIR_API void weir_trace_get_info(const weir_trace *trace, weir_trace_info *info);
WEIR_API void weir_trace_each_hold(const weir_trace *trace,
                                   void (*fn)(const weir_hold *hold, void *ctx), void *ctx);

typedef struct weir_trace_reader_spec {
    const char *owner; /* copied */
    unsigned depth;    /* of the times at which it asks, the trace's at least: the trace's own are
                        * read with zeros behind. 0: the trace's */
    uint64_t now_ns;
    bool eager;        /* it goes through the values of a key: there are to be few runs while it is
                        * open, however seldom keys are looked up */
} weir_trace_reader_spec;

/* A reader that holds all there is: what has been appended so far counts as delivered. Keeps a
 * reference to the trace. NULL: no memory. */
WEIR_API weir_trace_reader *weir_trace_reader_open(weir_trace *trace,
                                                   const weir_trace_reader_spec *spec);
WEIR_API void weir_trace_reader_close(weir_trace_reader *reader);
WEIR_API weir_trace *weir_trace_reader_trace(const weir_trace_reader *reader);
/* The run of this number, which is after all those delivered before, has come along the reader's
 * stream. Returns it as it was appended: without a reference, valid until the next call for the
 * trace. */
WEIR_API weir_trace_run *weir_trace_reader_deliver(weir_trace_reader *reader, uint64_t number);
/* How many runs have been delivered: what lies before that number. */
WEIR_API uint64_t weir_trace_reader_delivered(const weir_trace_reader *reader);
/* It will not ask for times that are not at or after one of these, of its own depth: of an empty
 * frontier, for none. Never goes back. */
WEIR_API void weir_trace_reader_advance(weir_trace_reader *reader, const weir_frontier *since);
/* The runs that were delivered, from the oldest to the newest. No reference: the array is valid
 * until something is appended to the trace or worked off. */
WEIR_API size_t weir_trace_reader_runs(const weir_trace_reader *reader,
                                       weir_trace_run *const **runs);
/* The same as a list that stays as it is: a reference for the caller. NULL: no memory. */
WEIR_API weir_trace_runs *weir_trace_reader_list(const weir_trace_reader *reader);

/* ---- imports: a trace as those see it who come later ---- */

/* The trace as those see it whose stream of its runs begins now: what there is has been delivered
 * to none of its readers. They are opened as those of any other trace, until the import has begun;
 * it shares the runs and what is held. What it keeps beside them, times that are moved, is charged
 * to the account (or NULL). Keeps a reference. NULL: no memory. */
WEIR_API weir_trace *weir_trace_import(weir_trace *trace, weir_account *account);
/* No reader will see a time that is not at or after this one: those before it, which a trace that
 * has forgotten some tells wrongly, are moved up to it. At or after the since of the trace; once,
 * before anything is delivered. */
WEIR_API void weir_trace_import_begin(weir_trace *import, const weir_time *from);
/* The numbers under which what there was is delivered, in this order: each stands for all that are
 * not above it. What was appended later has the numbers that it got. */
WEIR_API size_t weir_trace_import_numbers(const weir_trace *import, const uint64_t **numbers);

/* ---- what is shown of traces ---- */

/* The traces of a process, for observers (weir_step_show_trace), and those that were published
 * under a name. Any thread. */
typedef struct weir_traces weir_traces;
WEIR_API weir_traces *weir_traces_create(void);
/* There must be no trace in it, and no name. */
WEIR_API void weir_traces_destroy(weir_traces *traces);

/* What may be under a name: one such object, known by its address, stands for one type, so that
 * nobody finds what he would take for something else. */
typedef struct weir_traces_kind {
    void (*retain)(void *what); /* must not call anything of the registry, which is locked */
} weir_traces_kind;
/* Puts something under a name, which is copied; EXISTS: it is taken, by whatever kind. `what`
 * remains the caller's, who withdraws the name before it ends. */
WEIR_API weir_status weir_traces_publish(weir_traces *traces, const char *name,
                                         const weir_traces_kind *kind, void *what,
                                         weir_error *error);
/* Nothing if the name is free. */
WEIR_API void weir_traces_withdraw(weir_traces *traces, const char *name);
/* What is under the name, after its kind's `retain` was called for it, before anybody could
 * withdraw it. NULL: nothing is, or something of another kind. */
WEIR_API void *weir_traces_find(weir_traces *traces, const char *name,
                                const weir_traces_kind *kind);

/* A reader, and what it keeps the trace from. Texts are valid for the call. */
typedef struct weir_trace_hold_info {
    const char *owner;
    const char *since;     /* "{12}": no times before it are asked for; "{}": none at all */
    uint64_t undelivered;  /* runs that it has not been told of: they are kept as they are */
    uint64_t opened_ns;    /* clock of the workers */
} weir_trace_hold_info;

typedef struct weir_trace_place {
    const char *dataflow, *node; /* copied */
    uint32_t dataflow_id;
    unsigned worker;
} weir_trace_place;

typedef struct weir_trace_shown {
    weir_trace_place place;
    const char *since;
    uint64_t updates, bytes, runs, appended, readers;
    uint64_t disk_bytes; /* of runs in files: no part of `bytes` */
    size_t hold_count; /* of the readers the newest, at most 64 */
    const weir_trace_hold_info *holds;
} weir_trace_shown;
/* Shows the trace from now on until it is freed. On its own thread. NO_MEMORY. */
WEIR_API weir_status weir_traces_show(weir_traces *traces, weir_trace *trace,
                                      const weir_trace_place *place);
/* Calls fn for each that is shown, in the order in which they came; numbers may be a moment old. fn
 * must not call anything here. */
WEIR_API void weir_traces_each(weir_traces *traces,
                               void (*fn)(const weir_trace_shown *shown, void *ctx), void *ctx);

/* ---- cursors: several runs read as one ---- */

typedef struct weir_cursor weir_cursor;

/* Reads these runs (of one shape), which must outlive it. Before the first key. NULL: no memory. */
WEIR_API weir_cursor *weir_cursor_create(weir_trace_run *const *runs, size_t count);
WEIR_API void weir_cursor_destroy(weir_cursor *cursor);
/* Before the first key whose hash is at or after this one. */
WEIR_API void weir_cursor_seek(weir_cursor *cursor, uint64_t hash);
/* The next key, its next value (a distinct record), that one's next update, in no order of times,
 * and one time may come several times. False: there is none. */
WEIR_API bool weir_cursor_next_key(weir_cursor *cursor);
WEIR_API bool weir_cursor_next_value(weir_cursor *cursor);
WEIR_API bool weir_cursor_next_update(weir_cursor *cursor, weir_time *time, int64_t *diff);
/* Goes to the key of this record of the shape's type. False: no update has it. */
WEIR_API bool weir_cursor_find(weir_cursor *cursor, const void *record);
/* Keys that will be looked up soon, by their hashes, ascending: those that find goes to in this
 * order are looked up together, which is faster where many runs lie in memory that is in no cache.
 * Until more are asked for; next_key must not be called behind such a key before a seek. */
enum { WEIR_CURSOR_ASK_MAX = 32 };
WEIR_API void weir_cursor_ask(weir_cursor *cursor, const uint64_t *hashes, size_t count);
/* Hashes of the keys that next_key will go to, ascending, each once, at most so many: how many.
 * It may be none where there are many runs. */
WEIR_API size_t weir_cursor_peek(const weir_cursor *cursor, uint64_t *hashes, size_t most);
WEIR_API uint64_t weir_cursor_hash(const weir_cursor *cursor);
/* Before the first value of the current key that comes behind this record of the key, in their
 * order. Returns how many values it had to look at. */
WEIR_API size_t weir_cursor_seek_value(weir_cursor *cursor, const void *record);
/* The same before the first value that comes at this record or behind it; NULL: behind all. */
WEIR_API size_t weir_cursor_seek_to_value(weir_cursor *cursor, const void *record);
/* Before the first value of the current key again. */
WEIR_API void weir_cursor_rewind_values(weir_cursor *cursor);
/* Values of the current key that lie ahead: what several runs have counts for each. */
WEIR_API size_t weir_cursor_ahead(const weir_cursor *cursor);
/* The current value as a whole record, or before the first value, one whose key fields are set.
 * Valid until the cursor moves; its strings as long as the runs. */
WEIR_API const void *weir_cursor_record(weir_cursor *cursor);
/* Sum of the current value's diffs at or before a time. False: it left the range of a diff. */
WEIR_API bool weir_cursor_sum(weir_cursor *cursor, const weir_time *time, int64_t *sum);
/* The same; the times of its other updates, joined with this time, are put into `later`, which may
 * be of greater depth than the runs. */
WEIR_API bool weir_cursor_split(weir_cursor *cursor, const weir_time *time, int64_t *sum,
                                weir_frontier *later);

WEIR_END_DECLS
#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Traces: the indexed history of a collection. Updates (record, time, diff) are built into runs,
 * immutable and ordered by the hash of the key, then key, then the other fields; a spine keeps runs
 * and merges them a little at a time; a cursor reads a list of runs as if it were one.
 *
 * Times are epochs: the collections of a scope have no traces. Runs and lists of runs are counted
 * and may be read by any number of threads; builders, spines and cursors belong to one thread.
 */
#ifndef WEIR_TRACE_H
#define WEIR_TRACE_H

#include <weir/memory.h>
#include <weir/type.h>

WEIR_BEGIN_DECLS

/* ---- what a trace holds, and in which order ---- */

typedef struct weir_shape weir_shape;

/* Records of `type` (which must outlive it), by `key`, hashed with `seed`. Counted. */
WEIR_API weir_status weir_shape_create(weir_shape **shape, const weir_type *type,
                                       const weir_key *key, uint64_t seed, weir_error *error);
WEIR_API weir_shape *weir_shape_retain(weir_shape *shape);
WEIR_API void weir_shape_release(weir_shape *shape);
WEIR_API const weir_type *weir_shape_type(const weir_shape *shape);
WEIR_API const weir_key *weir_shape_key(const weir_shape *shape);
WEIR_API uint64_t weir_shape_hash(const weir_shape *shape, const void *record);

/* ---- runs ---- */

typedef struct weir_trace_run weir_trace_run;

WEIR_API weir_trace_run *weir_trace_run_retain(weir_trace_run *run);
WEIR_API void weir_trace_run_release(weir_trace_run *run);
/* All its times are at or after lower and before upper. */
WEIR_API uint64_t weir_trace_run_lower(const weir_trace_run *run);
WEIR_API uint64_t weir_trace_run_upper(const weir_trace_run *run);
WEIR_API size_t weir_trace_run_updates(const weir_trace_run *run);
WEIR_API size_t weir_trace_run_keys(const weir_trace_run *run);
WEIR_API size_t weir_trace_run_bytes(const weir_trace_run *run);

/* Runs from the oldest to the newest. Immutable, counted. */
typedef struct weir_trace_runs {
    uint32_t refs;
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
    const uint64_t *times;  /* NULL: all at `time` */
    uint64_t time;
} weir_updates;

/* NULL: no memory. Charges what it keeps to the account (or NULL). */
WEIR_API weir_trace_builder *weir_trace_builder_create(weir_shape *shape, weir_account *account);
WEIR_API void weir_trace_builder_destroy(weir_trace_builder *builder);
/* Copies the updates, strings too. NO_MEMORY: none of them was added. */
WEIR_API weir_status weir_trace_builder_add(weir_trace_builder *builder,
                                            const weir_updates *updates);
/* Updates added since the last run was built. */
WEIR_API size_t weir_trace_builder_count(const weir_trace_builder *builder);
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
/* Appends a run (takes over the caller's reference), whose times are not before those of the run
 * appended last, but may be equal. NO_MEMORY: the reference stays with the caller. */
WEIR_API weir_status weir_spine_append(weir_spine *spine, weir_trace_run *run);
/* Works at most `fuel` updates off at each level of merging. Returns whether there is more to do;
 * then it should be called again, also when nothing comes. With fuel of a small multiple of what
 * was appended, the number of runs stays logarithmic. Failing memory only delays. */
WEIR_API bool weir_spine_work(weir_spine *spine, size_t fuel);
/* The trace answers for times at or after `since`: earlier ones may be moved up to it. Never goes
 * back, and not beyond a hold. Returns what it is now. */
WEIR_API uint64_t weir_spine_advance_since(weir_spine *spine, uint64_t since);
WEIR_API uint64_t weir_spine_since(const weir_spine *spine);
/* The runs as they are now: a reference for the caller. NULL: no memory. */
WEIR_API weir_trace_runs *weir_spine_list(weir_spine *spine);
/* The list last made, NULL if it is not that of the runs any more. No reference. */
WEIR_API const weir_trace_runs *weir_spine_current(const weir_spine *spine);
WEIR_API size_t weir_spine_updates(const weir_spine *spine);
WEIR_API size_t weir_spine_bytes(const weir_spine *spine);

/* What a reader of a trace keeps it from: forgetting times from `since` on, and merging runs across
 * `through`. UINT64_MAX stands for no wish. */
typedef struct weir_hold {
    const char *owner; /* borrowed */
    uint64_t since, through;
    uint64_t since_ns; /* the clock when it was placed: its age */
    /* private */
    struct weir_hold *next;
    weir_spine *spine;
} weir_hold;

/* Places a hold that the caller has filled in up to since_ns, and owns; since is raised to the
 * spine's. Fields since and through may be raised at any time. */
WEIR_API void weir_hold_place(weir_hold *hold, weir_spine *spine);
WEIR_API void weir_hold_remove(weir_hold *hold);
/* Calls fn for each hold. */
WEIR_API void weir_spine_each_hold(const weir_spine *spine,
                                   void (*fn)(const weir_hold *hold, void *ctx), void *ctx);

/* ---- cursors: several runs read as one ---- */

typedef struct weir_cursor weir_cursor;

/* Reads these runs (of one shape), which must outlive it. Before the first key. NULL: no memory. */
WEIR_API weir_cursor *weir_cursor_create(weir_trace_run *const *runs, size_t count);
WEIR_API void weir_cursor_destroy(weir_cursor *cursor);
/* Before the first key whose hash is at or after this one. */
WEIR_API void weir_cursor_seek(weir_cursor *cursor, uint64_t hash);
/* The next key, its next value (a distinct record), that one's next update, in no order of times.
 * False: there is none. */
WEIR_API bool weir_cursor_next_key(weir_cursor *cursor);
WEIR_API bool weir_cursor_next_value(weir_cursor *cursor);
WEIR_API bool weir_cursor_next_update(weir_cursor *cursor, uint64_t *time, int64_t *diff);
/* Goes to the key of this record of the shape's type. False: no update has it. */
WEIR_API bool weir_cursor_find(weir_cursor *cursor, const void *record);
WEIR_API uint64_t weir_cursor_hash(const weir_cursor *cursor);
/* The current value as a whole record, or before the first value, one whose key fields are set.
 * Valid until the cursor moves; its strings as long as the runs. */
WEIR_API const void *weir_cursor_record(weir_cursor *cursor);
/* Sum of the current value's diffs at or before a time. False: it left the range of a diff. */
WEIR_API bool weir_cursor_sum(weir_cursor *cursor, uint64_t time, int64_t *sum);

WEIR_END_DECLS
#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Segments: runs whose columns lie in a file that is mapped, so that memory may hold less than all
 * of them. A file is a head of one page, the columns one after the other, and a checksum for each
 * 64 KiB of these. Nothing in it is an address. Where they are, and which runs become one, is the
 * store's (store.c).
 *
 * A segment is written in place, by whoever writes the run; then it is sealed, and read only from
 * then on. A file that is opened is checked as a whole. A block of it is checked again when it is
 * read for the first time (sound.c), and before it is merged.
 */
#ifndef WEIR_TRACE_SEGMENT_H
#define WEIR_TRACE_SEGMENT_H

#include "env/env.h"
#include "trace/run.h"

/* A folder of segments. Any thread. Counted: it stays until the last of its runs is released, which
 * may be after the runtime's end, by whoever has a batch with strings of it. */
typedef struct weir__store {
    weir_env env; /* the calls about files; the rest is not looked at */
    uint32_t refs;
    char *dir;         /* as it was named, for people */
    uint64_t least;    /* bytes of columns from which a run lies in a file */
    uint64_t most;     /* bytes of runs that may wait in memory for a disk that fails */
    weir_folder *folder;
    uint64_t next;     /* number of a segment. Atomic, as are all that follow */
    uint64_t bytes, segments, ever; /* there are; there were */
    int failing;       /* why no file could be made the last time; 0: one could */
    uint32_t pause;    /* so many runs do not try until then */
    uint64_t waiting;  /* bytes that wait in memory */
    weir_error *error; /* what its dataflows end with; NULL: nothing */
} weir__store;

struct weir__segment {
    weir__store *store;
    weir_mapped mapped;
    uint64_t used;     /* bytes of columns */
    size_t size;       /* of this block */
    uint64_t *checked; /* a bit for each block: it has been read and was as written. Atomic */
    const char *name;  /* in the folder */
    char path[];       /* for people */
};

enum {
    WEIR__SEGMENT_HEAD = 4096,
    WEIR__SEGMENT_BLOCK = 64 << 10,
    WEIR__SEGMENT_VERSION = 1
};

/* Takes the folder for this process. Leftovers of an earlier one are removed, which is logged. */
weir_status weir__store_create(weir_env *env, const char *dir, uint64_t least, weir__store **store,
                               weir_error *error);
/* NULL is ignored. */
void weir__store_release(weir__store *store);
/* Notes, and logs, what is wrong for good: the first that is told stays. */
void weir__store_fail(weir__store *store, const weir_error *error);
/* NULL: nothing is wrong. */
static inline const weir_error *weir__store_error(const weir__store *store)
{
    return store ? __atomic_load_n(&store->error, __ATOMIC_ACQUIRE) : NULL;
}
/* Somebody's bytes that wait in memory for the disk were *counted, and are `now`. Fails the store
 * when there are too many of all. */
void weir__store_count(weir__store *store, uint64_t *counted, uint64_t now);

/* Large runs of this shape lie in it from now on; NULL: in memory. */
void weir__shape_set_store(weir_shape *shape, weir__store *store);

/* A new one with room for so many bytes of columns, or NULL: they are too few for a file, or none
 * can be made, which is logged the first time. */
weir__segment *weir__segment_create(weir__store *store, uint64_t bytes);
/* Where its columns are. */
static inline char *weir__segment_columns(const weir__segment *segment)
{
    return segment->mapped.at + WEIR__SEGMENT_HEAD;
}
/* Writes head and checksums of a run that is complete. False: the file has failed (logged). A run
 * in memory is sealed as it is. */
bool weir__segment_seal(weir_trace_run *run);
/* Removes the file. */
void weir__segment_destroy(weir__segment *segment);

/* A run from a file of the folder, which goes with it as if it were one of the store's. IO: it
 * cannot be read; BAD_DATA: it is damaged, truncated, of another version or of other records: the
 * error names the file and what is wrong with it. */
weir_status weir__segment_open(weir__store *store, const char *name, weir_shape *shape,
                               weir_trace_run **run, weir_error *error);
/* Holds the next `count` blocks from *block on against their checksums, and moves *block on; true
 * when all have been, or one does not fit, which the store is told. Of a run in memory there is
 * none. */
bool weir__segment_check(const weir_trace_run *run, uint64_t *block, uint64_t count);
/* Whether a block fits; if not, the store is told. */
bool weir__segment_check_block(const weir__segment *segment, uint64_t block);

#endif

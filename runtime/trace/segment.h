/* SPDX-License-Identifier: Apache-2.0
 *
 * Segments: runs whose columns lie in a file that is mapped, so that memory may hold less than all
 * of them. A file is a head of one page, the columns one after the other, and a checksum for each
 * 64 KiB of these. Nothing in it is an address. Where they are, and which runs become one, is the
 * store's (store.c).
 *
 * A segment is written in place, by whoever writes the run; then it is sealed, and read only from
 * then on. It is checked as a whole when it is opened, and again before it is merged: the kernels
 * that read columns read them as they read memory, and a check at each access would cost them more
 * than the whole of it at once.
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
    char *dir;
    uint64_t least;    /* bytes of columns from which a run lies in a file */
    weir_folder *folder;
    uint64_t next;     /* number of a segment. Atomic, as are all that follow */
    uint64_t bytes, segments, ever; /* there are; there were */
    uint32_t pause;    /* so many runs stay in memory, since a file could not be made */
} weir__store;

struct weir__segment {
    weir__store *store;
    weir_mapped mapped;
    uint64_t used;   /* bytes of columns */
    size_t size;     /* of this block */
    char path[];
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

/* Large runs of this shape lie in it from now on; NULL: in memory. */
void weir__shape_set_store(weir_shape *shape, weir__store *store);

/* A new one with room for so many bytes of columns, or NULL: they are too few for a file, or none
 * can be made, which is logged. */
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

/* A run from a file, which goes with it as if it were one of the store's. IO: it cannot be read;
 * BAD_DATA: it is damaged, truncated, of another version or of other records: the error names the
 * file and what is wrong with it. */
weir_status weir__segment_open(weir__store *store, const char *path, weir_shape *shape,
                               weir_trace_run **run, weir_error *error);
/* Holds the next `count` blocks from *block on against their checksums, and moves *block on; true
 * when all have been. Sets *error if one does not fit. Of a run in memory there is none. */
bool weir__segment_check(const weir_trace_run *run, uint64_t *block, uint64_t count,
                         weir_error *error);

#endif

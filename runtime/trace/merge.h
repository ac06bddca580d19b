/* SPDX-License-Identifier: Apache-2.0
 *
 * Merges of runs into one, and the compaction of one alone, a little at a time.
 */
#ifndef WEIR_TRACE_MERGE_H
#define WEIR_TRACE_MERGE_H

#include "trace/column.h"
#include "trace/run.h"

/* How many runs at most; more than a few only where all their times become one. */
enum { WEIR__MERGE_FEW = 8, WEIR__MERGE_MAX = 32 };

/* A run that is merged, and what of it is left: keys, values of the key at hand, updates of the
 * value at hand. */
typedef struct weir__lane {
    weir_trace_run *run; /* borrowed from the spine */
    weir__range keys, values, updates;
} weir__lane;

typedef struct weir__merge {
    uint32_t count;
    uint32_t in_key, in_value; /* bits of the lanes that have values, updates left */
    weir_frontier since;
    bool pending, failed;
    bool written;        /* all of it; its columns are being moved together */
    uint32_t checking;   /* the lane whose file is held against its checksums; all: `count` */
    uint64_t checked;    /* blocks of it */
    uint64_t time; /* of what is pending: at depth 1 */
    int64_t sum;
    weir__column moved; /* updates of a value: at other depths */
    size_t reserved;    /* bytes of the room for the result */
    size_t debt;        /* work that was done and not paid for: a value is not left half done */
    uint32_t block;     /* keys that are put in order at once: more while all of them are written */
    bool settles;       /* each value has one update, and all come to be ... */
    weir_time settled;  /* ... at this time */
    bool words;         /* keys are their hashes, too, and values words; */
    bool flat;          /* or they are integers that make words */
    weir__writer writer;
    weir__lane lanes[WEIR__MERGE_MAX];
} weir__merge;

/* Runs from the oldest to the newest. False: memory failed, or the result would lie in a file and
 * none can be made now. */
bool weir__merge_init(weir__merge *merge, weir_trace_run *const *runs, uint32_t count,
                      const weir_frontier *since);
/* Whether all times of these runs become one, and which. */
bool weir__merge_settles(weir_trace_run *const *runs, uint32_t count, const weir_frontier *since,
                         weir_time *at);
/* Works off up to *fuel updates, and takes them off it. True: all is written, or it failed. */
bool weir__merge_work(weir__merge *merge, size_t *fuel);
/* The run, or NULL if nothing is left. False: memory failed, or a file, of which the store has been
 * told. The merge is over either way. */
bool weir__merge_finish(weir__merge *merge, weir_trace_run **run);
void weir__merge_fini(weir__merge *merge);

/* The inside (merge_block.c): before the first work; then, between two keys, up to so many updates,
 * of which it returns how many it took. The next key, if there is one, is left to the caller. */
void weir__merge_blocks_init(weir__merge *merge, weir_trace_run *const *runs);
size_t weir__merge_blocks(weir__merge *merge, size_t most);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * The form of a segment's file, for the files that write, check and open one.
 */
#ifndef WEIR_TRACE_SEGMENT_FORM_H
#define WEIR_TRACE_SEGMENT_FORM_H

#include "trace/segment.h"

/* The columns by their numbers in a head. */
typedef enum weir__segment_column {
    WEIR__SEGMENT_HASHES, WEIR__SEGMENT_TIMES, WEIR__SEGMENT_DIFFS, WEIR__SEGMENT_KEYS,
    WEIR__SEGMENT_RESTS, WEIR__SEGMENT_VALUE_AT, WEIR__SEGMENT_UPDATE_AT, WEIR__SEGMENT_DIRECTORY,
    WEIR__SEGMENT_HEAP, WEIR__SEGMENT_COLUMNS
} weir__segment_column;

enum { WEIR__SEGMENT_ALIGN = 16, WEIR__SEGMENT_ORDER_MARK = 0x01020304 };
#define WEIR__SEGMENT_MAGIC "WeirRun"

/* The first page of a file. */
typedef struct weir__segment_head {
    char magic[8];
    uint32_t version, order_mark;
    uint64_t file_size, shape;
    uint32_t keys, values, updates, depth;
    /* Of the columns, from the end of the head on; 0: none. */
    uint64_t at[WEIR__SEGMENT_COLUMNS], bytes[WEIR__SEGMENT_COLUMNS];
    uint64_t used; /* bytes of columns */
    int64_t diff;
    uint64_t base;
    uint32_t shift, stretches;
    weir_time meet, join;
    uint64_t table_sum; /* of the table of checksums */
} weir__segment_head;

/* The last word of the page is the checksum of what is before it. */
enum { WEIR__SEGMENT_SUM_AT = WEIR__SEGMENT_HEAD - 8 };

static inline uint64_t weir__segment_blocks(uint64_t bytes)
{
    return (bytes + WEIR__SEGMENT_BLOCK - 1) / WEIR__SEGMENT_BLOCK;
}
/* The checksum of a block that is in memory, and where those of all blocks are. */
uint64_t weir__segment_sum(const weir__segment *segment, uint64_t block);
static inline char *weir__segment_table(const weir__segment *segment)
{
    return weir__segment_columns(segment) + segment->used;
}
/* What makes runs of two shapes the same bytes for the same records. */
uint64_t weir__segment_shape_sum(const weir_shape *shape);
/* How long each column that a run has is, by its counts. */
void weir__segment_list_bytes(const weir_trace_run *run, const bool has[WEIR__SEGMENT_COLUMNS],
                              uint64_t bytes[WEIR__SEGMENT_COLUMNS]);
/* BAD_DATA: the file of this segment, and what is wrong with it. */
weir_status weir__segment_damaged(const weir__segment *segment, weir_error *error,
                                  const char *what);
/* Reads the head and holds it against its checksum, the file, and the shape. Everything that is
 * read of a file later lies where this has found it possible. */
weir_status weir__segment_check_head(const weir__segment *segment, const weir_shape *shape,
                                     weir__segment_head *h, weir_error *error);
/* Whether the table of checksums and each block fit; `used` is set. */
weir_status weir__segment_check_table(const weir__segment *segment, const weir__segment_head *h,
                                      weir_error *error);
weir_status weir__segment_check_sum(const weir__segment *segment, uint64_t block,
                                    weir_error *error);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * A batch as bytes: for files and for other processes. A head of 64 bytes, then the columns as they
 * lie in memory, then the long strings of the records, to which these point by offsets. Numbers are
 * in the machine's own order. Pure: reads and writes nothing but memory, and trusts no byte that it
 * is given: every length is checked before it is used, and what is allocated is bounded by the
 * number of bytes that are there.
 *
 *   head | records | diffs | times | hashes | strings
 *
 * Columns that a batch does not have take nothing.
 */
#ifndef WEIR_DATA_BATCH_BYTES_H
#define WEIR_DATA_BATCH_BYTES_H

#include "base/piece.h"
#include "data/builder.h"

typedef struct weir__batch_head {
    uint32_t magic;
    uint32_t record_size;
    uint64_t count;
    uint32_t depth, columns;
    uint64_t string_bytes;
    uint64_t time[WEIR_TIME_COORDS]; /* what is beyond depth is 0 */
} weir__batch_head;

enum { WEIR__BATCH_HEAD = sizeof(weir__batch_head), WEIR__BATCH_PARTS = 6 };

/* The pieces of one batch, to be written or read one after the other. It must not be moved: the
 * first piece is its own head. */
typedef struct weir__batch_bytes {
    weir__batch_head head;
    weir__piece part[WEIR__BATCH_PARTS]; /* the head is the first; no piece is empty */
    unsigned parts;
    size_t size; /* of all of them */
    weir__buffer *copy; /* writing: records that point to strings, and the strings */
    weir_pin *strings;  /* reading: what the batch will pin, already its own */
} weir__batch_bytes;

/* Writing: the pieces are borrowed from the batch, but for those that have to be copied (records
 * with long strings), which come from the pool. Fini gives these back. */
void weir__batch_bytes_of(const weir_batch *batch, weir__pool *pool, weir__batch_bytes *bytes);
void weir__batch_bytes_fini(weir__batch_bytes *bytes);

/* What the reader knows without asking the bytes. */
typedef struct weir__batch_shape {
    const weir_type *type;
    uint32_t depth;
    size_t size; /* of the whole encoding, the head included */
} weir__batch_shape;

/* Reading, in two steps. Open checks a head (that has been read into bytes->head), makes the batch
 * with room for its columns, and sets the pieces from the second on to that room: fill them all.
 * Then complete checks what is in them and points the strings to where they are now. Both return
 * WEIR_BAD_DATA with a sentence if something does not fit, and the batch is gone then. */
weir_status weir__batch_open(weir__batch_bytes *bytes, const weir__batch_shape *shape,
                             weir__pool *pool, weir_batch **batch, weir_error *error);
weir_status weir__batch_complete(weir__batch_bytes *bytes, weir_batch **batch, weir_error *error);

/* Both, from memory; the data need not be aligned. *batch is NULL unless WEIR_OK is returned. */
weir_status weir__batch_from_bytes(const void *data, const weir__batch_shape *shape,
                                   weir__pool *pool, weir_batch **batch, weir_error *error);

#endif

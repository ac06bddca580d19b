/* SPDX-License-Identifier: Apache-2.0
 *
 * One connection's bytes: what was read and is not taken apart yet, and what waits to be written.
 * Owns its stream and both buffers; what the bytes mean is the mesh's business. One thread's.
 *
 * Small frames are put one behind the other in a buffer of the pool; columns of batches are written
 * from where they lie, and the batch is kept until they are. All of it leaves by one call.
 */
#ifndef WEIR_COMM_WIRE_H
#define WEIR_COMM_WIRE_H

#include "comm/frame.h"
#include "data/batch_bytes.h"
#include "env/net.h"

typedef struct weir__wire_piece {
    const char *data;
    size_t size;
    weir__buffer *buffer; /* released when written, or NULL */
    weir_batch *batch;    /* the same */
} weir__wire_piece;

typedef struct weir__wire {
    const weir_net *net;
    weir__pool *pool;
    int stream; /* -1: closed */
    /* read, from `taken` to `filled` */
    char *in;
    size_t in_size, taken, filled;
    /* to be written: a ring; of the first piece `written` bytes are gone */
    weir__wire_piece *pieces;
    uint32_t head, count, capacity;
    size_t written, waiting; /* waiting: bytes of all pieces not written yet */
    weir__buffer *small;     /* being filled, up to small_end */
    size_t small_end;
    uint64_t bytes_in, bytes_out;
} weir__wire;

void weir__wire_init(weir__wire *wire, const weir_net *net, weir__pool *pool, int stream);
/* Closes the stream; drops what was not written. */
void weir__wire_fini(weir__wire *wire);

/* Room for `size` bytes of frames, to be followed by commit with how many were used. */
unsigned char *weir__wire_room(weir__wire *wire, size_t size);
void weir__wire_commit(weir__wire *wire, size_t size);
/* A batch as the body of a frame whose head has just been committed (with its size as the body's):
 * its columns are written from where they lie. Takes the reference. */
void weir__wire_add_batch(weir__wire *wire, weir_batch *batch, weir__batch_bytes *bytes);
/* Writes as much as goes now. False and *error: it has broken. */
bool weir__wire_flush(weir__wire *wire, weir_error *error);

/* Reads what there is. More than 0: something came; 0: nothing; -1 and *error: it has ended. At
 * most `max` bytes are kept that were not taken apart. */
int64_t weir__wire_fill(weir__wire *wire, size_t max, weir_error *error);
/* The next whole frame of what was read (as weir__frame_read), valid until the next fill. */
int64_t weir__wire_next(weir__wire *wire, size_t max, weir__frame *frame, weir_error *error);

#endif

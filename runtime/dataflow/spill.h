/* SPDX-License-Identifier: Apache-2.0
 *
 * Batches in a file, first in, first out: what there is no room for in memory. Unnamed files, gone
 * when their batches have been read or the spill ends. Belongs to one worker's thread. Does not
 * know who is charged with what (flow.h).
 */
#ifndef WEIR_DATAFLOW_SPILL_H
#define WEIR_DATAFLOW_SPILL_H

#include "data/batch_bytes.h"
#include "env/env.h"

/* What stands before each batch in a file. */
typedef struct weir__spill_block {
    uint32_t magic;
    uint32_t port;     /* where the batch goes */
    uint64_t size;     /* of its bytes */
    uint64_t checksum; /* of the two above and the bytes */
} weir__spill_block;

/* What it takes to read and write; the directory is for messages, too. */
typedef struct weir__spill_place {
    weir_env *env;
    weir__pool *pool;
    const char *dir;
} weir__spill_place;

typedef struct weir__spill_file weir__spill_file;

/* Zeroed, it is empty. */
typedef struct weir__spill {
    weir__spill_file *first, *last; /* read from the first, written to the last */
    uint64_t batches, bytes;        /* in it now; bytes as they lie in files */
    weir__spill_block block;        /* of the first batch, once it has been asked for */
    weir__batch_head head;
    bool has_block;
} weir__spill;

/* Appends a batch (not taken over). WEIR_IO if the file cannot be made or written: the error says
 * where and why, and the spill is as it was before. */
weir_status weir__spill_put(weir__spill *spill, const weir__spill_place *place,
                            const weir_batch *batch, uint32_t port, weir_error *error);
/* Where the first batch goes, and about how much memory it will take. There is one. *port may be
 * wrong where the file is damaged: only when the batch is taken is it known not to be. */
weir_status weir__spill_next(weir__spill *spill, const weir__spill_place *place, uint32_t *port,
                             uint64_t *size, weir_error *error);
/* Takes the first batch out. There is one. Its type and depth are those of the shape, whose size is
 * not looked at. WEIR_IO or WEIR_BAD_DATA, and it stays where it is, if it cannot be read or is not
 * what was written. */
weir_status weir__spill_take(weir__spill *spill, const weir__spill_place *place,
                             const weir__batch_shape *shape, weir_batch **batch,
                             weir_error *error);
/* All of `front`, which is empty then, comes before what is there. */
void weir__spill_prepend(weir__spill *spill, weir__spill *front);
/* Leaves the first batch out, of which weir__spill_next has told; its time. */
void weir__spill_skip(weir__spill *spill, const weir__spill_place *place, weir_time *time);
/* Makes the error of a batch that is not what was written. */
weir_status weir__spill_damaged(const weir__spill_place *place, const char *why,
                                weir_error *error);
void weir__spill_fini(weir__spill *spill, const weir__spill_place *place);

#endif

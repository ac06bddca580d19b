/* SPDX-License-Identifier: Apache-2.0
 *
 * A mailbox: an unbounded queue of pointers from one thread to one other, without locks. Owns its
 * chunks, never what the pointers point to. Waking the receiver is the sender's business.
 *
 *   reader at ─┐                                        ┌─ writer at
 *   [ taken  taken  item  item … item | link ]→[ item  item  NULL  NULL … | NULL ]
 *
 * The item itself is the flag: a slot is NULL until the writer stores the item there (release; the
 * reader's load is an acquire, so what the item points to is visible with it). The reader never
 * writes to a slot: an empty poll is one load of a line that stays in the reader's cache until the
 * writer stores to it, and a push costs the reader one transfer of that line. A chunk that the
 * reader has emptied goes back through `spare` (release by the reader, acquire by the writer), and
 * the writer clears it before it is linked again.
 */
#ifndef WEIR_COMM_MAILBOX_H
#define WEIR_COMM_MAILBOX_H

#include <stdatomic.h>

#include <weir/base.h>

enum { WEIR__MAILBOX_SLOTS = 512 }; /* of a chunk; the last one is the link to the next chunk */

typedef struct weir__mailbox_chunk {
    _Alignas(64) _Atomic(void *) slots[WEIR__MAILBOX_SLOTS];
} weir__mailbox_chunk;

/* One side's place, on a line of its own. */
typedef struct weir__mailbox_end {
    _Alignas(64) weir__mailbox_chunk *chunk;
    unsigned at;
} weir__mailbox_end;

typedef struct weir__mailbox {
    weir__mailbox_end writer, reader;
    _Alignas(64) _Atomic(weir__mailbox_chunk *) spare;
} weir__mailbox;

/* False if memory is gone; then there is nothing to fini. */
WEIR_MUST_USE bool weir__mailbox_init(weir__mailbox *box);
/* Both threads are done with it. Items still in it are forgotten. */
void weir__mailbox_fini(weir__mailbox *box);

/* For push and take only: the end of a chunk. */
void weir__mailbox_push_linked(weir__mailbox *box, void *item);
void *weir__mailbox_take_linked(weir__mailbox *box);

/* The writer's thread. item is not NULL; it belongs to the reader from here on. */
static inline void weir__mailbox_push(weir__mailbox *box, void *item)
{
    weir__mailbox_end *end = &box->writer;
    if (WEIR_UNLIKELY(end->at == WEIR__MAILBOX_SLOTS - 1)) {
        weir__mailbox_push_linked(box, item);
        return;
    }
    atomic_store_explicit(&end->chunk->slots[end->at++], item, memory_order_release);
}

/* The reader's thread. NULL: nothing there now. */
static inline void *weir__mailbox_take(weir__mailbox *box)
{
    weir__mailbox_end *end = &box->reader;
    void *item = atomic_load_explicit(&end->chunk->slots[end->at], memory_order_acquire);
    if (!item)
        return NULL;
    if (WEIR_UNLIKELY(end->at == WEIR__MAILBOX_SLOTS - 1))
        return weir__mailbox_take_linked(box);
    end->at++;
    return item;
}

#endif

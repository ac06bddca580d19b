/* SPDX-License-Identifier: Apache-2.0
 *
 * The ends of a mailbox's chunks: linking a new one, giving an emptied one back. The common path is
 * inline in the header, with the picture and the memory orders.
 */
#include "comm/mailbox.h"

#include <string.h>

#include <weir/memory.h>

enum { LINK = WEIR__MAILBOX_SLOTS - 1 };

bool weir__mailbox_init(weir__mailbox *box)
{
    weir__mailbox_chunk *chunk = weir_alloc_zero(sizeof *chunk);
    if (!chunk)
        return false;
    box->writer = (weir__mailbox_end){ .chunk = chunk };
    box->reader = (weir__mailbox_end){ .chunk = chunk };
    atomic_init(&box->spare, NULL);
    return true;
}

void weir__mailbox_fini(weir__mailbox *box)
{
    weir__mailbox_chunk *chunk = box->reader.chunk;
    while (chunk) {
        weir__mailbox_chunk *next = atomic_load_explicit(&chunk->slots[LINK], memory_order_relaxed);
        weir_free(chunk, sizeof *chunk);
        chunk = next;
    }
    weir_free(atomic_load_explicit(&box->spare, memory_order_relaxed), sizeof *chunk);
}

/* The item goes into the new chunk before the link is published, so that the reader, once over the
 * link, always finds one. */
void weir__mailbox_push_linked(weir__mailbox *box, void *item)
{
    weir__mailbox_end *end = &box->writer;
    weir__mailbox_chunk *chunk = NULL;
    if (atomic_load_explicit(&box->spare, memory_order_relaxed))
        chunk = atomic_exchange_explicit(&box->spare, NULL, memory_order_acquire);
    if (!chunk)
        chunk = weir_alloc_must(sizeof *chunk);
    memset(chunk, 0, sizeof *chunk);
    atomic_store_explicit(&chunk->slots[0], item, memory_order_relaxed);
    atomic_store_explicit(&end->chunk->slots[LINK], chunk, memory_order_release);
    *end = (weir__mailbox_end){ .chunk = chunk, .at = 1 };
}

/* One spare is kept, which is all that a reader in step with its writer needs; what a long queue
 * leaves behind is freed. The load of the link was an acquire, so slot 0 is there. */
void *weir__mailbox_take_linked(weir__mailbox *box)
{
    weir__mailbox_end *end = &box->reader;
    weir__mailbox_chunk *emptied = end->chunk;
    weir__mailbox_chunk *chunk = atomic_load_explicit(&emptied->slots[LINK], memory_order_relaxed);
    void *item = atomic_load_explicit(&chunk->slots[0], memory_order_relaxed);
    *end = (weir__mailbox_end){ .chunk = chunk, .at = 1 };
    emptied = atomic_exchange_explicit(&box->spare, emptied, memory_order_acq_rel);
    weir_free(emptied, sizeof *emptied);
    return item;
}

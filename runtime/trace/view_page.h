/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of a view on their way to another process: pages of what a reader reads, as bytes, and back.
 */
#ifndef WEIR_TRACE_VIEW_PAGE_H
#define WEIR_TRACE_VIEW_PAGE_H

#include "data/batch_bytes.h"
#include "trace/view.h"

/* What came of reading a page. */
typedef struct weir__page {
    bool ended; /* there is nothing behind it */
    char *bytes; /* of its rows, freed by weir_free; NULL: none */
    size_t size;
} weir__page;

/* Reads what is asked for (LOOKUP, SCAN, CHANGES) of the workers of this process. key: of the ask's
 * body, or NULL. The pool is the calling thread's. INVALID: it asks for what cannot be. */
weir_status weir__page_read(weir_view_reader *reader, const weir__ask *ask, const void *key,
                            weir__pool *pool, weir__page *page);

/* The key of a record of the view's type, as a batch of one record; freed by weir_free. NULL: no
 * memory. */
char *weir__key_bytes(const weir_view *view, const void *key, weir__pool *pool, size_t *size);
/* A key's or a page's rows. BAD_DATA, and *error: they are none. */
weir_status weir__rows_from_bytes(const weir_view *view, const char *bytes, size_t size,
                                  weir_batch **rows, weir_error *error);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Columns: bytes that grow.
 */
#ifndef WEIR_TRACE_COLUMN_H
#define WEIR_TRACE_COLUMN_H

#include <weir/memory.h>

typedef struct weir__column {
    char *data;
    size_t used, capacity;
} weir__column;

bool weir__column_grow(weir__column *column, size_t size);
/* Room for size more bytes, counted as used. NULL: no memory. */
static inline void *weir__column_add(weir__column *column, size_t size)
{
    if (WEIR_UNLIKELY(column->capacity - column->used < size) && !weir__column_grow(column, size))
        return NULL;
    char *room = column->data + column->used;
    column->used += size;
    return room;
}
void weir__column_free(weir__column *column);

#endif

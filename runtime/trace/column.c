/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the growth of columns: by doubling.
 */
#include "trace/column.h"

bool weir__column_grow(weir__column *column, size_t size)
{
    size_t capacity = column->capacity ? 2 * column->capacity : 64;
    while (capacity - column->used < size)
        capacity *= 2;
    char *data = weir_realloc(column->data, column->capacity, capacity);
    if (!data)
        return false;
    column->data = data;
    column->capacity = capacity;
    return true;
}

void weir__column_free(weir__column *column)
{
    weir_free(column->data, column->capacity);
    *column = (weir__column){ .data = NULL };
}

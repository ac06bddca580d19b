/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the pages of tables from numbers to pointers.
 */
#include "base/id_table.h"

#include <string.h>

#include <weir/memory.h>

enum { CAPACITY = 64 };

static void *zeroed(size_t size)
{
    return memset(weir_alloc_must(size), 0, size);
}

static void grow(weir__id_table *table, uint32_t page)
{
    uint32_t capacity = table->capacity ? table->capacity : CAPACITY;
    while (capacity <= page)
        capacity *= 2;
    weir__id_page **pages = zeroed(capacity * sizeof(weir__id_page *));
    if (table->capacity)
        memcpy(pages, table->pages, table->capacity * sizeof(weir__id_page *));
    weir_free(table->pages, table->capacity * sizeof(weir__id_page *));
    table->pages = pages;
    table->capacity = capacity;
}

void weir__id_table_set(weir__id_table *table, uint32_t id, void *item)
{
    uint32_t at = id / WEIR__ID_PAGE;
    if (at >= table->capacity)
        grow(table, at);
    weir__id_page **page = &table->pages[at];
    if (!*page)
        *page = zeroed(sizeof **page);
    void **slot = &(*page)->items[id % WEIR__ID_PAGE];
    (*page)->used += (uint32_t)(item != NULL) - (uint32_t)(*slot != NULL);
    *slot = item;
    if ((*page)->used == 0) {
        weir_free(*page, sizeof **page);
        *page = NULL;
    }
}

void weir__id_table_fini(weir__id_table *table)
{
    for (uint32_t i = 0; i < table->capacity; i++)
        weir_free(table->pages[i], sizeof *table->pages[i]);
    weir_free(table->pages, table->capacity * sizeof(weir__id_page *));
    *table = (weir__id_table){ 0 };
}

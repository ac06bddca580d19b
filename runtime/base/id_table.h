/* SPDX-License-Identifier: Apache-2.0
 *
 * A table from numbers that are given out one after the other to pointers. Memory is for the pages
 * that have pointers, so ever growing numbers cost little when old ones are taken out.
 */
#ifndef WEIR_BASE_ID_TABLE_H
#define WEIR_BASE_ID_TABLE_H

#include <weir/base.h>

enum { WEIR__ID_PAGE = 256 };

typedef struct weir__id_page {
    uint32_t used;
    void *items[WEIR__ID_PAGE];
} weir__id_page;

/* A zeroed one is valid and empty. */
typedef struct weir__id_table {
    weir__id_page **pages;
    uint32_t capacity; /* of pages */
} weir__id_table;

/* item NULL: takes out. Memory: weir_alloc_must. */
void weir__id_table_set(weir__id_table *table, uint32_t id, void *item);
void weir__id_table_fini(weir__id_table *table);

static inline void *weir__id_table_find(const weir__id_table *table, uint32_t id)
{
    uint32_t page = id / WEIR__ID_PAGE;
    if (WEIR_UNLIKELY(page >= table->capacity || !table->pages[page]))
        return NULL;
    return table->pages[page]->items[id % WEIR__ID_PAGE];
}

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * See gone.h. A group's list is made anew while it is read: ranges that were met, joined where
 * nothing is left between them, and new ones; then those that were not met.
 */
#include "gone.h"

#include <string.h>

/* So many values that have gone make a range. */
enum { FEW = 16 };

/* ---- bounds and lists ---- */

static weir__gone_bound bound_of(const weir__gone *g, const void *record)
{
    const weir_type *type = g->order.type;
    size_t strings = type->has_strings ? weir_record_heap_size(type, record) : 0;
    weir__gone_bound bound = { .size = type->size + strings };
    bound.record = weir_alloc_must(bound.size);
    memcpy(bound.record, record, type->size);
    if (strings)
        weir_record_move_strings(type, bound.record, (char *)bound.record + type->size);
    weir_account_add(g->account, (int64_t)bound.size);
    return bound;
}

static void free_bound(const weir__gone *g, weir__gone_bound *bound)
{
    if (bound->record)
        weir_account_add(g->account, -(int64_t)bound->size);
    weir_free(bound->record, bound->size);
    *bound = (weir__gone_bound){ .record = NULL };
}

static void free_range(const weir__gone *g, weir__gone_range *range)
{
    free_bound(g, &range->from);
    free_bound(g, &range->until);
}

static void free_list(const weir__gone *g, weir__gone_list *list)
{
    for (uint32_t i = 0; i < list->count; i++)
        free_range(g, &list->at[i]);
    weir_account_add(g->account, -(int64_t)(list->capacity * sizeof *list->at));
    weir_free(list->at, list->capacity * sizeof *list->at);
    *list = (weir__gone_list){ .at = NULL };
}

static void insert(const weir__gone *g, weir__gone_list *list, uint32_t i,
                   const weir__gone_range *range)
{
    if (list->count == list->capacity) {
        uint32_t capacity = 2 * list->capacity + 2;
        list->at = weir_realloc_must(list->at, list->capacity * sizeof *list->at,
                                     capacity * sizeof *list->at);
        weir_account_add(g->account, (int64_t)((capacity - list->capacity) * sizeof *list->at));
        list->capacity = capacity;
    }
    memmove(&list->at[i + 1], &list->at[i], (list->count - i) * sizeof *list->at);
    list->at[i] = *range;
    list->count++;
}

weir_status weir__gone_init(weir__gone *g, const weir__gone_spec *spec, weir_error *error)
{
    size_t size = spec->order.type->size;
    *g = (weir__gone){ .order = spec->order, .account = spec->account };
    weir_table_options lists = { .struct_size = sizeof lists,
                                 .type = spec->order.type,
                                 .key = spec->key,
                                 .value_size = sizeof(weir__gone_list),
                                 .hash_seed = spec->seed,
                                 .parts = spec->parts,
                                 .account = spec->account };
    weir_status status = weir_table_create(&g->lists, &lists, error);
    g->key = weir_alloc_must(size);
    g->first = weir_alloc_must(size);
    return status;
}

void weir__gone_fini(weir__gone *g)
{
    if (!g->order.type)
        return;
    if (g->lists) {
        weir_table_walk walk = weir_table_walk_range(g->lists, 0, UINT64_MAX);
        for (weir__gone_list *list; (list = weir_table_walk_next(&walk));)
            free_list(g, list);
        weir_table_destroy(g->lists);
    }
    free_list(g, &g->made);
    free_range(g, &g->open);
    weir_free(g->key, g->order.type->size);
    weir_free(g->first, g->order.type->size);
    *g = (weir__gone){ .list = NULL };
}

/* ---- a key ---- */

bool weir__gone_begin(weir__gone *g, const void *key)
{
    memcpy(g->key, key, g->order.type->size);
    g->list = weir_table_count(g->lists) ? weir_table_find(g->lists, key) : NULL;
    g->next = g->values = 0;
    g->is_open = g->any = false;
    return g->list;
}

/* Whether a range ends at or before the record. */
static bool is_past(const weir__gone *g, const weir__gone_range *range, const void *record)
{
    return range->until.record &&
           weir__front_compare(&g->order, range->until.record, record) <= 0;
}

static bool has(const weir__gone *g, const weir__gone_range *range, const void *record)
{
    int order = weir__front_compare(&g->order, range->from.record, record);
    return order < 0 || (order == 0 && !range->behind);
}

void weir__gone_touch(weir__gone *g, const void *record)
{
    uint32_t low = 0, high = g->list ? g->list->count : 0, end = high;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (is_past(g, &g->list->at[middle], record))
            low = middle + 1;
        else
            high = middle;
    }
    if (low == end || !has(g, &g->list->at[low], record))
        return;
    weir__gone_range *range = &g->list->at[low];
    if (weir__front_compare(&g->order, range->from.record, record) == 0) {
        range->behind = true;
        return;
    }
    weir__gone_range before = { range->from, bound_of(g, record), range->behind };
    range->from = bound_of(g, record);
    range->behind = true;
    insert(g, g->list, low, &before);
}

/* ---- reading ---- */

/* A range follows what is open, or begins it. */
static void join(weir__gone *g, weir__gone_range *range)
{
    if (!g->is_open) {
        g->open = (weir__gone_range){ .from = range->from, .behind = range->behind };
        range->from = (weir__gone_bound){ .record = NULL };
    } else if (!g->open.from.record) {
        g->open.from = bound_of(g, g->first);
    }
    g->is_open = true;
}

bool weir__gone_pass(weir__gone *g, weir_cursor *cursor, uint64_t *looked)
{
    if (!g->list)
        return false;
    const void *record = weir_cursor_record(cursor);
    while (g->next < g->list->count && is_past(g, &g->list->at[g->next], record))
        free_range(g, &g->list->at[g->next++]); /* of it nothing is left */
    if (g->next == g->list->count || !has(g, &g->list->at[g->next], record))
        return false;
    weir__gone_range *range = &g->list->at[g->next++];
    join(g, range);
    *looked += weir_cursor_seek_to_value(cursor, range->until.record);
    free_range(g, range);
    return true;
}

/* What is open ends before this record; NULL: nowhere. */
static void close(weir__gone *g, const void *record)
{
    if (!g->is_open)
        return;
    g->is_open = false;
    if (!g->open.from.record && g->values < FEW) {
        g->values = 0;
        return;
    }
    if (!g->open.from.record)
        g->open.from = bound_of(g, g->first);
    if (record)
        g->open.until = bound_of(g, record);
    insert(g, &g->made, g->made.count, &g->open);
    g->open = (weir__gone_range){ .behind = false };
    g->values = 0;
}

void weir__gone_note(weir__gone *g, const void *record, bool has_gone)
{
    if (!has_gone) {
        g->any = true;
        close(g, record);
        return;
    }
    if (!g->is_open)
        memcpy(g->first, record, g->order.type->size); /* its strings are of runs that stay */
    g->is_open = true;
    g->values++;
}

void weir__gone_end(weir__gone *g, bool all)
{
    if (all)
        close(g, NULL);
    for (; g->list && !all && g->next < g->list->count; g->next++) {
        insert(g, &g->made, g->made.count, &g->list->at[g->next]);
        g->list->at[g->next] = (weir__gone_range){ .behind = false };
    }
    if (!g->any) /* nothing is there: who comes again begins anew */
        while (g->made.count > 0)
            free_range(g, &g->made.at[--g->made.count]);
    if (g->made.count > 0 && !g->list)
        g->list = weir_table_insert(g->lists, g->key);
    if (!g->list)
        return;
    weir__gone_list old = *g->list;
    *g->list = g->made;
    g->made = old;
    while (g->made.count > 0)
        free_range(g, &g->made.at[--g->made.count]);
    if (g->list->count == 0) {
        free_list(g, g->list);
        weir_table_remove(g->lists, g->list);
    }
    g->list = NULL;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * See fresh.h.
 */
#include "fresh.h"

#include <string.h>

#include <weir/memory.h>

#include "word.h"

void weir__fresh_begin(weir__fresh *f, const weir_type *type, weir_cursor *cursor)
{
    if (!f->records)
        f->records = weir_alloc_must(WEIR_CURSOR_ASK_MAX * (size_t)type->size);
    if (f->whole && !f->values)
        f->values = weir_alloc_must(WEIR_CURSOR_ASK_MAX * WEIR__FRESH_VALUES * (size_t)type->size);
    f->type = type;
    f->cursor = cursor;
    f->count = f->at = 0;
}

void weir__fresh_end(weir__fresh *f)
{
    weir_cursor_destroy(f->cursor);
    f->cursor = NULL;
    f->count = f->at = 0;
}

void weir__fresh_fini(weir__fresh *f)
{
    weir__fresh_end(f);
    if (f->records)
        weir_free(f->records, WEIR_CURSOR_ASK_MAX * (size_t)f->type->size);
    if (f->values)
        weir_free(f->values,
                  WEIR_CURSOR_ASK_MAX * WEIR__FRESH_VALUES * (size_t)f->type->size);
    weir_free(f->times, f->time_capacity * sizeof *f->times);
    *f = (weir__fresh){ .cursor = NULL };
}

static void add_time(weir__fresh *f, const weir_time *time)
{
    if (f->time_count == f->time_capacity) {
        size_t capacity = 2 * f->time_capacity + WEIR_CURSOR_ASK_MAX;
        f->times = weir_realloc_must(f->times, f->time_capacity * sizeof *f->times,
                                     capacity * sizeof *f->times);
        f->time_capacity = capacity;
    }
    f->times[f->time_count++] = *time;
}

/* A value of the key whose updates come to this. *values is how many are kept. */
static void keep_value(weir__fresh *f, const weir__fresh_key *key, weir__wide sum, uint32_t *values)
{
    uint32_t at = key->first_value + *values;
    if (*values == WEIR__FRESH_VALUES || sum != (int64_t)sum) {
        *values = UINT32_MAX;
        return;
    }
    memcpy(f->values + at * (size_t)f->type->size, weir_cursor_record(f->cursor), f->type->size);
    f->sums[at] = (int64_t)sum;
    ++*values;
}

/* The key that the cursor is at. Neighbours among its times differ. */
static void read_key(weir__fresh *f)
{
    weir__fresh_key *key = &f->keys[f->count];
    char *first = f->records + f->count * (size_t)f->type->size;
    weir__window *places = &f->places[f->count];
    bool tells = f->gone && weir__gone_begin(f->gone, weir_cursor_record(f->cursor));
    size_t updates = 0;
    uint32_t values = f->whole ? 0 : UINT32_MAX;
    weir_time time;
    key->first_value = f->value_count;
    if (f->windows)
        *places = (weir__window){ .any = false };
    bool is_alike = true; /* as the first */
    key->grows = true;
    f->hashes[f->count++] = weir_cursor_hash(f->cursor);
    key->first = (uint32_t)f->time_count;
    for (bool any = false; weir_cursor_next_value(f->cursor); any = true) {
        if (any && is_alike)
            is_alike = f->standing &&
                       weir__standing_is_alike(f->standing, first, weir_cursor_record(f->cursor));
        if (!any || tells || f->windows) {
            const void *record = weir_cursor_record(f->cursor);
            if (!any)
                memcpy(first, record, f->type->size); /* its strings are of runs that stay */
            if (tells)
                weir__gone_touch(f->gone, record);
            if (f->windows)
                f->windows->touch(record, places, f->windows->ctx);
        }
        weir__wide sum = 0;
        for (; weir_cursor_next_update(f->cursor, &time, &key->diff); updates++) {
            sum += key->diff;
            key->grows &= !is_alike || key->diff > 0;
            if (updates == 0 ||
                memcmp(&f->times[f->time_count - 1], &time, sizeof time) != 0)
                add_time(f, &time);
        }
        if (values != UINT32_MAX)
            keep_value(f, key, sum, &values);
    }
    key->values = values == UINT32_MAX ? 0 : values;
    f->value_count += key->values;
    key->count = (uint32_t)f->time_count - key->first;
    key->is_one = updates == 1;
}

bool weir__fresh_read(weir__fresh *f)
{
    f->count = f->at = 0;
    f->time_count = f->value_count = 0;
    while (f->cursor && f->count < WEIR_CURSOR_ASK_MAX && weir_cursor_next_key(f->cursor))
        read_key(f);
    return f->count > 0;
}

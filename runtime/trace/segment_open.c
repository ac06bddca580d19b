/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the opening of segments: a run that comes of it can be read, whatever its file holds. What
 * is read is checked before it is: the head, then what it says of the columns, the checksums, and
 * what columns say of each other. What fields of records hold is not looked at.
 */
#include <string.h>

#include "trace/segment_form.h"
#include "trace/store.h"

/* ---- what the head says of the columns ---- */

static weir_trace_run *make_run(weir__segment *segment, weir_shape *shape,
                                const weir__segment_head *h)
{
    weir_trace_run *run = weir_alloc(sizeof *run);
    if (!run)
        return NULL;
    *run = (weir_trace_run){ .refs = 1,
                             .key_count = h->keys,
                             .value_count = h->values,
                             .update_count = h->updates,
                             .shape = weir_shape_retain(shape),
                             .segment = segment,
                             .size = sizeof *run,
                             .diff = h->diff,
                             .heap_used = h->bytes[WEIR__SEGMENT_HEAP],
                             .base = h->base,
                             .shift = h->shift,
                             .stretches = h->stretches,
                             .meet = h->meet,
                             .join = h->join };
    return run;
}

static bool counts_fit(const weir_trace_run *run)
{
    return run->key_count > 0 && run->key_count <= run->value_count &&
           run->value_count <= run->update_count;
}

/* Each column is as long as the counts say, and lies where it is written (block.c). */
static bool places_fit(const weir_trace_run *run, const weir__segment_head *h)
{
    static const weir__segment_column order[] = {
        WEIR__SEGMENT_HASHES, WEIR__SEGMENT_KEYS,  WEIR__SEGMENT_RESTS,    WEIR__SEGMENT_DIRECTORY,
        WEIR__SEGMENT_HEAP,   WEIR__SEGMENT_TIMES, WEIR__SEGMENT_DIFFS,    WEIR__SEGMENT_VALUE_AT,
        WEIR__SEGMENT_UPDATE_AT
    };
    bool has[WEIR__SEGMENT_COLUMNS];
    uint64_t bytes[WEIR__SEGMENT_COLUMNS], at = 0;
    for (int i = 0; i < WEIR__SEGMENT_COLUMNS; i++)
        has[i] = h->bytes[i] > 0;
    weir__segment_list_bytes(run, has, bytes);
    for (int k = 0; k < WEIR__SEGMENT_COLUMNS; k++) {
        weir__segment_column i = order[k];
        if (bytes[i] != h->bytes[i] || bytes[i] > h->used || h->at[i] != (has[i] ? at : 0))
            return false;
        at += (bytes[i] + WEIR__SEGMENT_ALIGN - 1) / WEIR__SEGMENT_ALIGN * WEIR__SEGMENT_ALIGN;
    }
    return at == h->used && h->depth == run->shape->depth;
}

static void place(weir_trace_run *run, const weir__segment_head *h)
{
    char *at[WEIR__SEGMENT_COLUMNS];
    for (int i = 0; i < WEIR__SEGMENT_COLUMNS; i++)
        at[i] = h->bytes[i] > 0 ? weir__segment_columns(run->segment) + h->at[i] : NULL;
    run->hashes = (uint64_t *)(void *)at[WEIR__SEGMENT_HASHES];
    run->times = (uint64_t *)(void *)at[WEIR__SEGMENT_TIMES];
    run->diffs = (int64_t *)(void *)at[WEIR__SEGMENT_DIFFS];
    run->keys = at[WEIR__SEGMENT_KEYS];
    run->rests = at[WEIR__SEGMENT_RESTS];
    run->value_at = (uint32_t *)(void *)at[WEIR__SEGMENT_VALUE_AT];
    run->update_at = (uint32_t *)(void *)at[WEIR__SEGMENT_UPDATE_AT];
    run->directory = (uint32_t *)(void *)at[WEIR__SEGMENT_DIRECTORY];
    run->heap = at[WEIR__SEGMENT_HEAP];
}

/* The columns that this run must have, and may not have. */
static bool columns_fit(const weir_trace_run *run)
{
    const weir_shape *shape = run->shape;
    bool one_time = weir_time_equal(&run->meet, &run->join, shape->depth);
    return run->hashes && (run->keys != NULL) == (!shape->bijective && shape->keys.type.size > 0) &&
           (run->rests != NULL) == (shape->rests.type.size > 0) &&
           (run->value_at || run->value_count == run->key_count) &&
           (run->update_at || run->update_count == run->value_count) &&
           (run->directory != NULL) == (run->stretches > 0) && run->shift < 64 &&
           (run->diffs || run->diff != 0) && (run->times || one_time) &&
           weir_time_less_equal(&run->meet, &run->join, shape->depth) &&
           (shape->type->has_strings || !run->heap);
}

/* ---- what the columns say of each other ---- */

/* Each of `count` has its first entry after the one before, and the end is that of the others. */
static bool index_fits(const uint32_t *at, uint32_t count, uint32_t others)
{
    if (!at)
        return true;
    for (uint32_t i = 0; i < count; i++)
        if (at[i] >= at[i + 1])
            return false;
    return at[0] == 0 && at[count] == others;
}

static bool hashes_fit(const weir_trace_run *run)
{
    for (uint32_t k = 1; k < run->key_count; k++)
        if (run->hashes[k] < run->hashes[k - 1] ||
            (run->shape->bijective && run->hashes[k] == run->hashes[k - 1]))
            return false;
    return true;
}

static bool directory_fits(const weir_trace_run *run)
{
    if (!run->directory)
        return true;
    uint32_t key = 0;
    if (run->hashes[0] < run->base ||
        (run->hashes[run->key_count - 1] - run->base) >> run->shift >= run->stretches)
        return false;
    for (uint32_t s = 0; s < run->stretches; s++) {
        if (run->directory[s] != key)
            return false;
        while (key < run->key_count && (run->hashes[key] - run->base) >> run->shift == s)
            key++;
    }
    return run->directory[run->stretches] == run->key_count && key == run->key_count;
}

static bool strings_fit(const weir_trace_run *run, const weir__pack *pack, const char *packed,
                        uint32_t count)
{
    for (uint32_t n = 0; packed && pack->string_count > 0 && n < count; n++)
        for (uint32_t i = 0; i < pack->string_count; i++) {
            weir_str s;
            memcpy(&s, packed + (size_t)n * pack->type.size + pack->strings[i], sizeof s);
            uint64_t at = weir__str_offset(&s);
            if (!weir_str_is_inline(&s) &&
                (at > run->heap_used || s.len > run->heap_used - at))
                return false;
        }
    return true;
}

static bool times_fit(const weir_trace_run *run)
{
    uint32_t depth = run->shape->depth;
    for (uint32_t u = 0; run->times && u < run->update_count; u++)
        for (uint32_t i = 0; i < depth; i++) {
            uint64_t at = run->times[(size_t)u * depth + i];
            if (at < run->meet.at[i] || at > run->join.at[i])
                return false;
        }
    return true;
}

static bool contents_fit(const weir_trace_run *run)
{
    const weir_shape *shape = run->shape;
    return hashes_fit(run) && directory_fits(run) &&
           index_fits(run->value_at, run->key_count, run->value_count) &&
           index_fits(run->update_at, run->value_count, run->update_count) && times_fit(run) &&
           strings_fit(run, &shape->keys, run->keys, run->key_count) &&
           strings_fit(run, &shape->rests, run->rests, run->value_count);
}

/* ---- opening ---- */

/* The segment stays the caller's when it fails. */
static weir_status check(weir_trace_run *run, const weir__segment_head *h, weir_error *error)
{
    const weir__segment *segment = run->segment;
    bool fits = counts_fit(run) && places_fit(run, h);
    if (fits)
        place(run, h);
    if (!fits || !columns_fit(run))
        return weir__segment_damaged(segment, error, "its columns are not as its head says");
    weir_status status = weir__segment_check_table(segment, h, error);
    for (uint64_t b = 0; status == WEIR_OK && b < weir__segment_blocks(segment->used); b++)
        status = weir__segment_check_sum(segment, b, error);
    if (status == WEIR_OK && !contents_fit(run))
        status = weir__segment_damaged(segment, error, "its columns contradict each other");
    return status;
}

static weir_status open_mapped(weir__segment *segment, weir_shape *shape, weir_trace_run **run,
                               weir_error *error)
{
    weir__segment_head h;
    weir_status status = weir__segment_check_head(segment, shape, &h, error);
    if (status != WEIR_OK)
        return status;
    segment->used = h.used;
    weir_trace_run *made = make_run(segment, shape, &h);
    if (!made)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for a run");
    status = check(made, &h, error);
    if (status == WEIR_OK) {
        *run = made;
        return WEIR_OK;
    }
    made->segment = NULL;
    weir_trace_run_release(made);
    return status;
}

weir_status weir__segment_open(weir__store *store, const char *name, weir_shape *shape,
                               weir_trace_run **run, weir_error *error)
{
    *run = NULL;
    weir__segment *segment = weir__store_open(store, name, error);
    if (!segment)
        return error ? error->status : WEIR_IO;
    weir_status status = open_mapped(segment, shape, run, error);
    if (status != WEIR_OK)
        weir__store_forget(segment);
    return status;
}

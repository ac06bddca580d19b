/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns builders: updates are noted as they come, then sorted and added up (sort.c), and written as
 * a run, column by column, in a block of the very size. Those that need no records are noted,
 * sorted and written by plain.c.
 */
#include "trace/build.h"

#include "trace/plain.h"
#include "trace/segment.h"

enum { AHEAD = 16 }; /* records that are asked for before they are written */

weir_trace_builder *weir_trace_builder_create(weir_shape *shape, weir_account *account)
{
    weir_trace_builder *b = weir_alloc_zero(sizeof *b);
    if (!b)
        return NULL;
    b->shape = weir_shape_retain(shape);
    b->account = account;
    return b;
}

static void charge(weir_trace_builder *b)
{
    size_t bytes = b->records.capacity + b->hashes.capacity + b->times.capacity +
                   b->diffs.capacity + b->entries.capacity + b->spare.capacity + b->heap.bytes;
    if (b->account && bytes != b->charged)
        weir_account_add(b->account, (int64_t)bytes - (int64_t)b->charged);
    b->charged = bytes;
}

void weir_trace_builder_destroy(weir_trace_builder *b)
{
    if (!b)
        return;
    weir__column *const columns[] = { &b->records, &b->hashes,  &b->times,
                                      &b->diffs,   &b->entries, &b->spare };
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        weir__column_free(columns[i]);
    weir__heap_clear(&b->heap);
    charge(b);
    weir_shape_release(b->shape);
    weir_free(b, sizeof *b);
}

size_t weir_trace_builder_count(const weir_trace_builder *b)
{
    return b->count;
}

size_t weir_trace_builder_bytes(const weir_trace_builder *b)
{
    return b->plain ? b->count * (size_t)b->shape->type->size : b->records.used + b->heap.live;
}

/* ---- adding ---- */

static void cut(weir_trace_builder *b, uint32_t count)
{
    b->count = count;
    b->records.used = (size_t)count * b->shape->type->size;
    b->hashes.used = (size_t)count * 8;
    b->times.used = b->times_vary ? (size_t)count * 8 * b->shape->depth : 0;
    b->diffs.used = b->diffs_vary ? (size_t)count * 8 : 0;
}

static bool copy_strings(weir_trace_builder *b, char *record)
{
    size_t size = weir_record_heap_size(b->shape->type, record);
    if (size == 0)
        return true;
    char *room = weir__heap_alloc(&b->heap, size);
    if (room)
        weir_record_move_strings(b->shape->type, record, room);
    return room;
}

static bool add_records(weir_trace_builder *b, const weir_updates *u)
{
    const weir_type *type = b->shape->type;
    char *records = weir__column_add(&b->records, u->count * type->size);
    uint64_t *hashes = weir__column_add(&b->hashes, u->count * 8);
    if (!records || !hashes)
        return false;
    memcpy(records, u->records, u->count * type->size);
    if (u->hashes)
        memcpy(hashes, u->hashes, u->count * 8);
    else
        weir_key_hash_column(type, &b->shape->key, u->records, u->count, b->shape->seed, hashes);
    for (size_t i = 0; type->has_strings && i < u->count; i++)
        if (!copy_strings(b, records + i * type->size))
            return false;
    return true;
}

static void put_times(uint64_t *to, const weir_time *time, size_t count, uint32_t depth)
{
    for (size_t i = 0; i < count; i++)
        memcpy(to + i * depth, time->at, depth * sizeof *to);
}

/* The column of times is made when the second time comes. */
static bool add_times(weir_trace_builder *b, const weir_updates *u)
{
    uint32_t depth = b->shape->depth;
    if (b->count == 0 && !u->times)
        b->time = u->time;
    if (!b->times_vary) {
        if (!u->times && weir_time_equal(&u->time, &b->time, depth))
            return true;
        uint64_t *before = weir__column_add(&b->times, (size_t)b->count * depth * 8);
        if (!before && b->count > 0)
            return false;
        put_times(before, &b->time, b->count, depth);
        b->times_vary = true;
    }
    uint64_t *times = weir__column_add(&b->times, u->count * depth * 8);
    if (!times)
        return false;
    if (u->times)
        memcpy(times, u->times, u->count * depth * 8);
    else
        put_times(times, &u->time, u->count, depth);
    return true;
}

/* Likewise. */
static bool add_diffs(weir_trace_builder *b, const weir_updates *u)
{
    size_t same = 0;
    if (b->count == 0)
        b->diff = u->diffs ? u->diffs[0] : 1;
    if (!b->diffs_vary) {
        while (same < u->count && (u->diffs ? u->diffs[same] : 1) == b->diff)
            same++;
        if (same == u->count)
            return true;
        int64_t *before = weir__column_add(&b->diffs, (size_t)b->count * 8);
        if (!before && b->count > 0)
            return false;
        for (uint32_t i = 0; i < b->count; i++)
            before[i] = b->diff;
        b->diffs_vary = true;
    }
    int64_t *diffs = weir__column_add(&b->diffs, u->count * 8);
    if (!diffs)
        return false;
    for (size_t i = 0; i < u->count; i++)
        diffs[i] = u->diffs ? u->diffs[i] : 1;
    return true;
}

static bool has_other_times(const weir_trace_builder *b, const weir_updates *u)
{
    return u->times || (b->count > 0 && !weir_time_equal(&u->time, &b->time, b->shape->depth));
}

/* Whether what comes is noted without records. False: no memory. */
static bool choose(weir_trace_builder *b, const weir_updates *u)
{
    if (b->count == 0)
        b->plain = !b->was_mixed && weir__plain_fits(b->shape) && !u->times;
    if (!b->plain)
        return true;
    if (b->count == 0)
        b->time = u->time;
    if (!has_other_times(b, u))
        return true;
    b->was_mixed = true;
    return weir__plain_leave(b);
}

weir_status weir_trace_builder_add(weir_trace_builder *b, const weir_updates *u)
{
    uint32_t before = b->count;
    if (u->count == 0)
        return WEIR_OK;
    if (u->count > UINT32_MAX / 2 - b->count)
        return WEIR_NO_MEMORY;
    bool ok = choose(b, u);
    if (ok && b->plain) {
        ok = weir__plain_add(b, u);
    } else if (ok) {
        ok = add_records(b, u) && add_times(b, u) && add_diffs(b, u);
        cut(b, ok ? before + (uint32_t)u->count : before);
    }
    charge(b);
    return ok ? WEIR_OK : WEIR_NO_MEMORY;
}

/* ---- writing ---- */

static size_t strings_of(const weir__pack *pack, const char *record)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < pack->type.field_count && pack->string_count > 0; i++) {
        const weir_field *f = &pack->record->fields[pack->source[i]];
        const weir_str *s = (const weir_str *)(const void *)(record + f->offset);
        if ((f->kind == WEIR_KIND_str || f->kind == WEIR_KIND_bytes) && !weir_str_is_inline(s))
            bytes += s->len;
    }
    return bytes;
}

/* The room for the long strings of what is new. */
static size_t heap_of(const weir_trace_builder *b, const weir__sorted *e, size_t count)
{
    const weir_shape *shape = b->shape;
    size_t bytes = 0;
    for (size_t i = 0; shape->type->has_strings && i < count; i++) {
        const char *record = weir__builder_record(b, e[i].index);
        if (e[i].news)
            bytes += strings_of(&shape->rests, record);
        if (e[i].news & WEIR__NEW_KEY)
            bytes += strings_of(&shape->keys, record);
    }
    return bytes;
}

static void write_hashes(weir_trace_run *run, const weir__sorted *e, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (e[i].news & WEIR__NEW_KEY) {
            if (run->value_at)
                run->value_at[run->key_count] = run->value_count;
            run->hashes[run->key_count++] = e[i].hash;
        }
        if (e[i].news) {
            if (run->update_at)
                run->update_at[run->value_count] = i;
            run->value_count++;
        }
    }
    run->update_count = count;
    if (run->value_at)
        run->value_at[run->key_count] = run->value_count;
    if (run->update_at)
        run->update_at[run->value_count] = count;
}

/* The key fields, or the others, of each entry that is `news`. */
static void write_fields(const weir_trace_builder *b, weir_trace_run *run, const weir__pack *pack,
                         uint32_t news)
{
    const weir__sorted *e = (const weir__sorted *)(const void *)b->entries.data;
    char *to = news == WEIR__NEW_KEY ? run->keys : run->rests;
    _Alignas(16) char packed[WEIR_RECORD_SIZE_MAX];
    bool word = pack->type.size == 8 && pack->stretch_count == 1 && pack->string_count == 0;
    memset(packed, 0, pack->type.size);
    for (uint32_t i = 0; to && i < run->update_count; i++) {
        if (i + AHEAD < run->update_count)
            __builtin_prefetch(weir__builder_record(b, e[i + AHEAD].index));
        if (!(e[i].news & news))
            continue;
        const char *record = weir__builder_record(b, e[i].index);
        if (word && pack->stretches[0].size == 8) {
            memcpy(to, record + pack->stretches[0].record, 8);
        } else {
            weir__pack_from_record(pack, packed, record);
            weir__run_put(run, pack, to, packed, NULL);
        }
        to += pack->type.size;
    }
}

static void write_times(const weir_trace_builder *b, weir_trace_run *run)
{
    const weir__sorted *e = (const weir__sorted *)(const void *)b->entries.data;
    uint32_t depth = b->shape->depth;
    memcpy(run->meet.at, weir__builder_coords(b, e[0].index), depth * 8);
    run->join = run->meet;
    for (uint32_t u = 0; run->times && u < run->update_count; u++) {
        const uint64_t *coords = weir__builder_coords(b, e[u].index);
        for (uint32_t i = 0; i < depth; i++) {
            run->times[(size_t)u * depth + i] = coords[i];
            run->meet.at[i] = coords[i] < run->meet.at[i] ? coords[i] : run->meet.at[i];
            run->join.at[i] = coords[i] > run->join.at[i] ? coords[i] : run->join.at[i];
        }
    }
}

static weir_trace_run *write_run(weir_trace_builder *b, const weir__room *room)
{
    const weir__sorted *e = (const weir__sorted *)(const void *)b->entries.data;
    const int64_t *sums = weir__builder_sums(b);
    weir_trace_run *run = weir__run_alloc(b->shape, room);
    if (!run)
        return NULL;
    if (b->plain) {
        weir__plain_write(b, run);
    } else {
        write_hashes(run, e, (uint32_t)room->updates);
        write_fields(b, run, &b->shape->keys, WEIR__NEW_KEY);
        write_fields(b, run, &b->shape->rests, WEIR__NEW_VALUE);
        write_times(b, run);
        run->diff = sums[0];
        if (run->diffs)
            memcpy(run->diffs, sums, room->updates * sizeof *run->diffs);
    }
    weir__run_make_directory(run);
    return run;
}

/* A file that fails is followed by none for a while (segment.h), so the second run is in memory. */
static weir_trace_run *write_sealed(weir_trace_builder *b, const weir__room *room)
{
    weir_trace_run *run = write_run(b, room);
    weir__fit fit = { 0 };
    size_t bytes = SIZE_MAX;
    if (run && run->segment)
        (void)weir__run_fit(&run, &fit, &bytes);
    if (!run || weir__segment_seal(run))
        return run;
    weir_trace_run_release(run);
    return write_run(b, room);
}

static void clear(weir_trace_builder *b)
{
    b->times_vary = b->diffs_vary = false;
    b->entries.used = 0;
    cut(b, 0);
    weir__heap_clear(&b->heap);
}

weir_status weir_trace_builder_build(weir_trace_builder *b, weir_trace_run **run)
{
    weir__room room = { .updates = 0 };
    *run = NULL;
    if (b->count == 0)
        return WEIR_OK;
    weir_status status = b->plain ? weir__plain_sort(b, &room) : weir__builder_sort(b, &room);
    if (status == WEIR_OK && room.updates > 0) {
        const weir__sorted *e = (const weir__sorted *)(const void *)b->entries.data;
        room.heap = b->plain ? 0 : heap_of(b, e, room.updates);
        *run = write_sealed(b, &room);
        status = *run ? WEIR_OK : WEIR_NO_MEMORY;
    }
    if (status == WEIR_OK)
        clear(b);
    charge(b);
    return status;
}

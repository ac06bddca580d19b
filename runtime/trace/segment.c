/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the form of segments: head, checksums, and whether what is read of a file is what was
 * written. Opening one is segment_open.c's.
 */
#include "trace/segment_form.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "trace/store.h"

enum { COLUMNS = WEIR__SEGMENT_COLUMNS };

typedef weir__segment_head head;

static const char magic[8] = WEIR__SEGMENT_MAGIC;

static const char *const column_names[COLUMNS] = { "hashes", "times",    "diffs",
                                                   "keys",   "values",   "value index",
                                                   "update index", "directory", "strings" };

_Static_assert(sizeof(head) <= WEIR__SEGMENT_SUM_AT, "a segment's head has room in its page");

static uint64_t length_of(const weir__segment *segment, uint64_t block)
{
    uint64_t left = segment->used - block * WEIR__SEGMENT_BLOCK;
    return left < WEIR__SEGMENT_BLOCK ? left : WEIR__SEGMENT_BLOCK;
}

uint64_t weir__segment_sum(const weir__segment *segment, uint64_t block)
{
    return XXH3_64bits_withSeed(weir__segment_columns(segment) + block * WEIR__SEGMENT_BLOCK,
                                length_of(segment, block), block);
}

uint64_t weir__segment_shape_sum(const weir_shape *shape)
{
    const weir_type *type = shape->type;
    uint64_t sum = XXH3_64bits_withSeed(&shape->seed, sizeof shape->seed, type->size);
    for (uint32_t i = 0; i < type->field_count; i++) {
        const weir_field *f = &type->fields[i];
        uint32_t form[4] = { (uint32_t)f->kind, f->optional, f->scale, f->offset };
        sum = XXH3_64bits_withSeed(f->name, strlen(f->name), sum);
        sum = XXH3_64bits_withSeed(form, sizeof form, sum);
    }
    const weir_key *keys[] = { &shape->key, &shape->order };
    for (int k = 0; k < 2; k++)
        sum = XXH3_64bits_withSeed(keys[k]->field, keys[k]->count * sizeof *keys[k]->field, sum);
    uint32_t rest[3] = { shape->descending, shape->depth, shape->bijective };
    return XXH3_64bits_withSeed(rest, sizeof rest, sum);
}

/* ---- sealing ---- */

static void list_columns(const weir_trace_run *run, const char *at[COLUMNS])
{
    const void *const columns[COLUMNS] = { run->hashes,   run->times,     run->diffs,
                                           run->keys,     run->rests,     run->value_at,
                                           run->update_at, run->directory, run->heap };
    memcpy(at, columns, sizeof columns);
}

void weir__segment_list_bytes(const weir_trace_run *run, const bool has[COLUMNS],
                              uint64_t bytes[COLUMNS])
{
    const weir_shape *shape = run->shape;
    const uint64_t all[COLUMNS] = { run->key_count * (uint64_t)8,
                                    run->update_count * (uint64_t)shape->depth * 8,
                                    run->update_count * (uint64_t)8,
                                    run->key_count * (uint64_t)shape->keys.type.size,
                                    run->value_count * (uint64_t)shape->rests.type.size,
                                    (run->key_count + (uint64_t)1) * 4,
                                    (run->value_count + (uint64_t)1) * 4,
                                    (run->stretches + (uint64_t)1) * 4,
                                    run->heap_used };
    for (int i = 0; i < COLUMNS; i++)
        bytes[i] = has[i] ? all[i] : 0;
}

bool weir__segment_seal(weir_trace_run *run)
{
    weir__segment *segment = run->segment;
    if (!segment)
        return true;
    const char *at[COLUMNS];
    bool has[COLUMNS];
    head h = { .version = WEIR__SEGMENT_VERSION,
               .order_mark = WEIR__SEGMENT_ORDER_MARK,
               .shape = weir__segment_shape_sum(run->shape),
               .keys = run->key_count,
               .values = run->value_count,
               .updates = run->update_count,
               .depth = run->shape->depth,
               .used = segment->used,
               .diff = run->diff,
               .base = run->base,
               .shift = run->shift,
               .stretches = run->stretches,
               .meet = run->meet,
               .join = run->join };
    memcpy(h.magic, magic, sizeof magic);
    list_columns(run, at);
    for (int i = 0; i < COLUMNS; i++)
        has[i] = at[i] != NULL;
    weir__segment_list_bytes(run, has, h.bytes);
    for (int i = 0; i < COLUMNS; i++)
        h.at[i] = has[i] ? (uint64_t)(at[i] - weir__segment_columns(segment)) : 0;
    uint64_t blocks = weir__segment_blocks(segment->used);
    for (uint64_t b = 0; b < blocks; b++) {
        uint64_t sum = weir__segment_sum(segment, b);
        memcpy(weir__segment_table(segment) + 8 * b, &sum, sizeof sum);
    }
    h.file_size = WEIR__SEGMENT_HEAD + segment->used + 8 * blocks;
    h.table_sum = XXH3_64bits(weir__segment_table(segment), 8 * blocks);
    memset(segment->mapped.at, 0, WEIR__SEGMENT_HEAD);
    memcpy(segment->mapped.at, &h, sizeof h);
    uint64_t head_sum = XXH3_64bits(segment->mapped.at, WEIR__SEGMENT_SUM_AT);
    memcpy(segment->mapped.at + WEIR__SEGMENT_SUM_AT, &head_sum, sizeof head_sum);
    return weir__store_seal(segment, h.file_size);
}

/* ---- checking ---- */

weir_status weir__segment_damaged(const weir__segment *segment, weir_error *error,
                                  const char *what)
{
    weir_error_set(error, WEIR_BAD_DATA, "the run %s is damaged: %s", segment->path, what);
    weir_error_hint(error, "look into the machine's log for errors of that disk");
    return WEIR_BAD_DATA;
}

/* Whether bytes of the file can be read at all. */
static bool look(const weir__segment *segment, uint64_t at, uint64_t bytes)
{
    const weir__store *store = segment->store;
    return at <= segment->mapped.size && bytes <= segment->mapped.size - at &&
           store->env.map_look(store->env.disk, &segment->mapped, at, bytes) == 0;
}

/* Copies the head. False: its checksum does not fit. */
static bool read_head(const weir__segment *segment, head *h)
{
    uint64_t sum;
    memcpy(h, segment->mapped.at, sizeof *h);
    memcpy(&sum, segment->mapped.at + WEIR__SEGMENT_SUM_AT, sizeof sum);
    return XXH3_64bits(segment->mapped.at, WEIR__SEGMENT_SUM_AT) == sum;
}

weir_status weir__segment_check_head(const weir__segment *segment, const weir_shape *shape,
                                     head *h, weir_error *error)
{
    char what[160];
    if (segment->mapped.size < WEIR__SEGMENT_HEAD)
        return weir__segment_damaged(segment, error, "it is truncated, its head is not there");
    if (!look(segment, 0, WEIR__SEGMENT_HEAD))
        return weir__segment_damaged(segment, error, "its head cannot be read any more");
    bool fits = read_head(segment, h);
    if (memcmp(h->magic, magic, sizeof magic) != 0)
        return weir__segment_damaged(segment, error, "it does not begin as a run does");
    if (h->version != WEIR__SEGMENT_VERSION || h->order_mark != WEIR__SEGMENT_ORDER_MARK)
        return weir__segment_damaged(segment, error,
                                     "it is of another version, or of another machine");
    if (!fits)
        return weir__segment_damaged(segment, error, "the checksum of its head does not fit");
    if (h->file_size != segment->mapped.size) {
        (void)snprintf(what, sizeof what, "it is truncated, %" PRIu64 " of %" PRIu64 " bytes",
                       segment->mapped.size, h->file_size);
        return weir__segment_damaged(segment, error, what);
    }
    if (h->shape != weir__segment_shape_sum(shape))
        return weir__segment_damaged(segment, error,
                                     "it has other records, another key or another order");
    if (h->used > h->file_size ||
        h->file_size != WEIR__SEGMENT_HEAD + h->used + 8 * weir__segment_blocks(h->used))
        return weir__segment_damaged(segment, error, "it is not as long as its head says");
    return WEIR_OK;
}

weir_status weir__segment_check_table(const weir__segment *segment, const head *h,
                                      weir_error *error)
{
    uint64_t bytes = 8 * weir__segment_blocks(segment->used);
    if (!look(segment, WEIR__SEGMENT_HEAD + segment->used, bytes) ||
        XXH3_64bits(weir__segment_table(segment), bytes) != h->table_sum)
        return weir__segment_damaged(segment, error, "the checksum of its checksums does not fit");
    return WEIR_OK;
}

/* The column that a block begins in, by the head, if that is as it was. */
static const char *column_at(const weir__segment *segment, uint64_t block)
{
    uint64_t at = block * WEIR__SEGMENT_BLOCK;
    const char *column = "columns";
    head h;
    if (!look(segment, 0, WEIR__SEGMENT_HEAD) || !read_head(segment, &h))
        return column;
    for (int i = COLUMNS - 1; i >= 0; i--)
        if (h.bytes[i] > 0 && h.at[i] < at + WEIR__SEGMENT_BLOCK && h.at[i] + h.bytes[i] > at)
            column = column_names[i];
    return column;
}

weir_status weir__segment_check_sum(const weir__segment *segment, uint64_t block,
                                    weir_error *error)
{
    uint64_t sum;
    char what[160];
    bool there = look(segment, WEIR__SEGMENT_HEAD + block * WEIR__SEGMENT_BLOCK,
                      length_of(segment, block)) &&
                 look(segment, WEIR__SEGMENT_HEAD + segment->used + 8 * block, sizeof sum);
    if (there) {
        memcpy(&sum, weir__segment_table(segment) + 8 * block, sizeof sum);
        if (sum == weir__segment_sum(segment, block)) {
            __atomic_fetch_or(&segment->checked[block / 64], 1ull << block % 64,
                              __ATOMIC_RELAXED);
            return WEIR_OK;
        }
    }
    (void)snprintf(what, sizeof what, "%s block %" PRIu64 " %s, which begins in its %s",
                   there ? "the checksum of" : "it is truncated, or the disk fails:", block,
                   there ? "does not fit" : "cannot be read", column_at(segment, block));
    return weir__segment_damaged(segment, error, what);
}

bool weir__segment_check_block(const weir__segment *segment, uint64_t block)
{
    weir_error error;
    if (weir__segment_check_sum(segment, block, &error) == WEIR_OK)
        return true;
    weir__store_fail(segment->store, &error);
    return false;
}

bool weir__segment_check(const weir_trace_run *run, uint64_t *block, uint64_t count)
{
    const weir__segment *segment = run->segment;
    weir_error error;
    head h;
    if (!segment)
        return true;
    if (*block == 0 &&
        (weir__segment_check_head(segment, run->shape, &h, &error) != WEIR_OK ||
         weir__segment_check_table(segment, &h, &error) != WEIR_OK)) {
        weir__store_fail(segment->store, &error);
        return true;
    }
    uint64_t blocks = weir__segment_blocks(segment->used);
    for (; *block < blocks && count > 0; count--, ++*block)
        if (!weir__segment_check_block(segment, *block))
            return true;
    return *block == blocks;
}

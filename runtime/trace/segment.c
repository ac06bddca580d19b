/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the form of segments: head, checksums, and whether a file is what it should be.
 */
#include "trace/segment.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "trace/store.h"

enum { COLUMNS = 9, BYTE_ORDER_MARK = 0x01020304 };

static const char magic[8] = "WeirRun";

static const char *const column_names[COLUMNS] = { "hashes", "times",    "diffs",
                                                   "keys",   "values",   "value index",
                                                   "update index", "directory", "strings" };

/* The first page of a file. */
typedef struct head {
    char magic[8];
    uint32_t version, order_mark;
    uint64_t file_size, shape;
    uint32_t keys, values, updates, depth;
    uint64_t at[COLUMNS], bytes[COLUMNS]; /* of the columns, from the end of the head on; 0: none */
    uint64_t used;                        /* bytes of columns */
    int64_t diff;
    uint64_t base;
    uint32_t shift, stretches;
    weir_time meet, join;
    uint64_t table_sum; /* of the table of checksums */
} head;

/* The last word of the page is the checksum of what is before it. */
enum { SUM_AT = WEIR__SEGMENT_HEAD - 8 };
_Static_assert(sizeof(head) <= SUM_AT, "a segment's head has room in its page");

static uint64_t blocks_of(uint64_t bytes)
{
    return (bytes + WEIR__SEGMENT_BLOCK - 1) / WEIR__SEGMENT_BLOCK;
}

static uint64_t block_sum(const weir__segment *segment, uint64_t used, uint64_t block)
{
    uint64_t at = block * WEIR__SEGMENT_BLOCK, left = used - at;
    return XXH3_64bits_withSeed(weir__segment_columns(segment) + at,
                                left < WEIR__SEGMENT_BLOCK ? left : WEIR__SEGMENT_BLOCK, block);
}

static char *table_of(const weir__segment *segment, uint64_t used)
{
    return weir__segment_columns(segment) + used;
}

/* What makes runs of two shapes the same bytes for the same records. */
static uint64_t shape_sum(const weir_shape *shape)
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

/* What the columns that a run has hold. */
static void list_bytes(const weir_trace_run *run, const bool has[COLUMNS], uint64_t bytes[COLUMNS])
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
               .order_mark = BYTE_ORDER_MARK,
               .shape = shape_sum(run->shape),
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
    list_bytes(run, has, h.bytes);
    for (int i = 0; i < COLUMNS; i++)
        h.at[i] = has[i] ? (uint64_t)(at[i] - weir__segment_columns(segment)) : 0;
    uint64_t blocks = blocks_of(segment->used);
    for (uint64_t b = 0; b < blocks; b++) {
        uint64_t sum = block_sum(segment, segment->used, b);
        memcpy(table_of(segment, segment->used) + 8 * b, &sum, sizeof sum);
    }
    h.file_size = WEIR__SEGMENT_HEAD + segment->used + 8 * blocks;
    h.table_sum = XXH3_64bits(table_of(segment, segment->used), 8 * blocks);
    memset(segment->mapped.at, 0, WEIR__SEGMENT_HEAD);
    memcpy(segment->mapped.at, &h, sizeof h);
    uint64_t head_sum = XXH3_64bits(segment->mapped.at, SUM_AT);
    memcpy(segment->mapped.at + SUM_AT, &head_sum, sizeof head_sum);
    return weir__store_seal(segment, h.file_size);
}

/* ---- checking ---- */

static weir_status damaged(const weir__segment *segment, weir_error *error, const char *what)
{
    weir_error_set(error, WEIR_BAD_DATA, "the run %s is damaged: %s", segment->path, what);
    weir_error_hint(error, "look into the machine's log for errors of that disk");
    return WEIR_BAD_DATA;
}

static bool table_fits(const weir__segment *segment, const head *h)
{
    for (int i = 0; i < COLUMNS; i++)
        if (h->bytes[i] > h->used || h->at[i] > h->used - h->bytes[i])
            return false;
    return h->used <= h->file_size &&
           h->file_size == WEIR__SEGMENT_HEAD + h->used + 8 * blocks_of(h->used) &&
           XXH3_64bits(table_of(segment, h->used), 8 * blocks_of(h->used)) == h->table_sum;
}

static weir_status check_head(const weir__segment *segment, const weir_shape *shape, head *h,
                              weir_error *error)
{
    char what[160];
    uint64_t head_sum;
    if (segment->mapped.size < WEIR__SEGMENT_HEAD)
        return damaged(segment, error, "it is truncated, its head is not there");
    memcpy(h, segment->mapped.at, sizeof *h);
    memcpy(&head_sum, segment->mapped.at + SUM_AT, sizeof head_sum);
    if (memcmp(h->magic, magic, sizeof magic) != 0)
        return damaged(segment, error, "it does not begin as a run does");
    if (h->version != WEIR__SEGMENT_VERSION || h->order_mark != BYTE_ORDER_MARK)
        return damaged(segment, error, "it is of another version, or of another machine");
    if (XXH3_64bits(segment->mapped.at, SUM_AT) != head_sum)
        return damaged(segment, error, "the checksum of its head does not fit");
    if (h->file_size != segment->mapped.size) {
        (void)snprintf(what, sizeof what, "it is truncated, %" PRIu64 " of %" PRIu64 " bytes",
                       segment->mapped.size, h->file_size);
        return damaged(segment, error, what);
    }
    if (h->shape != shape_sum(shape))
        return damaged(segment, error, "it has other records, another key or another order");
    return table_fits(segment, h)
               ? WEIR_OK
               : damaged(segment, error, "the checksum of its checksums does not fit");
}

/* Of a run that is there as well as of one that is being opened. */
static weir_status check_block(const weir__segment *segment, const head *h, uint64_t block,
                               weir_error *error)
{
    uint64_t sum, at = block * WEIR__SEGMENT_BLOCK;
    char what[160];
    memcpy(&sum, table_of(segment, h->used) + 8 * block, sizeof sum);
    if (sum == block_sum(segment, h->used, block))
        return WEIR_OK;
    const char *column = "?";
    for (int i = COLUMNS - 1; i >= 0; i--)
        if (h->bytes[i] > 0 && h->at[i] < at + WEIR__SEGMENT_BLOCK &&
            h->at[i] + h->bytes[i] > at)
            column = column_names[i];
    (void)snprintf(what, sizeof what,
                   "the checksum of block %" PRIu64 " does not fit, which begins in its %s", block,
                   column);
    return damaged(segment, error, what);
}

bool weir__segment_check(const weir_trace_run *run, uint64_t *block, uint64_t count,
                         weir_error *error)
{
    const weir__segment *segment = run->segment;
    head h;
    if (!segment)
        return true;
    memcpy(&h, segment->mapped.at, sizeof h);
    if (*block == 0 && check_head(segment, run->shape, &h, error) != WEIR_OK)
        return true;
    h.used = segment->used; /* the head may have gone bad since */
    uint64_t blocks = blocks_of(segment->used);
    for (; *block < blocks && count > 0; count--, ++*block)
        if (check_block(segment, &h, *block, error) != WEIR_OK)
            return true;
    return *block == blocks;
}

/* ---- opening ---- */

static weir_trace_run *make_run(weir__segment *segment, weir_shape *shape, const head *h)
{
    weir_trace_run *run = weir_alloc(sizeof *run);
    if (!run)
        return NULL;
    char *at[COLUMNS];
    for (int i = 0; i < COLUMNS; i++)
        at[i] = h->bytes[i] > 0 ? weir__segment_columns(segment) + h->at[i] : NULL;
    *run = (weir_trace_run){ .refs = 1,
                             .key_count = h->keys,
                             .value_count = h->values,
                             .update_count = h->updates,
                             .shape = weir_shape_retain(shape),
                             .segment = segment,
                             .size = sizeof *run,
                             .hashes = (uint64_t *)(void *)at[0],
                             .times = (uint64_t *)(void *)at[1],
                             .diffs = (int64_t *)(void *)at[2],
                             .diff = h->diff,
                             .keys = at[3],
                             .rests = at[4],
                             .value_at = (uint32_t *)(void *)at[5],
                             .update_at = (uint32_t *)(void *)at[6],
                             .directory = (uint32_t *)(void *)at[7],
                             .heap = at[8],
                             .heap_used = h->bytes[8],
                             .base = h->base,
                             .shift = h->shift,
                             .stretches = h->stretches,
                             .meet = h->meet,
                             .join = h->join };
    segment->used = h->used;
    return run;
}

/* Each column is as long as the counts say. */
static bool counts_fit(const weir_trace_run *run, const head *h)
{
    bool has[COLUMNS];
    uint64_t bytes[COLUMNS];
    for (int i = 0; i < COLUMNS; i++)
        has[i] = h->bytes[i] > 0;
    list_bytes(run, has, bytes);
    return run->hashes && run->update_count > 0 && memcmp(bytes, h->bytes, sizeof bytes) == 0;
}

static weir_status open_mapped(weir__segment *segment, weir_shape *shape, weir_trace_run **run,
                               weir_error *error)
{
    head h;
    weir_status status = check_head(segment, shape, &h, error);
    for (uint64_t b = 0; status == WEIR_OK && b < blocks_of(h.used); b++)
        status = check_block(segment, &h, b, error);
    if (status != WEIR_OK)
        return status;
    *run = make_run(segment, shape, &h);
    if (!*run)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for a run");
    if (counts_fit(*run, &h))
        return WEIR_OK;
    (*run)->segment = NULL;
    weir_trace_run_release(*run);
    *run = NULL;
    return damaged(segment, error, "its columns are not as long as they should be");
}

weir_status weir__segment_open(weir__store *store, const char *path, weir_shape *shape,
                               weir_trace_run **run, weir_error *error)
{
    *run = NULL;
    weir__segment *segment = weir__store_open(store, path, error);
    if (!segment)
        return WEIR_IO;
    weir_status status = open_mapped(segment, shape, run, error);
    if (status != WEIR_OK)
        weir__store_forget(segment);
    return status;
}

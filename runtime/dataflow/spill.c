/* SPDX-License-Identifier: Apache-2.0
 *
 * A spill is a list of files: written at the end of the last, read from the beginning of the first.
 * A file is closed, which is the end of it, once all of it was read; so one that is read as fast as
 * it is written takes no more room than what waits, and a part for each file. Files become larger
 * with what there is, so that there are few of them.
 */
#include "dataflow/spill.h"

#include <string.h>

#include "base/hash.h"

enum {
    MAGIC = 0x316c7053,     /* "Spl1" */
    FILE_BYTES = 16 << 20,  /* then the next file begins */
    FILES = 8,              /* or more, while so many such files are there */
    KEPT_BYTES = 1 << 20,   /* an empty file up to this is used again */
};

struct weir__spill_file {
    weir__spill_file *next;
    weir_file *file;
    uint64_t written, read;
};

static weir_status io_error(const weir__spill_place *place, int code, const char *doing,
                            weir_error *error)
{
    weir_error_set(error, WEIR_IO, "what the budget has no room for cannot be %s a file in %s: %s",
                   doing, place->dir, strerror(code));
    weir_error_hint(error, "make room there, name another directory (--spill-dir) or allow more "
                           "memory (--budget)");
    return WEIR_IO;
}

weir_status weir__spill_damaged(const weir__spill_place *place, const char *why,
                                weir_error *error)
{
    weir_error_set(error, WEIR_BAD_DATA, "what was written to a file in %s is damaged: %s",
                   place->dir, why);
    weir_error_hint(error, "look into the machine's log for errors of that disk");
    return WEIR_BAD_DATA;
}

/* ---- files ---- */

static void drop_first(weir__spill *spill, const weir__spill_place *place)
{
    weir__spill_file *file = spill->first;
    spill->first = file->next;
    if (!spill->first)
        spill->last = NULL;
    place->env->file_close(place->env->disk, file->file);
    weir_free(file, sizeof *file);
}

/* The file to write to. */
static weir_status file_to_write(weir__spill *spill, const weir__spill_place *place,
                                 weir__spill_file **out, weir_error *error)
{
    uint64_t most = spill->bytes / FILES > FILE_BYTES ? spill->bytes / FILES : FILE_BYTES;
    *out = spill->last;
    if (*out && (*out)->written < most)
        return WEIR_OK;
    weir_file *opened;
    int code = place->env->file_create(place->env->disk, place->dir, &opened);
    if (code)
        return io_error(place, code, "written to", error);
    weir__spill_file *file = weir_alloc_must(sizeof *file);
    *file = (weir__spill_file){ .file = opened };
    if (spill->last)
        spill->last->next = file;
    else
        spill->first = file;
    spill->last = *out = file;
    return WEIR_OK;
}

void weir__spill_fini(weir__spill *spill, const weir__spill_place *place)
{
    while (spill->first)
        drop_first(spill, place);
    *spill = (weir__spill){ 0 };
}

void weir__spill_prepend(weir__spill *spill, weir__spill *front)
{
    if (!front->first)
        return;
    front->last->next = spill->first;
    spill->first = front->first;
    spill->last = spill->last ? spill->last : front->last;
    spill->batches += front->batches;
    spill->bytes += front->bytes;
    spill->has_block = false;
    *front = (weir__spill){ 0 };
}

/* ---- batches ---- */

static uint64_t checksum(const weir__spill_block *block, const weir__batch_bytes *bytes)
{
    uint64_t sum = XXH3_64bits_withSeed(&block->size, sizeof block->size, block->port);
    for (unsigned p = 0; p < bytes->parts; p++)
        sum = XXH3_64bits_withSeed(bytes->part[p].at, bytes->part[p].size, sum);
    return sum;
}

weir_status weir__spill_put(weir__spill *spill, const weir__spill_place *place,
                            const weir_batch *batch, uint32_t port, weir_error *error)
{
    weir__spill_file *file;
    weir_status status = file_to_write(spill, place, &file, error);
    if (status != WEIR_OK)
        return status;
    weir__batch_bytes bytes;
    weir__batch_bytes_of(batch, place->pool, &bytes);
    weir__spill_block block = { .magic = MAGIC, .port = port, .size = bytes.size };
    block.checksum = checksum(&block, &bytes);
    weir__piece pieces[1 + WEIR__BATCH_PARTS] = { { &block, sizeof block } };
    memcpy(pieces + 1, bytes.part, bytes.parts * sizeof *pieces);
    int code = place->env->file_write(place->env->disk, file->file, pieces, 1 + bytes.parts,
                                      file->written);
    weir__batch_bytes_fini(&bytes);
    if (code)
        return io_error(place, code, "written to", error);
    file->written += sizeof block + block.size;
    spill->bytes += sizeof block + block.size;
    spill->batches++;
    return WEIR_OK;
}

static weir_status find_block(weir__spill *spill, const weir__spill_place *place,
                              weir_error *error)
{
    if (spill->has_block)
        return WEIR_OK;
    weir__spill_file *file = spill->first;
    const weir__piece pieces[2] = { { &spill->block, sizeof spill->block },
                                    { &spill->head, sizeof spill->head } };
    int code = place->env->file_read(place->env->disk, file->file, pieces, 2, file->read);
    if (code)
        return io_error(place, code, "read from", error);
    if (spill->block.magic != MAGIC || spill->block.size < sizeof spill->head ||
        spill->block.size > file->written - file->read - sizeof spill->block)
        return weir__spill_damaged(place, "a batch does not begin where it should", error);
    spill->has_block = true;
    return WEIR_OK;
}

/* The first batch is done with; a file of which all was read goes, unless it is small and would be
 * made again. */
static void first_is_read(weir__spill *spill, const weir__spill_place *place)
{
    weir__spill_file *file = spill->first;
    uint64_t bytes = sizeof spill->block + spill->block.size;
    file->read += bytes;
    spill->bytes -= bytes;
    spill->batches--;
    spill->has_block = false;
    if (file->read < file->written)
        return;
    if (!file->next && file->written <= KEPT_BYTES)
        file->written = file->read = 0;
    else
        drop_first(spill, place);
}

weir_status weir__spill_next(weir__spill *spill, const weir__spill_place *place, uint32_t *port,
                             uint64_t *size, weir_error *error)
{
    weir_status status = find_block(spill, place, error);
    *port = spill->block.port;
    *size = spill->block.size;
    return status;
}

weir_status weir__spill_take(weir__spill *spill, const weir__spill_place *place,
                             const weir__batch_shape *shape, weir_batch **batch,
                             weir_error *error)
{
    weir__batch_bytes bytes;
    *batch = NULL;
    weir_status status = find_block(spill, place, error);
    if (status != WEIR_OK)
        return status;
    weir__spill_file *file = spill->first;
    uint64_t at = file->read + sizeof spill->block;
    const weir__batch_shape whole = { shape->type, shape->depth, spill->block.size };
    weir_error why = { 0 };
    bytes.head = spill->head;
    if (weir__batch_open(&bytes, &whole, place->pool, batch, &why) != WEIR_OK)
        return weir__spill_damaged(place, why.detail, error);
    int code = place->env->file_read(place->env->disk, file->file, bytes.part + 1, bytes.parts - 1,
                                     at + sizeof spill->head);
    if (code)
        status = io_error(place, code, "read from", error);
    else if (checksum(&spill->block, &bytes) != spill->block.checksum)
        status = weir__spill_damaged(place, "a checksum does not fit", error);
    if (status != WEIR_OK) {
        weir_batch_release(*batch);
        *batch = NULL;
        return status;
    }
    if (weir__batch_complete(&bytes, batch, &why) != WEIR_OK)
        return weir__spill_damaged(place, why.detail, error);
    first_is_read(spill, place);
    return WEIR_OK;
}

void weir__spill_skip(weir__spill *spill, const weir__spill_place *place, weir_time *time)
{
    memcpy(time->at, spill->head.time, sizeof time->at);
    first_is_read(spill, place);
}

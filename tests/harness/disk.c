/* SPDX-License-Identifier: Apache-2.0
 *
 * See disk.h.
 */
#include "disk.h"

#include <errno.h>
#include <string.h>

#include <weir/memory.h>

struct weir_file {
    char *bytes;
    uint64_t size, capacity;
};

static int file_create(void *ctx, const char *dir, weir_file **file)
{
    weir__test_disk *disk = ctx;
    (void)dir;
    *file = NULL;
    if (disk->refused) {
        disk->refused--;
        return EMFILE;
    }
    *file = weir_alloc_must(sizeof **file);
    **file = (weir_file){ 0 };
    disk->newest = *file;
    disk->files++;
    return 0;
}

/* As a real one may: what there was room for is written when the disk is full. */
static int append(weir__test_disk *disk, weir_file *file, const weir__piece *piece, uint64_t at)
{
    uint64_t end = at + piece->size, more = end > file->size ? end - file->size : 0;
    if (disk->limit && disk->used + more > disk->limit)
        return ENOSPC;
    if (end > file->capacity) {
        uint64_t capacity = 2 * end;
        file->bytes = weir_realloc_must(file->bytes, file->capacity, capacity);
        file->capacity = capacity;
    }
    memcpy(file->bytes + at, piece->at, piece->size);
    file->size += more;
    disk->used += more;
    return 0;
}

static int file_write(void *ctx, weir_file *file, const weir__piece *pieces,
                      unsigned count, uint64_t offset)
{
    weir__test_disk *disk = ctx;
    for (unsigned i = 0; i < count; offset += pieces[i++].size) {
        int code = append(disk, file, &pieces[i], offset);
        if (code)
            return code;
    }
    return 0;
}

static int file_read(void *ctx, weir_file *file, const weir__piece *pieces,
                     unsigned count, uint64_t offset)
{
    weir__test_disk *disk = ctx;
    if (disk->unread) {
        disk->unread--;
        return EIO;
    }
    for (unsigned i = 0; i < count; offset += pieces[i++].size) {
        if (offset + pieces[i].size > file->size)
            return EIO;
        memcpy(pieces[i].at, file->bytes + offset, pieces[i].size);
    }
    return 0;
}

static void file_close(void *ctx, weir_file *file)
{
    weir__test_disk *disk = ctx;
    if (disk->newest == file)
        disk->newest = NULL;
    disk->used -= file->size;
    disk->files--;
    weir_free(file->bytes, file->capacity);
    weir_free(file, sizeof *file);
}

void weir__test_disk_set(weir_env *env, weir__test_disk *disk)
{
    env->disk = disk;
    env->file_create = file_create;
    env->file_write = file_write;
    env->file_read = file_read;
    env->file_close = file_close;
}

void weir__test_disk_damage(weir__test_disk *disk, uint64_t at)
{
    if (disk->newest && at < disk->newest->size)
        disk->newest->bytes[at] ^= 0x20;
}

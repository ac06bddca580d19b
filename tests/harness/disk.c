/* SPDX-License-Identifier: Apache-2.0
 *
 * See disk.h.
 */
#include "disk.h"

#include <errno.h>
#include <stdlib.h>
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

/* ---- files that are mapped: there until they are closed ---- */

struct weir__test_map {
    weir__test_map *next;
    char *at;
    uint64_t room, size;
};

enum { PAGE = 4096 };

static weir__test_map **find(weir__test_disk *disk, const weir_mapped *mapped)
{
    weir__test_map **m = &disk->maps;
    while ((*m)->at != mapped->at)
        m = &(*m)->next;
    return m;
}

static int dir_take(void *ctx, const char *dir, const char *ending, weir_folder **folder,
                    unsigned *removed)
{
    (void)dir;
    (void)ending;
    *removed = 0;
    *folder = ctx;
    return 0;
}

static void dir_leave(void *ctx, weir_folder *folder)
{
    (void)ctx;
    (void)folder;
}

static int map_create(void *ctx, weir_folder *folder, const char *name, uint64_t size,
                      weir_mapped *mapped)
{
    weir__test_disk *disk = ctx;
    (void)folder;
    (void)name;
    if (disk->refused) {
        disk->refused--;
        return EMFILE;
    }
    if (disk->limit && disk->used + size > disk->limit)
        return ENOSPC;
    weir__test_map *m = weir_alloc_must(sizeof *m);
    *m = (weir__test_map){ .next = disk->maps, .size = size,
                           .room = (size + PAGE - 1) / PAGE * PAGE };
    m->at = aligned_alloc(PAGE, m->room);
    if (!m->at)
        abort();
    memset(m->at, 0, m->room);
    *mapped = (weir_mapped){ .at = m->at, .size = size };
    disk->maps = m;
    disk->mapped++;
    disk->used += size;
    return 0;
}

static int map_seal(void *ctx, weir_mapped *mapped, uint64_t size)
{
    weir__test_disk *disk = ctx;
    weir__test_map *m = *find(disk, mapped);
    disk->used -= m->size - size;
    m->size = mapped->size = size;
    return 0;
}

static int map_open(void *ctx, weir_folder *folder, const char *name, weir_mapped *mapped)
{
    (void)ctx;
    (void)folder;
    (void)name;
    (void)mapped;
    return ENOENT;
}

static int map_look(void *ctx, const weir_mapped *mapped, uint64_t offset, uint64_t size)
{
    const weir__test_disk *disk = ctx;
    return disk->lost || offset + size > mapped->size ? EIO : 0;
}

static void map_close(void *ctx, weir_mapped *mapped)
{
    weir__test_disk *disk = ctx;
    weir__test_map **at = find(disk, mapped), *m = *at;
    *at = m->next;
    disk->used -= m->size;
    free(m->at);
    weir_free(m, sizeof *m);
    mapped->at = NULL;
}

static int file_remove(void *ctx, weir_folder *folder, const char *name)
{
    (void)ctx;
    (void)folder;
    (void)name;
    return 0;
}

void weir__test_disk_damage_maps(weir__test_disk *disk, uint64_t at)
{
    for (weir__test_map *m = disk->maps; m; m = m->next)
        if (at < m->size)
            m->at[at] ^= 0x20;
}

/* ---- the table ---- */

void weir__test_disk_set(weir_env *env, weir__test_disk *disk)
{
    env->disk = disk;
    env->file_create = file_create;
    env->file_write = file_write;
    env->file_read = file_read;
    env->file_close = file_close;
    env->dir_take = dir_take;
    env->dir_leave = dir_leave;
    env->map_create = map_create;
    env->map_seal = map_seal;
    env->map_open = map_open;
    env->map_look = map_look;
    env->map_close = map_close;
    env->file_remove = file_remove;
}

void weir__test_disk_damage(weir__test_disk *disk, uint64_t at)
{
    if (disk->newest && at < disk->newest->size)
        disk->newest->bytes[at] ^= 0x20;
}

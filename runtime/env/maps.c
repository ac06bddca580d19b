/* SPDX-License-Identifier: Apache-2.0
 *
 * Files that are mapped, and the folder that has them. Room is taken on the disk before anything is
 * written: a disk that is full says so then, and not by a signal. Owns the descriptors.
 */
#include "env/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/memory.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

struct weir_folder {
    int fd;
};

static void map_close(void *disk, weir_mapped *mapped)
{
    (void)disk;
    if (mapped->at)
        munmap(mapped->at, mapped->size);
    if (mapped->file >= 0)
        close(mapped->file);
    mapped->at = NULL;
}

/* A mapping needs no descriptor: there are more runs than a process may have files open. */
static void let_go_of_file(weir_mapped *mapped)
{
    close(mapped->file);
    mapped->file = -1;
}

/* What is read around a fault by default, up to megabytes, throws out of a small memory what others
 * of the many columns of a merge have asked for: only what is read is asked for. */
static int map(weir_mapped *mapped, int protection)
{
    void *at = mmap(NULL, mapped->size, protection, MAP_SHARED, mapped->file, 0);
    if (at == MAP_FAILED)
        return errno;
    mapped->at = at;
    (void)madvise(at, mapped->size, MADV_RANDOM);
    return 0;
}

static int map_create(void *disk, weir_folder *folder, const char *name, uint64_t size,
                      weir_mapped *mapped)
{
    *mapped = (weir_mapped){ .size = size };
    mapped->file = openat(folder->fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (mapped->file < 0)
        return errno;
    int code = posix_fallocate(mapped->file, 0, (off_t)size);
    if (!code)
        code = map(mapped, PROT_READ | PROT_WRITE);
    if (!code)
        return 0;
    map_close(disk, mapped);
    unlinkat(folder->fd, name, 0);
    return code;
}

static int map_seal(void *disk, weir_mapped *mapped, uint64_t size)
{
    (void)disk;
    long page = sysconf(_SC_PAGESIZE);
    uint64_t kept = (size + (uint64_t)page - 1) / (uint64_t)page * (uint64_t)page;
    if (mprotect(mapped->at, mapped->size, PROT_READ) || ftruncate(mapped->file, (off_t)size))
        return errno;
    if (kept < mapped->size)
        munmap(mapped->at + kept, mapped->size - kept);
    mapped->size = size;
    let_go_of_file(mapped);
    return 0;
}

static int map_open(void *disk, weir_folder *folder, const char *name, weir_mapped *mapped)
{
    struct stat info;
    int code = 0;
    *mapped = (weir_mapped){ .file = openat(folder->fd, name, O_RDONLY | O_CLOEXEC) };
    if (mapped->file < 0)
        return errno;
    if (fstat(mapped->file, &info))
        code = errno;
    mapped->size = code ? 0 : (uint64_t)info.st_size;
    if (!code && mapped->size > 0)
        code = map(mapped, PROT_READ);
    if (code)
        map_close(disk, mapped);
    else
        let_go_of_file(mapped);
    return code;
}

/* All of it in one go. A kernel that cannot answer (before Linux 5.14) lets the reader find out. */
static int map_look(void *disk, const weir_mapped *mapped, uint64_t offset, uint64_t size)
{
    (void)disk;
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), from = offset / page * page;
    (void)madvise(mapped->at + from, offset + size - from, MADV_WILLNEED);
    if (madvise(mapped->at + from, offset + size - from, MADV_POPULATE_READ) == 0)
        return 0;
    return errno == EFAULT || errno == EHWPOISON ? EIO : 0;
}

static int file_remove(void *disk, weir_folder *folder, const char *name)
{
    (void)disk;
    return unlinkat(folder->fd, name, 0) ? errno : 0;
}

/* ---- the folder ---- */

/* A number and the ending: a regular file of this user, and nothing else that lies there. */
static bool is_ours(int fd, const char *name, const char *ending)
{
    struct stat info;
    size_t digits = strspn(name, "0123456789");
    return digits > 0 && strcmp(name + digits, ending) == 0 &&
           fstatat(fd, name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(info.st_mode) &&
           info.st_uid == geteuid();
}

static unsigned remove_numbered(int fd, const char *ending)
{
    unsigned removed = 0;
    int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *all = again < 0 ? NULL : fdopendir(again);
    for (const struct dirent *entry; all && (entry = readdir(all));)
        removed += is_ours(fd, entry->d_name, ending) && unlinkat(fd, entry->d_name, 0) == 0;
    if (all)
        closedir(all);
    else if (again >= 0)
        close(again);
    return removed;
}

/* With the folder that it is in, if that is not there either. */
static int make_folder(const char *dir)
{
    char parent[4096];
    const char *slash = strrchr(dir, '/');
    if (mkdir(dir, 0700) == 0 || errno == EEXIST)
        return 0;
    if (errno != ENOENT || !slash || slash == dir || (size_t)(slash - dir) >= sizeof parent)
        return errno;
    memcpy(parent, dir, (size_t)(slash - dir));
    parent[slash - dir] = '\0';
    return mkdir(parent, 0700) && errno != EEXIST ? errno
           : mkdir(dir, 0700) && errno != EEXIST  ? errno
                                                  : 0;
}

static int dir_take(void *disk, const char *dir, const char *ending, weir_folder **folder,
                    unsigned *removed)
{
    (void)disk;
    *folder = NULL;
    *removed = 0;
    int made = make_folder(dir);
    if (made)
        return made;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    if (faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) || flock(fd, LOCK_EX | LOCK_NB)) {
        int code = errno;
        close(fd);
        return code;
    }
    *removed = remove_numbered(fd, ending);
    *folder = weir_alloc_must(sizeof **folder);
    (*folder)->fd = fd;
    return 0;
}

static void dir_leave(void *disk, weir_folder *folder)
{
    (void)disk;
    if (!folder)
        return;
    flock(folder->fd, LOCK_UN); /* for children that were forked meanwhile, too */
    close(folder->fd);
    weir_free(folder, sizeof *folder);
}

void weir__env_maps_set(weir_env *env)
{
    env->map_create = map_create;
    env->map_seal = map_seal;
    env->map_open = map_open;
    env->map_look = map_look;
    env->map_close = map_close;
    env->file_remove = file_remove;
    env->dir_take = dir_take;
    env->dir_leave = dir_leave;
}

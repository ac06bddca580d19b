/* SPDX-License-Identifier: Apache-2.0
 *
 * Unnamed files: nobody else sees them, and what a process leaves behind when it is killed is
 * nothing. Owns the descriptors.
 */
#include "env/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include <weir/memory.h>

enum { PIECES_MAX = 8 };

struct weir_file {
    int fd;
};

/* Where the file system knows no unnamed files: one whose name goes at once. */
static int create_and_unlink(const char *dir)
{
    char path[4096];
    if ((size_t)snprintf(path, sizeof path, "%s/weir-XXXXXX", dir) >= sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    return fd;
}

static int file_create(void *disk, const char *dir, weir_file **file)
{
    (void)disk;
    *file = NULL;
    int fd = open(dir, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
        fd = create_and_unlink(dir);
    if (fd < 0)
        return errno;
    *file = weir_alloc_must(sizeof **file);
    (*file)->fd = fd;
    return 0;
}

/* Drops what was moved from the front of the pieces; how many are left. */
static unsigned advance(struct iovec *pieces, unsigned count, size_t moved)
{
    unsigned whole = 0;
    while (whole < count && moved >= pieces[whole].iov_len)
        moved -= pieces[whole++].iov_len;
    for (unsigned i = whole; i < count; i++)
        pieces[i - whole] = pieces[i];
    if (whole < count) {
        pieces[0].iov_base = (char *)pieces[0].iov_base + moved;
        pieces[0].iov_len -= moved;
    }
    return count - whole;
}

typedef ssize_t move_fn(int fd, const struct iovec *pieces, int count, off_t offset);

/* All of it, in as many calls as it takes. A call that moves nothing has come to the end. */
static int move(weir_file *file, const weir__piece *pieces, unsigned count, uint64_t offset,
                move_fn *fn)
{
    struct iovec left[PIECES_MAX];
    if (count > PIECES_MAX)
        return EINVAL;
    for (unsigned i = 0; i < count; i++)
        left[i] = (struct iovec){ pieces[i].at, pieces[i].size };
    while (count > 0) {
        ssize_t moved = fn(file->fd, left, (int)count, (off_t)offset);
        if (moved < 0 && errno == EINTR)
            continue;
        if (moved <= 0)
            return moved < 0 ? errno : EIO;
        offset += (uint64_t)moved;
        count = advance(left, count, (size_t)moved);
    }
    return 0;
}

static int file_write(void *disk, weir_file *file, const weir__piece *pieces, unsigned count,
                      uint64_t offset)
{
    (void)disk;
    return move(file, pieces, count, offset, pwritev);
}

static int file_read(void *disk, weir_file *file, const weir__piece *pieces, unsigned count,
                     uint64_t offset)
{
    (void)disk;
    return move(file, pieces, count, offset, preadv);
}

static void file_close(void *disk, weir_file *file)
{
    (void)disk;
    if (!file)
        return;
    close(file->fd);
    weir_free(file, sizeof *file);
}

void weir__env_files_set(weir_env *env)
{
    env->disk = NULL;
    env->file_create = file_create;
    env->file_write = file_write;
    env->file_read = file_read;
    env->file_close = file_close;
    weir__env_maps_set(env);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Everything a worker takes from the world outside its own memory: clock, random numbers, channels
 * to other workers, parking, storage. Production and simulation implement the same tables; the
 * worker's code is the same over both. Allocation is weir/memory.h.
 */
#ifndef WEIR_ENV_ENV_H
#define WEIR_ENV_ENV_H

#include <weir/base.h>

#include "base/piece.h"
#include "env/net.h"

typedef struct weir_env weir_env;
typedef struct weir_file weir_file;
typedef struct weir_folder weir_folder;

/* A file in memory; `file` is the env's. */
typedef struct weir_mapped {
    char *at;
    uint64_t size;
    int file;
} weir_mapped;

enum { WEIR__TICKS_SHORT = 8192 };

/* What a worker's turn can find in its inbox. */
typedef struct weir_mail {
    const void *data;
    size_t size;
} weir_mail;

struct weir_env {
    void *ctx;

    /* Nanoseconds since some fixed moment, never backwards; microseconds since 1970 (UTC). */
    uint64_t (*now_ns)(void *ctx);
    int64_t (*wall_us)(void *ctx);
    uint64_t (*random_u64)(void *ctx);
    /* A counter of the processor that takes a few ns to read, and goes on by WEIR__TICKS_SHORT in
     * some microseconds, no more; NULL: there is none. */
    uint64_t (*ticks)(void *ctx);
    /* How many bytes of memory the process may have; UINT64_MAX, or NULL: nothing limits it. */
    uint64_t (*memory_limit)(void *ctx);

    /* Mail: letters (of any size; up to 56 bytes are one cache line) from one worker to another, in
     * order a pair, never lost, no bound (the engine's credits bound it). One is written in two
     * steps: room for at most so many bytes, 8-byte aligned, then commit, with the size that it
     * came to, and no other letter of the pair between the two: by worker `from`'s thread. take, by
     * worker `to`'s, gives the next one, valid until the next take of the same pair; false: nothing
     * there now. */
    void *(*mail_room)(void *ctx, unsigned from, unsigned to, size_t most);
    void (*mail_commit)(void *ctx, unsigned from, unsigned to, size_t size);
    bool (*mail_take)(void *ctx, unsigned to, unsigned from, weir_mail *letter);

    /* The broadcast log of worker `from`: entries (of any size; up to 56 bytes are one cache line)
     * that every other worker reads in order. read gives the next entry of `from` that `to` has not
     * read, 8-byte aligned, valid until the next read of the same pair, or false. A reader that is
     * 1 MiB behind is taken off the log: `sum` (below) folds what it has not read. Read until
     * false: who keeps an entry cannot be taken off, and holds the log's memory. To write one
     * without a copy: room for at most so many bytes, 8-byte aligned, then commit, with the size
     * that it came to, and no other entry between the two; where there are other workers. */
    void (*log_append)(void *ctx, unsigned from, const void *entry, size_t size);
    void *(*log_room)(void *ctx, unsigned from, size_t most);
    void (*log_commit)(void *ctx, unsigned from, size_t size);
    bool (*log_read)(void *ctx, unsigned to, unsigned from, weir_mail *entry);

    /* Whether a letter or an entry is there for worker `self`: quicker than to look for each. NULL:
     * it is always looked for. */
    bool (*has_mail)(void *ctx, unsigned self);

    /* Whether worker `self` is to hear of the next command of the order only later. NULL: it never
     * is; a simulator's workers are at different places of it. */
    bool (*order_is_late)(void *ctx, unsigned self);

    /* Wakes worker `to` if it is parked, or about to park. Cheap if it is not: a fence and a load.
     * Any thread. Call it once after a turn's sends and appends, not once each. */
    void (*wake)(void *ctx, unsigned to);
    /* The two halves of parking, called by worker `self`'s thread. park_prepare raises the flag
     * that makes others wake us (then the caller looks at its inboxes once more); park_cancel
     * lowers it. fd becomes readable when woken; park_cancel also clears it. */
    void (*park_prepare)(void *ctx, unsigned self);
    void (*park_cancel)(void *ctx, unsigned self);
    int (*park_fd)(void *ctx, unsigned self);
    /* NULL: the worker sleeps in its loop, which watches park_fd. Else this stands for the sleep,
     * between prepare and cancel: until woken, or for wait_ns (UINT64_MAX: without end). */
    void (*sleep)(void *ctx, unsigned self, uint64_t wait_ns);

    /* Storage: unnamed files in a directory, for what memory has no room for; gone when closed.
     * 0, or the number of the system's error. write and read move all of up to 8 pieces, one after
     * the other, from or to that offset; a read beyond the end is EIO. Any thread, one at a time
     * for each file. They are called with `disk`, not with ctx. */
    void *disk;
    int (*file_create)(void *disk, const char *dir, weir_file **file);
    int (*file_write)(void *disk, weir_file *file, const weir__piece *pieces, unsigned count,
                      uint64_t offset);
    int (*file_read)(void *disk, weir_file *file, const weir__piece *pieces, unsigned count,
                     uint64_t offset);
    void (*file_close)(void *disk, weir_file *file);

    /* Files with names that are mapped instead of read. dir_take makes the folder if it has to,
     * claims it for this process (EWOULDBLOCK: another one has it) and removes files named NUMBER +
     * ending that an earlier one has left: how many. What follows happens there, wherever the
     * folder has been moved to and whatever the process's own folder is. map_create makes a file
     * that was not there, with room on the disk for all of its size, to be written in place;
     * map_seal cuts it to a size, after which it is read only; map_open maps one that is there. The
     * kernel may take its pages out of memory and read them again: map_look does so for a part of
     * it and says EIO where just to read it would be a signal, since the file is shorter by now, or
     * the disk fails. Any thread. */
    int (*dir_take)(void *disk, const char *dir, const char *ending, weir_folder **folder,
                    unsigned *removed);
    void (*dir_leave)(void *disk, weir_folder *folder);
    int (*map_create)(void *disk, weir_folder *folder, const char *name, uint64_t size,
                      weir_mapped *mapped);
    int (*map_seal)(void *disk, weir_mapped *mapped, uint64_t size);
    int (*map_open)(void *disk, weir_folder *folder, const char *name, weir_mapped *mapped);
    int (*map_look)(void *disk, const weir_mapped *mapped, uint64_t offset, uint64_t size);
    void (*map_close)(void *disk, weir_mapped *mapped);
    int (*file_remove)(void *disk, weir_folder *folder, const char *name);

    /* Streams to other processes, used by one worker only; NULL: the runtime makes TCP. */
    weir_net *net;
};

/* Folds unread log entries of one sender into one: gets entries one after the other by add, then
 * finish hands over a block (freed by weir_free(data, size)) that read will return, whatever its
 * size, before the log goes on; NULL and 0 if nothing is left. Called by the writer's thread. begin
 * never returns NULL. A block that was not read in time is the first thing added to the next
 * sum. */
typedef struct weir_log_sum {
    void *(*begin)(void *ctx);
    void (*add)(void *sum, const void *entry, size_t size);
    weir_mail (*finish)(void *sum);
    void *ctx;
} weir_log_sum;

/* Production: threads of one process. workers >= 1. NULL and *error if the machine refuses. */
weir_env *weir__env_threads_create(unsigned workers, const weir_log_sum *sum, weir_error *error);
/* No worker may use it any more. Mail still in it is not freed: drain it first. */
void weir__env_threads_destroy(weir_env *env);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing the flight recorder's file. Owns the file: its name, its lock (which says whether its
 * process lives), its end. What is written into it, and when, is worker/event.c's affair.
 */
#include "event/flight.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include <weir/memory.h>

#include "event/sweep.h"

enum { PATH_BYTES = 4096, NAMES_TRIED = 1000 };

struct weir__flight {
    char path[PATH_BYTES];
    int fd;
    char *map;
    size_t size;
    unsigned workers;
    pthread_mutex_t lock; /* guards the names */
};

static weir__flight_header *header(const weir__flight *flight)
{
    return (weir__flight_header *)flight->map;
}

static const char *place(const char *dir)
{
    if (dir && *dir)
        return dir;
    const char *own = getenv("XDG_RUNTIME_DIR");
    return own && *own == '/' && access(own, W_OK | X_OK) == 0 ? own : "/tmp";
}

/* The first free name of this process. One that is there is of another runtime, or of an earlier
 * process with this number: it is left alone, somebody may want to read it. */
static weir_status open_file(weir__flight *flight, const char *dir, weir_error *error)
{
    for (int n = 0; n < NAMES_TRIED; n++) {
        int len = snprintf(flight->path, sizeof flight->path, "%s/weir-%d-%d.flight", dir,
                           (int)getpid(), n);
        if (len >= (int)sizeof flight->path)
            return weir_error_set(error, WEIR_INVALID, "the folder's name is too long");
        flight->fd = open(flight->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (flight->fd >= 0 || errno != EEXIST)
            break;
    }
    if (flight->fd < 0 || flock(flight->fd, LOCK_EX | LOCK_NB) != 0 ||
        ftruncate(flight->fd, (off_t)flight->size) != 0)
        return weir_error_set(error, WEIR_IO, "the flight recorder's file %s cannot be made: %s",
                              flight->path, strerror(errno));
    return WEIR_OK;
}

static weir_status map_file(weir__flight *flight, weir_error *error)
{
    void *map = mmap(NULL, flight->size, PROT_READ | PROT_WRITE, MAP_SHARED, flight->fd, 0);
    if (map == MAP_FAILED)
        return weir_error_set(error, WEIR_IO, "the flight recorder's file %s cannot be mapped: %s",
                              flight->path, strerror(errno));
    flight->map = map;
    return WEIR_OK;
}

static void name_program(char *name, size_t size)
{
    ssize_t got = readlink("/proc/self/exe", name, size - 1);
    name[got > 0 ? got : 0] = '\0';
    const char *slash = strrchr(name, '/');
    if (slash)
        memmove(name, slash + 1, strlen(slash));
}

static void write_header(weir__flight *flight, const weir__flight_options *options)
{
    weir__flight_header *h = header(flight);
    char name[PATH_BYTES];
    name_program(name, sizeof name);
    *h = (weir__flight_header){ .magic = WEIR__FLIGHT_MAGIC,
                                .version = WEIR__FLIGHT_VERSION,
                                .header_size = WEIR__FLIGHT_HEADER,
                                .entry_size = sizeof(weir__event),
                                .workers = options->workers,
                                .pid = (uint32_t)getpid(),
                                .ring_entries = WEIR__FLIGHT_RING,
                                .file_size = flight->size,
                                .names_size = WEIR__FLIGHT_NAMES,
                                .started_ns = options->now_ns,
                                .started_wall_us = options->wall_us };
    (void)snprintf(h->program, sizeof h->program, "%.63s", name);
    h->check = weir__flight_check(h, offsetof(weir__flight_header, check));
}

/* ext4 and its like promise no blocks to a file with holes: a full disk would be a SIGBUS. */
static weir_status reserve(weir__flight *flight, weir_error *error)
{
    int code = posix_fallocate(flight->fd, 0, (off_t)flight->size);
    if (code)
        return weir_error_set(error, WEIR_IO, "there is no room for the flight recorder's file "
                              "%s (%zu bytes): %s", flight->path, flight->size, strerror(code));
    return WEIR_OK;
}

weir__flight *weir__flight_create(const weir__flight_options *options, weir_error *error)
{
    const char *dir = place(options->dir);
    weir__flight *flight = weir_alloc_zero(sizeof *flight);
    if (!flight) {
        weir_error_set(error, WEIR_NO_MEMORY, "no memory for the flight recorder");
        return NULL;
    }
    flight->fd = -1;
    flight->workers = options->workers;
    flight->size = weir__flight_ring_at(options->workers, options->workers);
    (void)pthread_mutex_init(&flight->lock, NULL);
    weir__flight_sweep(dir, options->wall_us);
    if (open_file(flight, dir, error) != WEIR_OK || reserve(flight, error) != WEIR_OK ||
        map_file(flight, error) != WEIR_OK) {
        weir_error_hint(error, "choose another folder, or 'off'");
        weir__flight_destroy(flight);
        return NULL;
    }
    write_header(flight, options);
    return flight;
}

void weir__flight_destroy(weir__flight *flight)
{
    if (!flight)
        return;
    if (flight->map)
        (void)munmap(flight->map, flight->size);
    if (flight->fd >= 0) {
        (void)unlink(flight->path);
        (void)close(flight->fd);
    }
    (void)pthread_mutex_destroy(&flight->lock);
    weir_free(flight, sizeof *flight);
}

const char *weir__flight_path(const weir__flight *flight) { return flight->path; }

weir__live *weir__flight_live(weir__flight *flight, unsigned worker)
{
    return (weir__live *)(flight->map + WEIR__FLIGHT_HEADER) + worker;
}

weir__flight_ring weir__flight_ring_of(weir__flight *flight, unsigned worker)
{
    char *entries = flight->map + weir__flight_ring_at(flight->workers, worker);
    return (weir__flight_ring){ (weir__event *)entries, 1 };
}

void weir__flight_add_name(weir__flight *flight, uint32_t dataflow, uint32_t node,
                           const char *name)
{
    size_t length = strlen(name);
    size_t size = sizeof(weir__flight_name) + (length + 7) / 8 * 8;
    weir__flight_header *h = header(flight);
    (void)pthread_mutex_lock(&flight->lock);
    if (h->names_used + size > WEIR__FLIGHT_NAMES) {
        h->names_full = 1;
    } else {
        char *at = flight->map + weir__flight_names_at(flight->workers) + h->names_used;
        weir__flight_name *n = (weir__flight_name *)at;
        memcpy(at + sizeof *n, name, length);
        *n = (weir__flight_name){ dataflow, node, (uint32_t)length, 0 };
        n->check = (uint32_t)weir__flight_check(at, size);
        __atomic_store_n(&h->names_used, h->names_used + size, __ATOMIC_RELEASE);
    }
    (void)pthread_mutex_unlock(&flight->lock);
}

/* A reader takes an entry for whole if its mark fits. In between the mark is 0. */
void weir__flight_put(weir__flight_ring *ring, const weir__event *event)
{
    weir__event *to = &ring->entries[(ring->next - 1) & (WEIR__FLIGHT_RING - 1)];
    uint64_t mark = weir__flight_mark(event, ring->next++);
    __atomic_store_n(&to->mark, 0, __ATOMIC_RELAXED);
    __atomic_signal_fence(__ATOMIC_SEQ_CST); /* the process may be killed between any two stores */
    memcpy((char *)to + sizeof to->mark, (const char *)event + sizeof event->mark,
           sizeof *event - sizeof event->mark);
    __atomic_store_n(&to->mark, mark, __ATOMIC_RELEASE);
}

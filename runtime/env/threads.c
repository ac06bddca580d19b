/* SPDX-License-Identifier: Apache-2.0
 *
 * The env of production: workers that are threads of one process. Owns a mailbox for each pair, a
 * broadcast log for each worker, and the parkers; files are in files.c. Which thread runs which
 * worker is the caller's business.
 *
 * Parking is a pact between two sides that both store first and look second:
 *
 *   who parks   parked = 1;     fence;  look at the inboxes;       then sleep on the fd
 *   who sends   send or append; fence;  look at `parked`;          then write to the fd
 *
 * The fences are sequentially consistent, so that at least one of them sees the other's store: mail
 * is never left lying before a sleeping worker. The flag itself hands over no data (the mailbox and
 * the log do, by release and acquire), so its loads and stores are relaxed. The exchange makes sure
 * that of many senders one pays for the write.
 */
#include "env/env.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <weir/memory.h>

#include "base/assert.h"
#include "base/lines.h"
#include "comm/broadcast.h"
#include "env/files.h"
#include "env/huge_pages.h"
#include "env/memory_limit.h"

/* gcc warns that its thread sanitizer does not model fences. Nothing here leans on that model. */
#if defined(__SANITIZE_THREAD__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wtsan"
#endif

enum { MAILBOX_BYTES = 4096 }; /* of a chunk: there is a mailbox for each pair */

typedef struct parker {
    _Alignas(64) atomic_bool parked;
    /* the worker's own */
    _Alignas(64) int fd;
    bool prepared;
    uint64_t owed; /* wake-ups that lowered the flag and are not read from the fd yet */
} parker;

typedef struct threads {
    weir_env env;
    unsigned workers;
    unsigned parkers_made; /* for the way back from a failure */
    weir__broadcast **boxes; /* [from * workers + to] */
    weir__broadcast **logs; /* [from] */
    parker *parkers;
    _Alignas(64) _Atomic uint64_t random;
} threads;

static uint64_t clock_ns(clockid_t which)
{
    struct timespec now;
    clock_gettime(which, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t now_ns(void *ctx)
{
    (void)ctx;
    return clock_ns(CLOCK_MONOTONIC);
}

static int64_t wall_us(void *ctx)
{
    (void)ctx;
    return (int64_t)(clock_ns(CLOCK_REALTIME) / 1000);
}

#if defined(__x86_64__)
static uint64_t ticks(void *ctx)
{
    (void)ctx;
    return __builtin_ia32_rdtsc();
}
#else
#define ticks NULL
#endif

static uint64_t memory_limit(void *ctx)
{
    (void)ctx;
    return weir__memory_limit("");
}

/* splitmix64: the counter is shared, so no two threads ever get the same place in the sequence. */
static uint64_t random_u64(void *ctx)
{
    threads *t = ctx;
    uint64_t step = 0x9e3779b97f4a7c15u;
    uint64_t z = atomic_fetch_add_explicit(&t->random, step, memory_order_relaxed) + step;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static weir__broadcast *box(threads *t, unsigned from, unsigned to)
{
    WEIR_DCHECK(from < t->workers && to < t->workers, "mail from worker %u to %u of %u", from, to,
                t->workers);
    return t->boxes[(size_t)from * t->workers + to];
}

static void *mail_room(void *ctx, unsigned from, unsigned to, size_t most)
{
    return weir__broadcast_room(box(ctx, from, to), most);
}

static void mail_commit(void *ctx, unsigned from, unsigned to, size_t size)
{
    weir__broadcast_commit(box(ctx, from, to), size);
}

/* Where there is a letter there will soon be changes: their line is on its way meanwhile. */
static bool mail_take(void *ctx, unsigned to, unsigned from, weir_mail *letter)
{
    bool any = weir__broadcast_read(box(ctx, from, to), 0, letter);
    if (any && to != from)
        weir__broadcast_ask(((threads *)ctx)->logs[from], to > from ? to - 1 : to);
    return any;
}

static void log_append(void *ctx, unsigned from, const void *entry, size_t size)
{
    weir__broadcast_append(((threads *)ctx)->logs[from], entry, size);
}

static void *log_room(void *ctx, unsigned from, size_t most)
{
    return weir__broadcast_room(((threads *)ctx)->logs[from], most);
}

static void log_commit(void *ctx, unsigned from, size_t size)
{
    weir__broadcast_commit(((threads *)ctx)->logs[from], size);
}

/* A log has no place for its own worker: readers after it move up by one. */
static bool log_read(void *ctx, unsigned to, unsigned from, weir_mail *entry)
{
    WEIR_DCHECK(to != from, "worker %u reads its own log", to);
    return weir__broadcast_read(((threads *)ctx)->logs[from], to > from ? to - 1 : to, entry);
}

static bool has_mail(void *ctx, unsigned self)
{
    threads *t = ctx;
    for (unsigned from = 0; from < t->workers; from++)
        if (from != self &&
            (weir__broadcast_has(t->boxes[(size_t)from * t->workers + self], 0) ||
             weir__broadcast_has(t->logs[from], self > from ? self - 1 : self)))
            return true;
    return false;
}

static void wake(void *ctx, unsigned to)
{
    parker *p = &((threads *)ctx)->parkers[to];
    atomic_thread_fence(memory_order_seq_cst);
    if (!atomic_load_explicit(&p->parked, memory_order_relaxed) ||
        !atomic_exchange_explicit(&p->parked, false, memory_order_relaxed))
        return;
    const uint64_t one = 1;
    while (write(p->fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

static void park_prepare(void *ctx, unsigned self)
{
    parker *p = &((threads *)ctx)->parkers[self];
    WEIR_DCHECK(!p->prepared, "worker %u prepares to park twice", self);
    p->prepared = true;
    atomic_store_explicit(&p->parked, true, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst);
}

/* Who lowered the flag may not have written yet. Its write is then owed: it makes the fd readable
 * for nothing once, and is read by a later cancel. */
static void park_cancel(void *ctx, unsigned self)
{
    parker *p = &((threads *)ctx)->parkers[self];
    if (p->prepared && !atomic_exchange_explicit(&p->parked, false, memory_order_relaxed))
        p->owed++;
    p->prepared = false;
    if (p->owed == 0)
        return;
    uint64_t written = 0;
    ssize_t got;
    while ((got = read(p->fd, &written, sizeof written)) < 0 && errno == EINTR)
        ;
    if (got == sizeof written)
        p->owed -= written;
}

static int park_fd(void *ctx, unsigned self)
{
    return ((threads *)ctx)->parkers[self].fd;
}

void weir__env_threads_destroy(weir_env *env)
{
    if (!env)
        return;
    threads *t = env->ctx;
    size_t pairs = (size_t)t->workers * t->workers;
    for (size_t i = 0; t->boxes && i < pairs; i++)
        weir__broadcast_destroy(t->boxes[i]);
    for (unsigned i = 0; t->logs && i < t->workers; i++)
        weir__broadcast_destroy(t->logs[i]);
    for (unsigned i = 0; i < t->parkers_made; i++)
        close(t->parkers[i].fd);
    weir_free(t->boxes, weir__lines(pairs * sizeof *t->boxes));
    weir_free(t->logs, weir__lines(t->workers * sizeof *t->logs));
    weir_free(t->parkers, t->workers * sizeof *t->parkers);
    weir_free(t, sizeof *t);
}

/* What the machine may refuse. */
static weir_status open_parkers(threads *t, weir_error *error)
{
    for (unsigned i = 0; i < t->workers; i++) {
        int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        if (fd < 0) {
            weir_error_set(error, WEIR_SYSTEM, "worker %u cannot be given an event descriptor", i);
            weir_error_detail(error, "eventfd: %s", strerror(errno));
            weir_error_hint(error, "start fewer workers, or raise the limit on open files");
            return WEIR_SYSTEM;
        }
        t->parkers[i].fd = fd;
        t->parkers_made++;
    }
    return WEIR_OK;
}

static weir_status make_channels(threads *t, const weir_log_sum *sum, weir_error *error)
{
    size_t pairs = (size_t)t->workers * t->workers;
    t->boxes = weir_alloc_zero(weir__lines(pairs * sizeof *t->boxes));
    t->logs = weir_alloc_zero(weir__lines(t->workers * sizeof *t->logs));
    t->parkers = weir_alloc_zero(t->workers * sizeof *t->parkers);
    bool made = t->boxes && t->logs && t->parkers;
    weir__broadcast_options mailbox = { .readers = 1, .chunk_bytes = MAILBOX_BYTES,
                                        .lag_bytes = WEIR__BROADCAST_WHATEVER };
    for (size_t i = 0; made && i < pairs; i++)
        made = (t->boxes[i] = weir__broadcast_create(&mailbox)) != NULL;
    weir__broadcast_options options = { .readers = t->workers - 1, .sum = *sum };
    for (unsigned i = 0; made && i < t->workers; i++)
        made = (t->logs[i] = weir__broadcast_create(&options)) != NULL;
    if (!made)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for the channels of %u workers",
                              t->workers);
    return WEIR_OK;
}

weir_env *weir__env_threads_create(unsigned workers, const weir_log_sum *sum, weir_error *error)
{
    WEIR_ASSERT(workers >= 1, "an env of no workers");
    threads *t = weir_alloc_zero(sizeof *t);
    if (!t) {
        weir_error_set(error, WEIR_NO_MEMORY, "no memory for %u workers", workers);
        return NULL;
    }
    weir__huge_pages_use();
    t->workers = workers;
    t->env = (weir_env){
        .ctx = t,
        .now_ns = now_ns,
        .wall_us = wall_us,
        .random_u64 = random_u64,
        .ticks = ticks,
        .memory_limit = memory_limit,
        .mail_room = mail_room,
        .mail_commit = mail_commit,
        .mail_take = mail_take,
        .log_append = log_append,
        .log_room = log_room,
        .log_commit = log_commit,
        .log_read = log_read,
        .has_mail = has_mail,
        .wake = wake,
        .park_prepare = park_prepare,
        .park_cancel = park_cancel,
        .park_fd = park_fd,
    };
    weir__env_files_set(&t->env);
    uint64_t seed = 0;
    if (getrandom(&seed, sizeof seed, 0) != sizeof seed) /* no such call: an old kernel */
        seed = clock_ns(CLOCK_REALTIME) ^ clock_ns(CLOCK_MONOTONIC) << 20 ^ (uint64_t)getpid();
    atomic_init(&t->random, seed);
    if (make_channels(t, sum, error) != WEIR_OK || open_parkers(t, error) != WEIR_OK) {
        weir__env_threads_destroy(&t->env);
        return NULL;
    }
    return &t->env;
}

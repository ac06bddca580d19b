/* SPDX-License-Identifier: Apache-2.0
 *
 * Streams that a thread of its own polls and reads, so that a process with many workers has one
 * less thing to do in its first worker's loop, and takes what comes while that one is in a long
 * turn. Writing stays with the caller, who never waits in it. Owns the thread, and what it has read
 * and nobody has taken yet: up to IN_BYTES a stream, then the sender has to wait.
 *
 *   socket ─→ thread ─→ bytes of the stream ─→ read      rings the bell, which `fd` watches
 *   socket ←────────────────────────────────── write
 *
 * Until weir__net_thread_start all calls go straight to what lies below: streams that are opening.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <weir/memory.h>

#include "env/net.h"
#include "env/thread.h"

enum {
    IN_BYTES = 1 << 20,
    ONCE_BYTES = 64 << 10, /* while the lock is held */
    FULL_MS = 1,           /* how long to leave sockets alone when a stream is full */
};

typedef struct stream {
    struct stream *next;
    int number;
    bool wanted;      /* the caller wants to hear when it can be written */
    bool unread;      /* the caller wants to hear of nothing else */
    bool ended;       /* nothing more will come: why */
    weir_error why;
    char *bytes;      /* IN_BYTES or none yet; from `at` to `used` nobody has taken them */
    size_t at, used;
    uint32_t waiting; /* atomic: whether there is something for the caller */
} stream;

typedef struct weir__net_thread {
    weir_net table;
    weir_net *below;
    pthread_mutex_t lock; /* the streams, and all below but writing */
    stream *streams;
    pthread_t thread;
    bool runs, rung;
    bool stops;    /* atomic */
    int bell;      /* readable while a stream has something */
    int kick;      /* wakes the thread */
} weir__net_thread;

static stream *find(const weir__net_thread *net, int number)
{
    stream *s = net->streams;
    while (s && s->number != number)
        s = s->next;
    return s;
}

static void ring(weir__net_thread *net)
{
    const uint64_t one = 1;
    if (!net->rung)
        net->rung = write(net->bell, &one, sizeof one) == sizeof one;
}

/* Once nothing is left for the caller. */
static void hush(weir__net_thread *net)
{
    uint64_t count;
    for (const stream *s = net->streams; s; s = s->next)
        if (!s->unread && __atomic_load_n(&s->waiting, __ATOMIC_RELAXED))
            return;
    if (net->rung && read(net->bell, &count, sizeof count) == sizeof count)
        net->rung = false;
}

static void kick(const weir__net_thread *net)
{
    const uint64_t one = 1;
    ssize_t ignored = write(net->kick, &one, sizeof one); /* it is full: then it has been kicked */
    (void)ignored;
}

/* ---- the thread ---- */

static bool make_room(stream *s)
{
    if (!s->bytes)
        s->bytes = weir_alloc_must(IN_BYTES);
    if (s->at == s->used)
        s->at = s->used = 0;
    if (s->used == IN_BYTES && s->at >= IN_BYTES / 2) {
        memmove(s->bytes, s->bytes + s->at, s->used - s->at);
        s->used -= s->at;
        s->at = 0;
    }
    return s->used < IN_BYTES;
}

/* False: it is full. */
static bool read_stream(weir__net_thread *net, stream *s)
{
    if (s->ended || s->unread)
        return true;
    if (!make_room(s))
        return false;
    size_t room = IN_BYTES - s->used;
    int64_t got = net->below->read(net->below->ctx, s->number, s->bytes + s->used,
                                   room < ONCE_BYTES ? room : ONCE_BYTES, &s->why);
    if (got == 0)
        return true;
    s->ended = got < 0;
    if (got > 0)
        s->used += (size_t)got;
    __atomic_store_n(&s->waiting, 1, __ATOMIC_RELEASE);
    ring(net);
    return true;
}

/* It can be written, perhaps: the caller tries, and says so if it still wants to know. */
static void tell_writable(weir__net_thread *net, stream *s)
{
    struct pollfd p = { .fd = s->number, .events = POLLOUT };
    if (!s->wanted || poll(&p, 1, 0) <= 0)
        return;
    s->wanted = false;
    net->below->want(net->below->ctx, s->number, !s->unread, false);
    __atomic_store_n(&s->waiting, 1, __ATOMIC_RELEASE);
    ring(net);
}

/* Whether a stream is full. Ended streams are always readable: nothing below is polled for them. */
static bool read_all(weir__net_thread *net)
{
    bool full = false;
    pthread_mutex_lock(&net->lock);
    for (stream *s = net->streams; s; s = s->next) {
        full |= !read_stream(net, s) || s->ended;
        tell_writable(net, s);
    }
    pthread_mutex_unlock(&net->lock);
    return full;
}

static void *run(void *ctx)
{
    weir__net_thread *net = ctx;
    bool full = false;
    while (!__atomic_load_n(&net->stops, __ATOMIC_ACQUIRE)) {
        struct pollfd p[2] = { { .fd = net->kick, .events = POLLIN },
                               { .fd = net->below->fd, .events = POLLIN } };
        uint64_t count;
        if (poll(p, full ? 1 : 2, full ? FULL_MS : -1) > 0 && p[0].revents) {
            ssize_t ignored = read(net->kick, &count, sizeof count);
            (void)ignored;
        }
        full = read_all(net);
    }
    return NULL;
}

/* ---- the table ---- */

static int thread_listen(void *ctx, const char *address, weir_error *error)
{
    weir__net_thread *net = ctx;
    return net->below->listen(net->below->ctx, address, error);
}

static int opened(weir__net_thread *net, int number)
{
    if (number < 0)
        return number;
    stream *s = weir_alloc_zero(sizeof *s);
    s->number = number;
    pthread_mutex_lock(&net->lock);
    s->next = net->streams;
    net->streams = s;
    pthread_mutex_unlock(&net->lock);
    return number;
}

static int thread_connect(void *ctx, const char *address, weir_error *error)
{
    weir__net_thread *net = ctx;
    return opened(net, net->below->connect(net->below->ctx, address, error));
}

static weir_net_state thread_state(void *ctx, int number, weir_error *error)
{
    weir__net_thread *net = ctx;
    return net->below->state(net->below->ctx, number, error);
}

static int thread_accept(void *ctx, int listener)
{
    weir__net_thread *net = ctx;
    return opened(net, net->below->accept(net->below->ctx, listener));
}

static int64_t take(weir__net_thread *net, stream *s, void *room, size_t size, weir_error *error)
{
    size_t there = s->used - s->at, n = there < size ? there : size;
    bool was_full = s->used == IN_BYTES;
    if (n)
        memcpy(room, s->bytes + s->at, n);
    s->at += n;
    if (n == there && !s->ended) {
        __atomic_store_n(&s->waiting, 0, __ATOMIC_RELAXED);
        hush(net);
    }
    if (was_full && n)
        kick(net);
    if (n || !s->ended)
        return (int64_t)n;
    if (error)
        *error = s->why;
    return -1;
}

static int64_t thread_read(void *ctx, int number, void *room, size_t size, weir_error *error)
{
    weir__net_thread *net = ctx;
    stream *s = find(net, number); /* this thread alone changes the list */
    if (!net->runs)
        return net->below->read(net->below->ctx, number, room, size, error);
    if (!__atomic_load_n(&s->waiting, __ATOMIC_ACQUIRE))
        return 0;
    pthread_mutex_lock(&net->lock);
    int64_t got = take(net, s, room, size, error);
    pthread_mutex_unlock(&net->lock);
    return got;
}

static void want(weir__net_thread *net, stream *s, bool read, bool write)
{
    pthread_mutex_lock(&net->lock);
    s->wanted = write;
    s->unread = !read;
    net->below->want(net->below->ctx, s->number, read, write);
    if (s->unread)
        hush(net);
    else if (__atomic_load_n(&s->waiting, __ATOMIC_RELAXED))
        ring(net);
    pthread_mutex_unlock(&net->lock);
}

static int64_t thread_write(void *ctx, int number, const weir_net_part *parts, unsigned count,
                            weir_error *error)
{
    weir__net_thread *net = ctx;
    size_t total = 0;
    for (unsigned i = 0; i < count; i++)
        total += parts[i].size;
    int64_t put = net->below->write(net->below->ctx, number, parts, count, error);
    if (net->runs && put >= 0 && (size_t)put < total) {
        stream *s = find(net, number);
        want(net, s, !s->unread, true);
    }
    return put;
}

static void thread_close(void *ctx, int number)
{
    weir__net_thread *net = ctx;
    pthread_mutex_lock(&net->lock);
    for (stream **at = &net->streams, *s; (s = *at); at = &s->next)
        if (s->number == number) {
            *at = s->next;
            if (s->bytes)
                weir_free(s->bytes, IN_BYTES);
            weir_free(s, sizeof *s);
            break;
        }
    net->below->close(net->below->ctx, number);
    hush(net);
    pthread_mutex_unlock(&net->lock);
}

static void thread_want(void *ctx, int number, bool read, bool write)
{
    want(ctx, find(ctx, number), read, write);
}

/* ---- life ---- */

static int watch(int set, int fd, int how)
{
    struct epoll_event event = { .events = EPOLLIN, .data = { .fd = fd } };
    return epoll_ctl(set, how, fd, &event);
}

weir_net *weir__net_thread_create(weir_net *below, weir_error *error)
{
    weir__net_thread *net = weir_alloc_zero(sizeof *net);
    net->below = below;
    net->table = (weir_net){
        .ctx = net, .listen = thread_listen, .connect = thread_connect, .state = thread_state,
        .accept = thread_accept, .read = thread_read, .write = thread_write,
        .close = thread_close, .want = thread_want, .fd = epoll_create1(EPOLL_CLOEXEC) };
    net->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    net->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&net->lock, NULL);
    bool ok = net->table.fd >= 0 && net->bell >= 0 && net->kick >= 0 &&
              watch(net->table.fd, net->bell, EPOLL_CTL_ADD) == 0 &&
              watch(net->table.fd, below->fd, EPOLL_CTL_ADD) == 0;
    if (ok)
        return &net->table;
    weir_error_set(error, WEIR_SYSTEM, "the connections to other processes cannot be watched: %s",
                   strerror(errno));
    weir_error_hint(error, "raise the limit on open files (ulimit -n)");
    weir__net_thread_destroy(&net->table);
    return NULL;
}

bool weir__net_thread_start(weir_net *table)
{
    weir__net_thread *net = table->ctx;
    net->runs = weir__thread_start(&net->thread, run, net) == 0;
    if (net->runs) /* the sockets are the thread's now */
        (void)watch(table->fd, net->below->fd, EPOLL_CTL_DEL);
    return net->runs;
}

void weir__net_thread_destroy(weir_net *table)
{
    if (!table)
        return;
    weir__net_thread *net = table->ctx;
    if (net->runs) {
        __atomic_store_n(&net->stops, true, __ATOMIC_RELEASE);
        kick(net);
        pthread_join(net->thread, NULL);
    }
    while (net->streams)
        thread_close(net, net->streams->number);
    if (net->table.fd >= 0)
        (void)close(net->table.fd);
    if (net->bell >= 0)
        (void)close(net->bell);
    if (net->kick >= 0)
        (void)close(net->kick);
    pthread_mutex_destroy(&net->lock);
    weir_free(net, sizeof *net);
}

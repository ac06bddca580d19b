/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns streams in memory: two ends each, with a queue of bytes in front of either.
 */
#include "net.h"

#include <string.h>

#include <weir/memory.h>

enum { LISTENERS_MAX = 32, STREAMS_MAX = 1024, ENDS_FROM = LISTENERS_MAX };

typedef struct queue {
    char *bytes;
    size_t size, used, at;
} queue;

/* Ends 2i and 2i + 1 are the two of stream i; the even one has connected. */
typedef struct end {
    queue in; /* what it may read */
    bool open, broken, wanted, unread;
} end;

typedef struct listener {
    char *address; /* NULL: closed */
    unsigned waiting[STREAMS_MAX], first, count;
} listener;

struct weir__test_hub {
    weir_net net;
    uint64_t random;
    bool delays, stopped;
    listener listeners[LISTENERS_MAX];
    end ends[2 * STREAMS_MAX];
    unsigned streams;
};

static uint64_t draw(weir__test_hub *hub)
{
    uint64_t z = (hub->random += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* How many of n bytes go now. */
static size_t portion(weir__test_hub *hub, size_t n)
{
    if (!hub->delays || n == 0)
        return n;
    uint64_t z = draw(hub);
    if (z % 4 == 0)
        return 0;
    size_t most = z % 4 == 1 ? 7 : 1 + z / 4 % (4 * n);
    return n < most ? n : most;
}

static void queue_fini(queue *q)
{
    weir_free(q->bytes, q->size);
    *q = (queue){ NULL, 0, 0, 0 };
}

static void queue_add(queue *q, const void *data, size_t n)
{
    if (n == 0)
        return;
    if (q->size - q->used < n) {
        size_t size = 2 * (q->used + n);
        q->bytes = weir_realloc_must(q->bytes, q->size, size);
        q->size = size;
    }
    memcpy(q->bytes + q->used, data, n);
    q->used += n;
}

/* ---- the table ---- */

static listener *find(weir__test_hub *hub, const char *address)
{
    for (unsigned i = 0; i < LISTENERS_MAX; i++)
        if (hub->listeners[i].address && strcmp(hub->listeners[i].address, address) == 0)
            return &hub->listeners[i];
    return NULL;
}

static int hub_listen(void *ctx, const char *address, weir_error *error)
{
    weir__test_hub *hub = ctx;
    if (find(hub, address)) {
        weir_error_set(error, WEIR_SYSTEM, "cannot listen at %s: it is taken", address);
        return -1;
    }
    for (int i = 0; i < LISTENERS_MAX; i++) {
        listener *l = &hub->listeners[i];
        if (l->address)
            continue;
        l->address = memcpy(weir_alloc_must(strlen(address) + 1), address, strlen(address) + 1);
        l->first = l->count = 0;
        return i;
    }
    weir_error_set(error, WEIR_SYSTEM, "too many listeners");
    return -1;
}

static int hub_connect(void *ctx, const char *address, weir_error *error)
{
    weir__test_hub *hub = ctx;
    listener *l = find(hub, address);
    if (!l || hub->streams == STREAMS_MAX) {
        weir_error_set(error, WEIR_UNAVAILABLE, "cannot connect to %s: nobody listens", address);
        return -1;
    }
    unsigned i = hub->streams++;
    hub->ends[2 * i].open = hub->ends[2 * i + 1].open = true;
    l->waiting[(l->first + l->count++) % STREAMS_MAX] = i;
    return (int)(ENDS_FROM + 2 * i);
}

static weir_net_state hub_state(void *ctx, int stream, weir_error *error)
{
    weir__test_hub *hub = ctx;
    if (hub->ends[stream - ENDS_FROM].broken) {
        weir_error_set(error, WEIR_UNAVAILABLE, "refused");
        return WEIR_NET_FAILED;
    }
    return hub->delays && draw(hub) % 2 ? WEIR_NET_CONNECTING : WEIR_NET_CONNECTED;
}

static int hub_accept(void *ctx, int at)
{
    weir__test_hub *hub = ctx;
    listener *l = &hub->listeners[at];
    if (l->count == 0 || (hub->delays && draw(hub) % 2))
        return -1;
    unsigned i = l->waiting[l->first];
    l->first = (l->first + 1) % STREAMS_MAX;
    l->count--;
    return (int)(ENDS_FROM + 2 * i + 1);
}

static int64_t hub_read(void *ctx, int stream, void *room, size_t size, weir_error *error)
{
    weir__test_hub *hub = ctx;
    end *me = &hub->ends[stream - ENDS_FROM], *other = &hub->ends[(stream - ENDS_FROM) ^ 1];
    size_t there = me->in.used - me->in.at;
    if (me->broken || (there == 0 && !other->open)) {
        weir_error_set(error, WEIR_CLOSED, me->broken ? "its connection broke"
                                                      : "its connection was closed");
        return -1;
    }
    size_t n = portion(hub, there < size ? there : size);
    if (n)
        memcpy(room, me->in.bytes + me->in.at, n);
    me->in.at += n;
    if (me->in.at == me->in.used)
        me->in.at = me->in.used = 0;
    return (int64_t)n;
}

static int64_t hub_write(void *ctx, int stream, const weir_net_part *parts, unsigned count,
                         weir_error *error)
{
    weir__test_hub *hub = ctx;
    end *me = &hub->ends[stream - ENDS_FROM], *other = &hub->ends[(stream - ENDS_FROM) ^ 1];
    int64_t total = 0;
    if (me->broken || !other->open) {
        weir_error_set(error, WEIR_IO, "its connection broke");
        return -1;
    }
    for (unsigned i = 0; i < count && !hub->stopped; i++) {
        size_t n = portion(hub, parts[i].size);
        queue_add(&other->in, parts[i].data, n);
        total += (int64_t)n;
        if (n < parts[i].size)
            break;
    }
    return total;
}

static void hub_close(void *ctx, int what)
{
    weir__test_hub *hub = ctx;
    if (what >= ENDS_FROM) {
        hub->ends[what - ENDS_FROM].open = false;
        queue_fini(&hub->ends[what - ENDS_FROM].in);
        return;
    }
    listener *l = &hub->listeners[what];
    while (l->count--)
        hub->ends[2 * l->waiting[l->first++ % STREAMS_MAX] + 1].open = false;
    weir_free(l->address, strlen(l->address) + 1);
    l->address = NULL;
    l->count = 0;
}

static void hub_want(void *ctx, int stream, bool read, bool write)
{
    weir__test_hub *hub = ctx;
    hub->ends[stream - ENDS_FROM].wanted = write;
    hub->ends[stream - ENDS_FROM].unread = !read;
}

/* ---- for tests ---- */

weir__test_hub *weir__test_hub_create(uint64_t seed, bool delays)
{
    weir__test_hub *hub = weir_alloc_must(sizeof *hub);
    memset(hub, 0, sizeof *hub);
    hub->random = seed;
    hub->delays = delays;
    hub->net = (weir_net){ .ctx = hub, .listen = hub_listen, .connect = hub_connect,
                           .state = hub_state, .accept = hub_accept, .read = hub_read,
                           .write = hub_write, .close = hub_close, .want = hub_want, .fd = -1 };
    return hub;
}

void weir__test_hub_destroy(weir__test_hub *hub)
{
    for (int i = 0; i < LISTENERS_MAX; i++)
        if (hub->listeners[i].address)
            hub_close(hub, i);
    for (unsigned i = 0; i < 2 * hub->streams; i++)
        queue_fini(&hub->ends[i].in);
    weir_free(hub, sizeof *hub);
}

weir_net *weir__test_hub_net(weir__test_hub *hub) { return &hub->net; }

unsigned weir__test_hub_open(const weir__test_hub *hub)
{
    unsigned count = 0;
    for (unsigned i = 0; i < hub->streams; i++)
        count += hub->ends[2 * i].open || hub->ends[2 * i + 1].open;
    return count;
}

void weir__test_hub_break(weir__test_hub *hub, unsigned i)
{
    hub->ends[2 * i].broken = hub->ends[2 * i + 1].broken = true;
}

void weir__test_hub_stop(weir__test_hub *hub) { hub->stopped = true; }

unsigned weir__test_hub_unread(const weir__test_hub *hub)
{
    unsigned count = 0;
    for (unsigned i = 0; i < 2 * hub->streams; i++)
        count += hub->ends[i].unread;
    return count;
}

unsigned weir__test_hub_wanted(const weir__test_hub *hub)
{
    unsigned count = 0;
    for (unsigned i = 0; i < 2 * hub->streams; i++)
        count += hub->ends[i].wanted;
    return count;
}

bool weir__test_hub_ready(const weir__test_hub *hub, int what)
{
    if (what < ENDS_FROM)
        return hub->listeners[what].count > 0;
    const end *me = &hub->ends[what - ENDS_FROM], *other = &hub->ends[(what - ENDS_FROM) ^ 1];
    return me->broken || me->wanted ||
           (!me->unread && (!other->open || me->in.used > me->in.at));
}

size_t weir__test_hub_look(const weir__test_hub *hub, int stream, const char **bytes)
{
    const end *me = &hub->ends[stream - ENDS_FROM];
    *bytes = me->in.bytes ? me->in.bytes + me->in.at : NULL;
    return me->broken ? 0 : me->in.used - me->in.at;
}

bool weir__test_hub_is_stream(int what) { return what >= ENDS_FROM; }

int weir__test_hub_other(int stream) { return ((stream - ENDS_FROM) ^ 1) + ENDS_FROM; }

void weir__test_hub_cut(weir__test_hub *hub, int stream)
{
    weir__test_hub_break(hub, (unsigned)(stream - ENDS_FROM) / 2);
}

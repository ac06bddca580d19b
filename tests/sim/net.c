/* SPDX-License-Identifier: Apache-2.0
 *
 * See net.h. A stream is quiet for a while now and then, whatever lies in it.
 */
#include "net.h"

#include <string.h>

enum {
    OPEN_MAX = 64,
    READ_NS = 300, /* of a call, or who looks again and again would do so for ever */
};

struct sim_net {
    weir_net table;
    weir_net *under;
    weir__test_hub *hub;
    sim_world *world;
    struct {
        int number; /* of a stream or listener */
        uint64_t quiet_ns;
    } open[OPEN_MAX];
    unsigned count;
};

static unsigned find(const sim_net *net, int number)
{
    unsigned i = 0;
    while (i < net->count && net->open[i].number != number)
        i++;
    return i;
}

static int opened(sim_net *net, int number)
{
    if (number < 0)
        return number;
    if (net->count == OPEN_MAX)
        abort();
    net->open[net->count].number = number;
    net->open[net->count++].quiet_ns = 0;
    return number;
}

static uint64_t now_ns(const sim_net *net) { return sim_world_now_ns(net->world, 0); }

/* ---- the table ---- */

static int net_listen(void *ctx, const char *address, weir_error *error)
{
    sim_net *net = ctx;
    return opened(net, net->under->listen(net->under->ctx, address, error));
}

static int net_connect(void *ctx, const char *address, weir_error *error)
{
    sim_net *net = ctx;
    return opened(net, net->under->connect(net->under->ctx, address, error));
}

static weir_net_state net_state(void *ctx, int stream, weir_error *error)
{
    sim_net *net = ctx;
    return net->under->state(net->under->ctx, stream, error);
}

static int net_accept(void *ctx, int listener)
{
    sim_net *net = ctx;
    return opened(net, net->under->accept(net->under->ctx, listener));
}

static int64_t net_read(void *ctx, int stream, void *room, size_t size, weir_error *error)
{
    sim_net *net = ctx;
    const char *bytes;
    unsigned i = find(net, stream);
    sim_world_stall(net->world, 0, READ_NS);
    size_t there = weir__test_hub_look(net->hub, stream, &bytes);
    if (there && i < net->count && now_ns(net) < net->open[i].quiet_ns)
        return 0;
    int64_t got = net->under->read(net->under->ctx, stream, room, size, error);
    if (got >= 0 && i < net->count)
        net->open[i].quiet_ns = now_ns(net) + sim_world_delay(net->world);
    return got;
}

static int64_t net_write(void *ctx, int stream, const weir_net_part *parts, unsigned count,
                         weir_error *error)
{
    sim_net *net = ctx;
    return net->under->write(net->under->ctx, stream, parts, count, error);
}

static void net_close(void *ctx, int number)
{
    sim_net *net = ctx;
    unsigned i = find(net, number);
    if (i < net->count)
        net->open[i] = net->open[--net->count];
    net->under->close(net->under->ctx, number);
}

static void net_want(void *ctx, int stream, bool read, bool write)
{
    sim_net *net = ctx;
    net->under->want(net->under->ctx, stream, read, write);
}

/* ---- the simulator's ---- */

uint64_t sim_net_ready_ns(const sim_net *net)
{
    uint64_t ready = UINT64_MAX, now = now_ns(net);
    for (unsigned i = 0; i < net->count; i++) {
        uint64_t at = net->open[i].quiet_ns > now ? net->open[i].quiet_ns : now;
        if (weir__test_hub_ready(net->hub, net->open[i].number) && at < ready)
            ready = at;
    }
    return ready;
}

void sim_net_cut(sim_net *net, bool loses)
{
    weir__test_hub *hub = net->hub;
    for (unsigned i = 0; i < net->count; i++) {
        int number = net->open[i].number;
        if (!weir__test_hub_is_stream(number))
            continue;
        if (loses)
            weir__test_hub_cut(hub, number);
        else
            net->under->close(net->under->ctx, number);
    }
}

sim_net *sim_net_create(weir__test_hub *hub, sim_world *world)
{
    sim_net *net = calloc(1, sizeof *net);
    net->hub = hub;
    net->world = world;
    net->under = weir__test_hub_net(hub);
    net->table = (weir_net){ .ctx = net, .listen = net_listen, .connect = net_connect,
                             .state = net_state, .accept = net_accept, .read = net_read,
                             .write = net_write, .close = net_close, .want = net_want, .fd = -1 };
    return net;
}

void sim_net_destroy(sim_net *net) { free(net); }

weir_net *sim_net_table(sim_net *net) { return &net->table; }

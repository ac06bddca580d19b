/* SPDX-License-Identifier: Apache-2.0
 *
 * Streams between processes over TCP: non-blocking sockets, small writes sent at once. A stream is
 * its descriptor; owns the epoll set that they are all in.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <weir/memory.h>
#include <weir/value.h>

#include "env/net.h"

enum { HOST_MAX = 256, PORT_MAX = 8, BACKLOG = 64 };

weir_status weir__net_split(const char *address, char *host, char *port, weir_error *error)
{
    const char *colon = strrchr(address, ':');
    size_t len = colon ? (size_t)(colon - address) : 0;
    bool bracketed = len >= 2 && address[0] == '[' && address[len - 1] == ']';
    const char *from = bracketed ? address + 1 : address;
    uint64_t number = 0;
    if (bracketed)
        len -= 2;
    bool ok = colon && len > 0 && len < HOST_MAX && strlen(colon + 1) < PORT_MAX &&
              weir_u64_parse(colon + 1, strlen(colon + 1), &number) == WEIR_OK && number >= 1 &&
              number <= 65535 && (bracketed || !memchr(from, ':', len));
    if (!ok) {
        weir_error_set(error, WEIR_INVALID, "'%.200s' is no address of a process", address);
        weir_error_hint(error, "write HOST:PORT, or [ADDRESS]:PORT for IPv6; ports go to 65535");
        return WEIR_INVALID;
    }
    memcpy(host, from, len);
    host[len] = 0;
    memcpy(port, colon + 1, strlen(colon + 1) + 1);
    return WEIR_OK;
}

static struct addrinfo *resolve(const char *address, bool passive, weir_error *error)
{
    char host[HOST_MAX], port[PORT_MAX];
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = passive ? AI_PASSIVE : 0 };
    struct addrinfo *found = NULL;
    if (weir__net_split(address, host, port, error) != WEIR_OK)
        return NULL;
    int code = getaddrinfo(host, port, &hints, &found);
    if (code == 0)
        return found;
    weir_error_set(error, WEIR_UNAVAILABLE, "the host '%.200s' cannot be found: %s", host,
                   code == EAI_SYSTEM ? strerror(errno) : gai_strerror(code));
    return NULL;
}

static int open_socket(const struct addrinfo *at)
{
    return socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, at->ai_protocol);
}

static void set(int fd, int level, int option)
{
    int on = 1;
    (void)setsockopt(fd, level, option, &on, sizeof on);
}

/* A set that is full or a descriptor that cannot be watched shows as a wait that takes longer. */
static bool watch(const weir_net *net, int fd, int how, uint32_t events)
{
    struct epoll_event event = { .events = events, .data = { .fd = fd } };
    return epoll_ctl(net->fd, how, fd, &event) == 0;
}

static int tcp_listen(void *ctx, const char *address, weir_error *error)
{
    struct addrinfo *all = resolve(address, true, error);
    int fd = -1, code = 0;
    for (const struct addrinfo *at = all; at && fd < 0; at = at->ai_next) {
        fd = open_socket(at);
        if (fd < 0) {
            code = errno;
            continue;
        }
        set(fd, SOL_SOCKET, SO_REUSEADDR);
        if (bind(fd, at->ai_addr, at->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0) {
            code = errno;
            (void)close(fd);
            fd = -1;
        }
    }
    if (all)
        freeaddrinfo(all);
    if (all && fd < 0) {
        weir_error_set(error, WEIR_SYSTEM, "cannot listen at %.200s: %s", address, strerror(code));
        weir_error_hint(error, code == EADDRINUSE
                                   ? "is another process of the same number running?"
                                   : "a process listens at its own entry of the list of hosts");
    }
    if (fd >= 0)
        watch(ctx, fd, EPOLL_CTL_ADD, EPOLLIN);
    return fd;
}

static int tcp_connect(void *ctx, const char *address, weir_error *error)
{
    struct addrinfo *all = resolve(address, false, error);
    int fd = -1, code = 0;
    for (const struct addrinfo *at = all; at && fd < 0; at = at->ai_next) {
        fd = open_socket(at);
        if (fd >= 0) {
            set(fd, IPPROTO_TCP, TCP_NODELAY);
            if (connect(fd, at->ai_addr, at->ai_addrlen) == 0 || errno == EINPROGRESS)
                break;
        }
        code = errno;
        if (fd >= 0)
            (void)close(fd);
        fd = -1;
    }
    if (all)
        freeaddrinfo(all);
    if (all && fd < 0)
        weir_error_set(error, WEIR_UNAVAILABLE, "cannot connect to %.200s: %s", address,
                       strerror(code));
    if (fd >= 0)
        watch(ctx, fd, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
    return fd;
}

static weir_net_state tcp_state(void *ctx, int stream, weir_error *error)
{
    (void)ctx;
    struct pollfd p = { .fd = stream, .events = POLLOUT };
    int code = 0;
    socklen_t size = sizeof code;
    if (poll(&p, 1, 0) <= 0)
        return WEIR_NET_CONNECTING;
    if (getsockopt(stream, SOL_SOCKET, SO_ERROR, &code, &size) < 0)
        code = errno;
    if (code == 0)
        return WEIR_NET_CONNECTED;
    weir_error_set(error, WEIR_UNAVAILABLE, "%s", strerror(code));
    return WEIR_NET_FAILED;
}

static int tcp_accept(void *ctx, int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        set(fd, IPPROTO_TCP, TCP_NODELAY);
        watch(ctx, fd, EPOLL_CTL_ADD, EPOLLIN);
    }
    return fd;
}

static bool is_nothing_now(int code)
{
    return code == EAGAIN || code == EWOULDBLOCK || code == EINTR;
}

static int64_t tcp_read(void *ctx, int stream, void *room, size_t size, weir_error *error)
{
    (void)ctx;
    ssize_t got = recv(stream, room, size, 0);
    if (WEIR_LIKELY(got > 0))
        return got;
    if (got < 0 && is_nothing_now(errno))
        return 0;
    if (got == 0)
        weir_error_set(error, WEIR_CLOSED, "its connection was closed");
    else
        weir_error_set(error, WEIR_IO, "its connection broke: %s", strerror(errno));
    return -1;
}

static int64_t tcp_write(void *ctx, int stream, const weir_net_part *parts, unsigned count,
                         weir_error *error)
{
    (void)ctx;
    struct iovec vectors[WEIR_NET_PARTS_MAX];
    struct msghdr message = { .msg_iov = vectors, .msg_iovlen = count };
    for (unsigned i = 0; i < count; i++)
        vectors[i] = (struct iovec){ (void *)parts[i].data, parts[i].size };
    ssize_t put = sendmsg(stream, &message, MSG_NOSIGNAL);
    if (WEIR_LIKELY(put >= 0))
        return put;
    if (is_nothing_now(errno))
        return 0;
    weir_error_set(error, WEIR_IO, "its connection broke: %s", strerror(errno));
    return -1;
}

static void tcp_close(void *ctx, int fd)
{
    (void)ctx;
    (void)close(fd);
}

static void tcp_want(void *ctx, int stream, bool read, bool write)
{
    /* The system tells of errors and ends of all that is in the set, asked or not. */
    uint32_t events = (read ? EPOLLIN : 0) | (write ? EPOLLOUT : 0);
    if (events == 0)
        watch(ctx, stream, EPOLL_CTL_DEL, 0);
    else if (!watch(ctx, stream, EPOLL_CTL_MOD, events))
        watch(ctx, stream, EPOLL_CTL_ADD, events);
}

weir_net *weir__net_tcp_create(weir_error *error)
{
    weir_net *net = weir_alloc_must(sizeof *net);
    *net = (weir_net){
        .ctx = net,
        .listen = tcp_listen,
        .connect = tcp_connect,
        .state = tcp_state,
        .accept = tcp_accept,
        .read = tcp_read,
        .write = tcp_write,
        .close = tcp_close,
        .want = tcp_want,
        .fd = epoll_create1(EPOLL_CLOEXEC),
    };
    if (net->fd >= 0)
        return net;
    weir_error_set(error, WEIR_SYSTEM, "the connections to other processes cannot be watched: %s",
                   strerror(errno));
    weir_error_hint(error, "raise the limit on open files (ulimit -n)");
    weir_free(net, sizeof *net);
    return NULL;
}

void weir__net_tcp_destroy(weir_net *net)
{
    if (!net)
        return;
    (void)close(net->fd);
    weir_free(net, sizeof *net);
}

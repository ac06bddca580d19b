/* SPDX-License-Identifier: Apache-2.0
 *
 * No engine: what two threads pay to hear of each other over a TCP connection of the loopback
 * address, each sending a few bytes and looking until the other's are there. A round of --kind
 * barrier is one such leg, both ways at once; of --kind exchange, three in two rounds: a record,
 * and that it was taken, of which every second can go with the next record. No round of two
 * processes is below that.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

enum { SIDES = 2, BYTES = 64 };

typedef struct side {
    pthread_t thread;
    int fd;
    uint64_t legs;
    double seconds;
} side;

/* One leg: as much goes as comes. */
static void leg(int fd)
{
    char bytes[BYTES] = { 0 };
    if (send(fd, bytes, sizeof bytes, MSG_NOSIGNAL) != (ssize_t)sizeof bytes)
        bench_fail("a send of %d bytes did not go: %s", (int)BYTES, strerror(errno));
    for (size_t got = 0; got < sizeof bytes;) {
        ssize_t n = recv(fd, bytes, sizeof bytes - got, MSG_DONTWAIT);
        if (n > 0)
            got += (size_t)n;
        else if (n == 0 || (errno != EAGAIN && errno != EINTR))
            bench_fail("the connection ended");
    }
}

static void *run_side(void *ctx)
{
    side *s = ctx;
    leg(s->fd); /* both are here */
    double start = bench_seconds();
    for (uint64_t i = 0; i < s->legs; i++)
        leg(s->fd);
    s->seconds = bench_seconds() - start;
    return NULL;
}

/* Both ends of a connection. */
static void connect_both(int fds[SIDES])
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof at;
    int on = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    fds[0] = socket(AF_INET, SOCK_STREAM, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&at, size) != 0 ||
        listen(listener, 1) != 0 || getsockname(listener, (struct sockaddr *)&at, &size) != 0 ||
        connect(fds[0], (struct sockaddr *)&at, size) != 0 ||
        (fds[1] = accept(listener, NULL, NULL)) < 0)
        bench_fail("no connection over the loopback address: %s", strerror(errno));
    close(listener);
    for (int i = 0; i < SIDES; i++)
        setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

int main(int argc, char **argv)
{
    bench_options o = bench_options_read(argc, argv, 1);
    bool exchange = strcmp(o.kind, "exchange") == 0;
    side sides[SIDES];
    int fds[SIDES];
    connect_both(fds);
    for (int i = 0; i < SIDES; i++) {
        sides[i] = (side){ .fd = fds[i], .legs = exchange ? o.rounds * 3 / 2 : o.rounds };
        if (pthread_create(&sides[i].thread, NULL, run_side, &sides[i]) != 0)
            bench_fail("no thread");
    }
    for (int i = 0; i < SIDES; i++)
        pthread_join(sides[i].thread, NULL);
    double slowest = sides[0].seconds > sides[1].seconds ? sides[0].seconds : sides[1].seconds;
    bench_answer("%llu", (unsigned long long)o.rounds);
    bench_cost(slowest * 1e6 / (double)o.rounds, "us/round");
    return 0;
}

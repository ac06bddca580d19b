/* SPDX-License-Identifier: Apache-2.0
 *
 * A small HTTP client for the tests, over plain sockets: one request, its whole answer; or a
 * connection that stays, read line by line. Static functions: each program includes it once.
 */
#ifndef WEIR_TESTS_E2E_CLIENT_H
#define WEIR_TESTS_E2E_CLIENT_H

#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir/base.h>

#include "support.h"

/* How long a test waits for something that never comes, before it fails: in turns, each of which
 * counts once, however long the test itself did not run. */
enum { TURN_MS = 1000, PATIENCE_TURNS = 120, PATIENCE_MS = TURN_MS * PATIENCE_TURNS };

typedef struct answer {
    int status;
    char *head, *body; /* in `all`; the body without the marks of its chunks */
    size_t body_len;
    char *all;
    size_t len, capacity;
} answer;

/* Connects to what weir_http_url says. */
WEIR_UNUSED static int client_connect(const char *url)
{
    char host[100] = "", port[10] = "";
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found;
    if (sscanf(url + 7, "[%99[^]]]:%9s", host, port) != 2)
        ck_assert_int_eq(sscanf(url + 7, "%99[^:]:%9s", host, port), 2);
    ck_assert_int_eq(getaddrinfo(host, port, &hints, &found), 0);
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_msg(connect(fd, found->ai_addr, found->ai_addrlen) == 0, "cannot connect to %s", url);
    freeaddrinfo(found);
    return fd;
}

WEIR_UNUSED static void client_send(int fd, const char *text)
{
    size_t len = strlen(text);
    while (len > 0) {
        ssize_t sent = send(fd, text, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return; /* refused before all of it was read: the answer says why */
        text += sent;
        len -= (size_t)sent;
    }
}

/* Waits for bytes, and reads what is there. 0: the connection has ended. */
WEIR_UNUSED static size_t client_read(int fd, char *room, size_t size)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    int turn = 0;
    while (poll(&p, 1, TURN_MS) != 1)
        if (++turn == PATIENCE_TURNS)
            test_gives_up("no answer over HTTP in %d s", PATIENCE_MS / 1000);
    ssize_t got = recv(fd, room, size, 0);
    return got > 0 ? (size_t)got : 0;
}

/* Takes the marks of chunks out of the body, in place. */
static void join_chunks(answer *a)
{
    char *from = a->body, *to = a->body;
    for (;;) {
        char *end;
        size_t size = strtoul(from, &end, 16);
        ck_assert_msg(strncmp(end, "\r\n", 2) == 0, "a chunk without a size");
        if (size == 0)
            break;
        ck_assert_msg(end + 2 + size + 2 <= a->all + a->len, "a chunk is cut");
        memmove(to, end + 2, size);
        to += size;
        from = end + 2 + size + 2;
    }
    *to = '\0';
    a->body_len = (size_t)(to - a->body);
}

WEIR_UNUSED static void answer_free(answer *a)
{
    free(a->all);
    *a = (answer){ 0 };
}

/* Reads to the end of the connection. */
WEIR_UNUSED static answer client_answer(int fd)
{
    answer a = { 0 };
    for (size_t got = 1; got > 0;) {
        if (a.capacity - a.len < 65536) {
            a.capacity = a.capacity * 2 + 65536 * 2;
            a.all = realloc(a.all, a.capacity);
            ck_assert_ptr_nonnull(a.all);
        }
        got = client_read(fd, a.all + a.len, a.capacity - a.len - 1);
        a.len += got;
    }
    a.all[a.len] = '\0';
    (void)close(fd);
    a.head = a.all;
    a.body = strstr(a.all, "\r\n\r\n");
    if (!a.body)
        return a; /* cut off: status 0 */
    a.body[2] = '\0';
    a.body += 4;
    a.body_len = a.len - (size_t)(a.body - a.all);
    (void)sscanf(a.head, "HTTP/1.1 %d", &a.status);
    if (strstr(a.head, "Transfer-Encoding: chunked"))
        join_chunks(&a);
    return a;
}

/* One request, its first lines given whole. */
WEIR_UNUSED static answer client_ask(const char *url, const char *head)
{
    int fd = client_connect(url);
    client_send(fd, head);
    return client_answer(fd);
}

WEIR_UNUSED static answer client_get(const char *url, const char *path)
{
    char head[8000];
    (void)snprintf(head, sizeof head,
                   "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", path);
    return client_ask(url, head);
}

#endif

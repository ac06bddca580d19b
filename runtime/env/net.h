/* SPDX-License-Identifier: Apache-2.0
 *
 * Streams of bytes between processes, as the mesh sees them: a table of calls none of which waits.
 * Production is TCP (net_tcp.c); a simulator has its own. A stream or listener is a number from 0.
 */
#ifndef WEIR_ENV_NET_H
#define WEIR_ENV_NET_H

#include <weir/base.h>

/* A part of what is written: what lies in several places leaves by one call. */
typedef struct weir_net_part {
    const void *data;
    size_t size;
} weir_net_part;

enum { WEIR_NET_PARTS_MAX = 64 }; /* of one call */

typedef enum weir_net_state { WEIR_NET_CONNECTING, WEIR_NET_CONNECTED, WEIR_NET_FAILED }
    weir_net_state;

typedef struct weir_net {
    void *ctx;
    /* Both: -1 and *error if it cannot be. address is HOST:PORT or [IPV6]:PORT. connect only
     * begins; `state` says what became of it. */
    int (*listen)(void *ctx, const char *address, weir_error *error);
    int (*connect)(void *ctx, const char *address, weir_error *error);
    weir_net_state (*state)(void *ctx, int stream, weir_error *error);
    /* The next stream that somebody has opened; -1: there is none now. */
    int (*accept)(void *ctx, int listener);
    /* How many bytes were read or taken; 0: none now; -1: it has ended or broken, which *error
     * (may be NULL) says in half a sentence: "its connection was closed". */
    int64_t (*read)(void *ctx, int stream, void *room, size_t size, weir_error *error);
    int64_t (*write)(void *ctx, int stream, const weir_net_part *parts, unsigned count,
                     weir_error *error);
    void (*close)(void *ctx, int stream_or_listener);
    /* A descriptor that is readable while a listener, or a stream that is wanted to read, has
     * something to be taken, or a stream that is connecting or wanted to write can be written; -1:
     * nobody sleeps (simulated). A stream that is connected is wanted to read until it is said
     * otherwise; one that is not may stay unread for as long as it takes. */
    int fd;
    void (*want)(void *ctx, int stream, bool read, bool write);
} weir_net;

/* TCP without delay of small writes, one epoll set for all. One thread at a time. NULL and *error
 * if the machine refuses. */
weir_net *weir__net_tcp_create(weir_error *error);
/* All its streams are closed. NULL is allowed. */
void weir__net_tcp_destroy(weir_net *net);

/* The same streams, polled and read by a thread of its own once that is started; everything else is
 * still one caller's. `below` has to outlive it, and is used by nobody else. NULL and *error if the
 * machine refuses. */
weir_net *weir__net_thread_create(weir_net *below, weir_error *error);
/* When all streams are connected. False: there is no thread to be had; all goes on without one. */
bool weir__net_thread_start(weir_net *net);
/* NULL is allowed. */
void weir__net_thread_destroy(weir_net *net);

/* Takes an address apart: the host without brackets (room for 256), the port as text (room for 8).
 * INVALID and a sentence if it is none. */
weir_status weir__net_split(const char *address, char *host, char *port, weir_error *error);

#endif

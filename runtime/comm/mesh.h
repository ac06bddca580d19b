/* SPDX-License-Identifier: Apache-2.0
 *
 * The connections of one process to all others of its cluster: one a pair, made by the process of
 * the higher number, kept from the start to the end. Owns joining (handshake.c), the frames' way in
 * and out, heartbeats, goodbyes, and the reason why the cluster cannot go on. What frames mean for
 * dataflows is the host's business (worker/cluster.c).
 *
 *   poll until joined ─→ frames both ways ─→ goodbye, until all have said it ─→ close
 *          │                   │
 *          └── refused, late ──┴── lost, frozen, told of a failure ─→ failed
 *
 * All of it belongs to one thread, and none of it waits.
 */
#ifndef WEIR_COMM_MESH_H
#define WEIR_COMM_MESH_H

#include "comm/wire.h"
#include "env/env.h"

typedef struct weir__mesh weir__mesh;

/* What the mesh hands on. Frames are valid for the call. A status other than OK and *error fail
 * the mesh: the frame could not be understood. */
typedef struct weir__mesh_host {
    void *ctx;
    weir_status (*frame)(void *ctx, unsigned process, const weir__frame *frame, weir_error *error);
    void (*stop)(void *ctx); /* some process was asked to end */
} weir__mesh_host;

typedef struct weir__mesh_options {
    weir_env *env;
    const weir_net *net;
    weir__pool *pool;
    unsigned processes, process;
    const char *hosts;  /* HOST:PORT,HOST:PORT,… */
    const char *secret; /* NULL: none */
    uint64_t seed, incarnation; /* 0: process 0 draws them */
    uint64_t connect_ns, beat_ns, silence_ns;
    weir__mesh_host host;
} weir__mesh_options;

/* Takes the list of hosts apart and listens. NULL and *error. */
weir__mesh *weir__mesh_create(const weir__mesh_options *options, weir_error *error);
void weir__mesh_destroy(weir__mesh *mesh);

/* Before the first poll: something that has to be the same in all processes. */
void weir__mesh_add_fact(weir__mesh *mesh, const char *name, const char *value);

/* Takes what has come. Whether something had. */
bool weir__mesh_poll(weir__mesh *mesh, uint64_t now_ns);
/* Writes what goes now of what was put. */
void weir__mesh_flush(weir__mesh *mesh);
/* A process whose frames cannot be taken now is not read, and not missed, until it is let go. */
void weir__mesh_hold(weir__mesh *mesh, unsigned process, bool hold);
/* When it must be polled again at the latest. */
uint64_t weir__mesh_due_ns(const weir__mesh *mesh);

/* All processes are here, and agree. */
bool weir__mesh_joined(const weir__mesh *mesh);
/* Once joined. */
uint64_t weir__mesh_seed(const weir__mesh *mesh);
uint64_t weir__mesh_incarnation(const weir__mesh *mesh);
/* NULL, or why it cannot go on. */
const weir_error *weir__mesh_failure(const weir__mesh *mesh);

/* How many have not come, and which: "1 (b:2101), 2 (c:2101)". */
unsigned weir__mesh_missing(const weir__mesh *mesh, char *text, size_t size);
/* The connection to a process, to put frames on; NULL: it is gone, or said goodbye. */
weir__wire *weir__mesh_wire(weir__mesh *mesh, unsigned process);
/* Tells the others to end as when asked to. */
void weir__mesh_stop(weir__mesh *mesh);
/* Nothing more will be put. Once everybody has said so, and all is written, it is over. */
void weir__mesh_goodbye(weir__mesh *mesh);
bool weir__mesh_is_over(const weir__mesh *mesh);
/* Tells the others why this process ends, and closes what has been told so. The rest is closed by
 * has_left, to be called until it is true: when that is written, or a second has passed. */
void weir__mesh_fail(weir__mesh *mesh, const weir_error *error);
bool weir__mesh_has_left(weir__mesh *mesh);

typedef struct weir__mesh_counts {
    uint64_t bytes_in, bytes_out;
} weir__mesh_counts;
weir__mesh_counts weir__mesh_count(const weir__mesh *mesh);

#endif

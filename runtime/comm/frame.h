/* SPDX-License-Identifier: Apache-2.0
 *
 * Frames: what processes send each other. Pure: bytes in, a struct out, or what is wrong with them;
 * nothing is allocated, and nothing that a frame says about sizes is believed before it is checked
 * against the bytes that are there.
 *
 *   ┌──────── 8 bytes ────────┬── head ──┬── body ──┐
 *   │ u32 size │ u16 head │kind│mark│ msgpack  │ columns, │   size: of head and body together
 *   └─────────────────────────┴──────────┴ changes …┘   little-endian
 *
 * The head is one array of unsigned numbers, texts and bytes, of as many as the kind has.
 */
#ifndef WEIR_COMM_FRAME_H
#define WEIR_COMM_FRAME_H

#include <weir/str.h>

#include "comm/mac.h"

enum {
    WEIR__FRAME_PREFIX = 8,
    WEIR__FRAME_MARK = 0xd7,
    WEIR__FRAME_GUEST_MAX = 256,      /* bytes, of somebody who has not proved anything */
    WEIR__FRAME_FACTS_MAX = 16 << 20, /* until a process has joined */
    WEIR__FRAME_MAX = 1 << 30,
    WEIR__FRAME_HEAD_MAX = 2048,
    WEIR__PROTOCOL = 2,
    WEIR__NONCE_BYTES = 16,
};

/* XX(NAME): the order is part of the protocol. */
#define WEIR__FRAME_MAP(XX)                                                        \
    XX(HELLO) XX(PROOF) XX(FACTS) XX(READY) XX(REFUSE)                             \
    XX(PROGRESS) XX(DATA) XX(CREDIT) XX(BEAT) XX(STOP) XX(FAIL) XX(GOODBYE)        \
    XX(ASK) XX(ANSWER) XX(COMMAND)

typedef enum weir__frame_kind {
#define WEIR__FRAME_ENUM_(name) WEIR__FRAME_##name,
    WEIR__FRAME_MAP(WEIR__FRAME_ENUM_)
#undef WEIR__FRAME_ENUM_
    WEIR__FRAME_KINDS
} weir__frame_kind;

typedef struct weir__frame {
    weir__frame_kind kind;
    const unsigned char *head, *body;
    size_t head_size, body_size;
} weir__frame;

/* What lies at the start of `size` bytes of a stream. Returns the bytes of the whole frame once
 * they are all there (and *frame points into data), 0 if more have to come, or -1 and *error if
 * this is no frame, or one above `max` bytes. */
int64_t weir__frame_read(const void *data, size_t size, size_t max, weir__frame *frame,
                         weir_error *error);

/* ---- heads: each get returns false if the head is not what its kind has ---- */

typedef struct weir__hello {
    uint32_t protocol, process, processes;
    const unsigned char *nonce; /* WEIR__NONCE_BYTES */
} weir__hello;
bool weir__frame_get_hello(const weir__frame *frame, weir__hello *hello);

/* WEIR__MAC_BYTES, or NULL. */
const unsigned char *weir__frame_get_proof(const weir__frame *frame);

/* 0: none given or not known. The body holds pairs of texts, name and value. */
typedef struct weir__facts {
    uint64_t seed, incarnation;
} weir__facts;
bool weir__frame_get_facts(const weir__frame *frame, weir__facts *facts);
/* The next pair of a body, from *at on; false: there is none, or (*bad) it is cut off. */
bool weir__frame_next_fact(const weir__frame *frame, size_t *at, weir_str fact[2], bool *bad);

/* Of REFUSE and FAIL. */
typedef struct weir__complaint {
    uint32_t status;
    bool again; /* of REFUSE: it may be tried again */
    weir_str what, detail, hint;
} weir__complaint;
bool weir__frame_get_complaint(const weir__frame *frame, weir__complaint *complaint);
/* What it says, as an error that is one: a status that this version does not know is WEIR_FAILED,
 * and `otherwise` is said where it says nothing. */
void weir__complaint_error(const weir__complaint *complaint, const char *otherwise,
                           weir_error *error);

/* Whose a batch is, and what it is charged with at the sender. The body: data/batch_bytes.h. */
typedef struct weir__data {
    uint32_t dataflow, port, from, to;
    uint64_t charged;
} weir__data;
bool weir__frame_get_data(const weir__frame *frame, weir__data *data);

/* Bytes that a worker has consumed of what another sent it. */
typedef struct weir__credited {
    uint32_t dataflow, from, to; /* to: who had sent them */
    uint64_t bytes;
} weir__credited;
bool weir__frame_get_credit(const weir__frame *frame, weir__credited *credit);

/* ---- writing ---- */

/* Room that a frame's prefix and head need at most, but for texts. */
enum { WEIR__FRAME_ROOM = 96 };

/* Writes prefix and head at `at`; returns their size. `body` bytes follow, which the caller puts
 * behind it. The room for complaints is WEIR__FRAME_HEAD_MAX: their texts are cut. */
size_t weir__frame_put_plain(unsigned char *at, weir__frame_kind kind, size_t body);
size_t weir__frame_put_hello(unsigned char *at, const weir__hello *hello);
size_t weir__frame_put_proof(unsigned char *at, const unsigned char mac[WEIR__MAC_BYTES]);
size_t weir__frame_put_facts(unsigned char *at, const weir__facts *facts, size_t body);
size_t weir__frame_put_complaint(unsigned char *at, weir__frame_kind kind,
                                 const weir__complaint *complaint);
size_t weir__frame_put_data(unsigned char *at, const weir__data *data, size_t body);
size_t weir__frame_put_credit(unsigned char *at, const weir__credited *credit);

/* A fact for a body: its bytes are written if `at` is not NULL; returns how many. */
size_t weir__frame_put_fact(unsigned char *at, const char *name, const char *value);

#endif

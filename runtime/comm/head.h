/* SPDX-License-Identifier: Apache-2.0
 *
 * What heads of frames are made of: one array of msgpack with unsigned integers, str and bin;
 * anything else is no head. For the files that know a kind of frame. Pure.
 */
#ifndef WEIR_COMM_HEAD_H
#define WEIR_COMM_HEAD_H

#include "comm/frame.h"

/* ---- reading: once something was not what was asked for, `ok` is false, and stays so ---- */

typedef struct weir__head {
    const unsigned char *at, *end;
    bool ok;
} weir__head;

/* A head that is one array of `count` values, of a frame of that kind. */
weir__head weir__head_open(const weir__frame *frame, weir__frame_kind kind, unsigned count);
uint64_t weir__head_number(weir__head *r);
uint32_t weir__head_u32(weir__head *r);
/* str or bin. */
weir_str weir__head_bytes(weir__head *r);
/* bin 8 of exactly so many bytes, as it lies there; NULL: it is none. */
const unsigned char *weir__head_fixed(weir__head *r, size_t bytes);
/* All was right, and nothing is left. */
bool weir__head_ended(const weir__head *r);

/* ---- writing: each returns the end of what it wrote ---- */

/* Leaves room for the prefix. */
unsigned char *weir__head_begin(unsigned char *at, unsigned count);
unsigned char *weir__head_put_number(unsigned char *at, uint64_t value);
unsigned char *weir__head_put_text(unsigned char *at, const char *text, size_t len);
unsigned char *weir__head_put_fixed(unsigned char *at, const unsigned char *bytes, size_t count);
/* Fills in the prefix before a head that goes from `at` to `end`; its size and the prefix's. */
size_t weir__head_end(unsigned char *at, const unsigned char *end, weir__frame_kind kind,
                      size_t body);

#endif

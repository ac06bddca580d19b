/* SPDX-License-Identifier: Apache-2.0
 *
 * A broadcast log: entries that one thread appends once and several others read, each in its own
 * time, in order, without locks. Owns the log's chunks and the sums made for readers that fell
 * behind; what an entry means, and waking readers, is the caller's.
 *
 *   chunk                                                  chunk
 *   [ head | entry | entry ······· | entry | … | LINK ]──→[ head | entry | 0 ………… ]
 *            ↑ reader 1                  ↑ reader 0                        ↑ writer
 *
 * Every entry begins on a line (64 bytes): an 8-byte header and the payload. So the place of the
 * next entry never depends on its size, an entry of up to 56 bytes is one line, and it costs a
 * waiting reader one transfer of it. The header is stored last, with release; a reader polls its
 * next header with acquire and reads the payload only when that has the tag of the chunk as it was
 * last begun. So nobody clears headers: were the next one cleared with each entry, a reader's first
 * look at it would be a transfer for nothing, and the writer would have to get the line back.
 *
 * Falling behind. A reader says by `passed` (release) which chunk it stands in; the writer looks
 * (acquire) when it begins a chunk and frees what all have passed. If the chunk a reader stands in
 * began `lag_bytes` or more ago, the writer takes the reader off the log: everything unread becomes
 * one block, made by weir_log_sum, which the reader gets from its next read before it goes on at
 * the place where the writer was. The two agree by a state on the reader's line:
 *
 *   IDLE ⇄ READING   by the reader: CAS (acquire) when it finds an entry, store (release) when it
 *                    finds none. While it stays READING, reading on costs no atomic operation.
 *   IDLE → FOLDING → FOLDED   by the writer: CAS (acquire: the reader's place), store (release: the
 *                    block and the new place). FOLDED → FOLDING again if it falls behind once more;
 *                    the block is then the first thing folded.
 *   FOLDED → READING by the reader: CAS (acquire).
 *
 * Neither waits: a reader that meets FOLDING finds nothing for now, a writer that meets READING
 * tries again with its next append. An empty poll is made without leaving IDLE, so the header that
 * it loads must not be freed: the chunk a reader stands in is kept until it has moved on, also when
 * it was taken off the log. So the log holds at most lag_bytes, the chunk being written, and a
 * chunk a reader, as long as readers read until there is nothing: who keeps an entry stays READING.
 */
#ifndef WEIR_COMM_BROADCAST_H
#define WEIR_COMM_BROADCAST_H

#include "env/env.h"

typedef struct weir__broadcast weir__broadcast;

typedef struct weir__broadcast_options {
    unsigned readers;   /* may be 0: then appending does nothing */
    size_t chunk_bytes; /* a multiple of 64, at least 256; 0: 64 KiB */
    size_t lag_bytes;   /* 0: 1 MiB; WEIR__BROADCAST_WHATEVER: no reader is ever taken off */
    weir_log_sum sum;   /* for those that are */
} weir__broadcast_options;

/* A log with one reader that is never taken off is a mailbox. */
#define WEIR__BROADCAST_WHATEVER SIZE_MAX

/* NULL if memory is gone. */
weir__broadcast *weir__broadcast_create(const weir__broadcast_options *options);
/* All threads are done with it. NULL is allowed. */
void weir__broadcast_destroy(weir__broadcast *log);

/* The writer's thread. Any size: an entry that does not fit a chunk gets one of its own. */
void weir__broadcast_append(weir__broadcast *log, const void *entry, size_t size);
/* The same in two steps, where there are readers: room for an entry of at most so many bytes,
 * 8-byte aligned, then the size that it came to. */
void *weir__broadcast_room(weir__broadcast *log, size_t most);
void weir__broadcast_commit(weir__broadcast *log, size_t size);
/* The thread of that reader (0 to readers - 1). The next entry, valid and 8-byte aligned until the
 * next read by the same reader; false: nothing there now. */
bool weir__broadcast_read(weir__broadcast *log, unsigned reader, weir_mail *entry);
/* Whether a read would do anything. */
bool weir__broadcast_has(const weir__broadcast *log, unsigned reader);
/* Asks for the line where that reader will look, so that it comes while something else is done. */
void weir__broadcast_ask(const weir__broadcast *log, unsigned reader);

/* Bytes of all chunks, spare ones included; blocks are not counted. Any thread. */
size_t weir__broadcast_bytes(const weir__broadcast *log);

#endif

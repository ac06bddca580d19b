/* SPDX-License-Identifier: Apache-2.0
 *
 * The files of captured events: eight bytes that say what it is, then a frame an event, which is
 * its size, the event's part, number and checksum, all little-endian, then the payload. Knows
 * descriptors, no graph.
 */
#ifndef WEIR_FILE_EVENT_FILE_H
#define WEIR_FILE_EVENT_FILE_H

#include <weir/codec.h>
#include <weir/operators/replay.h>

enum { WEIR__EVENT_MAGIC = 8, WEIR__EVENT_HEAD = 24, WEIR__EVENT_PAYLOAD_MAX = 1 << 30 };

/* What a file begins with, and a frame. WEIR_OK or WEIR_NO_MEMORY. */
weir_status weir__event_file_begin(weir_bytes_out *out);
weir_status weir__event_file_put(weir_bytes_out *out, const weir_captured_event *event);

typedef struct weir__event_reader {
    int fd;        /* the caller's; below 0: none */
    uint64_t at;   /* offset of what is read next: of what is damaged, after a failure */
    char *payload; /* of the event that was read last */
    size_t capacity;
    const char *why; /* what is wrong, after a failure */
} weir__event_reader;

/* Begins with a file: WEIR_OK, or WEIR_BAD_DATA for what is none. */
weir_status weir__event_reader_open(weir__event_reader *reader, int fd);
/* The next event, whose payload is good until the next call: WEIR_OK; WEIR_CLOSED at the end of
 * the file, WEIR_BAD_DATA, WEIR_NO_MEMORY. Asks for no more memory than the file is long. */
weir_status weir__event_reader_next(weir__event_reader *reader, weir_captured_event *event);
void weir__event_reader_fini(weir__event_reader *reader); /* leaves the descriptor open */

#endif

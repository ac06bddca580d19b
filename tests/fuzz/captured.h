/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz targets for captured events, which come from files and topics, and for the files. Included
 * by targets.h.
 */
#ifndef WEIR_TESTS_FUZZ_CAPTURED_H
#define WEIR_TESTS_FUZZ_CAPTURED_H

#include <sys/mman.h>
#include <unistd.h>

#include "captured_event.h"
#include "file/event_file.h"

typedef struct fuzz_records {
    weir_decoder *decoder;
    unsigned depth;
    size_t bytes;
} fuzz_records;

/* As replay does it. */
static inline weir_status fuzz_record(const weir_time *t, int64_t diff, const weir_str *record,
                                      void *ctx)
{
    fuzz_records *r = ctx;
    records_any any;
    (void)diff;
    r->bytes += record->len;
    for (unsigned k = r->depth; k < WEIR_TIME_COORDS; k++)
        fuzz_promise(t->at[k] == 0);
    char *heap = weir_alloc(2 * (size_t)record->len + 64);
    weir_status status = fuzz_decode(r->decoder, record, heap, &any);
    weir_free(heap, 2 * (size_t)record->len + 64);
    return status;
}

static inline void fuzz_captured_stream(const weir_str *payload, weir__captured_form form)
{
    weir_error error = { .status = WEIR_OK };
    weir_bytes_out out = { NULL, 0, 0 };
    unsigned parts = 0;
    weir_status status = weir__event_get_stream(payload, &form, &parts, &error);
    fuzz_judged(status, &error);
    if (status != WEIR_OK)
        return;
    fuzz_promise(parts > 0);
    form.parts = parts;
    fuzz_promise(weir__event_put_stream(&out, &form) == WEIR_OK);
    weir_str again = weir_str_view(out.data, out.len);
    fuzz_promise(weir__event_kind(&again) == WEIR__EVENT_STREAM &&
                 weir__event_get_stream(&again, &form, &parts, &error) == WEIR_OK &&
                 parts == form.parts);
    weir_bytes_out_fini(&out);
}

static inline void fuzz_captured_progress(const weir_frontier *frontier, unsigned depth)
{
    weir_bytes_out out = { NULL, 0, 0 };
    weir_frontier next;
    weir_frontier_init(&next, depth);
    fuzz_promise(weir__event_put_progress(&out, frontier) == WEIR_OK);
    weir_str again = weir_str_view(out.data, out.len);
    weir__event_sink sink = { NULL, &next, NULL };
    fuzz_promise(weir__event_get(&again, depth, &sink, NULL) == WEIR_OK &&
                 weir_frontier_equal(&next, frontier));
    weir_frontier_fini(&next);
    weir_bytes_out_fini(&out);
}

/* The first byte says which type and depth, and whether it is a collection. */
static inline void fuzz_captured(const char *data, size_t size)
{
    if (size == 0)
        return;
    weir__captured_form form = { data[0] & 1 ? records_nulls_type() : records_plain_type(), 1,
                                 data[0] & 2 ? 2 : 1, data[0] & 4 };
    weir_decoder_options options = { .struct_size = sizeof options, .codec = WEIR_CODEC_MSGPACK };
    weir_str payload = weir_str_view(data + 1, size - 1);
    weir_error error = { .status = WEIR_OK };
    fuzz_records records = { .depth = form.depth };
    weir_frontier frontier;
    weir_frontier_init(&frontier, form.depth);
    fuzz_promise(weir_decoder_create(form.type, &options, &records.decoder, NULL) == WEIR_OK);
    int kind = weir__event_kind(&payload);
    weir__event_sink sink = { fuzz_record, &frontier, &records };
    weir_status status = weir__event_get(&payload, form.depth, &sink, &error);
    fuzz_promise(status != WEIR_OK || kind == WEIR__EVENT_BATCH || kind == WEIR__EVENT_PROGRESS);
    fuzz_promise(kind >= WEIR__EVENT_STREAM || status != WEIR_OK);
    fuzz_promise(kind <= WEIR__EVENT_PROGRESS && records.bytes <= size);
    if (status == WEIR_OK && kind == WEIR__EVENT_PROGRESS)
        fuzz_captured_progress(&frontier, form.depth);
    fuzz_captured_stream(&payload, form);
    weir_decoder_destroy(records.decoder);
    weir_frontier_fini(&frontier);
}

/* ---- a file of them ---- */

/* With a first byte that is odd, checksums are put right, so that more than one event is read. */
static inline void fuzz_events_checksums(unsigned char *file, size_t size)
{
    for (size_t at = WEIR__EVENT_MAGIC, len; at + WEIR__EVENT_HEAD <= size;
         at += WEIR__EVENT_HEAD + len) {
        weir_captured_event e;
        uint32_t head[2];
        memcpy(head, file + at, sizeof head);
        memcpy(&e.number, file + at + 8, 8);
        len = head[0];
        if (len > size - at - WEIR__EVENT_HEAD)
            return;
        e.part = head[1];
        e.payload = weir_str_view((char *)file + at + WEIR__EVENT_HEAD, len);
        e.checksum = weir_captured_event_checksum(&e);
        memcpy(file + at + 16, &e.checksum, 8);
    }
}

/* What is read, written again, is the file as far as it was read. */
static inline void fuzz_events(const char *data, size_t size)
{
    static int fd = -1;
    if (size == 0)
        return;
    size_t len = size - 1;
    unsigned char *file = weir_alloc(size);
    memcpy(file, data + 1, len);
    if (data[0] & 1)
        fuzz_events_checksums(file, len);
    if (fd < 0)
        fd = memfd_create("events", MFD_CLOEXEC);
    fuzz_promise(ftruncate(fd, 0) == 0 && pwrite(fd, file, len, 0) == (ssize_t)len &&
                 lseek(fd, 0, SEEK_SET) == 0);
    weir__event_reader reader = { .fd = -1 };
    weir_bytes_out out = { NULL, 0, 0 };
    weir_captured_event e;
    weir_status status = weir__event_reader_open(&reader, fd);
    fuzz_promise(weir__event_file_begin(&out) == WEIR_OK);
    fuzz_promise(
        status ==
        (len >= out.len && memcmp(file, out.data, out.len) == 0 ? WEIR_OK : WEIR_BAD_DATA));
    while (status == WEIR_OK && (status = weir__event_reader_next(&reader, &e)) == WEIR_OK)
        fuzz_promise(weir__event_file_put(&out, &e) == WEIR_OK && out.len == reader.at);
    if (status == WEIR_CLOSED)
        fuzz_promise(reader.at == len);
    else
        fuzz_promise(status == WEIR_BAD_DATA && reader.why && reader.at <= len);
    fuzz_promise(reader.capacity <= len);
    if (reader.at > 0)
        fuzz_promise(out.len == reader.at && memcmp(out.data, file, out.len) == 0);
    weir__event_reader_fini(&reader);
    weir_bytes_out_fini(&out);
    weir_free(file, size);
}

#endif

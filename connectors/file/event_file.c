/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing and reading the files of captured events.
 */
#include "file/event_file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/memory.h>

static const char MAGIC[WEIR__EVENT_MAGIC] = { 'w', 'e', 'i', 'r', 'e', 'v', '0', '1' };

static void put(char *to, uint64_t number, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        to[i] = (char)(number >> (8 * i));
}

static uint64_t get(const char *from, unsigned bytes)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < bytes; i++)
        number |= (uint64_t)(unsigned char)from[i] << (8 * i);
    return number;
}

weir_status weir__event_file_begin(weir_bytes_out *out)
{
    return weir_bytes_out_add(out, MAGIC, sizeof MAGIC);
}

weir_status weir__event_file_put(weir_bytes_out *out, const weir_captured_event *event)
{
    char head[WEIR__EVENT_HEAD];
    put(head, event->payload.len, 4);
    put(head + 4, event->part, 4);
    put(head + 8, event->number, 8);
    put(head + 16, event->checksum, 8);
    weir_status status = weir_bytes_out_add(out, head, sizeof head);
    if (status != WEIR_OK)
        return status;
    return weir_bytes_out_add(out, weir_str_data(&event->payload), event->payload.len);
}

/* size bytes, or what there is before the end; below 0: it failed. */
static ssize_t read_all(int fd, char *to, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t got = read(fd, to + done, size - done);
        if (got == 0)
            break;
        if (got < 0 && errno != EINTR)
            return -1;
        done += got > 0 ? (size_t)got : 0;
    }
    return (ssize_t)done;
}

static weir_status fail(weir__event_reader *reader, weir_status status, const char *why)
{
    reader->why = why;
    return status;
}

weir_status weir__event_reader_open(weir__event_reader *reader, int fd)
{
    char magic[sizeof MAGIC];
    reader->fd = fd;
    reader->at = 0;
    if (read_all(fd, magic, sizeof magic) != sizeof magic ||
        memcmp(magic, MAGIC, sizeof magic) != 0)
        return fail(reader, WEIR_BAD_DATA, "it is no file of events, or of another version");
    reader->at = sizeof magic;
    return WEIR_OK;
}

static bool reserve(weir__event_reader *reader, size_t size)
{
    if (size <= reader->capacity)
        return true;
    char *payload = weir_alloc(size);
    if (!payload)
        return false;
    weir_free(reader->payload, reader->capacity);
    reader->payload = payload;
    reader->capacity = size;
    return true;
}

weir_status weir__event_reader_next(weir__event_reader *reader, weir_captured_event *event)
{
    char head[WEIR__EVENT_HEAD];
    struct stat stat;
    ssize_t got = read_all(reader->fd, head, sizeof head);
    if (got == 0)
        return WEIR_CLOSED;
    if (got != sizeof head)
        return fail(reader, WEIR_BAD_DATA, "it ends in the middle of an event");
    size_t size = (size_t)get(head, 4);
    if (size > WEIR__EVENT_PAYLOAD_MAX || fstat(reader->fd, &stat) != 0 ||
        reader->at + sizeof head + size > (uint64_t)stat.st_size)
        return fail(reader, WEIR_BAD_DATA,
                    "it ends in the middle of an event, or the event's size is wrong");
    if (!reserve(reader, size))
        return fail(reader, WEIR_NO_MEMORY, "no memory for an event");
    if (read_all(reader->fd, reader->payload, size) != (ssize_t)size)
        return fail(reader, WEIR_BAD_DATA, "an event cannot be read");
    *event = (weir_captured_event){ .part = (uint32_t)get(head + 4, 4),
                                    .number = get(head + 8, 8),
                                    .checksum = get(head + 16, 8),
                                    .payload = weir_str_view(reader->payload, size) };
    if (event->checksum != weir_captured_event_checksum(event))
        return fail(reader, WEIR_BAD_DATA, "an event's checksum does not fit");
    reader->at += sizeof head + size;
    return WEIR_OK;
}

void weir__event_reader_fini(weir__event_reader *reader)
{
    weir_free(reader->payload, reader->capacity);
    *reader = (weir__event_reader){ .fd = -1 };
}

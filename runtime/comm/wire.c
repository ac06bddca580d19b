/* SPDX-License-Identifier: Apache-2.0
 *
 * See wire.h.
 */
#include "comm/wire.h"

#include <string.h>

#include <weir/memory.h>

#include "base/assert.h"

enum {
    COPIED_MAX = 1 << 10, /* bytes of a batch: so few are copied faster than pointed at */
    SMALL_BYTES = (16 << 10) - WEIR__BUFFER_HEADER,
    IN_BYTES = 256 << 10,
    IN_STEP = 4 << 10, /* less room than this is not worth a call */
};

void weir__wire_init(weir__wire *wire, const weir_net *net, weir__pool *pool, int stream)
{
    *wire = (weir__wire){ .net = net, .pool = pool, .stream = stream };
}

static void piece_fini(weir__wire_piece *piece)
{
    if (piece->buffer)
        weir__buffer_release(piece->buffer);
    weir_batch_release(piece->batch);
}

void weir__wire_fini(weir__wire *wire)
{
    for (uint32_t i = 0; i < wire->count; i++)
        piece_fini(&wire->pieces[(wire->head + i) & (wire->capacity - 1)]);
    if (wire->small)
        weir__buffer_release(wire->small);
    weir_free(wire->pieces, wire->capacity * sizeof *wire->pieces);
    weir_free(wire->in, wire->in_size);
    if (wire->stream >= 0)
        wire->net->close(wire->net->ctx, wire->stream);
    *wire = (weir__wire){ .stream = -1 };
}

/* ---- out ---- */

static weir__wire_piece *last_piece(weir__wire *wire)
{
    return &wire->pieces[(wire->head + wire->count - 1) & (wire->capacity - 1)];
}

static void add_piece(weir__wire *wire, const weir__wire_piece *piece)
{
    if (wire->count == wire->capacity) {
        uint32_t old = wire->capacity, capacity = old ? old * 2 : 32;
        weir__wire_piece *ring = weir_alloc_must(capacity * sizeof *ring);
        for (uint32_t i = 0; i < wire->count; i++)
            ring[i] = wire->pieces[(wire->head + i) & (old - 1)];
        weir_free(wire->pieces, old * sizeof *ring);
        wire->pieces = ring;
        wire->capacity = capacity;
        wire->head = 0;
    }
    wire->count++;
    *last_piece(wire) = *piece;
    wire->waiting += piece->size;
}

unsigned char *weir__wire_room(weir__wire *wire, size_t size)
{
    if (!wire->small || wire->small->size - wire->small_end < size) {
        if (wire->small)
            weir__buffer_release(wire->small);
        wire->small = weir__pool_get(wire->pool, size > SMALL_BYTES ? size : SMALL_BYTES);
        wire->small_end = 0;
    }
    return (unsigned char *)weir__buffer_data(wire->small) + wire->small_end;
}

void weir__wire_commit(weir__wire *wire, size_t size)
{
    const char *from = (const char *)weir__buffer_data(wire->small) + wire->small_end;
    wire->small_end += size;
    weir__wire_piece *last = wire->count ? last_piece(wire) : NULL;
    if (last && last->buffer == wire->small && last->data + last->size == from) {
        last->size += size;
        wire->waiting += size;
        return;
    }
    weir__buffer_retain(wire->small);
    add_piece(wire, &(weir__wire_piece){ from, size, wire->small, NULL });
}

static void add_bytes(weir__wire *wire, const void *data, size_t size)
{
    memcpy(weir__wire_room(wire, size), data, size);
    weir__wire_commit(wire, size);
}

void weir__wire_add_batch(weir__wire *wire, weir_batch *batch, weir__batch_bytes *bytes)
{
    bool copies = bytes->size <= COPIED_MAX;
    add_bytes(wire, bytes->part[0].at, bytes->part[0].size); /* the head lies in *bytes */
    for (unsigned p = 1; p < bytes->parts; p++) {
        const weir__piece *part = &bytes->part[p];
        bool last = p + 1 == bytes->parts;
        if (copies)
            add_bytes(wire, part->at, part->size);
        else
            add_piece(wire, &(weir__wire_piece){ part->at, part->size, last ? bytes->copy : NULL,
                                                 last ? batch : NULL });
    }
    if (copies) {
        weir__batch_bytes_fini(bytes);
        weir_batch_release(batch);
    }
}

static void mark_written(weir__wire *wire, size_t bytes)
{
    wire->waiting -= bytes;
    wire->bytes_out += bytes;
    while (wire->count) {
        weir__wire_piece *first = &wire->pieces[wire->head];
        size_t left = first->size - wire->written;
        if (bytes < left) {
            wire->written += bytes;
            return;
        }
        bytes -= left;
        piece_fini(first);
        wire->written = 0;
        wire->head = (wire->head + 1) & (wire->capacity - 1);
        wire->count--;
    }
    if (wire->small && weir__buffer_sole(wire->small))
        wire->small_end = 0; /* the same lines again: they are in the cache */
}

bool weir__wire_flush(weir__wire *wire, weir_error *error)
{
    while (wire->count) {
        weir_net_part parts[WEIR_NET_PARTS_MAX];
        unsigned n = 0;
        size_t total = 0;
        for (; n < wire->count && n < WEIR_NET_PARTS_MAX; n++) {
            const weir__wire_piece *piece = &wire->pieces[(wire->head + n) & (wire->capacity - 1)];
            size_t skip = n ? 0 : wire->written;
            parts[n] = (weir_net_part){ piece->data + skip, piece->size - skip };
            total += parts[n].size;
        }
        int64_t put = wire->net->write(wire->net->ctx, wire->stream, parts, n, error);
        if (put < 0)
            return false;
        mark_written(wire, (size_t)put);
        if ((size_t)put < total)
            break;
    }
    return true;
}

/* ---- in ---- */

static void resize(weir__wire *wire, size_t size)
{
    char *in = weir_alloc_must(size);
    size_t kept = wire->filled - wire->taken;
    if (kept)
        memcpy(in, wire->in + wire->taken, kept);
    weir_free(wire->in, wire->in_size);
    wire->in = in;
    wire->in_size = size;
    wire->taken = 0;
    wire->filled = kept;
}

/* What is left of the last reading moves to the front. */
static void make_room(weir__wire *wire, size_t max)
{
    size_t kept = wire->filled - wire->taken, first = max < IN_BYTES ? max : IN_BYTES;
    if (kept == 0) {
        wire->taken = wire->filled = 0;
        if (wire->in_size != first && (wire->in_size < first || wire->in_size > 4 * first))
            resize(wire, first);
    } else if (wire->in_size - wire->filled < IN_STEP && wire->taken > 0) {
        memmove(wire->in, wire->in + wire->taken, kept);
        wire->taken = 0;
        wire->filled = kept;
    }
    if (wire->filled == wire->in_size && wire->in_size < max) /* a frame larger than the buffer */
        resize(wire, wire->in_size * 2 < max ? wire->in_size * 2 : max);
}

int64_t weir__wire_fill(weir__wire *wire, size_t max, weir_error *error)
{
    make_room(wire, max);
    size_t room = wire->in_size - wire->filled;
    if (room == 0)
        return 0; /* it holds all that may wait */
    int64_t got = wire->net->read(wire->net->ctx, wire->stream, wire->in + wire->filled, room,
                                  error);
    if (got > 0) {
        wire->filled += (size_t)got;
        wire->bytes_in += (uint64_t)got;
    }
    return got;
}

int64_t weir__wire_next(weir__wire *wire, size_t max, weir__frame *frame, weir_error *error)
{
    if (wire->filled == wire->taken)
        return 0;
    int64_t size = weir__frame_read(wire->in + wire->taken, wire->filled - wire->taken, max, frame,
                                    error);
    if (size > 0)
        wire->taken += (size_t)size;
    return size;
}

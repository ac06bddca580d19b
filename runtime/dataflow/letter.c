/* SPDX-License-Identifier: Apache-2.0
 *
 * See letter.h.
 *
 *   [ batch * ]                                              a pointer: 8 bytes
 *   [ head | coordinates | records | diffs | times | hashes ]    a copy: each 8-byte aligned
 */
#include "dataflow/letter.h"

#include <string.h>

#include "base/assert.h"

/* With the header of the mailbox, 8 bytes, a letter of 56 bytes is one line: three numbers of 64
 * bits at a time of one coordinate. Copying costs less than passing a batch on up to several. */
enum { LETTER_MAX = 504, COUNT_MAX = UINT8_MAX, HAS_DIFFS = 8, HAS_TIMES = 16, HAS_HASHES = 32 };

typedef struct head {
    const weir_type *type;
    uint32_t dataflow, port, charged;
    uint16_t from;
    uint8_t count, shape; /* depth and HAS_ bits */
} head;

_Static_assert(sizeof(head) == 24, "three numbers fit a line");
_Static_assert(WEIR_WORKERS_MAX <= UINT16_MAX, "a worker's index in a letter");

static size_t padded(size_t size) { return (size + 7) & ~(size_t)7; }

/* 0: it is too large, or not to be had without what it pins. */
static size_t size_of_copy(const weir_batch *batch)
{
    if (batch->pin_count || batch->count > COUNT_MAX || batch->bytes > UINT32_MAX)
        return 0;
    size_t per_record = (batch->diffs ? sizeof *batch->diffs : 0) +
                        (batch->times ? batch->depth * sizeof *batch->times : 0) +
                        (batch->hashes ? sizeof *batch->hashes : 0);
    size_t size = sizeof(head) + batch->depth * sizeof(uint64_t) +
                  padded(batch->count * batch->type->size) + batch->count * per_record;
    return size <= LETTER_MAX ? size : 0;
}

/* Small and in units of 8 bytes: what a call of memcpy costs is saved. */
static char *put(char *at, const void *from, size_t size)
{
    const char *bytes = from;
    size_t whole = size & ~(size_t)7;
    for (size_t i = 0; i < whole; i += 8)
        memcpy(at + i, bytes + i, 8);
    if (whole < size)
        memcpy(at + whole, bytes + whole, size - whole);
    return at + padded(size);
}

static void write_copy(const weir_batch *batch, char *at)
{
    size_t n = batch->count;
    head h = { .type = batch->type, .dataflow = batch->mail_dataflow, .port = batch->mail_port,
               .charged = (uint32_t)batch->bytes, .from = (uint16_t)batch->mail_from,
               .count = (uint8_t)n,
               .shape = (uint8_t)(batch->depth | (batch->diffs ? HAS_DIFFS : 0) |
                                  (batch->times ? HAS_TIMES : 0) |
                                  (batch->hashes ? HAS_HASHES : 0)) };
    memcpy(at, &h, sizeof h);
    at = put(at + sizeof h, batch->time.at, batch->depth * sizeof(uint64_t));
    at = put(at, batch->records, n * batch->type->size);
    if (batch->diffs)
        at = put(at, batch->diffs, n * sizeof *batch->diffs);
    if (batch->times)
        at = put(at, batch->times, n * batch->depth * sizeof *batch->times);
    if (batch->hashes)
        put(at, batch->hashes, n * sizeof *batch->hashes);
}

void weir__letter_send(weir__context *context, unsigned place, weir_batch *batch)
{
    weir_env *env = context->env;
    size_t size = weir__context_is_local(context, batch->mail_to) ? size_of_copy(batch) : 0;
    if (size) {
        write_copy(batch, env->mail_room(env->ctx, context->local, place, size));
        env->mail_commit(env->ctx, context->local, place, size);
        weir_batch_release(batch);
    } else {
        memcpy(env->mail_room(env->ctx, context->local, place, sizeof batch), &batch, sizeof batch);
        env->mail_commit(env->ctx, context->local, place, sizeof batch);
    }
    weir__context_notify(context, place);
}

static weir_batch *pointer_in(const weir_mail *letter)
{
    weir_batch *batch = NULL;
    if (letter->size == sizeof batch)
        memcpy(&batch, letter->data, sizeof batch);
    return batch;
}

static head head_of(const weir_mail *letter)
{
    head h;
    memcpy(&h, letter->data, sizeof h);
    return h;
}

static uint32_t depth_of(const head *h) { return h->shape % HAS_DIFFS; }

/* batch: of that type and depth, and empty. Its columns are those of the letter. */
static void read_copy(const weir_mail *letter, weir_batch *batch)
{
    head h = head_of(letter);
    uint32_t depth = batch->depth;
    size_t n = batch->count = h.count;
    const char *at = (const char *)letter->data + sizeof h;
    batch->mail_dataflow = h.dataflow;
    batch->mail_port = h.port;
    batch->mail_from = h.from;
    batch->bytes = h.charged;
    for (uint32_t k = 0; k < depth; k++, at += sizeof(uint64_t))
        memcpy(&batch->time.at[k], at, sizeof(uint64_t));
    batch->records = at;
    at += padded(n * h.type->size);
    if (h.shape & HAS_DIFFS) {
        batch->diffs = (const int64_t *)(const void *)at;
        at += n * sizeof *batch->diffs;
    }
    if (h.shape & HAS_TIMES) {
        batch->times = (const uint64_t *)(const void *)at;
        at += n * depth * sizeof *batch->times;
    }
    if (h.shape & HAS_HASHES)
        batch->hashes = (const uint64_t *)(const void *)at;
}

/* The column in a buffer of its own. */
static const void *keep(weir__pool *pool, weir__buffer **buffer, const void *column, size_t size)
{
    if (!column)
        return NULL;
    *buffer = weir__pool_get(pool, size);
    put(weir__buffer_data(*buffer), column, size);
    return weir__buffer_data(*buffer);
}

weir_batch *weir__letter_open(const weir_mail *letter, weir__context *context)
{
    weir_batch *batch = pointer_in(letter);
    if (batch)
        return batch;
    weir__pool *pool = context->pool;
    head h = head_of(letter);
    batch = weir__batch_create(h.type, depth_of(&h));
    read_copy(letter, batch);
    size_t n = batch->count;
    batch->mail_to = context->self;
    batch->records = keep(pool, &batch->record_buffer, batch->records, n * batch->type->size);
    batch->diffs = keep(pool, &batch->diff_buffer, batch->diffs, n * sizeof *batch->diffs);
    batch->times = keep(pool, &batch->time_buffer, batch->times,
                        n * batch->depth * sizeof *batch->times);
    batch->hashes = keep(pool, &batch->hash_buffer, batch->hashes, n * sizeof *batch->hashes);
    return batch;
}

void weir__letter_discard(const weir_mail *letter)
{
    weir_batch_release(pointer_in(letter));
}

const weir_batch *weir__letter_look(const weir_mail *letter, weir_batch *view)
{
    const weir_batch *batch = pointer_in(letter);
    if (batch)
        return batch;
    head h = head_of(letter);
    *view = (weir_batch){ .type = h.type, .depth = depth_of(&h), .refs = 1 };
    read_copy(letter, view);
    return view;
}

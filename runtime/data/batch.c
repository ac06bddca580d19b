/* SPDX-License-Identifier: Apache-2.0
 *
 * Batches: headers, their shared columns and pins. Owns the memory of headers; the columns' is the
 * pools' (data/pool.h).
 */
#include <string.h>

#include "base/assert.h"
#include "base/poison.h"
#include "data/builder.h"

void weir_pin_retain(weir_pin *pin)
{
    __atomic_fetch_add(&pin->refs, 1, __ATOMIC_RELAXED);
}

void weir_pin_release(weir_pin *pin)
{
    if (__atomic_load_n(&pin->refs, __ATOMIC_ACQUIRE) == 1 ||
        __atomic_fetch_sub(&pin->refs, 1, __ATOMIC_ACQ_REL) == 1)
        pin->release(pin);
}

/* Headers that this thread has let go of, for its next batches: an allocator takes longer than
 * most of what is done with a small one. */
enum { SPARE_MAX = 64 };

typedef struct spare_header {
    struct spare_header *next;
} spare_header;

static _Thread_local __attribute__((tls_model("initial-exec"))) struct {
    spare_header *first;
    unsigned count, most;
} spare;

static weir_batch *take_header(void)
{
    spare_header *header = spare.first;
    if (WEIR_UNLIKELY(!header))
        return weir_alloc_must(sizeof(weir_batch));
    ASAN_UNPOISON_MEMORY_REGION(header, sizeof(weir_batch));
    spare.first = header->next;
    spare.count--;
    return (weir_batch *)header;
}

static void give_header(weir_batch *batch)
{
    if (WEIR_UNLIKELY(spare.count >= spare.most)) {
        weir_free(batch, sizeof *batch);
        return;
    }
    spare_header *header = (spare_header *)batch;
    header->next = spare.first;
    spare.first = header;
    spare.count++;
    ASAN_POISON_MEMORY_REGION(header, sizeof *batch);
}

void weir__batch_spare_open(void) { spare.most = SPARE_MAX; }

void weir__batch_spare_close(void)
{
    spare.most = 0;
    while (spare.first)
        weir_free(take_header(), sizeof(weir_batch));
}

enum { PART = 32 };

weir_batch *weir__batch_create(const weir_type *type, uint32_t depth)
{
    weir_batch *batch = take_header();
    for (size_t at = 0; at < sizeof *batch; at += PART) /* a "rep stos" of it all starts slowly */
        memset((char *)batch + at, 0, at + PART <= sizeof *batch ? PART : sizeof *batch - at);
    batch->type = type;
    batch->depth = depth;
    batch->refs = 1;
    return batch;
}

void weir__batch_add_pin(weir_batch *batch, weir_pin *pin)
{
    if (batch->pin_count == batch->pin_capacity) {
        uint32_t capacity = batch->pin_capacity ? batch->pin_capacity * 2 : 4;
        batch->pins = weir_realloc_must(batch->pins, batch->pin_capacity * sizeof *batch->pins,
                                        capacity * sizeof *batch->pins);
        batch->pin_capacity = capacity;
    }
    batch->pins[batch->pin_count++] = pin;
}

void weir__batch_charge(weir_batch *batch)
{
    size_t bytes = sizeof *batch;
    /* those that were lent lie elsewhere */
    bytes += batch->record_buffer ? batch->record_buffer->size : batch->count * batch->type->size;
    if (batch->diff_buffer)
        bytes += batch->diff_buffer->size;
    if (batch->time_buffer)
        bytes += batch->time_buffer->size;
    if (batch->hash_buffer)
        bytes += batch->hash_buffer->size;
    for (uint32_t i = 0; i < batch->pin_count; i++)
        bytes += batch->pins[i]->bytes;
    batch->bytes = bytes;
}

weir_batch *weir__batch_share_columns(const weir_batch *batch)
{
    weir_batch *copy = take_header();
    *copy = *batch;
    copy->refs = 1;
    copy->pins = NULL;
    copy->pin_count = copy->pin_capacity = 0;
    if (copy->record_buffer)
        weir__buffer_retain(copy->record_buffer);
    if (copy->diff_buffer)
        weir__buffer_retain(copy->diff_buffer);
    if (copy->time_buffer)
        weir__buffer_retain(copy->time_buffer);
    if (copy->hash_buffer)
        weir__buffer_retain(copy->hash_buffer);
    return copy;
}

weir_batch *weir__batch_share(const weir_batch *batch)
{
    weir_batch *copy = weir__batch_share_columns(batch);
    for (uint32_t i = 0; i < batch->pin_count; i++) {
        weir_pin_retain(batch->pins[i]);
        weir__batch_add_pin(copy, batch->pins[i]);
    }
    return copy;
}

static void copy_column(weir__pool *pool, weir__buffer **buffer, const void **column, size_t size)
{
    if (!*column)
        return;
    *buffer = weir__pool_get(pool, size);
    *column = memcpy(weir__buffer_data(*buffer), *column, size);
}

static weir_batch *copy(const weir_batch *batch, weir__pool *pool, size_t strings)
{
    weir_batch *out = weir__batch_create(batch->type, batch->depth);
    size_t count = out->count = batch->count;
    const void *diffs = batch->diffs, *times = batch->times, *hashes = batch->hashes;
    out->time = batch->time;
    out->records = batch->records;
    copy_column(pool, &out->record_buffer, &out->records, count * batch->type->size);
    copy_column(pool, &out->diff_buffer, &diffs, count * sizeof *out->diffs);
    copy_column(pool, &out->time_buffer, &times, count * batch->depth * sizeof *out->times);
    copy_column(pool, &out->hash_buffer, &hashes, count * sizeof *out->hashes);
    out->diffs = diffs;
    out->times = times;
    out->hashes = hashes;
    if (strings) {
        weir_pin *pin;
        char *room = weir__pin_room(pool, strings, &pin);
        weir__batch_add_pin(out, pin);
        for (size_t i = 0; i < count; i++)
            room = weir_record_move_strings(batch->type, (char *)out->records +
                                                             i * batch->type->size, room);
    }
    weir__batch_charge(out);
    return out;
}

weir_batch *weir__batch_without_waste(weir_batch *batch, weir__pool *pool)
{
    enum { LEAST = 2048 }; /* buffers have a least size, for which this makes up */
    size_t per_record = batch->type->size + (batch->diffs ? sizeof *batch->diffs : 0) +
                        (batch->times ? batch->depth * sizeof *batch->times : 0) +
                        (batch->hashes ? sizeof *batch->hashes : 0);
    size_t used = batch->count * per_record + LEAST, strings = 0;
    if (WEIR_LIKELY(batch->bytes <= 4 * used))
        return batch;
    for (size_t i = 0; batch->pin_count && i < batch->count; i++)
        strings += weir_record_heap_size(batch->type, weir_batch_record(batch, i));
    if (batch->bytes <= 4 * (used + strings))
        return batch;
    weir_batch *out = copy(batch, pool, strings);
    weir_batch_release(batch);
    return out;
}

weir_batch *weir_batch_retain(const weir_batch *batch)
{
    weir_batch *b = (weir_batch *)batch; /* the count is not part of what is constant */
    __atomic_fetch_add(&b->refs, 1, __ATOMIC_RELAXED);
    return b;
}

void weir_batch_release(weir_batch *batch)
{
    if (!batch)
        return;
    if (__atomic_load_n(&batch->refs, __ATOMIC_ACQUIRE) != 1 &&
        __atomic_fetch_sub(&batch->refs, 1, __ATOMIC_ACQ_REL) != 1)
        return;
    if (batch->record_buffer)
        weir__buffer_release(batch->record_buffer);
    if (batch->diff_buffer)
        weir__buffer_release(batch->diff_buffer);
    if (batch->time_buffer)
        weir__buffer_release(batch->time_buffer);
    if (batch->hash_buffer)
        weir__buffer_release(batch->hash_buffer);
    for (uint32_t i = 0; i < batch->pin_count; i++)
        weir_pin_release(batch->pins[i]);
    if (batch->pins)
        weir_free(batch->pins, batch->pin_capacity * sizeof *batch->pins);
    give_header(batch);
}

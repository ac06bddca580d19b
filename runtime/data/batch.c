/* SPDX-License-Identifier: Apache-2.0
 *
 * Batches: headers, their shared columns and pins. Owns the memory of headers; the columns' is the
 * pools' (data/pool.h).
 */
#include <string.h>

#include "base/assert.h"
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

weir_batch *weir__batch_create(const weir_type *type, uint32_t depth)
{
    weir_batch *batch = weir_alloc_must(sizeof *batch);
    memset(batch, 0, sizeof *batch);
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
    if (batch->record_buffer)
        bytes += batch->record_buffer->size;
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

weir_batch *weir__batch_share(const weir_batch *batch)
{
    weir_batch *copy = weir_alloc_must(sizeof *copy);
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
    for (uint32_t i = 0; i < batch->pin_count; i++) {
        weir_pin_retain(batch->pins[i]);
        weir__batch_add_pin(copy, batch->pins[i]);
    }
    return copy;
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
    weir_free(batch, sizeof *batch);
}

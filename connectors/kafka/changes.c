/* SPDX-License-Identifier: Apache-2.0
 *
 * See changes.h. An epoch's changes are found by key, those of a key chained. At the end the few
 * changes of a key are sorted by record: equal records lie together and their diffs are added up.
 * What is left are the records that the key lost and the one that it has now.
 */
#include <stdlib.h>
#include <string.h>

#include <weir/memory.h>

#include "kafka/changes.h"

static weir__kafka_epoch_changes *find_epoch(weir__kafka_changes *c, uint64_t epoch, bool *is_new)
{
    size_t at = c->count;
    while (at > 0 && c->epochs[at - 1].epoch > epoch)
        at--;
    *is_new = at == 0 || c->epochs[at - 1].epoch != epoch;
    if (!*is_new)
        return &c->epochs[at - 1];
    if (c->count == c->capacity) {
        size_t capacity = c->capacity ? 2 * c->capacity : 4;
        c->epochs = weir_realloc_must(c->epochs, c->capacity * sizeof *c->epochs,
                                      capacity * sizeof *c->epochs);
        c->capacity = capacity;
    }
    memmove(&c->epochs[at + 1], &c->epochs[at], (c->count - at) * sizeof *c->epochs);
    c->epochs[at] = (weir__kafka_epoch_changes){ .epoch = epoch };
    c->count++;
    return &c->epochs[at];
}

static void keep_batch(weir__kafka_changes *c, weir__kafka_epoch_changes *e,
                       const weir_batch *batch)
{
    if (e->batch_count && e->batches[e->batch_count - 1] == batch)
        return;
    if (e->batch_count == e->batch_capacity) {
        size_t capacity = e->batch_capacity ? 2 * e->batch_capacity : 4;
        e->batches = weir_realloc_must(e->batches, e->batch_capacity * sizeof *e->batches,
                                       capacity * sizeof *e->batches);
        e->batch_capacity = capacity;
    }
    e->batches[e->batch_count++] = weir_batch_retain(batch);
    c->bytes += (int64_t)batch->bytes;
}

/* The slot of a change's key, or the one where it belongs. */
static size_t *slot_of(const weir__kafka_changes *c, const weir__kafka_epoch_changes *e,
                       const weir__kafka_change *change)
{
    size_t mask = 2 * e->capacity - 1, at = change->hash & mask;
    for (; e->slots[at]; at = (at + 1) & mask) {
        const weir__kafka_change *last = &e->list[e->slots[at] - 1];
        if (last->hash == change->hash &&
            weir_key_equal(c->type, &c->key, last->record, change->record))
            break;
    }
    return &e->slots[at];
}

static void grow(weir__kafka_changes *c, weir__kafka_epoch_changes *e)
{
    size_t capacity = e->capacity ? 2 * e->capacity : 64, mask = 2 * capacity - 1;
    size_t *slots = weir_alloc_must(2 * capacity * sizeof *slots);
    memset(slots, 0, 2 * capacity * sizeof *slots);
    e->list = weir_realloc_must(e->list, e->capacity * sizeof *e->list,
                                capacity * sizeof *e->list);
    for (size_t i = 0; i < 2 * e->capacity; i++) {
        if (!e->slots[i])
            continue;
        size_t at = e->list[e->slots[i] - 1].hash & mask;
        while (slots[at])
            at = (at + 1) & mask;
        slots[at] = e->slots[i];
    }
    weir_free(e->slots, 2 * e->capacity * sizeof *slots);
    e->slots = slots;
    c->bytes += (int64_t)((capacity - e->capacity) * (sizeof *e->list + 2 * sizeof *slots));
    e->capacity = capacity;
}

static void add_change(weir__kafka_changes *c, weir__kafka_epoch_changes *e,
                       weir__kafka_change change)
{
    if (e->count == e->capacity)
        grow(c, e);
    size_t *slot = slot_of(c, e, &change);
    change.before = *slot;
    e->list[e->count++] = change;
    *slot = e->count;
}

void weir__kafka_changes_add(weir__kafka_changes *c, const weir_batch *batch,
                             void (*opened)(uint64_t epoch, void *ctx), void *ctx)
{
    if (batch->count > c->hash_capacity) {
        c->hashes = weir_realloc_must(c->hashes, c->hash_capacity * sizeof *c->hashes,
                                      batch->count * sizeof *c->hashes);
        c->hash_capacity = batch->count;
    }
    weir_key_hash_column(c->type, &c->key, batch->records, batch->count, c->seed, c->hashes);
    weir__kafka_epoch_changes *e = NULL;
    for (size_t i = 0; i < batch->count; i++) {
        uint64_t epoch = batch->times ? batch->times[i * batch->depth] : batch->time.at[0];
        if (!e || e->epoch != epoch) {
            bool is_new;
            e = find_epoch(c, epoch, &is_new);
            if (is_new)
                opened(epoch, ctx);
            keep_batch(c, e, batch);
        }
        add_change(c, e, (weir__kafka_change){ .hash = c->hashes[i],
                                               .record = weir_batch_record(batch, i),
                                               .diff = weir_batch_diff(batch, i) });
    }
}

bool weir__kafka_changes_first(const weir__kafka_changes *c, uint64_t *epoch)
{
    if (c->count)
        *epoch = c->epochs[0].epoch;
    return c->count > 0;
}

static int compare(const void *a, const void *b, void *ctx)
{
    const weir__kafka_changes *c = ctx;
    const weir__kafka_change *x = a, *y = b;
    return weir_record_compare(c->type, x->record, y->record);
}

static void forget_first(weir__kafka_changes *c)
{
    weir__kafka_epoch_changes *e = &c->epochs[0];
    for (size_t i = 0; i < e->batch_count; i++) {
        c->bytes -= (int64_t)e->batches[i]->bytes;
        weir_batch_release(e->batches[i]);
    }
    c->bytes -= (int64_t)(e->capacity * (sizeof *e->list + 2 * sizeof *e->slots));
    weir_free(e->list, e->capacity * sizeof *e->list);
    weir_free(e->slots, 2 * e->capacity * sizeof *e->slots);
    weir_free(e->batches, e->batch_capacity * sizeof *e->batches);
    memmove(&c->epochs[0], &c->epochs[1], --c->count * sizeof *c->epochs);
}

/* The changes of the key in a slot, into c->one, ordered by record. */
static size_t take_key(weir__kafka_changes *c, const weir__kafka_epoch_changes *e, size_t slot)
{
    size_t count = 0;
    for (size_t at = e->slots[slot]; at; at = e->list[at - 1].before) {
        if (count == c->one_capacity) {
            size_t capacity = count ? 2 * count : 16;
            c->one = weir_realloc_must(c->one, count * sizeof *c->one, capacity * sizeof *c->one);
            c->one_capacity = capacity;
        }
        c->one[count++] = e->list[at - 1];
    }
    if (count > 1)
        qsort_r(c->one, count, sizeof *c->one, compare, c);
    return count;
}

/* What became of the key whose changes are in c->one; false if they cancel out. */
static bool sum_up(const weir__kafka_changes *c, size_t count, uint64_t epoch,
                   weir__kafka_outcome *outcome)
{
    const void *newest = NULL, *lost = NULL;
    bool ambiguous = false;
    for (size_t i = 0, from; i < count;) {
        __extension__ __int128 sum = 0;
        for (from = i; i < count &&
                       weir_record_equal(c->type, c->one[from].record, c->one[i].record); i++)
            sum += c->one[i].diff;
        ambiguous |= sum > 1 || (sum > 0 && newest);
        if (sum > 0)
            newest = c->one[from].record;
        else if (sum < 0)
            lost = c->one[from].record;
    }
    *outcome = (weir__kafka_outcome){ newest ? newest : lost, c->one[0].hash, epoch, !newest,
                                      ambiguous };
    return newest || lost;
}

bool weir__kafka_changes_next(weir__kafka_changes *c, weir__kafka_outcome *outcome)
{
    weir__kafka_epoch_changes *e = &c->epochs[0];
    while (e->next < 2 * e->capacity) {
        size_t count = take_key(c, e, e->next++);
        if (count > 0 && sum_up(c, count, e->epoch, outcome))
            return true;
    }
    forget_first(c);
    return false;
}

void weir__kafka_changes_fini(weir__kafka_changes *c)
{
    while (c->count)
        forget_first(c);
    weir_free(c->epochs, c->capacity * sizeof *c->epochs);
    weir_free(c->hashes, c->hash_capacity * sizeof *c->hashes);
    weir_free(c->one, c->one_capacity * sizeof *c->one);
}

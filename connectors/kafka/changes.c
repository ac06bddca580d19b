/* SPDX-License-Identifier: Apache-2.0
 *
 * See changes.h. An epoch's changes are sorted once, by the hash of the key, the key and the
 * record: equal records lie together and their diffs are added up. What is left of a key are the
 * records that it lost and the one that it has now.
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

static void add_change(weir__kafka_changes *c, weir__kafka_epoch_changes *e,
                       const weir__kafka_change *change)
{
    if (e->count == e->capacity) {
        size_t capacity = e->capacity ? 2 * e->capacity : 64;
        e->list = weir_realloc_must(e->list, e->capacity * sizeof *e->list,
                                    capacity * sizeof *e->list);
        c->bytes += (int64_t)((capacity - e->capacity) * sizeof *e->list);
        e->capacity = capacity;
    }
    e->list[e->count++] = *change;
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
        add_change(c, e, &(weir__kafka_change){ c->hashes[i], weir_batch_record(batch, i),
                                                weir_batch_diff(batch, i) });
    }
}

bool weir__kafka_changes_first(const weir__kafka_changes *c, uint64_t *epoch)
{
    if (c->count)
        *epoch = c->epochs[0].epoch;
    return c->count > 0;
}

static int compare_keys(const weir__kafka_changes *c, const weir__kafka_change *a,
                        const weir__kafka_change *b)
{
    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    return weir_key_compare(c->type, &c->key, a->record, b->record);
}

static int compare(const void *a, const void *b, void *ctx)
{
    const weir__kafka_changes *c = ctx;
    const weir__kafka_change *x = a, *y = b;
    int order = compare_keys(c, x, y);
    return order ? order : weir_record_compare(c->type, x->record, y->record);
}

static void forget_first(weir__kafka_changes *c)
{
    weir__kafka_epoch_changes *e = &c->epochs[0];
    for (size_t i = 0; i < e->batch_count; i++) {
        c->bytes -= (int64_t)e->batches[i]->bytes;
        weir_batch_release(e->batches[i]);
    }
    c->bytes -= (int64_t)(e->capacity * sizeof *e->list);
    weir_free(e->list, e->capacity * sizeof *e->list);
    weir_free(e->batches, e->batch_capacity * sizeof *e->batches);
    memmove(&c->epochs[0], &c->epochs[1], --c->count * sizeof *c->epochs);
}

/* The changes of one key from e->next on; false if they cancel out. */
static bool next_key(const weir__kafka_changes *c, weir__kafka_epoch_changes *e,
                     weir__kafka_outcome *outcome)
{
    const weir__kafka_change *key = &e->list[e->next];
    const void *newest = NULL, *lost = NULL;
    bool ambiguous = false;
    while (e->next < e->count && compare_keys(c, key, &e->list[e->next]) == 0) {
        const weir__kafka_change *record = &e->list[e->next];
        __extension__ __int128 sum = 0;
        for (; e->next < e->count && compare_keys(c, key, &e->list[e->next]) == 0 &&
               weir_record_equal(c->type, record->record, e->list[e->next].record);
             e->next++)
            sum += e->list[e->next].diff;
        ambiguous |= sum > 1 || (sum > 0 && newest);
        if (sum > 0)
            newest = record->record;
        else if (sum < 0)
            lost = record->record;
    }
    *outcome = (weir__kafka_outcome){ newest ? newest : lost, key->hash, e->epoch, !newest,
                                      ambiguous };
    return newest || lost;
}

bool weir__kafka_changes_next(weir__kafka_changes *c, weir__kafka_outcome *outcome)
{
    weir__kafka_epoch_changes *e = &c->epochs[0];
    if (!e->sorted) {
        qsort_r(e->list, e->count, sizeof *e->list, compare, c);
        e->sorted = true;
    }
    while (e->next < e->count)
        if (next_key(c, e, outcome))
            return true;
    forget_first(c);
    return false;
}

void weir__kafka_changes_fini(weir__kafka_changes *c)
{
    while (c->count)
        forget_first(c);
    weir_free(c->epochs, c->capacity * sizeof *c->epochs);
    weir_free(c->hashes, c->hash_capacity * sizeof *c->hashes);
}

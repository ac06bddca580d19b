/* SPDX-License-Identifier: Apache-2.0
 *
 * See stash.h.
 */
#include "stash.h"

#include <stdlib.h>

/* About a millisecond. */
enum { WORK_OF_A_STEP = 64 << 10 };

void weir__stash_init(weir__stash *stash, bool with_caps, weir_account *account)
{
    *stash = (weir__stash){
        .with_caps = with_caps, .inputs = 1, .limit = WORK_OF_A_STEP, .account = account
    };
    weir__times_init(&stash->dues, 1, sizeof(weir__due));
}

static size_t bytes_of(const weir__kept *kept)
{
    return kept->batch->bytes + (kept->order ? kept->batch->count * sizeof *kept->order : 0);
}

/* The next one that is kept; false: there is none. */
static bool take(weir__stash *stash, weir__due *due, weir__kept *kept)
{
    if (due->taken == due->count)
        return false;
    *kept = due->kept[due->taken++];
    weir_account_add(stash->account, -(int64_t)bytes_of(kept));
    if (due->taken == due->count)
        due->taken = due->count = 0;
    return true;
}

static void kept_free(weir__kept *kept)
{
    if (kept->order)
        weir_free(kept->order, kept->batch->count * sizeof *kept->order);
    weir_batch_release(kept->batch);
}

static void due_free(weir__due *due)
{
    weir_free(due->kept, due->capacity * sizeof *due->kept);
}

void weir__stash_fini(weir__stash *stash)
{
    for (uint32_t i = 0; i < stash->dues.count; i++) {
        weir__due *due = weir__times_at(&stash->dues, i);
        for (weir__kept kept; take(stash, due, &kept);)
            kept_free(&kept);
        due_free(due);
    }
    weir__times_fini(&stash->dues);
}

/* The entry of an epoch, made if there is none. Valid until another one is made. Its capability
 * comes from an earlier entry's, or else from the current batch. */
static weir__due *due_of(weir__stash *stash, weir_step *step, uint64_t epoch)
{
    weir_time time = weir_time_1(epoch);
    weir__due *due = weir__times_find(&stash->dues, &time);
    if (due)
        return due;
    const weir__due *first = weir__stash_first(stash);
    weir_cap cap = WEIR_CAP_NONE;
    if (stash->with_caps)
        cap = first && first->time.at[0] < epoch ? weir_cap_delayed(step, first->cap, &time)
                                                 : weir_cap_retain(step, 0, &time);
    due = weir__times_add(&stash->dues, &time);
    due->cap = cap;
    return due;
}

/* Takes what is kept over. */
static void keep(weir__stash *stash, weir__due *due, const weir__kept *kept)
{
    if (due->count == due->capacity) {
        uint32_t capacity = due->capacity ? 2 * due->capacity : 4;
        due->kept = weir_realloc_must(due->kept, due->capacity * sizeof *due->kept,
                                      capacity * sizeof *due->kept);
        due->capacity = capacity;
    }
    due->kept[due->count++] = *kept;
    weir_account_add(stash->account, (int64_t)bytes_of(kept));
}

static int by_time(const void *a, const void *b, void *times)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    uint64_t of_x = ((const uint64_t *)times)[x], of_y = ((const uint64_t *)times)[y];
    return of_x != of_y ? (of_x > of_y) - (of_x < of_y) : (x > y) - (x < y);
}

/* Puts the records in the order of their times, so that each is looked at once, whatever else the
 * batch has. */
static weir__kept put_in_order(const weir_batch *batch)
{
    weir__kept kept = { .batch = weir_batch_retain(batch) };
    size_t i = 1, count = batch->times ? batch->count : 0;
    while (i < count && batch->times[i - 1] <= batch->times[i])
        i++;
    if (i >= count)
        return kept;
    kept.order = weir_alloc_must(count * sizeof *kept.order);
    for (i = 0; i < count; i++)
        kept.order[i] = (uint32_t)i;
    qsort_r(kept.order, count, sizeof *kept.order, by_time, (void *)batch->times);
    return kept;
}

static inline size_t record_at(const weir__kept *kept, size_t i)
{
    return kept->order ? kept->order[i] : i;
}

/* Works on its records of one epoch: those that lie together at once. */
static void work_pieces(weir__stash *stash, weir__kept *kept, uint64_t epoch, weir__piece_fn *fn,
                        void *ctx)
{
    const weir_batch *batch = kept->batch;
    size_t before = kept->done, left;
    while (kept->done < batch->count) {
        size_t from = record_at(kept, kept->done), to = from;
        while (kept->done < batch->count && record_at(kept, kept->done) == to &&
               (!batch->times || batch->times[to] == epoch)) {
            kept->done++;
            to++;
        }
        if (to == from)
            break; /* of a later epoch */
        fn(batch, from, to, ctx);
    }
    left = kept->done - before;
    stash->left -= left < stash->left ? left : stash->left;
}

/* Works on the records of the earliest epoch, which the batch may have, and keeps the rest. */
static void work(weir__stash *stash, weir_step *step, weir__kept *kept, weir__piece_fn *fn,
                 void *ctx)
{
    const weir_batch *batch = kept->batch;
    if (batch->times) {
        work_pieces(stash, kept, weir__stash_epoch(stash), fn, ctx);
    } else {
        stash->left -= batch->count < stash->left ? batch->count : stash->left;
        fn(batch, 0, batch->count, ctx);
        kept->done = batch->count;
    }
    if (kept->done < batch->count)
        keep(stash, due_of(stash, step, batch->times[record_at(kept, kept->done)]), kept);
    else
        kept_free(kept);
}

static bool is_spent(const weir__stash *stash, weir_step *step)
{
    if (stash->left > 0 && !weir_step_spent(step))
        return false;
    weir_step_again(step);
    return true;
}

void weir__stash_touch(weir__stash *stash, weir_step *step, uint64_t epoch)
{
    (void)due_of(stash, step, epoch);
}

/* Whether nothing before the epoch can come, or nothing of it either. */
static bool is_complete(const weir__stash *stash, const weir_step *step, uint64_t epoch, bool too)
{
    for (unsigned i = 0; i < stash->inputs; i++)
        if (!weir__complete(step, i, epoch) && (too || weir__complete_before(step, i) < epoch))
            return false;
    return true;
}

bool weir__stash_feed(weir__stash *stash, weir_step *step, weir__piece_fn *fn, void *ctx)
{
    const weir_batch *batch;
    stash->left = stash->limit;
    while ((batch = weir_step_take(step, 0))) {
        uint64_t epoch = batch->time.at[0];
        weir__due *due = due_of(stash, step, epoch);
        weir__kept kept = put_in_order(batch);
        if (due == weir__stash_first(stash) && is_complete(stash, step, epoch, false))
            work(stash, step, &kept, fn, ctx);
        else
            keep(stash, due, &kept);
        if (is_spent(stash, step))
            return false;
    }
    return true;
}

bool weir__stash_complete(weir__stash *stash, weir_step *step, weir__piece_fn *fn, void *ctx)
{
    if (!weir__stash_first(stash))
        return false;
    uint64_t epoch = weir__stash_epoch(stash);
    if (!is_complete(stash, step, epoch, false))
        return false;
    for (weir__kept kept; take(stash, weir__times_at(&stash->dues, 0), &kept);) {
        work(stash, step, &kept, fn, ctx);
        if (is_spent(stash, step))
            return false;
    }
    return is_complete(stash, step, epoch, true);
}

void weir__stash_move_since(const weir__stash *stash, weir_step *step, weir_trace_reader *reader)
{
    const weir__due *first = weir__stash_first(stash);
    uint64_t epoch = weir__complete_before(step, 0);
    weir_frontier since;
    weir_frontier_init(&since, 1);
    if (first || !weir_frontier_is_empty(weir_step_frontier(step, 0))) {
        epoch = first && first->time.at[0] < epoch ? first->time.at[0] : epoch;
        weir_frontier_insert(&since, &(weir_time){ { epoch > 0 ? epoch - 1 : 0 } });
    }
    weir_trace_reader_advance(reader, &since);
    weir_frontier_fini(&since);
}

void weir__stash_done(weir__stash *stash, weir_step *step)
{
    weir__due *due = weir__times_at(&stash->dues, 0);
    if (due->cap != WEIR_CAP_NONE)
        weir_cap_drop(step, due->cap);
    due_free(due);
    weir__times_drop_first(&stash->dues);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * See stash.h.
 */
#include "stash.h"

/* About a millisecond. */
enum { WORK_OF_A_STEP = 64 << 10 };

void weir__stash_init(weir__stash *stash, bool with_caps, weir_account *account)
{
    *stash = (weir__stash){
        .with_caps = with_caps, .inputs = 1, .limit = WORK_OF_A_STEP, .account = account
    };
}

static weir_batch *take(weir__stash *stash, weir__due *due)
{
    if (due->taken == due->count)
        return NULL;
    weir_batch *batch = due->batches[due->taken++];
    weir_account_add(stash->account, -(int64_t)batch->bytes);
    if (due->taken == due->count)
        due->taken = due->count = 0;
    return batch;
}

static void due_free(weir__due *due)
{
    weir_free(due->batches, due->capacity * sizeof(weir_batch *));
}

void weir__stash_fini(weir__stash *stash)
{
    for (uint32_t i = 0; i < stash->count; i++) {
        weir_batch *batch;
        while ((batch = take(stash, &stash->dues[i])))
            weir_batch_release(batch);
        due_free(&stash->dues[i]);
    }
    weir_free(stash->dues, stash->capacity * sizeof *stash->dues);
    *stash = (weir__stash){ .dues = NULL };
}

/* Index of the first entry whose epoch is not after this one. */
static uint32_t find(const weir__stash *stash, uint64_t epoch)
{
    uint32_t low = 0, high = stash->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (stash->dues[middle].epoch > epoch)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The entry of an epoch, made if there is none. Valid until another one is made. Its capability
 * comes from an earlier entry's, or else from the current batch. */
static weir__due *due_of(weir__stash *stash, weir_step *step, uint64_t epoch)
{
    uint32_t at = find(stash, epoch);
    if (at < stash->count && stash->dues[at].epoch == epoch)
        return &stash->dues[at];
    if (stash->count == stash->capacity) {
        uint32_t capacity = stash->capacity ? 2 * stash->capacity : 8;
        stash->dues = weir_realloc_must(stash->dues, stash->capacity * sizeof *stash->dues,
                                        capacity * sizeof *stash->dues);
        stash->capacity = capacity;
    }
    weir__due *due = &stash->dues[at];
    weir_time time = weir_time_1(epoch);
    weir_cap cap = WEIR_CAP_NONE;
    if (stash->with_caps)
        cap = at < stash->count ? weir_cap_delayed(step, due->cap, &time)
                                : weir_cap_retain(step, 0, &time);
    memmove(due + 1, due, (stash->count - at) * sizeof *due);
    stash->count++;
    *due = (weir__due){ .epoch = epoch, .cap = cap };
    return due;
}

static void keep(weir__stash *stash, weir__due *due, const weir_batch *batch)
{
    if (due->count == due->capacity) {
        uint32_t capacity = due->capacity ? 2 * due->capacity : 4;
        due->batches = weir_realloc_must(due->batches, due->capacity * sizeof(weir_batch *),
                                         capacity * sizeof(weir_batch *));
        due->capacity = capacity;
    }
    due->batches[due->count++] = weir_batch_retain(batch);
    weir_account_add(stash->account, (int64_t)batch->bytes);
}

/* The least of the records' times that is after `epoch`; UINT64_MAX if there is none. */
static uint64_t next_epoch(const weir_batch *batch, uint64_t epoch)
{
    uint64_t next = UINT64_MAX;
    for (size_t i = 0; batch->times && i < batch->count; i++)
        if (batch->times[i] > epoch && batch->times[i] < next)
            next = batch->times[i];
    return next;
}

/* Works on the records of the earliest epoch, which the batch may have, and keeps the rest. */
static void work(weir__stash *stash, weir_step *step, const weir_batch *batch, weir__piece_fn *fn,
                 void *ctx)
{
    uint64_t epoch = weir__stash_first(stash)->epoch;
    stash->left -= batch->count < stash->left ? batch->count : stash->left;
    if (!batch->times) {
        fn(batch, 0, batch->count, ctx);
        return;
    }
    for (size_t from = 0, to; from < batch->count; from = to + 1) {
        for (to = from; to < batch->count && batch->times[to] == epoch; to++)
            ;
        if (to > from)
            fn(batch, from, to, ctx);
    }
    uint64_t next = next_epoch(batch, epoch);
    if (next < UINT64_MAX)
        keep(stash, due_of(stash, step, next), batch);
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

static uint64_t complete_before(const weir__stash *stash, const weir_step *step)
{
    uint64_t complete = UINT64_MAX;
    for (unsigned i = 0; i < stash->inputs; i++) {
        uint64_t of_input = weir__complete_before(step, i);
        complete = of_input < complete ? of_input : complete;
    }
    return complete;
}

bool weir__stash_feed(weir__stash *stash, weir_step *step, weir__piece_fn *fn, void *ctx)
{
    uint64_t complete = complete_before(stash, step);
    const weir_batch *batch;
    stash->left = stash->limit;
    while ((batch = weir_step_take(step, 0))) {
        uint64_t epoch = batch->time.at[0];
        weir__due *due = due_of(stash, step, epoch);
        if (due == weir__stash_first(stash) && epoch <= complete)
            work(stash, step, batch, fn, ctx);
        else
            keep(stash, due, batch);
        if (is_spent(stash, step))
            return false;
    }
    return true;
}

bool weir__stash_complete(weir__stash *stash, weir_step *step, weir__piece_fn *fn, void *ctx)
{
    uint64_t complete = complete_before(stash, step);
    weir_batch *batch;
    if (stash->count == 0 || weir__stash_first(stash)->epoch > complete)
        return false;
    while ((batch = take(stash, &stash->dues[stash->count - 1]))) {
        work(stash, step, batch, fn, ctx);
        weir_batch_release(batch);
        if (is_spent(stash, step))
            return false;
    }
    return weir__stash_first(stash)->epoch < complete;
}

void weir__stash_done(weir__stash *stash, weir_step *step)
{
    weir__due *due = &stash->dues[--stash->count];
    if (due->cap != WEIR_CAP_NONE)
        weir_cap_drop(step, due->cap);
    due_free(due);
}

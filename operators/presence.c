/* SPDX-License-Identifier: Apache-2.0
 *
 * See presence.h.
 */
#include "presence.h"

#include <string.h>

enum { GROUP = 512, AHEAD = 16, BITS_MAX = 20 };

weir_status weir__presence_init(weir__presence *p, const weir_type *type, weir_step *step,
                                weir_error *error)
{
    weir_table_options options = { .struct_size = sizeof options,
                                   .type = type,
                                   .value_size = sizeof(weir__present),
                                   .hash_seed = weir_step_hash_seed(step),
                                   .parts = weir_step_workers(step),
                                   .account = weir_step_account(step) };
    *p = (weir__presence){ .account = options.account };
    weir_status status = weir_key_all(type, &options.key, error);
    return status ? status : weir_table_create(&p->table, &options, error);
}

void weir__presence_fini(weir__presence *p)
{
    weir_table_destroy(p->table);
    weir_free(p->touched, p->touched_capacity * sizeof *p->touched);
    weir_free(p->turned, p->turned_capacity * sizeof *p->turned);
}

static void *grown(weir__presence *p, void *array, size_t *capacity, size_t wanted, size_t size)
{
    size_t more = wanted + *capacity;
    void *result = weir_realloc(array, *capacity * size, more * size);
    if (!result) {
        p->failed = WEIR_NO_MEMORY;
        return NULL;
    }
    weir_account_add(p->account, (int64_t)((more - *capacity) * size));
    *capacity = more;
    return result;
}

/* ---- adding ---- */

static void add_group(weir__presence *p, const weir_batch *batch, size_t from, size_t n)
{
    void *keys[GROUP];
    const uint64_t *hashes = batch->hashes ? batch->hashes + from : NULL;
    size_t done =
        weir_table_insert_many(p->table, weir_batch_record(batch, from), hashes, n, keys);
    for (size_t i = 0; i < done; i++) {
        weir__present *key = keys[i];
        p->touched[p->touched_count] = key;
        p->touched_count += !key->touched;
        key->touched = true;
        int64_t diff = weir_batch_diff(batch, from + i);
        if (WEIR_UNLIKELY(__builtin_add_overflow(key->count, diff, &key->count)))
            key->wrapped += diff > 0 ? 1 : -1;
    }
    if (done < n)
        p->failed = WEIR_NO_MEMORY;
}

void weir__presence_add(weir__presence *p, const weir_batch *batch, size_t from, size_t to)
{
    for (size_t n; from < to && !p->failed; from += n) {
        n = to - from < GROUP ? to - from : GROUP;
        if (p->touched_capacity - p->touched_count < n) {
            weir__present **touched =
                grown(p, p->touched, &p->touched_capacity, GROUP, sizeof *touched);
            if (!touched)
                return;
            p->touched = touched;
        }
        add_group(p, batch, from, n);
    }
}

/* ---- the turn of an epoch ---- */

static void insertion_sort(weir__turned *t, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        weir__turned moving = t[i];
        size_t at = i;
        for (; at > 0 && t[at - 1].hash > moving.hash; at--)
            t[at] = t[at - 1];
        t[at] = moving;
    }
}

/* By as many leading bits of the hashes as there are keys, then by insertion: hashes are even. */
static bool sort(weir__presence *p)
{
    weir__turned *t = p->turned;
    size_t n = p->turned_count;
    uint64_t low = UINT64_MAX, high = 0;
    unsigned bits = 1, shift = 0;
    for (size_t i = 0; i < n; i++) {
        low = t[i].hash < low ? t[i].hash : low;
        high = t[i].hash > high ? t[i].hash : high;
    }
    while (bits < BITS_MAX && n >> bits)
        bits++;
    while (n > 0 && (high - low) >> shift >> bits)
        shift++;
    size_t bytes = ((size_t)1 << bits) * sizeof(uint32_t);
    uint32_t *starts = weir_alloc_zero(bytes), sum = 0;
    weir__turned *sorted = weir_alloc(n * sizeof *sorted);
    if (starts && sorted) {
        for (size_t i = 0; i < n; i++)
            starts[(t[i].hash - low) >> shift]++;
        for (size_t d = 0; d < (size_t)1 << bits; d++) {
            uint32_t count = starts[d];
            starts[d] = sum;
            sum += count;
        }
        for (size_t i = 0; i < n; i++)
            sorted[starts[(t[i].hash - low) >> shift]++] = t[i];
        memcpy(t, sorted, n * sizeof *t);
        insertion_sort(t, n);
    }
    bool ok = starts && sorted;
    weir_free(starts, bytes);
    weir_free(sorted, n * sizeof *sorted);
    return ok;
}

static bool note_turned(weir__presence *p, weir__present *key)
{
    if (p->turned_count == p->turned_capacity) {
        weir__turned *turned =
            grown(p, p->turned, &p->turned_capacity, GROUP, sizeof *turned);
        if (!turned)
            return false;
        p->turned = turned;
    }
    p->turned[p->turned_count++] = (weir__turned){ weir_table_hash(p->table, key), key };
    return true;
}

bool weir__presence_turn(weir__presence *p, bool list, size_t *left)
{
    for (; p->at < p->touched_count && !p->failed; p->at++, --*left) {
        if (*left == 0)
            return false;
        weir__present *key = p->touched[p->at];
        if (p->at + AHEAD < p->touched_count)
            __builtin_prefetch(p->touched[p->at + AHEAD]);
        if (WEIR_UNLIKELY(key->wrapped != 0)) {
            p->failed = WEIR_OVERFLOWED;
            p->at_fault = key;
            return true;
        }
        bool is = key->count > 0;
        if (list && is != key->is && !note_turned(p, key))
            return true;
        key->is = is;
    }
    if (!p->failed && p->turned_count > 0 && !sort(p))
        p->failed = WEIR_NO_MEMORY;
    return true;
}

void weir__presence_settle(weir__presence *p)
{
    for (size_t i = 0; i < p->touched_count; i++) {
        weir__present *key = p->touched[i];
        if (i + AHEAD < p->touched_count)
            __builtin_prefetch(p->touched[i + AHEAD]);
        key->touched = false;
        if (key->count == 0)
            weir_table_remove(p->table, key);
    }
    p->touched_count = p->turned_count = p->at = 0;
}

void weir__presence_fail(const weir__presence *p, weir_step *step)
{
    char key[256];
    if (p->failed == WEIR_NO_MEMORY) {
        weir_step_fail(step, WEIR_NO_MEMORY, "no memory for more than %zu keys",
                       weir_table_count(p->table));
        return;
    }
    weir_record_text(weir_table_key_type(p->table), weir_table_key(p->table, p->at_fault), key,
                     sizeof key);
    weir_step_fail(step, p->failed, "the number of records of %s leaves the range of 64 bits", key);
}

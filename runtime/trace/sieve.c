/* SPDX-License-Identifier: Apache-2.0
 *
 * See sieve.h. Bits are never cleared: when there is no more room for keys, all are set anew from
 * the runs that there are.
 */
#include "trace/sieve.h"

#include <weir/memory.h>

enum {
    KEYS_MAX = 1 << 16,
    KEYS_MIN = 1 << 8,
    BITS_A_KEY = 16 /* at least, when a sieve is made: so that one in sixteen passes in vain */
};

void weir__sieve_fini(weir__sieve *s)
{
    weir_free(s->bits, s->size);
    *s = (weir__sieve){ .is_off = true };
}

static void set_bits(weir__sieve *s, const weir_trace_run *run)
{
    for (uint32_t i = 0; i < run->key_count; i++) {
        uint64_t bit = run->hashes[i] >> s->shift;
        s->bits[bit / 64] |= UINT64_C(1) << bit % 64;
    }
    s->keys += run->key_count;
}

static size_t room_of(const weir__sieve *s)
{
    return s->size * 8 / (BITS_A_KEY / 2);
}

void weir__sieve_add(weir__sieve *s, const weir_trace_run *run)
{
    if (run->segment)
        weir__sieve_fini(s);
    if (s->is_off || !s->bits || s->is_behind)
        return;
    s->is_behind = run->key_count > room_of(s) - s->keys;
    if (!s->is_behind)
        set_bits(s, run);
}

/* All bits anew, for so many keys. False: no memory. */
static bool make(weir__sieve *s, size_t keys)
{
    unsigned bits = 6;
    while ((size_t)1 << bits < keys * BITS_A_KEY)
        bits++;
    size_t size = ((size_t)1 << bits) / 8;
    weir_free(s->bits, s->size);
    s->bits = weir_alloc_zero(size);
    s->size = s->bits ? size : 0;
    s->shift = 64 - bits;
    s->keys = 0;
    s->is_behind = false;
    return s->bits;
}

bool weir__sieve_ready(weir__sieve *s, const weir_trace_runs *runs)
{
    size_t keys = 0;
    if (s->is_off)
        return false;
    if (s->bits && !s->is_behind)
        return true;
    for (uint32_t i = 0; i < runs->count; i++)
        keys += runs->runs[i]->segment ? KEYS_MAX + 1 : runs->runs[i]->key_count;
    if (keys > KEYS_MAX) {
        weir__sieve_fini(s);
        return false;
    }
    if (!make(s, keys > KEYS_MIN ? keys : KEYS_MIN))
        return false;
    for (uint32_t i = 0; i < runs->count; i++)
        set_bits(s, runs->runs[i]);
    return true;
}

uint32_t weir__sieve_pick(const weir__sieve *s, const weir_trace_run *run, uint32_t *picked)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < run->key_count; i++) {
        uint64_t bit = run->hashes[i] >> s->shift;
        picked[count] = i;
        count += s->bits[bit / 64] >> bit % 64 & 1;
    }
    return count;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the first look at what a file holds: each block of it is held against its checksum when
 * something in it is read for the first time, and asked for in a way that answers where the file
 * is shorter by now, or the disk fails. What a kernel reads of a run in a file, it asks for here;
 * runs in memory are sound.
 */
#include "trace/segment.h"

/* Whether bytes of a column are as they were written: of one that the run does not have they are,
 * and of times that lie behind its head. */
static bool sound(const weir_trace_run *run, const void *at, uint64_t bytes)
{
    const weir__segment *segment = run->segment;
    uint64_t from = (uint64_t)((uintptr_t)at - (uintptr_t)weir__segment_columns(segment));
    if (bytes == 0 || !at || from >= segment->used)
        return true;
    for (uint64_t b = from / WEIR__SEGMENT_BLOCK; b <= (from + bytes - 1) / WEIR__SEGMENT_BLOCK;
         b++) {
        uint64_t checked = __atomic_load_n(&segment->checked[b / 64], __ATOMIC_RELAXED);
        if (WEIR_UNLIKELY(!(checked >> b % 64 & 1)) && !weir__segment_check_block(segment, b))
            return false;
    }
    return true;
}

#define SOUND(run, column, at, count)                                                              \
    (!(run)->column ||                                                                             \
     sound(run, (run)->column + (at), (uint64_t)(count) * sizeof *(run)->column))

static bool packed_sound(const weir_trace_run *run, const weir__pack *pack, char *packed)
{
    if (!sound(run, packed, pack->type.size))
        return false;
    for (uint32_t i = 0; i < pack->string_count; i++) {
        const weir_str *s = weir__pack_string(pack, packed, i);
        if (!weir_str_is_inline(s) && !sound(run, run->heap + weir__str_offset(s), s->len))
            return false;
    }
    return true;
}

bool weir__segment_sound_seek(const weir_trace_run *run, uint64_t hash)
{
    uint32_t low = 0, high = run->key_count;
    if (!SOUND(run, hashes, 0, 1) || !SOUND(run, hashes, high - 1, 1))
        return false;
    if (hash <= run->hashes[0] || hash > run->hashes[high - 1])
        return true;
    if (run->directory) {
        uint64_t stretch = (hash - run->base) >> run->shift;
        if (!SOUND(run, directory, stretch, 2))
            return false;
        low = run->directory[stretch];
        high = run->directory[stretch + 1];
    }
    return SOUND(run, hashes, low, high - low);
}

bool weir__segment_sound_keys(const weir_trace_run *run)
{
    return SOUND(run, value_at, 0, run->key_count + (uint64_t)1);
}

bool weir__segment_sound_key(const weir_trace_run *run, uint32_t key)
{
    const weir__pack *pack = &run->shape->keys;
    return SOUND(run, hashes, key, 1) && SOUND(run, value_at, key, 2) &&
           (!run->keys || packed_sound(run, pack, run->keys + (size_t)key * pack->type.size));
}

bool weir__segment_sound_updates(const weir_trace_run *run, weir__range values)
{
    if (!SOUND(run, update_at, values.at, values.end - values.at + 1))
        return false;
    uint32_t first = weir__run_updates(run, values.at).at;
    uint64_t count = weir__run_updates(run, values.end - 1).end - first;
    uint32_t depth = run->shape->depth;
    return SOUND(run, times, (size_t)first * depth, count * depth) &&
           SOUND(run, diffs, first, count);
}

bool weir__segment_sound_value(const weir_trace_run *run, uint32_t value)
{
    const weir__pack *pack = &run->shape->rests;
    return (!run->rests ||
            packed_sound(run, pack, run->rests + (size_t)value * pack->type.size)) &&
           weir__segment_sound_updates(run, (weir__range){ value, value + 1 });
}

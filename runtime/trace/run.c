/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns shapes and finished runs: their counts, look-up by hash, comparison, and the way back from
 * columns to records. How runs come to be is in write.c, build.c and merge.c.
 */
#include "trace/run.h"

#include "base/assert.h"
#include "trace/segment.h"
#include "trace/trace.h"

/* ---- shapes ---- */

static bool contains(const weir_key *key, uint32_t field)
{
    for (uint32_t i = 0; i < key->count; i++)
        if (key->field[i] == field)
            return true;
    return false;
}

/* The fields outside the key, in the order in which values are compared. False: a field is named
 * twice, or the key is not one of this type. */
static bool order_rest(weir_shape *shape, const weir_shape_spec *spec, uint16_t *rest,
                       uint32_t *count)
{
    const weir_type *type = spec->type;
    *count = 0;
    for (uint32_t i = 0; i < spec->order.count; i++) {
        uint16_t field = spec->order.field[i];
        if (contains(&shape->order, field))
            return false;
        if (contains(&spec->key, field))
            continue; /* all values of a key agree in it */
        shape->descending |= (spec->descending >> i & 1u) << shape->order.count;
        shape->order.field[shape->order.count++] = field;
        rest[(*count)++] = field;
    }
    for (uint32_t f = 0; f < type->field_count; f++)
        if (!contains(&spec->key, f) && !contains(&shape->order, f))
            rest[(*count)++] = (uint16_t)f;
    return spec->key.count > 0 && *count + spec->key.count == type->field_count;
}

weir_status weir_shape_create(weir_shape **result, const weir_shape_spec *spec, weir_error *error)
{
    uint16_t rest[WEIR_FIELDS_MAX + WEIR_KEY_FIELDS_MAX];
    uint32_t count;
    const weir_type *type = spec->type;
    *result = NULL;
    WEIR_ASSERT(spec->depth >= 1 && spec->depth <= WEIR_TIME_COORDS,
                "a trace's times have a depth of 1 to %d, not %u", WEIR_TIME_COORDS, spec->depth);
    weir_shape *shape = weir_alloc_zero(sizeof *shape);
    if (!shape)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for a trace");
    *shape = (weir_shape){ .refs = 1,
                           .depth = spec->depth,
                           .type = type,
                           .key = spec->key,
                           .seed = spec->seed };
    if (!order_rest(shape, spec, rest, &count)) {
        weir_shape_release(shape);
        return weir_error_set(error, WEIR_INVALID, "records '%s' cannot be arranged by this key",
                              type->name);
    }
    shape->bijective = weir_key_is_bijective(type, &spec->key);
    if (weir__pack_init(&shape->keys, type, spec->key.field, spec->key.count) != WEIR_OK ||
        weir__pack_init(&shape->rests, type, rest, count) != WEIR_OK) {
        weir_shape_release(shape);
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for a trace");
    }
    weir__pack_set_descending(&shape->rests, shape->descending);
    *result = shape;
    return WEIR_OK;
}

weir_shape *weir_shape_retain(weir_shape *shape)
{
    __atomic_fetch_add(&shape->refs, 1, __ATOMIC_RELAXED);
    return shape;
}

void weir_shape_release(weir_shape *shape)
{
    if (!shape || __atomic_sub_fetch(&shape->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    weir__pack_fini(&shape->keys);
    weir__pack_fini(&shape->rests);
    weir_free(shape, sizeof *shape);
}

void weir__shape_set_store(weir_shape *shape, weir__store *store)
{
    shape->store = store;
}

const weir_type *weir_shape_type(const weir_shape *shape)
{
    return shape->type;
}

const weir_key *weir_shape_key(const weir_shape *shape)
{
    return &shape->key;
}

unsigned weir_shape_depth(const weir_shape *shape)
{
    return shape->depth;
}

uint64_t weir_shape_hash(const weir_shape *shape, const void *record)
{
    return weir_key_hash(shape->type, &shape->key, record, shape->seed);
}

/* ---- runs ---- */

weir_trace_run *weir_trace_run_retain(weir_trace_run *run)
{
    __atomic_fetch_add(&run->refs, 1, __ATOMIC_RELAXED);
    return run;
}

void weir_trace_run_release(weir_trace_run *run)
{
    if (!run || __atomic_sub_fetch(&run->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    if (run->origin)
        weir_trace_run_release(run->origin);
    else
        weir__segment_destroy(run->segment);
    weir_shape_release(run->shape);
    weir_free(run, run->size);
}

/* Each at or after the time, in a column behind the head. */
static void move_times(const weir_trace_run *from, const weir_time *to, uint64_t *times)
{
    uint32_t depth = from->shape->depth;
    for (uint32_t u = 0; u < from->update_count; u++)
        for (uint32_t i = 0; i < depth; i++) {
            uint64_t at = from->times[(size_t)u * depth + i];
            *times++ = at < to->at[i] ? to->at[i] : at;
        }
}

weir_trace_run *weir__run_moved(weir_trace_run *run, const weir_time *to)
{
    uint32_t depth = run->shape->depth;
    if (weir_time_less_equal(to, &run->meet, depth))
        return weir_trace_run_retain(run);
    weir_time meet = weir_time_join(&run->meet, to, depth);
    weir_time join = weir_time_join(&run->join, to, depth);
    bool same = weir_time_equal(&meet, &join, depth) ||
                !weir__run_sound_updates(run, (weir__range){ 0, run->value_count });
    size_t size = sizeof *run + (same ? 0 : run->update_count * (size_t)depth * 8);
    weir_trace_run *moved = weir_alloc_must(size);
    *moved = *run;
    moved->refs = 1;
    moved->size = size;
    moved->origin = weir_trace_run_retain(run);
    moved->shape = weir_shape_retain(run->shape);
    moved->meet = meet;
    moved->join = join;
    moved->times = same ? NULL : (uint64_t *)(void *)(moved + 1);
    if (!same)
        move_times(run, to, moved->times);
    return moved;
}

weir_time weir_trace_run_meet(const weir_trace_run *run)
{
    return run->meet;
}

weir_time weir_trace_run_join(const weir_trace_run *run)
{
    return run->join;
}

size_t weir_trace_run_updates(const weir_trace_run *run)
{
    return run->update_count;
}

size_t weir_trace_run_keys(const weir_trace_run *run)
{
    return run->key_count;
}

size_t weir_trace_run_bytes(const weir_trace_run *run)
{
    return run->size;
}

weir_trace_runs *weir_trace_runs_retain(weir_trace_runs *list)
{
    __atomic_fetch_add(&list->refs, 1, __ATOMIC_RELAXED);
    return list;
}

void weir_trace_runs_release(weir_trace_runs *list)
{
    if (!list || __atomic_sub_fetch(&list->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    for (uint32_t i = 0; i < list->count; i++)
        weir_trace_run_release(list->runs[i]);
    weir_free(list, sizeof *list + list->count * sizeof *list->runs);
}

/* ---- reading ---- */

uint32_t weir__run_seek(const weir_trace_run *run, uint64_t hash)
{
    uint32_t low = 0, high = run->key_count;
    if (!weir__run_sound_seek(run, hash))
        return high;
    if (hash <= weir__run_hash(run, 0))
        return 0;
    if (hash > weir__run_hash(run, high - 1))
        return high;
    if (run->directory) {
        uint64_t stretch = (hash - run->base) >> run->shift;
        low = run->directory[stretch];
        high = run->directory[stretch + 1];
    }
    for (uint32_t left = high - low; left > 0;) { /* which way is as good as random: no branch */
        uint32_t half = (left + 1) / 2;
        low += half * (weir__run_hash(run, low + half - 1) < hash);
        left -= half;
    }
    return low;
}

int weir__run_compare_keys(const weir_trace_run *a, uint32_t key_a, const weir_trace_run *b,
                           uint32_t key_b)
{
    uint64_t hash_a = weir__run_hash(a, key_a), hash_b = weir__run_hash(b, key_b);
    if (hash_a != hash_b)
        return hash_a < hash_b ? -1 : 1;
    if (a->shape->bijective)
        return 0;
    return weir__pack_compare(&a->shape->keys, weir__run_key(a, key_a), a->heap,
                              weir__run_key(b, key_b), b->heap);
}

int weir__run_compare_values(const weir_trace_run *a, uint32_t value_a, const weir_trace_run *b,
                             uint32_t value_b)
{
    if (a->shape->rests.type.size == 0)
        return 0;
    return weir__pack_compare(&a->shape->rests, weir__run_rest(a, value_a), a->heap,
                              weir__run_rest(b, value_b), b->heap);
}

static void get(const weir__pack *pack, const char *packed, const char *heap, void *record)
{
    weir__pack_to_record(pack, record, packed);
    for (uint32_t i = 0; i < pack->type.field_count && pack->string_count > 0; i++) {
        const weir_field *f = &pack->record->fields[pack->source[i]];
        if (f->kind != WEIR_KIND_str && f->kind != WEIR_KIND_bytes)
            continue;
        weir_str *s = (weir_str *)(void *)((char *)record + f->offset);
        if (!weir_str_is_inline(s))
            s->u.ptr = heap + weir__str_offset(s);
    }
}

void weir__run_get_key(const weir_trace_run *run, uint32_t key, void *record)
{
    const weir_shape *shape = run->shape;
    if (shape->bijective)
        weir_key_unhash(shape->type, &shape->key, weir__run_hash(run, key), shape->seed, record);
    else
        get(&shape->keys, weir__run_key(run, key), run->heap, record);
}

void weir__run_get_rest(const weir_trace_run *run, uint32_t value, void *record)
{
    const weir__pack *rests = &run->shape->rests;
    if (rests->type.size == 0)
        return;
    const char *packed = weir__run_rest(run, value);
    if (rests->type.size == 8 && rests->stretch_count == 1 && rests->stretches[0].size == 8)
        memcpy((char *)record + rests->stretches[0].record, packed, 8);
    else
        get(rests, packed, run->heap, record);
}

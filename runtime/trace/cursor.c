/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns cursors: the runs of a list read as one, key by key, value by value.
 */
#include "trace/cursor.h"

#include "base/assert.h"
#include "base/wide.h"

weir_cursor *weir_cursor_create(weir_trace_run *const *runs, size_t count)
{
    size_t record = count > 0 ? runs[0]->shape->type->size : 0;
    size_t lane = sizeof(weir__place) + sizeof(weir_trace_run *) + sizeof(uint64_t) +
                  sizeof(uint32_t);
    size_t size = sizeof(weir_cursor) + count * lane + record + 16;
    weir_cursor *c = weir_alloc_zero(size);
    if (!c)
        return NULL;
    c->size = size;
    c->count = (uint32_t)count;
    c->lanes = (weir__place *)(void *)(c + 1);
    c->runs = (const weir_trace_run **)(void *)(c->lanes + count);
    c->hashes = (uint64_t *)(void *)(c->runs + count);
    c->order = (uint32_t *)(void *)(c->hashes + count);
    c->record = (char *)(((uintptr_t)(c->order + count) + 15) & ~(uintptr_t)15);
    c->shape = count > 0 ? runs[0]->shape : NULL;
    for (size_t i = 0; i < count; i++)
        c->lanes[i].run = c->runs[i] = runs[i];
    c->ahead = c->count;
    return c;
}

void weir_cursor_destroy(weir_cursor *c)
{
    if (!c)
        return;
    weir_free(c->asked, c->asked_size);
    weir_free(c, c->size);
}

/* A key that was asked for has its own lanes. */
void weir__cursor_restore(weir_cursor *c)
{
    for (uint32_t i = 0; c->was_asked && i < c->count; i++)
        c->lanes[i].run = c->runs[i];
    c->was_asked = false;
}

void weir_cursor_seek(weir_cursor *c, uint64_t hash)
{
    weir__cursor_restore(c);
    for (uint32_t i = 0; i < c->count; i++) {
        weir__place *l = &c->lanes[i];
        *l = (weir__place){ .run = l->run, .next = weir__run_seek(l->run, hash) };
    }
    c->ahead = c->count;
    c->is_found = c->is_placed = false;
    c->key = c->value = NULL;
}

/* Lanes with nothing ahead go to the end, so that they cost nothing. Their order does not matter:
 * all of them are looked at wherever one is chosen. */
static void drop_spent(weir_cursor *c)
{
    for (uint32_t i = 0; i < c->ahead;) {
        weir__place *l = &c->lanes[i];
        l->values = (weir__range){ 0, 0 };
        if (weir__place_has_key(l)) {
            i++;
            continue;
        }
        weir__place spent = *l;
        *l = c->lanes[--c->ahead];
        c->lanes[c->ahead] = spent;
    }
}

bool weir_cursor_next_key(weir_cursor *c)
{
    WEIR_DCHECK(!c->was_asked, "a cursor goes on from a key that was asked for");
    c->key = c->value = NULL;
    c->ahead = c->is_found ? c->count : c->ahead;
    c->is_found = c->is_placed = false;
    drop_spent(c);
    for (uint32_t i = 0; i < c->ahead; i++) {
        weir__place *l = &c->lanes[i];
        if (!c->key || weir__run_compare_keys(l->run, l->next, c->key->run, c->key->next) < 0)
            c->key = l;
    }
    if (!c->key)
        return false;
    weir__place *key = c->key;
    key->key = key->next;
    c->hash = weir__run_hash(key->run, key->key);
    for (uint32_t i = 0; i < c->ahead; i++) {
        weir__place *l = &c->lanes[i];
        if (l != key && weir__run_compare_keys(l->run, l->next, key->run, key->key) != 0)
            continue;
        l->key = l->next++;
        l->values = weir__run_values(l->run, l->key);
    }
    weir__run_get_key(key->run, key->key, c->record);
    return true;
}

bool weir_cursor_next_value(weir_cursor *c)
{
    weir__place *value = NULL;
    if (!c->key)
        return false;
    if (c->ahead > WEIR__CURSOR_FEW)
        return weir__cursor_next_of_many(c);
    c->looked += c->ahead;
    for (uint32_t i = 0; i < c->ahead; i++) {
        weir__place *l = &c->lanes[i];
        if (weir__place_has_value(l) &&
            (!value ||
             weir__run_compare_values(l->run, l->values.at, value->run, value->values.at) < 0))
            value = l;
    }
    c->value = value;
    if (!value)
        return false;
    c->value_at = value->values.at;
    c->waiting = c->shown = 0;
    for (uint32_t i = 0; i < c->ahead; i++) {
        weir__place *l = &c->lanes[i];
        if (l->values.at >= l->values.end ||
            (l != value &&
             weir__run_compare_values(l->run, l->values.at, value->run, c->value_at) != 0))
            continue;
        l->updates = weir__run_updates(l->run, l->values.at++);
        c->order[c->shown++] = i;
    }
    return true;
}

/* To the first value that is behind it, or not before it. */
static size_t seek_value(weir__place *l, const char *packed, bool behind)
{
    const weir__pack *rests = &l->run->shape->rests;
    uint32_t low = l->values.at, high = l->values.end;
    size_t looked = 0;
    for (; low < high; looked++) {
        uint32_t middle = low + (high - low) / 2;
        if (!weir__run_sound_value(l->run, middle)) {
            low = l->values.end;
            break;
        }
        int order = rests->type.size == 0
                        ? 0
                        : weir__pack_compare(rests, weir__run_rest(l->run, middle), l->run->heap,
                                             packed, NULL);
        if (order < 0 || (order == 0 && behind))
            low = middle + 1;
        else
            high = middle;
    }
    l->values.at = low;
    return looked;
}

static size_t seek(weir_cursor *c, const void *record, bool behind)
{
    _Alignas(16) char packed[WEIR_RECORD_SIZE_MAX];
    size_t looked = 0;
    if (!c->key)
        return 0;
    weir__pack_from_record(&c->shape->rests, packed, record);
    c->value = NULL;
    for (uint32_t i = 0; i < c->ahead; i++)
        looked += seek_value(&c->lanes[i], packed, behind);
    return looked;
}

size_t weir_cursor_seek_value(weir_cursor *c, const void *record)
{
    return seek(c, record, true);
}

size_t weir_cursor_seek_to_value(weir_cursor *c, const void *record)
{
    if (record)
        return seek(c, record, false);
    c->value = NULL;
    for (uint32_t i = 0; c->key && i < c->ahead; i++)
        c->lanes[i].values.at = c->lanes[i].values.end;
    return 0;
}

/* Whether a lane takes part in the current key. */
static bool has_part(const weir_cursor *c, const weir__place *l)
{
    return c->is_found || (l->next == l->key + 1 && weir__run_sound_key(l->run, l->key) &&
                           weir__run_compare_keys(l->run, l->key, c->key->run, c->key->key) == 0);
}

void weir_cursor_rewind_values(weir_cursor *c)
{
    c->value = NULL;
    for (uint32_t i = 0; c->key && i < c->ahead; i++) {
        weir__place *l = &c->lanes[i];
        if (has_part(c, l))
            l->values = weir__run_values(l->run, l->key);
    }
}

size_t weir_cursor_ahead(const weir_cursor *c)
{
    size_t ahead = 0;
    for (uint32_t i = 0; c->key && i < c->ahead; i++)
        ahead += c->lanes[i].values.end - c->lanes[i].values.at;
    return ahead;
}

bool weir_cursor_next_update(weir_cursor *c, weir_time *time, int64_t *diff)
{
    for (uint32_t i = 0; c->value && i < c->shown; i++) {
        weir__place *l = weir__cursor_shown(c, i);
        if (l->updates.at == l->updates.end)
            continue;
        *time = weir__run_time(l->run, l->updates.at);
        *diff = weir__run_diff(l->run, l->updates.at++);
        return true;
    }
    return false;
}

/* The least hash that the lanes have from these places on; those that have it go on. */
static bool next_hash(const weir_cursor *c, uint32_t *at, uint64_t *hash)
{
    bool any = false;
    for (uint32_t i = 0; i < c->ahead; i++) {
        const weir_trace_run *run = c->lanes[i].run;
        if (at[i] < run->key_count && weir__run_sound_key(run, at[i]) &&
            (!any || run->hashes[at[i]] < *hash)) {
            *hash = run->hashes[at[i]];
            any = true;
        }
    }
    for (uint32_t i = 0; any && i < c->ahead; i++) {
        const weir_trace_run *run = c->lanes[i].run;
        while (at[i] < run->key_count && weir__run_sound_key(run, at[i]) &&
               run->hashes[at[i]] == *hash)
            at[i]++;
    }
    return any;
}

size_t weir_cursor_peek(const weir_cursor *c, uint64_t *hashes, size_t most)
{
    enum { LANES_MAX = 16 };
    uint32_t at[LANES_MAX];
    size_t count = 0;
    if (c->is_found || c->ahead > LANES_MAX)
        return 0;
    for (uint32_t i = 0; i < c->ahead; i++)
        at[i] = c->lanes[i].next;
    while (count < most && next_hash(c, at, &hashes[count]))
        count++;
    return count;
}

uint64_t weir_cursor_hash(const weir_cursor *c)
{
    return c->hash;
}

const void *weir_cursor_record(weir_cursor *c)
{
    if (c->value)
        weir__run_get_rest(c->value->run, c->value_at, c->record);
    return c->record;
}

static bool is_before(const uint64_t *coords, const weir_time *time, uint32_t depth)
{
    for (uint32_t i = 0; i < depth; i++)
        if (coords[i] > time->at[i])
            return false;
    return true;
}

bool weir_cursor_sum(weir_cursor *c, const weir_time *time, int64_t *result)
{
    /* Of many updates a part may leave the range though the sum does not. */
    __extension__ __int128 sum = 0;
    for (uint32_t i = 0; c->value && i < c->shown; i++) {
        const weir__place *l = weir__cursor_shown(c, i);
        for (uint32_t u = l->updates.at; u < l->updates.end; u++)
            if (is_before(weir__run_coords(l->run, u), time, c->shape->depth))
                sum += weir__run_diff(l->run, u);
    }
    *result = (int64_t)sum;
    return sum >= INT64_MIN && sum <= INT64_MAX;
}

/* The least of what is not at or before the time that is split at. */
typedef struct rest {
    const weir_time *time;
    weir_frontier *later;
    uint64_t least; /* last coordinate of those that are later by that alone: is_later */
    weir_time last; /* what was inserted last: any */
    bool is_later, any;
} rest;

static void insert_later(rest *r, const uint64_t *coords, uint32_t depth)
{
    weir_time join = *r->time;
    for (uint32_t i = 0; i < depth; i++)
        join.at[i] = coords[i] > join.at[i] ? coords[i] : join.at[i];
    if (r->any && weir_time_less_equal(&r->last, &join, depth))
        return;
    weir_frontier_insert(r->later, &join);
    r->last = join;
    r->any = true;
}

/* In a loop most updates differ in the last coordinate alone, the round. */
static weir__wide split_updates(const weir_trace_run *run, weir__range updates, rest *r)
{
    uint32_t depth = run->shape->depth, ahead = depth - 1;
    const uint64_t *coords = run->times + (size_t)updates.at * depth;
    uint64_t round = r->time->at[ahead], least = r->least;
    weir__wide sum = 0;
    bool any = r->is_later;
    for (uint32_t u = updates.at; u < updates.end; u++, coords += depth) {
        if (!is_before(coords, r->time, ahead)) {
            insert_later(r, coords, depth);
            continue;
        }
        bool is_later = coords[ahead] > round;
        sum += is_later ? 0 : weir__run_diff(run, u);
        least = is_later && coords[ahead] < least ? coords[ahead] : least;
        any |= is_later;
    }
    r->least = least;
    r->is_later = any;
    return sum;
}

bool weir_cursor_split(weir_cursor *c, const weir_time *time, int64_t *result,
                       weir_frontier *later)
{
    uint32_t depth = c->shape->depth;
    rest r = { .time = time, .later = later, .least = UINT64_MAX };
    weir__wide sum = 0;
    for (uint32_t i = 0; c->value && i < c->shown; i++) {
        const weir__place *l = weir__cursor_shown(c, i);
        if (l->run->times) {
            sum += split_updates(l->run, l->updates, &r);
        } else if (l->updates.at < l->updates.end) {
            if (is_before(l->run->meet.at, time, depth))
                for (uint32_t u = l->updates.at; u < l->updates.end; u++)
                    sum += weir__run_diff(l->run, u);
            else
                insert_later(&r, l->run->meet.at, depth);
        }
    }
    if (r.is_later) {
        weir_time join = *time;
        join.at[depth - 1] = r.least;
        weir_frontier_insert(later, &join);
    }
    *result = (int64_t)sum;
    return sum >= INT64_MIN && sum <= INT64_MAX;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns cursors: the runs of a list read as one, key by key, value by value.
 */
#include "trace/run.h"

/* A run, and what of it lies ahead. `values` are of the current key, `updates` of the current
 * value: empty where the run has no part in it. */
typedef struct lane {
    const weir_trace_run *run;
    uint32_t next, key; /* keys: the one ahead, the current one */
    weir__range values, updates;
} lane;

struct weir_cursor {
    weir_shape *shape;
    size_t size;
    uint64_t hash;
    uint32_t count;
    uint32_t ahead;    /* lanes below this have keys ahead or take part in the current one */
    bool is_found;     /* by find: lanes below `ahead` take part in the current key, no others */
    bool is_placed;    /* ... and all lanes have the hash of what lies ahead of it */
    lane *key, *value; /* lanes that show the current key and value; NULL before */
    uint32_t value_at;
    lane *lanes;
    uint64_t *hashes; /* of the keys ahead, while placed; the greatest where there is none */
    char *record;
};

weir_cursor *weir_cursor_create(weir_trace_run *const *runs, size_t count)
{
    size_t record = count > 0 ? runs[0]->shape->type->size : 0;
    size_t size = sizeof(weir_cursor) + count * (sizeof(lane) + sizeof(uint64_t)) + record + 16;
    weir_cursor *c = weir_alloc_zero(size);
    if (!c)
        return NULL;
    c->size = size;
    c->count = (uint32_t)count;
    c->lanes = (lane *)(void *)(c + 1);
    c->hashes = (uint64_t *)(void *)(c->lanes + count);
    c->record = (char *)(((uintptr_t)(c->hashes + count) + 15) & ~(uintptr_t)15);
    c->shape = count > 0 ? runs[0]->shape : NULL;
    for (size_t i = 0; i < count; i++)
        c->lanes[i].run = runs[i];
    c->ahead = c->count;
    return c;
}

void weir_cursor_destroy(weir_cursor *c)
{
    if (c)
        weir_free(c, c->size);
}

void weir_cursor_seek(weir_cursor *c, uint64_t hash)
{
    for (uint32_t i = 0; i < c->count; i++) {
        lane *l = &c->lanes[i];
        *l = (lane){ .run = l->run, .next = weir__run_seek(l->run, hash) };
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
        lane *l = &c->lanes[i];
        l->values = l->updates = (weir__range){ 0, 0 };
        if (l->next < l->run->key_count) {
            i++;
            continue;
        }
        lane spent = *l;
        *l = c->lanes[--c->ahead];
        c->lanes[c->ahead] = spent;
    }
}

bool weir_cursor_next_key(weir_cursor *c)
{
    c->key = c->value = NULL;
    c->ahead = c->is_found ? c->count : c->ahead;
    c->is_found = c->is_placed = false;
    drop_spent(c);
    for (uint32_t i = 0; i < c->ahead; i++) {
        lane *l = &c->lanes[i];
        if (!c->key || weir__run_compare_keys(l->run, l->next, c->key->run, c->key->next) < 0)
            c->key = l;
    }
    if (!c->key)
        return false;
    lane *key = c->key;
    key->key = key->next;
    c->hash = weir__run_hash(key->run, key->key);
    for (uint32_t i = 0; i < c->ahead; i++) {
        lane *l = &c->lanes[i];
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
    lane *value = NULL;
    if (!c->key)
        return false;
    for (uint32_t i = 0; i < c->ahead; i++) {
        lane *l = &c->lanes[i];
        l->updates = (weir__range){ 0, 0 };
        if (l->values.at < l->values.end &&
            (!value ||
             weir__run_compare_values(l->run, l->values.at, value->run, value->values.at) < 0))
            value = l;
    }
    c->value = value;
    if (!value)
        return false;
    c->value_at = value->values.at;
    for (uint32_t i = 0; i < c->ahead; i++) {
        lane *l = &c->lanes[i];
        if (l->values.at < l->values.end &&
            (l == value ||
             weir__run_compare_values(l->run, l->values.at, value->run, c->value_at) == 0))
            l->updates = weir__run_updates(l->run, l->values.at++);
    }
    return true;
}

static size_t seek_value(lane *l, const char *packed)
{
    const weir__pack *rests = &l->run->shape->rests;
    uint32_t low = l->values.at, high = l->values.end;
    size_t looked = 0;
    for (; low < high; looked++) {
        uint32_t middle = low + (high - low) / 2;
        int order = rests->type.size == 0
                        ? 0
                        : weir__pack_compare(rests, weir__run_rest(l->run, middle), l->run->heap,
                                             packed, NULL);
        if (order <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    l->values.at = low;
    return looked;
}

size_t weir_cursor_seek_value(weir_cursor *c, const void *record)
{
    _Alignas(16) char packed[WEIR_RECORD_SIZE_MAX];
    size_t looked = 0;
    if (!c->key)
        return 0;
    weir__pack_from_record(&c->shape->rests, packed, record);
    c->value = NULL;
    for (uint32_t i = 0; i < c->ahead; i++) {
        c->lanes[i].updates = (weir__range){ 0, 0 };
        looked += seek_value(&c->lanes[i], packed);
    }
    return looked;
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
    for (uint32_t i = 0; c->value && i < c->ahead; i++) {
        lane *l = &c->lanes[i];
        if (l->updates.at == l->updates.end)
            continue;
        *time = weir__run_time(l->run, l->updates.at);
        *diff = weir__run_diff(l->run, l->updates.at++);
        return true;
    }
    return false;
}

static inline uint64_t hash_ahead(const lane *l)
{
    return l->next < l->run->key_count ? weir__run_hash(l->run, l->next) : UINT64_MAX;
}

/* Every lane goes to its first key of this hash or a greater one: on from where it is, if what was
 * found last comes before. So of keys in the order of hashes, one costs the runs that lack it a
 * comparison. */
static void place(weir_cursor *c, uint64_t hash)
{
    bool goes_on = c->is_placed && hash > c->hash;
    for (uint32_t i = 0; i < c->count; i++) {
        lane *l = &c->lanes[i];
        if (goes_on && c->hashes[i] >= hash)
            continue;
        l->next = weir__run_seek(l->run, hash);
        c->hashes[i] = hash_ahead(l);
    }
    c->hash = hash;
    c->is_found = c->is_placed = true;
    c->ahead = 0;
    c->key = c->value = NULL;
}

/* Lanes whose next key has this hash come first. */
static void gather(weir_cursor *c, uint64_t hash)
{
    for (uint32_t i = 0; i < c->count; i++) {
        lane *l = &c->lanes[i], *to = &c->lanes[c->ahead], other = *to;
        if (c->hashes[i] != hash || l->next == l->run->key_count)
            continue;
        *to = *l;
        *l = other;
        c->hashes[i] = c->hashes[c->ahead];
        c->hashes[c->ahead++] = hash;
    }
}

/* The same key as the record has, among keys of its hash. */
static bool find_equal(weir_cursor *c, const void *record, uint64_t hash)
{
    weir_cursor_seek(c, hash);
    while (weir_cursor_next_key(c) && c->hash == hash)
        if (weir_key_equal(c->shape->type, &c->shape->key, c->record, record))
            return true;
    c->key = c->value = NULL;
    return false;
}

bool weir_cursor_find(weir_cursor *c, const void *record)
{
    if (c->count == 0)
        return false;
    uint64_t hash = weir_shape_hash(c->shape, record);
    place(c, hash);
    gather(c, hash);
    if (c->ahead == 0)
        return false;
    if (!c->shape->bijective)
        return find_equal(c, record, hash);
    for (uint32_t i = 0; i < c->ahead; i++) {
        lane *l = &c->lanes[i];
        l->key = l->next++;
        l->values = weir__run_values(l->run, l->key);
        l->updates = (weir__range){ 0, 0 };
        c->hashes[i] = hash_ahead(l);
    }
    c->key = &c->lanes[0];
    weir__run_get_key(c->key->run, c->key->key, c->record);
    return true;
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
    for (uint32_t i = 0; c->value && i < c->ahead; i++) {
        const lane *l = &c->lanes[i];
        for (uint32_t u = l->updates.at; u < l->updates.end; u++)
            if (is_before(weir__run_coords(l->run, u), time, c->shape->depth))
                sum += weir__run_diff(l->run, u);
    }
    *result = (int64_t)sum;
    return sum >= INT64_MIN && sum <= INT64_MAX;
}

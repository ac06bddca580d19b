/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns looking up keys with cursors: one by itself, or several that were asked for together, so
 * that memory answers for all of them at once. What a cursor is, is in cursor.h.
 */
#include "trace/cursor.h"

#include "base/assert.h"

static inline uint64_t hash_ahead(weir__place *l)
{
    return weir__place_has_key(l) ? weir__run_hash(l->run, l->next) : UINT64_MAX;
}

/* ---- together ---- */

static weir__asked *asked_of(weir_cursor *c)
{
    size_t most = (size_t)c->count * WEIR_CURSOR_ASK_MAX;
    if (c->asked)
        return c->asked;
    c->asked_size = sizeof(weir__asked) + most * (sizeof(weir__hit) + sizeof(weir__range));
    c->asked = weir_alloc(c->asked_size);
    if (!c->asked)
        return NULL;
    c->asked->hits = (weir__hit *)(void *)(c->asked + 1);
    c->asked->spans = (weir__range *)(void *)(c->asked->hits + most);
    return c->asked;
}

/* Asks for the entries of the directory, by stretch: the spans are those for now. */
static void ask_directory(const weir_trace_run *run, const weir__asked *a, weir__range *spans)
{
    uint64_t last = run->hashes[run->key_count - 1];
    for (uint32_t k = 0; k < a->count; k++) {
        spans[k] = (weir__range){ 0, 0 };
        if (a->hashes[k] < run->base || a->hashes[k] > last)
            continue;
        uint32_t stretch = (uint32_t)((a->hashes[k] - run->base) >> run->shift);
        spans[k] = (weir__range){ stretch, stretch + 1 };
        __builtin_prefetch(&run->directory[stretch]);
    }
}

/* Asks for the hashes of each stretch. */
static void ask_hashes(const weir_trace_run *run, const weir__asked *a, weir__range *spans)
{
    for (uint32_t k = 0; k < a->count; k++) {
        if (spans[k].end == 0)
            continue;
        spans[k] = (weir__range){ run->directory[spans[k].at], run->directory[spans[k].end] };
        __builtin_prefetch(&run->hashes[spans[k].at]);
        __builtin_prefetch(&run->hashes[spans[k].end]);
    }
}

/* The lines from one place to another, which is in the last one; of many the first and the last. */
static inline void ask_lines(const void *from, const void *to)
{
    enum { LINE = 64, LINES_MAX = 8 };
    const char *at = from, *last = to;
    for (uint32_t i = 0; i < LINES_MAX && at < last; i++, at += LINE)
        __builtin_prefetch(at);
    __builtin_prefetch(last);
}

/* What reading a key will touch: where its values begin, then these and where their updates begin,
 * then these. */
static void ask_key(const weir_trace_run *run, uint32_t key)
{
    if (!run->shape->bijective)
        __builtin_prefetch(weir__run_key(run, key));
    if (run->value_at)
        __builtin_prefetch(&run->value_at[key]);
}

static void ask_values(const weir_trace_run *run, uint32_t key)
{
    weir__range values = weir__run_values(run, key);
    if (run->rests)
        ask_lines(weir__run_rest(run, values.at), weir__run_rest(run, values.end - 1));
    if (run->update_at)
        ask_lines(&run->update_at[values.at], &run->update_at[values.end]);
}

static void ask_updates(const weir_trace_run *run, uint32_t key)
{
    weir__range values = weir__run_values(run, key);
    uint32_t first = weir__run_updates(run, values.at).at;
    uint32_t last = weir__run_updates(run, values.end - 1).end - 1;
    if (run->times)
        ask_lines(weir__run_coords(run, first), weir__run_coords(run, last));
    if (run->diffs)
        ask_lines(&run->diffs[first], &run->diffs[last]);
}

static void each_hit(const weir_cursor *c, void (*fn)(const weir_trace_run *run, uint32_t key))
{
    const weir__asked *a = c->asked;
    for (uint32_t k = 0; k < a->count; k++)
        for (uint32_t i = 0; i < a->hit_counts[k]; i++) {
            weir__hit hit = a->hits[(size_t)k * c->count + i];
            if (!c->runs[hit.run]->segment)
                fn(c->runs[hit.run], hit.key);
        }
}

static void note_hit(const weir_cursor *c, uint32_t k, uint32_t run, uint32_t key)
{
    weir__asked *a = c->asked;
    a->hits[(size_t)k * c->count + a->hit_counts[k]++] = (weir__hit){ run, key };
}

/* A run with few keys has no directory, and is gone through. */
static void walk(const weir_cursor *c, uint32_t r)
{
    const weir_trace_run *run = c->runs[r];
    const weir__asked *a = c->asked;
    uint32_t at = 0;
    for (uint32_t k = 0; k < a->count; k++) {
        while (at < run->key_count && run->hashes[at] < a->hashes[k])
            at++;
        if (at == run->key_count)
            return;
        if (run->hashes[at] == a->hashes[k])
            note_hit(c, k, r, at);
    }
}

/* The first hash of the stretch that is not before this one, or its last one. Most have a few:
 * which of them it is is as good as random, so there is no branch. */
static inline uint32_t place_among(const weir_trace_run *run, weir__range stretch, uint64_t hash)
{
    enum { FEW = 8 };
    const uint64_t *hashes = run->hashes;
    uint32_t low = stretch.at, last = stretch.end - 1, before = 0;
    while (WEIR_UNLIKELY(last - low >= FEW)) {
        uint32_t middle = low + (last - low) / 2;
        if (hashes[middle] < hash)
            low = middle + 1;
        else
            last = middle;
    }
    for (uint32_t i = 0; i < FEW - 1; i++) {
        uint32_t at = low + i < last ? low + i : last;
        before += (at < last) & (hashes[at] < hash);
    }
    return low + before;
}

static void search(const weir_cursor *c, uint32_t r, const weir__range *spans)
{
    const weir_trace_run *run = c->runs[r];
    const weir__asked *a = c->asked;
    for (uint32_t k = 0; k < a->count; k++) {
        if (spans[k].at == spans[k].end)
            continue;
        uint32_t low = place_among(run, spans[k], a->hashes[k]);
        if (run->hashes[low] != a->hashes[k])
            continue;
        note_hit(c, k, r, low);
        ask_key(run, low);
    }
}

/* A run in a file is asked for what it has before it is read. */
static void seek(const weir_cursor *c, uint32_t r)
{
    const weir_trace_run *run = c->runs[r];
    const weir__asked *a = c->asked;
    for (uint32_t k = 0; k < a->count; k++) {
        uint32_t at = weir__run_seek(run, a->hashes[k]);
        if (at < run->key_count && weir__run_sound_key(run, at) &&
            run->hashes[at] == a->hashes[k])
            note_hit(c, k, r, at);
    }
}

static inline bool by_directory(const weir_trace_run *run)
{
    return run->directory && !run->segment;
}

void weir_cursor_ask(weir_cursor *c, const uint64_t *hashes, size_t count)
{
    weir__asked *a = asked_of(c);
    WEIR_ASSERT(count <= WEIR_CURSOR_ASK_MAX, "a cursor is asked for %zu keys at once", count);
    if (!a)
        return; /* they are found one by one */
    a->count = (uint32_t)count;
    a->at = 0;
    memcpy(a->hashes, hashes, count * sizeof *hashes);
    memset(a->hit_counts, 0, count * sizeof *a->hit_counts);
    for (uint32_t r = 0; r < c->count; r++)
        if (by_directory(c->runs[r]))
            ask_directory(c->runs[r], a, a->spans + (size_t)r * WEIR_CURSOR_ASK_MAX);
    for (uint32_t r = 0; r < c->count; r++)
        if (by_directory(c->runs[r]))
            ask_hashes(c->runs[r], a, a->spans + (size_t)r * WEIR_CURSOR_ASK_MAX);
    for (uint32_t r = 0; r < c->count; r++) {
        if (c->runs[r]->segment)
            seek(c, r);
        else if (by_directory(c->runs[r]))
            search(c, r, a->spans + (size_t)r * WEIR_CURSOR_ASK_MAX);
        else
            walk(c, r);
    }
    each_hit(c, ask_values);
    each_hit(c, ask_updates);
}

/* The place among those asked for; `count` if it was not. */
static uint32_t asked_at(const weir_cursor *c, uint64_t hash)
{
    weir__asked *a = c->asked;
    while (a->at < a->count && a->hashes[a->at] < hash)
        a->at++;
    return a->at < a->count && a->hashes[a->at] == hash ? a->at : a->count;
}

/* The key of the record in a run, from the first one of its hash on. False: it has none. */
static bool is_at(const weir_cursor *c, const weir_trace_run *run, uint32_t *key,
                  const void *record, uint64_t hash)
{
    if (c->shape->bijective)
        return true;
    for (; *key < run->key_count && weir__run_sound_key(run, *key) && run->hashes[*key] == hash;
         ++*key) {
        weir__run_get_key(run, *key, c->record);
        if (weir_key_equal(c->shape->type, &c->shape->key, c->record, record))
            return true;
    }
    return false;
}

/* The lanes become those of the runs that have the key. */
static bool find_asked(weir_cursor *c, const void *record, uint64_t hash, uint32_t k)
{
    const weir__asked *a = c->asked;
    const weir__hit *hits = a->hits + (size_t)k * c->count;
    c->hash = hash;
    c->was_asked = c->is_found = true;
    c->is_placed = false;
    c->ahead = 0;
    c->key = c->value = NULL;
    for (uint32_t i = 0; i < a->hit_counts[k]; i++) {
        const weir_trace_run *run = c->runs[hits[i].run];
        uint32_t key = hits[i].key;
        if (is_at(c, run, &key, record, hash))
            c->lanes[c->ahead++] = (weir__place){ .run = run,
                                                  .key = key,
                                                  .next = key + 1,
                                                  .values = weir__run_values(run, key) };
    }
    if (c->ahead == 0)
        return false;
    c->key = &c->lanes[0];
    weir__run_get_key(c->key->run, c->key->key, c->record);
    return true;
}

/* ---- by itself ---- */

/* Every lane goes to its first key of this hash or a greater one: on from where it is, if what was
 * found last comes before. So of keys in the order of hashes, one costs the runs that lack it a
 * comparison. */
static void place(weir_cursor *c, uint64_t hash)
{
    bool goes_on = c->is_placed && hash > c->hash;
    weir__cursor_restore(c);
    for (uint32_t i = 0; i < c->count; i++) {
        weir__place *l = &c->lanes[i];
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
        weir__place *l = &c->lanes[i], *to = &c->lanes[c->ahead], other = *to;
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

static bool find_alone(weir_cursor *c, const void *record, uint64_t hash)
{
    place(c, hash);
    gather(c, hash);
    if (c->ahead == 0)
        return false;
    if (!c->shape->bijective)
        return find_equal(c, record, hash);
    for (uint32_t i = 0; i < c->ahead; i++) {
        weir__place *l = &c->lanes[i];
        l->key = l->next++;
        l->values = weir__run_values(l->run, l->key);
        c->hashes[i] = hash_ahead(l);
    }
    c->key = &c->lanes[0];
    weir__run_get_key(c->key->run, c->key->key, c->record);
    return true;
}

bool weir_cursor_find(weir_cursor *c, const void *record)
{
    if (c->count == 0)
        return false;
    uint64_t hash = weir_shape_hash(c->shape, record);
    uint32_t k = c->asked ? asked_at(c, hash) : 0;
    return c->asked && k < c->asked->count ? find_asked(c, record, hash, k)
                                           : find_alone(c, record, hash);
}

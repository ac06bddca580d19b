/* SPDX-License-Identifier: Apache-2.0
 *
 * See waits.h: a binary heap by instant, whose entries know their place in it, and a chained hash
 * table by record.
 */
#include "waits.h"

#include <string.h>
#include <weir/record.h>

void weir__waits_fini(weir__waits *w)
{
    while (w->count > 0)
        weir__waits_drop(w);
    weir_account_add(w->account, -(int64_t)(w->capacity * sizeof *w->heap +
                                            w->slot_count * sizeof *w->slots));
    weir_free(w->heap, w->capacity * sizeof *w->heap);
    weir_free(w->slots, w->slot_count * sizeof *w->slots);
}

/* ---- by instant ---- */

static inline void put(weir__waits *w, size_t i, struct weir__waits_slot slot)
{
    w->heap[i] = slot;
    slot.what->place = i;
}

static void up(weir__waits *w, size_t i, struct weir__waits_slot moved)
{
    for (; i > 0 && w->heap[(i - 1) / 2].when > moved.when; i = (i - 1) / 2)
        put(w, i, w->heap[(i - 1) / 2]);
    put(w, i, moved);
}

static void down(weir__waits *w, size_t i, struct weir__waits_slot moved)
{
    for (size_t child; (child = 2 * i + 1) < w->count; i = child) {
        child += child + 1 < w->count && w->heap[child + 1].when < w->heap[child].when;
        if (w->heap[child].when >= moved.when)
            break;
        put(w, i, w->heap[child]);
    }
    put(w, i, moved);
}

static void heap_add(weir__waits *w, weir__wait *what)
{
    if (w->count == w->capacity) {
        size_t capacity = 2 * w->capacity + 16;
        w->heap = weir_realloc_must(w->heap, w->capacity * sizeof *w->heap,
                                    capacity * sizeof *w->heap);
        weir_account_add(w->account, (int64_t)((capacity - w->capacity) * sizeof *w->heap));
        w->capacity = capacity;
    }
    up(w, w->count++, (struct weir__waits_slot){ what->when, what });
}

static void heap_remove(weir__waits *w, const weir__wait *what)
{
    size_t i = what->place;
    struct weir__waits_slot last = w->heap[--w->count];
    if (last.what == what)
        return;
    if (i > 0 && w->heap[(i - 1) / 2].when > last.when)
        up(w, i, last);
    else
        down(w, i, last);
}

/* ---- by record ---- */

/* Where the one is that is such a record, or NULL behind the last one of its slot. */
static weir__wait **find(const weir__waits *w, uint64_t hash, const void *record, bool is_there)
{
    weir__wait **at = &w->slots[hash & (w->slot_count - 1)];
    while (*at && ((*at)->hash != hash || (*at)->is_there != is_there ||
                   !weir_record_equal(w->type, (*at)->record, record)))
        at = &(*at)->next;
    return at;
}

/* As many slots as this, in which there is what waits. */
static void resize(weir__waits *w, size_t count)
{
    weir__wait **slots = weir_alloc_must(count * sizeof *slots);
    memset(slots, 0, count * sizeof *slots);
    for (size_t i = 0; i < w->count; i++) {
        weir__wait *what = w->heap[i].what;
        weir__wait **slot = &slots[what->hash & (count - 1)];
        what->next = *slot;
        *slot = what;
    }
    weir_free(w->slots, w->slot_count * sizeof *w->slots);
    weir_account_add(w->account, ((int64_t)count - (int64_t)w->slot_count) *
                                     (int64_t)sizeof *w->slots);
    w->slots = slots;
    w->slot_count = count;
}

static void unlink_from(weir__waits *w, weir__wait *what)
{
    weir__wait **at = &w->slots[what->hash & (w->slot_count - 1)];
    while (*at != what)
        at = &(*at)->next;
    *at = what->next;
}

static void end(weir__waits *w, weir__wait *what)
{
    weir_account_add(w->account, -(int64_t)what->size);
    weir_free(what, what->size);
    if (w->count < w->slot_count / 8 && w->slot_count > 64)
        resize(w, w->slot_count / 2);
}

static void drop(weir__waits *w, weir__wait *what)
{
    unlink_from(w, what);
    heap_remove(w, what);
    end(w, what);
}

/* ---- what waits ---- */

static weir__wait *make(weir__waits *w, const void *record)
{
    size_t strings = w->type->has_strings ? weir_record_heap_size(w->type, record) : 0;
    size_t size = sizeof(weir__wait) + w->type->size + strings;
    weir__wait *what = weir_alloc_must(size);
    *what = (weir__wait){ .size = size };
    memcpy(what->record, record, w->type->size);
    if (strings)
        weir_record_move_strings(w->type, what->record, what->record + w->type->size);
    weir_account_add(w->account, (int64_t)size);
    return what;
}

/* One that waits changes. */
static void change(weir__waits *w, weir__wait *what, weir__wide diff)
{
    what->diff += diff;
    if (what->diff == 0)
        drop(w, what);
}

void weir__waits_add(weir__waits *w, const void *record, int64_t when, int64_t diff)
{
    if (w->count >= w->slot_count)
        resize(w, w->slot_count > 0 ? 2 * w->slot_count : 64);
    uint64_t hash = weir_record_hash(w->type, record, 0);
    weir__wait **at = find(w, hash, record, false);
    if (*at) {
        change(w, *at, diff);
        return;
    }
    weir__wait *what = *at = make(w, record);
    what->hash = hash;
    what->diff = diff;
    what->when = when;
    heap_add(w, what);
}

bool weir__waits_stay(weir__waits *w, int64_t until)
{
    weir__wait *what = w->heap[0].what;
    weir__wait *there = *find(w, what->hash, what->record, true);
    if (there) {
        weir__wide diff = what->diff, sum = there->diff + diff;
        drop(w, what);
        change(w, there, diff);
        return sum >= INT64_MIN && sum <= INT64_MAX;
    }
    what->is_there = true;
    what->when = until;
    down(w, 0, (struct weir__waits_slot){ until, what });
    return true;
}

void weir__waits_drop(weir__waits *w)
{
    drop(w, w->heap[0].what);
}

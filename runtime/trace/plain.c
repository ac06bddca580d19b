/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns plain updates of builders (build.h): noting, sorting and writing them, and making records of
 * them again when that is no longer all there is. They have a form for values of no words, of one
 * and of two, each without diffs, as long as all are equal, and with them.
 */
#include "trace/plain.h"

#include "base/wide.h"
#include "trace/digits.h"
#include "trace/words.h"

enum {
    HASHED = 256, /* keys at once */
    PART_BITS = 12,
    PART_DIGITS = 1 << PART_BITS,
    FEW = 8, /* that are put in order without branches */
};

/* Why updates are not sorted: NOT_ADDED: they are there, in some order, and diffs are needed. */
enum { NO_ROOM = -1, NOT_IN_RANGE = -2, NOT_ADDED = -3 };

/* Whether something lies between the fields of a packed form. */
static bool has_gaps(const weir__pack *pack)
{
    uint32_t bits = 0;
    for (uint32_t i = 0; i < pack->rank_count; i++)
        bits += pack->ranks[i].bits;
    return bits < 8 * pack->type.size;
}

#define PLAIN bare
#define PLAIN_WORDS 0
#define PLAIN_DIFFS 0
#define FORM(name) bare_##name
#include "trace/plain_form.h"
#undef PLAIN
#undef PLAIN_WORDS
#undef PLAIN_DIFFS
#undef FORM

#define PLAIN bare_diffs
#define PLAIN_WORDS 0
#define PLAIN_DIFFS 1
#define FORM(name) bare_diffs_##name
#include "trace/plain_form.h"
#undef PLAIN
#undef PLAIN_WORDS
#undef PLAIN_DIFFS
#undef FORM

#define PLAIN word
#define PLAIN_WORDS 1
#define PLAIN_DIFFS 0
#define FORM(name) word_##name
#include "trace/plain_form.h"
#undef PLAIN
#undef PLAIN_WORDS
#undef PLAIN_DIFFS
#undef FORM

#define PLAIN word_diffs
#define PLAIN_WORDS 1
#define PLAIN_DIFFS 1
#define FORM(name) word_diffs_##name
#include "trace/plain_form.h"
#undef PLAIN
#undef PLAIN_WORDS
#undef PLAIN_DIFFS
#undef FORM

#define PLAIN wide
#define PLAIN_WORDS 2
#define PLAIN_DIFFS 0
#define FORM(name) wide_##name
#include "trace/plain_form.h"
#undef PLAIN
#undef PLAIN_WORDS
#undef PLAIN_DIFFS
#undef FORM

#define PLAIN wide_diffs
#define PLAIN_WORDS 2
#define PLAIN_DIFFS 1
#define FORM(name) wide_diffs_##name
#include "trace/plain_form.h"
#undef PLAIN
#undef PLAIN_WORDS
#undef PLAIN_DIFFS
#undef FORM

typedef struct form {
    size_t (*note)(weir_trace_builder *, const weir_updates *, size_t from, const uint64_t *hashes,
                   size_t count);
    void (*to_record)(const weir_trace_builder *, size_t i, char *record, uint64_t *hash);
    int64_t (*sort)(weir_trace_builder *, weir__room *);
    void (*write)(const weir_trace_builder *, weir_trace_run *);
} form;

#define FORM(name)                                               \
    {                                                            \
        name##_note, name##_to_record, name##_sort, name##_write \
    }
static const form forms[WEIR__WORDS_MAX + 1][2] = { { FORM(bare), FORM(bare_diffs) },
                                                    { FORM(word), FORM(word_diffs) },
                                                    { FORM(wide), FORM(wide_diffs) } };
#undef FORM

static const form *form_of(const weir_trace_builder *b)
{
    return &forms[b->shape->rests.word_count][b->has_diffs];
}

/* 64-bit words of an update: if it has a diff, that is the last one. */
static size_t words_of(const weir_trace_builder *b)
{
    return 1 + b->shape->rests.word_count + b->has_diffs;
}

static uint64_t *update(const weir_trace_builder *b, size_t i)
{
    return (uint64_t *)(void *)b->entries.data + i * words_of(b);
}

static void note_used(weir_trace_builder *b)
{
    b->entries.used = b->count * words_of(b) * sizeof(uint64_t);
}

static bool make_room(weir_trace_builder *b, size_t count)
{
    note_used(b);
    return weir__column_add(&b->entries, count * words_of(b) * sizeof(uint64_t));
}

/* Each gets a diff of its own, as will what comes for the shape from now on. False: no memory, and
 * none got one. */
static bool give_diffs(weir_trace_builder *b)
{
    size_t before = words_of(b);
    note_used(b);
    if (b->count > 0 && !weir__column_add(&b->entries, b->count * sizeof(uint64_t)))
        return false;
    uint64_t *all = update(b, 0);
    for (size_t i = b->count; i-- > 0;) {
        memmove(all + i * (before + 1), all + i * before, before * sizeof *all);
        all[i * (before + 1) + before] = (uint64_t)b->diff;
    }
    b->has_diffs = true;
    __atomic_store_n(&b->shape->has_diffs, true, __ATOMIC_RELAXED);
    return true;
}

/* ---- as they come ---- */

/* From one on. Returns how many of all were noted, as FORM(note). */
static size_t note(weir_trace_builder *b, const weir_updates *u, size_t from)
{
    const weir_shape *shape = b->shape;
    const form *f = form_of(b);
    uint64_t hashes[HASHED];
    if (u->hashes)
        return from + f->note(b, u, from, u->hashes + from, u->count - from);
    for (size_t noted = HASHED; noted == HASHED && from < u->count; from += noted) {
        size_t count = u->count - from < HASHED ? u->count - from : HASHED;
        const char *records = (const char *)u->records + from * shape->type->size;
        weir_key_hash_column(shape->type, &shape->key, records, count, shape->seed, hashes);
        noted = f->note(b, u, from, hashes, count);
    }
    return from;
}

/* None is 0, since such add up to nothing. */
static bool all_are(const weir_updates *u, int64_t diff)
{
    bool same = u->diffs ? diff != 0 : diff == 1;
    for (size_t i = 0; u->diffs && i < u->count; i++)
        same &= u->diffs[i] == diff;
    return same;
}

bool weir__plain_add(weir_trace_builder *b, const weir_updates *u)
{
    uint32_t before = b->count;
    if (before == 0) {
        b->low = UINT64_MAX;
        b->high = 0;
        b->diff = u->diffs ? u->diffs[0] : 1;
        b->has_diffs = __atomic_load_n(&b->shape->has_diffs, __ATOMIC_RELAXED);
    }
    bool ok = b->has_diffs || all_are(u, b->diff) || give_diffs(b);
    ok = ok && make_room(b, u->count);
    size_t noted = ok ? note(b, u, 0) : 0;
    if (ok && noted < u->count) {
        ok = give_diffs(b) && make_room(b, u->count - noted);
        b->count = ok ? b->count : before;
        if (ok)
            (void)note(b, u, noted);
    }
    note_used(b);
    return ok;
}

bool weir__plain_leave(weir_trace_builder *b)
{
    const form *f = form_of(b);
    size_t size = b->shape->type->size, count = b->count, words = words_of(b);
    b->records.used = b->hashes.used = b->diffs.used = 0;
    char *records = weir__column_add(&b->records, count * size);
    uint64_t *hashes = weir__column_add(&b->hashes, count * sizeof *hashes);
    int64_t *diffs = b->has_diffs ? weir__column_add(&b->diffs, count * sizeof *diffs) : NULL;
    if (!records || !hashes || (b->has_diffs && !diffs))
        return false;
    memset(records, 0, count * size);
    for (size_t i = 0; i < count; i++) {
        f->to_record(b, i, records + i * size, &hashes[i]);
        if (diffs)
            diffs[i] = (int64_t)update(b, i)[words - 1];
    }
    b->plain = false;
    b->diffs_vary = b->has_diffs;
    return true;
}

/* ---- in order ---- */

static void note_facts(const weir_trace_builder *b, weir__room *room)
{
    size_t words = words_of(b);
    for (size_t i = 1; b->has_diffs && i < b->count && !room->diffs_vary; i++)
        room->diffs_vary = update(b, i)[words - 1] != update(b, 0)[words - 1];
    room->updates = room->values = b->count;
    room->values_vary = room->values != room->keys;
    room->first_hash = *update(b, 0);
    room->last_hash = *update(b, b->count - 1);
}

weir_status weir__plain_sort(weir_trace_builder *b, weir__room *room)
{
    const weir__room empty = *room;
    int64_t left = form_of(b)->sort(b, room);
    if (left == NOT_ADDED) {
        *room = empty;
        left = give_diffs(b) ? form_of(b)->sort(b, room) : NO_ROOM;
    }
    if (left < 0)
        return left == NO_ROOM ? WEIR_NO_MEMORY : WEIR_OVERFLOWED;
    b->count = (uint32_t)left;
    note_used(b);
    if (left > 0)
        note_facts(b, room);
    return WEIR_OK;
}

void weir__plain_write(const weir_trace_builder *b, weir_trace_run *run)
{
    form_of(b)->write(b, run);
}

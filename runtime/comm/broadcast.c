/* SPDX-License-Identifier: Apache-2.0
 *
 * The broadcast log: the header has the picture, the states and the memory orders.
 */
#include "comm/broadcast.h"

#include <stdatomic.h>
#include <string.h>

#include <weir/memory.h>

#include "base/assert.h"

enum {
    LINE = 64,
    CHUNK_BYTES = 64 << 10,
    LAG_BYTES = 1 << 20,
    SPARE_MAX = 4, /* chunks kept for reuse: a writer whose readers follow needs two */
};

/* Header words: the chunk's tag above, the size of the entry below, or LINK: it goes on in the next
 * chunk. One of another tag is not written yet. */
typedef _Atomic uint64_t header;
#define LINK UINT32_MAX

typedef struct chunk chunk;
struct chunk {
    _Alignas(LINE) chunk *next; /* fixed before LINK is published */
    uint64_t start;             /* bytes of all chunks before this one */
    uint64_t number;            /* of all chunks ever begun: its tag */
    size_t bytes;               /* of this one, with this head */
    chunk *newer;               /* the writer's list of all chunks not freed */
    bool has_long;              /* an entry of several lines lies here */
    _Alignas(LINE) char lines[];
};

typedef struct place {
    chunk *chunk;
    header *at;
    uint64_t tag; /* the chunk's, whose head is thus not looked at with each entry */
} place;

enum { IDLE, READING, FOLDING, FOLDED };

typedef struct reader {
    /* the reader's line; the writer looks at it once a chunk */
    _Alignas(LINE) _Atomic uint32_t state;
    bool stays; /* READING for good: never taken off the log */
    _Atomic uint64_t passed; /* start of the chunk it stands in */
    place place;
    weir_mail held; /* the block given out by the last read */
    /* the hand-over's line: the writer's while FOLDING, the reader's once it took FOLDED */
    _Alignas(LINE) place resume;
    weir_mail block;
} reader;

struct weir__broadcast {
    place place;  /* of the next header to write */
    size_t left;  /* bytes for entries from there; the chunk's last line is kept for LINK */
    bool overdue; /* a reader too far behind was reading */
    bool has_long; /* an entry of several lines lies in the chunk */
    unsigned spares;
    chunk *spare, *oldest;
    size_t chunk_bytes, lag_bytes;
    _Atomic size_t bytes;
    weir_log_sum sum;
    unsigned count;
    reader readers[];
};

static size_t broadcast_size(unsigned readers)
{
    return sizeof(weir__broadcast) + readers * sizeof(reader);
}

static size_t entry_bytes(size_t size)
{
    return (sizeof(header) + size + LINE - 1) & ~(size_t)(LINE - 1);
}

static void count_bytes(weir__broadcast *log, size_t added, size_t freed)
{
    size_t now = atomic_load_explicit(&log->bytes, memory_order_relaxed);
    atomic_store_explicit(&log->bytes, now + added - freed, memory_order_relaxed);
}

/* Never 0, which is what new memory has. */
static uint64_t tag_of(const chunk *c)
{
    return (uint64_t)((uint32_t)c->number << 1 | 1) << 32;
}

/* Whether the word of a header was written since its chunk was begun; its size. */
static bool is_written(uint64_t word, uint64_t tag) { return (word ^ tag) >> 32 == 0; }
static uint32_t size_in(uint64_t word) { return (uint32_t)word; }

static place start_of(chunk *c)
{
    return (place){ .chunk = c, .at = (header *)(void *)c->lines, .tag = tag_of(c) };
}

static void init_chunk(weir__broadcast *log, chunk *c, size_t bytes)
{
    memset(c, 0, bytes);
    c->bytes = bytes;
    count_bytes(log, bytes, 0);
}

/* Before a chunk is begun again. Headers that were written stay: their tag says that they are old.
 * Only what was written in the place of a header, in the later lines of an entry, must go. */
static void make_clean(chunk *c, uint64_t number)
{
    if (number - c->number > INT32_MAX / 2) { /* its tag could come again */
        memset(c->lines, 0, c->bytes - sizeof *c);
        return;
    }
    header *at = (header *)(void *)c->lines;
    for (uint32_t size; c->has_long; at += entry_bytes(size) / sizeof *at) {
        size = size_in(atomic_load_explicit(at, memory_order_relaxed));
        if (size == LINK)
            break;
        for (size_t later = LINE; later < entry_bytes(size); later += LINE)
            atomic_store_explicit(at + later / sizeof *at, 0, memory_order_relaxed);
    }
}

/* The writer goes on at the start of c. */
static void begin_chunk(weir__broadcast *log, chunk *c, uint64_t start, uint64_t number)
{
    c->next = c->newer = NULL;
    c->start = start;
    c->number = number;
    log->has_long = false;
    log->place = start_of(c);
    log->left = c->bytes - sizeof *c - LINE;
}

weir__broadcast *weir__broadcast_create(const weir__broadcast_options *options)
{
    size_t chunk_bytes = options->chunk_bytes ? options->chunk_bytes : CHUNK_BYTES;
    WEIR_ASSERT(chunk_bytes % LINE == 0 && chunk_bytes >= 256, "broadcast log: chunks of %zu bytes",
                chunk_bytes);
    weir__broadcast *log = weir_alloc_zero(broadcast_size(options->readers));
    if (!log)
        return NULL;
    log->count = options->readers;
    log->chunk_bytes = chunk_bytes;
    log->lag_bytes = options->lag_bytes ? options->lag_bytes : LAG_BYTES;
    log->sum = options->sum;
    if (log->count == 0)
        return log;
    chunk *first = weir_alloc(chunk_bytes);
    if (!first) {
        weir_free(log, broadcast_size(log->count));
        return NULL;
    }
    init_chunk(log, first, chunk_bytes);
    begin_chunk(log, first, 0, 0);
    log->oldest = first;
    for (unsigned i = 0; i < log->count; i++) {
        reader *r = &log->readers[i];
        r->place = log->place;
        r->stays = log->lag_bytes == WEIR__BROADCAST_WHATEVER;
        r->state = r->stays ? READING : IDLE;
    }
    return log;
}

static void free_chunks(chunk *c)
{
    while (c) {
        chunk *newer = c->newer;
        weir_free(c, c->bytes);
        c = newer;
    }
}

void weir__broadcast_destroy(weir__broadcast *log)
{
    if (!log)
        return;
    for (unsigned i = 0; i < log->count; i++) {
        weir_mail *held = &log->readers[i].held, *block = &log->readers[i].block;
        weir_free((void *)held->data, held->size);
        weir_free((void *)block->data, block->size);
    }
    free_chunks(log->oldest);
    free_chunks(log->spare);
    weir_free(log, broadcast_size(log->count));
}

size_t weir__broadcast_bytes(const weir__broadcast *log)
{
    return atomic_load_explicit(&log->bytes, memory_order_relaxed);
}

/* ---- the writer ---- */

/* Folds what lies from `from` to the writer's place, and before it the block, if there is one.
 * False: nothing lies there. */
static bool fold(weir__broadcast *log, place from, weir_mail *block)
{
    void *sum = NULL;
    while (from.at != log->place.at) {
        uint32_t size = size_in(atomic_load_explicit(from.at, memory_order_relaxed));
        if (size == LINK) {
            from = start_of(from.chunk->next);
            continue;
        }
        if (!sum) {
            sum = log->sum.begin(log->sum.ctx);
            if (block->size > 0)
                log->sum.add(sum, block->data, block->size);
        }
        log->sum.add(sum, from.at + 1, size);
        from.at += entry_bytes(size) / sizeof(header);
    }
    if (!sum)
        return false;
    weir_free((void *)block->data, block->size);
    *block = log->sum.finish(sum);
    return true;
}

/* False: the reader is too far behind and must be tried again. */
static bool take_over(weir__broadcast *log, reader *r)
{
    uint32_t state = atomic_load_explicit(&r->state, memory_order_acquire);
    uint64_t passed = state == FOLDED ? r->resume.chunk->start
                                      : atomic_load_explicit(&r->passed, memory_order_acquire);
    if (log->place.chunk->start - passed < log->lag_bytes)
        return true;
    if (state == READING ||
        !atomic_compare_exchange_strong_explicit(&r->state, &state, FOLDING, memory_order_acquire,
                                                 memory_order_relaxed))
        return false;
    if (fold(log, state == FOLDED ? r->resume : r->place, &r->block)) {
        r->resume = log->place;
        state = FOLDED;
    }
    atomic_store_explicit(&r->state, state, memory_order_release);
    return true;
}

/* Whether a reader that was taken off the log may still look at the header it stands at. */
static bool stood_on(weir__broadcast *log, const chunk *c)
{
    for (unsigned i = 0; i < log->count; i++)
        if (atomic_load_explicit(&log->readers[i].passed, memory_order_acquire) == c->start)
            return true;
    return false;
}

static void recycle(weir__broadcast *log, chunk *c)
{
    if (c->bytes == log->chunk_bytes && log->spares < SPARE_MAX) {
        c->newer = log->spare;
        log->spare = c;
        log->spares++;
    } else {
        count_bytes(log, 0, c->bytes);
        weir_free(c, c->bytes);
    }
}

/* Frees the chunks that no reader needs. A reader that has just taken its block, but not said so in
 * `passed`, only makes this keep more. */
static void reclaim(weir__broadcast *log)
{
    uint64_t needed = log->place.chunk->start;
    for (unsigned i = 0; i < log->count; i++) {
        reader *r = &log->readers[i];
        bool folded = atomic_load_explicit(&r->state, memory_order_acquire) == FOLDED;
        uint64_t passed = folded ? r->resume.chunk->start
                                 : atomic_load_explicit(&r->passed, memory_order_acquire);
        if (passed < needed)
            needed = passed;
    }
    for (chunk **from = &log->oldest; (*from)->start < needed;) {
        chunk *c = *from;
        if (stood_on(log, c)) {
            from = &c->newer;
        } else {
            *from = c->newer;
            recycle(log, c);
        }
    }
}

static void look_after_readers(weir__broadcast *log)
{
    log->overdue = false;
    for (unsigned i = 0; i < log->count; i++)
        if (!take_over(log, &log->readers[i]))
            log->overdue = true;
    reclaim(log);
}

static __attribute__((noinline)) void next_chunk(weir__broadcast *log, size_t bytes)
{
    size_t needed = sizeof(chunk) + bytes + LINE;
    chunk *c, *full = log->place.chunk;
    if (needed <= log->chunk_bytes && log->spare) {
        c = log->spare;
        log->spare = c->newer;
        log->spares--;
        make_clean(c, full->number + 1);
    } else {
        if (needed < log->chunk_bytes)
            needed = log->chunk_bytes;
        c = weir_alloc_must(needed);
        init_chunk(log, c, needed);
    }
    place end = log->place;
    full->has_long = log->has_long;
    begin_chunk(log, c, full->start + full->bytes, full->number + 1);
    full->next = full->newer = c;
    atomic_store_explicit(end.at, end.tag | LINK, memory_order_release);
    look_after_readers(log);
}

void *weir__broadcast_room(weir__broadcast *log, size_t most)
{
    WEIR_DCHECK(log->count > 0, "a log that nobody reads");
    WEIR_ASSERT(most < LINK, "an entry of %zu bytes for the log of changes", most);
    if (WEIR_UNLIKELY(log->left < entry_bytes(most)))
        next_chunk(log, entry_bytes(most));
    return (void *)(log->place.at + 1);
}

void weir__broadcast_commit(weir__broadcast *log, size_t size)
{
    size_t bytes = entry_bytes(size);
    header *at = log->place.at;
    WEIR_DCHECK(bytes <= log->left, "an entry of %zu bytes is larger than its room", size);
    log->has_long |= bytes > LINE;
    log->place.at = at + bytes / sizeof(header);
    log->left -= bytes;
    atomic_store_explicit(at, log->place.tag | size, memory_order_release);
    if (WEIR_UNLIKELY(log->overdue))
        look_after_readers(log);
}

void weir__broadcast_append(weir__broadcast *log, const void *entry, size_t size)
{
    if (log->count == 0)
        return;
    void *room = weir__broadcast_room(log, size);
    if (size > 0)
        memcpy(room, entry, size);
    weir__broadcast_commit(log, size);
}

/* ---- a reader ---- */

static void enter_chunk(reader *me, place to)
{
    me->place = to;
    atomic_store_explicit(&me->passed, to.chunk->start, memory_order_release);
}

/* Goes from IDLE to READING, or takes the block the writer left. False: the writer is at it. */
static bool start_reading(reader *me)
{
    uint32_t state = IDLE;
    if (atomic_compare_exchange_strong_explicit(&me->state, &state, READING, memory_order_acquire,
                                                memory_order_relaxed))
        return true;
    state = FOLDED;
    if (!atomic_compare_exchange_strong_explicit(&me->state, &state, READING, memory_order_acquire,
                                                 memory_order_relaxed))
        return false;
    me->held = me->block;
    me->block = (weir_mail){ NULL, 0 };
    enter_chunk(me, me->resume);
    return true;
}

bool weir__broadcast_has(const weir__broadcast *log, unsigned index)
{
    const place *at = &log->readers[index].place;
    return is_written(atomic_load_explicit(at->at, memory_order_acquire), at->tag);
}

void weir__broadcast_ask(const weir__broadcast *log, unsigned index)
{
    __builtin_prefetch((const void *)log->readers[index].place.at);
}

bool weir__broadcast_read(weir__broadcast *log, unsigned index, weir_mail *entry)
{
    WEIR_DCHECK(index < log->count, "broadcast log: reader %u of %u", index, log->count);
    reader *me = &log->readers[index];
    if (WEIR_UNLIKELY(me->held.data)) {
        weir_free((void *)me->held.data, me->held.size);
        me->held = (weir_mail){ NULL, 0 };
    }
    /* Only this thread leaves READING, and none but it enters. */
    bool reading = atomic_load_explicit(&me->state, memory_order_relaxed) == READING;
    for (;;) {
        uint64_t word = atomic_load_explicit(me->place.at, memory_order_acquire);
        if (!is_written(word, me->place.tag)) {
            if (reading && !me->stays)
                atomic_store_explicit(&me->state, IDLE, memory_order_release);
            return false;
        }
        if (!reading) {
            if (!start_reading(me))
                return false;
            reading = true;
            if (me->held.data) {
                *entry = me->held;
                return true;
            }
            continue; /* the place may have changed */
        }
        uint32_t size = size_in(word);
        if (size == LINK) {
            enter_chunk(me, start_of(me->place.chunk->next));
            continue;
        }
        *entry = (weir_mail){ .data = (const void *)(me->place.at + 1), .size = size };
        me->place.at += entry_bytes(size) / sizeof(header);
        return true;
    }
}

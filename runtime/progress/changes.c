/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the accumulation of changes and their encoded form.
 *
 * Up to HANDFUL entries a pair is found by looking at each; beyond, by a hash table of positions.
 * An entry whose diff became 0 stays in its place, so that -1/+1 on one pointstamp moves nothing;
 * such entries are squeezed out when somebody reads or the array is full.
 */
#include "progress/changes.h"

#include <limits.h>
#include <string.h>

#include <weir/memory.h>

#include "base/assert.h"

enum { HANDFUL = 8 };

void weir__changes_fini(weir__changes *c)
{
    weir_free(c->entries, c->capacity * sizeof *c->entries);
    weir_free(c->index, c->index_capacity * sizeof *c->index);
    *c = (weir__changes){ 0 };
}

void weir__changes_clear(weir__changes *c)
{
    c->count = c->live = 0;
}

static bool same_pair(const weir__change *e, uint32_t port, const weir_time *t)
{
    return e->port == port && e->time.at[0] == t->at[0] &&
           ((e->time.at[1] ^ t->at[1]) | (e->time.at[2] ^ t->at[2]) | (e->time.at[3] ^ t->at[3])) ==
               0;
}

static uint32_t hash_pair(uint32_t port, const weir_time *t)
{
    uint64_t h = port;
    for (unsigned i = 0; i < WEIR_TIME_COORDS; i++)
        h = (h ^ t->at[i]) * 0x9e3779b97f4a7c15u + (h >> 29);
    return (uint32_t)(h >> 32);
}

/* The slot that holds the pair, or the empty one where it belongs. */
static uint32_t *index_slot(const weir__changes *c, uint32_t port, const weir_time *t)
{
    uint32_t mask = c->index_size - 1, at = hash_pair(port, t) & mask;
    while (c->index[at] && !same_pair(&c->entries[c->index[at] - 1], port, t))
        at = (at + 1) & mask;
    return &c->index[at];
}

/* Makes the table anew, a quarter full at most: its size follows what is there now, so that a large
 * set of long ago costs nothing. */
static void index_rebuild(weir__changes *c)
{
    c->index_size = 4 * HANDFUL;
    while (c->index_size < 4 * c->count)
        c->index_size *= 2;
    if (c->index_size > c->index_capacity) {
        weir_free(c->index, c->index_capacity * sizeof *c->index);
        c->index_capacity = c->index_size;
        c->index = weir_alloc_must(c->index_capacity * sizeof *c->index);
    }
    memset(c->index, 0, c->index_size * sizeof *c->index);
    for (uint32_t i = 0; i < c->count; i++)
        *index_slot(c, c->entries[i].port, &c->entries[i].time) = i + 1;
}

static void squeeze(weir__changes *c)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < c->count; i++)
        if (c->entries[i].diff)
            c->entries[kept++] = c->entries[i];
    c->count = kept;
    if (kept > HANDFUL)
        index_rebuild(c);
}

/* Makes room for one more. */
static void make_room(weir__changes *c)
{
    if (c->live <= c->count / 2 && c->count > 0) {
        squeeze(c);
        return;
    }
    uint32_t capacity = c->capacity ? 2 * c->capacity : HANDFUL;
    c->entries = weir_realloc_must(c->entries, c->capacity * sizeof *c->entries,
                                   capacity * sizeof *c->entries);
    c->capacity = capacity;
}

static weir__change *find(const weir__changes *c, uint32_t port, const weir_time *t)
{
    if (c->count > HANDFUL) {
        uint32_t at = *index_slot(c, port, t);
        return at ? &c->entries[at - 1] : NULL;
    }
    for (uint32_t i = c->count; i-- > 0;)
        if (same_pair(&c->entries[i], port, t))
            return &c->entries[i];
    return NULL;
}

void weir__changes_add(weir__changes *c, uint32_t port, const weir_time *t, int64_t diff)
{
    if (diff == 0)
        return;
    weir__change *e = find(c, port, t);
    if (e) {
        bool was = e->diff != 0;
        bool wrapped = __builtin_add_overflow(e->diff, diff, &e->diff);
        WEIR_ASSERT(!wrapped, "progress: the count of port %u left 64 bits", port);
        c->live += (e->diff != 0) - was;
        return;
    }
    weir_time copy = *t; /* may point into the array that moves */
    if (c->count == c->capacity)
        make_room(c);
    c->entries[c->count++] = (weir__change){ .time = copy, .diff = diff, .port = port };
    c->live++;
    if (c->count == HANDFUL + 1 || (c->count > HANDFUL && 2 * c->count > c->index_size))
        index_rebuild(c);
    else if (c->count > HANDFUL)
        *index_slot(c, port, &copy) = c->count;
}

void weir__changes_merge(weir__changes *c, const weir__changes *from)
{
    for (uint32_t i = 0; i < from->count; i++)
        weir__changes_add(c, from->entries[i].port, &from->entries[i].time, from->entries[i].diff);
}

void weir__changes_move(weir__changes *c, weir__changes *from)
{
    if (!weir__changes_is_empty(c)) {
        weir__changes_merge(c, from);
        return;
    }
    weir__changes empty = *c;
    *c = *from;
    *from = empty;
}

const weir__change *weir__changes_entries(weir__changes *c, uint32_t *count)
{
    if (c->live != c->count)
        squeeze(c);
    *count = c->count;
    return c->entries;
}

/* ---- the flat form ---- */

/* How many entries a diff takes: all but the last one are as large as 32 bits allow. */
static int64_t next_part(int64_t diff)
{
    return diff > INT32_MAX ? INT32_MAX : diff < INT32_MIN ? INT32_MIN : diff;
}

/* Small for small numbers of either sign. */
static uint64_t zigzag(int64_t n) { return (uint64_t)n << 1 ^ (uint64_t)(n >> 63); }
static int64_t unzigzag(uint64_t n) { return (int64_t)(n >> 1 ^ (0 - (n & 1))); }

static size_t number_size(uint64_t n) { return 1 + (63 - (size_t)__builtin_clzll(n | 1)) / 7; }

static inline unsigned char *put_number(unsigned char *at, uint64_t n)
{
    for (; WEIR_UNLIKELY(n >= 0x80); n >>= 7)
        *at++ = (unsigned char)(n | 0x80);
    *at++ = (unsigned char)n;
    return at;
}

static __attribute__((noinline)) const unsigned char *get_long(const unsigned char *at,
                                                               const unsigned char *end,
                                                               uint64_t *n)
{
    *n = 0;
    for (unsigned shift = 0; at < end && shift < 64; shift += 7) {
        unsigned char byte = *at++;
        *n |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return shift == 63 && byte > 1 ? NULL : at;
    }
    return NULL;
}

/* What follows the number; NULL: it is cut short, or none of 64 bits. */
static inline const unsigned char *get_number(const unsigned char *at, const unsigned char *end,
                                              uint64_t *n)
{
    if (WEIR_UNLIKELY(at == end || *at >= 0x80))
        return get_long(at, end, n);
    *n = *at;
    return at + 1;
}

size_t weir__changes_encoded_size(const weir__changes *c, weir__depths depths)
{
    weir_time last = { { 0 } };
    size_t size = 0;
    for (uint32_t i = 0; i < c->count; i++) {
        const weir__change *e = &c->entries[i];
        for (int64_t rest = e->diff; rest; rest -= next_part(rest)) {
            WEIR_ASSERT(e->port < depths.count, "progress: a change at port %u of %u", e->port,
                        depths.count);
            size += number_size(e->port) + number_size(zigzag(next_part(rest)));
            for (unsigned k = 0; k < depths.of[e->port]; k++) {
                size += number_size(zigzag((int64_t)(e->time.at[k] - last.at[k])));
                last.at[k] = e->time.at[k];
            }
        }
    }
    return size;
}

size_t weir__changes_encoded_most(const weir__changes *c, weir__depths depths)
{
    enum { PAIR = 5 + 5 + WEIR_TIME_COORDS * 10 };
    bool is_small = c->count <= HANDFUL;
    for (uint32_t i = 0; i < c->count && is_small; i++)
        is_small = c->entries[i].diff == next_part(c->entries[i].diff);
    return is_small ? c->count * PAIR : weir__changes_encoded_size(c, depths);
}

size_t weir__changes_encode(const weir__changes *c, weir__depths depths, void *out)
{
    weir_time last = { { 0 } };
    unsigned char *at = out;
    for (uint32_t i = 0; i < c->count; i++) {
        const weir__change *e = &c->entries[i];
        for (int64_t rest = e->diff; rest; rest -= next_part(rest)) {
            WEIR_DCHECK(e->port < depths.count, "progress: a change at port %u", e->port);
            at = put_number(at, e->port);
            at = put_number(at, zigzag(next_part(rest)));
            for (unsigned k = 0; k < depths.of[e->port]; k++) {
                at = put_number(at, zigzag((int64_t)(e->time.at[k] - last.at[k])));
                last.at[k] = e->time.at[k];
            }
        }
    }
    return (size_t)(at - (unsigned char *)out);
}

/* What follows the entry, or NULL if it is not one. last: the coordinates of those before it. */
static inline const unsigned char *read_entry(const unsigned char *at, const unsigned char *end,
                                              weir__depths depths, weir_time *last,
                                              weir__change *entry)
{
    uint64_t port, n;
    at = get_number(at, end, &port);
    if (!at || port >= depths.count || !(at = get_number(at, end, &n)))
        return NULL;
    entry->port = (uint32_t)port;
    entry->diff = unzigzag(n);
    if (entry->diff == 0 || entry->diff != next_part(entry->diff))
        return NULL;
    if (depths.of[port] == 1) { /* most are; and it is written as it will be read, in one */
        if (!(at = get_number(at, end, &n)))
            return NULL;
        entry->time = weir_time_1(last->at[0] += (uint64_t)unzigzag(n));
        return at;
    }
    entry->time = (weir_time){ { 0 } };
    for (unsigned k = 0; k < depths.of[port]; k++) {
        if (!(at = get_number(at, end, &n)))
            return NULL;
        entry->time.at[k] = last->at[k] += (uint64_t)unzigzag(n);
    }
    return at;
}

/* Takes the entries before `end` away again. */
static void undo(weir__changes *c, weir__depths depths, const unsigned char *at,
                 const unsigned char *end)
{
    weir_time last = { { 0 } };
    weir__change entry;
    while (at < end) {
        at = read_entry(at, end, depths, &last, &entry);
        weir__changes_add(c, entry.port, &entry.time, -entry.diff);
    }
}

static weir_status refuse(size_t at, size_t size, uint32_t ports, weir_error *error)
{
    weir_error_set(error, WEIR_BAD_DATA, "changes of progress cannot be decoded");
    weir_error_detail(error, "byte %zu of %zu, %u ports", at, size, ports);
    weir_error_hint(error, "do all processes run the same program?");
    return WEIR_BAD_DATA;
}

weir_status weir__changes_decode(weir__changes *c, weir__depths depths, const void *data,
                                 size_t size, weir_error *error)
{
    const unsigned char *bytes = data, *end = bytes + size;
    weir_time last = { { 0 } };
    weir__change entry;
    for (const unsigned char *at = bytes, *next; at < end; at = next) {
        next = read_entry(at, end, depths, &last, &entry);
        if (WEIR_UNLIKELY(!next)) {
            undo(c, depths, bytes, at);
            return refuse((size_t)(at - bytes), size, depths.count, error);
        }
        weir__changes_add(c, entry.port, &entry.time, entry.diff);
    }
    return WEIR_OK;
}

weir_status weir__changes_read(weir__changes *c, weir__depths depths, const void *data, size_t size,
                               weir_error *error)
{
    const unsigned char *bytes = data, *end = bytes + size;
    weir_time last = { { 0 } };
    WEIR_DCHECK(c->count == 0, "changes are read into a set of %u", c->count);
    for (const unsigned char *at = bytes, *next; at < end; at = next) {
        if (c->count == c->capacity)
            make_room(c);
        next = read_entry(at, end, depths, &last, &c->entries[c->count]);
        if (WEIR_UNLIKELY(!next)) {
            weir__changes_clear(c);
            return refuse((size_t)(at - bytes), size, depths.count, error);
        }
        c->live = ++c->count;
    }
    return WEIR_OK;
}

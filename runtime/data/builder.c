/* SPDX-License-Identifier: Apache-2.0
 *
 * Builders: columns that fill up and leave as batches, and the arenas that their strings are copied
 * to. A builder starts with a small buffer and grows to the full batch; one that filled up starts
 * the next at full size, so that neither a trickle nor a flood pays for the other.
 */
#include "data/builder.h"

#include <string.h>

#include "base/assert.h"

enum { ARENA_CHUNK = 16 << 10, PINNED = 64 << 10, PINNED_TIMES = 16,
       START_BYTES = 1024 - WEIR__BUFFER_HEADER };

/* A chunk of string memory lies at the start of its own buffer. */
struct weir__arena_chunk {
    weir_pin pin;
    weir__buffer *buffer;
    char *next, *end;
};

static void chunk_release(weir_pin *pin)
{
    weir__buffer_release(((struct weir__arena_chunk *)pin)->buffer);
}

static struct weir__arena_chunk *chunk_create(weir__pool *pool, size_t len)
{
    weir__buffer *buffer = weir__pool_get(pool, len + sizeof(struct weir__arena_chunk));
    struct weir__arena_chunk *chunk = weir__buffer_data(buffer);
    chunk->pin.refs = 1;
    chunk->pin.bytes = buffer->size;
    chunk->pin.release = chunk_release;
    chunk->buffer = buffer;
    chunk->next = (char *)(chunk + 1);
    chunk->end = (char *)chunk + buffer->size;
    return chunk;
}

char *weir__arena_room(weir__arena *arena, size_t len, weir_pin **pin)
{
    if (!arena->chunk || (size_t)(arena->chunk->end - arena->chunk->next) < len) {
        if (arena->chunk)
            weir_pin_release(&arena->chunk->pin);
        size_t least = ARENA_CHUNK - WEIR__BUFFER_HEADER - sizeof(struct weir__arena_chunk);
        arena->chunk = chunk_create(arena->pool, len > least ? len : least);
    }
    char *room = arena->chunk->next;
    arena->chunk->next += len;
    *pin = &arena->chunk->pin;
    return room;
}

char *weir__pin_room(weir__pool *pool, size_t len, weir_pin **pin)
{
    struct weir__arena_chunk *chunk = chunk_create(pool, len);
    *pin = &chunk->pin;
    return chunk->next;
}

void weir__arena_fini(weir__arena *arena)
{
    if (arena->chunk)
        weir_pin_release(&arena->chunk->pin);
    arena->chunk = NULL;
}

/* Each step of Newton's doubles the bits that are right, of which there are three at first. */
static uint64_t inverse_of(uint64_t odd)
{
    uint64_t inverse = odd;
    for (int bits = 3; bits < 64; bits *= 2)
        inverse *= 2 - odd * inverse;
    return inverse;
}

void weir__builder_init(weir__builder *builder, const weir__builder_spec *spec)
{
    memset(builder, 0, sizeof *builder);
    builder->pool = builder->arena.pool = spec->pool;
    builder->batch_bytes = spec->batch_bytes;
    builder->b.type = spec->type;
    builder->b.depth = spec->depth;
    builder->b.sink = spec->sink;
    builder->b.arena = &builder->arena;
    builder->b.diff = 1;
    uint32_t size = spec->type->size ? spec->type->size : 1;
    builder->twos = (uint32_t)__builtin_ctz(size);
    builder->inverse = inverse_of(size >> builder->twos);
    builder->capacity_full = (uint32_t)(spec->batch_bytes / size);
    if (builder->capacity_full == 0)
        builder->capacity_full = 1;
    builder->capacity_start = START_BYTES / size;
    if (builder->capacity_start == 0)
        builder->capacity_start = 1;
    if (builder->capacity_start > builder->capacity_full)
        builder->capacity_start = builder->capacity_full;
}

/* Forgets the columns; their references have gone into a batch or are dropped by the caller. */
static void detach(weir__builder *builder)
{
    weir_builder *b = &builder->b;
    b->begin = b->next = b->end = NULL;
    b->record_buffer = b->diff_buffer = b->time_buffer = NULL;
    b->diffs = NULL;
    b->times = NULL;
    builder->hash_buffer = NULL;
    builder->hashes = NULL;
    b->capacity = 0;
}

static void drop_columns(weir__builder *builder)
{
    weir_builder *b = &builder->b;
    if (b->record_buffer)
        weir__buffer_release(b->record_buffer);
    if (b->diff_buffer)
        weir__buffer_release(b->diff_buffer);
    if (b->time_buffer)
        weir__buffer_release(b->time_buffer);
    if (builder->hash_buffer)
        weir__buffer_release(builder->hash_buffer);
    detach(builder);
}

void weir__builder_fini(weir__builder *builder)
{
    drop_columns(builder);
    weir__builder_unfollow(builder);
    for (uint32_t i = 0; i < builder->pin_count; i++)
        weir_pin_release(builder->pins[i]);
    weir_free(builder->pins, builder->pin_capacity * sizeof *builder->pins);
    builder->pins = NULL;
    builder->pin_count = builder->pin_capacity = 0;
    weir__arena_fini(&builder->arena);
}

void weir__builder_open(weir__builder *builder, const weir_time *time, unsigned tracked)
{
    weir_builder *b = &builder->b;
    if (b->begin && (tracked != b->tracked || !weir_time_equal(time, &b->time, b->depth)))
        weir__builder_flush(builder);
    if (b->begin && tracked != b->tracked) /* nothing in them: they are not the columns for this */
        drop_columns(builder);
    weir__builder_unfollow(builder);
    b->time = b->at = *time;
    b->from_diffs = NULL;
    b->from_times = NULL;
    b->tracked = tracked;
    b->diff = 1;
}

void weir__builder_rewind(weir__builder *builder)
{
    weir_builder *b = &builder->b;
    for (uint32_t i = 0; i < builder->pin_count; i++)
        weir_pin_release(builder->pins[i]);
    builder->pin_count = 0;
    builder->pinned = 0;
    if (b->tracked)
        drop_columns(builder);
    b->tracked = 0;
    b->diff = 1;
    b->next = b->begin;
    b->end = b->begin ? b->begin + b->capacity * (size_t)b->type->size : NULL;
}

/* Replaces a column's buffer by one for `capacity` elements, with `used` bytes copied over. */
static void *resize(weir__builder *builder, weir__buffer **buffer, size_t bytes, size_t used)
{
    weir__buffer *larger = weir__pool_get(builder->pool, bytes);
    if (*buffer) {
        memcpy(weir__buffer_data(larger), weir__buffer_data(*buffer), used);
        weir__buffer_release(*buffer);
    }
    *buffer = larger;
    return weir__buffer_data(larger);
}

/* Gives every column in use room for `capacity` records. */
static void reserve(weir__builder *builder, uint32_t capacity, bool hashes)
{
    weir_builder *b = &builder->b;
    size_t size = b->type->size, count = b->begin ? weir__builder_count(builder) : 0;
    b->begin = resize(builder, &b->record_buffer, capacity * size, count * size);
    /* the buffer may be larger than asked for: use all of it, up to the full batch */
    uint32_t fits = (uint32_t)(b->record_buffer->size / (size ? size : 1));
    capacity = fits < builder->capacity_full ? fits : builder->capacity_full;
    b->next = b->begin + count * size;
    b->capacity = capacity;
    if (b->tracked & WEIR__TRACK_DIFFS)
        b->diffs = resize(builder, &b->diff_buffer, capacity * sizeof *b->diffs,
                          count * sizeof *b->diffs);
    if (b->tracked & WEIR__TRACK_TIMES)
        b->times = resize(builder, &b->time_buffer, capacity * sizeof *b->times * b->depth,
                          count * sizeof *b->times * b->depth);
    if (hashes)
        builder->hashes = resize(builder, &builder->hash_buffer,
                                 capacity * sizeof *builder->hashes,
                                 count * sizeof *builder->hashes);
    b->end = b->tracked || hashes ? b->next : b->begin + capacity * size;
}

bool weir__builder_is_heavy(const weir__builder *builder)
{
    return builder->pinned > PINNED + PINNED_TIMES * (uint64_t)builder->batch_bytes;
}

/* The record for which a pin was added, which may still have to be made, is the last one. */
static void end_soon(weir__builder *builder)
{
    weir_builder *b = &builder->b;
    if (builder->in_bulk || !b->begin)
        return;
    uint32_t capacity = (uint32_t)weir__builder_count(builder) + 1;
    if (capacity > b->capacity) /* its pins are in this batch: so it has to be, too */
        reserve(builder, capacity, builder->hashes != NULL);
    b->capacity = capacity;
    if (b->end > b->begin + capacity * (size_t)b->type->size)
        b->end = b->begin + capacity * (size_t)b->type->size;
}

void weir__builder_add_pin(weir__builder *builder, weir_pin *pin)
{
    for (uint32_t i = builder->pin_count; i-- > 0 && i + 4 > builder->pin_count;)
        if (builder->pins[i] == pin)
            return; /* the usual case: one of the last few again */
    if (builder->pin_count == builder->pin_capacity) {
        uint32_t capacity = builder->pin_capacity ? builder->pin_capacity * 2 : 4;
        builder->pins = weir_realloc_must(builder->pins,
                                          builder->pin_capacity * sizeof *builder->pins,
                                          capacity * sizeof *builder->pins);
        builder->pin_capacity = capacity;
    }
    weir_pin_retain(pin);
    builder->pins[builder->pin_count++] = pin;
    builder->pinned += pin->bytes;
}

/* They do not count as what makes a batch heavy: every batch has them. */
static void add_pins_of(weir__builder *builder, const weir_batch *batch)
{
    uint64_t pinned = builder->pinned;
    for (uint32_t i = 0; i < batch->pin_count; i++)
        weir__builder_add_pin(builder, batch->pins[i]);
    builder->pinned = pinned;
}

void weir__builder_unfollow(weir__builder *builder)
{
    if (builder->follows)
        weir_batch_release(builder->follows);
    builder->follows = NULL;
    for (int i = 0; i < 2 && builder->kept[i]; i++) {
        weir_pin_release(builder->kept[i]);
        builder->kept[i] = NULL;
    }
}

void weir_builder_follow(weir_builder *b, const weir_batch *batch)
{
    weir__builder *builder = (weir__builder *)b;
    if (builder->follows == batch || !b->type->has_strings || batch->pin_count == 0)
        return;
    weir__builder_unfollow(builder);
    builder->follows = weir_batch_retain(batch);
    add_pins_of(builder, batch);
}

/* As with pins of a batch that is followed: they make no batch heavy. */
static void add_kept(weir__builder *builder, weir_pin *pin)
{
    uint64_t pinned = builder->pinned;
    weir__builder_add_pin(builder, pin);
    builder->pinned = pinned;
}

void weir_builder_keep(weir_builder *b, weir_pin *pin)
{
    weir__builder *builder = (weir__builder *)b;
    weir_pin **kept = builder->kept;
    if (!b->type->has_strings || kept[0] == pin || kept[1] == pin)
        return;
    weir_pin_retain(pin);
    if (kept[1])
        weir_pin_release(kept[1]);
    kept[1] = kept[0];
    kept[0] = pin;
    add_kept(builder, pin);
}

static void make_room(weir__builder *builder, bool hashes)
{
    weir_builder *b = &builder->b;
    uint32_t count = b->begin ? (uint32_t)weir__builder_count(builder) : 0;
    if (b->begin && count < b->capacity)
        return;
    if (b->begin && count < builder->capacity_full && !weir__builder_is_heavy(builder)) {
        uint64_t capacity = (uint64_t)b->capacity * 4;
        reserve(builder, capacity < builder->capacity_full ? (uint32_t)capacity
                                                           : builder->capacity_full, hashes);
        return;
    }
    if (b->begin)
        weir__builder_flush(builder);
    reserve(builder, builder->capacity_start, hashes);
    if (weir__builder_is_heavy(builder)) /* by the strings of the first record */
        end_soon(builder);
}

void weir__builder_make_room(weir__builder *builder, bool hashes)
{
    if (WEIR_UNLIKELY(weir__builder_is_heavy(builder)))
        weir__builder_flush(builder);
    make_room(builder, hashes);
}

void weir__builder_flush(weir__builder *builder)
{
    weir_builder *b = &builder->b;
    size_t count = b->begin ? weir__builder_count(builder) : 0;
    if (count == 0)
        return;
    uint32_t start = (uint32_t)(count < builder->capacity_full ? count : builder->capacity_full);
    uint32_t least = START_BYTES / (b->type->size ? b->type->size : 1);
    builder->capacity_start = start > least ? start : least ? least : 1;
    if (builder->capacity_start > builder->capacity_full)
        builder->capacity_start = builder->capacity_full;
    weir_batch *batch = weir__batch_create(b->type, b->depth);
    batch->count = count;
    batch->records = b->begin;
    batch->diffs = b->diffs;
    batch->times = b->times;
    batch->hashes = builder->hashes;
    batch->record_buffer = b->record_buffer;
    batch->diff_buffer = b->diff_buffer;
    batch->time_buffer = b->time_buffer;
    batch->hash_buffer = builder->hash_buffer;
    batch->time = b->time;
    batch->pins = builder->pins;
    batch->pin_count = builder->pin_count;
    batch->pin_capacity = builder->pin_capacity;
    builder->pins = NULL;
    builder->pin_count = builder->pin_capacity = 0;
    builder->pinned = 0;
    detach(builder);
    if (builder->follows)
        add_pins_of(builder, builder->follows);
    for (int i = 0; i < 2 && builder->kept[i]; i++)
        add_kept(builder, builder->kept[i]);
    weir__batch_charge(batch);
    b->sink->push(b->sink, batch);
}

static inline void put_time(weir_builder *b, size_t i, const uint64_t *coords)
{
    for (uint32_t c = 0; c < b->depth; c++)
        b->times[i * b->depth + c] = coords[c];
}

/* Switches the column of diffs on: what is there counts 1. */
static void track_diffs(weir__builder *builder)
{
    weir_builder *b = &builder->b;
    if (b->tracked & WEIR__TRACK_DIFFS)
        return;
    size_t count = b->begin ? weir__builder_count(builder) : 0;
    b->tracked |= WEIR__TRACK_DIFFS;
    if (!b->begin)
        return;
    b->diffs = resize(builder, &b->diff_buffer, b->capacity * sizeof *b->diffs, 0);
    for (size_t i = 0; i < count; i++)
        b->diffs[i] = 1;
    b->end = b->next;
}

/* The same of times: what is there is at the batch's. */
static void track_times(weir__builder *builder)
{
    weir_builder *b = &builder->b;
    if (b->tracked & WEIR__TRACK_TIMES)
        return;
    size_t count = b->begin ? weir__builder_count(builder) : 0;
    b->tracked |= WEIR__TRACK_TIMES;
    if (!b->begin)
        return;
    b->times = resize(builder, &b->time_buffer, b->capacity * sizeof *b->times * b->depth, 0);
    for (size_t i = 0; i < count; i++)
        put_time(b, i, b->time.at);
    b->end = b->next;
}

void *weir__builder_next_slow(weir_builder *b)
{
    weir__builder *builder = (weir__builder *)b;
    size_t i = weir__builder_count(builder);
    if (WEIR_UNLIKELY(!b->begin || i >= b->capacity)) {
        make_room(builder, false);
        i = weir__builder_count(builder);
    }
    char *room = b->next;
    b->next += b->type->size;
    if (!b->tracked)
        return room;
    b->end = b->next;
    if (b->tracked & WEIR__TRACK_DIFFS)
        b->diffs[i] = b->from_diffs ? b->from_diffs[b->from] * b->diff : b->diff;
    if (b->tracked & WEIR__TRACK_TIMES)
        put_time(b, i, b->from_times ? b->from_times + b->from * b->depth : b->at.at);
    return room;
}

size_t weir_builder_bulk(weir_builder *b, size_t want, void **records, int64_t **diffs)
{
    weir__builder *builder = (weir__builder *)b;
    if (weir__builder_is_heavy(builder))
        weir__builder_flush(builder);
    builder->in_bulk = true;
    if (diffs && !(b->tracked & WEIR__TRACK_DIFFS))
        track_diffs(builder);
    uint32_t count = b->begin ? (uint32_t)weir__builder_count(builder) : 0;
    if (b->begin && count < b->capacity && b->capacity < builder->capacity_full &&
        want > b->capacity - count)
        reserve(builder, builder->capacity_full, false);
    make_room(builder, false);
    count = (uint32_t)weir__builder_count(builder);
    *records = b->next;
    if (diffs)
        *diffs = b->diffs + count;
    size_t room = b->capacity - count < want ? b->capacity - count : want;
    if (!diffs && b->tracked & WEIR__TRACK_DIFFS) /* the column is there for records before these */
        for (size_t i = 0; i < room; i++)
            b->diffs[count + i] = b->diff;
    for (size_t i = 0; b->tracked & WEIR__TRACK_TIMES && i < room; i++)
        put_time(b, count + i, b->at.at);
    return room;
}

void weir_builder_commit(weir_builder *b, size_t count)
{
    weir__builder *builder = (weir__builder *)b;
    WEIR_DCHECK(weir__builder_count(builder) + count <= b->capacity, "builder overrun");
    builder->in_bulk = false;
    b->next += count * b->type->size;
    if (b->tracked)
        b->end = b->next;
}

void weir_builder_set_diff(weir_builder *b, int64_t diff)
{
    b->diff = diff;
    if (diff != 1)
        track_diffs((weir__builder *)b);
}

int64_t weir_builder_multiply(weir_builder *b, int64_t n)
{
    int64_t before = b->diff, diff, all;
    WEIR_ASSERT(n == 1 || !b->is_plain,
                "a record '%s' is emitted %lld times at once into a plain stream, where each is "
                "there once: emit it several times, or make the stream a collection before the "
                "function gets it", b->type->name, (long long)n);
    if (__builtin_mul_overflow(before, n, &diff) ||
        __builtin_mul_overflow(b->from_diffs ? b->from_diffs[b->from] : 1, diff, &all)) {
        b->is_beyond = true;
        diff = 0;
    }
    weir_builder_set_diff(b, diff);
    return before;
}

void *weir__builder_next_n(weir_builder *b, int64_t n)
{
    int64_t before = weir_builder_multiply(b, n);
    void *room = b->diff != 0 ? weir_builder_next(b, b->type->size) : NULL;
    weir_builder_set_diff(b, before);
    return room;
}

void weir_builder_set_time(weir_builder *b, const weir_time *t)
{
    WEIR_ASSERT(weir_time_less_equal(&b->time, t, b->depth),
                "a record cannot be at a time that is not at or after its batch's");
    b->at = *t;
    if (!weir_time_equal(&b->time, t, b->depth))
        track_times((weir__builder *)b);
}

void weir_builder_set_columns(weir_builder *b, const int64_t *diffs, const uint64_t *times)
{
    b->from_diffs = diffs;
    b->from_times = times;
    if (diffs)
        track_diffs((weir__builder *)b);
    if (times)
        track_times((weir__builder *)b);
}

/* Of the record before it or of the one that will be made. */
static void add_pin_of_next(weir__builder *builder, weir_pin *pin)
{
    weir__builder_add_pin(builder, pin);
    if (WEIR_UNLIKELY(weir__builder_is_heavy(builder)))
        end_soon(builder);
}

char *weir_builder_room(weir_builder *b, size_t len)
{
    weir_pin *pin;
    char *room = weir__arena_room(b->arena, len, &pin);
    /* The record that will point here may be the first of the next batch: make that batch now. */
    weir__builder *builder = (weir__builder *)b;
    if (b->begin && !builder->in_bulk && weir__builder_count(builder) == b->capacity &&
        (b->capacity == builder->capacity_full || weir__builder_is_heavy(builder)))
        weir__builder_flush(builder);
    add_pin_of_next(builder, pin);
    return room;
}

weir_str weir_builder_str(weir_builder *b, const char *data, size_t len)
{
    if (len <= WEIR_STR_INLINE)
        return weir_str_view(data, len);
    char *room = weir_builder_room(b, len);
    memcpy(room, data, len);
    return weir_str_view(room, len);
}

void weir_builder_pin(weir_builder *b, weir_pin *pin)
{
    add_pin_of_next((weir__builder *)b, pin);
}

void weir_builder_copy(weir_builder *b, const weir_batch *batch, size_t i)
{
    const void *from = weir_batch_record(batch, i);
    size_t strings = b->type->has_strings ? weir_record_heap_size(b->type, from) : 0;
    char *heap = strings ? weir_builder_room(b, strings) : NULL;
    void *to = weir_builder_next(b, b->type->size);
    memcpy(to, from, b->type->size);
    if (strings)
        weir_record_move_strings(b->type, to, heap);
}

void weir__builder_append(weir__builder *builder, const weir_batch *batch, size_t i, bool hashes)
{
    weir_builder *b = &builder->b;
    const void *record = weir_batch_record(batch, i);
    weir__builder_make_room(builder, hashes);
    size_t n = weir__builder_count(builder);
    memcpy(b->next, record, b->type->size);
    if (b->type->has_strings && batch->pin_count) {
        size_t heap = weir_record_heap_size(b->type, record);
        if (heap) {
            weir_pin *pin;
            char *room = weir__arena_room(b->arena, heap, &pin);
            weir_record_move_strings(b->type, b->next, room);
            weir__builder_add_pin(builder, pin);
        }
    }
    b->next += b->type->size;
    if (b->tracked & WEIR__TRACK_DIFFS)
        b->diffs[n] = weir_batch_diff(batch, i);
    if (b->tracked & WEIR__TRACK_TIMES) {
        weir_time t = weir_batch_time(batch, i);
        memcpy(b->times + n * b->depth, t.at, b->depth * sizeof *b->times);
    }
    if (hashes)
        builder->hashes[n] = batch->hashes[i];
    if (b->tracked || hashes)
        b->end = b->next;
}

/* As many at a time as there is room for. */
void weir__builder_append_all(weir__builder *builder, const weir_batch *batch)
{
    weir_builder *b = &builder->b;
    for (size_t i = 0, take; i < batch->count; i += take) {
        weir__builder_make_room(builder, false);
        size_t n = weir__builder_count(builder), fits = b->capacity - n;
        char *first = b->next;
        take = batch->count - i < fits ? batch->count - i : fits;
        memcpy(first, weir_batch_record(batch, i), take * b->type->size);
        b->next += take * b->type->size;
        if (b->tracked & WEIR__TRACK_DIFFS)
            weir__diffs_copy(b->diffs + n, batch->diffs ? batch->diffs + i : NULL, take);
        if (b->tracked)
            b->end = b->next;
        if (b->type->has_strings && batch->pin_count)
            weir__builder_own_strings(builder, first);
    }
}

void weir__builder_own_strings(weir__builder *builder, char *first)
{
    const weir_type *type = builder->b.type;
    for (char *record = first; record < builder->b.next; record += type->size) {
        size_t heap = weir_record_heap_size(type, record);
        weir_pin *pin;
        if (heap == 0)
            continue;
        char *room = weir__arena_room(builder->b.arena, heap, &pin);
        weir_record_move_strings(type, record, room);
        weir__builder_add_pin(builder, pin);
    }
}

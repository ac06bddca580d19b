/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine'"'"'s side of batches and builders (weir/batch.h): making, sharing and flushing them. One
 * builder belongs to one worker; the batches it makes go anywhere.
 */
#ifndef WEIR_DATA_BUILDER_H
#define WEIR_DATA_BUILDER_H

#include <weir/batch.h>
#include <weir/memory.h>

#include "comm/pool.h"

/* Where a builder'"'"'s full batches go; push takes the reference. */
typedef struct weir__sink weir__sink;
struct weir__sink {
    void (*push)(weir__sink *sink, weir_batch *batch);
};

enum { WEIR__TRACK_DIFFS = 1, WEIR__TRACK_TIMES = 2 };

/* Memory that strings of a builder'"'"'s records are copied to: chunks from the pool, each a pin that
 * the batches using it share. */
typedef struct weir__arena {
    weir__pool *pool;
    struct weir__arena_chunk *chunk; /* being filled; the builder holds one reference */
} weir__arena;

char *weir__arena_room(weir__arena *arena, size_t len, weir_pin **pin);
void weir__arena_fini(weir__arena *arena);

typedef struct weir__builder_spec {
    weir__pool *pool;
    const weir_type *type;
    uint32_t depth;
    size_t batch_bytes;
    weir__sink *sink;
} weir__builder_spec;

/* What belongs to a builder but not into the public struct. */
typedef struct weir__builder {
    weir_builder b; /* first: the public pointer is this one */
    weir__pool *pool;
    weir__arena arena;
    size_t batch_bytes;
    uint32_t capacity_full, capacity_start;
    weir_pin **pins; /* what the records built so far may point into; references held */
    uint32_t pin_count, pin_capacity;
    weir__buffer *hash_buffer; /* beside the records, when hashes are carried along */
    uint64_t *hashes;
} weir__builder;

void weir__builder_init(weir__builder *builder, const weir__builder_spec *spec);
/* Drops what was not flushed. */
void weir__builder_fini(weir__builder *builder);
/* Sets the time, flushing what was built for another one. tracked: columns to keep. */
void weir__builder_open(weir__builder *builder, const weir_time *time, unsigned tracked);
/* Sends what there is to the sink; nothing if there is nothing. */
void weir__builder_flush(weir__builder *builder);
void weir__builder_add_pin(weir__builder *builder, weir_pin *pin);
static inline size_t weir__builder_count(const weir__builder *builder)
{
    return (size_t)(builder->b.next - builder->b.begin) / builder->b.type->size;
}
/* Appends record i of a batch with its columns; its long strings are copied to the arena, so that
 * nothing of the batch is pinned. hash is kept if the builder carries hashes (hashes: true). */
void weir__builder_append(weir__builder *builder, const weir_batch *batch, size_t i, bool hashes);
/* Makes room for at least one more record (flushing or growing as need be). */
void weir__builder_make_room(weir__builder *builder, bool hashes);

/* A new header that shares every column and pin of a batch, at another time. */
weir_batch *weir__batch_share(const weir_batch *batch);
/* An empty header with one reference, zeroed but for type and depth. */
weir_batch *weir__batch_create(const weir_type *type, uint32_t depth);
void weir__batch_add_pin(weir_batch *batch, weir_pin *pin); /* takes over the reference */
/* Recomputes batch->bytes from the columns and pins. */
void weir__batch_charge(weir_batch *batch);

/* Whether nobody else can see this batch or its records: then they may be changed in place. */
static inline bool weir__batch_sole(const weir_batch *batch)
{
    return __atomic_load_n(&batch->refs, __ATOMIC_ACQUIRE) == 1 && batch->record_buffer &&
           weir__buffer_sole(batch->record_buffer);
}

#endif
EOF
cat > runtime/data/batch.c <<'"'"'EOF'"'"'
/* SPDX-License-Identifier: Apache-2.0
 *
 * Batches: headers, their shared columns and pins. Owns the memory of headers; the columns'"'"' is the
 * pools'"'"' (comm/pool.h).
 */
#include <string.h>

#include "base/assert.h"
#include "data/builder.h"

void weir_pin_retain(weir_pin *pin)
{
    __atomic_fetch_add(&pin->refs, 1, __ATOMIC_RELAXED);
}

void weir_pin_release(weir_pin *pin)
{
    if (__atomic_load_n(&pin->refs, __ATOMIC_ACQUIRE) == 1 ||
        __atomic_fetch_sub(&pin->refs, 1, __ATOMIC_ACQ_REL) == 1)
        pin->release(pin);
}

weir_batch *weir__batch_create(const weir_type *type, uint32_t depth)
{
    weir_batch *batch = weir_alloc_must(sizeof *batch);
    memset(batch, 0, sizeof *batch);
    batch->type = type;
    batch->depth = depth;
    batch->refs = 1;
    return batch;
}

void weir__batch_add_pin(weir_batch *batch, weir_pin *pin)
{
    if (batch->pin_count == batch->pin_capacity) {
        uint32_t capacity = batch->pin_capacity ? batch->pin_capacity * 2 : 4;
        batch->pins = weir_realloc_must(batch->pins, batch->pin_capacity * sizeof *batch->pins,
                                        capacity * sizeof *batch->pins);
        batch->pin_capacity = capacity;
    }
    batch->pins[batch->pin_count++] = pin;
}

void weir__batch_charge(weir_batch *batch)
{
    size_t bytes = sizeof *batch;
    if (batch->record_buffer)
        bytes += batch->record_buffer->size;
    if (batch->diff_buffer)
        bytes += batch->diff_buffer->size;
    if (batch->time_buffer)
        bytes += batch->time_buffer->size;
    if (batch->hash_buffer)
        bytes += batch->hash_buffer->size;
    for (uint32_t i = 0; i < batch->pin_count; i++)
        bytes += batch->pins[i]->bytes;
    batch->bytes = bytes;
}

weir_batch *weir__batch_share(const weir_batch *batch)
{
    weir_batch *copy = weir_alloc_must(sizeof *copy);
    *copy = *batch;
    copy->refs = 1;
    copy->pins = NULL;
    copy->pin_count = copy->pin_capacity = 0;
    if (copy->record_buffer)
        weir__buffer_retain(copy->record_buffer);
    if (copy->diff_buffer)
        weir__buffer_retain(copy->diff_buffer);
    if (copy->time_buffer)
        weir__buffer_retain(copy->time_buffer);
    if (copy->hash_buffer)
        weir__buffer_retain(copy->hash_buffer);
    for (uint32_t i = 0; i < batch->pin_count; i++) {
        weir_pin_retain(batch->pins[i]);
        weir__batch_add_pin(copy, batch->pins[i]);
    }
    return copy;
}

weir_batch *weir_batch_retain(const weir_batch *batch)
{
    weir_batch *b = (weir_batch *)batch; /* the count is not part of what is constant */
    __atomic_fetch_add(&b->refs, 1, __ATOMIC_RELAXED);
    return b;
}

void weir_batch_release(weir_batch *batch)
{
    if (!batch)
        return;
    if (__atomic_load_n(&batch->refs, __ATOMIC_ACQUIRE) != 1 &&
        __atomic_fetch_sub(&batch->refs, 1, __ATOMIC_ACQ_REL) != 1)
        return;
    if (batch->record_buffer)
        weir__buffer_release(batch->record_buffer);
    if (batch->diff_buffer)
        weir__buffer_release(batch->diff_buffer);
    if (batch->time_buffer)
        weir__buffer_release(batch->time_buffer);
    if (batch->hash_buffer)
        weir__buffer_release(batch->hash_buffer);
    for (uint32_t i = 0; i < batch->pin_count; i++)
        weir_pin_release(batch->pins[i]);
    if (batch->pins)
        weir_free(batch->pins, batch->pin_capacity * sizeof *batch->pins);
    weir_free(batch, sizeof *batch);
}
EOF
cat > runtime/data/builder.c <<'"'"'EOF'"'"'
/* SPDX-License-Identifier: Apache-2.0
 *
 * Builders: columns that fill up and leave as batches, and the arenas that their strings are copied
 * to. A builder starts with a small buffer and grows to the full batch; one that filled up starts
 * the next at full size, so that neither a trickle nor a flood pays for the other.
 */
#include "data/builder.h"

#include <string.h>

#include "base/assert.h"

enum { ARENA_CHUNK = 16 << 10, START_BYTES = 1024 - WEIR__BUFFER_HEADER };

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
    size_t size = len + sizeof(struct weir__arena_chunk);
    if (size < ARENA_CHUNK - WEIR__BUFFER_HEADER)
        size = ARENA_CHUNK - WEIR__BUFFER_HEADER;
    weir__buffer *buffer = weir__pool_get(pool, size);
    struct weir__arena_chunk *chunk = weir__buffer_data(buffer);
    chunk->pin.refs = 1;
    chunk->pin.bytes = buffer->size > UINT32_MAX ? UINT32_MAX : (uint32_t)buffer->size;
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
        arena->chunk = chunk_create(arena->pool, len);
    }
    char *room = arena->chunk->next;
    arena->chunk->next += len;
    *pin = &arena->chunk->pin;
    return room;
}

void weir__arena_fini(weir__arena *arena)
{
    if (arena->chunk)
        weir_pin_release(&arena->chunk->pin);
    arena->chunk = NULL;
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

void weir__builder_fini(weir__builder *builder)
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
    b->time = *time;
    b->tracked = tracked;
    b->diff = 1;
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
}

/* Replaces a column'"'"'s buffer by one for `capacity` elements, with `used` bytes copied over. */
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

void weir__builder_make_room(weir__builder *builder, bool hashes)
{
    weir_builder *b = &builder->b;
    uint32_t count = b->begin ? (uint32_t)weir__builder_count(builder) : 0;
    if (b->begin && count < b->capacity)
        return;
    if (b->begin && count < builder->capacity_full) {
        uint64_t capacity = (uint64_t)b->capacity * 4;
        reserve(builder, capacity < builder->capacity_full ? (uint32_t)capacity
                                                           : builder->capacity_full, hashes);
        return;
    }
    if (b->begin)
        weir__builder_flush(builder);
    reserve(builder, builder->capacity_start, hashes);
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
    detach(builder);
    weir__batch_charge(batch);
    b->sink->push(b->sink, batch);
}

void *weir__builder_next_slow(weir_builder *b)
{
    weir__builder *builder = (weir__builder *)b;
    weir__builder_make_room(builder, false);
    size_t i = weir__builder_count(builder);
    char *room = b->next;
    b->next += b->type->size;
    if (!b->tracked)
        return room;
    b->end = b->next;
    const weir_batch *input = b->input;
    if (b->tracked & WEIR__TRACK_DIFFS)
        b->diffs[i] = input && input->diffs ? input->diffs[b->from] : b->diff;
    if (b->tracked & WEIR__TRACK_TIMES)
        memcpy(b->times + i * b->depth, input->times + b->from * b->depth,
               b->depth * sizeof *b->times);
    return room;
}

size_t weir_builder_bulk(weir_builder *b, size_t want, void **records, int64_t **diffs)
{
    weir__builder *builder = (weir__builder *)b;
    if (diffs && !(b->tracked & WEIR__TRACK_DIFFS))
        weir_builder_set_diff(b, b->diff == 1 ? 2 : b->diff); /* switches the column on */
    uint32_t count = b->begin ? (uint32_t)weir__builder_count(builder) : 0;
    if (b->begin && count < b->capacity && b->capacity < builder->capacity_full &&
        want > b->capacity - count)
        reserve(builder, builder->capacity_full, false);
    weir__builder_make_room(builder, false);
    count = (uint32_t)weir__builder_count(builder);
    *records = b->next;
    if (diffs)
        *diffs = b->diffs + count;
    size_t room = b->capacity - count;
    return want < room ? want : room;
}

void weir_builder_commit(weir_builder *b, size_t count)
{
    weir__builder *builder = (weir__builder *)b;
    WEIR_DCHECK(weir__builder_count(builder) + count <= b->capacity, "builder overrun");
    b->next += count * b->type->size;
    if (b->tracked)
        b->end = b->next;
}

void weir_builder_set_diff(weir_builder *b, int64_t diff)
{
    b->diff = diff;
    if (diff == 1 || (b->tracked & WEIR__TRACK_DIFFS))
        return;
    weir__builder *builder = (weir__builder *)b;
    size_t count = b->begin ? weir__builder_count(builder) : 0;
    b->tracked |= WEIR__TRACK_DIFFS;
    if (!b->begin)
        return;
    b->diffs = resize(builder, &b->diff_buffer, b->capacity * sizeof *b->diffs, 0);
    for (size_t i = 0; i < count; i++)
        b->diffs[i] = 1;
    b->end = b->next;
}

char *weir_builder_room(weir_builder *b, size_t len)
{
    weir_pin *pin;
    char *room = weir__arena_room(b->arena, len, &pin);
    /* The record that will point here may be the first of the next batch: make that batch now. */
    weir__builder *builder = (weir__builder *)b;
    if (b->begin && weir__builder_count(builder) == builder->capacity_full)
        weir__builder_flush(builder);
    weir__builder_add_pin(builder, pin);
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
    weir__builder_add_pin((weir__builder *)b, pin);
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
EOF
sed -i '"'"'s/    struct weir__buffer \*record_buffer, \*diff_buffer, \*time_buffer, \*hash_buffer;/    struct weir__buffer *record_buffer, *diff_buffer, *time_buffer, *hash_buffer;\n    uint32_t mail_dataflow, mail_port; \/* where it goes, while it travels *\/\n    uint32_t mail_from;/'"'"' runtime/include/weir/batch.h
python3 - <<'"'"'EOF'"'"'
p='"'"'runtime/include/weir/graph.h'"'"'
s=open(p).read()
s=s.replace('"'"''"'"''"'"'/* A scope whose times'"'"''"'"''"'"','"'"''"'"''"'"'/* One stream of all that flows in the given ones: same layout, same scope; a collection if one is. */
WEIR_API weir_port *weir_port_concat(weir_port *const *ports, size_t count);
/* Sends each record of the stream to a worker: by the hash of a key, by a function that names it
 * (plain streams only; refused before keyed state), or to all. */
WEIR_API weir_port *weir_port_by_key(weir_port *port, const weir_key *key);
WEIR_API weir_port *weir_port_by_function(weir_port *port,
                                          void (*fn)(const void *records, size_t count,
                                                     uint64_t *out, void *ctx),
                                          void *ctx);
WEIR_API weir_port *weir_port_to_all(weir_port *port);

/* A scope whose times'"'"''"'"''"'"')
open(p,'"'"'w'"'"').write(s)
p='"'"'runtime/include/weir/worker.h'"'"'
s=open(p).read()
s=s.replace('"'"''"'"''"'"'WEIR_API unsigned weir_runtime_workers(const weir_runtime *runtime);
'"'"''"'"''"'"','"'"''"'"''"'"'WEIR_API unsigned weir_runtime_workers(const weir_runtime *runtime);

/* The options that the graphs built so far have declared, each name once, and the settings of the
 * config that none of them declared (NULL behind the last). */
typedef struct weir_option_info {
    const char *name, *help, *fallback, *kind;
    bool list;
} weir_option_info;
WEIR_API size_t weir_runtime_option_count(const weir_runtime *runtime);
WEIR_API const weir_option_info *weir_runtime_option(const weir_runtime *runtime, size_t i);
WEIR_API const weir_setting *weir_runtime_unknown_setting(const weir_runtime *runtime, size_t i);
'"'"''"'"''"'"')
s=s.replace('"'"''"'"''"'"'/* What the metrics and the graph page show; see weir/observe.h. */
'"'"''"'"''"'"','"'"''"'"')
open(p,'"'"'w'"'"').write(s)
EOF

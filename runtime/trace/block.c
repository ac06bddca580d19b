/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the layout of a run's block: where its columns lie, room made for them, room given back.
 */
#include "base/large.h"
#include "base/mapped.h"
#include "trace/segment.h"

enum { COLUMNS = 9, ALIGN = 16, DIRECTORY_MIN = 32, KEYS_OF_A_STRETCH = 4 };

/* The columns in the order in which they lie: bytes of each, and where it begins. Those that a
 * merge often turns out not to need are the last ones, so that little has to be moved. */
typedef struct layout {
    size_t bytes[COLUMNS];
    char *at[COLUMNS];
    size_t size; /* of the block */
} layout;

static size_t aligned(size_t size)
{
    return (size + ALIGN - 1) / ALIGN * ALIGN;
}

static void measure(layout *l)
{
    l->size = aligned(sizeof(weir_trace_run));
    for (int i = 0; i < COLUMNS; i++)
        l->size += aligned(l->bytes[i]);
}

static size_t columns_of(const layout *l)
{
    return l->size - aligned(sizeof(weir_trace_run));
}

static char *columns_at(weir_trace_run *run)
{
    return run->segment ? weir__segment_columns(run->segment) : (char *)run + aligned(sizeof *run);
}

static void place(layout *l, weir_trace_run *run)
{
    char *at = columns_at(run);
    for (int i = 0; i < COLUMNS; i++) {
        l->at[i] = l->bytes[i] > 0 ? at : NULL;
        at += aligned(l->bytes[i]);
    }
    run->size = run->segment ? sizeof *run : l->size;
    run->hashes = (uint64_t *)(void *)l->at[0];
    run->keys = l->at[1];
    run->rests = l->at[2];
    run->directory = (uint32_t *)(void *)l->at[3];
    run->heap = l->at[4];
    run->times = (uint64_t *)(void *)l->at[5];
    run->diffs = (int64_t *)(void *)l->at[6];
    run->value_at = (uint32_t *)(void *)l->at[7];
    run->update_at = (uint32_t *)(void *)l->at[8];
}

/* How many stretches the directory of so many keys between two hashes has. */
static void plan_directory(weir_trace_run *run, size_t keys, uint64_t first, uint64_t last)
{
    uint64_t stretches = 1;
    if (keys < DIRECTORY_MIN)
        return;
    while (stretches < keys / KEYS_OF_A_STRETCH)
        stretches *= 2;
    run->base = first;
    while ((last - first) >> run->shift >= stretches)
        run->shift++;
    run->stretches = (uint32_t)((last - first) >> run->shift) + 1;
}

weir_trace_run *weir__run_alloc(weir_shape *shape, const weir__room *room)
{
    weir_trace_run head = { .refs = 1 };
    plan_directory(&head, room->keys, room->first_hash, room->last_hash);
    layout l = { .bytes = { room->keys * 8,
                            shape->bijective ? 0 : room->keys * shape->keys.type.size,
                            room->values * shape->rests.type.size,
                            head.stretches ? (head.stretches + 1) * (size_t)4 : 0, room->heap,
                            room->times_vary ? room->updates * shape->depth * 8 : 0,
                            room->diffs_vary ? room->updates * 8 : 0,
                            room->values_vary ? (room->keys + 1) * 4 : 0,
                            room->updates_vary ? (room->values + 1) * 4 : 0 } };
    measure(&l);
    if (shape->store)
        head.segment = weir__segment_create(shape->store, columns_of(&l));
    if (room->waits && !head.segment && shape->store && columns_of(&l) >= shape->store->least)
        return NULL;
    size_t size = head.segment ? sizeof head : l.size;
    weir_trace_run *run = room->waits ? weir__alloc_fresh(size) : weir_alloc(size);
    if (!run) {
        weir__segment_destroy(head.segment);
        return NULL;
    }
    *run = head;
    run->shape = weir_shape_retain(shape);
    place(&l, run);
    return run;
}

/* What the columns that a run has hold. */
static void measure_used(const weir_trace_run *run, layout *l)
{
    const weir_shape *shape = run->shape;
    *l = (layout){ .bytes = { run->key_count * (size_t)8,
                              run->keys ? run->key_count * (size_t)shape->keys.type.size : 0,
                              run->rests ? run->value_count * (size_t)shape->rests.type.size : 0,
                              run->directory ? (run->stretches + 1) * (size_t)4 : 0,
                              run->heap ? run->heap_used : 0,
                              run->times ? run->update_count * (size_t)shape->depth * 8 : 0,
                              run->diffs ? run->update_count * (size_t)8 : 0,
                              run->value_at ? (run->key_count + 1) * (size_t)4 : 0,
                              run->update_at ? (run->value_count + 1) * (size_t)4 : 0 } };
    measure(l);
}

/* Moves columns to where they were or before, the first one first, up to *bytes. */
static bool move_some(weir_trace_run *run, const layout *to, weir__fit *fit, size_t *bytes)
{
    const char *from[COLUMNS] = { (char *)run->hashes,   run->keys,
                                  run->rests,            (char *)run->directory,
                                  run->heap,             (char *)run->times,
                                  (char *)run->diffs,    (char *)run->value_at,
                                  (char *)run->update_at };
    char *at = columns_at(run);
    for (int i = 0; i < COLUMNS; at += aligned(to->bytes[i++])) {
        if ((uint32_t)i < fit->column)
            continue;
        size_t left = to->bytes[i] - fit->moved, size = left < *bytes ? left : *bytes;
        if (size > 0 && at != from[i]) {
            memmove(at + fit->moved, from[i] + fit->moved, size);
            *bytes -= size;
            fit->moved += size;
            if (size < left)
                return false;
        } else if (left > 0 && at != from[i]) {
            return false;
        }
        *fit = (weir__fit){ .column = (uint32_t)i + 1 };
    }
    return true;
}

bool weir__run_fit(weir_trace_run **run, weir__fit *fit, size_t *bytes)
{
    layout l;
    weir_trace_run *r = *run;
    measure_used(r, &l);
    if (r->segment)
        r->segment->used = columns_of(&l);
    else if (r->size - l.size <= r->size / 16)
        return true;
    if (!move_some(r, &l, fit, bytes))
        return false;
    size_t size = r->size;
    place(&l, r);
    if (r->segment)
        return true; /* the rest of the file is cut off when it is sealed */
    /* a mapping stays one: there is no block to be copied to another */
    size_t fit_size = weir__is_mapped(size) && !weir__is_mapped(l.size) ? WEIR__MAPPED : l.size;
    weir_trace_run *shrunk = weir_realloc(r, size, fit_size);
    if (!shrunk) {
        r->size = size;
        return true;
    }
    place(&l, shrunk);
    shrunk->size = fit_size;
    *run = shrunk;
    return true;
}

void weir__run_put(weir_trace_run *run, const weir__pack *pack, char *to, const char *from,
                   const char *from_heap)
{
    weir__copy_small(to, from, pack->type.size);
    for (uint32_t i = 0; i < pack->string_count; i++) {
        weir_str *s = weir__pack_string(pack, to, i);
        if (weir_str_is_inline(s))
            continue;
        const char *bytes = from_heap ? from_heap + weir__str_offset(s) : s->u.ptr;
        memcpy(run->heap + run->heap_used, bytes, s->len);
        weir__str_set_offset(s, run->heap_used);
        run->heap_used += s->len;
    }
}

void weir__run_make_directory(weir_trace_run *run)
{
    uint32_t key = 0;
    for (uint32_t stretch = 0; stretch < run->stretches; stretch++) {
        while (key < run->key_count && (run->hashes[key] - run->base) >> run->shift < stretch)
            key++;
        run->directory[stretch] = key;
    }
    if (run->directory)
        run->directory[run->stretches] = run->key_count;
}

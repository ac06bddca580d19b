/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the writing of runs from updates in their final order: which columns are left out, the heap,
 * the directory.
 */
#include "trace/run.h"

enum { DIRECTORY_MIN = 32, KEYS_OF_A_STRETCH = 4 };

bool weir__writer_init(weir__writer *w, weir_shape *shape)
{
    *w = (weir__writer){ .run = weir_alloc_zero(sizeof *w->run) };
    if (!w->run)
        return false;
    w->run->refs = 1;
    w->run->shape = weir_shape_retain(shape);
    w->run->lower = UINT64_MAX;
    return true;
}

void weir__writer_fini(weir__writer *w)
{
    weir_trace_run_release(w->run);
    w->run = NULL;
}

/* The stretches of the directory of so many keys between two hashes. */
static uint64_t plan_directory(weir_trace_run *run, size_t keys, uint64_t first, uint64_t last)
{
    uint64_t stretches = 1;
    while (stretches < keys / KEYS_OF_A_STRETCH)
        stretches *= 2;
    run->base = first;
    run->shift = 0;
    while ((last - first) >> run->shift >= stretches)
        run->shift++;
    return ((last - first) >> run->shift) + 1;
}

bool weir__writer_expect(weir__writer *w, const weir__expected *e)
{
    weir_trace_run *run = w->run;
    const weir_shape *shape = run->shape;
    if (e->keys >= DIRECTORY_MIN)
        w->stretches = plan_directory(run, e->keys, e->first_hash, e->last_hash);
    return weir__column_reserve(&run->hashes, e->keys * 8) &&
           (shape->bijective ||
            weir__column_reserve(&run->keys, e->keys * shape->keys.type.size)) &&
           weir__column_reserve(&run->rests, e->values * shape->rests.type.size) &&
           weir__column_reserve(&run->heap, e->heap) &&
           weir__column_reserve(&run->value_at, e->values_vary ? (e->keys + 1) * 4 : 0) &&
           weir__column_reserve(&run->update_at, e->updates_vary ? (e->values + 1) * 4 : 0) &&
           weir__column_reserve(&run->times, e->times_vary ? e->updates * 8 : 0) &&
           weir__column_reserve(&run->diffs, e->diffs_vary ? e->updates * 8 : 0) &&
           weir__column_reserve(&run->directory, w->stretches ? (w->stretches + 1) * 4 : 0);
}

static bool add_word(weir__column *column, uint64_t word)
{
    void *room = weir__column_add(column, sizeof word);
    if (room)
        memcpy(room, &word, sizeof word);
    return room;
}

static bool add_half(weir__column *column, uint32_t half)
{
    void *room = weir__column_add(column, sizeof half);
    if (room)
        memcpy(room, &half, sizeof half);
    return room;
}

/* Entry i of a column of first indices, which is absent as long as entry i is i. */
static bool add_index(weir__column *column, uint32_t i, uint32_t first)
{
    if (!column->data) {
        if (first == i)
            return true;
        for (uint32_t j = 0; j < i; j++)
            if (!add_half(column, j))
                return false;
    }
    return add_half(column, first);
}

/* Entry i of a column that is absent as long as all entries are the same. */
static bool add_uniform(weir__column *column, uint32_t i, uint64_t *same, uint64_t word)
{
    if (i == 0)
        *same = word;
    if (!column->data) {
        if (word == *same)
            return true;
        for (uint32_t j = 0; j < i; j++)
            if (!add_word(column, *same))
                return false;
    }
    return add_word(column, word);
}

static bool add_packed(weir_trace_run *run, const weir__pack *pack, weir__column *column,
                       weir__packed from)
{
    if (pack->type.size == 0)
        return true;
    char *packed = weir__column_add(column, pack->type.size);
    if (!packed)
        return false;
    if (pack->type.size == sizeof(weir_str))
        memcpy(packed, from.at, sizeof(weir_str));
    else if (pack->type.size == 8)
        memcpy(packed, from.at, 8);
    else
        memcpy(packed, from.at, pack->type.size);
    for (uint32_t i = 0; i < pack->string_count; i++) {
        weir_str *s = weir__pack_string(pack, packed, i);
        if (weir_str_is_inline(s))
            continue;
        const char *bytes = from.heap ? from.heap + weir__str_offset(s) : s->u.ptr;
        char *room = weir__column_add(&run->heap, s->len);
        if (!room)
            return false;
        memcpy(room, bytes, s->len);
        weir__str_set_offset(s, (uint64_t)(room - run->heap.data));
    }
    return true;
}

/* The key to be written is the first one of all stretches up to its own. */
static bool write_stretches(weir__writer *w, uint64_t end)
{
    for (; w->stretch < end; w->stretch++)
        if (!add_half(&w->run->directory, w->run->key_count))
            return false;
    return true;
}

static bool write_key(weir__writer *w)
{
    weir_trace_run *run = w->run;
    w->key_written = true;
    if (w->stretches && !write_stretches(w, ((w->hash - run->base) >> run->shift) + 1))
        return false;
    return add_index(&run->value_at, run->key_count, run->value_count) &&
           add_word(&run->hashes, w->hash) &&
           (run->shape->bijective || add_packed(run, &run->shape->keys, &run->keys, w->key)) &&
           ++run->key_count;
}

static bool write_rest(weir__writer *w)
{
    weir_trace_run *run = w->run;
    w->rest_written = true;
    return add_index(&run->update_at, run->value_count, run->update_count) &&
           add_packed(run, &run->shape->rests, &run->rests, w->rest) && ++run->value_count;
}

void weir__writer_update(weir__writer *w, uint64_t time, int64_t diff)
{
    weir_trace_run *run = w->run;
    uint64_t same = (uint64_t)run->diff;
    if (WEIR_UNLIKELY(w->failed))
        return;
    if ((!w->key_written && !write_key(w)) || (!w->rest_written && !write_rest(w)) ||
        !add_uniform(&run->times, run->update_count, &run->time, time) ||
        !add_uniform(&run->diffs, run->update_count, &same, (uint64_t)diff)) {
        w->failed = true;
        return;
    }
    run->diff = (int64_t)same;
    w->diffs_vary = w->diffs_vary || diff != run->diff;
    run->update_count++;
    run->lower = time < run->lower ? time : run->lower;
    run->upper = time >= run->upper ? time + 1 : run->upper;
}

static bool end_directory(weir__writer *w)
{
    weir_trace_run *run = w->run;
    if (w->stretches)
        return write_stretches(w, w->stretches + 1);
    if (run->key_count < DIRECTORY_MIN)
        return true;
    uint64_t first = weir__run_hash(run, 0), last = weir__run_hash(run, run->key_count - 1);
    uint64_t stretches = plan_directory(run, run->key_count, first, last);
    uint32_t key = 0;
    for (uint64_t stretch = 0; stretch < stretches; stretch++) {
        while ((weir__run_hash(run, key) - first) >> run->shift < stretch)
            key++;
        if (!add_half(&run->directory, key))
            return false;
    }
    return add_half(&run->directory, run->key_count);
}

/* Leaves out the columns that were made ahead and turned out not to be needed. */
static void leave_out(weir__writer *w)
{
    weir_trace_run *run = w->run;
    if (run->value_count == run->key_count)
        weir__column_free(&run->value_at);
    if (run->update_count == run->value_count)
        weir__column_free(&run->update_at);
    if (run->upper - run->lower == 1)
        weir__column_free(&run->times);
    if (!w->diffs_vary)
        weir__column_free(&run->diffs);
}

bool weir__writer_finish(weir__writer *w, weir_trace_run **result)
{
    weir_trace_run *run = w->run;
    *result = NULL;
    if (!w->failed && run->update_count > 0) {
        if (add_index(&run->value_at, run->key_count, run->value_count) &&
            add_index(&run->update_at, run->value_count, run->update_count) && end_directory(w)) {
            leave_out(w);
            weir__column *const columns[] = { &run->hashes,    &run->keys,  &run->value_at,
                                              &run->rests,     &run->times, &run->diffs,
                                              &run->update_at, &run->heap,  &run->directory };
            for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
                weir__column_trim(columns[i]);
            *result = run;
            w->run = NULL;
            return true;
        }
        w->failed = true;
    }
    weir__writer_fini(w);
    return !w->failed;
}

size_t weir__run_capacity(const weir_trace_run *run)
{
    return sizeof *run + run->hashes.capacity + run->keys.capacity + run->value_at.capacity +
           run->rests.capacity + run->update_at.capacity + run->times.capacity +
           run->diffs.capacity + run->heap.capacity + run->directory.capacity;
}

size_t weir__run_used(const weir_trace_run *run)
{
    return sizeof *run + run->hashes.used + run->keys.used + run->value_at.used + run->rests.used +
           run->update_at.used + run->times.used + run->diffs.used + run->heap.used +
           run->directory.used;
}

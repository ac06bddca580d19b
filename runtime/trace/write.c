/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the writing of runs update by update, which columns turn out not to be needed, and that
 * those of a large run get pages that are at hand.
 */
#include "base/mapped.h"
#include "trace/run.h"

/* ---- pages ---- */

static char *granule_from(char *at)
{
    return at + (-(uintptr_t)at & (WEIR__GRANULE - 1));
}

/* The columns that grow side by side; a directory is small. */
static void columns_of(const weir_trace_run *r, char *at[WEIR__FED])
{
    char *const columns[WEIR__FED] = { (char *)r->hashes, r->keys, r->rests, (char *)r->times,
                                       (char *)r->diffs, (char *)r->value_at,
                                       (char *)r->update_at };
    memcpy(at, columns, sizeof columns);
}

/* Granules that lie in one column as a whole. */
static void feed_init(weir__writer *w)
{
    weir_trace_run *r = w->run;
    char *at[WEIR__FED], *const others[] = { (char *)r->directory, r->heap };
    w->feeds = weir__is_mapped(r->size);
    columns_of(r, at);
    for (int i = 0; w->feeds && i < WEIR__FED; i++) {
        char *end = (char *)r + r->size;
        for (int k = 0; k < WEIR__FED; k++)
            end = at[k] > at[i] && at[k] < end ? at[k] : end;
        for (int k = 0; k < 2; k++)
            end = others[k] > at[i] && others[k] < end ? others[k] : end;
        w->fed[i] = (weir__fed){ at[i] ? granule_from(at[i]) : NULL, end };
    }
}

static void feed(weir__fed *column, char *at, size_t used)
{
    enum { AHEAD = 64 << 10 };
    if (used == 0 || column->next > at + used + AHEAD)
        return;
    if (column->next < at + used) { /* more was written than was seen coming */
        column->next = granule_from(at + used);
    } else if (column->next + WEIR__GRANULE <= column->end) {
        weir__mapped_feed(column->next);
        column->next += WEIR__GRANULE;
    }
}

void weir__writer_feed(weir__writer *w)
{
    const weir_trace_run *r = w->run;
    const weir_shape *shape = r->shape;
    char *at[WEIR__FED];
    if (!w->feeds)
        return;
    const size_t used[WEIR__FED] = {
        r->key_count * (size_t)8,
        r->key_count * (size_t)shape->keys.type.size,
        r->value_count * (size_t)shape->rests.type.size,
        w->times_vary ? r->update_count * (size_t)shape->depth * 8 : 0,
        w->diffs_vary ? r->update_count * (size_t)8 : 0,
        w->values_vary ? r->key_count * (size_t)4 : 0,
        w->updates_vary ? r->value_count * (size_t)4 : 0,
    };
    columns_of(r, at);
    for (int i = 0; i < WEIR__FED; i++)
        if (at[i])
            feed(&w->fed[i], at[i], used[i]);
}

/* ---- writing ---- */

bool weir__writer_init(weir__writer *w, weir_shape *shape, const weir__room *room)
{
    *w = (weir__writer){ .run = weir__run_alloc(shape, room) };
    if (!w->run)
        return false;
    for (unsigned i = 0; i < shape->depth; i++)
        w->run->meet.at[i] = UINT64_MAX;
    if (w->run->directory)
        w->run->directory[0] = 0;
    feed_init(w);
    return true;
}

void weir__writer_fini(weir__writer *w)
{
    weir_trace_run_release(w->run);
    w->run = NULL;
}

void weir__writer_begin_values(weir__writer *w)
{
    weir_trace_run *run = w->run;
    w->values_vary = true;
    for (uint32_t i = 0; i < run->key_count; i++)
        run->value_at[i] = i;
}

void weir__writer_begin_updates(weir__writer *w)
{
    weir_trace_run *run = w->run;
    w->updates_vary = true;
    for (uint32_t i = 0; i < run->value_count; i++)
        run->update_at[i] = i;
}

/* Until now all are at the join: the meet is the new one's already. */
void weir__writer_begin_times(weir__writer *w)
{
    weir_trace_run *run = w->run;
    uint32_t depth = run->shape->depth;
    w->times_vary = true;
    for (uint32_t u = 0; u < run->update_count; u++)
        memcpy(run->times + (size_t)u * depth, run->join.at, depth * sizeof *run->times);
}

void weir__writer_begin_diffs(weir__writer *w)
{
    weir_trace_run *run = w->run;
    w->diffs_vary = true;
    for (uint32_t i = 0; i < run->update_count; i++)
        run->diffs[i] = run->diff;
}

void weir__writer_update(weir__writer *w, const uint64_t *coords, int64_t diff)
{
    if (!w->key_written)
        weir__writer_put_key(w, w->hash, w->key);
    if (!w->rest_written)
        weir__writer_put_rest(w, w->rest);
    w->key_written = w->rest_written = true;
    weir__writer_put_update(w, coords, diff);
}

/* The stretches after the last key are of no key. */
static void end_directory(weir__writer *w)
{
    weir_trace_run *run = w->run;
    while (run->directory && w->stretch < run->stretches)
        run->directory[++w->stretch] = run->key_count;
}

static void end_columns(weir__writer *w)
{
    weir_trace_run *run = w->run;
    if (!w->values_vary && run->value_count != run->key_count)
        weir__writer_begin_values(w);
    if (!w->updates_vary && run->update_count != run->value_count)
        weir__writer_begin_updates(w);
    if (w->values_vary)
        run->value_at[run->key_count] = run->value_count;
    if (w->updates_vary)
        run->update_at[run->value_count] = run->update_count;
    end_directory(w);
    run->value_at = w->values_vary ? run->value_at : NULL;
    run->update_at = w->updates_vary ? run->update_at : NULL;
    run->times = w->times_vary ? run->times : NULL;
    run->diffs = w->diffs_vary ? run->diffs : NULL;
}

bool weir__writer_end(weir__writer *w, size_t *bytes)
{
    if (w->run->update_count == 0)
        return true;
    if (!w->ended)
        end_columns(w);
    w->ended = true;
    return weir__run_fit(&w->run, &w->fit, bytes);
}

weir_trace_run *weir__writer_take(weir__writer *w)
{
    weir_trace_run *run = w->run;
    if (run->update_count == 0) {
        weir__writer_fini(w);
        return NULL;
    }
    w->run = NULL;
    return run;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the writing of runs update by update, and which columns turn out not to be needed.
 */
#include "trace/run.h"

bool weir__writer_init(weir__writer *w, weir_shape *shape, const weir__room *room)
{
    *w = (weir__writer){ .run = weir__run_alloc(shape, room) };
    if (!w->run)
        return false;
    for (unsigned i = 0; i < shape->depth; i++)
        w->run->meet.at[i] = UINT64_MAX;
    return true;
}

void weir__writer_fini(weir__writer *w)
{
    weir_trace_run_release(w->run);
    w->run = NULL;
}

static void write_key(weir__writer *w)
{
    weir_trace_run *run = w->run;
    uint32_t key = run->key_count++;
    w->key_written = true;
    if (run->directory)
        while (w->stretch <= (w->hash - run->base) >> run->shift)
            run->directory[w->stretch++] = key;
    if (run->value_at)
        run->value_at[key] = run->value_count;
    run->hashes[key] = w->hash;
    if (run->keys) {
        const weir__pack *pack = &run->shape->keys;
        weir__run_put(run, pack, run->keys + (size_t)key * pack->type.size, w->key.at,
                      w->key.heap);
    }
}

static void write_rest(weir__writer *w)
{
    weir_trace_run *run = w->run;
    uint32_t value = run->value_count++;
    w->rest_written = true;
    if (run->update_at)
        run->update_at[value] = run->update_count;
    if (run->rests) {
        const weir__pack *pack = &run->shape->rests;
        weir__run_put(run, pack, run->rests + (size_t)value * pack->type.size, w->rest.at,
                      w->rest.heap);
    }
}

void weir__writer_update(weir__writer *w, const uint64_t *coords, int64_t diff)
{
    weir_trace_run *run = w->run;
    uint32_t depth = run->shape->depth;
    if (!w->key_written)
        write_key(w);
    if (!w->rest_written)
        write_rest(w);
    if (run->update_count == 0)
        run->diff = diff;
    w->diffs_vary |= diff != run->diff;
    if (run->diffs)
        run->diffs[run->update_count] = diff;
    if (run->times)
        memcpy(run->times + (size_t)run->update_count * depth, coords, depth * sizeof *coords);
    for (uint32_t i = 0; i < depth; i++) {
        run->meet.at[i] = coords[i] < run->meet.at[i] ? coords[i] : run->meet.at[i];
        run->join.at[i] = coords[i] > run->join.at[i] ? coords[i] : run->join.at[i];
    }
    run->update_count++;
}

/* The stretches after the last key are of no key. */
static void end_directory(weir__writer *w)
{
    weir_trace_run *run = w->run;
    while (run->directory && w->stretch <= run->stretches)
        run->directory[w->stretch++] = run->key_count;
}

weir_trace_run *weir__writer_finish(weir__writer *w)
{
    weir_trace_run *run = w->run;
    if (run->update_count == 0) {
        weir__writer_fini(w);
        return NULL;
    }
    if (run->value_at)
        run->value_at[run->key_count] = run->value_count;
    if (run->update_at)
        run->update_at[run->value_count] = run->update_count;
    end_directory(w);
    if (run->value_count == run->key_count)
        run->value_at = NULL;
    if (run->update_count == run->value_count)
        run->update_at = NULL;
    if (weir_time_equal(&run->meet, &run->join, run->shape->depth))
        run->times = NULL;
    if (!w->diffs_vary)
        run->diffs = NULL;
    w->run = NULL;
    return weir__run_fit(run);
}

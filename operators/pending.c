/* SPDX-License-Identifier: Apache-2.0
 *
 * See pending.h.
 */
#include "pending.h"

#include <string.h>
#include <weir/memory.h>
#include <weir/operators/arrange.h>

weir_status weir__pending_init(weir__pending *p, weir_step *step, const weir__pending_spec *spec,
                               weir_error *error)
{
    *p = (weir__pending){ .depth = spec->depth,
                          .outputs = spec->outputs,
                          .account = weir_step_account(step) };
    weir__times_init(&p->waits, spec->depth, sizeof(weir__pending_time));
    weir__times_init(&p->ready, spec->depth, sizeof(weir__pending_time));
    weir_frontier_init(&p->since, spec->depth);
    weir_table_options options = { .struct_size = sizeof options,
                                   .type = spec->type,
                                   .key = *spec->key,
                                   .value_size = sizeof(weir__pending_key),
                                   .hash_seed = weir_step_hash_seed(step),
                                   .parts = weir_step_workers(step),
                                   .account = p->account };
    return weir_table_create(&p->table, &options, error);
}

static void free_time(weir__pending_time *t)
{
    for (uint32_t i = 0; i < t->run_count; i++)
        weir_trace_run_release(t->runs[i]);
    weir_free(t->runs, t->run_capacity * sizeof(weir_trace_run *));
    weir_free(t->keys, t->key_capacity * sizeof(weir__pending_key *));
}

static void free_key(weir__pending_key *key)
{
    weir_frontier_fini(&key->times);
    weir_free(key->window, key->window ? sizeof *key->window : 0);
}

static void free_list(weir__times *list)
{
    for (uint32_t i = 0; i < list->count; i++)
        free_time(weir__times_at(list, i));
    weir__times_fini(list);
}

void weir__pending_fini(weir__pending *p)
{
    if (!p->table)
        return;
    weir_table_walk walk = weir_table_walk_range(p->table, 0, UINT64_MAX);
    for (weir__pending_key *key; (key = weir_table_walk_next(&walk));)
        free_key(key);
    free_list(&p->waits);
    free_list(&p->ready);
    weir_frontier_fini(&p->since);
    weir_table_destroy(p->table);
}

/* ---- times ---- */

/* An entry whose time is at or before this one; NULL: there is none. */
static const weir__pending_time *before(const weir__pending *p, const weir_time *time)
{
    const weir__times *lists[] = { &p->ready, &p->waits };
    for (int k = 0; k < 2; k++)
        for (uint32_t i = 0; i < lists[k]->count; i++)
            if (weir_time_less_equal(weir__times_time(lists[k], i), time, p->depth))
                return weir__times_at(lists[k], i);
    return NULL;
}

/* The entry of a time, made if there is none: with capabilities from the current batch, or from
 * what there is. Valid until another one is made. */
static weir__pending_time *time_of(weir__pending *p, weir_step *step, const weir_time *time,
                                   bool of_batch)
{
    weir__pending_time *there = weir__times_find(&p->waits, time);
    if (there)
        return there;
    weir__pending_time made = { .time = *time };
    const weir__pending_time *from = of_batch ? NULL : before(p, time);
    for (unsigned o = 0; o < WEIR__PENDING_OUTPUTS; o++)
        if (p->outputs >> o & 1)
            made.caps[o] = of_batch ? weir_cap_retain(step, o, time)
                           : from   ? weir_cap_delayed(step, from->caps[o], time)
                                    : WEIR_CAP_NONE; /* using it is an assertion */
    weir__pending_time *t = weir__times_add(&p->waits, time);
    *t = made;
    return t;
}

void weir__pending_add_run(weir__pending *p, weir_step *step, weir_trace_run *run,
                           const weir_time *time)
{
    weir__pending_time *t = time_of(p, step, time, true);
    if (t->run_count == t->run_capacity) {
        uint32_t capacity = 2 * t->run_capacity + 2;
        t->runs = weir_realloc_must(t->runs, t->run_capacity * sizeof(weir_trace_run *),
                                    capacity * sizeof(weir_trace_run *));
        t->run_capacity = capacity;
    }
    t->runs[t->run_count++] = weir_trace_run_retain(run);
}

void weir__pending_take_runs(weir__pending *p, weir_step *step, weir_trace_reader *reader)
{
    for (const weir_batch *batch; (batch = weir_step_take(step, 0));)
        for (size_t i = 0; i < batch->count; i++) {
            const weir_run_ref *ref = weir_batch_record(batch, i);
            weir_trace_run *run = weir_trace_reader_deliver(reader, ref->number);
            weir__pending_add_run(p, step, run, &batch->time);
        }
}

static void make_ready(void *entry, void *ctx)
{
    weir__pending *p = ctx;
    const weir__pending_time *t = entry;
    for (uint32_t k = 0; k < t->key_count; k++)
        for (uint32_t n = 0; n < t->keys[k]->times.count && !t->keys[k]->due; n++)
            t->keys[k]->due = weir_time_equal(&weir_frontier_times(&t->keys[k]->times)[n],
                                              &t->time, p->depth);
    *(weir__pending_time *)weir__times_add(&p->ready, &t->time) = *t;
}

bool weir__pending_take(weir__pending *p, const weir_frontier *frontier)
{
    weir__times_take(&p->waits, frontier, make_ready, p);
    return p->ready.count > 0;
}

void weir__pending_advance(weir__pending *p, const weir_frontier *frontier, weir_trace_reader *in,
                           weir_trace_reader *own)
{
    if (weir_frontier_equal(&p->since, frontier))
        return;
    weir_frontier_set(&p->since, frontier);
    weir_trace_reader_advance(in, frontier);
    if (own)
        weir_trace_reader_advance(own, frontier);
}

void weir__pending_done(weir__pending *p, weir_step *step)
{
    for (uint32_t i = 0; i < p->ready.count; i++) {
        weir__pending_time *t = weir__pending_ready(p, i);
        for (uint32_t k = 0; k < t->key_count; k++) {
            weir__pending_key *key = t->keys[k];
            key->due = false;
            if (--key->refs > 0 || key->times.count > 0)
                continue;
            free_key(key);
            weir_table_remove(p->table, key);
        }
        for (unsigned o = 0; o < WEIR__PENDING_OUTPUTS; o++)
            if (p->outputs >> o & 1)
                weir_cap_drop(step, t->caps[o]);
        free_time(t);
    }
    weir__times_clear(&p->ready);
}

/* ---- keys ---- */

weir__pending_key *weir__pending_find(const weir__pending *p, const void *record)
{
    return weir_table_count(p->table) ? weir_table_find(p->table, record) : NULL;
}

static void refer(weir__pending_time *t, weir__pending_key *key)
{
    if (t->key_count == t->key_capacity) {
        uint32_t capacity = 2 * t->key_capacity + 4;
        t->keys = weir_realloc_must(t->keys, t->key_capacity * sizeof(weir__pending_key *),
                                    capacity * sizeof(weir__pending_key *));
        t->key_capacity = capacity;
    }
    t->keys[t->key_count++] = key;
    key->refs++;
}

static bool has_time(const weir__pending *p, const weir_frontier *times, const weir_time *time)
{
    for (uint32_t i = 0; i < times->count; i++)
        if (weir_time_equal(&weir_frontier_times(times)[i], time, p->depth))
            return true;
    return false;
}

bool weir__pending_set(weir__pending *p, weir_step *step, const void *record,
                       weir__pending_key **known, const weir_frontier *times)
{
    weir__pending_key *key = *known;
    if (!key && times->count == 0)
        return true;
    if (!key) {
        key = weir_table_insert(p->table, record);
        if (!key)
            return false;
        weir_frontier_init(&key->times, p->depth);
        key->hash = weir_table_hash(p->table, key);
        *known = key;
    }
    for (uint32_t i = 0; i < times->count; i++) {
        const weir_time *time = &weir_frontier_times(times)[i];
        if (!has_time(p, &key->times, time))
            refer(time_of(p, step, time, false), key);
    }
    weir_frontier_set(&key->times, times);
    return true;
}

void weir__pending_keep_window(weir__pending_key *key, const weir__window *window)
{
    if (!key->window)
        key->window = weir_alloc_must(sizeof *key->window);
    *key->window = *window;
}

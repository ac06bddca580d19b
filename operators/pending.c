/* SPDX-License-Identifier: Apache-2.0
 *
 * See pending.h.
 */
#include "pending.h"

#include <string.h>
#include <weir/operators/arrange.h>

weir_status weir__pending_init(weir__pending *p, weir_step *step, const weir__pending_spec *spec,
                               weir_error *error)
{
    *p = (weir__pending){ .depth = spec->depth,
                          .outputs = spec->outputs,
                          .account = weir_step_account(step) };
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

static void free_list(weir__pending_list *list)
{
    for (uint32_t i = 0; i < list->count; i++)
        free_time(&list->at[list->first + i]);
    weir_free(list->at, list->capacity * sizeof *list->at);
    *list = (weir__pending_list){ .at = NULL };
}

void weir__pending_fini(weir__pending *p)
{
    if (!p->table)
        return;
    weir_table_walk walk = weir_table_walk_range(p->table, 0, UINT64_MAX);
    for (weir__pending_key *key; (key = weir_table_walk_next(&walk));)
        weir_frontier_fini(&key->times);
    free_list(&p->waits);
    free_list(&p->ready);
    weir_table_destroy(p->table);
}

/* ---- times ---- */

/* Index of the first one that is not before this time. */
static uint32_t find(const weir__pending *p, const weir_time *time)
{
    uint32_t low = p->waits.first, high = low + p->waits.count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (weir_time_compare(&p->waits.at[middle].time, time, p->depth) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low - p->waits.first;
}

static weir__pending_time *push(weir__pending_list *list, uint32_t at)
{
    if (list->first + list->count == list->capacity) {
        if (list->first > list->count) {
            memcpy(list->at, list->at + list->first, list->count * sizeof *list->at);
            list->first = 0;
        } else {
            uint32_t capacity = 2 * list->capacity + 4;
            list->at = weir_realloc_must(list->at, list->capacity * sizeof *list->at,
                                         capacity * sizeof *list->at);
            list->capacity = capacity;
        }
    }
    weir__pending_time *place = &list->at[list->first + at];
    memmove(place + 1, place, (list->count++ - at) * sizeof *place);
    return place;
}

/* An entry whose time is at or before this one; NULL: there is none. */
static const weir__pending_time *before(const weir__pending *p, const weir_time *time)
{
    const weir__pending_list *lists[] = { &p->ready, &p->waits };
    for (int k = 0; k < 2; k++)
        for (uint32_t i = 0; i < lists[k]->count; i++)
            if (weir_time_less_equal(&lists[k]->at[lists[k]->first + i].time, time, p->depth))
                return &lists[k]->at[lists[k]->first + i];
    return NULL;
}

/* The entry of a time, made if there is none: with capabilities from the current batch, or from
 * what there is. Valid until another one is made. */
static weir__pending_time *time_of(weir__pending *p, weir_step *step, const weir_time *time,
                                   bool of_batch)
{
    uint32_t at = find(p, time);
    weir__pending_time *there = p->waits.at + p->waits.first + at;
    if (at < p->waits.count && weir_time_equal(&there->time, time, p->depth))
        return there;
    weir__pending_time made = { .time = *time };
    const weir__pending_time *from = of_batch ? NULL : before(p, time);
    for (unsigned o = 0; o < WEIR__PENDING_OUTPUTS; o++)
        if (p->outputs >> o & 1)
            made.caps[o] = of_batch ? weir_cap_retain(step, o, time)
                           : from   ? weir_cap_delayed(step, from->caps[o], time)
                                    : WEIR_CAP_NONE; /* using it is an assertion */
    weir__pending_time *t = push(&p->waits, at);
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

static void make_ready(weir__pending *p, const weir__pending_time *t)
{
    for (uint32_t k = 0; k < t->key_count; k++)
        for (uint32_t n = 0; n < t->keys[k]->times.count && !t->keys[k]->due; n++)
            t->keys[k]->due = weir_time_equal(&weir_frontier_times(&t->keys[k]->times)[n],
                                              &t->time, p->depth);
    *push(&p->ready, p->ready.count) = *t;
}

/* With one coordinate they are the first ones: what stays is not looked at. */
bool weir__pending_take(weir__pending *p, const weir_frontier *frontier)
{
    weir__pending_list *waits = &p->waits;
    if (p->depth == 1) {
        for (; waits->count > 0 &&
               !weir_frontier_less_equal(frontier, &waits->at[waits->first].time);
             waits->count--)
            make_ready(p, &waits->at[waits->first++]);
        return p->ready.count > 0;
    }
    weir__pending_time *times = waits->at + waits->first;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < waits->count; i++) {
        if (weir_frontier_less_equal(frontier, &times[i].time))
            times[kept++] = times[i];
        else
            make_ready(p, &times[i]);
    }
    waits->count = kept;
    return p->ready.count > 0;
}

void weir__pending_done(weir__pending *p, weir_step *step)
{
    for (uint32_t i = 0; i < p->ready.count; i++) {
        weir__pending_time *t = &p->ready.at[i];
        for (uint32_t k = 0; k < t->key_count; k++) {
            weir__pending_key *key = t->keys[k];
            key->due = false;
            if (--key->refs > 0 || key->times.count > 0)
                continue;
            weir_frontier_fini(&key->times);
            weir_table_remove(p->table, key);
        }
        for (unsigned o = 0; o < WEIR__PENDING_OUTPUTS; o++)
            if (p->outputs >> o & 1)
                weir_cap_drop(step, t->caps[o]);
        free_time(t);
    }
    p->ready.count = 0;
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
                       weir__pending_key *known, const weir_frontier *times)
{
    weir__pending_key *key = known;
    if (!key && times->count == 0)
        return true;
    if (!key) {
        key = weir_table_insert(p->table, record);
        if (!key)
            return false;
        weir_frontier_init(&key->times, p->depth);
        key->hash = weir_table_hash(p->table, key);
    }
    for (uint32_t i = 0; i < times->count; i++) {
        const weir_time *time = &weir_frontier_times(times)[i];
        if (!has_time(p, &key->times, time))
            refer(time_of(p, step, time, false), key);
    }
    weir_frontier_set(&key->times, times);
    return true;
}

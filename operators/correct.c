/* SPDX-License-Identifier: Apache-2.0
 *
 * See correct.h.
 */
#include "correct.h"

#include <string.h>

#include <weir/memory.h>

enum { FEW = 8 }; /* results that are compared one by one */

weir_status weir__correct_init(weir__correct *c, const weir__correct_spec *spec)
{
    *c = (weir__correct){ .in = spec->in,
                          .out = spec->reduce->out,
                          .key = spec->key,
                          .spec = spec->reduce,
                          .values.type = spec->in,
                          .results.type = spec->reduce->out };
    weir_history_init(&c->history, spec->depth);
    weir_frontier_init(&c->later, spec->depth);
    weir_frontier_init(&c->of_value, spec->depth);
    weir_history_init(&c->ahead, spec->depth);
    c->gather = weir_gather_create(c->out);
    c->key_record = weir_alloc_must(c->in->size);
    c->probe = weir_alloc_must(c->out->size);
    c->changed = weir_alloc_must(c->in->size);
    return c->gather ? WEIR_OK : WEIR_NO_MEMORY;
}

static void free_strings(weir__correct *c)
{
    for (weir__block *next; c->strings; c->strings = next) {
        next = c->strings->next;
        weir_free(c->strings, c->strings->size);
    }
}

void weir__correct_fini(weir__correct *c)
{
    if (!c->in)
        return;
    free_strings(c);
    weir_history_fini(&c->history);
    weir_frontier_fini(&c->later);
    weir_frontier_fini(&c->of_value);
    weir_history_fini(&c->ahead);
    weir_gather_destroy(c->gather);
    weir_free(c->values.records, c->values.capacity * c->in->size);
    weir_free(c->results.records, c->results.capacity * c->out->size);
    weir_free(c->key_record, c->in->size);
    weir_free(c->probe, c->out->size);
    weir_free(c->changed, c->in->size);
    weir_free(c->group, c->group_capacity * sizeof *c->group);
    weir_free(c->updates, c->update_capacity * sizeof *c->updates);
    weir_free(c->slots, c->slot_count * sizeof *c->slots);
}

static uint32_t append(weir__numbered *n, const void *record)
{
    size_t size = n->type->size;
    if (n->count == n->capacity) {
        size_t capacity = 2 * n->capacity + 8;
        n->records = weir_realloc_must(n->records, n->capacity * size, capacity * size);
        n->capacity = capacity;
    }
    memcpy(n->records + n->count * size, record, size);
    return (uint32_t)n->count++;
}

void weir__correct_begin(weir__correct *c, const void *record)
{
    memset(c->key_record, 0, c->in->size);
    memset(c->probe, 0, c->out->size);
    for (uint32_t i = 0; i < c->key->count; i++) {
        const weir_field *a = &c->in->fields[c->key->field[i]];
        const weir_field *b = &c->out->fields[c->spec->result_key.field[i]];
        const char *from = (const char *)record + a->offset;
        memcpy(c->key_record + a->offset, from, weir_kind_size(a->kind));
        memcpy(c->probe + b->offset, from, weir_kind_size(a->kind));
        if (a->optional) {
            c->key_record[a->set_offset] = ((const char *)record)[a->set_offset];
            c->probe[b->set_offset] = ((const char *)record)[a->set_offset];
        }
    }
    c->values.count = c->results.count = 0;
    c->slotted = 0;
    c->looked = 0;
    c->has_changed = c->same = false;
    free_strings(c);
    weir_history_begin(&c->history);
    if (c->gone)
        weir__gone_begin(c->gone, c->key_record);
}

/* ---- results by their number ---- */

static bool is_result(const weir__correct *c, uint32_t number, const void *record)
{
    return weir_record_equal(c->out, weir__correct_result(c, number), record);
}

static size_t slot_of(const weir__correct *c, const void *record)
{
    size_t at = weir_record_hash(c->out, record, 0) & c->slot_mask;
    while (c->slots[at] && !is_result(c, c->slots[at] - 1, record))
        at = (at + 1) & c->slot_mask;
    return at;
}

/* Puts the results that are not in the slots there, which stay half empty. */
static void fill_slots(weir__correct *c)
{
    size_t needed = 2 * (c->results.count + 1);
    if (c->slot_count < needed) {
        size_t count = 64;
        while (count < 2 * needed)
            count *= 2;
        c->slots = weir_realloc_must(c->slots, c->slot_count * sizeof *c->slots,
                                     count * sizeof *c->slots);
        c->slot_count = count;
    }
    if (c->slot_mask + 1 < needed)
        c->slotted = 0; /* anew, in more of them */
    if (c->slotted == 0) {
        c->slot_mask = 63;
        while (c->slot_mask + 1 < 4 * (c->results.count + 1) && c->slot_mask + 1 < c->slot_count)
            c->slot_mask = 2 * c->slot_mask + 1;
        memset(c->slots, 0, (c->slot_mask + 1) * sizeof *c->slots);
    }
    for (; c->slotted < c->results.count; c->slotted++)
        c->slots[slot_of(c, weir__correct_result(c, (uint32_t)c->slotted))] =
            (uint32_t)c->slotted + 1;
}

/* A result that was just emitted; the gather keeps its strings only until it is used again. */
static uint32_t append_result(weir__correct *c, const void *record)
{
    uint32_t number = append(&c->results, record);
    size_t size = c->out->has_strings ? weir_record_heap_size(c->out, record) : 0;
    if (size > 0) {
        weir__block *block = weir_alloc_must(sizeof *block + size);
        *block = (weir__block){ c->strings, sizeof *block + size };
        c->strings = block;
        weir_record_move_strings(c->out, c->results.records + number * (size_t)c->out->size,
                                 (char *)(block + 1));
    }
    return number;
}

static uint32_t number_of(weir__correct *c, const void *record)
{
    if (c->results.count <= FEW) {
        for (uint32_t i = 0; i < c->results.count; i++)
            if (is_result(c, i, record))
                return i;
        return append_result(c, record);
    }
    fill_slots(c);
    size_t at = slot_of(c, record);
    return c->slots[at] ? c->slots[at] - 1 : append_result(c, record);
}

/* ---- a key ---- */

static void read_values(weir__correct *c, weir_history *h, weir_cursor *in)
{
    weir_time time;
    int64_t diff;
    if (!weir_cursor_find(in, c->key_record))
        return;
    while (weir_cursor_next_value(in)) {
        uint32_t number = append(&c->values, weir_cursor_record(in));
        while (weir_cursor_next_update(in, &time, &diff))
            weir_history_input(h, number, &time, diff);
    }
}

/* ---- the first values of a key ---- */

static void read_updates(weir__correct *c, weir_cursor *in)
{
    weir_history_update u = { .value = 0 };
    for (c->update_count = 0; weir_cursor_next_update(in, &u.time, &u.diff);) {
        if (c->update_count == c->update_capacity) {
            size_t capacity = 2 * c->update_capacity + 8;
            c->updates = weir_realloc_must(c->updates, c->update_capacity * sizeof u,
                                           capacity * sizeof u);
            c->update_capacity = capacity;
        }
        c->updates[c->update_count++] = u;
    }
}

/* A time that counts the same at all times at or after the frontier. */
static weir_time moved(const weir_frontier *frontier, const weir_time *time)
{
    weir_time result = *time;
    for (uint32_t i = 0; i < frontier->count; i++) {
        const weir_time *f = &weir_frontier_times(frontier)[i];
        weir_time join = weir_time_join(f, time, frontier->depth);
        result = i == 0 ? join : weir_time_meet(&result, &join, frontier->depth);
    }
    return result;
}

/* Whether the value is not there at any time at or after the frontier. Moves its updates there. */
static bool has_gone(weir__correct *c, const weir_frontier *frontier)
{
    enum { MANY = 32 };
    if (c->update_count < 2 || c->update_count > MANY)
        return false;
    for (size_t i = 0; i < c->update_count; i++)
        c->updates[i].time = moved(frontier, &c->updates[i].time);
    for (size_t i = 0; i < c->update_count; i++) {
        __extension__ __int128 sum = 0;
        for (size_t k = 0; k < c->update_count; k++)
            if (weir_time_equal(&c->updates[k].time, &c->updates[i].time, frontier->depth))
                sum += c->updates[k].diff;
        if (sum != 0)
            return false;
    }
    return true;
}

/* What the updates at hand come to. False: that differs from time to time, of those looked at. */
static bool sum_updates(const weir__correct *c, const weir_time *meet, weir__wide *sum)
{
    bool is_one = true;
    *sum = 0;
    for (size_t i = 0; i < c->update_count; i++) {
        *sum += c->updates[i].diff;
        is_one &= weir_time_less_equal(&c->updates[i].time, meet, c->history.depth);
    }
    return is_one;
}

/* Notes a value. Returns how often it is there at whatever time is looked at: 0 where that differs
 * from time to time. */
static uint64_t note_value(weir__correct *c, const void *record, const weir_time *meet)
{
    weir__wide sum;
    bool is_one = sum_updates(c, meet, &sum);
    if (is_one && sum == 0)
        return 0;
    uint32_t number = append(&c->values, record);
    for (size_t i = 0; i < c->update_count; i++)
        weir_history_input(&c->history, number, &c->updates[i].time, c->updates[i].diff);
    return !is_one || sum < 0 ? 0 : sum > INT64_MAX ? INT64_MAX : (uint64_t)sum;
}

bool weir__correct_stays(weir__correct *c, weir_cursor *in, const weir_time *meet)
{
    weir__wide sum;
    read_updates(c, in);
    return sum_updates(c, meet, &sum) && sum > 0;
}

bool weir__correct_read_value(weir__correct *c, weir_cursor *in, const weir_time *meet)
{
    read_updates(c, in);
    return note_value(c, weir_cursor_record(in), meet) > 0;
}

void weir__correct_changed(weir__correct *c, const void *record)
{
    memcpy(c->changed, record, c->in->size);
    c->has_changed = true;
}

/* What lies behind this value matters at no time that is looked at: none before this one is. */
static void note_last(weir__correct *c, const void *record, const weir_time *from)
{
    weir__standing_mark(c->standing, record, from);
    c->same = c->has_changed && weir__front_compare(&c->gone->order, record, c->changed) < 0;
}

/* Up to values that are there at all times that are looked at: behind them nothing matters. */
static void read_first(weir__correct *c, weir_cursor *in, const weir_frontier *upper)
{
    uint64_t left = c->spec->first;
    weir_time meet;
    if (!weir_history_meet(&c->history, &meet))
        return;
    bool all = !weir_cursor_find(in, c->key_record);
    while (!all && left > 0) {
        all = !weir_cursor_next_value(in);
        if (all || weir__gone_pass(c->gone, in, &c->looked))
            continue;
        read_updates(c, in);
        c->looked++;
        const void *record = weir_cursor_record(in);
        uint64_t there = note_value(c, record, &meet);
        left -= there < left ? there : left;
        weir__gone_note(c->gone, record, has_gone(c, upper));
        if (left == 0)
            note_last(c, record, &meet);
    }
    weir__gone_end(c->gone, all);
}

/* ---- results of a key ---- */

void weir__correct_read_result(weir__correct *c, weir_cursor *out)
{
    weir_time time;
    int64_t diff;
    uint32_t number = append(&c->results, weir_cursor_record(out));
    while (weir_cursor_next_update(out, &time, &diff))
        weir_history_output(&c->history, number, &time, diff);
}

static void read_results(weir__correct *c, weir_cursor *out)
{
    if (!weir_cursor_find(out, c->probe))
        return;
    while (weir_cursor_next_value(out))
        weir__correct_read_result(c, out);
}

/* What the values of the key sum up to at a time; what comes later goes to c->later. */
static weir_status sum_side(weir__correct *c, weir_cursor *cursor, const weir_time *time,
                            bool is_input)
{
    int64_t sum;
    if (!weir_cursor_find(cursor, is_input ? c->key_record : c->probe))
        return WEIR_OK;
    while (weir_cursor_next_value(cursor)) {
        if (!weir_cursor_split(cursor, time, &sum, &c->later))
            return WEIR_OVERFLOWED;
        if (sum == 0)
            continue;
        uint32_t number = append(is_input ? &c->values : &c->results, weir_cursor_record(cursor));
        if (is_input)
            weir_history_sum_input(&c->history, number, sum);
        else
            weir_history_sum_output(&c->history, number, sum);
    }
    return WEIR_OK;
}

/* Of the values of the key, which `in` has been asked to find, those that may be among the first
 * ones at a time or a later one: up to enough of them that are there from this time on. */
static weir_status sum_first(weir__correct *c, weir_cursor *in, const weir_time *time)
{
    uint64_t left = c->spec->first;
    int64_t sum;
    while (left > 0 && weir_cursor_next_value(in)) {
        c->looked++;
        weir_frontier_clear(&c->of_value);
        if (!weir_cursor_split(in, time, &sum, &c->of_value))
            return WEIR_OVERFLOWED;
        for (uint32_t i = 0; i < c->of_value.count; i++)
            weir_frontier_insert(&c->later, &weir_frontier_times(&c->of_value)[i]);
        if (sum == 0)
            continue;
        const void *record = weir_cursor_record(in);
        weir_history_sum_input(&c->history, append(&c->values, record), sum);
        if (sum > 0 && c->of_value.count == 0)
            left -= (uint64_t)sum < left ? (uint64_t)sum : left;
        if (left == 0)
            note_last(c, record, time);
    }
    return WEIR_OK;
}

/* Finds the key. In a large group, or one of which much has gone, what has gone is passed over; or
 * only a window of it is read. */
static bool is_small(const weir__correct *c, weir_cursor *in)
{
    enum { FEW_VALUES = 64, FEW_OF_WINDOWS = 8 };
    if (!c->gone && !c->windows)
        return true;
    const size_t few = c->gone ? FEW_VALUES : FEW_OF_WINDOWS;
    return (!c->gone || !c->gone->list) &&
           (!weir_cursor_find(in, c->key_record) || weir_cursor_ahead(in) <= few);
}

/* Goes to the time at which the output has to be looked at, if it is one, without noting updates.
 * False: it is not, or something failed. */
static bool go_alone(weir__correct *c, weir_cursor *in, weir_cursor *out,
                     const weir_frontier *upper, weir_status *status)
{
    weir_time time, meet;
    if (!weir_history_alone(&c->history, upper, &time) || !is_small(c, in))
        return false;
    weir_frontier_clear(&c->later);
    /* Changes at times that are not to be looked at yet: what is there from this one on need not be
     * there at those that are not after it. */
    if (c->gone && weir_history_meet(&c->history, &meet))
        c->has_changed &= weir_time_less_equal(&time, &meet, c->history.depth);
    *status = c->gone ? sum_first(c, in, &time) : sum_side(c, in, &time, true);
    if (c->same)
        return false;
    if (!*status)
        *status = sum_side(c, out, &time, false);
    if (*status || weir_history_visit(&c->history, upper, &c->later))
        return !*status;
    c->values.count = c->results.count = 0;
    return false;
}

/* What the function gives for the values at hand is wanted. INVALID: it is of another key. */
static weir_status call(weir__correct *c, weir_history *h)
{
    const weir_history_sums *sums = &h->input;
    const weir_gathered *pieces;
    if (sums->count == 0)
        return WEIR_OK;
    if (sums->count > c->group_capacity) {
        size_t capacity = 2 * sums->count;
        c->group = weir_realloc_must(c->group, c->group_capacity * sizeof *c->group,
                                     capacity * sizeof *c->group);
        c->group_capacity = capacity;
    }
    for (size_t i = 0; i < sums->count; i++)
        c->group[i] = c->values.records + sums->values[i] * (size_t)c->in->size;
    weir_values values = { sums->count, c->group, sums->diffs };
    weir_status status =
        c->spec->reduce(c->key_record, &values, weir_gather_begin(c->gather), c->spec->ctx);
    if (status != WEIR_OK)
        return status;
    for (size_t left = weir_gather_end(c->gather, &pieces); left > 0; left--, pieces++)
        for (size_t i = 0; i < pieces->count; i++) {
            const char *record = (const char *)pieces->records + i * c->out->size;
            if (!weir_key_equal(c->out, &c->spec->result_key, record, c->probe))
                return WEIR_INVALID;
            weir_history_want(h, number_of(c, record),
                              pieces->diffs ? pieces->diffs[i] : 1);
        }
    return WEIR_OK;
}

/* ---- ahead ---- */

/* What was put out for the key, by the numbers that its records have. */
static void read_again(weir__correct *c, weir_cursor *out)
{
    size_t count;
    const weir_history_update *made = weir_history_corrections(&c->history, &count);
    weir_time time;
    int64_t diff;
    for (size_t i = 0; i < count; i++)
        weir_history_output(&c->ahead, made[i].value, &made[i].time, made[i].diff);
    if (!weir_cursor_find(out, c->probe))
        return;
    while (weir_cursor_next_value(out)) {
        uint32_t number = number_of(c, weir_cursor_record(out));
        while (weir_cursor_next_update(out, &time, &diff))
            weir_history_output(&c->ahead, number, &time, diff);
    }
}

/* Goes through what is pending as if nothing more came. Where nothing is to be corrected then, the
 * output is right already, and if something comes the time is found anew; so it need not wait. */
static void look_ahead(weir__correct *c, weir_cursor *in, weir_cursor *out)
{
    weir_history *h = &c->ahead;
    const weir_frontier *pending = &c->history.pending;
    weir_frontier all; /* no time is at or after it */
    weir_time time;
    size_t made = 0;
    weir_frontier_init(&all, h->depth);
    weir_history_begin(h);
    for (uint32_t i = 0; i < pending->count; i++)
        weir_history_seed(h, &weir_frontier_times(pending)[i]);
    c->values.count = 0;
    read_values(c, h, in);
    read_again(c, out);
    while (weir_history_next(h, &all, &time)) {
        (void)weir_history_corrections(h, &made);
        if (made > 0 || c->credit == 0 || call(c, h) != WEIR_OK) {
            weir_history_leave(h);
            break;
        }
        c->credit--;
    }
    const weir_history_update *first = weir_history_corrections(h, &made);
    if (made > 0)
        weir_frontier_insert(&h->pending, &first->time);
    if (!h->failed)
        weir_frontier_set(&c->history.pending, &h->pending);
}

void weir__correct_earn(weir__correct *c)
{
    enum { EARNED = 32, MOST = 1024 };
    c->credit = c->credit + EARNED < MOST ? c->credit + EARNED : MOST;
}

/* From the time at hand on, if it is to be looked at. */
static weir_status go_on(weir__correct *c, const weir_frontier *upper, bool goes_on)
{
    weir_status status = WEIR_OK;
    weir_time time;
    while (goes_on && !status) {
        status = call(c, &c->history);
        goes_on = !status && weir_history_next(&c->history, upper, &time);
    }
    return status ? status : c->history.failed;
}

weir_status weir__correct_one(weir__correct *c, const void *record, int64_t diff,
                              const weir_frontier *upper, bool *done)
{
    weir_time time;
    *done = false;
    if (diff <= 0 || !weir_history_alone(&c->history, upper, &time))
        return WEIR_OK;
    weir_frontier_clear(&c->later);
    weir_history_sum_input(&c->history, append(&c->values, record), diff);
    *done = weir_history_visit(&c->history, upper, &c->later);
    if ((uint64_t)diff >= c->spec->first)
        weir__standing_mark(c->standing, record, &time);
    return go_on(c, upper, *done);
}

weir_status weir__correct_total(weir__correct *c, const weir__totals *totals,
                                const weir_frontier *upper, bool *done)
{
    const weir__total *values = &totals->values, *results = &totals->results;
    weir_time time;
    *done = false;
    if (!weir_history_alone(&c->history, upper, &time))
        return WEIR_OK;
    weir_frontier_clear(&c->later);
    for (size_t i = 0; i < values->count; i++)
        weir_history_sum_input(&c->history, append(&c->values, values->records + i * c->in->size),
                               values->sums[i]);
    for (size_t i = 0; i < results->count; i++)
        weir_history_sum_output(&c->history,
                                append(&c->results, results->records + i * c->out->size),
                                results->sums[i]);
    *done = weir_history_visit(&c->history, upper, &c->later);
    return go_on(c, upper, *done);
}

weir_status weir__correct_run(weir__correct *c, weir_cursor *in, weir_cursor *out,
                              const weir_frontier *upper)
{
    weir_status status = WEIR_OK;
    weir_time time;
    bool goes_on = go_alone(c, in, out, upper, &status);
    if (!goes_on && !status && c->windows) {
        status = c->windows->read(c, in, out, c->windows->ctx);
        goes_on = !status && weir_history_next(&c->history, upper, &time);
    } else if (!goes_on && !status && !c->same) {
        if (c->gone)
            read_first(c, in, upper);
        else
            read_values(c, &c->history, in);
        if (!c->same)
            read_results(c, out);
        goes_on = !c->same && weir_history_next(&c->history, upper, &time);
    }
    if (c->same || status)
        return status;
    status = go_on(c, upper, goes_on);
    if (!status && c->credit > 0 && c->spec->ahead && !c->gone && c->history.pending.count > 0)
        look_ahead(c, in, out);
    return status;
}

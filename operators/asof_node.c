/* SPDX-License-Identifier: Apache-2.0
 *
 * See asof_node.h. A change of the first side is paired with the newest record that it has. A
 * change of the second side concerns records of the first from its time on, up to the first one
 * whose newest record is the same as before. What there was before an epoch is what there is now
 * less what changed. A key's times are gone through upwards, and what lies before one of them is
 * looked at for it alone; a key may take several steps. Only what has gone is kept (asof_gone.h).
 */
#include "asof_node.h"

#include <string.h>

#include <weir/observe.h>

#include "asof_gone.h"
#include "front.h"
#include "owned.h"
#include "round.h"
#include "trace_failed.h"
#include "window.h"

typedef struct description {
    const weir__parts *parts;
    weir_arrangement *in;
    weir__front_order order; /* that of the group */
} description;

typedef struct state {
    const description *d;
    weir__round round;
    weir_cursor *seconds; /* over all that there is, like round.all, which reads the first side */
    weir__round_changes changes;
    size_t firsts;        /* of the changes, from here on they are of the first side */
    weir_builder *out;
    char *probe, *pair;
    uint64_t looked;
    size_t keys;        /* in this step */
    weir_status failed;
    weir__asof_gone gone;
    /* of the key at hand, which may take several steps */
    enum { NO_KEY, READING, TOUCHING, GOING_ON } stage;
    size_t first, second; /* changes to come: of the first side from here, of the second up here */
    bool walking;         /* along the first side, from a change of the second one on */
    const void *there;    /* while walking, the cursor's record; NULL: there are no more */
    weir__wide known;     /* place behind which nothing of the second side is looked for any more */
    char *newest[2];      /* of the second side, as it was and as it is at that place */
    bool has[2], found[2]; /* found: when it was looked for the last time */
} state;

enum { OLD, NEW };

void weir__asof_pair(const weir__parts *parts, const void *first, const void *second, void *pair)
{
    memcpy(pair, first, parts->type.size);
    if (!second)
        return;
    ((weir__asof_place *)weir__part(parts, WEIR__ASOF_PLACE, pair))->has_both = true;
    memcpy(weir__part(parts, WEIR__ASOF_RECORDS + 1, pair),
           weir__part_read(parts, WEIR__ASOF_RECORDS + 1, second),
           parts->parts[WEIR__ASOF_RECORDS + 1]->size);
}

static const weir__asof_place *place_of(const state *s, const void *record)
{
    return weir__part_read(s->d->parts, WEIR__ASOF_PLACE, record);
}

static const void *change_at(const state *s, size_t i)
{
    return weir__round_change(&s->changes, i);
}

static int compare(const state *s, const void *a, const void *b)
{
    return weir__front_compare(&s->d->order, a, b);
}

/* A record that lies just before all of this side whose place is at or behind `at`. */
static const void *probe_before(state *s, uint8_t side, weir__wide at)
{
    weir__asof_place *place = weir__part(s->d->parts, WEIR__ASOF_PLACE, s->probe);
    *place = (weir__asof_place){ .side = side, .at = { at - 1 } };
    return s->probe;
}

/* The next record of a side, of those behind the cursor and before a place, that has not gone with
 * others; NULL: there is none. */
static const void *next_of(state *s, weir_cursor *cursor, uint8_t side, weir__wide end)
{
    while (weir_cursor_next_value(cursor)) {
        s->looked++;
        const void *record = weir_cursor_record(cursor);
        weir__wide at = place_of(s, record)->at.unscaled, until;
        if (place_of(s, record)->side != side || at >= end)
            break;
        if (!weir__asof_gone_pass(&s->gone, side, at, &until))
            return record;
        s->looked += weir_cursor_seek_to_value(cursor, probe_before(s, side, until));
    }
    weir__asof_gone_reach(&s->gone, side, end);
    return NULL;
}

/* ---- the newest record ---- */

/* A record of the second side, newer ones first. False: enough is known. */
static bool meet(state *s, const void *record, int64_t count, int which)
{
    const weir__asof_place *place = place_of(s, record);
    if (s->found[which] && place->at.unscaled != place_of(s, s->newest[which])->at.unscaled)
        return false;
    if (count > 0) {
        memcpy(s->newest[which], record, s->changes.size);
        s->has[which] = s->found[which] = true;
    }
    return true;
}

/* The first change of the second side at or behind a place. */
static size_t find_change(const state *s, weir__wide at)
{
    size_t low = 0, high = s->firsts;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (place_of(s, change_at(s, middle))->at.unscaled < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The next record of the second side that there is, and how often; NULL: none. */
static const void *next_second(state *s, int64_t *count)
{
    const void *record = next_of(s, s->seconds, WEIR__ASOF_SECOND, s->known);
    if (!record)
        return NULL;
    if (!weir_cursor_sum(s->seconds, &s->round.time, count))
        s->failed = WEIR_OVERFLOWED;
    weir__asof_gone_note(&s->gone, WEIR__ASOF_SECOND, place_of(s, record)->at.unscaled,
                         *count > 0);
    return record;
}

/* Finds the newest record that was there, and that is there, at a time that is not before the last
 * one it was called for. Only what lies between the two is looked at: if nothing of that was there,
 * or is, the newest one is the same as before. */
static void find_newest(state *s, weir__wide time)
{
    weir__wide at = weir__asof_second(time);
    if (at == s->known)
        return;
    size_t i = find_change(s, at), changes = find_change(s, s->known);
    int64_t count = 0;
    s->found[OLD] = s->found[NEW] = false;
    weir_cursor_rewind_values(s->seconds);
    s->looked += weir_cursor_seek_to_value(s->seconds,
                                           probe_before(s, WEIR__ASOF_SECOND, at));
    const void *there = next_second(s, &count);
    for (bool more = true; more && !s->failed && (there || i < changes);) {
        int order = !there         ? 1
                    : i == changes ? -1
                                   : compare(s, there, change_at(s, i));
        const void *record = order <= 0 ? there : change_at(s, i);
        int64_t now = order <= 0 ? count : 0, old;
        if (__builtin_sub_overflow(now, order >= 0 ? s->changes.diffs[i] : 0, &old))
            s->failed = WEIR_OVERFLOWED;
        bool old_more = meet(s, record, old, OLD);
        more = meet(s, record, now, NEW) || old_more;
        i += order >= 0;
        if (order <= 0)
            there = next_second(s, &count);
    }
    weir__asof_gone_stop(&s->gone, WEIR__ASOF_SECOND);
    s->known = at;
}

static bool is_same(const state *s)
{
    return s->has[OLD] == s->has[NEW] &&
           (!s->has[NEW] || compare(s, s->newest[OLD], s->newest[NEW]) == 0);
}

/* ---- the first side ---- */

static void put(state *s, const void *first, int which, int64_t diff)
{
    if (diff == 0 || s->failed)
        return;
    weir__asof_pair(s->d->parts, first, s->has[which] ? s->newest[which] : NULL, s->pair);
    weir_builder_set_diff(s->out, diff);
    weir__emit_copy(s->out, s->pair);
}

/* A record of which there is so much, and of which the change is `diff`. */
static void put_both(state *s, const void *first, int64_t count, int64_t diff)
{
    int64_t old, gone;
    if (is_same(s)) {
        put(s, first, NEW, diff);
        return;
    }
    if (__builtin_sub_overflow(count, diff, &old) || __builtin_sub_overflow(0, old, &gone)) {
        s->failed = WEIR_OVERFLOWED;
        return;
    }
    put(s, first, OLD, gone);
    put(s, first, NEW, count);
}

static const void *next_first(state *s)
{
    return next_of(s, s->round.all, WEIR__ASOF_FIRST, WEIR__WINDOW_END);
}

/* The time of the next change of the second side. */
static weir__wide next_change(const state *s)
{
    return weir__asof_time(place_of(s, change_at(s, s->second - 1)));
}

/* From the next change of the second side on: records of the first whose newest one is another one
 * now. */
static void begin_walk(state *s)
{
    weir_cursor_rewind_values(s->round.all);
    s->looked += weir_cursor_seek_to_value(
        s->round.all, probe_before(s, WEIR__ASOF_FIRST, weir__asof_first(next_change(s))));
    s->there = next_first(s);
    s->second--;
    s->walking = true;
}

/* One of them. */
static void walk(state *s)
{
    const void *change = s->first < s->changes.count ? change_at(s, s->first) : NULL;
    int order = !s->there ? 1 : !change ? -1 : compare(s, s->there, change);
    const void *record = order <= 0 ? s->there : change;
    int64_t count = 0;
    if (!record) {
        s->walking = false;
        return;
    }
    weir__wide time = weir__asof_time(place_of(s, record));
    while (s->second > 0 && next_change(s) <= time)
        s->second--;
    find_newest(s, time);
    if (order <= 0 && !weir_cursor_sum(s->round.all, &s->round.time, &count))
        s->failed = WEIR_OVERFLOWED;
    if (order <= 0)
        weir__asof_gone_note(&s->gone, WEIR__ASOF_FIRST, place_of(s, record)->at.unscaled,
                             count != 0);
    if (is_same(s) && order < 0) {
        weir__asof_gone_stop(&s->gone, WEIR__ASOF_FIRST);
        s->walking = false;
        return;
    }
    put_both(s, record, count, order >= 0 ? s->changes.diffs[s->first] : 0);
    s->first += order >= 0;
    if (order <= 0)
        s->there = next_first(s);
}

/* ---- a key ---- */

/* Some of its changes. */
static void read_changes(state *s)
{
    s->failed = weir__round_read(&s->round, &s->changes);
    if (s->failed || !s->changes.all)
        return;
    s->stage = s->changes.count > 0 ? TOUCHING : NO_KEY;
    if (s->changes.count > 0)
        weir__asof_gone_begin(&s->gone, change_at(s, 0));
    s->first = 0;
    s->firsts = s->changes.count;
}

static void begin_groups(state *s)
{
    weir_cursor_find(s->seconds, change_at(s, 0));
    weir_cursor_find(s->round.all, change_at(s, 0));
    s->first = s->second = s->firsts;
    s->known = WEIR__WINDOW_END;
    s->has[OLD] = s->has[NEW] = s->walking = false;
    s->stage = GOING_ON;
}

/* One of its changes concerns what has gone. */
static void touch(state *s)
{
    const weir__asof_place *place = place_of(s, change_at(s, s->first));
    weir__asof_gone_touch(&s->gone, place->side, place->at.unscaled);
    if (place->side == WEIR__ASOF_FIRST && s->first < s->firsts)
        s->firsts = s->first;
    s->first++;
    if (s->first == s->changes.count)
        begin_groups(s);
}

/* One record of the first side of the key at hand, or a look for one. */
static void go_on(state *s)
{
    const void *first = s->first < s->changes.count ? change_at(s, s->first) : NULL;
    if (s->walking) {
        walk(s);
    } else if (s->second > 0 &&
               (!first || next_change(s) <= weir__asof_time(place_of(s, first)))) {
        begin_walk(s);
    } else if (first) {
        find_newest(s, weir__asof_time(place_of(s, first)));
        put_both(s, first, 0, s->changes.diffs[s->first]); /* the same, or the walk had come here */
        s->first++;
    } else {
        weir__asof_gone_end(&s->gone);
        s->stage = NO_KEY;
    }
}

/* ---- the node ---- */

static void fini(void *ctx)
{
    state *s = ctx;
    size_t size = s->changes.size;
    weir_cursor_destroy(s->seconds);
    weir__round_fini(&s->round);
    weir__round_changes_fini(&s->changes);
    weir__asof_gone_fini(&s->gone);
    weir_free(s->probe, size);
    weir_free(s->pair, size);
    weir_free(s->newest[OLD], size);
    weir_free(s->newest[NEW], size);
    weir_free(s, sizeof *s);
}

static weir_status init(weir_step *step, void *ctx, void **result, weir_error *error)
{
    const description *d = ctx;
    size_t size = d->parts->type.size;
    state *s = weir_alloc_must(sizeof *s);
    *s = (state){ .d = d, .changes = { .size = size, .account = weir_step_account(step) } };
    s->probe = memset(weir_alloc_must(size), 0, size);
    s->pair = weir_alloc_must(size);
    s->newest[OLD] = weir_alloc_must(size);
    s->newest[NEW] = weir_alloc_must(size);
    weir_table_options gone = { .struct_size = sizeof gone,
                                .type = &d->parts->type,
                                .key = *weir_arrangement_key(d->in),
                                .hash_seed = weir_step_hash_seed(step),
                                .parts = weir_step_workers(step),
                                .account = weir_step_account(step) };
    weir_status status = weir__asof_gone_init(&s->gone, &gone, error);
    if (status == WEIR_OK)
        status = weir__round_init(&s->round, step, d->in, error);
    if (status != WEIR_OK)
        fini(s);
    else
        *result = s;
    return status;
}

/* False: the step's work is used up, or something failed. */
static bool work(weir_step *step, state *s)
{
    uint64_t done = 0; /* beside looking */
    bool more = true;
    s->out = weir_step_output(step, 0, &s->round.time);
    s->looked = 0;
    while (more && !s->failed &&
           (s->stage != NO_KEY || weir__round_next_key(&s->round, s->seconds))) {
        if (s->stage == NO_KEY) {
            s->stage = READING;
            done += WEIR__ROUND_KEY;
            s->keys++;
        } else if (s->stage == READING) {
            uint64_t before = s->changes.all ? 0 : s->changes.count;
            read_changes(s);
            done += s->changes.count - before;
        } else if (s->stage == TOUCHING) {
            touch(s);
            done++;
        } else {
            go_on(s);
            done++;
        }
        more = s->looked + done < WEIR__ROUND_VALUES && !weir_step_spent(step);
    }
    weir_metric_add(s->round.metric, (int64_t)s->looked);
    return more && !s->failed;
}

static void begin_round(weir_step *step, state *s)
{
    weir_cursor_destroy(s->seconds);
    s->seconds = NULL;
    s->failed = weir__round_begin(&s->round, step, NULL);
    if (s->failed || !s->round.working)
        return;
    size_t updates = 0;
    for (uint32_t i = 0; i < s->round.list->count; i++)
        updates += weir_trace_run_updates(s->round.list->runs[i]);
    weir__asof_gone_trim(&s->gone, updates);
    s->seconds = weir_cursor_create(s->round.list->runs, s->round.list->count);
    if (!s->seconds)
        s->failed = WEIR_NO_MEMORY;
}

static void fail(weir_step *step, const state *s)
{
    char key[256] = "";
    if (s->failed == WEIR_NO_MEMORY) {
        weir_step_fail(step, WEIR_NO_MEMORY, "no memory for an as-of join");
        return;
    }
    if (s->changes.count > 0)
        weir_record_text(s->d->parts->parts[WEIR__ASOF_KEY],
                         weir__part_read(s->d->parts, WEIR__ASOF_KEY, change_at(s, 0)), key,
                         sizeof key);
    weir_step_fail(step, s->failed, "counts of the key of %s leave the range of 64 bits", key);
}

static void run(weir_step *step, void *ctx)
{
    state *s = ctx;
    s->keys = 0;
    while (!s->failed) {
        if (s->round.working && !work(step, s))
            break;
        weir__round_end(&s->round, step, &s->changes);
        begin_round(step, s);
        if (!s->round.working)
            break;
    }
    if (s->failed) {
        fail(step, s);
        return;
    }
    /* what was taken, and is not asked for any more, may be merged only now */
    weir__trace_merge(step, weir_trace_reader_trace(s->round.in), 0, s->keys);
    if (s->round.working)
        weir_step_again(step);
}

weir_port *weir__asof_add(weir_arrangement *in, const weir__parts *parts, const char *kind)
{
    description *d = weir_graph_alloc(weir_port_graph(weir_arrangement_port(in)), sizeof *d);
    uint16_t side = parts->first_field[WEIR__ASOF_PLACE];
    *d = (description){ .parts = parts,
                        .in = in,
                        .order = { .type = &parts->type,
                                   .key = { .count = 2, .field = { side, side + 1 } } } };
    return weir__round_node(&(weir__round_spec){ .kind = kind,
                                                 .in = in,
                                                 .out = &parts->type,
                                                 .ctx = d,
                                                 .init = init,
                                                 .step = run,
                                                 .fini = fini });
}

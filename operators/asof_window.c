/* SPDX-License-Identifier: Apache-2.0
 *
 * See asof_window.h. A change of the first side concerns its own record alone. One of the second
 * concerns records of the first from its time on, up to the first one that has a newer one of the
 * second side at all times that are looked at. For these the second side is read from newer ones to
 * older ones, up to one that is there at all these times and is not after any of them.
 */
#include "asof_window.h"

#include "asof_node.h"
#include "correct.h"

typedef struct reading {
    weir__correct *c;
    const weir__parts *parts;
    weir_time meet;       /* nothing is looked at before it */
    weir__wide from, end; /* times of the first side that are concerned */
} reading;

static const weir__asof_place *place_of(const reading *r, const void *record)
{
    return weir__part_read(r->parts, WEIR__ASOF_PLACE, record);
}

void weir__asof_touch(const void *record, weir__window *window, const void *ctx)
{
    const weir__asof_place *place = weir__part_read(ctx, WEIR__ASOF_PLACE, record);
    weir__window_add(window, weir__asof_time(place), place->side == WEIR__ASOF_SECOND);
}

/* Before the first value of the key at hand that is of this side at this place, or behind that. A
 * place between two times lies at an odd number. */
static void go_to(const reading *r, weir_cursor *cursor, uint8_t side, weir__wide at)
{
    weir__asof_place *place = weir__part(r->parts, WEIR__ASOF_PLACE, r->c->probe);
    *place = (weir__asof_place){ .side = side, .at = { at } };
    weir_cursor_rewind_values(cursor);
    r->c->looked += weir_cursor_seek_to_value(cursor, r->c->probe);
}

/* The next value of a side that lies before a place; NULL: there is none. */
static const void *next_of(const reading *r, weir_cursor *cursor, uint8_t side, weir__wide end)
{
    if (!weir_cursor_next_value(cursor))
        return NULL;
    r->c->looked++;
    const void *record = weir_cursor_record(cursor);
    const weir__asof_place *place = place_of(r, record);
    return place->side == side && place->at.unscaled < end ? record : NULL;
}

/* Whether one of the second side that is after the first time, and not after the last one, is there
 * at all times that are looked at. */
static bool stays_between(const reading *r, weir__wide after, weir__wide last)
{
    weir_cursor *cursor = r->c->other;
    go_to(r, cursor, WEIR__ASOF_SECOND, weir__asof_second(last) - 1);
    while (next_of(r, cursor, WEIR__ASOF_SECOND, weir__asof_second(after)))
        if (weir__correct_stays(r->c, cursor, &r->meet))
            return true;
    return false;
}

/* The first time whose record is not concerned by changes of the second side. */
static weir__wide end_of(const reading *r, weir_cursor *in)
{
    weir__wide before = r->c->window.last;
    go_to(r, in, WEIR__ASOF_FIRST, weir__asof_first(before) + 1);
    for (const void *record; (record = next_of(r, in, WEIR__ASOF_FIRST, WEIR__WINDOW_END));) {
        weir__wide time = weir__asof_time(place_of(r, record));
        if (time != before && stays_between(r, before, time))
            return time;
        before = time;
    }
    return WEIR__WINDOW_END;
}

static void read_seconds(const reading *r, weir_cursor *in)
{
    bool found = false;
    weir__wide newest = 0; /* if found: the place behind which nothing matters */
    go_to(r, in, WEIR__ASOF_SECOND, weir__asof_second(r->end) + 1);
    for (const void *record; (record = next_of(r, in, WEIR__ASOF_SECOND, WEIR__WINDOW_END));) {
        weir__wide at = place_of(r, record)->at.unscaled;
        if (found && at != newest)
            return;
        bool stays = weir__correct_read_value(r->c, in, &r->meet);
        if (stays && at >= weir__asof_second(r->from)) {
            found = true;
            newest = at;
        }
    }
}

static void read_firsts(const reading *r, weir_cursor *in)
{
    go_to(r, in, WEIR__ASOF_FIRST, weir__asof_first(r->from) - 1);
    while (next_of(r, in, WEIR__ASOF_FIRST, weir__asof_first(r->end)))
        (void)weir__correct_read_value(r->c, in, &r->meet);
}

static void read_results(const reading *r, weir_cursor *out)
{
    go_to(r, out, WEIR__ASOF_FIRST, weir__asof_first(r->from) - 1);
    while (next_of(r, out, WEIR__ASOF_FIRST, weir__asof_first(r->end)))
        weir__correct_read_result(r->c, out);
}

weir_status weir__asof_read(weir__correct *c, weir_cursor *in, weir_cursor *out, const void *ctx)
{
    weir__window *w = &c->window;
    reading r = { .c = c, .parts = ctx, .from = w->from };
    if (!weir_history_meet(&c->history, &r.meet))
        return WEIR_OK;
    bool any = weir_cursor_find(in, c->key_record) && weir_cursor_find(c->other, c->key_record);
    weir__window_settle(w, any && w->spreads ? end_of(&r, in) : WEIR__WINDOW_END);
    r.end = w->until + 1;
    if (any) {
        read_seconds(&r, in);
        read_firsts(&r, in);
    }
    if (weir_cursor_find(out, c->probe))
        read_results(&r, out);
    return WEIR_OK;
}

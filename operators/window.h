/* SPDX-License-Identifier: Apache-2.0
 *
 * Windows of groups: where values have places in their group, and a change concerns results whose
 * places are near its own, a reduction in a scope need not go through all of a large group. Which
 * places have changed, now or at a time that was pending, is kept here; how far that reaches, and
 * what has to be read for it, the operator says.
 */
#ifndef WEIR_OPERATORS_WINDOW_H
#define WEIR_OPERATORS_WINDOW_H

#include <weir/operators/reduce.h>
#include <weir/trace.h>

#include "word.h"

/* Behind all places. */
#define WEIR__WINDOW_END ((weir__wide)1 << 100)

/* Zeroed: nothing has changed. */
typedef struct weir__window {
    bool any, spreads;      /* spreads: some changes concern what lies behind their places, too, */
    weir__wide from, until; /* the least place that is concerned, the greatest one */
    weir__wide last;        /* and of these this is the greatest place */
} weir__window;

static inline void weir__window_add(weir__window *w, weir__wide place, bool spreads)
{
    w->from = w->any && w->from < place ? w->from : place;
    w->until = w->any && w->until > place ? w->until : place;
    w->any = true;
    if (!spreads)
        return;
    w->last = w->spreads && w->last > place ? w->last : place;
    w->spreads = true;
}

static inline void weir__window_join(weir__window *w, const weir__window *other)
{
    if (!other->any)
        return;
    weir__window_add(w, other->from, false);
    weir__window_add(w, other->until, false);
    if (other->spreads)
        weir__window_add(w, other->last, true);
}

/* How far changes spread was found out, or all was looked at. What is pending then concerns what
 * this does, and no more: at a later time a change may concern less, but what it did has to be
 * corrected. */
static inline void weir__window_settle(weir__window *w, weir__wide end)
{
    if (w->spreads && end - 1 > w->until)
        w->until = end - 1;
    w->spreads = false;
}

struct weir__correct;

typedef struct weir__windows {
    /* A value has changed. */
    void (*touch)(const void *record, weir__window *window, const void *ctx);
    /* Of the key at hand, which `in` has been asked to find: settles c->window, and gives
     * c->history all values that may matter to results in it at any time at or after those to be
     * looked at, in the order of the group, and all results there. The function is called with
     * those values. */
    weir_status (*read)(struct weir__correct *c, weir_cursor *in, weir_cursor *out,
                        const void *ctx);
    const void *ctx;
} weir__windows;

/* As weir_reduce_erased, in a scope. `windows` lives as long as the graph. */
weir_port *weir__reduce_windows(weir_arrangement *in, const weir_reduce_spec *spec,
                                const weir__windows *windows);

#endif

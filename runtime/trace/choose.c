/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns how a cursor over many runs finds the next value of its key: lanes with values ahead are a
 * heap, so a value costs the logarithm of their number. Among few, cursor.c looks at each.
 */
#include "trace/cursor.h"

/* Of two lanes with the same value the first one comes first. */
static bool is_less(weir_cursor *c, uint32_t a, uint32_t b)
{
    const weir__place *x = &c->lanes[a], *y = &c->lanes[b];
    int order = weir__run_compare_values(x->run, x->values.at, y->run, y->values.at);
    c->looked++;
    return order < 0 || (order == 0 && a < b);
}

/* The lane just behind the heap becomes part of it. */
static void push(weir_cursor *c)
{
    uint32_t at = c->waiting++, lane = c->order[at];
    for (; at > 0 && is_less(c, lane, c->order[(at - 1) / 2]); at = (at - 1) / 2)
        c->order[at] = c->order[(at - 1) / 2];
    c->order[at] = lane;
}

/* The first lane of the heap comes to lie just behind it. */
static void pop(weir_cursor *c)
{
    uint32_t first = c->order[0], lane = c->order[--c->waiting], at = 0;
    for (uint32_t next; (next = 2 * at + 1) < c->waiting; at = next) {
        if (next + 1 < c->waiting && is_less(c, c->order[next + 1], c->order[next]))
            next++;
        if (!is_less(c, c->order[next], lane))
            break;
        c->order[at] = c->order[next];
    }
    c->order[at] = lane;
    c->order[c->waiting] = first;
}

/* Lanes that show a value, or all if none is shown, wait for their next one, if they have any. */
static void refill(weir_cursor *c)
{
    if (!c->value) {
        c->waiting = 0;
        c->shown = c->ahead;
        for (uint32_t i = 0; i < c->ahead; i++)
            c->order[i] = i;
    }
    for (; c->shown > 0; c->shown--) {
        if (weir__place_has_value(weir__cursor_shown(c, 0)))
            push(c);
        else
            c->order[c->waiting] = c->order[c->waiting + c->shown - 1];
    }
}

/* Whether the first lane that waits has the current value, too. */
static bool has_it_too(const weir_cursor *c)
{
    const weir__place *l = &c->lanes[c->order[0]];
    return c->waiting > 0 && weir__run_compare_values(l->run, l->values.at, c->value->run,
                                                      c->value_at) == 0;
}

bool weir__cursor_next_of_many(weir_cursor *c)
{
    refill(c);
    c->value = NULL;
    if (c->waiting == 0)
        return false;
    c->value = &c->lanes[c->order[0]];
    c->value_at = c->value->values.at;
    do {
        weir__place *l = &c->lanes[c->order[0]];
        pop(c);
        c->shown++;
        l->updates = weir__run_updates(l->run, l->values.at++);
    } while (has_it_too(c));
    return true;
}

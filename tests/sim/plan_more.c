/* SPDX-License-Identifier: Apache-2.0
 *
 * Some plans of collections have a few operators more, and sources that are inputs. Both are drawn
 * by themselves, behind all the rest: other plans stay as they are, and with them the seeds that
 * are known to find mistakes.
 */
#include <string.h>

#include "draw.h"
#include "forms.h"

enum { SHARE = 40, MOST = 4 }; /* percent of the plans; operators */

/* One by which seeds that have failed once (check_collections.c) have nothing more. */
static const uint64_t factor = 0xd1342543de8477f7u;

static bool has_collection(const sim_plan *p, unsigned scope, bool plain)
{
    for (unsigned s = 0; s < p->stream_count; s++)
        if (p->streams[s].scope == scope && p->streams[s].plain == plain)
            return true;
    return false;
}

static bool is_allowed(const drawing *d, const sim_form *form, unsigned scope, bool later)
{
    unsigned depth = d->plan->scopes[scope].depth;
    return (form->flags & SIM_LATE) && depth + form->rounds <= WEIR_TIME_COORDS &&
           (depth == 1 || !(form->flags & SIM_OUTSIDE)) &&
           (later || !(form->flags & SIM_OF_LATER)) &&
           has_collection(d->plan, scope, form->flags & SIM_OF_SOURCE);
}

static const sim_form *draw_form(drawing *d, unsigned scope, bool later)
{
    unsigned all = 0;
    const sim_form *form;
    for (unsigned i = 0; (form = sim_form_at(i)); i++)
        all += is_allowed(d, form, scope, later) ? form->weight : 0;
    uint64_t n = all ? draw_below(d, all) : 0;
    for (unsigned i = 0; (form = sim_form_at(i)); i++) {
        unsigned weight = is_allowed(d, form, scope, later) ? form->weight : 0;
        if (n < weight)
            break;
        n -= weight;
    }
    return form;
}

static unsigned pick(drawing *d, unsigned scope, bool plain)
{
    unsigned in = draw_pick(d, scope, 0);
    while (d->plan->streams[in].plain != plain)
        in = draw_pick(d, scope, 0);
    return in;
}

static void add_one(drawing *d, bool later)
{
    sim_plan *p = d->plan;
    unsigned scope = (unsigned)draw_below(d, p->scope_count), in[SIM_INPUTS];
    if (draw_chance(d, 40) || !has_collection(p, scope, false))
        scope = 0;
    const sim_form *form = draw_form(d, scope, later);
    if (!form)
        return;
    for (unsigned i = 0; i < form->inputs; i++)
        in[i] = pick(d, scope, form->flags & SIM_OF_SOURCE);
    if (strcmp(form->name, "view_unique") == 0)
        in[0] = draw_add_form(d, "distinct", scope, in);
    unsigned out = draw_add_form(d, form->name, scope, in);
    if (form->outputs && draw_chance(d, 80)) {
        sim_op *sink = draw_op(d, SIM_SINK, scope);
        draw_take(d, sink, out);
        draw_habits(d, sink);
    }
}

void draw_more(drawing *rest, const sim_plan *first)
{
    sim_plan *p = rest->plan;
    drawing d = { .plan = p, .random = p->seed * factor };
    if (!draw_chance(&d, SHARE))
        return;
    for (unsigned i = 0; i < p->op_count; i++) {
        sim_op *op = &p->ops[i];
        op->by_handle = op->kind == SIM_MANUAL && draw_chance(&d, 40);
        op->begins_late = op->kind == SIM_IMPORT && draw_chance(&d, 50);
    }
    for (uint64_t n = 1 + draw_below(&d, MOST); n > 0 && p->op_count + 3 <= SIM_OPS + SIM_MORE; n--)
        add_one(&d, first != NULL);
}

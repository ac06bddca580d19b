/* SPDX-License-Identifier: Apache-2.0
 *
 * Draws a plan of collections: operators of the library (forms.h) in the root and in scopes, rounds
 * of one variable or of two that are set from each other, nodes that are late between them; input
 * that comes and goes.
 */
#include <string.h>

#include "draw.h"
#include "forms.h"

enum { EPOCHS = 6, KEYS = 5, VALUES = 8, HOPS = 3, DEPTH_MAX = 3 };

static sim_stream *stream_of(drawing *d, unsigned stream)
{
    return &d->plan->streams[stream];
}

/* The stream that comes out of an operator. */
static unsigned finish(drawing *d, sim_op *op, unsigned flags)
{
    unsigned out = draw_pass(d, op);
    bool negative = flags & SIM_NEGATES;
    for (unsigned i = 0; i < op->inputs && !(flags & SIM_CLEAN); i++)
        negative |= op->in[i] < d->plan->stream_count && stream_of(d, op->in[i])->negative;
    stream_of(d, out)->negative = negative;
    stream_of(d, out)->collection = stream_of(d, out)->in_loop = true;
    return out;
}

static const sim_form *form_named(const char *name)
{
    unsigned i = 0;
    while (strcmp(sim_form_at(i)->name, name) != 0)
        i++;
    return sim_form_at(i);
}

static unsigned add_form(drawing *d, const sim_form *form, unsigned scope, const unsigned *in)
{
    sim_op *op = draw_op(d, SIM_FORM, scope);
    op->form = form;
    for (unsigned i = 0; i < form->inputs; i++)
        draw_take(d, op, in[i]);
    return form->outputs ? finish(d, op, form->flags) : SIM_NONE;
}

unsigned draw_add_form(drawing *d, const char *name, unsigned scope, const unsigned *in)
{
    return add_form(d, form_named(name), scope, in);
}

/* A collection of the scope; its counts made to be above 0, if they have to be. */
static unsigned pick(drawing *d, unsigned scope, unsigned from, bool whole)
{
    unsigned in = draw_pick(d, scope, from);
    for (unsigned tries = 0; stream_of(d, in)->plain || (whole && stream_of(d, in)->negative);
         tries++) {
        if (tries > 4 && !stream_of(d, in)->plain)
            return add_form(d, form_named("distinct"), scope, &in);
        in = draw_pick(d, scope, from);
    }
    return in;
}

static bool is_allowed(const drawing *d, const sim_form *form, unsigned scope)
{
    unsigned depth = d->plan->scopes[scope].depth;
    unsigned refused = SIM_OUTSIDE | (sim_workers(d->plan) > 2 ? SIM_LONG : 0);
    if (form->flags & SIM_LATE)
        return false;
    return depth + form->rounds <= WEIR_TIME_COORDS && (depth == 1 || !(form->flags & refused));
}

static const sim_form *draw_form(drawing *d, unsigned scope)
{
    unsigned all = 0;
    const sim_form *form;
    for (unsigned i = 0; (form = sim_form_at(i)); i++)
        all += is_allowed(d, form, scope) ? form->weight : 0;
    uint64_t n = draw_below(d, all);
    for (unsigned i = 0; (form = sim_form_at(i)); i++) {
        unsigned weight = is_allowed(d, form, scope) ? form->weight : 0;
        if (n < weight)
            break;
        n -= weight;
    }
    return form;
}

static void add_drawn_form(drawing *d, unsigned scope, unsigned from)
{
    const sim_form *form = draw_form(d, scope);
    unsigned in[SIM_INPUTS];
    for (unsigned i = 0; i < form->inputs; i++)
        in[i] = pick(d, scope, from, form->flags & SIM_WHOLE);
    add_form(d, form, scope, in);
}

static void add_node(drawing *d, sim_kind kind, unsigned scope, unsigned in)
{
    sim_op *op = draw_op(d, kind, scope);
    draw_take(d, op, in);
    draw_habits(d, op);
    if (kind == SIM_ROUTE)
        op->route[0] = WEIR_BY_KEY;
    if (kind != SIM_SINK)
        finish(d, op, 0);
}

/* ---- scopes ---- */

static unsigned enter(drawing *d, unsigned scope, unsigned in)
{
    sim_op *op = draw_op(d, SIM_ENTER, scope);
    op->way = (sim_way)draw_below(d, 3);
    draw_take(d, op, in);
    return finish(d, op, 0);
}

static sim_op *add_variable(drawing *d, unsigned scope, unsigned parent, unsigned from)
{
    bool starts = draw_chance(d, 75);
    unsigned start = starts ? pick(d, parent, from, true) : SIM_NONE;
    sim_op *op = draw_op(d, SIM_VARIABLE, scope);
    finish(d, op, SIM_CLEAN);
    op->inputs = 1; /* the first is to come */
    if (starts)
        draw_take(d, op, start);
    bool few = d->plan->scopes[scope].depth > 2 || draw_chance(d, 60);
    op->limit = few ? 1 + (unsigned)draw_below(d, 4) : 0;
    return op;
}

static void set_variable(drawing *d, sim_op *variable, unsigned scope, unsigned from)
{
    unsigned next = pick(d, scope, from, true);
    if (!variable->limit || draw_chance(d, 50)) /* what cancels must not go round for ever */
        next = add_form(d, form_named(draw_chance(d, 70) ? "distinct" : "consolidate"), scope,
                        &next);
    variable->in[0] = next;
    stream_of(d, next)->used = true;
}

static void add_body(drawing *d, unsigned scope, unsigned from, unsigned nodes);

static void add_inside(drawing *d, unsigned parent, unsigned from, unsigned nodes)
{
    unsigned scope = draw_scope(d, parent), inner = d->plan->stream_count;
    unsigned variables = draw_chance(d, 25) ? 0 : draw_chance(d, 30) ? 2 : 1;
    sim_op *variable[2];
    unsigned outside = d->plan->stream_count;
    for (unsigned i = 0; i < variables; i++)
        variable[i] = add_variable(d, scope, parent, from);
    for (uint64_t n = variables ? draw_below(d, 2) : 1 + draw_below(d, 2); n > 0; n--)
        enter(d, scope, pick(d, parent, from, false));
    add_body(d, scope, outside, nodes);
    for (unsigned i = 0; i < variables; i++)
        set_variable(d, variable[i], scope, inner);
    for (uint64_t n = 1 + draw_below(d, 2); n > 0; n--) {
        unsigned out = pick(d, scope, inner, false);
        sim_op *op = draw_op(d, SIM_LEAVE, parent);
        draw_take(d, op, out);
        finish(d, op, 0);
    }
}

/* What a scope ends with has room, too. */
static bool is_full(const drawing *d)
{
    return d->plan->op_count + 26 > SIM_OPS || d->plan->stream_count + 26 > SIM_STREAMS;
}

static void add_body(drawing *d, unsigned scope, unsigned from, unsigned nodes)
{
    unsigned until = d->nodes > nodes ? d->nodes - nodes : 0;
    while (d->nodes > until && !is_full(d)) {
        unsigned n = (unsigned)draw_below(d, 100);
        bool deeper = d->plan->scopes[scope].depth < DEPTH_MAX && d->plan->scope_count < SIM_SCOPES;
        d->nodes--;
        if (n < 60) {
            add_drawn_form(d, scope, from);
        } else if (n < 66) {
            add_node(d, SIM_RELAY, scope, pick(d, scope, from, false));
        } else if (n < 69) {
            add_node(d, SIM_ROUTE, scope, pick(d, scope, from, false));
        } else if (n < 76 || !deeper) {
            sim_op *op = draw_op(d, SIM_CONCAT, scope);
            draw_take(d, op, pick(d, scope, from, false));
            draw_take(d, op, pick(d, scope, from, false));
            finish(d, op, 0);
        } else {
            add_inside(d, scope, from, 1 + d->nodes / 2);
        }
    }
}

/* ---- the graph ---- */

/* What sends, and what can be made of it directly: at least one collection. */
static void add_sources(drawing *d)
{
    static const char *const of_source[] = { "temporal_filter by instants", "upsert",
                                             "upsert in a scope", "as_collection",
                                             "aggregate", "process", "state_machine" };
    enum { OF_SOURCE = sizeof of_source / sizeof *of_source };
    unsigned sources = 1 + (unsigned)draw_below(d, 3);
    for (unsigned i = 0; i < sources; i++) {
        unsigned out = draw_give(d, draw_op(d, SIM_MANUAL, 0));
        sim_stream *s = stream_of(d, out);
        s->plain = draw_chance(d, 25);
        s->collection = s->in_loop = !s->plain;
        s->negative = !s->plain && draw_chance(d, 15);
    }
    for (unsigned i = 0; i < sources; i++)
        if (stream_of(d, i)->plain || draw_chance(d, 10)) {
            unsigned which = (unsigned)draw_below(d, OF_SOURCE);
            add_form(d, form_named(of_source[stream_of(d, i)->plain ? which : 0]), 0, &i);
        }
}

static void add_shared(drawing *d, const sim_plan *first)
{
    sim_plan *p = d->plan;
    if (!first && p->flow_count > 1 && p->ending == SIM_COMPLETES && draw_chance(d, 80)) {
        unsigned in = pick(d, 0, 0, false);
        sim_op *op = draw_op(d, SIM_PUBLISH, 0);
        draw_take(d, op, in);
        op->keeps_history = draw_chance(d, 50);
        p->publishes = true;
    }
    if (!first || !first->publishes || draw_chance(d, 20))
        return;
    sim_op *op = draw_op(d, SIM_IMPORT, 0);
    op->a = draw_below(d, 5);
    unsigned out = finish(d, op, SIM_CLEAN);
    for (unsigned i = 0; i < first->op_count; i++)
        if (first->ops[i].kind == SIM_PUBLISH)
            stream_of(d, out)->negative = first->streams[first->ops[i].in[0]].negative;
}

/* Some plans have a node more, which waits for times. Drawn by itself: the others stay as they are,
 * and with them the seeds that are known to find mistakes. */
static void add_waiting(drawing *d)
{
    static const char *const of_source[] = { "notify", "reclock", "process with timers" };
    uint64_t own = d->plan->seed * 0x9e3779b97f4a7c15u;
    unsigned in = 0;
    if (test_below(&own, 100) >= 40 || d->plan->op_count + 4 > SIM_OPS)
        return;
    while (in < d->plan->stream_count && !stream_of(d, in)->plain)
        in++;
    if (in < d->plan->stream_count && test_below(&own, 100) < 70) {
        add_form(d, form_named(of_source[test_below(&own, 3)]), 0, &in);
    } else {
        in = pick(d, 0, 0, false);
        add_form(d, form_named("replay"), 0, &in);
    }
}

void draw_collections(drawing *d, const sim_plan *first)
{
    sim_plan *p = d->plan;
    p->scopes[p->scope_count++] = (sim_scope){ 0, 1 };
    p->clocked = false;
    if (p->ending == SIM_IS_STOPPED) /* a part of the input may be none that can be */
        p->ending = SIM_COMPLETES;
    d->nodes = 1 + (unsigned)draw_below(d, 9);
    if (p->limits.nodes && p->limits.nodes < d->nodes)
        d->nodes = p->limits.nodes;
    p->node_count = d->nodes;
    add_sources(d);
    if (first)
        add_shared(d, first);
    add_body(d, 0, 0, d->nodes);
    if (!first)
        add_shared(d, NULL);
    add_waiting(d);
    unsigned streams = p->stream_count;
    for (unsigned s = 0; s < streams && p->op_count < SIM_OPS; s++)
        if (!p->streams[s].plain && draw_chance(d, p->streams[s].used ? 25 : 95))
            add_node(d, SIM_SINK, p->streams[s].scope, s);
    draw_more(d, first);
}

/* ---- input ---- */

/* Something new, or something less of what there was, at its epoch or later. */
static sim_input next_input(drawing *d, unsigned sources, bool *gone)
{
    sim_plan *p = d->plan;
    sim_input in = { .op = (unsigned)draw_below(d, sources),
                     .worker = (unsigned)draw_below(d, sim_workers(p)),
                     .epoch = draw_below(d, EPOCHS),
                     .record = { .key = draw_below(d, KEYS), .value = draw_below(d, VALUES),
                                 .hops = draw_below(d, HOPS) },
                     .diff = 1 };
    const sim_stream *s = stream_of(d, in.op);
    if (s->plain)
        return in;
    in.diff += (int64_t)draw_below(d, 4) == 0;
    if (s->negative)
        in.diff = draw_chance(d, 50) ? -in.diff : in.diff;
    if (s->negative || p->input_count == 0 || draw_chance(d, 50))
        return in;
    unsigned k = (unsigned)draw_below(d, p->input_count);
    const sim_input *old = &p->input[k];
    if (old->op != in.op || old->diff < 0 || gone[k])
        return in;
    gone[k] = true;
    in.epoch = in.epoch < old->epoch ? old->epoch : in.epoch;
    in.record = old->record;
    in.diff = -old->diff;
    return in;
}

/* A source instead of what another flow has made, which was too much. */
static bool replace_import(sim_plan *p)
{
    for (unsigned i = 0; i < p->op_count; i++)
        if (p->ops[i].kind == SIM_IMPORT) {
            p->ops[i].kind = SIM_MANUAL;
            return true;
        }
    return false;
}

static void limit_variables(sim_plan *p)
{
    for (unsigned i = 0; i < p->op_count; i++)
        if (p->ops[i].kind == SIM_VARIABLE && !p->ops[i].limit)
            p->ops[i].limit = 3;
}

/* What would become too much, or go round for ever, has limits; then less input, down to one
 * record; of what is imported nothing can be left out. */
static void make_it_fit(sim_plan *p, const sim_plan *first)
{
    unsigned all = p->input_count;
    for (bool limited = false; p->input_count && !sim_scratch_fits(p, first); limited = true) {
        if (limited && p->input_count == 1)
            p->input_count = replace_import(p) ? all : 0;
        else if (limited)
            p->input_count /= 2;
        limit_variables(p);
    }
}

void draw_collections_input(drawing *d, const sim_plan *first)
{
    sim_plan *p = d->plan;
    bool gone[SIM_RECORDS] = { false };
    unsigned sources = 0, count = 6 + (unsigned)draw_below(d, SIM_RECORDS - 6);
    while (p->ops[sources].kind == SIM_MANUAL)
        sources++;
    if (p->limits.records && p->limits.records < count)
        count = p->limits.records;
    for (p->input_count = 0; p->input_count < count; p->input_count++)
        p->input[p->input_count] = next_input(d, sources, gone);
    make_it_fit(p, first);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * What plans are drawn with: operators and streams one by one, each out of what was drawn before.
 */
#include "draw.h"

#include <string.h>

uint64_t draw_below(drawing *d, uint64_t bound)
{
    return test_below(&d->random, bound);
}

bool draw_chance(drawing *d, unsigned percent)
{
    return draw_below(d, 100) < percent;
}

sim_op *draw_op(drawing *d, sim_kind kind, unsigned scope)
{
    sim_op *op = &d->plan->ops[d->plan->op_count++];
    memset(op, 0, sizeof *op);
    op->kind = kind;
    op->scope = scope;
    op->a = 1 + draw_below(d, 7);
    op->b = draw_below(d, 50);
    memset(op->in, SIM_NONE, sizeof op->in);
    return op;
}

void draw_take(drawing *d, sim_op *op, unsigned stream)
{
    op->in[op->inputs++] = stream;
    d->plan->streams[stream].used = true;
}

unsigned draw_give(drawing *d, sim_op *op)
{
    sim_plan *p = d->plan;
    sim_stream *s = &p->streams[p->stream_count];
    memset(s, 0, sizeof *s);
    s->op = (unsigned)(op - p->ops);
    s->output = op->outputs;
    s->scope = op->scope;
    op->out[op->outputs++] = p->stream_count;
    for (unsigned i = 0; i < op->inputs; i++)
        s->in_loop |= p->streams[op->in[i]].in_loop;
    return p->stream_count++;
}

/* One stream out that keeps what is known of the one in. */
unsigned draw_pass(drawing *d, sim_op *op)
{
    unsigned out = draw_give(d, op);
    for (unsigned i = 0; i < op->inputs; i++)
        d->plan->streams[out].collection |= d->plan->streams[op->in[i]].collection;
    return out;
}

bool draw_is_full(const drawing *d)
{
    return d->plan->op_count + 12 > SIM_OPS || d->plan->stream_count + 16 > SIM_STREAMS;
}

/* A stream of this scope, newer ones rather than older ones. */
unsigned draw_pick(drawing *d, unsigned scope, unsigned from)
{
    const sim_plan *p = d->plan;
    unsigned found[SIM_STREAMS + SIM_MORE], count = 0;
    for (unsigned s = from; s < p->stream_count; s++)
        if (p->streams[s].scope == scope)
            found[count++] = s;
    unsigned back = (unsigned)draw_below(d, count < 3 || draw_chance(d, 25) ? count : 3);
    return found[count - 1 - back];
}

unsigned draw_scope(drawing *d, unsigned parent)
{
    sim_scope *s = &d->plan->scopes[d->plan->scope_count];
    *s = (sim_scope){ parent, d->plan->scopes[parent].depth + 1 };
    return d->plan->scope_count++;
}

unsigned draw_move(drawing *d, sim_kind kind, unsigned to, unsigned in)
{
    sim_op *op = draw_op(d, kind, to);
    draw_take(d, op, in);
    return draw_pass(d, op);
}

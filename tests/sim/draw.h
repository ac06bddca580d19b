/* SPDX-License-Identifier: Apache-2.0
 *
 * A plan while it is drawn: for plan.c, and for plans of collections.
 */
#ifndef WEIR_TESTS_SIM_DRAW_H
#define WEIR_TESTS_SIM_DRAW_H

#include "sim.h"

typedef struct drawing {
    sim_plan *plan;
    uint64_t random;
    unsigned nodes; /* left to draw */
} drawing;

uint64_t draw_below(drawing *d, uint64_t bound);
bool draw_chance(drawing *d, unsigned percent);

sim_op *draw_op(drawing *d, sim_kind kind, unsigned scope);
/* Another input, another output: its stream. */
void draw_take(drawing *d, sim_op *op, unsigned stream);
unsigned draw_give(drawing *d, sim_op *op);
/* One stream out that keeps what is known of those in. */
unsigned draw_pass(drawing *d, sim_op *op);
bool draw_is_full(const drawing *d);
/* A stream of this scope, from this one on; newer ones rather than older ones. */
unsigned draw_pick(drawing *d, unsigned scope, unsigned from);
unsigned draw_scope(drawing *d, unsigned parent);
/* By an operator that does nothing but move it. */
unsigned draw_move(drawing *d, sim_kind kind, unsigned to, unsigned in);
/* When a node sends, by which route records come, what it wants to be told. */
void draw_habits(drawing *d, sim_op *op);

/* The graph and the input of a plan of collections (plan_collections.c); what other flows import
 * comes from the first, which is NULL if this is it. */
void draw_collections(drawing *d, const sim_plan *first);
void draw_collections_input(drawing *d, const sim_plan *first);
/* A form by its name: its stream, if it has one. */
unsigned draw_add_form(drawing *d, const char *name, unsigned scope, const unsigned *in);
/* What some plans of collections have beside that (plan_more.c). */
void draw_more(drawing *d, const sim_plan *first);

#endif

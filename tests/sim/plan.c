/* SPDX-License-Identifier: Apache-2.0
 *
 * Draws a plan: a graph with loops in scopes and without, what its operators do, the input, and
 * what goes wrong. Each part has random numbers of its own, so that limits change little else.
 */
#include <string.h>

#include "draw.h"
#include "forms.h"

enum { EPOCHS = 6, WORK_MAX = 2500 };

unsigned sim_depth(const sim_plan *plan, const sim_op *op)
{
    return plan->scopes[op->scope].depth;
}

/* ---- nodes ---- */

static weir_route draw_route(drawing *d, unsigned stream)
{
    const sim_stream *s = &d->plan->streams[stream];
    uint64_t n = draw_below(d, 20);
    if (n < 9)
        return WEIR_LOCAL;
    if (n < 13)
        return WEIR_BY_KEY;
    if (n < 18 && !s->collection)
        return WEIR_BY_FUNCTION;
    return n == 19 && !s->in_loop ? WEIR_TO_ALL : WEIR_LOCAL;
}

void draw_habits(drawing *d, sim_op *op)
{
    unsigned depth = sim_depth(d->plan, op);
    op->patience = (sim_patience)draw_below(d, 4);
    op->one_cap = depth == 1 && draw_chance(d, 30);
    for (unsigned i = 0; i < op->inputs; i++) {
        op->route[i] = draw_route(d, op->in[i]);
        op->key[i] = (uint32_t)draw_below(d, 2);
        op->interest[i] = draw_chance(d, 70)   ? WEIR_NEVER
                          : draw_chance(d, 50) ? WEIR_ALWAYS
                                               : WEIR_IF_HOLDING;
    }
    memset(op->add, 0, sizeof op->add);
    if (op->kind == SIM_SINK) {
        op->settles = draw_chance(d, 50);
        op->patience = SIM_AT_ONCE;
        op->interest[0] = draw_chance(d, 70) ? WEIR_ALWAYS : WEIR_NEVER;
    }
    if (op->kind == SIM_GATHER) {
        bool by_key = d->plan->streams[op->in[0]].collection || draw_chance(d, 70);
        op->route[0] = by_key ? WEIR_BY_KEY : WEIR_BY_FUNCTION;
        op->key[0] = 0;
        op->patience = SIM_FRONTIER;
    }
    if (op->kind == SIM_DELAY)
        op->add[0][0] = (uint8_t)(1 + draw_below(d, 3));
    if (op->kind == SIM_PAIR)
        for (unsigned i = 0; i < 2; i++)
            for (unsigned o = 0; o < 2; o++)
                op->add[i][o] = (uint8_t)(draw_chance(d, 25)   ? SIM_NONE
                                          : draw_chance(d, 70) ? 0
                                                               : 1);
    if (op->patience == SIM_FRONTIER)
        for (unsigned i = 0; i < op->inputs; i++)
            op->interest[i] = draw_chance(d, 50) ? WEIR_ALWAYS : WEIR_IF_HOLDING;
}

static unsigned add_stage(drawing *d, unsigned scope, unsigned in)
{
    sim_op *op = draw_op(d, SIM_MAP + (sim_kind)draw_below(d, 3), scope);
    if (d->plan->streams[in].in_loop && op->kind == SIM_FLAT_MAP)
        op->kind = SIM_FILTER; /* it would multiply with every round */
    draw_take(d, op, in);
    return draw_pass(d, op);
}

static unsigned add_route(drawing *d, unsigned scope, unsigned in)
{
    weir_route route = draw_route(d, in);
    if (route == WEIR_LOCAL)
        return in;
    sim_op *op = draw_op(d, SIM_ROUTE, scope);
    draw_take(d, op, in);
    op->route[0] = route;
    op->key[0] = (uint32_t)draw_below(d, 2);
    return draw_pass(d, op);
}

static unsigned add_node(drawing *d, sim_kind kind, unsigned scope, unsigned from)
{
    sim_op *op = draw_op(d, kind, scope);
    draw_take(d, op, draw_pick(d, scope, from));
    if (kind == SIM_PAIR)
        draw_take(d, op, draw_pick(d, scope, from));
    draw_habits(d, op);
    unsigned out = kind == SIM_SINK ? SIM_NONE : draw_give(d, op);
    if (kind == SIM_PAIR || kind == SIM_SPLIT)
        draw_give(d, op);
    return out;
}

static void add_body(drawing *d, unsigned scope, unsigned from, unsigned nodes);

static unsigned add_feedback(drawing *d, unsigned scope)
{
    sim_op *op = draw_op(d, SIM_FEEDBACK, scope);
    op->a = 1 + draw_below(d, 2);
    unsigned out = draw_give(d, op);
    d->plan->streams[out].collection = true;
    d->plan->streams[out].in_loop = true;
    return out;
}

/* A loop: in a scope of its own or not, with one feedback or two. */
static void add_loop(drawing *d, unsigned parent, unsigned from, unsigned nodes)
{
    sim_plan *p = d->plan;
    bool own = p->scopes[parent].depth < WEIR_TIME_COORDS && p->scope_count < SIM_SCOPES &&
               draw_chance(d, 75);
    unsigned scope = own ? draw_scope(d, parent) : parent, in = draw_pick(d, parent, from);
    if (own)
        in = draw_move(d, SIM_ENTER, scope, in);
    unsigned back[2], backs = draw_chance(d, 30) ? 2 : 1, inner = p->stream_count;
    for (unsigned k = 0; k < backs; k++) {
        back[k] = add_feedback(d, scope);
        sim_op *both = draw_op(d, SIM_CONCAT, scope);
        draw_take(d, both, in);
        draw_take(d, both, back[k]);
        in = draw_pass(d, both);
    }
    inner = in;
    add_body(d, scope, inner, nodes);
    for (unsigned k = 0; k < backs; k++) {
        sim_op *turn = draw_op(d, SIM_TURN, scope);
        draw_take(d, turn, draw_pick(d, scope, inner));
        draw_habits(d, turn);
        turn->patience = turn->patience == SIM_FRONTIER ? SIM_STEPS : turn->patience;
        unsigned again = draw_give(d, turn), done = draw_give(d, turn);
        if (draw_chance(d, 30))
            again = add_stage(d, scope, again);
        draw_take(d, &p->ops[p->streams[back[k]].op], again);
        if (own)
            done = draw_move(d, SIM_LEAVE, parent, done);
        if (k == 0 && own && draw_chance(d, 30))
            draw_move(d, SIM_LEAVE, parent, draw_pick(d, scope, inner));
    }
}

static void add_body(drawing *d, unsigned scope, unsigned from, unsigned nodes)
{
    unsigned until = d->nodes > nodes ? d->nodes - nodes : 0;
    while (d->nodes > until && !draw_is_full(d)) {
        unsigned n = (unsigned)draw_below(d, 100);
        d->nodes--;
        if (n < 18)
            add_stage(d, scope, add_route(d, scope, draw_pick(d, scope, from)));
        else if (n < 26) {
            sim_op *op = draw_op(d, SIM_CONCAT, scope);
            draw_take(d, op, draw_pick(d, scope, from));
            draw_take(d, op, draw_pick(d, scope, from));
            draw_pass(d, op);
        } else if (n < 42)
            add_node(d, SIM_RELAY, scope, from);
        else if (n < 52)
            add_node(d, SIM_DELAY, scope, from);
        else if (n < 60)
            add_node(d, SIM_SPLIT, scope, from);
        else if (n < 68)
            add_node(d, SIM_PAIR, scope, from);
        else if (n < 80)
            add_node(d, SIM_GATHER, scope, from);
        else if (n < 84)
            add_node(d, SIM_SINK, scope, from);
        else
            add_loop(d, scope, from, d->nodes / 2);
    }
}

static void draw_graph(drawing *d)
{
    sim_plan *p = d->plan;
    p->scopes[p->scope_count++] = (sim_scope){ 0, 1 };
    unsigned sources = 1 + (unsigned)draw_below(d, 2);
    d->nodes = 1 + (unsigned)draw_below(d, 11);
    if (p->limits.nodes && p->limits.nodes < d->nodes)
        d->nodes = p->limits.nodes;
    p->node_count = d->nodes;
    for (unsigned i = 0; i < sources; i++) {
        sim_op *op = draw_op(d, p->clocked ? SIM_CLOCKED : SIM_MANUAL, 0);
        draw_give(d, op);
    }
    add_body(d, 0, 0, d->nodes);
    unsigned streams = p->stream_count;
    for (unsigned s = 0; s < streams && p->op_count < SIM_OPS; s++) {
        p->streams[s].probed = draw_chance(d, 10);
        if (!p->streams[s].used && draw_chance(d, 80)) {
            sim_op *op = draw_op(d, SIM_SINK, p->streams[s].scope);
            draw_take(d, op, s);
            draw_habits(d, op);
        }
    }
}

/* ---- input ---- */

static void draw_input(drawing *d)
{
    sim_plan *p = d->plan;
    unsigned sources = p->ops[1].kind == p->ops[0].kind ? 2 : 1;
    uint64_t epochs = 1 + draw_below(d, EPOCHS);
    uint64_t hops = draw_chance(d, 20) ? 30 : 4;
    unsigned count = 4 + (unsigned)draw_below(d, SIM_RECORDS - 4);
    if (p->limits.records && p->limits.records < count)
        count = p->limits.records;
    for (p->input_count = 0; p->input_count < count; p->input_count++)
        p->input[p->input_count] = (sim_input){
            .op = (unsigned)draw_below(d, sources),
            .worker = (unsigned)draw_below(d, sim_workers(p)),
            .epoch = draw_below(d, epochs),
            .diff = 1,
            .record = { .key = draw_below(d, 12), .value = draw_below(d, 1000),
                        .hops = draw_below(d, hops) },
        };
    /* what would become too much is cut to a part */
    for (;;) {
        sim_records in = { 0 }, out = { 0 };
        for (unsigned i = 0; i < p->input_count; i++)
            sim_records_add(&in, &(sim_record){ .op = p->input[i].op,
                                                .time = weir_time_1(p->input[i].epoch),
                                                .record = p->input[i].record, .count = 1 });
        bool fits = sim_evaluate(p, &in, &out, WORK_MAX);
        sim_records_fini(&in);
        sim_records_fini(&out);
        if (fits || (p->input_count == 1 && p->input[0].record.hops == 0))
            return;
        p->input_count = (p->input_count + 1) / 2;
        for (unsigned i = 0; i < p->input_count; i++) /* a loop may double what goes round it */
            p->input[i].record.hops = p->input[i].record.hops * 3 / 4;
    }
}

static void draw_weather(drawing *d)
{
    sim_plan *p = d->plan;
    static const unsigned workers[] = { 1, 2, 2, 2, 2, 2, 3, 3, 3, 4, 4, 5, 6, 8 };
    p->workers = workers[draw_below(d, sizeof workers / sizeof *workers)];
    if (p->limits.workers && p->limits.workers < p->workers)
        p->workers = p->limits.workers;
    p->clocked = draw_chance(d, 30);
    p->batch_bytes = 48u << draw_below(d, 6);
    p->budget_bytes = draw_chance(d, 30) ? 2000u << draw_below(d, 4) : 0;
    p->log_bytes = 256u << draw_below(d, 5);
    p->spin_us = draw_chance(d, 25) ? 1 + (unsigned)draw_below(d, 20) : 0;
    p->delays = draw_chance(d, 90);
    p->stalls = draw_chance(d, 60);
    p->spurious = draw_chance(d, 30);
    p->ending = draw_chance(d, 88) ? SIM_COMPLETES : SIM_IS_STOPPED + (sim_ending)draw_below(d, 3);
    p->ends_at = 20 + draw_below(d, 400);
    p->flow_count = draw_chance(d, 60) ? 1 : 2 + (unsigned)draw_below(d, SIM_FLOWS - 1);
    if (p->limits.flows && p->limits.flows < p->flow_count)
        p->flow_count = p->limits.flows;
}

/* Of several processes. */
static void draw_processes(drawing *d)
{
    sim_plan *p = d->plan;
    const sim_limits *limits = &p->limits;
    p->processes = 1;
    if (limits->seed <= SIM_ALONE || limits->processes == 1)
        return;
    p->processes = 1 + (unsigned)draw_below(d, SIM_PROCESSES);
    if (limits->processes && limits->processes < p->processes)
        p->processes = limits->processes;
    p->workers = 1 + (unsigned)draw_below(d, SIM_WORKERS / SIM_PROCESSES);
    if (limits->workers && limits->workers < p->workers)
        p->workers = limits->workers;
    p->victim = (unsigned)draw_below(d, p->processes);
    if (p->processes > 1 && draw_chance(d, 25))
        p->ending = draw_chance(d, 60) ? SIM_CRASHES : SIM_FREEZES;
    p->entry_count = (unsigned)draw_below(d, SIM_ENTRIES);
    p->ends_early = p->ending >= SIM_CRASHES && draw_chance(d, 25);
    if (p->ends_early)
        p->ends_at = draw_below(d, 60);
}

static void draw(sim_plan *plan, const sim_limits *limits, const sim_plan *first)
{
    memset(plan, 0, sizeof *plan);
    plan->limits = *limits;
    plan->seed = limits->seed;
    drawing d = { .plan = plan, .random = limits->seed * 3 };
    plan->collections = first ? first->collections
                              : limits->seed > SIM_PLAIN && limits->seed % 2 == 1;
    draw_weather(&d);
    draw_processes(&d);
    /* of every third plan, so that what others draw stays the same: all runs, or larger ones */
    if (plan->collections && plan->seed % 3 == 0)
        plan->segment_bytes = plan->seed % 9 == 0 ? 1000 : 1;
    d.random = limits->seed * 3 + 1;
    if (plan->collections)
        draw_collections(&d, first);
    else
        draw_graph(&d);
    d.random = limits->seed * 3 + 2;
    if (plan->collections)
        draw_collections_input(&d, first);
    else
        draw_input(&d);
}

void sim_plan_draw(sim_plan *plan, const sim_limits *limits)
{
    draw(plan, limits, NULL);
}

void sim_plan_draw_more(sim_plan *plan, const sim_plan *first, unsigned number)
{
    sim_limits limits = first->limits;
    limits.seed = first->seed * 1000 + number;
    limits.workers = 0;
    limits.processes = 1;
    draw(plan, &limits, first);
    plan->limits = first->limits;
    plan->processes = first->processes;
    plan->workers = first->workers;
    drawing d = { .plan = plan, .random = plan->seed * 3 + 2 };
    if (plan->collections) /* again: for so many workers */
        draw_collections_input(&d, first);
    else
        draw_input(&d);
    plan->added_at = 1 + draw_below(&d, 200);
    plan->removed_at = draw_chance(&d, 50) ? plan->added_at + draw_below(&d, 100) : 0;
    plan->adder = (unsigned)draw_below(&d, plan->processes);
    plan->remover = draw_chance(&d, 50) ? plan->adder : (unsigned)draw_below(&d, plan->processes);
}

/* ---- what operators do to records ---- */

static unsigned make_split(const sim_op *op, unsigned input, const item *record, sim_made *made)
{
    unsigned count = 0;
    if (op->kind == SIM_SPLIT) {
        made[count++] = (sim_made){ (unsigned)(record->value / op->a % 2), 0, *record };
    } else if (op->kind == SIM_TURN) {
        made[count] = (sim_made){ record->hops == 0, 0, *record };
        made[count++].record.hops -= record->hops > 0;
    } else { /* SIM_PAIR */
        for (unsigned o = 0; o < 2; o++)
            if (op->add[input][o] != SIM_NONE) {
                made[count] = (sim_made){ o, op->add[input][o], *record };
                made[count++].record.value = (record->value + input + o) % 1000;
            }
    }
    return count;
}

unsigned sim_make(const sim_op *op, unsigned input, const item *record, sim_made *made)
{
    made[0] = (sim_made){ 0, 0, *record };
    item *r = &made[0].record;
    switch (op->kind) {
    case SIM_MAP:
        r->value = (r->value * op->a + op->b) % 1000;
        r->key = (r->key + op->b) % 12;
        return 1;
    case SIM_FILTER:
        return r->value % (op->a + 1) != 0;
    case SIM_FLAT_MAP:
        made[1] = made[0];
        made[1].record.value = (r->value + 1) % 1000;
        return (unsigned)(r->value % 3);
    case SIM_DELAY:
        made[0].later = op->add[0][0] + r->value % op->a;
        return 1;
    case SIM_SPLIT:
    case SIM_TURN:
    case SIM_PAIR:
        return make_split(op, input, record, made);
    default:
        return 1;
    }
}

void sim_group_add(sim_group *group, const item *record, uint64_t times)
{
    group->sum += record->value * times;
    group->count += times;
    if (group->hops < record->hops)
        group->hops = record->hops;
}

item sim_group_result(const sim_group *group)
{
    return (item){ group->key, (group->sum + group->count) % 1000, group->hops };
}

/* ---- for people ---- */

static const char *const kinds[] = { "manual source", "clocked source", "map", "filter",
                                     "flat_map", "enter", "leave", "concat", "route", "feedback",
                                     "relay", "delay", "split", "pair", "turn", "gather", "sink",
                                     "", "variable", "publish", "import" };

void sim_plan_print(const sim_plan *p)
{
    static const char *const routes[] = { "", " by key", " by function", " to all" };
    static const char *const interests[] = { "", " if holding", " always" };
    static const char *const patience[] = { "", ", after steps", ", after a while",
                                            ", when complete" };
    static const char *const ways[] = { "", " at hops", " arranged" };
    printf("seed %llu: %u processes, %u workers, %u records, batches of %zu bytes\n",
           (unsigned long long)p->seed, p->processes, p->workers, p->input_count, p->batch_bytes);
    if (p->segment_bytes)
        printf("  runs of %zu bytes and more lie in files\n", p->segment_bytes);
    for (unsigned i = 0; i < p->op_count; i++) {
        const sim_op *op = &p->ops[i];
        printf("  %2u: depth %u, %s%s", i, sim_depth(p, op),
               op->form ? op->form->name : kinds[op->kind], ways[op->way]);
        if (op->limit)
            printf(" (%u rounds)", op->limit);
        for (unsigned k = 0; k < op->inputs; k++)
            printf("%s s%u%s%s", k ? " +" : " of", op->in[k], routes[op->route[k]],
                   interests[op->interest[k]]);
        printf("%s", patience[op->patience]);
        for (unsigned k = 0; k < op->outputs; k++)
            printf("%s s%u", k ? "," : " ->", op->out[k]);
        printf("\n");
    }
}

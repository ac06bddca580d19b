/* SPDX-License-Identifier: Apache-2.0
 *
 * A plan of collections from scratch: what each stream holds at one time, from what its inputs hold
 * at that time or before. Nothing is known of changes, of frontiers or of workers. What has been
 * found is kept, for each stream and time.
 */
#include <string.h>

#include "forms.h"

enum { BAG_MAX = 400, COUNT_MAX = 2000, MUCH = 60000, ALL = SIM_SEEN_EPOCHS };

typedef struct found {
    unsigned stream;
    weir_time time;
    sim_bag bag;
} found;

struct sim_scratch {
    const sim_plan *plan;
    const sim_records *input;
    sim_scratch *publisher; /* of the flow that what is imported comes from, or NULL */
    uint64_t floor;         /* the first time of imports */
    found **table;
    size_t count, capacity;
    size_t handled;         /* counts that went into bags */
    bool bounded, too_much;
};

/* ---- what was found ---- */

static size_t place_of(const sim_scratch *s, unsigned stream, const weir_time *time)
{
    uint64_t h = stream;
    for (unsigned i = 0; i < WEIR_TIME_COORDS; i++)
        h = (h + time->at[i]) * 0x9e3779b97f4a7c15u;
    size_t at = (size_t)(h >> 20) & (s->capacity - 1);
    while (s->table[at] && (s->table[at]->stream != stream ||
                            !weir_time_equal(&s->table[at]->time, time, WEIR_TIME_COORDS)))
        at = (at + 1) & (s->capacity - 1);
    return at;
}

static void grow(sim_scratch *s)
{
    sim_scratch old = *s;
    s->capacity = old.capacity ? 2 * old.capacity : 1024;
    s->table = calloc(s->capacity, sizeof *s->table);
    for (size_t i = 0; i < old.capacity; i++)
        if (old.table[i])
            s->table[place_of(s, old.table[i]->stream, &old.table[i]->time)] = old.table[i];
    free(old.table);
}

static void forget_all(sim_scratch *s)
{
    for (size_t i = 0; i < s->capacity; i++)
        if (s->table[i]) {
            sim_bag_fini(&s->table[i]->bag);
            free(s->table[i]);
        }
    free(s->table);
    s->table = NULL;
    s->count = s->capacity = 0;
}

/* ---- operators ---- */

static const sim_bag *bag_of(sim_scratch *s, unsigned stream, const weir_time *time);

static void add_all(sim_bag *out, const sim_bag *in, int64_t times)
{
    for (size_t i = 0; i < in->count; i++)
        sim_bag_add(out, in->items[i].record, times * in->items[i].count);
}

static void source(const sim_at *at, sim_bag *out)
{
    const sim_records *all = at->scratch->input;
    for (size_t i = 0; i < all->count; i++)
        if (&at->scratch->plan->ops[all->items[i].op] == at->op &&
            all->items[i].time.at[0] <= at->time.at[0])
            sim_bag_add(out, all->items[i].record, all->items[i].count);
}

static void enter(const sim_at *at, sim_bag *out)
{
    weir_time outside = at->time;
    uint64_t round = outside.at[at->depth - 1];
    outside.at[at->depth - 1] = 0;
    const sim_bag *in = bag_of(at->scratch, at->op->in[0], &outside);
    for (size_t i = 0; i < in->count; i++)
        if (at->op->way != SIM_AT_HOPS || in->items[i].record.hops <= round)
            sim_bag_add(out, in->items[i].record, in->items[i].count);
}

/* A round after which nothing changes any more. */
static void leave(const sim_at *at, sim_bag *out)
{
    weir_time inside = at->time;
    inside.at[at->depth] = SIM_SEEN_ROUNDS;
    add_all(out, bag_of(at->scratch, at->op->in[0], &inside), 1);
}

/* Its start, or what it was set to a round before; behind its limit nothing comes round. */
static void variable(const sim_at *at, sim_bag *out)
{
    weir_time time = at->time;
    uint64_t *round = &time.at[at->depth - 1];
    if (at->op->limit && *round >= at->op->limit)
        *round = at->op->limit - 1;
    if (*round > 0) {
        --*round;
        add_all(out, bag_of(at->scratch, at->op->in[0], &time), 1);
    } else if (at->op->inputs > 1) {
        add_all(out, bag_of(at->scratch, at->op->in[1], &time), 1);
    }
}

static void import(const sim_at *at, sim_bag *out)
{
    sim_scratch *publisher = at->scratch->publisher;
    for (unsigned i = 0; i < publisher->plan->op_count; i++)
        if (publisher->plan->ops[i].kind == SIM_PUBLISH && at->time.at[0] >= at->scratch->floor)
            add_all(out, bag_of(publisher, publisher->plan->ops[i].in[0], &at->time), 1);
}

static void evaluate(const sim_at *at, sim_bag *out)
{
    switch (at->op->kind) {
    case SIM_MANUAL:
        source(at, out);
        break;
    case SIM_ENTER:
        enter(at, out);
        break;
    case SIM_LEAVE:
        leave(at, out);
        break;
    case SIM_VARIABLE:
        variable(at, out);
        break;
    case SIM_IMPORT:
        import(at, out);
        break;
    case SIM_FORM:
        sim_form_evaluate(at->op->form, at, out);
        break;
    default: /* one record in, the same one out */
        for (unsigned i = 0; i < at->op->inputs; i++)
            add_all(out, bag_of(at->scratch, at->op->in[i], &at->time), 1);
    }
}

static const sim_bag *bag_of(sim_scratch *s, unsigned stream, const weir_time *time)
{
    if (2 * s->count >= s->capacity)
        grow(s);
    found *f = s->table[place_of(s, stream, time)];
    if (f)
        return &f->bag;
    const sim_op *op = &s->plan->ops[s->plan->streams[stream].op];
    f = calloc(1, sizeof *f);
    f->stream = stream;
    f->time = *time;
    if (!s->too_much)
        evaluate(&(sim_at){ s, op, sim_depth(s->plan, op), *time }, &f->bag);
    s->handled += f->bag.count;
    sim_bag_settle(&f->bag);
    for (size_t i = 0; i < f->bag.count; i++)
        s->too_much |= s->bounded && llabs(f->bag.items[i].count) > COUNT_MAX;
    s->too_much |= s->bounded && (f->bag.count > BAG_MAX || s->handled > MUCH);
    if (s->too_much)
        f->bag.count = 0; /* what is made of it would be more still */
    if (2 * s->count >= s->capacity)
        grow(s);
    s->table[place_of(s, stream, time)] = f;
    s->count++;
    return &f->bag;
}

const sim_bag *sim_at_input(const sim_at *at, unsigned input, const weir_time *time)
{
    return bag_of(at->scratch, at->op->in[input], time ? time : &at->time);
}

const sim_record *sim_at_sent(const sim_at *at, size_t *i)
{
    const sim_plan *p = at->scratch->plan;
    const sim_records *all = at->scratch->input;
    unsigned op = p->streams[at->op->in[0]].op;
    while (*i < all->count && (all->items[*i].op != op ||
                               all->items[*i].time.at[0] > at->time.at[0]))
        ++*i;
    return *i < all->count ? &all->items[(*i)++] : NULL;
}

/* ---- times that are looked at ---- */

/* The next one of so many coordinates; inside scopes of scopes, fewer rounds of each. */
static bool next_time(weir_time *time, unsigned depth)
{
    static const uint64_t ends[][3] = { { SIM_SEEN_EPOCHS, 0, 0 },
                                        { SIM_SEEN_EPOCHS, SIM_SEEN_ROUNDS, 0 },
                                        { 10, 5, 5 } };
    for (unsigned i = depth; i-- > 0;) {
        if (++time->at[i] < ends[depth - 1][i])
            return true;
        time->at[i] = 0;
    }
    return false;
}

static bool bags_equal(const sim_bag *a, const sim_bag *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (memcmp(&a->items[i], &b->items[i], sizeof *a->items) != 0)
            return false;
    return true;
}

/* ---- whether it fits ---- */

static void take_plan(const sim_plan *plan, sim_records *records)
{
    for (unsigned i = 0; i < plan->input_count; i++)
        sim_records_add(records, &(sim_record){ .op = plan->input[i].op,
                                                .time = weir_time_1(plan->input[i].epoch),
                                                .record = plan->input[i].record,
                                                .count = plan->input[i].diff });
}

/* What goes round without a limit is the same in the last rounds that are looked at. */
static bool comes_to_an_end(sim_scratch *s, const sim_op *op)
{
    for (weir_time time = { { 0 } }; time.at[0] < SIM_SEEN_EPOCHS; time.at[0]++) {
        weir_time last = time;
        last.at[1] = SIM_SEEN_ROUNDS;
        const sim_bag *bag = bag_of(s, op->out[0], &last);
        for (time.at[1] = SIM_SEEN_ROUNDS - 4; time.at[1] < SIM_SEEN_ROUNDS; time.at[1]++)
            if (!bags_equal(bag, bag_of(s, op->out[0], &time)))
                return false;
        time.at[1] = 0;
    }
    return true;
}

static bool fits(sim_scratch *s)
{
    for (unsigned i = 0; i < s->plan->op_count; i++) {
        const sim_op *op = &s->plan->ops[i];
        weir_time time = { { 0 } };
        if (op->kind == SIM_VARIABLE && !op->limit && !comes_to_an_end(s, op))
            return false;
        if (op->inputs == 0)
            continue;
        do
            (void)bag_of(s, op->in[0], &time);
        while (next_time(&time, sim_depth(s->plan, op)) && !s->too_much);
    }
    return !s->too_much;
}

bool sim_scratch_fits(const sim_plan *plan, const sim_plan *first)
{
    sim_records of_plan = { 0 }, of_first = { 0 };
    sim_scratch publisher = { .plan = first, .input = &of_first };
    sim_scratch s = { .plan = plan, .input = &of_plan, .publisher = &publisher,
                      .bounded = true };
    take_plan(plan, &of_plan);
    if (first)
        take_plan(first, &of_first);
    bool does = fits(&s);
    forget_all(&s);
    forget_all(&publisher);
    sim_records_fini(&of_plan);
    sim_records_fini(&of_first);
    return does;
}

/* ---- sinks ---- */

static void gathered(const sim_flow *flow, unsigned op, const weir_time *time, sim_bag *bag)
{
    for (size_t i = 0; i < flow->output.count; i++) {
        const sim_record *r = &flow->output.items[i];
        if (r->op == op && weir_time_less_equal(&r->time, time, WEIR_TIME_COORDS))
            sim_bag_add(bag, r->record, r->count);
    }
    sim_bag_settle(bag);
}

static const sim_count *first_difference(const sim_bag *a, const sim_bag *b)
{
    for (size_t i = 0; i < a->count; i++) {
        bool is_there = false;
        for (size_t k = 0; k < b->count; k++)
            is_there |= memcmp(&a->items[i], &b->items[k], sizeof *a->items) == 0;
        if (!is_there)
            return &a->items[i];
    }
    return NULL;
}

/* What a bag has that it should not have, or lacks. */
static void tell(const char *where, const sim_bag *have, const sim_bag *want, char *text,
                 size_t size)
{
    const sim_count *extra = first_difference(have, want);
    const sim_count *c = extra ? extra : first_difference(want, have);
    snprintf(text, size, "%s has {%llu, %llu, %llu} %lld times; %zu records are there, and from "
             "scratch %zu", where, (unsigned long long)c->record.key,
             (unsigned long long)c->record.value, (unsigned long long)c->record.hops,
             extra ? (long long)c->count : 0, have->count, want->count);
}

/* What an operator without an output takes, or leaves outside. */
static void wanted_of(sim_scratch *s, const sim_op *op, const weir_time *time, sim_bag *out)
{
    if (op->kind == SIM_SINK)
        add_all(out, bag_of(s, op->in[0], time), 1);
    else
        sim_form_evaluate(op->form, &(sim_at){ s, op, sim_depth(s->plan, op), *time }, out);
    sim_bag_settle(out);
}

static bool sink_is_right(sim_scratch *s, const sim_flow *flow, unsigned op, char *text,
                          size_t size)
{
    unsigned depth = sim_depth(s->plan, &s->plan->ops[op]);
    weir_time time = { { 0 } };
    bool right = true;
    do {
        sim_bag have = { 0 }, want = { 0 };
        wanted_of(s, &s->plan->ops[op], &time, &want);
        gathered(flow, op, &time, &have);
        right = bags_equal(&have, &want);
        if (!right) {
            char at[100], where[140];
            snprintf(where, sizeof where, "at %s the sink %u",
                     weir_time_text(&time, depth, at, sizeof at), op);
            tell(where, &have, &want, text, size);
        }
        sim_bag_fini(&have);
        sim_bag_fini(&want);
    } while (right && next_time(&time, depth));
    return right;
}

static bool all_is_right(sim_scratch *s, const sim_flow *flow, char *text, size_t size)
{
    for (unsigned i = 0; i < s->plan->op_count; i++) {
        const sim_op *op = &s->plan->ops[i];
        bool leaves = op->kind == SIM_SINK || (op->form && op->form->flags & SIM_LEAVES);
        if (leaves && !sink_is_right(s, flow, i, text, size))
            return false;
    }
    return true;
}

bool sim_keeps_history(const sim_plan *plan)
{
    bool keeps = false;
    for (unsigned i = 0; i < plan->op_count; i++)
        keeps |= plan->ops[i].kind == SIM_PUBLISH && plan->ops[i].keeps_history;
    return keeps;
}

/* The first time that an import shows, or may show; false: it depends on when it began. */
static bool floor_of(const sim_plan *plan, const sim_plan *first, uint64_t *floor)
{
    bool known = true;
    *floor = 0;
    for (unsigned i = 0; i < plan->op_count; i++)
        if (plan->ops[i].kind == SIM_IMPORT) {
            known = sim_keeps_history(first);
            *floor = known || plan->ops[i].begins_late ? plan->ops[i].a : 0;
        }
    return known;
}

const char *sim_scratch_differs(sim_flow *flow, char *text, size_t size)
{
    sim_flow *first = &flow->run->flows[0];
    sim_scratch publisher = { .plan = &first->plan, .input = &first->input };
    sim_scratch s = { .plan = &flow->plan, .input = &flow->input, .publisher = &publisher };
    bool known = floor_of(&flow->plan, &first->plan, &s.floor);
    bool right = all_is_right(&s, flow, text, size);
    for (; !right && !known && s.floor < ALL; s.floor++) {
        forget_all(&s);
        right = all_is_right(&s, flow, text, size);
    }
    forget_all(&s);
    forget_all(&publisher);
    return right ? NULL : text;
}

bool sim_scratch_is_not(sim_flow *flow, const sim_wanted *wanted, const sim_bag *have, char *text,
                        size_t size)
{
    sim_flow *first = &flow->run->flows[0];
    sim_scratch publisher = { .plan = &first->plan, .input = &first->input };
    sim_scratch s = { .plan = &flow->plan, .input = &flow->input, .publisher = &publisher };
    sim_bag want = { 0 };
    if (!floor_of(&flow->plan, &first->plan, &s.floor))
        return false;
    add_all(&want, bag_of(&s, wanted->stream, &wanted->time), 1);
    if (wanted->is_change)
        add_all(&want, bag_of(&s, wanted->stream, &wanted->after), -1);
    for (size_t i = 0; i < want.count; i++)
        if (wanted->key != SIM_ALL && want.items[i].record.key != wanted->key)
            want.items[i].count = 0;
    sim_bag_settle(&want);
    bool right = bags_equal(have, &want);
    if (!right) {
        char where[60];
        snprintf(where, sizeof where, "%s at %llu", wanted->is_change ? "of changes" : "of all",
                 (unsigned long long)wanted->time.at[0]);
        tell(where, have, &want, text, size);
    }
    sim_bag_fini(&want);
    forget_all(&s);
    forget_all(&publisher);
    return !right;
}

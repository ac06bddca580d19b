/* SPDX-License-Identifier: Apache-2.0
 *
 * Forms of nodes that wait for times: to be told that one is complete, for a timer, for a clock;
 * and of streams that come back out of their events.
 */
#include <stdlib.h>
#include <string.h>

#include <weir/weir.h>

#include "forms.h"

#define ITEMS(port_) ((weir_stream(item)){ .port = (port_) })

/* ---- notify: what came at a time leaves, as its sum by the key, when the time is complete ---- */

enum { KEYS = 16 };

typedef struct of_time {
    weir_time time;
    uint64_t sums[KEYS];
} of_time;

typedef struct told {
    weir_notify notify;
    of_time *times;
    size_t count, capacity;
} told;

static of_time *find_time(told *t, const weir_time *time)
{
    for (size_t i = 0; i < t->count; i++)
        if (weir_time_equal(&t->times[i].time, time, 1))
            return &t->times[i];
    if (t->count == t->capacity) {
        t->capacity = 2 * t->capacity + 8;
        t->times = realloc(t->times, t->capacity * sizeof *t->times);
    }
    t->times[t->count] = (of_time){ .time = *time };
    return &t->times[t->count++];
}

static void told_step(weir_step *step, void *state)
{
    told *t = state;
    for (const weir_batch *b; (b = weir_step_take(step, 0));)
        for (size_t i = 0; i < b->count; i++) {
            const item *it = weir_batch_record(b, i);
            weir_time at = weir_batch_time(b, i);
            weir_notify_at(&t->notify, step, &at);
            find_time(t, &at)->sums[it->key % KEYS] += it->value + 1;
        }
    for (weir_time at; weir_notify_next(&t->notify, step, &at);) {
        of_time *of = find_time(t, &at);
        weir_out(item) out = { weir_step_output(step, 0, &at) };
        for (uint64_t key = 0; key < KEYS; key++)
            if (of->sums[key] > 0)
                item_emit(out, (item){ key, of->sums[key] % 16, 2 });
        *of = t->times[--t->count];
    }
}

static weir_status told_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)step;
    (void)ctx;
    (void)error;
    *state = calloc(1, sizeof(told));
    return WEIR_OK;
}

static void told_fini(void *state)
{
    told *t = state;
    weir_notify_fini(&t->notify);
    free(t->times);
    free(t);
}

static weir_port *build_notify(const sim_op *op, weir_port *const *in)
{
    (void)op;
    return weir_as_collection(weir_unary(weir_exchange(ITEMS(in[0]), WEIR_KEY(item, key)), item,
                                         told_step, .init = told_init, .fini = told_fini,
                                         .interest = WEIR_IF_HOLDING))
        .port;
}

static void notify(const sim_at *at, sim_bag *out)
{
    const sim_record *r;
    for (uint64_t epoch = 0; epoch <= at->time.at[0]; epoch++) {
        uint64_t sums[KEYS] = { 0 };
        for (size_t i = 0; (r = sim_at_sent(at, &i));)
            if (r->time.at[0] == epoch)
                sums[r->record.key % KEYS] += r->record.value + 1;
        for (uint64_t key = 0; key < KEYS; key++)
            if (sums[key] > 0)
                sim_bag_add(out, (item){ key, sums[key] % 16, 2 }, 1);
        if (epoch > SIM_SEEN_EPOCHS)
            break;
    }
}

/* ---- reclock: a source at the times at which it sends an even value ---- */

static bool ticks(const item *i)
{
    return i->value % 2 == 0;
}
WEIR_FILTER(ticks, item)

static weir_port *build_reclock(const sim_op *op, weir_port *const *in)
{
    weir_stream(item) s = ITEMS(in[0]);
    (void)op;
    return weir_as_collection(weir_reclock(s, weir_broadcast(weir_filter(s, ticks)))).port;
}

static void reclock(const sim_at *at, sim_bag *out)
{
    const sim_record *r, *tick;
    for (size_t i = 0; (r = sim_at_sent(at, &i));) {
        bool passes = false;
        for (size_t k = 0; !passes && (tick = sim_at_sent(at, &k));)
            passes = ticks(&tick->record) && tick->time.at[0] >= r->time.at[0];
        sim_bag_add(out, r->record, passes);
    }
}

/* ---- timers: one for each record, some way behind it, if time has not come so far ---- */

#define STAMPED(F) F(u64, key) F(instant, at) F(u64, hops)
#define SEEN(F) F(u64, records)
WEIR_RECORD(stamped, STAMPED)
WEIR_RECORD(seen, SEEN)

static stamped stamp(const item *i)
{
    return (stamped){ i->key, { 10 * (int64_t)i->value }, i->hops };
}
WEIR_MAP(stamp, item, stamped)

static int64_t due_at(const stamped *s)
{
    return s->at.us + 10 * (int64_t)s->hops + 5;
}
static item of_due(uint64_t key, int64_t when)
{
    return (item){ key, sim_small(when / 10), 2 };
}
static item of_late(uint64_t key)
{
    return (item){ key, 15, 3 };
}

static void rule(const stamped *s, seen *state, weir_timers *timers, weir_out(item) out)
{
    state->records = s->key + 1; /* what due knows of its key */
    if (due_at(s) > weir_timer_now(timers).us)
        weir_timer_set(timers, (weir_instant){ due_at(s) });
    else
        item_emit(out, of_late(s->key));
}

static void due(weir_instant when, seen *state, weir_timers *timers, weir_out(item) out)
{
    (void)timers;
    item_emit(out, of_due(state->records - 1, when.us));
}
WEIR_PROCESS(rule, due, stamped, seen, item)

static weir_port *build_timers(const sim_op *op, weir_port *const *in)
{
    (void)op;
    return weir_as_collection(weir_process(weir_map(ITEMS(in[0]), stamp), WEIR_KEY(stamped, key),
                                           rule, .order = WEIR_ASC(stamped, at)))
        .port;
}

enum { TENS = 32 };

static void fire(uint64_t key, bool *set, int64_t now, sim_bag *out)
{
    for (int64_t ten = 0; ten < TENS && 10 * ten + 5 <= now; ten++) {
        sim_bag_add(out, of_due(key, 10 * ten + 5), set[ten]);
        set[ten] = false;
    }
}

/* Epoch by epoch; `set` are the timers of each key, by the tens of their instants. */
static void timers(const sim_at *at, sim_bag *out)
{
    bool set[KEYS][TENS] = { { false } };
    int64_t now = INT64_MIN;
    for (uint64_t epoch = 0; epoch <= at->time.at[0] && epoch <= SIM_SEEN_EPOCHS; epoch++) {
        const sim_record *r;
        int64_t then = now;
        for (size_t i = 0; (r = sim_at_sent(at, &i));) {
            stamped s = stamp(&r->record);
            if (r->time.at[0] != epoch)
                continue;
            if (due_at(&s) > then)
                set[s.key % KEYS][due_at(&s) / 10 % TENS] = true;
            else
                sim_bag_add(out, of_late(s.key), 1);
            now = s.at.us > now ? s.at.us : now;
        }
        for (uint64_t key = 0; key < KEYS; key++)
            fire(key, set[key], now, out);
    }
}

/* ---- timers that are cancelled: by records, one of them or all of the key ---- */

static void rule_or_not(const stamped *s, seen *state, weir_timers *timers, weir_out(item) out)
{
    if (s->hops == 0)
        rule(s, state, timers, out);
    else if (s->hops == 1)
        weir_timer_cancel(timers, (weir_instant){ s->at.us + 5 });
    else
        weir_timer_cancel_all(timers);
}
WEIR_PROCESS(rule_or_not, due, stamped, seen, item)

static weir_port *build_cancelled(const sim_op *op, weir_port *const *in)
{
    (void)op;
    return weir_as_collection(weir_process(weir_map(ITEMS(in[0]), stamp), WEIR_KEY(stamped, key),
                                           rule_or_not, .order = WEIR_ASC(stamped, at)))
        .port;
}

/* One record; what lies before it was called before. */
static void apply(const stamped *s, bool *set, int64_t then, sim_bag *out)
{
    fire(s->key, set, s->at.us, out);
    if (s->hops == 0 && due_at(s) > then)
        set[due_at(s) / 10 % TENS] = true;
    else if (s->hops == 0)
        sim_bag_add(out, of_late(s->key), 1);
    else if (s->hops == 1)
        set[s->at.us / 10 % TENS] = false;
    else
        memset(set, 0, TENS * sizeof *set);
}

/* Epoch by epoch, key by key, in the order of instants, then of hops. */
static void cancelled(const sim_at *at, sim_bag *out)
{
    bool set[KEYS][TENS] = { { false } };
    int64_t now = INT64_MIN;
    for (uint64_t epoch = 0; epoch <= at->time.at[0] && epoch <= SIM_SEEN_EPOCHS; epoch++) {
        const sim_record *r;
        int64_t then = now;
        for (uint64_t order = 0; order < KEYS * 8; order++)
            for (size_t i = 0; (r = sim_at_sent(at, &i));) {
                stamped s = stamp(&r->record);
                if (r->time.at[0] != epoch || r->record.value * 8 + s.hops != order)
                    continue;
                apply(&s, set[s.key % KEYS], then, out);
                now = s.at.us > now ? s.at.us : now;
            }
        for (uint64_t key = 0; key < KEYS; key++)
            fire(key, set[key], now, out);
    }
}

/* ---- captured and replayed ---- */

static weir_port *build_replay(const sim_op *op, weir_port *const *in)
{
    weir_stream(weir_captured_event) events = weir_capture_events(ITEMS(in[0]));
    if (op->a % 2)
        events = weir_exchange(events, WEIR_KEY(weir_captured_event, part));
    return weir_replay_collection(events, item).port;
}

static void replay(const sim_at *at, sim_bag *out)
{
    const sim_bag *in = sim_at_input(at, 0, NULL);
    for (size_t i = 0; i < in->count; i++)
        sim_bag_add(out, in->items[i].record, in->items[i].count);
}

const sim_form sim_forms_nodes[] = {
    { "notify", 1, 1, SIM_OUTSIDE | SIM_OF_SOURCE | SIM_CLEAN, 0, 0, build_notify, notify, NULL },
    { "reclock", 1, 1, SIM_OUTSIDE | SIM_OF_SOURCE | SIM_CLEAN, 0, 0, build_reclock, reclock,
      NULL },
    { "process with timers", 1, 1, SIM_OUTSIDE | SIM_OF_SOURCE | SIM_CLEAN, 0, 0, build_timers,
      timers, NULL },
    { "replay", 1, 1, SIM_OUTSIDE, 0, 0, build_replay, replay, NULL },
    { "process with timers that are cancelled", 1, 1,
      SIM_LATE | SIM_OUTSIDE | SIM_OF_SOURCE | SIM_CLEAN, 0, 25, build_cancelled, cancelled, NULL },
    { NULL, 0, 0, 0, 0, 0, NULL, NULL, NULL }
};

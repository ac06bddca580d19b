/* SPDX-License-Identifier: Apache-2.0
 *
 * Forms of stages with a context, of loops, of nodes with two inputs or with a set of capabilities,
 * of what plain streams alone have, of streams that come from memory.
 */
#include <stdlib.h>
#include <string.h>

#include <weir/test.h>
#include <weir/weir.h>

#include "forms.h"
#include "worker/runtime.h"

#define ITEMS(port_) ((weir_stream(item)){ .port = (port_) })

static void each(const sim_at *at, sim_bag *out, void (*fn)(const item *i, int64_t n, sim_bag *out))
{
    const sim_bag *in = sim_at_input(at, 0, NULL);
    for (size_t k = 0; k < in->count; k++)
        fn(&in->items[k].record, in->items[k].count, out);
}

static void same_one(const item *i, int64_t n, sim_bag *out)
{
    sim_bag_add(out, *i, n);
}
static void same(const sim_at *at, sim_bag *out)
{
    each(at, out, same_one);
}

/* ---- contexts: one of each worker, or one that all share ---- */

typedef struct shift {
    uint64_t by;
} shift;
static shift by_three = { 3 };

static shift *shift_open(void *ctx, unsigned worker)
{
    shift *s = malloc(sizeof *s);
    (void)worker;
    *s = *(const shift *)ctx;
    return s;
}
static void shift_close(shift *s)
{
    free(s);
}

static item shifted(const shift *s, const item *i)
{
    return (item){ i->key, (i->value + s->by) % 16, i->hops };
}
static item shift_item(shift *s, const item *i)
{
    return shifted(s, i);
}
WEIR_MAP_CTX(shift_item, shift, item, item)
static bool is_beside(shift *s, const item *i)
{
    return i->value % 4 != s->by;
}
WEIR_FILTER_CTX(is_beside, shift, item)
static void with_next(shift *s, const item *i, weir_out(item) out)
{
    item_emit(out, *i);
    if (i->hops == 0)
        item_emit(out, shifted(s, i));
}
WEIR_FLAT_MAP_CTX(with_next, shift, item, item)
static void see(shift *s, const item *i)
{
    if (s->by != by_three.by || i->value % 4 == s->by)
        abort(); /* what is_beside has left out */
}
WEIR_INSPECT_CTX(see, shift, item)

typedef struct place {
    uint64_t next;
} place;
static bool up_to(shift *s, const item *i, place *at, weir_out(item) out)
{
    item_emit(out, (item){ i->key, i->value, at->next });
    return ++at->next < s->by;
}
WEIR_FLAT_MAP_RESUMABLE_CTX(up_to, shift, item, place, item)

static void see_batch(const weir_batch *b, void *ctx)
{
    if (ctx != &by_three || b->count == 0)
        abort();
}

static weir_port *build_context(const sim_op *op, weir_port *const *in)
{
    weir_stream(item) s = ITEMS(in[0]);
    s = weir_map_ctx(s, shift_item, .ctx = &by_three);
    s = op->a % 2 ? weir_filter_ctx(s, is_beside, .init = shift_open, .fini = shift_close,
                                    .ctx = &by_three)
                  : weir_filter_ctx(s, is_beside, .ctx = &by_three);
    s = weir_inspect_ctx(s, see, .init = shift_open, .fini = shift_close, .ctx = &by_three);
    s = weir_inspect_batches(s, see_batch, &by_three);
    return op->b % 2 ? weir_flat_map_ctx(s, with_next, .init = shift_open, .fini = shift_close,
                                         .ctx = &by_three)
                           .port
                     : weir_flat_map_resumable_ctx(s, up_to, .init = shift_open,
                                                   .fini = shift_close, .ctx = &by_three)
                           .port;
}

static void context(const sim_at *at, sim_bag *out)
{
    const sim_bag *in = sim_at_input(at, 0, NULL);
    for (size_t k = 0; k < in->count; k++) {
        item i = in->items[k].record;
        int64_t n = in->items[k].count;
        i.value = (i.value + 3) % 16;
        if (i.value % 4 == 3)
            continue;
        for (uint64_t hops = 0; at->op->b % 2 == 0 && hops < 3; hops++)
            sim_bag_add(out, (item){ i.key, i.value, hops }, n);
        if (at->op->b % 2)
            sim_bag_add(out, i, n);
        if (at->op->b % 2 && i.hops == 0)
            sim_bag_add(out, (item){ i.key, (i.value + 3) % 16, 0 }, n);
    }
}

/* ---- a second try ---- */

#define WHY(F) F(u64, key) F(u64, why)
WEIR_RECORD(reason, WHY)

static bool first_try(const item *i, item *result, reason *bad)
{
    *result = (item){ i->key, i->value, (i->hops + 1) % 4 };
    *bad = (reason){ i->key, 13 };
    return i->value % 3 != 0;
}
WEIR_TRY(first_try, item, item, reason)
static bool second_try(const item *i, item *result, reason *bad)
{
    *result = *i;
    *bad = (reason){ i->key, 14 };
    return i->hops % 2 != 0;
}
WEIR_TRY(second_try, item, item, reason)
static item of_reason(const reason *r)
{
    return (item){ r->key, r->why, 0 };
}
WEIR_MAP(of_reason, reason, item)

static weir_port *build_and_then(const sim_op *op, weir_port *const *in)
{
    weir_stream(item) once, twice;
    weir_stream(reason) bad;
    (void)op;
    weir_try(ITEMS(in[0]), first_try, &once, &bad);
    weir_and_then(once, second_try, &twice, &bad);
    return weir_concat(twice, weir_map(bad, of_reason)).port;
}

static void and_then_one(const item *i, int64_t n, sim_bag *out)
{
    uint64_t hops = (i->hops + 1) % 4;
    sim_bag_add(out,
                i->value % 3 == 0 ? (item){ i->key, 13, 0 }
                : hops % 2        ? (item){ i->key, i->value, hops }
                                  : (item){ i->key, 14, 0 },
                n);
}
static void and_then(const sim_at *at, sim_bag *out)
{
    each(at, out, and_then_one);
}

/* ---- a loop: each record goes round as often as it has hops, and is dropped at the limit ---- */

enum { LIMIT = 4 };

static item less(const item *i)
{
    return (item){ i->key, (i->value + 1) % 16, i->hops - 1 };
}
WEIR_MAP(less, item, item)
static bool goes_on(const item *i)
{
    return i->hops > 0;
}
WEIR_FILTER(goes_on, item)
static bool is_there(const item *i)
{
    return i->hops == 0;
}
WEIR_FILTER(is_there, item)

static weir_port *build_loop(const sim_op *op, weir_port *const *in)
{
    weir_stream(item) again;
    (void)op;
    if (!in[0])
        return NULL;
    weir_graph *g = weir_port_graph(in[0]);
    weir_scope *scope = weir_scope_add(g, weir_port_scope(in[0]), "hops");
    weir_loop(item) loop =
        weir_loop_variable(g, item, scope, &again, .limit = LIMIT, .collection = true);
    weir_stream(item) all = weir_concat(weir_enter(ITEMS(in[0]), scope), again);
    weir_loop_connect(loop, weir_map(weir_filter(all, goes_on), less));
    return weir_leave(weir_filter(all, is_there)).port;
}

static void loop_one(const item *i, int64_t n, sim_bag *out)
{
    if (i->hops < LIMIT)
        sim_bag_add(out, (item){ i->key, (i->value + i->hops) % 16, 0 }, n);
}
static void loop(const sim_at *at, sim_bag *out)
{
    each(at, out, loop_one);
}

/* ---- a node with two inputs ---- */

static void pass(weir_step *step, unsigned input, uint64_t hops)
{
    for (const weir_batch *b; (b = weir_step_take(step, input));)
        for (size_t i = 0; i < b->count; i++) {
            const item *it = weir_batch_record(b, i);
            weir_time at = weir_batch_time(b, i);
            weir_builder *out = weir_step_output(step, 0, &at);
            weir_builder_set_diff(out, weir_batch_diff(b, i));
            item_emit((weir_out(item)){ out }, (item){ it->key, it->value, hops });
        }
}

static void both_step(weir_step *step, void *state)
{
    (void)state;
    pass(step, 0, 1);
    pass(step, 1, 2);
}

static weir_port *build_binary(const sim_op *op, weir_port *const *in)
{
    (void)op;
    return weir_binary(ITEMS(in[0]), ITEMS(in[1]), item, both_step, .takes_diffs = true,
                       .collection = true)
        .port;
}

static void binary(const sim_at *at, sim_bag *out)
{
    for (unsigned input = 0; input < 2; input++) {
        const sim_bag *in = sim_at_input(at, input, NULL);
        for (size_t k = 0; k < in->count; k++)
            sim_bag_add(out,
                        (item){ in->items[k].record.key, in->items[k].record.value, input + 1 },
                        in->items[k].count);
    }
}

/* ---- a set of capabilities: what came is held until its time is complete ---- */

typedef struct held {
    weir_time time;
    item record;
    int64_t diff;
} held;
typedef struct holder {
    weir_cap_set set;
    held *items;
    size_t count, capacity;
} holder;

static weir_status hold_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)step;
    (void)ctx;
    (void)error;
    *state = calloc(1, sizeof(holder));
    return WEIR_OK;
}

static void hold_fini(void *state)
{
    holder *h = state;
    weir_cap_set_fini(&h->set);
    free(h->items);
    free(h);
}

static void hold(weir_step *step, holder *h, const weir_batch *b, size_t i)
{
    if (h->count == h->capacity) {
        h->capacity = 2 * h->capacity + 8;
        h->items = realloc(h->items, h->capacity * sizeof *h->items);
    }
    held *one = &h->items[h->count++];
    *one = (held){ weir_batch_time(b, i), *(const item *)weir_batch_record(b, i),
                   weir_batch_diff(b, i) };
    if (!weir_cap_set_covers(&h->set, step, &one->time))
        weir_cap_set_insert(&h->set, step, weir_cap_retain(step, 0, &one->time));
}

static void let_go(weir_step *step, holder *h, size_t i)
{
    held one = h->items[i];
    h->items[i] = h->items[--h->count];
    weir_cap cap = weir_cap_set_delayed(&h->set, step, &one.time);
    weir_time before = one.time;
    bool has_before = before.at[0]-- > 0;
    if (cap == WEIR_CAP_NONE ||
        (has_before && weir_cap_try_delayed(step, cap, &before) != WEIR_CAP_NONE)) {
        weir_step_fail(step, WEIR_FAILED, "a set gives other capabilities than it has");
        return;
    }
    weir_builder *out = weir_step_output(step, 0, &one.time);
    weir_builder_set_diff(out, one.diff);
    item_emit((weir_out(item)){ out }, one.record);
    weir_cap_drop(step, cap);
}

static void hold_step(weir_step *step, void *state)
{
    holder *h = state;
    const weir_frontier *frontier = weir_step_frontier(step, 0);
    for (const weir_batch *b; (b = weir_step_take(step, 0));)
        for (size_t i = 0; i < b->count; i++)
            hold(step, h, b, i);
    for (size_t i = h->count; i-- > 0;)
        if (!weir_frontier_less_equal(frontier, &h->items[i].time))
            let_go(step, h, i);
    if (h->count == 0)
        weir_cap_set_clear(&h->set, step);
    else
        (void)weir_cap_set_downgrade(&h->set, step, frontier);
}

static weir_port *build_hold(const sim_op *op, weir_port *const *in)
{
    (void)op;
    return weir_unary(ITEMS(in[0]), item, hold_step, .init = hold_init, .fini = hold_fini,
                      .interest = WEIR_ALWAYS, .takes_diffs = true, .collection = true)
        .port;
}

/* ---- of plain streams: each record to the worker of its number, then to any ---- */

static uint64_t to_worker(const item *i)
{
    return i->key + i->value;
}
WEIR_ROUTE(to_worker, item)

static void at_home_step(weir_step *step, void *state)
{
    (void)state;
    for (const weir_batch *b; (b = weir_step_take(step, 0));)
        for (size_t i = 0; i < b->count; i++) {
            const item *it = weir_batch_record(b, i);
            weir_time at = weir_batch_time(b, i);
            if (to_worker(it) % weir_step_workers(step) != weir_step_worker(step))
                weir_step_fail(step, WEIR_FAILED, "a record came to worker %u",
                               weir_step_worker(step));
            item_emit((weir_out(item)){ weir_step_output(step, 0, &at) }, *it);
        }
}

static weir_port *build_exchange_by(const sim_op *op, weir_port *const *in)
{
    weir_stream(item) s = ITEMS(in[0]);
    if (op->a % 2)
        s = weir_rebalance(s);
    s = weir_unary(weir_exchange_by(s, to_worker), item, at_home_step);
    return weir_as_collection(op->b % 2 ? weir_rebalance(s) : s).port;
}

static weir_port *build_replay(const sim_op *op, weir_port *const *in)
{
    (void)op;
    return weir_as_collection(weir_replay(weir_capture_events(ITEMS(in[0])), item)).port;
}

/* ---- out of memory: an array, what was captured before ---- */

enum { ARRAY = 7 };
static const item array[ARRAY] = { { 0, 1, 2 }, { 0, 1, 2 }, { 1, 0, 0 }, { 2, 5, 1 },
                                   { 3, 4, 0 }, { 4, 4, 2 }, { 1, 7, 1 } };

static weir_port *build_array(const sim_op *op, weir_port *const *in)
{
    (void)op;
    if (!in[0])
        return NULL;
    weir_stream(item) fixed = weir_to_stream(weir_port_graph(in[0]), item, array, ARRAY);
    return weir_concat(ITEMS(in[0]), weir_as_collection(fixed)).port;
}

static void with_array(const sim_at *at, sim_bag *out)
{
    same(at, out);
    for (size_t i = 0; i < ARRAY; i++)
        sim_bag_add(out, array[i], 1);
}

/* The array once more, some of it more often, on three workers. */
static weir_captured *captured;

static int64_t times_of(size_t i)
{
    return i % 3 == 2 ? 3 : 1;
}

static void build_captured_before(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_capture(weir_test_collection(g, item), captured);
}

/* Once a process; it stays. */
static void capture_before(void)
{
    weir__context *context = weir__current_context;
    captured = weir_captured_create();
    weir__current_context = NULL;
    weir_test *t = weir_test_create(build_captured_before, NULL, .workers = 3);
    for (size_t i = 0; i < ARRAY; i++)
        weir_test_push_record(t, 0, (unsigned)(i % 3), &array[i], 0, times_of(i));
    weir_test_finish(t);
    weir_test_destroy(t);
    weir__current_context = context;
}

static weir_port *build_captured(const sim_op *op, weir_port *const *in)
{
    (void)op;
    if (!in[0])
        return NULL;
    if (!captured)
        capture_before();
    return weir_concat(ITEMS(in[0]),
                       weir_captured_collection(weir_port_graph(in[0]), item, captured))
        .port;
}

static void with_captured(const sim_at *at, sim_bag *out)
{
    same(at, out);
    for (size_t i = 0; i < ARRAY; i++)
        sim_bag_add(out, array[i], times_of(i));
}

const sim_form sim_forms_stages[] = {
    { "stages with contexts", 1, 1, SIM_LATE, 0, 8, build_context, context, NULL },
    { "and_then", 1, 1, SIM_LATE, 0, 5, build_and_then, and_then, NULL },
    { "loop", 1, 1, SIM_LATE, 1, 8, build_loop, loop, NULL },
    { "binary", 2, 1, SIM_LATE, 0, 6, build_binary, binary, NULL },
    { "cap_set", 1, 1, SIM_LATE, 0, 8, build_hold, same, NULL },
    { "exchange_by", 1, 1, SIM_LATE | SIM_OUTSIDE | SIM_OF_SOURCE, 0, 40, build_exchange_by, same,
      NULL },
    { "replay of a plain stream", 1, 1, SIM_LATE | SIM_OUTSIDE | SIM_OF_SOURCE, 0, 15, build_replay,
      same, NULL },
    { "to_stream", 1, 1, SIM_LATE | SIM_OUTSIDE, 0, 10, build_array, with_array, NULL },
    { "captured_stream", 1, 1, SIM_LATE | SIM_OUTSIDE, 0, 10, build_captured, with_captured, NULL },
    { NULL, 0, 0, 0, 0, 0, NULL, NULL, NULL }
};

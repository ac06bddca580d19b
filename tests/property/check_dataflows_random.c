/* SPDX-License-Identifier: Apache-2.0
 *
 * Random dataflows, with loops and state, added and removed in random order on 1 to 5 workers that
 * hear of it at different times, with records under way: what comes out of those that stay is what
 * the same program worked off in sequence gives, and nothing is left of the others. WEIR_SEED
 * repeats one run.
 */
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define ITEM(F) F(u64, value) F(u64, origin)
WEIR_RECORD(item, ITEM)

/* Under a sanitizer one takes ten times as long. */
#ifdef __SANITIZE_ADDRESS__
enum { SEEDS = 40 };
#else
enum { SEEDS = 120 };
#endif
enum { PROGRAMS = 16, OPERATORS = 6, ACTIONS = 120, RECORDS_MAX = 100 };

typedef enum kind { MAP, FILTER, BY_KEY, DOUBLED, HALVED, SETTLED, TO_ALL, KINDS } kind;

typedef struct change {
    uint64_t epoch, value, origin;
    int64_t diff;
} change;

typedef struct changes {
    change *items;
    size_t count, capacity;
} changes;

typedef struct op {
    kind kind;
    uint64_t a, b;
} op;

typedef struct program {
    op ops[OPERATORS];
    weir_dataflow *dataflow;
    unsigned input, output; /* of the test, once it is built */
    bool built, removed;
    uint64_t epoch, pushed;
    changes in;
} program;

typedef struct run {
    unsigned long long seed;
    uint64_t random;
    unsigned workers, program_count, ports;
    program programs[PROGRAMS];
    weir_test *test;
} run;

/* ---- the dataflow ---- */

static item mapped(const op *o, const item *i)
{
    return (item){ (i->value * o->a + o->b) % 1000, i->origin };
}
WEIR_MAP_CTX(mapped, const op, item, item)
static bool stays(const op *o, const item *i) { return i->value % o->a != o->b % o->a; }
WEIR_FILTER_CTX(stays, const op, item)
static item half(const item *i) { return (item){ i->value / 2, i->origin }; }
WEIR_MAP(half, item, item)
static bool not_zero(const item *i) { return i->value > 0; }
WEIR_FILTER(not_zero, item)

static weir_stream(item) halved(weir_graph *g, weir_stream(item) in)
{
    weir_scope *scope = weir_scope_add(g, NULL, "halving");
    weir_feedback *back = weir_feedback_add(g, scope, item_type(), 1);
    weir_stream(item) inside = { .port = weir_port_enter(in.port, scope) };
    weir_stream(item) again = { .port = weir_port_as_collection(weir_feedback_port(back)) };
    weir_stream(item) halves = weir_filter(weir_map(weir_concat(inside, again), half), not_zero);
    weir_feedback_connect(back, weir_exchange(halves, WEIR_KEY(item, value)).port);
    return (weir_stream(item)){ .port = weir_port_leave(halves.port) };
}

static weir_stream(item) apply(weir_graph *g, op *o, weir_stream(item) in)
{
    switch (o->kind) {
    case MAP:
        return weir_map_ctx(in, mapped, .ctx = o);
    case FILTER:
        return weir_filter_ctx(in, stays, .ctx = o);
    case BY_KEY:
        return weir_exchange(in, WEIR_KEY(item, origin));
    case DOUBLED:
        return weir_concat(in, in);
    case HALVED:
        return halved(g, in);
    case SETTLED:
        return weir_consolidate(in);
    default:
        return weir_broadcast(in);
    }
}

static void build(weir_graph *g, void *ctx)
{
    run *r = ctx;
    program *p = &r->programs[*(const unsigned *)weir_graph_args(g, NULL)];
    ck_assert(!p->built);
    p->built = true;
    p->input = p->output = r->ports++;
    weir_stream(item) s = weir_test_collection(g, item);
    for (unsigned i = 0; i < OPERATORS; i++)
        s = apply(g, &p->ops[i], s);
    weir_test_output(s);
}

/* ---- in sequence ---- */

static void put(changes *to, change c)
{
    if (to->count == to->capacity) {
        to->capacity = 2 * to->capacity + 16;
        to->items = realloc(to->items, to->capacity * sizeof c);
    }
    to->items[to->count++] = c;
}

static void evaluate_one(const run *r, const op *o, change c, changes *out)
{
    item i = { c.value, c.origin };
    unsigned copies = o->kind == DOUBLED ? 2 : o->kind == TO_ALL ? r->workers : 1;
    if (o->kind == MAP)
        c.value = mapped(o, &i).value;
    if (o->kind == FILTER && !stays(o, &i))
        return;
    for (c.value /= o->kind == HALVED ? 2 : 1; o->kind == HALVED && c.value; c.value /= 2)
        put(out, c);
    for (unsigned k = 0; k < copies && o->kind != HALVED; k++)
        put(out, c);
}

static int compare(const void *a, const void *b)
{
    const change *x = a, *y = b;
    if (x->epoch != y->epoch)
        return x->epoch < y->epoch ? -1 : 1;
    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return (x->origin > y->origin) - (x->origin < y->origin);
}

/* Sorts and adds up. */
static void settle(changes *c)
{
    size_t left = 0;
    if (c->count)
        qsort(c->items, c->count, sizeof *c->items, compare);
    for (size_t i = 0, next; i < c->count; i = next) {
        change sum = c->items[i];
        for (next = i + 1; next < c->count && compare(&sum, &c->items[next]) == 0; next++)
            sum.diff += c->items[next].diff;
        if (sum.diff)
            c->items[left++] = sum;
    }
    c->count = left;
}

static void compare_output(run *r, program *p)
{
    changes want = { 0 }, found = { 0 };
    for (size_t i = 0; i < p->in.count; i++)
        put(&want, p->in.items[i]);
    for (unsigned o = 0; o < OPERATORS; o++) {
        changes out = { 0 };
        for (size_t i = 0; i < want.count; i++)
            evaluate_one(r, &p->ops[o], want.items[i], &out);
        free(want.items);
        want = out;
    }
    for (size_t i = 0; i < weir_test_count(r->test, p->output); i++) {
        weir_test_change c = weir_test_at(r->test, p->output, i);
        const item *record = c.record;
        put(&found, (change){ c.time.at[0], record->value, record->origin, c.diff });
    }
    settle(&want);
    settle(&found);
    ck_assert_msg(want.count == found.count, "WEIR_SEED=%llu: %zu changes, not %zu", r->seed,
                  found.count, want.count);
    for (size_t i = 0; i < want.count; i++)
        ck_assert_msg(compare(&want.items[i], &found.items[i]) == 0 &&
                          want.items[i].diff == found.items[i].diff,
                      "WEIR_SEED=%llu: an output differs", r->seed);
    free(want.items);
    free(found.items);
}

/* ---- together ---- */

static uint64_t below(run *r, uint64_t n) { return test_below(&r->random, n); }

static void add(run *r)
{
    if (r->program_count == PROGRAMS)
        return;
    unsigned index = r->program_count++;
    program *p = &r->programs[index];
    for (unsigned i = 0; i < OPERATORS; i++)
        p->ops[i] = (op){ (kind)below(r, KINDS), 1 + below(r, 9), below(r, 100) };
    p->dataflow = weir_test_add(r->test, &(weir_dataflow_spec){
        .struct_size = sizeof(weir_dataflow_spec), .build = "random", .args = &index,
        .args_size = sizeof index, .keep = below(r, 2) == 0 });
}

static void push(run *r, program *p)
{
    for (uint64_t n = below(r, 20); n > 0 && p->in.count < RECORDS_MAX; n--) {
        change c = { p->epoch + below(r, 3), below(r, 1000), below(r, 50),
                     (int64_t)below(r, 7) - 3 };
        item i = { c.value, c.origin };
        weir_test_push_record(r->test, p->input, WEIR_TEST_IN_TURN, &i, c.epoch, c.diff);
        put(&p->in, c);
    }
    if (below(r, 2))
        weir_test_advance(r->test, p->input, p->epoch += below(r, 3));
}

static void act(run *r)
{
    program *p = r->program_count ? &r->programs[below(r, r->program_count)] : NULL;
    uint64_t what = below(r, 10);
    if (what == 0 || !p)
        add(r);
    else if (what == 1 && !p->removed && below(r, 2)) {
        weir_test_remove(r->test, p->dataflow);
        p->removed = true;
    } else if (what < 5 && p->built && !p->removed) {
        push(r, p);
    } else if (what == 5) {
        ck_assert_int_eq(weir_test_run(r->test), WEIR_OK);
    } else {
        for (uint64_t n = below(r, 6); n > 0; n--)
            weir_worker_step(weir_test_worker(r->test, (unsigned)below(r, r->workers)));
    }
}

static void check_end(run *r)
{
    char text[1600];
    ck_assert_int_eq(weir_test_run(r->test), WEIR_OK); /* so that all are built */
    weir_status status = weir_test_finish(r->test);
    ck_assert_msg(status == WEIR_OK, "WEIR_SEED=%llu: %d %s", r->seed, status,
                  weir_error_text(weir_test_error(r->test), text, sizeof text));
    for (unsigned i = 0; i < r->program_count; i++) {
        program *p = &r->programs[i];
        weir_dataflow_info info;
        weir_dataflow_get_info(p->dataflow, &info);
        ck_assert_msg(info.state == WEIR_DATAFLOW_GONE || (!p->removed &&
                          info.state == WEIR_DATAFLOW_COMPLETE), "WEIR_SEED=%llu: '%s' is %s",
                      r->seed, info.name, weir_dataflow_state_name(info.state));
        if (!p->removed && p->built)
            compare_output(r, p);
        free(p->in.items);
    }
    weir_process_info info;
    weir_observe_process(weir_test_runtime(r->test), &info);
    ck_assert_msg(info.late_mail == 0, "WEIR_SEED=%llu: late mail", r->seed);
    ck_assert_msg(info.in_flight_bytes == 0, "WEIR_SEED=%llu: bytes in flight", r->seed);
}

static uint64_t one(uint64_t seed)
{
    run *r = calloc(1, sizeof *r);
    *r = (run){ .seed = seed, .random = seed };
    size_t before = weir_memory_used();
    r->workers = 1 + (unsigned)below(r, 5);
    const weir_test_build builds[] = { { "random", build, r } };
    r->test = weir_test_create(NULL, NULL, .workers = r->workers, .seed = seed, .builds = builds,
                               .build_count = 1, .batch_bytes = 64 << below(r, 6));
    for (unsigned i = 0; i < ACTIONS; i++)
        act(r);
    check_end(r);
    weir_process_info info;
    weir_observe_process(weir_test_runtime(r->test), &info);
    weir_test_destroy(r->test);
    ck_assert_msg(weir_memory_used() == before, "WEIR_SEED=%llu: %zu bytes are left", r->seed,
                  weir_memory_used() - before);
    free(r);
    return info.early_mail;
}

START_TEST(like_in_sequence)
{
    uint64_t fixed = test_seed(0), early = 0;
    for (uint64_t seed = fixed ? fixed : 1; seed <= (fixed ? fixed : SEEDS); seed++)
        early += one(seed);
    ck_assert(fixed || early > 0); /* some heard of a dataflow before they had built it */
}
END_TEST

int main(void)
{
    return test_run(test_suite("dataflows_random",
                               (const TTest *const[]){ like_in_sequence, NULL }));
}

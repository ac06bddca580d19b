/* SPDX-License-Identifier: Apache-2.0
 *
 * Random graphs of maps, filters, exchanges, concats and scopes on 1 to 8 workers, fed with random
 * changes, against the same graph worked off in sequence. WEIR_SEED repeats one graph.
 */
#include <stdio.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define ITEM(F) F(u64, value) F(u64, origin) F(str, name)
WEIR_RECORD(item, ITEM)

enum { OPERATORS = 14, SOURCES = 2, RECORDS = 80, STREAMS = SOURCES + OPERATORS, LIMIT = 1500 };

typedef enum kind { SOURCE, MAP, FILTER, BY_KEY, CONCAT, THROUGH_SCOPE, KINDS } kind;

typedef struct change {
    uint64_t epoch, value, origin;
    int64_t diff;
} change;

/* A stream of the graph: how it comes about, and what is in it. */
typedef struct stream {
    kind kind;
    unsigned from, other; /* earlier streams */
    uint64_t a, b;
    change *changes;
    size_t count;
} stream;

typedef struct program {
    uint64_t seed, random;
    unsigned workers;
    stream streams[STREAMS];
} program;

static item item_of(uint64_t value, uint64_t origin, char *text, size_t size)
{
    snprintf(text, size, origin % 3 ? "an origin of over twelve bytes: %llu" : "%llu",
             (unsigned long long)origin);
    return (item){ value, origin, weir_str_of(text) };
}

/* ---- the graph in Weir ---- */

static uint64_t mapped(const stream *s, uint64_t value)
{
    return (value * s->a + s->b) % 1000;
}

static bool kept(const stream *s, uint64_t value)
{
    return value % s->a != s->b % s->a;
}

static void map_items(const void *in, void *out, size_t count, void *ctx)
{
    const item *from = in;
    item *to = out;
    for (size_t i = 0; i < count; i++) {
        item r = from[i];
        r.value = mapped(ctx, r.value);
        weir_store_item((char *)&to[i], r);
    }
}

static size_t filter_items(const void *in, size_t count, uint32_t *keep, void *ctx)
{
    const item *from = in;
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        if (kept(ctx, from[i].value))
            keep[n++] = (uint32_t)i;
    return n;
}

static weir_port *add(weir_graph *g, stream *s, weir_port *const *ports)
{
    weir_stage_spec spec = { .struct_size = sizeof spec, .in = item_type(), .out = item_type(),
                             .ctx = s };
    weir_port *in = ports[s->from];
    switch (s->kind) {
    case MAP:
        spec.map = map_items;
        return weir_stage_add(in, &spec);
    case FILTER:
        spec.filter = filter_items;
        return weir_stage_add(in, &spec);
    case BY_KEY:
        return weir_port_by_key(in, &(weir_key){ .count = 1, .field = { (uint32_t)(s->a % 3) } });
    case CONCAT:
        return weir_port_concat((weir_port *const[]){ in, ports[s->other] }, 2);
    default:
        return weir_port_leave(weir_port_enter(in, weir_scope_add(g, NULL, "inside")));
    }
}

static void build(weir_graph *g, void *ctx)
{
    program *p = ctx;
    weir_port *ports[STREAMS];
    for (unsigned i = 0; i < STREAMS; i++) {
        weir_stream(item) s = { .port = NULL };
        if (i < SOURCES)
            s = weir_test_collection(g, item);
        else
            s.port = add(g, &p->streams[i], ports);
        ports[i] = s.port;
        weir_test_output(s);
    }
}

/* ---- the graph in sequence ---- */

static void put(stream *s, change c)
{
    s->changes = realloc(s->changes, (s->count + 1) * sizeof c);
    s->changes[s->count++] = c;
}

static void evaluate(stream *s, const stream *all)
{
    const stream *from = &all[s->from], *other = &all[s->other];
    for (size_t i = 0; i < from->count; i++) {
        change c = from->changes[i];
        if (s->kind == MAP)
            c.value = mapped(s, c.value);
        if (s->kind != FILTER || kept(s, c.value))
            put(s, c);
    }
    for (size_t i = 0; s->kind == CONCAT && i < other->count; i++)
        put(s, other->changes[i]);
}

static void draw(program *p)
{
    for (unsigned i = SOURCES; i < STREAMS; i++) {
        stream *s = &p->streams[i];
        s->kind = MAP + (kind)test_below(&p->random, KINDS - MAP);
        s->from = (unsigned)test_below(&p->random, i);
        s->other = (unsigned)test_below(&p->random, i);
        s->a = 1 + test_below(&p->random, 9);
        s->b = test_below(&p->random, 100);
        if (s->kind == CONCAT && p->streams[s->from].count + p->streams[s->other].count > LIMIT)
            s->kind = FILTER;
        evaluate(s, p->streams);
    }
}

/* ---- together ---- */

static int by_change(const void *a, const void *b)
{
    const change *x = a, *y = b;
    if (x->epoch != y->epoch)
        return x->epoch < y->epoch ? -1 : 1;
    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    if (x->origin != y->origin)
        return x->origin < y->origin ? -1 : 1;
    return (x->diff > y->diff) - (x->diff < y->diff);
}

static void compare(program *p, weir_test *t, unsigned output)
{
    stream *s = &p->streams[output];
    unsigned long long seed = p->seed;
    size_t count = weir_test_count(t, output);
    ck_assert_msg(count == s->count, "WEIR_SEED=%llu: stream %u has %zu changes, not %zu", seed,
                  output, count, s->count);
    change *found = calloc(count + 1, sizeof *found);
    for (size_t i = 0; i < count; i++) {
        weir_test_change c = weir_test_at(t, output, i);
        const item *r = c.record;
        char text[64];
        item expected = item_of(r->value, r->origin, text, sizeof text);
        ck_assert_msg(weir_record_equal(item_type(), r, &expected),
                      "WEIR_SEED=%llu: stream %u has a spoilt name", seed, output);
        found[i] = (change){ c.time.at[0], r->value, r->origin, c.diff };
    }
    if (count) {
        qsort(found, count, sizeof *found, by_change);
        qsort(s->changes, count, sizeof *found, by_change);
    }
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(by_change(&found[i], &s->changes[i]) == 0,
                      "WEIR_SEED=%llu: stream %u differs", seed, output);
    free(found);
}

static void push(program *p, weir_test *t)
{
    for (unsigned i = 0; i < SOURCES; i++) {
        for (size_t k = 0; k < p->streams[i].count; k++) {
            change c = p->streams[i].changes[k];
            char text[64];
            item r = item_of(c.value, c.origin, text, sizeof text);
            weir_test_push_record(t, i, WEIR_TEST_IN_TURN, &r, c.epoch, c.diff);
            if (test_below(&p->random, 10) == 0)
                ck_assert_int_eq(weir_test_run(t), WEIR_OK);
            if (k + 1 < p->streams[i].count && test_below(&p->random, 8) == 0)
                weir_test_advance(t, i, p->streams[i].changes[k + 1].epoch);
        }
    }
}

static void one(uint64_t seed)
{
    program *p = calloc(1, sizeof *p);
    *p = (program){ .seed = seed, .random = seed };
    p->workers = 1 + (unsigned)test_below(&p->random, 8);
    for (unsigned i = 0; i < SOURCES; i++)
        for (uint64_t k = 0, epoch = 0; k < RECORDS; k++, epoch += test_below(&p->random, 3) == 0)
            put(&p->streams[i], (change){ epoch, test_below(&p->random, 1000), i * RECORDS + k,
                                          (int64_t)test_below(&p->random, 9) - 4 });
    draw(p);
    weir_test *t = weir_test_create(build, p, .workers = p->workers, .seed = seed,
                                    .batch_bytes = 64 << test_below(&p->random, 8));
    push(p, t);
    char text[1600];
    weir_status status = weir_test_finish(t);
    ck_assert_msg(status == WEIR_OK, "WEIR_SEED=%llu: %s", (unsigned long long)seed,
                  weir_error_text(weir_test_error(t), text, sizeof text));
    for (unsigned i = 0; i < STREAMS; i++) {
        compare(p, t, i);
        free(p->streams[i].changes);
    }
    weir_test_destroy(t);
    free(p);
}

START_TEST(like_in_sequence)
{
    uint64_t fixed = test_seed(0);
    for (uint64_t seed = fixed ? fixed : 1; seed <= (fixed ? fixed : 150); seed++)
        one(seed);
}
END_TEST

int main(void)
{
    return test_run(test_suite("engine_random", (const TTest *const[]){ like_in_sequence, NULL }));
}

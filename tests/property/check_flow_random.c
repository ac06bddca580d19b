/* SPDX-License-Identifier: Apache-2.0
 *
 * Random graphs whose operators make more of what they get, on 1 to 6 workers with delays: a tiny
 * budget gives the same as a large one, and everything comes to its end. Some nodes leave one input
 * waiting until the other has ended, which they should not. WEIR_SEED repeats one graph.
 */
#include <stdio.h>
#include <weir/observe.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define ITEM(F) F(u64, value) F(u64, way) F(str, name)
WEIR_RECORD(item, ITEM)

enum { GRAPHS = 40, STREAMS = 8, PUSHED = 25, WAYS_MAX = 6000 };

typedef enum kind { SOURCE, MANY, RESUMABLE, BY_KEY, BY_VALUE, PASS, BOTH, LOOP, KINDS } kind;

typedef struct stream {
    kind kind;
    unsigned from, other;
    uint64_t times; /* records made of each; 0: others do not count */
    uint64_t records; /* at most */
} stream;

typedef struct program {
    uint64_t seed;
    unsigned workers;
    stream streams[STREAMS];
} program;

static item next_item(const item *in, uint64_t i, weir_builder *builder)
{
    weir_out(item) out = { .builder = builder };
    return (item){ in->value * 31 + i * 7919, in->way + 1,
                   i % 2 ? in->name
                         : weir_str_format(out, "the %u-th of these, and quite a long name",
                                           (unsigned)(in->value % 1000)) };
}

static void make_many(const uint64_t *times, const item *in, weir_out(item) out)
{
    for (uint64_t i = 0; i < *times; i++)
        item_emit(out, next_item(in, i, out.builder));
}
WEIR_FLAT_MAP_CTX(make_many, const uint64_t, item, item)

static bool make_slowly(const item *in, uint64_t *at, weir_out(item) out)
{
    for (int i = 0; i < 2 && *at < 3; i++)
        item_emit(out, next_item(in, (*at)++, out.builder));
    return *at < 3;
}
WEIR_FLAT_MAP_RESUMABLE(make_slowly, item, uint64_t, item)

static void emit_all(weir_step *step, const weir_batch *b)
{
    weir_out(item) out = { .builder = weir_step_output(step, 0, NULL) };
    for (size_t i = 0; i < b->count; i++) {
        item r = ((const item *)b->records)[i];
        r.name = weir_str_copy(out, r.name);
        item_emit(out, r);
    }
}

static void pass_step(weir_step *step, void *state)
{
    (void)state;
    for (const weir_batch *b; (b = weir_step_take(step, 0));)
        emit_all(step, b);
}

/* Takes nothing of its first input before the second has ended. */
static void both_step(weir_step *step, void *state)
{
    (void)state;
    const weir_batch *b;
    while ((b = weir_step_take(step, 1)))
        emit_all(step, b);
    while (weir_frontier_is_empty(weir_step_frontier(step, 1)) && (b = weir_step_take(step, 0)))
        emit_all(step, b);
}

/* Three of each, in two rounds. */
static void again(const item *in, weir_out(item) out)
{
    for (uint64_t i = 0; in->way % 100 < 2 && i < 3; i++) {
        item r = next_item(in, i, out.builder);
        item_emit(out, r);
    }
}
WEIR_FLAT_MAP(again, item, item)

static weir_port *loop(weir_graph *g, weir_port *in)
{
    weir_scope *scope = weir_scope_add(g, NULL, NULL);
    weir_feedback *round = weir_feedback_add(g, scope, item_type(), 1);
    weir_feedback_set_plain(round);
    weir_feedback_set_limit(round, 3);
    weir_port *parts[2] = { weir_port_enter(in, scope), weir_feedback_port(round) };
    weir_stream(item) all = { .port = weir_port_concat(parts, 2) };
    weir_stream(item) next = weir_exchange(weir_flat_map(all, again), WEIR_KEY(item, value));
    weir_feedback_connect(round, next.port);
    return weir_port_leave(next.port);
}

static weir_port *add(weir_graph *g, const stream *s, weir_port *const *ports)
{
    weir_stream(item) in = { .port = ports[s->from] };
    weir_port *parts[2] = { ports[s->from], ports[s->other] };
    weir_node_input inputs[2] = { { .type = item_type() },
                                  { .type = item_type(), .interest = WEIR_ALWAYS } };
    weir_node_output output = { .type = item_type() };
    switch (s->kind) {
    case MANY:
        return weir_flat_map_ctx(in, make_many, .ctx = &s->times).port;
    case RESUMABLE:
        return weir_flat_map_resumable(in, make_slowly).port;
    case BY_KEY:
        return weir_exchange(in, WEIR_KEY(item, name)).port;
    case BY_VALUE:
        return weir_exchange(in, WEIR_KEY(item, value)).port;
    case PASS:
        return weir_unary(in, item, pass_step).port;
    case BOTH:
        return weir_node_output_port(
            weir_node_add(g, &(weir_node_spec){ .struct_size = sizeof(weir_node_spec),
                .kind = "both", .input_count = 2, .output_count = 1, .inputs = inputs,
                .outputs = &output, .step = both_step }, parts), 0);
    default:
        return loop(g, in.port);
    }
}

static void build(weir_graph *g, void *ctx)
{
    const program *p = ctx;
    weir_port *ports[STREAMS];
    for (unsigned i = 0; i < STREAMS; i++) {
        weir_stream(item) s = { .port = NULL };
        if (i == 0)
            s = weir_test_input(g, item);
        else
            s.port = add(g, &p->streams[i], ports);
        ports[i] = s.port;
        weir_test_output(s);
    }
}

static void make_program(program *p, uint64_t seed)
{
    uint64_t random = seed;
    *p = (program){ .seed = seed, .workers = 1 + (unsigned)test_below(&random, 6) };
    p->streams[0] = (stream){ .kind = SOURCE, .records = PUSHED };
    for (unsigned i = 1; i < STREAMS; i++) {
        stream *s = &p->streams[i];
        do {
            *s = (stream){ .kind = (kind)(1 + test_below(&random, KINDS - 1)),
                           .from = (unsigned)test_below(&random, i),
                           .other = (unsigned)test_below(&random, i),
                           .times = test_below(&random, 40) };
            uint64_t in = p->streams[s->from].records;
            s->records = s->kind == MANY        ? in * s->times
                         : s->kind == RESUMABLE ? in * 3
                         : s->kind == LOOP      ? in * 40
                         : s->kind == BOTH      ? in + p->streams[s->other].records
                                                : in;
        } while (s->records > WAYS_MAX);
    }
}

/* Everything that came out, of all streams. */
static void run(const program *p, size_t budget, char **texts, uint64_t *spilled)
{
    weir_test *t = weir_test_create(build, (void *)p, .workers = p->workers, .seed = p->seed,
                                    .batch_bytes = 300, .budget_bytes = budget);
    for (uint64_t i = 0; i < PUSHED; i++)
        weir_test_push(t, 0, item, 1 + i / 10, +1,
                       { i * 12345, i * 100, weir_str_of("the name of one that was pushed") });
    weir_status status = weir_test_finish(t);
    ck_assert_msg(status == WEIR_OK, "WEIR_SEED=%llu: %s %s", (unsigned long long)p->seed,
                  weir_test_error(t)->what, weir_test_error(t)->detail);
    for (unsigned o = 0; o < STREAMS; o++)
        texts[o] = strdup(weir_test_take(t, o));
    weir_process_info info;
    weir_observe_process(weir_test_runtime(t), &info);
    *spilled += info.spilled_total_bytes;
    ck_assert_uint_eq(info.spilled_bytes, 0);
    ck_assert_uint_eq(info.in_flight_bytes, 0);
    if (info.spilled_total_bytes) /* a batch may have grown by what it read back */
        ck_assert_msg(info.in_flight_peak_bytes <=
                          budget + p->workers * 2 * ((64 << 10) + 16 * 300 + (16 << 10)),
                      "WEIR_SEED=%llu: %llu in flight", (unsigned long long)p->seed,
                      (unsigned long long)info.in_flight_peak_bytes);
    weir_test_destroy(t);
}

START_TEST(small_budgets_change_nothing)
{
    uint64_t first = test_seed(0), spilled = 0, none = 0;
    for (uint64_t n = 0; n < (first ? 1 : GRAPHS); n++) {
        program p;
        char *large[STREAMS], *small[STREAMS];
        make_program(&p, first ? first : 1000 + n);
        run(&p, 1u << 30, large, &none);
        run(&p, n % 2 ? 1 : 40000, small, &spilled);
        for (unsigned o = 0; o < STREAMS; o++) {
            ck_assert_msg(strcmp(large[o], small[o]) == 0, "WEIR_SEED=%llu: stream %u differs",
                          (unsigned long long)p.seed, o);
            free(large[o]);
            free(small[o]);
        }
    }
    ck_assert_uint_eq(none, 0);
    ck_assert(first || spilled > 1000000);
}
END_TEST

/* A disk that is full ends the run, and says what was to be written for whom. */
START_TEST(full_disks_are_named)
{
    unsigned full = 0;
    for (uint64_t n = 0; n < GRAPHS; n++) {
        program p;
        make_program(&p, 1000 + n);
        weir_test *t = weir_test_create(build, &p, .workers = p.workers, .seed = n + 1,
                                        .batch_bytes = 300, .budget_bytes = 1,
                                        .disk_bytes = 20000);
        for (uint64_t i = 0; i < PUSHED; i++)
            weir_test_push(t, 0, item, 1, +1, { i * 12345, i * 100, weir_str_of("a name") });
        weir_status status = weir_test_finish(t);
        const weir_error *error = weir_test_error(t);
        if (status != WEIR_OK) {
            full++;
            ck_assert_int_eq(status, WEIR_IO);
            ck_assert(strstr(error->what, "cannot be written to a file in /tmp: No space left"));
            ck_assert(strstr(error->detail, "in what waits for operator '"));
            ck_assert(strstr(error->hint, "--spill-dir"));
        }
        weir_test_destroy(t);
    }
    ck_assert_uint_gt(full, GRAPHS / 4);
}
END_TEST

int main(void)
{
    return test_run(test_suite("flow_random", (const TTest *const[]){
        small_budgets_change_nothing, full_disks_are_named, NULL }));
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * What is in flight stays bounded, whatever a source or an operator makes: by the budget, and a
 * batch or two for each worker. On threads, with files of the machine. What comes out is counted;
 * where one worker sends it all, its order is looked at, too.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <weir/observe.h>
#include <weir/weir.h>

#include "support.h"

#define NUMBER(F) F(u64, n)
WEIR_RECORD(number, NUMBER)

enum { BUDGET = 1 << 20, BATCH = 4096 };
/* One record made into very many, 80 times the budget; fewer where every access is watched. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define VERY_MANY 600000u
enum { MANY = 200000, SOME = 30000, LEVELS = 11 };
#else
#define VERY_MANY 10000000u
enum { MANY = 1000000, SOME = 100000, LEVELS = 12 };
#endif

typedef struct job job;
struct job {
    weir_port *(*build)(weir_graph *g, weir_port *in, const job *j);
    uint64_t records; /* that each source sends */
    unsigned workers;
    bool on_all;      /* sources on all workers, not on the first alone */
    bool heedless;    /* they send everything in one step, whether there is room or not */
    bool one_time;    /* all of it in one epoch, which ends when all is sent */
    unsigned slow;    /* the last worker takes a batch every so many calls; 0: it does as others */
    bool spills, may_spill, ordered; /* may_spill: as fast as the others take it, or not */
    uint64_t expected;
    weir_runtime *runtime;
    atomic_uint_fast64_t taken, memory;
};

/* ---- sources ---- */

typedef struct source {
    const job *job;
    uint64_t sent, left;
} source;

static weir_status source_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)error;
    const job *j = ctx;
    source *s = calloc(1, sizeof *s);
    *s = (source){ .job = j, .left = j->on_all || weir_step_worker(step) == 0 ? j->records : 0 };
    *state = s;
    return WEIR_OK;
}

static void source_step(weir_step *step, void *state)
{
    source *s = state;
    weir_time t = s->job->one_time ? weir_time_1(0) : weir_step_epoch(step);
    while (s->left && (s->job->heedless || !weir_step_spent(step))) {
        if (!s->job->heedless && weir_step_full(step))
            return; /* called again when there is room */
        weir_out(number) out = { .builder = weir_step_output(step, 0, &t) };
        for (int i = 0; i < 100 && s->left; i++, s->left--)
            number_emit(out, (number){ s->sent++ });
    }
    if (s->left)
        weir_step_again(step);
    else
        weir_step_finish(step);
}

/* ---- what they are made into ---- */

/* One number of many, in order. The source's number is not looked at. */
static void make_all(const number *in, weir_out(number) out)
{
    (void)in;
    for (uint64_t i = 0; i < VERY_MANY; i++)
        number_emit(out, (number){ i });
}
WEIR_FLAT_MAP(make_all, number, number)

static bool make_some(const number *in, uint64_t *at, weir_out(number) out)
{
    (void)in;
    for (int i = 0; i < 1000 && *at < VERY_MANY; i++)
        number_emit(out, (number){ (*at)++ });
    return *at < VERY_MANY;
}
WEIR_FLAT_MAP_RESUMABLE(make_some, number, uint64_t, number)

static weir_port *plain(weir_graph *g, weir_port *in, const job *j)
{
    (void)g;
    (void)j;
    weir_stream(number) s = { .port = in };
    return weir_flat_map(s, make_all).port;
}

static weir_port *resumable(weir_graph *g, weir_port *in, const job *j)
{
    (void)g;
    (void)j;
    weir_stream(number) s = { .port = in };
    return weir_flat_map_resumable(s, make_some).port;
}

static weir_port *nothing(weir_graph *g, weir_port *in, const job *j)
{
    (void)g;
    (void)j;
    return in;
}

/* Level in the low bits, the way there in the others: three of each, up to a level. */
static void triple(const number *in, weir_out(number) out)
{
    for (uint64_t i = 0; in->n % 16 < LEVELS && i < 3; i++)
        number_emit(out, (number){ (in->n / 16 * 3 + i) * 16 + in->n % 16 + 1 });
}
WEIR_FLAT_MAP(triple, number, number)

static weir_port *growing_loop(weir_graph *g, weir_port *in, const job *j)
{
    (void)j;
    weir_scope *scope = weir_scope_add(g, NULL, "loop");
    weir_feedback *round = weir_feedback_add(g, scope, number_type(), 1);
    weir_feedback_set_plain(round);
    weir_port *both[2] = { weir_port_enter(in, scope), weir_feedback_port(round) };
    weir_stream(number) all = { .port = weir_port_concat(both, 2) };
    weir_stream(number) next = weir_exchange(weir_flat_map(all, triple), WEIR_KEY(number, n));
    weir_feedback_connect(round, next.port);
    return weir_port_leave(next.port);
}

static void pass_step(weir_step *step, void *state)
{
    (void)state;
    for (const weir_batch *b; (b = weir_step_take(step, 0));) {
        weir_out(number) out = { .builder = weir_step_output(step, 0, NULL) };
        for (size_t i = 0; i < b->count; i++)
            number_emit(out, (number){ ((const number *)b->records)[i].n * 7 });
    }
}

/* A node between, whose sends nobody holds back. */
static weir_port *by_a_node(weir_graph *g, weir_port *in, const job *j)
{
    (void)g;
    (void)j;
    weir_stream(number) s = { .port = in };
    return weir_unary(weir_exchange(s, WEIR_KEY(number, n)), number, pass_step).port;
}

/* ---- the end ---- */

typedef struct sink {
    job *job;
    uint64_t calls, next;
    bool slow;
} sink;

static weir_status sink_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)error;
    job *j = ctx;
    sink *s = calloc(1, sizeof *s);
    *s = (sink){ .job = j, .slow = j->slow && weir_step_worker(step) == j->workers - 1 };
    *state = s;
    return WEIR_OK;
}

static void take(sink *s, const weir_batch *b)
{
    for (size_t i = 0; s->job->ordered && i < b->count; i++) {
        uint64_t n = ((const number *)b->records)[i].n;
        if (n < s->next)
            ck_abort_msg("%llu after %llu", (unsigned long long)n, (unsigned long long)s->next);
        s->next = n + 1;
    }
    atomic_fetch_add(&s->job->taken, b->count);
    uint64_t now = weir_memory_used();
    if (now > atomic_load(&s->job->memory))
        atomic_store(&s->job->memory, now);
}

static void sink_step(weir_step *step, void *state)
{
    sink *s = state;
    const weir_batch *b;
    if (!s->slow) {
        while ((b = weir_step_take(step, 0)))
            take(s, b);
        return;
    }
    if (++s->calls % s->job->slow == 0 && (b = weir_step_take(step, 0)))
        take(s, b);
    if (weir_step_waiting(step, 0))
        weir_step_again(step);
}

static void build(weir_graph *g, void *ctx)
{
    job *j = ctx;
    weir_node_output output = { .type = number_type() };
    weir_node *made = weir_node_add(g, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "source", .output_count = 1,
        .outputs = &output, .initial_capabilities = true, .follows_clock = !j->one_time,
        .ctx = j, .init = source_init, .step = source_step, .fini = free }, NULL);
    weir_port *port = j->build(g, weir_node_output_port(made, 0), j);
    weir_node_input input = { .type = number_type(), .route = WEIR_BY_KEY, .key = { .count = 1 } };
    weir_node_add(g, &(weir_node_spec){ .struct_size = sizeof(weir_node_spec), .kind = "sink",
                                        .input_count = 1, .inputs = &input, .ctx = j,
                                        .init = sink_init, .step = sink_step, .fini = free },
                  &port);
}

static void run(job j)
{
    weir_config config = { .struct_size = sizeof config, .workers = j.workers,
                           .budget_bytes = BUDGET, .batch_bytes = BATCH };
    weir_error error = { 0 };
    uint64_t before = weir_memory_used();
    j.runtime = weir_runtime_create(&config, &error);
    ck_assert_int_eq(weir_runtime_build(j.runtime, "flow", build, &j, &error), WEIR_OK);
    ck_assert_int_eq(weir_runtime_start(j.runtime, &error), WEIR_OK);
    weir_status status = weir_runtime_wait(j.runtime, &error);
    ck_assert_msg(status == WEIR_OK, "%s (%s)", error.what, error.detail);
    weir_process_info info;
    weir_observe_process(j.runtime, &info);
    weir_runtime_destroy(j.runtime);
    ck_assert_uint_eq(atomic_load(&j.taken), j.expected);
    ck_assert_uint_eq(info.in_flight_bytes, 0);
    ck_assert_uint_eq(info.spilled_bytes, 0);
    /* a batch that must go, since nothing else is under way, and one that is read back; each of
     * twice its size at most, with its header */
    uint64_t over = j.workers * 2 * (2 * (uint64_t)BATCH + 1024);
    ck_assert_msg(info.in_flight_peak_bytes <= BUDGET + over, "%llu in flight",
                  (unsigned long long)info.in_flight_peak_bytes);
    ck_assert_msg(j.may_spill || !j.spills == !info.spilled_total_bytes, "%llu bytes went to files",
                  (unsigned long long)info.spilled_total_bytes);
    /* all that the process has: state of nodes, buffers that pools keep, files' buffers */
    ck_assert_uint_le(atomic_load(&j.memory), before + 2 * BUDGET + j.workers * (2u << 20));
}

START_TEST(one_record_made_into_many)
{
    run((job){ .build = plain, .records = 1, .workers = 1, .expected = VERY_MANY, .spills = true,
               .ordered = true });
    run((job){ .build = resumable, .records = 1, .workers = 1, .expected = VERY_MANY,
               .ordered = true });
}
END_TEST

/* The same, for other workers: what there are no credits for waits in the sender's files. */
START_TEST(one_record_made_into_many_for_others)
{
    for (unsigned workers = 2; workers <= 8; workers += 6) {
        run((job){ .build = plain, .records = 1, .workers = workers, .expected = VERY_MANY,
                   .spills = true, .ordered = true });
        run((job){ .build = resumable, .records = 1, .workers = workers, .expected = VERY_MANY,
                   .may_spill = true, .ordered = true });
    }
}
END_TEST

START_TEST(epoch_larger_than_the_budget)
{
    for (unsigned workers = 1; workers <= 4; workers++)
        run((job){ .build = nothing, .records = MANY, .workers = workers, .on_all = true,
                   .one_time = true, .expected = MANY * (uint64_t)workers });
}
END_TEST

START_TEST(loop_that_grows)
{
    uint64_t expected = 0;
    for (uint64_t level = 1, n = 3; level <= LEVELS; level++, n *= 3)
        expected += n;
    for (unsigned workers = 1; workers <= 4; workers++)
        run((job){ .build = growing_loop, .records = 1, .workers = workers, .expected = expected,
                   .spills = true });
}
END_TEST

START_TEST(one_slow_worker_of_eight)
{
    run((job){ .build = nothing, .records = SOME, .workers = 8, .on_all = true, .slow = 50,
               .expected = 8 * SOME });
    run((job){ .build = by_a_node, .records = SOME, .workers = 8, .on_all = true, .slow = 50,
               .heedless = true, .expected = 8 * SOME, .spills = true });
}
END_TEST

START_TEST(source_that_asks_nobody)
{
    for (unsigned workers = 1; workers <= 4; workers++)
        run((job){ .build = by_a_node, .records = MANY, .workers = workers, .on_all = true,
                   .heedless = true, .expected = MANY * (uint64_t)workers, .spills = true });
}
END_TEST

int main(void)
{
    return test_run(test_suite("flow", (const TTest *const[]){
        one_record_made_into_many, one_record_made_into_many_for_others,
        epoch_larger_than_the_budget, loop_that_grows, one_slow_worker_of_eight,
        source_that_asks_nobody, NULL }));
}

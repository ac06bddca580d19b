/* SPDX-License-Identifier: Apache-2.0
 *
 * The stream of events: what another dataflow does is seen, in order and with names; the watching
 * dataflow itself is not, nor one that watches it; it ends with the others, or stays.
 */
#include <stdio.h>
#include <weir/weir.h>

#include "harness/harness.h"
#include "support.h"

#define NUMBER(F) F(u64, value)
WEIR_RECORD(number, NUMBER)

enum { WORKERS = 2, SEEN_MAX = 20000 };

typedef struct seen {
    weir_event event;
    char name[40];
} seen;

typedef struct fixture {
    weir__test_env *env;
    weir_runtime *runtime;
    weir_worker *workers[WORKERS];
    weir_input(number) input;
    weir_input_handle(number) handles[WORKERS];
    struct weir_events_options options;
    seen seen[SEEN_MAX];
    size_t count;
} fixture;

static fixture f;

static number next(const number *n) { return (number){ n->value + 1 }; }
WEIR_MAP(next, number, number)

/* Takes what there is, and waits for each time to be complete. */
static void sink_step(weir_step *step, void *state)
{
    (void)state;
    while (weir_step_take(step, 0))
        ;
}

static void build_observed(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(number) in = weir_input_add(g, number, &f.input, .name = "numbers");
    weir_stream(number) s = weir_exchange(weir_map(in, next), WEIR_KEY(number, value));
    weir_node_input takes = { .type = number_type(), .interest = WEIR_ALWAYS };
    weir_node_add(g, &(weir_node_spec){ .struct_size = sizeof(weir_node_spec), .kind = "sink",
                                        .name = "the sink", .input_count = 1, .inputs = &takes,
                                        .step = sink_step }, &s.port);
}

static void look(const weir_event *e)
{
    ck_assert_uint_lt(f.count, SEEN_MAX);
    f.seen[f.count].event = *e;
    snprintf(f.seen[f.count++].name, sizeof f.seen->name, "%.*s", (int)e->name.len,
             weir_str_data(&e->name));
}
WEIR_INSPECT(look, weir_event)

static void build_watching(weir_graph *g, void *ctx)
{
    (void)ctx;
    f.options.struct_size = sizeof f.options;
    weir_stream(weir_event) e = { .port = weir__events_add(g, &f.options) };
    weir_inspect(e, look);
}

static void begin(weir_build_fn *first, weir_build_fn *second, weir_build_fn *third)
{
    weir_error error = { 0 };
    weir_build_fn *const builds[] = { first, second, third };
    struct weir_events_options options = f.options;
    f = (fixture){ .options = options };
    f.env = weir__test_env_create(WORKERS, test_seed(9), false);
    weir_config config = { .struct_size = sizeof config, .workers = WORKERS, .no_spin = true,
                           .env = weir__test_env_table(f.env) };
    f.runtime = weir_runtime_create(&config, &error);
    for (int i = 0; i < 3 && builds[i]; i++)
        ck_assert_int_eq(weir_runtime_build(f.runtime, i ? NULL : "first", builds[i], NULL, &error),
                         WEIR_OK);
    for (unsigned w = 0; w < WORKERS; w++) {
        f.workers[w] = weir_runtime_take_worker(f.runtime, w, &error);
        if (f.input.input)
            f.handles[w] = weir_input_open(f.input, w);
    }
    ck_assert_int_eq(weir_runtime_start(f.runtime, &error), WEIR_OK);
}

/* Steps until nothing is seen any more for a while; false if both workers are over. */
static bool settle(void)
{
    bool runs = true;
    for (int idle = 0, turns = 0; idle < 20 && runs; idle++, turns++) {
        size_t before = f.count;
        runs = false;
        for (unsigned w = 0; w < WORKERS; w++)
            runs |= weir_worker_step(f.workers[w]);
        weir__test_env_pass_time(f.env, 10000000);
        if (f.count != before)
            idle = 0;
        ck_assert_msg(turns < 2000, "watching goes on for ever");
    }
    return runs;
}

static void end(void)
{
    weir_runtime_destroy(f.runtime);
    weir__test_env_destroy(f.env);
    f.options = (struct weir_events_options){ 0 };
}

static size_t count_of(weir_event_kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < f.count; i++)
        n += f.seen[i].event.kind == (uint32_t)kind;
    return n;
}

static const weir_event *find(weir_event_kind kind, unsigned worker, const char *name)
{
    for (size_t i = 0; i < f.count; i++)
        if (f.seen[i].event.kind == (uint32_t)kind && f.seen[i].event.worker == worker &&
            (!name || strcmp(f.seen[i].name, name) == 0))
            return &f.seen[i].event;
    return NULL;
}

static void send(unsigned worker, uint64_t value)
{
    ck_assert_int_eq(weir_input_send(f.handles[worker], number, { value }), WEIR_OK);
    weir_input_flush(f.handles[worker]);
}

static void close_all(void)
{
    for (unsigned w = 0; w < WORKERS; w++)
        weir_input_close(f.handles[w]);
}

START_TEST(shows_what_others_do)
{
    begin(build_observed, build_watching, NULL);
    for (uint64_t i = 0; i < 8; i++)
        send(0, i);
    ck_assert(settle());
    close_all();
    ck_assert_msg(!settle(), "the watching dataflow has not ended with the other one");
    for (unsigned w = 0; w < WORKERS; w++) {
        const weir_event *source = find(WEIR_EVENT_OPERATOR, w, "numbers");
        const weir_event *sink = find(WEIR_EVENT_OPERATOR, w, "the sink");
        const weir_event *edge = find(WEIR_EVENT_EDGE, w, "by key");
        ck_assert_ptr_nonnull(find(WEIR_EVENT_DATAFLOW, w, "first"));
        ck_assert_ptr_nonnull(source);
        ck_assert_ptr_nonnull(sink);
        ck_assert_ptr_nonnull(edge);
        ck_assert_uint_eq(sink->records, 1);
        ck_assert_uint_eq(source->bytes, 1);
        ck_assert_uint_eq(edge->node, source->node);
        ck_assert_uint_eq(edge->peer, sink->node);
        ck_assert_ptr_nonnull(find(WEIR_EVENT_COMPLETE, w, "first"));
    }
    uint64_t sent = 0, received = 0, of_time = 0;
    for (size_t i = 0; i < f.count; i++) {
        const weir_event *e = &f.seen[i].event;
        ck_assert_uint_eq(e->dataflow, 0);
        if (e->kind == WEIR_EVENT_SENT) {
            sent += e->records;
            ck_assert_uint_gt(e->bytes, 0);
            ck_assert_uint_eq(e->depth, 1);
            of_time += e->t0 <= 3;
        }
        if (e->kind == WEIR_EVENT_RECEIVED) {
            received += e->records;
            ck_assert_uint_eq(e->worker, 1);
            ck_assert_uint_eq(e->to_worker, 0);
        }
    }
    ck_assert_uint_eq(sent, 8);
    ck_assert_uint_gt(of_time, 0);
    ck_assert(received > 0 && received < 8);
    ck_assert_uint_gt(count_of(WEIR_EVENT_PUBLISHED), 0);
    ck_assert_uint_ge(count_of(WEIR_EVENT_APPLIED), count_of(WEIR_EVENT_PUBLISHED) / 2);
    ck_assert_uint_gt(count_of(WEIR_EVENT_FRONTIER), 0);
    ck_assert_uint_eq(count_of(WEIR_EVENT_LOST), 0);
    end();
}
END_TEST

/* Every step that begins ends before the next one, and takes the time that lies between. */
START_TEST(steps_come_in_pairs)
{
    f.options.kinds = WEIR_EVENT_SET(STEP) | WEIR_EVENT_SET(STEPPED);
    begin(build_watching, build_observed, NULL);
    for (uint64_t i = 0; i < 50; i++) {
        send(i % WORKERS, i);
        settle();
    }
    close_all();
    ck_assert(!settle());
    const weir_event *open[WORKERS] = { NULL };
    for (size_t i = 0; i < f.count; i++) {
        const weir_event *e = &f.seen[i].event, **o = &open[e->worker];
        ck_assert_uint_eq(e->dataflow, 1);
        if (e->kind == WEIR_EVENT_STEP) {
            ck_assert_ptr_null(*o);
            *o = e;
        } else {
            ck_assert_uint_eq(e->kind, WEIR_EVENT_STEPPED);
            ck_assert_ptr_nonnull(*o);
            ck_assert_uint_eq((*o)->node, e->node);
            ck_assert_uint_eq(e->at_ns - (*o)->at_ns, e->ns);
            *o = NULL;
        }
    }
    ck_assert_uint_gt(f.count, 100);
    ck_assert_ptr_null(open[0]);
    ck_assert_ptr_null(open[1]);
    end();
}
END_TEST

/* ---- traces ---- */

static void first(const number *key, weir_group(number) all, weir_out(number) out)
{
    (void)key;
    number_emit(out, *all.records[0]);
}
WEIR_REDUCE(first, number, number)

static void build_traced(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(number) in = weir_as_collection(weir_input_add(g, number, &f.input));
    weir_reduce(in, WEIR_KEY(number, value), first);
}

static void build_watching_traces(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_inspect(weir_events(g, .kinds = WEIR_EVENT_SET(TRACE) | WEIR_EVENT_SET(OPERATOR)), look);
}

/* What traces have become after each step: nothing is told twice, and the last is how they are. */
START_TEST(traces_that_change)
{
    begin(build_traced, build_watching_traces, NULL);
    for (uint64_t i = 0; i < 20; i++) {
        send(0, i);
        settle();
    }
    close_all();
    ck_assert(!settle());
    uint64_t updates = 0, appended = 0, merged = 0, readers = 0;
    for (unsigned w = 0; w < WORKERS; w++) {
        const weir_event *arrange = find(WEIR_EVENT_OPERATOR, w, "arrange-1"), *last = NULL;
        ck_assert_ptr_nonnull(arrange);
        for (size_t i = 0; i < f.count; i++) {
            const weir_event *e = &f.seen[i].event;
            if (e->kind != WEIR_EVENT_TRACE || e->worker != w || e->node != arrange->node)
                continue;
            ck_assert_uint_ge(e->t0, last ? last->t0 : 0);
            ck_assert(!last || e->t0 != last->t0 || e->records != last->records ||
                      e->port != last->port || e->peer != last->peer);
            merged += last && e->port < last->port;
            readers = e->peer > readers ? e->peer : readers;
            ck_assert(e->bytes >= e->records * sizeof(number) || e->records == 0);
            updates = !last || e->records > updates ? e->records : updates;
            last = e;
        }
        ck_assert_ptr_nonnull(last);
        appended += last->t0;
    }
    ck_assert_uint_eq(appended, 20);
    ck_assert_uint_gt(updates, 1);
    ck_assert_uint_gt(merged, 0);
    ck_assert_uint_eq(readers, 1); /* the reduction */
    end();
}
END_TEST

START_TEST(watchers_do_not_watch_each_other)
{
    begin(build_watching, build_watching, NULL);
    ck_assert(!settle()); /* nothing to watch: both end at once */
    ck_assert_uint_eq(f.count, 0);
    end();

    f.options.keep = true;
    begin(build_watching, build_observed, build_watching);
    send(0, 1);
    ck_assert(settle());
    close_all();
    ck_assert_msg(settle(), "it has ended, though it was to stay");
    for (size_t i = 0; i < f.count; i++)
        ck_assert_uint_eq(f.seen[i].event.dataflow, 1);
    size_t before = f.count;
    ck_assert_uint_gt(before, 0);
    weir_runtime_stop(f.runtime);
    ck_assert(!settle());
    end();
}
END_TEST

START_TEST(what_finds_no_room_is_counted)
{
    f.options.waiting_max = 3;
    begin(build_observed, build_watching, NULL);
    send(0, 1);
    settle();
    close_all();
    ck_assert(!settle());
    const weir_event *lost = find(WEIR_EVENT_LOST, 0, NULL);
    ck_assert_ptr_nonnull(lost);
    ck_assert_uint_gt(lost->records, 0);
    end();
}
END_TEST

/* ---- sleeping, which the environment of the others never does ---- */

enum { IDLE = 20, TURNS = 2000, SHORTLY = 1000000 };

static void sleepy(weir_worker *worker, void *ctx)
{
    (void)ctx;
    f.handles[0] = weir_input_open(f.input, 0);
    send(0, 1);
    /* that it sleeps is told with what comes next: by itself it would go on for ever */
    for (int idle = 0, turns = 0; idle < IDLE; idle++, turns++) {
        size_t before = f.count;
        weir_worker_step_or_park(worker, SHORTLY);
        if (f.count != before)
            idle = 0;
        ck_assert_msg(turns < TURNS, "watching goes on for ever");
    }
    size_t slept = count_of(WEIR_EVENT_PARK);
    send(0, 2);
    for (int turns = 0; count_of(WEIR_EVENT_PARK) == slept; turns++) {
        weir_worker_step_or_park(worker, SHORTLY);
        ck_assert_msg(turns < TURNS, "it sleeps, and nobody tells");
    }
    weir_input_close(f.handles[0]);
}

START_TEST(sleeping)
{
    weir_error error = { 0 };
    f = (fixture){ .count = 0 };
    weir_config config = { .struct_size = sizeof config,
                           .workers = 1,
                           .no_spin = true,
                           .worker_main = sleepy,
                           .flight = WEIR_FLIGHT_OFF };
    f.runtime = weir_runtime_create(&config, &error);
    ck_assert_int_eq(weir_runtime_build(f.runtime, NULL, build_observed, NULL, &error), WEIR_OK);
    ck_assert_int_eq(weir_runtime_build(f.runtime, NULL, build_watching, NULL, &error), WEIR_OK);
    ck_assert_int_eq(weir_runtime_wait(f.runtime, &error), WEIR_OK);
    bool asleep = false;
    uint64_t since = 0;
    for (size_t i = 0; i < f.count; i++) {
        const weir_event *e = &f.seen[i].event;
        bool parks = e->kind == WEIR_EVENT_PARK, wakes = e->kind == WEIR_EVENT_UNPARK;
        ck_assert(!asleep || wakes); /* nothing happens meanwhile */
        ck_assert(!parks || e->dataflow == 0);
        ck_assert(!wakes || (asleep && e->at_ns - since == e->ns));
        asleep = parks;
        since = e->at_ns;
    }
    weir_runtime_destroy(f.runtime);
}
END_TEST

int main(void)
{
    return test_run(test_suite(
        "events", (const TTest *const[]){ shows_what_others_do, steps_come_in_pairs,
                                          traces_that_change, watchers_do_not_watch_each_other,
                                          what_finds_no_room_is_counted, sleeping, NULL }));
}

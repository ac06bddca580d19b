/* SPDX-License-Identifier: Apache-2.0
 *
 * Dataflows over several processes, all in one thread over a network in memory that delivers in
 * pieces and late: what is exchanged arrives, credits come back, all end together, and a failure or
 * a stop anywhere reaches all.
 */
#include <stdio.h>
#include <string.h>

#include <weir/weir.h>

#include "harness/harness.h"
#include "harness/net.h"
#include "support.h"
#include "worker/cluster.h"
#include "worker/runtime.h"

enum { PROCESSES_MAX = 3, WORKERS_MAX = 3 };

#define LINE(F) F(str, text)
#define WORD(F) F(str, text)
#define WORD_COUNT(F) F(str, word) F(i64, count)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)
WEIR_RECORD(word_count, WORD_COUNT)

static void split_words(const line *in, weir_out(word) out)
{
    weir_str rest = in->text, token;
    while (weir_str_split(&rest, ' ', &token))
        word_emit(out, (word){ .text = token });
}
WEIR_FLAT_MAP(split_words, line, word)

typedef struct process {
    weir_runtime *runtime;
    weir__test_env *env;
    weir_input(line) lines;
    weir_input_handle(line) handles[WORKERS_MAX];
    weir_captured *captured;
    weir_probe *probe;
    bool over[WORKERS_MAX];
    unsigned fails_at; /* lines; 0: never */
} process;

typedef struct cluster {
    weir__test_hub *hub;
    uint64_t random;
    unsigned processes, workers;
    process of[PROCESSES_MAX];
} cluster;

static process *building;

static void build(weir_graph *g, void *ctx)
{
    building = ctx;
    weir_stream(line) lines = weir_input_add(g, line, &building->lines, .manual = true);
    weir_stream(word) words = weir_flat_map(lines, split_words);
    weir_stream(word_count) counts = weir_count(words, word_count, WEIR_KEY(word, text));
    building->probe = weir_probe(counts, "counted");
    weir_capture(counts, building->captured);
    weir_view(counts, "word_counts", WEIR_KEY(word_count, word));
}

static weir_config config_of(cluster *c, unsigned p)
{
    static const char *const hosts[] = { "", "", "a:1,b:2", "a:1,b:2,c:3" };
    return (weir_config){ .struct_size = sizeof(weir_config), .workers = c->workers,
                          .env = weir__test_env_table(c->of[p].env), .processes = c->processes,
                          .process = p, .hosts = hosts[c->processes], .secret = "s" };
}

static cluster *cluster_create(unsigned processes, unsigned workers, uint64_t seed)
{
    cluster *c = weir_alloc_zero(sizeof *c);
    c->hub = weir__test_hub_create(seed, true);
    c->random = seed;
    c->processes = processes;
    c->workers = workers;
    for (unsigned p = 0; p < processes; p++) {
        c->of[p].env = weir__test_env_create(workers, seed + p, true);
        weir__test_env_table(c->of[p].env)->net = weir__test_hub_net(c->hub);
        c->of[p].captured = weir_captured_create();
    }
    return c;
}

static void start(cluster *c, weir_build_fn *build_fn, weir_config *changed)
{
    for (unsigned p = 0; p < c->processes; p++) {
        weir_error error = { 0 };
        weir_config config = config_of(c, p);
        if (changed) {
            config.budget_bytes = changed->budget_bytes;
            config.batch_bytes = changed->batch_bytes;
        }
        process *me = &c->of[p];
        me->runtime = weir_runtime_create(&config, &error);
        ck_assert_msg(me->runtime != NULL, "%s", error.what);
        ck_assert_int_eq(weir_runtime_build(me->runtime, "words", build_fn, me, &error), WEIR_OK);
        for (unsigned w = 0; w < c->workers; w++)
            ck_assert_ptr_nonnull(weir_runtime_take_worker(me->runtime, w, &error));
        ck_assert_int_eq(weir_runtime_start(me->runtime, &error), WEIR_OK);
    }
}

static weir_worker *worker_of(cluster *c, unsigned p, unsigned w)
{
    return &c->of[p].runtime->workers[w];
}

/* One step of some worker of some process. */
static void step(cluster *c)
{
    unsigned p = (unsigned)test_below(&c->random, c->processes);
    unsigned w = (unsigned)test_below(&c->random, c->workers);
    c->of[p].over[w] = !weir_worker_step(worker_of(c, p, w));
    weir__test_env_pass_time(c->of[p].env, 100000);
}

static bool all_over(const cluster *c)
{
    for (unsigned p = 0; p < c->processes; p++)
        for (unsigned w = 0; w < c->workers; w++)
            if (!c->of[p].over[w])
                return false;
    return true;
}

static void run_to_end(cluster *c)
{
    for (int i = 0; i < 400000 && !all_over(c); i++)
        step(c);
    ck_assert(all_over(c));
}

static weir_status status_of(cluster *c, unsigned p, weir_error *error)
{
    *error = (weir_error){ 0 };
    return weir_runtime_wait(c->of[p].runtime, error);
}

static void cluster_destroy(cluster *c)
{
    for (unsigned p = 0; p < c->processes; p++) {
        weir_runtime_destroy(c->of[p].runtime);
        weir_captured_destroy(c->of[p].captured);
        weir__test_env_destroy(c->of[p].env);
    }
    ck_assert_uint_eq(weir__test_hub_open(c->hub), 0);
    weir__test_hub_destroy(c->hub);
    weir_free(c, sizeof *c);
}

/* Until all processes have joined and made their nodes; then opens the inputs. */
static void open_inputs(cluster *c)
{
    for (unsigned p = 0; p < c->processes; p++)
        for (unsigned w = 0; w < c->workers; w++)
            for (int i = 0; i < 100000 && !worker_of(c, p, w)->running; i++)
                step(c);
    for (unsigned p = 0; p < c->processes; p++)
        for (unsigned w = 0; w < c->workers; w++) {
            unsigned index = p * c->workers + w;
            c->of[p].handles[w] = weir_input_open(c->of[p].lines, index);
            ck_assert_ptr_nonnull(c->of[p].handles[w].handle);
            unsigned elsewhere = (index + c->workers) % (c->workers * c->processes);
            ck_assert_ptr_null(weir_input_open(c->of[p].lines, elsewhere).handle);
        }
}

static void close_inputs(cluster *c)
{
    for (unsigned p = 0; p < c->processes; p++)
        for (unsigned w = 0; w < c->workers; w++)
            weir_input_close(c->of[p].handles[w]);
}

/* What all processes have captured, added up: how often a word counts in the end. */
static int64_t counted(cluster *c, const char *wanted)
{
    int64_t sum = 0;
    for (unsigned p = 0; p < c->processes; p++)
        for (unsigned w = 0; w < c->workers * c->processes; w++)
            for (size_t i = 0; i < weir_captured_count(c->of[p].captured, w); i++) {
                weir_capture_entry entry = weir_captured_at(c->of[p].captured, w, i);
                const word_count *record = entry.record;
                weir_str name = weir_str_of(wanted);
                if (weir_str_equal(&record->word, &name))
                    sum += record->count * entry.diff;
            }
    return sum;
}

/* ---- what is exchanged arrives ---- */

enum { WORDS = 30 };

static const char *word_of(unsigned i, char *text)
{
    const char *form = i % 3 ? "w%u" : "a-long-word-that-lies-outside-of-its-record-%u";
    snprintf(text, 100, form, i);
    return text;
}

/* Lines of random words into random inputs, in rounds. */
static void feed(cluster *c, unsigned rounds, int64_t *sums)
{
    for (unsigned round = 1; round <= rounds; round++) {
        for (unsigned n = 0; n < 40; n++) {
            process *p = &c->of[test_below(&c->random, c->processes)];
            weir_input_handle(line) h = p->handles[test_below(&c->random, c->workers)];
            char text[1000] = "", one[100];
            for (unsigned k = 0; k < 5; k++) {
                unsigned w = (unsigned)test_below(&c->random, WORDS);
                snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", k ? " " : "",
                         word_of(w, one));
                sums[w]++;
            }
            line record = { weir_str_of(text) };
            weir_status status;
            while ((status = weir_input_change(h, line, record, 1)) == WEIR_FULL)
                step(c);
            ck_assert_int_eq(status, WEIR_OK);
        }
        weir_time next = weir_time_1(round);
        for (unsigned p = 0; p < c->processes; p++)
            for (unsigned w = 0; w < c->workers; w++)
                weir_input_advance_to(c->of[p].handles[w], &next);
        for (int i = 0; i < 30; i++)
            step(c);
    }
}

static void words_are_counted(unsigned processes, unsigned workers, uint64_t seed,
                              weir_config *changed)
{
    cluster *c = cluster_create(processes, workers, seed);
    int64_t sums[WORDS] = { 0 };
    char text[100];
    start(c, build, changed);
    open_inputs(c);
    feed(c, 10, sums);
    close_inputs(c);
    run_to_end(c);
    weir_error error;
    for (unsigned p = 0; p < processes; p++)
        ck_assert_msg(status_of(c, p, &error) == WEIR_OK, "seed %lu: %s", (unsigned long)seed,
                      error.what);
    for (unsigned w = 0; w < WORDS; w++)
        ck_assert_msg(counted(c, word_of(w, text)) == sums[w], "seed %lu: '%s' %ld, not %ld",
                      (unsigned long)seed, text, (long)counted(c, text), (long)sums[w]);
    for (unsigned p = 0; p < processes; p++) {
        weir_process_info info;
        weir_observe_process(c->of[p].runtime, &info);
        ck_assert_uint_eq(info.in_flight_bytes, 0);
        ck_assert_uint_gt(info.sent_progress_bytes, 0);
        ck_assert_uint_gt(info.sent_bytes, info.sent_progress_bytes);
    }
    cluster_destroy(c);
}

START_TEST(counts_are_those_of_one_process)
{
    uint64_t seed = test_seed(1);
    for (uint64_t s = seed; s < seed + 5; s++) {
        words_are_counted(2, 1, s, NULL);
        words_are_counted(2, 2, s, NULL);
        words_are_counted(3, 3, s, NULL);
    }
}
END_TEST

/* So little may be in flight that every batch waits for credits to come back. */
START_TEST(a_small_budget_is_enough)
{
    uint64_t seed = test_seed(100);
    for (uint64_t s = seed; s < seed + 3; s++)
        words_are_counted(2, 2, s, &(weir_config){ .budget_bytes = 8, .batch_bytes = 64 });
}
END_TEST

/* ---- the end ---- */

START_TEST(a_stop_anywhere_ends_all)
{
    for (uint64_t seed = 1; seed < 6; seed++) {
        cluster *c = cluster_create(3, 2, seed);
        int64_t sums[WORDS] = { 0 };
        weir_error error;
        start(c, build, NULL);
        open_inputs(c);
        feed(c, 20, sums);
        weir_runtime_stop(c->of[seed % 3].runtime);
        run_to_end(c);
        for (unsigned p = 0; p < 3; p++)
            ck_assert_int_eq(status_of(c, p, &error), WEIR_OK);
        cluster_destroy(c);
    }
}
END_TEST

/* ---- a stop in the moment in which all have come ---- */

static cluster *stopping;

/* The others come; then, before worker 1 of process 1 wakes up, its process is asked to end. */
static void sleep_meanwhile(void *ctx, unsigned self, uint64_t wait_ns)
{
    (void)ctx;
    (void)self;
    (void)wait_ns;
    for (int i = 0; i < 100000 && !weir__cluster_ready(stopping->of[1].runtime->cluster); i++) {
        (void)weir_worker_step(worker_of(stopping, i % 2, 0));
        weir__test_env_pass_time(stopping->of[i % 2].env, 100000);
    }
    ck_assert(weir__cluster_ready(stopping->of[1].runtime->cluster));
    ck_assert(!worker_of(stopping, 1, 1)->running);
    weir_runtime_stop(stopping->of[1].runtime);
}

static void ends_well(cluster *c)
{
    weir_error error;
    run_to_end(c);
    for (unsigned p = 0; p < c->processes; p++)
        ck_assert_int_eq(status_of(c, p, &error), WEIR_OK);
    cluster_destroy(c);
}

START_TEST(who_slept_while_all_came_begins_before_it_ends)
{
    cluster *c = stopping = cluster_create(2, 2, 5);
    start(c, build, NULL);
    weir__test_env_table(c->of[1].env)->sleep = sleep_meanwhile;
    c->of[1].over[1] = !weir_worker_step_or_park(worker_of(c, 1, 1), UINT64_MAX);
    weir__test_env_table(c->of[1].env)->sleep = NULL;
    ck_assert(!c->of[1].over[1]);
    ends_well(c);
}
END_TEST

/* At any step on the way there: all end, the one that was asked well. */
START_TEST(a_stop_on_the_way_leaves_nobody_behind)
{
    for (uint64_t seed = 1; seed < 300; seed++) {
        cluster *c = cluster_create(2, 2, seed);
        process *asked = &c->of[seed % 2], *other = &c->of[1 - seed % 2];
        weir_error error;
        start(c, build, NULL);
        for (uint64_t i = 0; i < seed; i++)
            step(c);
        weir_runtime_stop(asked->runtime);
        for (int i = 0; i < 4000 && !all_over(c); i++)
            step(c);
        for (unsigned w = 0; w < 2; w++)
            ck_assert(asked->over[w]);
        if (!weir__cluster_ready(other->runtime->cluster))
            weir_runtime_stop(other->runtime); /* nobody may have told it: it waits on */
        run_to_end(c);
        ck_assert_int_eq(status_of(c, seed % 2, &error), WEIR_OK);
        cluster_destroy(c);
    }
}
END_TEST

static char last_said[1000];

static void on_end(weir_log_level level, const char *text, void *ctx)
{
    (void)ctx;
    if (level == WEIR_LOG_WARN)
        snprintf(last_said, sizeof last_said, "%s", text);
}

/* Of three the last one does not come. */
START_TEST(who_stops_waiting_says_so)
{
    cluster *c = cluster_create(3, 1, 9);
    weir_error error;
    start(c, build, NULL);
    for (int i = 0; i < 1000; i++) {
        weir_worker_step(worker_of(c, i % 2, 0));
        weir__test_env_pass_time(c->of[i % 2].env, 100000);
    }
    last_said[0] = 0;
    weir_log_set(on_end, NULL, WEIR_LOG_WARN);
    weir_runtime_stop(c->of[0].runtime);
    for (int i = 0; i < 2000; i++) {
        c->of[i % 2].over[0] = !weir_worker_step(worker_of(c, i % 2, 0));
        weir__test_env_pass_time(c->of[i % 2].env, 100000);
    }
    weir_log_set(NULL, NULL, WEIR_LOG_OFF);
    ck_assert(c->of[0].over[0] && c->of[1].over[0]);
    ck_assert_str_eq(last_said,
                     "process 0 was asked to end before all were there: missing: 2 (c:3)");
    ck_assert_int_eq(status_of(c, 0, &error), WEIR_OK);
    ck_assert_int_eq(status_of(c, 1, &error), WEIR_CANCELLED);
    ck_assert_str_eq(error.what, "process 0 was asked to end before all were there");
    weir_runtime_stop(c->of[2].runtime);
    run_to_end(c);
    cluster_destroy(c);
}
END_TEST

static void failing_step(weir_step *me, void *state)
{
    process *p = state;
    while (weir_step_take(me, 0))
        if (p->fails_at && --p->fails_at == 0)
            weir_step_fail(me, WEIR_IO, "the well is dry");
}

static weir_status failing_init(weir_step *me, void *ctx, void **state, weir_error *error)
{
    (void)me;
    (void)error;
    *state = ctx;
    return WEIR_OK;
}

static void build_failing(weir_graph *g, void *ctx)
{
    process *p = ctx;
    weir_stream(line) lines = weir_input_add(g, line, &p->lines, .manual = true);
    weir_node_input in = { .type = line_type() };
    (void)weir_node_add(g, &(weir_node_spec){ .struct_size = sizeof(weir_node_spec),
                                              .kind = "failing", .input_count = 1, .inputs = &in,
                                              .ctx = p, .init = failing_init,
                                              .step = failing_step }, &lines.port);
}

START_TEST(a_failure_anywhere_ends_all)
{
    for (unsigned who = 0; who < 2; who++) {
        cluster *c = cluster_create(2, 2, 3);
        weir_error error;
        c->of[who].fails_at = 1;
        start(c, build_failing, NULL);
        open_inputs(c);
        weir_time next = weir_time_1(1);
        line record = { weir_str_of("text") };
        for (int n = 0; n < 20; n++)
            for (unsigned w = 0; w < 2; w++) {
                (void)weir_input_change(c->of[who].handles[w], line, record, 1);
                weir_input_flush(c->of[who].handles[w]);
            }
        weir_input_advance_to(c->of[who].handles[0], &next);
        run_to_end(c);
        ck_assert_int_eq(status_of(c, who, &error), WEIR_IO);
        ck_assert_str_eq(error.what, "the well is dry");
        weir_status told = status_of(c, 1 - who, &error);
        ck_assert_int_ne(told, WEIR_OK);
        ck_assert_msg(strstr(error.what, "the well is dry") || strstr(error.what, "is lost"),
                      "%s", error.what);
        cluster_destroy(c);
    }
}
END_TEST

START_TEST(another_graph_is_refused)
{
    cluster *c = cluster_create(2, 1, 3);
    weir_error error;
    start(c, build, NULL);
    weir_runtime_destroy(c->of[1].runtime);
    weir_config config = config_of(c, 1);
    c->of[1].runtime = weir_runtime_create(&config, &error);
    ck_assert_int_eq(weir_runtime_build(c->of[1].runtime, "words", build_failing, &c->of[1],
                                        &error), WEIR_OK);
    ck_assert_ptr_nonnull(weir_runtime_take_worker(c->of[1].runtime, 0, &error));
    ck_assert_int_eq(weir_runtime_start(c->of[1].runtime, &error), WEIR_OK);
    run_to_end(c);
    for (unsigned p = 0; p < 2; p++) {
        ck_assert_int_ne(status_of(c, p, &error), WEIR_OK);
        ck_assert_msg(strstr(error.what, "the graph of dataflow 'words'") != NULL, "%s",
                      error.what);
    }
    cluster_destroy(c);
}
END_TEST

START_TEST(another_number_of_workers_is_refused)
{
    cluster *c = cluster_create(2, 2, 5);
    weir_error error;
    bool going = true;
    start(c, build, NULL);
    weir_runtime_destroy(c->of[1].runtime);
    weir_captured_destroy(c->of[1].captured); /* which takes one stream */
    c->of[1].captured = weir_captured_create();
    weir_config config = config_of(c, 1);
    config.workers = 1;
    c->of[1].runtime = weir_runtime_create(&config, &error);
    ck_assert_int_eq(weir_runtime_build(c->of[1].runtime, "words", build, &c->of[1], &error),
                     WEIR_OK);
    ck_assert_ptr_nonnull(weir_runtime_take_worker(c->of[1].runtime, 0, &error));
    ck_assert_int_eq(weir_runtime_start(c->of[1].runtime, &error), WEIR_OK);
    for (int i = 0; i < 100000 && going; i++) {
        going = weir_worker_step(worker_of(c, 0, 0));
        going |= weir_worker_step(worker_of(c, 0, 1));
        going |= weir_worker_step(worker_of(c, 1, 0));
        for (unsigned p = 0; p < 2; p++)
            weir__test_env_pass_time(c->of[p].env, 100000);
    }
    ck_assert(!going);
    for (unsigned p = 0; p < 2; p++) {
        ck_assert_int_ne(status_of(c, p, &error), WEIR_OK);
        ck_assert_msg(strstr(error.what, "the number of workers a process: ") != NULL, "%s",
                      error.what);
    }
    cluster_destroy(c);
}
END_TEST

/* ---- being seen ---- */

static void on_flow(const weir_flow_info *info, void *ctx)
{
    *(unsigned *)ctx += 1;
    ck_assert_uint_le(info->in_flight_peak_bytes, info->budget_bytes);
    ck_assert_uint_eq(info->spilled_total_bytes, 0);
}

START_TEST(each_process_sees_its_own_workers)
{
    cluster *c = cluster_create(3, 2, 3);
    int64_t sums[WORDS] = { 0 };
    unsigned seen = 0;
    start(c, build, NULL);
    open_inputs(c);
    feed(c, 3, sums);
    for (unsigned p = 0; p < 3; p++)
        for (unsigned w = 0; w < 2; w++)
            weir_observe(worker_of(c, p, w), &(weir_observer){ .flow = on_flow, .ctx = &seen });
    ck_assert_uint_eq(seen, 6);
    close_inputs(c);
    run_to_end(c);
    cluster_destroy(c);
}
END_TEST

static char logged[4000];

static void on_log(weir_log_level level, const char *text, void *ctx)
{
    (void)level;
    (void)ctx;
    if (strstr(text, "was away"))
        snprintf(logged + strlen(logged), sizeof logged - strlen(logged), "%s\n", text);
}

/* Others wait for who has the connections: at most one line in ten seconds. */
START_TEST(an_owner_that_was_away_is_named)
{
    const uint64_t ms = 1000000;
    cluster *c = cluster_create(2, 1, 3);
    start(c, build, NULL);
    open_inputs(c);
    weir_log_set(on_log, NULL, WEIR_LOG_INFO);
    weir_worker *worker = worker_of(c, 0, 0);
    for (unsigned i = 0; i < 100; i++) {
        weir_worker_step(worker);
        weir__test_env_pass_time(c->of[0].env, ms / 2);
    }
    logged[0] = 0;
    for (unsigned i = 0; i < 3; i++) {
        weir__test_env_pass_time(c->of[0].env, 5 * ms);
        weir_worker_step(worker);
    }
    char *rest = strchr(logged, '\n');
    ck_assert_ptr_nonnull(strstr(logged, "worker 0, which has the connections to other processes"));
    ck_assert_ptr_nonnull(strstr(logged, "ms, 1 time since"));
    ck_assert_str_eq(rest, "\n"); /* no more of them */
    weir__test_env_pass_time(c->of[0].env, 10001 * ms);
    weir_worker_step(worker);
    ck_assert_ptr_nonnull(strstr(rest, "3 times since"));
    weir_log_set(NULL, NULL, WEIR_LOG_OFF);
    weir_runtime_stop(c->of[1].runtime);
    run_to_end(c);
    cluster_destroy(c);
}
END_TEST

/* ---- what cannot be ---- */

START_TEST(configs_are_checked)
{
    static const struct {
        weir_config config;
        const char *what;
    } wrong[] = {
        { { .processes = 2, .process = 2, .hosts = "a:1,b:2" }, "process 2 of 2" },
        { { .processes = 2 }, "2 processes, but no hosts" },
        { { .processes = 2, .hosts = "a:1" }, "1 hosts are given for 2 processes" },
        { { .hosts = "a:1,b:2" }, "several hosts, but one process" },
        { { .process = 1 }, "process 1 of 1" },
        { { .processes = 100, .workers = 3, .hosts = "a:1" }, "100 processes of 3 workers" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        weir_error error = { 0 };
        ck_assert_ptr_null(weir_runtime_create(&wrong[i].config, &error));
        ck_assert_msg(strstr(error.what, wrong[i].what) != NULL, "%s", error.what);
        ck_assert_str_ne(error.hint, "");
        ck_assert(!strstr(error.what, "no hosts") || strstr(error.hint, "--hosts"));
        ck_assert(wrong[i].config.processes || strstr(error.hint, "--processes"));
    }
}
END_TEST

/* ---- a failure in the middle of an epoch ---- */

static bool is_bad(const word *w)
{
    weir_str bad = weir_str_of("BAD");
    return weir_str_equal(&w->text, &bad);
}

static word checked(const word *w)
{
    if (is_bad(w))
        weir_fail(WEIR_BAD_DATA, "bad word");
    return *w;
}
WEIR_MAP(checked, word, word)

/* The same as a node: words are short here. */
static void checking_step(weir_step *me, void *state)
{
    (void)state;
    for (const weir_batch *b; (b = weir_step_take(me, 0));)
        for (size_t i = 0; i < b->count; i++) {
            const word *w = weir_batch_record(b, i);
            if (is_bad(w)) {
                weir_step_fail(me, WEIR_BAD_DATA, "bad word");
                return;
            }
            memcpy(weir_builder_next(weir_step_output(me, 0, &b->time), sizeof *w), w, sizeof *w);
        }
}

static void count_words(weir_stream(word) words)
{
    weir_stream(word_count) counts = weir_count(words, word_count, WEIR_KEY(word, text));
    weir_capture(counts, building->captured);
}

static void build_map(weir_graph *g, void *ctx)
{
    building = ctx;
    weir_stream(line) lines = weir_input_add(g, line, &building->lines, .manual = true);
    count_words(weir_map(weir_flat_map(lines, split_words), checked));
}

static void build_node(weir_graph *g, void *ctx)
{
    building = ctx;
    weir_stream(line) lines = weir_input_add(g, line, &building->lines, .manual = true);
    weir_stream(word) words = weir_flat_map(lines, split_words);
    weir_node_input in = { .type = word_type() };
    weir_node_output out = { .type = word_type() };
    weir_node *node = weir_node_add(g, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "checking", .input_count = 1,
        .output_count = 1, .inputs = &in, .outputs = &out, .step = checking_step }, &words.port);
    count_words((weir_stream(word)){ .port = weir_node_output_port(node, 0) });
}

/* A line of epoch 0 or 1 into an input of the cluster, which goes on to the next one. */
static void put(cluster *c, unsigned input, const char *text, uint64_t next)
{
    weir_input_handle(line) h = c->of[input / c->workers].handles[input % c->workers];
    weir_time time = weir_time_1(next);
    line record = { weir_str_of(text) };
    weir_status status;
    while ((status = weir_input_change(h, line, record, 1)) == WEIR_FULL)
        step(c);
    ck_assert_int_eq(status, WEIR_OK);
    weir_input_advance_to(h, &time);
}

/* Worker 0 fails in epoch 1: no counts of that epoch come from anywhere. */
static void nobody_counts_the_epoch(unsigned processes, unsigned workers, uint64_t seed,
                                    weir_build_fn *build_fn)
{
    cluster *c = cluster_create(processes, workers, seed);
    weir_error error;
    bool failed = false;
    start(c, build_fn, NULL);
    open_inputs(c);
    put(c, 0, "a", 1);
    put(c, 1, "a b", 1);
    for (int i = 0; i < 400; i++)
        step(c);
    put(c, 1, "a b c d e f g h", 2);
    for (int i = 0; i < 400; i++)
        step(c);
    put(c, 0, "a b c d e f BAD g h", 2);
    run_to_end(c);
    for (unsigned p = 0; p < processes; p++) {
        failed |= status_of(c, p, &error) != WEIR_OK;
        for (unsigned w = 0; w < processes * workers; w++)
            for (size_t i = 0; i < weir_captured_count(c->of[p].captured, w); i++)
                ck_assert_msg(weir_captured_at(c->of[p].captured, w, i).time.at[0] == 0,
                              "seed %lu: a count of epoch 1", (unsigned long)seed);
    }
    ck_assert(failed);
    close_inputs(c);
    cluster_destroy(c);
}

START_TEST(an_epoch_in_which_something_fails_is_complete_nowhere)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        nobody_counts_the_epoch(2, 1, seed, build_map);
        nobody_counts_the_epoch(1, 2, seed, build_map);
        nobody_counts_the_epoch(2, 1, seed, build_node);
        nobody_counts_the_epoch(1, 2, seed, build_node);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        counts_are_those_of_one_process,
        a_small_budget_is_enough,
        a_stop_anywhere_ends_all,
        who_slept_while_all_came_begins_before_it_ends, a_stop_on_the_way_leaves_nobody_behind,
        who_stops_waiting_says_so,
        a_failure_anywhere_ends_all,
        an_epoch_in_which_something_fails_is_complete_nowhere,
        another_graph_is_refused,
        another_number_of_workers_is_refused,
        each_process_sees_its_own_workers,
        an_owner_that_was_away_is_named,
        configs_are_checked,
        NULL,
    };
    return test_run(test_suite("cluster", tests));
}

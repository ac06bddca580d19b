/* SPDX-License-Identifier: Apache-2.0
 *
 * What is asked of a cluster while it runs, several processes in one thread over a network in
 * memory that delivers late: dataflows that any process adds and removes, sequencers, barriers,
 * graphs that differ, and commands that no process of this library would send.
 */
#include <stdio.h>
#include <string.h>

#include <weir/weir.h>

#include "comm/mesh.h"
#include "comm/note.h"
#include "harness/harness.h"
#include "harness/net.h"
#include "support.h"
#include "worker/cluster.h"
#include "worker/runtime.h"

enum { PROCESSES = 3, WORKERS = 2, ALL = PROCESSES * WORKERS, ENTRIES = 60 };

#define NUMBER(F) F(u64, value) F(str, name)
#define OTHER(F) F(u64, value) F(i64, name)
WEIR_RECORD(number, NUMBER)
WEIR_RECORD(other, OTHER)

typedef struct seen {
    uint32_t numbers[ENTRIES];
    uint64_t places[ENTRIES];
    unsigned count;
} seen;

typedef struct process {
    struct cluster *cluster;
    unsigned number;
    weir_runtime *runtime;
    weir__test_env *env;
    weir_sequencer *sequencer;
    weir_input(number) input; /* of the dataflow that was built last */
    weir_captured *captured;
    seen seen[WORKERS];
    bool over[WORKERS];
    unsigned built;
    unsigned complete; /* steps that have seen an input complete at 0 */
} process;

typedef struct cluster {
    weir__test_hub *hub;
    uint64_t random;
    process of[PROCESSES];
    unsigned odd;         /* the process that builds something else; PROCESSES: none does */
    unsigned init_fails;  /* the worker on which an init fails; ALL: on none */
    unsigned gives_up;    /* the one on which a step does; ALL: on each */
} cluster;

/* ---- what is built ---- */

static void build_first(weir_graph *g, void *ctx)
{
    process *p = ctx;
    (void)weir_input_add(g, number, &p->input, .manual = true);
}

static void build_plain(weir_graph *g, void *ctx)
{
    process *p = ctx;
    weir_stream(number) in = weir_input_add(g, number, &p->input, .manual = true);
    weir_stream(number) out = weir_exchange(in, WEIR_KEY(number, value));
    if (p->built++ == 0)
        weir_capture(out, p->captured); /* which takes one stream */
    else
        weir_probe(out, "out");
}

static void build_odd_graph(weir_graph *g, void *ctx)
{
    process *p = ctx;
    build_plain(g, ctx);
    weir_input(number) more;
    if (p->number == p->cluster->odd)
        (void)weir_input_add(g, number, &more, .manual = true);
}

static void build_odd_refusal(weir_graph *g, void *ctx)
{
    process *p = ctx;
    build_plain(g, ctx);
    if (p->number == p->cluster->odd)
        weir_graph_fail(g, WEIR_UNAVAILABLE, "nowhere", "come again", "nothing to be had");
}

static void build_refused(weir_graph *g, void *ctx)
{
    build_plain(g, ctx);
    weir_graph_fail(g, WEIR_UNAVAILABLE, "nowhere", "come again", "nothing to be had");
}

static weir_status picky_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    process *p = ctx;
    *state = p;
    return weir_step_worker(step) == p->cluster->init_fails
               ? weir_error_set(error, WEIR_UNAVAILABLE, "there is nothing to keep in") : WEIR_OK;
}

static void picky_step(weir_step *step, void *state)
{
    process *p = state;
    while (weir_step_take(step, 0))
        ;
    if (!weir_frontier_less_equal(weir_step_frontier(step, 0), &(weir_time){ { 0 } }))
        p->complete++;
}

static void add_picky(weir_graph *g, process *p, weir_port *in, const weir_type *type)
{
    weir_node_input input = { .type = type, .interest = WEIR_ALWAYS };
    (void)weir_node_add(g, &(weir_node_spec){ .struct_size = sizeof(weir_node_spec),
                                              .kind = "picky", .input_count = 1, .inputs = &input,
                                              .ctx = p, .init = picky_init, .step = picky_step },
                        &in);
}

static void build_picky(weir_graph *g, void *ctx)
{
    process *p = ctx;
    weir_stream(number) in = weir_input_add(g, number, &p->input, .manual = true);
    add_picky(g, p, weir_exchange(in, WEIR_KEY(number, value)).port, number_type());
}

static void quit(weir_step *step, void *state)
{
    const process *p = state;
    unsigned gives_up = p->cluster->gives_up;
    if (gives_up == ALL || gives_up == weir_step_worker(step))
        weir_step_fail_dataflow(step, WEIR_UNAVAILABLE, "it is enough");
}

static weir_status quitter_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)step;
    (void)error;
    *state = ctx;
    return WEIR_OK;
}

static void build_quitter(weir_graph *g, void *ctx)
{
    weir_node_output output = { .type = number_type() };
    (void)weir_node_add(g, &(weir_node_spec){ .struct_size = sizeof(weir_node_spec),
                                              .kind = "quitter", .output_count = 1,
                                              .outputs = &output, .initial_capabilities = true,
                                              .ctx = ctx, .init = quitter_init, .step = quit },
                        NULL);
}

static void build_odd_records(weir_graph *g, void *ctx)
{
    process *p = ctx;
    if (p->number != p->cluster->odd) {
        build_picky(g, p);
        return;
    }
    weir_input(other) input;
    weir_stream(other) in = weir_input_add(g, other, &input, .manual = true);
    add_picky(g, p, weir_exchange(in, WEIR_KEY(other, value)).port, other_type());
}

static void build_publisher(weir_graph *g, void *ctx)
{
    process *p = ctx;
    weir_stream(number) in =
        weir_input_add(g, number, &p->input, .manual = true, .collection = true);
    weir_arranged_publish(weir_arrange(in, WEIR_KEY(number, value)), "numbers");
}

static void build_importer(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_arranged(number) numbers =
        weir_arranged_import(g, number, WEIR_KEY(number, value), "numbers");
    weir_probe(weir_arranged_collection(numbers), "imported");
}

static void build_nothing(weir_graph *g, void *ctx)
{
    (void)g;
    ((process *)ctx)->built++;
}

static void note(const weir_entry *entry, void *ctx)
{
    process *p = ctx;
    seen *s = &p->seen[weir_worker_index(entry->worker) % WORKERS];
    ck_assert_uint_lt(s->count, ENTRIES);
    s->places[s->count] = entry->place;
    memcpy(&s->numbers[s->count++], entry->data, entry->size);
}

/* ---- life ---- */

static void start_process(cluster *c, unsigned p, bool until_stopped)
{
    static const struct { const char *name; weir_build_fn *fn; } builds[] = {
        { "plain", build_plain }, { "odd-graph", build_odd_graph },
        { "odd-records", build_odd_records }, { "odd-refusal", build_odd_refusal },
        { "refused", build_refused }, { "picky", build_picky }, { "quitter", build_quitter },
        { "publisher", build_publisher }, { "importer", build_importer },
        { "nothing", build_nothing } };
    process *me = &c->of[p];
    weir_error error = { 0 };
    me->env = weir__test_env_create(WORKERS, c->random + p, true);
    weir__test_env_table(me->env)->net = weir__test_hub_net(c->hub);
    me->runtime = weir_runtime_create(
        &(weir_config){ .struct_size = sizeof(weir_config), .workers = WORKERS,
                        .env = weir__test_env_table(me->env), .processes = PROCESSES, .process = p,
                        .hosts = "a:1,b:2,c:3", .secret = "s", .until_stopped = until_stopped },
        &error);
    ck_assert_msg(me->runtime != NULL, "%s", error.what);
    weir_runtime_build(me->runtime, "first", build_first, me, NULL);
    for (unsigned i = 0; i < sizeof builds / sizeof *builds; i++)
        weir_runtime_register(me->runtime, builds[i].name, builds[i].fn, me, NULL);
    me->sequencer = weir_sequencer_create(me->runtime, "numbers", note, me, NULL);
    for (unsigned w = 0; w < WORKERS; w++)
        ck_assert_ptr_nonnull(weir_runtime_take_worker(me->runtime, w, NULL));
}

static cluster *create(uint64_t seed, bool until_stopped)
{
    cluster *c = weir_alloc_zero(sizeof *c);
    c->hub = weir__test_hub_create(seed, true);
    c->random = seed;
    c->odd = PROCESSES;
    c->init_fails = ALL;
    for (unsigned p = 0; p < PROCESSES; p++) {
        c->of[p].cluster = c;
        c->of[p].number = p;
        c->of[p].captured = weir_captured_create();
        start_process(c, p, until_stopped);
    }
    for (unsigned p = 0; p < PROCESSES; p++)
        ck_assert_int_eq(weir_runtime_start(c->of[p].runtime, NULL), WEIR_OK);
    return c;
}

static weir_worker *worker_of(cluster *c, unsigned w)
{
    return &c->of[w / WORKERS].runtime->workers[w % WORKERS];
}

static void step(cluster *c)
{
    unsigned w = (unsigned)test_below(&c->random, ALL);
    process *p = &c->of[w / WORKERS];
    p->over[w % WORKERS] = !weir_worker_step(worker_of(c, w));
    weir__test_env_pass_time(p->env, 100000);
}

static bool all_over(const cluster *c)
{
    for (unsigned w = 0; w < ALL; w++)
        if (!c->of[w / WORKERS].over[w % WORKERS])
            return false;
    return true;
}

static void run_to_end(cluster *c)
{
    for (int i = 0; i < 400000 && !all_over(c); i++)
        step(c);
    ck_assert(all_over(c));
}

static void steps(cluster *c, unsigned count)
{
    while (count--)
        step(c);
}

static void join(cluster *c)
{
    for (unsigned w = 0; w < ALL; w++)
        for (int i = 0; i < 100000 && !worker_of(c, w)->running; i++)
            step(c);
}

static void destroy(cluster *c)
{
    for (unsigned p = 0; p < PROCESSES; p++) {
        weir_runtime_destroy(c->of[p].runtime);
        weir_captured_destroy(c->of[p].captured);
        weir__test_env_destroy(c->of[p].env);
    }
    ck_assert_uint_eq(weir__test_hub_open(c->hub), 0);
    weir__test_hub_destroy(c->hub);
    weir_free(c, sizeof *c);
}

static void stop_and_end(cluster *c)
{
    weir_error error = { 0 };
    weir_runtime_stop(c->of[c->random % PROCESSES].runtime);
    run_to_end(c);
    for (unsigned p = 0; p < PROCESSES; p++)
        ck_assert_msg(weir_runtime_wait(c->of[p].runtime, &error) == WEIR_OK, "%s", error.what);
    for (unsigned w = 0; w < ALL; w++) {
        ck_assert_uint_eq(worker_of(c, w)->late_count, 0);
        ck_assert_ptr_null(worker_of(c, w)->early);
    }
    destroy(c);
}

static weir_dataflow *add(cluster *c, unsigned p, const char *build, const char *name)
{
    weir_dataflow *dataflow;
    weir_error error = { 0 };
    weir_status status = weir_runtime_add(c->of[p].runtime, &(weir_dataflow_spec){
        .struct_size = sizeof(weir_dataflow_spec), .build = build, .name = name }, &dataflow,
        &error);
    ck_assert_msg(status == WEIR_OK, "%s", error.what);
    return dataflow;
}

static weir_dataflow_info info_of(const weir_dataflow *dataflow)
{
    weir_dataflow_info info;
    weir_dataflow_get_info(dataflow, &info);
    return info;
}

static void await(cluster *c, weir_dataflow *dataflow, weir_dataflow_state state)
{
    for (int i = 0; i < 100000 && info_of(dataflow).state < state; i++)
        step(c);
    ck_assert_msg(info_of(dataflow).state == state, "it is %s: %s",
                  weir_dataflow_state_name(info_of(dataflow).state), info_of(dataflow).error.what);
}

/* As every process knows it, with references. */
static void await_all(cluster *c, const char *name, weir_dataflow *of[PROCESSES])
{
    for (unsigned p = 0; p < PROCESSES; p++) {
        of[p] = NULL;
        for (int i = 0; i < 100000 && !of[p]; i++) {
            step(c);
            of[p] = weir_runtime_find(c->of[p].runtime, name);
        }
        ck_assert_ptr_nonnull(of[p]);
        await(c, of[p], WEIR_DATAFLOW_RUNNING);
        ck_assert_uint_eq(info_of(of[p]).id, info_of(of[0]).id);
    }
}

static void release(weir_dataflow *of[PROCESSES])
{
    for (unsigned p = 0; p < PROCESSES; p++)
        weir_dataflow_release(of[p]);
}

/* ---- dataflows ---- */

/* Sends into every worker's input, in rounds; how many records. */
static unsigned feed(cluster *c, weir_input_handle(number) handles[ALL], unsigned rounds)
{
    unsigned sent = 0;
    for (unsigned round = 1; round <= rounds; round++) {
        weir_time next = weir_time_1(round);
        for (unsigned w = 0; w < ALL; w++) {
            number record = { .value = test_random(&c->random),
                              .name = weir_str_of("a name that does not fit into its record") };
            sent += weir_input_change(handles[w], number, record, 1) == WEIR_OK;
            weir_input_advance_to(handles[w], &next);
        }
        steps(c, 20);
    }
    return sent;
}

static size_t captured(cluster *c)
{
    size_t count = 0;
    for (unsigned p = 0; p < PROCESSES; p++)
        for (unsigned w = 0; w < ALL; w++)
            count += weir_captured_count(c->of[p].captured, w);
    return count;
}

static void open_inputs(cluster *c, weir_input_handle(number) handles[ALL])
{
    for (unsigned w = 0; w < ALL; w++) {
        handles[w] = weir_input_open(c->of[w / WORKERS].input, w);
        ck_assert_ptr_nonnull(handles[w].handle);
    }
}

START_TEST(any_process_adds)
{
    for (unsigned seed = 1; seed <= 9; seed++) {
        cluster *c = create(seed, true);
        weir_dataflow *of[PROCESSES];
        weir_input_handle(number) handles[ALL];
        if (seed % 2)
            join(c); /* else it is asked for before that */
        weir_dataflow *mine = add(c, seed % PROCESSES, "plain", "mine");
        await_all(c, "mine", of);
        ck_assert_ptr_eq(of[seed % PROCESSES], mine);
        ck_assert_uint_eq(info_of(mine).id, 1);
        ck_assert_str_eq(info_of(of[(seed + 1) % PROCESSES]).build, "plain");
        open_inputs(c, handles);
        unsigned sent = feed(c, handles, 10);
        for (unsigned w = 0; w < ALL; w++)
            weir_input_close(handles[w]);
        for (unsigned p = 0; p < PROCESSES; p++) /* complete, so it goes by itself, everywhere */
            await(c, of[p], WEIR_DATAFLOW_GONE);
        ck_assert_uint_eq(captured(c), sent);
        ck_assert_ptr_null(weir_runtime_find(c->of[0].runtime, "mine"));
        weir_dataflow_release(mine);
        release(of);
        stop_and_end(c);
    }
}
END_TEST

/* Another one than the one that added; with things under way, in inputs that are still open. */
START_TEST(any_process_removes)
{
    unsigned early = 0;
    for (unsigned seed = 1; seed <= 12; seed++) {
        cluster *c = create(seed, true);
        weir_dataflow *of[PROCESSES];
        weir_input_handle(number) handles[ALL];
        weir_error error = { 0 };
        weir_dataflow_release(add(c, seed % PROCESSES, "plain", "mine"));
        await_all(c, "mine", of);
        open_inputs(c, handles);
        feed(c, handles, 3);
        weir_dataflow *its = of[(seed / 3) % PROCESSES];
        ck_assert_int_eq(weir_dataflow_remove(its, NULL), WEIR_OK);
        ck_assert_int_eq(weir_dataflow_remove(its, &error), WEIR_CLOSED);
        weir_dataflow_release(add(c, seed % PROCESSES, "plain", "mine")); /* the name is free */
        for (unsigned p = 0; p < PROCESSES; p++)
            await(c, of[p], WEIR_DATAFLOW_GONE);
        for (unsigned w = 0; w < ALL; w++) {
            ck_assert_int_eq(weir_input_send(handles[w], number, { 0 }), WEIR_CLOSED);
            weir_input_close(handles[w]);
            early += worker_of(c, w)->early_count > 0;
        }
        release(of);
        await_all(c, "mine", of);
        ck_assert_uint_eq(info_of(of[0]).id, 2); /* never used again */
        release(of);
        stop_and_end(c);
    }
    ck_assert_uint_gt(early, 0); /* some got mail for what they had not built yet */
}
END_TEST

/* Workers hear of it one after the other; what the first have thrown away, the only time that was
 * still to come, is complete nowhere. */
START_TEST(what_is_removed_is_not_complete)
{
    const weir_time late = weir_time_1(9);
    for (unsigned seed = 1; seed <= 24; seed++) {
        cluster *c = create(seed, true);
        weir_dataflow *of[PROCESSES];
        weir_input_handle(number) handles[ALL];
        weir_dataflow_release(add(c, 0, "picky", "mine"));
        await_all(c, "mine", of);
        open_inputs(c, handles);
        for (unsigned w = 0; w < ALL; w++)
            if (w / WORKERS != seed / 3 % PROCESSES)
                weir_input_advance_to(handles[w], &late);
        steps(c, 1000);
        ck_assert_int_eq(weir_dataflow_remove(of[seed % PROCESSES], NULL), WEIR_OK);
        if (seed % 2) /* two at once */
            ck_assert_int_eq(weir_dataflow_remove(of[(seed + 1) % PROCESSES], NULL), WEIR_OK);
        for (unsigned p = 0; p < PROCESSES; p++) {
            await(c, of[p], WEIR_DATAFLOW_GONE);
            ck_assert_uint_eq(c->of[p].complete, 0);
        }
        for (unsigned w = 0; w < ALL; w++)
            weir_input_close(handles[w]);
        release(of);
        stop_and_end(c);
    }
}
END_TEST

/* Not every process has heard that it is complete when an import is asked for: all find it. */
START_TEST(a_complete_publisher_is_found_everywhere)
{
    for (unsigned seed = 1; seed <= 12; seed++) {
        cluster *c = create(seed, true);
        weir_dataflow *of[PROCESSES], *importer;
        weir_input_handle(number) handles[ALL];
        weir_dataflow_release(add(c, seed % PROCESSES, "publisher", "publisher"));
        await_all(c, "publisher", of);
        open_inputs(c, handles);
        feed(c, handles, 2);
        for (unsigned w = 0; w < ALL; w++)
            weir_input_close(handles[w]);
        if (seed % 2)
            await(c, of[seed % PROCESSES], WEIR_DATAFLOW_COMPLETE);
        importer = add(c, (seed + 1) % PROCESSES, "importer", "importer");
        await(c, importer, WEIR_DATAFLOW_GONE); /* with all that there is */
        for (unsigned p = 0; p < PROCESSES; p++)
            ck_assert_int_eq(info_of(of[p]).state, WEIR_DATAFLOW_COMPLETE);
        weir_dataflow_release(importer);
        release(of);
        stop_and_end(c);
    }
}
END_TEST

/* Nothing to do in it: it may be over in one process before another hears of it. */
START_TEST(empty_ones_come_and_go)
{
    for (unsigned seed = 1; seed <= 6; seed++) {
        cluster *c = create(seed, true);
        weir_dataflow *many[20];
        for (unsigned i = 0; i < 20; i++) {
            many[i] = add(c, i % PROCESSES, i % 5 ? "nothing" : "plain", NULL);
            if (i % 3 == 0)
                ck_assert_int_eq(weir_dataflow_remove(many[i], NULL), WEIR_OK); /* at once */
            steps(c, 7);
        }
        for (unsigned i = 0; i < 20; i++) {
            if (i % 5 == 0 && i % 3)
                ck_assert_int_eq(weir_dataflow_remove(many[i], NULL), WEIR_OK);
            await(c, many[i], WEIR_DATAFLOW_GONE);
            weir_dataflow_release(many[i]);
        }
        for (unsigned p = 0; p < PROCESSES; p++) /* the first stays */
            for (int i = 0; c->of[p].runtime->dataflows_alive > 1; i++) {
                ck_assert_int_lt(i, 100000);
                step(c);
            }
        stop_and_end(c);
    }
}
END_TEST

/* ---- what cannot be built ---- */

static void differ(const char *build, const char *what, const char *more)
{
    for (unsigned odd = 0; odd < PROCESSES; odd++) {
        cluster *c = create(odd + 1, true);
        weir_error error = { 0 };
        char name[40];
        bool named = false;
        join(c);
        c->odd = odd;
        weir_dataflow_release(add(c, 1, build, "x"));
        run_to_end(c);
        snprintf(name, sizeof name, "process %u", odd);
        for (unsigned p = 0; p < PROCESSES; p++) {
            ck_assert_int_ne(weir_runtime_wait(c->of[p].runtime, &error), WEIR_OK);
            ck_assert_msg(strstr(error.what, what) && strstr(error.what, more), "%s", error.what);
            named |= strstr(error.what, name) != NULL;
        }
        ck_assert(named);
        destroy(c);
    }
}

START_TEST(graphs_that_differ_end_the_cluster)
{
    differ("odd-graph", "differ in the graph of dataflow 'x': fingerprint", "process");
    differ("odd-records", "differ in the records that are exchanged in dataflow 'x'", "process");
    differ("odd-refusal", "dataflow 'x' could be built by process", "nothing to be had");
}
END_TEST

START_TEST(what_all_refuse_fails)
{
    cluster *c = create(3, true);
    weir_dataflow *refused = add(c, 2, "refused", NULL), *fine = add(c, 2, "plain", NULL);
    await(c, fine, WEIR_DATAFLOW_RUNNING);
    await(c, refused, WEIR_DATAFLOW_FAILED);
    ck_assert_str_eq(info_of(refused).error.what, "nothing to be had");
    weir_dataflow_release(refused);
    weir_dataflow_release(fine);
    stop_and_end(c);
}
END_TEST

/* On one worker; every process is told. */
START_TEST(a_step_that_gives_up_fails_its_dataflow)
{
    for (unsigned w = 0; w <= ALL; w++) {
        cluster *c = create(w + 1, true);
        c->gives_up = w;
        weir_dataflow *quitter = add(c, 0, "quitter", "quitter");
        await(c, quitter, WEIR_DATAFLOW_FAILED);
        ck_assert_str_eq(info_of(quitter).error.what, "it is enough");
        for (unsigned p = 0; p < PROCESSES; p++) {
            for (int i = 0; i < 100000 && c->of[p].runtime->dataflows_alive > 1; i++)
                step(c);
            ck_assert_uint_eq(c->of[p].runtime->failed, 0);
            ck_assert_uint_eq(c->of[p].runtime->dataflows_alive, 1);
        }
        weir_dataflow_release(quitter);
        stop_and_end(c);
    }
}
END_TEST

START_TEST(an_init_that_fails_fails_its_dataflow)
{
    for (unsigned w = 0; w < ALL; w++) {
        cluster *c = create(w + 1, true);
        c->init_fails = w;
        weir_dataflow *of[PROCESSES];
        of[0] = add(c, 0, "picky", "picky");
        await(c, of[0], WEIR_DATAFLOW_FAILED);
        ck_assert_str_eq(info_of(of[0]).error.what, "there is nothing to keep in");
        if (w >= WORKERS)
            ck_assert_ptr_nonnull(strstr(info_of(of[0]).error.detail, "in process"));
        for (int i = 0; i < 100000 && c->of[0].runtime->dataflows_alive > 1; i++)
            step(c);
        for (unsigned p = 0; p < PROCESSES; p++)
            ck_assert_uint_eq(c->of[p].runtime->failed, 0);
        weir_dataflow_release(of[0]);
        stop_and_end(c);
    }
}
END_TEST

/* ---- sequencers and barriers ---- */

START_TEST(one_order_of_entries)
{
    for (unsigned seed = 1; seed <= 5; seed++) {
        cluster *c = create(seed, true);
        if (seed % 2)
            join(c);
        for (uint32_t i = 0; i < ENTRIES; i++) {
            ck_assert_int_eq(weir_sequencer_push(c->of[i % PROCESSES].sequencer, &i, sizeof i,
                                                 NULL), WEIR_OK);
            steps(c, i % 4 * 5);
        }
        join(c);
        weir_runtime_stop(c->of[1].runtime);
        run_to_end(c);
        const seen *first = &c->of[0].seen[0];
        ck_assert_uint_eq(first->count, ENTRIES);
        for (unsigned w = 1; w < ALL; w++) {
            const seen *s = &c->of[w / WORKERS].seen[w % WORKERS];
            ck_assert_uint_eq(s->count, ENTRIES);
            ck_assert_mem_eq(s->numbers, first->numbers, sizeof s->numbers);
            ck_assert_mem_eq(s->places, first->places, sizeof s->places);
        }
        uint32_t next[PROCESSES] = { 0, 1, 2 }; /* of one process they keep their order */
        for (unsigned i = 0; i < ENTRIES; i++) {
            ck_assert_uint_eq(first->numbers[i], next[first->numbers[i] % PROCESSES]);
            next[first->numbers[i] % PROCESSES] += PROCESSES;
        }
        destroy(c);
    }
}
END_TEST

START_TEST(nobody_passes_a_barrier_alone)
{
    cluster *c = create(7, true);
    uint64_t round_of[ALL];
    join(c);
    for (unsigned round = 1; round <= 3; round++) {
        for (unsigned w = 0; w < ALL; w++) {
            steps(c, 300);
            for (unsigned before = 0; before < w; before++)
                ck_assert(!weir_worker_barrier_passed(worker_of(c, before), round_of[before]));
            round_of[w] = weir_worker_barrier_enter(worker_of(c, w));
            ck_assert_uint_eq(round_of[w], round);
        }
        for (unsigned w = 0; w < ALL; w++)
            for (int i = 0; !weir_worker_barrier_passed(worker_of(c, w), round_of[w]); i++) {
                ck_assert_int_lt(i, 100000);
                step(c);
            }
    }
    stop_and_end(c);
}
END_TEST

/* ---- the end ---- */

START_TEST(it_ends_when_all_have_nothing_left)
{
    for (unsigned seed = 1; seed <= 9; seed++) {
        cluster *c = create(seed, false);
        weir_input_handle(number) handles[ALL];
        weir_error error = { 0 };
        weir_dataflow *last[PROCESSES];
        join(c);
        open_inputs(c, handles);
        for (unsigned p = 0; p < PROCESSES; p++)
            last[p] = add(c, p, "nothing", NULL);
        for (unsigned w = 0; w < ALL; w++)
            weir_input_close(handles[w]);
        run_to_end(c);
        for (unsigned p = 0; p < PROCESSES; p++) {
            ck_assert_msg(weir_runtime_wait(c->of[p].runtime, &error) == WEIR_OK, "%s", error.what);
            ck_assert_int_eq(info_of(last[p]).state, WEIR_DATAFLOW_GONE);
            ck_assert_int_eq(weir_runtime_add(c->of[p].runtime, &(weir_dataflow_spec){
                .struct_size = sizeof(weir_dataflow_spec), .build = "nothing" }, NULL, &error),
                WEIR_CLOSED);
            ck_assert_int_eq(weir_sequencer_push(c->of[p].sequencer, "", 0, &error), WEIR_CLOSED);
            weir_dataflow_release(last[p]);
        }
        destroy(c);
    }
}
END_TEST

/* What is asked for when the end is on its way is built, or says that it was too late. */
START_TEST(too_late_is_told)
{
    unsigned late = 0, built = 0;
    for (unsigned seed = 1; seed <= 60; seed++) {
        cluster *c = create(seed, false);
        weir_input_handle(number) handles[ALL];
        weir_dataflow *mine = NULL;
        join(c);
        open_inputs(c, handles);
        for (unsigned w = 0; w < ALL; w++)
            weir_input_close(handles[w]);
        for (unsigned i = 0; !all_over(c); i++) {
            if (i == 20 * seed)
                weir_runtime_add(c->of[1].runtime, &(weir_dataflow_spec){
                    .struct_size = sizeof(weir_dataflow_spec), .build = "nothing" }, &mine, NULL);
            step(c);
        }
        if (mine) {
            weir_dataflow_info info = info_of(mine);
            late += info.state == WEIR_DATAFLOW_FAILED && info.error.status == WEIR_CLOSED;
            built += info.state == WEIR_DATAFLOW_GONE;
            ck_assert(info.state >= WEIR_DATAFLOW_GONE);
        }
        for (unsigned p = 0; p < PROCESSES; p++) {
            ck_assert_int_eq(weir_runtime_wait(c->of[p].runtime, NULL), WEIR_OK);
            ck_assert_uint_eq(c->of[p].built, c->of[0].built);
        }
        weir_dataflow_release(mine);
        destroy(c);
    }
    ck_assert_uint_gt(late, 0);
    ck_assert_uint_gt(built, 0);
}
END_TEST

START_TEST(a_refused_removal_leaves_nothing)
{
    cluster *c = create(4, true);
    weir_error error = { 0 };
    weir_dataflow *mine = add(c, 0, "plain", NULL);
    await(c, mine, WEIR_DATAFLOW_RUNNING);
    c->of[0].runtime->stopping = 1; /* and nobody has heard of it yet */
    ck_assert_int_eq(weir_dataflow_remove(mine, &error), WEIR_CLOSED);
    ck_assert_ptr_nonnull(strstr(error.what, "the runtime is ending"));
    ck_assert_int_eq(info_of(mine).state, WEIR_DATAFLOW_RUNNING);
    c->of[0].runtime->stopping = 0;
    ck_assert_int_eq(weir_dataflow_remove(mine, &error), WEIR_OK);
    await(c, mine, WEIR_DATAFLOW_GONE);
    weir_dataflow_release(mine);
    stop_and_end(c);
}
END_TEST

/* ---- what no process of this library sends ---- */

static weir__wire *wire_of(cluster *c, unsigned from, unsigned to)
{
    weir__wire *wire = weir__mesh_wire(weir__cluster_mesh(c->of[from].runtime->cluster), to);
    ck_assert_ptr_nonnull(wire);
    return wire;
}

static void ends_with(cluster *c, unsigned p, const char *what)
{
    weir_error error = { 0 };
    run_to_end(c);
    ck_assert_int_ne(weir_runtime_wait(c->of[p].runtime, &error), WEIR_OK);
    ck_assert_msg(strstr(error.what, what) != NULL, "%s", error.what);
    destroy(c);
}

START_TEST(commands_that_cannot_be)
{
    const weir_str plain = weir_str_of("plain"), unknown = weir_str_of("unknown");
    const struct {
        unsigned from, to;
        weir__note note;
    } wrong[] = {
        { 1, 0, { .kind = WEIR__NOTE_BUILD, .process = 1, .first = unknown } },
        { 1, 0, { .kind = WEIR__NOTE_BUILD, .process = 2, .first = plain } },
        { 1, 0, { .kind = WEIR__NOTE_REMOVE, .process = 1, .dataflow = 77 } },
        { 1, 0, { .kind = WEIR__NOTE_ENTRY, .process = 1, .first = unknown } },
        { 1, 0, { .kind = WEIR__NOTE_END, .process = 1 } },
        { 1, 0, { .kind = WEIR__NOTE_BUILT, .process = 2, .dataflow = 0 } },
        { 1, 0, { .kind = WEIR__NOTE_DROP, .process = 1, .dataflow = 0 } },
        { 1, 0, { .kind = WEIR__NOTE_DISCARDED, .process = 2, .dataflow = 0 } },
        { 1, 0, { .kind = WEIR__NOTE_DISCARDED, .process = 1, .dataflow = 77 } },
        { 2, 1, { .kind = WEIR__NOTE_BUILD, .process = 2, .first = plain } },
        { 2, 1, { .kind = WEIR__NOTE_IDLE, .process = 2 } },
        { 2, 1, { .kind = WEIR__NOTE_DISCARDED, .process = 2, .dataflow = 0 } },
        { 2, 1, { .kind = WEIR__NOTE_END, .process = 2 } },
        { 0, 1, { .kind = WEIR__NOTE_BARRIER, .process = 0, .number = 9 } },
        { 0, 1, { .kind = WEIR__NOTE_BARRIER, .process = 1, .number = 1 } },
        { 0,
          1,
          { .kind = WEIR__NOTE_BUILD, .process = 0, .number = 1, .dataflow = 5, .first = plain } },
        { 0, 1, { .kind = WEIR__NOTE_ENTRY, .process = 0, .number = 1, .first = unknown } },
        { 0, 1, { .kind = WEIR__NOTE_DROP, .process = 0, .number = 1, .dataflow = 77 } },
        { 0, 1, { .kind = WEIR__NOTE_IDLE, .process = 0 } },
    };
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cluster *c = create(i + 1, true);
        char what[100];
        join(c);
        weir__wire *wire = wire_of(c, wrong[i].from, wrong[i].to);
        weir__wire_commit(wire, weir__note_put(weir__wire_room(wire, 1000), &wrong[i].note));
        snprintf(what, sizeof what, "process %u has sent what cannot be: ", wrong[i].from);
        ends_with(c, wrong[i].to, what);
    }
}
END_TEST

/* Frames of which the head is no note's, or the texts are longer than the body. */
START_TEST(heads_that_are_wrong)
{
    for (unsigned i = 0; i < 2; i++) {
        cluster *c = create(i + 1, true);
        join(c);
        weir__wire *wire = wire_of(c, 1, 0);
        unsigned char *room = weir__wire_room(wire, 1000);
        size_t size = weir__frame_put_plain(room, WEIR__FRAME_COMMAND, 0);
        if (i) {
            size = weir__note_put(room, &(weir__note){ .kind = WEIR__NOTE_BUILD,
                                                             .first = weir_str_of("text") });
            room[0] = (unsigned char)(room[0] - 2); /* cut off */
            size -= 2;
        }
        weir__wire_commit(wire, size);
        ends_with(c, 0, "process 1 has sent what cannot be: a command whose head is wrong");
    }
}
END_TEST

START_TEST(credits_and_charges_that_cannot_be)
{
    const uint64_t much = UINT64_C(1) << 62;
    cluster *c = create(1, true);
    join(c);
    weir__wire *wire = wire_of(c, 1, 0);
    weir__credited credit = { .dataflow = 0, .from = WORKERS, .to = 0, .bytes = 1 };
    weir__wire_commit(wire, weir__frame_put_credit(weir__wire_room(wire, WEIR__FRAME_ROOM),
                                                   &credit));
    ends_with(c, 0, "process 1 has sent what cannot be: credit for more than was sent to it");
    c = create(2, true);
    weir_dataflow_release(add(c, 0, "plain", "mine"));
    weir_dataflow *of[PROCESSES];
    await_all(c, "mine", of);
    wire = wire_of(c, 1, 0);
    uint32_t port = 0;
    while (!of[0]->graph->input_owner[port])
        port++;
    weir__data head = { .dataflow = 1, .port = port, .from = WORKERS, .to = 0, .charged = much };
    weir__wire_commit(wire, weir__frame_put_data(weir__wire_room(wire, WEIR__FRAME_ROOM), &head,
                                                 0));
    release(of);
    ends_with(c, 0, "a batch charged with more than can be");
}
END_TEST

/* Changes of a dataflow that are none, so often. */
static void put_empty_changes(cluster *c, unsigned from, unsigned to, uint32_t id, unsigned count)
{
    weir__wire *wire = wire_of(c, from, to);
    unsigned char *room = weir__wire_room(wire, WEIR__FRAME_ROOM + 8 * count);
    size_t at = weir__frame_put_plain(room, WEIR__FRAME_PROGRESS, 8 * count);
    for (unsigned i = 0; i < count; i++, at += 8)
        memcpy(room + at, (uint32_t[]){ id, 0 }, 8);
    weir__wire_commit(wire, at);
}

/* Process 0 gives the order: it knows all that is ordered, and whoever hears it knows it too. */
START_TEST(what_nobody_has_ordered)
{
    const weir__note built = { .kind = WEIR__NOTE_BUILT, .process = 1, .dataflow = 77 };
    const weir__credited credit = { .dataflow = 77, .from = WORKERS, .to = 0, .bytes = 1 };
    for (unsigned i = 0; i < 4; i++) {
        cluster *c = create(i + 1, true);
        unsigned from = i == 3 ? 0 : 1, to = 1 - from;
        char what[100];
        join(c);
        weir__wire *wire = wire_of(c, from, to);
        if (i == 0)
            weir__wire_commit(wire, weir__note_put(weir__wire_room(wire, 1000), &built));
        else if (i == 1)
            weir__wire_commit(wire, weir__frame_put_credit(
                                        weir__wire_room(wire, WEIR__FRAME_ROOM), &credit));
        else
            put_empty_changes(c, from, to, 77, 3);
        snprintf(what, sizeof what, "process %u has sent what cannot be: something for a dataflow "
                 "that nobody has ordered", from);
        ends_with(c, to, what);
    }
}
END_TEST

/* Others may be ahead of process 0's word, but not for ever; and what is kept of them until then is
 * bounded by what it takes to keep it, not by what they have sent. */
START_TEST(what_nobody_orders_is_not_waited_for)
{
    enum { FRAMES = 20, EACH = 30000 };
    cluster *c = create(5, true);
    join(c);
    for (unsigned i = 0; i < FRAMES; i++) {
        put_empty_changes(c, 1, 2, 77, EACH);
        steps(c, 500);
    }
    uint64_t kept = worker_of(c, 2 * WORKERS)->early_count;
    ck_assert_uint_gt(kept, 10 * EACH / 2);
    ck_assert_uint_lt(kept, FRAMES * EACH);
    ck_assert(!__atomic_load_n(&c->of[2].runtime->failed, __ATOMIC_ACQUIRE));
    ends_with(c, 2, "process 1 has sent what cannot be: much for dataflows that nobody has "
                    "ordered");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        any_process_adds,
        any_process_removes,
        what_is_removed_is_not_complete,
        a_complete_publisher_is_found_everywhere,
        empty_ones_come_and_go,
        graphs_that_differ_end_the_cluster,
        what_all_refuse_fails,
        a_step_that_gives_up_fails_its_dataflow,
        an_init_that_fails_fails_its_dataflow,
        one_order_of_entries,
        nobody_passes_a_barrier_alone,
        it_ends_when_all_have_nothing_left,
        too_late_is_told,
        a_refused_removal_leaves_nothing,
        commands_that_cannot_be,
        heads_that_are_wrong,
        credits_and_charges_that_cannot_be,
        what_nobody_has_ordered,
        what_nobody_orders_is_not_waited_for,
        NULL,
    };
    return test_run(test_suite("cluster_commands", tests));
}

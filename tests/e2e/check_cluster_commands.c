/* SPDX-License-Identifier: Apache-2.0
 *
 * Real processes with threads over loopback, whose programs add and remove dataflows, push entries
 * and wait at barriers, each for all of them. The program under test is this one, called with
 * "program" in front.
 */
#include <weir/weir.h>


#include "e2e/process.h"

enum { PROCESSES = 2, WORKERS_MAX = 5, ROUNDS = 24, RECORDS = 200 };

/* ---- the program ---- */

#define NUMBER(F) F(u64, value) F(str, name)
WEIR_RECORD(number, NUMBER)

typedef struct round_of {
    weir_dataflow *dataflow; /* keeps the next two */
    weir_input(number) input;
    weir_probe *probe;
    weir_captured *captured;
} round_of;

typedef struct program {
    weir_runtime *runtime;
    weir_sequencer *sequencer;
    round_of rounds[ROUNDS];
    unsigned workers;            /* of each process */
    uint64_t order[WORKERS_MAX]; /* of the entries: a hash */
    unsigned entries[WORKERS_MAX];
} program;

static void build(weir_graph *g, void *ctx)
{
    program *p = ctx;
    const unsigned *n = weir_graph_args(g, NULL);
    round_of *round = &p->rounds[*n];
    round->dataflow = weir_graph_dataflow(g);
    weir_stream(number) in = weir_input_add(g, number, &round->input, .manual = true);
    weir_stream(number) out = weir_exchange(in, WEIR_KEY(number, value));
    round->captured = weir_captured_create();
    weir_capture(out, round->captured);
    round->probe = weir_probe(out, "out");
}

static void note(const weir_entry *entry, void *ctx)
{
    program *p = ctx;
    unsigned own = weir_worker_index(entry->worker) % p->workers;
    uint64_t pushed;
    memcpy(&pushed, entry->data, sizeof pushed);
    p->order[own] = (p->order[own] + pushed + entry->place) * UINT64_C(0x9e3779b97f4a7c15);
    p->entries[own]++;
}

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void send_some(round_of *round, weir_worker *worker, unsigned n)
{
    weir_input_handle(number) h = weir_input_open(round->input, weir_worker_index(worker));
    must(h.handle || n % 2, "an input cannot be opened"); /* unless it is removed meanwhile */
    for (uint64_t i = 0; h.handle && i < RECORDS; i++) {
        number record = { .value = i * 7919 + n,
                          .name = weir_str_of("a name that does not fit into its record") };
        if (weir_input_change(h, number, record, 1) != WEIR_OK)
            must(n % 2, "a record is refused");
        if (i % 50 == 0)
            weir_worker_step(worker);
    }
    if (h.handle)
        weir_input_close(h);
}

/* Odd ones are removed while records are under way, by another worker than the one that added;
 * even ones complete. */
static void go_round(program *p, weir_worker *worker, unsigned n)
{
    unsigned self = weir_worker_index(worker), all = weir_worker_count(worker);
    char name[20];
    snprintf(name, sizeof name, "round-%u", n);
    if (self == n % all)
        must(weir_runtime_add(p->runtime, &(weir_dataflow_spec){
                 .struct_size = sizeof(weir_dataflow_spec), .build = "round", .name = name,
                 .args = &n, .args_size = sizeof n, .keep = n % 2 == 0 }, NULL, NULL) == WEIR_OK,
             "it cannot be added");
    must(weir_worker_barrier(worker), "no barrier");
    uint64_t entry = (uint64_t)n * all + self;
    must(weir_sequencer_push(p->sequencer, &entry, sizeof entry, NULL) == WEIR_OK, "no entry");
    weir_dataflow *dataflow = weir_runtime_find(p->runtime, name);
    must(dataflow || n % 2, "it is not there after the barrier");
    if (dataflow && n % 2 && self == (n + 1) % all)
        must(weir_dataflow_remove(dataflow, NULL) == WEIR_OK, "it cannot be removed");
    send_some(&p->rounds[n], worker, n);
    while (n % 2 == 0 && !weir_probe_done(p->rounds[n].probe, worker))
        weir_worker_step_or_park(worker, UINT64_MAX);
    must(weir_worker_barrier(worker), "no barrier");
    weir_dataflow_release(dataflow);
}

static void worker_main(weir_worker *worker, void *ctx)
{
    for (unsigned n = 0; n < ROUNDS; n++)
        go_round(ctx, worker, n);
}

/* program PROCESS HOSTS WORKERS */
static int run_program(char **argv)
{
    static program p;
    weir_error error = { 0 };
    p.workers = (unsigned)strtoul(argv[4], NULL, 10);
    weir_config config = { .struct_size = sizeof config, .workers = p.workers,
                           .processes = PROCESSES, .process = (unsigned)strtoul(argv[2], NULL, 10),
                           .hosts = argv[3], .worker_main = worker_main, .ctx = &p };
    p.runtime = weir_runtime_create(&config, &error);
    must(p.runtime != NULL, error.what);
    weir_runtime_register(p.runtime, "round", build, &p, NULL);
    p.sequencer = weir_sequencer_create(p.runtime, "entries", note, &p, NULL);
    weir_status status = weir_runtime_start(p.runtime, &error);
    weir_status waited = weir_runtime_wait(p.runtime, &error);
    must(status == WEIR_OK && waited == WEIR_OK, error.what);
    size_t records = 0;
    for (unsigned n = 0; n < ROUNDS; n++)
        for (unsigned w = 0; n % 2 == 0 && w < PROCESSES * p.workers; w++)
            records += weir_captured_count(p.rounds[n].captured, w);
    printf("%zu records, ", records);
    for (unsigned w = 0; w < p.workers; w++)
        printf("%u entries %llx%s", p.entries[w], (unsigned long long)p.order[w],
               w + 1 < p.workers ? ", " : "\n");
    for (unsigned n = 0; n < ROUNDS; n++)
        weir_dataflow_release(p.rounds[n].dataflow);
    weir_runtime_destroy(p.runtime);
    for (unsigned n = 0; n < ROUNDS; n++)
        weir_captured_destroy(p.rounds[n].captured);
    return 0;
}

/* ---- the test ---- */

static char self[4000];

static void run_programs(unsigned workers)
{
    static process p[PROCESSES];
    char hosts[2][40];
    unsigned long records[PROCESSES] = { 0 };
    for (unsigned i = 0; i < PROCESSES; i++)
        test_address(hosts[i], sizeof hosts[i]);
    for (unsigned i = 0; i < PROCESSES; i++)
        process_start(&p[i], "exec %s program %u %s,%s %u", self, i, hosts[0], hosts[1], workers);
    for (unsigned i = 0; i < PROCESSES; i++) {
        int status = process_wait(&p[i]);
        ck_assert_msg(status == 0, "status %d: %s", status, p[i].text[1]);
        ck_assert_int_eq(sscanf(p[i].text[0], "%lu records", &records[i]), 1);
    }
    unsigned all = PROCESSES * workers;
    ck_assert_uint_eq(records[0] + records[1], (unsigned long)ROUNDS / 2 * all * RECORDS);
    char wanted[60], order[40] = "";
    ck_assert_int_eq(sscanf(p[0].text[0], "%*u records, %39[^,]", order), 1);
    snprintf(wanted, sizeof wanted, "%u entries ", ROUNDS * all);
    ck_assert_msg(strncmp(order, wanted, strlen(wanted)) == 0, "%s", order);
    for (unsigned i = 0; i < PROCESSES; i++) { /* every worker had the same */
        unsigned found = 0;
        for (const char *at = p[i].text[0]; (at = strstr(at, order)); at++)
            found++;
        ck_assert_msg(found == workers, "not %u times '%s': %s", workers, order, p[i].text[0]);
    }
}

START_TEST(programs_add_and_remove_for_all)
{
    run_programs(3);
}
END_TEST

/* More than four workers: a thread of its own reads the sockets. */
START_TEST(so_they_do_with_a_thread_for_the_sockets)
{
    run_programs(WORKERS_MAX);
}
END_TEST

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "program") == 0)
        return run_program(argv);
    if (!realpath(argv[0], self))
        return 1;
    return test_run(test_suite("cluster_commands",
                               (const TTest *const[]){ programs_add_and_remove_for_all,
                                                       so_they_do_with_a_thread_for_the_sockets,
                                                       NULL }));
}

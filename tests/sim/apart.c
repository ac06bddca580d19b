/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs in a process of their own, so that an assertion or a crash is an outcome like others; and
 * smaller runs that fail as well, for a failure that is to be understood.
 */
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim.h"

enum { PATIENCE_S = 120, SCHEDULES = 10, RUNS = 600 };

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    exit(2);
}

/* What the child said before it died. */
static void read_all(int from, char *text, size_t size)
{
    size_t length = 0;
    char rest[256];
    for (ssize_t n; (n = length + 1 < size ? read(from, text + length, size - 1 - length)
                                           : read(from, rest, sizeof rest)) > 0;)
        length += length + 1 < size ? (size_t)n : 0;
    text[length] = '\0';
}

void sim_run_apart(const sim_limits *limits, sim_outcome *outcome)
{
    sim_outcome *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
                               MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int ends[2], status;
    must(shared != MAP_FAILED && pipe(ends) == 0, "memory and a pipe");
    fflush(NULL);
    pid_t child = fork();
    must(child >= 0, "a process");
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        signal(SIGABRT, SIG_DFL);
        alarm(PATIENCE_S);
        sim_run_once(limits, shared);
        exit(0);
    }
    close(ends[1]);
    char said[sizeof shared->text - 100];
    read_all(ends[0], said, sizeof said);
    close(ends[0]);
    must(waitpid(child, &status, 0) == child, "its end");
    *outcome = *shared;
    munmap(shared, sizeof *shared);
    if (outcome->failed || (WIFEXITED(status) && WEXITSTATUS(status) == 0))
        return;
    outcome->failed = true;
    if (WIFSIGNALED(status))
        snprintf(outcome->text, sizeof outcome->text, "signal %d: %s", WTERMSIG(status), said);
    else
        snprintf(outcome->text, sizeof outcome->text, "status %d: %s", WEXITSTATUS(status), said);
}

void sim_expect_pass(const sim_limits *limits)
{
    sim_outcome outcome;
    char command[200];
    sim_run_apart(limits, &outcome);
    ck_assert_msg(!outcome.failed, "%s: %s; after %llu steps",
                  sim_command(limits, command, sizeof command), outcome.text,
                  (unsigned long long)outcome.steps);
}

/* ---- shrinking ---- */

typedef struct shrinking {
    sim_limits limits; /* of the smallest run that failed so far */
    sim_outcome outcome;
    unsigned runs;
} shrinking;

/* Whether it fails with these limits, under one schedule or another. */
static bool fails(shrinking *s, sim_limits limits)
{
    for (uint64_t k = 0; k < SCHEDULES && s->runs < RUNS; k++) {
        sim_outcome outcome;
        limits.schedule = k ? k : s->limits.schedule;
        s->runs++;
        sim_run_apart(&limits, &outcome);
        if (outcome.failed) {
            s->limits = limits;
            s->outcome = outcome;
            return true;
        }
    }
    return false;
}

static bool smaller_workers(shrinking *s)
{
    sim_limits limits = s->limits;
    bool any = false;
    while (limits.workers > 1 && (limits.workers--, fails(s, limits)))
        any = true;
    return any;
}

static bool smaller_processes(shrinking *s)
{
    sim_limits limits = s->limits;
    bool any = false;
    while (limits.processes > 1 && (limits.processes--, fails(s, limits)))
        any = true;
    return any;
}

static bool smaller_flows(shrinking *s)
{
    sim_limits limits = s->limits;
    bool any = false;
    while (limits.flows > 1 && (limits.flows--, fails(s, limits)))
        any = true;
    return any;
}

static bool smaller_nodes(shrinking *s)
{
    bool any = false;
    for (unsigned by = s->limits.nodes / 2; by > 0; by /= 2)
        for (sim_limits l = s->limits; l.nodes > by && (l.nodes -= by, fails(s, l));
             l = s->limits)
            any = true;
    return any;
}

static bool smaller_records(shrinking *s)
{
    bool any = false;
    for (unsigned by = s->limits.records / 2; by > 0; by /= 2)
        for (sim_limits l = s->limits; l.records > by && (l.records -= by, fails(s, l));
             l = s->limits)
            any = true;
    return any;
}

static bool smaller_steps(shrinking *s)
{
    bool any = false;
    for (uint64_t by = s->limits.steps / 2; by > 0; by /= 2)
        for (sim_limits l = s->limits; l.steps > by && (l.steps -= by, fails(s, l));
             l = s->limits)
            any = true;
    return any;
}

void sim_shrink(sim_limits *limits, sim_outcome *outcome)
{
    shrinking s = { .limits = *limits, .outcome = *outcome };
    sim_plan *plan = calloc(1, sizeof *plan);
    sim_plan_draw(plan, limits);
    sim_limits all = { .seed = limits->seed, .schedule = limits->schedule,
                       .processes = plan->processes, .workers = plan->workers,
                       .flows = plan->flow_count, .nodes = plan->node_count,
                       .records = plan->input_count, .steps = outcome->steps + 1 };
    free(plan);
    if (fails(&s, all))
        for (bool any = true; any && s.runs < RUNS;) {
            any = smaller_processes(&s);
            any |= smaller_workers(&s);
            any |= smaller_flows(&s);
            any |= smaller_nodes(&s);
            any |= smaller_records(&s);
            any |= smaller_steps(&s);
        }
    *limits = s.limits;
    *outcome = s.outcome;
}

const char *sim_command(const sim_limits *l, char *text, size_t size)
{
    int at = snprintf(text, size, "./dev sim --seed %llu", (unsigned long long)l->seed);
    const struct {
        const char *name;
        unsigned long long value;
    } options[] = { { "schedule", l->schedule }, { "processes", l->processes },
                    { "workers", l->workers },
                    { "flows", l->flows },       { "nodes", l->nodes },
                    { "records", l->records },   { "steps", l->steps } };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (options[i].value)
            at += snprintf(text + at, size - (size_t)at, " --%s %llu", options[i].name,
                           options[i].value);
    return text;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The simulator as a program: fresh seeds for a while, or one run again.
 */
#include <getopt.h>
#include <string.h>
#include <time.h>

#include "sim.h"

static const char usage[] =
    "usage: sim [--seconds N]          fresh seeds for so long (60)\n"
    "       sim --seed N [--schedule N] [--processes N] [--workers N]\n"
    "           [--flows N] [--nodes N] [--records N] [--steps N]\n"
    "                                  one run, as a failure was printed\n"
    "       sim --seeds FROM-TO [--first]\n"
    "                                  these; --first: up to the first that fails, as it is\n";

typedef struct arguments {
    sim_limits limits;
    uint64_t from, to; /* seeds */
    time_t until;      /* 0: without end */
    bool first;
} arguments;

static bool read_arguments(arguments *a, int argc, char **argv)
{
    static const struct option options[] = {
        { "seconds", 1, NULL, 't' }, { "seed", 1, NULL, 's' },    { "seeds", 1, NULL, 'S' },
        { "schedule", 1, NULL, 'k' }, { "workers", 1, NULL, 'w' }, { "nodes", 1, NULL, 'n' },
        { "flows", 1, NULL, 'd' },   { "processes", 1, NULL, 'p' },
        { "records", 1, NULL, 'r' }, { "steps", 1, NULL, 'x' },   { "first", 0, NULL, 'f' },
        { NULL, 0, NULL, 0 },
    };
    long seconds = 60;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        char *end = NULL;
        unsigned long long n = optarg ? strtoull(optarg, &end, 10) : 0;
        if (c == 'f') {
            a->first = true;
            continue;
        }
        if (!optarg || end == optarg || (*end && !(c == 'S' && *end == '-')))
            return false;
        switch (c) {
        case 't':
            seconds = (long)n;
            break;
        case 's':
            a->from = a->to = n;
            break;
        case 'S':
            a->from = n;
            a->to = *end ? strtoull(end + 1, NULL, 10) : n;
            break;
        case 'k':
            a->limits.schedule = n;
            break;
        case 'w':
            a->limits.workers = (unsigned)n;
            break;
        case 'p':
            a->limits.processes = (unsigned)n;
            break;
        case 'd':
            a->limits.flows = (unsigned)n;
            break;
        case 'n':
            a->limits.nodes = (unsigned)n;
            break;
        case 'r':
            a->limits.records = (unsigned)n;
            break;
        default:
            a->limits.steps = n;
        }
    }
    if (a->to == 0) { /* fresh ones: no two days alike */
        a->from = (uint64_t)time(NULL) * 1000;
        a->to = UINT64_MAX;
        a->until = time(NULL) + seconds;
    }
    return optind == argc;
}

static void print_failure(sim_limits limits, sim_outcome *outcome, bool shrinks)
{
    char command[200];
    printf("seed %llu fails after %llu steps: %s\n", (unsigned long long)limits.seed,
           (unsigned long long)outcome->steps, outcome->text);
    if (shrinks) {
        sim_shrink(&limits, outcome);
        printf("smaller, after %llu steps: %s\n", (unsigned long long)outcome->steps,
               outcome->text);
    }
    sim_plan *plan = calloc(2, sizeof *plan);
    sim_plan_draw(plan, &limits);
    sim_plan_print(plan);
    for (unsigned flow = 1; plan->collections && flow < plan->flow_count; flow++) {
        sim_plan_draw_more(&plan[1], plan, flow);
        printf("flow %u: ", flow);
        sim_plan_print(&plan[1]);
    }
    free(plan);
    printf("again: %s\n", sim_command(&limits, command, sizeof command));
}

int main(int argc, char **argv)
{
    arguments a = { 0 };
    if (!read_arguments(&a, argc, argv)) {
        fputs(usage, stderr);
        return 2;
    }
    uint64_t runs = 0, steps = 0, failed = 0;
    for (a.limits.seed = a.from; a.limits.seed <= a.to; a.limits.seed++) {
        sim_outcome outcome;
        if (a.until && time(NULL) >= a.until)
            break;
        sim_run_apart(&a.limits, &outcome);
        runs++;
        steps += outcome.steps;
        failed += outcome.failed;
        if (outcome.failed && a.first)
            printf("%llu %llu %s\n", (unsigned long long)a.limits.seed,
                   (unsigned long long)outcome.steps, outcome.text);
        else if (outcome.failed && (failed == 1 || !a.until))
            print_failure(a.limits, &outcome, a.from != a.to && failed == 1);
        if (failed && (a.until || a.first))
            break; /* one to begin with */
    }
    printf("%llu runs, %llu steps, %llu failed\n", (unsigned long long)runs,
           (unsigned long long)steps, (unsigned long long)failed);
    return failed != 0;
}

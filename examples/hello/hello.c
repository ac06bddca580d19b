/* SPDX-License-Identifier: Apache-2.0
 *
 * The smallest dataflow: names come in, greetings come out, round by round. Shows an input, a map,
 * a look at what passes, and a probe that tells when a round is complete. Only the runtime is
 * needed.
 *
 *     $ hello
 *     Hello, Ada! Your name has 3 letters.
 *     Hello, Grace! Your name has 5 letters.
 *     round 0 is complete
 *     …
 */
#include <stdio.h>

#include <weir/weir.h>

#include "../no_options.h"

#define NAME(F) F(str, name)
#define GREETING(F) F(str, name) F(u64, letters)
WEIR_RECORD(name, NAME)
WEIR_RECORD(greeting, GREETING)

static greeting greet(const name *n)
{
    return (greeting){ .name = n->name, .letters = n->name.len };
}
WEIR_MAP(greet, name, greeting)

static void show(const greeting *g)
{
    printf("Hello, %.*s! Your name has %d letters.\n", (int)g->name.len, weir_str_data(&g->name),
           (int)g->letters);
}
WEIR_INSPECT(show, greeting)

typedef struct program {
    weir_input(name) names;
    weir_probe *shown;
} program;

static void build(weir_graph *g, void *ctx)
{
    program *p = ctx;
    weir_stream(name) names = weir_input_add(g, name, &p->names, .manual = true);
    weir_stream(greeting) greetings = weir_inspect(weir_map(names, greet), show);
    p->shown = weir_probe(greetings, "shown");
}

/* Runs on the worker's thread: sends a round, steps until it is complete, goes on to the next. */
static void feed(weir_worker *worker, void *ctx)
{
    static const char *const rounds[][2] = { { "Ada", "Grace" }, { "Alan", "Edsger" } };
    program *p = ctx;
    weir_input_handle(name) names = weir_input_open(p->names, weir_worker_index(worker));
    for (uint64_t round = 0; round < 2; round++) {
        for (int i = 0; i < 2; i++)
            while (weir_input_send(names, name, { weir_str_of(rounds[round][i]) }) == WEIR_FULL)
                if (!weir_worker_step(worker)) /* it makes room */
                    return;
        weir_time next = weir_time_1(round + 1);
        weir_input_advance_to(names, &next);
        while (weir_probe_less_than(p->shown, worker, &next))
            if (!weir_worker_step_or_park(worker, UINT64_MAX))
                return; /* the run has failed: weir_run says how */
        printf("round %d is complete\n", (int)round);
    }
    weir_input_close(names);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return no_options(argv, "hello");
    program p = { 0 };
    weir_error error = { .status = WEIR_OK };
    char text[1600];
    weir_config config = { .struct_size = sizeof config, .worker_main = feed, .ctx = &p };
    if (weir_run(&config, build, &p, &error) != WEIR_OK) {
        fprintf(stderr, "hello: %s\n", weir_error_text(&error, text, sizeof text));
        return 1;
    }
    return fflush(stdout) == 0 ? 0 : 1;
}

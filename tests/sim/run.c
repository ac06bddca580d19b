/* SPDX-License-Identifier: Apache-2.0
 *
 * One run of a plan: whose turn it is, what happens from outside, and what has to be true at rest
 * and in the end.
 */
#include <stdarg.h>
#include <string.h>

#include <weir/observe.h>

#include "sim.h"
#include "worker/runtime.h"

enum { STEPS_MAX = 100000 };

void sim_fail(sim_run *run, const char *format, ...)
{
    sim_outcome *outcome = run->outcome;
    if (outcome->failed)
        return; /* the first says most */
    outcome->failed = true;
    va_list args;
    va_start(args, format);
    vsnprintf(outcome->text, sizeof outcome->text, format, args);
    va_end(args);
}

static uint64_t below(sim_run *run, uint64_t bound)
{
    return test_below(&run->random, bound);
}

/* Whose thread the calling one is from now on. */
static void enter(sim_run *run, unsigned worker)
{
    sim_world_enter(run->world, worker);
    weir__current_context = worker == SIM_NONE ? NULL : (weir__context *)run->worker[worker];
}

/* ---- whose turn it is ---- */

/* Mostly the one whose clock is behind; NONE: all sleep for good, or have ended. */
static unsigned choose(sim_run *run)
{
    unsigned first = SIM_NONE, any = SIM_NONE, count = 0, asleep = SIM_NONE;
    for (unsigned w = 0; w < run->plan.workers; w++) {
        uint64_t ready = sim_world_ready_ns(run->world, w);
        if (run->over[w])
            continue;
        if (ready == UINT64_MAX) {
            asleep = asleep == SIM_NONE || below(run, 2) ? w : asleep;
            continue;
        }
        if (first == SIM_NONE || ready < sim_world_ready_ns(run->world, first))
            first = w;
        if (below(run, ++count) == 0)
            any = w;
    }
    if (asleep != SIM_NONE && first != SIM_NONE && run->plan.spurious && below(run, 20) == 0)
        return asleep;
    return below(run, 4) ? first : any;
}

/* A turn by one of the calls that programs and hosts have. False: the worker has ended. */
static bool turn(sim_run *run, unsigned w)
{
    weir_worker *worker = run->worker[w];
    uint64_t how = below(run, 12), timeout;
    if (how < 8)
        return weir_worker_step_or_park(worker, UINT64_MAX);
    if (how < 9)
        return weir_worker_step_or_park(worker, below(run, 100000));
    if (!weir_worker_step(worker))
        return false;
    if (how < 11 && weir_worker_prepare_wait(worker, &timeout))
        sim_world_wait(run->world, w, timeout);
    return true;
}

static void step(sim_run *run, unsigned w)
{
    enter(run, w);
    sim_world_rouse(run->world, w);
    run->over[w] = !turn(run, w);
    enter(run, SIM_NONE);
    run->steps++;
    run->rests = 0;
    bool all = below(run, 16) == 0;
    for (unsigned v = 0; v < run->plan.workers && !run->cut_short; v++)
        if (v == w || all)
            sim_oracle_check(run, v);
    if (run->plan.stalls && below(run, 40) == 0)
        sim_world_stall(run->world, w, below(run, 5000000));
}

/* ---- from outside ---- */

static bool poke(sim_run *run, bool all)
{
    bool any = false;
    enter(run, SIM_NONE);
    for (unsigned i = 0; i < run->plan.op_count && run->plan.ops[i].inputs == 0; i++)
        for (unsigned w = 0; w < run->plan.workers; w++)
            if (run->use[i].node[w] && !run->over[w] && (all || below(run, 4) == 0))
                any |= sim_node_poke(run->use[i].node[w]);
    return any;
}

static void intervene(sim_run *run)
{
    const sim_plan *p = &run->plan;
    enter(run, SIM_NONE);
    if (below(run, 30) == 0)
        poke(run, false);
    if (run->steps == p->limits.steps)
        sim_world_calm(run->world);
    if (run->steps == p->ends_at && (p->ending == SIM_IS_STOPPED || p->ending == SIM_IS_CANCELLED))
        weir_runtime_stop(run->runtime);
    if (run->steps == p->ends_at && p->ending == SIM_IS_CANCELLED) {
        run->cut_short = true;
        weir_runtime_stop(run->runtime);
    }
}

/* Nobody moves: right, if somebody outside has to do something first, or all is done. */
static bool rest(sim_run *run)
{
    unsigned waiting = SIM_NONE;
    for (unsigned w = 0; w < run->plan.workers; w++)
        if (!run->over[w])
            waiting = w;
    if (waiting == SIM_NONE)
        return false;
    if (run->cut_short)
        sim_fail(run, "the run was ended, and worker %u sleeps on", waiting);
    else
        sim_oracle_check_rest(run);
    if (run->rests++ == 3)
        sim_fail(run, "sources are woken, and nobody calls them");
    if (!run->outcome->failed && !poke(run, true))
        sim_fail(run, "nothing moves any more, and worker %u is not done", waiting);
    return true;
}

static void run_to_the_end(sim_run *run)
{
    while (!run->outcome->failed) {
        unsigned w = choose(run);
        if (w != SIM_NONE) {
            step(run, w);
            intervene(run);
        } else if (!rest(run)) {
            return;
        }
        run->cut_short |= run->told_to_fail;
        if (run->steps == STEPS_MAX)
            sim_fail(run, "no end after %d turns", STEPS_MAX);
    }
}

/* ---- beginning and end ---- */

static void begin(sim_run *run)
{
    const sim_plan *p = &run->plan;
    weir_error error = { 0 };
    char text[1600];
    weir_config config = { .struct_size = sizeof config, .workers = p->workers,
                           .hash_seed = p->seed * 2 + 1, .budget_bytes = p->budget_bytes,
                           .batch_bytes = p->batch_bytes, .no_spin = p->spin_us == 0,
                           .spin_us = p->spin_us, .env = sim_world_env(run->world) };
    run->runtime = weir_runtime_create(&config, &error);
    if (run->runtime) {
        weir_log_sum sum = weir__runtime_log_sum(run->runtime);
        sim_world_set_sum(run->world, &sum);
        weir_runtime_build(run->runtime, "simulated", sim_build, run, &error);
    }
    if (error.status != WEIR_OK) {
        sim_fail(run, "the graph is refused: %s", weir_error_text(&error, text, sizeof text));
        return;
    }
    for (unsigned w = 0; w < p->workers; w++)
        run->worker[w] = weir_runtime_take_worker(run->runtime, w, &error);
    weir_runtime_start(run->runtime, &error);
    sim_oracle_begin(run);
}

static void check_output(sim_run *run)
{
    sim_records want = { 0 };
    char text[400];
    sim_evaluate(&run->plan, &run->input, &want, SIZE_MAX);
    const char *differs = sim_records_differ(&run->output, &want, text, sizeof text);
    if (differs)
        sim_fail(run, "%s", differs);
    sim_records_fini(&want);
}

static void check_end(sim_run *run)
{
    weir_error error = { 0 };
    weir_process_info info = { 0 };
    weir_status status = weir_runtime_wait(run->runtime, &error), want = WEIR_OK;
    if (run->cut_short)
        want = run->told_to_fail ? WEIR_FAILED : WEIR_CANCELLED;
    if (status != want)
        sim_fail(run, "the run ended with status %d and not %d: %s", status, want, error.what);
    if (run->cut_short)
        return;
    weir_observe_process(run->runtime, &info);
    if (info.in_flight_bytes)
        sim_fail(run, "%lld bytes are in flight in the end", (long long)info.in_flight_bytes);
    sim_oracle_check_end(run);
    check_output(run);
}

void sim_run_once(const sim_limits *limits, sim_outcome *outcome)
{
    sim_run *run = calloc(1, sizeof *run);
    *outcome = (sim_outcome){ .failed = false };
    run->outcome = outcome;
    sim_plan_draw(&run->plan, limits);
    run->random = limits->seed * 11 + limits->schedule * 1000003;
    run->world = sim_world_create(&run->plan);
    enter(run, SIM_NONE);
    begin(run);
    if (!outcome->failed)
        run_to_the_end(run);
    if (!outcome->failed)
        check_end(run);
    outcome->steps = run->steps;
    enter(run, SIM_NONE);
    sim_oracle_end(run);
    weir_runtime_destroy(run->runtime);
    sim_world_destroy(run->world);
    sim_records_fini(&run->input);
    sim_records_fini(&run->output);
    free(run);
}

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

enum { STEPS_MAX = 1000000, APART_NS = 10000000 };

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
    for (unsigned p = 0; p < run->plan->processes; p++)
        sim_world_enter(run->process[p].world,
                        worker != SIM_NONE && sim_process_of(run, worker) == p
                            ? worker % run->plan->workers : SIM_NONE);
    weir__current_context = worker == SIM_NONE ? NULL : (weir__context *)run->worker[worker];
}

/* ---- whose turn it is ---- */

static uint64_t ready_ns(const sim_run *run, unsigned worker)
{
    unsigned place;
    const sim_world *world = sim_world_of(run, worker, &place);
    return sim_world_ready_ns(world, place);
}

/* Up to which moment any may be chosen: processes that run far apart would find each other dead. */
static uint64_t horizon(const sim_run *run)
{
    uint64_t first = UINT64_MAX;
    for (unsigned w = 0; run->plan->processes > 1 && w < sim_workers(run->plan); w++)
        if (!run->over[w] && ready_ns(run, w) < first)
            first = ready_ns(run, w);
    return first > UINT64_MAX - APART_NS ? UINT64_MAX : first + APART_NS;
}

/* Mostly the one whose clock is behind; NONE: all sleep for good, or have ended. */
static unsigned choose(sim_run *run)
{
    unsigned first = SIM_NONE, any = SIM_NONE, count = 0, asleep = SIM_NONE;
    uint64_t until = horizon(run);
    if (sim_processes_rest(run))
        return SIM_NONE;
    for (unsigned w = 0; w < sim_workers(run->plan); w++) {
        uint64_t ready = ready_ns(run, w);
        if (run->over[w] || (ready > until && ready != UINT64_MAX))
            continue;
        if (ready == UINT64_MAX) {
            asleep = asleep == SIM_NONE || below(run, 2) ? w : asleep;
            continue;
        }
        if (first == SIM_NONE || ready < ready_ns(run, first))
            first = w;
        if (below(run, ++count) == 0)
            any = w;
    }
    if (asleep != SIM_NONE && first != SIM_NONE && run->plan->spurious && below(run, 20) == 0)
        return asleep;
    return below(run, 4) ? first : any;
}

/* A turn by one of the calls that programs and hosts have. False: the worker has ended. */
static bool turn(sim_run *run, unsigned w)
{
    weir_worker *worker = run->worker[w];
    unsigned place;
    sim_world *world = sim_world_of(run, w, &place);
    uint64_t how = below(run, 12), timeout;
    if (how < 8)
        return weir_worker_step_or_park(worker, UINT64_MAX);
    if (how < 9)
        return weir_worker_step_or_park(worker, below(run, 100000));
    if (!weir_worker_step(worker))
        return false;
    if (how < 11 && weir_worker_prepare_wait(worker, &timeout))
        sim_world_wait(world, place, timeout);
    return true;
}

static void step(sim_run *run, unsigned w)
{
    unsigned place;
    sim_world *world = sim_world_of(run, w, &place);
    enter(run, w);
    sim_world_rouse(world, place);
    run->over[w] = !turn(run, w);
    enter(run, SIM_NONE);
    run->steps++;
    run->rests = 0;
    bool all = below(run, 16) == 0;
    bool looks = !run->plan->collections || below(run, 3) == 0; /* many ports, many times */
    sim_processes_check(run);
    for (unsigned v = 0; v < sim_workers(run->plan) && !run->cut_short; v++)
        if (((v == w && looks) || all) && !run->process[sim_process_of(run, v)].dead)
            sim_oracle_check(run, v);
    if (run->plan->stalls && below(run, 40) == 0)
        sim_world_stall(world, place, below(run, 5000000));
}

/* ---- from outside ---- */

static bool poke_flow(sim_run *run, sim_flow *flow, bool all)
{
    bool any = false;
    for (unsigned i = 0; i < flow->plan.op_count; i++)
        for (unsigned w = 0; w < sim_workers(run->plan); w++)
            if (flow->plan.ops[i].by_handle && !run->over[w])
                any |= (all || below(run, 4) == 0) && sim_feed(flow, &flow->plan.ops[i], w);
            else if (flow->plan.ops[i].inputs == 0 && flow->use[i].node[w] && !run->over[w] &&
                     (all || below(run, 4) == 0))
                any |= sim_node_poke(flow->use[i].node[w]);
    return any;
}

static bool poke(sim_run *run, bool all)
{
    bool any = false;
    enter(run, SIM_NONE);
    for (unsigned f = 0; f < run->flow_count; f++)
        any |= poke_flow(run, &run->flows[f], all);
    return any;
}

static void intervene(sim_run *run)
{
    const sim_plan *p = run->plan;
    enter(run, SIM_NONE);
    if (below(run, 30) == 0)
        poke(run, false);
    if (below(run, 4) == 0)
        sim_order_ask(run);
    sim_feeds_look(run);
    sim_outside_look(run);
    if (run->steps == p->limits.steps)
        for (unsigned q = 0; q < p->processes; q++)
            sim_world_calm(run->process[q].world);
    if (!run->ended && run->steps >= p->ends_at && (p->ends_early || sim_processes_run(run))) {
        run->ended = true;
        sim_processes_end(run);
    }
}

/* Nobody moves: right, if somebody outside has to do something first, or all is done. */
static bool rest(sim_run *run)
{
    unsigned waiting = SIM_NONE;
    for (unsigned w = 0; w < sim_workers(run->plan); w++)
        if (!run->over[w])
            waiting = w;
    if (waiting == SIM_NONE)
        return false;
    bool calmed = sim_outside_calm(run); /* else sinks may have left batches where they are */
    if (run->cut_short)
        sim_fail(run, "the run was ended, and worker %u sleeps on", waiting);
    else if (!calmed)
        sim_oracle_check_rest(run);
    if (run->rests++ == 3)
        sim_fail(run, "sources are woken, and nobody calls them");
    if (!run->outcome->failed && !poke(run, true) && !calmed)
        sim_fail(run, "nothing moves any more, and worker %u is not done", waiting);
    return true;
}

static void run_to_the_end(sim_run *run)
{
    while (!run->outcome->failed) {
        unsigned w = choose(run);
        if (w != SIM_NONE) {
            step(run, w);
            sim_shown_look(run);
            intervene(run);
            sim_processes_wake(run);
        } else if (!rest(run)) {
            return;
        }
        run->cut_short |= run->told_to_fail;
        if (run->steps == STEPS_MAX)
            sim_fail(run, "no end after %d turns", STEPS_MAX);
    }
}

/* ---- beginning and end ---- */

static void begin_process(sim_run *run, unsigned number)
{
    static const char *const hosts[] = { NULL, NULL, "a:1,b:2", "a:1,b:2,c:3" };
    const sim_plan *p = run->plan;
    sim_process *process = &run->process[number];
    weir_error error = { 0 };
    char text[1600];
    weir_config config = { .struct_size = sizeof config, .workers = p->workers,
                           .hash_seed = p->seed * 2 + 1, .budget_bytes = p->budget_bytes,
                           .batch_bytes = p->batch_bytes, .no_spin = p->spin_us == 0,
                           .spin_us = p->spin_us, .env = sim_world_env(process->world),
                           .processes = p->processes, .process = number,
                           .hosts = hosts[p->processes], .heartbeat_ms = 50, .silence_ms = 500,
                           .state_dir = p->segment_bytes ? "state" : NULL,
                           .segment_bytes = p->segment_bytes,
                           .connect_ms = p->ends_early ? SIM_CONNECT_MS : 0 };
    process->runtime = weir_runtime_create(&config, &error);
    if (process->runtime) {
        weir_log_sum sum = weir__runtime_log_sum(process->runtime);
        sim_world_set_sum(process->world, &sum);
        weir_runtime_build(process->runtime, "first", sim_build, run, &error);
        if (error.status == WEIR_OK)
            sim_order_begin(run, number);
    }
    if (error.status != WEIR_OK) {
        sim_fail(run, "the graph is refused: %s", weir_error_text(&error, text, sizeof text));
        return;
    }
    for (unsigned w = 0; w < p->workers; w++)
        run->worker[number * p->workers + w] = weir_runtime_take_worker(process->runtime, w,
                                                                        &error);
    weir_runtime_start(process->runtime, &error);
}

static void begin(sim_run *run)
{
    for (unsigned p = 0; p < run->plan->processes && !run->outcome->failed; p++)
        begin_process(run, p);
}

/* What was removed on the way gave a part, which part does not matter. */
static void check_output(sim_run *run, sim_flow *flow)
{
    sim_records want = { 0 };
    char text[400];
    if (!sim_order_check_flow(flow) || !flow->built)
        return; /* or it was asked for when all had ended */
    const char *differs;
    if (flow->plan.collections) {
        sim_outside_gather(flow);
        differs = sim_scratch_differs(flow, text, sizeof text);
    } else {
        sim_evaluate(&flow->plan, &flow->input, &want, SIZE_MAX);
        differs = sim_records_differ(&flow->output, &want, text, sizeof text);
    }
    if (differs)
        sim_fail(run, "flow %u: %s", flow->number, differs);
    sim_records_fini(&want);
}

static void check_end(sim_run *run)
{
    sim_processes_check_end(run);
    if (run->cut_short)
        return;
    for (unsigned p = 0; p < run->plan->processes; p++) {
        weir_process_info info = { 0 };
        weir_observe_process(run->process[p].runtime, &info);
        if (info.in_flight_bytes && !run->process[p].dead)
            sim_fail(run, "%lld bytes of process %u are in flight in the end",
                     (long long)info.in_flight_bytes, p);
    }
    sim_oracle_check_end(run);
    sim_order_check_entries(run);
    for (unsigned f = 0; f < run->flow_count; f++)
        check_output(run, &run->flows[f]);
}

static void draw(sim_run *run, const sim_limits *limits)
{
    run->flows = calloc(SIM_FLOWS, sizeof *run->flows);
    run->plan = &run->flows[0].plan;
    sim_plan_draw(run->plan, limits);
    run->flow_count = run->plan->flow_count;
    for (unsigned f = 0; f < run->flow_count; f++) {
        run->flows[f].run = run;
        run->flows[f].number = f;
        if (f > 0)
            sim_plan_draw_more(&run->flows[f].plan, run->plan, f);
    }
    run->random = limits->seed * 11 + limits->schedule * 1000003;
}

static void end(sim_run *run)
{
    enter(run, SIM_NONE);
    sim_shown_close(run);
    for (unsigned f = 0; f < run->flow_count; f++) {
        sim_oracle_end(&run->flows[f]);
    }
    sim_feeds_end(run);
    sim_order_end(run);
    sim_processes_destroy(run);
    sim_outside_end(run);
    for (unsigned f = 0; f < run->flow_count; f++) {
        sim_records_fini(&run->flows[f].input);
        sim_records_fini(&run->flows[f].output);
    }
    free(run->flows);
    free(run);
}

void sim_run_once(const sim_limits *limits, sim_outcome *outcome)
{
    sim_run *run = calloc(1, sizeof *run);
    *outcome = (sim_outcome){ .failed = false };
    run->outcome = outcome;
    draw(run, limits);
    sim_processes_create(run);
    enter(run, SIM_NONE);
    begin(run);
    if (!outcome->failed)
        run_to_the_end(run);
    if (!outcome->failed)
        check_end(run);
    outcome->steps = run->steps;
    for (unsigned p = 0; p < run->plan->processes; p++)
        outcome->segments += sim_world_segments(run->process[p].world);
    end(run);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Processes of a run: each a runtime in a world of its own, connected by streams in memory; what
 * lies in those streams; what ends one of them, and what the others have to know of it then.
 */
#include <string.h>

#include "comm/mesh_inside.h"
#include "net.h"
#include "worker/cluster.h"
#include "worker/runtime.h"

enum { NOTICED_NS = 200000000, SILENCE_NS = 500000000, NAP_NS = 200000 };

static weir__mesh *mesh_of(const sim_run *run, unsigned p)
{
    weir_runtime *runtime = run->process[p].runtime;
    return runtime && runtime->cluster ? weir__cluster_mesh(runtime->cluster) : NULL;
}

/* ---- life ---- */

void sim_processes_create(sim_run *run)
{
    const sim_plan *plan = run->plan;
    run->process = calloc(plan->processes, sizeof *run->process);
    if (plan->processes > 1)
        run->hub = weir__test_hub_create(plan->seed * 13 + plan->limits.schedule, plan->delays);
    for (unsigned p = 0; p < plan->processes; p++) {
        sim_process *process = &run->process[p];
        process->world = sim_world_create(plan, p);
        if (run->hub) {
            process->net = sim_net_create(run->hub, process->world);
            sim_world_env(process->world)->net = sim_net_table(process->net);
        }
    }
}

void sim_processes_destroy(sim_run *run)
{
    for (unsigned p = 0; p < run->plan->processes; p++)
        weir_runtime_destroy(run->process[p].runtime);
    for (unsigned p = 0; p < run->plan->processes; p++) {
        sim_world_destroy(run->process[p].world);
        sim_net_destroy(run->process[p].net);
    }
    if (run->hub)
        weir__test_hub_destroy(run->hub);
    free(run->process);
}

/* ---- whose turn it may be ---- */

void sim_processes_wake(sim_run *run)
{
    for (unsigned p = 0; run->hub && p < run->plan->processes; p++) {
        sim_process *process = &run->process[p];
        uint64_t ready = process->dead ? UINT64_MAX : sim_net_ready_ns(process->net);
        if (ready != UINT64_MAX)
            sim_world_wake_at(process->world, 0, ready);
    }
}

bool sim_processes_run(const sim_run *run)
{
    for (unsigned w = 0; run->hub && w < sim_workers(run->plan); w++)
        if (!run->worker[w]->running)
            return false;
    return true;
}

/* It sleeps until somebody wakes it, or has to look after its connections. */
static bool has_nothing_to_do(const sim_run *run, unsigned w)
{
    unsigned place;
    const sim_world *world = sim_world_of(run, w, &place);
    uint64_t due = sim_world_due_ns(world, place);
    if (due == 0 || sim_world_woken_ns(world, place) != UINT64_MAX)
        return false;
    if (place > 0)
        return due == UINT64_MAX;
    return due > sim_world_now_ns(world, place) + NAP_NS &&
           weir__agenda_due_ns(&run->worker[w]->context) == UINT64_MAX;
}

bool sim_processes_rest(const sim_run *run)
{
    sim_ending ending = run->plan->ending;
    bool breaks = run->ended && ending >= SIM_CRASHES;
    if (!run->hub || run->cut_short || breaks || !sim_processes_run(run))
        return false;
    for (unsigned w = 0; w < sim_workers(run->plan); w++)
        if (!run->over[w] && !has_nothing_to_do(run, w))
            return false;
    for (unsigned p = 0; p < run->plan->processes; p++)
        if (!run->over[p * run->plan->workers] &&
            sim_net_ready_ns(run->process[p].net) != UINT64_MAX)
            return false;
    return true;
}

/* ---- the end ---- */

static uint64_t last_ns(const sim_run *run)
{
    uint64_t last = 0;
    for (unsigned w = 0; w < sim_workers(run->plan); w++) {
        unsigned place;
        const sim_world *world = sim_world_of(run, w, &place);
        uint64_t now = sim_world_now_ns(world, place);
        last = now > last ? now : last;
    }
    return last;
}

static void kill_process(sim_run *run, unsigned p)
{
    bool crashes = run->plan->ending == SIM_CRASHES;
    run->process[p].dead = true;
    for (unsigned w = 0; w < run->plan->workers; w++)
        run->over[p * run->plan->workers + w] = true;
    if (crashes)
        sim_net_cut(run->process[p].net, test_below(&run->random, 2));
    run->until_ns = last_ns(run) + NOTICED_NS + (crashes ? 0 : SILENCE_NS) +
                    (run->plan->ends_early ? SIM_CONNECT_MS * UINT64_C(1000000) : 0);
}

void sim_processes_end(sim_run *run)
{
    const sim_plan *plan = run->plan;
    weir_runtime *runtime = run->process[plan->victim].runtime;
    run->must_fail = run->hub && !mesh_of(run, plan->victim)->goodbye;
    if (plan->ending == SIM_IS_STOPPED || plan->ending == SIM_IS_CANCELLED)
        weir_runtime_stop(runtime);
    if (plan->ending == SIM_IS_CANCELLED) {
        run->cut_short = true;
        weir_runtime_stop(runtime);
        run->until_ns = last_ns(run) + NOTICED_NS;
    }
    if (plan->ending >= SIM_CRASHES)
        kill_process(run, plan->victim);
}

void sim_processes_check(sim_run *run)
{
    for (unsigned p = 0; run->hub && p < run->plan->processes; p++)
        run->cut_short |= run->process[p].runtime->failed != 0;
    if (!run->hub || !run->until_ns || !run->must_fail)
        return;
    for (unsigned w = 0; w < sim_workers(run->plan); w++) {
        unsigned place;
        const sim_world *world = sim_world_of(run, w, &place);
        if (!run->over[w] && sim_world_now_ns(world, place) > run->until_ns)
            sim_fail(run, "process %u has ended, and worker %u still runs", run->plan->victim, w);
    }
}

/* "process 1 (b:2) is lost", "processes 0 (a:1), 1 (b:2) did not come", "process 1 was ended" */
static bool blames(const weir_error *error, unsigned process)
{
    char among[40], alone[40];
    snprintf(among, sizeof among, " %u (", process);
    snprintf(alone, sizeof alone, "process %u ", process);
    return strstr(error->what, among) || strstr(error->what, alone);
}

/* Whether process p says that it ended because of the victim: by itself, or by way of one that
 * does. */
static bool names(const weir_error *errors, unsigned processes, unsigned p, unsigned victim)
{
    for (unsigned q = 0; q < processes; q++)
        if (q != p && blames(&errors[p], q) && blames(&errors[q], victim))
            return true;
    return blames(&errors[p], victim);
}

/* What is wrong with how it ended, or NULL. */
static const char *check_status(const sim_run *run, const weir_error *errors, unsigned p)
{
    const sim_plan *plan = run->plan;
    weir_status status = errors[p].status;
    bool is_victim = run->ended && p == plan->victim;
    if (run->told_to_fail)
        return status == WEIR_OK ? "a step has failed" : NULL;
    if (!run->ended || plan->ending < SIM_IS_CANCELLED || plan->ending == SIM_FAILS)
        return status == WEIR_OK ? NULL : "nothing was wrong";
    if (plan->ending == SIM_IS_CANCELLED && is_victim)
        return status == WEIR_CANCELLED ? NULL : "it was ended at once";
    if (status == WEIR_OK)
        return run->must_fail ? "another was ended" : NULL;
    return names(errors, plan->processes, p, plan->victim) ? NULL : "the reason names another";
}

static void check_statuses(sim_run *run)
{
    weir_error errors[SIM_PROCESSES] = { 0 };
    bool told = false;
    for (unsigned p = 0; p < run->plan->processes; p++)
        if (!run->process[p].dead)
            errors[p].status = weir_runtime_wait(run->process[p].runtime, &errors[p]);
    for (unsigned p = 0; p < run->plan->processes; p++) {
        const char *wrong = run->process[p].dead ? NULL : check_status(run, errors, p);
        if (wrong)
            sim_fail(run, "process %u ended with status %d, but %s: %s", p, errors[p].status, wrong,
                     errors[p].what);
        told |= strcmp(errors[p].what, "the plan wants it") == 0;
    }
    if (run->told_to_fail && !told)
        sim_fail(run, "no process ended with why a step has failed: %s", errors[0].what);
}

void sim_processes_check_end(sim_run *run)
{
    weir_error error = { 0 };
    weir_status want = WEIR_OK;
    if (run->hub) {
        check_statuses(run);
        return;
    }
    weir_status status = weir_runtime_wait(run->process->runtime, &error);
    if (run->cut_short)
        want = run->told_to_fail ? WEIR_FAILED : WEIR_CANCELLED;
    if (status != want)
        sim_fail(run, "the run ended with status %d and not %d: %s", status, want, error.what);
}

/* ---- what is under way ---- */

typedef struct bytes {
    char *at;
    size_t size;
} bytes;

static void append(bytes *b, const void *data, size_t size)
{
    if (size == 0)
        return;
    b->at = realloc(b->at, b->size + size);
    memcpy(b->at + b->size, data, size);
    b->size += size;
}

/* What the owner of the other end has not written yet. */
static void append_unwritten(const sim_run *run, bytes *b, int stream)
{
    for (unsigned p = 0; p < run->plan->processes; p++)
        for (unsigned q = 0; mesh_of(run, p) && q < run->plan->processes; q++) {
            const weir__contact *c = mesh_of(run, p)->peers[q].contact;
            if (!c || c->wire.stream != stream)
                continue;
            for (uint32_t i = 0; i < c->wire.count; i++) {
                const weir__wire *wire = &c->wire;
                const weir__wire_piece *piece =
                    &wire->pieces[(wire->head + i) & (wire->capacity - 1)];
                size_t skip = i ? 0 : wire->written;
                append(b, piece->data + skip, piece->size - skip);
            }
        }
}

void sim_processes_each_batch_in(const void *data, size_t size_of_all, uint32_t dataflow,
                                 sim_frame_fn *fn, void *ctx)
{
    const char *all = data;
    weir__frame frame;
    weir_error error;
    int64_t size;
    for (size_t at = 0; at < size_of_all; at += (size_t)size) {
        weir__data head;
        weir__batch_head batch;
        size = weir__frame_read(all + at, size_of_all - at, WEIR__FRAME_MAX, &frame, &error);
        if (size <= 0)
            return;
        if (frame.kind != WEIR__FRAME_DATA || frame.body_size < sizeof batch ||
            !weir__frame_get_data(&frame, &head) || head.dataflow != dataflow)
            continue;
        memcpy(&batch, frame.body, sizeof batch);
        weir_time time = { 0 };
        memcpy(time.at, batch.time, sizeof batch.time);
        fn(head.port, &time, ctx);
    }
}

/* What comes to the owner of a contact: read and not taken, under way, not written. */
static void each_batch_to(const sim_run *run, const weir__contact *c, uint32_t dataflow,
                          sim_frame_fn *fn, void *ctx)
{
    bytes b = { 0 };
    const char *there;
    if (!c || c->wire.stream < 0)
        return;
    append(&b, c->wire.in + c->wire.taken, c->wire.filled - c->wire.taken);
    size_t size = weir__test_hub_look(run->hub, c->wire.stream, &there);
    append(&b, there, size);
    append_unwritten(run, &b, weir__test_hub_other(c->wire.stream));
    sim_processes_each_batch_in(b.at, b.size, dataflow, fn, ctx);
    free(b.at);
}

void sim_processes_each_batch(const sim_run *run, uint32_t dataflow, sim_frame_fn *fn, void *ctx)
{
    for (unsigned p = 0; run->hub && p < run->plan->processes; p++) {
        const weir__mesh *mesh = mesh_of(run, p);
        for (unsigned q = 0; mesh && q < run->plan->processes; q++)
            each_batch_to(run, mesh->peers[q].contact, dataflow, fn, ctx);
        for (unsigned g = 0; mesh && g < WEIR__GUESTS_MAX; g++)
            each_batch_to(run, mesh->guests[g], dataflow, fn, ctx);
    }
}

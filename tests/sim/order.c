/* SPDX-License-Identifier: Apache-2.0
 *
 * What is asked of a run while it runs, in any of its processes: dataflows to be added and removed,
 * entries of a sequencer; and what has to have become of it in the end.
 */
#include <string.h>

#include "sim.h"
#include "worker/runtime.h"

static void note_entry(const weir_entry *entry, void *ctx)
{
    sim_run *run = ctx;
    sim_entries *got = &run->entries[weir_worker_index(entry->worker)];
    if (got->count == SIM_ENTRIES || (got->count && entry->place <= got->last_place)) {
        sim_fail(run, "worker %u got an entry twice", weir_worker_index(entry->worker));
        return;
    }
    got->last_place = entry->place;
    memcpy(&got->pushed[got->count++], entry->data, sizeof *got->pushed);
}

void sim_order_begin(sim_run *run, unsigned number)
{
    sim_process *process = &run->process[number];
    weir_runtime_register(process->runtime, "simulated", sim_build, run, NULL);
    process->sequencer = weir_sequencer_create(process->runtime, "entries", note_entry, run, NULL);
}

static const char *name_of(const sim_flow *flow, char *text, size_t size)
{
    snprintf(text, size, "flow-%u", flow->number);
    return text;
}

weir_dataflow *sim_order_find(sim_flow *flow, unsigned process)
{
    weir_runtime *runtime = flow->run->process[process].runtime;
    char text[20];
    if (flow->number == 0) {
        weir_dataflow *first = weir__id_table_find(&runtime->dataflow_table, 0);
        return first;
    }
    if (!flow->handle[process] && flow->asked)
        flow->handle[process] = weir_runtime_find(runtime, name_of(flow, text, sizeof text));
    return flow->handle[process];
}

/* Refused if the run has ended: then there is none. */
static void add(sim_run *run, sim_flow *flow)
{
    char text[20];
    flow->asked = true;
    weir_runtime_add(run->process[flow->plan.adder].runtime, &(weir_dataflow_spec){
        .struct_size = sizeof(weir_dataflow_spec), .build = "simulated",
        .name = name_of(flow, text, sizeof text), .args = &flow->number,
        .args_size = sizeof flow->number }, &flow->handle[flow->plan.adder], NULL);
}

void sim_order_ask(sim_run *run)
{
    const sim_plan *plan = run->plan;
    for (unsigned f = 1; f < run->flow_count; f++) {
        sim_flow *flow = &run->flows[f];
        if (!flow->asked && run->steps >= flow->plan.added_at)
            add(run, flow);
        if (flow->removed || !flow->plan.removed_at || run->steps < flow->plan.removed_at)
            continue;
        weir_dataflow *handle = sim_order_find(flow, flow->plan.remover);
        flow->removed = handle && weir_dataflow_remove(handle, NULL) == WEIR_OK;
    }
    if (run->pushed < plan->entry_count && run->steps > 10 * run->pushed) {
        unsigned number = run->pushed++;
        weir_sequencer_push(run->process[number % plan->processes].sequencer, &number,
                            sizeof number, NULL);
    }
}

bool sim_order_is_complete(const sim_run *run)
{
    for (unsigned f = 1; f < run->flow_count; f++) {
        const sim_flow *flow = &run->flows[f];
        if (flow->removed)
            continue;
        if (!flow->oracle)
            return false;
        for (unsigned w = 0; w < sim_workers(run->plan); w++)
            if (run->worker[w]->next_id <= sim_oracle_id(flow->oracle))
                return false;
    }
    return true;
}

/* What it would import is not kept any more. */
static bool may_be_gone(const sim_flow *flow)
{
    bool is = false;
    for (unsigned i = 0; i < flow->plan.op_count; i++)
        is |= flow->plan.ops[i].begins_late;
    return is && !sim_keeps_history(&flow->run->flows[0].plan);
}

bool sim_order_check_flow(sim_flow *flow)
{
    sim_run *run = flow->run;
    for (unsigned p = 0; flow->number && p < run->plan->processes; p++) {
        weir_dataflow_info info;
        if (!sim_order_find(flow, p))
            continue;
        weir_dataflow_get_info(flow->handle[p], &info);
        if (info.state == WEIR_DATAFLOW_FAILED && info.error.status == WEIR_CLOSED)
            return false; /* it was asked for too late */
        if (info.state == WEIR_DATAFLOW_FAILED && info.error.status == WEIR_GONE &&
            may_be_gone(flow))
            return false;
        if (info.state != WEIR_DATAFLOW_GONE)
            sim_fail(run, "flow %u is %s in process %u in the end: %s", flow->number,
                     weir_dataflow_state_name(info.state), p, info.error.what);
    }
    return !flow->removed;
}

void sim_order_check_entries(sim_run *run)
{
    unsigned last[SIM_PROCESSES] = { 0 };
    const sim_entries *first = &run->entries[0];
    for (unsigned w = 1; w < sim_workers(run->plan); w++)
        if (run->entries[w].count != first->count ||
            memcmp(run->entries[w].pushed, first->pushed, first->count * sizeof(unsigned)) != 0)
            sim_fail(run, "worker %u got other entries than worker 0", w);
    for (unsigned i = 0; i < first->count; i++) { /* those of one process keep their order */
        unsigned process = first->pushed[i] % run->plan->processes;
        if (first->pushed[i] < last[process])
            sim_fail(run, "process %u pushed entry %u, and later another one before it", process,
                     first->pushed[i]);
        last[process] = first->pushed[i];
    }
}

void sim_order_end(sim_run *run)
{
    for (unsigned f = 0; f < run->flow_count; f++)
        for (unsigned p = 0; p < run->plan->processes; p++)
            weir_dataflow_release(run->flows[f].handle[p]);
}

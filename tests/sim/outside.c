/* SPDX-License-Identifier: Apache-2.0
 *
 * What lies outside of a run's dataflows: one broker for all of them, which may go away for a
 * while, files, what was captured.
 */
#include <weir/connectors/kafka_simulated.h>

#include "forms.h"

void sim_topic_name(const struct sim_use *use, char *name, size_t size)
{
    snprintf(name, size, "topic-%u-%u", use->flow->number,
             (unsigned)(use->op - use->flow->plan.ops));
}

weir_kafka_broker *sim_broker(sim_run *run)
{
    if (!run->broker)
        run->broker = weir_kafka_simulated_create();
    return run->broker;
}

void sim_outside_look(sim_run *run)
{
    if (!run->broker || test_below(&run->random, 12) != 0)
        return;
    bool on = test_below(&run->random, 2) == 0;
    switch (test_below(&run->random, 3)) {
    case 0:
        weir_kafka_simulated_away(run->broker, on);
        break;
    case 1:
        weir_kafka_simulated_hold_reports(run->broker, on);
        break;
    default:
        weir_kafka_simulated_window(run->broker, on ? 1 + test_below(&run->random, 3) : 0);
    }
    run->faulty |= on;
}

bool sim_outside_calm(sim_run *run)
{
    bool was = run->faulty;
    if (was) {
        weir_kafka_simulated_away(run->broker, false);
        weir_kafka_simulated_hold_reports(run->broker, false);
        weir_kafka_simulated_window(run->broker, 0);
    }
    run->faulty = false;
    return was;
}

void sim_outside_gather(sim_flow *flow)
{
    for (unsigned i = 0; i < flow->plan.op_count; i++)
        if (flow->use[i].gather)
            flow->use[i].gather(&flow->use[i]);
}

void sim_outside_end(sim_run *run)
{
    for (unsigned f = 0; f < run->flow_count; f++)
        for (unsigned i = 0; i < run->flows[f].plan.op_count; i++)
            for (unsigned p = 0; p < SIM_PROCESSES; p++) {
                struct sim_kept *kept = &run->flows[f].use[i].kept[p];
                weir_captured_destroy(kept->captured);
                if (kept->file)
                    (void)fclose(kept->file);
            }
    if (run->broker)
        weir_kafka_simulated_destroy(run->broker);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The end of a dataflow on one worker, whatever is under way in it, in two steps. First its nodes
 * go; what they held and what waits at them, or still arrives, is kept as changes that nobody is
 * told of. Other workers may not have come so far: to their nodes it is still to come, so they take
 * nothing for complete of which a part was thrown away. When all have come so far, those changes
 * are applied and published, as if nodes had dropped and consumed it all. So every tracker comes to
 * have nothing left, in the way it always does, and only then is the instance freed.
 */
#include <string.h>

#include "base/planted.h"
#include "dataflow/instance.h"

/* Before the drop changes are kept, after it everybody hears of them; credits go back at once. */
static void settle(weir__dataflow *dataflow)
{
    if (!dataflow->drops) {
        weir__changes_merge(&dataflow->thrown, &dataflow->pass);
        if (!WEIR_PLANTED(DROPPED_EARLY))
            weir__changes_clear(&dataflow->pass);
    }
    weir__dataflow_apply(dataflow);
    weir__flow_return(dataflow);
}

void weir__dataflow_discard_batch(weir__dataflow *dataflow, uint32_t port, weir_batch *batch)
{
    weir__flow_discard(dataflow, port, batch);
    settle(dataflow);
}

static void end_node(weir__dataflow *dataflow, weir__node_instance *node)
{
    weir_step *step = &node->step;
    weir__node_end(step);
    for (unsigned k = 0; k < step->node->spec.input_count; k++)
        weir__flow_discard_queue(dataflow, step->node->first_input + k, &step->queues[k]);
    step->finished = true;
    weir__node_drop_caps(node);
    weir__flow_beside(&dataflow->flow, step->beside, 0);
    step->beside = 0;
    step->due_ns = UINT64_MAX;
    step->waits_for_room = false;
}

void weir__dataflow_discard(weir__dataflow *dataflow)
{
    if (dataflow->discards)
        return;
    dataflow->discards = true;
    for (uint32_t i = 0; i < dataflow->graph->nodes.count; i++)
        end_node(dataflow, &dataflow->nodes[i]);
    weir__flow_discard_outboxes(dataflow);
    weir__wakers_take(dataflow->context); /* ours among them, which are void from now on */
    memset(dataflow->active, 0, dataflow->active_words * sizeof(uint64_t));
    memset(dataflow->idle, 0, dataflow->active_words * sizeof(uint64_t));
    dataflow->active_count = dataflow->waiting_count = dataflow->idle_count = 0;
    dataflow->next_due_ns = UINT64_MAX;
    settle(dataflow);
    weir__dataflow_ready(dataflow);
}

void weir__dataflow_drop(weir__dataflow *dataflow)
{
    dataflow->drops = true;
    if (!WEIR_PLANTED(DROPPED_EARLY))
        weir__changes_merge(&dataflow->pass, &dataflow->thrown);
    weir__changes_fini(&dataflow->thrown);
    settle(dataflow);
    weir__dataflow_ready(dataflow);
}

bool weir__dataflow_is_spent(const weir__dataflow *dataflow)
{
    return weir__tracker_is_empty(dataflow->tracker) && dataflow->active_count == 0 &&
           weir__changes_is_empty(&dataflow->unpublished) &&
           weir__changes_is_empty(&dataflow->thrown) && !dataflow->touched;
}

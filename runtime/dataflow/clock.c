/* SPDX-License-Identifier: Apache-2.0
 *
 * The epoch clock: one number line for a cluster. A source sends at its open epoch. Once it has
 * sent something the epoch is closed as soon as the one before is complete where it settles (views
 * and sinks), at the latest after a tick, and not before it if all of those write only now and
 * then; the next one is the greater of its own plus one and the greatest heard of. A source that
 * has sent nothing follows what it hears: of its own dataflow at once, of others within a tick
 * (agenda.c). One that ends closes its epoch, so that idle sources do not keep its last records
 * from being complete; it holds the next one until that is published, since idle sources of other
 * workers hear of it by that only. Nobody ticks at rest.
 */
#include <string.h>

#include "base/assert.h"
#include "base/planted.h"
#include "dataflow/instance.h"

weir_time weir_step_epoch(const weir_step *step)
{
    return weir_time_1(step->epoch);
}

void weir_step_touch(weir_step *step)
{
    if (step->epoch_dirty)
        return;
    step->epoch_dirty = true;
    step->epoch_opened_ns = step->context->now_ns;
}

void weir_step_finish(weir_step *step)
{
    weir__output_instance *outputs = step->outputs;
    for (unsigned o = 0; o < step->node->spec.output_count; o++)
        if (outputs[o].open) {
            outputs[o].open = false;
            weir__builder_flush(&outputs[o].builder);
        }
    weir__node_finish((weir__node_instance *)step);
}

bool weir_step_ending(const weir_step *step) { return step->ending; }

/* Everything before this epoch is complete at every view and sink, as far as is known here, and one
 * of them waits for it. */
static bool settled_before(const weir__dataflow *dataflow, uint64_t epoch)
{
    if (dataflow->unhurried)
        return false;
    weir_time before = weir_time_1(epoch - 1);
    for (uint32_t i = 0; epoch && i < dataflow->settling_count; i++)
        if (weir_frontier_less_equal(dataflow->settling[i], &before))
            return false;
    return true;
}

static void advance(weir_step *step, uint64_t epoch)
{
    for (unsigned o = 0; o < step->node->spec.output_count; o++)
        if (step->caps[o].held) {
            weir_time t = weir_time_1(epoch);
            weir_cap_downgrade(step, o, &t);
        }
    step->epoch = epoch;
    step->epoch_dirty = false;
    if (epoch > step->dataflow->epoch_heard)
        step->dataflow->epoch_heard = epoch;
    /* what watches keeps its epochs to itself: others that followed it would give it more to see */
    if (epoch > step->context->epoch_heard && !step->dataflow->graph->watches)
        step->context->epoch_heard = epoch;
}

static void close_epoch(weir_step *step)
{
    uint64_t heard = step->context->epoch_heard;
    advance(step, heard > step->epoch ? heard : step->epoch + 1);
}

bool weir__clock_leave(weir_step *step)
{
    if (!step->epoch_dirty)
        return false;
    close_epoch(step);
    return step->context->workers > 1;
}

/* One that has ended, and still holds the epoch after its last one. */
static bool is_leaving(const weir_step *step)
{
    return step->finished && step->caps_held > 0;
}

bool weir__clock_turn(weir__dataflow *dataflow)
{
    bool moved = false;
    weir__context *context = dataflow->context;
    for (uint32_t i = 0; i < dataflow->clocked_count; i++) {
        weir_step *step = &dataflow->nodes[dataflow->clocked[i]].step;
        if (is_leaving(step) && weir__changes_is_empty(&dataflow->unpublished)) {
            weir__node_drop_caps(&dataflow->nodes[dataflow->clocked[i]]);
            moved = true;
        }
        if (step->finished)
            continue;
        if (step->epoch_dirty) {
            if (!settled_before(dataflow, step->epoch) &&
                context->now_ns < step->epoch_opened_ns + context->tick_ns)
                continue;
            close_epoch(step);
            moved = true;
        } else if (dataflow->epoch_heard > step->epoch) {
            advance(step, dataflow->epoch_heard);
            moved = true;
        }
    }
    return moved;
}

uint64_t weir__clock_due_ns(const weir__dataflow *dataflow)
{
    uint64_t due = UINT64_MAX;
    for (uint32_t i = 0; i < dataflow->clocked_count; i++) {
        const weir_step *step = &dataflow->nodes[dataflow->clocked[i]].step;
        uint64_t at = step->epoch_opened_ns + dataflow->context->tick_ns;
        if (step->epoch_dirty && !step->finished && at < due && !WEIR_PLANTED(EPOCH_DUE_MISSED))
            due = at;
        if (is_leaving(step))
            return 0;
    }
    return due;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Capabilities: rights to send at a time or later. The engine owns them in a table of the node's;
 * nodes have their numbers. Every change of one is a change of the pass.
 */
#include <string.h>

#include "base/assert.h"
#include "dataflow/instance.h"

static void change(weir_step *step, uint32_t output, const weir_time *time, int64_t diff)
{
    weir__dataflow_change(step->dataflow, step->node->first_output + output, time, diff);
}

weir_cap weir__cap_add(weir_step *step, uint32_t output, const weir_time *time)
{
    uint32_t i;
    if (step->cap_free_count) {
        i = step->cap_free[--step->cap_free_count];
    } else {
        if (step->cap_count == step->cap_capacity) {
            uint32_t old = step->cap_capacity, capacity = old ? old * 2 : 4;
            step->caps = weir_realloc_must(step->caps, old * sizeof *step->caps,
                                           capacity * sizeof *step->caps);
            step->cap_free = weir_realloc_must(step->cap_free, old * sizeof(uint32_t),
                                               capacity * sizeof(uint32_t));
            step->cap_capacity = capacity;
        }
        i = step->cap_count++;
    }
    step->caps[i] = (weir__held_cap){ .time = *time, .output = output, .held = true,
                                      .since_ns = step->context->now_ns };
    __atomic_store_n(&step->caps_held, step->caps_held + 1, __ATOMIC_RELAXED);
    return i;
}

static weir__held_cap *held(const weir_step *step, weir_cap cap, const char *verb)
{
    WEIR_ASSERT(cap < step->cap_count && step->caps[cap].held,
                "operator '%s': %s capability %u, which it does not hold", step->node->name, verb,
                cap);
    return &step->caps[cap];
}

static void assert_not_before(const weir_step *step, const weir_time *from, const weir_time *to,
                              const char *verb)
{
    unsigned depth = step->node->depth;
    if (WEIR_LIKELY(weir_time_less_equal(from, to, depth)))
        return;
    char a[96], b[96];
    WEIR_ASSERT(false, "operator '%s': %s a capability from %s to %s, which is not at or after it",
                step->node->name, verb, weir_time_text(from, depth, a, sizeof a),
                weir_time_text(to, depth, b, sizeof b));
}

weir_cap weir_cap_retain(weir_step *step, unsigned output, const weir_time *t)
{
    WEIR_ASSERT(step->current, "operator '%s': retains a capability without a current batch",
                step->node->name);
    WEIR_ASSERT(output < step->node->spec.output_count, "operator '%s' has no output %u",
                step->node->name, output);
    weir_time from = step->current->time;
    const weir_summary *s = step->node->spec.summaries;
    if (s) {
        s += step->current_input * step->node->spec.output_count + output;
        WEIR_ASSERT(s->depth && weir_summary_apply(s, &step->current->time, &from),
                    "operator '%s': no capability of output %u comes from input %u",
                    step->node->name, output, step->current_input);
    }
    weir_time time = t ? *t : from;
    assert_not_before(step, &from, &time, "retains");
    change(step, output, &time, 1);
    return weir__cap_add(step, output, &time);
}

weir_cap weir_cap_delayed(weir_step *step, weir_cap cap, const weir_time *t)
{
    weir__held_cap *c = held(step, cap, "delays");
    weir_time time = t ? *t : c->time;
    assert_not_before(step, &c->time, &time, "delays");
    change(step, c->output, &time, 1);
    return weir__cap_add(step, c->output, &time);
}

void weir_cap_downgrade(weir_step *step, weir_cap cap, const weir_time *t)
{
    weir__held_cap *c = held(step, cap, "downgrades");
    assert_not_before(step, &c->time, t, "downgrades");
    change(step, c->output, &c->time, -1);
    change(step, c->output, t, 1);
    c->time = *t;
    c->since_ns = step->context->now_ns;
}

void weir_cap_drop(weir_step *step, weir_cap cap)
{
    weir__held_cap *c = held(step, cap, "drops");
    change(step, c->output, &c->time, -1);
    c->held = false;
    step->cap_free[step->cap_free_count++] = cap;
    __atomic_store_n(&step->caps_held, step->caps_held - 1, __ATOMIC_RELAXED);
}

weir_time weir_cap_time(const weir_step *step, weir_cap cap)
{
    return held(step, cap, "asks for")->time;
}

bool weir_cap_held(const weir_step *step, weir_cap cap)
{
    return cap < step->cap_count && step->caps[cap].held;
}

void weir__node_drop_caps(weir__node_instance *node)
{
    for (uint32_t i = 0; i < node->step.cap_count; i++)
        if (node->step.caps[i].held)
            weir_cap_drop(&node->step, i);
}

void weir__node_finish(weir__node_instance *node)
{
    weir_step *step = &node->step;
    if (step->finished)
        return;
    step->finished = true;
    if (!weir__clock_leave(step))
        weir__node_drop_caps(node);
}

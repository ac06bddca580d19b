/* SPDX-License-Identifier: Apache-2.0
 *
 * How often nodes have been called: what takes long has to be done in many steps.
 */
#ifndef WEIR_TESTS_OPERATORS_STEPS_H
#define WEIR_TESTS_OPERATORS_STEPS_H

#include <string.h>
#include <weir/observe.h>
#include <weir/test.h>

typedef struct steps_ask {
    const char *kind;
    uint64_t steps;
} steps_ask;

static inline void steps_add(const weir_node_info *info, void *ctx)
{
    steps_ask *ask = ctx;
    if (strcmp(info->kind, ask->kind) == 0)
        ask->steps += info->steps;
}

static inline uint64_t steps_of(weir_test *t, const char *kind)
{
    steps_ask ask = { kind, 0 };
    weir_observe(weir_test_worker(t, 0), &(weir_observer){ .node = steps_add, .ctx = &ask });
    return ask.steps;
}

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * How many values of groups operators have looked at, which is what a change in a large group
 * costs.
 */
#ifndef WEIR_TESTS_OPERATORS_LOOKED_H
#define WEIR_TESTS_OPERATORS_LOOKED_H

#include <string.h>
#include <weir/observe.h>
#include <weir/test.h>

static inline void looked_add(const weir_metric_info *info, void *ctx)
{
    if (strcmp(info->name, "weir_group_values_total") == 0)
        *(int64_t *)ctx += info->value;
}

static inline int64_t looked(weir_test *t)
{
    int64_t sum = 0;
    weir_observe(weir_test_worker(t, 0), &(weir_observer){ .metric = looked_add, .ctx = &sum });
    return sum;
}

#endif

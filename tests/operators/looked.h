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

#include "support.h"

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

/* Ends an epoch that has one change, at so many inputs: fewer than `most` values are looked at for
 * it. How many changes it gave, which are taken. */
static inline size_t looked_at_end(weir_test *t, unsigned inputs, uint64_t epoch, int64_t most)
{
    int64_t before = looked(t);
    for (unsigned i = 0; i < inputs; i++)
        weir_test_advance(t, i, epoch + 1);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_int_lt(looked(t) - before, most);
    size_t count = weir_test_count(t, 0);
    weir_test_take(t, 0);
    return count;
}

#endif

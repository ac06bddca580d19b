/* SPDX-License-Identifier: Apache-2.0
 *
 * Random changes of a group whose greatest values are asked for: what comes or goes at the front,
 * anywhere, what is there or is not.
 */
#ifndef WEIR_TESTS_OPERATORS_FRONT_CHANGES_H
#define WEIR_TESTS_OPERATORS_FRONT_CHANGES_H

#include "support.h"

/* A few changes of a kind. */
typedef struct front_changes {
    uint64_t *random;
    uint32_t kind, values; /* kinds 0 and 1: one after the other from the front on */
    uint32_t at;           /* the front */
} front_changes;

/* Of a group in which values below `values` are there so often. */
static inline front_changes front_changes_of(uint64_t *random, const int64_t *there,
                                             uint32_t values, uint32_t kind)
{
    uint32_t at = values - 1;
    while (at > 0 && there[at] <= 0)
        at--;
    return (front_changes){ random, kind, values, at };
}

/* The next value that changes, and how, where it is there so often. */
static inline uint32_t front_change_value(front_changes *c)
{
    uint32_t value = (uint32_t)test_below(c->random, c->values);
    if (c->kind < 2)
        return c->at > 0 ? c->at-- : 0;
    return c->kind == 2 ? c->at + (uint32_t)test_below(c->random, c->values - c->at) : value;
}
static inline int64_t front_change_diff(const front_changes *c, int64_t there)
{
    int64_t diff = c->kind == 0 || c->kind == 3 ? -there : 1 + (int64_t)test_below(c->random, 2);
    return c->kind == 4 ? (int64_t)test_below(c->random, 5) - 2 : diff;
}

#endif

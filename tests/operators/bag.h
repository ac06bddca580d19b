/* SPDX-License-Identifier: Apache-2.0
 *
 * A multiset of texts, for tests that compare a collection with what a computation from scratch
 * gives: how often each record is there.
 */
#ifndef WEIR_TESTS_OPERATORS_BAG_H
#define WEIR_TESTS_OPERATORS_BAG_H

#include <stdlib.h>
#include <string.h>
#include <weir/test.h>

#include "support.h"

typedef struct bag {
    char **texts; /* ascending */
    int64_t *counts;
    size_t count, capacity;
} bag;

static void bag_add(bag *b, const char *text, int64_t diff)
{
    size_t low = 0, high = b->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(b->texts[middle], text) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < b->count && strcmp(b->texts[low], text) == 0) {
        b->counts[low] += diff;
        return;
    }
    if (b->count == b->capacity) {
        b->capacity = 2 * b->capacity + 16;
        b->texts = realloc(b->texts, b->capacity * sizeof *b->texts);
        b->counts = realloc(b->counts, b->capacity * sizeof *b->counts);
    }
    memmove(b->texts + low + 1, b->texts + low, (b->count - low) * sizeof *b->texts);
    memmove(b->counts + low + 1, b->counts + low, (b->count - low) * sizeof *b->counts);
    b->count++;
    b->texts[low] = strdup(text);
    b->counts[low] = diff;
}

WEIR_UNUSED static void bag_add_record(bag *b, const weir_type *type, const void *record,
                                       int64_t diff)
{
    char text[1000];
    bag_add(b, weir_record_text(type, record, text, sizeof text), diff);
}

/* What the changes of an output up to a time add up to. */
WEIR_UNUSED static void bag_of_output(bag *b, weir_test *t, unsigned output, const weir_type *type,
                                      const weir_time *time)
{
    for (size_t i = 0; i < weir_test_count(t, output); i++) {
        weir_test_change c = weir_test_at(t, output, i);
        if (weir_time_less_equal(&c.time, time, WEIR_TIME_COORDS))
            bag_add_record(b, type, c.record, c.diff);
    }
}

/* A text that is in one of them another number of times than in the other; NULL: there is none. */
WEIR_UNUSED static const char *bag_difference(const bag *a, const bag *b)
{
    size_t i = 0, k = 0;
    while (i < a->count || k < b->count) {
        int order = i == a->count ? 1 : k == b->count ? -1 : strcmp(a->texts[i], b->texts[k]);
        int64_t of_a = order <= 0 ? a->counts[i] : 0, of_b = order >= 0 ? b->counts[k] : 0;
        if (of_a != of_b)
            return order <= 0 ? a->texts[i] : b->texts[k];
        i += order <= 0;
        k += order >= 0;
    }
    return NULL;
}

static void bag_free(bag *b)
{
    for (size_t i = 0; i < b->count; i++)
        free(b->texts[i]);
    free(b->texts);
    free(b->counts);
    *b = (bag){ .count = 0 };
}

/* An assertion: an output has at a time what it was to have, which is freed. */
WEIR_UNUSED static void bag_expect(bag *wanted, weir_test *t, unsigned output,
                                   const weir_type *type, const weir_time *time)
{
    bag is = { .count = 0 };
    char text[100];
    bag_of_output(&is, t, output, type, time);
    const char *difference = bag_difference(&is, wanted);
    ck_assert_msg(!difference, "WEIR_SEED=%llu: output %u at %s: %s",
                  (unsigned long long)weir_test_seed(t), output,
                  weir_time_text(time, WEIR_TIME_COORDS, text, sizeof text), difference);
    bag_free(&is);
    bag_free(wanted);
}

#endif

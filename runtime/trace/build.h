/* SPDX-License-Identifier: Apache-2.0
 *
 * The inside of builders, for the files that share it: updates as they came, and their order.
 */
#ifndef WEIR_TRACE_BUILD_H
#define WEIR_TRACE_BUILD_H

#include "trace/column.h"
#include "trace/heap.h"
#include "trace/run.h"

/* One update while it is sorted. */
typedef struct weir__sorted {
    uint64_t hash;
    uint64_t word; /* what the value begins with, if that is an integer: it orders as that does */
    uint32_t index;
    uint32_t news; /* after it is sorted: what is new about it since the one before */
} weir__sorted;

enum { WEIR__NEW_VALUE = 1, WEIR__NEW_KEY = 2 };

struct weir_trace_builder {
    weir_shape *shape;
    weir_account *account;
    size_t charged;
    uint32_t count;
    bool times_vary, diffs_vary;
    bool plain;     /* updates are noted in `entries` alone (plain.h) */
    bool was_mixed; /* it had to make records of such: it begins with records from then on */
    bool has_diffs; /* plain updates have diffs of their own; else all are `diff` */
    weir_time time; /* of all, unless they vary */
    int64_t diff;   /* the same */
    uint64_t low, high; /* the least and the greatest hash, if it is plain */
    weir__column records, hashes, times, diffs, entries, spare;
    weir__heap heap;
};

static inline const char *weir__builder_record(const weir_trace_builder *b, uint32_t index)
{
    return b->records.data + (size_t)index * b->shape->type->size;
}
static inline const uint64_t *weir__builder_coords(const weir_trace_builder *b, uint32_t index)
{
    if (!b->times_vary)
        return b->time.at;
    return (const uint64_t *)(const void *)b->times.data + (size_t)index * b->shape->depth;
}
static inline int64_t weir__builder_diff(const weir_trace_builder *b, uint32_t index)
{
    return b->diffs_vary ? ((const int64_t *)(const void *)b->diffs.data)[index] : b->diff;
}

static inline int weir__builder_compare_times(const weir_trace_builder *b, const weir__sorted *x,
                                              const weir__sorted *y)
{
    const uint64_t *a = weir__builder_coords(b, x->index), *c = weir__builder_coords(b, y->index);
    for (uint32_t i = 0; i < b->shape->depth; i++)
        if (a[i] != c[i])
            return a[i] < c[i] ? -1 : 1;
    return 0;
}

/* Sums are kept in `spare`, so that building may be tried again when memory fails. */
static inline int64_t *weir__builder_sums(weir_trace_builder *b)
{
    return (int64_t *)(void *)b->spare.data;
}

/* Sorts all updates and adds up those of one record and time: leaves in `entries`, in order, one of
 * each whose diffs do not add up to 0, marked with what is new about it, and says what room they
 * take, but for strings. OVERFLOWED: a sum left the range; NO_MEMORY. */
weir_status weir__builder_sort(weir_trace_builder *b, weir__room *room);

#endif

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
    weir_time time; /* of all, unless they vary */
    int64_t diff;   /* the same */
    weir__column records, hashes, times, diffs, entries, spare, ranked;
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

/* Order of two updates by hash and key; of one key, by the other fields; of one record, by time. */
int weir__builder_compare_keys(const weir_trace_builder *b, const weir__sorted *x,
                               const weir__sorted *y);
int weir__builder_compare_values(const weir_trace_builder *b, const weir__sorted *x,
                                 const weir__sorted *y);
int weir__builder_compare_times(const weir_trace_builder *b, const weir__sorted *x,
                                const weir__sorted *y);
/* All updates in order, in `entries`; `spare` has room for as many, `ranked` is of the sort alone.
 * NULL: no memory. */
weir__sorted *weir__builder_sort(weir_trace_builder *b);

#endif

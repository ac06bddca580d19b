/* SPDX-License-Identifier: Apache-2.0
 *
 * A gather: a builder whose records are kept instead of sent, for operators that look at what a
 * user's function emits before it leaves, or instead.
 *
 *     fn(key, values, weir_gather_begin(g));
 *     size_t count = weir_gather_end(g, &pieces);
 *
 * Belongs to one thread.
 */
#ifndef WEIR_GATHER_H
#define WEIR_GATHER_H

#include <weir/batch.h>

WEIR_BEGIN_DECLS

typedef struct weir_gather weir_gather;

/* Records that lie one after the other. */
typedef struct weir_gathered {
    const void *records;
    const int64_t *diffs; /* NULL: all 1 */
    size_t count;
} weir_gathered;

/* Of records of this type, which must outlive it. NULL: no memory. */
WEIR_API weir_gather *weir_gather_create(const weir_type *type);
WEIR_API void weir_gather_destroy(weir_gather *gather);
/* Drops what there is. The builder is for emitting, until the next end; diffs may be set. */
WEIR_API weir_builder *weir_gather_begin(weir_gather *gather);
/* What was emitted since, in order, in so many pieces (none is empty). Strings that were made by
 * the builder lie with them, others where they were. Valid until the next begin. */
WEIR_API size_t weir_gather_end(weir_gather *gather, const weir_gathered **pieces);

WEIR_END_DECLS
#endif

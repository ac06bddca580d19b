/* SPDX-License-Identifier: Apache-2.0
 *
 * Records that are made of whole records of other types, side by side: a part is read where it lies
 * as a record of its own type.
 */
#ifndef WEIR_OPERATORS_PARTS_H
#define WEIR_OPERATORS_PARTS_H

#include <weir/graph.h>

#define WEIR__PARTS_MAX 8

typedef struct weir__parts {
    weir_type type;
    uint32_t count;
    uint32_t offset[WEIR__PARTS_MAX];      /* of a part in the record */
    uint16_t first_field[WEIR__PARTS_MAX]; /* of a part, in the fields of the record */
    const weir_type *parts[WEIR__PARTS_MAX];
} weir__parts;

/* Lives as long as the graph; fields are named by the number of their part and their name. NULL:
 * together they have too many fields or bytes, and the graph is told, `where`. */
weir__parts *weir__parts_of(weir_graph *graph, const weir_type *const *types, uint32_t count,
                            const char *where);

static inline void *weir__part(const weir__parts *parts, uint32_t i, void *record)
{
    return (char *)record + parts->offset[i];
}
static inline const void *weir__part_read(const weir__parts *parts, uint32_t i, const void *record)
{
    return (const char *)record + parts->offset[i];
}

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * The front of a large group: its first records in an order, with how often each is there. What
 * comes and goes behind the last one of them is not looked at. When records at the front have gone,
 * more is read from the runs, from behind the last one on: so what has gone at the front is never
 * gone through again, in whichever order it went. How far to read belongs to this; where from and
 * what for to the operator.
 */
#ifndef WEIR_OPERATORS_FRONT_H
#define WEIR_OPERATORS_FRONT_H

#include <weir/trace.h>

/* How the records of groups lie, and how many of the first ones are asked for. */
typedef struct weir__front_order {
    const weir_type *type;
    weir_key key; /* fields of the order; ties by all fields */
    uint32_t descending;
    uint64_t wanted;
} weir__front_order;

/* An entry, then its record. */
typedef struct weir__front_entry {
    int64_t count; /* not 0, but for the last one while there may be more behind it */
    char *heap;    /* long strings of the record; NULL: it has none, or they are not copied */
    size_t heap_size;
} weir__front_entry;

/* Zeroed: nothing is known. */
typedef struct weir__front {
    char *at;
    uint32_t first, count, capacity; /* entries, from at[first] on, in their order */
    bool all;                        /* nothing lies behind the last one */
    bool borrows;                    /* strings are not copied: of runs that stay */
    size_t heap_bytes;
    uint64_t passed; /* values that were not there, gone through since the last cut */
} weir__front;

/* Forgets all; frees it, keeps the room. */
void weir__front_clear(weir__front *front, const weir__front_order *order);
void weir__front_fini(weir__front *front, const weir__front_order *order);
/* Bytes that it takes. */
size_t weir__front_bytes(const weir__front *front, const weir__front_order *order);

static inline size_t weir__front_stride(const weir__front_order *order)
{
    return (sizeof(weir__front_entry) + order->type->size + 15) / 16 * 16;
}
static inline weir__front_entry *weir__front_entry_at(const weir__front *front,
                                                      const weir__front_order *order, uint32_t i)
{
    return (weir__front_entry *)(void *)(front->at +
                                         (front->first + i) * weir__front_stride(order));
}
static inline const void *weir__front_record(const weir__front_entry *entry)
{
    return entry + 1;
}

/* Negative, 0 or positive, of two records of one group. */
int weir__front_compare(const weir__front_order *order, const void *a, const void *b);

/* The record is there `diff` times more. *behind: it lies behind what is known, so nothing was
 * done, nor is there anything to do for later ones. OVERFLOWED. */
weir_status weir__front_change(weir__front *front, const weir__front_order *order,
                               const void *record, int64_t diff, bool *behind);
/* Whether it has what is wanted, or all there is; *entries is how many of them that is. */
bool weir__front_suffices(const weir__front *front, const weir__front_order *order,
                          uint32_t *entries);
/* Reads on, at this time, until it suffices, and some more unless it borrows. The cursor has the
 * group's key, before its first value. *looked grows by the values looked at. OVERFLOWED. */
weir_status weir__front_fill(weir__front *front, const weir__front_order *order,
                             weir_cursor *cursor, const weir_time *time, uint64_t *looked);
/* Drops entries at the end, if there are many more than it takes, and gives room back that is far
 * more than what there is. */
void weir__front_cut(weir__front *front, const weir__front_order *order);

#endif

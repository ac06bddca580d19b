/* SPDX-License-Identifier: Apache-2.0
 *
 * Records that wait for an instant, in order of the instants. A record that is there already, and
 * waits to go, is another one than the same record that is still to come. What comes of one record
 * adds up: when nothing is left of it, it does not wait any more. What waiting is for belongs to
 * the operator.
 */
#ifndef WEIR_OPERATORS_WAITS_H
#define WEIR_OPERATORS_WAITS_H

#include <weir/memory.h>
#include <weir/type.h>

#include "word.h"

typedef struct weir__wait {
    weir__wide diff; /* of 2^64 changes of 64 bits: it fits, whatever their order */
    int64_t when;
    bool is_there;
    /* private */
    size_t size; /* of it all: this, the record, its strings */
    size_t place; /* in the heap */
    uint64_t hash;
    struct weir__wait *next; /* of those in one slot */
    _Alignas(16) char record[];
} weir__wait;

typedef struct weir__waits {
    const weir_type *type;
    weir_account *account; /* charged with all of it */
    struct weir__waits_slot {
        int64_t when;
        weir__wait *what;
    } *heap; /* the least `when` first */
    weir__wait **slots; /* by the hash of the record: a power of two, or none */
    size_t count, capacity, slot_count;
} weir__waits;

static inline void weir__waits_init(weir__waits *waits, const weir_type *type,
                                    weir_account *account)
{
    *waits = (weir__waits){ .type = type, .account = account };
}
void weir__waits_fini(weir__waits *waits);

/* The record is to come at this instant, diff times more: it and its strings are copied. When it
 * waits depends on the record alone. */
void weir__waits_add(weir__waits *waits, const void *record, int64_t when, int64_t diff);
/* The one that waits for the earliest instant; NULL: there is none. */
static inline weir__wait *weir__waits_first(const weir__waits *waits)
{
    return waits->count > 0 ? waits->heap[0].what : NULL;
}
/* The first one is there from now on, until the instant given. False: the sum of its diffs, and of
 * those of the same record that is there already, leaves 64 bits. */
bool weir__waits_stay(weir__waits *waits, int64_t until);
/* The first one does not wait any more, and is freed. */
void weir__waits_drop(weir__waits *waits);

#endif

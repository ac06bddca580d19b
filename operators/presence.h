/* SPDX-License-Identifier: Apache-2.0
 *
 * Which keys are there: a table of how often each is, and, when an epoch is complete, the list of
 * those that came or went with it. A key is there if its diffs add up to more than 0.
 */
#ifndef WEIR_OPERATORS_PRESENCE_H
#define WEIR_OPERATORS_PRESENCE_H

#include <weir/node.h>
#include <weir/table.h>

/* Of a key. */
typedef struct weir__present {
    int64_t count;   /* modulo 2^64 */
    int32_t wrapped; /* how often it left 64 bits, upwards less downwards: 0 between epochs */
    bool touched; /* by the open epoch */
    bool is;      /* there: as of the last epoch that was turned */
} weir__present;

/* A key that came or went. */
typedef struct weir__turned {
    uint64_t hash;
    weir__present *key;
} weir__turned;

typedef struct weir__presence {
    weir_table *table;
    weir_account *account;
    weir__present **touched; /* by the open epoch */
    size_t touched_count, touched_capacity, at;
    weir__turned *turned; /* ascending by hash */
    size_t turned_count, turned_capacity;
    weir_status failed;
    const weir__present *at_fault; /* NULL: there was no memory */
} weir__presence;

/* Keys are whole records of the type. */
weir_status weir__presence_init(weir__presence *p, const weir_type *type, weir_step *step,
                                weir_error *error);
void weir__presence_fini(weir__presence *p);
/* Adds records of the open epoch. What fails is kept. */
void weir__presence_add(weir__presence *p, const weir_batch *batch, size_t from, size_t to);
/* The epoch is complete: its keys are there now, or not, and, if that is wanted, `turned` lists
 * which of them came or went. Takes off what it did from *left. False: it is used up, and there is
 * more to do. */
bool weir__presence_turn(weir__presence *p, bool list, size_t *left);
/* Before the next epoch: `turned` has been read, and keys that are in no record go. */
void weir__presence_settle(weir__presence *p);
/* Says what has failed. */
void weir__presence_fail(const weir__presence *p, weir_step *step);

#endif

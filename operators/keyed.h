/* SPDX-License-Identifier: Apache-2.0
 *
 * State of a user's by key: for each key a record, zeroed at first, whose long strings belong to
 * its entry. Beside it, the instants at which timers of the key are set. The operators that call
 * users' functions with a state share this.
 */
#ifndef WEIR_OPERATORS_KEYED_H
#define WEIR_OPERATORS_KEYED_H

#include <weir/node.h>
#include <weir/table.h>

#include "owned.h"

typedef struct weir__keyed {
    weir_table *table;
    const weir_type *state;
    weir_account *account;
} weir__keyed;

/* A value of the table. */
typedef struct weir__entry {
    weir__owned owned;   /* the state's long strings */
    int64_t *timers;     /* in no order */
    uint32_t queued;     /* how often a queue of timers refers to it */
    uint32_t timer_count, timer_capacity;
    bool unused;         /* to be looked at: may leave the table */
    _Alignas(16) char state[];
} weir__entry;

typedef struct weir__keyed_spec {
    const weir_type *in, *state;
    const weir_key *key;
} weir__keyed_spec;

weir_status weir__keyed_init(weir__keyed *keyed, weir_step *step, const weir__keyed_spec *spec,
                             weir_error *error);
void weir__keyed_fini(weir__keyed *keyed);
/* Forgets all keys. */
void weir__keyed_clear(weir__keyed *keyed);

/* After a user's function has written to the state: strings that it took from elsewhere are
 * copied, and what the state no longer has is freed. */
void weir__keyed_settle(weir__keyed *keyed, weir__entry *entry);
/* Whether the entry says nothing: a state of zeros, no timers, no queue refers to it. */
bool weir__keyed_is_blank(const weir__keyed *keyed, const weir__entry *entry);
void weir__keyed_remove(weir__keyed *keyed, weir__entry *entry);

/* Checks what every operator over keyed state checks, and puts what is wrong on the graph: names
 * of the key's fields, the scope, types of the user's functions. */
bool weir__keyed_check(weir_port *in, const weir_type *takes, const char *const *names,
                       weir_key *key, const char *where);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * What the changes of each key have come to, where times have no one order: its values, and its
 * results, at a time at or after all changes that the key has had. At a later time there is this,
 * and what has come since: neither runs nor results are looked at, where a key of a loop has
 * updates of all rounds. A key whose changes come at times of which none is the last, as when
 * another epoch goes through the rounds again, is not known any more.
 *
 * Records have no strings, and of a key there are few of them, or it is not known. Where that is so
 * of most keys that change, nothing is kept. Nor are there more keys than updates in the trace.
 */
#ifndef WEIR_OPERATORS_TOTALS_H
#define WEIR_OPERATORS_TOTALS_H

#include <weir/history.h>
#include <weir/table.h>

#include "front.h"

enum { WEIR__TOTALS_MANY = 8 }; /* values of a key, results of one: that many are never kept */

/* Records of a key that lie one after the other, and how often each is there. */
typedef struct weir__total {
    size_t count;
    char *records;
    int64_t sums[2 * WEIR__TOTALS_MANY];
} weir__total;

/* The results of a key, of which the first ones were there before, and how they were corrected. */
typedef struct weir__totals_made {
    const char *results;
    size_t count;
    const weir_history_update *corrections; /* their values are numbers of results */
    size_t correction_count;
} weir__totals_made;

typedef struct weir__totals {
    weir_table *table;       /* NULL: nothing is kept */
    weir__front_order order; /* of values */
    const weir_type *out;    /* results */
    uint32_t depth, room;    /* bytes for the records of a key and their sums */
    int32_t credit;          /* keys that were known, less those that were not */
    bool all;                /* keys that are not in the table have had no change */
    weir__total values, results; /* of the key at hand; values in their order, none of them 0 */
} weir__totals;

typedef struct weir__totals_spec {
    weir__front_order order;
    const weir_key *key;
    const weir_type *out;
    uint32_t depth;
    uint64_t seed;
    unsigned parts;
    weir_account *account;
    bool is_empty; /* nothing has come yet */
} weir__totals_spec;

/* Keeps nothing where records have strings or are large. NO_MEMORY. */
weir_status weir__totals_init(weir__totals *t, const weir__totals_spec *spec, weir_error *error);
void weir__totals_fini(weir__totals *t);

/* So many updates are in the trace. Entries are valid until the next call. */
void weir__totals_bound(weir__totals *t, uint64_t updates);
/* What is known of the keys of records that lie one after the other; NULL: nothing. Keys that are
 * new are known from now on. */
void weir__totals_find(weir__totals *t, const void *records, const uint64_t *hashes, size_t count,
                       void **entries);
/* Whether all changes of the key so far were at or before this time, and what they have come to is
 * known. */
bool weir__totals_holds(const weir__totals *t, const void *entry, const weir_time *time);
/* t->values and t->results are what is known and these values, less than MANY, in their order,
 * none of them twice. False: a sum leaves 64 bits. */
bool weir__totals_add(weir__totals *t, const void *entry, const char *records, const int64_t *sums,
                      size_t count);
/* At this time there are t->values, and of results, of which the first ones are t->results, so many
 * as there were and the corrections come to. */
void weir__totals_keep(weir__totals *t, void *entry, const weir_time *time,
                       const weir__totals_made *made);
/* Something else has happened to the key. */
void weir__totals_lose(weir__totals *t, void *entry);

#endif

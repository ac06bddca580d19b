/* SPDX-License-Identifier: Apache-2.0
 *
 * What is known of the first records of each key, where times have no one order: a record that is
 * there at all times from one on, with enough others before it. A change behind it, at such times,
 * changes nothing, so neither runs nor results are looked at; nor does it if the record, or one
 * that is as good, is there more often. In a loop that searches for the nearest, or hands labels
 * on, most changes are such. A key that is not known has had no change: nothing of it lies in any
 * run yet.
 *
 * Of a record the first field of the order is kept, as a word. There are no more keys than updates
 * in the trace: where these have cancelled out, all is forgotten, and found anew.
 */
#ifndef WEIR_OPERATORS_STANDING_H
#define WEIR_OPERATORS_STANDING_H

#include <weir/table.h>
#include <weir/trace.h>

typedef struct weir__standing {
    weir_table *table; /* NULL: nothing is kept */
    weir_kind kind;    /* of the field */
    uint32_t offset, depth;
    bool descending;
    bool is_only;      /* nobody tells records of a key apart but by this field */
    bool all;          /* keys that are not in the table have had no change */
    /* what was marked last */
    uint64_t word;
    weir_time time;
    bool marked;
} weir__standing;

typedef struct weir__standing_spec {
    const weir_type *type;
    const weir_key *key;
    const weir_key *order; /* as arrangements have it; without a field: by all others */
    uint32_t descending;
    uint32_t depth;
    uint64_t seed;
    unsigned parts;
    weir_account *account;
    bool by_field; /* nobody looks at other fields of a record, but for the key */
    bool is_empty; /* nothing has come yet */
} weir__standing_spec;

/* Changes of a key. */
typedef struct weir__standing_changes {
    const void *first; /* the first record in the order; of it and of those that are alike */
    bool grows;        /* there are only more */
    const weir_time *times;
    size_t count;
} weir__standing_changes;

/* Keeps nothing where the first field of the order is optional or no number. NO_MEMORY. */
weir_status weir__standing_init(weir__standing *s, const weir__standing_spec *spec,
                                weir_error *error);
void weir__standing_fini(weir__standing *s);

/* So many updates are in the trace. Entries are valid until the next call. */
void weir__standing_bound(weir__standing *s, uint64_t updates);
/* What is known of the keys of records that lie one after the other; NULL: nothing. Keys that are
 * new are known from now on. */
void weir__standing_find(weir__standing *s, const void *records, const uint64_t *hashes,
                         size_t count, void **entries);
/* Whether the second of two records of a key is as good as the first. */
bool weir__standing_is_alike(const weir__standing *s, const void *a, const void *b);
/* Whether the entry is of a key that has had no change before. */
bool weir__standing_is_new(const weir__standing *s, const void *entry);
/* Whether these changes of the key change nothing. */
bool weir__standing_holds(const weir__standing *s, const void *entry,
                          const weir__standing_changes *changes);

/* While a key is looked at: enough is there up to this record, from this time on. */
void weir__standing_mark(weir__standing *s, const void *record, const weir_time *time);
/* It was looked at: what was marked is known now. */
void weir__standing_settle(weir__standing *s, void *entry);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Tallies: what keyed aggregates of one coordinate of time share. A table has a value of each key;
 * records change values as they come; when an epoch is complete, each value that it touched says
 * what it gave before and gives now. Nothing of the history is kept. What a value is, and what it
 * gives, belongs to the operator. In a scope a value is made anew of all records of its key.
 * Counts alone have a node of their own (count.c), with smaller values.
 */
#ifndef WEIR_OPERATORS_TALLY_H
#define WEIR_OPERATORS_TALLY_H

#include <weir/node.h>
#include <weir/table.h>

/* Every value begins with this; the rest is zero when the key is new. */
typedef struct weir__tally {
    int64_t records; /* the sum of their diffs, modulo 2^64 */
    int32_t wrapped; /* how often that left 64 bits, upwards less downwards: 0 between epochs */
    bool touched;    /* by the open epoch */
} weir__tally;

/* What is wrong with a value. Its key is added: "the sum of (name: "x") leaves …". */
typedef struct weir__tally_error {
    weir_status status;
    const char *before, *after;
} weir__tally_error;

/* Changes a value by a record of the input, diff times. `records` counts it already. */
typedef bool weir__tally_add_fn(weir__tally *value, const void *record, int64_t diff,
                                const void *ctx, weir__tally_error *error);
/* What a value gave and what it gives now: records to be written, 0 where nothing is. */
typedef struct weir__tally_changes {
    const weir_type *key_type; /* of the key, as a record of its fields */
    const void *key;
    char *records[2];
    int64_t diffs[2];
    weir__tally_error error;
} weir__tally_changes;

/* The epoch is complete, and `records` right. Writes at most two changes, whose strings are copied;
 * they must be there until the next call for the value. Returns how many; -1: an error. */
typedef int weir__tally_put_fn(weir__tally *value, weir__tally_changes *changes, const void *ctx);

typedef struct weir__tally_spec {
    const char *kind;
    const weir_type *in, *out;
    weir_key key;
    /* The key's fields, all of its type's, go into the first ones of results before put. */
    bool fills_key;
    bool unique;   /* results are unique by these fields */
    bool combines; /* as of weir_node_input */
    bool by_arrival; /* what a value gives depends on the order in which an epoch's records came */
    size_t value_size;
    weir__tally_add_fn *add;
    weir__tally_put_fn *put;
    /* Whether a value of no records may be forgotten. NULL: yes. */
    bool (*is_blank)(const weir__tally *value);
    /* Bytes that a value keeps outside the table; frees them. NULL: none. */
    size_t (*bytes)(const weir__tally *value);
    void (*fini)(weir__tally *value);
    bool flat; /* add leaves `bytes` as they are */
    const void *ctx; /* for add and put; lives as long as the graph */
} weir__tally_spec;

/* Whether out has the kinds of the key's fields, in order, and then `more` fields. */
bool weir__result_fits(const weir_type *in, const weir_key *key, const weir_type *out,
                       uint32_t more);
/* Counts diff more records. They may leave 64 bits on their way, since records of an epoch come in
 * any order: only when it is complete they have to fit (weir__tally_fits). */
static inline void weir__tally_count(weir__tally *value, int64_t diff)
{
    if (WEIR_UNLIKELY(__builtin_add_overflow(value->records, diff, &value->records)))
        value->wrapped += diff > 0 ? 1 : -1;
}
static inline bool weir__tally_fits(const weir__tally *value)
{
    return value->wrapped == 0 && value->records != INT64_MIN;
}
/* Checks the key, and puts what is wrong on the graph. */
bool weir__tally_check(weir_port *in, const weir_key *key, const char *kind);
/* The node; in a scope, a reduce. Everything has been checked. */
weir_port *weir__tally_add(weir_port *in, const weir__tally_spec *spec);
/* The reduce (tally_scope.c). */
weir_port *weir__tally_in_scope(weir_port *in, const weir__tally_spec *spec);

#endif

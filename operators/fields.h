/* SPDX-License-Identifier: Apache-2.0
 *
 * Records made of some fields of others, in a type made for it, for operators that need no more of
 * what they are given.
 */
#ifndef WEIR_OPERATORS_FIELDS_H
#define WEIR_OPERATORS_FIELDS_H

#include <weir/graph.h>

/* As many as a key has, and one more. */
#define WEIR__FIELDS_MAX (WEIR_KEY_FIELDS_MAX + 1)

typedef struct weir__fields {
    const weir_type *from;
    uint32_t count;
    uint16_t source[WEIR__FIELDS_MAX]; /* in from, of each field */
    weir_type type;                    /* laid out as a compiler does */
    weir_field fields[WEIR__FIELDS_MAX];
} weir__fields;

/* Those of the key, in order; more is the index of another one, or of one of them again, or -1.
 * Lives as long as the graph. */
weir__fields *weir__fields_of(weir_graph *graph, const weir_type *from, const weir_key *key,
                              int more);
/* Writes the fields of a record of `from`; strings go on pointing where they point. */
void weir__fields_copy(const weir__fields *f, const void *record, void *to);
/* The way back: writes the fields into a record of `from`, whose others stay. */
void weir__fields_put(const weir__fields *f, const void *fields, void *record);
/* The stream of these fields only. Of one that has only entered a scope it is made outside of
 * that, so that it is arranged there. */
weir_port *weir__fields_map(weir_port *in, const weir__fields *f, const char *kind);
/* The first `count` fields of one record into those of another, of the same kinds. */
void weir__fields_move(const weir_type *from, const void *record, const weir_type *to, void *result,
                       uint32_t count);

/* The key of its first fields. */
static inline weir_key weir__fields_key(uint32_t count)
{
    weir_key key = { .count = count };
    for (uint32_t i = 0; i < count; i++)
        key.field[i] = (uint16_t)i;
    return key;
}

/* Finds the fields of a key by their names, and another one, whose index it returns. -1: the graph
 * is told what is wrong. */
int weir__fields_resolve(weir_port *in, const char *const *names, const char *more, weir_key *key,
                         const char *where);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Collections that are repeated until nothing changes: variables of a scope, whose next value is
 * computed from all its variables' values.
 *
 *     weir_scope *rounds = weir_scope_add(g, NULL, "rounds");
 *     weir_stream(label) labels;
 *     weir_variable(label) v = weir_variable_from(own_labels, rounds, &labels);
 *     weir_stream(label) next = weir_reduce(weir_concat(labels, handed_on(labels)),
 *                                           WEIR_KEY(label, node), least);
 *     weir_variable_set(v, next);
 *     weir_stream(label) result = weir_leave(next);
 *
 * In round 0 a variable is the collection that it was made from, which is outside of the scope; in
 * each other round it is what it was set to in the round before. When nothing changes any more from
 * one round to the next, the value of the last one has left. Several variables of one scope may be
 * set from each other's values. When the input changes, rounds are corrected, not repeated.
 *
 * Somewhere on the way round an operator has to sum changes, as reduce, distinct and count do:
 * changes that cancel each other, but are never summed, go round for ever.
 */
#ifndef WEIR_OPERATORS_ITERATE_H
#define WEIR_OPERATORS_ITERATE_H

#include <weir/graph.h>

WEIR_BEGIN_DECLS

/* Zero means default for every field. */
struct weir_variable_options {
    size_t struct_size;
    uint64_t limit; /* rounds; default: until nothing changes */
};

/* Belongs to the graph. NULL stands for one that was refused. */
typedef struct weir_variable weir_variable;

/* start NULL: empty in round 0. Refuses, on the graph, a plain stream. *value: the variable's. */
WEIR_API weir_variable *weir__variable(weir_graph *graph, weir_scope *scope, const weir_type *type,
                                       weir_port *start,
                                       const struct weir_variable_options *options);
WEIR_API weir_port *weir__variable_value(const weir_variable *variable);
WEIR_API void weir__variable_set(weir_variable *variable, weir_port *next);

WEIR_END_DECLS

#ifndef __cplusplus
#include <weir/record.h>

/* weir_variable_from(start, scope, &value, options…): a weir_variable(T) to be set later, and the
 * stream of its value in the scope. */
#define weir_variable_from(start, scope, ...)                                                      \
    weir_variable_from_(start, scope, __VA_ARGS__,                                                 \
                        .struct_size = sizeof(struct weir_variable_options))
#define weir_variable_from_(start, scope, value, ...)                                              \
    __extension__({                                                                                \
        _Static_assert(WEIR_SAME_(__typeof__(*(value)), __typeof__(start)),                        \
                       "weir_variable_from(" #start ", " #scope ", " #value                        \
                       "): the last must point to a stream of the records of the first");          \
        weir_variable *weir_made_ =                                                                \
            weir__variable(weir_port_graph((start).port), scope, weir_port_type((start).port),     \
                           (start).port, &(struct weir_variable_options){ __VA_ARGS__ });          \
        *(value) = (__typeof__(*(value))){ .port = weir__variable_value(weir_made_) };             \
        (__typeof__(*(value)->variable)){ .variable = weir_made_ };                                \
    })
/* weir_variable_new(graph, T, scope, &value, options…): one that is empty in round 0. */
#define weir_variable_new(g, T, scope, ...)                                                        \
    weir_variable_new_(g, T, scope, __VA_ARGS__,                                                   \
                       .struct_size = sizeof(struct weir_variable_options))
#define weir_variable_new_(g, T, scope, value, ...)                                                \
    __extension__({                                                                                \
        _Static_assert(WEIR_SAME_(__typeof__(*(value)), weir_stream(T)),                           \
                       "weir_variable_new(" #g ", " #T ", " #scope ", " #value                     \
                       "): the last must point to a stream of " #T);                               \
        weir_variable *weir_made_ = weir__variable(                                                \
            g, scope, T##_type(), NULL, &(struct weir_variable_options){ __VA_ARGS__ });           \
        *(value) = (weir_stream(T)){ .port = weir__variable_value(weir_made_) };                   \
        (weir_variable(T)){ .variable = weir_made_ };                                              \
    })
/* Once for each variable, with a stream of its scope. */
#define weir_variable_set(v, next)                                                                 \
    (WEIR_CHECK_(WEIR_SAME_(WEIR_RECORD_OF_(v), WEIR_RECORD_OF_(next)),                            \
                 "weir_variable_set(" #v ", " #next                                                \
                 "): the stream does not carry the records of the variable"),                      \
     weir__variable_set((v).variable, (next).port))
#endif

#endif

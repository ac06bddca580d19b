/* SPDX-License-Identifier: Apache-2.0
 *
 * Scopes and loops. A scope adds a coordinate to times, which a loop counts; a region adds none and
 * only groups.
 *
 *     weir_scope *rounds = weir_scope_add(g, NULL, "rounds");
 *     weir_stream(number) again;
 *     weir_loop(number) loop = weir_loop_variable(g, number, rounds, &again, .limit = 1000);
 *     weir_stream(number) all  = weir_concat(weir_enter(numbers, rounds), again);
 *     weir_stream(number) next = weir_map(weir_filter(all, is_above_one), half_or_triple);
 *     weir_loop_connect(loop, next);
 *     weir_stream(number) last = weir_leave(weir_filter(all, is_one));
 *
 * What is connected comes round with its last coordinate greater by .step. A loop ends when nothing
 * goes round any more, or at its limit; what is to leave there is found by weir_branch_when.
 */
#ifndef WEIR_OPERATORS_LOOP_H
#define WEIR_OPERATORS_LOOP_H

#include <weir/graph.h>

WEIR_BEGIN_DECLS

/* Zero means default for every field. */
struct weir_loop_options {
    size_t struct_size;
    uint64_t step;   /* default 1 */
    uint64_t limit;  /* the last coordinate stays below it; default: no limit */
    bool collection; /* changes of a collection go round */
};

WEIR_API weir_feedback *weir__loop_variable(weir_graph *graph, weir_scope *scope,
                                            const weir_type *type,
                                            const struct weir_loop_options *options);

WEIR_END_DECLS

#ifndef __cplusplus
#include <weir/record.h>

/* The stream inside a scope that was added to the one it is in; and out again, where the last
 * coordinate is gone. */
#define weir_enter(s, scope) ((__typeof__(s)){ .port = weir_port_enter((s).port, scope) })
#define weir_leave(s) ((__typeof__(s)){ .port = weir_port_leave((s).port) })

/* weir_loop_variable(graph, T, scope, &stream, options…): a weir_loop(T) to be connected later, and
 * the stream of what will come round. Scope NULL is the root. */
#define weir_loop_variable(g, T, scope, ...)                                                       \
    weir_loop_variable_(g, T, scope, __VA_ARGS__, .struct_size = sizeof(struct weir_loop_options))
#define weir_loop_variable_(g, T, scope, stream, ...)                                              \
    __extension__({                                                                                \
        _Static_assert(WEIR_SAME_(__typeof__(*(stream)), weir_stream(T)),                          \
                       "weir_loop_variable(" #g ", " #T ", " #scope ", " #stream                   \
                       "): the last must point to a stream of " #T);                               \
        weir_loop(T) weir_loop_ = { .feedback = weir__loop_variable(                               \
                                        g, scope, T##_type(),                                      \
                                        &(struct weir_loop_options){ __VA_ARGS__ }) };             \
        *(stream) = (weir_stream(T)){ .port = weir_feedback_port(weir_loop_.feedback) };           \
        weir_loop_;                                                                                \
    })
/* Once for each loop, with a stream of its scope. */
#define weir_loop_connect(loop, s)                                                                 \
    (WEIR_CHECK_(WEIR_SAME_(WEIR_RECORD_OF_(loop), WEIR_RECORD_OF_(s)),                            \
                 "weir_loop_connect(" #loop ", " #s                                                \
                 "): the stream does not carry the records of the loop"),                          \
     weir_feedback_connect((loop).feedback, (s).port))
#endif

#endif

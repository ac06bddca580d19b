/* SPDX-License-Identifier: Apache-2.0
 *
 * unary, binary: hand-written nodes with one output, one input or two, in fewer words than
 * weir_node_add. What a step may do is in weir/node.h.
 *
 *     static void twice_step(weir_step *step, void *state)
 *     {
 *         for (const weir_batch *b; (b = weir_step_take(step, 0));) {
 *             weir_out(number) out = { .builder = weir_step_output(step, 0, NULL) };
 *             for (size_t i = 0; i < b->count; i++)
 *                 number_emit(out, (number){ 2 * ((const number *)b->records)[i].value });
 *         }
 *     }
 *     …
 *     weir_stream(number) t = weir_unary(numbers, number, twice_step);
 *     weir_stream(match)  m = weir_binary(bids, asks, match, match_step, .init = match_init,
 *                                         .fini = match_fini, .interest = WEIR_IF_HOLDING);
 *
 * Exchange the streams before if the node needs them by key. Strings of emitted records that point
 * into a batch do not keep it: copy them with weir_str_copy, or say weir_builder_follow. A node
 * with other ports, or with other interests in its two inputs, is made by weir_node_add.
 */
#ifndef WEIR_OPERATORS_UNARY_H
#define WEIR_OPERATORS_UNARY_H

#include <weir/node.h>
#include <weir/record.h>

WEIR_BEGIN_DECLS

/* As in weir_node_spec; zero means default for every field. */
struct weir_node_options {
    size_t struct_size;
    const char *name;
    weir_interest interest; /* in all inputs */
    bool takes_diffs;       /* inputs may be collections */
    bool collection;        /* the output is one */
    bool deterministic;
    weir_state_kind state_kind;
    void *ctx;
    weir_status (*init)(weir_step *step, void *ctx, void **state, weir_error *error);
    void (*fini)(void *state);
};

/* in_count streams in, one of type out. kind: what metrics group by, and the default name. */
typedef struct weir_node_form {
    const char *kind;
    unsigned in_count;
    weir_port *const *ins;
    const weir_type *out;
    void (*step)(weir_step *step, void *state);
} weir_node_form;
WEIR_API weir_port *weir__node(const weir_node_form *form, const struct weir_node_options *options);

WEIR_END_DECLS

#ifndef __cplusplus

/* weir_unary(stream, OUT, step, options…): the output of a node that is called step. */
#define weir_unary(s, OUT, ...)                                                                    \
    weir_unary_(s, OUT, __VA_ARGS__, .struct_size = sizeof(struct weir_node_options))
#define weir_unary_(s, OUT, step, ...)                                                             \
    WEIR_NODE_(OUT, step, 1, (&(weir_port *){ (s).port }), __VA_ARGS__)
/* weir_binary(stream, stream, OUT, step, options…) */
#define weir_binary(a, b, OUT, ...)                                                                \
    weir_binary_(a, b, OUT, __VA_ARGS__, .struct_size = sizeof(struct weir_node_options))
#define weir_binary_(a, b, OUT, step, ...)                                                         \
    WEIR_NODE_(OUT, step, 2, ((weir_port *[]){ (a).port, (b).port }), __VA_ARGS__)
#define WEIR_NODE_(OUT, step, count, inputs, ...)                                                  \
    __extension__({                                                                                \
        (weir_stream(OUT)){ .port = weir__node(                                                    \
                                &(weir_node_form){ #step, count, inputs, OUT##_type(), step },     \
                                &(struct weir_node_options){ __VA_ARGS__ }) };                     \
    })

#endif
#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/loop.h.
 */
#include <string.h>

#include <weir/operators/loop.h>

weir_feedback *weir__loop_variable(weir_graph *graph, weir_scope *scope, const weir_type *type,
                                   const struct weir_loop_options *given)
{
    struct weir_loop_options options = { 0 };
    weir_struct_copy(&options, sizeof options, given);
    weir_feedback *feedback =
        weir_feedback_add(graph, scope, type, options.step ? options.step : 1);
    if (options.limit)
        weir_feedback_set_limit(feedback, options.limit);
    if (!options.collection)
        weir_feedback_set_plain(feedback);
    return feedback;
}

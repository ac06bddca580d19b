/* SPDX-License-Identifier: Apache-2.0
 *
 * try: a function that makes of each record either a result or an error, in streams of their own.
 *
 *     static bool parse(const line *l, order *o, bad_line *bad)
 *     {
 *         if (read_order(l, o))
 *             return true;
 *         *bad = (bad_line){ .text = l->text, .why = weir_str_of("no price") };
 *         return false;
 *     }
 *     WEIR_TRY(parse, line, order, bad_line)
 *     …
 *     weir_stream(order) orders, checked;
 *     weir_stream(bad_line) bad;
 *     weir_try(lines, parse, &orders, &bad);
 *     weir_and_then(orders, check, &checked, &bad);     // errors of both are in `bad`
 *
 * The function is called once a record, with a result and an error that are zeroed. Strings of
 * either come from the input record or from literals. Both streams go on like any other: map the
 * results or the errors, concat the two when they are of one type. Diffs stay as they are.
 */
#ifndef WEIR_OPERATORS_TRY_H
#define WEIR_OPERATORS_TRY_H

#include <weir/batch.h>
#include <weir/graph.h>

WEIR_BEGIN_DECLS

/* Fills in the record of one of the outputs (0: results, 1: errors), and says which. */
typedef unsigned weir_try_fn(const void *record, void *result, void *error);

typedef struct weir_try_spec {
    size_t struct_size;
    const char *kind; /* what metrics group by, and the default name */
    const weir_type *in, *result, *error;
    weir_try_fn *kernel;
} weir_try_spec;

/* Sets *results and *errors, to NULL if the graph has failed. Refuses, on the graph, records of
 * another layout than the function takes. */
WEIR_API void weir_try_erased(weir_port *in, const weir_try_spec *spec, weir_port **results,
                              weir_port **errors);

WEIR_END_DECLS

#ifndef __cplusplus
#include <weir/record.h>

#define weir_try(s, fn, results, errors)                                                           \
    __extension__({                                                                                \
        WEIR_TRY_CHECK_("weir_try(", s, fn, results, errors);                                      \
        weir_try_add_##fn((s).port, &(results)->port, &(errors)->port);                            \
    })
/* The same; errors are added to those that the stream *errors has already. */
#define weir_and_then(s, fn, results, errors)                                                      \
    __extension__({                                                                                \
        WEIR_TRY_CHECK_("weir_and_then(", s, fn, results, errors);                                 \
        weir_port *weir_tried_[2] = { (errors)->port };                                            \
        weir_try_add_##fn((s).port, &(results)->port, &weir_tried_[1]);                            \
        (errors)->port = weir_port_concat(weir_tried_, 2);                                         \
    })
#define WEIR_TRY_CHECK_(call, s, fn, results, errors)                                              \
    _Static_assert(WEIR_CARRIES_(s, weir_try_in_##fn),                                             \
                   call #s ", " #fn ", " #results ", " #errors                                     \
                   "): the stream does not carry the records " #fn " takes");                      \
    _Static_assert(WEIR_SAME_(__typeof__(*(results)), weir_try_result_##fn),                       \
                   call #s ", " #fn ", " #results ", " #errors                                     \
                   "): the third must point to a stream of the results of " #fn);                  \
    _Static_assert(WEIR_SAME_(__typeof__(*(errors)), weir_try_error_##fn),                         \
                   call #s ", " #fn ", " #results ", " #errors                                     \
                   "): the last must point to a stream of the errors of " #fn)

/* Registers fn, bool fn(const IN *, OUT *, ERROR *), for weir_try and weir_and_then. */
#define WEIR_TRY(fn, IN, OUT, ERROR)                                                               \
    _Static_assert(WEIR_SAME_(__typeof__(&fn), bool (*)(const IN *, OUT *, ERROR *)),              \
                   "WEIR_TRY(" #fn ", " #IN ", " #OUT ", " #ERROR "): " #fn                        \
                   " must be bool (const " #IN " *, " #OUT " *, " #ERROR " *)");                   \
    typedef IN weir_try_in_##fn;                                                                   \
    typedef weir_stream(OUT) weir_try_result_##fn;                                                 \
    typedef weir_stream(ERROR) weir_try_error_##fn;                                                \
    static unsigned weir_try_kernel_##fn(const void *weir_record_, void *weir_to_,                 \
                                         void *weir_bad_)                                          \
    {                                                                                              \
        OUT weir_result_;                                                                          \
        ERROR weir_error_;                                                                         \
        memset(&weir_result_, 0, sizeof weir_result_);                                             \
        memset(&weir_error_, 0, sizeof weir_error_);                                               \
        if (fn(weir_record_, &weir_result_, &weir_error_)) {                                       \
            weir_store_##OUT(weir_to_, weir_result_);                                              \
            return 0;                                                                              \
        }                                                                                          \
        weir_store_##ERROR(weir_bad_, weir_error_);                                                \
        return 1;                                                                                  \
    }                                                                                              \
    WEIR_UNUSED static inline void weir_try_add_##fn(weir_port *weir_in_,                          \
                                                     weir_port **weir_results_,                    \
                                                     weir_port **weir_errors_)                     \
    {                                                                                              \
        weir_try_erased(weir_in_,                                                                  \
                        &(weir_try_spec){ .struct_size = sizeof(weir_try_spec),                    \
                                          .kind = #fn,                                             \
                                          .in = IN##_type(),                                       \
                                          .result = OUT##_type(),                                  \
                                          .error = ERROR##_type(),                                 \
                                          .kernel = weir_try_kernel_##fn },                        \
                        weir_results_, weir_errors_);                                              \
    }
#endif

#endif

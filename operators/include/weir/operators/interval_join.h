/* SPDX-License-Identifier: Apache-2.0
 *
 * interval_join: the pairs of records of two collections that share a key and lie near each other
 * in time, put together by a function of WEIR_JOIN.
 *
 *     weir_stream(seen) s = weir_interval_join(clicks, WEIR_KEY(click, user), at,
 *                                              views, WEIR_KEY(view, user), at, with_view,
 *                                              .low = -60 * 1000000, .high = 0);
 *
 * A pair counts if the time of its second record, less that of its first, is at least .low and at
 * most .high: here, of each click the views of the same user in the minute before it. Times are
 * fields of one kind: an instant (differences are in µs), a date (in days), or an integer. A null
 * time is in no pair.
 *
 * Otherwise it is a join (weir/operators/join.h): in any scope, exact when records come and go.
 * Both sides are arranged by the key and by stretches of time as long as the interval, so that a
 * record is compared with about twice as many as it makes pairs with. The key has at most 7 fields.
 */
#ifndef WEIR_OPERATORS_INTERVAL_JOIN_H
#define WEIR_OPERATORS_INTERVAL_JOIN_H

#include <weir/operators/join.h>

WEIR_BEGIN_DECLS

/* Zero means default for every field. */
struct weir_interval_join_options {
    size_t struct_size;
    int64_t low, high;
};

/* Over records described at run time. Names of key fields end with NULL. */
typedef struct weir_interval_join_spec {
    size_t struct_size;
    const char *const *keys[2];
    const char *times[2];
    weir_join_spec join; /* takes[0] and takes[1] are needed */
} weir_interval_join_spec;

/* Refuses, on the graph, what a join refuses, keys of 8 fields, times that are none or of different
 * kinds, and an interval that ends before it begins. */
WEIR_API weir_port *weir_interval_join_erased(weir_port *const sides[2],
                                              const weir_interval_join_spec *spec,
                                              const struct weir_interval_join_options *options);

WEIR_END_DECLS

#ifndef __cplusplus
#include <weir/record.h>

/* weir_interval_join(a, KA, time of a, b, KB, time of b, fn, .low = …, .high = …) */
#define weir_interval_join(a, KA, ta, b, KB, tb, ...)                                              \
    weir_interval_join_(a, KA, ta, b, KB, tb, __VA_ARGS__,                                         \
                        .struct_size = sizeof(struct weir_interval_join_options))
#define weir_interval_join_(a, KA, ta, b, KB, tb, fn, ...)                                         \
    __extension__({                                                                                \
        WEIR_JOIN_KEYS_CHECK_("weir_interval_join", a, KA, b, KB);                                 \
        _Static_assert(WEIR_CARRIES_(a, weir_join_left_##fn),                                      \
                       "weir_interval_join(" #a ", ..., " #fn "): the first stream does not carry "\
                       "the records that " #fn " takes first");                                    \
        _Static_assert(WEIR_CARRIES_(b, weir_join_right_##fn),                                     \
                       "weir_interval_join(..., " #b ", ..., " #fn "): the second stream does not "\
                       "carry the records that " #fn " takes second");                             \
        (__typeof__(weir_join_add_##fn(NULL, NULL))){                                              \
            .port = weir_interval_join_erased(                                                     \
                (weir_port *const[2]){ (a).port, (b).port },                                       \
                &(weir_interval_join_spec){ .struct_size = sizeof(weir_interval_join_spec),        \
                                            .keys = { WEIR_KEY_NAMES_(KA), WEIR_KEY_NAMES_(KB) },  \
                                            .times = { WEIR_NAME_IN_(a, ta),                       \
                                                       WEIR_NAME_IN_(b, tb) },                     \
                                            .join = weir_join_spec_##fn() },                       \
                &(struct weir_interval_join_options){ __VA_ARGS__ }) };                            \
    })
#endif

#endif

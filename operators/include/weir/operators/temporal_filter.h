/* SPDX-License-Identifier: Apache-2.0
 *
 * temporal_filter: a record counts from one time on until another, which are fields of it.
 *
 *     #define LEASE(F) F(u64, id) F(opt_instant, begins) F(opt_instant, ends)
 *     …
 *     weir_stream(lease) active = weir_temporal_filter(leases, .from = "begins", .until = "ends",
 *                                                      .by_clock = true);
 *     weir_stream(lease) recent = weir_temporal_filter(leases, .until = "ends",
 *                                                      .event_time = "begins");
 *
 * The result is a collection: a record comes when time has reached `from`, and goes when it has
 * reached `until`; one whose end is not after its beginning never comes. Without .from, or where
 * the field is null, it comes at once, without .until it stays. A record with diff -1 takes back
 * what the same record with +1 has brought or would still bring: both meet on one worker, and what
 * is left of neither is not kept.
 *
 * Fields of kind instant: how far time has come is told as in weir_process: with .by_clock by the
 * machine's clock; else by the instants in .event_time (default: .from), the greatest that a
 * complete epoch has shown, less .lateness_ms. Records come and go at the epochs that have moved
 * time on. What would end after the input has ended stays. What is still to come or to go is kept
 * in memory, a copy of each record; how often it is there has to fit 64 bits when it comes and when
 * it goes, whatever that was while it waited. Refused in scopes: how far time has come is one
 * instant for each epoch, and rounds of an epoch that is not complete would each have another one,
 * in no order. Filter what enters a scope before it does, and what is made there when it has left.
 *
 * Fields of kind u64: they are epochs, which a .manual input gives, for one. Records are sent on at
 * once, at those epochs, in scopes of any depth; nothing is kept here.
 */
#ifndef WEIR_OPERATORS_TEMPORAL_FILTER_H
#define WEIR_OPERATORS_TEMPORAL_FILTER_H

#include <weir/graph.h>

WEIR_BEGIN_DECLS

/* Zero means default for every field. */
struct weir_temporal_filter_options {
    size_t struct_size;
    const char *name;       /* of the operator */
    const char *from;       /* a field of kind instant or u64; one of both is needed */
    const char *until;      /* one of the same kind */
    const char *event_time; /* a field of kind instant */
    unsigned lateness_ms;   /* records may be that much older than the newest */
    bool by_clock;          /* time is that of the machine's clock */
};

/* Refuses, on the graph, fields that the records lack or of other kinds, neither of them, instants
 * in a scope, and epochs with a clock. */
WEIR_API weir_port *
weir_temporal_filter_erased(weir_port *in, const struct weir_temporal_filter_options *options);

WEIR_END_DECLS

#ifndef __cplusplus

#define weir_temporal_filter(s, ...)                                                               \
    ((__typeof__(s)){ .port = weir_temporal_filter_erased(                                         \
                          (s).port, &(const struct weir_temporal_filter_options){                  \
                                        .struct_size =                                             \
                                            sizeof(struct weir_temporal_filter_options),           \
                                        __VA_ARGS__ }) })
#endif

#endif

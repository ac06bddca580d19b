/* SPDX-License-Identifier: Apache-2.0
 *
 * process: a function of one's own over the records of each key, with a state that is kept and
 * timers that call a second function later.
 *
 *     static void rule(const payment *p, card_state *s, weir_timers *at, weir_out(alert) out)
 *     {
 *         …
 *         weir_timer_set(at, (weir_instant){ p->at.us + 60 * 1000000 });
 *     }
 *     static void due(weir_instant when, card_state *s, weir_timers *at, weir_out(alert) out);
 *     WEIR_PROCESS(rule, due, payment, card_state, alert)
 *     …
 *     weir_stream(alert) a = weir_process(payments, WEIR_KEY(payment, card), rule,
 *                                         .order = WEIR_ASC(payment, at));
 *
 * Records are exchanged by the key. The state is a record, zeroed when a key is new; it copies
 * strings that are put into it by itself. A state that is all zero again, without timers, is
 * forgotten. Strings of emitted records come from the input record, from literals, or from
 * weir_str_copy and weir_str_format, as for what the state holds.
 *
 * Records come epoch by epoch. With .order those of an epoch come in that order, ties by all
 * fields, when the epoch is complete: what comes out then depends on what came in and on how it was
 * divided into epochs, and on nothing else. A .manual input divides it as the program says; sources
 * that follow the clock, Kafka's among them, cut epochs as they read: a record that is older than
 * one of an earlier epoch comes after it. Without .order records come as they arrive. Collections
 * are refused, since nothing that was called can be taken back.
 *
 * A timer is due when time has reached it. How far time has come is measured by the instants in
 * .event_time (default: the first field of .order), of all keys and workers: the greatest that a
 * complete epoch has shown, less .lateness_ms, also while the partitions of a topic are read at
 * different speeds (docs/guide/02-time.md). With .by_clock it is the machine's clock, and the
 * records must follow the epoch clock. Timers come in the order of their instants, those of one
 * instant in any order: if .order begins with event time, between the records of an epoch that they
 * lie between (less .lateness_ms), else after its records. What is still set when the input ends is
 * not called.
 */
#ifndef WEIR_OPERATORS_PROCESS_H
#define WEIR_OPERATORS_PROCESS_H

#include <weir/batch.h>
#include <weir/graph.h>

WEIR_BEGIN_DECLS

/* The timers of the key at hand, in a call of rule or due. */
typedef struct weir_timers weir_timers;
/* Calls due once when time has reached `when`, which may be past: then soon. In due, it must be
 * after the instant that is due (else the run ends with WEIR_INVALID). */
WEIR_API void weir_timer_set(weir_timers *timers, weir_instant when);
WEIR_API void weir_timer_cancel(weir_timers *timers, weir_instant when);
WEIR_API void weir_timer_cancel_all(weir_timers *timers);
/* How far time had come with the last complete epoch; INT64_MIN µs before the first measure. */
WEIR_API weir_instant weir_timer_now(const weir_timers *timers);

typedef void weir_process_rule_fn(const void *record, void *state, weir_timers *timers,
                                  weir_builder *out);
typedef void weir_process_due_fn(weir_instant when, void *state, weir_timers *timers,
                                 weir_builder *out);

/* Over records described at run time. */
typedef struct weir_process_spec {
    size_t struct_size;
    const char *kind; /* what metrics group by, and the default name */
    const weir_type *in, *state, *out;
    const char *const *key; /* names of fields, ended by NULL */
    weir_process_rule_fn *rule;
    weir_process_due_fn *due; /* NULL: no timers */
} weir_process_spec;

/* Zero means default for every field. */
struct weir_process_options {
    size_t struct_size;
    const char *name;
    weir_order order;       /* by WEIR_ASC and WEIR_DESC */
    const char *event_time; /* a field of kind instant */
    unsigned lateness_ms;   /* records may be that much older than the newest */
    bool by_clock;          /* timers go by the machine's clock */
};

/* Refuses, on the graph, what does not fit: the stream, the key, the order, the field of time; and
 * a stream inside a scope, whose times have no one order. */
WEIR_API weir_port *weir_process_erased(weir_port *in, const weir_process_spec *spec,
                                        const struct weir_process_options *options);

WEIR_END_DECLS

#ifndef __cplusplus
#include <weir/record.h>

/* weir_process(stream, WEIR_KEY(IN, field…), rule, options…) */
#define weir_process(s, K, ...)                                                                    \
    weir_process_(s, K, __VA_ARGS__, .struct_size = sizeof(struct weir_process_options))
#define weir_process_(s, K, rule, ...)                                                             \
    (WEIR_CHECK_(WEIR_CARRIES_(s, weir_process_in_##rule),                                         \
                 "weir_process(" #s ", " #K ", " #rule                                             \
                 "): the stream does not carry the records " #rule " takes"),                      \
     WEIR_CHECK_(WEIR_KEY_FITS_(s, K), "weir_process(" #s ", " #K ", " #rule                       \
                                       "): the key names a record that the stream does not "       \
                                       "carry"),                                                   \
     weir_process_add_##rule((s).port, WEIR_KEY_NAMES_(K),                                         \
                             &(struct weir_process_options){ __VA_ARGS__ }))

/* Registers rule, void rule(const IN *, STATE *, weir_timers *, weir_out(OUT)), and
 * due, void due(weir_instant, STATE *, weir_timers *, weir_out(OUT)), for weir_process. */
#define WEIR_PROCESS(rule, due, IN, STATE, OUT)                                                    \
    _Static_assert(WEIR_SAME_(__typeof__(&due),                                                    \
                              void (*)(weir_instant, STATE *, weir_timers *, weir_out(OUT))),      \
                   "WEIR_PROCESS(" #rule ", " #due ", " #IN ", " #STATE ", " #OUT "): " #due       \
                   " must be void (weir_instant, " #STATE " *, weir_timers *, weir_out(" #OUT      \
                   "))");                                                                          \
    static void weir_process_due_##rule(weir_instant weir_when_, void *weir_state_,                \
                                        weir_timers *weir_timers_, weir_builder *weir_builder_)    \
    {                                                                                              \
        due(weir_when_, weir_state_, weir_timers_, (weir_out(OUT)){ .builder = weir_builder_ });   \
    }                                                                                              \
    WEIR_PROCESS_(rule, weir_process_due_##rule, IN, STATE, OUT, "WEIR_PROCESS(" #rule ", " #due)
/* The same without timers. */
#define WEIR_PROCESS_UNTIMED(rule, IN, STATE, OUT)                                                 \
    WEIR_PROCESS_(rule, NULL, IN, STATE, OUT, "WEIR_PROCESS_UNTIMED(" #rule)

#define WEIR_PROCESS_(fn, due_fn, IN, STATE, OUT, call)                                            \
    _Static_assert(WEIR_SAME_(__typeof__(&fn),                                                     \
                              void (*)(const IN *, STATE *, weir_timers *, weir_out(OUT))),        \
                   call ", " #IN ", " #STATE ", " #OUT "): " #fn " must be void (const " #IN       \
                        " *, " #STATE " *, weir_timers *, weir_out(" #OUT "))");                   \
    typedef IN weir_process_in_##fn;                                                               \
    static void weir_process_rule_##fn(const void *weir_record_, void *weir_state_,                \
                                       weir_timers *weir_timers_, weir_builder *weir_builder_)     \
    {                                                                                              \
        fn(weir_record_, weir_state_, weir_timers_, (weir_out(OUT)){ .builder = weir_builder_ });  \
    }                                                                                              \
    WEIR_UNUSED static inline weir_stream(OUT) weir_process_add_##fn(                              \
        weir_port *weir_in_, const char *const *weir_key_,                                         \
        const struct weir_process_options *weir_options_)                                          \
    {                                                                                              \
        return (weir_stream(OUT)){                                                                 \
            .port = weir_process_erased(                                                           \
                weir_in_,                                                                          \
                &(weir_process_spec){ .struct_size = sizeof(weir_process_spec),                    \
                                      .kind = #fn,                                                 \
                                      .in = IN##_type(),                                           \
                                      .state = STATE##_type(),                                     \
                                      .out = OUT##_type(),                                         \
                                      .key = weir_key_,                                            \
                                      .rule = weir_process_rule_##fn,                              \
                                      .due = due_fn },                                             \
                                        weir_options_) };                                          \
    }
#endif

#endif

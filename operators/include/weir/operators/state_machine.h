/* SPDX-License-Identifier: Apache-2.0
 *
 * state_machine: a function of one's own over the records of each key and a state; it says when the
 * state is done with.
 *
 *     static bool visit(const page *p, session *s, weir_out(summary) out)
 *     {
 *         s->pages++;
 *         if (!p->is_last)
 *             return false;
 *         summary_emit(out, (summary){ p->user, s->pages });
 *         return true;                       // the next record of this key finds a new state
 *     }
 *     WEIR_STATE_MACHINE(visit, page, session, summary)
 *     …
 *     weir_stream(summary) s = weir_state_machine(pages, WEIR_KEY(page, user), visit);
 *
 * Records come epoch by epoch, those of one epoch as they arrive. For an order within the epoch,
 * and for timers, there is weir_process; what is said there of states, strings and refusals holds
 * here: so a stream inside a scope is refused.
 */
#ifndef WEIR_OPERATORS_STATE_MACHINE_H
#define WEIR_OPERATORS_STATE_MACHINE_H

#include <weir/operators/process.h>

#ifndef __cplusplus

#define weir_state_machine(s, K, fn)                                                               \
    (WEIR_CHECK_(WEIR_CARRIES_(s, weir_state_machine_in_##fn),                                     \
                 "weir_state_machine(" #s ", " #K ", " #fn                                         \
                 "): the stream does not carry the records " #fn " takes"),                        \
     WEIR_CHECK_(WEIR_KEY_FITS_(s, K), "weir_state_machine(" #s ", " #K ", " #fn                   \
                                       "): the key names a record that the stream does not "       \
                                       "carry"),                                                   \
     weir_state_machine_add_##fn((s).port, WEIR_KEY_NAMES_(K)))

/* Registers fn, bool fn(const IN *, STATE *, weir_out(OUT)), for weir_state_machine. */
#define WEIR_STATE_MACHINE(fn, IN, STATE, OUT)                                                     \
    _Static_assert(WEIR_SAME_(__typeof__(&fn), bool (*)(const IN *, STATE *, weir_out(OUT))),      \
                   "WEIR_STATE_MACHINE(" #fn ", " #IN ", " #STATE ", " #OUT "): " #fn              \
                   " must be bool (const " #IN " *, " #STATE " *, weir_out(" #OUT "))");           \
    typedef IN weir_state_machine_in_##fn;                                                         \
    static void weir_state_machine_rule_##fn(const void *weir_record_, void *weir_state_,          \
                                             weir_timers *weir_timers_,                            \
                                             weir_builder *weir_builder_)                          \
    {                                                                                              \
        (void)weir_timers_;                                                                        \
        if (fn(weir_record_, weir_state_, (weir_out(OUT)){ .builder = weir_builder_ }))            \
            memset(weir_state_, 0, sizeof(STATE));                                                 \
    }                                                                                              \
    WEIR_UNUSED static inline weir_stream(OUT) weir_state_machine_add_##fn(                        \
        weir_port *weir_in_, const char *const *weir_key_)                                         \
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
                                      .rule = weir_state_machine_rule_##fn },                      \
                &(struct weir_process_options){                                                    \
                    .struct_size = sizeof(struct weir_process_options) }) };                       \
    }
#endif

#endif

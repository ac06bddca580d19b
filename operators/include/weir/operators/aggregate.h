/* SPDX-License-Identifier: Apache-2.0
 *
 * aggregate: one record for each key of an epoch, made of all its records when it is complete.
 *
 *     static void add(const sale *s, basket *b) { b->cents += s->cents; b->count++; }
 *     static receipt close(const sale *key, const basket *b)
 *     {
 *         return (receipt){ key->customer, b->cents / b->count };
 *     }
 *     WEIR_AGGREGATE(add, close, sale, basket, receipt)
 *     …
 *     weir_stream(receipt) r = weir_aggregate(sales, WEIR_KEY(sale, customer), add);
 *
 * Records are exchanged by the key. add is called for each record of an epoch, in any order, with
 * a state that is zeroed when the key is new in the epoch; the result must not depend on the order.
 * Then close makes the record that leaves; of its first argument the key's fields are set, and all
 * else is zero. The state is a record, and copies strings that are put into it by itself; those of
 * the result may come from anywhere. Nothing is kept from one epoch to the next: for that there are
 * weir_process and weir_state_machine, and for counts that change, weir_count.
 */
#ifndef WEIR_OPERATORS_AGGREGATE_H
#define WEIR_OPERATORS_AGGREGATE_H

#include <weir/batch.h>
#include <weir/graph.h>

WEIR_BEGIN_DECLS

typedef void weir_fold_fn(const void *record, void *state);
/* Writes the result; its strings are copied. */
typedef void weir_close_fn(const void *key, const void *state, void *result);

/* Over records described at run time. */
typedef struct weir_aggregate_spec {
    size_t struct_size;
    const char *kind; /* what metrics group by, and the default name */
    const weir_type *in, *state, *out;
    const char *const *key; /* names of fields, ended by NULL */
    weir_fold_fn *fold;
    weir_close_fn *close;
} weir_aggregate_spec;

/* Refuses, on the graph, a stream or a key that does not fit, a collection, and a scope. */
WEIR_API weir_port *weir_aggregate_erased(weir_port *in, const weir_aggregate_spec *spec);

WEIR_END_DECLS

#ifndef __cplusplus
#include <weir/record.h>

#define weir_aggregate(s, K, fold)                                                                 \
    (WEIR_CHECK_(WEIR_CARRIES_(s, weir_aggregate_in_##fold),                                       \
                 "weir_aggregate(" #s ", " #K ", " #fold                                           \
                 "): the stream does not carry the records " #fold " takes"),                      \
     WEIR_CHECK_(WEIR_KEY_FITS_(s, K), "weir_aggregate(" #s ", " #K ", " #fold                     \
                                       "): the key names a record that the stream does not "       \
                                       "carry"),                                                   \
     weir_aggregate_add_##fold((s).port, WEIR_KEY_NAMES_(K)))

/* Registers fold, void fold(const IN *, STATE *), and close, OUT close(const IN *, const STATE *),
 * for weir_aggregate. */
#define WEIR_AGGREGATE(fn, end, IN, STATE, OUT)                                                    \
    _Static_assert(WEIR_SAME_(__typeof__(&fn), void (*)(const IN *, STATE *)),                     \
                   "WEIR_AGGREGATE(" #fn ", " #end ", " #IN ", " #STATE ", " #OUT "): " #fn        \
                   " must be void (const " #IN " *, " #STATE " *)");                               \
    _Static_assert(WEIR_SAME_(__typeof__(&end), OUT(*)(const IN *, const STATE *)),                \
                   "WEIR_AGGREGATE(" #fn ", " #end ", " #IN ", " #STATE ", " #OUT "): " #end       \
                   " must be " #OUT " (const " #IN " *, const " #STATE " *)");                     \
    typedef IN weir_aggregate_in_##fn;                                                             \
    static void weir_aggregate_fold_##fn(const void *weir_record_, void *weir_state_)              \
    {                                                                                              \
        fn(weir_record_, weir_state_);                                                             \
    }                                                                                              \
    static void weir_aggregate_close_##fn(const void *weir_key_, const void *weir_state_,          \
                                          void *weir_to_)                                          \
    {                                                                                              \
        weir_store_##OUT(weir_to_, end(weir_key_, weir_state_));                                   \
    }                                                                                              \
    WEIR_UNUSED static inline weir_stream(OUT) weir_aggregate_add_##fn(                            \
        weir_port *weir_in_, const char *const *weir_key_)                                         \
    {                                                                                              \
        return (weir_stream(OUT)){                                                                 \
            .port = weir_aggregate_erased(                                                         \
                weir_in_, &(weir_aggregate_spec){ .struct_size = sizeof(weir_aggregate_spec),      \
                                                  .kind = #fn,                                     \
                                                  .in = IN##_type(),                               \
                                                  .state = STATE##_type(),                         \
                                                  .out = OUT##_type(),                             \
                                                  .key = weir_key_,                                \
                                                  .fold = weir_aggregate_fold_##fn,                \
                                                  .close = weir_aggregate_close_##fn }) };         \
    }
#endif

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * accumulate: a keyed aggregate of one's own, as a collection that changes: a state of each key
 * that records are added to and taken from, and a function that makes the result of it.
 *
 *     static void change(const sale *s, int64_t n, basket *b)
 *     {
 *         b->cents += n * s->cents;      // which may not overflow: see below
 *         b->count += n;
 *     }
 *     static receipt result(const sale *key, const basket *b)
 *     {
 *         return (receipt){ key->customer, b->cents / b->count };
 *     }
 *     WEIR_ACCUMULATE(change, result, sale, basket, receipt)
 *     …
 *     weir_stream(receipt) r = weir_accumulate(sales, WEIR_KEY(sale, customer), change);
 *
 * change gets each record with its diff n: n of it more, or -n of it less if n is negative. Records
 * come in any order, those that go perhaps before those that come, and the state must not depend on
 * it. It is a record, zeroed when a key is new, and copies strings that are put into it by itself.
 * The arithmetic is the function's own, and so is overflow: nobody else looks. weir/value.h has
 * products and sums that say whether they fit (weir_i64_mul, weir_i64_add), and of decimals, which
 * have 128 bits: room for any sum of such products (weir_decimal_add). A note in the state that one
 * did not fit depends on the order in which records come, a sum that is wide enough does not. How
 * many records a key has is counted here; the run ends with WEIR_OVERFLOWED where 64 bits do not
 * hold it.
 *
 * When an epoch is complete, result is called for each key that it touched; of its first argument
 * the key's fields are set, all else is zero; strings of the result may come from anywhere. If the
 * result is another than before, the old one leaves with diff -1 and the new one with diff +1. A
 * key whose counts add up to 0 has no result, and its state is forgotten, whatever is in it; one
 * whose counts add up to less has one, of the state as it is then: all this is made for collections
 * whose counts are not below 0 when an epoch is complete. Records are exchanged by the key.
 *
 * In a scope, where times have no one order, the state of a key is made anew of all its records
 * whenever one of them has changed, as weir_reduce would.
 */
#ifndef WEIR_OPERATORS_ACCUMULATE_H
#define WEIR_OPERATORS_ACCUMULATE_H

#include <weir/graph.h>

WEIR_BEGIN_DECLS

typedef void weir_accumulate_change_fn(const void *record, int64_t n, void *state);
/* Writes the result in canonical form, except for strings. */
typedef void weir_accumulate_result_fn(const void *key, const void *state, void *result);

/* Over records described at run time. */
typedef struct weir_accumulate_spec {
    size_t struct_size;
    const char *kind; /* what metrics group by, and the default name */
    const weir_type *in, *state, *out;
    const char *const *key; /* names of fields, ended by NULL */
    weir_accumulate_change_fn *change;
    weir_accumulate_result_fn *result;
} weir_accumulate_spec;

/* Refuses, on the graph, a stream or a key that does not fit, and a state and a result of together
 * over 3500 bytes. */
WEIR_API weir_port *weir_accumulate_erased(weir_port *in, const weir_accumulate_spec *spec);

WEIR_END_DECLS

#ifndef __cplusplus
#include <weir/record.h>

#define weir_accumulate(s, K, change)                                                              \
    (WEIR_CHECK_(WEIR_CARRIES_(s, weir_accumulate_in_##change),                                    \
                 "weir_accumulate(" #s ", " #K ", " #change                                        \
                 "): the stream does not carry the records " #change " takes"),                    \
     WEIR_CHECK_(WEIR_KEY_FITS_(s, K), "weir_accumulate(" #s ", " #K ", " #change                  \
                                       "): the key names a record that the stream does not "       \
                                       "carry"),                                                   \
     weir_accumulate_add_##change((s).port, WEIR_KEY_NAMES_(K)))

/* Registers change, void change(const IN *, int64_t, STATE *), and result,
 * OUT result(const IN *, const STATE *), for weir_accumulate. */
#define WEIR_ACCUMULATE(fn, end, IN, STATE, OUT)                                                   \
    _Static_assert(WEIR_SAME_(__typeof__(&fn), void (*)(const IN *, int64_t, STATE *)),            \
                   "WEIR_ACCUMULATE(" #fn ", " #end ", " #IN ", " #STATE ", " #OUT "): " #fn       \
                   " must be void (const " #IN " *, int64_t, " #STATE " *)");                      \
    _Static_assert(WEIR_SAME_(__typeof__(&end), OUT(*)(const IN *, const STATE *)),                \
                   "WEIR_ACCUMULATE(" #fn ", " #end ", " #IN ", " #STATE ", " #OUT "): " #end      \
                   " must be " #OUT " (const " #IN " *, const " #STATE " *)");                     \
    typedef IN weir_accumulate_in_##fn;                                                            \
    static void weir_accumulate_change_##fn(const void *weir_record_, int64_t weir_n_,             \
                                            void *weir_state_)                                     \
    {                                                                                              \
        fn(weir_record_, weir_n_, weir_state_);                                                    \
    }                                                                                              \
    static void weir_accumulate_result_##fn(const void *weir_key_, const void *weir_state_,        \
                                            void *weir_result_)                                    \
    {                                                                                              \
        weir_store_##OUT(weir_result_, end(weir_key_, weir_state_));                               \
    }                                                                                              \
    WEIR_UNUSED static inline weir_stream(OUT) weir_accumulate_add_##fn(                           \
        weir_port *weir_in_, const char *const *weir_key_)                                         \
    {                                                                                              \
        return (weir_stream(OUT)){                                                                 \
            .port = weir_accumulate_erased(                                                        \
                weir_in_, &(weir_accumulate_spec){ .struct_size = sizeof(weir_accumulate_spec),    \
                                                   .kind = #fn,                                    \
                                                   .in = IN##_type(),                              \
                                                   .state = STATE##_type(),                        \
                                                   .out = OUT##_type(),                            \
                                                   .key = weir_key_,                               \
                                                   .change = weir_accumulate_change_##fn,          \
                                                   .result = weir_accumulate_result_##fn })        \
        };                                                                                         \
    }
#endif

#endif

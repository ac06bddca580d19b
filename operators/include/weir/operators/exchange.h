/* SPDX-License-Identifier: Apache-2.0
 *
 * exchange: each record goes to one worker, by the hash of a key or by a function.
 *
 *     weir_stream(order) o = weir_exchange(orders, WEIR_KEY(order, customer));
 *
 *     static uint64_t shelf(const order *o) { return o->product / 1000; }
 *     WEIR_ROUTE(shelf, order)
 *     …
 *     weir_stream(order) p = weir_exchange_by(orders, shelf);
 *
 * By a key it goes to the worker that owns the key's hash; by a function, which is for plain
 * streams only, to the worker of that number modulo their count. Operators that keep state by key
 * exchange by themselves: this is for a program's own nodes.
 */
#ifndef WEIR_OPERATORS_EXCHANGE_H
#define WEIR_OPERATORS_EXCHANGE_H

#include <weir/graph.h>
#include <weir/node.h>
#include <weir/record.h>

WEIR_BEGIN_DECLS

/* Names of key fields end with NULL; one that the record lacks sticks to the graph as an error. */
WEIR_API weir_port *weir__exchange(weir_port *in, const char *const *key);
/* Refuses, on the graph, a collection, and records of another layout than the function takes. */
WEIR_API weir_port *weir__exchange_by(weir_port *in, const weir_type *type, weir_route_fn *fn);

WEIR_END_DECLS

#ifndef __cplusplus

#define weir_exchange(s, K)                                                                        \
    __extension__({                                                                                \
        _Static_assert(WEIR_KEY_FITS_(s, K), "weir_exchange(" #s ", " #K                           \
                                             "): the key names a record that the stream does "     \
                                             "not carry");                                         \
        (__typeof__(s)){ .port = weir__exchange((s).port, WEIR_KEY_NAMES_(K)) };                   \
    })
#define weir_exchange_by(s, fn)                                                                    \
    __extension__({                                                                                \
        _Static_assert(WEIR_CARRIES_(s, weir_route_in_##fn),                                       \
                       "weir_exchange_by(" #s ", " #fn                                             \
                       "): the stream does not carry the records " #fn " takes");                  \
        (weir_route_out_##fn){ .port = weir__exchange_by((s).port, weir_route_type_##fn(),         \
                                                         weir_route_kernel_##fn) };                \
    })

/* Registers fn, uint64_t fn(const T *), for weir_exchange_by and weir_partition. */
#define WEIR_ROUTE(fn, T)                                                                          \
    _Static_assert(WEIR_SAME_(__typeof__(&fn), uint64_t (*)(const T *)),                           \
                   "WEIR_ROUTE(" #fn ", " #T "): " #fn " must be uint64_t (const " #T " *)");      \
    typedef T weir_route_in_##fn;                                                                  \
    typedef weir_stream(T) weir_route_out_##fn;                                                    \
    WEIR_UNUSED static inline const weir_type *weir_route_type_##fn(void)                          \
    {                                                                                              \
        return T##_type();                                                                         \
    }                                                                                              \
    static void weir_route_kernel_##fn(const void *weir_in_, size_t weir_count_,                   \
                                       uint64_t *weir_out_, void *weir_ctx_)                       \
    {                                                                                              \
        const T *weir_from_ = weir_in_;                                                            \
        (void)weir_ctx_;                                                                           \
        for (size_t weir_i_ = 0; weir_i_ < weir_count_; weir_i_++)                                 \
            weir_out_[weir_i_] = fn(&weir_from_[weir_i_]);                                         \
    }

#endif
#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Outer joins: the pairs of records of two collections that share a key, and the records of one
 * side, or of both, whose key the other side lacks.
 *
 *     static void with_name(const sale *s, const product *p, weir_out(named) out)
 *     {
 *         named_emit(out, (named){ .name = p ? p->name : weir_str_of("?"), .cents = s->cents });
 *     }
 *     WEIR_OUTER_JOIN(with_name, sale, product, named)
 *     …
 *     weir_stream(named) n = weir_left_join(sales, WEIR_KEY(sale, product),
 *                                           products, WEIR_KEY(product, id), with_name);
 *
 * The function gets NULL for the side that lacks the key: a left join keeps the records of the
 * first stream, a right join those of the second, a full join both. All else is as with weir_join
 * and weir_antijoin: changes of one time that cancel each other are not summed.
 */
#ifndef WEIR_OPERATORS_OUTER_JOIN_H
#define WEIR_OPERATORS_OUTER_JOIN_H

#include <weir/graph.h>
#include <weir/operators/join.h>

WEIR_BEGIN_DECLS

typedef struct weir_outer_join_spec {
    size_t struct_size;
    weir_join_spec join;
    /* For records of side i that no record of the other shares a key with; NULL: they are left
     * out. */
    weir_flat_map_fn *alone[2];
} weir_outer_join_spec;

/* Refuse, on the graph, what weir_join_erased refuses. */
WEIR_API weir_port *weir_outer_join_erased(weir_port *const sides[2], const weir_key keys[2],
                                           const weir_outer_join_spec *spec);
/* The same with the names of the keys' fields; each list ends with NULL. */
WEIR_API weir_port *weir__outer_join(weir_port *const sides[2],
                                     const char *const *const names[2],
                                     const weir_outer_join_spec *spec);

WEIR_END_DECLS

#ifndef __cplusplus
#include <weir/record.h>

#define weir_left_join(a, KA, b, KB, fn) WEIR_OUTER_JOIN_(left_join, a, KA, b, KB, fn, 1, 0)
#define weir_right_join(a, KA, b, KB, fn) WEIR_OUTER_JOIN_(right_join, a, KA, b, KB, fn, 0, 1)
#define weir_full_join(a, KA, b, KB, fn) WEIR_OUTER_JOIN_(full_join, a, KA, b, KB, fn, 1, 1)
#define WEIR_OUTER_JOIN_(op, a, KA, b, KB, fn, keeps_a, keeps_b)                                   \
    __extension__({                                                                                \
        WEIR_JOIN_KEYS_CHECK_("weir_" #op, a, KA, b, KB);                                          \
        _Static_assert(WEIR_CARRIES_(a, weir_outer_join_left_##fn),                                \
                       "weir_" #op "(" #a ", ..., " #fn "): the first stream does not carry the "  \
                       "records that " #fn " takes first");                                        \
        _Static_assert(WEIR_CARRIES_(b, weir_outer_join_right_##fn),                               \
                       "weir_" #op "(..., " #b ", ..., " #fn "): the second stream does not "      \
                       "carry the records that " #fn " takes second");                             \
        weir_outer_join_add_##fn((weir_port *const[2]){ (a).port, (b).port },                      \
                                 (const char *const *const[2]){ WEIR_KEY_NAMES_(KA),               \
                                                                WEIR_KEY_NAMES_(KB) },             \
                                 keeps_a, keeps_b);                                                \
    })

/* Registers fn, void fn(const A *, const B *, weir_out(OUT)), which takes NULL for one of both, for
 * the outer joins: checks the signature, makes the loops. */
#define WEIR_OUTER_JOIN(fn, A, B, OUT)                                                             \
    _Static_assert(WEIR_SAME_(__typeof__(&fn), void (*)(const A *, const B *, weir_out(OUT))),     \
                   "WEIR_OUTER_JOIN(" #fn ", " #A ", " #B ", " #OUT "): " #fn                      \
                   " must be void (const " #A " *, const " #B " *, weir_out(" #OUT "))");          \
    typedef A weir_outer_join_left_##fn;                                                           \
    typedef B weir_outer_join_right_##fn;                                                          \
    static void weir_outer_join_pairs_##fn(const weir_matches *weir_pairs_,                        \
                                           weir_builder *weir_out_, void *weir_ctx_)               \
    {                                                                                              \
        weir_out(OUT) weir_to_ = { .builder = weir_out_ };                                         \
        (void)weir_ctx_;                                                                           \
        for (size_t weir_i_ = 0; weir_i_ < weir_pairs_->count; weir_i_++) {                        \
            weir_out_->from = weir_i_;                                                             \
            fn((const A *)weir_pairs_->records[0][weir_i_],                                        \
               (const B *)weir_pairs_->records[1][weir_i_], weir_to_);                             \
        }                                                                                          \
    }                                                                                              \
    WEIR_OUTER_JOIN_ALONE_(left, fn, A, OUT, fn(&weir_records_[weir_i_], NULL, weir_to_))          \
    WEIR_OUTER_JOIN_ALONE_(right, fn, B, OUT, fn(NULL, &weir_records_[weir_i_], weir_to_))         \
    WEIR_UNUSED static inline weir_stream(OUT)                                                     \
        weir_outer_join_add_##fn(weir_port *const weir_sides_[2],                                  \
                                 const char *const *const weir_names_[2],                          \
                                 bool keeps_a_, bool keeps_b_)                                     \
    {                                                                                              \
        return (weir_stream(OUT)){                                                                 \
            .port = weir__outer_join(                                                              \
                weir_sides_, weir_names_,                                                          \
                &(weir_outer_join_spec){                                                           \
                    .struct_size = sizeof(weir_outer_join_spec),                                   \
                    .join = { .struct_size = sizeof(weir_join_spec),                               \
                              .takes = { A##_type(), B##_type() },                                 \
                              .out = OUT##_type(),                                                 \
                              .kernel = weir_outer_join_pairs_##fn },                              \
                    .alone = { keeps_a_ ? weir_outer_join_left_of_##fn : NULL,                     \
                               keeps_b_ ? weir_outer_join_right_of_##fn : NULL } })                \
        };                                                                                         \
    }
#define WEIR_OUTER_JOIN_ALONE_(side, fn, T, OUT, call)                                             \
    static void weir_outer_join_##side##_of_##fn(const weir_batch *weir_in_,                       \
                                                 weir_builder *weir_out_, void *weir_ctx_)         \
    {                                                                                              \
        const T *weir_records_ = weir_in_->records;                                                \
        weir_out(OUT) weir_to_ = { .builder = weir_out_ };                                         \
        (void)weir_ctx_;                                                                           \
        for (size_t weir_i_ = 0; weir_i_ < weir_in_->count; weir_i_++) {                           \
            weir_out_->from = weir_i_;                                                             \
            call;                                                                                  \
        }                                                                                          \
    }
#endif

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * reduce: of the records of each key, whatever a function makes of them, kept up to date.
 *
 *     #define NAMED(F) F(u64, node) F(str, name) F(u64, names)
 *     …
 *     static void first_name(const name *key, weir_group(name) names, weir_out(named) out)
 *     {
 *         named_emit(out, (named){ key->node, names.records[0]->text, names.count });
 *     }
 *     WEIR_REDUCE(first_name, name, named)
 *     …
 *     weir_stream(named) n = weir_reduce(all, WEIR_KEY(name, node), first_name,
 *                                        .order = WEIR_ASC(name, text));
 *
 * At each time at which a key has records, the function gets the different ones in a group, with
 * how often each is there, and emits the result: any number of records, whose first fields are the
 * key's. Of its first argument the key's fields are set. It is called again whenever something of
 * the key has changed, and must always make the same of the same records; what differs from before
 * leaves as changes. Where more of a record may be taken away than there is, weir_group_first is
 * the first one that is there. Strings of the result may come from the group, from literals, or
 * from weir_str_copy and weir_str_format.
 *
 * Records of the group lie in .order, ties by all fields; by default, by all fields. Streams may be
 * in scopes of any depth. The collection is arranged by the key, as for a join by that key.
 */
#ifndef WEIR_OPERATORS_REDUCE_H
#define WEIR_OPERATORS_REDUCE_H

#include <weir/batch.h>
#include <weir/graph.h>
#include <weir/operators/arrange.h>

WEIR_BEGIN_DECLS

/* A group of records of a type that is not known when compiling. */
typedef struct weir_values {
    size_t count;
    const void *const *records; /* different ones, in order */
    const int64_t *counts;      /* never 0; below 0 where more were taken away than there were */
} weir_values;

/* What weir_group_first is. */
static inline const void *weir_first_there_(const weir_values *values)
{
    for (size_t i = 0; i < values->count; i++)
        if (values->counts[i] > 0)
            return values->records[i];
    return NULL;
}

/* Another status than WEIR_OK ends the run with it. */
typedef weir_status weir_reduce_fn(const void *key, const weir_values *values, weir_builder *out,
                                   const void *ctx);

/* Zero means default for every field. */
struct weir_reduce_options {
    size_t struct_size;
    const char *name;
    weir_order order; /* of a group's records */
    bool ahead;       /* as in weir_reduce_spec */
    uint64_t first;   /* as in weir_reduce_spec */
    bool by_first_field; /* as in weir_reduce_spec */
};

/* Over records described at run time. */
typedef struct weir_reduce_spec {
    size_t struct_size;
    const char *kind; /* what metrics group by, and the default name */
    const char *name;
    const weir_type *out;
    weir_reduce_fn *reduce;
    const void *ctx;     /* for reduce; lives as long as the graph */
    weir_key result_key; /* fields of out that are the key's, in order; count 0: the first ones */
    /* The function looks at the first records of a group only: it gets those whose counts above 0
     * come to that many, and some behind them or not; 0: all. How much more than that the last of
     * their counts is must not matter to it: it is not called again for it. Large groups are then
     * not gone through. */
    uint64_t first;
    /* In a loop the function may be asked ahead, about groups as they would be if nothing more
     * came: those may be groups that there never are, and have counts below 0. If it can take any
     * group, keys that nothing happens to are looked at in fewer rounds. With .first, which ends
     * most looks by itself, nothing is asked ahead. */
    bool ahead;
    /* With .first: of a record the function looks at no more than the key and the first field of
     * the order. It must give the same for others that agree in these, and is not called again
     * for more of such. */
    bool by_first_field;
} weir_reduce_spec;

/* The result's unique key is unknown. Refuses, on the graph, a result that does not have the key's
 * fields where it should. */
WEIR_API weir_port *weir_reduce_erased(weir_arrangement *in, const weir_reduce_spec *spec);
/* Arranges the stream first. Names of key fields end with NULL. */
WEIR_API weir_port *weir__reduce(weir_port *in, const char *const *key,
                                 const struct weir_reduce_options *options,
                                 const weir_reduce_spec *spec);

WEIR_END_DECLS

#ifndef __cplusplus
#include <weir/record.h>

/* weir_reduce(stream, WEIR_KEY(IN, field…), fn, options…) */
#define weir_reduce(s, K, ...)                                                                     \
    weir_reduce_(s, K, __VA_ARGS__, .struct_size = sizeof(struct weir_reduce_options))
#define weir_reduce_(s, K, fn, ...)                                                                \
    (WEIR_CHECK_(WEIR_CARRIES_(s, weir_reduce_in_##fn),                                            \
                 "weir_reduce(" #s ", " #K ", " #fn                                                \
                 "): the stream does not carry the records " #fn " takes"),                        \
     WEIR_CHECK_(WEIR_KEY_FITS_(s, K), "weir_reduce(" #s ", " #K ", " #fn                          \
                                       "): the key names a record that the stream does not "       \
                                       "carry"),                                                   \
     weir_reduce_add_##fn((s).port, WEIR_KEY_NAMES_(K),                                            \
                          &(struct weir_reduce_options){ __VA_ARGS__ }))

/* The first record of a group that is there, which is one with a count above 0. NULL: none is. */
#define weir_group_first(group)                                                                    \
    ((__typeof__(&*(group).records[0]))weir_first_there_(&(const weir_values){                     \
        (group).count, (const void *const *)(group).records, (group).counts }))

/* Registers fn, void fn(const IN *, weir_group(IN), weir_out(OUT)), for weir_reduce. */
#define WEIR_REDUCE(fn, IN, OUT)                                                                   \
    _Static_assert(WEIR_SAME_(__typeof__(&fn),                                                     \
                              void (*)(const IN *, weir_group(IN), weir_out(OUT))),                \
                   "WEIR_REDUCE(" #fn ", " #IN ", " #OUT "): " #fn " must be void (const " #IN     \
                   " *, weir_group(" #IN "), weir_out(" #OUT "))");                                \
    typedef IN weir_reduce_in_##fn;                                                                \
    static weir_status weir_reduce_of_##fn(const void *weir_key_, const weir_values *weir_values_, \
                                           weir_builder *weir_builder_, const void *weir_ctx_)     \
    {                                                                                              \
        (void)weir_ctx_;                                                                           \
        fn(weir_key_,                                                                              \
           (weir_group(IN)){ .count = weir_values_->count,                                         \
                             .records = (const IN *const *)weir_values_->records,                  \
                             .counts = weir_values_->counts },                                     \
           (weir_out(OUT)){ .builder = weir_builder_ });                                           \
        return WEIR_OK;                                                                            \
    }                                                                                              \
    WEIR_UNUSED static inline weir_stream(OUT) weir_reduce_add_##fn(                               \
        weir_port *weir_in_, const char *const *weir_key_,                                         \
        const struct weir_reduce_options *weir_options_)                                           \
    {                                                                                              \
        return (weir_stream(OUT)){                                                                 \
            .port = weir__reduce(weir_in_, weir_key_, weir_options_,                               \
                                 &(weir_reduce_spec){ .struct_size = sizeof(weir_reduce_spec),     \
                                                      .kind = #fn,                                 \
                                                      .out = OUT##_type(),                         \
                                                      .reduce = weir_reduce_of_##fn })             \
        };                                                                                         \
    }
#endif

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/threshold.h. The key is the whole record; its value is how often it is there,
 * and how often it was put out. In a scope, where times have no one order, and of records that have
 * more fields than a key may have, it is a reduce.
 */
#include <weir/operators/threshold.h>

#include <string.h>

#include <weir/operators/reduce.h>

#include "tally.h"

typedef struct times {
    weir__tally tally;
    int64_t shown;
} times;

typedef struct description {
    weir_threshold_fn *fn;
} description;

static int64_t once(const void *record, int64_t count)
{
    (void)record;
    return count > 0;
}

static bool add(weir__tally *value, const void *record, int64_t diff, const void *ctx,
                weir__tally_error *error)
{
    (void)value;
    (void)record;
    (void)diff;
    (void)ctx;
    (void)error;
    return true; /* it is counted already */
}

static int put(weir__tally *value, weir__tally_changes *changes, const void *ctx)
{
    const description *what = ctx;
    times *t = (times *)(void *)value;
    int64_t now = value->records ? what->fn(changes->records[0], value->records) : 0;
    if (__builtin_sub_overflow(now, t->shown, &changes->diffs[0])) {
        changes->error.before = "the change of how often";
        changes->error.after = "is there leaves the range of 64 bits";
        return -1;
    }
    t->shown = now;
    return changes->diffs[0] != 0;
}

/* The key is all fields, or as many as a key has: then a group may have several records. */
static weir_status reduce(const void *key, const weir_values *values, weir_builder *out,
                          const void *ctx)
{
    const description *what = ctx;
    (void)key;
    for (size_t i = 0; i < values->count; i++) {
        int64_t now = what->fn(values->records[i], values->counts[i]);
        if (now == 0)
            continue;
        weir_builder_set_diff(out, now);
        memcpy(weir_builder_next(out, out->type->size), values->records[i], out->type->size);
    }
    return WEIR_OK;
}

static weir_port *reduced(weir_port *in, const weir_key *key, const char *kind,
                          const description *what)
{
    weir_arrange_spec arranged = { .struct_size = sizeof arranged, .key = *key };
    weir_reduce_spec counted = { .struct_size = sizeof counted,
                                 .kind = kind,
                                 .out = weir_port_type(in),
                                 .reduce = reduce,
                                 .ctx = what,
                                 .result_key = *key };
    weir_port *made = weir_reduce_erased(
        weir_arrange_erased(weir_port_as_collection(in), &arranged), &counted);
    bool is_unique = what->fn == once && key->count == weir_port_type(in)->field_count;
    return made && is_unique ? weir_port_with_key(made, key) : made;
}

weir_port *weir_threshold_erased(weir_port *in, const weir_type *type, weir_threshold_fn *fn,
                                 const char *kind)
{
    weir_key key = { .count = 0 };
    if (!in)
        return NULL;
    weir_graph *graph = weir_port_graph(in);
    if (!weir_type_same_layout(weir_port_type(in), type)) {
        weir_graph_fail(graph, WEIR_TYPE_MISMATCH, kind, "give it a stream of those records",
                        "the stream carries '%s', the function takes '%s'",
                        weir_port_type(in)->name, type->name);
        return NULL;
    }
    for (; key.count < type->field_count && key.count < WEIR_KEY_FIELDS_MAX; key.count++)
        key.field[key.count] = (uint16_t)key.count;
    description *what = weir_graph_alloc(graph, sizeof *what);
    what->fn = fn;
    if (weir_port_depth(in) > 1 || type->field_count > key.count)
        return reduced(in, &key, kind, what);
    return weir__tally_add(in, &(weir__tally_spec){ .kind = kind,
                                                    .in = type,
                                                    .out = type,
                                                    .key = key,
                                                    .fills_key = true,
                                                    .unique = fn == once,
                                                    .combines = true,
                                                    .value_size = sizeof(times),
                                                    .add = add,
                                                    .put = put,
                                                    .ctx = what });
}

weir_port *weir_distinct_erased(weir_port *in)
{
    return in ? weir_threshold_erased(in, weir_port_type(in), once, "distinct") : NULL;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/interval_join.h. Time is cut into stretches as long as the interval. A record
 * of the second side lies in one of them; one of the first side goes to each that its interval
 * touches, which are two at most; a join by key and stretch finds the pairs, and those that are too
 * far from each other are left out.
 */
#include <weir/operators/interval_join.h>

#include <string.h>

#include <weir/record.h>

#include "fields.h"
#include "join.h"
#include "parts.h"
#include "word.h"

static const char *const where = "interval_join";

#define STRETCH(F) F(u64, number)
WEIR_RECORD(stretch, STRETCH)

typedef struct description description;

/* A side: its records, each with the number of a stretch behind it. */
typedef struct side {
    const description *join;
    weir__parts *parts;
    weir_field time;
} side;

struct description {
    side sides[2];
    weir_key keys[2];
    weir__wide low, high;
    weir__word length; /* of a stretch */
    weir_join_spec spec;
};

/* Beginning with the least time that an integer of 64 bits can say; goes round at 64 bits. */
static uint64_t stretch_of(const description *d, weir__wide time)
{
    return (uint64_t)((weir__word)(time - INT64_MIN) / d->length);
}

static weir__wide time_of(const side *s, const void *record)
{
    return weir__word_integer(
        weir__word_of(s->time.kind, (const char *)record + s->time.offset));
}

static weir__wide bounded(weir__wide time)
{
    return time < INT64_MIN ? INT64_MIN : time > (weir__wide)UINT64_MAX ? UINT64_MAX : time;
}

static void spread(const weir_batch *in, weir_builder *out, void *ctx)
{
    const side *s = ctx;
    const description *d = s->join;
    bool is_first = s == &d->sides[0];
    for (size_t i = 0; i < in->count; i++) {
        const char *record = weir_batch_record(in, i);
        if (s->time.optional && !record[s->time.set_offset])
            continue;
        weir__wide at = time_of(s, record);
        uint64_t first = stretch_of(d, is_first ? bounded(at + d->low) : at);
        uint64_t last = is_first ? stretch_of(d, bounded(at + d->high)) : first;
        out->from = i;
        for (uint64_t n = first;; n++) {
            char *to = memset(weir_builder_next(out, s->parts->type.size), 0, s->parts->type.size);
            memcpy(to, record, s->parts->parts[0]->size);
            ((stretch *)weir__part(s->parts, 1, to))->number = n;
            if (n == last)
                break;
        }
    }
}

enum { BLOCK = 256 };

/* Hands the function those of the pairs that are near enough. */
static void near_ones(const weir_matches *pairs, weir_builder *out, void *ctx)
{
    const description *d = ctx;
    const void *records[2][BLOCK];
    int64_t diffs[BLOCK];
    uint64_t times[BLOCK * WEIR_TIME_COORDS];
    for (size_t i = 0; i < pairs->count;) {
        weir_matches few = *pairs;
        few.count = 0;
        for (; i < pairs->count && few.count < BLOCK; i++) {
            weir__wide far = time_of(&d->sides[1], pairs->records[1][i]) -
                             time_of(&d->sides[0], pairs->records[0][i]);
            if (far < d->low || far > d->high)
                continue;
            for (int s = 0; s < 2; s++)
                records[s][few.count] = pairs->records[s][i];
            if (pairs->diffs)
                diffs[few.count] = pairs->diffs[i];
            if (pairs->times)
                memcpy(times + few.count * out->depth, pairs->times + i * out->depth,
                       out->depth * sizeof *times);
            few.count++;
        }
        few.records[0] = records[0];
        few.records[1] = records[1];
        few.diffs = pairs->diffs ? diffs : NULL;
        few.times = pairs->times ? times : NULL;
        weir_builder_set_columns(out, few.diffs, few.times);
        if (few.count > 0)
            d->spec.kernel(&few, out, d->spec.ctx);
    }
    weir_builder_set_columns(out, NULL, NULL);
}

/* ---- building ---- */

static bool is_time(weir_kind kind)
{
    return weir__word_has(kind) && kind != WEIR_KIND_f32 && kind != WEIR_KIND_f64 &&
           kind != WEIR_KIND_decimal;
}

static bool check(weir_port *const sides[2], const description *d)
{
    weir_graph *graph = weir_port_graph(sides[0]);
    const weir_field *a = &d->sides[0].time, *b = &d->sides[1].time;
    if (a->kind != b->kind || !is_time(a->kind))
        weir_graph_fail(graph, WEIR_TYPE_MISMATCH, where,
                        "name an instant, a date or an integer of each, of the same kind",
                        "'%s' of '%s' and '%s' of '%s' are no times of one kind", a->name,
                        weir_port_type(sides[0])->name, b->name, weir_port_type(sides[1])->name);
    else if (d->low > d->high)
        weir_graph_fail(graph, WEIR_INVALID, where, "set .low and .high: .low = -5, .high = 5",
                        "an interval from %lld to %lld has nothing in it", (long long)d->low,
                        (long long)d->high);
    else if (d->keys[0].count >= WEIR_KEY_FIELDS_MAX)
        weir_graph_fail(graph, WEIR_INVALID, where, "name 1 to 7 fields of each",
                        "keys of %u fields", d->keys[0].count);
    else
        for (int s = 0; s < 2; s++)
            if (!weir_type_same_layout(weir_port_type(sides[s]), d->spec.takes[s]))
                weir_graph_fail(graph, WEIR_TYPE_MISMATCH, where,
                                "give it a stream of those records",
                                "stream %d carries '%s', the function takes '%s'", s + 1,
                                weir_port_type(sides[s])->name, d->spec.takes[s]->name);
    return !weir_graph_failed(graph);
}

/* The side with stretches, and its key. */
static weir_port *spread_side(weir_port *in, description *d, int s)
{
    const weir_type *types[2] = { weir_port_type(in), stretch_type() };
    side *of = &d->sides[s];
    of->join = d;
    of->parts = weir__parts_of(weir_port_graph(in), types, 2, where);
    if (!of->parts)
        return NULL;
    d->keys[s].field[d->keys[s].count++] = of->parts->first_field[1];
    weir_stage_spec stage = { .struct_size = sizeof stage,
                              .kind = where,
                              .in = types[0],
                              .out = &of->parts->type,
                              .flat_map = spread,
                              .ctx = of };
    return weir_stage_add(in, &stage);
}

weir_port *weir_interval_join_erased(weir_port *const sides[2],
                                     const weir_interval_join_spec *given,
                                     const struct weir_interval_join_options *options)
{
    weir_interval_join_spec spec = { 0 };
    weir_port *spread_sides[2];
    weir_struct_copy(&spec, sizeof spec, given);
    if (!sides[0] || !sides[1])
        return NULL;
    description *d = weir_graph_alloc(weir_port_graph(sides[0]), sizeof *d);
    *d = (description){ .low = options->low, .high = options->high, .spec = spec.join };
    for (int s = 0; s < 2; s++) {
        int time = weir__fields_resolve(sides[s], spec.keys[s], spec.times[s], &d->keys[s], where);
        if (time < 0)
            return NULL;
        d->sides[s].time = weir_port_type(sides[s])->fields[time];
    }
    if (!weir__join_check(sides, d->keys, where) || !check(sides, d))
        return NULL;
    d->length = (weir__word)(d->high - d->low) + 1;
    for (int s = 0; s < 2; s++)
        if (!(spread_sides[s] = spread_side(sides[s], d, s)))
            return NULL;
    weir_join_spec join = spec.join;
    join.takes[0] = join.takes[1] = NULL;
    join.kernel = near_ones;
    join.ctx = d;
    return weir_join_erased(spread_sides, d->keys, &join);
}

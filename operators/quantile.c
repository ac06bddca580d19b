/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/quantile.h. The values of a key lie in order in its entry of the table, as
 * words; beside them what was put out last. In a scope, where times have no one order, it is a
 * reduce.
 */
#include <weir/operators/quantile.h>

#include <math.h>
#include <string.h>

#include <weir/operators/reduce.h>

#include "fields.h"
#include "ranks.h"
#include "tally.h"
#include "word.h"

/* What is put out for a key. */
typedef struct answer {
    bool is_there, is_set;
    weir__word words[WEIR_QUANTILES_MAX];
    double median;
} answer;

typedef struct group {
    weir__tally tally;
    weir__ranks ranks;
    int64_t nulls;
    answer shown;
} group;

/* What the graph knows; shared by the workers. */
typedef struct description {
    weir_field field;          /* of the records */
    const weir__fields *some;  /* in a scope: the key, then the field */
    const weir_type *out;
    uint32_t key_count;
    unsigned count;            /* of fractions; 0: the median */
    double fractions[WEIR_QUANTILES_MAX];
    double unit;               /* of a decimal */
} description;

/* ---- the answer ---- */

/* Index, from 0, of the least value that has this fraction of all at or below it. */
static int64_t rank_of(double fraction, int64_t total)
{
    double all = (double)total, rank = ceil(fraction * all);
    if (rank > 1 && (rank - 1) / all >= fraction) /* the product was rounded up */
        rank--;
    if (rank >= all)
        return total - 1;
    return rank > 1 ? (int64_t)rank - 1 : 0;
}

static double mean(const description *d, weir__word low, weir__word high)
{
    weir_kind kind = d->field.kind;
    bool is_float = kind == WEIR_KIND_f64 || kind == WEIR_KIND_f32;
    weir__wide sum;
    if (!is_float && !__builtin_add_overflow(weir__word_integer(low), weir__word_integer(high),
                                             &sum))
        return (double)sum / 2 / d->unit;
    double a = weir__word_number(kind, low) / d->unit, b = weir__word_number(kind, high) / d->unit;
    double both = a + b;
    return isfinite(both) || !isfinite(a) || !isfinite(b) ? both / 2 : a / 2 + b / 2;
}

typedef weir__word word_at_fn(const void *values, int64_t rank);

/* Of values of which there are so many, by rank. */
static void answer_of(const description *d, int64_t total, word_at_fn *at, const void *values,
                      answer *a)
{
    a->is_set = total > 0;
    for (unsigned i = 0; total > 0 && i < d->count; i++)
        a->words[i] = at(values, rank_of(d->fractions[i], total));
    if (total > 0 && d->count == 0)
        a->median = mean(d, at(values, (total - 1) / 2), at(values, total / 2));
    weir_clean_f64_(&a->median);
}

static void write_answer(const description *d, const answer *a, char *record)
{
    for (unsigned i = 0; a->is_set && i < (d->count ? d->count : 1); i++) {
        const weir_field *f = &d->out->fields[d->key_count + i];
        if (d->count == 0)
            memcpy(record + f->offset, &a->median, sizeof a->median);
        else
            weir__word_put(f->kind, a->words[i], record + f->offset);
        if (f->optional)
            record[f->set_offset] = 1;
    }
}

static bool is_null(const weir_field *field, const void *record)
{
    return field->optional && !((const char *)record)[field->set_offset];
}

/* ---- one coordinate of time ---- */

static bool add(weir__tally *value, const void *record, int64_t diff, const void *ctx,
                weir__tally_error *error)
{
    const description *d = ctx;
    group *g = (group *)(void *)value;
    error->before = "how often a value is there for";
    error->after = "leaves the range of 64 bits";
    if (is_null(&d->field, record))
        return !__builtin_add_overflow(g->nulls, diff, &g->nulls);
    const char *at = (const char *)record + d->field.offset;
    return weir__ranks_change(&g->ranks, weir__word_of(d->field.kind, at), diff);
}

static weir__word at_rank(const void *values, int64_t rank)
{
    return weir__ranks_at(values, rank);
}

static int put(weir__tally *value, weir__tally_changes *changes, const void *ctx)
{
    const description *d = ctx;
    group *g = (group *)(void *)value;
    answer now;
    int count = 0;
    memset(&now, 0, sizeof now);
    now.is_there = g->ranks.total > 0 || g->nulls > 0;
    answer_of(d, g->ranks.total, at_rank, &g->ranks, &now);
    if (memcmp(&now, &g->shown, sizeof now) == 0)
        return 0;
    if (g->shown.is_there) {
        write_answer(d, &g->shown, changes->records[count]);
        changes->diffs[count++] = -1;
    }
    if (now.is_there) {
        write_answer(d, &now, changes->records[count]);
        changes->diffs[count++] = 1;
    }
    memcpy(&g->shown, &now, sizeof now);
    return count;
}

static bool is_blank(const weir__tally *value)
{
    const group *g = (const group *)(const void *)value;
    return g->nulls == 0 && weir__ranks_is_empty(&g->ranks);
}

static size_t bytes_of(const weir__tally *value)
{
    return ((const group *)(const void *)value)->ranks.bytes;
}

static void end_value(weir__tally *value)
{
    weir__ranks_fini(&((group *)(void *)value)->ranks);
}

/* ---- in a scope ---- */

typedef struct values_of {
    const description *what;
    const weir_values *values; /* ascending, null first */
} values_of;

static weir__word in_group(const void *ctx, int64_t rank)
{
    const values_of *v = ctx;
    const weir_field *field = &v->what->some->fields[v->what->key_count];
    size_t i = 0;
    for (;; i++) {
        int64_t count = v->values->counts[i];
        if (count <= 0 || is_null(field, v->values->records[i]))
            continue;
        if (count > rank)
            break;
        rank -= count;
    }
    return weir__word_of(field->kind, (const char *)v->values->records[i] + field->offset);
}

static weir_status reduce(const void *key, const weir_values *values, weir_builder *out,
                          const void *ctx)
{
    const description *d = ctx;
    const weir_field *field = &d->some->fields[d->key_count];
    values_of v = { d, values };
    answer a = { .is_there = false };
    int64_t total = 0;
    for (size_t i = 0; i < values->count; i++) {
        int64_t there = values->counts[i] > 0 ? values->counts[i] : 0;
        a.is_there |= there > 0;
        if (!is_null(field, values->records[i]) && __builtin_add_overflow(total, there, &total))
            return WEIR_OVERFLOWED;
    }
    if (!a.is_there)
        return WEIR_OK;
    answer_of(d, total, in_group, &v, &a);
    char *record = weir_builder_next(out, d->out->size);
    weir__fields_move(&d->some->type, key, d->out, record, d->key_count);
    write_answer(d, &a, record);
    return WEIR_OK;
}

static weir_port *in_scope(weir_port *in, const weir_key *key, uint16_t field, description *d,
                           const char *kind)
{
    d->some = weir__fields_of(weir_port_graph(in), weir_port_type(in), key, field);
    weir_port *some = weir__fields_map(weir_port_as_collection(in), d->some, kind);
    weir_arrange_spec by = { .struct_size = sizeof by, .key = weir__fields_key(key->count) };
    weir_reduce_spec spec = { .struct_size = sizeof spec, .kind = kind, .out = d->out,
                              .reduce = reduce, .ctx = d };
    weir_port *made = weir_reduce_erased(weir_arrange_erased(some, &by), &spec);
    return made ? weir_port_with_key(made, &by.key) : NULL;
}

/* ---- building ---- */

static bool check_field(weir_port *in, const weir_field *f, const char *kind, bool is_median)
{
    bool is_number = f->kind != WEIR_KIND_date && f->kind != WEIR_KIND_instant;
    if (weir__word_has(f->kind) && (is_number || !is_median))
        return true;
    weir_graph_fail(weir_port_graph(in), WEIR_TYPE_MISMATCH, kind,
                    is_median ? "name a number; quantile takes dates and instants, too"
                              : "name a number, a date or an instant",
                    "field '%s' of record '%s' is no number", f->name, weir_port_type(in)->name);
    return false;
}

static bool check_fractions(weir_port *in, const weir_quantile_spec *spec, const char *kind)
{
    bool valid = spec->count <= WEIR_QUANTILES_MAX;
    for (unsigned i = 0; valid && i < spec->count; i++)
        valid = spec->fractions[i] >= 0 && spec->fractions[i] <= 1;
    if (!valid)
        weir_graph_fail(weir_port_graph(in), WEIR_INVALID, kind,
                        "give 1 to 8 fractions from 0 to 1: 0.5, 0.99",
                        "a quantile of no fraction of the records");
    return valid;
}

static bool check_result(weir_port *in, const weir_key *key, const weir_field *field,
                         const weir_quantile_spec *spec, const char *kind)
{
    const weir_type *type = weir_port_type(in), *out = spec->out;
    unsigned more = spec->count ? spec->count : 1;
    bool fits = weir__result_fits(type, key, out, more);
    for (unsigned i = 0; fits && i < more; i++) {
        const weir_field *f = &out->fields[key->count + i];
        fits = f->optional == field->optional &&
               (spec->count ? f->kind == field->kind && f->scale == field->scale
                            : f->kind == WEIR_KIND_f64);
    }
    if (!fits)
        weir_graph_fail(weir_port_graph(in), WEIR_TYPE_MISMATCH, kind,
                        spec->count
                            ? "give it the kinds of the key's fields, in order, then that of the "
                              "field for each fraction"
                            : "give it the kinds of the key's fields, in order, then one f64, "
                              "optional if the field is",
                        "record '%s' cannot hold the %s of '%s' of '%s' by this key", out->name,
                        kind, field->name, type->name);
    return fits;
}

weir_port *weir_quantile_erased(weir_port *in, const weir_quantile_spec *given)
{
    weir_quantile_spec spec = { 0 };
    weir_key key;
    weir_struct_copy(&spec, sizeof spec, given);
    const char *kind = spec.count ? "quantile" : "median";
    int index = weir__fields_resolve(in, spec.key, spec.field, &key, kind);
    if (index < 0)
        return NULL;
    const weir_field *field = &weir_port_type(in)->fields[index];
    if (!check_field(in, field, kind, spec.count == 0) || !check_fractions(in, &spec, kind) ||
        !check_result(in, &key, field, &spec, kind))
        return NULL;
    description *d = weir_graph_alloc(weir_port_graph(in), sizeof *d);
    *d = (description){ .field = *field, .out = spec.out, .key_count = key.count,
                        .count = spec.count, .unit = 1 };
    memcpy(d->fractions, spec.fractions ? spec.fractions : d->fractions,
           spec.count * sizeof *d->fractions);
    for (uint8_t i = 0; field->kind == WEIR_KIND_decimal && i < field->scale; i++)
        d->unit *= 10;
    if (weir_port_depth(in) > 1)
        return in_scope(in, &key, (uint16_t)index, d, kind);
    return weir__tally_add(in, &(weir__tally_spec){ .kind = kind,
                                                    .in = weir_port_type(in),
                                                    .out = spec.out,
                                                    .key = key,
                                                    .fills_key = true,
                                                    .unique = true,
                                                    .value_size = sizeof(group),
                                                    .add = add,
                                                    .put = put,
                                                    .is_blank = is_blank,
                                                    .bytes = bytes_of,
                                                    .fini = end_value,
                                                    .ctx = d });
}

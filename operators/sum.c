/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/sum.h. The sum lies in the table: integers and decimals in 256 bits
 * (integer.h), floats in an exact accumulator; beside it the result that was put out last.
 */
#include <weir/operators/sum.h>

#include <string.h>

#include "exact.h"
#include "fields.h"
#include "integer.h"
#include "tally.h"

/* What was put out. */
typedef struct shown {
    bool is_there, is_set;
    union {
        int64_t i64;
        uint64_t u64;
        double f64;
        weir_decimal decimal;
    } value;
} shown;

typedef struct total {
    weir__tally tally;
    weir__wide values; /* that are not null */
    union {
        weir__integer integer;
        weir__exact exact;
    } sum;
    shown shown;
} total;

/* What the graph knows; shared by the workers. */
typedef struct description {
    const weir_field *field, *result;
    bool is_average, is_float;
    double unit; /* of a decimal */
} description;

/* ---- building ---- */

static bool is_float(weir_kind kind)
{
    return kind == WEIR_KIND_f64 || kind == WEIR_KIND_f32;
}

static bool is_integer(weir_kind kind)
{
    return kind >= WEIR_KIND_i8 && kind <= WEIR_KIND_u64;
}

static bool is_word(const weir_field *field)
{
    return !field->optional && (field->kind == WEIR_KIND_i64 || field->kind == WEIR_KIND_u64);
}

/* Without records there may still be a sum: of some that came and of others that went. */
static bool is_blank(const weir__tally *value)
{
    const total *t = (const total *)(const void *)value;
    return t->values == 0 && weir__integer_is_0(&t->sum.integer);
}

static bool is_blank_float(const weir__tally *value)
{
    const total *t = (const total *)(const void *)value;
    return t->values == 0 && weir__exact_is_blank(&t->sum.exact);
}

static bool holds(const weir_field *field, const weir_field *result, bool is_average)
{
    if (result->optional != field->optional)
        return false;
    if (is_average || is_float(field->kind))
        return result->kind == WEIR_KIND_f64;
    if (field->kind == WEIR_KIND_decimal)
        return result->kind == WEIR_KIND_decimal && result->scale == field->scale;
    return result->kind == WEIR_KIND_i64 || result->kind == WEIR_KIND_u64;
}

static weir__tally_add_fn add, add_word;
static weir__tally_put_fn put;

static size_t bytes_of(const weir__tally *value)
{
    return weir__exact_bytes(&((const total *)(const void *)value)->sum.exact);
}

static void end_value(weir__tally *value)
{
    weir__exact_fini(&((total *)(void *)value)->sum.exact);
}

static weir_port *build(weir_port *in, const weir_key *key, uint16_t field, const weir_type *out,
                        bool is_average)
{
    if (!in)
        return NULL;
    const char *kind = is_average ? "average" : "sum";
    const weir_type *type = weir_port_type(in);
    weir_graph *graph = weir_port_graph(in);
    if (!weir__tally_check(in, key, kind))
        return NULL;
    const weir_field *f = field < type->field_count ? &type->fields[field] : NULL;
    if (!f) {
        weir_graph_fail(graph, WEIR_TYPE_MISMATCH, kind, "name a field that it has",
                        "record '%s' has no field %u", type->name, field);
        return NULL;
    }
    if (!(is_float(f->kind) || is_integer(f->kind) || f->kind == WEIR_KIND_decimal)) {
        weir_graph_fail(graph, WEIR_TYPE_MISMATCH, kind, "name an integer, a float or a decimal",
                        "field '%s' of record '%s' is no number", f->name, type->name);
        return NULL;
    }
    if (!weir__result_fits(type, key, out, 1) ||
        !holds(f, &out->fields[key->count], is_average)) {
        weir_graph_fail(graph, WEIR_TYPE_MISMATCH, kind,
                        "give it the kinds of the key's fields, in order, then one of the "
                        "result's kind, optional if the field is",
                        "record '%s' cannot hold the %s of '%s' of '%s' by this key", out->name,
                        kind, f->name, type->name);
        return NULL;
    }
    if (weir_port_depth(in) > 1 && type->field_count > key->count + 1) {
        /* a reduce goes through different values, not through different records */
        const weir__fields *some = weir__fields_of(graph, type, key, field);
        weir_key all = weir__fields_key(key->count);
        return build(weir__fields_map(weir_port_as_collection(in), some, kind), &all,
                     (uint16_t)key->count, out, is_average);
    }
    description *what = weir_graph_alloc(graph, sizeof *what);
    *what = (description){ .field = f,
                           .result = &out->fields[key->count],
                           .is_average = is_average,
                           .is_float = is_float(f->kind),
                           .unit = 1 };
    for (uint8_t i = 0; f->kind == WEIR_KIND_decimal && i < f->scale; i++)
        what->unit *= 10;
    return weir__tally_add(in, &(weir__tally_spec){ .kind = kind,
                                                    .in = type,
                                                    .out = out,
                                                    .key = *key,
                                                    .fills_key = true,
                                                    .unique = true,
                                                    .value_size = sizeof(total),
                                                    .add = is_word(f) ? add_word : add,
                                                    .put = put,
                                                    .is_blank = what->is_float ? is_blank_float
                                                                               : is_blank,
                                                    .bytes = what->is_float ? bytes_of : NULL,
                                                    .fini = end_value,
                                                    .ctx = what });
}

weir_port *weir_sum_erased(weir_port *in, const weir_key *key, uint16_t field,
                           const weir_type *out)
{
    return build(in, key, field, out, false);
}

weir_port *weir_average_erased(weir_port *in, const weir_key *key, uint16_t field,
                               const weir_type *out)
{
    return build(in, key, field, out, true);
}

/* Key and field by their names. */
static weir_port *resolve(weir_port *in, const weir_type *out, const char *const *names,
                          const char *name, bool is_average)
{
    weir_key key, field;
    weir_error error;
    if (!in)
        return NULL;
    const weir_type *type = weir_port_type(in);
    if (weir_key_resolve(type, names, &key, &error) == WEIR_OK &&
        weir_key_resolve(type, (const char *const[]){ name, NULL }, &field, &error) == WEIR_OK)
        return build(in, &key, field.field[0], out, is_average);
    weir_graph_fail(weir_port_graph(in), error.status, is_average ? "average" : "sum", error.hint,
                    "%s", error.what);
    return NULL;
}

weir_port *weir__sum(weir_port *in, const weir_type *out, const char *const *key,
                     const char *field)
{
    return resolve(in, out, key, field, false);
}

weir_port *weir__average(weir_port *in, const weir_type *out, const char *const *key,
                         const char *field)
{
    return resolve(in, out, key, field, true);
}

/* ---- summing ---- */

static weir__wide integer_of(weir_kind kind, const char *at)
{
    switch (kind) {
#define READ_(name, type)                                                                          \
    case WEIR_KIND_##name: {                                                                       \
        type value;                                                                                \
        memcpy(&value, at, sizeof value);                                                          \
        return (weir__wide)value;                                                                  \
    }
        READ_(i8, int8_t)
        READ_(i16, int16_t)
        READ_(i32, int32_t)
        READ_(i64, int64_t)
        READ_(u8, uint8_t)
        READ_(u16, uint16_t)
        READ_(u32, uint32_t)
        READ_(u64, uint64_t)
        READ_(decimal, weir__wide)
#undef READ_
    default:
        return 0;
    }
}

static double float_of(weir_kind kind, const char *at)
{
    double value;
    float narrow;
    if (kind == WEIR_KIND_f64) {
        memcpy(&value, at, sizeof value);
        return value;
    }
    memcpy(&narrow, at, sizeof narrow);
    return (double)narrow;
}

static bool add(weir__tally *value, const void *record, int64_t diff, const void *ctx,
                weir__tally_error *error)
{
    const description *what = ctx;
    const weir_field *field = what->field;
    total *t = (total *)(void *)value;
    const char *at = (const char *)record + field->offset;
    if (field->optional && !((const char *)record)[field->set_offset])
        return true;
    t->values += diff;
    if (what->is_float) {
        error->status = WEIR_NO_MEMORY;
        return weir__exact_add(&t->sum.exact, float_of(field->kind, at), diff);
    }
    weir__integer_add_product(&t->sum.integer, integer_of(field->kind, at), diff);
    return true;
}

/* The same where the field is a plain number of 64 bits, as most are: nothing but the sum. */
static bool add_word(weir__tally *value, const void *record, int64_t diff, const void *ctx,
                     weir__tally_error *error)
{
    const description *what = ctx;
    total *t = (total *)(void *)value;
    uint64_t word;
    memcpy(&word, (const char *)record + what->field->offset, sizeof word);
    weir__wide change = what->field->kind == WEIR_KIND_i64 ? (weir__wide)(int64_t)word
                                                           : (weir__wide)word;
    (void)error;
    t->values += diff;
    if (diff != 1)
        change *= diff; /* of two factors of at most 64 bits: it fits */
    weir__integer_add(&t->sum.integer, change);
    return true;
}

/* False: the result's kind does not hold it. */
static bool read_total(const total *t, const description *what, shown *now)
{
    const weir__integer *sum = &t->sum.integer;
    memset(now, 0, sizeof *now);
    now->is_there = t->tally.records != 0;
    now->is_set = now->is_there && (!what->field->optional || t->values != 0);
    if (!now->is_set)
        return true;
    if (what->is_average) {
        double all = what->is_float
                         ? weir__exact_read(&t->sum.exact)
                         : ((double)sum->wraps * 0x1p128 + (double)sum->low) / what->unit;
        now->value.f64 = all / (double)t->values;
        weir_clean_f64_(&now->value.f64);
    } else if (what->is_float) {
        now->value.f64 = weir__exact_read(&t->sum.exact);
        weir_clean_f64_(&now->value.f64);
    } else if (what->result->kind == WEIR_KIND_decimal) {
        now->value.decimal.unscaled = sum->low;
        return weir__integer_fits(sum, WEIR_KIND_decimal);
    } else if (what->result->kind == WEIR_KIND_u64) {
        now->value.u64 = (uint64_t)sum->low;
        return weir__integer_fits(sum, WEIR_KIND_u64);
    } else {
        now->value.i64 = (int64_t)sum->low;
        return weir__integer_fits(sum, WEIR_KIND_i64);
    }
    return true;
}

static void write_shown(const description *what, const shown *s, char *record)
{
    if (!s->is_set)
        return;
    memcpy(record + what->result->offset, &s->value, weir_kind_size(what->result->kind));
    if (what->result->optional)
        record[what->result->set_offset] = 1;
}

static int put(weir__tally *value, weir__tally_changes *changes, const void *ctx)
{
    const description *what = ctx;
    total *t = (total *)(void *)value;
    shown now;
    int count = 0;
    if (!read_total(t, what, &now)) {
        changes->error.before = "the sum for";
        changes->error.after = what->result->kind == WEIR_KIND_decimal
                                   ? "leaves the range of 128 bits"
                                   : "leaves the range of 64 bits";
        return -1;
    }
    if (now.is_there == t->shown.is_there && now.is_set == t->shown.is_set &&
        memcmp(&now.value, &t->shown.value, sizeof now.value) == 0)
        return 0;
    if (t->shown.is_there) {
        write_shown(what, &t->shown, changes->records[count]);
        changes->diffs[count++] = -1;
    }
    if (now.is_there) {
        write_shown(what, &now, changes->records[count]);
        changes->diffs[count++] = 1;
    }
    t->shown = now;
    return count;
}

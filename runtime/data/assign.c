/* SPDX-License-Identifier: Apache-2.0
 *
 * See assign.h. Also owns weir_field_parse: a text that stands alone is one more codec's value.
 */
#include <math.h>
#include <stdio.h>

#include <weir/value.h>

#include "data/assign.h"
#include "data/base64.h"
#include "data/field.h"

__extension__ typedef __int128 wide;

/* ---- refusals ---- */

static weir_status refuse(const weir__assign *to, weir_status status, const char *why)
{
    const weir_field *f = to->field;
    return weir_error_set(to->error, status, "field '%s' (%s%s): %s", f->name,
                          f->optional ? "opt_" : "", weir_kind_name(f->kind), why);
}

/* With the text that was refused, cut and made printable, as the detail. */
static weir_status refuse_text(const weir__assign *to, weir_status status, const char *text,
                               size_t len)
{
    char brief[80];
    size_t shown = len < sizeof brief - 1 ? len : sizeof brief - 1;
    for (size_t i = 0; i < shown; i++)
        brief[i] = text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?';
    brief[shown] = '\0';
    refuse(to, status, status == WEIR_BAD_DATA ? "the text is no such value" : "it does not fit");
    weir_error_detail(to->error, "the value is %s%s", brief, shown < len ? "..." : "");
    return status;
}

weir_status weir__assign_mismatch(const weir__assign *to, const char *given)
{
    char why[80];
    snprintf(why, sizeof why, "%s stands there", given);
    return refuse(to, WEIR_BAD_DATA, why);
}

/* ---- values ---- */

static void *place(const weir__assign *to)
{
    if (to->field->optional)
        to->record[to->field->set_offset] = 1;
    return to->record + to->field->offset;
}

weir_status weir__assign_null(const weir__assign *to)
{
    const weir_field *f = to->field;
    if (!f->optional)
        return refuse(to, WEIR_BAD_DATA, "null stands there");
    to->record[f->set_offset] = 0;
    memset(to->record + f->offset, 0, weir_kind_size(f->kind));
    return WEIR_OK;
}

weir_status weir__assign_flag(const weir__assign *to, bool value)
{
    if (to->field->kind != WEIR_KIND_flag)
        return weir__assign_mismatch(to, "a flag");
    weir__value_from_bits(WEIR_KIND_flag, value, place(to));
    return WEIR_OK;
}

static bool fits(wide value, wide least, wide most)
{
    return value >= least && value <= most;
}

static bool fits_kind(weir_kind kind, wide value)
{
    switch (kind) {
    case WEIR_KIND_i8:
        return fits(value, INT8_MIN, INT8_MAX);
    case WEIR_KIND_i16:
        return fits(value, INT16_MIN, INT16_MAX);
    case WEIR_KIND_i32:
    case WEIR_KIND_date:
        return fits(value, INT32_MIN, INT32_MAX);
    case WEIR_KIND_u8:
        return fits(value, 0, UINT8_MAX);
    case WEIR_KIND_u16:
        return fits(value, 0, UINT16_MAX);
    case WEIR_KIND_u32:
        return fits(value, 0, UINT32_MAX);
    case WEIR_KIND_u64:
        return fits(value, 0, UINT64_MAX);
    default:
        return fits(value, INT64_MIN, INT64_MAX);
    }
}

static weir_status assign_float(const weir__assign *to, double value)
{
    float brief = (float)value;
    if (to->field->kind == WEIR_KIND_f64) {
        uint64_t bits = weir__f64_bits(&value);
        weir__value_from_bits(WEIR_KIND_f64, bits, place(to));
        return WEIR_OK;
    }
    if (isinf(brief) && !isinf(value))
        return refuse(to, WEIR_OVERFLOWED, "it does not fit");
    weir__value_from_bits(WEIR_KIND_f32, weir__f32_bits(&brief), place(to));
    return WEIR_OK;
}

static weir_status assign_us(const weir__assign *to, wide us)
{
    if (!fits(us, INT64_MIN, INT64_MAX))
        return refuse(to, WEIR_OVERFLOWED, "it does not fit");
    weir__value_from_bits(WEIR_KIND_instant, (uint64_t)us, place(to));
    return WEIR_OK;
}

/* A whole number of at most 65 bits. */
static weir_status assign_whole(const weir__assign *to, wide value)
{
    const weir_field *f = to->field;
    weir_decimal decimal = { value };
    switch (f->kind) {
    case WEIR_KIND_flag:
    case WEIR_KIND_str:
    case WEIR_KIND_bytes:
        return weir__assign_mismatch(to, "a number");
    case WEIR_KIND_f32:
    case WEIR_KIND_f64:
        return assign_float(to, (double)value);
    case WEIR_KIND_decimal:
        for (unsigned i = 0; i < f->scale; i++)
            if (__builtin_mul_overflow(decimal.unscaled, (wide)10, &decimal.unscaled))
                return refuse(to, WEIR_OVERFLOWED, "it does not fit");
        memcpy(place(to), &decimal, sizeof decimal);
        return WEIR_OK;
    case WEIR_KIND_instant:
        return assign_us(to, value * to->instant_unit);
    default:
        break;
    }
    if (!fits_kind(f->kind, value))
        return refuse(to, WEIR_OVERFLOWED, "it does not fit");
    weir__value_from_bits(f->kind, (uint64_t)value, place(to));
    return WEIR_OK;
}

weir_status weir__assign_i64(const weir__assign *to, int64_t value)
{
    return assign_whole(to, value);
}

weir_status weir__assign_u64(const weir__assign *to, uint64_t value)
{
    return assign_whole(to, value);
}

weir_status weir__assign_f64(const weir__assign *to, double value)
{
    if (to->field->kind == WEIR_KIND_f32 || to->field->kind == WEIR_KIND_f64)
        return assign_float(to, value);
    return weir__assign_mismatch(to, "a float");
}

static bool is_str(const weir_field *f)
{
    return f->kind == WEIR_KIND_str || f->kind == WEIR_KIND_bytes;
}

weir_status weir__assign_timestamp(const weir__assign *to, int64_t seconds, uint32_t nanoseconds)
{
    return assign_us(to, (wide)seconds * 1000000 + nanoseconds / 1000);
}

/* An instant as a number of its unit with a fraction, given in millionths of the unit. */
static weir_status assign_instant(const weir__assign *to, wide millionths)
{
    wide product;
    if (__builtin_mul_overflow(millionths, (wide)to->instant_unit, &product))
        return refuse(to, WEIR_OVERFLOWED, "it does not fit");
    return assign_us(to, product / 1000000 - (product % 1000000 < 0));
}

/* All kinds of numbers but floats. */
static weir_status assign_exact(const weir__assign *to, const char *text, size_t len)
{
    const weir_field *f = to->field;
    weir_decimal decimal;
    unsigned scale = f->kind == WEIR_KIND_instant ? 6 : f->scale;
    weir_status status = weir_decimal_parse(text, len, scale, &decimal);
    if (status != WEIR_OK)
        return refuse_text(to, status, text, len);
    if (f->kind == WEIR_KIND_decimal) {
        memcpy(place(to), &decimal, sizeof decimal);
        return WEIR_OK;
    }
    if (f->kind == WEIR_KIND_instant)
        return assign_instant(to, decimal.unscaled);
    if (!fits_kind(f->kind, decimal.unscaled))
        return refuse_text(to, WEIR_OVERFLOWED, text, len);
    return assign_whole(to, decimal.unscaled);
}

weir_status weir__assign_number(const weir__assign *to, const char *text, size_t len)
{
    weir_kind kind = to->field->kind;
    double value;
    if (kind == WEIR_KIND_flag || is_str(to->field))
        return weir__assign_mismatch(to, "a number");
    if (kind != WEIR_KIND_f32 && kind != WEIR_KIND_f64)
        return assign_exact(to, text, len);
    weir_status status = weir_f64_parse(text, len, &value);
    return status == WEIR_OK ? assign_float(to, value) : refuse_text(to, status, text, len);
}

static bool says(const char *text, size_t len, const char *word)
{
    return len == strlen(word) && memcmp(text, word, len) == 0;
}

weir_status weir__assign_text(const weir__assign *to, const char *text, size_t len)
{
    weir_instant instant;
    weir_date date;
    weir_status status;
    switch (to->field->kind) {
    case WEIR_KIND_flag:
        if (says(text, len, "true") || says(text, len, "false"))
            return weir__assign_flag(to, text[0] == 't');
        status = WEIR_BAD_DATA;
        break;
    case WEIR_KIND_date:
        status = weir_date_parse(text, len, &date);
        if (status == WEIR_OK)
            return assign_whole(to, date.days);
        break;
    case WEIR_KIND_instant:
        status = weir_instant_parse(text, len, &instant);
        if (status == WEIR_OK)
            return assign_us(to, instant.us);
        break;
    default:
        return weir__assign_number(to, text, len);
    }
    return refuse_text(to, status, text, len);
}

weir_status weir__assign_view(const weir__assign *to, const char *data, size_t len)
{
    if (!is_str(to->field))
        return weir__assign_mismatch(to, "a string");
    weir_str s = weir_str_view(data, len);
    memcpy(place(to), &s, sizeof s);
    return WEIR_OK;
}

static char *sink_room(const weir__assign *to, size_t size)
{
    return to->sink && to->sink->room ? to->sink->room(to->sink->ctx, size) : NULL;
}

weir_status weir__assign_copy(const weir__assign *to, const char *data, size_t len)
{
    if (len <= WEIR_STR_INLINE || !is_str(to->field))
        return weir__assign_view(to, data, len);
    char *room = sink_room(to, len);
    if (!room)
        return refuse(to, WEIR_NO_MEMORY, "there is no room for a string");
    memcpy(room, data, len);
    return weir__assign_view(to, room, len);
}

weir_status weir__assign_base64(const weir__assign *to, const char *text, size_t len)
{
    char brief[32];
    size_t most = weir__base64_room(len), size;
    char *room = most <= sizeof brief ? brief : sink_room(to, most);
    if (!room)
        return refuse(to, WEIR_NO_MEMORY, "there is no room for bytes");
    if (!weir__base64_decode(text, len, room, &size))
        return refuse_text(to, WEIR_BAD_DATA, text, len);
    return room == brief ? weir__assign_copy(to, room, size) : weir__assign_view(to, room, size);
}

/* ---- a text that stands alone ---- */

weir_status weir_field_parse(const weir_field *field, const weir_str *text,
                             const weir_decode_sink *sink, void *record, weir_error *error)
{
    weir__assign to = { field, record, sink, 1, error };
    const char *data = weir_str_data(text);
    size_t len = text->len;
    int64_t number;
    if (field->kind == WEIR_KIND_str)
        return weir__assign_view(&to, data, len);
    if (field->optional && says(data, len, "null"))
        return weir__assign_null(&to);
    if (field->kind == WEIR_KIND_bytes)
        return weir__assign_base64(&to, data, len);
    bool whole = weir_i64_parse(data, len, &number) == WEIR_OK;
    if (whole && (field->kind == WEIR_KIND_date || field->kind == WEIR_KIND_instant))
        return weir__assign_i64(&to, number);
    return weir__assign_text(&to, data, len);
}

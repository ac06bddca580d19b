/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the texts of records for people: logs, tests, error messages. Texts for machines are the
 * codecs'.
 */
#include <weir/type.h>
#include <weir/value.h>

#include "data/field.h"

typedef struct text_out {
    char *at, *end; /* end is where the last byte, the 0, may stand */
} text_out;

static void put_bytes(text_out *out, const char *bytes, size_t len)
{
    size_t room = (size_t)(out->end - out->at);
    memcpy(out->at, bytes, len < room ? len : room);
    out->at += len < room ? len : room;
}

static void put(text_out *out, const char *text)
{
    put_bytes(out, text, strlen(text));
}

static void put_hex(text_out *out, unsigned char byte)
{
    static const char digits[] = "0123456789abcdef";
    char pair[2] = { digits[byte >> 4], digits[byte & 15] };
    put_bytes(out, pair, 2);
}

/* In quotes; what is not printable ASCII or part of a UTF-8 character stands as \xNN. */
static void put_str(text_out *out, const weir_str *s)
{
    const char *data = weir_str_data(s);
    put(out, "\"");
    for (uint32_t i = 0; i < s->len && out->at < out->end; i++) {
        unsigned char c = (unsigned char)data[i];
        if (c == '"' || c == '\\')
            put(out, "\\");
        if (c >= 0x20 && c != 0x7f) {
            put_bytes(out, data + i, 1);
        } else {
            put(out, "\\x");
            put_hex(out, c);
        }
    }
    put(out, "\"");
}

static void put_hexes(text_out *out, const weir_str *s)
{
    const char *data = weir_str_data(s);
    put(out, "x'");
    for (uint32_t i = 0; i < s->len && out->at < out->end; i++)
        put_hex(out, (unsigned char)data[i]);
    put(out, "'");
}

static void put_number(text_out *out, const weir_field *f, const void *at)
{
    char text[WEIR_DECIMAL_TEXT];
    float f32;
    double f64;
    weir_decimal decimal;
    switch (f->kind) {
    case WEIR_KIND_f32:
        memcpy(&f32, at, sizeof f32);
        weir_f32_text(f32, text);
        break;
    case WEIR_KIND_f64:
        memcpy(&f64, at, sizeof f64);
        weir_f64_text(f64, text);
        break;
    case WEIR_KIND_decimal:
        memcpy(&decimal, at, sizeof decimal);
        weir_decimal_text(decimal, f->scale, text);
        break;
    case WEIR_KIND_u64:
        weir_u64_text(weir__value_bits(f->kind, at), text);
        break;
    default:
        weir_i64_text((int64_t)weir__value_bits(f->kind, at), text);
    }
    put(out, text);
}

static void put_field(text_out *out, const weir_field *f, const void *record)
{
    char text[WEIR_INSTANT_TEXT];
    const void *at = weir__field_at(f, record);
    if (weir__field_is_null(f, record)) {
        put(out, "null");
        return;
    }
    switch (f->kind) {
    case WEIR_KIND_str:
        put_str(out, at);
        break;
    case WEIR_KIND_bytes:
        put_hexes(out, at);
        break;
    case WEIR_KIND_flag:
        put(out, *(const unsigned char *)at ? "true" : "false");
        break;
    case WEIR_KIND_date:
        weir_date_text((weir_date){ (int32_t)weir__value_bits(f->kind, at) }, text);
        put(out, text);
        break;
    case WEIR_KIND_instant:
        weir_instant_text((weir_instant){ (int64_t)weir__value_bits(f->kind, at) }, text);
        put(out, text);
        break;
    default:
        put_number(out, f, at);
    }
}

const char *weir_record_text(const weir_type *type, const void *record, char *text, size_t size)
{
    if (size == 0)
        return text;
    text_out out = { text, text + size - 1 };
    put(&out, "(");
    for (uint32_t i = 0; i < type->field_count; i++) {
        if (i > 0)
            put(&out, ", ");
        put(&out, type->fields[i].name);
        put(&out, ": ");
        put_field(&out, &type->fields[i], record);
    }
    put(&out, ")");
    *out.at = '\0';
    return text;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the way from a record to a JSON object. Written straight into the caller's bytes: a tree in
 * between would be made only to be printed.
 */
#include <weir/value.h>

#include "data/base64.h"
#include "data/codec.h"
#include "data/field.h"
#include "data/utf8.h"

typedef struct writer {
    weir_bytes_out *out;
    bool failed; /* memory is gone */
} writer;

static void put(writer *w, const char *data, size_t size)
{
    w->failed = w->failed || weir_bytes_out_add(w->out, data, size) != WEIR_OK;
}

static void put_char(writer *w, char c)
{
    put(w, &c, 1);
}

static void put_escape(writer *w, char c)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt", hex[] = "0123456789abcdef";
    const char *found = c ? strchr(from, c) : NULL;
    char unicode[6] = { '\\', 'u', '0', '0', hex[(unsigned char)c >> 4], hex[c & 15] };
    char brief[2] = { '\\', found ? to[found - from] : 'u' };
    if (found)
        put(w, brief, sizeof brief);
    else
        put(w, unicode, sizeof unicode);
}

/* In quotes. False if it is not UTF-8, unless that is to be replaced. */
static bool put_string(writer *w, const char *data, size_t len, bool replace)
{
    const char *at = data, *end = data + len, *from = data;
    put_char(w, '"');
    while (at < end) {
        unsigned char c = (unsigned char)*at;
        if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') {
            at++;
            continue;
        }
        size_t character = weir__utf8_character(at, end);
        if (character > 1) {
            at += character;
            continue;
        }
        put(w, from, (size_t)(at - from));
        if (character == 1)
            put_escape(w, *at);
        else if (replace)
            put(w, "\xef\xbf\xbd", 3);
        else
            return false;
        from = ++at;
    }
    put(w, from, (size_t)(end - from));
    put_char(w, '"');
    return true;
}

static void put_base64(writer *w, const weir_str *s)
{
    size_t size = weir__base64_size(s->len);
    put_char(w, '"');
    char *room = weir_bytes_out_room(w->out, size);
    if (room) {
        weir__base64_encode(weir_str_data(s), s->len, room);
        w->out->len += size;
    }
    w->failed = w->failed || (!room && size > 0);
    put_char(w, '"');
}

/* A decimal as a number. Without digits behind the point it gets one, if json-c and its like would
 * else take it for an integer that is too large. */
static size_t decimal_text(weir_decimal value, unsigned scale, char *text)
{
    size_t len = weir_decimal_text(value, scale, text);
    bool is_i64 = value.unscaled >= INT64_MIN && value.unscaled <= INT64_MAX;
    if (scale == 0 && !is_i64) {
        text[len++] = '.';
        text[len++] = '0';
    }
    return len;
}

/* Everything that has a text of ASCII without escapes. */
static void put_plain(writer *w, const weir_field *f, const void *at)
{
    char text[WEIR_DECIMAL_TEXT + 2];
    weir_decimal decimal;
    double f64 = 0;
    float f32 = 0;
    bool quoted = f->kind == WEIR_KIND_date || f->kind == WEIR_KIND_instant;
    size_t len;
    switch (f->kind) {
    case WEIR_KIND_f64:
        memcpy(&f64, at, sizeof f64);
        len = weir_f64_text(f64, text);
        quoted = f64 - f64 != 0; /* NaN and the infinities are words */
        break;
    case WEIR_KIND_f32:
        memcpy(&f32, at, sizeof f32);
        len = weir_f32_text(f32, text);
        quoted = f32 - f32 != 0;
        break;
    case WEIR_KIND_decimal:
        memcpy(&decimal, at, sizeof decimal);
        len = decimal_text(decimal, f->scale, text);
        break;
    case WEIR_KIND_date:
        len = weir_date_text((weir_date){ (int32_t)weir__value_bits(f->kind, at) }, text);
        break;
    case WEIR_KIND_instant:
        len = weir_instant_text((weir_instant){ (int64_t)weir__value_bits(f->kind, at) }, text);
        break;
    case WEIR_KIND_u64:
        len = weir_u64_text(weir__value_bits(f->kind, at), text);
        break;
    default:
        len = weir_i64_text((int64_t)weir__value_bits(f->kind, at), text);
    }
    if (quoted)
        put_char(w, '"');
    put(w, text, len);
    if (quoted)
        put_char(w, '"');
}

static bool put_value(writer *w, const weir_field *f, const char *record, bool replace)
{
    const void *at = weir__field_at(f, record);
    const weir_str *s = at;
    if (weir__field_is_null(f, record)) {
        put(w, "null", 4);
        return true;
    }
    if (f->kind == WEIR_KIND_str)
        return put_string(w, weir_str_data(s), s->len, replace);
    if (f->kind == WEIR_KIND_bytes)
        put_base64(w, s);
    else if (f->kind == WEIR_KIND_flag)
        weir__value_bits(f->kind, at) ? put(w, "true", 4) : put(w, "false", 5);
    else
        put_plain(w, f, at);
    return true;
}

weir_status weir__json_encode(const weir__encode_job *job)
{
    writer w = { job->out, false };
    char before = '{';
    for (uint32_t i = 0; i < job->type->field_count; i++) {
        const weir_field *f = &job->type->fields[i];
        if (!weir__field_set_has(job->fields, i))
            continue;
        put_char(&w, before);
        before = ',';
        put_string(&w, f->name, strlen(f->name), true);
        put_char(&w, ':');
        if (!put_value(&w, f, job->record, job->replace))
            return weir_error_set(job->error, WEIR_BAD_DATA,
                                  "field '%s' (str): it is not UTF-8, so JSON cannot hold it",
                                  f->name);
    }
    put_char(&w, '}');
    return w.failed ? WEIR_NO_MEMORY : WEIR_OK;
}

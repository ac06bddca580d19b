/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the way from a record to a msgpack map.
 */
#include <msgpack.h>

#include <weir/value.h>

#include "data/codec.h"
#include "data/field.h"

static int write_out(void *out, const char *data, size_t size)
{
    return weir_bytes_out_add(out, data, size) == WEIR_OK ? 0 : -1;
}

static int pack_text(msgpack_packer *to, const char *text, size_t len)
{
    return msgpack_pack_str(to, len) || msgpack_pack_str_body(to, text, len);
}

static int pack_instant(msgpack_packer *to, int64_t us)
{
    int64_t seconds = us / 1000000 - (us % 1000000 < 0);
    uint32_t rest = (uint32_t)(us - seconds * 1000000);
    msgpack_timestamp stamp = { .tv_sec = seconds, .tv_nsec = rest * 1000 };
    return msgpack_pack_timestamp(to, &stamp);
}

static int pack_special(msgpack_packer *to, const weir_field *f, const void *at)
{
    char text[WEIR_DECIMAL_TEXT];
    weir_decimal decimal;
    float f32;
    double f64;
    switch (f->kind) {
    case WEIR_KIND_f32:
        memcpy(&f32, at, sizeof f32);
        return msgpack_pack_float(to, f32);
    case WEIR_KIND_f64:
        memcpy(&f64, at, sizeof f64);
        return msgpack_pack_double(to, f64);
    case WEIR_KIND_decimal:
        memcpy(&decimal, at, sizeof decimal);
        return pack_text(to, text, weir_decimal_text(decimal, f->scale, text));
    default:
        return pack_text(
            to, text, weir_date_text((weir_date){ (int32_t)weir__value_bits(f->kind, at) }, text));
    }
}

static int pack_value(msgpack_packer *to, const weir_field *f, const char *record)
{
    const void *at = weir__field_at(f, record);
    const weir_str *s = at;
    if (weir__field_is_null(f, record))
        return msgpack_pack_nil(to);
    switch (f->kind) {
    case WEIR_KIND_flag:
        return weir__value_bits(f->kind, at) ? msgpack_pack_true(to) : msgpack_pack_false(to);
    case WEIR_KIND_str:
        return pack_text(to, weir_str_data(s), s->len);
    case WEIR_KIND_bytes:
        return msgpack_pack_bin(to, s->len) || msgpack_pack_bin_body(to, weir_str_data(s), s->len);
    case WEIR_KIND_instant:
        return pack_instant(to, (int64_t)weir__value_bits(f->kind, at));
    case WEIR_KIND_f32:
    case WEIR_KIND_f64:
    case WEIR_KIND_decimal:
    case WEIR_KIND_date:
        return pack_special(to, f, at);
    case WEIR_KIND_u64:
        return msgpack_pack_uint64(to, weir__value_bits(f->kind, at));
    default:
        return msgpack_pack_int64(to, (int64_t)weir__value_bits(f->kind, at));
    }
}

weir_status weir__msgpack_encode(const weir__encode_job *job)
{
    msgpack_packer to;
    msgpack_packer_init(&to, job->out, write_out);
    int failed = msgpack_pack_map(&to, (size_t)__builtin_popcountll(job->fields));
    for (uint32_t i = 0; i < job->type->field_count && !failed; i++) {
        const weir_field *f = &job->type->fields[i];
        if (weir__field_set_has(job->fields, i))
            failed = pack_text(&to, f->name, strlen(f->name)) || pack_value(&to, f, job->record);
    }
    return failed ? WEIR_NO_MEMORY : WEIR_OK;
}

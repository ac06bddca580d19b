/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the way from a JSON object to a record: json-c parses, its tokener is kept from one payload
 * to the next. What json-c would let pass was refused before by json_lex.c.
 */
#include <math.h>

#include <json-c/json.h>

#include "data/codec.h"
#include "data/field.h"

bool weir__json_open(weir_decoder *decoder)
{
    /* json-c counts the value at the bottom as a level of its own. */
    struct json_tokener *tokener = json_tokener_new_ex((int)decoder->depth_max + 1);
    if (!tokener)
        return false;
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    decoder->parser = tokener;
    return true;
}

void weir__json_close(weir_decoder *decoder)
{
    json_tokener_free(decoder->parser);
    weir_bytes_out_fini(&decoder->patched);
}

/* Strings stand for what JSON has no form for, or no exact one. */
static bool may_be_string(weir_kind kind)
{
    return kind == WEIR_KIND_i64 || kind == WEIR_KIND_u64 || kind == WEIR_KIND_f32 ||
           kind == WEIR_KIND_f64 || kind == WEIR_KIND_decimal || kind == WEIR_KIND_date ||
           kind == WEIR_KIND_instant;
}

static weir_status decode_string(const weir__assign *to, struct json_object *value)
{
    const char *text = json_object_get_string(value);
    size_t len = (size_t)json_object_get_string_len(value);
    if (to->field->kind == WEIR_KIND_bytes)
        return weir__assign_base64(to, text, len);
    if (to->field->kind == WEIR_KIND_str)
        return weir__assign_copy(to, text, len);
    if (may_be_string(to->field->kind))
        return weir__assign_text(to, text, len);
    return weir__assign_mismatch(to, "a string");
}

static weir_status decode_integer(const weir__assign *to, struct json_object *value)
{
    int64_t number = json_object_get_int64(value);
    if (number == INT64_MAX)
        return weir__assign_u64(to, json_object_get_uint64(value));
    return weir__assign_i64(to, number);
}

static weir_status decode_float(const weir__assign *to, struct json_object *value)
{
    double number = json_object_get_double(value);
    if (to->field->kind == WEIR_KIND_f64 && !isinf(number))
        return weir__assign_f64(to, number);
    /* json-c keeps the text that the number was written as. */
    const char *text = json_object_get_string(value);
    return weir__assign_number(to, text ? text : "", text ? strlen(text) : 0);
}

static weir_status decode_value(const weir__assign *to, struct json_object *value)
{
    switch (json_object_get_type(value)) {
    case json_type_null:
        return weir__assign_null(to);
    case json_type_boolean:
        return weir__assign_flag(to, json_object_get_boolean(value));
    case json_type_int:
        return decode_integer(to, value);
    case json_type_double:
        return decode_float(to, value);
    case json_type_string:
        return decode_string(to, value);
    case json_type_object:
        return weir__assign_mismatch(to, "an object");
    case json_type_array:
        return weir__assign_mismatch(to, "an array");
    }
    return weir__assign_mismatch(to, "something else");
}

static weir_status decode_object(const weir__decode_job *job, struct json_object *object)
{
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < job->decoder->type->field_count && status == WEIR_OK; i++) {
        struct json_object *value;
        if (!weir__field_set_has(job->decoder->fields, i))
            continue;
        weir__assign to = weir__assign_field(job, i);
        if (json_object_object_get_ex(object, to.field->name, &value))
            status = decode_value(&to, value);
        else
            status = weir__decode_missing(job, i);
    }
    return status;
}

static weir_status parse_error(const weir__decode_job *job, enum json_tokener_error error)
{
    size_t at = json_tokener_get_parse_end(job->decoder->parser);
    if (error == json_tokener_error_depth)
        return weir__decode_refuse(job, WEIR_TOO_LARGE, "it is nested too deep", at);
    if (error == json_tokener_continue)
        return weir__decode_refuse(job, WEIR_BAD_DATA, "it is not complete", at);
    return weir__decode_refuse(job, WEIR_BAD_DATA, json_tokener_error_desc(error), at);
}

weir_status weir__json_decode(const weir__decode_job *job)
{
    struct json_tokener *tokener = job->decoder->parser;
    weir_bytes_out *patched = &job->decoder->patched;
    weir__json_lex lex = weir__json_check(job->data, job->size, patched);
    if (lex.status != WEIR_OK)
        return weir__decode_refuse(job, lex.status, lex.why, lex.at);
    const char *text = patched->len > 0 ? patched->data : job->data;
    size_t size = patched->len > 0 ? patched->len : job->size;
    struct json_object *object = json_tokener_parse_ex(tokener, text, (int)size);
    enum json_tokener_error error = json_tokener_get_error(tokener);
    weir_status status;
    if (error != json_tokener_success) {
        status = parse_error(job, error);
        json_tokener_reset(tokener);
    } else if (!json_object_is_type(object, json_type_object)) {
        status = weir__decode_refuse(job, WEIR_BAD_DATA, "an object is needed", 0);
    } else {
        status = decode_object(job, object);
    }
    json_object_put(object);
    return status;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * From messages to records: the value by its codec, other fields from the rest of the message.
 */
#include <string.h>

#include "kafka/source.h"

weir_status weir__kafka_decode_open(weir__kafka_decode *decode,
                                    const weir__kafka_source_plan *plan, weir_error *error)
{
    *decode = (weir__kafka_decode){ .plan = plan };
    if (plan->value_is_empty)
        return WEIR_OK;
    weir_decoder_options options = { .struct_size = sizeof options,
                                     .codec = plan->options.codec,
                                     .skip = plan->skip,
                                     .instant_unit = plan->options.instant_unit,
                                     .size_max = plan->options.message_bytes_max };
    return weir_decoder_create(plan->type, &options, &decode->decoder, error);
}

void weir__kafka_decode_close(weir__kafka_decode *decode)
{
    if (decode->decoder)
        weir_decoder_destroy(decode->decoder);
    decode->decoder = NULL;
}

static const weir_field *field_of(const weir__kafka_decode *decode, int field)
{
    return field == WEIR__KAFKA_NO_FIELD ? NULL : &decode->plan->type->fields[field];
}

static void *place(const weir_field *field, void *record)
{
    if (field->optional)
        *((bool *)((char *)record + field->set_offset)) = true;
    return (char *)record + field->offset;
}

/* Kinds were checked when the graph was built. Partitions, which may be i32, fit. */
static void put_number(const weir_field *field, int64_t value, void *record)
{
    if (!field)
        return;
    void *at = place(field, record);
    if (field->kind == WEIR_KIND_i32 || field->kind == WEIR_KIND_u32)
        memcpy(at, &(int32_t){ (int32_t)value }, sizeof(int32_t));
    else if (field->kind == WEIR_KIND_flag)
        *(bool *)at = value != 0;
    else /* i64, u64, instant */
        memcpy(at, &value, sizeof value);
}

static void put_timestamp(const weir_field *field, int64_t ms, void *record)
{
    if (!field || ms < 0)
        return; /* older brokers have none */
    put_number(field, field->kind == WEIR_KIND_instant ? ms * 1000 : ms, record);
}

static bool put_bytes(const weir_field *field, const char *bytes, size_t len, void *record)
{
    weir_str s = weir_str_view(bytes, len);
    memcpy(place(field, record), &s, sizeof s);
    return !weir_str_is_inline(&s);
}

static weir_status put_key(const weir_field *field, weir__kafka_decode_job *job,
                           const weir_decode_sink *sink, weir_error *error)
{
    const weir__kafka_message *message = &job->lot->messages[job->message];
    bool text = field->kind == WEIR_KIND_str || field->kind == WEIR_KIND_bytes;
    if (!message->key && (field->optional || text))
        return WEIR_OK;
    if (!message->key)
        return weir_error_set(error, WEIR_BAD_DATA, "field '%s': the message has no key",
                              field->name);
    if (text) {
        job->borrows |= put_bytes(field, message->key, message->key_len, job->record);
        return WEIR_OK;
    }
    weir_str key = weir_str_view(message->key, message->key_len);
    return weir_field_parse(field, &key, sink, job->record, error);
}

weir_status weir__kafka_decode_one(weir__kafka_decode *decode, weir__kafka_decode_job *job,
                                   weir_error *error)
{
    const weir__kafka_source_plan *plan = decode->plan;
    const weir__kafka_message *message = &job->lot->messages[job->message];
    void *record = job->record;
    weir_decode_sink sink = weir_builder_sink(job->builder);
    weir_status status = WEIR_OK;
    job->borrows = false;
    if (decode->decoder && weir__kafka_has_value(plan, message)) {
        weir_str value = weir_str_view(message->value, message->value_len);
        status = weir_decode(decode->decoder, &value, &sink, record, error);
        /* Strings of JSON are in the batch; those of the others are where the message is. */
        job->borrows = status == WEIR_OK && plan->codec != WEIR_CODEC_JSON &&
                       weir_record_heap_size(plan->type, record) > 0;
    } else {
        memset(record, 0, plan->type->size);
    }
    if (status == WEIR_OK && plan->key != WEIR__KAFKA_NO_FIELD)
        status = put_key(field_of(decode, plan->key), job, &sink, error);
    if (status != WEIR_OK)
        return status;
    put_number(field_of(decode, plan->partition), message->partition, record);
    put_number(field_of(decode, plan->offset), message->offset, record);
    put_timestamp(field_of(decode, plan->timestamp), message->timestamp_ms, record);
    put_number(field_of(decode, plan->tombstone), !weir__kafka_has_value(plan, message), record);
    for (uint32_t h = 0; h < plan->header_count; h++) {
        weir_kafka_header header;
        if (job->lot->header(job->lot, job->message, plan->headers[h].header, &header) &&
            header.value)
            job->borrows |= put_bytes(field_of(decode, plan->headers[h].field), header.value,
                                      header.value_len, record);
    }
    return WEIR_OK;
}

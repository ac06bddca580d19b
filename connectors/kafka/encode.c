/* SPDX-License-Identifier: Apache-2.0
 *
 * From records to messages.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kafka/sink.h"

/* The number that an integer field has; false for null. */
static bool read_integer(const weir_field *field, const void *record, int64_t *number)
{
    const char *at = (const char *)record + field->offset;
    if (field->optional && !*((const bool *)((const char *)record + field->set_offset)))
        return false;
    uint64_t wide = 0;
    memcpy(&wide, at, weir_kind_size(field->kind)); /* little-endian, as all that Weir runs on */
    switch (field->kind) {
    case WEIR_KIND_i8:
        *number = (int8_t)wide;
        break;
    case WEIR_KIND_i16:
        *number = (int16_t)wide;
        break;
    case WEIR_KIND_i32:
        *number = (int32_t)wide;
        break;
    case WEIR_KIND_u64:
        *number = wide > INT64_MAX ? INT64_MAX : (int64_t)wide;
        break;
    default:
        *number = (int64_t)wide;
    }
    return true;
}

static bool choose_partition(const weir__kafka_sink_plan *plan, weir__kafka_outbox *outbox,
                             weir_step *step, const void *record, int32_t *partition)
{
    *partition = -1;
    if (plan->partition < 0)
        return true;
    const weir_field *field = &plan->type->fields[plan->partition];
    int64_t number;
    if (!read_integer(field, record, &number))
        return true; /* null: by key */
    if (number >= 0 && number <= INT32_MAX) {
        *partition = (int32_t)number;
        return true;
    }
    char why[160];
    snprintf(why, sizeof why, "field '%.80s' is %" PRId64 ", which is no partition", field->name,
             number);
    weir__kafka_outbox_refuse(outbox, step, WEIR_INVALID, why);
    return false;
}

static weir_status encode_value(const weir__kafka_sink_plan *plan, weir__kafka_outbox *outbox,
                                const weir__kafka_letter *letter, char *scratch,
                                weir_error *error)
{
    if (!plan->value_type)
        return weir_encode(plan->type, &plan->value_encode, letter->record, &outbox->bytes, error);
    memset(scratch, 0, plan->value_type->size);
    memcpy(scratch, letter->record, plan->type->size);
    memcpy(scratch + plan->time_offset, &letter->time, sizeof letter->time);
    memcpy(scratch + plan->diff_offset, &letter->diff, sizeof letter->diff);
    return weir_encode(plan->value_type, &plan->value_encode, scratch, &outbox->bytes, error);
}

void weir__kafka_encode(const weir__kafka_sink_plan *plan, weir__kafka_outbox *outbox,
                        weir_step *step, const weir__kafka_letter *letter, char *scratch)
{
    weir__kafka_draft draft = { .epoch = letter->epoch, .has_key = plan->key.count > 0,
                                .has_value = !letter->gone };
    weir_error error = { 0 };
    weir_status status = WEIR_OK;
    size_t before = outbox->bytes.len;
    if (!choose_partition(plan, outbox, step, letter->record, &draft.partition))
        return;
    draft.key_at = before;
    if (draft.has_key)
        status = weir_encode(plan->type, &plan->key_encode, letter->record, &outbox->bytes,
                             &error);
    draft.value_at = outbox->bytes.len;
    draft.key_len = draft.value_at - draft.key_at;
    if (status == WEIR_OK && draft.has_value)
        status = encode_value(plan, outbox, letter, scratch, &error);
    draft.value_len = outbox->bytes.len - draft.value_at;
    if (status == WEIR_OK) {
        weir__kafka_outbox_add(outbox, step, &draft);
        return;
    }
    outbox->bytes.len = before;
    weir__kafka_outbox_refuse(outbox, step, status, error.what);
}

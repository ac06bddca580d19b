/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns keys: their resolution, equality and order, and orders of several directions. What a single
 * value's equality and order are is in field.c, hashes are in key_hash.c.
 */
#include <stdio.h>

#include <weir/type.h>

#include "data/field.h"

/* ---- resolution ---- */

static weir_status unknown_field(const weir_type *type, const char *name, weir_error *error)
{
    char names[400] = "";
    size_t used = 0;
    for (uint32_t i = 0; i < type->field_count && used < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "",
                                 type->fields[i].name);
    weir_error_set(error, WEIR_TYPE_MISMATCH, "record '%s' has no field '%s'", type->name, name);
    weir_error_hint(error, "its fields are %s", names);
    return WEIR_TYPE_MISMATCH;
}

static weir_status key_add(const weir_type *type, const char *name, weir_key *key,
                           weir_error *error)
{
    int field = weir_type_field(type, name);
    if (field < 0)
        return unknown_field(type, name, error);
    for (uint32_t i = 0; i < key->count; i++)
        if (key->field[i] == field)
            return weir_error_set(error, WEIR_INVALID, "a key of record '%s' names '%s' twice",
                                  type->name, name);
    if (key->count == WEIR_KEY_FIELDS_MAX)
        return weir_error_set(error, WEIR_TOO_LARGE, "a key of record '%s' has more than %d fields",
                              type->name, WEIR_KEY_FIELDS_MAX);
    key->field[key->count++] = (uint16_t)field;
    return WEIR_OK;
}

weir_status weir_key_resolve(const weir_type *type, const char *const *names, weir_key *key,
                             weir_error *error)
{
    weir_key found = { .count = 0 };
    for (; *names; names++) {
        weir_status status = key_add(type, *names, &found, error);
        if (status != WEIR_OK)
            return status;
    }
    if (found.count == 0)
        return weir_error_set(error, WEIR_INVALID, "a key of record '%s' names no field",
                              type->name);
    *key = found;
    return WEIR_OK;
}

weir_status weir_key_all(const weir_type *type, weir_key *key, weir_error *error)
{
    if (type->field_count > WEIR_KEY_FIELDS_MAX)
        return weir_error_set(error, WEIR_TOO_LARGE,
                              "record '%s' has %u fields, a key can have %d of them", type->name,
                              type->field_count, WEIR_KEY_FIELDS_MAX);
    key->count = type->field_count;
    for (uint32_t i = 0; i < type->field_count; i++)
        key->field[i] = (uint16_t)i;
    return WEIR_OK;
}

/* ---- equality and order ---- */

bool weir_key_equal(const weir_type *type, const weir_key *key, const void *a, const void *b)
{
    for (uint32_t i = 0; i < key->count; i++) {
        const weir_field *f = &type->fields[key->field[i]];
        if (!weir__field_equal(f, a, f, b))
            return false;
    }
    return true;
}

bool weir_key_equal_across(const weir_type *ta, const weir_key *ka, const void *a,
                           const weir_type *tb, const weir_key *kb, const void *b)
{
    for (uint32_t i = 0; i < ka->count; i++)
        if (!weir__field_equal(&ta->fields[ka->field[i]], a, &tb->fields[kb->field[i]], b))
            return false;
    return true;
}

int weir_key_compare(const weir_type *type, const weir_key *key, const void *a, const void *b)
{
    int order = 0;
    for (uint32_t i = 0; i < key->count && order == 0; i++)
        order = weir__field_compare(&type->fields[key->field[i]], a, b);
    return order;
}

bool weir_record_equal(const weir_type *type, const void *a, const void *b)
{
    for (uint32_t i = 0; i < type->field_count; i++)
        if (!weir__field_equal(&type->fields[i], a, &type->fields[i], b))
            return false;
    return true;
}

int weir_record_compare(const weir_type *type, const void *a, const void *b)
{
    int order = 0;
    for (uint32_t i = 0; i < type->field_count && order == 0; i++)
        order = weir__field_compare(&type->fields[i], a, b);
    return order;
}

/* ---- orders ---- */

weir_order weir_order_then(weir_order first, weir_order second)
{
    for (uint32_t i = 0; i < second.count; i++, first.count++) {
        if (first.count >= WEIR_KEY_FIELDS_MAX)
            continue;
        first.field[first.count] = second.field[i];
        first.descending |= (second.descending >> i & 1u) << first.count;
    }
    return first;
}

weir_status weir_order_resolve(const weir_type *type, const weir_order *order, weir_key *key,
                               weir_error *error)
{
    const char *names[WEIR_KEY_FIELDS_MAX + 1] = { NULL };
    if (order->type && !weir_type_same_layout(order->type, type))
        return weir_error_set(error, WEIR_TYPE_MISMATCH,
                              "an order of record '%s' cannot sort records '%s'", order->type->name,
                              type->name);
    if (order->count > WEIR_KEY_FIELDS_MAX)
        return weir_error_set(error, WEIR_TOO_LARGE,
                              "an order of record '%s' has %u fields; it can have %d", type->name,
                              order->count, WEIR_KEY_FIELDS_MAX);
    for (uint32_t i = 0; i < order->count; i++)
        names[i] = order->field[i];
    return weir_key_resolve(type, names, key, error);
}

int weir_order_compare(const weir_type *type, const weir_key *key, uint32_t descending,
                       const void *a, const void *b)
{
    for (uint32_t i = 0; i < key->count; i++) {
        int order = weir__field_compare(&type->fields[key->field[i]], a, b);
        if (order != 0)
            return descending >> i & 1u ? -order : order;
    }
    return 0;
}

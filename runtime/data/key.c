/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns keys: their resolution, hash, equality and order, and orders of several directions. What a
 * single value's equality and order are is in field.c.
 */
#include <stdio.h>

#include <weir/type.h>

#include "base/assert.h"
#include "base/hash.h"
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

/* ---- hash ---- */

/* Values are folded: the hash so far is the seed of the next one. A set optional hashes as the
 * plain value does, so that a key may be optional on one side only. */
static inline uint64_t fold(const weir_field *f, const void *record, uint64_t h)
{
    static const uint64_t null_bits = 0x6c6c756e6c6c756eu;
    if (weir__field_is_null(f, record))
        return weir__hash_mix(null_bits, h);
    const void *at = weir__field_at(f, record);
    if (weir__kind_is_str(f->kind))
        return weir__hash_str(at, h);
    if (f->kind == WEIR_KIND_decimal) {
        uint64_t halves[2];
        memcpy(halves, at, sizeof halves);
        return weir__hash_mix(halves[1], weir__hash_mix(halves[0], h));
    }
    return weir__hash_mix(weir__value_bits(f->kind, at), h);
}

uint64_t weir_key_hash(const weir_type *type, const weir_key *key, const void *record,
                       uint64_t seed)
{
    uint64_t h = seed;
    for (uint32_t i = 0; i < key->count; i++)
        h = fold(&type->fields[key->field[i]], record, h);
    return weir__hash_keep(h);
}

uint64_t weir_record_hash(const weir_type *type, const void *record, uint64_t seed)
{
    uint64_t h = seed;
    for (uint32_t i = 0; i < type->field_count; i++)
        h = fold(&type->fields[i], record, h);
    return weir__hash_keep(h);
}

static void hash_strs(const char *at, size_t stride, size_t count, uint64_t seed, uint64_t *out)
{
    for (size_t i = 0; i < count; i++, at += stride)
        out[i] = weir__hash_keep(weir__hash_str((const weir_str *)(const void *)at, seed));
}

/* Machines with wide vectors hash eight words at once: chosen when the program is loaded. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define BY_MACHINE __attribute__((target_clones("arch=x86-64-v4", "default"), optimize("O3")))
#else
#define BY_MACHINE
#endif

BY_MACHINE static void hash_dense(const uint64_t *values, size_t count, uint64_t seed,
                                  uint64_t *out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = weir__hash_keep(weir__hash_mix(values[i], seed));
}

/* Of records of two words, the most frequent ones. */
BY_MACHINE static void hash_pairs(const uint64_t *values, size_t count, uint64_t seed,
                                  uint64_t *out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = weir__hash_keep(weir__hash_mix(values[2 * i], seed));
}

static void hash_words(const char *at, size_t stride, size_t count, uint64_t seed, uint64_t *out)
{
    if (stride == 8) {
        hash_dense((const uint64_t *)at, count, seed, out);
        return;
    }
    if (stride == 16 && (uintptr_t)at % 8 == 0) {
        hash_pairs((const uint64_t *)(const void *)at, count, seed, out);
        return;
    }
    for (size_t i = 0; i < count; i++, at += stride) {
        uint64_t value;
        memcpy(&value, at, 8);
        out[i] = weir__hash_keep(weir__hash_mix(value, seed));
    }
}

void weir_key_hash_column(const weir_type *type, const weir_key *key, const void *records,
                          size_t count, uint64_t seed, uint64_t *out)
{
    const weir_field *f = &type->fields[key->field[0]];
    if (key->count == 1 && !f->optional) {
        const char *first = weir__field_at(f, records);
        if (weir__kind_is_str(f->kind)) {
            hash_strs(first, type->size, count, seed, out);
            return;
        }
        if (f->kind == WEIR_KIND_i64 || f->kind == WEIR_KIND_u64 || f->kind == WEIR_KIND_instant) {
            hash_words(first, type->size, count, seed, out);
            return;
        }
    }
    const char *record = records;
    for (size_t i = 0; i < count; i++, record += type->size)
        out[i] = weir_key_hash(type, key, record, seed);
}

bool weir_key_is_bijective(const weir_type *type, const weir_key *key)
{
#ifdef WEIR_HASH_8BIT
    (void)type;
    (void)key;
    return false;
#else
    const weir_field *f = &type->fields[key->field[0]];
    return key->count == 1 && !f->optional && weir_kind_size(f->kind) <= 8;
#endif
}

void weir_key_unhash(const weir_type *type, const weir_key *key, uint64_t hash, uint64_t seed,
                     void *record)
{
    WEIR_DCHECK(weir_key_is_bijective(type, key), "record '%s': the key cannot be had from a hash",
                type->name);
    const weir_field *f = &type->fields[key->field[0]];
    weir__value_from_bits(f->kind, weir__hash_unmix(hash, seed), (char *)record + f->offset);
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

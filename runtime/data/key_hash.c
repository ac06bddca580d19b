/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the hashes of keys and records, and keys that are had back from their hashes. What is done
 * with 64 bits, or with a string, is in base/hash.h.
 */
#include <weir/type.h>

#include "base/assert.h"
#include "base/hash.h"
#include "data/field.h"

/* ---- one record ---- */

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

static inline uint32_t bits_of(weir_kind kind)
{
    return 8 * (uint32_t)weir_kind_size(kind);
}

static inline uint64_t joined(uint64_t word, uint64_t value, uint32_t bits)
{
    return bits == 64 ? value : word << bits | (value & (((uint64_t)1 << bits) - 1));
}

/* The values of a key, one beside the other. False: they have more than 64 bits, or one is null. */
static bool word_of(const weir_type *type, const weir_key *key, const void *record, uint64_t *word)
{
    uint32_t all = 0;
    *word = 0;
    for (uint32_t i = 0; i < key->count; i++) {
        const weir_field *f = &type->fields[key->field[i]];
        uint32_t bits = bits_of(f->kind);
        all += bits;
        if (all > 64 || weir__field_is_null(f, record))
            return false;
        *word = joined(*word, weir__value_bits(f->kind, weir__field_at(f, record)), bits);
    }
    return true;
}

uint64_t weir_key_hash(const weir_type *type, const weir_key *key, const void *record,
                       uint64_t seed)
{
    uint64_t h = seed, word;
    if (word_of(type, key, record, &word))
        return weir__hash_keep(weir__hash_mix(word, seed));
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

/* ---- many records ---- */

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

BY_MACHINE static void hash_in_place(uint64_t *words, size_t count, uint64_t seed)
{
    for (size_t i = 0; i < count; i++)
        words[i] = weir__hash_keep(weir__hash_mix(words[i], seed));
}

/* Puts a field of each record beside what its word has already. */
static void join_field(const weir_field *f, const char *at, size_t stride, size_t count,
                       uint64_t *words)
{
    bool as_it_lies = f->kind != WEIR_KIND_flag && f->kind != WEIR_KIND_f32 &&
                      f->kind != WEIR_KIND_f64;
    uint32_t bits = bits_of(f->kind);
#define JOIN(type)                                       \
    for (size_t i = 0; i < count; i++, at += stride) {   \
        type value;                                      \
        memcpy(&value, at, sizeof value);                \
        words[i] = joined(words[i], value, 8 * sizeof value); \
    }
    if (!as_it_lies) {
        for (size_t i = 0; i < count; i++, at += stride)
            words[i] = joined(words[i], weir__value_bits(f->kind, at), bits);
    } else if (bits == 64) {
        JOIN(uint64_t)
    } else if (bits == 32) {
        JOIN(uint32_t)
    } else if (bits == 16) {
        JOIN(uint16_t)
    } else {
        JOIN(uint8_t)
    }
#undef JOIN
}

/* Of a key that is a word. */
static void join_fields(const weir_type *type, const weir_key *key, const void *records,
                        size_t count, uint64_t *words)
{
    memset(words, 0, count * sizeof *words);
    for (uint32_t i = 0; i < key->count; i++) {
        const weir_field *f = &type->fields[key->field[i]];
        join_field(f, weir__field_at(f, records), type->size, count, words);
    }
}

/* Whether the values of a key are a word, in any record. */
static bool is_word(const weir_type *type, const weir_key *key)
{
    uint32_t bits = 0;
    bool may_be_null = false;
    for (uint32_t i = 0; i < key->count; i++) {
        bits += bits_of(type->fields[key->field[i]].kind);
        may_be_null |= type->fields[key->field[i]].optional;
    }
    return bits <= 64 && !may_be_null;
}

static bool is_whole(const weir_field *f)
{
    return f->kind == WEIR_KIND_i64 || f->kind == WEIR_KIND_u64 || f->kind == WEIR_KIND_instant;
}

void weir_key_hash_column(const weir_type *type, const weir_key *key, const void *records,
                          size_t count, uint64_t seed, uint64_t *out)
{
    const weir_field *f = &type->fields[key->field[0]];
    const char *first = weir__field_at(f, records), *record = records;
    bool whole = is_whole(f);
    if (is_word(type, key) && whole && type->size == 8) {
        hash_dense((const uint64_t *)(const void *)first, count, seed, out);
    } else if (is_word(type, key) && whole && type->size == 16 && (uintptr_t)first % 8 == 0) {
        hash_pairs((const uint64_t *)(const void *)first, count, seed, out);
    } else if (is_word(type, key)) {
        join_fields(type, key, records, count, out);
        hash_in_place(out, count, seed);
    } else if (key->count == 1 && !f->optional && weir__kind_is_str(f->kind)) {
        hash_strs(first, type->size, count, seed, out);
    } else {
        for (size_t i = 0; i < count; i++, record += type->size)
            out[i] = weir_key_hash(type, key, record, seed);
    }
}

/* ---- back from a hash ---- */

bool weir_key_is_bijective(const weir_type *type, const weir_key *key)
{
#ifdef WEIR_HASH_8BIT
    (void)type;
    (void)key;
    return false;
#else
    return is_word(type, key);
#endif
}

void weir_key_unhash(const weir_type *type, const weir_key *key, uint64_t hash, uint64_t seed,
                     void *record)
{
    WEIR_DCHECK(weir_key_is_bijective(type, key), "record '%s': the key cannot be had from a hash",
                type->name);
    uint64_t word = weir__hash_unmix(hash, seed);
    const weir_field *first = &type->fields[key->field[0]];
    if (is_whole(first)) { /* and the only one */
        memcpy((char *)record + first->offset, &word, sizeof word);
        return;
    }
    for (uint32_t i = key->count; i-- > 0;) {
        const weir_field *f = &type->fields[key->field[i]];
        weir__value_from_bits(f->kind, word, (char *)record + f->offset);
        word = bits_of(f->kind) < 64 ? word >> bits_of(f->kind) : 0;
    }
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Types of records: one fixed-size C struct each, described by a table of fields. Equality, order
 * and hash are defined here, by kind, field by field, never by the struct's bytes. Types are
 * immutable and shared by all threads; one made at run time is equal in rights to a compiled one.
 */
#ifndef WEIR_TYPE_H
#define WEIR_TYPE_H

#include <weir/str.h>

WEIR_BEGIN_DECLS

/* 128-bit number; its scale (digits after the point) is in the field table. */
typedef struct weir_decimal {
    __extension__ __int128 unscaled;
} weir_decimal;
/* Days since 1970-01-01, microseconds since 1970-01-01T00:00:00Z. */
typedef struct weir_date {
    int32_t days;
} weir_date;
typedef struct weir_instant {
    int64_t us;
} weir_instant;

/* XX(name in a record's list, C type) */
#define WEIR_KIND_MAP(XX)                                              \
    XX(flag, bool)                                                     \
    XX(i8, int8_t) XX(i16, int16_t) XX(i32, int32_t) XX(i64, int64_t)  \
    XX(u8, uint8_t) XX(u16, uint16_t) XX(u32, uint32_t) XX(u64, uint64_t) \
    XX(f32, float) XX(f64, double)                                     \
    XX(str, weir_str) XX(bytes, weir_str)                              \
    XX(decimal, weir_decimal) XX(date, weir_date) XX(instant, weir_instant)

typedef enum weir_kind {
#define WEIR_KIND_ENUM_(name, type) WEIR_KIND_##name,
    WEIR_KIND_MAP(WEIR_KIND_ENUM_)
#undef WEIR_KIND_ENUM_
} weir_kind;

/* "str" for WEIR_KIND_str. Static text. */
WEIR_API const char *weir_kind_name(weir_kind kind);
/* Bytes of a value of this kind. */
WEIR_API size_t weir_kind_size(weir_kind kind);

typedef struct weir_field {
    const char *name;
    weir_kind kind;
    bool optional;         /* a struct { bool set; VALUE value; } */
    uint8_t scale;         /* of a decimal: digits after the point, 0 to 38 */
    uint32_t offset;       /* of the value in the record; of `value` in an optional one */
    uint32_t set_offset;   /* of `set`; unused unless optional */
} weir_field;

#define WEIR_FIELDS_MAX 64
#define WEIR_RECORD_SIZE_MAX 4096

/* A record's description. Immutable; must outlive every graph that names it. */
typedef struct weir_type {
    size_t struct_size;    /* sizeof(weir_type) of the compiler's headers */
    const char *name;
    uint32_t size, align;
    uint32_t field_count;
    const weir_field *fields;
    bool has_strings;      /* some field is str or bytes */
} weir_type;

/* Checks a description made by hand: fields inside the record, aligned, not overlapping, named
 * once, limits kept, has_strings right. Every graph does this itself for each type it meets. */
WEIR_API weir_status weir_type_check(const weir_type *type, weir_error *error);
/* Same fields, kinds, offsets: records of one may be read as the other. Types' names may differ. */
WEIR_API bool weir_type_same_layout(const weir_type *a, const weir_type *b);
/* Index of the field, or -1. */
WEIR_API int weir_type_field(const weir_type *type, const char *name);

/* A key: fields of a record, in order. Built by WEIR_KEY or by hand. At most 8 fields. */
#define WEIR_KEY_FIELDS_MAX 8
typedef struct weir_key {
    uint32_t count;
    uint16_t field[WEIR_KEY_FIELDS_MAX];
} weir_key;

/* Resolves names (ended by NULL) to a key of the type; the error names what is missing. */
WEIR_API weir_status weir_key_resolve(const weir_type *type, const char *const *names,
                                      weir_key *key, weir_error *error);
/* All fields of the type (at most WEIR_KEY_FIELDS_MAX, else the error says so). */
WEIR_API weir_status weir_key_all(const weir_type *type, weir_key *key, weir_error *error);

/* Hash of a record's key. 64 bits that depend on the seed, by kind: -0 hashes as 0, every NaN as
 * one, null as itself. For a key of fields of up to 8 bytes together, none of them optional, it is
 * a bijection of their values. Long strings by XXH3. */
WEIR_API uint64_t weir_key_hash(const weir_type *type, const weir_key *key, const void *record,
                                uint64_t seed);
/* The same for count records that lie one after the other; out has room for count. Specialised by
 * kind: this is the one to call where it is hot. */
WEIR_API void weir_key_hash_column(const weir_type *type, const weir_key *key, const void *records,
                                   size_t count, uint64_t seed, uint64_t *out);

/* Whether the keys of two records of the same type agree. */
WEIR_API bool weir_key_equal(const weir_type *type, const weir_key *key, const void *a,
                             const void *b);
/* Order by the key's fields: null first, then by value (numbers, bytes of strings, NaN last). */
WEIR_API int weir_key_compare(const weir_type *type, const weir_key *key, const void *a,
                              const void *b);
/* Keys of records of different types (key fields of the same kinds, in order). */
WEIR_API bool weir_key_equal_across(const weir_type *ta, const weir_key *ka, const void *a,
                                    const weir_type *tb, const weir_key *kb, const void *b);
/* An order of records: up to 8 fields, each ascending or descending; ties keep the order of all
 * fields. Built by WEIR_ASC and WEIR_DESC. count 0 is no order. */
typedef struct weir_order {
    const weir_type *type;     /* the record whose fields are named */
    uint32_t count;
    uint32_t descending;       /* bit i: field i goes down */
    const char *field[WEIR_KEY_FIELDS_MAX];
} weir_order;

/* Both orders, one after the other; together at most 8 fields, what is beyond is dropped by count
 * (the graph refuses such an order). */
WEIR_API weir_order weir_order_then(weir_order first, weir_order second);
/* Resolves an order against the type of the records it is to sort. */
WEIR_API weir_status weir_order_resolve(const weir_type *type, const weir_order *order,
                                        weir_key *key, weir_error *error);
/* By a resolved key and the order's bits: negative, 0 or positive. */
WEIR_API int weir_order_compare(const weir_type *type, const weir_key *key, uint32_t descending,
                                const void *a, const void *b);

/* Whether the hash of this key is a bijection of its value, so that weir_key_unhash may be used:
 * fields of up to 8 bytes together, none optional. Never in a build with WEIR_HASH_8BIT. */
WEIR_API bool weir_key_is_bijective(const weir_type *type, const weir_key *key);
/* Writes into the record's key fields the values whose hash this is. */
WEIR_API void weir_key_unhash(const weir_type *type, const weir_key *key, uint64_t hash,
                              uint64_t seed, void *record);

/* All fields in order. */
WEIR_API bool weir_record_equal(const weir_type *type, const void *a, const void *b);
WEIR_API int weir_record_compare(const weir_type *type, const void *a, const void *b);
/* Hash of all fields. */
WEIR_API uint64_t weir_record_hash(const weir_type *type, const void *record, uint64_t seed);

/* Brings a record into canonical form in place: padding zero, unset optionals zero, -0 to 0, one
 * NaN, short strings inline with zeroed tails. What leaves weir's operators already is. */
WEIR_API void weir_record_canonicalize(const weir_type *type, void *record);

/* Bytes that the long strings (over 12 bytes) of a record take outside it. */
WEIR_API size_t weir_record_heap_size(const weir_type *type, const void *record);
/* Repoints the long strings of a record at copies laid one after the other at `heap` (which has
 * weir_record_heap_size bytes). Returns the end of what was written. */
WEIR_API char *weir_record_move_strings(const weir_type *type, void *record, char *heap);

/* "(word: \"a\", count: 3)" for logs and tests: always ended, cut at size. Returns text. */
WEIR_API const char *weir_record_text(const weir_type *type, const void *record, char *text,
                                      size_t size);

WEIR_END_DECLS
#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Packs: some fields of a record, laid out one after the other as a struct of their own. Tables and
 * runs keep keys and remaining fields in this form. A pack has a type, so that everything which
 * works on records works on packed ones.
 */
#ifndef WEIR_TRACE_PACK_H
#define WEIR_TRACE_PACK_H

#include <weir/memory.h>
#include <weir/type.h>

/* A stretch of bytes that lies in one piece in the record and in the packed form. */
typedef struct weir__stretch {
    uint32_t record, packed, size;
} weir__stretch;

/* How a field becomes a word that orders as it does: an integer of these bits, widened. */
typedef enum weir__rank_form {
    WEIR__RANK_64,
    WEIR__RANK_U32,
    WEIR__RANK_I32,
    WEIR__RANK_U16,
    WEIR__RANK_I16,
    WEIR__RANK_U8,
    WEIR__RANK_I8,
    WEIR__RANK_FLAG
} weir__rank_form;

typedef struct weir__rank {
    weir__rank_form form;
    uint32_t record, packed; /* where the field is */
    uint64_t flip;           /* bits that are turned round */
    uint32_t word, shift;    /* its place in the words of all fields (words.h) ... */
    uint32_t bits;           /* ... where it has these */
    uint64_t turned;         /* of which these are turned round */
} weir__rank;

enum { WEIR__WORDS_MAX = 2, WEIR__WORDS_NONE = WEIR__WORDS_MAX + 1 };

typedef struct weir__pack {
    weir_type type; /* of the packed form; size 0 if there is no field */
    weir_key key;   /* its first fields, all of them if there are no more than a key has */
    const weir_type *record;
    weir_field *fields; /* type.fields */
    uint16_t *source;   /* index of each field in the record */
    weir__stretch *stretches;
    uint32_t stretch_count;
    uint32_t string_count;
    uint32_t *strings; /* offsets of the fields that may be long strings, in the packed form */
    uint32_t descending; /* bit i: field i goes down */
    weir__rank *ranks; /* of the first fields, as long as they are integers and not optional */
    uint32_t rank_count;
    uint32_t word_count; /* of all fields, one after the other; WORDS_NONE: they have none */
} weir__pack;

/* Fields `source` (count of them) of `record`, which must outlive the pack. */
weir_status weir__pack_init(weir__pack *pack, const weir_type *record, const uint16_t *source,
                            uint32_t count);
void weir__pack_fini(weir__pack *pack);
/* Of the first fields those whose bit is set go down. */
void weir__pack_set_descending(weir__pack *pack, uint32_t descending);

/* The word of the field that lies there. */
static inline uint64_t weir__rank_word(const weir__rank *rank, const void *field)
{
    uint64_t word = 0;
    int32_t half = 0;
    int16_t quarter = 0;
    signed char byte = 0;
    switch (rank->form) {
    case WEIR__RANK_64:
        memcpy(&word, field, sizeof word);
        break;
    case WEIR__RANK_U32:
    case WEIR__RANK_I32:
        memcpy(&half, field, sizeof half);
        word = rank->form == WEIR__RANK_I32 ? (uint64_t)(int64_t)half : (uint32_t)half;
        break;
    case WEIR__RANK_U16:
    case WEIR__RANK_I16:
        memcpy(&quarter, field, sizeof quarter);
        word = rank->form == WEIR__RANK_I16 ? (uint64_t)(int64_t)quarter : (uint16_t)quarter;
        break;
    case WEIR__RANK_U8:
    case WEIR__RANK_I8:
    case WEIR__RANK_FLAG:
        memcpy(&byte, field, sizeof byte);
        word = rank->form == WEIR__RANK_I8   ? (uint64_t)(int64_t)byte
               : rank->form == WEIR__RANK_U8 ? (unsigned char)byte
                                             : byte != 0;
        break;
    }
    return word ^ rank->flip;
}

/* And back: the field that has this word. */
static inline void weir__rank_field(const weir__rank *rank, uint64_t word, void *field)
{
    uint64_t whole = word ^ rank->flip;
    uint32_t half = (uint32_t)whole;
    uint16_t quarter = (uint16_t)whole;
    unsigned char byte = (unsigned char)whole;
    switch (rank->form) {
    case WEIR__RANK_64:
        memcpy(field, &whole, sizeof whole);
        break;
    case WEIR__RANK_U32:
    case WEIR__RANK_I32:
        memcpy(field, &half, sizeof half);
        break;
    case WEIR__RANK_U16:
    case WEIR__RANK_I16:
        memcpy(field, &quarter, sizeof quarter);
        break;
    case WEIR__RANK_U8:
    case WEIR__RANK_I8:
    case WEIR__RANK_FLAG:
        memcpy(field, &byte, sizeof byte);
        break;
    }
}

/* Whether packed forms order as the word of their one field does. */
static inline bool weir__pack_is_word(const weir__pack *pack)
{
    return pack->rank_count == 1 && pack->type.field_count == 1;
}

/* A copy of what is small for the most part: a call would cost more than the bytes. */
static inline void weir__copy_small(void *to, const void *from, size_t size)
{
    char *t = to;
    const char *f = from;
    if (size > 32) {
        memcpy(t, f, size);
    } else if (size >= 16) { /* the two parts may share bytes */
        memcpy(t, f, 16);
        memcpy(t + size - 16, f + size - 16, 16);
    } else if (size >= 8) {
        memcpy(t, f, 8);
        memcpy(t + size - 8, f + size - 8, 8);
    } else if (size >= 4) {
        memcpy(t, f, 4);
        memcpy(t + size - 4, f + size - 4, 4);
    } else if (size > 0) {
        t[0] = f[0];
        t[size / 2] = f[size / 2];
        t[size - 1] = f[size - 1];
    }
}

/* Between a record and its packed form; strings go on pointing where they point. */
static inline void weir__pack_from_record(const weir__pack *pack, void *packed, const void *record)
{
    for (uint32_t i = 0; i < pack->stretch_count; i++) {
        const weir__stretch *s = &pack->stretches[i];
        weir__copy_small((char *)packed + s->packed, (const char *)record + s->record, s->size);
    }
}
static inline void weir__pack_to_record(const weir__pack *pack, void *record, const void *packed)
{
    for (uint32_t i = 0; i < pack->stretch_count; i++) {
        const weir__stretch *s = &pack->stretches[i];
        weir__copy_small((char *)record + s->record, (const char *)packed + s->packed, s->size);
    }
}

/* Stored strings that are long hold an offset into a heap instead of a pointer. An unset optional
 * string is zero, and so counts as short. */
static inline weir_str *weir__pack_string(const weir__pack *pack, void *packed, uint32_t i)
{
    return (weir_str *)(void *)((char *)packed + pack->strings[i]);
}
static inline uint64_t weir__str_offset(const weir_str *s)
{
    uint64_t offset;
    memcpy(&offset, &s->u, sizeof offset);
    return offset;
}
static inline void weir__str_set_offset(weir_str *s, uint64_t offset)
{
    memcpy(&s->u, &offset, sizeof offset);
}
/* Makes the offsets of a packed form pointers into `heap`. */
static inline void weir__pack_resolve(const weir__pack *pack, void *packed, const char *heap)
{
    for (uint32_t i = 0; i < pack->string_count; i++) {
        weir_str *s = weir__pack_string(pack, packed, i);
        if (!weir_str_is_inline(s))
            s->u.ptr = heap + weir__str_offset(s);
    }
}

/* Order by the fields from the first one without a rank on. */
int weir__pack_compare_rest(const weir__pack *pack, const void *a, const char *heap_a,
                            const void *b, const char *heap_b);
/* The same of two records. */
int weir__pack_compare_rest_of(const weir__pack *pack, const void *a, const void *b);

/* Order by the fields; long strings of `a` and `b` are offsets into their heaps, pointers where
 * there is no heap. */
static inline int weir__pack_compare(const weir__pack *pack, const void *a, const char *heap_a,
                                     const void *b, const char *heap_b)
{
    for (uint32_t i = 0; i < pack->rank_count; i++) {
        const weir__rank *rank = &pack->ranks[i];
        uint64_t x = weir__rank_word(rank, (const char *)a + rank->packed);
        uint64_t y = weir__rank_word(rank, (const char *)b + rank->packed);
        if (x != y)
            return x < y ? -1 : 1;
    }
    return pack->rank_count == pack->type.field_count
               ? 0
               : weir__pack_compare_rest(pack, a, heap_a, b, heap_b);
}

/* The same of the fields of two records. */
static inline int weir__pack_compare_records(const weir__pack *pack, const void *a, const void *b)
{
    for (uint32_t i = 0; i < pack->rank_count; i++) {
        const weir__rank *rank = &pack->ranks[i];
        uint64_t x = weir__rank_word(rank, (const char *)a + rank->record);
        uint64_t y = weir__rank_word(rank, (const char *)b + rank->record);
        if (x != y)
            return x < y ? -1 : 1;
    }
    return pack->rank_count == pack->type.field_count ? 0
                                                      : weir__pack_compare_rest_of(pack, a, b);
}

#endif

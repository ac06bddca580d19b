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

/* How a packed form of one integer becomes a word that orders as it does. */
typedef enum weir__rank_form {
    WEIR__RANK_NONE,
    WEIR__RANK_U64,
    WEIR__RANK_I64,
    WEIR__RANK_U32,
    WEIR__RANK_I32
} weir__rank_form;

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
    weir_key order;    /* fields that are compared before all, if some of them go down */
    uint32_t descending;
    weir__rank_form rank;
    uint64_t flip; /* of the rank: bits that are turned round */
} weir__pack;

/* Fields `source` (count of them) of `record`, which must outlive the pack. */
weir_status weir__pack_init(weir__pack *pack, const weir_type *record, const uint16_t *source,
                            uint32_t count);
void weir__pack_fini(weir__pack *pack);
/* Of the first fields those whose bit is set go down. */
void weir__pack_set_descending(weir__pack *pack, uint32_t descending);

/* Of a pack with a rank: the word of the one field, wherever it lies. */
static inline uint64_t weir__pack_rank(const weir__pack *pack, const void *field)
{
    uint64_t word;
    int32_t half;
    if (pack->rank <= WEIR__RANK_I64) {
        memcpy(&word, field, sizeof word);
        return word ^ pack->flip;
    }
    memcpy(&half, field, sizeof half);
    word = pack->rank == WEIR__RANK_I32 ? (uint64_t)(int64_t)half : (uint32_t)half;
    return word ^ pack->flip;
}

/* Between a record and its packed form; strings go on pointing where they point. */
static inline void weir__pack_from_record(const weir__pack *pack, void *packed, const void *record)
{
    for (uint32_t i = 0; i < pack->stretch_count; i++) {
        const weir__stretch *s = &pack->stretches[i];
        memcpy((char *)packed + s->packed, (const char *)record + s->record, s->size);
    }
}
static inline void weir__pack_to_record(const weir__pack *pack, void *record, const void *packed)
{
    for (uint32_t i = 0; i < pack->stretch_count; i++) {
        const weir__stretch *s = &pack->stretches[i];
        memcpy((char *)record + s->record, (const char *)packed + s->packed, s->size);
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

/* Order by the fields; long strings of `a` and `b` are offsets into their heaps, pointers where
 * there is no heap. */
int weir__pack_compare(const weir__pack *pack, const void *a, const char *heap_a, const void *b,
                       const char *heap_b);

#endif

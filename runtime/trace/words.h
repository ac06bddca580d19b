/* SPDX-License-Identifier: Apache-2.0
 *
 * Words of packs: where all fields are integers of few bits together, they lie in one or two words
 * that order as the fields do. Sorting and merging work on these.
 */
#ifndef WEIR_TRACE_WORDS_H
#define WEIR_TRACE_WORDS_H

#include "trace/pack.h"

typedef struct weir__words {
    uint64_t at[WEIR__WORDS_MAX];
} weir__words;

static inline uint64_t weir__words_part(const weir__rank *rank, const char *field)
{
    uint64_t whole = 0;
    uint32_t half = 0;
    uint16_t quarter = 0;
    switch (rank->bits) {
    case 64:
        memcpy(&whole, field, sizeof whole);
        break;
    case 32:
        memcpy(&half, field, sizeof half);
        whole = half;
        break;
    case 16:
        memcpy(&quarter, field, sizeof quarter);
        whole = quarter;
        break;
    default:
        whole = (unsigned char)*field;
        whole = rank->form == WEIR__RANK_FLAG ? whole != 0 : whole;
    }
    return (whole ^ rank->turned) << rank->shift;
}

/* Of a pack with one field, which lies there. */
static inline weir__words weir__words_of_field(const weir__rank *rank, const char *field)
{
    return (weir__words){ { weir__words_part(rank, field) } };
}

/* Of a pack that has words: those of a record, and of a packed form. */
static inline weir__words weir__words_of_record(const weir__pack *pack, const char *record)
{
    weir__words words = { { 0 } };
    for (uint32_t i = 0; i < pack->rank_count; i++) {
        const weir__rank *rank = &pack->ranks[i];
        words.at[rank->word] |= weir__words_part(rank, record + rank->record);
    }
    return words;
}
static inline weir__words weir__words_of_packed(const weir__pack *pack, const char *packed)
{
    weir__words words = { { 0 } };
    for (uint32_t i = 0; i < pack->rank_count; i++) {
        const weir__rank *rank = &pack->ranks[i];
        words.at[rank->word] |= weir__words_part(rank, packed + rank->packed);
    }
    return words;
}

static inline void weir__words_put(const weir__rank *rank, weir__words words, char *field)
{
    uint64_t whole = (words.at[rank->word] >> rank->shift) ^ rank->turned;
    uint32_t half = (uint32_t)whole;
    uint16_t quarter = (uint16_t)whole;
    switch (rank->bits) {
    case 64:
        memcpy(field, &whole, sizeof whole);
        break;
    case 32:
        memcpy(field, &half, sizeof half);
        break;
    case 16:
        memcpy(field, &quarter, sizeof quarter);
        break;
    default:
        *(unsigned char *)field = (unsigned char)whole;
    }
}

/* And back; what lies between fields is left as it is. */
static inline void weir__words_to_record(const weir__pack *pack, weir__words words, char *record)
{
    for (uint32_t i = 0; i < pack->rank_count; i++)
        weir__words_put(&pack->ranks[i], words, record + pack->ranks[i].record);
}
static inline void weir__words_to_packed(const weir__pack *pack, weir__words words, char *packed)
{
    for (uint32_t i = 0; i < pack->rank_count; i++)
        weir__words_put(&pack->ranks[i], words, packed + pack->ranks[i].packed);
}

static inline bool weir__words_less(weir__words a, weir__words b)
{
    return a.at[0] != b.at[0] ? a.at[0] < b.at[0] : a.at[1] < b.at[1];
}
static inline bool weir__words_equal(weir__words a, weir__words b)
{
    return a.at[0] == b.at[0] && a.at[1] == b.at[1];
}

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes the text of the wordcount cases. The definition is in README.md; the guide is only a
 * faster way to the same word.
 */
#include "text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define WORDS BENCH_TEXT_WORDS
#define WEIGHT_SHIFT 40
#define GUIDE_SHIFT 26
/* A word and its blank, rounded up so that a copy is a few wide moves. */
#define SLOT 24

struct bench_text {
    char words[WORDS][SLOT];
    uint8_t lengths[WORDS];       /* with the blank */
    uint64_t cumulative[WORDS];   /* sums of the weights of this word and all before it */
    uint32_t *guide;              /* the first word to look at, by the upper bits of a draw */
};

static unsigned make_word(uint64_t *state, uint32_t rank, char *out)
{
    unsigned length = 0;
    unsigned letters = 1 + (unsigned)(bench_random(state) % 5);
    if (bench_random(state) % 16 == 0)
        letters += 8;
    while (length < letters)
        out[length++] = (char)('a' + bench_random(state) % 26);
    for (unsigned i = 0; i < 4; i++) {
        out[length++] = (char)('a' + rank % 26);
        rank /= 26;
    }
    out[length++] = ' ';
    return length;
}

bench_text *bench_text_create(void)
{
    bench_text *text = calloc(1, sizeof(*text));
    if (!text)
        bench_fail("no memory for the vocabulary");
    uint64_t state = 42;
    uint64_t total = 0;
    for (uint32_t rank = 0; rank < WORDS; rank++) {
        text->lengths[rank] = (uint8_t)make_word(&state, rank, text->words[rank]);
        total += (UINT64_C(1) << WEIGHT_SHIFT) / (rank + 1);
        text->cumulative[rank] = total;
    }
    uint64_t guides = (total >> GUIDE_SHIFT) + 1;
    text->guide = malloc(guides * sizeof(*text->guide));
    if (!text->guide)
        bench_fail("no memory for the vocabulary");
    uint32_t rank = 0;
    for (uint64_t g = 0; g < guides; g++) {
        while (text->cumulative[rank] <= g << GUIDE_SHIFT)
            rank++;
        text->guide[g] = rank;
    }
    return text;
}

void bench_text_destroy(bench_text *text)
{
    free(text->guide);
    free(text);
}

const char *bench_text_word(const bench_text *text, uint32_t rank, size_t *length)
{
    *length = text->lengths[rank] - 1u;
    return text->words[rank];
}

void bench_text_fill(const bench_text *text, uint64_t block, char *out)
{
    uint64_t total = text->cumulative[WORDS - 1];
    uint64_t state = 1000 + block;
    uint64_t at = 0;
    while (true) {
        uint64_t draw =
            (uint64_t)(((__extension__ (unsigned __int128)bench_random(&state)) * total) >> 64);
        uint32_t rank = text->guide[draw >> GUIDE_SHIFT];
        while (text->cumulative[rank] <= draw)
            rank++;
        unsigned length = text->lengths[rank];
        if (at + length > BENCH_TEXT_BLOCK)
            break;
        memcpy(out + at, text->words[rank], at + SLOT <= BENCH_TEXT_BLOCK ? SLOT : length);
        at += length;
    }
    memset(out + at, ' ', BENCH_TEXT_BLOCK - at);
}

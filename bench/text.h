/* SPDX-License-Identifier: Apache-2.0
 *
 * The text of the wordcount cases: blocks of blank-separated words, drawn from 100,000 by Zipf's
 * law. Defined in README.md by integer arithmetic, so that every language gives the same bytes.
 */
#ifndef BENCH_TEXT_H
#define BENCH_TEXT_H

#include <stddef.h>
#include <stdint.h>

#define BENCH_TEXT_BLOCK ((uint64_t)64 << 20)
/* A word is at most this long, without its blank. */
#define BENCH_WORD_MAX 17
#define BENCH_TEXT_WORDS 100000

typedef struct bench_text bench_text;

/* The vocabulary, read-only from here on: any number of threads may fill blocks from it. */
bench_text *bench_text_create(void);
void bench_text_destroy(bench_text *text);
/* The rank that a word says of itself, in its last four letters. */
static inline uint32_t bench_text_rank(const char *word, size_t length)
{
    const unsigned char *digits = (const unsigned char *)word + length - 4;
    return (digits[0] - 'a') + 26u * (digits[1] - 'a') + 676u * (digits[2] - 'a') +
           17576u * (digits[3] - 'a');
}
/* The word of a rank, and its length. */
const char *bench_text_word(const bench_text *text, uint32_t rank, size_t *length);
/* Writes block number `block`, exactly BENCH_TEXT_BLOCK bytes, the last one a blank. */
void bench_text_fill(const bench_text *text, uint64_t block, char *out);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * The text of the wordcount cases: blocks of blank-separated words, drawn from 100,000 by Zipf's
 * law. Defined in README.md by integer arithmetic, so that every language gives the same bytes.
 */
#ifndef BENCH_TEXT_H
#define BENCH_TEXT_H

#include <stdint.h>

#define BENCH_TEXT_BLOCK ((uint64_t)64 << 20)
/* A word is at most this long, without its blank. */
#define BENCH_WORD_MAX 17

typedef struct bench_text bench_text;

/* The vocabulary, read-only from here on: any number of threads may fill blocks from it. */
bench_text *bench_text_create(void);
void bench_text_destroy(bench_text *text);
/* Writes block number `block`, exactly BENCH_TEXT_BLOCK bytes, the last one a blank. */
void bench_text_fill(const bench_text *text, uint64_t block, char *out);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding the separators of a piece of text: the inner loop of splitting. Knows nothing of tokens.
 */
#ifndef WEIR_DATA_SPLIT_H
#define WEIR_DATA_SPLIT_H

#include <weir/str.h>

/* Writes where separators are among len bytes, at most WEIR__SPLIT_SPAN, and returns how many.
 * There must be room for len + WEIR__SPLIT_MORE: what is behind the last one may be written to. */
size_t weir__split_stops(const char *text, size_t len, char separator, uint16_t *stops);

/* The ways of doing it, of which weir__split_stops takes the best one that the machine has. For
 * tests: all give the same. */
typedef enum weir__split_way { WEIR__SPLIT_PLAIN, WEIR__SPLIT_AVX512 } weir__split_way;
enum { WEIR__SPLIT_WAYS = WEIR__SPLIT_AVX512 + 1 };
bool weir__split_has(weir__split_way way);
size_t weir__split_by(weir__split_way way, const weir_str *text, char separator, uint16_t *stops);

#endif

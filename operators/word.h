/* SPDX-License-Identifier: Apache-2.0
 *
 * Values of fixed size as words of 128 bits that order as they do, and back.
 */
#ifndef WEIR_OPERATORS_WORD_H
#define WEIR_OPERATORS_WORD_H

#include <weir/type.h>

#include "ranks.h"

/* Whether the kind has words: numbers, dates, instants. */
bool weir__word_has(weir_kind kind);
/* Of the value at this place. */
weir__word weir__word_of(weir_kind kind, const void *at);
void weir__word_put(weir_kind kind, weir__word word, void *to);
/* The value of a kind that none comes before. */
void weir__word_put_least(weir_kind kind, void *to);
/* Of a number; a decimal without its scale. */
double weir__word_number(weir_kind kind, weir__word word);
/* Of a kind that is no float: the number itself. */
__extension__ typedef __int128 weir__wide;
static inline weir__wide weir__word_integer(weir__word word)
{
    return (weir__wide)(word ^ (weir__word)1 << 127);
}

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Dividing elements of a column among the workers that own their hashes: the inner loop of an
 * exchange. Knows nothing of batches; room is the caller's business.
 */
#ifndef WEIR_DATAFLOW_DIVIDE_H
#define WEIR_DATAFLOW_DIVIDE_H

#include <weir/base.h>

/* Elements of one column on their way to the workers that own their hashes. */
typedef struct weir__division {
    const char *from;
    const uint64_t *hashes;
    size_t count, size;
    unsigned workers;
} weir__division;

/* Copies each element to where next[] of its worker points, which moves on; the elements of a
 * worker keep their order. At each of them there must be room for all `count` elements: also
 * where fewer go, the rest of that may be written to. */
void weir__divide(const weir__division *division, char **next);

/* The ways of doing it, of which weir__divide takes the best one that the machine has. For
 * tests: all give the same. */
typedef enum weir__divide_way { WEIR__DIVIDE_PLAIN, WEIR__DIVIDE_AVX512 } weir__divide_way;
enum { WEIR__DIVIDE_WAYS = WEIR__DIVIDE_AVX512 + 1 };
bool weir__divide_has(weir__divide_way way);
void weir__divide_by(weir__divide_way way, const weir__division *division, char **next);

/* The worker whose range of the hash space holds this hash. */
static inline unsigned weir__owner(uint64_t hash, unsigned workers)
{
    __extension__ typedef unsigned __int128 wide;
    return (unsigned)(((wide)hash * workers) >> 64);
}

#endif

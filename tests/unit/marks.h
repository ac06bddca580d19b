/* SPDX-License-Identifier: Apache-2.0
 *
 * Marks in each page of a block, by which one that was lost or taken for another is known.
 */
#ifndef WEIR_TESTS_UNIT_MARKS_H
#define WEIR_TESTS_UNIT_MARKS_H

#include <stddef.h>

enum { TEST_PAGE = 4096 };

/* A byte of each page. */
static inline void test_mark(char *block, size_t size, size_t seed)
{
    for (size_t at = 0; at < size; at += TEST_PAGE)
        block[at + (at / TEST_PAGE + seed) % TEST_PAGE] = (char)(at / TEST_PAGE * 7 + seed);
}
static inline size_t test_wrong(const char *block, size_t size, size_t seed)
{
    size_t count = 0;
    for (size_t at = 0; at < size; at += TEST_PAGE)
        count +=
            block[at + (at / TEST_PAGE + seed) % TEST_PAGE] != (char)(at / TEST_PAGE * 7 + seed);
    return count;
}

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * A user's C program: runs what it was linked with, and tells whether jemalloc is its allocator.
 */
#include <stdio.h>
#include <string.h>
#include <weir/base.h>
#include <weir/memory.h>

#ifndef WITH_JEMALLOC
#define WITH_JEMALLOC 0
#endif

extern int mallctl(const char *, void *, size_t *, void *, size_t) __attribute__((weak));

int main(void)
{
    if (strcmp(weir_version(), WEIR_VERSION) != 0) {
        printf("headers of %s, library of %s\n", WEIR_VERSION, weir_version());
        return 1;
    }
    if ((mallctl != NULL) != WITH_JEMALLOC) {
        printf("jemalloc is %slinked\n", mallctl ? "" : "not ");
        return 1;
    }
    char *block = weir_alloc_zero(100);
    if (!block || block[99])
        return 1;
    weir_free(block, 100);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * See pages.h.
 */
#include "env/pages.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

void weir__pages_give_back(void *at, size_t size)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t from = ((uintptr_t)at + page - 1) / page * page;
    uintptr_t to = ((uintptr_t)at + size) / page * page;
    if (from < to) /* where the system refuses, they are given back when the block is freed */
        (void)madvise((char *)at + (from - (uintptr_t)at), to - from, MADV_DONTNEED);
}

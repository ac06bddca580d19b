/* SPDX-License-Identifier: Apache-2.0
 *
 * Open loops: how far a worker has sent at a time, whether what it sent before is done or not.
 */
#ifndef BENCH_PACE_H
#define BENCH_PACE_H

#include <stdint.h>

/* Up to when records are sent now: in steps of a quarter of what is open, at least 1 us. */
static inline uint64_t bench_pace(uint64_t now, uint64_t sent, uint64_t complete)
{
    uint64_t open = sent > complete ? sent - complete : 0;
    unsigned bits = open ? 64 - (unsigned)__builtin_clzll(open) : 0;
    uint64_t scale = (UINT64_C(1) << bits) / 4;
    return now & ~((scale > 1024 ? scale : 1024) - 1);
}

#endif

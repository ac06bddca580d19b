/* SPDX-License-Identifier: Apache-2.0
 *
 * Sieves: which keys some runs may have, by a bit for the first bits of a hash. What does not pass
 * is in none of them, so it need not be looked up in each. Only of few keys: a sieve of many would
 * not lie in the cache, and keys that are looked up among many are there for the most part.
 */
#ifndef WEIR_TRACE_SIEVE_H
#define WEIR_TRACE_SIEVE_H

#include "trace/run.h"

/* Zeroed, it knows no run, and is made when it is first asked. */
typedef struct weir__sieve {
    uint64_t *bits;
    size_t size;    /* bytes */
    unsigned shift; /* what is left of a hash is the number of its bit */
    uint32_t keys;  /* that were added, some of them more than once */
    bool is_behind; /* more were to be added than there was room for */
    bool is_off;    /* there are too many keys, or some in files: for good */
} weir__sieve;

void weir__sieve_fini(weir__sieve *sieve);
/* A run has come to those that it was made for. */
void weir__sieve_add(weir__sieve *sieve, const weir_trace_run *run);
/* Makes it ready for `runs`, which have all that was added. False: everything may be there. */
bool weir__sieve_ready(weir__sieve *sieve, const weir_trace_runs *runs);
/* The keys of a run that pass, by their indices, in order. There has to be room for all of them.
 * Returns how many they are. */
uint32_t weir__sieve_pick(const weir__sieve *sieve, const weir_trace_run *run, uint32_t *picked);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Prints FNV-1a of the wordcount text, so that bench/run can see that both sides make the same one.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "text.h"

int main(int argc, char **argv)
{
    bench_options o = bench_options_read(argc, argv, 1);
    bench_text *text = bench_text_create();
    char *block = malloc(BENCH_TEXT_BLOCK);
    if (!block)
        bench_fail("no memory for a block of text");
    uint64_t hash = BENCH_FNV_START;
    for (uint64_t b = 0; b < o.mib / (BENCH_TEXT_BLOCK >> 20); b++) {
        bench_text_fill(text, b, block);
        hash = bench_fnv1a(hash, block, BENCH_TEXT_BLOCK);
    }
    bench_answer("%016llx", (unsigned long long)hash);
    free(block);
    bench_text_destroy(text);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns asking memory for what looking keys up will read, before anybody does: a key that is in no
 * cache costs misses one after the other, for its entry of the directory, for the hashes of that
 * stretch, and for what belongs to the key.
 */
#include "trace/run.h"
#include "trace/trace.h"

/* Runs of fewer keys are most often in the cache. The oldest ones have most. */
enum { LARGE = 16 << 10, RUNS_MAX = 4 };

/* Always inlined, since gcc takes functions that only prefetch for empty ones. */
static inline __attribute__((always_inline)) void fetch(const weir_trace_run *run, uint64_t hash,
                                                        bool again)
{
    const uint32_t *stretch = weir__run_stretch(run, hash);
    __builtin_prefetch(stretch);
    if (!stretch || !again)
        return;
    uint32_t first = stretch[0], last = stretch[1] > first ? stretch[1] - 1 : first;
    __builtin_prefetch(&run->hashes[first]);
    __builtin_prefetch(&run->hashes[last]);
    if (run->value_at) {
        __builtin_prefetch(&run->value_at[first]);
    } else {
        __builtin_prefetch(weir__run_rest(run, first));
        __builtin_prefetch(weir__run_rest(run, last));
    }
}

void weir_trace_expect(weir_trace *of, const uint64_t *hashes, size_t count, bool again)
{
    const weir_spine *spine = weir__trace_base(of)->spine;
    __asm__ volatile(""); /* likewise */
    for (uint32_t i = 0; i < spine->count && i < RUNS_MAX; i++) {
        const weir_trace_run *run = spine->runs[i];
        for (size_t k = 0; k < count && run->key_count >= LARGE && !run->segment; k++)
            fetch(run, hashes[k], again);
    }
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the end of large runs. To free one takes as long as it has pages, a millisecond for 20 MB,
 * and what runs hold is of use to nobody once they are merged. So their pages are given back with
 * the fuel of merges, some at each call, and the block is freed when it has none.
 */
#include "trace/retired.h"

#include "env/pages.h"

/* Runs below LARGE are freed: the allocator keeps their pages, and the next merge takes them. A
 * piece takes some ten microseconds. */
enum { LARGE = 4 << 20, PIECE = 128 << 10 };

static bool reserve(weir__retired *r)
{
    if (r->count < r->capacity)
        return true;
    uint32_t capacity = r->capacity ? 2 * r->capacity : 8;
    weir_trace_run **runs = weir_realloc(r->runs, r->capacity * sizeof *runs,
                                         capacity * sizeof *runs);
    if (!runs)
        return false;
    r->runs = runs;
    r->capacity = capacity;
    return true;
}

void weir__retired_add(weir__retired *r, weir_trace_run *run)
{
    bool shared = __atomic_load_n(&run->refs, __ATOMIC_ACQUIRE) > 1 || run->origin;
    if (run->size < LARGE || run->segment || shared || !reserve(r)) {
        weir_trace_run_release(run);
        return;
    }
    if (r->count > 0 && r->given > 0) { /* the one at hand stays the last one */
        r->runs[r->count] = r->runs[r->count - 1];
        r->runs[r->count++ - 1] = run;
    } else {
        r->runs[r->count++] = run;
    }
    r->bytes += run->size;
}

static void end_last(weir__retired *r)
{
    weir_trace_run *run = r->runs[--r->count];
    r->bytes -= run->size;
    r->given = 0;
    weir_trace_run_release(run);
}

/* The pages of the next bytes, with the one that the piece before them ended in; the head stays. */
static void give_back(weir__retired *r, weir_trace_run *run, size_t size)
{
    size_t from = r->given > PIECE ? r->given - PIECE : sizeof *run;
    weir__pages_give_back((char *)run + from, r->given + size - from);
    r->given += size;
}

void weir__retired_work(weir__retired *r, size_t updates)
{
    if (r->count == 0)
        return;
    const weir_trace_run *last = r->runs[r->count - 1];
    size_t paid = updates < last->update_count ? updates : last->update_count;
    r->credit += r->count * paid * (last->size / last->update_count + 1);
    while (r->count > 0 && r->credit >= PIECE) {
        weir_trace_run *run = r->runs[r->count - 1];
        size_t left = run->size - r->given;
        size_t size = left < r->credit ? left : r->credit / PIECE * PIECE;
        give_back(r, run, size);
        r->credit -= size;
        if (size == left)
            end_last(r);
    }
    r->credit = r->count > 0 ? r->credit : 0;
}

void weir__retired_fini(weir__retired *r)
{
    while (r->count > 0)
        end_last(r);
    weir_free(r->runs, r->capacity * sizeof *r->runs);
    *r = (weir__retired){ 0 };
}

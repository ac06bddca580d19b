/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the end of large runs. To free one takes as long as it has pages, a millisecond for 12 MB,
 * and what runs hold is of use to nobody once they are merged. So they are cut off, from the end
 * on, with the fuel of merges: as much at each call as merges write meanwhile, which get these
 * pages (mapped.h).
 */
#include "trace/retired.h"

#include "base/mapped.h"

/* A piece takes some twenty microseconds where its pages are not kept. */
enum { PIECE = 128 << 10 };

static bool reserve(weir__retired *r)
{
    if (r->count < r->capacity)
        return true;
    uint32_t capacity = r->capacity ? 2 * r->capacity : 8;
    weir__retired_run *runs = weir_realloc(r->runs, r->capacity * sizeof *runs,
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
    if (!weir__is_mapped(run->size) || run->segment || shared || !reserve(r)) {
        weir_trace_run_release(run);
        return;
    }
    r->runs[r->count++] = (weir__retired_run){ run, run->size / run->update_count + 1, 0 };
    r->bytes += run->size;
}

static void end_last(weir__retired *r)
{
    weir_trace_run *run = r->runs[--r->count].run;
    r->bytes -= run->size;
    weir_trace_run_release(run);
}

/* The end of the last one goes, if its pages are kept; otherwise the pages do, which costs half as
 * much, and then all of it. Returns how many bytes went. */
static size_t cut_last(weir__retired *r)
{
    weir__retired_run *last = &r->runs[r->count - 1];
    weir_trace_run *run = last->run;
    size_t left = run->size - last->emptied, in_use = weir_memory_used();
    size_t cut = run->size - WEIR__GRANULE;
    if (last->emptied == 0 && weir__is_mapped(cut) &&
        weir__mapped_would_keep(WEIR__GRANULE, in_use) && weir_realloc(run, run->size, cut)) {
        run->size = cut; /* it stays where it is */
        r->bytes -= WEIR__GRANULE;
        return WEIR__GRANULE;
    }
    if (left <= PIECE || (last->emptied == 0 && weir__mapped_would_keep(left, in_use))) {
        end_last(r);
        return left;
    }
    size_t from = (left - 1) & ~(size_t)(PIECE - 1);
    weir__mapped_empty((char *)run + from, left - from);
    last->emptied = run->size - from;
    return left - from;
}

void weir__retired_work(weir__retired *r, size_t updates)
{
    if (r->count == 0)
        return;
    const weir__retired_run *last = &r->runs[r->count - 1];
    size_t paid = updates < last->run->update_count ? updates : last->run->update_count;
    r->credit += (int64_t)(r->count * paid * last->each);
    while (r->count > 0 && r->credit >= PIECE)
        r->credit -= (int64_t)cut_last(r);
    r->credit = r->count > 0 ? r->credit : 0;
}

void weir__retired_fini(weir__retired *r)
{
    while (r->count > 0)
        end_last(r);
    weir_free(r->runs, r->capacity * sizeof *r->runs);
    *r = (weir__retired){ 0 };
}

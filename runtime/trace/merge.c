/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the merging of two runs into one, and the compaction of one alone: an update at a time, so
 * that it can stop anywhere. Which runs are merged, and when, is the spine's.
 */
#include "trace/run.h"

bool weir__merge_init(weir__merge *merge, weir_trace_run *a, weir_trace_run *b, uint64_t since)
{
    uint64_t upper = b && b->upper > a->upper ? b->upper : a->upper;
    *merge = (weir__merge){ .a = a, .b = b, .since = since };
    /* Any time at or before since would do: readers ask for since at the earliest. */
    merge->moved_to = since < upper - 1 ? since : upper - 1;
    merge->ka.end = a->key_count;
    merge->kb.end = b ? b->key_count : 0;
    return weir__writer_init(&merge->writer, a->shape);
}

static inline bool left(weir__range range)
{
    return range.at < range.end;
}

static weir__packed key_of(const weir_trace_run *run, uint32_t key)
{
    weir__packed packed = { run->shape->bijective ? NULL : weir__run_key(run, key),
                            run->heap.data };
    return packed;
}

static weir__packed rest_of(const weir_trace_run *run, uint32_t value)
{
    weir__packed packed = { run->rests.data ? weir__run_rest(run, value) : NULL, run->heap.data };
    return packed;
}

/* The next key, of one side or of both. */
static void open_key(weir__merge *m)
{
    int order = !left(m->kb)   ? -1
                : !left(m->ka) ? 1
                               : weir__run_compare_keys(m->a, m->ka.at, m->b, m->kb.at);
    if (order <= 0)
        weir__writer_key(&m->writer, weir__run_hash(m->a, m->ka.at), key_of(m->a, m->ka.at));
    else
        weir__writer_key(&m->writer, weir__run_hash(m->b, m->kb.at), key_of(m->b, m->kb.at));
    if (order <= 0)
        m->va = weir__run_values(m->a, m->ka.at++);
    if (order >= 0)
        m->vb = weir__run_values(m->b, m->kb.at++);
}

static void open_value(weir__merge *m)
{
    int order = !left(m->vb)   ? -1
                : !left(m->va) ? 1
                               : weir__run_compare_values(m->a, m->va.at, m->b, m->vb.at);
    if (order <= 0)
        weir__writer_value(&m->writer, rest_of(m->a, m->va.at));
    else
        weir__writer_value(&m->writer, rest_of(m->b, m->vb.at));
    if (order <= 0)
        m->ua = weir__run_updates(m->a, m->va.at++);
    if (order >= 0)
        m->ub = weir__run_updates(m->b, m->vb.at++);
}

static inline uint64_t moved(const weir__merge *m, uint64_t time)
{
    return time < m->since ? m->moved_to : time;
}

static void flush(weir__merge *m)
{
    if (m->pending && m->sum != 0)
        weir__writer_update(&m->writer, m->time, m->sum);
    m->pending = false;
}

/* Diffs whose sum leaves the range stay two updates: the reader who adds them up is told. */
static void take_update(weir__merge *m)
{
    uint64_t time_a = left(m->ua) ? moved(m, weir__run_time(m->a, m->ua.at)) : UINT64_MAX;
    uint64_t time_b = left(m->ub) ? moved(m, weir__run_time(m->b, m->ub.at)) : UINT64_MAX;
    bool from_a = left(m->ua) && time_a <= time_b;
    uint64_t time = from_a ? time_a : time_b;
    int64_t diff = from_a ? weir__run_diff(m->a, m->ua.at++) : weir__run_diff(m->b, m->ub.at++);
    if (m->pending && m->time == time && !__builtin_add_overflow(m->sum, diff, &m->sum))
        return;
    if (m->pending && m->time == time)
        m->sum = (int64_t)((uint64_t)m->sum - (uint64_t)diff);
    flush(m);
    m->pending = true;
    m->time = time;
    m->sum = diff;
}

bool weir__merge_work(weir__merge *m, size_t *fuel)
{
    for (; *fuel > 0; --*fuel) {
        if (!left(m->ua) && !left(m->ub)) {
            flush(m);
            if (!left(m->va) && !left(m->vb)) {
                if (!left(m->ka) && !left(m->kb))
                    return true;
                open_key(m);
            }
            open_value(m);
        }
        take_update(m);
    }
    return false;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the merging of a key that several runs have, where all of it comes to be at one time: its
 * values are put in order together, and those that are one added up.
 */
#include "trace/merge_block.h"

enum { GROUP_MAX = 64 };

typedef struct member {
    uint64_t word; /* of its first field, where that has one */
    const weir_trace_run *run;
    uint32_t value;
    int64_t diff;
} member;

typedef struct group {
    const weir__pack *rests;
    bool is_word; /* there is no more to compare */
    uint32_t count;
    member members[GROUP_MAX];
} group;

static inline int compare(const group *g, const member *a, const member *b)
{
    if (a->word != b->word)
        return a->word < b->word ? -1 : 1;
    return g->is_word ? 0 : weir__run_compare_values(a->run, a->value, b->run, b->value);
}

/* Puts a value where it belongs; the sum of two that are one may be 0. False: it leaves the range,
 * or there is no room. */
static bool insert(group *g, const member *new)
{
    uint32_t at = g->count;
    int order = 1;
    while (at > 0 && (order = compare(g, &g->members[at - 1], new)) > 0)
        at--;
    if (at > 0 && order == 0) {
        int64_t *diff = &g->members[at - 1].diff;
        return !__builtin_add_overflow(*diff, new->diff, diff);
    }
    if (g->count == GROUP_MAX)
        return false;
    for (uint32_t i = g->count++; i > at; i--)
        g->members[i] = g->members[i - 1];
    g->members[at] = *new;
    return true;
}

/* Adds the values of a key of a run. */
static bool add(group *g, const weir_trace_run *run, weir__range values)
{
    member new = { .run = run };
    for (new.value = values.at; new.value < values.end; new.value++) {
        if (g->rests->rank_count > 0)
            new.word = weir__rank_word(g->rests->ranks, weir__run_rest(run, new.value) +
                                                            g->rests->ranks->packed);
        new.diff = weir__run_diff(run, new.value);
        if (!insert(g, &new))
            return false;
    }
    return true;
}

static void write(weir__merge *m, const group *g, uint64_t hash, weir__packed key)
{
    bool any = false;
    for (uint32_t i = 0; i < g->count; i++) {
        const member *v = &g->members[i];
        if (v->diff == 0)
            continue;
        if (!any)
            weir__writer_put_key(&m->writer, hash, key);
        any = true;
        weir__writer_put_rest(&m->writer,
                              weir__packed_at(v->run->rests, g->rests, v->value, v->run));
        weir__writer_put_update(&m->writer, m->settled.at, v->diff);
    }
}

uint32_t weir__merge_group(weir__merge *m, const weir__block *b, uint32_t i, size_t *left)
{
    const weir_trace_run *first = m->lanes[b->lane[i]].run;
    const weir_shape *shape = first->shape;
    group g = { .rests = &shape->rests,
                .is_word = shape->rests.type.size == 0 || weir__pack_is_word(&shape->rests) };
    uint32_t taken = 0;
    size_t updates = 0;
    for (; i + taken < b->count && b->hash[i + taken] == b->hash[i]; taken++) {
        const weir_trace_run *run = m->lanes[b->lane[i + taken]].run;
        uint32_t key = b->key[i + taken];
        weir__range values = weir__run_values(run, key);
        updates += values.end - values.at;
        if (updates > *left ||
            (!shape->bijective && weir__run_compare_keys(first, b->key[i], run, key) != 0) ||
            !add(&g, run, values))
            return 0;
    }
    *left -= updates;
    write(m, &g, b->hash[i], weir__packed_at(first->keys, &shape->keys, b->key[i], first));
    for (uint32_t k = i; k < i + taken; k++)
        m->lanes[b->lane[k]].keys.at = b->key[k] + 1;
    return taken;
}

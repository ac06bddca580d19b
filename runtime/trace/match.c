/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns matching: which keys two runs share, and all pairs of their updates. Keys are looked up in
 * groups, so that the columns of one answer while others are asked for; what a run is made of is in
 * run.h.
 */
#include <weir/match.h>

#include <string.h>

#include "base/assert.h"
#include "trace/run.h"
#include "trace/sieve.h"

enum {
    BLOCK = 256,            /* pairs given at once, at most */
    BLOCK_BYTES = 64 << 10, /* of the records of a side */
    GROUP = 32,             /* keys looked up together */
    GROUPS = 64,            /* of a call, at most */
    WALK = 3,               /* keys of the other run for one of ours, up to which it is walked */
    SIEVED_MIN = 16,        /* keys of a run: of fewer each is looked up */
    SIEVED = 2              /* one of so many may be there: then they alone are looked up */
};

/* What is being paired of one side: a run, its current key, a value of it, an update of that. */
typedef struct lane {
    const weir_trace_run *run;
    uint32_t key;
    weir__range values, updates;
    uint32_t value, update; /* the current ones */
    char *record;           /* of the current value; NULL: to be made */
    const char *of_key;     /* the last one of the key in the block; NULL: none */
} lane;

/* Keys that both runs have, as indices. */
typedef struct found {
    uint32_t count, few[GROUP], many[GROUP];
} found;

struct weir_matcher {
    weir_shape *shapes[2];
    unsigned depth;
    size_t block; /* pairs of a block */
    /* what was started */
    unsigned side;
    weir_trace_run *run; /* NULL: nothing */
    weir_trace_runs *others;
    uint32_t other;        /* index of the run that comes next */
    weir_trace_run *given; /* the one of the pairs last given */
    /* which keys of the run may be in the others, if it was found out */
    bool sees_all, sieved;
    weir__sieve sieves[2]; /* of what was started of a side */
    uint32_t *picked, picked_count;
    size_t picked_room;
    /* two runs: keys of the one with fewer are looked up in the other */
    lane lanes[2];
    unsigned few;     /* whose lane that is */
    uint32_t few_count;
    bool picks;       /* of these keys those that were picked */
    bool walks;       /* through both, instead of looking each key up */
    bool at_one_time; /* all pairs are at the meet of `run` */
    bool pairing;     /* the lanes stand at a pair of updates */
    bool paused;      /* the call has looked at enough keys */
    uint32_t groups;  /* that the call may still look at */
    uint32_t next_few, next_many;
    found found[2]; /* those being paired; those after them, which are on their way */
    unsigned now;   /* the first of these */
    uint32_t found_at;
    /* the block */
    weir_matches out;
    char *room[2]; /* records, as many as a block has pairs */
    size_t used[2];
    const void **records[2];
    int64_t *diffs;
    uint64_t *times;
};

/* ---- making and ending ---- */

weir_matcher *weir_matcher_create(weir_shape *const shapes[2], unsigned depth)
{
    weir_matcher *m = weir_alloc_zero(sizeof *m);
    if (!m)
        return NULL;
    m->depth = depth;
    size_t size = shapes[0]->type->size;
    if (shapes[1]->type->size > size)
        size = shapes[1]->type->size;
    m->block = size > BLOCK_BYTES / BLOCK ? BLOCK_BYTES / size : BLOCK;
    bool made = true;
    for (int s = 0; s < 2; s++) {
        WEIR_ASSERT(shapes[s]->depth <= depth && shapes[s]->seed == shapes[0]->seed,
                    "runs that do not fit are matched");
        m->shapes[s] = weir_shape_retain(shapes[s]);
        m->room[s] = weir_alloc_zero(m->block * shapes[s]->type->size); /* padding stays zero */
        m->records[s] = weir_alloc(m->block * sizeof *m->records[s]);
        made = made && m->room[s] && m->records[s];
    }
    m->diffs = weir_alloc(m->block * sizeof *m->diffs);
    m->times = weir_alloc(m->block * depth * sizeof *m->times);
    if (made && m->diffs && m->times)
        return m;
    weir_matcher_destroy(m);
    return NULL;
}

void weir_matcher_destroy(weir_matcher *m)
{
    if (!m)
        return;
    weir_matcher_stop(m);
    for (int s = 0; s < 2; s++) {
        weir_free(m->room[s], m->block * m->shapes[s]->type->size);
        weir_free(m->records[s], m->block * sizeof *m->records[s]);
        weir_shape_release(m->shapes[s]);
    }
    weir__sieve_fini(&m->sieves[0]);
    weir__sieve_fini(&m->sieves[1]);
    weir_free(m->picked, m->picked_room * sizeof *m->picked);
    weir_free(m->diffs, m->block * sizeof *m->diffs);
    weir_free(m->times, m->block * m->depth * sizeof *m->times);
    weir_free(m, sizeof *m);
}

void weir_matcher_see_all(weir_matcher *m)
{
    m->sees_all = true;
}

static bool has_room(weir_matcher *m, size_t count)
{
    if (count <= m->picked_room)
        return true;
    uint32_t *room = weir_alloc(count * sizeof *room);
    if (!room)
        return false;
    weir_free(m->picked, m->picked_room * sizeof *m->picked);
    m->picked = room;
    m->picked_room = count;
    return true;
}

/* Picks the keys of the run that may be in the others, which is worth it if they are few. */
static void sieve(weir_matcher *m)
{
    const weir_trace_run *run = m->run;
    weir__sieve *others = &m->sieves[1 - m->side];
    m->sieved = m->sees_all && !run->segment && run->key_count >= SIEVED_MIN &&
                m->others->count > 0 && weir__sieve_ready(others, m->others) &&
                has_room(m, run->key_count);
    if (m->sieved) {
        m->picked_count = weir__sieve_pick(others, run, m->picked);
        m->sieved = m->picked_count < run->key_count / SIEVED;
    }
    if (m->sees_all)
        weir__sieve_add(&m->sieves[m->side], run);
}

void weir_matcher_start(weir_matcher *m, unsigned side, weir_trace_run *run,
                        weir_trace_runs *others)
{
    WEIR_ASSERT(!m->run, "a matcher is started that has not finished");
    m->side = side;
    m->run = weir_trace_run_retain(run);
    m->others = weir_trace_runs_retain(others);
    m->other = 0;
    m->found[0].count = m->found[1].count = m->found_at = 0;
    m->pairing = false;
    m->lanes[0] = m->lanes[1] = (lane){ 0 };
    sieve(m);
}

void weir_matcher_stop(weir_matcher *m)
{
    if (!m->run)
        return;
    weir_trace_run_release(m->run);
    weir_trace_runs_release(m->others);
    m->run = NULL;
    m->others = NULL;
}

bool weir_matcher_is_busy(const weir_matcher *m)
{
    return m->run != NULL;
}

weir_trace_run *weir_matcher_run(const weir_matcher *m, unsigned side)
{
    return side == m->side ? m->run : m->given;
}

/* ---- keys ---- */

static bool same_key(const weir_trace_run *a, uint32_t key_a, const weir_trace_run *b,
                     uint32_t key_b)
{
    return a->shape->bijective ||
           weir__pack_compare(&a->shape->keys, weir__run_key(a, key_a), a->heap,
                              weir__run_key(b, key_b), b->heap) == 0;
}

/* Of the keys that are looked up the i-th. */
static inline uint32_t few_key(const weir_matcher *m, uint32_t i)
{
    return m->picks ? m->picked[i] : i;
}

/* Looks key `mine` of the lesser run up among those of the greater one from `from` on, where the
 * first ones of its hash or beyond are. */
static void look(const weir_matcher *m, uint32_t mine, uint32_t from, found *to)
{
    const weir_trace_run *few = m->lanes[m->few].run, *many = m->lanes[1 - m->few].run;
    uint64_t hash = few->hashes[mine];
    for (uint32_t k = from; k < many->key_count && weir__run_sound_key(many, k) &&
                            many->hashes[k] == hash; k++)
        if (same_key(few, mine, many, k)) {
            to->few[to->count] = mine;
            to->many[to->count++] = k;
            return;
        }
}

/* Both runs step by step: for runs of about the same size. */
static void walk_group(weir_matcher *m, found *to)
{
    const weir_trace_run *few = m->lanes[m->few].run, *many = m->lanes[1 - m->few].run;
    uint32_t a = m->next_few, b = m->next_many;
    uint32_t steps = 8 * GROUP;
    bool in_files = few->segment || many->segment;
    while (a < few->key_count && b < many->key_count && to->count < GROUP && steps-- > 0) {
        if (WEIR_UNLIKELY(in_files) &&
            !(weir__run_sound_key(few, a) && weir__run_sound_key(many, b))) {
            a = few->key_count;
            break;
        }
        uint64_t hash = few->hashes[a], other = many->hashes[b];
        if (hash == other)
            look(m, a, b, to); /* keys of one hash may follow: b stays */
        a += hash <= other;
        b += hash > other;
    }
    m->next_few = b < many->key_count ? a : few->key_count;
    m->next_many = b;
}

/* Asks for what looking up the keys from the next one on reads: the hashes that entries of the
 * directory name, which have been asked for before. */
static void fetch_hashes(const weir_matcher *m, uint32_t count)
{
    const weir_trace_run *few = m->lanes[m->few].run, *many = m->lanes[1 - m->few].run;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t hash = few->hashes[few_key(m, m->next_few + i)];
        const uint32_t *stretch = weir__run_stretch(many, hash);
        if (stretch && weir__run_sound_seek(many, hash))
            __builtin_prefetch(&many->hashes[*stretch]);
    }
}

/* Likewise for entries of the directory, of up to so many keys after `skipped` others. */
static void fetch_stretches(const weir_matcher *m, uint32_t skipped, uint32_t count)
{
    const weir_trace_run *few = m->lanes[m->few].run, *many = m->lanes[1 - m->few].run;
    uint32_t left = m->few_count - m->next_few;
    for (uint32_t i = skipped; i < skipped + count && i < left; i++)
        __builtin_prefetch(weir__run_stretch(many, few->hashes[few_key(m, m->next_few + i)]));
}

static uint32_t group_of(const weir_matcher *m)
{
    uint32_t left = m->few_count - m->next_few;
    return left < GROUP ? left : GROUP;
}

/* Each key by the directory. While a group is looked up and paired, what the next one will read is
 * on its way; but not for keys in a file, which are checked first. */
static void seek_group(weir_matcher *m, found *to)
{
    const weir_trace_run *few = m->lanes[m->few].run, *many = m->lanes[1 - m->few].run;
    uint32_t count = group_of(m), from[GROUP];
    for (uint32_t i = 0; few->segment && i < count; i++)
        if (!weir__run_sound_key(few, m->next_few + i)) {
            m->next_few = m->few_count;
            return;
        }
    if (m->next_few == 0 || few->segment) {
        fetch_stretches(m, 0, few->segment ? count : 2 * GROUP);
        fetch_hashes(m, count);
    }
    for (uint32_t i = 0; i < count; i++)
        from[i] = weir__run_seek(many, few->hashes[few_key(m, m->next_few + i)]);
    for (uint32_t i = 0; i < count; i++)
        look(m, few_key(m, m->next_few + i), from[i], to);
    m->next_few += count;
    if (!few->segment) {
        fetch_hashes(m, group_of(m));
        fetch_stretches(m, GROUP, GROUP);
    }
}

/* What pairing will read of the keys that were found, in the run that is jumped about in. */
static void fetch_found(const weir_matcher *m, const found *of)
{
    const weir_trace_run *many = m->lanes[1 - m->few].run;
    const weir_shape *shape = many->shape;
    for (uint32_t i = 0; i < of->count; i++) {
        uint32_t key = of->many[i];
        if (many->value_at)
            __builtin_prefetch(&many->value_at[key]);
        else if (shape->rests.type.size > 0)
            __builtin_prefetch(weir__run_rest(many, key));
        if (many->update_at)
            __builtin_prefetch(&many->update_at[key]);
        else if (many->diffs)
            __builtin_prefetch(&many->diffs[key]);
        if (!shape->bijective)
            __builtin_prefetch(weir__run_key(many, key));
    }
    for (uint32_t i = 0; many->value_at && shape->rests.type.size > 0 && i < of->count; i++)
        __builtin_prefetch(weir__run_rest(many, many->value_at[of->many[i]]));
}

/* Looks up until some are found, or the call has done enough. */
static void find_some(weir_matcher *m, found *to)
{
    to->count = 0;
    while (to->count == 0 && m->groups > 0 && m->next_few < m->few_count) {
        m->groups--;
        if (m->walks)
            walk_group(m, to);
        else
            seek_group(m, to);
    }
    if (!m->walks)
        fetch_found(m, to);
}

/* The next keys that both runs of the lanes have: those that were found ahead, and while they are
 * paired others are on their way. False: none is left, or the call has done enough (then it says
 * paused). */
static bool find_keys(weir_matcher *m)
{
    m->found[m->now].count = m->found_at = 0;
    m->now = 1 - m->now;
    if (m->found[m->now].count == 0)
        find_some(m, &m->found[m->now]);
    if (m->found[m->now].count == 0) {
        m->paused = m->next_few < m->few_count;
        return false;
    }
    if (!m->walks)
        find_some(m, &m->found[1 - m->now]);
    return true;
}

/* Goes on to the next run of the others. False: that was the last one. */
static bool next_run(weir_matcher *m)
{
    if (m->other == m->others->count || (m->sieved && m->picked_count == 0))
        return false;
    const weir_trace_run *run = m->run, *other = m->others->runs[m->other++];
    uint32_t keys = m->sieved ? m->picked_count : run->key_count;
    m->lanes[m->side].run = run;
    m->lanes[1 - m->side].run = other;
    m->few = keys <= other->key_count ? m->side : 1 - m->side;
    m->few_count = keys <= other->key_count ? keys : other->key_count;
    m->picks = m->sieved && m->few == m->side;
    m->next_few = m->next_many = 0;
    m->walks = !m->picks && m->lanes[1 - m->few].run->key_count / WALK <= m->few_count;
    m->at_one_time = !run->times && weir_time_less_equal(&other->join, &run->meet, m->depth);
    return true;
}

/* ---- pairs ---- */

/* False: it is in a file that is damaged there, and counts as not there. */
static bool start_value(lane *l)
{
    if (!weir__run_sound_value(l->run, l->value))
        return false;
    l->updates = weir__run_updates(l->run, l->value);
    l->update = l->updates.at;
    l->record = NULL;
    return true;
}

static bool start_key(lane *l, uint32_t key)
{
    l->key = key;
    l->of_key = NULL;
    l->values = weir__run_values(l->run, key);
    l->value = l->values.at;
    return start_value(l);
}

static void make_record(weir_matcher *m, unsigned side)
{
    lane *l = &m->lanes[side];
    size_t size = m->shapes[side]->type->size;
    l->record = m->room[side] + m->used[side]++ * size;
    if (l->of_key)
        memcpy(l->record, l->of_key, size);
    else
        weir__run_get_key(l->run, l->key, l->record);
    l->of_key = l->record;
    weir__run_get_rest(l->run, l->value, l->record);
}

/* To the next pair of updates of the key: those of side 1 turn fastest. */
static void step_pair(weir_matcher *m)
{
    lane *a = &m->lanes[0], *b = &m->lanes[1];
    if (++b->update < b->updates.end)
        return;
    b->update = b->updates.at;
    if (++a->update < a->updates.end)
        return;
    a->update = a->updates.at;
    if (++b->value < b->values.end) {
        m->pairing = start_value(b);
        return;
    }
    m->pairing = ++a->value < a->values.end;
    if (m->pairing) {
        b->value = b->values.at;
        m->pairing = start_value(a) && start_value(b);
    }
}

static void put_time(weir_matcher *m, size_t at)
{
    weir_time a = weir__run_time(m->lanes[0].run, m->lanes[0].update);
    weir_time b = weir__run_time(m->lanes[1].run, m->lanes[1].update);
    uint64_t *to = m->times + at * m->depth;
    for (unsigned i = 0; i < m->depth; i++)
        to[i] = a.at[i] > b.at[i] ? a.at[i] : b.at[i];
}

/* Gives the pair at which the lanes stand. False: its diff leaves the range. */
static bool put_pair(weir_matcher *m, bool *ones)
{
    size_t at = m->out.count++;
    for (unsigned s = 0; s < 2; s++) {
        if (!m->lanes[s].record)
            make_record(m, s);
        m->records[s][at] = m->lanes[s].record;
    }
    if (m->out.times)
        put_time(m, at);
    bool fits = !__builtin_mul_overflow(weir__run_diff(m->lanes[0].run, m->lanes[0].update),
                                        weir__run_diff(m->lanes[1].run, m->lanes[1].update),
                                        &m->diffs[at]);
    *ones &= m->diffs[at] == 1;
    return fits;
}

/* Fills the block from two runs. False: it takes more of them. */
static bool fill(weir_matcher *m, bool *ones, weir_status *status)
{
    while (m->out.count < m->block) {
        if (!m->pairing) {
            if (m->found_at == m->found[m->now].count && !find_keys(m))
                return m->paused;
            const found *of = &m->found[m->now];
            uint32_t at = m->found_at++;
            m->pairing = start_key(&m->lanes[m->few], of->few[at]) &&
                         start_key(&m->lanes[1 - m->few], of->many[at]);
            if (!m->pairing)
                continue;
        }
        if (!put_pair(m, ones)) {
            *status = WEIR_OVERFLOWED;
            return true;
        }
        step_pair(m);
    }
    return true;
}

/* Pairs of one block have all a column of times or none; and are of one run of the others where
 * records have strings, so that it is known what these live in. */
static bool ends_block(const weir_matcher *m, bool was_at_one_time)
{
    return m->out.count > 0 &&
           (m->at_one_time != was_at_one_time || m->shapes[0]->type->has_strings ||
            m->shapes[1]->type->has_strings);
}

/* Fills the block from as many runs as it takes. */
static void fill_block(weir_matcher *m, bool *ones, weir_status *status)
{
    bool more = m->lanes[0].run || next_run(m);
    while (more) {
        bool at_one_time = m->at_one_time;
        m->out.times = at_one_time ? NULL : m->times;
        m->given = m->others->runs[m->other - 1];
        if (fill(m, ones, status))
            return;
        more = next_run(m) && !ends_block(m, at_one_time);
    }
}

const weir_matches *weir_matcher_next(weir_matcher *m, weir_status *status)
{
    bool ones = true;
    *status = WEIR_OK;
    if (!m->run)
        return NULL;
    m->out.count = m->used[0] = m->used[1] = 0;
    m->groups = GROUPS;
    m->paused = false;
    m->lanes[0].record = m->lanes[1].record = NULL;
    m->lanes[0].of_key = m->lanes[1].of_key = NULL;
    m->out.time = m->run->meet;
    fill_block(m, &ones, status);
    if ((m->out.count == 0 && !m->paused) || *status != WEIR_OK) {
        weir_matcher_stop(m);
        return NULL;
    }
    m->out.diffs = ones ? NULL : m->diffs;
    m->out.records[0] = m->records[0];
    m->out.records[1] = m->records[1];
    return &m->out;
}

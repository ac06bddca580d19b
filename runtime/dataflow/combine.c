/* SPDX-License-Identifier: Apache-2.0
 *
 * See combine.h. What has been seen lies in the columns of the batches being built, one for each
 * worker; a small array of hints, by hash, says where a key was seen last. A hint that another key
 * has taken over only costs a record more. Where keys hardly repeat the combiner rests.
 */
#include "dataflow/combine.h"

#include <string.h>

#include "dataflow/divide.h"

enum {
    GROUP = 64,
    BATCH_LEAST = 64,        /* smaller ones are not worth it, unless there is something already */
    HINTS_LEAST = 256,       /* of a target; there are two a record, or more */
    HINTS_MOST = 64 << 10,
    JUDGED = 8 << 10,        /* records, before it is judged whether it pays */
    REST = 512 << 10         /* records that go past it where it does not */
};

typedef enum key_form { BY_HASH, BY_STR, BY_ANY } key_form;

/* The columns of a worker's builder. */
typedef struct target {
    char *records;
    uint64_t *hashes;
    int64_t *diffs;
    uint16_t *hints;
    uint32_t count;
} target;

struct weir__combiner {
    weir__leaf *leaf;
    weir__builder *builders; /* one a worker that the edge leads to */
    target *targets;
    unsigned workers;
    const weir_type *type;
    const weir_key *key;
    key_form form;
    uint32_t key_at; /* BY_STR */
    bool open;       /* there may be something in the builders */
    bool summed;     /* diffs of it were given */
    uint64_t taken;  /* records of the window */
    uint32_t mask;   /* hints in use of each target, less 1: for a window like the last one */
    uint32_t last;   /* the most records of a target in the last window */
    uint64_t in, out, rest;
};

/* The larger a window is, the more is added up in it; but with all that it pins it must go into the
 * budget of what is in flight. */
static size_t window_bytes(const weir__context *context)
{
    size_t bytes = (size_t)context->budget_share / 64;
    bytes = bytes > context->batch_bytes ? bytes : context->batch_bytes;
    return bytes < WEIR__BUFFER_SIZE_MAX ? bytes : WEIR__BUFFER_SIZE_MAX;
}

weir__combiner *weir__combiner_create(weir__leaf *leaf)
{
    weir__context *context = leaf->dataflow->context;
    weir__combiner *c = weir_alloc_must(sizeof *c);
    const weir__edge *edge = leaf->edge;
    *c = (weir__combiner){ .leaf = leaf,
                           .workers = leaf->exchanges ? context->workers : 1,
                           .type = edge->to->spec.inputs[edge->input].type,
                           .key = &edge->routing.key };
    const weir_field *field = &c->type->fields[c->key->field[0]];
    bool is_str = field->kind == WEIR_KIND_str || field->kind == WEIR_KIND_bytes;
    c->key_at = field->offset;
    c->form = weir_key_is_bijective(c->type, c->key)                 ? BY_HASH
              : c->key->count == 1 && is_str && !field->optional ? BY_STR
                                                                     : BY_ANY;
    c->builders = weir_alloc_must(c->workers * sizeof *c->builders);
    c->targets = weir_alloc_must(c->workers * sizeof *c->targets);
    for (unsigned w = 0; w < c->workers; w++) {
        c->targets[w].hints = weir_alloc_must(HINTS_MOST * sizeof *c->targets[w].hints);
        weir__builder_init(&c->builders[w], &(weir__builder_spec){
            .pool = context->pool, .type = c->type, .depth = edge->to->depth,
            .batch_bytes = window_bytes(context), .sink = &leaf->targets[w].sink });
    }
    return c;
}

void weir__combiner_destroy(weir__combiner *c)
{
    if (!c)
        return;
    for (unsigned w = 0; w < c->workers; w++) {
        weir__builder_fini(&c->builders[w]);
        weir_free(c->targets[w].hints, HINTS_MOST * sizeof *c->targets[w].hints);
    }
    weir_free(c->builders, c->workers * sizeof *c->builders);
    weir_free(c->targets, c->workers * sizeof *c->targets);
    weir_free(c, sizeof *c);
}

bool weir__combiner_wants(weir__combiner *c, const weir_batch *batch)
{
    if (batch->times || (batch->count < BATCH_LEAST && !c->open))
        return false;
    if (c->rest == 0)
        return true;
    c->rest -= batch->count < c->rest ? batch->count : c->rest;
    return false;
}

/* ---- a window: from the first record to the flush ---- */

/* Hints that name nothing name the first record. A target without one gets a hash there that is
 * another worker's and a key that no record has; a single worker's first record is appended
 * without a look at it. */
static void window_open(weir__combiner *c, const weir_time *time)
{
    uint32_t hints = HINTS_LEAST;
    while (hints < HINTS_MOST && hints < 2 * c->last)
        hints *= 2;
    c->mask = hints - 1;
    for (unsigned w = 0; w < c->workers; w++) {
        weir__builder_open(&c->builders[w], time, WEIR__TRACK_DIFFS);
        weir__builder_make_room(&c->builders[w], true);
        c->builders[w].hashes[0] = w == 0 ? UINT64_MAX : 0;
        memset(c->builders[w].b.begin, 0xff, c->type->size);
        memset(c->targets[w].hints, 0, hints * sizeof *c->targets[w].hints);
    }
    c->open = true;
    c->summed = false;
    c->taken = 0;
}

void weir__combiner_flush(weir__combiner *c)
{
    if (!c->open)
        return;
    uint64_t left = 0;
    c->open = false;
    c->last = 0;
    for (unsigned w = 0; w < c->workers; w++) {
        size_t count = weir__builder_count(&c->builders[w]);
        left += count;
        c->last = count > c->last ? (uint32_t)count : c->last;
    }
    for (unsigned w = 0; w < c->workers; w++) {
        weir__builder *builder = &c->builders[w];
        if (!c->summed && left == c->taken && weir__builder_count(builder) > 0) {
            /* one that got nothing keeps its columns for the next window */
            weir__buffer_release(builder->b.diff_buffer);
            builder->b.diff_buffer = NULL;
            builder->b.diffs = NULL;
        }
        weir__builder_flush(builder);
    }
    c->out += left;
    if (c->in < JUDGED)
        return;
    if (c->out > c->in - c->in / 4)
        c->rest = REST;
    c->in = c->out = 0;
}

/* ---- adding ---- */

/* A stretch of a batch for which every target has room. */
typedef struct part {
    const char *records;
    const uint64_t *hashes;
    const int64_t *diffs;
    size_t count, size;
    bool alone; /* there is one target */
} part;

static inline target *target_of(weir__combiner *c, bool alone, uint64_t hash)
{
    return &c->targets[alone ? 0 : weir__owner(hash, c->workers)];
}

/* 0 if two records have the same short string as their key. Of long strings it says that they
 * differ. */
static inline uint64_t difference(const weir__combiner *c, const char *a, const char *b)
{
    uint64_t a0, b0, a1, b1;
    memcpy(&a0, a + c->key_at, 8);
    memcpy(&b0, b + c->key_at, 8);
    memcpy(&a1, a + c->key_at + 8, 8);
    memcpy(&b1, b + c->key_at + 8, 8);
    return (a0 ^ b0) | (a1 ^ b1);
}

/* The records of a group that are where their hints say are added, without a branch: which they
 * are cannot be guessed. The others are listed, and with them all whose keys are long strings or
 * have several fields; returns how many. Nothing moves meanwhile, so that the loads of many records
 * are under way at once. */
static inline __attribute__((always_inline)) size_t
add_known(weir__combiner *c, key_form form, const part *p, uint8_t *others)
{
    size_t other_count = 0, size = p->size;
    uint32_t mask = c->mask;
    for (size_t i = 0; i < p->count; i++) {
        uint64_t hash = p->hashes[i];
        target *t = target_of(c, p->alone, hash);
        uint32_t at = t->hints[hash & mask];
        uint64_t differs = form == BY_STR
                               ? difference(c, t->records + at * size, p->records + i * size)
                               : form == BY_HASH ? t->hashes[at] ^ hash : 1;
        uint64_t other = (differs | (0 - differs)) >> 63;
        int64_t sum = t->diffs[at], diff = 1;
        if (p->diffs) {
            diff = p->diffs[i];
            int64_t unused;
            other |= __builtin_add_overflow(sum, diff, &unused);
        }
        t->diffs[at] = sum + (diff & ((int64_t)other - 1));
        others[other_count] = (uint8_t)i;
        other_count += other;
    }
    return other_count;
}

static inline bool is_same(const weir__combiner *c, key_form form, const char *a, const char *b)
{
    if (form == BY_STR)
        return weir_str_equal((const weir_str *)(const void *)(a + c->key_at),
                              (const weir_str *)(const void *)(b + c->key_at));
    return form == BY_HASH || weir_key_equal(c->type, c->key, a, b);
}

/* One that is new, or came in this group for the first time, or has lost its hint. */
static inline __attribute__((always_inline)) void
add_other(weir__combiner *c, key_form form, const part *p, size_t i)
{
    size_t size = p->size;
    uint64_t hash = p->hashes[i];
    target *t = target_of(c, p->alone, hash);
    uint16_t *hint = &t->hints[hash & c->mask];
    const char *record = p->records + i * size;
    uint32_t at = *hint;
    int64_t diff = p->diffs ? p->diffs[i] : 1;
    int64_t sum;
    if (t->hashes[at] == hash && is_same(c, form, t->records + at * size, record) &&
        !__builtin_add_overflow(t->diffs[at], diff, &sum)) {
        t->diffs[at] = sum;
        return;
    }
    at = t->count++;
    memcpy(t->records + at * size, record, size);
    t->hashes[at] = hash;
    t->diffs[at] = diff;
    *hint = (uint16_t)at;
}

static inline __attribute__((always_inline)) void add_group(weir__combiner *c, key_form form,
                                                            const part *p)
{
    uint8_t others[GROUP];
    size_t n = add_known(c, form, p, others);
    for (size_t k = 0; k < n; k++)
        add_other(c, form, p, others[k]);
}

/* Strings alone, on one worker: with all that is known of them written out. */
static void add_strings(weir__combiner *c, part p)
{
    p.size = sizeof(weir_str);
    p.alone = true;
    add_group(c, BY_STR, &p);
}

static void add(weir__combiner *c, const part *given)
{
    part p = *given;
    for (size_t left = given->count; left > 0; left -= p.count) {
        p.count = left < GROUP ? left : GROUP;
        if (c->form == BY_STR && p.size == sizeof(weir_str) && p.alone)
            add_strings(c, p);
        else if (c->form == BY_STR)
            add_group(c, BY_STR, &p);
        else if (c->form == BY_HASH)
            add_group(c, BY_HASH, &p);
        else
            add_group(c, BY_ANY, &p);
        p.records += p.count * p.size;
        p.hashes += p.count;
        p.diffs += p.diffs ? p.count : 0;
    }
}

/* The first record of all, where there is nothing yet that it could be compared with. */
static void add_first(weir__combiner *c, const part *p)
{
    target *t = &c->targets[0];
    memcpy(t->records, p->records, p->size);
    t->hashes[0] = p->hashes[0];
    t->diffs[0] = p->diffs ? p->diffs[0] : 1;
    t->count = 1;
}

/* There are more records than was thought. */
static void more_hints(weir__combiner *c, uint32_t count)
{
    uint32_t hints = c->mask + 1;
    while (hints < HINTS_MOST && hints < 4 * count)
        hints *= 2;
    c->mask = hints - 1;
    for (unsigned w = 0; w < c->workers; w++) {
        target *t = &c->targets[w];
        memset(t->hints, 0, hints * sizeof *t->hints);
        for (uint32_t i = 0; i < t->count; i++)
            t->hints[t->hashes[i] & c->mask] = (uint16_t)i;
    }
}

/* Makes room in every builder; returns for how many records, 0 if one is full. */
static size_t make_room(weir__combiner *c)
{
    size_t room = SIZE_MAX;
    uint32_t most = 0;
    for (unsigned w = 0; w < c->workers; w++) {
        weir__builder *builder = &c->builders[w];
        size_t count = weir__builder_count(builder);
        if (count == builder->capacity_full || weir__builder_is_heavy(builder))
            return 0;
        weir__builder_make_room(builder, true);
        target *t = &c->targets[w];
        *t = (target){ builder->b.begin, builder->hashes, builder->b.diffs, t->hints,
                       (uint32_t)count };
        if (builder->b.capacity - count < room)
            room = builder->b.capacity - count;
        most = t->count > most ? t->count : most;
    }
    if (WEIR_UNLIKELY(2 * most > c->mask + 1 && c->mask + 1 < HINTS_MOST))
        more_hints(c, most);
    return room;
}

static void add_stretch(weir__combiner *c, const part *p, bool copies_strings)
{
    size_t first = 0;
    if (c->workers == 1 && c->targets[0].count == 0) {
        add_first(c, p);
        first = 1;
    }
    part rest = { p->records + first * p->size, p->hashes + first,
                  p->diffs ? p->diffs + first : NULL, p->count - first, p->size, p->alone };
    add(c, &rest);
    for (unsigned w = 0; w < c->workers; w++) {
        weir__builder *builder = &c->builders[w];
        char *was_next = builder->b.next;
        builder->b.next = builder->b.end = builder->b.begin + c->targets[w].count * p->size;
        if (copies_strings)
            weir__builder_own_strings(builder, was_next);
    }
}

void weir__combiner_add(weir__combiner *c, const weir_batch *batch, const uint64_t *hashes)
{
    size_t size = c->type->size;
    bool has_pins = c->type->has_strings && batch->pin_count > 0;
    if (c->open && !weir_time_equal(&c->builders[0].b.time, &batch->time, batch->depth))
        weir__combiner_flush(c);
    c->in += batch->count;
    for (size_t i = 0, n; i < batch->count; i += n) {
        if (!c->open)
            window_open(c, &batch->time);
        size_t room = make_room(c);
        if (room == 0) {
            weir__combiner_flush(c);
            n = 0;
            continue;
        }
        n = batch->count - i < room ? batch->count - i : room;
        c->taken += n;
        c->summed |= batch->diffs != NULL;
        add_stretch(c, &(part){ (const char *)batch->records + i * size, hashes + i,
                                batch->diffs ? batch->diffs + i : NULL, n, size,
                                c->workers == 1 },
                    has_pins && c->workers > 1);
        for (uint32_t k = 0; has_pins && c->workers == 1 && k < batch->pin_count; k++)
            weir__builder_add_pin(&c->builders[0], batch->pins[k]);
    }
}

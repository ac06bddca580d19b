/* SPDX-License-Identifier: Apache-2.0
 *
 * Plain updates of one form, which plain.c includes once for each: with PLAIN_WORDS words a value;
 * PLAIN is what the struct is called, FORM(name) what a function is. Only what lies in a core's
 * cache is sorted elsewhere, so a large builder takes one struct an update and no more.
 */

typedef struct PLAIN {
    uint64_t hash, words[PLAIN_WORDS];
    int64_t diff;
} PLAIN;

static PLAIN *FORM(of)(const weir_trace_builder *b)
{
    return (PLAIN *)(void *)b->entries.data;
}

static inline weir__words FORM(words_of)(const PLAIN *p)
{
    weir__words words = { { p->words[0] } };
    words.at[PLAIN_WORDS - 1] = p->words[PLAIN_WORDS - 1];
    return words;
}

static inline bool FORM(is_same)(const PLAIN *a, const PLAIN *b)
{
    return a->hash == b->hash && a->words[0] == b->words[0] &&
           a->words[PLAIN_WORDS - 1] == b->words[PLAIN_WORDS - 1];
}

static inline bool FORM(is_before)(const PLAIN *a, const PLAIN *b)
{
    const unsigned last = PLAIN_WORDS - 1;
    bool is_lower = a->words[last] < b->words[last];
    if (PLAIN_WORDS > 1 && a->words[0] != b->words[0])
        is_lower = a->words[0] < b->words[0];
    return a->hash != b->hash ? a->hash < b->hash : is_lower;
}

/* ---- as they come ---- */

/* The ones that lie together and differ by their diffs alone become one, such as the lines of an
 * order. A sum that would leave the range is left to be made at the end. */
static void FORM(note)(weir_trace_builder *b, const weir_updates *u, size_t from,
                       const uint64_t *hashes, size_t count)
{
    const weir_type *type = b->shape->type;
    const weir__pack *rests = &b->shape->rests;
    const char *record = (const char *)u->records + from * type->size;
    const weir__rank only = rests->rank_count == 1 ? *rests->ranks : (weir__rank){ .bits = 64 };
    const bool is_one = rests->rank_count == 1;
    PLAIN *last = b->count > 0 ? &FORM(of)(b)[b->count - 1] : NULL, *to = FORM(of)(b);
    to += b->count;
    for (size_t i = 0; i < count; i++, record += type->size) {
        weir__words words = is_one ? weir__words_of_field(&only, record + only.record)
                                   : weir__words_of_record(rests, record);
        PLAIN p = { .hash = hashes[i], .diff = u->diffs ? u->diffs[from + i] : 1 };
        int64_t sum;
        for (unsigned w = 0; w < PLAIN_WORDS; w++)
            p.words[w] = words.at[w];
        if (last && FORM(is_same)(last, &p) && !__builtin_add_overflow(last->diff, p.diff, &sum)) {
            last->diff = sum;
            continue;
        }
        b->low = p.hash < b->low ? p.hash : b->low;
        b->high = p.hash > b->high ? p.hash : b->high;
        *to = p;
        last = to++;
    }
    b->count = (uint32_t)(to - FORM(of)(b));
}

static bool FORM(add)(weir_trace_builder *b, const weir_updates *u)
{
    const weir_shape *shape = b->shape;
    uint64_t hashes[HASHED];
    if (!weir__column_add(&b->entries, u->count * sizeof(PLAIN)))
        return false;
    if (b->count == 0) {
        b->low = UINT64_MAX;
        b->high = 0;
    }
    if (u->hashes)
        FORM(note)(b, u, 0, u->hashes, u->count);
    for (size_t from = 0; !u->hashes && from < u->count; from += HASHED) {
        size_t count = u->count - from < HASHED ? u->count - from : HASHED;
        const char *records = (const char *)u->records + from * shape->type->size;
        weir_key_hash_column(shape->type, &shape->key, records, count, shape->seed, hashes);
        FORM(note)(b, u, from, hashes, count);
    }
    b->entries.used = b->count * sizeof(PLAIN);
    return true;
}

static bool FORM(leave)(weir_trace_builder *b)
{
    const weir_shape *shape = b->shape;
    const PLAIN *p = FORM(of)(b);
    size_t size = shape->type->size, count = b->count;
    b->records.used = b->hashes.used = b->diffs.used = 0;
    char *records = weir__column_add(&b->records, count * size);
    uint64_t *hashes = weir__column_add(&b->hashes, count * 8);
    int64_t *diffs = weir__column_add(&b->diffs, count * 8);
    if (count > 0 && (!records || !hashes || !diffs))
        return false;
    if (count > 0)
        memset(records, 0, count * size);
    for (size_t i = 0; i < count; i++) {
        char *record = records + i * size;
        weir_key_unhash(shape->type, &shape->key, p[i].hash, shape->seed, record);
        weir__words_to_record(&shape->rests, FORM(words_of)(&p[i]), record);
        hashes[i] = p[i].hash;
        diffs[i] = p[i].diff;
    }
    b->plain = false;
    b->diffs_vary = count > 0;
    return true;
}

/* ---- sorting ---- */

static inline size_t FORM(digit_of)(const PLAIN *p, const weir__digits *d)
{
    return (size_t)((p->hash - d->low) >> d->shift);
}

/* How many have each digit; starts[d] is where those of d begin. */
static void FORM(count_digits)(const PLAIN *p, size_t n, const weir__digits *d, uint32_t *starts)
{
    uint32_t sum = 0;
    memset(starts, 0, d->count * sizeof *starts);
    for (size_t i = 0; i < n; i++)
        starts[FORM(digit_of)(&p[i], d)]++;
    for (size_t k = 0; k < d->count; k++) {
        uint32_t count = starts[k];
        starts[k] = sum;
        sum += count;
    }
}

/* Puts two in order. Which way is as good as random, so there is no branch. */
static inline void FORM(order)(PLAIN *a, PLAIN *b)
{
    uint64_t turned = -(uint64_t)FORM(is_before)(b, a);
    uint64_t hash = (a->hash ^ b->hash) & turned;
    uint64_t diff = ((uint64_t)a->diff ^ (uint64_t)b->diff) & turned;
    a->hash ^= hash;
    b->hash ^= hash;
    a->diff = (int64_t)((uint64_t)a->diff ^ diff);
    b->diff = (int64_t)((uint64_t)b->diff ^ diff);
    for (unsigned w = 0; w < PLAIN_WORDS; w++) {
        uint64_t word = (a->words[w] ^ b->words[w]) & turned;
        a->words[w] ^= word;
        b->words[w] ^= word;
    }
}

static void FORM(insertion_sort)(PLAIN *p, size_t n)
{
    for (size_t i = 1; n <= FEW && i < n; i++)
        for (size_t at = i; at > 0; at--)
            FORM(order)(&p[at - 1], &p[at]);
    for (size_t i = 1; n > FEW && i < n; i++) {
        PLAIN moving = p[i];
        size_t at = i;
        for (; at > 0 && FORM(is_before)(&moving, &p[at - 1]); at--)
            p[at] = p[at - 1];
        p[at] = moving;
    }
}

/* By comparison: few by insertion, many by merging. spare has room for n. */
static void FORM(sort_by_merging)(PLAIN *p, PLAIN *spare, size_t n)
{
    enum { INSERTION_MAX = 16 };
    if (n <= INSERTION_MAX) {
        FORM(insertion_sort)(p, n);
        return;
    }
    size_t half = n / 2;
    FORM(sort_by_merging)(p, spare, half);
    FORM(sort_by_merging)(p + half, spare, n - half);
    if (!FORM(is_before)(&p[half], &p[half - 1]))
        return;
    memcpy(spare, p, half * sizeof *p);
    size_t left = 0, right = half, out = 0;
    while (left < half && right < n)
        p[out++] = FORM(is_before)(&p[right], &spare[left]) ? p[right++] : spare[left++];
    memcpy(p + out, spare + left, (half - left) * sizeof *p);
}

/* What lies in the cache: to another place by one digit, and what has the same by comparison.
 * Returns where it is then. */
static PLAIN *FORM(sort_part)(PLAIN *p, PLAIN *spare, size_t n, const weir__digits *d)
{
    enum { RADIX_MIN = 64 };
    uint32_t ends[PART_DIGITS];
    if (n < RADIX_MIN) {
        FORM(sort_by_merging)(p, spare, n);
        return p;
    }
    FORM(count_digits)(p, n, d, ends);
    for (size_t i = 0; i < n; i++)
        spare[ends[FORM(digit_of)(&p[i], d)]++] = p[i];
    for (size_t k = 0, first = 0; k < d->count; first = ends[k++])
        if (ends[k] - first > 1)
            FORM(sort_by_merging)(spare + first, p, ends[k] - first);
    return spare;
}

/* Those of one digit together, where they lie: each changes places with the next one of its digit's
 * part that was not looked at. What comes in its stead is looked at when it is this part's turn
 * again, not at once: then each step would wait for what the one before has read. */
static void FORM(put_into_parts)(PLAIN *p, const weir__digits *d, uint32_t *next,
                                 const uint32_t *ends)
{
    bool any = true;
    while (any) {
        any = false;
        for (size_t k = 0; k < d->count; k++) {
            any |= next[k] < ends[k];
            for (uint32_t i = next[k], end = ends[k]; i < end; i++) {
                PLAIN moving = p[i], *place = &p[next[FORM(digit_of)(&moving, d)]++];
                p[i] = *place;
                *place = moving;
            }
        }
    }
}

/* Adds n sorted ones up to `to` on, which may be where they lie. Returns how many are left; -1: a
 * sum left the range. */
static int64_t FORM(add_up)(const PLAIN *p, size_t n, PLAIN *to, weir__room *room)
{
    PLAIN *out = to;
    uint64_t last = 0;
    for (size_t i = 0; i < n;) {
        PLAIN one = p[i];
        weir__wide sum = one.diff; /* in any order the same */
        while (++i < n && FORM(is_same)(&p[i], &one))
            sum += p[i].diff;
        if (sum == 0)
            continue;
        one.diff = (int64_t)sum;
        if (sum != one.diff)
            return -1;
        room->keys += out == to || last != one.hash;
        last = one.hash;
        *out++ = one;
    }
    return out - to;
}

/* The parts, each of which is left where the ones before it end. */
static weir_status FORM(sort_parts)(weir_trace_builder *b, const weir__digits *first,
                                    weir__room *room)
{
    PLAIN *p = FORM(of)(b);
    uint32_t next[WEIR__FIRST_DIGITS], ends[WEIR__FIRST_DIGITS];
    size_t left = 0, most = 0;
    FORM(count_digits)(p, b->count, first, next);
    for (size_t k = 0; k < first->count; k++) {
        ends[k] = k + 1 < first->count ? next[k + 1] : b->count;
        most = ends[k] - next[k] > most ? ends[k] - next[k] : most;
    }
    b->spare.used = 0;
    PLAIN *spare = weir__column_add(&b->spare, most * sizeof *spare);
    if (!spare)
        return WEIR_NO_MEMORY;
    FORM(put_into_parts)(p, first, next, ends);
    for (size_t k = 0, at = 0; k < first->count; at = ends[k++]) {
        size_t n = ends[k] - at;
        uint64_t low = first->low + ((uint64_t)k << first->shift);
        weir__digits rest = weir__digits_for(low, first->shift, weir__bits_of(n), PART_BITS);
        int64_t sums = FORM(add_up)(FORM(sort_part)(p + at, spare, n, &rest), n, p + left, room);
        if (sums < 0)
            return WEIR_OVERFLOWED;
        left += (size_t)sums;
    }
    b->count = (uint32_t)left;
    return WEIR_OK;
}

static weir_status FORM(sort)(weir_trace_builder *b, weir__room *room)
{
    unsigned bits = weir__bits_of(b->high - b->low);
    if (b->count > PART_DIGITS && bits > PART_BITS) {
        weir__digits first = weir__first_digits(b->low, bits, b->count);
        return FORM(sort_parts)(b, &first, room);
    }
    b->spare.used = 0;
    PLAIN *p = FORM(of)(b), *spare = weir__column_add(&b->spare, b->count * sizeof *p);
    if (!spare)
        return WEIR_NO_MEMORY;
    weir__digits one = weir__digits_for(b->low, bits, weir__bits_of(b->count), PART_BITS);
    int64_t left = FORM(add_up)(FORM(sort_part)(p, spare, b->count, &one), b->count, p, room);
    if (left < 0)
        return WEIR_OVERFLOWED;
    b->count = (uint32_t)left;
    return WEIR_OK;
}

static weir_status FORM(sort_all)(weir_trace_builder *b, weir__room *room)
{
    weir_status status = FORM(sort)(b, room);
    const PLAIN *p = FORM(of)(b);
    b->entries.used = b->count * sizeof *p;
    if (status != WEIR_OK || b->count == 0)
        return status;
    for (uint32_t i = 1; i < b->count && !room->diffs_vary; i++)
        room->diffs_vary = p[i].diff != p[0].diff;
    room->updates = room->values = b->count;
    room->values_vary = room->values != room->keys;
    room->first_hash = p[0].hash;
    room->last_hash = p[b->count - 1].hash;
    return WEIR_OK;
}

/* ---- writing ---- */

static void FORM(write)(const weir_trace_builder *b, weir_trace_run *run)
{
    const PLAIN *p = FORM(of)(b);
    const weir__pack *rests = &b->shape->rests;
    size_t size = rests->type.size;
    char *rest = run->rests;
    const weir__rank only = rests->rank_count == 1 ? *rests->ranks : (weir__rank){ .bits = 64 };
    const bool is_one = rests->rank_count == 1;
    if (rests->rank_count > 1)
        memset(rest, 0, b->count * size); /* what lies between fields */
    for (uint32_t i = 0; i < b->count; i++) {
        if (i == 0 || p[i].hash != p[i - 1].hash) {
            if (run->value_at)
                run->value_at[run->key_count] = i;
            run->hashes[run->key_count++] = p[i].hash;
        }
        if (rest && is_one)
            weir__words_put(&only, FORM(words_of)(&p[i]), rest + i * size);
        else if (rest)
            weir__words_to_packed(rests, FORM(words_of)(&p[i]), rest + i * size);
        if (run->diffs)
            run->diffs[i] = p[i].diff;
    }
    if (run->value_at)
        run->value_at[run->key_count] = b->count;
    run->value_count = run->update_count = b->count;
    run->diff = p[0].diff;
    run->meet = run->join = b->time;
}

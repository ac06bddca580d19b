/* SPDX-License-Identifier: Apache-2.0
 *
 * Plain updates of one form, which plain.c includes once for each: with PLAIN_WORDS words a value,
 * and with diffs (PLAIN_DIFFS is 1) or none, since all are the builder's; PLAIN is what the struct
 * is called, FORM(name) what a function is. Only what lies in a core's cache is sorted elsewhere,
 * so a large builder takes one struct an update and no more.
 */

/* The hash, the words, the diff. */
typedef struct PLAIN {
    uint64_t at[1 + PLAIN_WORDS + PLAIN_DIFFS];
} PLAIN;

static PLAIN *FORM(of)(const weir_trace_builder *b)
{
    return (PLAIN *)(void *)b->entries.data;
}

static inline int64_t FORM(diff)(const weir_trace_builder *b, const PLAIN *p)
{
    return PLAIN_DIFFS ? (int64_t)p->at[PLAIN_WORDS + PLAIN_DIFFS] : b->diff;
}

static inline weir__words FORM(words)(const PLAIN *p)
{
    weir__words words = { { 0 } };
    for (int w = 0; w < PLAIN_WORDS; w++)
        words.at[w] = p->at[1 + w];
    return words;
}

static inline bool FORM(is_same)(const PLAIN *a, const PLAIN *b)
{
    bool same = true;
    for (int w = 0; w <= PLAIN_WORDS; w++)
        same = same && a->at[w] == b->at[w];
    return same;
}

static inline bool FORM(is_before)(const PLAIN *a, const PLAIN *b)
{
    bool is_lower = false;
    for (int w = PLAIN_WORDS; w >= 0; w--)
        is_lower = a->at[w] != b->at[w] ? a->at[w] < b->at[w] : is_lower;
    return is_lower;
}

/* ---- as they come ---- */

/* The ones that lie together and differ by their diffs alone become one, such as the lines of an
 * order. A sum that would leave the range is left to be made at the end. Returns how many were
 * noted: without diffs no more than there are before two become one. */
static size_t FORM(note)(weir_trace_builder *b, const weir_updates *u, size_t from,
                         const uint64_t *hashes, size_t count)
{
    const weir_type *type = b->shape->type;
    const weir__pack *rests = &b->shape->rests;
    const char *record = (const char *)u->records + from * type->size;
    const weir__rank only = rests->rank_count == 1 ? *rests->ranks : (weir__rank){ .bits = 64 };
    const bool is_one = rests->rank_count == 1;
    PLAIN *last = b->count > 0 ? &FORM(of)(b)[b->count - 1] : NULL, *to = FORM(of)(b);
    size_t i = 0;
    to += b->count;
    for (; i < count; i++, record += type->size) {
        weir__words words = { { 0 } };
        PLAIN p = { { hashes[i] } };
        int64_t diff = u->diffs ? u->diffs[from + i] : 1, sum;
        if (PLAIN_WORDS > 0)
            words = is_one ? weir__words_of_field(&only, record + only.record)
                           : weir__words_of_record(rests, record);
        for (int w = 0; w < PLAIN_WORDS; w++)
            p.at[1 + w] = words.at[w];
        if (PLAIN_DIFFS)
            p.at[PLAIN_WORDS + PLAIN_DIFFS] = (uint64_t)diff;
        if (last && FORM(is_same)(last, &p)) {
            if (!PLAIN_DIFFS)
                break;
            if (!__builtin_add_overflow(FORM(diff)(b, last), diff, &sum)) {
                last->at[PLAIN_WORDS + PLAIN_DIFFS] = (uint64_t)sum;
                continue;
            }
        }
        b->low = hashes[i] < b->low ? hashes[i] : b->low;
        b->high = hashes[i] > b->high ? hashes[i] : b->high;
        *to = p;
        last = to++;
    }
    b->count = (uint32_t)(to - FORM(of)(b));
    return i;
}

static void FORM(to_record)(const weir_trace_builder *b, size_t i, char *record, uint64_t *hash)
{
    const weir_shape *shape = b->shape;
    const PLAIN *p = &FORM(of)(b)[i];
    *hash = p->at[0];
    weir_key_unhash(shape->type, &shape->key, *hash, shape->seed, record);
    weir__words_to_record(&shape->rests, FORM(words)(p), record);
}

/* ---- sorting ---- */

static inline size_t FORM(digit_of)(const PLAIN *p, const weir__digits *d)
{
    return (size_t)((p->at[0] - d->low) >> d->shift);
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
    for (unsigned w = 0; w < sizeof a->at / sizeof *a->at; w++) {
        uint64_t other = (a->at[w] ^ b->at[w]) & turned;
        a->at[w] ^= other;
        b->at[w] ^= other;
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

/* Adds n sorted ones up to `to` on, which may be where they lie. Returns how many are left, or why
 * they are not: without diffs equal ones cannot become one, and are all there then. */
static int64_t FORM(add_up)(const weir_trace_builder *b, const PLAIN *p, size_t n, PLAIN *to,
                            weir__room *room)
{
    PLAIN *out = to;
    uint64_t last = 0;
    bool some_equal = false;
    for (size_t i = 0; i < n;) {
        PLAIN one = p[i++];
        weir__wide sum = FORM(diff)(b, &one); /* in any order the same */
        if (PLAIN_DIFFS) {
            for (; i < n && FORM(is_same)(&p[i], &one); i++)
                sum += FORM(diff)(b, &p[i]);
            if (sum == 0)
                continue;
            one.at[PLAIN_WORDS + PLAIN_DIFFS] = (uint64_t)sum;
            if (sum != (int64_t)sum)
                return NOT_IN_RANGE;
        } else {
            some_equal |= i < n && FORM(is_same)(&p[i], &one);
        }
        room->keys += out == to || last != one.at[0];
        last = one.at[0];
        *out++ = one;
    }
    return some_equal ? NOT_ADDED : out - to;
}

/* The parts, each of which is left where the ones before it end. */
static int64_t FORM(sort_parts)(weir_trace_builder *b, const weir__digits *first, weir__room *room)
{
    PLAIN *p = FORM(of)(b);
    uint32_t next[WEIR__FIRST_DIGITS], ends[WEIR__FIRST_DIGITS];
    size_t most = 0;
    int64_t left = 0;
    FORM(count_digits)(p, b->count, first, next);
    for (size_t k = 0; k < first->count; k++) {
        ends[k] = k + 1 < first->count ? next[k + 1] : b->count;
        most = ends[k] - next[k] > most ? ends[k] - next[k] : most;
    }
    b->spare.used = 0;
    PLAIN *spare = weir__column_add(&b->spare, most * sizeof *spare);
    if (!spare)
        return NO_ROOM;
    FORM(put_into_parts)(p, first, next, ends);
    for (size_t k = 0, at = 0; k < first->count; at = ends[k++]) {
        size_t n = ends[k] - at;
        uint64_t low = first->low + ((uint64_t)k << first->shift);
        weir__digits rest = weir__digits_for(low, first->shift, weir__bits_of(n), PART_BITS);
        PLAIN *part = FORM(sort_part)(p + at, spare, n, &rest);
        int64_t sums = FORM(add_up)(b, part, n, p + left, room);
        if (sums < 0)
            return sums;
        left += sums;
    }
    return left;
}

/* Returns how many are left, or why they are not. */
static int64_t FORM(sort)(weir_trace_builder *b, weir__room *room)
{
    unsigned bits = weir__bits_of(b->high - b->low);
    if (b->count > PART_DIGITS && bits > PART_BITS) {
        weir__digits first = weir__first_digits(b->low, bits, b->count);
        return FORM(sort_parts)(b, &first, room);
    }
    b->spare.used = 0;
    PLAIN *p = FORM(of)(b), *spare = weir__column_add(&b->spare, b->count * sizeof *p);
    if (!spare)
        return NO_ROOM;
    weir__digits one = weir__digits_for(b->low, bits, weir__bits_of(b->count), PART_BITS);
    return FORM(add_up)(b, FORM(sort_part)(p, spare, b->count, &one), b->count, p, room);
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
    if (PLAIN_WORDS > 0 && has_gaps(rests))
        memset(rest, 0, b->count * size);
    for (uint32_t i = 0; i < b->count; i++) {
        if (i == 0 || p[i].at[0] != p[i - 1].at[0]) {
            if (run->value_at)
                run->value_at[run->key_count] = i;
            run->hashes[run->key_count++] = p[i].at[0];
        }
        if (PLAIN_WORDS > 0 && is_one)
            weir__words_put(&only, FORM(words)(&p[i]), rest + i * size);
        else if (PLAIN_WORDS > 0)
            weir__words_to_packed(rests, FORM(words)(&p[i]), rest + i * size);
        if (run->diffs)
            run->diffs[i] = FORM(diff)(b, &p[i]);
    }
    if (run->value_at)
        run->value_at[run->key_count] = b->count;
    run->value_count = run->update_count = b->count;
    run->diff = FORM(diff)(b, &p[0]);
    run->meet = run->join = b->time;
}

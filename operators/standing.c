/* SPDX-License-Identifier: Apache-2.0
 *
 * See standing.h. An entry is a word, inverted, and the coordinates of a time: zeros when it is
 * new.
 */
#include "standing.h"

#include "word.h"

typedef struct entry {
    uint64_t inverted;
    uint64_t time[]; /* the first coordinate NEVER: nothing is known */
} entry;

static const uint64_t NEVER = UINT64_MAX;

static bool is_in(const weir_key *key, uint16_t field)
{
    for (uint32_t i = 0; i < key->count; i++)
        if (key->field[i] == field)
            return true;
    return false;
}

/* The field that values are ordered by first; field_count: there is none. */
static uint16_t first_field(const weir__standing_spec *spec)
{
    uint16_t i = 0;
    if (spec->order->count > 0)
        return spec->order->field[0];
    while (i < spec->type->field_count && is_in(spec->key, i))
        i++;
    return i;
}

weir_status weir__standing_init(weir__standing *s, const weir__standing_spec *spec,
                                weir_error *error)
{
    uint16_t first = first_field(spec);
    *s = (weir__standing){ .depth = spec->depth, .all = spec->is_empty };
    if (first == spec->type->field_count)
        return WEIR_OK;
    const weir_field *f = &spec->type->fields[first];
    if (f->optional || !weir__word_has(f->kind) || weir_kind_size(f->kind) > sizeof s->word)
        return WEIR_OK;
    s->kind = f->kind;
    s->offset = f->offset;
    s->descending = spec->descending & 1;
    s->is_only = spec->by_field || spec->type->field_count == spec->key->count + 1;
    weir_table_options options = { .struct_size = sizeof options,
                                   .type = spec->type,
                                   .key = *spec->key,
                                   .value_size = sizeof(entry) + spec->depth * sizeof(uint64_t),
                                   .hash_seed = spec->seed,
                                   .parts = spec->parts,
                                   .account = spec->account };
    return weir_table_create(&s->table, &options, error);
}

void weir__standing_fini(weir__standing *s)
{
    if (s->table)
        weir_table_destroy(s->table);
    s->table = NULL;
}

/* In 64 bits, which suffice for kinds of no more than these. */
static uint64_t word_of(const weir__standing *s, const void *record)
{
    weir__word wide = weir__word_of(s->kind, (const char *)record + s->offset);
    uint64_t word = (uint64_t)(wide + ((weir__word)1 << 63));
    switch (s->kind) {
    case WEIR_KIND_u8:
    case WEIR_KIND_u16:
    case WEIR_KIND_u32:
    case WEIR_KIND_u64:
    case WEIR_KIND_f32:
    case WEIR_KIND_f64:
        word = (uint64_t)wide;
        break;
    default:
        break;
    }
    return s->descending ? ~word : word;
}

void weir__standing_bound(weir__standing *s, uint64_t updates)
{
    enum { FEW = 1024 };
    if (!s->table || weir_table_count(s->table) <= updates + FEW)
        return;
    weir_table_clear(s->table);
    s->all = false;
}

void weir__standing_find(weir__standing *s, const void *records, const uint64_t *hashes,
                         size_t count, void **entries)
{
    size_t found = s->table ? weir_table_insert_many(s->table, records, hashes, count, entries) : 0;
    for (size_t i = found; i < count; i++)
        entries[i] = NULL;
    s->all &= found == count;
}

static bool is_fresh(const entry *e)
{
    return e->inverted == 0 && e->time[0] == 0;
}

bool weir__standing_is_alike(const weir__standing *s, const void *a, const void *b)
{
    return s->table && s->is_only && word_of(s, a) == word_of(s, b);
}

bool weir__standing_is_new(const weir__standing *s, const void *known)
{
    return s->all && known && is_fresh(known);
}

bool weir__standing_holds(const weir__standing *s, const void *known,
                          const weir__standing_changes *changes)
{
    const entry *e = known;
    if (!e || is_fresh(e) || e->time[0] == NEVER)
        return false;
    uint64_t word = word_of(s, changes->first);
    if (word < ~e->inverted || (word == ~e->inverted && !(s->is_only && changes->grows)))
        return false;
    for (size_t i = 0; i < changes->count; i++)
        for (uint32_t k = 0; k < s->depth; k++)
            if (e->time[k] > changes->times[i].at[k])
                return false;
    return true;
}

void weir__standing_mark(weir__standing *s, const void *record, const weir_time *time)
{
    if (!s->table)
        return;
    s->word = word_of(s, record);
    s->time = *time;
    s->marked = s->word != UINT64_MAX && time->at[0] != NEVER; /* nothing comes behind that */
}

void weir__standing_settle(weir__standing *s, void *known)
{
    entry *e = known;
    bool marked = s->marked;
    s->marked = false;
    if (!e)
        return;
    e->inverted = marked ? ~s->word : 0;
    e->time[0] = NEVER;
    for (uint32_t k = 0; marked && k < s->depth; k++)
        e->time[k] = s->time.at[k];
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * See totals.h. An entry is how many values and results there are, a time, then of each value its
 * sum and the record, and of each result the same: zeros when it is new.
 */
#include "totals.h"

#include <string.h>

#include <weir/memory.h>

typedef struct entry {
    uint16_t values, results;
    bool is_old, is_lost;
    uint64_t time[]; /* then records and sums */
} entry;

enum { ROOM_MAX = 128, FEW = 1024, CREDIT_MAX = 1 << 16 };

weir_status weir__totals_init(weir__totals *t, const weir__totals_spec *spec, weir_error *error)
{
    const weir_type *in = spec->order.type;
    size_t room = 2 * (in->size + sizeof(int64_t)) + spec->out->size + sizeof(int64_t);
    *t = (weir__totals){ .order = spec->order,
                         .out = spec->out,
                         .depth = spec->depth,
                         .room = (uint32_t)((room + 7) / 8 * 8),
                         .credit = FEW,
                         .all = spec->is_empty };
    if (in->has_strings || spec->out->has_strings || room > ROOM_MAX || !spec->is_empty)
        return WEIR_OK;
    weir_table_options options = { .struct_size = sizeof options,
                                   .type = in,
                                   .key = *spec->key,
                                   .value_size = sizeof(entry) + spec->depth * sizeof(uint64_t) +
                                                 t->room,
                                   .hash_seed = spec->seed,
                                   .parts = spec->parts,
                                   .account = spec->account };
    t->values.records = weir_alloc_must(2 * WEIR__TOTALS_MANY * (size_t)in->size);
    t->results.records = weir_alloc_must(2 * WEIR__TOTALS_MANY * (size_t)t->out->size);
    return weir_table_create(&t->table, &options, error);
}

static void drop(weir__totals *t)
{
    if (t->table)
        weir_table_destroy(t->table);
    t->table = NULL;
}

void weir__totals_fini(weir__totals *t)
{
    drop(t);
    if (!t->values.records)
        return;
    weir_free(t->values.records, 2 * WEIR__TOTALS_MANY * (size_t)t->order.type->size);
    weir_free(t->results.records, 2 * WEIR__TOTALS_MANY * (size_t)t->out->size);
    t->values.records = t->results.records = NULL;
}

/* Without the keys that are forgotten no key is known to be new. */
void weir__totals_bound(weir__totals *t, uint64_t updates)
{
    if (t->table &&
        (t->credit <= 0 || !t->all || weir_table_count(t->table) > updates + FEW))
        drop(t);
}

void weir__totals_find(weir__totals *t, const void *records, const uint64_t *hashes, size_t count,
                       void **entries)
{
    size_t found = t->table ? weir_table_insert_many(t->table, records, hashes, count, entries) : 0;
    for (size_t i = found; i < count; i++)
        entries[i] = NULL;
    t->all &= found == count;
}

bool weir__totals_holds(const weir__totals *t, const void *known, const weir_time *time)
{
    const entry *e = known;
    if (!e || e->is_lost || !(e->is_old || t->all))
        return false;
    for (uint32_t k = 0; k < t->depth; k++)
        if (e->time[k] > time->at[k])
            return false;
    return true;
}

/* ---- records ---- */

static const char *read_some(weir__total *to, size_t count, size_t size, const char *from)
{
    for (size_t i = 0; i < count; i++, from += sizeof(int64_t) + size) {
        memcpy(&to->sums[i], from, sizeof(int64_t));
        memcpy(to->records + i * size, from + sizeof(int64_t), size);
    }
    to->count = count;
    return from;
}

static char *write_some(char *to, const weir__total *from, size_t size)
{
    for (size_t i = 0; i < from->count; i++, to += sizeof(int64_t) + size) {
        memcpy(to, &from->sums[i], sizeof(int64_t));
        memcpy(to + sizeof(int64_t), from->records + i * size, size);
    }
    return to;
}

static void remove_value(weir__total *v, size_t i, size_t size)
{
    size_t after = --v->count - i;
    memmove(v->records + i * size, v->records + (i + 1) * size, after * size);
    memmove(&v->sums[i], &v->sums[i + 1], after * sizeof *v->sums);
}

static void insert_value(weir__total *v, size_t i, const char *record, int64_t sum, size_t size)
{
    size_t after = v->count++ - i;
    memmove(v->records + (i + 1) * size, v->records + i * size, after * size);
    memmove(&v->sums[i + 1], &v->sums[i], after * sizeof *v->sums);
    memcpy(v->records + i * size, record, size);
    v->sums[i] = sum;
}

bool weir__totals_add(weir__totals *t, const void *known, const char *records,
                      const int64_t *sums, size_t count)
{
    const entry *e = known;
    weir__total *v = &t->values;
    size_t size = t->order.type->size, at = 0;
    const char *results = read_some(v, e->values, size, (const char *)&e->time[t->depth]);
    read_some(&t->results, e->results, t->out->size, results);
    for (size_t i = 0; i < count; i++, records += size) {
        int by = -1;
        while (at < v->count &&
               (by = weir__front_compare(&t->order, v->records + at * size, records)) < 0)
            at++;
        if (at == v->count || by > 0)
            insert_value(v, at, records, 0, size);
        if (__builtin_add_overflow(v->sums[at], sums[i], &v->sums[at]))
            return false;
        if (v->sums[at] == 0)
            remove_value(v, at, size);
    }
    return true;
}

/* The results of the key as they are now. False: there are too many. */
static bool make_results(weir__totals *t, const weir__totals_made *made)
{
    weir__total *r = &t->results;
    size_t size = t->out->size, count = made->count, kept = 0;
    if (count >= 2 * WEIR__TOTALS_MANY)
        return false;
    for (size_t i = r->count; i < count; i++)
        r->sums[i] = 0;
    for (size_t i = 0; i < made->correction_count; i++) {
        const weir_history_update *u = &made->corrections[i];
        if (__builtin_add_overflow(r->sums[u->value], u->diff, &r->sums[u->value]))
            return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (r->sums[i] == 0)
            continue;
        memcpy(r->records + kept * size, made->results + i * size, size);
        r->sums[kept++] = r->sums[i];
    }
    r->count = kept;
    return true;
}

void weir__totals_keep(weir__totals *t, void *known, const weir_time *time,
                       const weir__totals_made *made)
{
    entry *e = known;
    size_t value = t->order.type->size + sizeof(int64_t), result = t->out->size + sizeof(int64_t);
    bool fits = make_results(t, made) &&
                t->values.count < WEIR__TOTALS_MANY && t->results.count < WEIR__TOTALS_MANY &&
                t->values.count * value + t->results.count * result <= t->room;
    if (!fits) {
        weir__totals_lose(t, known);
        return;
    }
    e->is_old = true;
    e->values = (uint16_t)t->values.count;
    e->results = (uint16_t)t->results.count;
    memcpy(e->time, time->at, t->depth * sizeof(uint64_t));
    char *at = write_some((char *)&e->time[t->depth], &t->values, t->order.type->size);
    write_some(at, &t->results, t->out->size);
    t->credit += t->credit < CREDIT_MAX;
}

void weir__totals_lose(weir__totals *t, void *known)
{
    entry *e = known;
    if (!e)
        return;
    e->is_old = e->is_lost = true;
    t->credit -= t->credit > 0;
}

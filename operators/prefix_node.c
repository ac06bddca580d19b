/* SPDX-License-Identifier: Apache-2.0
 *
 * See prefix_node.h. The sum up to the first change is that of all that there was less what lay
 * behind; from there on results are made of what there was and of what there is, side by side. A
 * key may take several steps.
 */
#include "prefix_node.h"

#include <string.h>

#include <weir/table.h>

#include "owned.h"
#include "round.h"
#include "trace_failed.h"

typedef struct description {
    weir__prefix prefix;
    weir_arrangement *in;
    weir_key by; /* of `some`: the field that orders */
} description;

typedef struct state {
    const description *d;
    weir__round round;
    weir_account *account;
    weir_table *totals; /* by key: of weir__prefix_sum */
    weir__round_changes changes;
    size_t next;        /* change that was not gone through */
    bool more;          /* round.all has a value that was not */
    char *probe, *first, *results[2];
    weir_builder *out;
    uint64_t looked;
    size_t keys;        /* in this step */
    weir_status failed;
    /* of the key at hand, which may take several steps */
    enum { NO_KEY, READING, TAKING_OFF, GOING_ON } stage;
    weir__prefix_sum *total; /* of the table, or NULL; while going on, up to the value at hand */
    weir__prefix_sum before; /* the same of what there was */
    int64_t charged;         /* for total */
    weir__wide there[2];     /* of records like `first`, if there are any */
    bool any;
} state;

/* A record of the group: how often it was there, and is. */
typedef struct value {
    const void *record; /* NULL: there are no more */
    int64_t old, now;
} value;

enum { OLD, NEW };

/* ---- sums ---- */

bool weir__prefix_add(const weir__prefix *p, weir__prefix_sum *s, const void *record,
                      weir__wide count)
{
    const weir_field *field = &p->some->fields[p->key_count + 1];
    const char *at = (const char *)record + field->offset;
    if (field->optional && !((const char *)record)[field->set_offset])
        return true;
    weir__word word = weir__word_of(field->kind, at);
    s->values += count;
    while (count != 0) { /* which may be one more than 64 bits hold */
        int64_t times = count > INT64_MAX ? INT64_MAX : (int64_t)count;
        if (!p->is_float)
            weir__integer_add_product(&s->integer, weir__word_integer(word), times);
        else if (!weir__exact_add(&s->exact, weir__word_number(field->kind, word), times))
            return false;
        count -= times;
    }
    return true;
}

bool weir__prefix_write(const weir__prefix *p, const weir__prefix_sum *s, const void *from,
                        void *result)
{
    const weir_field *f = &p->out->fields[p->key_count + 1];
    char *record = result;
    weir__fields_move(&p->some->type, from, p->out, record, p->key_count + 1);
    if (f->optional && s->values == 0)
        return true;
    if (f->optional)
        record[f->set_offset] = 1;
    if (p->is_float) {
        double total = weir__exact_read(&s->exact);
        weir_clean_f64_(&total);
        memcpy(record + f->offset, &total, sizeof total);
        return true;
    }
    if (!weir__integer_fits(&s->integer, f->kind))
        return false;
    weir__word_put(f->kind, (weir__word)s->integer.low ^ (weir__word)1 << 127, record + f->offset);
    return true;
}

/* ---- a key ---- */

/* Before all records of the group that are not before the first change. */
static void go_to_first(state *s)
{
    const weir__prefix *p = &s->d->prefix;
    const weir_field *field = &p->some->fields[p->key_count + 1];
    s->next = 0;
    memcpy(s->probe, weir__round_change(&s->changes, 0), s->changes.size);
    if (field->optional)
        s->probe[field->set_offset] = 0;
    weir__word_put_least(field->kind, s->probe + field->offset);
    if (field->optional) /* null comes first, and is all zero */
        memset(s->probe + field->offset, 0, weir_kind_size(field->kind));
    weir_cursor_rewind_values(s->round.all);
    s->looked += weir_cursor_seek_to_value(s->round.all, s->probe);
    s->more = weir_cursor_next_value(s->round.all);
}

/* The record at hand, of the cursor or of the changes. */
static value read(state *s)
{
    value v = { .record = s->more ? weir_cursor_record(s->round.all) : NULL };
    bool changes = s->next < s->changes.count;
    const void *change = changes ? weir__round_change(&s->changes, s->next) : NULL;
    int order = !v.record ? 1
                : !changes ? -1
                           : weir_record_compare(&s->d->prefix.some->type, v.record, change);
    if (!v.record && !changes)
        return v;
    if (order <= 0 && !weir_cursor_sum(s->round.all, &s->round.time, &v.now))
        s->failed = WEIR_OVERFLOWED;
    if (order > 0)
        v.record = change;
    if (__builtin_sub_overflow(v.now, order >= 0 ? s->changes.diffs[s->next] : 0, &v.old))
        s->failed = WEIR_OVERFLOWED;
    memcpy(s->probe, v.record, s->changes.size); /* strings lie in runs */
    v.record = s->probe;
    s->next += order >= 0;
    if (order <= 0)
        s->more = weir_cursor_next_value(s->round.all);
    s->looked++;
    return v;
}

/* What the place of `first` had and has, if anything. */
static void put(state *s)
{
    const weir_type *type = s->d->prefix.out;
    const weir__prefix_sum *sums[2] = { &s->before, s->total };
    for (int i = OLD; i <= NEW && s->any && !s->failed; i++)
        if (s->there[i] > 0 &&
            !weir__prefix_write(&s->d->prefix, sums[i], s->first, s->results[i]))
            s->failed = WEIR_OVERFLOWED;
    bool same = s->there[OLD] > 0 && s->there[NEW] > 0 &&
                weir_record_equal(type, s->results[OLD], s->results[NEW]);
    for (int i = OLD; i <= NEW && s->any && !s->failed && !same; i++) {
        if (s->there[i] <= 0)
            continue;
        weir_builder_set_diff(s->out, i == OLD ? -1 : 1);
        weir__emit_copy(s->out, s->results[i]);
    }
    s->there[OLD] = s->there[NEW] = 0;
    s->any = false;
}

static void charge(state *s)
{
    int64_t bytes = (int64_t)weir__exact_bytes(&s->total->exact);
    weir_account_add(s->account, bytes - s->charged);
    s->charged = bytes;
}

/* Some of its changes; with the last of them, where to go on from. */
static void read_changes(state *s)
{
    s->failed = weir__round_read(&s->round, &s->changes);
    if (s->failed || !s->changes.all)
        return;
    s->stage = NO_KEY;
    if (s->changes.count == 0)
        return;
    const void *key = weir__round_change(&s->changes, 0);
    s->total = weir_table_insert(s->totals, key);
    if (!s->total) {
        s->failed = WEIR_NO_MEMORY;
        return;
    }
    s->charged = (int64_t)weir__exact_bytes(&s->total->exact);
    weir_cursor_find(s->round.all, key);
    go_to_first(s);
    s->stage = TAKING_OFF;
}

/* What lay behind the first change goes off the sum of all that there was. */
static void take_off(state *s)
{
    value v = read(s);
    if (s->failed)
        return;
    if (v.record) {
        if (!weir__prefix_add(&s->d->prefix, s->total, v.record, -(weir__wide)v.old))
            s->failed = WEIR_NO_MEMORY;
        return;
    }
    s->before = *s->total;
    s->before.exact = weir__exact_copy(&s->total->exact);
    s->any = false;
    s->there[OLD] = s->there[NEW] = 0;
    go_to_first(s);
    s->stage = GOING_ON;
}

static void end_key(state *s)
{
    weir__exact_fini(&s->before.exact);
    charge(s);
    s->stage = NO_KEY;
    if (weir__integer_is_0(&s->total->integer) && s->total->values == 0 &&
        weir__exact_is_blank(&s->total->exact)) {
        weir__exact_fini(&s->total->exact);
        charge(s);
        weir_table_remove(s->totals, s->total);
    }
    s->total = NULL;
}

/* From the sum up to the first change on, which becomes that of all. */
static void go_on(state *s)
{
    const weir__prefix *p = &s->d->prefix;
    value v = read(s);
    if (s->failed)
        return;
    if (!v.record || !s->any || !weir_key_equal(&p->some->type, &s->d->by, s->first, v.record))
        put(s);
    if (!v.record) {
        end_key(s);
        return;
    }
    if (!s->any)
        memcpy(s->first, v.record, s->changes.size);
    s->any = true;
    s->there[OLD] += v.old;
    s->there[NEW] += v.now;
    if (!weir__prefix_add(p, &s->before, v.record, v.old) ||
        !weir__prefix_add(p, s->total, v.record, v.now))
        s->failed = WEIR_NO_MEMORY;
}

/* ---- the node ---- */

static void fini(void *ctx)
{
    state *s = ctx;
    weir__exact_fini(&s->before.exact);
    if (s->total)
        charge(s);
    if (s->totals) {
        weir_table_walk walk = weir_table_walk_range(s->totals, 0, UINT64_MAX);
        for (weir__prefix_sum *sum; (sum = weir_table_walk_next(&walk));) {
            weir_account_add(s->account, -(int64_t)weir__exact_bytes(&sum->exact));
            weir__exact_fini(&sum->exact);
        }
        weir_table_destroy(s->totals);
    }
    weir__round_fini(&s->round);
    weir__round_changes_fini(&s->changes);
    weir_free(s->probe, s->changes.size);
    weir_free(s->first, s->changes.size);
    for (int i = OLD; i <= NEW; i++)
        weir_free(s->results[i], s->d->prefix.out->size);
    weir_free(s, sizeof *s);
}

static weir_status init(weir_step *step, void *ctx, void **result, weir_error *error)
{
    const description *d = ctx;
    const weir_type *type = &d->prefix.some->type;
    state *s = weir_alloc_must(sizeof *s);
    *s = (state){ .d = d, .account = weir_step_account(step) };
    s->changes = (weir__round_changes){ .size = type->size, .account = s->account };
    s->probe = weir_alloc_must(type->size);
    s->first = weir_alloc_must(type->size);
    for (int i = OLD; i <= NEW; i++)
        s->results[i] = weir_alloc_must(d->prefix.out->size);
    weir_table_options totals = { .struct_size = sizeof totals,
                                  .type = type,
                                  .key = *weir_arrangement_key(d->in),
                                  .value_size = sizeof(weir__prefix_sum),
                                  .hash_seed = weir_step_hash_seed(step),
                                  .parts = weir_step_workers(step),
                                  .account = s->account };
    weir_status status = weir_table_create(&s->totals, &totals, error);
    if (status == WEIR_OK)
        status = weir__round_init(&s->round, step, d->in, error);
    if (status != WEIR_OK)
        fini(s);
    else
        *result = s;
    return status;
}

/* False: the step's work is used up, or something failed. */
static bool work(weir_step *step, state *s)
{
    uint64_t done = 0; /* beside looking */
    bool more = true;
    s->out = weir_step_output(step, 0, &s->round.time);
    s->looked = 0;
    while (more && !s->failed &&
           (s->stage != NO_KEY || weir__round_next_key(&s->round, NULL))) {
        if (s->stage == NO_KEY) {
            s->stage = READING;
            done += WEIR__ROUND_KEY;
            s->keys++;
        } else if (s->stage == READING) {
            uint64_t before = s->changes.all ? 0 : s->changes.count;
            read_changes(s);
            done += s->changes.count - before;
        } else if (s->stage == TAKING_OFF) {
            take_off(s);
        } else {
            go_on(s);
        }
        more = s->looked + done < WEIR__ROUND_VALUES && !weir_step_spent(step);
    }
    weir_metric_add(s->round.metric, (int64_t)s->looked);
    return more && !s->failed;
}

static void fail(weir_step *step, const state *s)
{
    char key[256] = "";
    if (s->failed == WEIR_NO_MEMORY) {
        weir_step_fail(step, WEIR_NO_MEMORY, "no memory for prefix sums");
        return;
    }
    const void *total = s->changes.count > 0
                            ? weir_table_find(s->totals, weir__round_change(&s->changes, 0))
                            : NULL;
    if (total)
        weir_record_text(weir_table_key_type(s->totals), weir_table_key(s->totals, total), key,
                         sizeof key);
    weir_step_fail(step, s->failed, "counts or sums of the key of %s leave their range", key);
}

static void run(weir_step *step, void *ctx)
{
    state *s = ctx;
    s->keys = 0;
    while (!s->failed) {
        if (s->round.working && !work(step, s))
            break;
        weir__round_end(&s->round, step, &s->changes);
        s->failed = weir__round_begin(&s->round, step, NULL);
        if (!s->round.working)
            break;
    }
    if (s->failed) {
        fail(step, s);
        return;
    }
    /* what was taken, and is not asked for any more, may be merged only now */
    weir__trace_merge(step, weir_trace_reader_trace(s->round.in), 0, s->keys);
    if (s->round.working)
        weir_step_again(step);
}

weir_port *weir__prefix_add_node(weir_arrangement *in, const weir__prefix *p)
{
    description *d = weir_graph_alloc(weir_port_graph(weir_arrangement_port(in)), sizeof *d);
    *d = (description){ .prefix = *p,
                        .in = in,
                        .by = { .count = 1, .field = { (uint16_t)p->key_count } } };
    return weir__round_node(&(weir__round_spec){ .kind = p->kind,
                                                 .in = in,
                                                 .out = p->out,
                                                 .ctx = d,
                                                 .init = init,
                                                 .step = run,
                                                 .fini = fini });
}

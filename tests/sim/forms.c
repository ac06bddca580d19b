/* SPDX-License-Identifier: Apache-2.0
 *
 * Bags, and the lists of forms as one.
 */
#include "forms.h"

static int compare(const void *a, const void *b)
{
    const item *x = &((const sim_count *)a)->record, *y = &((const sim_count *)b)->record;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return (x->hops > y->hops) - (x->hops < y->hops);
}

void sim_bag_add(sim_bag *bag, item record, int64_t count)
{
    if (count == 0)
        return;
    if (bag->count == bag->capacity) {
        bag->capacity = bag->capacity ? 2 * bag->capacity : 16;
        bag->items = realloc(bag->items, bag->capacity * sizeof *bag->items);
    }
    bag->items[bag->count++] = (sim_count){ record, count };
}

void sim_bag_settle(sim_bag *bag)
{
    size_t kept = 0;
    if (bag->count)
        qsort(bag->items, bag->count, sizeof *bag->items, compare);
    for (size_t from = 0, to; from < bag->count; from = to) {
        int64_t sum = 0;
        for (to = from; to < bag->count && compare(&bag->items[from], &bag->items[to]) == 0; to++)
            sum += bag->items[to].count;
        if (sum != 0)
            bag->items[kept++] = (sim_count){ bag->items[from].record, sum };
    }
    bag->count = kept;
}

void sim_bag_fini(sim_bag *bag)
{
    free(bag->items);
    *bag = (sim_bag){ 0 };
}

void sim_nothing(const sim_at *at, sim_bag *out)
{
    (void)at;
    (void)out;
}

bool sim_bag_next_key(const sim_bag *bag, size_t *at, sim_of_key *of)
{
    if (*at == bag->count)
        return false;
    *of = (sim_of_key){ .key = bag->items[*at].record.key, .items = &bag->items[*at] };
    for (; *at < bag->count && bag->items[*at].record.key == of->key; ++*at) {
        of->total += bag->items[*at].count;
        of->count++;
    }
    return true;
}

/* ---- forms ---- */

const sim_form *sim_form_at(unsigned index)
{
    static const sim_form *const lists[] = { sim_forms_moves, sim_forms_keys,   sim_forms_sets,
                                             sim_forms_joins, sim_forms_graphs, sim_forms_streams,
                                             sim_forms_nodes, sim_forms_stages, sim_forms_readers,
                                             sim_forms_sinks, sim_forms_sources };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        for (const sim_form *form = lists[i]; form->name; form++)
            if (index-- == 0)
                return form;
    return NULL;
}

void sim_form_evaluate(const sim_form *form, const sim_at *at, sim_bag *out)
{
    size_t i = 0;
    sim_of_key of;
    if (!form->of_key) {
        form->evaluate(at, out);
        return;
    }
    const sim_bag *in = sim_at_input(at, 0, NULL);
    while (sim_bag_next_key(in, &i, &of))
        form->of_key(at->op, &of, out);
}

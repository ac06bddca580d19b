/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the grouping of arcs by one of their ends, and arrays of numbers.
 */
#include "progress/topology.h"

#include <string.h>

#include <weir/memory.h>

uint32_t *weir__numbers(size_t count)
{
    return weir_alloc_must(weir__lines((count + 1) * sizeof(uint32_t)));
}

void weir__numbers_free(uint32_t *array, size_t count)
{
    weir_free(array, weir__lines((count + 1) * sizeof(uint32_t)));
}

void weir__links_init(weir__links *l, uint32_t lists, const weir__arc *arcs, uint32_t count,
                      bool in)
{
    *l = (weir__links){ .lists = lists,
                        .count = count,
                        .first = weir__numbers(lists + 1),
                        .links = weir_alloc_must(weir__lines((count + 1) * sizeof *l->links)),
                        .add = weir_alloc_must(weir__lines((count + 1) * sizeof *l->add)),
                        .slot = weir__numbers(count) };
    memset(l->first, 0, (lists + 2) * sizeof *l->first);
    for (uint32_t i = 0; i < count; i++)
        l->first[(in ? arcs[i].to : arcs[i].from) + 2]++;
    for (uint32_t i = 2; i <= lists; i++)
        l->first[i] += l->first[i - 1];
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = l->first[(in ? arcs[i].to : arcs[i].from) + 1]++;
        l->slot[at] = in ? arcs[i].from : arcs[i].to;
        l->add[at] = arcs[i].summary.add[0];
        l->links[at] = (weir__link){ l->slot[at], arcs[i].summary };
    }
}

void weir__links_fini(weir__links *l)
{
    weir__numbers_free(l->first, l->lists + 1);
    weir__numbers_free(l->slot, l->count);
    weir_free(l->links, weir__lines((l->count + 1) * sizeof *l->links));
    weir_free(l->add, weir__lines((l->count + 1) * sizeof *l->add));
}

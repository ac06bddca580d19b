/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the refusal of a graph in which a cycle does not advance time: finds the ports to name.
 */
#include "progress/topology.h"

#include <stdio.h>
#include <string.h>

#include <weir/memory.h>

enum { NAMED_MAX = 8 };

/* Whether a link could be part of the cycle: after it, the first `keep` coordinates are as
 * before. */
static bool changes_nothing(const weir_summary *s, unsigned keep)
{
    for (unsigned i = 0; i < keep; i++)
        if (s->add[i])
            return false;
    return s->keep >= keep;
}

/* For each port the one before it on a shortest way from `start`; WEIR__NONE where there is no
 * way. */
static uint32_t *predecessors(const weir__topology_builder *b, uint32_t start, unsigned keep)
{
    weir__links out;
    uint32_t *before = weir__numbers(b->port_count), *queue = weir__numbers(b->port_count);
    uint32_t taken = 0, count = 0;
    memset(before, 0xff, b->port_count * sizeof *before);
    weir__links_init(&out, b->port_count, b->arcs, b->arc_count, false);
    before[start] = start;
    queue[count++] = start;
    while (taken < count) {
        uint32_t p = queue[taken++];
        for (uint32_t i = out.first[p]; i < out.first[p + 1]; i++)
            if (before[out.slot[i]] == WEIR__NONE && changes_nothing(&out.links[i].summary, keep)) {
                before[out.slot[i]] = p;
                queue[count++] = out.slot[i];
            }
    }
    weir__links_fini(&out);
    weir__numbers_free(queue, b->port_count);
    return before;
}

static void add_name(const weir__topology_builder *b, uint32_t port, char *text, size_t size)
{
    size_t used = strlen(text);
    const char *name = b->ports[port].name;
    if (name)
        snprintf(text + used, size - used, "%s%.80s", used ? " -> " : "", name);
    else
        snprintf(text + used, size - used, "%sport %u", used ? " -> " : "", port);
}

weir_status weir__refuse_cycle(const weir__topology_builder *b, uint32_t index, weir_error *error)
{
    const weir__arc *arc = &b->arcs[index];
    uint32_t *before = predecessors(b, arc->to, arc->summary.keep), length = 1;
    for (uint32_t p = arc->from; p != arc->to && before[p] != WEIR__NONE; p = before[p])
        length++;
    /* The way was found from its end: name the last ports of it, in the order of the way. */
    uint32_t names[NAMED_MAX], count = 0;
    for (uint32_t p = arc->from; count < NAMED_MAX && count < length; p = before[p])
        names[count++] = p;
    char text[sizeof error->detail] = "";
    if (length > count)
        snprintf(text, sizeof text, "... (%u ports)", length);
    for (uint32_t i = count; i-- > 0;)
        add_name(b, names[i], text, sizeof text);
    if (length == count)
        add_name(b, names[count - 1], text, sizeof text);
    weir__numbers_free(before, b->port_count);
    weir_error_set(error, WEIR_INVALID, "a cycle does not advance time");
    weir_error_detail(error, "%s", text);
    weir_error_hint(error,
                    "close it by a feedback edge in the innermost scope that holds all of it");
    return WEIR_INVALID;
}

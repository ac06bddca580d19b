/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the way from ports and edges as they were added to a topology: the check of cycles, the
 * search for interest, and the layout that trackers read. Removal of ports is contract.c's.
 */
#include "progress/reachability.h"

#include <string.h>

#include <weir/memory.h>

#include "base/assert.h"
#include "progress/topology.h"

weir__topology_builder *weir__topology_builder_create(void)
{
    weir__topology_builder *builder = weir_alloc_must(sizeof *builder);
    *builder = (weir__topology_builder){ 0 };
    return builder;
}

void weir__topology_builder_destroy(weir__topology_builder *builder)
{
    if (!builder)
        return;
    weir_free(builder->ports, builder->port_capacity * sizeof *builder->ports);
    weir_free(builder->arcs, builder->arc_capacity * sizeof *builder->arcs);
    weir_free(builder, sizeof *builder);
}

static void *grown(void *array, uint32_t *capacity, size_t item)
{
    uint32_t wanted = *capacity ? 2 * *capacity : 16;
    array = weir_realloc_must(array, *capacity * item, wanted * item);
    *capacity = wanted;
    return array;
}

uint32_t weir__topology_add_port(weir__topology_builder *b, const weir__port_spec *spec)
{
    WEIR_ASSERT(spec->depth >= 1 && spec->depth <= WEIR_TIME_COORDS,
                "port %s: depth %u is not 1 to %d", spec->name ? spec->name : "", spec->depth,
                WEIR_TIME_COORDS);
    if (b->port_count == b->port_capacity)
        b->ports = grown(b->ports, &b->port_capacity, sizeof *b->ports);
    b->ports[b->port_count] = *spec;
    return b->port_count++;
}

void weir__topology_add_edge(weir__topology_builder *b, uint32_t from, uint32_t to,
                             const weir_summary *summary)
{
    WEIR_ASSERT(from < b->port_count && to < b->port_count, "edge %u to %u of %u ports", from, to,
                b->port_count);
    unsigned depth_from = b->ports[from].depth, depth_to = b->ports[to].depth;
    WEIR_ASSERT(summary->depth == depth_to && summary->keep >= 1 && summary->keep <= depth_to &&
                    summary->keep <= depth_from,
                "edge %u to %u: a summary that keeps %u and makes %u coordinates between %u and %u",
                from, to, summary->keep, summary->depth, depth_from, depth_to);
    if (b->arc_count == b->arc_capacity)
        b->arcs = grown(b->arcs, &b->arc_capacity, sizeof *b->arcs);
    weir__arc *arc = &b->arcs[b->arc_count++];
    *arc = (weir__arc){ .from = from, .to = to };
    arc->summary.keep = summary->keep;
    arc->summary.depth = summary->depth;
    memcpy(arc->summary.add, summary->add, depth_to * sizeof *summary->add);
}

/* ---- layout ---- */

static bool is_interesting(const weir__port_spec *spec)
{
    return spec->watched || spec->interest != WEIR__INTEREST_NEVER;
}

/* Which ports lead to one with interest: backwards over the arcs. */
static void find_matters(weir__topology *t, const weir__topology_builder *b)
{
    weir__links in;
    uint32_t *pending = weir__numbers(b->port_count), count = 0;
    weir__links_init(&in, b->port_count, b->arcs, b->arc_count, true);
    for (uint32_t p = 0; p < b->port_count; p++) {
        t->matters[p] = is_interesting(&b->ports[p]);
        if (t->matters[p])
            pending[count++] = p;
    }
    while (count > 0) {
        uint32_t p = pending[--count];
        for (uint32_t i = in.first[p]; i < in.first[p + 1]; i++)
            if (!t->matters[in.slot[i]]) {
                t->matters[in.slot[i]] = true;
                pending[count++] = in.slot[i];
            }
    }
    weir__links_fini(&in);
    weir__numbers_free(pending, b->port_count);
}

static void ports_init(weir__topology *t, const weir__topology_builder *b)
{
    uint32_t n = b->port_count;
    t->port_count = n;
    t->depth = weir_alloc_must(weir__lines(n + 1));
    t->matters = weir_alloc_must(weir__lines(n + 1));
    t->at_place = weir__numbers(n);
    t->slot_of = weir__numbers(n + 1);
    for (uint32_t p = 0; p < n; p++) {
        t->depth[p] = (uint8_t)b->ports[p].depth;
        t->at_place[t->order.place[p]] = p;
    }
    t->depth[n] = 1;
    find_matters(t, b);
}

/* Numbers what remains, `done` as the last, and orders it; returns the arcs between slots. The
 * order of what remains follows from the order of all ports as far as there is one. */
static weir__arc *slots_init(weir__topology *t, const weir__topology_builder *b,
                             const weir__contraction *c, weir__order *order)
{
    uint32_t n = 0, bad = 0, *compact = weir__numbers(t->port_count);
    for (uint32_t i = 0; i < t->port_count; i++)
        if (!c->removed[t->at_place[i]])
            compact[t->at_place[i]] = n++;
    weir__arc *arcs = weir_alloc_must((c->left_count + n + 1) * sizeof *arcs);
    for (uint32_t i = 0; i < c->left_count; i++)
        arcs[i] =
            (weir__arc){ compact[c->left[i].from], compact[c->left[i].to], c->left[i].summary };
    bool good = weir__order_init(order, n, arcs, c->left_count, &bad);
    WEIR_ASSERT(good, "progress: removing ports made a cycle that does not advance");
    for (uint32_t i = 0; i < c->left_count; i++) {
        arcs[i].from = order->place[arcs[i].from];
        arcs[i].to = order->place[arcs[i].to];
    }
    t->slot_count = n + 1;
    t->slots = weir_alloc_must(weir__lines((n + 1) * sizeof *t->slots));
    t->slots[n] = (weir__slot){ .port = t->port_count, .depth = 1, .reported = true };
    t->slot_of[t->port_count] = n;
    for (uint32_t p = 0; p < t->port_count; p++) {
        t->slot_of[p] = c->removed[p] ? WEIR__NONE : order->place[compact[p]];
        if (!c->removed[p])
            t->slots[t->slot_of[p]] =
                (weir__slot){ .port = p,
                              .depth = t->depth[p],
                              .matters = t->matters[p],
                              .reported = c->keep_all || is_interesting(&b->ports[p]) };
    }
    for (unsigned level = 0; level < WEIR__LEVELS; level++) {
        t->group[level] = weir__numbers(n + 1);
        for (uint32_t v = 0; v < n; v++)
            t->group[level][order->place[v]] = order->group[level][v];
        t->group[level][n] = n;
    }
    weir__numbers_free(compact, t->port_count);
    return arcs;
}

static void find_loops(weir__topology *t)
{
    for (uint32_t begin = 0, end; begin < t->slot_count; begin = end) {
        for (end = begin + 1; end < t->slot_count && t->group[0][end] == begin;)
            end++;
        bool cyclic = end > begin + 1;
        for (uint32_t i = t->out.first[begin]; i < t->out.first[begin + 1]; i++)
            cyclic |= t->out.slot[i] == begin;
        for (uint32_t s = begin; s < end; s++) {
            t->slots[s].loop_begin = begin;
            t->slots[s].loop_end = cyclic ? end : begin;
        }
    }
}

static const weir_summary epoch_only = { .keep = 1, .depth = 1 };

/* A slot that no arc without additions leaves leads to `done` by itself; the others lead there
 * through such slots, with the same epoch and without overflow. Returns the number of arcs. */
static uint32_t add_done(const weir__topology *t, weir__arc *arcs, uint32_t count)
{
    bool *leads = weir_alloc_must(t->slot_count);
    memset(leads, 0, t->slot_count);
    for (uint32_t i = 0; i < count; i++)
        leads[arcs[i].from] |= weir__adds_nothing(&arcs[i].summary);
    for (uint32_t s = 0; s + 1 < t->slot_count; s++)
        if (!leads[s])
            arcs[count++] = (weir__arc){ s, weir__topology_done_slot(t), epoch_only };
    weir_free(leads, t->slot_count);
    return count;
}

/* Where each port is counted: at its own slot, or by the routes of a removed one, and at `done` if
 * none of these adds nothing. */
static void routes_init(weir__topology *t, const weir__contraction *c)
{
    weir__arc *routes = weir_alloc_must((c->route_count + t->port_count + 1) * sizeof *routes);
    bool *leads = weir_alloc_must(t->port_count + 1);
    uint32_t count = 0;
    memset(leads, 0, t->port_count + 1);
    for (uint32_t i = 0; i < c->route_count; i++) {
        const weir__arc *r = &c->routes[i];
        leads[r->from] |= weir__adds_nothing(&r->summary);
        routes[count++] = (weir__arc){ r->from, t->slot_of[r->to], r->summary };
    }
    for (uint32_t p = 0; p < t->port_count; p++)
        if (!c->removed[p])
            routes[count++] = (weir__arc){ p, t->slot_of[p], weir_summary_identity(t->depth[p]) };
        else if (!leads[p])
            routes[count++] = (weir__arc){ p, weir__topology_done_slot(t), epoch_only };
    weir__links_init(&t->routes, t->port_count, routes, count, false);
    weir_free(leads, t->port_count + 1);
    weir_free(routes, (c->route_count + t->port_count + 1) * sizeof *routes);
}

/* Depth 1 throughout, and all that could be added on a path without a cycle stays below 2^62. */
static bool is_total(const weir__topology_builder *b)
{
    uint64_t sum = 0, limit = (uint64_t)1 << (WEIR__TOTAL_BITS - 1);
    for (uint32_t p = 0; p < b->port_count; p++)
        if (b->ports[p].depth > 1)
            return false;
    for (uint32_t i = 0; i < b->arc_count; i++)
        if (b->arcs[i].summary.add[0] >= limit || (sum += b->arcs[i].summary.add[0]) >= limit)
            return false;
    return true;
}

static void tracked_init(weir__topology *t, const weir__topology_builder *b, unsigned flags)
{
    bool *kept = weir_alloc_must(t->port_count + 1);
    for (uint32_t p = 0; p < t->port_count; p++)
        kept[p] = is_interesting(&b->ports[p]);
    weir__contraction c = { .count = t->port_count,
                            .arcs = b->arcs,
                            .arc_count = b->arc_count,
                            .at_place = t->at_place,
                            .kept = kept,
                            .useful = t->matters,
                            .keep_all = flags & WEIR__TOPOLOGY_KEEP_ALL };
    weir__contract(&c);
    weir__order order;
    weir__arc *arcs = slots_init(t, b, &c, &order);
    uint32_t count = add_done(t, arcs, c.left_count);
    weir__links_init(&t->in, t->slot_count, arcs, count, true);
    weir__links_init(&t->out, t->slot_count, arcs, count, false);
    find_loops(t);
    routes_init(t, &c);
    weir_free(arcs, (c.left_count + t->slot_count) * sizeof *arcs);
    weir__order_fini(&order);
    weir__contraction_fini(&c);
    weir_free(kept, t->port_count + 1);
}

weir_status weir__topology_finish(const weir__topology_builder *b, unsigned flags,
                                  weir__topology **topology, weir_error *error)
{
    uint32_t bad;
    weir__topology *t = weir_alloc_must(sizeof *t);
    *t = (weir__topology){ .total = is_total(b) };
    *topology = NULL;
    if (!weir__order_init(&t->order, b->port_count, b->arcs, b->arc_count, &bad)) {
        weir_free(t, sizeof *t);
        return weir__refuse_cycle(b, bad, error);
    }
    ports_init(t, b);
    tracked_init(t, b, flags);
    *topology = t;
    return WEIR_OK;
}

void weir__topology_destroy(weir__topology *t)
{
    if (!t)
        return;
    uint32_t n = t->port_count;
    weir__links_fini(&t->in);
    weir__links_fini(&t->out);
    weir__links_fini(&t->routes);
    for (unsigned level = 0; level < WEIR__LEVELS; level++)
        weir__numbers_free(t->group[level], t->slot_count);
    weir_free(t->slots, weir__lines(t->slot_count * sizeof *t->slots));
    weir_free(t->depth, weir__lines(n + 1));
    weir_free(t->matters, weir__lines(n + 1));
    weir__numbers_free(t->at_place, n);
    weir__numbers_free(t->slot_of, n + 1);
    weir__order_fini(&t->order);
    weir_free(t, sizeof *t);
}

/* ---- reading ---- */

uint32_t weir__topology_port_count(const weir__topology *t)
{
    return t->port_count;
}

weir__depths weir__topology_depths(const weir__topology *t)
{
    return (weir__depths){ t->depth, t->port_count };
}

uint32_t weir__topology_order(const weir__topology *t, uint32_t port)
{
    return t->order.place[port];
}

bool weir__topology_in_loop_with(const weir__topology *t, uint32_t a, uint32_t b)
{
    return t->order.group[0][a] == t->order.group[0][b];
}

bool weir__topology_is_tracked(const weir__topology *t, uint32_t port)
{
    return t->slot_of[port] != WEIR__NONE && t->slots[t->slot_of[port]].reported;
}

bool weir__topology_matters(const weir__topology *t, uint32_t port)
{
    return t->matters[port];
}

weir__topology_size weir__topology_tracked(const weir__topology *t)
{
    return (weir__topology_size){ t->slot_count, t->out.count };
}

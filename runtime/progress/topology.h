/* SPDX-License-Identifier: Apache-2.0
 *
 * What a topology is made of: for the files of this folder, which build it and propagate over it.
 *
 * A slot is a place of the tracked graph: a port that was not removed, or `done`, which is the last
 * one. Slots are numbered in the order of order.h, so components are contiguous and an arc that
 * leaves its component leads to a higher slot. A route says where a count at a port is counted.
 */
#ifndef WEIR_PROGRESS_TOPOLOGY_H
#define WEIR_PROGRESS_TOPOLOGY_H

#include "base/lines.h"
#include "progress/order.h"
#include "progress/reachability.h"

/* Lists of lists: those of item i are at first[i] to first[i + 1] - 1. */
typedef struct weir__link {
    uint32_t slot; /* the other end */
    weir_summary summary;
} weir__link;

typedef struct weir__links {
    uint32_t lists, count;
    uint32_t *first;
    weir__link *links;
    uint64_t *add; /* summary.add[0] of each: all there is to say where everything has depth 1 */
    uint32_t *slot;
} weir__links;

typedef struct weir__slot {
    uint32_t port;
    /* The component's slots, if it has a cycle; else begin == end. */
    uint32_t loop_begin, loop_end;
    uint8_t depth;
    bool reported; /* its frontier is asked for */
    bool matters;  /* leads to one whose frontier is, `done` apart */
} weir__slot;

struct weir__topology {
    uint32_t port_count, slot_count;
    uint8_t *depth;     /* of the ports */
    bool *matters;      /* of the ports */
    weir__order order;  /* of the ports */
    uint32_t *at_place; /* the port of a place: the inverse of order.place */
    uint32_t *slot_of;  /* of the ports and `done`; WEIR__NONE where it was removed */
    weir__links routes; /* of the ports */
    weir__slot *slots;
    weir__links in, out;           /* of the slots */
    uint32_t *group[WEIR__LEVELS]; /* of the slots, as in order.h */
    /* Depth 1 throughout, and no path without a cycle adds 2^62 or more: times are single numbers
     * and sums along paths do not overflow as long as the times are below 2^63. */
    bool total;
};

enum { WEIR__TOTAL_BITS = 63 };

static inline uint32_t weir__topology_done_slot(const weir__topology *topology)
{
    return topology->slot_count - 1;
}

static inline bool weir__adds_nothing(const weir_summary *s)
{
    return (s->add[0] | s->add[1] | s->add[2] | s->add[3]) == 0;
}

struct weir__topology_builder {
    weir__port_spec *ports;
    weir__arc *arcs;
    uint32_t port_count, port_capacity, arc_count, arc_capacity;
};

/* ---- links.c ---- */

/* Room for count + 1 numbers, not cleared. */
uint32_t *weir__numbers(size_t count);
void weir__numbers_free(uint32_t *array, size_t count);
/* Groups the arcs by one end: list i holds those whose near end (`to` if in) is i, in their
 * order. */
void weir__links_init(weir__links *links, uint32_t lists, const weir__arc *arcs, uint32_t count,
                      bool in);
void weir__links_fini(weir__links *links);

/* ---- cycle.c ---- */

/* WEIR_INVALID, with the ports of a cycle that the arc of this index is on and that does not
 * advance. */
weir_status weir__refuse_cycle(const weir__topology_builder *builder, uint32_t arc,
                               weir_error *error);

/* ---- contract.c ---- */

/* A graph from which vertices are removed. In: count, arcs, order, kept. Out: what remains of the
 * arcs (antichains), and for each removed vertex its routes to those that remain. */
typedef struct weir__contraction {
    uint32_t count;
    const weir__arc *arcs;
    uint32_t arc_count;
    const uint32_t *at_place; /* vertices are tried from the last place to the first */
    const bool *kept;         /* may not be removed */
    const bool *useful;       /* the rest goes first, with its arcs; its routes are empty */
    bool keep_all;
    bool *removed;
    weir__arc *left;
    uint32_t left_count, left_capacity;
    weir__arc *routes; /* from: the removed vertex; in no order */
    uint32_t route_count, route_capacity;
} weir__contraction;

void weir__contract(weir__contraction *contraction);
void weir__contraction_fini(weir__contraction *contraction);

#endif

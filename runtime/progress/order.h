/* SPDX-License-Identifier: Apache-2.0
 *
 * An order of the vertices of a graph whose arcs are summaries, in which causes come before
 * effects: the ground of both schedulers and propagation. Also finds out that some cycle does not
 * advance time.
 */
#ifndef WEIR_PROGRESS_ORDER_H
#define WEIR_PROGRESS_ORDER_H

#include <weir/time.h>

/* No vertex, port, slot or arc. */
#define WEIR__NONE UINT32_MAX

typedef struct weir__arc {
    uint32_t from, to;
    weir_summary summary;
} weir__arc;

enum { WEIR__LEVELS = WEIR_TIME_COORDS + 1 };

/* place: 0 to count - 1, each vertex its own. group[0]: the strongly connected component, named by
 * its first place; group[l]: the component, within group[l - 1], by arcs that add nothing to the
 * first l coordinates. Groups are contiguous in places, and group[WEIR_TIME_COORDS] are single
 * vertices.
 *
 * For times of vertices in one group[0] the sequence at[0], group[1], at[1], group[2], … compared
 * as a whole grows along every arc: a pointstamp comes before all that it could lead to. */
typedef struct weir__order {
    uint32_t count;
    uint32_t *place;
    uint32_t *group[WEIR__LEVELS];
} weir__order;

/* False: a cycle does not advance time, and *bad is the index of an arc on it; there is nothing to
 * fini then. Linear in the graph. */
WEIR_MUST_USE bool weir__order_init(weir__order *order, uint32_t count, const weir__arc *arcs,
                                    uint32_t arc_count, uint32_t *bad);
void weir__order_fini(weir__order *order);

#endif

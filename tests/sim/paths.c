/* SPDX-License-Identifier: Apache-2.0
 *
 * The summaries of all paths between all vertices of a small graph, by following every path that is
 * not worse than one that is known: what frontiers are by definition.
 */
#include <string.h>

#include "sim.h"

/* Whether it was new; what it makes superfluous goes. */
static bool path_add(struct sim_path *path, const weir_summary *s)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < path->count; i++)
        if (weir_summary_less_equal(&path->items[i], s))
            return false;
    for (uint32_t i = 0; i < path->count; i++)
        if (!weir_summary_less_equal(s, &path->items[i]))
            path->items[kept++] = path->items[i];
    if (kept == path->capacity) {
        path->capacity = path->capacity ? 2 * path->capacity : 2;
        path->items = realloc(path->items, path->capacity * sizeof *path->items);
    }
    path->items[kept] = *s;
    path->count = kept + 1;
    return true;
}

void sim_paths_init(sim_paths *paths, uint32_t count, const uint8_t *depth, const sim_arc *arcs,
                    uint32_t arc_count)
{
    paths->count = count;
    paths->of = calloc((size_t)count * count + 1, sizeof *paths->of);
    for (uint32_t v = 0; v < count; v++) {
        weir_summary same = weir_summary_identity(depth[v]);
        path_add(&paths->of[v * count + v], &same);
    }
    for (bool grew = true; grew;) {
        grew = false;
        for (uint32_t v = 0; v < count; v++)
            for (uint32_t a = 0; a < arc_count; a++) {
                struct sim_path *via = &paths->of[v * count + arcs[a].from];
                struct sim_path *to = &paths->of[v * count + arcs[a].to];
                for (uint32_t i = 0; i < via->count; i++) {
                    weir_summary both;
                    if (weir_summary_follow(&via->items[i], &arcs[a].summary, &both))
                        grew |= path_add(to, &both);
                }
            }
    }
}

void sim_paths_fini(sim_paths *paths)
{
    for (size_t i = 0; i < (size_t)paths->count * paths->count; i++)
        free(paths->of[i].items);
    free(paths->of);
    memset(paths, 0, sizeof *paths);
}

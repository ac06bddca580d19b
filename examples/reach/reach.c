/* SPDX-License-Identifier: Apache-2.0
 *
 * A loop: which towns can be reached from one of them, and by how many roads at the least. Shows a
 * scope whose times count rounds, a loop that ends by itself, and a node of one's own in it that is
 * told when a round is complete.
 *
 *     $ reach
 *     town 0: 0 roads
 *     town 1: 1 roads
 *     …
 */
#include <inttypes.h>
#include <stdio.h>

#include <weir/weir.h>

#include "../no_options.h"

#define TOWN(F) F(u64, id) F(u64, roads)
WEIR_RECORD(town, TOWN)

enum { TOWNS = 12, START = 0 };

/* From each town there are roads to the next one and to the one with twice its number; the last
 * three are on an island. */
static void neighbours(const town *t, weir_out(town) out)
{
    uint64_t to[2] = { t->id + 1, 2 * t->id };
    for (int i = 0; i < 2; i++)
        if (to[i] < TOWNS - 3)
            town_emit(out, (town){ to[i], t->roads + 1 });
}
WEIR_FLAT_MAP(neighbours, town, town)

/* Passes a town on with the fewest roads. A worker may hear of a longer way first, so it waits till
 * a round is complete: nothing can come then that has fewer. */
typedef struct visited {
    weir_notify notify;
    uint64_t roads[TOWNS]; /* plus 1; 0: nobody came by */
    bool told[TOWNS];
} visited;

static weir_status visit_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)step;
    (void)ctx;
    *state = weir_alloc_zero(sizeof(visited));
    return *state ? WEIR_OK : weir_error_set(error, WEIR_NO_MEMORY, "no memory for towns");
}

static void visit_fini(void *state)
{
    weir_notify_fini(&((visited *)state)->notify);
    weir_free(state, sizeof(visited));
}

static void visit(weir_step *step, void *state)
{
    visited *v = state;
    for (const weir_batch *batch; (batch = weir_step_take(step, 0));) {
        const town *towns = batch->records;
        for (size_t i = 0; i < batch->count; i++) {
            weir_time at = weir_batch_time(batch, i); /* a batch may have records of several */
            weir_notify_at(&v->notify, step, &at);
            uint64_t *roads = &v->roads[towns[i].id];
            if (*roads == 0 || towns[i].roads + 1 < *roads)
                *roads = towns[i].roads + 1;
        }
    }
    for (weir_time round; weir_notify_next(&v->notify, step, &round);) {
        weir_out(town) out = { weir_step_output(step, 0, &round) };
        for (uint64_t id = 0; id < TOWNS; id++) {
            if (v->told[id] || v->roads[id] != round.at[1] + 1)
                continue;
            v->told[id] = true;
            town_emit(out, (town){ id, round.at[1] });
        }
    }
}

static void build(weir_graph *g, void *ctx)
{
    static const town start = { START, 0 };
    weir_scope *rounds = weir_scope_add(g, NULL, "rounds");
    weir_stream(town) again;
    weir_loop(town) loop = weir_loop_variable(g, town, rounds, &again);
    weir_stream(town) first = weir_to_stream(g, town, &start, 1);
    weir_stream(town) all   = weir_concat(weir_enter(first, rounds), again);
    weir_stream(town) fresh = weir_unary(weir_exchange(all, WEIR_KEY(town, id)), town, visit,
                                         .init = visit_init, .fini = visit_fini,
                                         .interest = WEIR_IF_HOLDING);
    weir_loop_connect(loop, weir_flat_map(fresh, neighbours));
    weir_capture(weir_leave(fresh), (weir_captured *)ctx);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return no_options(argv, "reach");
    weir_error error = { .status = WEIR_OK };
    char text[1600];
    weir_captured *reached = weir_captured_create();
    weir_config config = { .struct_size = sizeof config, .workers = 2 };
    if (!reached || weir_run(&config, build, reached, &error) != WEIR_OK) {
        fprintf(stderr, "reach: %s\n", weir_error_text(&error, text, sizeof text));
        return 1;
    }
    for (uint64_t id = 0; id < TOWNS; id++)
        for (unsigned w = 0; w < config.workers; w++)
            for (size_t i = 0; i < weir_captured_count(reached, w); i++) {
                const town *t = weir_captured_at(reached, w, i).record;
                if (t->id == id)
                    printf("town %" PRIu64 ": %" PRIu64 " roads\n", t->id, t->roads);
            }
    weir_captured_destroy(reached);
    return fflush(stdout) == 0 ? 0 : 1;
}

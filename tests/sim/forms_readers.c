/* SPDX-License-Identifier: Apache-2.0
 *
 * Forms that read traces: one that keeps a trace from forgetting and lets it forget, at random
 * times of its own, and holds what it reads against a list of all that came; a view by the unique
 * key of its collection.
 */
#include <stdlib.h>
#include <string.h>

#include <weir/weir.h>

#include "forms.h"

#define ITEMS(port_) ((weir_stream(item)){ .port = (port_) })

/* ---- a reader that moves on at random: the arrangement is that of all who read by the key ---- */

typedef struct update {
    weir_time time;
    item record;
    int64_t diff;
} update;

typedef struct reading {
    const weir_arrangement *of;
    uint64_t seed;
    unsigned calls; /* in which it moves on at all: then it stays where it is */
} reading;

typedef struct reader {
    weir_trace_reader *reader;
    unsigned depth, calls;
    uint64_t random;
    weir_frontier since;
    update *updates;
    size_t count, capacity;
} reader;

static weir_status reader_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    const reading *what = ctx;
    reader *r = calloc(1, sizeof *r);
    (void)error;
    r->depth = weir_arrangement_depth(what->of);
    r->calls = what->calls;
    r->random = what->seed + weir_step_worker(step);
    weir_trace_reader_spec spec = { .owner = "random",
                                    .depth = r->depth,
                                    .now_ns = weir_step_now_ns(step) };
    r->reader = weir_trace_reader_open(weir_arrangement_trace(what->of, step), &spec);
    weir_frontier_init(&r->since, r->depth);
    weir_frontier_insert(&r->since, &(weir_time){ { 0 } });
    *state = r;
    return WEIR_OK;
}

static void reader_fini(void *state)
{
    reader *r = state;
    weir_trace_reader_close(r->reader);
    weir_frontier_fini(&r->since);
    free(r->updates);
    free(r);
}

static void note_run(reader *r, weir_trace_run *run)
{
    weir_cursor *c = weir_cursor_create(&run, 1);
    while (weir_cursor_next_key(c))
        while (weir_cursor_next_value(c)) {
            update u = { .record = *(const item *)weir_cursor_record(c) };
            while (weir_cursor_next_update(c, &u.time, &u.diff)) {
                if (r->count == r->capacity) {
                    r->capacity = 2 * r->capacity + 64;
                    r->updates = realloc(r->updates, r->capacity * sizeof *r->updates);
                }
                r->updates[r->count++] = u;
            }
        }
    weir_cursor_destroy(c);
}

/* One of the times of since, or somewhat later. */
static weir_time later(reader *r)
{
    weir_time t = weir_frontier_times(&r->since)[test_below(&r->random, r->since.count)];
    for (unsigned i = 0; i < r->depth; i++)
        t.at[i] += test_below(&r->random, 3);
    return t;
}

static void move_on(reader *r)
{
    weir_frontier to;
    weir_frontier_init(&to, r->depth);
    for (uint64_t n = 1 + test_below(&r->random, 2); n > 0; n--) {
        weir_time t = later(r);
        weir_frontier_insert(&to, &t);
    }
    weir_frontier_set(&r->since, &to);
    weir_frontier_fini(&to);
    weir_trace_reader_advance(r->reader, &r->since);
}

/* All that the trace says of a time that it still has to know. */
static bool is_right(reader *r, const weir_time *time)
{
    sim_bag have = { 0 }, want = { 0 };
    weir_trace_run *const *runs;
    size_t count = weir_trace_reader_runs(r->reader, &runs);
    weir_cursor *c = weir_cursor_create(runs, count);
    while (weir_cursor_next_key(c))
        while (weir_cursor_next_value(c)) {
            int64_t sum = 0;
            (void)weir_cursor_sum(c, time, &sum);
            sim_bag_add(&have, *(const item *)weir_cursor_record(c), sum);
        }
    weir_cursor_destroy(c);
    for (size_t i = 0; i < r->count; i++)
        if (weir_time_less_equal(&r->updates[i].time, time, r->depth))
            sim_bag_add(&want, r->updates[i].record, r->updates[i].diff);
    sim_bag_settle(&have);
    sim_bag_settle(&want);
    bool right =
        have.count == want.count &&
        (have.count == 0 || memcmp(have.items, want.items, have.count * sizeof *have.items) == 0);
    sim_bag_fini(&have);
    sim_bag_fini(&want);
    return right;
}

static void reader_step(weir_step *step, void *state)
{
    reader *r = state;
    for (const weir_batch *b; (b = weir_step_take(step, 0));)
        for (size_t i = 0; i < b->count; i++) {
            const weir_run_ref *ref = weir_batch_record(b, i);
            note_run(r, weir_trace_reader_deliver(r->reader, ref->number));
        }
    if (r->calls > 0 && test_below(&r->random, 2) == 0) {
        r->calls--;
        move_on(r);
    }
    weir_time t = later(r);
    char text[100];
    if (!is_right(r, &t))
        weir_step_fail(step, WEIR_FAILED, "a trace says something else of the time %s than came",
                       weir_time_text(&t, r->depth, text, sizeof text));
}

static weir_port *build_reader(const sim_op *op, weir_port *const *in)
{
    if (!in[0])
        return NULL;
    weir_arranged(item) a = op->a % 2 ? weir_arrange(ITEMS(in[0]), WEIR_KEY(item, key))
                                      : weir_arrange_by_self(ITEMS(in[0]));
    weir_graph *g = weir_port_graph(in[0]);
    weir_port *port = weir_arrangement_port(a.arrangement);
    reading *what = weir_graph_alloc(g, sizeof *what);
    *what = (reading){ a.arrangement, op->a * 1000 + op->b * 100, (unsigned)(op->b % 10) };
    weir_node_input input = { .type = weir_run_ref_type(), .interest = WEIR_ALWAYS };
    (void)weir_node_add(g,
                        &(weir_node_spec){ .struct_size = sizeof(weir_node_spec),
                                           .kind = "random_reader",
                                           .input_count = 1,
                                           .inputs = &input,
                                           .ctx = what,
                                           .init = reader_init,
                                           .step = reader_step,
                                           .fini = reader_fini },
                        &port);
    return NULL;
}

/* ---- a view by all fields, of what is there once: shown.c reads it ---- */

static weir_port *build_view_unique(const sim_op *op, weir_port *const *in)
{
    char name[40];
    sim_view_name(op, name, sizeof name);
    if (in[0])
        weir_view_unique(
            ITEMS(weir_port_with_key(in[0], &(weir_key){ .count = 3, .field = { 0, 1, 2 } })), name,
            .no_retention = op->a % 2);
    return NULL;
}

const sim_form sim_forms_readers[] = {
    { "random reader", 1, 0, SIM_LATE, 0, 25, build_reader, sim_nothing, NULL },
    { "view_unique", 1, 0, SIM_LATE | SIM_OUTSIDE, 0, 5, build_view_unique, sim_nothing, NULL },
    { NULL, 0, 0, 0, 0, 0, NULL, NULL, NULL }
};

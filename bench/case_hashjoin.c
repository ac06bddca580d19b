/* SPDX-License-Identifier: Apache-2.0
 *
 * Two streams of rows (key, value) by key: every pair of values that share a key, as soon as the
 * second of them comes. One keyed table: a value in it is the list of a key's values.
 */
#include <stdlib.h>

#include <weir/table.h>

#include "pair.h"

enum { GROUP = 128, NEAR = 13 };

/* The values of one key, the left ones from the front, the right ones from the back; a few lie in
 * the table. With its key it fills two lines of the cache. */
typedef struct values {
    uint32_t count[2];
    uint32_t room; /* 0: NEAR */
    union {
        uint64_t near[NEAR];
        uint64_t *far;
    } u;
} values;

static weir_status join_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)ctx;
    weir_table *table;
    weir_status status = weir_table_create(&table, &(weir_table_options){
        .struct_size = sizeof(weir_table_options), .type = pair_type(),
        .key = { .count = 1, .field = { 0 } }, .value_size = sizeof(values),
        .hash_seed = weir_step_hash_seed(step), .parts = weir_step_workers(step),
        .account = weir_step_account(step) }, error);
    *state = table;
    return status;
}

static void join_fini(void *state)
{
    weir_table_walk walk = weir_table_walk_range(state, 0, UINT64_MAX);
    for (values *v; (v = weir_table_walk_next(&walk));)
        if (v->room)
            free(v->u.far);
    weir_table_destroy(state);
}

/* The list of a key, with room for one more. */
static uint64_t *list_of(values *v, uint32_t *room)
{
    uint64_t *list = v->room ? v->u.far : v->u.near, left = v->count[0], right = v->count[1];
    *room = v->room ? v->room : NEAR;
    if (left + right < *room)
        return list;
    uint64_t *more = malloc(2 * *room * sizeof *more);
    if (!more)
        bench_fail("no memory for the values of a key");
    memcpy(more, list, left * sizeof *more);
    memcpy(more + 2 * *room - right, list + *room - right, right * sizeof *more);
    if (v->room)
        free(list);
    v->u.far = more;
    v->room = *room *= 2;
    return more;
}

static inline void join_row(values *v, unsigned side, uint64_t value, weir_builder *out)
{
    uint32_t room;
    uint64_t *list = list_of(v, &room);
    if (side == 0) {
        for (uint32_t k = room - v->count[1]; k < room; k++)
            *(pair *)weir_builder_next(out, sizeof(pair)) = (pair){ value, list[k] };
        list[v->count[0]++] = value;
    } else {
        for (uint32_t k = 0; k < v->count[0]; k++)
            *(pair *)weir_builder_next(out, sizeof(pair)) = (pair){ list[k], value };
        list[room - ++v->count[1]] = value;
    }
}

static void join_rows(weir_table *table, unsigned side, const pair *rows, size_t n,
                      weir_builder *out)
{
    void *found[GROUP];
    if (weir_table_insert_many(table, rows, NULL, n, found) < n)
        bench_fail("no memory for more keys");
    for (size_t i = 0; i < n; i++) {
        const values *v = found[i];
        __builtin_prefetch(v->room ? v->u.far : &v->u.near[NEAR - 1]);
    }
    for (size_t i = 0; i < n; i++)
        join_row(found[i], side, rows[i].value, out);
}

static void join_step(weir_step *step, void *state)
{
    for (unsigned side = 0; side < 2; side++)
        for (const weir_batch *batch; (batch = weir_step_take(step, side));) {
            weir_builder *out = weir_step_output(step, 0, NULL);
            for (size_t i = 0; i < batch->count; i += GROUP) {
                size_t n = batch->count - i < GROUP ? batch->count - i : GROUP;
                join_rows(state, side, weir_batch_record(batch, i), n, out);
            }
        }
}

static void sum_step(weir_step *step, void *state)
{
    bench_share *share = state;
    for (const weir_batch *batch; (batch = weir_step_take(step, 0));) {
        const pair *pairs = batch->records;
        uint64_t sum = 0;
        for (size_t i = 0; i < batch->count; i++)
            sum += pairs[i].key * pairs[i].value;
        share->answer[0] += batch->count;
        share->answer[1] += sum;
    }
}

static weir_status sum_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)error;
    *state = &((bench_case *)ctx)->shares[weir_step_worker(step)];
    return WEIR_OK;
}

static void build(weir_graph *graph, void *ctx)
{
    bench_case *c = ctx;
    weir_port *ins[2];
    weir_node_input inputs[2];
    for (unsigned side = 0; side < 2; side++) {
        ins[side] = bench_feed_add_of(graph, c, side, pair_type(), pair_fill);
        inputs[side] = (weir_node_input){ .type = pair_type(), .route = WEIR_BY_KEY,
                                          .key = { .count = 1, .field = { 0 } } };
    }
    weir_node_output output = { .type = pair_type() };
    weir_port *joined = weir_node_output_port(weir_node_add(graph, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "join", .input_count = 2,
        .output_count = 1, .inputs = inputs, .outputs = &output, .init = join_init,
        .step = join_step, .fini = join_fini }, ins), 0);
    weir_node_input input = { .type = pair_type() };
    c->probe = weir_probe_add(weir_node_output_port(weir_node_add(graph, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "sum", .input_count = 1,
        .output_count = 1, .inputs = &input, .outputs = &output, .ctx = c, .init = sum_init,
        .step = sum_step }, &joined), 0), "joined");
}

static void run(weir_worker *worker, void *ctx)
{
    bench_case *c = ctx;
    bench_share *share = &c->shares[weir_worker_index(worker)];
    uint64_t left = c->options.records / c->options.workers, round = 0;
    uint64_t batch = c->options.batch / c->options.workers;
    weir_worker_step(worker);
    bench_wait(c, worker, 1);
    pthread_barrier_wait(&c->start);
    double start = bench_seconds();
    while (left) {
        uint64_t n = batch < left ? batch : left;
        bench_feed_round_of(&share->feeds[0], n);
        bench_feed_round_of(&share->feeds[1], n);
        weir_worker_step(worker);
        bench_wait(c, worker, ++round + 1);
        left -= n;
    }
    share->seconds = bench_seconds() - start;
    bench_feed_close_of(&share->feeds[0]);
    bench_feed_close_of(&share->feeds[1]);
}

int main(int argc, char **argv)
{
    static bench_case c;
    c.options = bench_options_read(argc, argv, 1);
    bench_run(&c, build, run);
    bench_answer("%llu %llu", (unsigned long long)bench_total(&c, 0),
                 (unsigned long long)bench_total(&c, 1));
    bench_cost(bench_slowest(&c) * 1e9 / (double)c.options.records / 2, "ns/row");
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * TPC-H as a stream: the rows of the tables that query --kind qN reads come, --batch an epoch, all
 * tables in proportion, each epoch complete before the next; the answer is kept up to date. The
 * queries are those of examples/tpch. What does a row cost, and how long does a batch take?
 */
#include <queries.h>
#include <rows.h>
#include <stdio.h>
#include <stdlib.h>

#include "changes.h"
#include "samples.h"
#include "stored.h"

typedef struct tpch_case {
    bench_case bench;
    const tpch_query *query;
    tpch_rows *rows[TPCH_TABLE_COUNT];
    bench_stored *stored;
    uint64_t all;
    double *batches; /* microseconds of each, as the first worker saw it: it waits for all */
} tpch_case;

static void read_row(const void *table, uint64_t i, void *record)
{
    weir_error error;
    char text[1600];
    if (tpch_rows_read(table, i, record, &error) != WEIR_OK)
        bench_fail("%s", weir_error_text(&error, text, sizeof text));
}

/* ---- the answer ---- */

/* A field as a number: what it is, or the hash of a text. */
static uint64_t number_of(const weir_field *field, const char *record)
{
    const char *at = record + field->offset;
    switch (field->kind) {
    case WEIR_KIND_str:
        return bench_fnv1a(BENCH_FNV_START, weir_str_data((const weir_str *)(const void *)at),
                           ((const weir_str *)(const void *)at)->len);
    case WEIR_KIND_date:
    case WEIR_KIND_i32: {
        int32_t value;
        memcpy(&value, at, sizeof value);
        return (uint64_t)(int64_t)value;
    }
    case WEIR_KIND_u32: {
        uint32_t value;
        memcpy(&value, at, sizeof value);
        return value;
    }
    case WEIR_KIND_i64:
    case WEIR_KIND_u64:
    case WEIR_KIND_decimal: { /* of a decimal: its low half */
        uint64_t value;
        memcpy(&value, at, sizeof value);
        return value;
    }
    default:
        bench_fail("an answer has a field '%s' of kind %s", field->name,
                   weir_kind_name(field->kind));
    }
}

static void answer_step(weir_step *step, void *state)
{
    bench_share *share = state;
    uint64_t row[WEIR_FIELDS_MAX];
    for (const weir_batch *batch; (batch = weir_step_take(step, 0));)
        for (size_t i = 0; i < batch->count; i++) {
            for (uint32_t f = 0; f < batch->type->field_count; f++)
                row[f] = number_of(&batch->type->fields[f], weir_batch_record(batch, i));
            share->answer[0] +=
                bench_row_hash(row, batch->type->field_count) * (uint64_t)weir_batch_diff(batch, i);
        }
}

static weir_status answer_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)error;
    *state = &((bench_case *)ctx)->shares[weir_step_worker(step)];
    return WEIR_OK;
}

static void add_answer(weir_port *in, bench_case *c)
{
    weir_node_input input = { .type = weir_port_type(in), .takes_diffs = true };
    weir_node_output output = { .type = number_type() };
    c->probe =
        weir_probe_add(weir_node_output_port(
                           weir_node_add(weir_port_graph(in),
                                         &(weir_node_spec){ .struct_size = sizeof(weir_node_spec),
                                                            .kind = "answer",
                                                            .input_count = 1,
                                                            .output_count = 1,
                                                            .inputs = &input,
                                                            .outputs = &output,
                                                            .ctx = c,
                                                            .init = answer_init,
                                                            .step = answer_step },
                                         &in),
                           0),
                       "answered");
}

/* ---- the run ---- */

static weir_port *add_table(weir_graph *graph, tpch_case *c, tpch_table table)
{
    if (!c->rows[table])
        return NULL;
    return bench_stored_add(graph, c->stored,
                            &(bench_table){ tpch_table_type(table), read_row, c->rows[table],
                                            tpch_rows_count(c->rows[table]) });
}

static void build(weir_graph *graph, void *ctx)
{
    tpch_case *c = ctx;
    tpch_tables tables = {
        .graph = graph,
#define STREAM(table, FIELDS) .table = { .port = add_table(graph, c, tpch_##table) },
        TPCH_TABLES(STREAM)
#undef STREAM
    };
    add_answer(c->query->answer(&tables), &c->bench);
}

/* The texts of the files are not needed any more; the peer gives them back, too. */
static void close_tables(tpch_case *c)
{
    for (int t = 0; t < TPCH_TABLE_COUNT; t++) {
        tpch_rows_close(c->rows[t]);
        c->rows[t] = NULL;
    }
}

static void run(weir_worker *worker, void *ctx)
{
    tpch_case *c = ctx;
    unsigned index = weir_worker_index(worker);
    bench_wait(&c->bench, worker, BENCH_STREAMING);
    if (index == 0)
        close_tables(c);
    bench_meet(&c->bench, worker);
    double start = bench_seconds();
    double before = start, now = start;
    for (uint64_t epoch = 0; epoch < bench_stored_epochs(c->stored); epoch++, before = now) {
        bench_stored_send(c->stored, index);
        weir_worker_step(worker);
        bench_wait(&c->bench, worker, BENCH_STREAMING + epoch + 1);
        now = bench_seconds();
        if (index == 0)
            c->batches[epoch] = (now - before) * 1e6;
    }
    c->bench.shares[index].seconds = now - start;
}

static void open_tables(tpch_case *c, const char *folder)
{
    weir_error error;
    char text[1600];
    for (int t = 0; t < TPCH_TABLE_COUNT; t++) {
        if (!(c->query->reads >> t & 1))
            continue;
        c->rows[t] = tpch_rows_open(folder, (tpch_table)t, &error);
        if (!c->rows[t])
            bench_fail("%s", weir_error_text(&error, text, sizeof text));
        c->all += tpch_rows_count(c->rows[t]);
    }
}

int main(int argc, char **argv)
{
    static tpch_case c;
    c.bench.options = bench_options_read(argc, argv, 1);
    const char *kind = c.bench.options.kind;
    unsigned query = kind[0] == 'q' ? (unsigned)strtoul(kind + 1, NULL, 10) : 0;
    if (query < 1 || query > TPCH_QUERY_COUNT || !tpch_queries[query - 1].answer)
        bench_fail("--kind '%s': a query is needed, q1 to q%d", kind, TPCH_QUERY_COUNT);
    c.query = &tpch_queries[query - 1];
    open_tables(&c, c.bench.options.data);
    c.stored = bench_stored_create(c.all, c.bench.options.batch);
    c.batches = bench_figures(bench_stored_epochs(c.stored));
    bench_run(&c.bench, build, run);
    bench_answer("%llu", (unsigned long long)bench_total(&c.bench, 0));
    bench_beside("p50", bench_tails(c.batches, bench_stored_epochs(c.stored)));
    free(c.batches);
    bench_cost(bench_slowest(&c.bench) * 1e9 / (double)c.all, "ns/row");
    return 0;
}

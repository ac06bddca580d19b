/* SPDX-License-Identifier: Apache-2.0
 *
 * TPC-H as a stream: its queries, each the one that the specification writes in SQL, kept right
 * while rows of all tables come and go. Rows are read from files and sent as changes, as a plan
 * says; answers are views, which the program writes whenever the plan asks for them, and which
 * anyone may look at over HTTP in between.
 *
 *     $ tpchgen-cli --scale-factor 0.01 --output-dir data
 *     $ tpch --data data --query 6
 *     -- all: query 6, Forecasting Revenue Change
 *     revenue
 *     1193053.2253
 */
#include <stdio.h>

#include <weir/connectors/main.h>

#include "program.h"

/* ---- the graph ---- */

static const char *view_name(weir_graph *g, unsigned query)
{
    char name[8];
    (void)snprintf(name, sizeof name, "q%u", query + 1);
    return weir_graph_text(g, name);
}

static void build(weir_graph *g, void *ctx)
{
    static const weir_key by_first = { .count = 1, .field = { 0 } };
    tpch_program *p = ctx;
    tpch_tables tables = { .graph = g };
    (void)weir_option_str(g, "data", NULL, "folder with the tables: TABLE.tbl or TABLE.csv");
    (void)weir_option_str(g, "query", "all", "1 to 22");
    (void)weir_option_str(g, "changes", NULL, "file with a plan: default: all rows, one answer");
    (void)weir_option_str(g, "answers", NULL, "folder for answers; default: they are printed");
    p->batch = (size_t)weir_option_i64(g, "batch", 1000, "changes in an epoch");
    if ((int64_t)p->batch < 1)
        weir_graph_fail(g, WEIR_INVALID, "--batch", "give a number from 1", "no changes an epoch");
#define ADD_INPUT(table, FIELDS)                                                          \
    if (p->rows[tpch_##table]) {                                                          \
        weir_input(table) rows;                                                           \
        tables.table = weir_input_add(g, table, &rows, .name = #table, .manual = true,    \
                                      .collection = true);                                \
        p->inputs[tpch_##table] = rows.input;                                             \
    }
    TPCH_TABLES(ADD_INPUT)
#undef ADD_INPUT
    if (p->rows[tpch_supplier])
        tables.scale = (double)tpch_rows_count(p->rows[tpch_supplier]) / 10000;
    for (unsigned q = 0; q < TPCH_QUERY_COUNT; q++)
        if (p->queries >> q & 1)
            p->views[q] =
                weir_view_erased(tpch_queries[q].answer(&tables), view_name(g, q), &by_first, NULL);
}

/* ---- before it is built ---- */

static bool find_queries(tpch_program *p, const char *which, weir_error *error)
{
    uint64_t number;
    if (!which || strcmp(which, "all") == 0) {
        p->queries = (1u << TPCH_QUERY_COUNT) - 1;
        return true;
    }
    if (weir_u64_parse(which, strlen(which), &number) != WEIR_OK || number < 1 ||
        number > TPCH_QUERY_COUNT) {
        weir_error_set(error, WEIR_INVALID, "there is no query '%s' in TPC-H", which);
        weir_error_hint(error, "--query 1 to 22, or all");
        return false;
    }
    p->queries = 1u << (number - 1);
    return true;
}

static bool open_rows(tpch_program *p, const char *folder, weir_error *error)
{
    unsigned read = 0;
    for (unsigned q = 0; q < TPCH_QUERY_COUNT; q++)
        if (p->queries >> q & 1)
            read |= tpch_queries[q].reads;
    for (unsigned t = 0; t < TPCH_TABLE_COUNT; t++)
        if (read >> t & 1 && !(p->rows[t] = tpch_rows_open(folder, (tpch_table)t, error)))
            return false;
    return true;
}

static weir_status prepare(weir_main_program *program, void *ctx, weir_error *error)
{
    tpch_program *p = ctx;
    const char *folder = weir_main_option(program, "data");
    p->answers = weir_main_option(program, "answers");
    if (!folder) {
        weir_error_set(error, WEIR_INVALID, "no tables were given");
        weir_error_hint(error, "--data FOLDER; tpchgen-cli makes one");
        return error->status;
    }
    bool ok = find_queries(p, weir_main_option(program, "query"), error) &&
              open_rows(p, folder, error) &&
              tpch_plan_read(&p->plan, weir_main_option(program, "changes"), p->rows, error);
    return ok ? WEIR_OK : error->status;
}

int main(int argc, char **argv)
{
    tpch_program p = { 0 };
    weir_main_config config = {
        .struct_size = sizeof config,
        .about = "Keeps the answers of TPC-H's queries right while rows come and go.",
        .http = "off",
        .log_level = "warn",
        .run = { .struct_size = sizeof config.run, .worker_main = tpch_feed, .ctx = &p },
        .prepare = prepare,
        .hook_ctx = &p,
    };
    int status = weir_main_with(&config, argc, argv, build, &p);
    if (p.error.status != WEIR_OK && status == 0) {
        char text[1600];
        fprintf(stderr, "tpch: %s\n", weir_error_text(&p.error, text, sizeof text));
        status = 1;
    }
    tpch_plan_fini(&p.plan);
    for (int t = 0; t < TPCH_TABLE_COUNT; t++)
        tpch_rows_close(p.rows[t]);
    return status;
}

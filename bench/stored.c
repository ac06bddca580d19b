/* SPDX-License-Identifier: Apache-2.0
 *
 * See stored.h. Of each table one node reads the rows, the rows of an epoch a step at most, so that
 * no batch has rows of two; another keeps the batches, and sends them when it is told to.
 */
#include "stored.h"

#include <stdlib.h>

enum { TABLES_MAX = 8 };

/* What a worker has of a table. */
typedef struct part {
    const struct description *d;
    unsigned worker, workers;
    uint64_t epoch; /* of what is read, then of what is sent; from 0 */
    uint64_t next;  /* row to be read */
    weir_batch **batches;
    size_t count, room, sent;
    uint64_t *ends;   /* batches before each epoch, and of all */
    bool read;        /* all is in memory */
    uint64_t ordered; /* epochs to be sent */
    weir_waker *waker;
} part;

typedef struct description {
    bench_table table;
    bench_stored *stored;
    part parts[WEIR_WORKERS_MAX];
} description;

struct bench_stored {
    uint64_t all, batch, epochs;
    description *tables[TABLES_MAX];
    unsigned count;
};

bench_stored *bench_stored_create(uint64_t all, uint64_t batch)
{
    bench_stored *s = calloc(1, sizeof *s);
    if (!s)
        bench_fail("no memory for the tables");
    *s = (bench_stored){ .all = all, .batch = batch, .epochs = (all + batch - 1) / batch };
    return s;
}

uint64_t bench_stored_epochs(const bench_stored *stored)
{
    return stored->epochs;
}

/* The table's rows that come before an epoch. */
static uint64_t rows_before(const description *d, uint64_t epoch)
{
    const bench_stored *s = d->stored;
    uint64_t all = epoch * s->batch;
    return (all < s->all ? all : s->all) * d->table.rows / s->all;
}

/* Of rows up to `end`, how many are the worker's. */
static uint64_t own_rows(const part *p, uint64_t end)
{
    return (end + p->workers - 1 - p->worker) / p->workers;
}

static void *grown(void *array, size_t *room, size_t size)
{
    *room = *room ? 2 * *room : 64;
    array = realloc(array, *room * size);
    if (!array)
        bench_fail("no memory for the rows of a table");
    return array;
}

/* ---- reading ---- */

static weir_status read_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)error;
    description *d = ctx;
    part *p = &d->parts[weir_step_worker(step)];
    *p = (part){ .d = d,
                 .worker = weir_step_worker(step),
                 .workers = weir_step_workers(step),
                 .next = weir_step_worker(step) };
    p->ends = calloc(d->stored->epochs + 1, sizeof *p->ends);
    if (!p->ends)
        bench_fail("no memory for the rows of a table");
    *state = p;
    return WEIR_OK;
}

/* Strings lie in the batch, so that what they came from need not stay. */
static void copy_strings(const weir_type *type, weir_builder *out, char *record)
{
    for (uint32_t i = 0; type->has_strings && i < type->field_count; i++) {
        if (type->fields[i].kind != WEIR_KIND_str)
            continue;
        weir_str *s = (weir_str *)(void *)(record + type->fields[i].offset);
        if (!weir_str_is_inline(s))
            *s = weir_builder_str(out, s->u.ptr, s->len);
    }
}

static void read_step(weir_step *step, void *state)
{
    part *p = state;
    const bench_table *table = &p->d->table;
    weir_time start = weir_time_1(0);
    if (!weir_cap_held(step, 0))
        return;
    uint64_t end = rows_before(p->d, p->epoch + 1);
    weir_builder *out = weir_step_output(step, 0, &start);
    for (; p->next < end && !weir_step_spent(step); p->next += p->workers) {
        void *record = weir_builder_next(out, table->type->size);
        table->row(table->table, p->next, record);
        copy_strings(table->type, out, record);
    }
    if (p->next >= end && ++p->epoch == p->d->stored->epochs) {
        weir_cap_drop(step, 0);
        return;
    }
    weir_step_again(step);
}

/* ---- keeping and sending ---- */

static weir_status keep_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)error;
    description *d = ctx;
    part *p = &d->parts[weir_step_worker(step)];
    p->waker = weir_step_waker(step);
    *state = p;
    return WEIR_OK;
}

/* All is read: notes which batches each epoch has. */
static void find_ends(part *p)
{
    uint64_t rows = 0;
    size_t batches = 0;
    for (uint64_t e = 1; e <= p->d->stored->epochs; e++) {
        for (uint64_t end = own_rows(p, rows_before(p->d, e)); rows < end; batches++)
            rows += p->batches[batches]->count;
        p->ends[e] = batches;
    }
    p->read = true;
    p->epoch = 0;
}

static void keep_step(weir_step *step, void *state)
{
    part *p = state;
    for (const weir_batch *batch; (batch = weir_step_take(step, 0));) {
        if (p->count == p->room)
            p->batches = grown(p->batches, &p->room, sizeof(weir_batch *));
        p->batches[p->count++] = weir_batch_retain(batch);
    }
    if (!weir_cap_held(step, 0) || !weir_frontier_is_empty(weir_step_frontier(step, 0)))
        return;
    if (!p->read) {
        find_ends(p);
        weir_cap_downgrade(step, 0, &(weir_time){ { BENCH_STREAMING } });
    }
    if (p->epoch == p->ordered)
        return;
    weir_time now = weir_time_1(BENCH_STREAMING + p->epoch);
    for (; p->sent < p->ends[p->epoch + 1]; p->sent++) {
        if (weir_step_spent(step)) {
            weir_step_again(step);
            return;
        }
        weir_step_send(step, 0, p->batches[p->sent], &now);
    }
    if (++p->epoch == p->d->stored->epochs) {
        weir_cap_drop(step, 0);
        return;
    }
    now.at[0]++;
    weir_cap_downgrade(step, 0, &now);
}

static void keep_fini(void *state)
{
    part *p = state;
    for (size_t i = 0; i < p->count; i++)
        weir_batch_release(p->batches[i]);
    free(p->batches);
    free(p->ends);
}

weir_port *bench_stored_add(weir_graph *graph, bench_stored *stored, const bench_table *table)
{
    description *d = weir_graph_alloc(graph, sizeof *d);
    *d = (description){ .table = *table, .stored = stored };
    stored->tables[stored->count++] = d;
    weir_node_output output = { .type = table->type, .collection = true };
    weir_port *rows = weir_node_output_port(
        weir_node_add(graph,
                      &(weir_node_spec){ .struct_size = sizeof(weir_node_spec),
                                         .kind = "read",
                                         .output_count = 1,
                                         .outputs = &output,
                                         .initial_capabilities = true,
                                         .ctx = d,
                                         .init = read_init,
                                         .step = read_step },
                      NULL),
        0);
    weir_node_input input = { .type = table->type,
                              .interest = WEIR_IF_HOLDING,
                              .takes_diffs = true };
    weir_summary none = { .depth = 0 };
    return weir_node_output_port(
        weir_node_add(graph,
                      &(weir_node_spec){ .struct_size = sizeof(weir_node_spec),
                                         .kind = "stored",
                                         .input_count = 1,
                                         .output_count = 1,
                                         .inputs = &input,
                                         .outputs = &output,
                                         .summaries = &none,
                                         .initial_capabilities = true,
                                         .ctx = d,
                                         .init = keep_init,
                                         .step = keep_step,
                                         .fini = keep_fini },
                      &rows),
        0);
}

void bench_stored_send(bench_stored *stored, unsigned worker)
{
    for (unsigned i = 0; i < stored->count; i++) {
        stored->tables[i]->parts[worker].ordered++;
        weir_wake(stored->tables[i]->parts[worker].waker);
    }
}

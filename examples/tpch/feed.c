/* SPDX-License-Identifier: Apache-2.0
 *
 * Carries out the plan: sends rows as changes of their tables, so many an epoch, and when an answer
 * is asked for closes the epoch, waits until the views show it, and writes what they show.
 */
#include "program.h"

#include <errno.h>
#include <stdlib.h>

#include "answers.h"

typedef struct feed {
    tpch_program *program;
    weir_worker *worker;
    weir_input_handle *handles[TPCH_TABLE_COUNT];
    bool *there[TPCH_TABLE_COUNT]; /* of each row: it has come, and has not left */
    void *record;
    uint64_t epoch;
    size_t sent; /* in it */
} feed;

static bool fail(feed *f, weir_status status, const char *what)
{
    weir_error_set(&f->program->error, status, "%s", what);
    return false;
}

static bool start(feed *f)
{
    size_t size = 0;
    for (int t = 0; t < TPCH_TABLE_COUNT; t++) {
        tpch_rows *rows = f->program->rows[t];
        if (!rows)
            continue;
        f->handles[t] = weir__input_open(f->program->inputs[t], weir_worker_index(f->worker));
        f->there[t] = calloc(tpch_rows_count(rows) + 1, sizeof *f->there[t]);
        if (!f->there[t])
            return fail(f, WEIR_NO_MEMORY, "no memory for the rows of a table");
        size_t of_type = tpch_table_type((tpch_table)t)->size;
        size = of_type > size ? of_type : size;
    }
    f->record = malloc(size);
    return f->record || fail(f, WEIR_NO_MEMORY, "no memory for a row");
}

static void end(feed *f)
{
    for (int t = 0; t < TPCH_TABLE_COUNT; t++) {
        if (f->handles[t])
            weir__input_close(f->handles[t]);
        free(f->there[t]);
    }
    free(f->record);
}

/* ---- rows ---- */

static void next_epoch(feed *f)
{
    weir_time next = weir_time_1(++f->epoch);
    for (int t = 0; t < TPCH_TABLE_COUNT; t++)
        if (f->handles[t])
            weir__input_advance_to(f->handles[t], &next);
    f->sent = 0;
}

/* False: the run has ended, or the row is none. */
static bool send_row(feed *f, const tpch_change *change, size_t row)
{
    tpch_program *p = f->program;
    weir_input_handle *handle = f->handles[change->table];
    bool comes = change->verb == TPCH_ADD, *there = &f->there[change->table][row];
    if (*there == comes) {
        weir_error_set(&p->error, WEIR_INVALID, "line %u of the plan: row %zu of %s is %s",
                       change->line, row + 1, tpch_table_name(change->table),
                       comes ? "there already" : "not there");
        return false;
    }
    *there = comes;
    if (tpch_rows_read(p->rows[change->table], row, f->record, &p->error) != WEIR_OK)
        return false;
    weir_status status;
    while ((status = weir__input_send(handle, f->record, comes ? +1 : -1)) == WEIR_FULL) {
        weir__input_flush(handle);
        if (!weir_worker_step(f->worker))
            return false;
    }
    return status == WEIR_OK;
}

static bool send_rows(feed *f, const tpch_change *change)
{
    for (size_t row = change->first; row <= change->last; row += change->step) {
        if (!send_row(f, change, row - 1))
            return false;
        if (++f->sent < f->program->batch)
            continue;
        next_epoch(f);
        if (!weir_worker_step(f->worker))
            return false;
    }
    return true;
}

/* ---- answers ---- */

static bool write_to(feed *f, const char *path, unsigned query)
{
    weir_error *error = &f->program->error;
    FILE *file = fopen(path, "w");
    if (!file) {
        weir_error_set(error, WEIR_IO, "cannot write %s: %s", path, strerror(errno));
        return false;
    }
    bool ok = tpch_answer_write(f->program->views[query], &tpch_queries[query], file, error);
    if (fclose(file) != 0 && ok) {
        weir_error_set(error, WEIR_IO, "cannot write %s: %s", path, strerror(errno));
        return false;
    }
    return ok;
}

/* What all queries say when everything that was sent is in. */
static bool answer(feed *f, const tpch_change *change)
{
    tpch_program *p = f->program;
    char path[4096];
    next_epoch(f);
    for (unsigned q = 0; q < TPCH_QUERY_COUNT; q++) {
        if (!(p->queries >> q & 1))
            continue;
        while (weir_view_upper(p->views[q]) < f->epoch)
            if (!weir_worker_step_or_park(f->worker, 1000000))
                return false;
        if (p->answers) {
            (void)snprintf(path, sizeof path, "%s/%s.q%u", p->answers, change->name, q + 1);
            if (!write_to(f, path, q))
                return false;
            continue;
        }
        printf("-- %s: query %u, %s\n", change->name, q + 1, tpch_queries[q].title);
        if (!tpch_answer_write(p->views[q], &tpch_queries[q], stdout, &p->error))
            return false;
    }
    return true;
}

void tpch_feed(weir_worker *worker, void *ctx)
{
    feed f = { .program = ctx, .worker = worker };
    if (weir_worker_index(worker) != 0)
        return;
    bool ok = start(&f);
    for (size_t i = 0; ok && i < f.program->plan.count; i++) {
        const tpch_change *change = &f.program->plan.changes[i];
        ok = change->verb == TPCH_ANSWER ? answer(&f, change) : send_rows(&f, change);
    }
    end(&f);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * See stored.h. A node reads the rows of a table, some a step, into one block of memory; when it is
 * told to, it lends some of them.
 */
#include "stored.h"

#include <stdlib.h>

enum {
    TABLES_MAX = 8,
    TEXT_ROOM = 1 << 20,   /* for long strings, at once */
    READ_ROWS = 4096,      /* a step */
    LENT_BYTES = 64 << 10, /* a batch, at most */
};

/* Where long strings are. */
typedef struct text {
    struct text *next;
    size_t used;
    char room[TEXT_ROOM];
} text;

/* What a worker has of a table. */
typedef struct part {
    weir_pin pin; /* first: of this */
    const struct description *d;
    unsigned worker, workers;
    char *rows;
    text *texts;
    uint64_t count, read;          /* rows, and of them those that are in memory */
    uint64_t sent, epoch, ordered; /* rows; epochs, from 0, and those to be sent */
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

/* ---- reading ---- */

static void forget(weir_pin *pin)
{
    part *p = (part *)pin;
    for (text *t = p->texts, *next; t; t = next) {
        next = t->next;
        free(t);
    }
    free(p->rows);
}

static weir_status init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)error;
    description *d = ctx;
    part *p = *state = &d->parts[weir_step_worker(step)];
    *p = (part){ .pin = { .refs = 1, .release = forget },
                 .d = d,
                 .worker = weir_step_worker(step),
                 .workers = weir_step_workers(step),
                 .waker = weir_step_waker(step) };
    p->count = own_rows(p, d->table.rows);
    p->rows = malloc((p->count + 1) * d->table.type->size);
    if (!p->rows)
        bench_fail("no memory for the rows of a table");
    return WEIR_OK;
}

static char *text_room(part *p, size_t len)
{
    if (!p->texts || TEXT_ROOM - p->texts->used < len) {
        text *new = malloc(sizeof *new);
        if (!new || len > TEXT_ROOM)
            bench_fail("no memory for a text of %zu bytes", len);
        new->next = p->texts;
        new->used = 0;
        p->texts = new;
    }
    p->texts->used += len;
    return p->texts->room + p->texts->used - len;
}

/* So that what strings came from need not stay. */
static void copy_strings(part *p, const weir_type *type, char *record)
{
    for (uint32_t i = 0; type->has_strings && i < type->field_count; i++) {
        if (type->fields[i].kind != WEIR_KIND_str)
            continue;
        weir_str *s = (weir_str *)(void *)(record + type->fields[i].offset);
        if (!weir_str_is_inline(s))
            *s = weir_str_view(memcpy(text_room(p, s->len), s->u.ptr, s->len), s->len);
    }
}

/* True: all is in memory. */
static bool read_rows(part *p)
{
    const bench_table *table = &p->d->table;
    for (unsigned i = 0; i < READ_ROWS && p->read < p->count; i++, p->read++) {
        char *row = p->rows + p->read * table->type->size;
        table->row(table->table, p->worker + p->read * p->workers, row);
        copy_strings(p, table->type, row);
    }
    return p->read == p->count;
}

/* ---- sending ---- */

/* False: the step is spent before all rows of the epoch have gone. */
static bool send_rows(part *p, weir_step *step)
{
    size_t size = p->d->table.type->size, most = LENT_BYTES / size;
    weir_time now = weir_time_1(BENCH_STREAMING + p->epoch);
    uint64_t end = own_rows(p, rows_before(p->d, p->epoch + 1));
    while (p->sent < end && !weir_step_spent(step)) {
        weir_lent lent = { p->rows + p->sent * size, end - p->sent, &p->pin };
        lent.count = lent.count < most ? lent.count : most;
        weir_step_lend(step, 0, &lent, &now);
        p->sent += lent.count;
    }
    return p->sent == end;
}

static void step(weir_step *step, void *state)
{
    part *p = state;
    if (!weir_cap_held(step, 0))
        return;
    if (weir_cap_time(step, 0).at[0] < BENCH_STREAMING) {
        if (read_rows(p))
            weir_cap_downgrade(step, 0, &(weir_time){ { BENCH_STREAMING } });
        weir_step_again(step);
        return;
    }
    if (p->epoch == p->ordered)
        return;
    if (!send_rows(p, step)) {
        weir_step_again(step);
    } else if (++p->epoch == p->d->stored->epochs) {
        weir_cap_drop(step, 0);
    } else {
        weir_time next = weir_time_1(BENCH_STREAMING + p->epoch);
        weir_cap_downgrade(step, 0, &next);
        if (p->epoch < p->ordered)
            weir_step_again(step);
    }
}

static void fini(void *state)
{
    weir_pin_release(&((part *)state)->pin);
}

weir_port *bench_stored_add(weir_graph *graph, bench_stored *stored, const bench_table *table)
{
    description *d = weir_graph_alloc(graph, sizeof *d);
    *d = (description){ .table = *table, .stored = stored };
    stored->tables[stored->count++] = d;
    weir_node_output output = { .type = table->type, .collection = true };
    return weir_node_output_port(
        weir_node_add(graph,
                      &(weir_node_spec){ .struct_size = sizeof(weir_node_spec),
                                         .kind = "stored",
                                         .output_count = 1,
                                         .outputs = &output,
                                         .initial_capabilities = true,
                                         .ctx = d,
                                         .init = init,
                                         .step = step,
                                         .fini = fini },
                      NULL),
        0);
}

void bench_stored_send(bench_stored *stored, unsigned worker)
{
    for (unsigned i = 0; i < stored->count; i++) {
        stored->tables[i]->parts[worker].ordered++;
        weir_wake(stored->tables[i]->parts[worker].waker);
    }
}

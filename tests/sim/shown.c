/* SPDX-License-Identifier: Apache-2.0
 *
 * Readers of views, at any moment between two turns of workers: what one sees is what the view's
 * stream holds at the reader's time, from scratch; it stays so until the reader moves on, whatever
 * has come, was merged or was removed meanwhile. In runs of one process: of several, answers would
 * have to be waited for.
 */
#include <string.h>

#include <weir/weir.h>

#include "forms.h"

enum { ENDED = 1000 }; /* an epoch after which nothing changes any more */

void sim_view_name(const sim_op *op, char *name, size_t size)
{
    snprintf(name, size, "view%zu", (size_t)(uintptr_t)op);
}

static bool is_view(const sim_op *op)
{
    return op->kind == SIM_FORM && strncmp(op->form->name, "view", 4) == 0;
}

/* One of all that there are; NULL: there is none. */
static const sim_op *choose(sim_run *run, sim_flow **flow)
{
    const sim_op *chosen = NULL;
    unsigned views = 0;
    for (unsigned f = 0; f < run->flow_count; f++)
        for (unsigned i = 0; i < run->flows[f].plan.op_count; i++)
            if (is_view(&run->flows[f].plan.ops[i]) && test_below(&run->random, ++views) == 0) {
                chosen = &run->flows[f].plan.ops[i];
                *flow = &run->flows[f];
            }
    return chosen;
}

static void open_one(sim_run *run)
{
    sim_shown *shown = &run->shown;
    char name[40];
    shown->op = choose(run, &shown->flow);
    if (!shown->op) {
        shown->none = true;
        return;
    }
    sim_view_name(shown->op, name, sizeof name);
    shown->view = weir_views_find(weir_runtime_views(run->process[0].runtime), name);
    if (!shown->view)
        return;
    weir_error error = { .status = WEIR_OK };
    weir_status status = weir_view_reader_open(shown->view, "sim", &shown->reader, &error);
    if (status == WEIR_OK)
        return;
    if (status != WEIR_NOT_READY && status != WEIR_CLOSED)
        sim_fail(run, "a view cannot be read: %s", error.what);
    weir_view_release(shown->view);
    shown->view = NULL;
}

static bool add_row(const weir_view_row *row, void *ctx)
{
    sim_bag_add(ctx, *(const item *)row->record, row->diff);
    return true;
}

static void check(sim_run *run, weir_status status, sim_bag *have, uint64_t from, uint64_t key)
{
    const sim_shown *shown = &run->shown;
    uint64_t time = weir_view_reader_time(shown->reader);
    sim_wanted wanted = { .stream = shown->op->in[0], .key = key,
                          .time = weir_time_1(time < ENDED ? time : ENDED),
                          .after = weir_time_1(from), .is_change = from != SIM_ALL };
    char text[400];
    sim_bag_settle(have);
    if (status != WEIR_OK)
        sim_fail(run, "a view gives %s", weir_status_name(status));
    else if (sim_scratch_is_not(shown->flow, &wanted, have, text, sizeof text))
        sim_fail(run, "flow %u: a reader of a view, %s", shown->flow->number, text);
    have->count = 0;
}

static void read(sim_run *run)
{
    weir_view_reader *reader = run->shown.reader;
    sim_bag bag = { 0 };
    weir_view_place place = { 0 };
    weir_status status = WEIR_OK;
    size_t limit = test_below(&run->random, 5); /* 0: all at once */
    while (status == WEIR_OK && !place.ended)
        status = weir_view_reader_scan(reader, &place, limit, add_row, &bag);
    check(run, status, &bag, SIM_ALL, SIM_ALL);
    uint64_t since = weir_view_reader_since(reader);
    if (since <= weir_view_reader_time(reader))
        check(run, weir_view_reader_changes(reader, since, NULL, add_row, &bag), &bag,
              since < ENDED ? since : ENDED, SIM_ALL);
    item key = { .key = test_below(&run->random, 5) };
    const weir_key *by = weir_view_key(run->shown.view);
    if (by->count == 1 && by->field[0] == 0)
        check(run, weir_view_reader_lookup(reader, &key, add_row, &bag), &bag, SIM_ALL, key.key);
    sim_bag_fini(&bag);
}

void sim_shown_close(sim_run *run)
{
    sim_shown *shown = &run->shown;
    weir_view_reader_close(shown->reader);
    weir_view_release(shown->view);
    shown->reader = NULL;
    shown->view = NULL;
}

void sim_shown_look(sim_run *run)
{
    sim_shown *shown = &run->shown;
    if (shown->none || !run->plan->collections || run->plan->processes > 1 ||
        test_below(&run->random, 4) != 0)
        return;
    if (!shown->reader)
        open_one(run);
    else if (test_below(&run->random, 3) == 0)
        weir_view_reader_refresh(shown->reader);
    if (!shown->reader)
        return;
    read(run);
    run->outcome->shown++;
    if (test_below(&run->random, 4) == 0)
        sim_shown_close(run);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * See round.h.
 */
#include "round.h"

#include <string.h>

/* Room for changes that is kept from one round to the next. */
enum { KEPT_BYTES = 64 << 10 };

weir_port *weir__round_node(const weir__round_spec *spec)
{
    weir_port *runs = weir_arrangement_port(spec->in);
    weir_node_input input = { .type = weir_run_ref_type(), .interest = WEIR_IF_HOLDING };
    weir_node_output output = { .type = spec->out, .collection = true };
    weir_node_spec node = { .struct_size = sizeof node,
                            .kind = spec->kind,
                            .input_count = 1,
                            .output_count = 1,
                            .inputs = &input,
                            .outputs = &output,
                            .deterministic = true,
                            .state_kind = WEIR_STATE_KEYED,
                            .ctx = spec->ctx,
                            .init = spec->init,
                            .step = spec->step,
                            .fini = spec->fini };
    return weir_node_output_port(weir_node_add(weir_port_graph(runs), &node, &runs), 0);
}

weir_metric *weir__round_metric(weir_step *step)
{
    return weir_step_metric(
        step, &(weir_metric_spec){ "weir_group_values_total",
                                   "Values of groups that were looked at", WEIR_COUNTER, NULL });
}

static void drop_cursors(weir__round *r)
{
    weir_cursor_destroy(r->fresh);
    weir_cursor_destroy(r->all);
    weir_trace_runs_release(r->list);
    r->fresh = r->all = NULL;
    r->list = NULL;
    r->working = false;
}

weir_status weir__round_init(weir__round *r, weir_step *step, weir_arrangement *in,
                             weir_error *error)
{
    weir__pending_spec pending = { weir_arrangement_type(in), weir_arrangement_key(in), .depth = 1,
                                   .outputs = 1 };
    weir_trace_reader_spec reader = { .owner = weir_step_name(step),
                                      .now_ns = weir_step_now_ns(step),
                                      .eager = true };
    weir_status status = weir__pending_init(&r->pending, step, &pending, error);
    if (status != WEIR_OK)
        return status;
    r->metric = weir__round_metric(step);
    r->in = weir_trace_reader_open(weir_arrangement_trace(in, step), &reader);
    if (!r->in)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for a trace");
    return WEIR_OK;
}

void weir__round_fini(weir__round *r)
{
    drop_cursors(r);
    weir__pending_fini(&r->pending);
    weir_trace_reader_close(r->in);
}

/* Makes the earliest epoch that waits ready, if it is complete. */
static bool take(weir__round *r, const weir_frontier *frontier)
{
    const weir__times *waits = &r->pending.waits;
    if (waits->count == 0 || weir_frontier_less_equal(frontier, weir__times_time(waits, 0)))
        return false;
    weir_frontier upper;
    weir_frontier_init(&upper, 1);
    r->time = *weir__times_time(waits, 0);
    if (r->time.at[0] < UINT64_MAX)
        weir_frontier_insert(&upper, &(weir_time){ { r->time.at[0] + 1 } });
    weir__pending_take(&r->pending, &upper);
    weir_frontier_fini(&upper);
    return true;
}

weir_status weir__round_begin(weir__round *r, weir_step *step, weir_trace_reader *own)
{
    weir__pending_take_runs(&r->pending, step, r->in);
    const weir_frontier *frontier = weir_step_frontier(step, 0);
    if (!take(r, frontier)) {
        weir__pending_advance(&r->pending, frontier, r->in, own);
        return WEIR_OK;
    }
    r->working = true;
    r->asked = 0;
    const weir__pending_time *ready = weir__pending_ready(&r->pending, 0);
    r->fresh = weir_cursor_create(ready->runs, ready->run_count);
    r->list = weir_trace_reader_list(r->in);
    if (r->list)
        r->all = weir_cursor_create(r->list->runs, r->list->count);
    return r->fresh && r->all ? WEIR_OK : WEIR_NO_MEMORY;
}

bool weir__round_next_key(weir__round *r, weir_cursor *other)
{
    uint64_t hashes[WEIR_CURSOR_ASK_MAX];
    if (r->asked == 0) {
        size_t count = weir_cursor_peek(r->fresh, hashes, WEIR_CURSOR_ASK_MAX);
        weir_cursor_ask(r->all, hashes, count);
        if (other)
            weir_cursor_ask(other, hashes, count);
        r->asked = count ? count : WEIR_CURSOR_ASK_MAX;
    }
    r->asked--;
    return weir_cursor_next_key(r->fresh);
}

static size_t room_of(const weir__round_changes *c, size_t capacity)
{
    return capacity * (c->size + sizeof *c->diffs);
}

static char *add(weir__round_changes *c)
{
    if (c->count == c->capacity) {
        size_t capacity = 2 * c->capacity + 8;
        c->records = weir_realloc_must(c->records, c->capacity * c->size, capacity * c->size);
        c->diffs = weir_realloc_must(c->diffs, c->capacity * sizeof *c->diffs,
                                     capacity * sizeof *c->diffs);
        weir_account_add(c->account, (int64_t)(room_of(c, capacity) - room_of(c, c->capacity)));
        c->capacity = capacity;
    }
    return c->records + c->count++ * c->size;
}

weir_status weir__round_read(weir__round *r, weir__round_changes *changes)
{
    if (changes->all)
        changes->count = 0;
    changes->all = false;
    for (int i = 0; i < WEIR__ROUND_READ; i++) {
        if (!weir_cursor_next_value(r->fresh)) {
            changes->all = true;
            break;
        }
        memcpy(add(changes), weir_cursor_record(r->fresh), changes->size);
        if (!weir_cursor_sum(r->fresh, &r->time, &changes->diffs[changes->count - 1]))
            return WEIR_OVERFLOWED;
    }
    return WEIR_OK;
}

void weir__round_changes_fini(weir__round_changes *c)
{
    weir_free(c->records, c->capacity * c->size);
    weir_free(c->diffs, c->capacity * sizeof *c->diffs);
    weir_account_add(c->account, -(int64_t)room_of(c, c->capacity));
    *c = (weir__round_changes){ .size = c->size, .account = c->account };
}

void weir__round_end(weir__round *r, weir_step *step, weir__round_changes *changes)
{
    if (!r->working)
        return;
    if (changes && room_of(changes, changes->capacity) > KEPT_BYTES)
        weir__round_changes_fini(changes);
    else if (changes)
        changes->count = 0;
    weir__pending_done(&r->pending, step);
    drop_cursors(r);
}

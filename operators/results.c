/* SPDX-License-Identifier: Apache-2.0
 *
 * See results.h.
 */
#include "results.h"

#include <string.h>
#include <weir/observe.h>

#include "owned.h"

/* A run has so many updates at most, or ends with so many bytes of records: the fewer a large round
 * makes, the less there is to be merged; a builder that has become large is not kept. */
enum { RUN_UPDATES = 256 << 10, RUN_BYTES = 16 << 20, KEPT_UPDATES = 64 << 10 };

weir_status weir__results_init(weir__results *r, weir_step *step, weir__arranged *what,
                               weir_error *error)
{
    *r = (weir__results){ .what = what,
                          .worker = weir_step_worker(step),
                          .account = weir_step_account(step) };
    for (unsigned o = 0; o < WEIR__RESULT_OUTPUTS; o++)
        r->sends |= (unsigned)weir_step_output_is_read(step, o) << o;
    weir_shape_spec spec = { .type = what->type,
                             .key = what->spec.key,
                             .depth = what->depth,
                             .seed = weir_step_hash_seed(step) };
    weir_status status = weir_shape_create(&r->shape, &spec, error);
    if (status != WEIR_OK)
        return status;
    weir_trace_reader_spec reader = { .owner = weir_step_name(step),
                                      .depth = what->depth,
                                      .now_ns = weir_step_now_ns(step) };
    r->trace = weir_trace_create(r->shape, r->account, weir_step_name(step));
    what->traces[r->worker] = r->trace;
    if (r->trace)
        weir__runs_watch(r->trace, step);
    if (r->trace && weir_step_show_trace(step, r->trace) == WEIR_OK)
        r->reader = weir_trace_reader_open(r->trace, &reader);
    return r->reader ? WEIR_OK : weir_error_set(error, WEIR_NO_MEMORY, "no memory for a trace");
}

void weir__results_fini(weir__results *r)
{
    if (!r->what)
        return;
    for (uint32_t i = 0; i < r->front_capacity; i++)
        weir_trace_builder_destroy(r->fronts[i].builder);
    weir_free(r->fronts, r->front_capacity * sizeof *r->fronts);
    weir_trace_reader_close(r->reader);
    r->what->traces[r->worker] = NULL;
    if (r->trace)
        weir__runs_leave(r->trace);
    weir_trace_release(r->trace);
    weir_shape_release(r->shape);
}

void weir__results_begin(weir__results *r, const weir__times *ready)
{
    r->front_count = 0;
    for (uint32_t i = 0; i < ready->count; i++) { /* ascending: what is before it came already */
        const weir_time *time = weir__times_time(ready, i);
        bool is_front = true;
        for (uint32_t k = 0; k < r->front_count && is_front; k++)
            is_front = !weir_time_less_equal(&r->fronts[k].time, time, r->what->depth);
        if (!is_front)
            continue;
        if (r->front_count == r->front_capacity) {
            uint32_t capacity = 2 * r->front_capacity + 1;
            r->fronts = weir_realloc_must(r->fronts, r->front_capacity * sizeof *r->fronts,
                                          capacity * sizeof *r->fronts);
            memset(&r->fronts[r->front_capacity], 0,
                   (capacity - r->front_capacity) * sizeof *r->fronts);
            r->front_capacity = capacity;
        }
        r->fronts[r->front_count++].time = *time;
    }
}

static weir__result_front *front_for(const weir__results *r, const weir_time *time)
{
    uint32_t i = 0;
    while (!weir_time_less_equal(&r->fronts[i].time, time, r->what->depth))
        i++; /* there is one */
    return &r->fronts[i];
}

static weir_status build_run(weir__results *r, weir_step *step, weir__result_front *f)
{
    weir_trace_run *made;
    uint64_t number;
    size_t updates = f->builder ? weir_trace_builder_count(f->builder) : 0;
    if (updates == 0)
        return WEIR_OK;
    bool is_large = updates > KEPT_UPDATES || weir_trace_builder_bytes(f->builder) >= RUN_BYTES;
    weir_status status = weir_trace_builder_build(f->builder, &made);
    if (is_large) {
        weir_trace_builder_destroy(f->builder);
        f->builder = NULL;
    }
    if (status != WEIR_OK || !made)
        return status;
    status = weir_trace_append(r->trace, made, &number);
    if (status != WEIR_OK) {
        weir_trace_run_release(made);
        return status;
    }
    weir_trace_reader_deliver(r->reader, number);
    r->appended += updates;
    if (!(r->sends >> WEIR__RESULT_RUNS & 1))
        return WEIR_OK;
    r->open = NULL;
    weir_builder *out = weir_step_output(step, WEIR__RESULT_RUNS, &f->time);
    *(weir_run_ref *)weir_builder_next(out, sizeof(weir_run_ref)) = (weir_run_ref){ number };
    return WEIR_OK;
}

/* Notes a correction for the trace. */
static weir_status keep(weir__results *r, weir_step *step, const weir_history_update *u,
                        const void *record, uint64_t hash)
{
    weir__result_front *f = front_for(r, &u->time);
    if (!f->builder)
        f->builder = weir_trace_builder_create(r->shape, r->account);
    weir_updates updates = {
        .records = record, .count = 1, .hashes = &hash, .diffs = &u->diff, .time = u->time
    };
    weir_status status = f->builder ? weir_trace_builder_add(f->builder, &updates) : WEIR_NO_MEMORY;
    if (status != WEIR_OK || (weir_trace_builder_count(f->builder) < RUN_UPDATES &&
                              weir_trace_builder_bytes(f->builder) < RUN_BYTES))
        return status;
    return build_run(r, step, f);
}

/* Sends a correction as a change. */
static void send(weir__results *r, weir_step *step, const weir_history_update *u,
                 const void *record)
{
    const weir__result_front *f = front_for(r, &u->time);
    if (f != r->open)
        r->out = weir_step_output(step, WEIR__RESULTS, &f->time);
    r->open = f;
    weir_builder_set_time(r->out, &u->time);
    weir_builder_set_diff(r->out, u->diff);
    weir__emit_copy(r->out, record);
}

weir_status weir__results_put(weir__results *r, weir_step *step, const weir__correct *c,
                              uint64_t hash)
{
    size_t count;
    weir_status status = WEIR_OK;
    const weir_history_update *u = weir_history_corrections(&c->history, &count);
    for (size_t i = 0; i < count && status == WEIR_OK; i++) {
        const void *record = weir__correct_result(c, u[i].value);
        status = keep(r, step, &u[i], record, hash);
        if (r->sends >> WEIR__RESULTS & 1)
            send(r, step, &u[i], record);
    }
    return status;
}

weir_status weir__results_end(weir__results *r, weir_step *step)
{
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < r->front_count && status == WEIR_OK; i++)
        status = build_run(r, step, &r->fronts[i]);
    return status;
}

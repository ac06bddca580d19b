/* SPDX-License-Identifier: Apache-2.0
 *
 * A source of batches whose records have times of their own, which operators make only by keeping
 * several epochs together: numbers i from 0 to count - 1 at time i % 7, ten batches, with the diff
 * i % 3 - 1.
 */
#ifndef WEIR_TESTS_OPERATORS_TIMED_H
#define WEIR_TESTS_OPERATORS_TIMED_H

#include <weir/weir.h>

#include "dataflow/instance.h"

#define TIMED(F) F(u64, i) F(str, name)
WEIR_RECORD(timed, TIMED)

static const char timed_text[] = "a text that begins with names of many lengths, some long";

enum { TIMED_COUNT = 210, TIMED_PARTS = 10 };

static inline uint64_t timed_time(uint64_t i) { return i % 7; }
static inline int64_t timed_diff(uint64_t i) { return (int64_t)(i % 3) - 1; }

static weir_batch *timed_batch(const weir_step *step, uint64_t first, uint64_t end)
{
    weir__pool *pool = step->context->pool;
    weir_batch *batch = weir__batch_create(timed_type(), 1);
    batch->count = end - first;
    batch->record_buffer = weir__pool_get(pool, batch->count * sizeof(timed));
    batch->time_buffer = weir__pool_get(pool, batch->count * sizeof(uint64_t));
    batch->diff_buffer = weir__pool_get(pool, batch->count * sizeof(int64_t));
    timed *records = weir__buffer_data(batch->record_buffer);
    uint64_t *times = weir__buffer_data(batch->time_buffer);
    int64_t *diffs = weir__buffer_data(batch->diff_buffer);
    for (uint64_t i = first; i < end; i++) {
        records[i - first] = (timed){ i, weir_str_view(timed_text, i % 40) };
        times[i - first] = timed_time(i);
        diffs[i - first] = timed_diff(i);
    }
    batch->records = records;
    batch->times = times;
    batch->diffs = diffs;
    weir__batch_charge(batch);
    return batch;
}

static void timed_step(weir_step *step, void *state)
{
    (void)state;
    if (!weir_cap_held(step, 0))
        return;
    for (uint64_t part = weir_step_worker(step); part < TIMED_PARTS;
         part += weir_step_workers(step)) {
        weir_batch *batch = timed_batch(step, part * TIMED_COUNT / TIMED_PARTS,
                                        (part + 1) * TIMED_COUNT / TIMED_PARTS);
        weir_step_send(step, 0, batch, NULL);
        weir_batch_release(batch);
    }
    weir_cap_drop(step, 0);
}

static inline weir_stream(timed) timed_source(weir_graph *g)
{
    weir_node_output output = { .type = timed_type(), .collection = true };
    weir_node *node = weir_node_add(g, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "timed", .output_count = 1,
        .outputs = &output, .initial_capabilities = true, .step = timed_step }, NULL);
    return (weir_stream(timed)){ .port = weir_node_output_port(node, 0) };
}

#endif

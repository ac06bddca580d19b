/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the harness share: the environment that it runs workers in, and its inputs and
 * outputs.
 */
#ifndef WEIR_TESTS_HARNESS_H
#define WEIR_TESTS_HARNESS_H

#include <weir/memory.h>
#include <weir/node.h>
#include <weir/operators/capture.h>
#include <weir/test.h>

#include "env/env.h"

/* ---- env.c: workers of one thread, a virtual clock, channels with delays ---- */

typedef struct weir__test_env weir__test_env;
weir__test_env *weir__test_env_create(unsigned workers, uint64_t seed, bool delays);
/* Frees what is still under way in logs; batches in mail are the runtime's to drain. */
void weir__test_env_destroy(weir__test_env *env);
weir_env *weir__test_env_table(weir__test_env *env);
struct weir__test_disk *weir__test_env_disk(weir__test_env *env);
/* Whether nothing is under way between workers, and nothing was held back since the last call. */
bool weir__test_env_is_quiet(weir__test_env *env);
/* From now on everything arrives at once. */
void weir__test_env_stop_delays(weir__test_env *env);
void weir__test_env_pass_time(weir__test_env *env, uint64_t ns);
uint64_t weir__test_env_random(weir__test_env *env);

/* ---- inputs ---- */

/* Something to be done by an input's node: emit a record, move on, or end. */
typedef struct weir__test_push {
    struct weir__test_push *next;
    enum { WEIR__TEST_RECORD, WEIR__TEST_ADVANCE, WEIR__TEST_CLOSE } what;
    uint64_t epoch;
    int64_t diff;
    size_t size; /* of this block */
    _Alignas(16) char record[]; /* and its strings behind it */
} weir__test_push;

/* An input on one worker. */
typedef struct weir__test_input_part {
    const weir_type *type;
    uint64_t epoch; /* of its frontier once all is done */
    bool closed;
    weir__test_push *first, *last;
    weir_waker *waker;
} weir__test_input_part;

typedef struct weir__test_inlet {
    const weir_type *type;
    bool collection;
    unsigned turn; /* the worker that gets the next record */
    weir__test_input_part *parts;
} weir__test_inlet;

weir_port *weir__test_inlet_add(weir_graph *graph, weir__test_inlet *inlet, unsigned workers);
void weir__test_inlet_fini(weir__test_inlet *inlet, unsigned workers);
/* Appends and wakes the node. record is copied if there is one. */
void weir__test_inlet_put(weir__test_inlet *inlet, unsigned worker, const weir__test_push *push,
                          const void *record);

/* ---- outputs ---- */

typedef struct weir__test_outlet {
    weir_dataflow *dataflow;
    weir_captured *captured;
    size_t *seen; /* by worker: how many of its entries have been gathered */
    weir_test_change *changes; /* not taken yet, in order */
    size_t change_count, change_capacity;
    char *text;
    size_t text_size, text_capacity;
    weir_frontier frontier;
} weir__test_outlet;

weir__test_outlet *weir__test_outlet_create(weir_port *port);
void weir__test_outlet_destroy(weir__test_outlet *outlet);
/* Brings `changes` up to date. */
void weir__test_outlet_gather(weir__test_outlet *outlet);
const char *weir__test_outlet_take(weir__test_outlet *outlet, bool sums);
const char *weir__test_outlet_frontier(weir__test_outlet *outlet);
/* Whether all workers know the same frontier. */
bool weir__test_outlet_agrees(weir__test_outlet *outlet);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Outputs of a test: what was captured, in an order that does not depend on the run, as text.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

enum { FRONTIER_TEXT = 4096 };

weir__test_outlet *weir__test_outlet_create(weir_port *port)
{
    weir__test_outlet *outlet = weir_alloc_must(sizeof *outlet);
    memset(outlet, 0, sizeof *outlet);
    outlet->dataflow = weir_graph_dataflow(weir_port_graph(port));
    outlet->captured = weir_captured_create();
    weir__capture(port, outlet->captured, NULL);
    unsigned workers = outlet->captured ? weir_captured_workers(outlet->captured) : 0;
    outlet->seen = weir_alloc_must(workers * sizeof *outlet->seen);
    if (workers)
        memset(outlet->seen, 0, workers * sizeof *outlet->seen);
    weir_frontier_init(&outlet->frontier, weir_port_depth(port));
    return outlet;
}

void weir__test_outlet_destroy(weir__test_outlet *outlet)
{
    unsigned workers = outlet->captured ? weir_captured_workers(outlet->captured) : 0;
    weir_free(outlet->seen, workers * sizeof *outlet->seen);
    weir_free(outlet->changes, outlet->change_capacity * sizeof *outlet->changes);
    weir_free(outlet->text, outlet->text_capacity);
    weir_frontier_fini(&outlet->frontier);
    weir_captured_destroy(outlet->captured);
    weir_dataflow_release(outlet->dataflow);
    weir_free(outlet, sizeof *outlet);
}

/* ---- gathering ---- */

static int compare(const void *a, const void *b, void *ctx)
{
    const weir__test_outlet *outlet = ctx;
    const weir_test_change *x = a, *y = b;
    unsigned depth = weir_captured_depth(outlet->captured);
    int order = weir_time_compare(&x->time, &y->time, depth);
    if (order == 0)
        order = weir_record_compare(weir_captured_type(outlet->captured), x->record, y->record);
    if (order == 0)
        order = (x->diff > y->diff) - (x->diff < y->diff);
    return order ? order : (x->worker > y->worker) - (x->worker < y->worker);
}

static void add(weir__test_outlet *outlet, const weir_capture_entry *entry, unsigned worker)
{
    if (outlet->change_count == outlet->change_capacity) {
        size_t old = outlet->change_capacity, capacity = old ? old * 2 : 64;
        outlet->changes = weir_realloc_must(outlet->changes, old * sizeof *outlet->changes,
                                            capacity * sizeof *outlet->changes);
        outlet->change_capacity = capacity;
    }
    outlet->changes[outlet->change_count++] =
        (weir_test_change){ entry->record, entry->time, entry->diff, worker };
}

void weir__test_outlet_gather(weir__test_outlet *outlet)
{
    bool grew = false;
    for (unsigned w = 0; w < weir_captured_workers(outlet->captured); w++) {
        size_t count = weir_captured_count(outlet->captured, w);
        grew = grew || outlet->seen[w] < count;
        for (; outlet->seen[w] < count; outlet->seen[w]++) {
            weir_capture_entry entry = weir_captured_at(outlet->captured, w, outlet->seen[w]);
            add(outlet, &entry, w);
        }
    }
    if (grew)
        qsort_r(outlet->changes, outlet->change_count, sizeof *outlet->changes, compare, outlet);
}

/* ---- texts ---- */

static char *text_room(weir__test_outlet *outlet, size_t size)
{
    if (outlet->text_capacity - outlet->text_size < size) {
        size_t old = outlet->text_capacity, capacity = old * 2 + size;
        outlet->text = weir_realloc_must(outlet->text, old, capacity);
        outlet->text_capacity = capacity;
    }
    return outlet->text + outlet->text_size;
}

/* Appends the record's text, however long it is. */
static void put_record(weir__test_outlet *outlet, const void *record)
{
    const weir_type *type = weir_captured_type(outlet->captured);
    for (size_t size = 256;; size *= 2) {
        char *room = text_room(outlet, size);
        weir_record_text(type, record, room, size);
        size_t used = strlen(room);
        if (used + 8 < size) { /* surely not cut */
            outlet->text_size += used;
            return;
        }
    }
}

static void put_line(weir__test_outlet *outlet, const weir_test_change *change, int64_t diff)
{
    char time[96], *room;
    enum { ENOUGH = sizeof time + 32 };
    put_record(outlet, change->record);
    weir_time_text(&change->time, weir_captured_depth(outlet->captured), time, sizeof time);
    room = text_room(outlet, ENOUGH);
    outlet->text_size += (size_t)snprintf(room, ENOUGH, " @%s %+lld\n", time, (long long)diff);
}

const char *weir__test_outlet_take(weir__test_outlet *outlet, bool sums)
{
    weir__test_outlet_gather(outlet);
    unsigned depth = weir_captured_depth(outlet->captured);
    const weir_type *type = weir_captured_type(outlet->captured);
    outlet->text_size = 0;
    for (size_t i = 0, next; i < outlet->change_count; i = next) {
        const weir_test_change *c = &outlet->changes[i];
        int64_t diff = c->diff;
        for (next = i + 1; sums && next < outlet->change_count; next++) {
            const weir_test_change *n = &outlet->changes[next];
            if (!weir_time_equal(&c->time, &n->time, depth) ||
                !weir_record_equal(type, c->record, n->record))
                break;
            diff += n->diff;
        }
        if (!sums || diff)
            put_line(outlet, c, diff);
    }
    outlet->change_count = 0;
    *text_room(outlet, 1) = 0;
    return outlet->text;
}

/* ---- frontiers ---- */

const char *weir__test_outlet_frontier(weir__test_outlet *outlet)
{
    outlet->text_size = 0;
    weir_captured_frontier(outlet->captured, 0, &outlet->frontier);
    return weir_frontier_text(&outlet->frontier, text_room(outlet, FRONTIER_TEXT), FRONTIER_TEXT);
}

bool weir__test_outlet_agrees(weir__test_outlet *outlet)
{
    weir_dataflow_info info;
    weir_dataflow_get_info(outlet->dataflow, &info);
    if (info.state > WEIR_DATAFLOW_COMPLETE) /* of what is removed each worker knows its own */
        return true;
    weir_frontier other;
    weir_frontier_init(&other, weir_captured_depth(outlet->captured));
    weir_captured_frontier(outlet->captured, 0, &outlet->frontier);
    bool agrees = true;
    for (unsigned w = 1; w < weir_captured_workers(outlet->captured); w++) {
        weir_captured_frontier(outlet->captured, w, &other);
        agrees = agrees && weir_frontier_equal(&outlet->frontier, &other);
    }
    weir_frontier_fini(&other);
    return agrees;
}

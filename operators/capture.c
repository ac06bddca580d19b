/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/capture.h. Entries lie in blocks that never move; a worker's list is guarded
 * by a mutex, so that any thread may look at it while the worker adds to it.
 */
#include <pthread.h>
#include <string.h>

#include <weir/memory.h>
#include <weir/node.h>
#include <weir/operators/capture.h>

enum { BLOCK_BYTES = 32 << 10 };

/* An entry: this, then the record. */
typedef struct head {
    weir_time time;
    int64_t diff;
    _Alignas(16) char record[];
} head;

/* Memory for strings of entries. */
typedef struct heap {
    struct heap *next;
    size_t size, used;
} heap;

typedef struct part {
    weir_captured *captured;
    pthread_mutex_t lock; /* guards what follows */
    char **blocks;
    size_t block_count, block_capacity, count;
    heap *heaps;
    weir_frontier frontier;
} part;

struct weir_captured {
    const weir_type *type;
    unsigned workers, depth;
    size_t stride, per_block; /* bytes of an entry, entries in a block */
    part *parts;
};

weir_captured *weir_captured_create(void)
{
    return weir_alloc_zero(sizeof(weir_captured));
}

static void part_fini(part *p)
{
    for (size_t i = 0; i < p->block_count; i++)
        weir_free(p->blocks[i], p->captured->per_block * p->captured->stride);
    weir_free(p->blocks, p->block_capacity * sizeof(char *));
    for (heap *h = p->heaps, *next; h; h = next) {
        next = h->next;
        weir_free(h, h->size);
    }
    weir_frontier_fini(&p->frontier);
    pthread_mutex_destroy(&p->lock);
}

void weir_captured_destroy(weir_captured *captured)
{
    if (!captured)
        return;
    for (unsigned w = 0; w < captured->workers; w++)
        part_fini(&captured->parts[w]);
    weir_free(captured->parts, captured->workers * sizeof *captured->parts);
    weir_free(captured, sizeof *captured);
}

const weir_type *weir_captured_type(const weir_captured *captured) { return captured->type; }
unsigned weir_captured_workers(const weir_captured *captured) { return captured->workers; }
unsigned weir_captured_depth(const weir_captured *captured) { return captured->depth; }

size_t weir_captured_count(const weir_captured *captured, unsigned worker)
{
    if (worker >= captured->workers)
        return 0;
    part *p = &captured->parts[worker];
    pthread_mutex_lock(&p->lock);
    size_t count = p->count;
    pthread_mutex_unlock(&p->lock);
    return count;
}

static head *entry(const part *p, size_t i)
{
    const weir_captured *c = p->captured;
    return (head *)(p->blocks[i / c->per_block] + i % c->per_block * c->stride);
}

weir_capture_entry weir_captured_at(const weir_captured *captured, unsigned worker, size_t i)
{
    weir_capture_entry found = { 0 };
    if (worker >= captured->workers)
        return found;
    part *p = &captured->parts[worker];
    pthread_mutex_lock(&p->lock);
    if (i < p->count) {
        const head *h = entry(p, i);
        found = (weir_capture_entry){ h->record, h->time, h->diff };
    }
    pthread_mutex_unlock(&p->lock);
    return found;
}

void weir_captured_frontier(const weir_captured *captured, unsigned worker,
                            weir_frontier *frontier)
{
    weir_frontier_clear(frontier);
    if (worker >= captured->workers)
        return;
    part *p = &captured->parts[worker];
    pthread_mutex_lock(&p->lock);
    weir_frontier_set(frontier, &p->frontier);
    pthread_mutex_unlock(&p->lock);
}

/* ---- the node ---- */

static head *add(part *p)
{
    const weir_captured *c = p->captured;
    if (p->count == p->block_count * c->per_block) {
        if (p->block_count == p->block_capacity) {
            size_t old = p->block_capacity, capacity = old ? old * 2 : 8;
            char **blocks = weir_realloc(p->blocks, old * sizeof(char *),
                                         capacity * sizeof(char *));
            if (!blocks)
                return NULL;
            p->blocks = blocks;
            p->block_capacity = capacity;
        }
        char *block = weir_alloc(c->per_block * c->stride);
        if (!block)
            return NULL;
        p->blocks[p->block_count++] = block;
    }
    return entry(p, p->count);
}

static char *heap_room(part *p, size_t n)
{
    heap *h = p->heaps;
    if (!h || h->size - h->used < n) {
        size_t size = sizeof *h + n > BLOCK_BYTES ? sizeof *h + n : BLOCK_BYTES;
        h = weir_alloc(size);
        if (!h)
            return NULL;
        *h = (heap){ p->heaps, size, sizeof *h };
        p->heaps = h;
    }
    char *room = (char *)h + h->used;
    h->used += n;
    return room;
}

static bool keep(part *p, const weir_batch *batch)
{
    const weir_type *type = p->captured->type;
    for (size_t i = 0; i < batch->count; i++) {
        const void *record = weir_batch_record(batch, i);
        size_t strings = type->has_strings ? weir_record_heap_size(type, record) : 0;
        head *h = add(p);
        char *room = h && strings ? heap_room(p, strings) : NULL;
        if (!h || (strings && !room))
            return false;
        h->time = weir_batch_time(batch, i);
        h->diff = weir_batch_diff(batch, i);
        memcpy(h->record, record, type->size);
        if (strings)
            weir_record_move_strings(type, h->record, room);
        p->count++;
    }
    return true;
}

static weir_status capture_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)error;
    part *p = &((weir_captured *)ctx)->parts[weir_step_worker(step)];
    pthread_mutex_lock(&p->lock);
    weir_frontier_set(&p->frontier, weir_step_frontier(step, 0));
    pthread_mutex_unlock(&p->lock);
    *state = p;
    return WEIR_OK;
}

static void capture_step(weir_step *step, void *state)
{
    part *p = state;
    bool kept = true;
    pthread_mutex_lock(&p->lock);
    for (const weir_batch *batch; (batch = weir_step_take(step, 0));)
        kept = kept && keep(p, batch);
    weir_frontier_set(&p->frontier, weir_step_frontier(step, 0));
    pthread_mutex_unlock(&p->lock);
    if (!kept)
        weir_step_fail(step, WEIR_NO_MEMORY, "no memory to capture another record");
}

static void prepare(weir_captured *captured, const weir_port *in)
{
    captured->type = weir_port_type(in);
    captured->depth = weir_port_depth(in);
    captured->workers = weir_graph_workers(weir_port_graph(in));
    captured->stride = (sizeof(head) + captured->type->size + 15) / 16 * 16;
    captured->per_block = BLOCK_BYTES / captured->stride;
    captured->parts = weir_alloc_must(captured->workers * sizeof *captured->parts);
    memset(captured->parts, 0, captured->workers * sizeof *captured->parts);
    for (unsigned w = 0; w < captured->workers; w++) {
        part *p = &captured->parts[w];
        p->captured = captured;
        pthread_mutex_init(&p->lock, NULL);
        weir_frontier_init(&p->frontier, captured->depth);
        weir_frontier_insert(&p->frontier, &(weir_time){ { 0 } });
    }
}

void weir__capture(weir_port *in, weir_captured *captured, const char *name)
{
    if (!in || weir_graph_failed(weir_port_graph(in)))
        return;
    weir_graph *graph = weir_port_graph(in);
    if (!captured) {
        weir_graph_fail(graph, WEIR_NO_MEMORY, name ? name : "capture", NULL,
                        "no weir_captured was given: it could not be created");
        return;
    }
    if (captured->type) {
        weir_graph_fail(graph, WEIR_EXISTS, name ? name : "capture",
                        "create one weir_captured for each stream",
                        "this weir_captured has a stream already");
        return;
    }
    prepare(captured, in);
    weir_node_input input = { .type = captured->type, .interest = WEIR_ALWAYS,
                              .takes_diffs = true, .settles = true };
    weir_node_add(graph, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "capture", .name = name, .input_count = 1,
        .inputs = &input, .deterministic = true, .ctx = captured, .init = capture_init,
        .step = capture_step }, &in);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/input.h. A handle collects records in chunks; the node takes the chunks over
 * in its step, under a lock that is held for the length of a pointer's exchange.
 */
#include <pthread.h>
#include <string.h>

#include <weir/memory.h>
#include <weir/node.h>
#include <weir/operators/input.h>

enum { CHUNK_BYTES = 32 << 10 };

/* Records on their way into the graph, and their strings: a pin of the batches they go into. */
typedef struct chunk {
    weir_pin pin; /* first */
    struct chunk *next;
    size_t size; /* of the whole block */
    weir_time time;
    bool advance; /* after the records: move on to `time` */
    bool close;
    uint32_t count, capacity;
    char *records;
    int64_t *diffs;
    bool tracked; /* some diff is not 1 */
} chunk;

/* Strings longer than a chunk's rest lie in blocks of their own. */
typedef struct heap {
    weir_pin pin;
    struct heap *next;
    size_t size, used;
} heap;

struct weir_input_handle {
    weir_input *input;
    chunk *filling;
    heap *heaps; /* of the chunk being filled */
    weir_time time;
    bool opened, closed;
    pthread_mutex_t lock; /* guards what follows */
    chunk *first, *last;  /* handed over, not taken yet */
    heap *taken_heaps;
    weir_waker *waker; /* NULL until the node is made and after it has gone */
    bool full, ended;
};

struct weir_input {
    const weir_type *type;
    bool manual, collection;
    unsigned workers;
    weir_input_handle *handles; /* one a worker */
};

typedef struct state {
    weir_input_handle *handle;
} state;

static void heap_release(weir_pin *pin)
{
    heap *h = (heap *)pin;
    weir_free(h, h->size);
}

static void chunk_free(chunk *c, const weir_input *input)
{
    weir_free(c->records, (size_t)c->capacity * input->type->size);
    weir_free(c->diffs, c->capacity * sizeof *c->diffs);
    weir_free(c, c->size);
}

static chunk *chunk_create(const weir_input *input, const weir_time *time)
{
    chunk *c = weir_alloc_must(sizeof *c);
    memset(c, 0, sizeof *c);
    c->size = sizeof *c;
    c->time = *time;
    return c;
    (void)input;
}

/* ---- the node ---- */

static weir_status input_init(weir_step *step, void *ctx, void **out, weir_error *error)
{
    weir_input *input = ctx;
    weir_input_handle *handle = &input->handles[weir_step_worker(step)];
    state *s = weir_alloc(sizeof *s);
    if (!s)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for an input");
    s->handle = handle;
    pthread_mutex_lock(&handle->lock);
    handle->waker = weir_step_waker(step);
    pthread_mutex_unlock(&handle->lock);
    *out = s;
    return WEIR_OK;
}

/* Every batch that leaves keeps the heaps that its strings may point into. */
static void emit(weir_builder *out, const weir_input *input, const chunk *c, heap *heaps)
{
    for (uint32_t done = 0; done < c->count;) {
        void *room;
        int64_t *diffs = NULL;
        size_t n = weir_builder_bulk(out, c->count - done, &room, c->tracked ? &diffs : NULL);
        for (heap *h = heaps; h; h = h->next)
            weir_builder_pin(out, &h->pin);
        memcpy(room, c->records + (size_t)done * input->type->size, n * input->type->size);
        if (diffs)
            memcpy(diffs, c->diffs + done, n * sizeof *diffs);
        weir_builder_commit(out, n);
        done += (uint32_t)n;
    }
}

static void input_step(weir_step *step, void *ctx)
{
    weir_input_handle *handle = ((state *)ctx)->handle;
    const weir_input *input = handle->input;
    pthread_mutex_lock(&handle->lock);
    chunk *c = handle->first;
    heap *heaps = handle->taken_heaps;
    handle->first = handle->last = NULL;
    handle->taken_heaps = NULL;
    __atomic_store_n(&handle->full, weir_step_full(step), __ATOMIC_RELAXED);
    pthread_mutex_unlock(&handle->lock);
    bool close = false;
    while (c) {
        chunk *next = c->next;
        weir_time at = input->manual ? weir_cap_time(step, 0) : weir_step_epoch(step);
        if (c->count)
            emit(weir_step_output(step, 0, &at), input, c, heaps);
        if (c->advance)
            weir_cap_downgrade(step, 0, &c->time);
        close = close || c->close;
        chunk_free(c, input);
        c = next;
    }
    for (heap *h = heaps, *next; h; h = next) {
        next = h->next;
        weir_pin_release(&h->pin);
    }
    if (close)
        weir_step_finish(step);
}

static void input_fini(void *ctx)
{
    state *s = ctx;
    pthread_mutex_lock(&s->handle->lock);
    s->handle->waker = NULL;
    __atomic_store_n(&s->handle->ended, true, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&s->handle->lock);
    weir_free(s, sizeof *s);
}

static void input_end(void *ctx)
{
    weir_input *input = ctx;
    for (unsigned w = 0; w < input->workers; w++) {
        weir_input_handle *handle = &input->handles[w];
        for (chunk *c = handle->first, *next; c; c = next) {
            next = c->next;
            chunk_free(c, input);
        }
        if (handle->filling)
            chunk_free(handle->filling, input);
        heap *lists[2] = { handle->heaps, handle->taken_heaps };
        for (int k = 0; k < 2; k++)
            for (heap *h = lists[k], *next; h; h = next) {
                next = h->next;
                weir_pin_release(&h->pin);
            }
        pthread_mutex_destroy(&handle->lock);
    }
}

weir_port *weir__input_add(weir_graph *graph, const weir_type *type, weir_input **out,
                           const struct weir_input_options *options)
{
    weir_input *input = weir_graph_alloc(graph, sizeof *input);
    *out = input;
    input->type = type;
    input->manual = options->manual;
    input->collection = options->collection;
    input->workers = weir_graph_workers(graph);
    input->handles = weir_graph_alloc(graph, input->workers * sizeof *input->handles);
    for (unsigned w = 0; w < input->workers; w++) {
        input->handles[w].input = input;
        pthread_mutex_init(&input->handles[w].lock, NULL);
    }
    weir_graph_at_end(graph, input_end, input);
    weir_node_output output = { .type = type, .collection = options->collection };
    weir_node *node = weir_node_add(graph,
                                    &(weir_node_spec){ .struct_size = sizeof(weir_node_spec),
                                                       .kind = "input",
                                                       .name = options->name,
                                                       .output_count = 1,
                                                       .outputs = &output,
                                                       .initial_capabilities = true,
                                                       .follows_clock = !options->manual,
                                                       .is_input = true,
                                                       .deterministic = true,
                                                       .state_kind = WEIR_STATE_PER_PARTITION,
                                                       .ctx = input,
                                                       .init = input_init,
                                                       .step = input_step,
                                                       .fini = input_fini },
                                    NULL);
    return weir_node_output_port(node, 0);
}

/* ---- the handle ---- */

weir_input_handle *weir_input_open(weir_input *input, unsigned index)
{
    if (index >= input->workers)
        return NULL;
    weir_input_handle *handle = &input->handles[index];
    if (handle->opened)
        return NULL;
    handle->opened = true;
    return handle;
}

/* Room for n bytes of strings that live as long as the chunk. */
static char *heap_room(weir_input_handle *handle, size_t n)
{
    heap *h = handle->heaps;
    if (!h || h->size - h->used < n) {
        size_t size = sizeof *h + n > CHUNK_BYTES ? sizeof *h + n : CHUNK_BYTES;
        h = weir_alloc_must(size);
        *h = (heap){ { 1, (uint32_t)size, heap_release }, handle->heaps, size, sizeof *h };
        handle->heaps = h;
    }
    char *room = (char *)h + h->used;
    h->used += n;
    return room;
}

static chunk *room_in_chunk(weir_input_handle *handle)
{
    const weir_input *input = handle->input;
    size_t size = input->type->size;
    if (handle->filling && handle->filling->count * size >= CHUNK_BYTES)
        weir_input_flush(handle);
    if (!handle->filling)
        handle->filling = chunk_create(input, &handle->time);
    chunk *c = handle->filling;
    if (c->count == c->capacity) {
        uint32_t old = c->capacity, capacity = old ? old * 4 : 16;
        c->records = weir_realloc_must(c->records, old * size, capacity * size);
        c->diffs = weir_realloc_must(c->diffs, old * sizeof *c->diffs, capacity * sizeof *c->diffs);
        c->capacity = capacity;
    }
    return c;
}

weir_status weir_input_send_record(weir_input_handle *handle, const void *record, int64_t diff)
{
    const weir_type *type = handle->input->type;
    if (__atomic_load_n(&handle->ended, __ATOMIC_RELAXED) || handle->closed)
        return WEIR_CLOSED;
    if (diff != 1 && !handle->input->collection)
        return WEIR_TYPE_MISMATCH;
    if (__atomic_load_n(&handle->full, __ATOMIC_RELAXED)) {
        pthread_mutex_lock(&handle->lock);
        if (handle->waker)
            weir_wake(handle->waker); /* its step looks whether there is room again */
        pthread_mutex_unlock(&handle->lock);
        return WEIR_FULL;
    }
    chunk *c = room_in_chunk(handle);
    char *to = c->records + (size_t)c->count * type->size;
    memcpy(to, record, type->size);
    size_t strings = type->has_strings ? weir_record_heap_size(type, to) : 0;
    if (strings)
        weir_record_move_strings(type, to, heap_room(handle, strings));
    weir_record_canonicalize(type, to);
    c->diffs[c->count] = diff;
    c->tracked = c->tracked || diff != 1;
    c->count++;
    return WEIR_OK;
}

static void hand_over(weir_input_handle *handle, chunk *c)
{
    pthread_mutex_lock(&handle->lock);
    if (handle->last)
        handle->last->next = c;
    else
        handle->first = c;
    handle->last = c;
    if (handle->heaps) {
        heap *end = handle->heaps;
        while (end->next)
            end = end->next;
        end->next = handle->taken_heaps;
        handle->taken_heaps = handle->heaps;
        handle->heaps = NULL;
    }
    if (handle->waker)
        weir_wake(handle->waker);
    pthread_mutex_unlock(&handle->lock);
    handle->filling = NULL;
}

void weir_input_flush(weir_input_handle *handle)
{
    if (handle->filling)
        hand_over(handle, handle->filling);
}

void weir_input_advance_to(weir_input_handle *handle, const weir_time *t)
{
    chunk *c = handle->filling ? handle->filling : chunk_create(handle->input, t);
    c->advance = handle->input->manual;
    c->time = *t;
    handle->time = *t;
    hand_over(handle, c);
}

weir_time weir_input_time(const weir_input_handle *handle)
{
    return handle->time;
}

void weir_input_close(weir_input_handle *handle)
{
    if (handle->closed)
        return;
    chunk *c = handle->filling ? handle->filling : chunk_create(handle->input, &handle->time);
    c->close = true;
    hand_over(handle, c);
    handle->closed = true;
}

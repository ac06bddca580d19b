/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/input.h. A handle collects records in chunks; the node takes them in its
 * step, as long as there is room, under a lock that is held for the length of a pointer's exchange.
 */
#include <pthread.h>
#include <string.h>

#include <weir/memory.h>
#include <weir/node.h>
#include <weir/operators/cap_set.h>
#include <weir/operators/input.h>

enum {
    CHUNK_BYTES = 32 << 10,
    WAITING_MAX = 1 << 20, /* bytes handed over and not taken by the node: then it is full */
};

/* Strings of a chunk's records: a pin of the batches they go into. Those longer than the rest of
 * one lie in blocks of their own. */
typedef struct heap {
    weir_pin pin;
    struct heap *next;
    size_t size, used;
} heap;

/* Records on their way into the graph. */
typedef struct chunk {
    struct chunk *next;
    weir_time time;     /* of the records */
    weir_frontier *to;  /* after the records: hold these times; NULL: as before */
    bool close;
    bool tracked; /* some diff is not 1 */
    uint32_t count, capacity;
    char *records;
    int64_t *diffs;
    heap *heaps;
    size_t bytes; /* of all of it */
} chunk;

struct weir_input_handle {
    weir_input *input;
    chunk *filling;
    const void *filler; /* the thread that began it: atomic */
    weir_time time;     /* of what is sent now */
    weir_frontier held; /* manual: what it has advanced to */
    bool here;          /* its worker is one of this process */
    bool opened, closed;
    pthread_mutex_t lock; /* guards what follows */
    chunk *first, *last;  /* handed over, not taken yet */
    weir_waker *waker;    /* NULL until the node is made and after it has gone */
    bool full, ended;     /* atomic: read without the lock, too */
    size_t waiting;       /* bytes of the chunks handed over: atomic, too */
};

struct weir_input {
    const weir_type *type;
    bool manual, collection;
    unsigned workers;
    weir_input_handle *handles; /* one a worker */
};

typedef struct state {
    weir_input_handle *handle;
    weir_cap_set set; /* manual: what the handle has advanced to */
} state;

static void heap_release(weir_pin *pin)
{
    heap *h = (heap *)pin;
    weir_free(h, h->size);
}

static void chunk_free(chunk *c, const weir_input *input)
{
    for (heap *h = c->heaps, *next; h; h = next) {
        next = h->next;
        weir_pin_release(&h->pin);
    }
    if (c->to)
        weir_frontier_fini(c->to);
    weir_free(c->to, sizeof *c->to);
    weir_free(c->records, (size_t)c->capacity * input->type->size);
    weir_free(c->diffs, c->capacity * sizeof *c->diffs);
    weir_free(c, sizeof *c);
}

static chunk *chunk_create(const weir_time *time)
{
    chunk *c = weir_alloc_must(sizeof *c);
    *c = (chunk){ .time = *time, .bytes = sizeof *c };
    return c;
}

/* Its address names the thread, as long as that lives. */
static _Thread_local char thread_token;

/* The chunk being filled, or a new one. */
static chunk *chunk_of(weir_input_handle *handle)
{
    if (!handle->filling) {
        __atomic_store_n(&handle->filler, &thread_token, __ATOMIC_RELAXED);
        handle->filling = chunk_create(&handle->time);
    }
    return handle->filling;
}

/* ---- the node ---- */

static weir_status input_init(weir_step *step, void *ctx, void **out, weir_error *error)
{
    weir_input *input = ctx;
    weir_input_handle *handle = &input->handles[weir_step_worker(step)];
    state *s = weir_alloc(sizeof *s);
    if (!s)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for an input");
    *s = (state){ .handle = handle };
    if (input->manual)
        weir_cap_set_insert(&s->set, step, 0);
    pthread_mutex_lock(&handle->lock);
    handle->waker = weir_step_waker(step);
    pthread_mutex_unlock(&handle->lock);
    *out = s;
    return WEIR_OK;
}

/* Every batch that leaves keeps the heaps that its strings may point into. */
static void emit(weir_builder *out, const weir_input *input, const chunk *c)
{
    for (uint32_t done = 0; done < c->count;) {
        void *room;
        int64_t *diffs = NULL;
        size_t n = weir_builder_bulk(out, c->count - done, &room, c->tracked ? &diffs : NULL);
        for (heap *h = c->heaps; h; h = h->next)
            weir_builder_pin(out, &h->pin);
        memcpy(room, c->records + (size_t)done * input->type->size, n * input->type->size);
        if (diffs)
            memcpy(diffs, c->diffs + done, n * sizeof *diffs);
        weir_builder_commit(out, n);
        done += (uint32_t)n;
    }
}

/* The next chunk, or NULL if there is none or the budget is used up. */
static chunk *take(weir_step *step, weir_input_handle *handle)
{
    bool last = weir_step_ending(step);
    bool full = weir_step_full(step) && !last; /* the step is called again when there is room */
    pthread_mutex_lock(&handle->lock);
    __atomic_store_n(&handle->full, full, __ATOMIC_RELAXED);
    chunk *c = full ? NULL : handle->first;
    if (c) {
        handle->first = c->next;
        __atomic_store_n(&handle->waiting, handle->waiting - c->bytes, __ATOMIC_RELAXED);
        if (!handle->first)
            handle->last = NULL;
    } else if (last) {
        __atomic_store_n(&handle->ended, true, __ATOMIC_RELAXED);
        if (__atomic_load_n(&handle->filler, __ATOMIC_RELAXED) == &thread_token) {
            c = handle->filling; /* our own thread's: nobody is filling it now */
            handle->filling = NULL;
        }
    }
    pthread_mutex_unlock(&handle->lock);
    return c;
}

static void advance(weir_step *step, state *s, const weir_frontier *to)
{
    if (!weir_cap_set_downgrade(&s->set, step, to)) /* says which times they are, and ends */
        weir_cap_downgrade(step, s->set.caps[0], weir_frontier_times(to));
}

static void input_step(weir_step *step, void *ctx)
{
    state *s = ctx;
    weir_input_handle *handle = s->handle;
    const weir_input *input = handle->input;
    bool close = false;
    for (chunk *c; (c = take(step, handle));) {
        weir_time at = input->manual ? c->time : weir_step_epoch(step);
        if (c->count)
            emit(weir_step_output(step, 0, &at), input, c);
        if (c->to)
            advance(step, s, c->to);
        close = close || c->close;
        chunk_free(c, input);
        if (weir_step_spent(step) && !weir_step_ending(step)) {
            weir_step_again(step);
            break;
        }
    }
    if (close)
        weir_step_finish(step);
}

static void free_waiting(weir_input_handle *handle)
{
    for (chunk *c = handle->first, *next; c; c = next) {
        next = c->next;
        chunk_free(c, handle->input);
    }
    handle->first = handle->last = NULL;
}

static void input_fini(void *ctx)
{
    state *s = ctx;
    weir_input_handle *handle = s->handle;
    pthread_mutex_lock(&handle->lock);
    handle->waker = NULL;
    __atomic_store_n(&handle->ended, true, __ATOMIC_RELAXED);
    free_waiting(handle); /* of a dataflow that was removed */
    pthread_mutex_unlock(&handle->lock);
    weir_cap_set_fini(&s->set);
    weir_free(s, sizeof *s);
}

static void input_end(void *ctx)
{
    weir_input *input = ctx;
    for (unsigned w = 0; w < input->workers; w++) {
        weir_input_handle *handle = &input->handles[w];
        free_waiting(handle);
        if (handle->filling)
            chunk_free(handle->filling, input);
        weir_frontier_fini(&handle->held);
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
        input->handles[w].here = w - weir_graph_first_worker(graph) <
                                 weir_graph_local_workers(graph);
        pthread_mutex_init(&input->handles[w].lock, NULL);
    }
    weir_graph_at_end(graph, input_end, input);
    weir_node_output output = { .type = type, .collection = options->collection };
    weir_node *node = weir_node_add(graph,
                                    &(weir_node_spec){ .struct_size = sizeof(weir_node_spec),
                                                       .kind = "input",
                                                       .name = options->name,
                                                       .scope = options->scope,
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
    weir_port *port = weir_node_output_port(node, 0);
    for (unsigned w = 0; w < input->workers; w++) {
        weir_frontier_init(&input->handles[w].held, weir_port_depth(port));
        weir_frontier_insert(&input->handles[w].held, &input->handles[w].time);
    }
    return port;
}

/* ---- the handle ---- */

/* NULL is none: as if it were closed. */
static inline bool is_closed(const weir_input_handle *handle) { return !handle || handle->closed; }

weir_input_handle *weir__input_open(weir_input *input, unsigned index)
{
    if (!input || index >= input->workers)
        return NULL;
    weir_input_handle *handle = &input->handles[index];
    if (handle->opened || !handle->here)
        return NULL;
    handle->opened = true;
    return handle;
}

/* Room for n bytes of strings that live as long as the chunk. */
static char *heap_room(chunk *c, size_t n)
{
    heap *h = c->heaps;
    if (!h || h->size - h->used < n) {
        size_t size = sizeof *h + n > CHUNK_BYTES ? sizeof *h + n : CHUNK_BYTES;
        h = weir_alloc_must(size);
        *h = (heap){ { 1, size < UINT32_MAX ? (uint32_t)size : UINT32_MAX, heap_release },
                     c->heaps, size, sizeof *h };
        c->heaps = h;
        c->bytes += size;
    }
    char *room = (char *)h + h->used;
    h->used += n;
    return room;
}

/* A chunk with room for one more record; NULL if too much waits for the node. */
static chunk *room_in_chunk(weir_input_handle *handle)
{
    size_t size = handle->input->type->size;
    bool begins = !handle->filling || handle->filling->count * size >= CHUNK_BYTES ||
                  handle->filling->bytes >= 4 * CHUNK_BYTES;
    if (begins && __atomic_load_n(&handle->waiting, __ATOMIC_RELAXED) >= WAITING_MAX)
        return NULL;
    if (begins)
        weir__input_flush(handle);
    chunk *c = chunk_of(handle);
    if (c->count == c->capacity) {
        uint32_t old = c->capacity, capacity = old ? old * 4 : 16;
        c->records = weir_realloc_must(c->records, old * size, capacity * size);
        c->diffs = weir_realloc_must(c->diffs, old * sizeof *c->diffs, capacity * sizeof *c->diffs);
        c->capacity = capacity;
        c->bytes += (capacity - old) * (size + sizeof *c->diffs);
    }
    return c;
}

weir_status weir__input_send(weir_input_handle *handle, const void *record, int64_t diff)
{
    if (is_closed(handle) || __atomic_load_n(&handle->ended, __ATOMIC_RELAXED))
        return WEIR_CLOSED;
    const weir_type *type = handle->input->type;
    if (diff != 1 && !handle->input->collection)
        return WEIR_TYPE_MISMATCH;
    chunk *c = __atomic_load_n(&handle->full, __ATOMIC_RELAXED) ? NULL : room_in_chunk(handle);
    if (!c)
        return WEIR_FULL;
    char *to = c->records + (size_t)c->count * type->size;
    memcpy(to, record, type->size);
    size_t strings = type->has_strings ? weir_record_heap_size(type, to) : 0;
    if (strings)
        weir_record_move_strings(type, to, heap_room(c, strings));
    weir_record_canonicalize(type, to);
    c->diffs[c->count] = diff;
    c->tracked = c->tracked || diff != 1;
    c->count++;
    return WEIR_OK;
}

static void hand_over(weir_input_handle *handle)
{
    chunk *c = handle->filling;
    handle->filling = NULL;
    pthread_mutex_lock(&handle->lock);
    bool ended = handle->ended; /* nobody will take it */
    if (!ended) {
        *(handle->last ? &handle->last->next : &handle->first) = c;
        handle->last = c;
        __atomic_store_n(&handle->waiting, handle->waiting + c->bytes, __ATOMIC_RELAXED);
        if (handle->waker)
            weir_wake(handle->waker);
    }
    pthread_mutex_unlock(&handle->lock);
    if (ended)
        chunk_free(c, handle->input);
}

void weir__input_flush(weir_input_handle *handle)
{
    if (!is_closed(handle) && handle->filling)
        hand_over(handle);
}

/* What was sent so far stays at the time it was sent at; then the node holds these times. */
static void hand_over_frontier(weir_input_handle *handle, const weir_frontier *to)
{
    chunk *c = chunk_of(handle);
    if (handle->input->manual) {
        c->to = weir_alloc_must(sizeof *c->to);
        weir_frontier_init(c->to, to->depth);
        weir_frontier_set(c->to, to);
        weir_frontier_set(&handle->held, to);
    }
    hand_over(handle);
}

void weir__input_advance_to(weir_input_handle *handle, const weir_time *t)
{
    if (is_closed(handle))
        return;
    weir_frontier to;
    weir_frontier_init(&to, handle->held.depth);
    weir_frontier_insert(&to, t);
    hand_over_frontier(handle, &to);
    handle->time = *t;
    weir_frontier_fini(&to);
}

weir_status weir__input_advance_frontier(weir_input_handle *handle, const weir_frontier *frontier)
{
    if (is_closed(handle))
        return WEIR_CLOSED;
    if (!handle->input->manual || frontier->depth != handle->held.depth ||
        weir_frontier_is_empty(frontier) || !weir_frontier_dominates(&handle->held, frontier))
        return WEIR_INVALID;
    hand_over_frontier(handle, frontier);
    handle->time = weir_frontier_times(frontier)[0];
    return WEIR_OK;
}

weir_status weir__input_at(weir_input_handle *handle, const weir_time *t)
{
    if (is_closed(handle))
        return WEIR_CLOSED;
    if (!handle->input->manual || !weir_frontier_less_equal(&handle->held, t))
        return WEIR_INVALID;
    weir__input_flush(handle);
    handle->time = *t;
    return WEIR_OK;
}

weir_time weir__input_time(const weir_input_handle *handle)
{
    return handle ? handle->time : (weir_time){ { 0 } };
}

void weir__input_close(weir_input_handle *handle)
{
    if (is_closed(handle))
        return;
    chunk_of(handle)->close = true;
    hand_over(handle);
    handle->closed = true;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * See asks.h. The lock guards the lists and what a question has for its owner. A view's watch,
 * which calls from other threads, takes no lock: it only asks for a turn.
 */
#include "worker/asks.h"

#include <string.h>

#include "trace/view.h"

/* A reader that is closed, to be told to a process. */
typedef struct closing {
    struct closing *next;
    unsigned process;
    uint64_t reader;
} closing;

struct weir__asks {
    weir_runtime *runtime;
    weir__mesh *mesh;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    weir__question *questions; /* that are not done */
    closing *closings;
    uint64_t last_id;
    bool ended;
    weir_error why;   /* it has ended */
    uint64_t numbers; /* atomic: readers so far */
    uint32_t busy;    /* atomic: there may be something to do in a turn */
    uint32_t called;  /* atomic: a turn was asked for */
    uint64_t due_ns;  /* the first worker's */
};

/* ---- any thread ---- */

static void on_call(weir_worker *worker, void *ctx)
{
    weir__asks *asks = ctx;
    (void)worker;
    __atomic_store_n(&asks->called, 0, __ATOMIC_SEQ_CST);
    weir__asks_turn(asks);
}

static void call(weir__asks *asks)
{
    if (!__atomic_exchange_n(&asks->called, 1, __ATOMIC_SEQ_CST))
        weir_runtime_call(asks->runtime, 0, on_call, asks);
}

static void on_later_time(weir_view *view, void *ctx)
{
    (void)view;
    call(ctx);
}

static void begin(void *ctx, weir__question *q)
{
    weir__asks *asks = ctx;
    bool goes_out = false; /* from then on it is the first worker's, too */
    q->done = q->sent = false;
    pthread_mutex_lock(&asks->lock);
    if (asks->ended) {
        q->error = asks->why;
        q->done = true;
    } else if (weir__current_context) {
        weir_error_set(&q->error, WEIR_INVALID, "a worker's thread reads a view of which other "
                       "processes have a part, and would have to wait");
        weir_error_hint(&q->error, "read it on a thread of your own");
        q->done = true;
    } else {
        q->ask.id = ++asks->last_id;
        q->next = asks->questions;
        asks->questions = q;
        goes_out = true;
        __atomic_store_n(&asks->busy, 1, __ATOMIC_RELAXED);
    }
    pthread_mutex_unlock(&asks->lock);
    if (goes_out)
        call(asks);
}

static void wait_for(void *ctx, weir__question *q)
{
    weir__asks *asks = ctx;
    pthread_mutex_lock(&asks->lock);
    while (!q->done)
        pthread_cond_wait(&asks->changed, &asks->lock);
    pthread_mutex_unlock(&asks->lock);
}

static uint64_t number(void *ctx)
{
    weir__asks *asks = ctx;
    return __atomic_add_fetch(&asks->numbers, 1, __ATOMIC_RELAXED);
}

static void close_reader(void *ctx, unsigned process, uint64_t reader)
{
    weir__asks *asks = ctx;
    closing *c = weir_alloc_must(sizeof *c);
    pthread_mutex_lock(&asks->lock);
    bool tells = !asks->ended;
    if (tells) {
        *c = (closing){ asks->closings, process, reader };
        asks->closings = c;
        __atomic_store_n(&asks->busy, 1, __ATOMIC_RELAXED);
    }
    pthread_mutex_unlock(&asks->lock);
    if (tells)
        call(asks);
    else
        weir_free(c, sizeof *c);
}

weir__asks *weir__asks_create(weir_runtime *runtime, weir__mesh *mesh)
{
    weir__asks *asks = weir_alloc_must(sizeof *asks);
    memset(asks, 0, sizeof *asks);
    asks->runtime = runtime;
    asks->mesh = mesh;
    asks->due_ns = UINT64_MAX;
    pthread_mutex_init(&asks->lock, NULL);
    pthread_cond_init(&asks->changed, NULL);
    runtime->asker = (weir__asker){ .ctx = asks, .process = runtime->config.process,
                                    .processes = runtime->config.processes, .begin = begin,
                                    .wait = wait_for, .number = number, .close = close_reader };
    return asks;
}

/* ---- the first worker's thread: under the lock ---- */

static void finish(weir__asks *asks, weir__question **at)
{
    weir__question *q = *at;
    *at = q->next;
    if (q->watch.view)
        weir_view_watch_remove(&q->watch);
    q->done = true;
    pthread_cond_broadcast(&asks->changed);
}

static void put(weir__asks *asks, const weir__ask *ask, unsigned process, const char *body,
                size_t body_size)
{
    weir__wire *wire = weir__mesh_wire(asks->mesh, process);
    if (!wire)
        return;
    unsigned char *room = weir__wire_room(wire, WEIR__FRAME_HEAD_MAX + body_size);
    size_t head = weir__frame_put_ask(room, ask, body_size);
    if (body_size)
        memcpy(room + head, body, body_size);
    weir__wire_commit(wire, head + body_size);
}

static void send_off(weir__asks *asks, weir__question *q, uint64_t now)
{
    q->sent = true;
    q->until_ns = now + q->wait_ns;
    if (q->view) {
        q->watch = (weir_view_watch){ .fn = on_later_time, .ctx = asks };
        weir_view_watch_add(q->view, &q->watch);
    } else {
        put(asks, &q->ask, q->process, q->body, q->body_size);
    }
}

/* Whether there is nothing to wait for any more. */
static bool is_over(weir__asks *asks, weir__question *q, uint64_t now)
{
    if (q->view && weir__view_upper(q->view) > q->ask.time)
        return true;
    if (!q->view && !weir__mesh_wire(asks->mesh, q->process)) {
        const weir_error *lost = weir__mesh_failure(asks->mesh);
        weir_error_set(&q->error, WEIR_UNAVAILABLE, "process %u ends", q->process);
        if (lost)
            weir_error_set(&q->error, WEIR_UNAVAILABLE, "%s", lost->what);
        return true;
    }
    if (now < q->until_ns)
        return false;
    weir_error_set(&q->error, WEIR_UNAVAILABLE,
                   q->view ? "process %u has not come to the time that others are at, in %.3g s"
                           : "process %u has not answered in %.3g s",
                   q->process, (double)q->wait_ns / 1e9);
    weir_error_hint(&q->error, "try again later; if it stays so, ask its /why");
    return true;
}

void weir__asks_turn(weir__asks *asks)
{
    uint64_t now = asks->runtime->workers[0].context.now_ns;
    if (!__atomic_load_n(&asks->busy, __ATOMIC_RELAXED))
        return;
    pthread_mutex_lock(&asks->lock);
    asks->due_ns = UINT64_MAX;
    for (weir__question **at = &asks->questions, *q; (q = *at);) {
        if (!q->sent)
            send_off(asks, q, now);
        if (is_over(asks, q, now)) {
            finish(asks, at);
            continue;
        }
        asks->due_ns = q->until_ns < asks->due_ns ? q->until_ns : asks->due_ns;
        at = &q->next;
    }
    while (asks->closings) {
        closing *c = asks->closings;
        weir__ask ask = { .kind = WEIR__ASK_CLOSE, .reader = c->reader };
        asks->closings = c->next;
        put(asks, &ask, c->process, NULL, 0);
        weir_free(c, sizeof *c);
    }
    if (!asks->questions)
        __atomic_store_n(&asks->busy, 0, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&asks->lock);
}

/* What the answer points to goes with its frame. */
static void take(weir__question *q, const weir__answer *answer, const weir__frame *frame)
{
    q->answer = *answer;
    q->answer.what = q->answer.hint = weir_str_view(NULL, 0);
    if (answer->status) {
        weir__complaint complaint = { .status = answer->status, .what = answer->what,
                                      .hint = answer->hint };
        weir__complaint_error(&complaint, "it does not say why", &q->error);
        q->answer.status = q->error.status; /* one that is known here */
        q->error.status = WEIR_OK;
    }
    if (frame->body_size) {
        q->rows = weir_alloc_must(frame->body_size);
        q->rows_size = frame->body_size;
        memcpy(q->rows, frame->body, frame->body_size);
    }
}

weir_status weir__asks_answer(weir__asks *asks, unsigned process, const weir__frame *frame,
                              weir_error *error)
{
    weir__answer answer;
    if (!weir__frame_get_answer(frame, &answer))
        return weir_error_set(error, WEIR_BAD_DATA, "process %u has sent an answer that is none",
                              process);
    pthread_mutex_lock(&asks->lock);
    for (weir__question **at = &asks->questions, *q; (q = *at); at = &q->next) {
        if (q->ask.id != answer.id || q->process != process || !q->sent || q->view)
            continue;
        take(q, &answer, frame);
        finish(asks, at);
        break;
    }
    pthread_mutex_unlock(&asks->lock);
    return WEIR_OK;
}

uint64_t weir__asks_due_ns(const weir__asks *asks)
{
    return asks->due_ns;
}

void weir__asks_end(weir__asks *asks, const weir_error *why)
{
    pthread_mutex_lock(&asks->lock);
    if (!asks->ended) {
        asks->ended = true;
        asks->why = *why;
    }
    while (asks->questions) {
        asks->questions->error = asks->why;
        finish(asks, &asks->questions);
    }
    for (closing *c = asks->closings, *next; c; c = next) {
        next = c->next;
        weir_free(c, sizeof *c);
    }
    asks->closings = NULL;
    asks->due_ns = UINT64_MAX;
    pthread_mutex_unlock(&asks->lock);
}

void weir__asks_destroy(weir__asks *asks)
{
    weir_error why = { 0 };
    if (!asks)
        return;
    weir_error_set(&why, WEIR_CLOSED, "the cluster has ended");
    weir__asks_end(asks, &why);
    pthread_cond_destroy(&asks->changed);
    pthread_mutex_destroy(&asks->lock);
    weir_free(asks, sizeof *asks);
}

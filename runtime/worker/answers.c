/* SPDX-License-Identifier: Apache-2.0
 *
 * See answers.h. A question becomes a job, which goes round:
 *
 *   ask ─→ queue ─→ done by the thread ─→ list of what is done ─→ frame
 *            ↑             │ TAKE: not complete yet
 *            └─ a watch ── waiting
 *
 * The lock guards these three lists. Which readers there are, and which of them has a job, is the
 * first worker's alone; a reader with a job is the thread's.
 */
#include "worker/answers.h"

#include <stdio.h>
#include <string.h>

#include "env/thread.h"
#include "trace/view_page.h"

enum {
    BEHIND_BYTES = 256 << 10, /* a connection with more than this to write gets no answers */
    OWNER_MAX = WEIR__ASK_TEXT_MAX + 32,
};

typedef struct job job;

/* A reader of another process. */
typedef struct remote {
    struct remote *next;
    unsigned process;
    uint64_t number;
    bool closing;
    job *job;                 /* NULL: nothing is asked */
    weir_view_reader *reader; /* the job's while there is one */
} remote;

struct job {
    job *next;
    remote *remote;
    weir__answers *answers;
    weir__ask ask;
    char view[WEIR__ASK_TEXT_MAX + 1], owner[OWNER_MAX];
    char *body;
    size_t body_size;
    weir_view_watch watch; /* of a TAKE that waits */
    bool waits, again, cancelled;
    /* what came of it */
    weir_error error;
    uint64_t since, upper;
    weir__page page;
};

typedef struct jobs {
    job *first, *last;
} jobs;

struct weir__answers {
    weir_runtime *runtime;
    weir__mesh *mesh;
    bool has_thread, stops;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    jobs queue, done;
    uint32_t called;   /* atomic: a turn was asked for */
    weir__pool *pool;  /* of whoever does the jobs */
    remote *remotes;   /* the first worker's */
    unsigned *readers; /* of each process */
    size_t *bodies;    /* of each process: what is kept of its questions */
    unsigned total;
};

/* ---- lists ---- */

static void push(jobs *list, job *j)
{
    j->next = NULL;
    if (list->last)
        list->last->next = j;
    else
        list->first = j;
    list->last = j;
}

static job *pop(jobs *list)
{
    job *j = list->first;
    if (j && !(list->first = j->next))
        list->last = NULL;
    return j;
}

static void job_free(job *j)
{
    weir_free(j->body, j->body_size);
    weir_free(j->page.bytes, j->page.size);
    weir_free(j, sizeof *j);
}

/* ---- doing a job: the thread ---- */

static void open_reader(weir__answers *answers, job *j)
{
    weir_view *view = weir_views_find(weir_runtime_views(answers->runtime), j->view);
    if (view && weir__view_upper(view) > 0 &&
        __atomic_load_n(&view->dataflow, __ATOMIC_RELAXED) == j->ask.dataflow) {
        (void)weir__reader_open_here(view, j->owner, &j->remote->reader, &j->error);
    } else {
        weir_error_set(&j->error, WEIR_NOT_READY, "no time of the view '%s' is complete yet",
                       j->view);
        weir_error_hint(&j->error, "try again later");
    }
    weir_view_release(view);
}

/* The hold moves up to where the reader has come, so that what lies before can be forgotten. */
static void take_again(job *j)
{
    weir_view_reader *reader = j->remote->reader;
    if (j->ask.from > reader->time)
        weir__reader_set_time(reader, j->ask.from);
    if (!weir__reader_take(reader))
        weir_error_set(&j->error, WEIR_CLOSED, "the view '%s' was removed", reader->view->name);
}

/* One row, or it would be less. */
static void drop_large(job *j)
{
    weir_error_set(&j->error, WEIR_TOO_LARGE, "a record of the view '%s' has %zu bytes, and is not "
                   "sent to another process: at most %u", j->remote->reader->view->name,
                   j->page.size, WEIR__ANSWER_BODY_MAX);
    weir_error_hint(&j->error, "read the view in the process that has the record");
    weir_free(j->page.bytes, j->page.size);
    j->page = (weir__page){ .ended = true };
}

static void read_page(weir__answers *answers, job *j)
{
    weir_view_reader *reader = j->remote->reader;
    weir_batch *key = NULL;
    weir_status status = WEIR_OK;
    if (j->body_size)
        status = weir__rows_from_bytes(reader->view, j->body, j->body_size, &key, NULL);
    if (status == WEIR_OK)
        status = weir__page_read(reader, &j->ask, key ? weir_batch_record(key, 0) : NULL,
                                 answers->pool, &j->page);
    weir_batch_release(key);
    if (status != WEIR_OK)
        weir_error_set(&j->error, status, "%s", weir_status_text(status));
    else if (j->page.size > WEIR__ANSWER_BODY_MAX)
        drop_large(j);
}

/* Any worker's thread: a later time of the view is complete. */
static void on_later_time(weir_view *view, void *ctx);

/* Whether what a TAKE waits for is not complete yet: then the watch gives it back. */
static bool has_to_wait(weir__answers *answers, job *j)
{
    if (j->ask.kind != WEIR__ASK_TAKE || j->ask.time == 0)
        return false;
    weir_view *view = j->remote->reader->view;
    if (weir__view_upper(view) > j->ask.time)
        return false;
    if (!j->watch.view) {
        j->watch = (weir_view_watch){ .fn = on_later_time, .ctx = j };
        weir_view_watch_add(view, &j->watch);
    }
    pthread_mutex_lock(&answers->lock);
    j->waits = !j->cancelled && !j->again && weir__view_upper(view) <= j->ask.time;
    bool waits = j->waits, again = j->again;
    j->again = false;
    pthread_mutex_unlock(&answers->lock);
    return waits || (again && has_to_wait(answers, j));
}

static void call(weir__answers *answers);

static void work(weir__answers *answers, job *j)
{
    weir__ask_kind kind = j->ask.kind;
    if (!answers->pool)
        answers->pool = weir__pool_create();
    if (kind == WEIR__ASK_CLOSE) {
        weir_view_reader_close(j->remote->reader);
        j->remote->reader = NULL;
    } else if (!answers->pool) {
        weir_error_set(&j->error, WEIR_NO_MEMORY, "no memory to read a view");
    } else if (has_to_wait(answers, j)) {
        return;
    } else if (kind == WEIR__ASK_OPEN) {
        open_reader(answers, j);
    } else if (kind == WEIR__ASK_TAKE) {
        take_again(j);
    } else {
        read_page(answers, j);
    }
    if (j->remote->reader) {
        j->since = j->remote->reader->since;
        j->upper = j->remote->reader->upper;
    }
    if (j->watch.view)
        weir_view_watch_remove(&j->watch);
    pthread_mutex_lock(&answers->lock);
    push(&answers->done, j);
    pthread_mutex_unlock(&answers->lock);
    call(answers);
}

static void *thread_main(void *ctx)
{
    weir__answers *answers = ctx;
    pthread_mutex_lock(&answers->lock);
    while (!answers->stops) {
        job *j = pop(&answers->queue);
        if (!j) {
            pthread_cond_wait(&answers->changed, &answers->lock);
            continue;
        }
        pthread_mutex_unlock(&answers->lock);
        work(answers, j);
        pthread_mutex_lock(&answers->lock);
    }
    pthread_mutex_unlock(&answers->lock);
    if (answers->pool)
        weir__pool_close(answers->pool);
    return NULL;
}

/* ---- who does it ---- */

static void on_call(weir_worker *worker, void *ctx)
{
    (void)worker;
    weir__answers *answers = ctx;
    __atomic_store_n(&answers->called, 0, __ATOMIC_SEQ_CST);
    weir__answers_turn(answers);
}

/* The first worker sends what is done. */
static void call(weir__answers *answers)
{
    if (!__atomic_exchange_n(&answers->called, 1, __ATOMIC_SEQ_CST))
        weir_runtime_call(answers->runtime, 0, on_call, answers);
}

static void on_job(weir_worker *worker, void *ctx)
{
    (void)worker;
    weir__answers *answers = ctx;
    pthread_mutex_lock(&answers->lock);
    job *j = pop(&answers->queue);
    pthread_mutex_unlock(&answers->lock);
    if (j)
        work(answers, j);
}

/* To the end of the queue. Any thread, under the lock. */
static void enqueue(weir__answers *answers, job *j)
{
    push(&answers->queue, j);
    if (answers->has_thread)
        pthread_cond_signal(&answers->changed);
    else
        weir_runtime_call(answers->runtime, 0, on_job, answers);
}

static void on_later_time(weir_view *view, void *ctx)
{
    (void)view;
    job *j = ctx;
    weir__answers *answers = j->answers;
    pthread_mutex_lock(&answers->lock);
    if (j->waits) {
        j->waits = false;
        enqueue(answers, j);
    } else {
        j->again = true;
    }
    pthread_mutex_unlock(&answers->lock);
}

static bool start_thread(weir__answers *answers, weir_error *error)
{
    if (answers->has_thread || !answers->runtime->owns_env)
        return true;
    int code = weir__thread_start(&answers->thread, thread_main, answers);
    answers->has_thread = code == 0;
    if (code)
        weir_error_set(error, WEIR_SYSTEM, "the thread that reads views for other processes cannot "
                       "be started: %s", strerror(code));
    return code == 0;
}

/* ---- create and destroy ---- */

weir__answers *weir__answers_create(weir_runtime *runtime, weir__mesh *mesh)
{
    weir__answers *answers = weir_alloc_must(sizeof *answers);
    size_t size = runtime->config.processes * sizeof *answers->readers;
    size_t sizes = runtime->config.processes * sizeof *answers->bodies;
    memset(answers, 0, sizeof *answers);
    answers->runtime = runtime;
    answers->mesh = mesh;
    answers->readers = weir_alloc_must(size);
    memset(answers->readers, 0, size);
    answers->bodies = memset(weir_alloc_must(sizes), 0, sizes);
    pthread_mutex_init(&answers->lock, NULL);
    pthread_cond_init(&answers->changed, NULL);
    return answers;
}

void weir__answers_destroy(weir__answers *answers)
{
    if (!answers)
        return;
    pthread_mutex_lock(&answers->lock);
    answers->stops = true;
    pthread_cond_signal(&answers->changed);
    pthread_mutex_unlock(&answers->lock);
    if (answers->has_thread)
        pthread_join(answers->thread, NULL);
    else if (answers->pool)
        weir__pool_close(answers->pool);
    for (remote *r = answers->remotes, *next; r; r = next) {
        next = r->next;
        if (r->job && r->job->watch.view)
            weir_view_watch_remove(&r->job->watch);
        if (r->job)
            job_free(r->job);
        weir_view_reader_close(r->reader);
        weir_free(r, sizeof *r);
    }
    unsigned processes = answers->runtime->config.processes;
    weir_free(answers->readers, processes * sizeof *answers->readers);
    weir_free(answers->bodies, processes * sizeof *answers->bodies);
    pthread_cond_destroy(&answers->changed);
    pthread_mutex_destroy(&answers->lock);
    weir_free(answers, sizeof *answers);
}

/* ---- readers: the first worker's thread ---- */

static remote *find(const weir__answers *answers, unsigned process, uint64_t number)
{
    remote *r = answers->remotes;
    while (r && (r->process != process || r->number != number || r->closing))
        r = r->next;
    return r;
}

static void forget(weir__answers *answers, remote *gone)
{
    remote **at = &answers->remotes;
    while (*at != gone)
        at = &(*at)->next;
    *at = gone->next;
    answers->readers[gone->process]--;
    answers->total--;
    weir_free(gone, sizeof *gone);
}

static job *job_create(weir__answers *answers, remote *r, const weir__ask *ask)
{
    job *j = weir_alloc_must(sizeof *j);
    memset(j, 0, sizeof *j);
    j->answers = answers;
    j->remote = r;
    j->ask = *ask;
    r->job = j;
    return j;
}

/* What it is asked now is answered to nobody. */
static void close_remote(weir__answers *answers, remote *r)
{
    r->closing = true;
    pthread_mutex_lock(&answers->lock);
    if (!r->job) {
        enqueue(answers, job_create(answers, r, &(weir__ask){ .kind = WEIR__ASK_CLOSE }));
    } else if (r->job->ask.kind != WEIR__ASK_CLOSE) {
        r->job->cancelled = true;
        if (r->job->waits) {
            r->job->waits = false;
            r->job->ask.time = 0;
            enqueue(answers, r->job);
        }
    }
    pthread_mutex_unlock(&answers->lock);
}

static remote *add_remote(weir__answers *answers, unsigned process, uint64_t number)
{
    remote *r = weir_alloc_must(sizeof *r);
    *r = (remote){ .next = answers->remotes, .process = process, .number = number };
    answers->remotes = r;
    answers->readers[process]++;
    answers->total++;
    return r;
}

unsigned weir__answers_readers(const weir__answers *answers)
{
    return answers->total;
}

/* ---- frames ---- */

static void put(weir__wire *wire, const weir__answer *answer, const weir__page *page)
{
    unsigned char *room = weir__wire_room(wire, WEIR__FRAME_HEAD_MAX + page->size);
    size_t head = weir__frame_put_answer(room, answer, page->size);
    if (page->size)
        memcpy(room + head, page->bytes, page->size);
    weir__wire_commit(wire, head + page->size);
}

static void put_answer(weir__wire *wire, const job *j)
{
    weir__answer answer = { .id = j->ask.id, .status = j->error.status, .ended = j->page.ended,
                            .since = j->since, .upper = j->upper,
                            .what = weir_str_of(j->error.what),
                            .hint = weir_str_of(j->error.hint) };
    put(wire, &answer, &j->page);
}

/* Told at once; if the connection is behind as well, whoever asks will hear nothing. */
static void put_full(weir__answers *answers, unsigned process, const weir__ask *ask)
{
    weir__wire *wire = weir__mesh_wire(answers->mesh, process);
    weir__page none = { .ended = true };
    bool opens = ask->kind == WEIR__ASK_OPEN;
    char what[100];
    if (opens)
        snprintf(what, sizeof what, "process %u answers for %u readers of this process, as many as "
                 "may be", answers->runtime->config.process, WEIR__ASK_READERS_MAX);
    else
        snprintf(what, sizeof what, "process %u has keys of %u bytes to look up for this process, "
                 "as many as may be", answers->runtime->config.process, WEIR__ASK_BODIES_MAX);
    weir__answer answer = { .id = ask->id, .status = WEIR_FULL, .what = weir_str_of(what),
                            .hint = weir_str_of(opens ? "close readers when they have read"
                                                      : "ask less at a time") };
    if (wire && wire->waiting < BEHIND_BYTES)
        put(wire, &answer, &none);
}

static bool is_full(const weir__answers *answers, unsigned process, bool opens, size_t body)
{
    return (opens && answers->readers[process] >= WEIR__ASK_READERS_MAX) ||
           body > WEIR__ASK_BODIES_MAX - answers->bodies[process];
}

static weir_status refuse(weir_error *error, unsigned process)
{
    weir_error_set(error, WEIR_BAD_DATA, "process %u has asked what cannot be asked", process);
    weir_error_hint(error, "do all processes run the same program?");
    return WEIR_BAD_DATA;
}

static void copy_text(char *to, const weir_str *text)
{
    memcpy(to, weir_str_data(text), text->len);
    to[text->len] = '\0';
}

weir_status weir__answers_ask(weir__answers *answers, unsigned process, const weir__frame *frame,
                              weir_error *error)
{
    weir__ask ask;
    char owner[WEIR__ASK_TEXT_MAX + 1];
    if (!weir__frame_get_ask(frame, &ask) || frame->body_size > WEIR__ASK_BODY_MAX)
        return refuse(error, process);
    remote *r = find(answers, process, ask.reader);
    if (ask.kind == WEIR__ASK_CLOSE) {
        if (r)
            close_remote(answers, r);
        return WEIR_OK;
    }
    if ((ask.kind == WEIR__ASK_OPEN) == (r != NULL) || (r && r->job))
        return refuse(error, process);
    if (!start_thread(answers, error))
        return error->status;
    if (is_full(answers, process, !r, frame->body_size)) {
        put_full(answers, process, &ask);
        return WEIR_OK;
    }
    job *j = job_create(answers, r ? r : add_remote(answers, process, ask.reader), &ask);
    copy_text(j->view, &ask.view);
    copy_text(owner, &ask.owner);
    snprintf(j->owner, sizeof j->owner, "process %u: %s", process, owner);
    if (frame->body_size) {
        j->body_size = frame->body_size;
        answers->bodies[process] += j->body_size;
        j->body = weir_alloc_must(j->body_size);
        memcpy(j->body, frame->body, j->body_size);
    }
    pthread_mutex_lock(&answers->lock);
    enqueue(answers, j);
    pthread_mutex_unlock(&answers->lock);
    return WEIR_OK;
}

/* ---- turns ---- */

/* False: it has to wait for its connection. */
static bool finish(weir__answers *answers, job *j)
{
    remote *r = j->remote;
    weir__wire *wire = weir__mesh_wire(answers->mesh, r->process);
    if (!r->closing && wire && wire->waiting >= BEHIND_BYTES)
        return false;
    bool closed = !r->reader; /* or it could not be opened */
    if (!r->closing && wire)
        put_answer(wire, j);
    r->job = NULL;
    answers->bodies[r->process] -= j->body_size;
    job_free(j);
    if (closed)
        forget(answers, r);
    else if (r->closing)
        close_remote(answers, r);
    return true;
}

static void close_lost(weir__answers *answers)
{
    for (remote *r = answers->remotes; r; r = r->next)
        if (!r->closing && !weir__mesh_wire(answers->mesh, r->process))
            close_remote(answers, r);
}

void weir__answers_turn(weir__answers *answers)
{
    jobs done, left = { NULL, NULL };
    if (answers->total == 0)
        return;
    pthread_mutex_lock(&answers->lock);
    done = answers->done;
    answers->done = (jobs){ NULL, NULL };
    pthread_mutex_unlock(&answers->lock);
    for (job *j; (j = pop(&done));)
        if (!finish(answers, j))
            push(&left, j);
    if (left.first) { /* those that are done since come behind them */
        pthread_mutex_lock(&answers->lock);
        left.last->next = answers->done.first;
        answers->done.first = left.first;
        if (!answers->done.last)
            answers->done.last = left.last;
        pthread_mutex_unlock(&answers->lock);
    }
    close_lost(answers);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns readers of views that are divided among processes: how they come to a time at which all
 * processes can be read, and how what these answer becomes one look-up, scan, or list of changes.
 *
 *   hold everywhere ─→ what was granted: since, upper ─→ the time ─→ pages, one at a time
 *
 * The time is the latest that is complete in all processes. Where a process has forgotten that one
 * already, because it is far ahead, the reader waits until the others come to what it remembers;
 * its holds see to it that nobody forgets more.
 */
#include <string.h>

#include <weir/worker.h>

#include "trace/view_page.h"

enum { WAIT_MS = 5000 };

/* A page of another process's rows, and what of it was not passed on yet. */
typedef struct page {
    weir_batch *rows; /* NULL: none */
    size_t next;
    bool ended; /* there are no more behind it */
} page;

/* A key as the body of a question, and as it was given. */
typedef struct key_bytes {
    char *bytes;
    size_t size;
    const void *record;
} key_bytes;

struct weir__far {
    const weir__asker *asker;
    uint64_t number;     /* of this reader, in the other processes */
    unsigned first, end; /* processes that it reads */
    uint64_t since, wait_ns;
    weir_error error; /* status not OK: another process could not be asked */
    /* of a scan that ended within a page: where, and whose page it is */
    page rest;
    unsigned rest_of;
    weir_view_place rest_place;
    size_t size;
    bool *opened; /* by process: asked to open, so to be told that it is closed */
    weir__question questions[]; /* one a process */
};

uint64_t weir__far_since(const weir_view_reader *reader)
{
    return reader->far->since;
}

const weir_error *weir__far_error(const weir_view_reader *reader)
{
    return reader->far->error.status ? &reader->far->error : NULL;
}

static bool is_ours(const weir__far *far, unsigned process)
{
    return process == far->asker->process;
}

static bool reads_ours(const weir__far *far)
{
    return far->asker->process >= far->first && far->asker->process < far->end;
}

/* ---- asking ---- */

static void begin(weir__far *far, unsigned process, const weir__ask *ask, const key_bytes *key)
{
    weir__question *q = &far->questions[process];
    *q = (weir__question){ .ask = *ask, .process = process, .wait_ns = far->wait_ns,
                           .body = key ? key->bytes : NULL, .body_size = key ? key->size : 0 };
    q->ask.reader = far->number;
    far->opened[process] = true;
    far->asker->begin(far->asker->ctx, q);
}

/* Waits; whether there is an answer, of whatever status. */
static weir_status finish(weir__far *far, unsigned process)
{
    weir__question *q = &far->questions[process];
    far->asker->wait(far->asker->ctx, q);
    if (q->error.status && !far->error.status)
        far->error = q->error;
    return q->error.status;
}

static weir_status refuse(weir__far *far, unsigned process)
{
    weir_error_set(&far->error, WEIR_BAD_DATA, "process %u has answered what cannot be", process);
    weir_error_hint(&far->error, "do all processes run the same program?");
    return WEIR_BAD_DATA;
}

/* Of an answer that has come: its rows become a page. */
static weir_status take_page(weir_view_reader *reader, unsigned process, page *into)
{
    weir__far *far = reader->far;
    weir__question *q = &far->questions[process];
    weir_status status = WEIR_OK;
    *into = (page){ .ended = q->answer.ended };
    if (q->answer.status)
        status = (weir_status)q->answer.status;
    else if (q->rows_size)
        status = weir__rows_from_bytes(reader->view, q->rows, q->rows_size, &into->rows, NULL);
    else if (!into->ended)
        status = WEIR_BAD_DATA;
    weir_free(q->rows, q->rows_size);
    q->rows = NULL;
    q->rows_size = 0;
    return status == WEIR_BAD_DATA || status == WEIR_INVALID ? refuse(far, process) : status;
}

static weir_status ask_page(weir_view_reader *reader, unsigned process, page *into)
{
    weir_status status = finish(reader->far, process);
    *into = (page){ .ended = false };
    return status == WEIR_OK ? take_page(reader, process, into) : status;
}

static void drop_page(page *p)
{
    weir_batch_release(p->rows);
    *p = (page){ .ended = false };
}

static weir_view_row row_of(const weir_view_reader *reader, const page *p, bool timed)
{
    return (weir_view_row){ .record = weir_batch_record(p->rows, p->next),
                            .diff = weir_batch_diff(p->rows, p->next),
                            .time = timed ? weir_batch_time(p->rows, p->next).at[0]
                                          : reader->time };
}

/* ---- the time ---- */

static weir_status fail_with_answer(weir__far *far, unsigned process)
{
    const weir__question *q = &far->questions[process];
    if (q->answer.status == WEIR_OK)
        return WEIR_OK;
    far->error = (weir_error){ .status = (weir_status)q->answer.status };
    memcpy(far->error.what, q->error.what, sizeof far->error.what);
    memcpy(far->error.hint, q->error.hint, sizeof far->error.hint);
    weir_error_detail(&far->error, "process %u says so", process);
    return far->error.status;
}

/* Waits for all that were begun for this reader's time: those that `asked` says, NULL: all. */
static weir_status finish_all(weir_view_reader *reader, const bool *asked)
{
    weir__far *far = reader->far;
    weir_status status = WEIR_OK;
    for (unsigned p = far->first; p < far->end; p++) {
        if (asked ? !asked[p] : is_ours(far, p))
            continue;
        weir_status one = finish(far, p);
        one = one == WEIR_OK ? fail_with_answer(far, p) : one;
        status = status == WEIR_OK ? one : status;
    }
    return status;
}

typedef struct granted {
    uint64_t since, upper; /* greatest, least */
} granted;

static granted granted_by_all(const weir_view_reader *reader)
{
    const weir__far *far = reader->far;
    granted all = { 0, UINT64_MAX };
    for (unsigned p = far->first; p < far->end; p++) {
        const weir__answer *answer = &far->questions[p].answer;
        uint64_t since = is_ours(far, p) ? reader->since : answer->since;
        uint64_t upper = is_ours(far, p) ? reader->upper : answer->upper;
        all.since = since > all.since ? since : all.since;
        all.upper = upper < all.upper ? upper : all.upper;
    }
    return all;
}

/* Those that are behind answer once they have come to that time. */
static weir_status wait_for(weir_view_reader *reader, uint64_t time)
{
    weir__far *far = reader->far;
    bool asked[WEIR_WORKERS_MAX] = { false }; /* there are no more processes than workers */
    for (unsigned p = far->first; p < far->end; p++) {
        weir__ask ask = { .kind = WEIR__ASK_TAKE, .time = time };
        uint64_t upper = is_ours(far, p) ? reader->upper : far->questions[p].answer.upper;
        asked[p] = upper <= time;
        if (asked[p] && is_ours(far, p)) {
            weir__question *q = &far->questions[p];
            *q = (weir__question){ .ask = ask, .process = p, .view = reader->view,
                                   .wait_ns = far->wait_ns };
            far->asker->begin(far->asker->ctx, q);
        } else if (asked[p]) {
            begin(far, p, &ask, NULL);
        }
    }
    weir_status status = finish_all(reader, asked);
    if (status == WEIR_OK && reads_ours(far) && asked[far->asker->process] &&
        !weir__reader_take(reader))
        status = weir_error_set(&far->error, WEIR_CLOSED, "the view '%s' was removed",
                                reader->view->name);
    return status;
}

static weir_status choose_time(weir_view_reader *reader)
{
    weir__far *far = reader->far;
    granted all = granted_by_all(reader);
    if (all.upper <= all.since) {
        weir_status status = wait_for(reader, all.since);
        if (status != WEIR_OK)
            return status;
        all = granted_by_all(reader);
    }
    if (all.upper <= all.since)
        return weir_error_set(&far->error, WEIR_BAD_DATA, "the processes do not come to a time at "
                              "which the view '%s' can be read", reader->view->name);
    far->since = all.since;
    weir__reader_set_time(reader, all.upper - 1);
    return WEIR_OK;
}

/* ---- opening, moving on, closing ---- */

static weir__far *far_create(weir_view *view, const weir_view_reader_options *options)
{
    const weir__asker *asker = view->asker;
    size_t flags = asker->processes * sizeof(bool);
    size_t size = sizeof(weir__far) + asker->processes * sizeof(weir__question) + flags;
    weir__far *far = weir_alloc_zero(size);
    if (!far)
        return NULL;
    far->size = size;
    far->opened = (bool *)(far->questions + asker->processes);
    far->asker = asker;
    far->number = asker->number(asker->ctx);
    far->end = asker->processes;
    far->wait_ns = (uint64_t)(options->wait_ms ? options->wait_ms : WAIT_MS) * 1000000;
    if (options->key) {
        far->first = weir__view_owner(view, weir__view_hash(view, options->key)) / view->here;
        far->end = far->first + 1;
    }
    return far;
}

static weir_status open_all(weir_view_reader *reader, const char *owner)
{
    const weir_view *view = reader->view;
    weir__far *far = reader->far;
    weir__ask ask = { .kind = WEIR__ASK_OPEN,
                      .dataflow = __atomic_load_n(&view->dataflow, __ATOMIC_RELAXED),
                      .view = weir_str_of(view->name),
                      .owner = weir_str_of(owner) };
    for (unsigned p = far->first; p < far->end; p++)
        if (!is_ours(far, p))
            begin(far, p, &ask, NULL);
    weir_status status = finish_all(reader, NULL);
    return status == WEIR_OK ? choose_time(reader) : status;
}

weir_status weir__far_open(weir_view *view, const weir_view_reader_options *options,
                           weir_view_reader **result, weir_error *error)
{
    *result = NULL;
    if (weir__view_upper(view) == 0) { /* nor is known how keys are hashed */
        weir_error_set(error, WEIR_NOT_READY, "no time of the view '%s' is complete yet",
                       view->name);
        weir_error_hint(error, "try again later");
        return WEIR_NOT_READY;
    }
    weir__far *far = far_create(view, options);
    weir_view_reader *reader = NULL;
    weir_status status = WEIR_OK;
    if (far && reads_ours(far))
        status = weir__reader_open_here(view, options->owner, &reader, error);
    else if (far)
        reader = weir__reader_create(view, options->owner);
    if (!reader) {
        if (far)
            weir_free(far, far->size);
        return status ? status : weir_error_set(error, WEIR_NO_MEMORY, "no memory for a reader of "
                                                "the view '%s'", view->name);
    }
    reader->far = far;
    status = open_all(reader, options->owner);
    if (status == WEIR_OK) {
        *result = reader;
        return WEIR_OK;
    }
    if (error)
        *error = far->error;
    weir_view_reader_close(reader);
    return status;
}

static bool all_have_answered(const weir__far *far)
{
    for (unsigned p = far->first; p < far->end; p++)
        if (far->questions[p].error.status)
            return false;
    return true;
}

bool weir__far_refresh(weir_view_reader *reader)
{
    weir__far *far = reader->far;
    uint64_t before = reader->time;
    weir__ask ask = { .kind = WEIR__ASK_TAKE };
    drop_page(&far->rest);
    if (far->error.status || (reads_ours(far) && !weir__reader_take(reader)))
        return false;
    for (unsigned p = far->first; p < far->end; p++)
        if (!is_ours(far, p))
            begin(far, p, &ask, NULL);
    weir_status status = finish_all(reader, NULL);
    if (status == WEIR_OK)
        status = choose_time(reader);
    if (status == WEIR_CLOSED && all_have_answered(far)) /* removed there: it keeps what it has */
        far->error = (weir_error){ .status = WEIR_OK };
    return status == WEIR_OK && reader->time > before;
}

void weir__far_close(weir_view_reader *reader)
{
    weir__far *far = reader->far;
    for (unsigned p = far->first; p < far->end; p++)
        if (far->opened[p])
            far->asker->close(far->asker->ctx, p, far->number);
    drop_page(&far->rest);
    weir_free(far, far->size);
    reader->far = NULL;
}

/* ---- a key ---- */

static weir_status lookup_there(weir_view_reader *reader, unsigned process, const key_bytes *key,
                                weir_view_row_fn *fn, void *ctx)
{
    weir__far *far = reader->far;
    weir__ask ask = { .kind = WEIR__ASK_LOOKUP, .time = reader->time };
    for (bool go_on = true; go_on;) {
        page p;
        begin(far, process, &ask, key);
        weir_status status = ask_page(reader, process, &p);
        if (status != WEIR_OK)
            return status;
        go_on = !p.ended;
        for (; p.rows && p.next < p.rows->count; p.next++, ask.ordinal++) {
            weir_view_row row = row_of(reader, &p, false);
            if (fn(&row, ctx))
                continue;
            go_on = false;
            break;
        }
        drop_page(&p);
    }
    return WEIR_OK;
}

/* The process that has a key; of a reader for one key, it must be that key's. */
static bool find_process(const weir_view_reader *reader, const void *key, unsigned *process)
{
    const weir_view *view = reader->view;
    const weir__far *far = reader->far;
    *process = weir__view_owner(view, weir__view_hash(view, key)) / view->here;
    return *process >= far->first && *process < far->end;
}

static weir_status key_create(const weir_view *view, const void *record, key_bytes *key)
{
    weir__pool *pool = weir__pool_create();
    *key = (key_bytes){ .record = record };
    if (!pool)
        return WEIR_NO_MEMORY;
    key->bytes = weir__key_bytes(view, record, pool, &key->size);
    weir__pool_close(pool);
    return key->bytes ? WEIR_OK : WEIR_NO_MEMORY;
}

weir_status weir__far_lookup(weir_view_reader *reader, const void *record, weir_view_row_fn *fn,
                             void *ctx)
{
    unsigned process;
    key_bytes key;
    if (reader->far->error.status)
        return reader->far->error.status;
    if (!find_process(reader, record, &process))
        return WEIR_INVALID;
    if (is_ours(reader->far, process))
        return weir__reader_lookup_here(reader, record, fn, ctx);
    weir_status status = key_create(reader->view, record, &key);
    if (status == WEIR_OK)
        status = lookup_there(reader, process, &key, fn, ctx);
    weir_free(key.bytes, key.size);
    return status;
}

/* ---- scans ---- */

/* A scan on its way through the processes, whose ranges of hashes follow one another. */
typedef struct scan {
    weir_view_reader *reader;
    weir_view_place *place;
    size_t left;
    bool go_on;
    weir_view_row_fn *fn;
    void *ctx;
} scan;

static bool pass_on(const weir_view_row *row, void *ctx)
{
    scan *s = ctx;
    s->go_on = s->fn(row, s->ctx) && --s->left > 0;
    return s->go_on;
}

/* False: rows are not in the order of a scan. */
static bool pass_page(scan *s, page *p)
{
    while (s->go_on && p->rows && p->next < p->rows->count) {
        if (!p->rows->hashes || p->rows->hashes[p->next] < s->place->hash)
            return false;
        uint64_t hash = p->rows->hashes[p->next];
        s->place->ordinal = hash == s->place->hash ? s->place->ordinal + 1 : 1;
        s->place->hash = hash;
        weir_view_row row = row_of(s->reader, p, false);
        p->next++;
        (void)pass_on(&row, s);
    }
    return true;
}

/* What was left of the last page, if the scan goes on there; else another page. */
static weir_status next_page(scan *s, unsigned process, page *p)
{
    weir__far *far = s->reader->far;
    bool fits = far->rest.rows && far->rest_of == process &&
                far->rest_place.hash == s->place->hash &&
                far->rest_place.ordinal == s->place->ordinal;
    if (fits) {
        *p = far->rest;
        far->rest = (page){ .ended = false };
        return WEIR_OK;
    }
    drop_page(&far->rest);
    weir__ask ask = { .kind = WEIR__ASK_SCAN, .time = s->reader->time, .from = s->place->hash,
                      .ordinal = s->place->ordinal, .limit = s->left };
    begin(far, process, &ask, NULL);
    return ask_page(s->reader, process, p);
}

static weir_status scan_there(scan *s, unsigned process)
{
    weir__far *far = s->reader->far;
    for (bool ended = false; s->go_on && !ended;) {
        page p;
        weir_status status = next_page(s, process, &p);
        if (status != WEIR_OK)
            return status;
        if (!pass_page(s, &p)) {
            drop_page(&p);
            return refuse(far, process);
        }
        ended = p.ended;
        if (p.rows && p.next < p.rows->count) {
            far->rest = p;
            far->rest_of = process;
            far->rest_place = *s->place;
        } else {
            drop_page(&p);
        }
    }
    return WEIR_OK;
}

weir_status weir__far_scan(weir_view_reader *reader, weir_view_place *place, size_t limit,
                           weir_view_row_fn *fn, void *ctx)
{
    weir__far *far = reader->far;
    scan s = { .reader = reader, .place = place, .left = limit ? limit : SIZE_MAX,
               .go_on = !place->ended, .fn = fn, .ctx = ctx };
    weir_status status = far->error.status;
    if (status == WEIR_OK && far->end - far->first < far->asker->processes)
        return WEIR_INVALID;
    unsigned p = weir__view_owner(reader->view, place->hash) / reader->view->here;
    for (; p < far->end && s.go_on && status == WEIR_OK; p++) {
        if (!is_ours(far, p)) {
            status = scan_there(&s, p);
            continue;
        }
        place->ended = false;
        status = weir__reader_scan_here(reader, place, 0, pass_on, &s);
    }
    if (status == WEIR_OK)
        place->ended = s.go_on;
    return status;
}

/* ---- changes ---- */

/* What one process has: the row at hand, and how it goes on. */
typedef struct source {
    bool has, asked; /* asked: a page is under way */
    weir_view_row row;
    page page;
    uint64_t passed;
} source;

/* The lists of all processes, each in order, on their way to being one. */
typedef struct merge {
    weir_view_reader *reader;
    weir__ask ask;
    key_bytes key; /* bytes NULL: of all keys */
    unsigned first, end; /* processes */
    weir__changes *ours;
    source *of; /* by process */
} merge;

static void ask_more(merge *m, unsigned process)
{
    source *s = &m->of[process];
    m->ask.ordinal = s->passed;
    begin(m->reader->far, process, &m->ask, &m->key);
    s->asked = true;
}

static bool keep_row(const weir_view_row *row, void *ctx)
{
    source *s = ctx;
    s->row = *row;
    s->has = true;
    return false;
}

/* The next row of a process becomes the one at hand. */
static weir_status advance(merge *m, unsigned process)
{
    source *s = &m->of[process];
    s->has = false;
    if (is_ours(m->reader->far, process))
        return weir__changes_report(m->reader, m->ours, keep_row, s);
    while (!s->page.rows || s->page.next == s->page.rows->count) {
        bool over = s->page.ended && !s->asked;
        drop_page(&s->page);
        s->page.ended = over;
        if (over)
            return WEIR_OK;
        if (!s->asked)
            ask_more(m, process);
        s->asked = false;
        weir_status status = ask_page(m->reader, process, &s->page);
        if (status != WEIR_OK)
            return status;
    }
    s->row = row_of(m->reader, &s->page, true);
    s->page.next++;
    s->passed++;
    s->has = true;
    return WEIR_OK;
}

static bool is_in(const merge *m, unsigned process)
{
    return process >= m->first && process < m->end;
}

static weir_status begin_merge(merge *m)
{
    const weir__far *far = m->reader->far;
    weir_status status = WEIR_OK;
    for (unsigned p = m->first; p < m->end; p++)
        if (!is_ours(far, p))
            ask_more(m, p);
    if (is_in(m, far->asker->process))
        status = weir__changes_find(m->reader, m->ask.from, m->key.record, &m->ours);
    for (unsigned p = m->first; p < m->end && status == WEIR_OK; p++)
        status = advance(m, p);
    return status;
}

/* Of one time, the rows of an earlier process come first. */
static weir_status run_merge(merge *m, weir_view_row_fn *fn, void *ctx)
{
    weir_status status = begin_merge(m);
    while (status == WEIR_OK) {
        unsigned least = m->end;
        for (unsigned p = m->first; p < m->end; p++)
            if (m->of[p].has && (least == m->end || m->of[p].row.time < m->of[least].row.time))
                least = p;
        if (least == m->end || !fn(&m->of[least].row, ctx))
            break;
        status = advance(m, least);
    }
    return status;
}

static void end_merge(merge *m)
{
    for (unsigned p = m->first; p < m->end; p++) {
        source *s = &m->of[p];
        page late;
        if (s->asked && ask_page(m->reader, p, &late) == WEIR_OK)
            drop_page(&late);
        drop_page(&s->page);
    }
    weir__changes_free(m->ours);
}

weir_status weir__far_changes(weir_view_reader *reader, uint64_t since, const void *record,
                              weir_view_row_fn *fn, void *ctx)
{
    weir__far *far = reader->far;
    merge m = { .reader = reader,
                .ask = { .kind = WEIR__ASK_CHANGES, .time = reader->time, .from = since },
                .first = far->first, .end = far->end };
    weir_status status = far->error.status;
    if (status != WEIR_OK)
        return status;
    if (record ? !find_process(reader, record, &m.first)
               : far->end - far->first < far->asker->processes)
        return WEIR_INVALID;
    if (since < far->since)
        return WEIR_GONE;
    if (record) {
        m.end = m.first + 1;
        status = key_create(reader->view, record, &m.key);
    }
    m.of = weir_alloc_zero(far->asker->processes * sizeof *m.of);
    if (status == WEIR_OK && m.of)
        status = run_merge(&m, fn, ctx);
    else
        status = WEIR_NO_MEMORY;
    if (m.of)
        end_merge(&m);
    weir_free(m.of, far->asker->processes * sizeof *m.of);
    weir_free(m.key.bytes, m.key.size);
    return status;
}

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

#include "trace/view_far.h"

enum { WAIT_MS = 5000 };

uint64_t weir__far_since(const weir_view_reader *reader)
{
    return reader->far->since;
}

const weir_error *weir__far_error(const weir_view_reader *reader)
{
    return reader->far->error.status ? &reader->far->error : NULL;
}

weir_status weir__far_begin_call(weir__far *far)
{
    if (far->passes)
        far->error = (weir_error){ .status = WEIR_OK };
    far->passes = false;
    return far->error.status;
}

static bool reads_ours(const weir__far *far)
{
    return far->asker->process >= far->first && far->asker->process < far->end;
}

/* ---- asking ---- */

/* Of several errors of a call the first one counts, but what ends the reader before what passes. */
static void note(weir__far *far, const weir_error *error, bool passes)
{
    if (far->error.status && (passes || !far->passes))
        return;
    far->error = *error;
    far->passes = passes;
}

void weir__far_begin(weir__far *far, unsigned process, const weir__ask *ask,
                     const weir__far_key *key)
{
    weir__question *q = &far->questions[process];
    weir_free(q->rows, q->rows_size); /* that nobody had asked for */
    *q = (weir__question){ .ask = *ask, .process = process, .wait_ns = far->wait_ns,
                           .body = key ? key->bytes : NULL, .body_size = key ? key->size : 0 };
    q->ask.reader = far->number;
    far->opened[process] = true;
    far->asker->begin(far->asker->ctx, q);
}

weir_status weir__far_finish(weir__far *far, unsigned process)
{
    weir__question *q = &far->questions[process];
    far->asker->wait(far->asker->ctx, q);
    if (q->error.status)
        note(far, &q->error, false);
    return q->error.status;
}

weir_status weir__far_refuse(weir__far *far, unsigned process)
{
    far->passes = false;
    weir_error_set(&far->error, WEIR_BAD_DATA, "process %u has answered what cannot be", process);
    weir_error_hint(&far->error, "do all processes run the same program?");
    return WEIR_BAD_DATA;
}

/* It has refused. passes: nothing has moved, the reader reads on at its time. */
static weir_status fail_with_answer(weir__far *far, unsigned process, bool passes)
{
    const weir__question *q = &far->questions[process];
    if (q->answer.status == WEIR_OK)
        return WEIR_OK;
    weir_error error = { .status = (weir_status)q->answer.status };
    memcpy(error.what, q->error.what, sizeof error.what);
    memcpy(error.hint, q->error.hint, sizeof error.hint);
    weir_error_detail(&error, "process %u says so", process);
    note(far, &error, passes);
    return error.status;
}

/* Of an answer that has come: its rows become a page. */
static weir_status take_page(weir_view_reader *reader, unsigned process, weir__far_page *into)
{
    weir__far *far = reader->far;
    weir__question *q = &far->questions[process];
    weir_status status = WEIR_OK;
    *into = (weir__far_page){ .ended = q->answer.ended };
    if (q->answer.status == WEIR_TOO_LARGE || q->answer.status == WEIR_FULL)
        status = fail_with_answer(far, process, true);
    else if (q->answer.status)
        status = (weir_status)q->answer.status;
    else if (q->rows_size)
        status = weir__rows_from_bytes(reader->view, q->rows, q->rows_size, &into->rows, NULL);
    else if (!into->ended)
        status = WEIR_BAD_DATA;
    weir_free(q->rows, q->rows_size);
    q->rows = NULL;
    q->rows_size = 0;
    if (status == WEIR_BAD_DATA || status == WEIR_INVALID)
        return weir__far_refuse(far, process);
    return status;
}

weir_status weir__far_finish_page(weir_view_reader *reader, unsigned process, weir__far_page *into)
{
    weir_status status = weir__far_finish(reader->far, process);
    *into = (weir__far_page){ .ended = false };
    return status == WEIR_OK ? take_page(reader, process, into) : status;
}

void weir__far_drop_page(weir__far_page *p)
{
    weir_batch_release(p->rows);
    *p = (weir__far_page){ .ended = false };
}

/* ---- the time ---- */

/* Waits for all that were begun for this reader's time: those that `asked` says, NULL: all. */
static weir_status finish_all(weir_view_reader *reader, const bool *asked)
{
    weir__far *far = reader->far;
    weir_status status = WEIR_OK;
    for (unsigned p = far->first; p < far->end; p++) {
        if (asked ? !asked[p] : weir__far_is_ours(far, p))
            continue;
        weir_status one = weir__far_finish(far, p);
        one = one == WEIR_OK ? fail_with_answer(far, p, false) : one;
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
        uint64_t since = weir__far_is_ours(far, p) ? reader->since : answer->since;
        uint64_t upper = weir__far_is_ours(far, p) ? reader->upper : answer->upper;
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
        uint64_t upper = weir__far_is_ours(far, p) ? reader->upper : far->questions[p].answer.upper;
        asked[p] = upper <= time;
        if (asked[p] && weir__far_is_ours(far, p)) {
            weir__question *q = &far->questions[p];
            *q = (weir__question){ .ask = ask, .process = p, .view = reader->view,
                                   .wait_ns = far->wait_ns };
            far->asker->begin(far->asker->ctx, q);
        } else if (asked[p]) {
            weir__far_begin(far, p, &ask, NULL);
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
    if (options->key) {
        far->first = weir__view_owner(view, weir__view_hash(view, options->key)) / view->here;
        far->end = far->first + 1;
    }
    return far;
}

static uint64_t wait_ns(const weir_view_reader_options *options, bool opens)
{
    unsigned given = opens && options->open_ms ? options->open_ms : options->wait_ms;
    return (uint64_t)(given ? given : WAIT_MS) * 1000000;
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
        if (!weir__far_is_ours(far, p))
            weir__far_begin(far, p, &ask, NULL);
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
    far->wait_ns = wait_ns(options, true);
    status = open_all(reader, options->owner);
    far->wait_ns = wait_ns(options, false);
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
    weir__ask ask = { .kind = WEIR__ASK_TAKE, .from = before };
    weir__far_drop_page(&far->rest);
    if (weir__far_begin_call(far) != WEIR_OK || (reads_ours(far) && !weir__reader_take(reader)))
        return false;
    for (unsigned p = far->first; p < far->end; p++)
        if (!weir__far_is_ours(far, p))
            weir__far_begin(far, p, &ask, NULL);
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
    for (unsigned p = far->first; p < far->end; p++) {
        weir_free(far->questions[p].rows, far->questions[p].rows_size);
        if (far->opened[p])
            far->asker->close(far->asker->ctx, p, far->number);
    }
    weir__far_drop_page(&far->rest);
    weir_free(far, far->size);
    reader->far = NULL;
}

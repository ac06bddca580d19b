/* SPDX-License-Identifier: Apache-2.0
 *
 * See flow.h.
 */
#include "http/flow.h"

/* Few flows go on in one turn: then all get on, however many there are. */
enum { PIECE_BYTES = 16 << 10, FLOWS_A_TURN = 4 };

static void unlink_flow(weir__flow *flow)
{
    weir_http *http = flow->http;
    *(flow->previous ? &flow->previous->next : &http->flows) = flow->next;
    *(flow->next ? &flow->next->previous : &http->last_flow) = flow->previous;
}

static void append_flow(weir__flow *flow)
{
    weir_http *http = flow->http;
    flow->previous = http->last_flow;
    flow->next = NULL;
    *(flow->previous ? &flow->previous->next : &http->flows) = flow;
    http->last_flow = flow;
}

/* One whose turn is over goes behind all others. */
static void suspend(weir__flow *flow, bool turn_over)
{
    flow->suspended = true;
    flow->turn_over = turn_over;
    unlink_flow(flow);
    append_flow(flow);
    MHD_suspend_connection(flow->connection);
}

void weir__flow_wake(weir__flow *flow)
{
    if (!flow->suspended || flow->working)
        return;
    flow->suspended = flow->turn_over = false;
    MHD_resume_connection(flow->connection);
}

static void do_work(uv_work_t *job)
{
    weir__flow *flow = job->data;
    flow->work(flow);
}

static void after_work(uv_work_t *job, int canceled)
{
    weir__flow *flow = job->data;
    weir_http *http = flow->http;
    (void)canceled; /* nobody does */
    flow->working = false;
    flow->worked = true;
    http->jobs--;
    weir__flow_wake(flow);
    if (!http->ending)
        weir__http_turn(http);
}

bool weir__flow_work(weir__flow *flow, void (*work)(weir__flow *flow))
{
    weir_http *http = flow->http;
    flow->job.data = flow;
    flow->work = work;
    if (uv_queue_work(weir_worker_loop(http->worker), &flow->job, do_work, after_work))
        return false;
    flow->working = true;
    http->jobs++;
    return true;
}

void weir__flows_finish_work(weir_http *http)
{
    while (http->jobs > 0)
        (void)uv_run(weir_worker_loop(http->worker), UV_RUN_ONCE);
}

void weir__flows_resume(weir_http *http)
{
    unsigned woken = 0;
    for (weir__flow *flow = http->flows; flow && woken < FLOWS_A_TURN; flow = flow->next) {
        if (flow->turn_over) {
            weir__flow_wake(flow);
            woken++;
        }
    }
}

bool weir__flows_waiting(const weir_http *http)
{
    for (const weir__flow *flow = http->flows; flow; flow = flow->next)
        if (flow->turn_over)
            return true;
    return false;
}

void weir__flows_wake_all(weir_http *http)
{
    for (weir__flow *flow = http->flows; flow; flow = flow->next)
        weir__flow_wake(flow);
}

/* libmicrohttpd has room for the next bytes of the answer. */
static ssize_t read_flow(void *ctx, uint64_t position, char *room, size_t size)
{
    weir__flow *flow = ctx;
    weir__text *text = &flow->text;
    (void)position;
    while (flow->working || flow->worked || flow->taken == text->bytes.len) {
        if (flow->working) {
            suspend(flow, false);
            return 0;
        }
        if (!flow->worked) {
            text->bytes.len = flow->taken = 0;
            if (uv_hrtime() >= flow->http->deadline_ns) {
                suspend(flow, true);
                return 0;
            }
        }
        flow->worked = false;
        weir__flow_more more = flow->more(flow);
        if (flow->working)
            continue; /* the text is another thread's now */
        if (more == WEIR__FLOW_BROKEN || text->failed)
            return MHD_CONTENT_READER_END_WITH_ERROR;
        if (more == WEIR__FLOW_ENDED)
            return MHD_CONTENT_READER_END_OF_STREAM;
        if (more == WEIR__FLOW_WAITS) {
            suspend(flow, false);
            return 0;
        }
    }
    size_t len = text->bytes.len - flow->taken;
    len = len < size ? len : size;
    memcpy(room, text->bytes.data + flow->taken, len);
    flow->taken += len;
    return (ssize_t)len;
}

static void free_flow(void *ctx)
{
    weir__flow *flow = ctx;
    unlink_flow(flow);
    weir__text_fini(&flow->text);
    flow->destroy(flow);
}

enum MHD_Result weir__flow_answer(weir__request *request, weir__flow *flow, const char *type)
{
    flow->http = request->http;
    flow->connection = request->connection;
    append_flow(flow);
    struct MHD_Response *response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, PIECE_BYTES,
                                                                      read_flow, flow, free_flow);
    if (!response) {
        free_flow(flow);
        return MHD_NO;
    }
    return weir__answer_by(request, MHD_HTTP_OK, type, response);
}

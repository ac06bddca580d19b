/* SPDX-License-Identifier: Apache-2.0
 *
 * See opening.h.
 */
#include "http/opening.h"

static void do_work(uv_work_t *job)
{
    weir__opening *opening = job->data;
    opening->work(opening);
}

static void after_work(uv_work_t *job, int canceled)
{
    weir__opening *opening = job->data;
    weir_http *http = opening->http;
    (void)canceled; /* nobody does */
    http->jobs--;
    MHD_resume_connection(opening->connection);
    if (!http->ending)
        weir__http_turn(http);
}

bool weir__opening_begin(weir__request *request, weir__opening *opening, weir_view *view,
                         enum MHD_Result *result)
{
    weir_http *http = request->http;
    opening->http = http;
    opening->connection = request->connection;
    opening->begun_ns = uv_hrtime();
    opening->view = view;
    if (!weir_view_is_divided(view)) {
        opening->work(opening);
        opening->view = NULL;
        return true;
    }
    *result = MHD_NO; /* there are no means: the connection is cut */
    opening->view = weir_view_retain(view);
    opening->job.data = opening;
    if (uv_queue_work(weir_worker_loop(http->worker), &opening->job, do_work, after_work)) {
        weir_view_release(opening->view);
        opening->discard(opening);
        return false;
    }
    http->jobs++;
    request->opening = opening;
    MHD_suspend_connection(request->connection);
    *result = MHD_YES;
    return false;
}

weir_view *weir__opening_view(weir__opening *opening)
{
    weir_view *view = opening->view;
    opening->view = NULL;
    return view;
}

weir_status weir__opening_open(const weir__opening *opening, const char *owner, const void *key,
                               weir_view_reader **reader, weir_error *error)
{
    uint64_t waited_ms = (uv_hrtime() - opening->begun_ns) / 1000000;
    if (waited_ms >= WEIR__HTTP_WAIT_MS) {
        weir_error_set(error, WEIR_UNAVAILABLE, "other requests have waited for other processes "
                       "for so long that this one was not come to in %d s",
                       WEIR__HTTP_WAIT_MS / 1000);
        weir_error_hint(error, "try again later");
        return WEIR_UNAVAILABLE;
    }
    weir_view_reader_options options = { .struct_size = sizeof options, .owner = owner, .key = key,
                                         .wait_ms = WEIR__HTTP_WAIT_MS,
                                         .open_ms = (unsigned)(WEIR__HTTP_WAIT_MS - waited_ms) };
    return weir_view_reader_open_with(opening->view, &options, reader, error);
}

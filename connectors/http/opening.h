/* SPDX-License-Identifier: Apache-2.0
 *
 * Readers that are opened before a request is answered. That of a view which is divided among
 * processes has to wait for the others: a thread of libuv's pool opens it, and the request's
 * connection is suspended meanwhile, so that whether it succeeds decides on the answer's status.
 */
#ifndef WEIR_HTTP_OPENING_H
#define WEIR_HTTP_OPENING_H

#include <weir/view.h>

#include "http/server.h"

/* How long a request may take to come by its readers: time that it waits for a thread included. */
#define WEIR__HTTP_WAIT_MS 5000

/* A member of what an answer keeps. */
struct weir__opening {
    weir_http *http;
    struct MHD_Connection *connection;
    uv_work_t job;
    weir_view *view; /* a reference, until the request is served again */
    uint64_t begun_ns;
    /* filled in by the answer: work opens, in whatever thread; discard is called when the request
     * has gone away meanwhile. */
    void (*work)(weir__opening *opening);
    void (*discard)(weir__opening *opening);
};

/* Opens at once, if that takes no time, and returns true. Else false: *result is for libmicrohttpd,
 * and when it is done the request is served again, with request->opening set. */
bool weir__opening_begin(weir__request *request, weir__opening *opening, weir_view *view,
                         enum MHD_Result *result);
/* The view that a request was opened for is given away, with the reference: another may have its
 * name by now. */
weir_view *weir__opening_view(weir__opening *opening);
/* For work: opens a reader that waits for others no longer than there is time left. key: NULL, or
 * all that is read. */
weir_status weir__opening_open(const weir__opening *opening, const char *owner, const void *key,
                               weir_view_reader **reader, weir_error *error);

#endif

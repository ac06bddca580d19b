/* SPDX-License-Identifier: Apache-2.0
 *
 * The HTTP server of a runtime: libmicrohttpd inside worker 0's loop. server.c owns the daemon and
 * its place in the loop, request.c what a request may look like and who answers it, flow.c answers
 * that are made piece by piece; the other files make the answers.
 */
#ifndef WEIR_HTTP_SERVER_H
#define WEIR_HTTP_SERVER_H

#include <microhttpd.h>
#include <uv.h>

#include <weir/connectors/http.h>
#include <weir/observe.h>

#include "http/text.h"

typedef struct weir__flow weir__flow;
typedef struct weir__inquiry weir__inquiry;
typedef struct weir__opening weir__opening;

struct weir_http {
    weir_runtime *runtime;
    weir_worker *worker; /* 0, once it runs */
    weir_http_config config;
    struct MHD_Daemon *daemon;
    char host[256];      /* as the address names it */
    bool loopback;       /* answers only requests that name it */
    char url[320];
    uint64_t incarnation; /* of this life of the program: when it began, in milliseconds; or what
                             all processes of the cluster have agreed on */
    uint32_t ready;      /* atomic: workers that run */
    /* the rest belongs to worker 0's thread, and after its end to whoever stops the server */
    uv_poll_t poll;
    uv_timer_t timer, round, retry, pulse;
    uv_async_t news;
    unsigned open_handles, jobs; /* jobs: that other threads are at */
    bool attached, has_poll, ending;
    uint64_t round_ns;    /* when streams were last looked at */
    uint64_t deadline_ns; /* of this turn: flows make nothing more after it */
    weir__flow *flows, *last_flow;
    weir__inquiry *inquiries; /* of /why: workers may still have them */
    unsigned stream_count;
    uint64_t requests, refused;
};

/* Longer turns would keep the worker from its dataflows. */
#define WEIR__HTTP_TURN_NS 500000

/* Lets the daemon do what there is to do, and sees to it that it is called again. */
void weir__http_turn(weir_http *http);

/* ---- answers ---- */

typedef struct weir__request {
    weir_http *http;
    struct MHD_Connection *connection;
    const char *path; /* decoded */
    bool seen;        /* its headers have been looked at */
    size_t uri_len;
    weir__opening *opening; /* done, and not taken yet by who answers; or NULL */
} weir__request;

/* The answer takes the text over and leaves it empty. */
enum MHD_Result weir__answer(weir__request *request, unsigned status, const char *type,
                             weir__text *text);
enum MHD_Result weir__answer_json(weir__request *request, unsigned status, weir__text *text);
/* By a response that was made elsewhere, and is given back here. */
enum MHD_Result weir__answer_by(weir__request *request, unsigned status, const char *type,
                                struct MHD_Response *response);
/* { "error": "…" } */
enum MHD_Result weir__refuse(weir__request *request, unsigned status, const char *format, ...)
    WEIR_PRINTF(3, 4);
/* 400, 404, 410, …; 500 where neither the client nor a moment is to blame. */
unsigned weir__code_of(weir_status status);
/* By the code of the error's status. */
enum MHD_Result weir__refuse_error(weir__request *request, const weir_error *error);

/* Called by libmicrohttpd; ctx is the server. */
enum MHD_Result weir__request_handle(void *ctx, struct MHD_Connection *connection, const char *url,
                                     const char *method, const char *version, const char *data,
                                     size_t *data_size, void **state);
void *weir__request_begin(void *ctx, const char *uri, struct MHD_Connection *connection);
void weir__request_end(void *ctx, struct MHD_Connection *connection, void **state,
                       enum MHD_RequestTerminationCode code);

/* ---- what there is to answer ---- */

enum MHD_Result weir__serve_index(weir__request *request);
enum MHD_Result weir__serve_health(weir__request *request);
enum MHD_Result weir__serve_ready(weir__request *request);
enum MHD_Result weir__serve_metrics(weir__request *request);
enum MHD_Result weir__serve_graph(weir__request *request);
enum MHD_Result weir__serve_dot(weir__request *request);
enum MHD_Result weir__serve_why(weir__request *request);
/* Those that are over; or all, when no worker runs any more. */
void weir__inquiries_end(weir_http *http, bool all);

#endif

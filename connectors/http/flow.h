/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers that are made piece by piece: large ones, and those without an end. Pieces that take time
 * are made by libuv's pool of threads, so that the worker is never kept. A flow that waits for its
 * piece or for news, or whose turn is over, has its connection suspended: nobody asks it in vain.
 */
#ifndef WEIR_HTTP_FLOW_H
#define WEIR_HTTP_FLOW_H

#include "http/server.h"

/* What came of asking a flow for more. */
typedef enum weir__flow_more {
    WEIR__FLOW_MADE,  /* a piece, a few kilobytes at most, was added to its text */
    WEIR__FLOW_WAITS, /* there is nothing now: until weir__flow_wake */
    WEIR__FLOW_ENDED,
    WEIR__FLOW_BROKEN /* the connection is cut: the reader sees that the answer is not whole */
} weir__flow_more;

/* The first member of what an answer keeps. */
struct weir__flow {
    weir_http *http;
    struct MHD_Connection *connection;
    weir__flow *next, *previous;
    bool suspended, turn_over;
    bool working;    /* another thread is at it, and owns the text and what the maker keeps */
    bool worked;     /* it has come back, and `more` has not looked yet */
    uv_work_t job;
    void (*work)(weir__flow *flow);
    weir__text text; /* made, not yet taken */
    size_t taken;
    weir__flow_more (*more)(weir__flow *flow);
    void (*destroy)(weir__flow *flow);
};

/* Answers the request by the flow, which the answer takes over, even if it fails. type is that of
 * the content. */
enum MHD_Result weir__flow_answer(weir__request *request, weir__flow *flow, const char *type);
/* For `more`, which returns WAITS then: work is called by a thread of the pool, then `more` again
 * by the worker's. False: there are no means. */
bool weir__flow_work(weir__flow *flow, void (*work)(weir__flow *flow));
/* Something may be there for it. */
void weir__flow_wake(weir__flow *flow);
/* Goes on with some of the flows whose turn was over; whether there are such. */
void weir__flows_resume(weir_http *http);
bool weir__flows_waiting(const weir_http *http);
/* Waits for the pool. In the thread that runs the loop; or nobody runs it any more. */
void weir__flows_finish_work(weir_http *http);
/* Makes all of them go on, so that they can end. */
void weir__flows_wake_all(weir_http *http);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Views over HTTP: what looking up, scanning and streaming share.
 */
#ifndef WEIR_HTTP_VIEWS_H
#define WEIR_HTTP_VIEWS_H

#include <weir/view.h>

#include "http/flow.h"
#include "http/query.h"

/* For how long a reader may take to read one state: it keeps history alive. */
#define WEIR__HTTP_STATE_NS 60000000000u

enum MHD_Result weir__serve_views(weir__request *request);
/* rest is what follows /views/. */
enum MHD_Result weir__serve_view(weir__request *request, const char *rest);
/* /views/NAME/events. */
enum MHD_Result weir__serve_events(weir__request *request, weir_view *view);

/* Reads the query part of the request's address; a refusal is answered. */
weir_status weir__query_read(weir__request *request, weir__query *query, weir_error *error);

/* "view":"NAME","incarnation":7,"epoch":42 */
void weir__put_time(weir__text *out, const weir_http *http, const weir_view *view,
                    uint64_t epoch);
/* The record as an object; with a member _count if it is not there exactly once. */
weir_status weir__put_record(weir__text *out, const weir_type *type, const void *record,
                             int64_t count);

#endif

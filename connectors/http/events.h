/* SPDX-License-Identifier: Apache-2.0
 *
 * Streams of events: who is told that a view has a later time, when they are written, and that a
 * reader who went away is noticed.
 */
#ifndef WEIR_HTTP_EVENTS_H
#define WEIR_HTTP_EVENTS_H

#include "http/server.h"

/* The handles that streams need, in worker 0's loop. */
void weir__events_attach(weir_http *http, struct uv_loop_s *loop);

#endif

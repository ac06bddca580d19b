/* SPDX-License-Identifier: Apache-2.0
 *
 * Views, metrics, health and the running graph over HTTP, served in worker 0's own loop: no work
 * while nobody asks, and views are read by libuv's pool of threads, so that no worker is kept.
 * weir_main starts it; a host with a main() of its own may, too.
 *
 *     /                       the addresses below
 *     /views                  all views: fields, key, how far they are complete, records
 *     /views/NAME             a scan; ?limit=, ?after= (opaque, from the answer before it)
 *     /views/NAME?key=VALUE   the records of a key: one ?key= for each field of it, in order; for
 *                             null ?key without a value
 *     /views/NAME/events      server-sent events: every change; ?key=, ?snapshot=1 (what there is,
 *                             first). The id is incarnation:epoch; Last-Event-ID resumes
 *     /graph                  nodes, stages, frontiers, counts; who holds a frontier back
 *     /graph.dot              the same for Graphviz
 *     /why                    what is stuck, in one sentence
 *     /metrics                for Prometheus (text format 0.0.4)
 *     /healthz, /readyz       200 while the process lives; once all dataflows run
 *
 * In a cluster any process answers for any view; the rest is of the process that is asked.
 *
 * Answers are JSON and carry the incarnation and the epoch of which they are complete: never a
 * mixture of two times. Refusals are 4xx with { "error": "a sentence" }. docs/reference/http.md has
 * all members.
 *
 * There is no access control: it listens on the loopback address unless told otherwise, and then
 * answers only requests that name it (against rebinding of host names).
 */
#ifndef WEIR_CONNECTORS_HTTP_H
#define WEIR_CONNECTORS_HTTP_H

#include <weir/worker.h>

WEIR_BEGIN_DECLS

typedef struct weir_http weir_http;

/* Zero means default for every field. Copied. */
typedef struct weir_http_config {
    size_t struct_size;
    const char *address;        /* "HOST:PORT", "[::1]:PORT", "PORT"; default "8080", and 8080 + I
                                   in process I of a cluster */
    unsigned connections_max;   /* more wait to be accepted; default 256 */
    unsigned streams_max;       /* of events at a time; more are answered with 503; default 64 */
    size_t stream_bytes_max;    /* not yet taken by a reader before it is cut off; default 1 MiB */
} weir_http_config;

/* Listens at once, so that what is wrong with the address is known here, and serves from the moment
 * that worker 0 runs. Between weir_runtime_create and weir_runtime_start. NULL on failure: the
 * address is taken (EXISTS) or not to be had (SYSTEM, INVALID, DENIED), or there is no memory. */
WEIR_API weir_http *weir_http_start(weir_runtime *runtime, const weir_http_config *config,
                                    weir_error *error);
/* "http://127.0.0.1:8080", with the port that it got. Lives as long as http. */
WEIR_API const char *weir_http_url(const weir_http *http);
/* Ends all connections. After weir_runtime_wait, before weir_runtime_destroy. NULL is ignored. */
WEIR_API void weir_http_stop(weir_http *http);

WEIR_END_DECLS
#endif

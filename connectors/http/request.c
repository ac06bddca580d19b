/* SPDX-License-Identifier: Apache-2.0
 *
 * What a request may look like, who answers it, and the shape of all answers and refusals.
 */
#include <stdio.h>
#include <strings.h>

#include <weir/memory.h>

#include "http/opening.h"
#include "http/views.h"

enum {
    URI_BYTES = 4096,
    HEADER_BYTES = 8192,
    HEADERS = 64,
};

/* ---- answers ---- */

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
    (void)MHD_add_response_header(response, name, value);
}

enum MHD_Result weir__answer_by(weir__request *request, unsigned status, const char *type,
                                struct MHD_Response *response)
{
    add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    add_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    add_header(response, "X-Content-Type-Options", "nosniff");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        add_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    enum MHD_Result queued = MHD_queue_response(request->connection, status, response);
    MHD_destroy_response(response);
    return queued;
}

enum MHD_Result weir__answer(weir__request *request, unsigned status, const char *type,
                             weir__text *text)
{
    struct MHD_Response *response = NULL;
    if (!text->failed)
        response = MHD_create_response_from_buffer(text->bytes.len, text->bytes.data,
                                                   MHD_RESPMEM_MUST_COPY);
    weir__text_fini(text);
    if (!response)
        return MHD_NO; /* memory is gone: the connection is cut */
    if (status >= 400)
        request->http->refused++;
    return weir__answer_by(request, status, type, response);
}

enum MHD_Result weir__answer_json(weir__request *request, unsigned status, weir__text *text)
{
    weir__text_put(text, "\n");
    return weir__answer(request, status, "application/json", text);
}

enum MHD_Result weir__refuse(weir__request *request, unsigned status, const char *format, ...)
{
    weir__text text = { .failed = false };
    char sentence[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    weir__text_put(&text, "{\"error\":");
    weir__text_json(&text, sentence);
    weir__text_put(&text, "}");
    return weir__answer_json(request, status, &text);
}

unsigned weir__code_of(weir_status status)
{
    static const struct {
        weir_status status;
        unsigned code;
    } codes[] = {
        { WEIR_NOT_FOUND, MHD_HTTP_NOT_FOUND },
        { WEIR_GONE, MHD_HTTP_GONE },
        { WEIR_NOT_READY, MHD_HTTP_SERVICE_UNAVAILABLE },
        { WEIR_UNAVAILABLE, MHD_HTTP_SERVICE_UNAVAILABLE },
        { WEIR_CLOSED, MHD_HTTP_SERVICE_UNAVAILABLE },
        { WEIR_FULL, MHD_HTTP_SERVICE_UNAVAILABLE },
        { WEIR_NO_MEMORY, MHD_HTTP_SERVICE_UNAVAILABLE },
        { WEIR_INVALID, MHD_HTTP_BAD_REQUEST },
        { WEIR_BAD_DATA, MHD_HTTP_BAD_REQUEST },
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i].status == status)
            return codes[i].code;
    return MHD_HTTP_INTERNAL_SERVER_ERROR;
}

enum MHD_Result weir__refuse_error(weir__request *request, const weir_error *error)
{
    char text[1600];
    return weir__refuse(request, weir__code_of(error->status), "%s",
                        weir_error_text(error, text, sizeof text));
}

/* ---- what a request may look like ---- */

typedef struct head {
    size_t bytes, count;
} head;

static enum MHD_Result count_header(void *ctx, enum MHD_ValueKind kind, const char *name,
                                    const char *value)
{
    head *h = ctx;
    (void)kind;
    h->bytes += strlen(name) + (value ? strlen(value) : 0);
    h->count++;
    return MHD_YES;
}

/* "127.0.0.1:8080" and "[::1]:8080" without the port. */
static bool names_loopback(const weir_http *http, const char *host)
{
    const char *end = host[0] == '[' ? strchr(host, ']') : strchr(host, ':');
    const char *name = host[0] == '[' ? host + 1 : host;
    size_t len = end ? (size_t)(end - name) : strlen(name);
    const char *const names[] = { "localhost", "127.0.0.1", "::1", http->host };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i]) == len && strncasecmp(names[i], name, len) == 0)
            return true;
    return false;
}

/* The first refusal that a request earns before anyone looks at its path; 0 for none. */
static unsigned judge(const weir__request *request, const char *method, const char **why)
{
    struct MHD_Connection *connection = request->connection;
    const char *host, *length;
    head h = { 0, 0 };

    if (request->uri_len > URI_BYTES) {
        *why = "the address is longer than 4096 bytes";
        return MHD_HTTP_URI_TOO_LONG;
    }
    (void)MHD_get_connection_values(connection, MHD_HEADER_KIND, count_header, &h);
    if (h.bytes > HEADER_BYTES || h.count > HEADERS) {
        *why = "the request has more than 64 headers or 8192 bytes of them";
        return MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE;
    }
    host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);
    if (request->http->loopback && host && !names_loopback(request->http, host)) {
        *why = "this server listens at a loopback address and answers to that name only";
        return MHD_HTTP_FORBIDDEN;
    }
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
        *why = "only GET and HEAD are answered";
        return MHD_HTTP_METHOD_NOT_ALLOWED;
    }
    length =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    if ((length && strcmp(length, "0") != 0) ||
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
                                    MHD_HTTP_HEADER_TRANSFER_ENCODING)) {
        *why = "a request has no body here";
        return MHD_HTTP_CONTENT_TOO_LARGE;
    }
    return 0;
}

/* ---- who answers ---- */

static const struct {
    const char *path;
    enum MHD_Result (*serve)(weir__request *request);
} places[] = {
    { "/", weir__serve_index },       { "/healthz", weir__serve_health },
    { "/readyz", weir__serve_ready }, { "/metrics", weir__serve_metrics },
    { "/graph", weir__serve_graph },  { "/graph.dot", weir__serve_dot },
    { "/why", weir__serve_why },      { "/views", weir__serve_views },
};

static enum MHD_Result serve(weir__request *request)
{
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (strcmp(request->path, places[i].path) == 0)
            return places[i].serve(request);
    if (strncmp(request->path, "/views/", 7) == 0)
        return weir__serve_view(request, request->path + 7);
    return weir__refuse(request, MHD_HTTP_NOT_FOUND, "there is no %.200s; / lists what there is",
                        request->path);
}

void *weir__request_begin(void *ctx, const char *uri, struct MHD_Connection *connection)
{
    weir__request *request = weir_alloc_zero(sizeof *request);
    if (request) {
        request->http = ctx;
        request->connection = connection;
        request->uri_len = strlen(uri);
    }
    return request;
}

void weir__request_end(void *ctx, struct MHD_Connection *connection, void **state,
                       enum MHD_RequestTerminationCode code)
{
    weir__request *request = *state;
    (void)ctx;
    (void)connection;
    (void)code;
    if (request && request->opening) { /* it was closed, or the server ends */
        weir_view_release(weir__opening_view(request->opening));
        request->opening->discard(request->opening);
    }
    weir_free(request, sizeof *request);
    *state = NULL;
}

/* Called when the head is there, again when the (empty) body is, and once more where a reader had
 * to be opened first. */
enum MHD_Result weir__request_handle(void *ctx, struct MHD_Connection *connection, const char *url,
                                     const char *method, const char *version, const char *data,
                                     size_t *data_size, void **state)
{
    weir__request *request = *state;
    const char *why = NULL;
    (void)ctx;
    (void)connection;
    (void)version;
    (void)data;
    (void)data_size;
    if (!request)
        return MHD_NO;
    if (request->seen) {
        request->path = url;
        return serve(request);
    }
    request->seen = true;
    request->http->requests++;
    unsigned status = judge(request, method, &why);
    return status ? weir__refuse(request, status, "%s", why) : MHD_YES;
}

/* ---- small answers ---- */

enum MHD_Result weir__serve_index(weir__request *request)
{
    weir__text text = { .failed = false };
    weir__text_put(&text, "{\"weir\":");
    weir__text_json(&text, weir_version());
    weir__text_put(&text, ",\"addresses\":[\"/views\",\"/views/NAME\",\"/views/NAME/events\","
                          "\"/graph\",\"/graph.dot\",\"/why\",\"/metrics\",\"/healthz\","
                          "\"/readyz\"]}");
    return weir__answer_json(request, MHD_HTTP_OK, &text);
}

enum MHD_Result weir__serve_health(weir__request *request)
{
    weir__text text = { .failed = false };
    weir__text_put(&text, "{\"status\":\"alive\"}");
    return weir__answer_json(request, MHD_HTTP_OK, &text);
}

enum MHD_Result weir__serve_ready(weir__request *request)
{
    weir__text text = { .failed = false };
    weir_process_info info;
    unsigned ready = __atomic_load_n(&request->http->ready, __ATOMIC_ACQUIRE);
    weir_observe_process(request->http->runtime, &info);
    const char *status = info.failed            ? "failed"
                         : info.stopping        ? "stopping"
                         : ready < info.workers ? "starting"
                                                : "ready";
    weir__text_format(&text,
                      "{\"status\":\"%s\",\"workers\":%u,\"running\":%u,\"dataflows\":%u,"
                      "\"done\":%u}",
                      status, info.workers, ready, info.dataflows, info.dataflows_done);
    return weir__answer_json(
        request, strcmp(status, "ready") == 0 ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, &text);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The daemon of libmicrohttpd and its place in a worker's loop: its epoll descriptor in a poll
 * handle, its timeouts in a timer. Nothing runs while nobody asks.
 */
#include "http/server.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <unistd.h>

#include <weir/memory.h>

#include "http/address.h"
#include "http/events.h"
#include "http/flow.h"

enum {
    BACKLOG = 128,
    CONNECTIONS = 256,
    STREAMS = 64,
    STREAM_BYTES = 1 << 20,
    CONNECTION_BYTES = 32 << 10, /* of a request's head and an answer's piece */
    IDLE_SECONDS = 60,
    LAST_TURNS = 64, /* at the end, to write what is ready */
};

/* ---- listening ---- */

static weir_status refuse_address(weir_error *error, const weir__http_address *address, int code)
{
    weir_status status = code == EADDRINUSE ? WEIR_EXISTS
                         : code == EACCES   ? WEIR_DENIED
                                            : WEIR_SYSTEM;
    if (code == EADDRINUSE)
        weir_error_set(error, status, "port %s of %s is taken by another program", address->port,
                       address->host);
    else
        weir_error_set(error, status, "cannot listen at %s, port %s: %s", address->host,
                       address->port, strerror(code));
    weir_error_hint(error, "choose another place by --http HOST:PORT (port 0: a free one), or none "
                           "by --http off");
    return status;
}

static int listen_at(const struct addrinfo *found)
{
    int on = 1, fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    /* connections of an earlier run may still be closing */
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int code = errno;
    (void)close(fd);
    errno = code;
    return -1;
}

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        return ntohl(in.sin_addr.s_addr) >> 24 == 127;
    }
    struct sockaddr_in6 in;
    memcpy(&in, address, sizeof in);
    return address->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&in.sin6_addr);
}

/* Learns the port that it got. */
static void set_url(weir_http *http, int fd)
{
    struct sockaddr_storage bound = { 0 };
    socklen_t size = sizeof bound;
    char port[8] = "?";
    (void)getsockname(fd, (struct sockaddr *)&bound, &size);
    (void)getnameinfo((struct sockaddr *)&bound, size, NULL, 0, port, sizeof port, NI_NUMERICSERV);
    http->loopback = is_loopback((struct sockaddr *)&bound);
    bool v6 = strchr(http->host, ':') != NULL;
    (void)snprintf(http->url, sizeof http->url, "http://%s%s%s:%s", v6 ? "[" : "", http->host,
                   v6 ? "]" : "", port);
}

static weir_status open_socket(weir_http *http, int *fd, weir_error *error)
{
    weir__http_address address;
    weir_status status = weir__http_address_parse(http->config.address, &address, error);
    if (status != WEIR_OK)
        return status;
    if (address.off)
        return weir_error_set(error, WEIR_INVALID, "an HTTP server cannot listen at 'off'");
    if (!http->config.address) { /* processes on one machine do not meet at one port */
        weir_process_info info;
        weir_observe_process(http->runtime, &info);
        (void)snprintf(address.port, sizeof address.port, "%u", WEIR__HTTP_PORT + info.process);
    }
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE }, *found = NULL;
    int code = getaddrinfo(address.host, address.port, &hints, &found);
    if (code) {
        weir_error_set(error, WEIR_INVALID, "the host '%s' is not known: %s", address.host,
                       gai_strerror(code));
        weir_error_hint(error, "give an address of this machine to --http");
        return WEIR_INVALID;
    }
    *fd = listen_at(found);
    code = errno;
    freeaddrinfo(found);
    if (*fd < 0)
        return refuse_address(error, &address, code);
    memcpy(http->host, address.host, sizeof http->host);
    set_url(http, *fd);
    return WEIR_OK;
}

static void on_daemon_log(void *ctx, const char *format, va_list args)
{
    char line[256];
    (void)ctx;
    int len = vsnprintf(line, sizeof line, format, args);
    while (len > 0 && len < (int)sizeof line && line[len - 1] == '\n')
        line[--len] = '\0';
    weir_log(WEIR_LOG_DEBUG, "http: %s", line);
}

static weir_status start_daemon(weir_http *http, int fd, weir_error *error)
{
    http->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL,
        weir__request_handle, http, MHD_OPTION_EXTERNAL_LOGGER, on_daemon_log, NULL,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_URI_LOG_CALLBACK, weir__request_begin, http,
        MHD_OPTION_NOTIFY_COMPLETED, weir__request_end, http, MHD_OPTION_CONNECTION_LIMIT,
        http->config.connections_max, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS, MHD_OPTION_END);
    if (http->daemon)
        return WEIR_OK;
    (void)close(fd);
    return weir_error_set(error, WEIR_SYSTEM, "the HTTP server cannot be started");
}

/* ---- in the loop ---- */

static void on_timer(uv_timer_t *timer)
{
    weir__http_turn(timer->data);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    weir__http_turn(poll->data);
}

void weir__http_turn(weir_http *http)
{
    MHD_UNSIGNED_LONG_LONG timeout_ms = 0;
    http->deadline_ns = uv_hrtime() + WEIR__HTTP_TURN_NS;
    weir__flows_resume(http);
    (void)MHD_run(http->daemon);
    if (weir__flows_waiting(http))
        (void)uv_timer_start(&http->timer, on_timer, 0, 0);
    else if (MHD_get_timeout(http->daemon, &timeout_ms) == MHD_YES)
        (void)uv_timer_start(&http->timer, on_timer, timeout_ms, 0);
    else
        (void)uv_timer_stop(&http->timer);
}

static void count_ready(weir_worker *worker, void *ctx)
{
    weir_http *http = ctx;
    (void)worker;
    __atomic_add_fetch(&http->ready, 1, __ATOMIC_RELEASE);
}

/* Marks and ids of events are good in all processes of a cluster. Some readers of JSON know numbers
 * up to 53 bits only. */
static void set_incarnation(weir_http *http)
{
    weir_process_info info;
    weir_observe_process(http->runtime, &info);
    if (info.processes > 1)
        http->incarnation = info.incarnation & ((UINT64_C(1) << 53) - 1);
}

/* In a cluster all are there now. */
static void attach(weir_worker *worker, void *ctx)
{
    weir_http *http = ctx;
    struct uv_loop_s *loop = weir_worker_loop(worker);
    int fd = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    http->worker = worker;
    http->attached = true;
    set_incarnation(http);
    (void)uv_timer_init(loop, &http->timer);
    weir__events_attach(http, loop);
    int code = uv_poll_init(loop, &http->poll, fd);
    http->timer.data = http->poll.data = http;
    http->has_poll = code == 0;
    if (code == 0)
        code = uv_poll_start(&http->poll, UV_READABLE, on_poll);
    if (code)
        weir_log(WEIR_LOG_ERROR, "HTTP is not served: %s", uv_strerror(code));
    else
        weir__http_turn(http);
}

static void on_closed(uv_handle_t *handle)
{
    weir_http *http = handle->data;
    http->open_handles--;
}

/* Nobody runs the loop any more, so this thread may. */
static void detach(weir_http *http)
{
    uv_handle_t *const handles[] = { (uv_handle_t *)&http->timer, (uv_handle_t *)&http->round,
                                     (uv_handle_t *)&http->retry, (uv_handle_t *)&http->pulse,
                                     (uv_handle_t *)&http->news,  (uv_handle_t *)&http->poll };
    http->attached = false;
    http->open_handles = http->has_poll ? 6 : 5;
    for (unsigned i = 0, n = http->open_handles; i < n; i++)
        uv_close(handles[i], on_closed);
    while (http->open_handles > 0)
        (void)uv_run(weir_worker_loop(http->worker), UV_RUN_NOWAIT);
}

/* ---- life ---- */

static weir_http_config with_defaults(const weir_http_config *given)
{
    weir_http_config config = { .struct_size = 0 };
    if (given)
        weir_struct_copy(&config, sizeof config, given);
    if (!config.connections_max)
        config.connections_max = CONNECTIONS;
    if (!config.streams_max)
        config.streams_max = STREAMS;
    if (!config.stream_bytes_max)
        config.stream_bytes_max = STREAM_BYTES;
    return config;
}

weir_http *weir_http_start(weir_runtime *runtime, const weir_http_config *config, weir_error *error)
{
    int fd = -1;
    weir_http *http = weir_alloc_zero(sizeof *http);
    if (!http) {
        weir_error_set(error, WEIR_NO_MEMORY, "no memory for the HTTP server");
        return NULL;
    }
    http->runtime = runtime;
    http->config = with_defaults(config);
    if (open_socket(http, &fd, error) != WEIR_OK || start_daemon(http, fd, error) != WEIR_OK) {
        weir_free(http, sizeof *http);
        return NULL;
    }
    http->config.address = NULL; /* the caller's */
    uv_timeval64_t now;
    (void)uv_gettimeofday(&now);
    http->incarnation = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_usec / 1000;
    weir_runtime_call(runtime, 0, attach, http);
    for (unsigned w = 0; w < weir_runtime_workers(runtime); w++)
        weir_runtime_call(runtime, w, count_ready, http);
    return http;
}

const char *weir_http_url(const weir_http *http)
{
    return http->url;
}

/* Lets every answer that is under way end, as far as its reader takes it now. */
static void last_turns(weir_http *http)
{
    MHD_UNSIGNED_LONG_LONG timeout_ms = 0;
    http->ending = true;
    http->deadline_ns = UINT64_MAX;
    weir__flows_wake_all(http);
    for (int i = 0; i < LAST_TURNS; i++) {
        (void)MHD_run(http->daemon);
        if (MHD_get_timeout(http->daemon, &timeout_ms) != MHD_YES || timeout_ms > 0)
            break;
    }
}

void weir_http_stop(weir_http *http)
{
    if (!http)
        return;
    if (http->attached)
        weir__flows_finish_work(http);
    last_turns(http);
    weir__flows_wake_all(http); /* the daemon must not be stopped while one is suspended */
    if (http->attached)
        detach(http);
    MHD_stop_daemon(http->daemon);
    weir__inquiries_end(http, true);
    weir_free(http, sizeof *http);
}

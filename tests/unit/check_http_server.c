/* SPDX-License-Identifier: Apache-2.0
 *
 * The HTTP server inside a worker's loop: what it answers, what it refuses and how, that it leaves
 * the worker in peace, and how it begins and ends.
 */
#include <json-c/json.h>
#include <pthread.h>

#include <weir/connectors/http.h>
#include <weir/weir.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "e2e/client.h"
#include "http/metrics.h"
#include "http/server.h"
#include "support.h"

#define NUMBER(F) F(u64, value)
WEIR_RECORD(number, NUMBER)

static number twice(const number *n)
{
    return (number){ n->value * 2 };
}
WEIR_MAP(twice, number, number)

/* A runtime that waits for input, with a server. */
typedef struct server {
    weir_runtime *runtime;
    weir_http *http;
    weir_input(number) input;
    weir_input_handle(number) handles[8];
    const char *url;
} server;

static void drop(weir_step *step, void *state)
{
    (void)state;
    while (weir_step_take(step, 0))
        ;
}

static void build(weir_graph *g, void *ctx)
{
    server *s = ctx;
    weir_stream(number) n = weir_input_add(g, number, &s->input, .name = "a \"quoted\" \\ name");
    n = weir_map(n, twice);
    weir_node_input in = { .type = number_type(), .interest = WEIR_ALWAYS };
    weir_node_spec spec = { .struct_size = sizeof spec,
                            .kind = "drop",
                            .name = "end",
                            .input_count = 1,
                            .inputs = &in,
                            .step = drop };
    (void)weir_node_add(g, &spec, &n.port);
    weir_stream(number) each = weir_as_collection(n);
    (void)weir_semijoin(each, WEIR_KEY(number, value), each, WEIR_KEY(number, value));
}

static server start_with(unsigned workers, const char *address)
{
    static server s;
    weir_error error = { .status = WEIR_OK };
    weir_config config = { .struct_size = sizeof config, .workers = workers };
    weir_http_config http = { .struct_size = sizeof http, .address = address };
    s = (server){ .runtime = weir_runtime_create(&config, &error) };
    ck_assert_ptr_nonnull(s.runtime);
    ck_assert_int_eq(weir_runtime_build(s.runtime, "numbers", build, &s, &error), WEIR_OK);
    for (unsigned w = 0; w < workers; w++)
        s.handles[w] = weir_input_open(s.input, w);
    s.http = weir_http_start(s.runtime, &http, &error);
    ck_assert_msg(s.http != NULL, "%s", error.what);
    s.url = weir_http_url(s.http);
    ck_assert_int_eq(weir_runtime_start(s.runtime, &error), WEIR_OK);
    return s;
}

static server start(unsigned workers)
{
    return start_with(workers, "0");
}

static void stop(server *s)
{
    weir_error error = { .status = WEIR_OK };
    for (unsigned w = 0; w < weir_runtime_workers(s->runtime); w++)
        weir_input_close(s->handles[w]);
    ck_assert_int_eq(weir_runtime_wait(s->runtime, &error), WEIR_OK);
    weir_http_stop(s->http);
    weir_runtime_destroy(s->runtime);
}

/* The answer must be JSON with such a member; its text. */
static const char *member_of(const answer *a, const char *name)
{
    static char text[1000];
    struct json_object *object = json_tokener_parse(a->body), *member;
    ck_assert_msg(object != NULL, "no JSON: %s", a->body);
    ck_assert_ptr_nonnull(strstr(a->head, "Content-Type: application/json\r\n"));
    ck_assert_msg(json_object_object_get_ex(object, name, &member), "no %s: %s", name, a->body);
    (void)snprintf(text, sizeof text, "%s", json_object_get_string(member));
    (void)json_object_put(object);
    return text;
}

static void wait_ready(const char *url)
{
    for (int status = 0; status != 200;) {
        answer a = client_get(url, "/readyz");
        status = a.status;
        ck_assert(status == 200 || status == 503);
        answer_free(&a);
    }
}

START_TEST(small_answers)
{
    static const char *const paths[] = { "/",      "/healthz",   "/readyz", "/metrics",
                                         "/graph", "/graph.dot", "/why" };
    for (unsigned workers = 1; workers <= 3; workers += 2) {
        server s = start(workers);
        wait_ready(s.url);
        for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
            answer a = client_get(s.url, paths[i]);
            ck_assert_int_eq(a.status, 200);
            ck_assert_ptr_nonnull(strstr(a.head, "Cache-Control: no-store"));
            answer_free(&a);
        }
        answer a = client_get(s.url, "/readyz");
        ck_assert_str_eq(member_of(&a, "status"), "ready");
        ck_assert_str_eq(member_of(&a, "running"), workers == 1 ? "1" : "3");
        answer_free(&a);
        stop(&s);
    }
}
END_TEST

/* A client that sends its request in single bytes, and several requests on one connection. */
START_TEST(requests_come_in_any_pieces)
{
    server s = start(1);
    const char *text = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
                       "HEAD /graph HTTP/1.1\r\nHost: localhost:1\r\n\r\n"
                       "GET /healthz HTTP/1.0\r\n\r\n";
    int fd = client_connect(s.url);
    for (const char *c = text; *c; c++)
        ck_assert_int_eq(send(fd, c, 1, 0), 1);
    answer a = client_answer(fd);
    ck_assert_int_eq(a.status, 200);
    int alive = 0;
    a.head[strlen(a.head)] = ' ';
    for (const char *at = a.all; (at = strstr(at, "{\"status\":\"alive\"}")); at++)
        alive++;
    ck_assert_int_eq(alive, 2);
    ck_assert_ptr_null(strstr(a.all, "nodes")); /* HEAD has no body */
    answer_free(&a);
    stop(&s);
}
END_TEST

static void expect_refusal(const server *s, const char *head, int status, const char *sentence)
{
    answer a = client_ask(s->url, head);
    ck_assert_msg(a.status == status, "%d instead of %d: %s", a.status, status, head);
    ck_assert_msg(strstr(member_of(&a, "error"), sentence) != NULL, "%s", a.body);
    if (status == 405)
        ck_assert_ptr_nonnull(strstr(a.head, "Allow: GET, HEAD\r\n"));
    answer_free(&a);
}

START_TEST(what_is_refused_says_why)
{
    static char text[20000], filler[12001];
    server s = start(1);
#define END " HTTP/1.1\r\nConnection: close\r\n\r\n"
    expect_refusal(&s, "GET /nowhere" END, 404, "there is no /nowhere");
    expect_refusal(&s, "GET /viewsx" END, 404, "there is no /viewsx");
    expect_refusal(&s, "POST /healthz" END, 405, "only GET and HEAD");
    expect_refusal(&s, "DELETE /views/x HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcde", 405,
                   "only GET");
    expect_refusal(&s, "GET / HTTP/1.1\r\nContent-Length: 2\r\nConnection: close\r\n\r\nab", 413,
                   "no body");
    expect_refusal(&s, "GET / HTTP/1.1\r\nHost: evil.example:80\r\nConnection: close\r\n\r\n", 403,
                   "loopback");
    memset(filler, 'a', sizeof filler - 1);
    (void)snprintf(text, sizeof text, "GET /%.5000s" END, filler);
    expect_refusal(&s, text, 414, "longer than 4096 bytes");
    (void)snprintf(text, sizeof text, "GET / HTTP/1.1\r\nX: %.9000s\r\nConnection: close\r\n\r\n",
                   filler);
    expect_refusal(&s, text, 431, "8192 bytes");
    size_t len = (size_t)snprintf(text, sizeof text, "GET / HTTP/1.1\r\nConnection: close\r\n");
    for (int i = 0; i < 70; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "X-%d: y\r\n", i);
    (void)snprintf(text + len, sizeof text - len, "\r\n");
    expect_refusal(&s, text, 431, "64 headers");
    stop(&s);
}
END_TEST

START_TEST(what_is_no_http_does_no_harm)
{
    server s = start(1);
    uint64_t seed = test_seed(3), state = seed;
    for (int i = 0; i < 60; i++) {
        char bytes[3000];
        size_t len = 1 + test_below(&state, sizeof bytes - 1);
        for (size_t k = 0; k < len; k++)
            bytes[k] = (char)test_random(&state);
        if (i % 2)
            memcpy(bytes, "GET /", 5);
        int fd = client_connect(s.url);
        (void)send(fd, bytes, len, MSG_NOSIGNAL);
        (void)close(fd);
    }
    answer a = client_get(s.url, "/healthz");
    ck_assert_msg(a.status == 200, "seed %llu", (unsigned long long)seed);
    answer_free(&a);
    stop(&s);
}
END_TEST

/* Each family in one piece, announced once, each sample a name, labels and a number. */
static void check_metrics(const char *text)
{
    char family[200] = "", seen[20000] = " ";
    for (const char *line = text, *end; *line; line = end + 1) {
        char name[200];
        end = strchr(line, '\n');
        ck_assert_ptr_nonnull(end);
        if (strncmp(line, "# HELP ", 7) == 0) {
            ck_assert_int_eq(sscanf(line + 7, "%199s", family), 1);
            size_t len = strlen(family);
            memcpy(family + len, " ", 2);
            ck_assert_msg(strstr(seen, family) == NULL, "%s is there twice", family);
            (void)strncat(seen, family, sizeof seen - strlen(seen) - 1);
            family[len] = '\0';
            continue;
        }
        if (strncmp(line, "# TYPE ", 7) == 0) {
            ck_assert_int_eq(sscanf(line + 7, "%199s", name), 1);
            ck_assert_str_eq(name, family);
            continue;
        }
        ck_assert_int_eq(sscanf(line, "%199[a-zA-Z0-9_]", name), 1);
        ck_assert_str_eq(name, family);
        const char *at = line + strlen(name), *value;
        if (*at == '{') {
            bool quoted = false;
            for (at++; *at != '}' || quoted; at++) {
                ck_assert(at < end);
                quoted ^= *at == '"';
                at += quoted && *at == '\\';
            }
            at++;
        }
        ck_assert_int_eq(*at, ' ');
        char *after;
        value = at + 1;
        (void)strtod(value, &after);
        ck_assert_msg(after == end && after > value, "no number: %.*s", (int)(end - line), line);
    }
}

/* The sum of a metric over all that have it; -1: none has. */
static double sum_of(const char *body, const char *name)
{
    char line[80];
    double sum = -1;
    int length = snprintf(line, sizeof line, "\n%s{", name);
    for (const char *at = body; (at = strstr(at, line)); at += length)
        sum = (sum < 0 ? 0 : sum) + strtod(strchr(at, '}') + 1, NULL);
    return sum;
}

START_TEST(metrics_are_of_prometheus_format)
{
    server s = start(2);
    for (uint64_t i = 0; i < 1000; i++)
        ck_assert_int_eq(weir_input_send(s.handles[i % 2], number, { i }), WEIR_OK);
    weir_input_flush(s.handles[0]);
    weir_input_flush(s.handles[1]);
    for (int tries = 0, arrived = 0; !arrived; tries++) {
        answer a = client_get(s.url, "/metrics");
        ck_assert_msg(tries < 1000, "never: %.3000s",
                      strstr(a.body, "# HELP weir_node_records_in"));
        ck_assert_ptr_nonnull(strstr(a.head, "Content-Type: text/plain; version=0.0.4"));
        check_metrics(a.body);
        ck_assert_ptr_nonnull(strstr(a.body, "\nweir_workers 2\n"));
        ck_assert_ptr_nonnull(
            strstr(a.body, "weir_node_steps_total{dataflow=\"numbers\",node=\"a \\\"quoted\\\" "
                           "\\\\ name\",kind=\"input\"} "));
        arrived = strstr(a.body, "\nweir_trace_readers{dataflow=\"numbers\",node=\"arrange-1\","
                                 "worker=\"1\"} 1\n") &&
                  strstr(a.body, "kind=\"map\",node=\"a \\\"quoted\\\" \\\\ name\"} 1000\n") &&
                  strstr(a.body, "node=\"end\",kind=\"drop\"} 1000\n") &&
                  sum_of(a.body, "weir_trace_updates") == 1000;
        if (arrived) {
            ck_assert(sum_of(a.body, "weir_trace_bytes") >= 1000 * sizeof(number));
            ck_assert(sum_of(a.body, "weir_trace_runs") >= 1);
            ck_assert(sum_of(a.body, "weir_trace_disk_bytes") == 0);
        }
        answer_free(&a);
    }
    stop(&s);
}
END_TEST

START_TEST(families_keep_what_cannot_be_told_out)
{
    weir__families families = { 0 };
    weir__text text = { .failed = false };
    weir__families_add(
        &families, &(weir__sample){ "b_total", "two\nlines \\", "x=\"1\"", WEIR_COUNTER, 1e20 });
    weir__families_add(&families, &(weir__sample){ "a", NULL, "", WEIR_GAUGE, -0.5 });
    weir__families_add(&families, &(weir__sample){ "b_total", "", "x=\"2\"", WEIR_GAUGE, 3 });
    weir__families_add(&families, &(weir__sample){ "9a", "", "", WEIR_GAUGE, 3 });
    weir__families_add(&families, &(weir__sample){ "a-b", "", "", WEIR_GAUGE, 3 });
    weir__families_add(&families, &(weir__sample){ "", "", "", WEIR_GAUGE, 3 });
    weir__families_write(&families, &text);
    weir__text_add(&text, "", 1);
    ck_assert_str_eq(text.bytes.data, "# HELP b_total two\\nlines \\\\\n# TYPE b_total counter\n"
                                      "b_total{x=\"1\"} 1e+20\nb_total{x=\"2\"} 3\n"
                                      "# HELP a \n# TYPE a gauge\na -0.5\n");
    ck_assert(!text.failed);
    weir__text_fini(&text);
}
END_TEST

START_TEST(no_memory_makes_no_half_answers)
{
    bool done = false;
    for (uint64_t n = 1; !done; n++) {
        size_t before = weir_memory_used();
        weir__families families = { 0 };
        weir__text text = { .failed = false };
        weir_memory_fail_nth(n, 0);
        weir__families_add(&families, &(weir__sample){ "a", "", "", WEIR_GAUGE, 1 });
        weir__families_add(&families, &(weir__sample){ "b", "", "", WEIR_GAUGE, 1 });
        weir__families_write(&families, &text);
        weir_memory_fail_nth(0, 0);
        done = !text.failed;
        weir__text_fini(&text);
        ck_assert_uint_eq(weir_memory_used(), before);
    }
}
END_TEST

START_TEST(the_graph_tells_who_holds_what)
{
    server s = start(2);
    wait_ready(s.url);
    answer a = client_get(s.url, "/graph");
    ck_assert_str_eq(member_of(&a, "workers"), "2");
    const char *dataflows = member_of(&a, "dataflows");
    ck_assert_ptr_nonnull(strstr(dataflows, "\"name\": \"numbers\""));
    ck_assert_ptr_nonnull(strstr(dataflows, "\"state\": \"running\""));
    ck_assert_ptr_nonnull(strstr(dataflows, "\"build\": null"));
    ck_assert_ptr_nonnull(strstr(member_of(&a, "stages"), "\"kind\": \"map\""));
    const char *holders = member_of(&a, "holders");
    ck_assert_ptr_nonnull(strstr(holders, "\"holder\": \"a \\\"quoted\\\" \\\\ name\""));
    ck_assert_ptr_nonnull(strstr(holders, "\"by\": \"capability\""));
    ck_assert_ptr_nonnull(strstr(holders, "\"for_us\": ")); /* since when */
    ck_assert_ptr_nonnull(strstr(a.body, "\"frontier\":\"{"));
    ck_assert_ptr_nonnull(strstr(member_of(&a, "nodes"), "\"bytes_out\": "));
    const char *traces = member_of(&a, "traces");
    ck_assert_ptr_nonnull(strstr(traces, "\"node\": \"arrange-1\", \"worker\": "));
    ck_assert_ptr_nonnull(
        strstr(traces, "\"holds\": [ { \"owner\": \"semijoin-1\", \"since\": \"{"));
    ck_assert_ptr_nonnull(strstr(traces, "\"undelivered\": 0, \"for_us\": "));
    answer_free(&a);
    stop(&s);
}
END_TEST

/* What the server asks of the loop: UINT64_MAX for no timer. */
typedef struct wish {
    weir_http *http;
    pthread_mutex_t lock;
    pthread_cond_t told;
    bool done;
    uint64_t due_in_ms;
} wish;

static void look(weir_worker *worker, void *ctx)
{
    wish *w = ctx;
    (void)worker;
    (void)pthread_mutex_lock(&w->lock);
    bool active = uv_is_active((uv_handle_t *)&w->http->timer);
    w->due_in_ms = active ? uv_timer_get_due_in(&w->http->timer) : UINT64_MAX;
    w->done = true;
    (void)pthread_cond_signal(&w->told);
    (void)pthread_mutex_unlock(&w->lock);
}

static uint64_t due_in_ms(const server *s)
{
    wish w = { .http = s->http };
    (void)pthread_mutex_init(&w.lock, NULL);
    (void)pthread_cond_init(&w.told, NULL);
    weir_runtime_call(s->runtime, 0, look, &w);
    (void)pthread_mutex_lock(&w.lock);
    while (!w.done)
        (void)pthread_cond_wait(&w.told, &w.lock);
    (void)pthread_mutex_unlock(&w.lock);
    return w.due_in_ms;
}

/* While nobody asks, nothing wakes the worker: no timer, or one that ends idle connections. */
START_TEST(a_server_at_rest_costs_nothing)
{
    server s = start(1);
    wait_ready(s.url);
    int fd = client_connect(s.url);
    char room[1000];
    client_send(fd, "GET /healthz HTTP/1.1\r\n\r\n"); /* stays connected */
    ck_assert_uint_gt(client_read(fd, room, sizeof room), 0);
    while (due_in_ms(&s) < 10000)
        ;
    (void)close(fd);
    while (due_in_ms(&s) != UINT64_MAX)
        ;
    stop(&s);
}
END_TEST

START_TEST(an_address_that_is_taken_is_named)
{
    weir_error error = { .status = WEIR_OK };
    server s = start(1);
    weir_runtime *other = weir_runtime_create(NULL, &error);
    weir_http_config config = { .struct_size = sizeof config, .address = s.url + 7 };
    ck_assert_ptr_null(weir_http_start(other, &config, &error));
    ck_assert_int_eq(error.status, WEIR_EXISTS);
    ck_assert_ptr_nonnull(strstr(error.what, "is taken by another program"));
    ck_assert_ptr_nonnull(strstr(error.what, strrchr(s.url, ':') + 1));
    ck_assert_ptr_nonnull(strstr(error.hint, "--http"));
    stop(&s);

    static const struct {
        const char *address;
        weir_status status;
    } bad[] = { { "off", WEIR_INVALID },
                { "nonsense:x", WEIR_INVALID },
                { "no-such-host.invalid:80", WEIR_INVALID },
                { "192.0.2.1:8080", WEIR_SYSTEM } };
    for (size_t i = 0; i < 4; i++) {
        config.address = bad[i].address;
        ck_assert_ptr_null(weir_http_start(other, &config, &error));
        ck_assert_msg(error.status == bad[i].status, "%s: %s", bad[i].address, error.what);
        ck_assert_uint_gt(strlen(error.what), 0);
    }
    weir_runtime_destroy(other);
}
END_TEST

static unsigned free_port(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET };
    socklen_t size = sizeof at;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    (void)close(fd);
    return ntohs(at.sin_port);
}

/* Processes on one machine do not meet. The port may be somebody else's: then that is said. */
START_TEST(each_process_has_a_port_of_its_own)
{
    for (unsigned i = 0; i < 3; i++) {
        weir_error error = { .status = WEIR_OK };
        char port[20], hosts[100];
        unsigned at = free_port(); /* only its own is used */
        snprintf(hosts, sizeof hosts, "127.0.0.1:%u,127.0.0.2:%u,127.0.0.3:%u", at, at, at);
        weir_config config = { .struct_size = sizeof config, .processes = 3, .process = i,
                               .hosts = hosts };
        weir_runtime *runtime = weir_runtime_create(&config, &error);
        ck_assert_msg(runtime != NULL, "%s", error.what);
        weir_http *http = weir_http_start(runtime, NULL, &error);
        snprintf(port, sizeof port, http ? ":808%u" : "port 808%u ", i);
        const char *told = http ? weir_http_url(http) : error.what;
        ck_assert_msg(strstr(told, port) != NULL, "%s", told);
        weir_http_stop(http);
        weir_runtime_destroy(runtime);
    }
}
END_TEST

START_TEST(it_may_end_before_it_began)
{
    weir_error error = { .status = WEIR_OK };
    weir_runtime *runtime = weir_runtime_create(NULL, &error);
    weir_http_config config = { .struct_size = sizeof config, .address = "localhost:0" };
    weir_http *http = weir_http_start(runtime, &config, &error);
    ck_assert_ptr_nonnull(http);
    ck_assert_int_eq(strncmp(weir_http_url(http), "http://localhost:", 17), 0);
    int fd = client_connect(weir_http_url(http)); /* nobody will serve it */
    weir_http_stop(http);
    weir_runtime_destroy(runtime);
    (void)close(fd);
    weir_http_stop(NULL);
    size_t before = weir_memory_used();
    runtime = weir_runtime_create(NULL, &error);
    weir_memory_fail_nth(1, 0);
    ck_assert_ptr_null(weir_http_start(runtime, &config, &error));
    weir_memory_fail_nth(0, 0);
    ck_assert_int_eq(error.status, WEIR_NO_MEMORY);
    weir_runtime_destroy(runtime);
    ck_assert_uint_eq(weir_memory_used(), before);
}
END_TEST

/* Addresses other than the loopback one are for other machines, which know this one by any name. */
START_TEST(other_names_are_served_elsewhere)
{
    server s = start_with(1, "0.0.0.0:0");
    answer a = client_ask(s.url, "GET /healthz HTTP/1.1\r\nHost: a.example\r\n"
                                 "Connection: close\r\n\r\n");
    ck_assert_int_eq(a.status, 200);
    answer_free(&a);
    stop(&s);
}
END_TEST

int main(void)
{
    const TTest *tests[] = { small_answers,
                             requests_come_in_any_pieces,
                             what_is_refused_says_why,
                             what_is_no_http_does_no_harm,
                             metrics_are_of_prometheus_format,
                             families_keep_what_cannot_be_told_out,
                             no_memory_makes_no_half_answers,
                             the_graph_tells_who_holds_what,
                             a_server_at_rest_costs_nothing,
                             an_address_that_is_taken_is_named,
                             each_process_has_a_port_of_its_own,
        it_may_end_before_it_began,
                             other_names_are_served_elsewhere,
                             NULL };
    return test_run(test_suite("http_server", tests));
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Views over HTTP: look-ups, scans page by page, streams of changes, and what is refused. The test
 * says which epoch has which change, so every answer is known.
 */
#include <inttypes.h>
#include <json-c/json.h>

#include <weir/connectors/http.h>
#include <weir/weir.h>

#include "e2e/client.h"
#include "http/query.h"
#include "support.h"

#define SALE(F) F(str, city) F(opt_i64, shop) F(i64, cents) F(bytes, note)
WEIR_RECORD(sale, SALE)

typedef struct server {
    weir_runtime *runtime;
    weir_http *http;
    weir_input(sale) input;
    weir_input_handle(sale) handles[8];
    const char *url;
    unsigned workers;
    uint64_t retention_ms;
} server;

static server s;

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(sale) sales =
        weir_input_add(g, sale, &s.input, .name = "sales", .manual = true, .collection = true);
    weir_view(sales, "by_shop", WEIR_KEY(sale, city, shop), .retention_ms = s.retention_ms);
    weir_view(sales, "by_city", WEIR_KEY(sale, city));
}

static void start_with(unsigned workers, const weir_http_config *http, uint64_t retention_ms)
{
    weir_error error = { .status = WEIR_OK };
    weir_config config = { .struct_size = sizeof config, .workers = workers };
    s = (server){ .workers = workers, .retention_ms = retention_ms };
    s.runtime = weir_runtime_create(&config, &error);
    ck_assert_ptr_nonnull(s.runtime);
    weir_status status = weir_runtime_build(s.runtime, NULL, build, NULL, &error);
    ck_assert_msg(status == WEIR_OK, "%s", error.what);
    for (unsigned w = 0; w < workers; w++)
        s.handles[w] = weir_input_open(s.input, w);
    s.http = weir_http_start(s.runtime, http, &error);
    ck_assert_msg(s.http != NULL, "%s", error.what);
    s.url = weir_http_url(s.http);
    ck_assert_int_eq(weir_runtime_start(s.runtime, &error), WEIR_OK);
}

static const weir_http_config free_port = { .struct_size = sizeof free_port, .address = "0" };

static void start(unsigned workers)
{
    start_with(workers, &free_port, 0);
}

static void stop(void)
{
    weir_error error = { .status = WEIR_OK };
    for (unsigned w = 0; w < s.workers; w++)
        if (s.handles[w].handle)
            weir_input_close(s.handles[w]);
    ck_assert_int_eq(weir_runtime_wait(s.runtime, &error), WEIR_OK);
    weir_http_stop(s.http);
    weir_runtime_destroy(s.runtime);
}

static void change(const char *city, int64_t shop, int64_t cents, int64_t diff)
{
    sale record = { .city = weir_str_of(city), .cents = cents };
    record.shop.set = shop >= 0;
    record.shop.value = shop >= 0 ? shop : 0;
    ck_assert_int_eq(weir_input_change(s.handles[(uint64_t)cents % s.workers], sale, record, diff),
                     WEIR_OK);
}

/* Ends the epoch before this one. */
static void advance(uint64_t epoch)
{
    weir_time t = weir_time_1(epoch);
    for (unsigned w = 0; w < s.workers; w++)
        weir_input_advance_to(s.handles[w], &t);
}

/* The answer as JSON. Free it by json_object_put. */
static struct json_object *get(const char *path, int status)
{
    answer a = client_get(s.url, path);
    ck_assert_msg(a.status == status, "%s: %d instead of %d: %s", path, a.status, status, a.body);
    struct json_object *object = json_tokener_parse(a.body);
    ck_assert_msg(object != NULL, "no JSON: %s", a.body);
    answer_free(&a);
    return object;
}

static struct json_object *member(struct json_object *object, const char *name)
{
    struct json_object *found = NULL;
    ck_assert_msg(json_object_object_get_ex(object, name, &found), "no %s in %s", name,
                  json_object_to_json_string(object));
    return found;
}

static uint64_t number(struct json_object *object, const char *name)
{
    return json_object_get_uint64(member(object, name));
}

/* Waits until a view is complete up to an epoch, and included. */
static void wait_epoch(const char *view, uint64_t epoch)
{
    char path[100];
    (void)snprintf(path, sizeof path, "/views/%s?limit=1", view);
    for (bool reached = false; !reached;) {
        answer a = client_get(s.url, path);
        ck_assert(a.status == 200 || a.status == 503);
        if (a.status == 200) {
            struct json_object *object = json_tokener_parse(a.body);
            reached = number(object, "epoch") >= epoch;
            (void)json_object_put(object);
        }
        answer_free(&a);
    }
}

static const unsigned worker_counts[] = { 1, 3 };

START_TEST(a_look_up_has_the_records_of_a_key)
{
    for (size_t i = 0; i < 2; i++) {
        start(worker_counts[i]);
        (void)json_object_put(get("/views/by_shop?key=a&key=1", 503)); /* not complete yet */
        change("a b", 1, 10, 1);
        change("a b", 1, 11, 3);
        change("a b", 2, 12, 1);
        change("a b", -1, 13, -2);
        advance(1);
        wait_epoch("by_shop", 0);
        struct json_object *o = get("/views/by_shop?key=a%20b&key=1", 200);
        ck_assert_str_eq(json_object_get_string(member(o, "view")), "by_shop");
        ck_assert_uint_eq(number(o, "epoch"), 0);
        ck_assert_uint_gt(number(o, "incarnation"), 0);
        struct json_object *records = member(o, "records");
        ck_assert_uint_eq(json_object_array_length(records), 2);
        for (size_t k = 0; k < 2; k++) {
            struct json_object *r = json_object_array_get_idx(records, k);
            ck_assert_uint_eq(number(r, "shop"), 1);
            bool three = number(r, "cents") == 11;
            ck_assert(json_object_object_get_ex(r, "_count", NULL) == three);
            if (three)
                ck_assert_uint_eq(number(r, "_count"), 3);
        }
        (void)json_object_put(o);
        o = get("/views/by_shop?key=a+b&key", 200); /* the shop that is null */
        records = member(o, "records");
        ck_assert_uint_eq(json_object_array_length(records), 1);
        ck_assert_int_eq(
            json_object_get_int64(member(json_object_array_get_idx(records, 0), "_count")), -2);
        (void)json_object_put(o);
        wait_epoch("by_city", 0);
        o = get("/views/by_city?key=nowhere", 200);
        ck_assert_uint_eq(json_object_array_length(member(o, "records")), 0);
        (void)json_object_put(o);
        stop();
    }
}
END_TEST

START_TEST(a_scan_goes_page_by_page)
{
    enum { RECORDS = 1000 };
    for (size_t i = 0; i < 2; i++) {
        char path[200] = "/views/by_city?limit=7", city[20];
        start(worker_counts[i]);
        for (int n = 0; n < RECORDS; n++) {
            (void)snprintf(city, sizeof city, "city %d", n % 50);
            change(city, n, n, 1);
        }
        advance(1);
        wait_epoch("by_city", 0);
        bool seen[RECORDS] = { false };
        int pages = 0, count = 0;
        for (bool more = true; more; pages++) {
            struct json_object *o = get(path, 200), *records = member(o, "records");
            for (size_t k = 0; k < json_object_array_length(records); k++, count++) {
                uint64_t cents = number(json_object_array_get_idx(records, k), "cents");
                ck_assert(cents < RECORDS && !seen[cents]);
                seen[cents] = true;
            }
            ck_assert_uint_le(json_object_array_length(records), 7);
            more = member(o, "next") != NULL;
            (void)snprintf(path, sizeof path, "/views/by_city?limit=7&after=%s",
                           json_object_get_string(member(o, "next")));
            (void)json_object_put(o);
        }
        ck_assert_int_eq(count, RECORDS);
        ck_assert_int_ge(pages, RECORDS / 7);
        struct json_object *o = get("/views/by_city?limit=1000000", 200);
        ck_assert_uint_eq(json_object_array_length(member(o, "records")), RECORDS);
        ck_assert_ptr_null(member(o, "next"));
        (void)json_object_put(o);
        stop();
    }
}
END_TEST

START_TEST(the_list_describes_the_views)
{
    start(2);
    change("a", 1, 1, 5);
    advance(3);
    wait_epoch("by_shop", 2);
    wait_epoch("by_city", 2);
    struct json_object *o = get("/views", 200), *views = member(o, "views");
    ck_assert_uint_eq(json_object_array_length(views), 2);
    struct json_object *view = json_object_array_get_idx(views, 1);
    ck_assert_str_eq(json_object_get_string(member(view, "name")), "by_shop");
    ck_assert_str_eq(json_object_to_json_string_ext(member(view, "key"), JSON_C_TO_STRING_PLAIN),
                     "[\"city\",\"shop\"]");
    ck_assert_str_eq(
        json_object_to_json_string_ext(json_object_array_get_idx(member(view, "fields"), 1),
                                       JSON_C_TO_STRING_PLAIN),
        "{\"name\":\"shop\",\"kind\":\"i64\",\"optional\":true}");
    ck_assert_uint_eq(number(view, "records"), 5);
    ck_assert_uint_eq(number(view, "upper"), 3);
    ck_assert(!json_object_get_boolean(member(view, "ended")));
    (void)json_object_put(o);
    answer a = client_get(s.url, "/metrics");
    ck_assert_ptr_nonnull(strstr(a.body, "\nweir_view_records{view=\"by_city\"} 5\n"));
    answer_free(&a);
    stop();
}
END_TEST

START_TEST(what_is_asked_wrongly_is_refused)
{
    static const struct {
        const char *path;
        int status;
        const char *sentence;
    } wrong[] = {
        { "/views/nothing", 404, "there is no view nothing" },
        { "/views/", 404, "there is no view" },
        { "/views/by_city/more", 404, "there is no view by_city/more" },
        { "/views/by_shop?key=a", 400, "1 times ?key= for a key of 2: city, shop" },
        { "/views/by_shop?key=a&key=1&key=2", 400, "3 times ?key=" },
        { "/views/by_shop?key=a&key=one", 400, "shop" },
        { "/views/by_shop?key=a&key=99999999999999999999", 400, "shop" },
        { "/views/by_shop?key&key=1", 400, "never null" },
        { "/views/by_city?limit=0", 400, "?limit= is a number from 1 to 1000000" },
        { "/views/by_city?limit=1000001", 400, "?limit=" },
        { "/views/by_city?limit=-1", 400, "?limit=" },
        { "/views/by_city?limit", 400, "?limit=" },
        { "/views/by_city?limit=1&limit=2", 400, "means nothing here" },
        { "/views/by_city?limt=1", 400, "?limt= means nothing here" },
        { "/views/by_city?snapshot=1", 400, "?snapshot= means nothing here" },
        { "/views/by_city?after=x", 400, "?after= takes what" },
        { "/views/by_city?after=1-2-", 400, "?after= takes what" },
        { "/views/by_city?after=1-2-3", 410, "earlier life" },
        { "/views/by_city/events?limit=1", 400, "?limit= means nothing here" },
        { "/views/by_city/events?key=a&key=b", 400, "2 times ?key=" },
        { "/views/nothing/events", 404, "there is no view" },
    };
    start(1);
    advance(1);
    wait_epoch("by_city", 0);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct json_object *o = get(wrong[i].path, wrong[i].status);
        const char *text = json_object_get_string(member(o, "error"));
        ck_assert_msg(strstr(text, wrong[i].sentence) != NULL, "%s: %s", wrong[i].path, text);
        (void)json_object_put(o);
    }
    stop();
}
END_TEST

/* ---- streams ---- */

/* A connection to a stream of events, read event by event. */
typedef struct stream {
    int fd;
    char *bytes;
    size_t len, capacity;
    char id[64], event[32];
    struct json_object *data;
    bool ended;
} stream;

static stream stream_open(const char *path, const char *headers)
{
    char head[1000];
    stream t = { .fd = client_connect(s.url) };
    (void)snprintf(head, sizeof head, "GET %s HTTP/1.0\r\n%s\r\n", path, headers);
    client_send(t.fd, head);
    return t;
}

static void stream_close(stream *t)
{
    (void)json_object_put(t->data);
    free(t->bytes);
    (void)close(t->fd);
}

/* Takes what is before the blank line at `end` off the front. */
static void take_event(stream *t, char *end)
{
    *end = '\0';
    t->event[0] = '\0';
    (void)json_object_put(t->data);
    t->data = NULL;
    for (char *line = t->bytes, *next; line && *line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        (void)sscanf(line, "id: %63s", t->id);
        (void)sscanf(line, "event: %31s", t->event);
        if (strncmp(line, "data: ", 6) == 0)
            t->data = json_tokener_parse(line + 6);
    }
    size_t taken = (size_t)(end - t->bytes) + 2;
    memmove(t->bytes, t->bytes + taken, t->len - taken + 1);
    t->len -= taken;
}

/* The next event with data; false at the end of the stream. The answer's head counts as none. */
static bool stream_next(stream *t)
{
    for (;;) {
        char *end = t->bytes ? strstr(t->bytes, "\n\n") : NULL;
        char *head = t->bytes ? strstr(t->bytes, "\r\n\r\n") : NULL;
        if (head && (!end || head < end)) {
            ck_assert_ptr_nonnull(strstr(t->bytes, "200 OK"));
            t->len -= (size_t)(head + 4 - t->bytes);
            memmove(t->bytes, head + 4, t->len + 1);
            continue;
        }
        if (end) {
            take_event(t, end);
            if (t->data)
                return true;
            continue;
        }
        if (t->capacity - t->len < 70000) {
            t->capacity = 2 * t->capacity + 140000;
            t->bytes = realloc(t->bytes, t->capacity);
            ck_assert_ptr_nonnull(t->bytes);
        }
        size_t got = client_read(t->fd, t->bytes + t->len, 65536);
        t->bytes[t->len += got] = '\0';
        if (got == 0)
            return false;
    }
}

static void expect_change(stream *t, uint64_t epoch, size_t changes)
{
    ck_assert(stream_next(t));
    ck_assert_str_eq(t->event, "change");
    ck_assert_uint_eq(number(t->data, "epoch"), epoch);
    ck_assert_uint_eq(json_object_array_length(member(t->data, "changes")), changes);
    char id[64];
    (void)snprintf(id, sizeof id, "%" PRIu64 ":%" PRIu64, number(t->data, "incarnation"), epoch);
    ck_assert_str_eq(t->id, id);
}

START_TEST(a_stream_tells_every_change)
{
    for (size_t i = 0; i < 2; i++) {
        start(worker_counts[i]);
        change("a", 1, 1, 1);
        advance(1);
        wait_epoch("by_city", 0);
        stream all = stream_open("/views/by_city/events", "");
        stream of_b = stream_open("/views/by_city/events?key=b", "");
        stream whole = stream_open("/views/by_city/events?snapshot=1", "");
        ck_assert(stream_next(&whole));
        ck_assert_str_eq(whole.event, "snapshot");
        ck_assert(json_object_get_boolean(member(whole.data, "complete")));
        ck_assert_uint_eq(number(whole.data, "epoch"), 0);
        ck_assert_uint_eq(json_object_array_length(member(whole.data, "records")), 1);
        /* all three are there when the one that came last has answered, and have told nothing */
        answer a = client_get(s.url, "/metrics");
        ck_assert_ptr_nonnull(strstr(a.body, "\nweir_http_streams 3\n"));
        answer_free(&a);
        change("a", 1, 1, -1);
        change("a", 1, 2, 1);
        change("b", 1, 3, 1);
        advance(2);
        wait_epoch("by_city", 1);
        advance(5); /* in which nothing changes */
        change("b", 2, 4, 7);
        advance(6);
        expect_change(&all, 1, 3);
        expect_change(&all, 5, 1);
        struct json_object *last = json_object_array_get_idx(member(all.data, "changes"), 0);
        ck_assert_uint_eq(number(last, "diff"), 7);
        ck_assert_uint_eq(number(member(last, "record"), "cents"), 4);
        expect_change(&of_b, 1, 1);
        expect_change(&of_b, 5, 1);
        expect_change(&whole, 1, 3);
        expect_change(&whole, 5, 1);

        /* resumed, it goes on where it was */
        char header[100];
        (void)snprintf(header, sizeof header, "Last-Event-ID: %.*s:1\r\n",
                       (int)strcspn(all.id, ":"), all.id);
        stream again = stream_open("/views/by_city/events?snapshot=1", header);
        expect_change(&again, 5, 1);

        /* the end of the dataflow is the end of the streams */
        for (unsigned w = 0; w < s.workers; w++) {
            weir_input_close(s.handles[w]);
            s.handles[w].handle = NULL;
        }
        stop();
        stream *const streams[] = { &all, &of_b, &whole, &again };
        for (size_t k = 0; k < 4; k++) {
            ck_assert(stream_next(streams[k]));
            ck_assert_str_eq(streams[k]->event, "end");
            ck_assert(!stream_next(streams[k]));
            stream_close(streams[k]);
        }
    }
}
END_TEST

START_TEST(a_large_snapshot_comes_in_pieces)
{
    enum { RECORDS = 20000 };
    start(3);
    for (int n = 0; n < RECORDS; n++) {
        char city[20];
        (void)snprintf(city, sizeof city, "city %d", n);
        change(city, n, n, 1);
    }
    advance(1);
    wait_epoch("by_city", 0);
    stream t = stream_open("/views/by_city/events?snapshot=1", "");
    size_t count = 0;
    for (bool complete = false; !complete;) {
        ck_assert(stream_next(&t));
        ck_assert_str_eq(t.event, "snapshot");
        ck_assert_uint_eq(number(t.data, "epoch"), 0);
        complete = json_object_get_boolean(member(t.data, "complete"));
        count += json_object_array_length(member(t.data, "records"));
        ck_assert(complete == (t.id[0] != '\0')); /* only the last piece can be resumed from */
    }
    ck_assert_uint_eq(count, RECORDS);
    change("city 7", 7, 7, -1);
    advance(2);
    expect_change(&t, 1, 1);
    stream_close(&t);
    t = stream_open("/views/by_city/events?snapshot=1&key=city%207", "");
    ck_assert(stream_next(&t));
    ck_assert_uint_eq(json_object_array_length(member(t.data, "records")), 0);
    stream_close(&t);
    stop();
}
END_TEST

static void expect_stream_refusal(const char *path, const char *header, int status,
                                  const char *sentence)
{
    char head[400];
    (void)snprintf(head, sizeof head, "GET %s HTTP/1.1\r\n%s\r\nConnection: close\r\n\r\n", path,
                   header);
    answer a = client_ask(s.url, head);
    ck_assert_msg(a.status == status && strstr(a.body, sentence), "%s, %s: %d, %s", path, header,
                  a.status, a.body);
    answer_free(&a);
}

START_TEST(where_a_stream_cannot_go_on_is_told)
{
    weir_http_config config = free_port;
    config.streams_max = 2;
    start_with(1, &config, 1);
    expect_stream_refusal("/views/by_shop/events", "A: b", 503, "is complete yet");
    change("a", 1, 1, 1);
    advance(1);
    change("a", 1, 2, 1);
    advance(2);
    wait_epoch("by_shop", 1);
    struct json_object *o = get("/views", 200);
    uint64_t incarnation = number(o, "incarnation");
    (void)json_object_put(o);
    char header[100];
    expect_stream_refusal("/views/by_shop/events", "Last-Event-ID: x", 400, "as in 7:42");
    expect_stream_refusal("/views/by_shop/events", "Last-Event-ID: 5:1", 410, "earlier life");
    (void)snprintf(header, sizeof header, "Last-Event-ID: %" PRIu64 ":99", incarnation);
    expect_stream_refusal("/views/by_shop/events", header, 400, "of the future");
    /* a retention of 1 ms is over when some more epochs have come */
    for (uint64_t epoch = 3, since = 0; since <= 1; epoch++) {
        change("a", 1, (int64_t)epoch, 1);
        advance(epoch);
        wait_epoch("by_shop", epoch - 1);
        o = get("/views", 200);
        since = number(json_object_array_get_idx(member(o, "views"), 1), "since");
        (void)json_object_put(o);
    }
    (void)snprintf(header, sizeof header, "Last-Event-ID: %" PRIu64 ":0", incarnation);
    expect_stream_refusal("/views/by_shop/events", header, 410, "take a snapshot");
    (void)snprintf(header, sizeof header, "Last-Event-ID: %" PRIu64 ":0\r\n", incarnation);
    stream t = stream_open("/views/by_shop/events?snapshot=1", header);
    ck_assert(stream_next(&t));
    ck_assert_str_eq(t.event, "snapshot");
    stream other = stream_open("/views/by_city/events?snapshot=1", "");
    ck_assert(stream_next(&other));
    expect_stream_refusal("/views/by_city/events", "A: b", 503, "as many as may be");
    stream_close(&other);
    stream_close(&t);
    stop();
}
END_TEST

/* One time has more changes than a stream may have waiting: it ends with a sentence. */
START_TEST(a_stream_has_bounds)
{
    weir_http_config config = free_port;
    config.stream_bytes_max = 20000;
    start_with(2, &config, 0);
    advance(1);
    wait_epoch("by_city", 0);
    stream t = stream_open("/views/by_city/events?snapshot=1", "");
    ck_assert(stream_next(&t));
    for (int n = 0; n < 2000; n++)
        change("city", n, n, 1);
    advance(2);
    ck_assert(stream_next(&t));
    ck_assert_str_eq(t.event, "gone");
    ck_assert_ptr_nonnull(
        strstr(json_object_get_string(member(t.data, "error")), "take a snapshot"));
    ck_assert(!stream_next(&t));
    stream_close(&t);
    stop();
}
END_TEST

/* One that does not read holds nothing back; when it reads again, it is told, and cut off. */
START_TEST(a_slow_reader_is_cut_off)
{
    enum { EPOCHS = 100, LARGE = 400000 };
    weir_http_config config = free_port;
    config.stream_bytes_max = 2 * EPOCHS * LARGE;
    start_with(1, &config, 1);
    advance(1);
    wait_epoch("by_shop", 0);
    stream t = stream_open("/views/by_shop/events?snapshot=1", "");
    int small = 256 << 10; /* it would grow otherwise */
    ck_assert_int_eq(setsockopt(t.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
    ck_assert(stream_next(&t));
    ck_assert_str_eq(t.event, "snapshot");
    char *city = malloc(LARGE + 1);
    memset(city, 'w', LARGE);
    city[LARGE] = '\0';
    uint64_t epoch = 2;
    for (; epoch < 2 + EPOCHS; epoch++) {
        change(city, (int64_t)epoch, 1, 1);
        advance(epoch);
        json_object_put(get("/views/by_shop?key=none&key=1", 200)); /* a turn of the server's */
    }
    for (uint64_t since = 0; since < 2 + EPOCHS;) { /* what it has missed is forgotten */
        advance(++epoch);
        struct json_object *o = get("/views", 200);
        since = number(json_object_array_get_idx(member(o, "views"), 1), "since");
        (void)json_object_put(o);
    }
    unsigned changes = 0;
    while (stream_next(&t) && strcmp(t.event, "change") == 0)
        changes++;
    ck_assert_uint_lt(changes, EPOCHS);
    ck_assert_str_eq(t.event, "gone");
    ck_assert_str_eq(json_object_get_string(member(t.data, "error")),
                     "too slow: what this reader has missed is no longer kept; take a snapshot");
    ck_assert(!stream_next(&t));
    stream_close(&t);
    free(city);
    stop();
}
END_TEST

/* Readers who go away at any moment, of scans and streams, leave nothing behind. */
START_TEST(readers_may_go_away)
{
    uint64_t seed = test_seed(11), state = seed;
    start(2);
    for (int n = 0; n < 5000; n++)
        change("a long name of a city, so that there is something to send", n, n, 1);
    advance(1);
    wait_epoch("by_city", 0);
    for (int n = 0; n < 60; n++) {
        static const char *const paths[] = { "/views/by_city?limit=5000", "/views/by_city/events",
                                             "/views/by_city/events?snapshot=1" };
        stream t = stream_open(paths[test_below(&state, 3)], "");
        char room[4096];
        if (test_below(&state, 2))
            (void)client_read(t.fd, room, sizeof room);
        change("elsewhere", n, n, 1);
        advance(2 + (uint64_t)n);
        stream_close(&t);
    }
    wait_epoch("by_city", 60);
    for (bool gone = false; !gone;) { /* found out when it is written to */
        struct json_object *o = get("/views", 200);
        struct json_object *view = json_object_array_get_idx(member(o, "views"), 0);
        gone = json_object_array_length(member(view, "readers")) == 0;
        (void)json_object_put(o);
    }
    stop();
}
END_TEST

START_TEST(a_view_can_be_read_to_its_last_state)
{
    start(2);
    change("a", 1, 1, 1);
    advance(4);
    wait_epoch("by_city", 3);
    stream t = stream_open("/views/by_city/events?snapshot=1", "");
    ck_assert(stream_next(&t));
    ck_assert_str_eq(t.event, "snapshot");
    change("b", 1, 2, 1);
    stop(); /* completes that, too */
    expect_change(&t, 4, 1);
    ck_assert(stream_next(&t));
    ck_assert_str_eq(t.event, "end");
    ck_assert(!stream_next(&t));
    stream_close(&t);
}
END_TEST

int main(void)
{
    const TTest *tests[] = { a_look_up_has_the_records_of_a_key,
                             a_scan_goes_page_by_page,
                             the_list_describes_the_views,
                             what_is_asked_wrongly_is_refused,
                             a_stream_tells_every_change,
                             a_large_snapshot_comes_in_pieces,
                             where_a_stream_cannot_go_on_is_told,
                             a_stream_has_bounds,
                             a_slow_reader_is_cut_off,
                             readers_may_go_away,
                             a_view_can_be_read_to_its_last_state,
                             NULL };
    return test_run(test_suite("http_views", tests));
}

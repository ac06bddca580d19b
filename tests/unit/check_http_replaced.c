/* SPDX-License-Identifier: Apache-2.0
 *
 * A view that goes away, or is replaced by another of its name, while a request for it waits for
 * another process. The other process is this test: it answers when it is told to, and has no
 * records.
 */
#include <pthread.h>

#include <weir/connectors/http.h>
#include <weir/weir.h>

#include "e2e/client.h"
#include "support.h"
#include "trace/view.h"

#define SALE(F)   F(str, city) F(i64, cents)
#define NUMBER(F) F(u64, number)
WEIR_RECORD(sale, SALE)
WEIR_RECORD(number, NUMBER)

enum { SEED = 3, UPPER = 2 };

/* ---- the other process ---- */

typedef struct other {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool asked, answers;
} other;

static void begin(void *ctx, weir__question *question)
{
    (void)ctx;
    question->answer = (weir__answer){ .ended = true, .upper = UPPER };
}

static void wait_answer(void *ctx, weir__question *question)
{
    other *o = ctx;
    (void)question;
    pthread_mutex_lock(&o->lock);
    o->asked = true;
    pthread_cond_broadcast(&o->changed);
    while (!o->answers)
        pthread_cond_wait(&o->changed, &o->lock);
    pthread_mutex_unlock(&o->lock);
}

static uint64_t number_of(void *ctx)
{
    (void)ctx;
    return 1;
}

static void close_reader(void *ctx, unsigned process, uint64_t reader)
{
    (void)ctx;
    (void)process;
    (void)reader;
}

static other there = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, false };
static const weir__asker asker = { .ctx = &there, .processes = 2, .begin = begin,
                                   .wait = wait_answer, .number = number_of,
                                   .close = close_reader };

static void wait_until_asked(void)
{
    pthread_mutex_lock(&there.lock);
    while (!there.asked)
        pthread_cond_wait(&there.changed, &there.lock);
    pthread_mutex_unlock(&there.lock);
}

static void let_answer(void)
{
    pthread_mutex_lock(&there.lock);
    there.answers = true;
    pthread_cond_broadcast(&there.changed);
    pthread_mutex_unlock(&there.lock);
}

/* ---- this one ---- */

static weir_runtime *runtime;
static weir_http *http;
static weir_input(number) input;
static weir_input_handle(number) handle;

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(number) numbers = weir_input_add(g, number, &input);
    (void)weir_probe(numbers, "numbers");
}

static void start(void)
{
    static const weir_http_config free_port = { .struct_size = sizeof free_port, .address = "0" };
    weir_config config = { .struct_size = sizeof config, .workers = 1 };
    weir_error error = { .status = WEIR_OK };
    there.asked = there.answers = false;
    runtime = weir_runtime_create(&config, &error);
    ck_assert_ptr_nonnull(runtime);
    ck_assert_int_eq(weir_runtime_build(runtime, NULL, build, NULL, &error), WEIR_OK);
    handle = weir_input_open(input, 0);
    http = weir_http_start(runtime, &free_port, &error);
    ck_assert_msg(http != NULL, "%s", error.what);
    ck_assert_int_eq(weir_runtime_start(runtime, &error), WEIR_OK);
}

static void stop(void)
{
    weir_error error = { .status = WEIR_OK };
    weir_input_close(handle);
    ck_assert_int_eq(weir_runtime_wait(runtime, &error), WEIR_OK);
    weir_http_stop(http);
    weir_runtime_destroy(runtime);
}

/* A view whose only record this is. */
static weir_view *add_view(const weir_type *type, const void *record, const weir__asker *by)
{
    weir_view *view;
    weir_shape *shape;
    weir_trace_run *run;
    weir_view_spec spec = { .struct_size = sizeof spec, .name = "v", .type = type,
                            .key = { .count = 1 }, .workers = by ? 2 : 1, .here = 1,
                            .asker = by };
    ck_assert_int_eq(weir_views_add(weir_runtime_views(runtime), &spec, &view, NULL), WEIR_OK);
    weir_shape_spec arranged = { .type = type, .key = spec.key, .depth = 1, .seed = SEED };
    ck_assert_int_eq(weir_shape_create(&shape, &arranged, NULL), WEIR_OK);
    weir_spine *spine = weir_spine_create(shape, NULL);
    weir_trace_builder *builder = weir_trace_builder_create(shape, NULL);
    weir_updates updates = { .records = record, .count = 1, .time = { { 1 } } };
    ck_assert_int_eq(weir_trace_builder_add(builder, &updates), WEIR_OK);
    ck_assert_int_eq(weir_trace_builder_build(builder, &run), WEIR_OK);
    ck_assert_int_eq(weir_spine_append(spine, run, NULL), WEIR_OK);
    weir_trace_runs *runs = weir_spine_list(spine);
    weir_view_part part = { .runs = runs, .upper = UPPER, .seed = SEED };
    weir_view_publish(view, 0, &part);
    weir_trace_runs_release(runs);
    weir_trace_builder_destroy(builder);
    weir_spine_destroy(spine);
    weir_shape_release(shape);
    return view;
}

/* The whole answer to a request for the view; meanwhile it goes, and another may take its name. */
static answer get_while_it_goes(const char *path, bool is_replaced)
{
    static const sale ours = { .city = { .len = 0 }, .cents = 4711 };
    static const number others = { .number = 815 };
    char head[200];
    start();
    weir_view *view = add_view(sale_type(), &ours, &asker), *after = NULL;
    (void)snprintf(head, sizeof head,
                   "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", path);
    int fd = client_connect(weir_http_url(http));
    client_send(fd, head);
    wait_until_asked();
    weir_views_remove(view);
    if (is_replaced)
        after = add_view(number_type(), &others, NULL);
    let_answer();
    answer a = client_answer(fd);
    if (after)
        weir_views_remove(after);
    stop();
    return a;
}

static void check_records(bool is_replaced)
{
    answer a = get_while_it_goes("/views/v", is_replaced);
    ck_assert_msg(a.status == 200, "%d: %s", a.status, a.body);
    ck_assert_msg(strstr(a.body, "{\"city\":\"\",\"cents\":4711}") != NULL, "%s", a.body);
    answer_free(&a);
}

/* It was opened before it went. */
START_TEST(records_are_those_of_the_view_that_was_asked_for)
{
    check_records(false);
    check_records(true);
}
END_TEST

static void check_events(bool is_replaced)
{
    answer a = get_while_it_goes("/views/v/events?snapshot=1", is_replaced);
    ck_assert_msg(a.status == 200, "%d: %s", a.status, a.body);
    ck_assert_msg(strstr(a.body, "{\"city\":\"\",\"cents\":4711}") != NULL, "%s", a.body);
    ck_assert_msg(strstr(a.body, "event: end\n") != NULL, "%s", a.body);
    ck_assert_ptr_nonnull(strstr(a.body, "the view 'v' was removed"));
    ck_assert_ptr_null(strstr(a.body, "number"));
    answer_free(&a);
}

START_TEST(a_stream_is_of_the_view_that_was_asked_for)
{
    check_events(false);
    check_events(true);
}
END_TEST

int main(void)
{
    const TTest *tests[] = { records_are_those_of_the_view_that_was_asked_for,
                             a_stream_is_of_the_view_that_was_asked_for, NULL };
    return test_run(test_suite("http_replaced", tests));
}

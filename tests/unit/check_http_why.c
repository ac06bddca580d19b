/* SPDX-License-Identifier: Apache-2.0
 *
 * /why: nothing is stuck; who holds a frontier back, and on which worker; which worker does not
 * answer, and in which operator it is.
 */
#include <json-c/json.h>
#include <semaphore.h>

#include <weir/connectors/http.h>
#include <weir/weir.h>

#include "e2e/client.h"
#include "support.h"

#define NUMBER(F) F(u64, value)
WEIR_RECORD(number, NUMBER)

enum { WORKERS = 2 };

static weir_input(number) inputs[2];
static weir_input_handle(number) handles[2][WORKERS];
static sem_t entered, leave;
static bool blocks;

static void sink_step(weir_step *step, void *state)
{
    (void)state;
    while (weir_step_take(step, 0))
        ;
    if (weir_step_worker(step) == 1 && __atomic_exchange_n(&blocks, false, __ATOMIC_ACQ_REL)) {
        sem_post(&entered);
        while (sem_wait(&leave))
            ;
    }
}

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(number) a = weir_input_add(g, number, &inputs[0], .name = "a", .manual = true);
    weir_stream(number) b = weir_input_add(g, number, &inputs[1], .name = "b", .manual = true);
    weir_stream(number) both = weir_concat(a, b);
    weir_node_input takes = { .type = number_type(), .interest = WEIR_ALWAYS };
    weir_node_add(g, &(weir_node_spec){ .struct_size = sizeof(weir_node_spec), .kind = "sink",
                                        .name = "the sink", .input_count = 1, .inputs = &takes,
                                        .step = sink_step }, &both.port);
}

/* What an answer says: ask until it says that. */
static void wait_for(const char *url, const char *text)
{
    for (bool found = false; !found;) {
        answer a = client_get(url, "/why");
        struct json_object *object = json_tokener_parse(a.body), *member;
        ck_assert_int_eq(a.status, 200);
        ck_assert_msg(object && json_object_object_get_ex(object, "why", &member), "%s", a.body);
        found = strstr(json_object_get_string(member), text) != NULL;
        if (found) {
            ck_assert(json_object_object_get_ex(object, "stuck", &member));
            ck_assert_int_eq(json_object_get_boolean(member), !strstr(text, "nothing"));
            ck_assert(json_object_object_get_ex(object, "workers", &member));
            ck_assert_uint_eq(json_object_array_length(member), WORKERS);
            ck_assert(json_object_object_get_ex(object, "held", &member));
        }
        (void)json_object_put(object);
        answer_free(&a);
    }
}

START_TEST(tells_why)
{
    weir_error error = { 0 };
    weir_config config = { .struct_size = sizeof config, .workers = WORKERS };
    weir_http_config http = { .struct_size = sizeof http, .address = "0" };
    sem_init(&entered, 0, 0);
    sem_init(&leave, 0, 0);
    weir_runtime *runtime = weir_runtime_create(&config, &error);
    ck_assert_int_eq(weir_runtime_build(runtime, "why", build, NULL, &error), WEIR_OK);
    for (int i = 0; i < 2; i++)
        for (unsigned w = 0; w < WORKERS; w++)
            handles[i][w] = weir_input_open(inputs[i], w);
    weir_http *server = weir_http_start(runtime, &http, &error);
    ck_assert_ptr_nonnull(server);
    ck_assert_int_eq(weir_runtime_start(runtime, &error), WEIR_OK);
    const char *url = weir_http_url(server);
    wait_for(url, "nothing is stuck");

    weir_time t = weir_time_1(5); /* all but b of worker 1 move on */
    weir_input_advance_to(handles[0][0], &t);
    weir_input_advance_to(handles[0][1], &t);
    weir_input_advance_to(handles[1][0], &t);
    wait_for(url, "operator 'b' on worker 1 has held time 0 for ");
    weir_input_advance_to(handles[1][1], &t);
    wait_for(url, "nothing is stuck");

    __atomic_store_n(&blocks, true, __ATOMIC_RELEASE);
    ck_assert_int_eq(weir_input_send(handles[0][1], number, { 1 }), WEIR_OK);
    weir_input_flush(handles[0][1]);
    while (sem_wait(&entered))
        ;
    wait_for(url, "worker 1 does not answer: it is in a step of operator 'the sink'");
    sem_post(&leave);
    wait_for(url, "nothing is stuck");
    for (int i = 0; i < 2; i++)
        for (unsigned w = 0; w < WORKERS; w++)
            weir_input_close(handles[i][w]);
    ck_assert_int_eq(weir_runtime_wait(runtime, &error), WEIR_OK);
    weir_http_stop(server);
    weir_runtime_destroy(runtime);
    sem_destroy(&entered);
    sem_destroy(&leave);
}
END_TEST

int main(void)
{
    return test_run(test_suite("http_why", (const TTest *const[]){ tells_why, NULL }));
}

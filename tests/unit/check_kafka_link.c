/* SPDX-License-Identifier: Apache-2.0
 *
 * What the log hears of a broker that is away: once for all workers of a node, again every half a
 * minute, a line when it is back for the last of them.
 */
#include "kafka/link.h"

#include <weir/record.h>
#include <weir/test.h>

#include "kafka/job.h"

#define CALL(F) F(str, what)
WEIR_RECORD(call, CALL)

static const uint64_t second = UINT64_C(1000000000);
static weir__kafka_told told;

static weir_status make(weir_step *step, void *ctx, void **state, weir_error *error)
{
    weir__kafka_link *link = weir_alloc_zero(sizeof *link);
    (void)step;
    (void)ctx;
    (void)error;
    *link = (weir__kafka_link){ .told = &told, .servers = "somebody" };
    *state = link;
    return WEIR_OK;
}

static void end(void *state)
{
    weir_free(state, sizeof(weir__kafka_link));
}

static void step_link(weir_step *step, void *state)
{
    for (const weir_batch *batch; (batch = weir_step_take(step, 0));)
        for (size_t i = 0; i < batch->count; i++) {
            const call *c = weir_batch_record(batch, i);
            if (weir_str_equal(&c->what, &(weir_str){ 0 }))
                weir__kafka_link_never(state, "lines");
            else if (weir_str_data(&c->what)[0] == 'b')
                weir__kafka_link_back(state, step, "lines");
            else
                weir__kafka_link_away(state, step, "lines", "nobody");
        }
}

static void build(weir_graph *g, void *ctx)
{
    weir_port *calls = weir_test_input(g, call).port;
    weir_node_input input = { .type = call_type() };
    (void)ctx;
    weir_node_add(g, &(weir_node_spec){ .struct_size = sizeof(weir_node_spec), .kind = "link",
                                        .name = "link", .input_count = 1, .inputs = &input,
                                        .init = make, .step = step_link, .fini = end }, &calls);
}

/* A worker says so; what the log hears. */
static const char *says(weir_test *t, unsigned worker, const char *what)
{
    call c = { weir_str_of(what) };
    job_log_start();
    weir_test_push_record(t, 0, worker, &c, 0, 1);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    return job_log;
}

START_TEST(once_for_all_workers)
{
    static const char *const away =
        "link: topic 'lines': no broker answers; trying on: nobody; asked: somebody\n";
    static const char *const again = "link: topic 'lines': no broker answers, for 31 s now; "
                                     "trying on: nobody; asked: somebody\n";
    static const char *const back = "link: topic 'lines': the broker is back after 31 s\n";
    weir_test *t = weir_test_create(build, NULL, .workers = 3);
    told = (weir__kafka_told){ 0 };
    ck_assert_str_eq(says(t, 1, ""),
                     "topic 'lines': nothing was read, no broker has answered; asked: somebody\n");
    ck_assert_str_eq(says(t, 0, "back"), "");
    for (int round = 0; round < 2; round++) {
        ck_assert_str_eq(says(t, 2, "away"), away);
        ck_assert_str_eq(says(t, 1, ""), ""); /* it was said before */
        ck_assert_str_eq(says(t, 0, "away"), "");
        weir_test_pass_time(t, 29 * second);
        ck_assert_str_eq(says(t, 2, "away"), "");
        weir_test_pass_time(t, 2 * second);
        ck_assert_str_eq(says(t, 0, "away"), again);
        ck_assert_str_eq(says(t, 2, "away"), "");
        ck_assert_str_eq(says(t, 0, "back"), "");
        ck_assert_str_eq(says(t, 0, "back"), "");
        ck_assert_str_eq(says(t, 2, "back"), back);
    }
    weir_test_destroy(t);
    weir_log_set(NULL, NULL, WEIR_LOG_OFF);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { once_for_all_workers, NULL };
    return test_run(test_suite("kafka_link", tests));
}

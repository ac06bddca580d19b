/* SPDX-License-Identifier: Apache-2.0
 *
 * Dataflows that come and go while another runs: sales flow into one dataflow all the time, and
 * questions about them are asked and dropped, each a dataflow of its own with the threshold that it
 * was asked with.
 *
 *     $ comings
 *     100 sales of 9.00 or more, 900 of 1.00 or more
 */
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <weir/weir.h>

#include "../no_options.h"

#define SALE(F) F(str, city) F(i64, cents)
WEIR_RECORD(sale, SALE)

enum { QUESTIONS = 3, SALES = 1000 };

/* What building a question gives out. */
typedef struct question {
    weir_dataflow *dataflow;
    weir_input(sale) sales;
    int64_t least, found; /* found: of all workers, atomic */
} question;

typedef struct shop {
    weir_runtime *runtime;
    question questions[QUESTIONS];
} shop;

static bool is_large(const question *q, const sale *s) { return s->cents >= q->least; }
WEIR_FILTER_CTX(is_large, const question, sale)

static void count(question *q, const sale *s)
{
    (void)s;
    __atomic_fetch_add(&q->found, 1, __ATOMIC_RELAXED);
}
WEIR_INSPECT_CTX(count, question, sale)

/* Registered as "larger than"; the arguments say which question it is. */
static void build_question(weir_graph *g, void *ctx)
{
    question *q = &((shop *)ctx)->questions[*(const unsigned *)weir_graph_args(g, NULL)];
    weir_stream(sale) sales = weir_input_add(g, sale, &q->sales, .manual = true);
    weir_stream(sale) large = weir_filter_ctx(weir_exchange(sales, WEIR_KEY(sale, city)), is_large,
                                              .ctx = q);
    (void)weir_inspect_ctx(large, count, .ctx = q);
}

/* Whether it went well; says what did not. */
static bool good(weir_status status, const weir_error *error)
{
    char text[1600];
    if (status != WEIR_OK)
        fprintf(stderr, "comings: %s\n", weir_error_text(error, text, sizeof text));
    return status == WEIR_OK;
}

static bool ask(shop *s, unsigned i, int64_t least)
{
    weir_error error = { 0 };
    question *q = &s->questions[i];
    *q = (question){ .least = least };
    weir_dataflow_spec spec = { .struct_size = sizeof spec, .build = "larger than", .args = &i,
                                .args_size = sizeof i };
    return good(weir_runtime_add(s->runtime, &spec, &q->dataflow, &error), &error) &&
           good(weir_dataflow_wait(q->dataflow, WEIR_DATAFLOW_RUNNING, &error), &error);
}

/* The same sales to a question: then it is complete, and goes by itself, or is dropped before. */
static bool sell(question *q, bool drop)
{
    weir_error error = { 0 };
    static const char *const cities[] = { "Lyon", "Porto", "Zadar" };
    weir_input_handle(sale) h = weir_input_open(q->sales, 0);
    for (int64_t i = 0; i < SALES; i++)
        while (weir_input_send(h, sale, { .city = weir_str_of(cities[i % 3]), .cents = i }) ==
               WEIR_FULL) {
            weir_input_flush(h);
            (void)sched_yield(); /* the worker's thread makes room */
        }
    weir_input_flush(h);
    bool well = !drop || good(weir_dataflow_remove(q->dataflow, &error), &error);
    weir_input_close(h);
    weir_input_close(weir_input_open(q->sales, 1)); /* the other worker's */
    return well && good(weir_dataflow_wait(q->dataflow, WEIR_DATAFLOW_GONE, &error), &error);
}

static bool trade(shop *s)
{
    if (!ask(s, 0, 900) || !ask(s, 1, 500) || !ask(s, 2, 100))
        return false;
    if (!sell(&s->questions[1], true) || /* the first one runs on meanwhile */
        !sell(&s->questions[0], false) || !sell(&s->questions[2], false))
        return false;
    return printf("%" PRId64 " sales of 9.00 or more, %" PRId64 " of 1.00 or more\n",
                  s->questions[0].found, s->questions[2].found) > 0 &&
           fflush(stdout) == 0;
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return no_options(argv, "comings");
    shop s = { 0 };
    weir_error error = { 0 };
    weir_config config = { .struct_size = sizeof config, .workers = 2, .until_stopped = true };
    s.runtime = weir_runtime_create(&config, &error);
    if (!s.runtime)
        return good(error.status, &error) ? 0 : 1;
    bool well =
        good(weir_runtime_register(s.runtime, "larger than", build_question, &s, &error), &error) &&
        good(weir_runtime_start(s.runtime, &error), &error);
    if (well) {
        well = trade(&s);
        for (unsigned i = 0; i < QUESTIONS; i++)
            weir_dataflow_release(s.questions[i].dataflow);
        weir_runtime_stop(s.runtime);
        well = good(weir_runtime_wait(s.runtime, &error), &error) && well;
    }
    weir_runtime_destroy(s.runtime);
    return well ? 0 : 1;
}

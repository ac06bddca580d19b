/* SPDX-License-Identifier: Apache-2.0
 *
 * See demo.h. Messages are written by a dataflow of their own, as another program would; a thread
 * writes those of one step, waits until the view has the answer that they lead to, and shows it.
 */
#include "demo.h"

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include <weir/connectors/kafka.h>
#include <weir/weir.h>

#include "../kafka_inside.h"
#include "records.h"

enum { ID = 7, LINKS_MAX = 4 };

typedef enum outcome { NO_QUESTION, NO_WAY, SOME_WAY } outcome;

/* What is written, and what the answer must become. */
static const struct {
    const char *what;
    link_change links[LINKS_MAX];
    size_t link_count;
    bool asks;
    question_change question;
    outcome outcome;
    int64_t by;
} steps[] = {
    { "four links in a row", { { 1, 2, false }, { 2, 3, false }, { 3, 4, false }, { 4, 5, false } },
      4, true, { ID, 1, 5, false }, SOME_WAY, 4 },
    { "a link from 1 to 4", { { 1, 4, false } }, 1, false, { 0 }, SOME_WAY, 2 },
    { "the link from 4 to 5 is gone", { { 4, 5, true } }, 1, false, { 0 }, NO_WAY, 0 },
    { "a link from 2 to 5", { { 2, 5, false } }, 1, false, { 0 }, SOME_WAY, 2 },
    { "nobody asks any more", { { 0 } }, 0, true, { ID, 1, 5, true }, NO_QUESTION, 0 },
};

struct demo {
    weir_main_config config;
    weir_main_program *program;
    weir_kafka_mock *mock;
    const char *links_topic, *questions_topic;
    weir_runtime *feeder;
    weir_input(link_change) links;
    weir_input(question_change) questions;
    weir_view *view;
    weir_view_watch watch;
    pthread_t thread;
    bool running;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop, changed; /* under the lock */
};

/* ---- what is written ---- */

static void build_feeder(weir_graph *g, void *ctx)
{
    demo *d = ctx;
    const char *brokers = weir_kafka_mock_brokers(d->mock);
    weir_kafka_sink(weir_input_add(g, link_change, &d->links), .topic = d->links_topic,
                    .brokers = brokers);
    weir_kafka_sink(weir_input_add(g, question_change, &d->questions),
                    .topic = d->questions_topic, .brokers = brokers);
}

static bool start_feeder(demo *d, weir_error *error)
{
    weir_config config = { .struct_size = sizeof config, .workers = 1 };
    d->feeder = weir_runtime_create(&config, error);
    return d->feeder &&
           weir_runtime_build(d->feeder, "feeder", build_feeder, d, error) == WEIR_OK &&
           weir_runtime_start(d->feeder, error) == WEIR_OK;
}

static void stop_feeder(demo *d)
{
    weir_error error = { 0 };
    char text[1600];
    if (!d->feeder)
        return;
    weir_runtime_stop(d->feeder);
    weir_runtime_stop(d->feeder); /* what is not written by now nobody waits for */
    weir_status status = weir_runtime_wait(d->feeder, &error);
    if (status != WEIR_OK && status != WEIR_CANCELLED)
        fprintf(stderr, "distances: %s\n", weir_error_text(&error, text, sizeof text));
    weir_runtime_destroy(d->feeder);
}

/* ---- what is answered ---- */

typedef struct seen {
    outcome outcome;
    int64_t by;
} seen;

static bool take_row(const weir_view_row *row, void *ctx)
{
    const answer *a = row->record;
    *(seen *)ctx = (seen){ a->links.set ? SOME_WAY : NO_WAY, a->links.set ? a->links.value : 0 };
    return true;
}

static bool is_answered(const demo *d, outcome wanted, int64_t by)
{
    weir_view_reader *reader;
    seen s = { .outcome = NO_QUESTION };
    if (weir_view_reader_open(d->view, "demo", &reader, NULL) != WEIR_OK)
        return false;
    weir_view_reader_lookup(reader, &(answer){ .id = ID }, take_row, &s);
    weir_view_reader_close(reader);
    return s.outcome == wanted && s.by == by;
}

static void on_change(weir_view *view, void *ctx)
{
    demo *d = ctx;
    (void)view;
    pthread_mutex_lock(&d->lock);
    d->changed = true;
    pthread_cond_signal(&d->wake);
    pthread_mutex_unlock(&d->lock);
}

/* Waits for a change of the view. False: it is over. */
static bool wait_for_change(demo *d)
{
    pthread_mutex_lock(&d->lock);
    while (!d->changed && !d->stop)
        pthread_cond_wait(&d->wake, &d->lock);
    d->changed = false;
    bool goes_on = !d->stop;
    pthread_mutex_unlock(&d->lock);
    return goes_on;
}

static void show(const char *what, outcome is, int64_t by)
{
    if (is == SOME_WAY)
        printf("%s: from 1 to 5 by %" PRId64 " links\n", what, by);
    else
        printf("%s: %s\n", what, is == NO_WAY ? "no way from 1 to 5" : "no answer");
}

/* False: the input has ended. */
static bool write_record(weir_input_handle *handle, const void *record)
{
    weir_status status;
    while ((status = weir__input_send(handle, record, 1)) == WEIR_FULL) {
        weir__input_flush(handle);
        (void)sched_yield(); /* the feeder's worker makes room */
    }
    return status == WEIR_OK;
}

static void *run(void *ctx)
{
    demo *d = ctx;
    weir_input_handle(link_change) links = weir_input_open(d->links, 0);
    weir_input_handle(question_change) questions = weir_input_open(d->questions, 0);
    bool goes_on = true;
    for (size_t i = 0; goes_on && i < sizeof steps / sizeof *steps; i++) {
        for (size_t k = 0; goes_on && k < steps[i].link_count; k++)
            goes_on = write_record(links.handle, &steps[i].links[k]);
        if (goes_on && steps[i].asks)
            goes_on = write_record(questions.handle, &steps[i].question);
        weir_input_flush(links);
        weir_input_flush(questions);
        while (goes_on && !is_answered(d, steps[i].outcome, steps[i].by))
            goes_on = wait_for_change(d);
        if (goes_on)
            show(steps[i].what, steps[i].outcome, steps[i].by);
    }
    weir_input_close(links);
    weir_input_close(questions);
    weir_main_stop(d->program);
    return NULL;
}

/* ---- hooks of weir_main ---- */

static weir_status prepare(weir_main_program *program, void *ctx, weir_error *error)
{
    demo *d = ctx;
    const char *links = weir_main_option(program, "links-topic");
    const char *questions = weir_main_option(program, "questions-topic");
    const char *answers = weir_main_option(program, "answers-topic");
    d->links_topic = links ? links : "links";
    d->questions_topic = questions ? questions : "questions";
    const char *topics[] = { d->links_topic, d->questions_topic, answers ? answers : "answers",
                             NULL };
    return kafka_inside(program, topics, 1, &d->mock, error);
}

static void started(weir_main_program *program, void *ctx)
{
    demo *d = ctx;
    weir_error error = { 0 };
    char text[1600];
    if (!d->mock)
        return;
    d->program = program;
    d->view = weir_views_find(weir_runtime_views(weir_main_runtime(program)), "answers");
    if (!start_feeder(d, &error)) {
        fprintf(stderr, "distances: %s\n", weir_error_text(&error, text, sizeof text));
        weir_main_stop(program);
        return;
    }
    d->watch = (weir_view_watch){ .fn = on_change, .ctx = d };
    weir_view_watch_add(d->view, &d->watch);
    d->running = pthread_create(&d->thread, NULL, run, d) == 0;
    if (!d->running) {
        fprintf(stderr, "distances: there is no thread for the demonstration\n");
        weir_view_watch_remove(&d->watch);
        weir_main_stop(program);
    }
}

static void ended(weir_main_program *program, void *ctx)
{
    demo *d = ctx;
    (void)program;
    if (d->running) {
        pthread_mutex_lock(&d->lock);
        d->stop = true;
        pthread_cond_signal(&d->wake);
        pthread_mutex_unlock(&d->lock);
        pthread_join(d->thread, NULL);
        weir_view_watch_remove(&d->watch);
    }
    weir_view_release(d->view);
    stop_feeder(d);
    if (d->mock)
        weir_kafka_mock_stop(d->mock);
}

demo *demo_create(void)
{
    demo *d = calloc(1, sizeof *d);
    if (!d)
        abort();
    pthread_mutex_init(&d->lock, NULL);
    pthread_cond_init(&d->wake, NULL);
    d->config = (weir_main_config){
        .struct_size = sizeof d->config,
        .about = "Answers, from Kafka to Kafka, by how many links one comes from node to node.",
        .prepare = prepare, .started = started, .ended = ended, .hook_ctx = d };
    return d;
}

void demo_destroy(demo *d)
{
    pthread_mutex_destroy(&d->lock);
    pthread_cond_destroy(&d->wake);
    free(d);
}

const weir_main_config *demo_config(demo *d) { return &d->config; }

/* SPDX-License-Identifier: Apache-2.0
 *
 * See demo.h. The display is a reader of the view like any other: it opens a reader, scans, closes
 * it.
 */
#include "demo.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <weir/record.h>
#include <weir/view.h>

#include "../kafka_inside.h"
#include "feeder.h"
#include "lag.h"

enum { TOP = 15, EVERY_MS = 500, LATENCIES = 64 };
#define CLOCK_WORD "weir-demo-clock" /* counted like any other, not shown */

/* As wordcount.c declares it. */
#define WORD_COUNT(F) F(str, word) F(i64, count)
WEIR_RECORD(word_count, WORD_COUNT)

struct demo {
    weir_main_config config;
    const char *input_topic;
    const char *const *files;
    double rate;
    weir_kafka_mock *mock;
    feeder *feeder;
    lag *lag;
    weir_main_program *program;
    pthread_t thread;
    bool running, failed;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop, changed; /* under the lock */
    weir_view_watch watch;
    weir_view *view;
    /* what is shown */
    word_count top[TOP];
    char words[TOP][64];
    unsigned top_count;
    int64_t total, total_before;
    uint64_t distinct;
    double shown_at;
    /* how long a word takes from being sent to being readable */
    int64_t clock_sent;
    double clock_sent_at, latency_ms[LATENCIES];
    unsigned latency_count;
};

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- reading the view ---- */

static bool is_clock(const weir_str *word)
{
    return word->len == sizeof CLOCK_WORD - 1 &&
           memcmp(weir_str_data(word), CLOCK_WORD, word->len) == 0;
}

static bool add_row(const weir_view_row *row, void *ctx)
{
    demo *d = ctx;
    const word_count *r = row->record;
    if (is_clock(&r->word))
        return true;
    d->total += r->count;
    d->distinct++;
    unsigned at = d->top_count;
    while (at > 0 && d->top[at - 1].count < r->count)
        at--;
    if (at == TOP)
        return true;
    unsigned last = d->top_count < TOP ? d->top_count++ : TOP - 1;
    for (unsigned i = last; i > at; i--) {
        d->top[i] = d->top[i - 1];
        memcpy(d->words[i], d->words[i - 1], sizeof d->words[i]);
    }
    d->top[at] = *r;
    snprintf(d->words[at], sizeof d->words[at], "%.*s", (int)(r->word.len < 40 ? r->word.len : 40),
             weir_str_data(&r->word));
    return true;
}

/* Fills in what is shown; false if nothing is complete yet. */
static bool look(demo *d)
{
    weir_view_reader *reader;
    if (weir_view_reader_open(d->view, "demo", &reader, NULL) != WEIR_OK)
        return false;
    weir_view_place place = { 0 };
    d->total = 0;
    d->distinct = d->top_count = 0;
    weir_view_reader_scan(reader, &place, 0, add_row, d);
    weir_view_reader_close(reader);
    return true;
}

static bool clock_row(const weir_view_row *row, void *ctx)
{
    *(int64_t *)ctx = ((const word_count *)row->record)->count;
    return true;
}

/* Notes how long the last clock word took, once it is readable, and sends the next. */
static void look_at_clock(demo *d)
{
    weir_view_reader *reader;
    int64_t seen = 0;
    word_count key = { .word = weir_str_of(CLOCK_WORD) };
    if (!d->feeder || weir_view_reader_open(d->view, "demo clock", &reader, NULL) != WEIR_OK)
        return;
    weir_view_reader_lookup(reader, &key, clock_row, &seen);
    weir_view_reader_close(reader);
    if (seen < d->clock_sent)
        return;
    double now = seconds();
    if (d->clock_sent > 0)
        d->latency_ms[d->latency_count++ % LATENCIES] = (now - d->clock_sent_at) * 1e3;
    d->clock_sent_at = now;
    if (feeder_send(d->feeder, CLOCK_WORD))
        d->clock_sent++;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double latency_median(const demo *d)
{
    double sorted[LATENCIES];
    unsigned n = d->latency_count < LATENCIES ? d->latency_count : LATENCIES;
    memcpy(sorted, d->latency_ms, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_value);
    return n ? sorted[n / 2] : 0;
}

/* ---- showing ---- */

static void show_table(const demo *d)
{
    for (unsigned i = 0; i < d->top_count; i++)
        printf("%12" PRId64 "  %s\n", d->top[i].count, d->words[i]);
}

static void show(demo *d)
{
    double now = seconds();
    double rate = (double)(d->total - d->total_before) / (now - d->shown_at);
    const char *url = weir_main_url(d->program);
    char lags[400];
    bool terminal = isatty(STDOUT_FILENO);
    if (terminal)
        printf("\033[H\033[2J");
    printf("%" PRId64 " words, %" PRIu64 " distinct, %.0f words/s", d->total, d->distinct, rate);
    if (d->latency_count)
        printf(", %.1f ms from sent to readable", latency_median(d));
    lag_text(d->lag, lags, sizeof lags);
    lag_ask(d->lag, weir_main_runtime(d->program));
    printf("%s%s%s%s\n", *lags ? ", lag " : "", lags, url ? ", " : "", url ? url : "");
    if (terminal) {
        printf("\n");
        show_table(d);
    }
    fflush(stdout);
    d->total_before = d->total;
    d->shown_at = now;
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

/* Waits for a change of the view, or until it is time to show it. False: it is over. */
static bool wait_for_change(demo *d)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += EVERY_MS * 1000000L / 5;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&d->lock);
    int code = 0;
    while (!d->changed && !d->stop && code == 0)
        code = pthread_cond_timedwait(&d->wake, &d->lock, &until);
    d->changed = false;
    bool on = !d->stop;
    pthread_mutex_unlock(&d->lock);
    return on;
}

static void *display(void *ctx)
{
    demo *d = ctx;
    while (wait_for_change(d)) {
        look_at_clock(d);
        if (seconds() - d->shown_at >= EVERY_MS / 1e3 && look(d))
            show(d);
    }
    return NULL;
}

/* ---- hooks of weir_main ---- */

static weir_status prepare(weir_main_program *program, void *ctx, weir_error *error)
{
    demo *d = ctx;
    const char *topic = weir_main_option(program, "input-topic");
    d->input_topic = topic ? topic : "lines";
    const char *output = weir_main_option(program, "output-topic");
    const char *topics[] = { d->input_topic, output ? output : "word-counts", NULL };
    return kafka_inside(program, topics, 4, &d->mock, error);
}

static void started(weir_main_program *program, void *ctx)
{
    demo *d = ctx;
    weir_error error = { 0 };
    char text[1600];
    d->program = program;
    d->shown_at = seconds();
    d->view = weir_views_find(weir_runtime_views(weir_main_runtime(program)), "word_counts");
    if (d->mock) {
        d->feeder = feeder_start(weir_kafka_mock_brokers(d->mock), d->input_topic, d->files,
                                 d->rate, &error);
        if (!d->feeder) {
            fprintf(stderr, "wordcount: %s\n", weir_error_text(&error, text, sizeof text));
            d->failed = true;
            weir_main_stop(program);
        }
    }
    d->watch = (weir_view_watch){ .fn = on_change, .ctx = d };
    weir_view_watch_add(d->view, &d->watch);
    d->running = pthread_create(&d->thread, NULL, display, d) == 0;
}

static void ended(weir_main_program *program, void *ctx)
{
    demo *d = ctx;
    (void)program;
    if (d->view) {
        weir_view_watch_remove(&d->watch);
        pthread_mutex_lock(&d->lock);
        d->stop = true;
        pthread_cond_signal(&d->wake);
        pthread_mutex_unlock(&d->lock);
        if (d->running)
            pthread_join(d->thread, NULL);
        if (!d->failed && look(d)) {
            printf("\n%" PRId64 " words, %" PRIu64 " distinct; the most frequent:\n", d->total,
                   d->distinct);
            show_table(d);
        }
        weir_view_release(d->view);
    }
    if (d->feeder)
        feeder_stop(d->feeder);
    if (d->mock)
        weir_kafka_mock_stop(d->mock);
    d->feeder = NULL;
    d->mock = NULL;
}

void demo_options(weir_graph *graph, demo *d)
{
    kafka_inside_option(graph);
    weir_option_list(graph, "file", &d->files, "without --brokers: text to feed (repeatable)");
    d->rate = weir_option_f64(graph, "rate", 5000, "without --brokers: lines a second to feed");
}

demo *demo_create(void)
{
    demo *d = calloc(1, sizeof *d);
    if (!d)
        abort();
    d->lag = lag_create();
    pthread_mutex_init(&d->lock, NULL);
    pthread_cond_init(&d->wake, NULL);
    d->config = (weir_main_config){
        .struct_size = sizeof d->config,
        .about = "Counts the words of the lines of a Kafka topic, into a view and a second topic.",
        .prepare = prepare, .started = started, .ended = ended, .hook_ctx = d };
    return d;
}

void demo_destroy(demo *d)
{
    lag_destroy(d->lag);
    pthread_mutex_destroy(&d->lock);
    pthread_cond_destroy(&d->wake);
    free(d);
}

bool demo_failed(const demo *d) { return d->failed; }

const weir_main_config *demo_config(demo *d) { return &d->config; }

/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the Kafka connector share: a job whose worker 0 the test itself steps until
 * something is so, records collected from a stream, the log, metrics.
 */
#ifndef WEIR_TESTS_KAFKA_JOB_H
#define WEIR_TESTS_KAFKA_JOB_H

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <weir/connectors/kafka.h>
#include <weir/connectors/kafka_simulated.h>
#include <weir/memory.h>
#include <weir/observe.h>
#include <weir/record.h>
#include <weir/worker.h>

#include "support.h"

/* ---- the log ---- */

static pthread_mutex_t job_lock = PTHREAD_MUTEX_INITIALIZER;
static char job_log[1 << 16]; /* lines of INFO and worse, or of what was asked for */
static size_t job_log_len;

static WEIR_UNUSED void job_on_log(weir_log_level level, const char *text, void *ctx)
{
    (void)level;
    (void)ctx;
    pthread_mutex_lock(&job_lock);
    int n = snprintf(job_log + job_log_len, sizeof job_log - job_log_len, "%s\n", text);
    if (n > 0 && (size_t)n < sizeof job_log - job_log_len)
        job_log_len += (size_t)n;
    pthread_mutex_unlock(&job_lock);
    if (getenv("WEIR_TEST_LOG"))
        fprintf(stderr, "%s\n", text);
}

static WEIR_UNUSED bool job_said(const char *part)
{
    pthread_mutex_lock(&job_lock);
    bool is = strstr(job_log, part) != NULL;
    pthread_mutex_unlock(&job_lock);
    return is;
}

static WEIR_UNUSED void job_log_start_at(weir_log_level level)
{
    job_log_len = 0;
    job_log[0] = 0;
    weir_log_set(job_on_log, NULL, getenv("WEIR_TEST_LOG") ? WEIR_LOG_DEBUG : level);
}

static WEIR_UNUSED void job_log_start(void)
{
    job_log_start_at(WEIR_LOG_INFO);
}

/* ---- records that came out of a stream, as texts ---- */

typedef struct job_records {
    char (*texts)[400];
    size_t count, capacity;
} job_records;

static WEIR_UNUSED void job_collect_batch(const weir_batch *batch, void *ctx)
{
    job_records *r = ctx;
    pthread_mutex_lock(&job_lock);
    for (size_t i = 0; i < batch->count; i++) {
        if (r->count == r->capacity) {
            r->capacity = r->capacity ? 2 * r->capacity : 64;
            r->texts = realloc(r->texts, r->capacity * sizeof *r->texts);
        }
        weir_record_text(batch->type, weir_batch_record(batch, i), r->texts[r->count++],
                         sizeof *r->texts);
    }
    pthread_mutex_unlock(&job_lock);
}

/* Copies of what flows in the stream, from now on. */
static WEIR_UNUSED void job_collect(weir_port *port, job_records *records)
{
    if (!port)
        return;
    weir_port *seen = weir_stage_add(
        port, &(weir_stage_spec){ .struct_size = sizeof(weir_stage_spec), .kind = "inspect",
                                  .in = weir_port_type(port), .out = weir_port_type(port),
                                  .inspect = job_collect_batch,
                                  .ctx = records });
    weir_probe_add(seen, NULL);
}

static WEIR_UNUSED size_t job_count(const job_records *r)
{
    pthread_mutex_lock(&job_lock);
    size_t n = r->count;
    pthread_mutex_unlock(&job_lock);
    return n;
}

static int job_compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* All texts, sorted, joined by blanks; valid until the next call. */
static WEIR_UNUSED const char *job_sorted(job_records *r)
{
    static char all[1 << 16];
    size_t len = 0;
    all[0] = 0;
    pthread_mutex_lock(&job_lock);
    qsort(r->texts, r->count, sizeof *r->texts, job_compare);
    for (size_t i = 0; i < r->count; i++)
        if (len < sizeof all)
            len += (size_t)snprintf(all + len, sizeof all - len, "%s%s", i ? " " : "",
                                    r->texts[i]);
    pthread_mutex_unlock(&job_lock);
    return all;
}

static WEIR_UNUSED void job_records_free(job_records *r)
{
    free(r->texts);
    *r = (job_records){ 0 };
}

/* ---- jobs ---- */

typedef struct job {
    weir_runtime *runtime;
    weir_worker *worker; /* 0: stepped by the test */
    weir_error error;
} job;

/* Builds and starts it; worker 0 makes no step yet. config may be NULL. */
static WEIR_UNUSED void job_start(job *j, const weir_config *config, weir_build_fn *build,
                                  void *ctx)
{
    *j = (job){ 0 };
    weir_config own = { .struct_size = sizeof own };
    j->runtime = weir_runtime_create(config ? config : &own, &j->error);
    ck_assert_msg(j->runtime != NULL, "%s", j->error.what);
    weir_status status = weir_runtime_build(j->runtime, NULL, build, ctx, &j->error);
    ck_assert_msg(status == WEIR_OK, "%s: %s", j->error.what, j->error.detail);
    j->worker = weir_runtime_take_worker(j->runtime, 0, &j->error);
    ck_assert_ptr_nonnull(j->worker);
    ck_assert_int_eq(weir_runtime_start(j->runtime, &j->error), WEIR_OK);
}

/* Steps until done says so; a minute is a failure. False if the run ended before. */
static WEIR_UNUSED bool job_until(job *j, bool (*done)(void *ctx), void *ctx)
{
    const uint64_t second = 1000000000;
    uint64_t before = weir_worker_now_ns(j->worker), spent = 0;
    bool running = true;
    while (!done(ctx)) {
        if (!running)
            return false;
        uint64_t now = weir_worker_now_ns(j->worker), turn = now - before;
        before = now;
        spent += turn < second ? turn : second; /* more if the machine or we stood still */
        ck_assert_msg(spent < 60 * second, "nothing happens any more:\n%s", job_log);
        running = weir_worker_step_or_park(j->worker, 10 * 1000000);
    }
    return true;
}

static bool job_never(void *ctx)
{
    (void)ctx;
    return false;
}

/* Steps until the run is over, and takes it down. Returns how it ended; j->error says why. */
static WEIR_UNUSED weir_status job_finish(job *j)
{
    job_until(j, job_never, NULL);
    weir_status status = weir_runtime_wait(j->runtime, &j->error);
    weir_runtime_destroy(j->runtime);
    j->runtime = NULL;
    return status;
}

/* Sources end, then the same. */
static WEIR_UNUSED weir_status job_stop(job *j)
{
    weir_runtime_stop(j->runtime);
    return job_finish(j);
}

/* Builds, runs to the end. The error of either. */
static WEIR_UNUSED weir_status job_run(const weir_config *config, weir_build_fn *build, void *ctx,
                                       weir_error *error)
{
    *error = (weir_error){ 0 };
    return weir_run(config, build, ctx, error);
}

/* ---- metrics: the sum over all workers and labels, -1 if there is none of that name ---- */

typedef struct job_metric_query {
    const char *name, *label;
    int64_t sum;
    bool found;
} job_metric_query;

static WEIR_UNUSED void job_on_metric(const weir_metric_info *info, void *ctx)
{
    job_metric_query *q = ctx;
    if (strcmp(info->name, q->name) || (q->label && !strstr(info->labels, q->label)))
        return;
    q->sum += info->value;
    q->found = true;
}

static WEIR_UNUSED int64_t job_metric(job *j, const char *name, const char *label)
{
    job_metric_query q = { name, label, 0, false };
    weir_observe(j->worker, &(weir_observer){ .metric = job_on_metric, .ctx = &q });
    return q.found ? q.sum : -1;
}

/* ---- simulated topics ---- */

static WEIR_UNUSED void job_write(weir_kafka_broker *broker, const char *topic, int32_t partition,
                                  const char *key, const char *value)
{
    weir_kafka_record record = { .key = key, .key_len = key ? strlen(key) : 0, .value = value,
                                 .value_len = value ? strlen(value) : 0,
                                 .partition = partition, .timestamp_ms = 1000 };
    ck_assert_int_ge(weir_kafka_simulated_write(broker, topic, &record), 0);
}

/* "key=value" of every message of a partition, in order, "-" for none; valid until the next. */
static WEIR_UNUSED const char *job_read(weir_kafka_broker *broker, const char *topic,
                                        int32_t partition)
{
    static char all[1 << 16];
    size_t len = 0;
    weir_kafka_record r;
    all[0] = 0;
    for (int64_t o = 0; weir_kafka_simulated_read(broker, topic, partition, o, &r); o++)
        if (len < sizeof all)
            len += (size_t)snprintf(all + len, sizeof all - len, "%s%s=%s", o ? " " : "",
                                    r.key ? r.key : "-", r.value ? r.value : "-");
    return all;
}

#endif

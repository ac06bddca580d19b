/* SPDX-License-Identifier: Apache-2.0
 *
 * A librdkafka handle's life. It is made on a worker's thread, told to stop in the background
 * when its reader or writer is closed, and destroyed in the background after its last message:
 * librdkafka wants messages destroyed first, and waits while it destroys a handle.
 *
 * The worker is woken by a descriptor in its loop that librdkafka writes to when its queue is no
 * longer empty: nothing of Weir ever runs in librdkafka's threads. Errors, reports and its log
 * arrive by the queue, too.
 */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <syslog.h>
#include <unistd.h>

#include <weir/memory.h>

#include "kafka/rdkafka.h"

#if WEIR_MALLOC_CONF
/* What jemalloc starts with where a program has no malloc_conf of its own; MALLOC_CONF goes first.
 * librdkafka's threads allocate each message, workers free it: larger caches of threads take that
 * memory back in larger lots. kafka-wordcount takes an eighth less where cores are far apart. */
__attribute__((weak, visibility("default"))) const char *malloc_conf =
    "tcache_nslots_small_max:2000,lg_tcache_nslots_mul:5";
#endif

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    weir__rdkafka *handle = poll->data;
    uint64_t count;
    if (read(handle->fd, &count, sizeof count) == (ssize_t)sizeof count)
        handle->wake(handle->ctx);
}

/* On the worker's thread: librdkafka calls it where its queue is served. */
static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
    weir__rdkafka *handle = opaque;
    char fatal[256];
    if (code == RD_KAFKA_RESP_ERR__FATAL) {
        code = rd_kafka_fatal_error(rk, fatal, sizeof fatal);
        reason = fatal;
    }
    weir__kafka_trouble trouble;
    weir__rdkafka_classify(handle, code, reason, &trouble);
    if (reason == fatal)
        trouble.class = WEIR__KAFKA_FATAL;
    weir__rdkafka_trouble(handle, &trouble);
}

/* On the worker's thread, too. What matters comes by on_error: connections that fail, for one. */
static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    bool matters = level <= LOG_WARNING && strcmp(facility, "FAIL") && strcmp(facility, "ERROR") &&
                   strcmp(facility, "CONFWARN");
    weir_log(matters ? WEIR_LOG_WARN : WEIR_LOG_DEBUG, "kafka: %s: %s: %s", rd_kafka_name(rk),
             facility, text);
}

static char *copy(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(weir_alloc_must(size), text, size);
}

static void destroy(void *ctx)
{
    weir__rdkafka *handle = ctx;
    if (handle->topic)
        rd_kafka_topic_destroy(handle->topic);
    if (handle->rk)
        rd_kafka_destroy(handle->rk);
    if (handle->fd >= 0)
        close(handle->fd);
    weir__kafka_answer_fini(&handle->answer);
    pthread_mutex_destroy(&handle->lock);
    weir_free(handle->troubles, handle->trouble_capacity * sizeof *handle->troubles);
    weir_free(handle->started, handle->started_capacity * sizeof *handle->started);
    weir_free(handle->topic_name, strlen(handle->topic_name) + 1);
    weir_free(handle, sizeof *handle);
}

void weir__rdkafka_retain(weir__rdkafka *handle)
{
    atomic_fetch_add_explicit(&handle->refs, 1, memory_order_relaxed);
}

void weir__rdkafka_release(weir__rdkafka *handle)
{
    if (atomic_fetch_sub_explicit(&handle->refs, 1, memory_order_acq_rel) == 1)
        weir__rdkafka_background(destroy, handle);
}

static weir__rdkafka *create(const weir__kafka_open *open, bool writes)
{
    weir__rdkafka *handle = weir_alloc_must(sizeof *handle);
    memset(handle, 0, sizeof *handle);
    atomic_init(&handle->refs, 1);
    pthread_mutex_init(&handle->lock, NULL);
    handle->topic_name = copy(open->topic);
    handle->writes = writes;
    handle->partitions = -1;
    handle->fd = -1;
    handle->wake = open->wake;
    handle->ctx = open->ctx;
    const char *mechanism = weir__kafka_settings_get(open->settings, "sasl.mechanism");
    if (!mechanism)
        mechanism = weir__kafka_settings_get(open->settings, "sasl.mechanisms");
    handle->scram = mechanism && strncmp(mechanism, "SCRAM", 5) == 0;
    return handle;
}

/* Everything that is for the worker arrives in one queue, and an event when it does. */
static void open_queue(weir__rdkafka *handle)
{
    static const uint64_t one = 1;
    rd_kafka_queue_t *main = rd_kafka_queue_get_main(handle->rk);
    rd_kafka_set_log_queue(handle->rk, NULL); /* into the main queue */
    if (handle->writes) {
        handle->queue = main;
    } else {
        handle->queue = rd_kafka_queue_new(handle->rk);
        rd_kafka_queue_forward(main, handle->queue);
        rd_kafka_queue_destroy(main);
    }
    rd_kafka_queue_io_event_enable(handle->queue, handle->fd, &one, sizeof one);
}

static void free_poll(uv_handle_t *poll)
{
    weir_free(poll, sizeof(uv_poll_t));
}

static weir_status open_poll(weir__rdkafka *handle, uv_loop_t *loop, weir_error *error)
{
    if (!loop)
        return weir_error_set(error, WEIR_INVALID,
                              "librdkafka needs a worker with an event loop, not a simulated one");
    handle->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (handle->fd < 0) {
        weir_error_set(error, WEIR_SYSTEM, "no descriptor for topic '%s': %s", handle->topic_name,
                       strerror(errno));
        weir_error_hint(error, "look at the limit on open files (ulimit -n)");
        return WEIR_SYSTEM;
    }
    uv_poll_t *poll = weir_alloc_must(sizeof *poll);
    int code = uv_poll_init(loop, poll, handle->fd);
    if (code) {
        weir_free(poll, sizeof *poll);
        return weir_error_set(error, WEIR_SYSTEM, "the loop refuses a descriptor: %s",
                              uv_strerror(code));
    }
    poll->data = handle;
    handle->poll = poll;
    uv_poll_start(poll, UV_READABLE, on_readable);
    return WEIR_OK;
}

static void close_poll(weir__rdkafka *handle)
{
    if (!handle->poll)
        return;
    uv_poll_stop(handle->poll);
    uv_close((uv_handle_t *)handle->poll, free_poll);
    handle->poll = NULL;
}

static weir_status open_handle(weir__rdkafka *handle, rd_kafka_conf_t *conf, weir_error *error)
{
    char why[512];
    rd_kafka_conf_set_opaque(conf, handle);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set(conf, "log.queue", "true", why, sizeof why);
    if (handle->writes)
        weir__rdkafka_writer_conf(conf);
    handle->rk = rd_kafka_new(handle->writes ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER, conf, why,
                              sizeof why);
    if (!handle->rk) {
        rd_kafka_conf_destroy(conf);
        return weir_error_set(error, WEIR_FAILED, "topic '%s': librdkafka cannot be started: %s",
                              handle->topic_name, why);
    }
    handle->topic = rd_kafka_topic_new(handle->rk, handle->topic_name, NULL);
    if (!handle->topic)
        return weir_error_set(error, WEIR_INVALID, "'%s' cannot be the name of a topic: %s",
                              handle->topic_name, rd_kafka_err2str(rd_kafka_last_error()));
    open_queue(handle);
    return WEIR_OK;
}

weir__rdkafka *weir__rdkafka_open(const weir__kafka_open *open, bool writes, weir_error *error)
{
    rd_kafka_conf_t *conf = weir__rdkafka_conf(open, writes, error);
    if (!conf)
        return NULL;
    weir__rdkafka *handle = create(open, writes);
    weir_status status = open_poll(handle, open->loop, error);
    if (status == WEIR_OK)
        status = open_handle(handle, conf, error);
    else
        rd_kafka_conf_destroy(conf);
    if (status == WEIR_OK)
        return handle;
    close_poll(handle);
    destroy(handle);
    return NULL;
}

void weir__rdkafka_wake(weir__rdkafka *handle)
{
    const uint64_t one = 1;
    /* It fails only if the count is at its end: then the descriptor is readable anyway. */
    ssize_t written = write(handle->fd, &one, sizeof one);
    (void)written;
}

static void stop(void *ctx)
{
    weir__rdkafka *handle = ctx;
    for (uint32_t i = 0; i < handle->started_count; i++)
        rd_kafka_consume_stop(handle->topic, handle->started[i]);
    rd_kafka_queue_destroy(handle->queue);
    weir__rdkafka_release(handle);
}

void weir__rdkafka_close(weir__rdkafka *handle)
{
    rd_kafka_queue_io_event_enable(handle->queue, -1, NULL, 0);
    close_poll(handle);
    pthread_mutex_lock(&handle->lock);
    handle->closed = true;
    pthread_mutex_unlock(&handle->lock);
    weir__rdkafka_background(stop, handle);
}

void weir__rdkafka_trouble(weir__rdkafka *handle, const weir__kafka_trouble *trouble)
{
    for (uint32_t i = 0; i < handle->trouble_count && trouble->class == WEIR__KAFKA_RETRY; i++)
        if (handle->troubles[i].class == WEIR__KAFKA_RETRY)
            return; /* said already */
    if (handle->trouble_count == handle->trouble_capacity) {
        uint32_t old = handle->trouble_capacity, capacity = old ? 2 * old : 4;
        handle->troubles = weir_realloc_must(handle->troubles, old * sizeof *handle->troubles,
                                             capacity * sizeof *handle->troubles);
        handle->trouble_capacity = capacity;
    }
    handle->troubles[handle->trouble_count++] = *trouble;
}

bool weir__rdkafka_next_trouble(weir__rdkafka *handle, weir__kafka_trouble *trouble)
{
    if (handle->trouble_count == 0)
        return false;
    *trouble = handle->troubles[0];
    handle->trouble_count--;
    memmove(handle->troubles, handle->troubles + 1,
            handle->trouble_count * sizeof *handle->troubles);
    return true;
}

static weir_status check(weir_kafka_broker *broker, const weir__kafka_settings *settings,
                         bool writes, weir_error *error)
{
    (void)broker;
    return weir__rdkafka_check(settings, writes, error);
}

static weir__kafka_reader *open_reader(weir_kafka_broker *broker, const weir__kafka_open *open,
                                       weir_error *error)
{
    (void)broker;
    return weir__rdkafka_reader_open(open, error);
}

static weir__kafka_writer *open_writer(weir_kafka_broker *broker, const weir__kafka_open *open,
                                       weir_error *error)
{
    (void)broker;
    return weir__rdkafka_writer_open(open, error);
}

static void settle(weir_kafka_broker *broker)
{
    (void)broker;
    weir__rdkafka_settle();
}

weir_kafka_broker *weir__kafka_rdkafka(void)
{
    static weir_kafka_broker broker = { check, open_reader, open_writer, settle };
    return &broker;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The configuration of a librdkafka handle: what Weir needs, what it found better than librdkafka's
 * defaults, and the program's settings. Measured with librdkafka 2.0.2: 5 M words of 8 bytes are
 * read, counted and written in 0.73 s with 64 MiB ahead of the reader, in 0.9 s with four times
 * that (page faults), in 0.65 s with an eighth where the cores share a cache and in 1.2 s where
 * they do not, for then each message's memory goes from core to core and back.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kafka/rdkafka.h"

/* What a program cannot set, and what it can do instead. */
static const struct {
    const char *key, *instead;
} reserved[] = {
    { "auto.offset.reset", "use the source's .start" },
    { "enable.partition.eof", "use the source's .until_end" },
    { "enable.auto.commit", "offsets belong to the source" },
    { "enable.auto.offset.store", "offsets belong to the source" },
    { "transactional.id", "a sink is written at least once" },
    { "delivery.report.only.error", "the sink counts on every report" },
    { "log.queue", "its log goes to weir_log_set" },
};

/* A default, by librdkafka's own rules. Newer ones may be unknown to the library at hand. */
static void preset(rd_kafka_conf_t *conf, const char *key, const char *value)
{
    char why[256];
    if (rd_kafka_conf_set(conf, key, value, why, sizeof why) == RD_KAFKA_CONF_INVALID)
        weir_log(WEIR_LOG_ERROR, "kafka: librdkafka refuses the default of %s: %s", key, why);
}

static void preset_number(rd_kafka_conf_t *conf, const char *key, size_t value, size_t max)
{
    char text[32];
    snprintf(text, sizeof text, "%zu", value < max ? value : max);
    preset(conf, key, text);
}

static void presets(rd_kafka_conf_t *conf, const weir__kafka_open *open, bool writes)
{
    /* A message's protocol overhead is far below this. */
    enum { OVERHEAD = 64 << 10, FETCH = 2 << 20, SMALL = 320 };
    size_t message = open->message_bytes_max + OVERHEAD;
    preset(conf, "client.id", "weir");
    preset(conf, "reconnect.backoff.max.ms", "1000");
    preset(conf, "socket.nagle.disable", "true");
    if (writes) {
        preset_number(conf, "message.max.bytes", message, 1000000000);
        preset(conf, "enable.idempotence", "true");
        preset(conf, "message.timeout.ms", "0"); /* a broker that is away is waited for */
        preset(conf, "linger.ms", "1");
        preset(conf, "queue.buffering.max.messages", "200000");
        preset_number(conf, "queue.buffering.max.kbytes", (open->queue_bytes + message) / 1024,
                      2147483647);
    } else {
        /* A longer message comes all the same, alone. Larger fetches cost page faults, and with
         * smaller ones brokers that are far away are waited for. */
        preset_number(conf, "fetch.message.max.bytes", FETCH, 1000000000);
        preset_number(conf, "receive.message.max.bytes", 128 << 20 | OVERHEAD, 2147483647);
        /* What librdkafka keeps about a message is in no bound of its own: for small ones their
         * number is the bound. */
        preset_number(conf, "queued.min.messages", open->queue_bytes / SMALL + 1, 10000000);
        preset_number(conf, "queued.max.messages.kbytes", open->queue_bytes / 1024 + 1, 2097151);
        preset(conf, "fetch.queue.backoff.ms", "10");
        preset(conf, "enable.auto.commit", "false");
        preset(conf, "enable.auto.offset.store", "false");
        preset(conf, "auto.offset.reset", "error");
        preset(conf, "enable.partition.eof", open->tell_end ? "true" : "false");
    }
}

size_t weir__rdkafka_number(const rd_kafka_conf_t *conf, const char *key)
{
    char text[32];
    size_t size = sizeof text;
    bool is = rd_kafka_conf_get(conf, key, text, &size) == RD_KAFKA_CONF_OK;
    return is ? strtoumax(text, NULL, 10) : 0;
}

/* One fetch brings one partition, if that has much: the messages of a fetch count their references
 * in one place, which a worker that lets go those of one partition would take from the thread that
 * unpacks the next. kafka-wordcount takes a seventh less where cores are far apart. */
static void fit_fetch(rd_kafka_conf_t *conf, const weir__kafka_settings *settings)
{
    size_t partition = weir__rdkafka_number(conf, "fetch.message.max.bytes");
    /* librdkafka insists on that much */
    size_t message = weir__rdkafka_number(conf, "message.max.bytes");
    if (!weir__kafka_settings_get(settings, "fetch.max.bytes"))
        preset_number(conf, "fetch.max.bytes", partition > message ? partition : message,
                      2147483135);
}

static weir_status set(rd_kafka_conf_t *conf, const weir__kafka_setting *setting, weir_error *error)
{
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (strcmp(setting->key, reserved[i].key) == 0) {
            weir_error_set(error, WEIR_INVALID, "%s: this cannot be set", setting->origin);
            weir_error_hint(error, "%s", reserved[i].instead);
            return WEIR_INVALID;
        }
    char why[512];
    if (rd_kafka_conf_set(conf, setting->key, setting->value, why, sizeof why) == RD_KAFKA_CONF_OK)
        return WEIR_OK;
    weir_error_set(error, WEIR_INVALID, "%s: librdkafka %s refuses it", setting->origin,
                   rd_kafka_version_str());
    /* librdkafka repeats the value. */
    weir_error_detail(error, "%s", setting->secret ? "the value is a secret and not shown" : why);
    return WEIR_INVALID;
}

rd_kafka_conf_t *weir__rdkafka_conf(const weir__kafka_open *open, bool writes, weir_error *error)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    presets(conf, open, writes);
    for (uint32_t i = 0; i < open->settings->count; i++)
        if (set(conf, &open->settings->list[i], error) != WEIR_OK) {
            rd_kafka_conf_destroy(conf);
            return NULL;
        }
    if (!writes)
        fit_fetch(conf, open->settings);
    return conf;
}

/* Some things librdkafka says only when a handle is made: one without brokers is made and dropped.
 */
weir_status weir__rdkafka_check(const weir__kafka_settings *settings, bool writes,
                                weir_error *error)
{
    weir__kafka_open open = { .settings = settings, .queue_bytes = 1 << 20,
                              .message_bytes_max = 1 << 20 };
    rd_kafka_conf_t *conf = weir__rdkafka_conf(&open, writes, error);
    if (!conf)
        return WEIR_INVALID;
    char why[512];
    rd_kafka_conf_set(conf, "bootstrap.servers", "", why, sizeof why);
    rd_kafka_conf_set_log_cb(conf, NULL);
    rd_kafka_t *rk = rd_kafka_new(writes ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER, conf, why,
                                  sizeof why);
    if (!rk) {
        rd_kafka_conf_destroy(conf);
        weir_error_set(error, WEIR_INVALID, "the settings for Kafka do not go together: %s", why);
        weir_error_hint(error, "look at --kafka and .settings");
        return WEIR_INVALID;
    }
    rd_kafka_destroy(rk);
    return WEIR_OK;
}

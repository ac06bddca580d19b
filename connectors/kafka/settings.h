/* SPDX-License-Identifier: Apache-2.0
 *
 * The settings of one source or sink for librdkafka: from the options of the operator, --brokers
 * and --kafka, later ones winning, secrets read from files and the environment. Knows no
 * librdkafka: a broker checks them.
 */
#ifndef WEIR_KAFKA_SETTINGS_H
#define WEIR_KAFKA_SETTINGS_H

#include <weir/graph.h>

typedef struct weir__kafka_setting {
    char *key, *value;
    char *origin; /* "--kafka linger.ms", ".settings linger.ms": what a refusal names */
    bool secret;  /* from a file or the environment, or a password: never shown */
} weir__kafka_setting;

typedef struct weir__kafka_settings {
    uint32_t count, capacity;
    weir__kafka_setting *list;
} weir__kafka_settings;

/* What an operator's own options say. */
typedef struct weir__kafka_wanted {
    const char *brokers;
    const char *const *settings;
} weir__kafka_wanted;

/* Collects all of them, bootstrap.servers included; declares --brokers and --kafka in the graph. On
 * failure *settings is empty. */
weir_status weir__kafka_settings_collect(weir_graph *graph, const weir__kafka_wanted *wanted,
                                         weir__kafka_settings *settings, weir_error *error);
/* Reads one "KEY=VALUE" (VALUE: a text, "@FILE", "env:NAME") into settings. */
weir_status weir__kafka_settings_read(weir__kafka_settings *settings, const char *text,
                                      const char *where, weir_error *error);
/* Adds or replaces one. */
void weir__kafka_settings_set(weir__kafka_settings *settings, const char *key, const char *value,
                              const char *origin);
/* The value, or NULL. */
const char *weir__kafka_settings_get(const weir__kafka_settings *settings, const char *key);
void weir__kafka_settings_fini(weir__kafka_settings *settings);

#endif

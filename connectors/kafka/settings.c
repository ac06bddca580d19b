/* SPDX-License-Identifier: Apache-2.0
 *
 * See settings.h. Texts of values may be secrets: no message here repeats one.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/memory.h>

#include "kafka/settings.h"

enum { SECRET_BYTES_MAX = 64 << 10 };

static char *copy(const char *text, size_t len)
{
    char *to = weir_alloc_must(len + 1);
    memcpy(to, text, len);
    to[len] = 0;
    return to;
}

/* Values are wiped before their memory goes elsewhere. */
static void drop(char *text)
{
    size_t size = strlen(text) + 1;
    explicit_bzero(text, size);
    weir_free(text, size);
}

void weir__kafka_settings_set(weir__kafka_settings *settings, const char *key, const char *value,
                              const char *origin)
{
    weir__kafka_setting *at = NULL;
    for (uint32_t i = 0; i < settings->count && !at; i++)
        if (strcmp(settings->list[i].key, key) == 0)
            at = &settings->list[i];
    if (at) {
        drop(at->value);
        drop(at->origin);
    } else {
        if (settings->count == settings->capacity) {
            uint32_t capacity = settings->capacity ? 2 * settings->capacity : 8;
            settings->list = weir_realloc_must(settings->list,
                                               settings->capacity * sizeof *settings->list,
                                               capacity * sizeof *settings->list);
            settings->capacity = capacity;
        }
        at = &settings->list[settings->count++];
        at->key = copy(key, strlen(key));
    }
    at->value = copy(value, strlen(value));
    at->origin = copy(origin, strlen(origin));
    at->secret = strstr(key, "password") || strstr(key, "secret") || strstr(key, ".pem") ||
                 strstr(key, "jaas") || strstr(key, "oauthbearer.config");
}

const char *weir__kafka_settings_get(const weir__kafka_settings *settings, const char *key)
{
    for (uint32_t i = 0; i < settings->count; i++)
        if (strcmp(settings->list[i].key, key) == 0)
            return settings->list[i].value;
    return NULL;
}

void weir__kafka_settings_fini(weir__kafka_settings *settings)
{
    for (uint32_t i = 0; i < settings->count; i++) {
        drop(settings->list[i].key);
        drop(settings->list[i].value);
        drop(settings->list[i].origin);
    }
    weir_free(settings->list, settings->capacity * sizeof *settings->list);
    memset(settings, 0, sizeof *settings);
}

static void set_secret(weir__kafka_settings *settings, const char *key, const char *value,
                       const char *origin)
{
    weir__kafka_settings_set(settings, key, value, origin);
    for (uint32_t i = 0; i < settings->count; i++)
        if (strcmp(settings->list[i].key, key) == 0)
            settings->list[i].secret = true;
}

/* The content of a file, less the end of its last line, into value (SECRET_BYTES_MAX + 1 bytes). */
static weir_status read_secret(const char *path, const char *origin, char *value, weir_error *error)
{
    FILE *file = fopen(path, "re");
    if (!file) {
        weir_error_set(error, WEIR_NOT_FOUND, "%s: the file %s cannot be opened", origin, path);
        weir_error_detail(error, "%s", strerror(errno));
        return WEIR_NOT_FOUND;
    }
    size_t len = fread(value, 1, SECRET_BYTES_MAX + 1, file);
    bool failed = ferror(file);
    fclose(file);
    if (failed)
        return weir_error_set(error, WEIR_IO, "%s: the file %s cannot be read", origin, path);
    if (len > SECRET_BYTES_MAX)
        return weir_error_set(error, WEIR_TOO_LARGE, "%s: the file %s has more than 64 KiB", origin,
                              path);
    if (len > 0 && value[len - 1] == '\n')
        len--;
    if (len > 0 && value[len - 1] == '\r')
        len--;
    value[len] = 0;
    if (strlen(value) != len)
        return weir_error_set(error, WEIR_BAD_DATA, "%s: the file %s is no text", origin, path);
    return WEIR_OK;
}

weir_status weir__kafka_settings_read(weir__kafka_settings *settings, const char *text,
                                      const char *where, weir_error *error)
{
    const char *equals = strchr(text, '=');
    if (!equals || equals == text) {
        /* The text is not repeated: it may be a secret whose key was forgotten. */
        weir_error_set(error, WEIR_INVALID, "%s: a setting has to be KEY=VALUE", where);
        weir_error_hint(error, "for example %s linger.ms=5", where);
        return WEIR_INVALID;
    }
    char *key = copy(text, (size_t)(equals - text));
    char origin[256];
    snprintf(origin, sizeof origin, "%s %s", where, key);
    const char *value = equals + 1;
    weir_status status = WEIR_OK;
    if (strcmp(key, "bootstrap.servers") == 0 || strcmp(key, "metadata.broker.list") == 0) {
        status = weir_error_set(error, WEIR_INVALID, "%s: this cannot be set", origin);
        weir_error_hint(error, "use --brokers or .brokers");
    } else if (*value == '@') {
        char *secret = weir_alloc_must(SECRET_BYTES_MAX + 2);
        status = read_secret(value + 1, origin, secret, error);
        if (status == WEIR_OK)
            set_secret(settings, key, secret, origin);
        explicit_bzero(secret, SECRET_BYTES_MAX + 2);
        weir_free(secret, SECRET_BYTES_MAX + 2);
    } else if (strncmp(value, "env:", 4) == 0) {
        const char *found = getenv(value + 4);
        if (found)
            set_secret(settings, key, found, origin);
        else
            status = weir_error_set(error, WEIR_NOT_FOUND,
                                    "%s: the environment variable %s is not set", origin,
                                    value + 4);
    } else {
        weir__kafka_settings_set(settings, key, value, origin);
    }
    weir_free(key, strlen(key) + 1);
    return status;
}

weir_status weir__kafka_settings_collect(weir_graph *graph, const weir__kafka_wanted *wanted,
                                         weir__kafka_settings *settings, weir_error *error)
{
    *settings = (weir__kafka_settings){ 0 };
    const char *brokers = weir_option_str(graph, "brokers", "localhost:9092",
                                          "Kafka brokers to ask first, HOST:PORT,...");
    const char *const *given = NULL;
    size_t given_count = weir_option_list(graph, "kafka", &given,
                                          "a setting of librdkafka, KEY=VALUE, KEY=@FILE or "
                                          "KEY=env:NAME");
    weir__kafka_settings_set(settings, "bootstrap.servers", brokers, "--brokers");
    weir_status status = WEIR_OK;
    for (size_t i = 0; status == WEIR_OK && wanted->settings && wanted->settings[i]; i++)
        status = weir__kafka_settings_read(settings, wanted->settings[i], ".settings", error);
    if (status == WEIR_OK && wanted->brokers)
        weir__kafka_settings_set(settings, "bootstrap.servers", wanted->brokers, ".brokers");
    const char *asked = weir__kafka_settings_get(settings, "bootstrap.servers");
    if (status == WEIR_OK && !*asked) { /* librdkafka would wait without a word */
        status = weir_error_set(error, WEIR_INVALID, "no broker is named");
        weir_error_hint(error, "name one, as in --brokers localhost:9092, or in .brokers");
    }
    for (size_t i = 0; status == WEIR_OK && i < given_count; i++)
        status = weir__kafka_settings_read(settings, given[i], "--kafka", error);
    if (status != WEIR_OK)
        weir__kafka_settings_fini(settings);
    return status;
}

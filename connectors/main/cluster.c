/* SPDX-License-Identifier: Apache-2.0
 *
 * The options that make a process one of a cluster, and its secret, which comes from a file or the
 * environment and never from a flag: everyone on the machine can read those.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <weir/value.h>

#include "main/options.h"

static weir_status read_number(const char *value, uint64_t least, uint64_t most, uint64_t *number,
                               weir_error *error)
{
    if (weir_u64_parse(value, strlen(value), number) == WEIR_OK && *number >= least &&
        *number <= most)
        return WEIR_OK;
    return weir_error_set(error, WEIR_INVALID, "'%.80s' is no number from %llu to %llu", value,
                          (unsigned long long)least, (unsigned long long)most);
}

weir_status weir__read_processes(weir__options *options, const char *value, weir_error *error)
{
    uint64_t number;
    weir_status status = read_number(value, 1, WEIR_WORKERS_MAX, &number, error);
    if (status == WEIR_OK)
        options->processes = (unsigned)number;
    return status;
}

weir_status weir__read_process(weir__options *options, const char *value, weir_error *error)
{
    uint64_t number;
    weir_status status = read_number(value, 0, WEIR_WORKERS_MAX - 1, &number, error);
    if (status == WEIR_OK)
        options->process = (unsigned)number;
    return status;
}

weir_status weir__read_hosts(weir__options *options, const char *value, weir_error *error)
{
    (void)error; /* the runtime takes them apart */
    options->hosts = value;
    return WEIR_OK;
}

static weir_status read_milliseconds(const char *value, unsigned *ms, weir_error *error)
{
    double seconds;
    if (weir_f64_parse(value, strlen(value), &seconds) != WEIR_OK ||
        !(seconds >= 0.001 && seconds <= 1e6))
        return weir_error_set(error, WEIR_INVALID, "'%.80s' is no number of seconds", value);
    *ms = (unsigned)(seconds * 1000);
    return WEIR_OK;
}

weir_status weir__read_connect(weir__options *options, const char *value, weir_error *error)
{
    return read_milliseconds(value, &options->connect_ms, error);
}

weir_status weir__read_silence(weir__options *options, const char *value, weir_error *error)
{
    return read_milliseconds(value, &options->silence_ms, error);
}

weir_status weir__read_secret(weir__options *options, const char *value, weir_error *error)
{
    const weir__given *given = weir__options_find(options, "secret");
    if (given && given->layer == WEIR__LAYER_FLAG) {
        weir_error_set(error, WEIR_INVALID, "a secret must not be given as a flag");
        weir_error_hint(error, "everyone on the machine could read it: use --secret-file or the "
                               "variable WEIR_SECRET");
        return WEIR_INVALID;
    }
    options->secret = value;
    return WEIR_OK;
}

weir_status weir__read_secret_file(weir__options *options, const char *value, weir_error *error)
{
    FILE *file = fopen(value, "re");
    size_t len = 0;
    bool failed = !file;
    if (file) {
        len = fread(options->secret_text, 1, sizeof options->secret_text - 1, file);
        failed = ferror(file) != 0;
        (void)fclose(file);
    }
    if (failed)
        return weir_error_set(error, WEIR_IO, "the secret cannot be read from '%.200s': %s", value,
                              strerror(errno));
    while (len && strchr("\r\n", options->secret_text[len - 1]))
        len--;
    options->secret_text[len] = 0;
    if (len == 0 || strlen(options->secret_text) != len || len >= WEIR__SECRET_MAX - 1) {
        weir_error_set(error, WEIR_INVALID, "'%.200s' holds no secret", value);
        weir_error_hint(error, "write a line of 1 to %d characters", WEIR__SECRET_MAX - 2);
        return WEIR_INVALID;
    }
    options->secret = options->secret_text;
    return WEIR_OK;
}

void weir__options_join(const weir__options *options, weir_config *config)
{
    if (options->processes)
        config->processes = options->processes;
    if (options->process)
        config->process = options->process;
    if (options->hosts)
        config->hosts = options->hosts;
    if (options->secret)
        config->secret = options->secret;
    if (options->connect_ms)
        config->connect_ms = options->connect_ms;
    if (options->silence_ms)
        config->silence_ms = options->silence_ms;
}

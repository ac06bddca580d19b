/* SPDX-License-Identifier: Apache-2.0
 *
 * The options that every program has: one table for reading, checking and --help.
 */
#include "main/options.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/value.h>

#include "http/address.h"

#define BUDGET_MIN (64u << 10)
#define BUDGET_MAX (UINT64_C(1) << 50)

static weir_status read_workers(weir__options *options, const char *value, weir_error *error)
{
    uint64_t workers;
    if (weir_u64_parse(value, strlen(value), &workers) != WEIR_OK || workers < 1 ||
        workers > WEIR_WORKERS_MAX)
        return weir_error_set(error, WEIR_INVALID, "'%.80s' is no number from 1 to %d", value,
                              WEIR_WORKERS_MAX);
    options->workers = (unsigned)workers;
    return WEIR_OK;
}

/* Bytes, or so many K, M, G or T of them. */
static weir_status read_budget(weir__options *options, const char *value, weir_error *error)
{
    static const char units[] = "KMGT";
    size_t len = strlen(value);
    const char *unit = len ? strchr(units, value[len - 1]) : NULL;
    unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;
    uint64_t bytes;
    if (weir_u64_parse(value, len - (unit != NULL), &bytes) != WEIR_OK || bytes < 1 ||
        bytes > BUDGET_MAX >> shift || bytes << shift < BUDGET_MIN)
        return weir_error_set(error, WEIR_INVALID,
                              "'%.80s' is no number of bytes from 64K to 1024T, as in 512M", value);
    options->budget = (size_t)(bytes << shift);
    return WEIR_OK;
}

static weir_status read_spill_dir(weir__options *options, const char *value, weir_error *error)
{
    struct stat at;
    options->spill_dir = value;
    if (stat(value, &at) != 0)
        return weir_error_set(error, WEIR_INVALID, "'%.200s' is no directory: %s", value,
                              strerror(errno));
    if (!S_ISDIR(at.st_mode) || access(value, W_OK | X_OK) != 0)
        return weir_error_set(error, WEIR_INVALID, "'%.200s' is no directory to write to", value);
    return WEIR_OK;
}

static weir_status read_state(weir__options *options, const char *value, weir_error *error)
{
    if (!*value)
        return weir_error_set(error, WEIR_INVALID, "it is empty: name a directory");
    options->state = value;
    return WEIR_OK;
}

static weir_status read_http(weir__options *options, const char *value, weir_error *error)
{
    weir__http_address address;
    options->http = value;
    return weir__http_address_parse(value, &address, error);
}

static weir_status read_log_level(weir__options *options, const char *value, weir_error *error)
{
    static const char *const names[] = { "off", "error", "warn", "info", "debug" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(value, names[i]) == 0) {
            options->log_level = (weir_log_level)i;
            return WEIR_OK;
        }
    }
    return weir_error_set(error, WEIR_INVALID,
                          "'%.80s' is no level: take off, error, warn, info or debug", value);
}

#define SECONDS_MAX 1e8

static weir_status read_seconds(weir__options *options, const char *value, weir_error *error)
{
    double seconds;
    if (weir_f64_parse(value, strlen(value), &seconds) != WEIR_OK ||
        !(seconds >= 0 && seconds <= SECONDS_MAX))
        return weir_error_set(error, WEIR_INVALID, "'%.80s' is no number of seconds", value);
    options->seconds = seconds;
    return WEIR_OK;
}

static weir_status read_flight(weir__options *options, const char *value, weir_error *error)
{
    if (!*value)
        return weir_error_set(error, WEIR_INVALID, "a folder is needed, or off");
    options->flight = value;
    return WEIR_OK;
}

static weir_status read_flight_events(weir__options *options, const char *value, weir_error *error)
{
    options->flight_all = strcmp(value, "all") == 0;
    if (options->flight_all || strcmp(value, "coarse") == 0)
        return WEIR_OK;
    return weir_error_set(error, WEIR_INVALID, "'%.80s' is neither coarse nor all", value);
}

/* Milliseconds, or off. */
static weir_status read_ms(unsigned *ms, const char *value, weir_error *error)
{
    uint64_t n;
    if (strcmp(value, "off") == 0) {
        *ms = UINT_MAX;
        return WEIR_OK;
    }
    if (weir_u64_parse(value, strlen(value), &n) != WEIR_OK || n < 1 || n > 1000000000)
        return weir_error_set(error, WEIR_INVALID,
                              "'%.80s' is no number of milliseconds, and not off", value);
    *ms = (unsigned)n;
    return WEIR_OK;
}

static weir_status read_long_step(weir__options *options, const char *value, weir_error *error)
{
    return read_ms(&options->long_step_ms, value, error);
}

static weir_status read_held(weir__options *options, const char *value, weir_error *error)
{
    return read_ms(&options->held_ms, value, error);
}

/* --help and --version win over whatever else is there: weir__options_early has seen them. */
static weir_status read_early(weir__options *options, const char *value, weir_error *error)
{
    (void)options;
    (void)value;
    (void)error;
    return WEIR_OK;
}

const weir__builtin weir__builtins[] = {
    { "workers", "N", "usable cores", "threads of this process", read_workers },
    { "http", "ADDRESS", "127.0.0.1:8080+I",
      "HOST:PORT, PORT or off: views and metrics (I: --process)", read_http },
    { "budget", "BYTES", "256M, or less", "what may be under way in memory; more goes to files",
      read_budget },
    { "spill-dir", "DIR", "$TMPDIR, else /tmp", "where those files are", read_spill_dir },
    { "state", "DIR", "in memory", "where large parts of what collections keep lie, in files",
      read_state },
    { "log-level", "LEVEL", "info", "off, error, warn, info or debug", read_log_level },
    { "seconds", "N", "0", "end after so many seconds; 0: do not", read_seconds },
    { "flight", "DIR", "runtime dir", "for the flight recorder's file, or off", read_flight },
    { "flight-keep", "WHAT", "coarse", "coarse or all: what it keeps", read_flight_events },
    { "long-step-ms", "N", "100", "name operators that take longer, or off", read_long_step },
    { "held-ms", "N", "10000", "name who holds a frontier back for longer, or off", read_held },
    { "processes", "N", "1", "processes of the cluster", weir__read_processes },
    { "process", "I", "0", "which of them this one is, from 0", weir__read_process },
    { "hosts", "LIST", NULL, "HOST:PORT,HOST:PORT,... of all processes", weir__read_hosts },
    { "secret-file", "PATH", NULL, "holds what all processes must know", weir__read_secret_file },
    { "secret", "TEXT", NULL, "the same, as the variable WEIR_SECRET only", weir__read_secret },
    { "connect-seconds", "N", "60", "how long to wait for all processes", weir__read_connect },
    { "silence-seconds", "N", "10", "when a silent process is lost", weir__read_silence },
    { "help", NULL, NULL, "print this and end", read_early },
    { "version", NULL, NULL, "print the version and end", read_early },
};
const size_t weir__builtin_count = sizeof weir__builtins / sizeof *weir__builtins;

const weir__builtin *weir__builtin_find(const char *name)
{
    for (size_t i = 0; i < weir__builtin_count; i++)
        if (strcmp(name, weir__builtins[i].name) == 0)
            return &weir__builtins[i];
    return NULL;
}

/* What counts for one built-in option, if it was given. */
static weir_status read_one(weir__options *options, const weir__builtin *builtin, weir_error *error)
{
    const weir__given *given = weir__options_find(options, builtin->name);
    weir_status status;

    if (!given)
        return WEIR_OK;
    if (given->bare && builtin->value) {
        weir_error_set(error, WEIR_INVALID, "%s needs a value", given->setting.origin);
        weir_error_hint(error, "write %s %s: %s", given->setting.origin, builtin->value,
                        builtin->help);
        return WEIR_INVALID;
    }
    status = builtin->read(options, given->setting.value, error);
    if (status != WEIR_OK)
        weir_error_detail(error, "%s", given->setting.origin);
    return status;
}

weir_status weir__options_read_builtins(weir__options *options, weir_error *error)
{
    weir_status status = WEIR_OK;
    options->log_level = WEIR_LOG_INFO;
    for (size_t i = 0; i < weir__builtin_count && status == WEIR_OK; i++)
        status = read_one(options, &weir__builtins[i], error);
    return status;
}

void weir__options_apply(const weir__options *options, weir_config *config)
{
    if (options->flight && strcmp(options->flight, "off") == 0)
        config->flight = WEIR_FLIGHT_OFF;
    else if (options->flight)
        config->flight_dir = options->flight;
    if (options->flight_all && config->flight == WEIR_FLIGHT_COARSE)
        config->flight = WEIR_FLIGHT_ALL;
    if (options->long_step_ms)
        config->long_step_ms = options->long_step_ms;
    if (options->held_ms)
        config->held_ms = options->held_ms;
    if (options->budget)
        config->budget_bytes = options->budget;
    if (options->state)
        config->state_dir = options->state;
    const char *tmpdir = getenv("TMPDIR");
    if (options->spill_dir)
        config->spill_dir = options->spill_dir;
    else if (!config->spill_dir && tmpdir && *tmpdir)
        config->spill_dir = tmpdir;
}

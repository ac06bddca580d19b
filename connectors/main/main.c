/* SPDX-License-Identifier: Apache-2.0
 *
 * weir_main: puts options, build, HTTP, signals and hooks in their order, and everything away
 * again. What an option means is in the other files of this folder.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <weir/connectors/http.h>
#include <weir/connectors/main.h>
#include <weir/memory.h>

#include "main/report.h"
#include "main/signals.h"

enum { STATUS_OK, STATUS_FAILED, STATUS_REFUSED };

struct weir_main_program {
    const char *name;
    weir_main_config config;
    weir_build_fn *build;
    void *ctx;
    weir__options options;
    weir_setting *settings;
    size_t settings_size;
    const weir_option_info **declared;
    size_t declared_count;
    weir_runtime *runtime;
    weir_http *http;
    bool preparing, prepared;
    weir_error error;
};

static const char *program_name(const weir_main_config *config, char **argv)
{
    if (config->name)
        return config->name;
    const char *path = argv[0] && *argv[0] ? argv[0] : "program", *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

static void on_log(weir_log_level level, const char *text, void *ctx)
{
    weir__report_log(stderr, ctx, level, text);
}

static void warn_unknown(const char *variable)
{
    weir_log(WEIR_LOG_WARN, "%s is set, but this program has no such option", variable);
}

/* ---- options ---- */

static weir_status read_options(weir_main_program *program, int argc, char **argv)
{
    weir__options *options = &program->options;
    weir_status status = weir__options_add_program(options, &program->config, &program->error);
    if (status == WEIR_OK)
        status = weir__options_add_environment(options, environ, &program->error);
    if (status == WEIR_OK)
        status = weir__options_add_flags(options, argc, argv, &program->error);
    if (status == WEIR_OK)
        status = weir__options_read_builtins(options, &program->error);
    return status;
}

static weir_status create_runtime(weir_main_program *program, unsigned workers)
{
    weir_config config = program->config.run;
    program->settings_size = program->options.count * sizeof *program->settings;
    program->settings = weir_alloc(program->settings_size);
    if (program->settings_size && !program->settings)
        return weir_error_set(&program->error, WEIR_NO_MEMORY, "no memory for the settings");
    config.struct_size = sizeof config;
    config.workers = workers;
    weir__options_apply(&program->options, &config);
    weir__options_join(&program->options, &config);
    config.settings = program->settings;
    config.setting_count = weir__options_settings(&program->options, program->settings);
    program->runtime = weir_runtime_create(&config, &program->error);
    return program->runtime ? WEIR_OK : program->error.status;
}

/* The options that the build has declared, which ended like this. */
static weir_status collect_declared(weir_main_program *program, weir_status built,
                                    weir__declared *declared)
{
    program->declared_count = weir_runtime_option_count(program->runtime);
    program->declared = weir_alloc(program->declared_count * sizeof *program->declared);
    if (program->declared_count && !program->declared) {
        program->declared_count = 0;
        return weir_error_set(&program->error, WEIR_NO_MEMORY, "no memory for the options");
    }
    for (size_t i = 0; i < program->declared_count; i++)
        program->declared[i] = weir_runtime_option(program->runtime, i);
    *declared = (weir__declared){ program->declared, program->declared_count, built != WEIR_OK };
    return WEIR_OK;
}

/* Builds, and refuses options that do not fit. What is wrong with an option comes first: it may be
 * why the build failed. */
static int build(weir_main_program *program)
{
    weir_error failure = { .status = WEIR_OK };
    weir__declared declared;
    weir_status built =
        weir_runtime_build(program->runtime, program->name, program->build, program->ctx, &failure);
    weir_status status = collect_declared(program, built, &declared);
    if (status != WEIR_OK)
        return STATUS_FAILED;
    status = weir__options_check(&program->options, &declared, warn_unknown, &program->error);
    if (status != WEIR_OK)
        return STATUS_REFUSED;
    program->error = failure;
    return built == WEIR_OK ? STATUS_OK : STATUS_FAILED;
}

/* The options that a build declares which nobody will start. */
static weir_status learn_declared(weir_main_program *program, weir__declared *declared)
{
    weir_error ignored = { .status = WEIR_OK };
    program->config.run.processes = program->options.processes = 0; /* nobody is waited for */
    program->config.run.process = program->options.process = 0;
    program->config.run.hosts = program->options.hosts = NULL;
    weir_status status = create_runtime(program, 1);
    if (status != WEIR_OK)
        return status;
    weir_status built =
        weir_runtime_build(program->runtime, program->name, program->build, program->ctx, &ignored);
    return collect_declared(program, built, declared);
}

static int print_help(weir_main_program *program)
{
    weir__declared declared;
    if (learn_declared(program, &declared) != WEIR_OK)
        return STATUS_FAILED;
    weir__report_help(stdout, &program->config, program->name, &declared);
    return STATUS_OK;
}

static int print_version(const weir_main_program *program)
{
    if (program->config.version)
        printf("%s %s (weir %s)\n", program->name, program->config.version, weir_version());
    else
        printf("%s (weir %s)\n", program->name, weir_version());
    return STATUS_OK;
}

/* ---- running ---- */

static weir_status start_http(weir_main_program *program)
{
    const char *address = program->options.http;
    weir_http_config config = { .struct_size = sizeof config, .address = address };
    if (address && strcmp(address, "off") == 0)
        return WEIR_OK;
    program->http = weir_http_start(program->runtime, &config, &program->error);
    if (!program->http)
        return program->error.status;
    weir_log(WEIR_LOG_INFO, "listening at %s", weir_http_url(program->http));
    return WEIR_OK;
}

static weir_status run(weir_main_program *program)
{
    weir_status status = start_http(program), waited;
    if (status != WEIR_OK)
        return status;
    weir__signals_hold(program->runtime);
    status = weir_runtime_start(program->runtime, &program->error);
    if (status == WEIR_OK && program->config.started)
        program->config.started(program, program->config.hook_ctx);
    weir__signals_watch(program->options.seconds);
    waited = weir_runtime_wait(program->runtime, status == WEIR_OK ? &program->error : NULL);
    weir__signals_restore();
    return status != WEIR_OK ? status : waited;
}

/* What is wrong with an option comes first here, too: why nothing could be prepared otherwise. */
static int prepare_failed(weir_main_program *program)
{
    weir_error failure = program->error;
    weir__declared declared;
    program->preparing = false;
    if (learn_declared(program, &declared) == WEIR_OK &&
        weir__options_check(&program->options, &declared, NULL, &program->error) != WEIR_OK)
        return STATUS_REFUSED;
    program->error = failure;
    return STATUS_FAILED;
}

static int prepare_and_run(weir_main_program *program)
{
    weir_main_config *config = &program->config;
    int status;

    if (config->prepare) {
        program->preparing = true;
        if (config->prepare(program, config->hook_ctx, &program->error) != WEIR_OK)
            return prepare_failed(program);
        program->preparing = false;
    }
    program->prepared = true;
    if (weir__options_read_builtins(&program->options, &program->error) != WEIR_OK)
        return STATUS_FAILED; /* what the preparation has set */
    unsigned workers = program->options.workers;
    if (create_runtime(program, workers ? workers : weir_cores_usable()) != WEIR_OK)
        return STATUS_FAILED;
    status = build(program);
    if (status == STATUS_OK && run(program) != WEIR_OK)
        status = STATUS_FAILED;
    return status;
}

static int run_program(weir_main_program *program, int argc, char **argv)
{
    weir__options_early(&program->options, argc, argv);
    if (program->options.help)
        return print_help(program);
    if (program->options.version)
        return print_version(program);
    if (read_options(program, argc, argv) != WEIR_OK)
        return program->error.status == WEIR_NO_MEMORY ? STATUS_FAILED : STATUS_REFUSED;
    weir_log_set(on_log, (void *)program->name, program->options.log_level);
    return prepare_and_run(program);
}

static void put_away(weir_main_program *program)
{
    if (program->prepared && program->config.ended)
        program->config.ended(program, program->config.hook_ctx);
    weir_http_stop(program->http);
    weir_runtime_destroy(program->runtime);
    weir_free(program->declared, program->declared_count * sizeof *program->declared);
    weir_free(program->settings, program->settings_size);
    weir__options_fini(&program->options);
    weir_log_set(NULL, NULL, WEIR_LOG_OFF);
}

/* Output that never arrived is a failure, however well the rest went. */
static int check_output(const char *name, int status)
{
    weir_error error = { .status = WEIR_OK };
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    weir_error_set(&error, WEIR_IO, "standard output could not be written: %s",
                   errno ? strerror(errno) : "an earlier write failed");
    weir__report_error(stderr, name, &error);
    return status == STATUS_OK ? STATUS_FAILED : status;
}

int weir_main_with(const weir_main_config *config, int argc, char **argv, weir_build_fn *build_fn,
                   void *ctx)
{
    weir_main_program program = { .build = build_fn, .ctx = ctx };
    if (config)
        weir_struct_copy(&program.config, sizeof program.config, config);
    program.name = program_name(&program.config, argv);
    weir__signals_ignore_pipe();
    int status = run_program(&program, argc, argv);
    put_away(&program);
    if (status != STATUS_OK)
        weir__report_error(stderr, program.name, &program.error);
    return check_output(program.name, status);
}

int weir_main(int argc, char **argv, weir_build_fn *build_fn, void *ctx)
{
    return weir_main_with(NULL, argc, argv, build_fn, ctx);
}

/* ---- for hooks ---- */

const char *weir_main_option(const weir_main_program *program, const char *name)
{
    const weir__given *given = weir__options_find(&program->options, name);
    return given ? given->setting.value : NULL;
}

weir_status weir_main_set_option(weir_main_program *program, const char *name, const char *value)
{
    if (!program->preparing)
        return WEIR_INVALID;
    return weir__options_set(&program->options, name, value, &program->error);
}

weir_runtime *weir_main_runtime(const weir_main_program *program)
{
    return program->runtime;
}

void weir_main_stop(weir_main_program *program)
{
    (void)program; /* there is one at a time */
    weir__signals_stop();
}

const char *weir_main_url(const weir_main_program *program)
{
    return program->http ? weir_http_url(program->http) : NULL;
}

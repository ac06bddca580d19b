/* SPDX-License-Identifier: Apache-2.0
 *
 * Collects options from the program, the environment and flags, and says which one counts. What
 * the values mean is read in builtins.c and held against the program's declarations in check.c.
 */
#include "main/options.h"

#include <string.h>

#include <weir/memory.h>

static weir_status no_memory(weir_error *error)
{
    return weir_error_set(error, WEIR_NO_MEMORY, "no memory for the program's options");
}

static weir_status add(weir__options *options, weir__given given, weir_error *error)
{
    if (options->count == options->capacity) {
        size_t capacity = options->capacity ? 2 * options->capacity : 16;
        weir__given *grown = weir_realloc(options->given, options->capacity * sizeof *grown,
                                          capacity * sizeof *grown);
        if (!grown) {
            weir_free(given.owned, given.owned_size);
            return no_memory(error);
        }
        options->given = grown;
        options->capacity = capacity;
    }
    options->given[options->count++] = given;
    return WEIR_OK;
}

/* Room for texts of an option's own; the caller fills it. */
static bool own(weir__given *given, size_t size)
{
    given->owned = weir_alloc(size);
    given->owned_size = given->owned ? size : 0;
    return given->owned != NULL;
}

void weir__options_fini(weir__options *options)
{
    for (size_t i = 0; i < options->count; i++)
        weir_free(options->given[i].owned, options->given[i].owned_size);
    weir_free(options->given, options->capacity * sizeof *options->given);
    *options = (weir__options){ 0 };
}

weir_status weir__options_add_program(weir__options *options, const weir_main_config *config,
                                      weir_error *error)
{
    const char *origin = "the program itself";
    weir_status status = WEIR_OK;

    if (!config)
        return WEIR_OK;
    for (size_t i = 0; i < config->run.setting_count && status == WEIR_OK; i++) {
        weir__given given = { .setting = config->run.settings[i], .layer = WEIR__LAYER_PROGRAM };
        if (!given.setting.origin)
            given.setting.origin = origin;
        status = add(options, given, error);
    }
    const weir_setting builtins[] = { { "http", config->http, origin },
                                      { "log-level", config->log_level, origin } };
    for (size_t i = 0; i < 2 && status == WEIR_OK; i++)
        if (builtins[i].value)
            status = add(options, (weir__given){ .setting = builtins[i] }, error);
    options->workers = config->run.workers;
    options->seconds = config->seconds;
    return status;
}

/* WEIR_INPUT_TOPIC=lines becomes input-topic; variables of other shapes are none of ours. */
static weir_status add_variable(weir__options *options, const char *variable, weir_error *error)
{
    const char *equals = strchr(variable, '='), *from = variable + 5;
    size_t len = equals ? (size_t)(equals - from) : 0;
    weir__given given = { .layer = WEIR__LAYER_ENVIRONMENT };

    if (strspn(from, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != len || !equals[1])
        return WEIR_OK;
    if (!own(&given, len + 1 + 5 + len + 1))
        return no_memory(error);
    char *name = given.owned, *origin = given.owned + len + 1;
    for (size_t i = 0; i < len; i++) {
        char c = from[i];
        name[i] = (char)(c == '_' ? '-' : c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    name[len] = '\0';
    memcpy(origin, variable, 5 + len);
    origin[5 + len] = '\0';
    given.setting = (weir_setting){ name, equals + 1, origin };
    return add(options, given, error);
}

weir_status weir__options_add_environment(weir__options *options, char *const *environment,
                                          weir_error *error)
{
    weir_status status = WEIR_OK;
    for (; *environment && status == WEIR_OK; environment++)
        if (strncmp(*environment, "WEIR_", 5) == 0)
            status = add_variable(options, *environment, error);
    return status;
}

void weir__options_early(weir__options *options, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            options->help = true;
        else if (strcmp(argv[i], "--version") == 0)
            options->version = true;
    }
}

static weir_status refuse_argument(weir_error *error, const char *argument)
{
    weir_error_set(error, WEIR_INVALID, "'%.200s' is no option", argument);
    if (argument[0] == '-' && argument[1])
        weir_error_hint(error, "options begin with two hyphens: --%.200s", argument + 1);
    else
        weir_error_hint(error, "a value belongs behind an option, as in --workers 2; --help lists "
                               "all options");
    return WEIR_INVALID;
}

/* Takes the option at argv[*i] and its value, if the next argument is one. */
static weir_status add_flag(weir__options *options, int *i, char **argv, weir_error *error)
{
    const char *argument = argv[*i], *equals = strchr(argument, '=');
    size_t len = equals ? (size_t)(equals - argument) : strlen(argument);
    weir__given given = { .layer = WEIR__LAYER_FLAG };

    if (strncmp(argument, "--", 2) != 0 || len == 2)
        return refuse_argument(error, argument);
    if (!own(&given, len + 1))
        return no_memory(error);
    memcpy(given.owned, argument, len);
    given.owned[len] = '\0';
    given.setting = (weir_setting){ given.owned + 2, "true", given.owned };
    if (equals)
        given.setting.value = equals + 1;
    else if (argv[*i + 1] && strncmp(argv[*i + 1], "--", 2) != 0)
        given.setting.value = argv[++*i];
    else
        given.bare = true;
    return add(options, given, error);
}

weir_status weir__options_add_flags(weir__options *options, int argc, char **argv,
                                    weir_error *error)
{
    weir_status status = WEIR_OK;
    for (int i = 1; i < argc && status == WEIR_OK; i++)
        status = add_flag(options, &i, argv, error);
    return status;
}

weir_status weir__options_set(weir__options *options, const char *name, const char *value,
                              weir_error *error)
{
    size_t name_size = strlen(name) + 1, value_size = strlen(value) + 1;
    weir__given given = { .layer = WEIR__LAYER_PREPARE };

    if (!own(&given, name_size + value_size))
        return no_memory(error);
    memcpy(given.owned, name, name_size);
    memcpy(given.owned + name_size, value, value_size);
    given.setting =
        (weir_setting){ given.owned, given.owned + name_size, "the program's preparation" };
    return add(options, given, error);
}

/* Whether the i-th is of the greatest layer that its name was given in. */
static bool wins(const weir__options *options, size_t i)
{
    const weir__given *given = &options->given[i];
    for (size_t j = 0; j < options->count; j++)
        if (options->given[j].layer > given->layer &&
            strcmp(options->given[j].setting.name, given->setting.name) == 0)
            return false;
    return true;
}

const weir__given *weir__options_find(const weir__options *options, const char *name)
{
    for (size_t i = options->count; i-- > 0;)
        if (strcmp(options->given[i].setting.name, name) == 0 && wins(options, i))
            return &options->given[i];
    return NULL;
}

size_t weir__options_settings(const weir__options *options, weir_setting *settings)
{
    size_t n = 0;
    for (size_t i = 0; i < options->count; i++)
        if (wins(options, i) && !weir__builtin_find(options->given[i].setting.name))
            settings[n++] = options->given[i].setting;
    return n;
}

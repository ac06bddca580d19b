/* SPDX-License-Identifier: Apache-2.0
 *
 * A program's own options: declared while a graph is built, their values found among the settings
 * of the config. Owns the list of what was declared, for --help and for refusing what was not.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataflow/description.h"
#include "worker/runtime.h"

static char *duplicate(const char *text)
{
    if (!text)
        return NULL;
    size_t size = strlen(text) + 1;
    return memcpy(weir_alloc_must(size), text, size);
}

static void free_text(const char *text)
{
    if (text)
        weir_free((char *)text, strlen(text) + 1);
}

void weir__options_destroy(weir_runtime *runtime)
{
    for (weir__option *option = runtime->options, *next; option; option = next) {
        next = option->next;
        free_text(option->info.name);
        free_text(option->info.help);
        free_text(option->info.fallback);
        weir_free(option, sizeof *option);
    }
}

static void declare(weir_graph *graph, const weir_option_info *info)
{
    weir_runtime *runtime = graph->runtime;
    weir__option **at = &runtime->options;
    for (; *at; at = &(*at)->next)
        if (strcmp((*at)->info.name, info->name) == 0) {
            if (strcmp((*at)->info.kind, info->kind) != 0)
                weir_graph_fail(graph, WEIR_EXISTS, NULL, "give the two options two names",
                                "option '%s' is declared as %s and as %s", info->name,
                                (*at)->info.kind, info->kind);
            return;
        }
    weir__option *option = weir_alloc_must(sizeof *option);
    option->info = (weir_option_info){ duplicate(info->name), duplicate(info->help),
                                       duplicate(info->fallback), info->kind, info->list };
    option->next = NULL;
    *at = option;
    runtime->option_count++;
}

/* The last setting of that name wins. */
static const weir_setting *find(const weir_graph *graph, const char *name)
{
    const weir_config *config = graph->config;
    for (size_t i = config->setting_count; i-- > 0;)
        if (strcmp(config->settings[i].name, name) == 0)
            return &config->settings[i];
    return NULL;
}

static void refuse(weir_graph *graph, const weir_setting *setting, const char *wanted)
{
    weir_graph_fail(graph, WEIR_INVALID, NULL, wanted, "%s: '%s' cannot be read",
                    setting->origin ? setting->origin : setting->name, setting->value);
}

const char *weir_option_str(weir_graph *graph, const char *name, const char *fallback,
                            const char *help)
{
    declare(graph, &(weir_option_info){ name, help, fallback, "text", false });
    const weir_setting *setting = find(graph, name);
    return weir_graph_text(graph, setting ? setting->value : fallback);
}

int64_t weir_option_i64(weir_graph *graph, const char *name, int64_t fallback, const char *help)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)fallback);
    declare(graph, &(weir_option_info){ name, help, text, "number", false });
    const weir_setting *setting = find(graph, name);
    if (!setting)
        return fallback;
    char *end;
    errno = 0;
    long long value = strtoll(setting->value, &end, 10);
    if (errno || end == setting->value || *end) {
        refuse(graph, setting, "give a whole number");
        return fallback;
    }
    return value;
}

double weir_option_f64(weir_graph *graph, const char *name, double fallback, const char *help)
{
    char text[32];
    snprintf(text, sizeof text, "%g", fallback);
    declare(graph, &(weir_option_info){ name, help, text, "decimal number", false });
    const weir_setting *setting = find(graph, name);
    if (!setting)
        return fallback;
    char *end;
    double value = strtod(setting->value, &end);
    if (end == setting->value || *end) {
        refuse(graph, setting, "give a number");
        return fallback;
    }
    return value;
}

bool weir_option_flag(weir_graph *graph, const char *name, const char *help)
{
    declare(graph, &(weir_option_info){ name, help, NULL, "flag", false });
    const weir_setting *setting = find(graph, name);
    if (!setting)
        return false;
    const char *value = setting->value ? setting->value : "";
    if (!*value || !strcmp(value, "true") || !strcmp(value, "yes") || !strcmp(value, "1"))
        return true;
    if (strcmp(value, "false") && strcmp(value, "no") && strcmp(value, "0"))
        refuse(graph, setting, "give true or false");
    return false;
}

size_t weir_option_list(weir_graph *graph, const char *name, const char *const **values,
                        const char *help)
{
    declare(graph, &(weir_option_info){ name, help, NULL, "text", true });
    const weir_config *config = graph->config;
    const char **list = weir_graph_alloc(graph, (config->setting_count + 1) * sizeof *list);
    size_t count = 0;
    for (size_t i = 0; i < config->setting_count; i++)
        if (strcmp(config->settings[i].name, name) == 0)
            list[count++] = weir_graph_text(graph, config->settings[i].value);
    *values = list;
    return count;
}

size_t weir_runtime_option_count(const weir_runtime *runtime) { return runtime->option_count; }

const weir_option_info *weir_runtime_option(const weir_runtime *runtime, size_t i)
{
    const weir__option *option = runtime->options;
    while (option && i-- > 0)
        option = option->next;
    return option ? &option->info : NULL;
}

const weir_setting *weir_runtime_unknown_setting(const weir_runtime *runtime, size_t i)
{
    for (size_t s = 0; s < runtime->config.setting_count; s++) {
        const weir_setting *setting = &runtime->config.settings[s];
        const weir__option *option = runtime->options;
        while (option && strcmp(option->info.name, setting->name) != 0)
            option = option->next;
        if (!option && i-- == 0)
            return setting;
    }
    return NULL;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * See report.h.
 */
#include "main/report.h"

#include <string.h>

enum { WIDTH_MAX = 28 };

/* "--name VALUE" */
static int head(char *text, size_t size, const char *name, const char *value)
{
    return snprintf(text, size, "--%s%s%s", name, value ? " " : "", value ? value : "");
}

static const char *value_word(const weir_option_info *info)
{
    if (strcmp(info->kind, "flag") == 0)
        return NULL;
    return strcmp(info->kind, "text") == 0 ? "TEXT" : "NUMBER";
}

static void line(FILE *out, int width, const char *text, const char *help)
{
    if ((int)strlen(text) > width)
        fprintf(out, "  %s\n  %*s  %s", text, width, "", help);
    else
        fprintf(out, "  %-*s  %s", width, text, help);
}

static int widest(const weir__declared *declared)
{
    char text[128];
    int width = 0;
    for (size_t i = 0; i < weir__builtin_count + declared->count; i++) {
        int len = i < weir__builtin_count
                      ? head(text, sizeof text, weir__builtins[i].name, weir__builtins[i].value)
                      : head(text, sizeof text, declared->info[i - weir__builtin_count]->name,
                             value_word(declared->info[i - weir__builtin_count]));
        width = len > width && len <= WIDTH_MAX ? len : width;
    }
    return width;
}

static void declared_line(FILE *out, int width, const weir_option_info *info)
{
    char text[128];
    head(text, sizeof text, info->name, value_word(info));
    line(out, width, text, info->help ? info->help : "");
    if (info->list)
        fputs("; may be given several times", out);
    if (info->fallback && *info->fallback)
        fprintf(out, " (default: %s)", info->fallback);
    fputc('\n', out);
}

static void builtin_line(FILE *out, int width, const weir__builtin *builtin)
{
    char text[128];
    head(text, sizeof text, builtin->name, builtin->value);
    line(out, width, text, builtin->help);
    if (builtin->fallback)
        fprintf(out, " (default: %s)", builtin->fallback);
    fputc('\n', out);
}

void weir__report_help(FILE *out, const weir_main_config *config, const char *name,
                       const weir__declared *declared)
{
    int width = widest(declared);
    fprintf(out, "Usage: %s [OPTION]...\n", name);
    if (config->about)
        fprintf(out, "%s\n", config->about);
    if (declared->count)
        fputs("\nThis program's options:\n", out);
    for (size_t i = 0; i < declared->count; i++)
        declared_line(out, width, declared->info[i]);
    fputs("\nOptions of every program:\n", out);
    for (size_t i = 0; i < weir__builtin_count; i++)
        builtin_line(out, width, &weir__builtins[i]);
    fputs("\nEach can also be set in the environment: --log-level as WEIR_LOG_LEVEL. Flags win.\n",
          out);
}

void weir__report_error(FILE *out, const char *name, const weir_error *error)
{
    fprintf(out, "%s: %s\n", name, error->what[0] ? error->what : weir_status_text(error->status));
    if (error->detail[0])
        fprintf(out, "  where: %s\n", error->detail);
    if (error->hint[0])
        fprintf(out, "  to do: %s\n", error->hint);
}

void weir__report_log(FILE *out, const char *name, weir_log_level level, const char *text)
{
    static const char *const levels[] = { "off", "error", "warn", "info", "debug" };
    fprintf(out, "%s: %s: %s\n", name, levels[level <= WEIR_LOG_DEBUG ? level : WEIR_LOG_DEBUG],
            text);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Holds the options that were given against those that the program declared, and finds the name
 * that was meant.
 */
#include "main/options.h"

#include <string.h>

#include <weir/value.h>

#define NAME_MAX_LEN 64

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    unsigned ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Insertions, deletions, replacements and swaps of neighbours that make one name of the other. */
static unsigned distance(const char *a, const char *b)
{
    size_t m = strlen(a), n = strlen(b);
    unsigned rows[3][NAME_MAX_LEN + 1];

    if (m > NAME_MAX_LEN || n > NAME_MAX_LEN)
        return UINT32_MAX;
    for (size_t j = 0; j <= n; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= m; i++) {
        unsigned *row = rows[i % 3], *above = rows[(i - 1) % 3], *before = rows[(i + 1) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= n; j++) {
            row[j] = least(row[j - 1] + 1, above[j] + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < row[j])
                row[j] = before[j - 2] + 1;
        }
    }
    return rows[m % 3][n];
}

static void nearer(const char *name, const char *candidate, unsigned *best, const char **found)
{
    unsigned far = distance(name, candidate);
    if (far < *best) {
        *best = far;
        *found = candidate;
    }
}

const char *weir__options_nearest(const char *name, const weir__declared *declared)
{
    /* a third of the letters may be wrong, and always one */
    unsigned best = (unsigned)strlen(name) / 3 + 2;
    const char *found = NULL;
    for (size_t i = 0; i < declared->count; i++)
        nearer(name, declared->info[i]->name, &best, &found);
    for (size_t i = 0; !declared->is_partial && i < weir__builtin_count; i++)
        nearer(name, weir__builtins[i].name, &best, &found);
    return found;
}

static const weir_option_info *find(const weir__declared *declared, const char *name)
{
    for (size_t i = 0; i < declared->count; i++)
        if (strcmp(declared->info[i]->name, name) == 0)
            return declared->info[i];
    return NULL;
}

static weir_status refuse_unknown(const weir__given *given, const weir__declared *declared,
                                  weir_error *error)
{
    const char *near = weir__options_nearest(given->setting.name, declared);
    if (!near && declared->is_partial)
        return WEIR_OK;
    weir_error_set(error, WEIR_NOT_FOUND, "there is no option --%.80s", given->setting.name);
    if (given->layer != WEIR__LAYER_FLAG)
        weir_error_detail(error, "set by %s", given->setting.origin);
    if (near)
        weir_error_hint(error, "did you mean --%s? --help lists all options", near);
    else
        weir_error_hint(error, "--help lists all options");
    return WEIR_NOT_FOUND;
}

/* What weir_option_flag understands. */
static bool is_flag_value(const char *value)
{
    static const char *const words[] = { "true", "false", "yes", "no", "1", "0" };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(value, words[i]) == 0)
            return true;
    return false;
}

/* What a value of this kind must be, if this one is not: as a part of a sentence. */
static const char *wanted_instead(const weir_option_info *info, const char *value)
{
    int64_t integer;
    double number;
    if (strcmp(info->kind, "flag") == 0)
        return is_flag_value(value) ? NULL : "true or false, or no value at all";
    if (strcmp(info->kind, "number") == 0)
        return weir_i64_parse(value, strlen(value), &integer) == WEIR_OK ? NULL : "a whole number";
    if (strcmp(info->kind, "decimal number") == 0)
        return weir_f64_parse(value, strlen(value), &number) == WEIR_OK ? NULL : "a number";
    return NULL;
}

static weir_status check_value(const weir__given *given, const weir_option_info *info,
                               weir_error *error)
{
    const char *wanted = wanted_instead(info, given->setting.value);
    if (given->bare && strcmp(info->kind, "flag") != 0)
        weir_error_set(error, WEIR_INVALID, "%s needs a value", given->setting.origin);
    else if (wanted)
        weir_error_set(error, WEIR_INVALID, "%s takes %s, not '%.80s'", given->setting.origin,
                       wanted, given->setting.value);
    else
        return WEIR_OK;
    weir_error_hint(error, "--%s: %s", info->name, info->help ? info->help : info->kind);
    return WEIR_INVALID;
}

/* Two values of one option in one place; in another place they would override. */
static weir_status check_single(const weir__options *options, size_t i, weir_error *error)
{
    const weir__given *b = &options->given[i];
    for (size_t j = 0; j < i; j++) {
        const weir__given *a = &options->given[j];
        if (a->layer == b->layer && strcmp(a->setting.name, b->setting.name) == 0 &&
            strcmp(a->setting.value, b->setting.value) != 0) {
            weir_error_set(error, WEIR_INVALID, "%s is given twice, as '%.80s' and as '%.80s'",
                           b->setting.origin, a->setting.value, b->setting.value);
            weir_error_hint(error, "leave one of them out");
            return WEIR_INVALID;
        }
    }
    return WEIR_OK;
}

static weir_status check_one(const weir__options *options, size_t i, const weir__declared *declared,
                             weir_error *error)
{
    const weir__given *given = &options->given[i];
    const weir_option_info *info = find(declared, given->setting.name);
    weir_status status = WEIR_OK;

    if (!info && !weir__builtin_find(given->setting.name))
        return given->layer == WEIR__LAYER_ENVIRONMENT ? WEIR_OK
                                                       : refuse_unknown(given, declared, error);
    if (!info || !info->list)
        status = given->layer == WEIR__LAYER_PREPARE ? WEIR_OK : check_single(options, i, error);
    if (info && status == WEIR_OK)
        status = check_value(given, info, error);
    return status;
}

weir_status weir__options_check(const weir__options *options, const weir__declared *declared,
                                void (*unknown_variable)(const char *variable), weir_error *error)
{
    for (size_t i = 0; i < declared->count; i++) {
        if (weir__builtin_find(declared->info[i]->name)) {
            weir_error_set(error, WEIR_EXISTS, "the program declares an option --%s",
                           declared->info[i]->name);
            weir_error_hint(error, "weir_main has one of that name: take another");
            return WEIR_EXISTS;
        }
    }
    for (size_t i = 0; i < options->count; i++) {
        const weir__given *given = &options->given[i];
        weir_status status = check_one(options, i, declared, error);
        if (status != WEIR_OK)
            return status;
        if (unknown_variable && given->layer == WEIR__LAYER_ENVIRONMENT &&
            !find(declared, given->setting.name) && !weir__builtin_find(given->setting.name))
            unknown_variable(given->setting.origin);
    }
    return WEIR_OK;
}

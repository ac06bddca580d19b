/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the names and texts of statuses, the writing of weir_error, the copying of callers' structs,
 * and the version. Reporting an error to anyone is the caller's affair.
 */
#include <weir/base.h>

#include <stdio.h>
#include <string.h>

const char *weir_version(void)
{
    return WEIR_VERSION;
}

void weir_struct_copy(void *to, size_t size, const void *from)
{
    size_t given;
    memcpy(&given, from, sizeof given);
    size_t known = given && given < size ? given : size;
    memcpy(to, from, known);
    memset((char *)to + known, 0, size - known);
    memcpy(to, &size, sizeof size);
}

static const struct {
    const char *name;
    const char *text;
} statuses[] = {
#define STATUS_ROW(name, text) [WEIR_##name] = { #name, text },
    WEIR_STATUS_MAP(STATUS_ROW)
#undef STATUS_ROW
};

static bool is_known(weir_status status)
{
    return (size_t)status < sizeof statuses / sizeof *statuses;
}

const char *weir_status_name(weir_status status)
{
    return is_known(status) ? statuses[status].name : "UNKNOWN";
}

const char *weir_status_text(weir_status status)
{
    return is_known(status) ? statuses[status].text : "a status that this version does not know";
}

weir_status weir_error_set(weir_error *error, weir_status status, const char *format, ...)
{
    if (error) {
        va_list args;
        error->status = status;
        error->detail[0] = error->hint[0] = '\0';
        va_start(args, format);
        vsnprintf(error->what, sizeof error->what, format, args);
        va_end(args);
    }
    return status;
}

void weir_error_detail(weir_error *error, const char *format, ...)
{
    if (!error)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(error->detail, sizeof error->detail, format, args);
    va_end(args);
}

void weir_error_hint(weir_error *error, const char *format, ...)
{
    if (!error)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(error->hint, sizeof error->hint, format, args);
    va_end(args);
}

const char *weir_error_text(const weir_error *error, char *text, size_t size)
{
    if (size == 0)
        return text;
    text[0] = '\0';
    if (!error)
        return text;
    const char *what = error->what[0] ? error->what : weir_status_text(error->status);
    snprintf(text, size, "%s%s%s%s%s%s", what, error->detail[0] ? ": " : "", error->detail,
             error->hint[0] ? " (" : "", error->hint, error->hint[0] ? ")" : "");
    return text;
}

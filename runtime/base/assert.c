/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the end of the process after a programmer's error.
 */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

void weir__assert_failed(const char *file, int line, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    weir_log(WEIR_LOG_ERROR, "%s (%s:%d)", text, file, line);
    fprintf(stderr, "weir: %s (%s:%d)\n", text, file, line);
    abort();
}

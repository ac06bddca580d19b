/* SPDX-License-Identifier: Apache-2.0
 *
 * Assertions. WEIR_ASSERT stays on in release builds and is for programmers' errors outside loops
 * over records; WEIR_DCHECK is for debug builds only and may stand anywhere.
 */
#ifndef WEIR_BASE_ASSERT_H
#define WEIR_BASE_ASSERT_H

#include <weir/base.h>

/* Logs the text at level ERROR, writes it to standard error (the one time the library does: the
 * process is about to end), and aborts. */
__attribute__((noreturn, cold)) void weir__assert_failed(const char *file, int line,
                                                         const char *format, ...)
    WEIR_PRINTF(3, 4);

/* WEIR_ASSERT(condition, "operator '%s': ...", name): the text says who did what, and the times. */
#define WEIR_ASSERT(ok, ...)                                           \
    (WEIR_LIKELY(ok) ? (void)0 : weir__assert_failed(__FILE__, __LINE__, __VA_ARGS__))

#ifdef NDEBUG
#define WEIR_DCHECK(ok, ...) ((void)sizeof(!(ok)))
#else
#define WEIR_DCHECK(ok, ...) WEIR_ASSERT(ok, __VA_ARGS__)
#endif

#endif

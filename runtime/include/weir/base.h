/* SPDX-License-Identifier: Apache-2.0
 *
 * What every public header leans on: statuses, errors, the log, version, compiler attributes.
 * Owns no state but the process's log callback.
 */
#ifndef WEIR_BASE_H
#define WEIR_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define WEIR_BEGIN_DECLS extern "C" {
#define WEIR_END_DECLS }
#else
#define WEIR_BEGIN_DECLS
#define WEIR_END_DECLS
#endif
#define WEIR_API __attribute__((visibility("default")))
#define WEIR_UNUSED __attribute__((unused))
#define WEIR_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define WEIR_MUST_USE __attribute__((warn_unused_result))
#define WEIR_LIKELY(x) __builtin_expect(!!(x), 1)
#define WEIR_UNLIKELY(x) __builtin_expect(!!(x), 0)

#define WEIR_VERSION_MAJOR 0
#define WEIR_VERSION_MINOR 1
#define WEIR_VERSION_PATCH 0
#define WEIR_VERSION "0.1.0"

WEIR_BEGIN_DECLS

/* The version of the library linked with, as opposed to the header's WEIR_VERSION. Any thread. */
WEIR_API const char *weir_version(void);

/* Every status a call of the library can return: XX(NAME, text). */
#define WEIR_STATUS_MAP(XX)                                                  \
    XX(OK, "ok")                                                             \
    XX(INVALID, "an argument or a graph is not valid")                       \
    XX(TYPE_MISMATCH, "record types, keys or shapes do not fit")             \
    XX(NO_MEMORY, "memory could not be allocated")                           \
    XX(IO, "a file or a socket failed")                                      \
    XX(SYSTEM, "the operating system refused a resource")                    \
    XX(NOT_FOUND, "the thing named does not exist")                          \
    XX(EXISTS, "the name is taken")                                          \
    XX(DENIED, "access was denied")                                          \
    XX(TOO_LARGE, "a limit on size was exceeded")                            \
    XX(OVERFLOWED, "a number left its range")                                \
    XX(BAD_DATA, "bytes could not be decoded")                               \
    XX(GONE, "the time asked for is no longer kept")                         \
    XX(NOT_READY, "not yet: try again later")                                \
    XX(FULL, "the budget or a queue is full: try again later")               \
    XX(CLOSED, "the thing was closed or stopped")                            \
    XX(UNAVAILABLE, "a remote service cannot be reached")                    \
    XX(FAILED, "a user's function or a remote service reported a failure")   \
    XX(CANCELLED, "stopped before it was done")

typedef enum weir_status {
#define WEIR_STATUS_ENUM_(name, text) WEIR_##name,
    WEIR_STATUS_MAP(WEIR_STATUS_ENUM_)
#undef WEIR_STATUS_ENUM_
} weir_status;

/* "INVALID" for WEIR_INVALID. Static text. Any thread. */
WEIR_API const char *weir_status_name(weir_status status);
/* The sentence of the map above. Static text. Any thread. */
WEIR_API const char *weir_status_text(weir_status status);

/* Copies a struct of a caller's, whose first member is its struct_size, into one of this version,
 * size bytes long: what a caller of an older version does not know is zero, and so is what this one
 * does not know. A struct_size of 0 counts as that of this version. */
WEIR_API void weir_struct_copy(void *to, size_t size, const void *from);

/* An error for people: what is wrong, where (which operator, file, option), what to do about it.
 * Owned by the caller; every function that takes one accepts NULL. Texts are cut, never overrun. */
typedef struct weir_error {
    weir_status status;
    char what[512];
    char detail[512];
    char hint[512];
} weir_error;

/* Sets status and `what` (detail and hint become empty) and returns status, so that a refusal is
 * one line: return weir_error_set(error, WEIR_INVALID, "..."). error may be NULL. */
WEIR_API weir_status weir_error_set(weir_error *error, weir_status status, const char *format, ...)
    WEIR_PRINTF(3, 4);
/* Adds where it happened, and what to do. error may be NULL. */
WEIR_API void weir_error_detail(weir_error *error, const char *format, ...) WEIR_PRINTF(2, 3);
WEIR_API void weir_error_hint(weir_error *error, const char *format, ...) WEIR_PRINTF(2, 3);
/* Writes "what: detail (hint)" into text (size bytes, always ended). Returns text. */
WEIR_API const char *weir_error_text(const weir_error *error, char *text, size_t size);

/* Log levels, by who must act: ERROR an operator now, WARN an operator soon, INFO nobody, DEBUG a
 * developer of the program. OFF silences everything. */
typedef enum weir_log_level {
    WEIR_LOG_OFF, WEIR_LOG_ERROR, WEIR_LOG_WARN, WEIR_LOG_INFO, WEIR_LOG_DEBUG
} weir_log_level;

/* Receives one line without a newline. Called from any thread, one call at a time. */
typedef void weir_log_fn(weir_log_level level, const char *text, void *ctx);

/* Sets the process's log callback and the least important level that reaches it. NULL silences.
 * The default is silence: the library itself never prints. Call before workers start. */
WEIR_API void weir_log_set(weir_log_fn *fn, void *ctx, weir_log_level level);
/* Sends a line to the callback. Cheap when the level is off. Any thread. */
WEIR_API void weir_log(weir_log_level level, const char *format, ...) WEIR_PRINTF(2, 3);
/* Whether a line of this level would reach the callback. Any thread. */
WEIR_API bool weir_log_enabled(weir_log_level level);

WEIR_END_DECLS
#endif

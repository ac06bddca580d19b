/* SPDX-License-Identifier: Apache-2.0
 *
 * Text that grows, for answers: JSON and Prometheus' format. A failure of memory sticks, so that
 * answers are written in straight lines and looked at once.
 */
#ifndef WEIR_HTTP_TEXT_H
#define WEIR_HTTP_TEXT_H

#include <string.h>

#include <weir/codec.h>

/* All zero is empty. */
typedef struct weir__text {
    weir_bytes_out bytes;
    bool failed; /* memory was gone: it is not whole */
} weir__text;

void weir__text_fini(weir__text *text);
void weir__text_add(weir__text *text, const char *data, size_t len);
static inline void weir__text_put(weir__text *text, const char *what)
{
    weir__text_add(text, what, strlen(what));
}
/* At most 511 bytes. */
void weir__text_format(weir__text *text, const char *format, ...) WEIR_PRINTF(2, 3);
/* A JSON string with its quotes; what is no UTF-8 becomes U+FFFD, NULL becomes null. */
void weir__text_json(weir__text *text, const char *what);
/* The value of a label between its quotes, a help text: escaped as Prometheus' format wants it. */
void weir__text_label(weir__text *text, const char *what);
void weir__text_help(weir__text *text, const char *what);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * See text.h.
 */
#include "http/text.h"

#include <stdio.h>

void weir__text_fini(weir__text *text)
{
    weir_bytes_out_fini(&text->bytes);
    text->failed = false;
}

void weir__text_add(weir__text *text, const char *data, size_t len)
{
    if (!text->failed && len)
        text->failed = weir_bytes_out_add(&text->bytes, data, len) != WEIR_OK;
}

void weir__text_format(weir__text *text, const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (len > 0)
        weir__text_add(text, line, (size_t)len < sizeof line ? (size_t)len : sizeof line - 1);
}

/* Bytes of the UTF-8 sequence at s, 0 if it is none. */
static size_t sequence(const unsigned char *s)
{
    static const struct {
        unsigned char mask, is, len;
        uint32_t least;
    } forms[] = { { 0xe0, 0xc0, 2, 0x80 }, { 0xf0, 0xe0, 3, 0x800 }, { 0xf8, 0xf0, 4, 0x10000 } };
    if (s[0] < 0x80)
        return 1;
    for (size_t i = 0; i < 3; i++) {
        if ((s[0] & forms[i].mask) != forms[i].is)
            continue;
        uint32_t code = s[0] & (unsigned char)~forms[i].mask;
        for (size_t k = 1; k < forms[i].len; k++) {
            if ((s[k] & 0xc0) != 0x80)
                return 0;
            code = code << 6 | (s[k] & 0x3f);
        }
        bool good = code >= forms[i].least && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
        return good ? forms[i].len : 0;
    }
    return 0;
}

void weir__text_json(weir__text *text, const char *what)
{
    if (!what) {
        weir__text_put(text, "null");
        return;
    }
    weir__text_put(text, "\"");
    for (const unsigned char *s = (const unsigned char *)what; *s;) {
        size_t len = sequence(s);
        if (len == 0)
            weir__text_put(text, "\xef\xbf\xbd");
        else if (*s == '"' || *s == '\\')
            weir__text_format(text, "\\%c", *s);
        else if (*s < 0x20 || *s == 0x7f)
            weir__text_format(text, "\\u%04x", *s);
        else
            weir__text_add(text, (const char *)s, len);
        s += len ? len : 1;
    }
    weir__text_put(text, "\"");
}

static void escape(weir__text *text, const char *what, bool quotes)
{
    for (; *what; what++) {
        if (*what == '\n')
            weir__text_put(text, "\\n");
        else if (*what == '\\' || (quotes && *what == '"'))
            weir__text_format(text, "\\%c", *what);
        else
            weir__text_add(text, what, 1);
    }
}

void weir__text_label(weir__text *text, const char *what)
{
    escape(text, what, true);
}
void weir__text_help(weir__text *text, const char *what)
{
    escape(text, what, false);
}

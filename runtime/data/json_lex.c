/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns what json-c is lenient about: it takes single quotes, NaN, -00.5 and bytes that are not
 * UTF-8, ends names at a \u0000, and turns an integer beyond 64 bits into the largest one (of a
 * number with a point it keeps the text). What passes here is left to json-c, which alone looks at
 * nesting.
 */
#include "data/codec.h"
#include "data/scan.h"
#include "data/utf8.h"

typedef struct lexer {
    weir__scan in;
    weir_status status;
    const char *why;
    weir_bytes_out *patched;
    const char *copied; /* what lies before it is in patched */
} lexer;

static bool refuse(lexer *l, const char *why)
{
    l->status = WEIR_BAD_DATA;
    l->why = why;
    return false;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* A backslash is behind us. */
static bool lex_escape(lexer *l, bool *has_zero)
{
    if (l->in.at == l->in.end)
        return refuse(l, "it ends inside a string");
    char c = *l->in.at++;
    if (c != 'u')
        return c != '\0' && strchr("\"\\/bfnrt", c) ? true : refuse(l, "there is no such escape");
    unsigned value = 0;
    for (int i = 0; i < 4; i++, l->in.at++) {
        char h = l->in.at < l->in.end ? *l->in.at : ' ';
        char lower = (char)(h | 0x20);
        if (!weir__is_digit(h) && !(lower >= 'a' && lower <= 'f'))
            return refuse(l, "\\u needs four hexadecimal digits");
        value = value << 4 | (unsigned)(weir__is_digit(h) ? h - '0' : lower - 'a' + 10);
    }
    *has_zero = *has_zero || value == 0;
    return true;
}

/* A quote is behind us. */
static bool lex_string(lexer *l)
{
    bool has_zero = false;
    for (;;) {
        if (l->in.at == l->in.end)
            return refuse(l, "it ends inside a string");
        size_t len = weir__utf8_character(l->in.at, l->in.end);
        char c = *l->in.at;
        if (len == 0)
            return refuse(l, "a string is not UTF-8");
        if (len == 1 && (unsigned char)c < 0x20)
            return refuse(l, "a control character stands in a string");
        l->in.at += len;
        if (c == '"')
            break;
        if (c == '\\' && !lex_escape(l, &has_zero))
            return false;
    }
    const char *next = l->in.at;
    while (next < l->in.end && is_blank(*next))
        next++;
    if (has_zero && next < l->in.end && *next == ':')
        return refuse(l, "a name has a \\u0000");
    return true;
}

/* Whether digits are beyond 64 bits, as json-c reads them: down to INT64_MIN, up to UINT64_MAX. */
static bool is_oversized(const char *digits, size_t len, bool negative)
{
    static const char most[] = "18446744073709551615", least[] = "9223372036854775808";
    const char *limit = negative ? least : most;
    size_t limit_len = negative ? sizeof least - 1 : sizeof most - 1;
    return len != limit_len ? len > limit_len : memcmp(digits, limit, len) > 0;
}

/* Copies what has been read, then text. */
static bool patch(lexer *l, const char *text)
{
    if (weir_bytes_out_add(l->patched, l->copied, (size_t)(l->in.at - l->copied)) != WEIR_OK ||
        weir_bytes_out_add(l->patched, text, strlen(text)) != WEIR_OK) {
        l->status = WEIR_NO_MEMORY;
        l->why = "no memory for a copy";
        return false;
    }
    l->copied = l->in.at;
    return true;
}

static bool lex_number(lexer *l)
{
    bool negative = weir__scan_one(&l->in, '-');
    const char *digits = l->in.at;
    size_t len = weir__scan_digits(&l->in);
    if (len == 0 || (len > 1 && digits[0] == '0'))
        return refuse(l, "a number has no digits, or a 0 in front");
    bool whole = true;
    if (weir__scan_one(&l->in, '.')) {
        whole = false;
        if (weir__scan_digits(&l->in) == 0)
            return refuse(l, "no digits behind a number's point");
    }
    if (weir__scan_one(&l->in, 'e') || weir__scan_one(&l->in, 'E')) {
        whole = false;
        if (!weir__scan_one(&l->in, '-'))
            weir__scan_one(&l->in, '+');
        if (weir__scan_digits(&l->in) == 0)
            return refuse(l, "no digits in a number's exponent");
    }
    return !whole || !is_oversized(digits, len, negative) || patch(l, ".0");
}

static bool lex_word(lexer *l)
{
    static const char *const words[] = { "true", "false", "null" };
    size_t left = (size_t)(l->in.end - l->in.at);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t len = strlen(words[i]);
        if (left >= len && memcmp(l->in.at, words[i], len) == 0) {
            l->in.at += len;
            return true;
        }
    }
    return refuse(l, "what stands there is no value");
}

static bool lex_token(lexer *l)
{
    char c = *l->in.at;
    if (is_blank(c) || (c != '\0' && strchr("{}[],:", c))) {
        l->in.at++;
        return true;
    }
    if (c == '"') {
        l->in.at++;
        return lex_string(l);
    }
    return c == '-' || weir__is_digit(c) ? lex_number(l) : lex_word(l);
}

weir__json_lex weir__json_check(const char *data, size_t size, weir_bytes_out *patched)
{
    lexer l = { { data, data + size }, WEIR_OK, NULL, patched, data };
    patched->len = 0;
    while (l.in.at < l.in.end && lex_token(&l))
        continue;
    if (l.status == WEIR_OK && patched->len > 0)
        patch(&l, "");
    weir__json_lex result = { l.status, l.why, (size_t)(l.in.at - data) };
    return result;
}

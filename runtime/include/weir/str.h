/* SPDX-License-Identifier: Apache-2.0
 *
 * weir_str: 16 bytes that hold a string of up to 12 bytes, or the first 4 bytes and a pointer to
 * all of a longer one. The pointer borrows: from a literal, a batch, an arena, a Kafka message.
 * Bytes, not characters; no ending 0.
 */
#ifndef WEIR_STR_H
#define WEIR_STR_H

#include <string.h>
#include <weir/base.h>

WEIR_BEGIN_DECLS

#define WEIR_STR_INLINE 12

/* Canonical: a string of up to 12 bytes is always inline, with its unused bytes zero, so that two
 * short strings are equal exactly if their 16 bytes are. The zero value is the empty string. */
typedef struct weir_str {
    uint32_t len;
    char prefix[4];
    union {
        char rest[8];
        const char *ptr;
    } u;
} weir_str;

/* The string's bytes; for a short one they lie in *s itself, so s must outlive the pointer. */
static inline const char *weir_str_data(const weir_str *s)
{
    return s->len <= WEIR_STR_INLINE ? s->prefix : s->u.ptr;
}
static inline bool weir_str_is_inline(const weir_str *s) { return s->len <= WEIR_STR_INLINE; }

/* A view of len bytes at data (at most 4 GiB - 1): copied if short, borrowed if longer. */
static inline weir_str weir_str_view(const char *data, size_t len)
{
    weir_str s = { (uint32_t)len, { 0 }, { { 0 } } }; /* C++17 knows no designators */
    if (len <= WEIR_STR_INLINE) {
        memcpy(s.prefix, data, len);
    } else {
        memcpy(s.prefix, data, 4);
        s.u.ptr = data;
    }
    return s;
}
/* Of a C string that outlives the result, above all a literal. */
static inline weir_str weir_str_of(const char *text) { return weir_str_view(text, strlen(text)); }

static inline bool weir_str_equal(const weir_str *a, const weir_str *b)
{
    uint64_t a0, b0, a1, b1;
    memcpy(&a0, a, 8);
    memcpy(&b0, b, 8);
    if (a0 != b0)
        return false;
    memcpy(&a1, &a->u, 8);
    memcpy(&b1, &b->u, 8);
    return a1 == b1 || (a->len > WEIR_STR_INLINE && memcmp(a->u.ptr, b->u.ptr, a->len) == 0);
}
/* Order of the bytes, then of the lengths: negative, 0 or positive. */
WEIR_API int weir_str_compare(const weir_str *a, const weir_str *b);

/* Cuts the next token off *rest: the bytes up to the next separator, empty tokens skipped. False
 * when nothing is left. The token borrows from what *rest borrows from. */
WEIR_API bool weir_str_split(weir_str *rest, char separator, weir_str *token);

WEIR_END_DECLS
#endif

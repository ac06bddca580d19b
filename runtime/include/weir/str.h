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

/* The two halves of a string's 16 bytes: (length, first 4 bytes) and (the next 8, or the pointer).
 * Strings are put together in registers and stored by halves, and read by halves: a load that spans
 * two stores just made has to wait for both. */
static inline weir_str weir_str_of_halves_(uint64_t first, uint64_t second)
{
    weir_str s;
    memcpy(&s, &first, 8);
    memcpy(&s.u, &second, 8);
    return s;
}

/* A view of len bytes at data (at most 4 GiB - 1): copied if short, borrowed if longer. data may be
 * NULL if len is 0. */
static inline weir_str weir_str_view(const char *data, size_t len)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint32_t head = 0, tail = 0;
    uint64_t second = 0;
    if (len >= 4) {
        memcpy(&head, data, 4);
        if (len > WEIR_STR_INLINE) {
            second = (uint64_t)(uintptr_t)data;
        } else if (len >= 8) {
            memcpy(&second, data + len - 8, 8);
            second >>= 8 * (WEIR_STR_INLINE - len);
        } else {
            memcpy(&tail, data + len - 4, 4);
            second = (uint64_t)tail >> (8 * (8 - len));
        }
    } else if (len > 0) {
        head = (uint32_t)(unsigned char)data[0] |
               (uint32_t)(unsigned char)data[len / 2] << (8 * (len / 2)) |
               (uint32_t)(unsigned char)data[len - 1] << (8 * (len - 1));
    }
    return weir_str_of_halves_((uint64_t)head << 32 | (uint32_t)len, second);
#else
    weir_str s;
    memset(&s, 0, sizeof s);
    s.len = (uint32_t)len;
    if (len > WEIR_STR_INLINE) {
        memcpy(s.prefix, data, 4);
        s.u.ptr = data;
    } else if (len > 0) {
        memcpy(s.prefix, data, len);
    }
    return s;
#endif
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

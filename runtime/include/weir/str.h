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

WEIR_API bool weir__str_same_long(const char *a, const char *b, size_t len);

/* Whether len bytes are the same, more than 12. Up to 32 without a call: few words are longer. */
static inline bool weir__str_same(const char *a, const char *b, size_t len)
{
    if (WEIR_UNLIKELY(len > 32))
        return weir__str_same_long(a, b, len);
    size_t inner = len > 16 ? 8 : 0, at[4] = { 0, inner, len - 8 - inner, len - 8 };
    uint64_t differs = 0;
    for (int i = 0; i < 4; i++) {
        uint64_t x, y;
        memcpy(&x, a + at[i], 8);
        memcpy(&y, b + at[i], 8);
        differs |= x ^ y;
    }
    return differs == 0;
}

static inline bool weir_str_equal(const weir_str *a, const weir_str *b)
{
    uint64_t a0, b0, a1, b1;
    memcpy(&a0, a, 8);
    memcpy(&b0, b, 8);
    if (a0 != b0)
        return false;
    memcpy(&a1, &a->u, 8);
    memcpy(&b1, &b->u, 8);
    return a1 == b1 || (a->len > WEIR_STR_INLINE && weir__str_same(a->u.ptr, b->u.ptr, a->len));
}
/* Order of the bytes, then of the lengths: negative, 0 or positive. */
WEIR_API int weir_str_compare(const weir_str *a, const weir_str *b);

/* Cuts the next token off *rest: the bytes up to the next separator, empty tokens skipped. False
 * when nothing is left. The token borrows from what *rest borrows from. */
WEIR_API bool weir_str_split(weir_str *rest, char separator, weir_str *token);

/* All tokens of a text, one after the other, empty ones skipped:
 *
 *     weir_split words = weir_split_of(&in->text, ' ');
 *     for (weir_str token; weir_split_next(&words, &token);)
 *         word_emit(out, (word){ .text = token });
 *
 * Finds the separators of some hundred bytes at a time, so it is the way to split what is longer
 * than a few tokens. The text stays in place meanwhile; tokens borrow from what it borrows from.
 * Private. */
enum { WEIR__SPLIT_SPAN = 512, WEIR__SPLIT_MORE = 64 };
typedef struct weir_split {
    const char *start; /* of the next token */
    const char *base;  /* where stops are counted from */
    const char *rest;  /* text whose separators are not among them; NULL: none */
    const char *end;
    uint32_t count, next; /* of the stops; the next one */
    char separator;
    uint16_t stops[WEIR__SPLIT_SPAN + WEIR__SPLIT_MORE]; /* where tokens end */
} weir_split;

/* Finds the next stops. False: there are none. */
WEIR_API bool weir__split_more(weir_split *s);

/* The view of len bytes at data, before end. Where 12 bytes can be read it is put together without
 * a branch: whether a word is short cannot be guessed. */
static inline weir_str weir__split_token(const char *data, size_t len, const char *end)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define WEIR__ONES(n) (0xffffffffffffffffu >> (64 - 8 * (n)))
    static const struct {
        uint64_t rest, ptr;
        uint32_t prefix;
    } masks[WEIR_STR_INLINE + 2] = {
        { 0, 0, 0 }, { 0, 0, 0xff }, { 0, 0, 0xffff }, { 0, 0, 0xffffff }, { 0, 0, 0xffffffff },
        { WEIR__ONES(1), 0, 0xffffffff }, { WEIR__ONES(2), 0, 0xffffffff },
        { WEIR__ONES(3), 0, 0xffffffff }, { WEIR__ONES(4), 0, 0xffffffff },
        { WEIR__ONES(5), 0, 0xffffffff }, { WEIR__ONES(6), 0, 0xffffffff },
        { WEIR__ONES(7), 0, 0xffffffff }, { WEIR__ONES(8), 0, 0xffffffff },
        { 0, WEIR__ONES(8), 0xffffffff }
    };
#undef WEIR__ONES
    if (WEIR_LIKELY(end - data >= WEIR_STR_INLINE)) {
        size_t kind = len <= WEIR_STR_INLINE ? len : WEIR_STR_INLINE + 1;
        uint32_t head;
        uint64_t tail;
        memcpy(&head, data, 4);
        memcpy(&tail, data + 4, 8);
        tail = (tail & masks[kind].rest) | ((uint64_t)(uintptr_t)data & masks[kind].ptr);
        return weir_str_of_halves_((uint64_t)(head & masks[kind].prefix) << 32 | (uint32_t)len,
                                   tail);
    }
#endif
    (void)end;
    return weir_str_view(data, len);
}

static inline weir_split weir_split_of(const weir_str *text, char separator)
{
    weir_split s;
    s.start = s.base = s.rest = weir_str_data(text);
    s.end = s.rest + text->len;
    s.count = s.next = 0;
    s.separator = separator;
    return s;
}

/* False when nothing is left. */
static inline bool weir_split_next(weir_split *s, weir_str *token)
{
    for (;;) {
        while (WEIR_UNLIKELY(s->next == s->count))
            if (!weir__split_more(s))
                return false;
        const char *start = s->start, *stop = s->base + s->stops[s->next++];
        s->start = stop + 1;
        if (WEIR_LIKELY(stop > start)) {
            *token = weir__split_token(start, (size_t)(stop - start), s->end);
            return true;
        }
    }
}

WEIR_END_DECLS
#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * See head.h.
 */
#include "comm/head.h"

/* ---- reading ---- */

static uint64_t take_big(weir__head *r, unsigned bytes)
{
    uint64_t value = 0;
    if ((size_t)(r->end - r->at) < bytes) {
        r->ok = false;
        return 0;
    }
    while (bytes-- > 0)
        value = value << 8 | *r->at++;
    return value;
}

uint64_t weir__head_number(weir__head *r)
{
    uint64_t tag = take_big(r, 1);
    if (tag < 0x80)
        return tag;
    if (tag >= 0xcc && tag <= 0xcf)
        return take_big(r, 1u << (tag - 0xcc));
    r->ok = false;
    return 0;
}

uint32_t weir__head_u32(weir__head *r)
{
    uint64_t value = weir__head_number(r);
    r->ok = r->ok && value <= UINT32_MAX;
    return (uint32_t)value;
}

weir_str weir__head_bytes(weir__head *r)
{
    uint64_t tag = take_big(r, 1), len = 0;
    if (tag >= 0xa0 && tag < 0xc0)
        len = tag & 31;
    else if (tag >= 0xc4 && tag <= 0xc6)
        len = take_big(r, 1u << (tag - 0xc4));
    else if (tag >= 0xd9 && tag <= 0xdb)
        len = take_big(r, 1u << (tag - 0xd9));
    else
        r->ok = false;
    if (!r->ok || len > (uint64_t)(r->end - r->at)) {
        r->ok = false;
        return weir_str_view(NULL, 0);
    }
    r->at += len;
    return weir_str_view((const char *)r->at - len, (size_t)len);
}

const unsigned char *weir__head_fixed(weir__head *r, size_t bytes)
{
    if (take_big(r, 1) != 0xc4 || take_big(r, 1) != bytes || (size_t)(r->end - r->at) < bytes) {
        r->ok = false;
        return NULL;
    }
    r->at += bytes;
    return r->at - bytes;
}

weir__head weir__head_open(const weir__frame *frame, weir__frame_kind kind, unsigned count)
{
    weir__head r = { frame->head, frame->head + frame->head_size, true };
    uint64_t tag = take_big(&r, 1), found = 0;
    if (tag >= 0x90 && tag < 0xa0)
        found = tag & 15;
    else if (tag == 0xdc)
        found = take_big(&r, 2);
    r.ok = r.ok && frame->kind == kind && found == count;
    return r;
}

bool weir__head_ended(const weir__head *r)
{
    return r->ok && r->at == r->end;
}

/* ---- writing ---- */

static void put_little(unsigned char *at, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++, value >>= 8)
        at[i] = (unsigned char)value;
}

static unsigned char *put_big(unsigned char *at, uint64_t value, unsigned bytes)
{
    while (bytes-- > 0)
        *at++ = (unsigned char)(value >> 8 * bytes);
    return at;
}

unsigned char *weir__head_put_number(unsigned char *at, uint64_t value)
{
    if (value < 0x80) {
        *at = (unsigned char)value;
        return at + 1;
    }
    unsigned width = value <= 0xff ? 0 : value <= 0xffff ? 1 : value <= UINT32_MAX ? 2 : 3;
    *at = (unsigned char)(0xcc + width);
    return put_big(at + 1, value, 1u << width);
}

unsigned char *weir__head_put_text(unsigned char *at, const char *text, size_t len)
{
    if (len < 32) {
        *at++ = (unsigned char)(0xa0 | len);
    } else {
        *at = len <= 0xffff ? 0xda : 0xdb;
        at = put_big(at + 1, len, len <= 0xffff ? 2 : 4);
    }
    if (len)
        memcpy(at, text, len);
    return at + len;
}

unsigned char *weir__head_put_fixed(unsigned char *at, const unsigned char *bytes,
                                    size_t count)
{
    *at++ = 0xc4;
    *at++ = (unsigned char)count;
    memcpy(at, bytes, count);
    return at + count;
}

unsigned char *weir__head_begin(unsigned char *at, unsigned count)
{
    at += WEIR__FRAME_PREFIX;
    if (count < 16) {
        *at = (unsigned char)(0x90 | count);
        return at + 1;
    }
    *at = 0xdc;
    return put_big(at + 1, count, 2);
}

size_t weir__head_end(unsigned char *at, const unsigned char *end, weir__frame_kind kind,
                      size_t body)
{
    size_t head = (size_t)(end - at) - WEIR__FRAME_PREFIX;
    put_little(at, head + body, 4);
    put_little(at + 4, head, 2);
    at[6] = (unsigned char)kind;
    at[7] = WEIR__FRAME_MARK;
    return WEIR__FRAME_PREFIX + head;
}


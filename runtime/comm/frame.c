/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the bytes of frames, both ways. Heads use of msgpack: arrays of up to 31 values, unsigned
 * integers, str and bin; anything else is not a frame.
 */
#include "comm/frame.h"

/* ---- the prefix ---- */

static uint64_t little(const unsigned char *at, unsigned bytes)
{
    uint64_t value = 0;
    while (bytes-- > 0)
        value = value << 8 | at[bytes];
    return value;
}

static void put_little(unsigned char *at, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++, value >>= 8)
        at[i] = (unsigned char)value;
}

int64_t weir__frame_read(const void *data, size_t size, size_t max, weir__frame *frame,
                         weir_error *error)
{
    const unsigned char *at = data;
    if (size < WEIR__FRAME_PREFIX)
        return 0;
    size_t rest = little(at, 4), head = little(at + 4, 2);
    if (at[7] != WEIR__FRAME_MARK || at[6] >= WEIR__FRAME_KINDS || head > rest ||
        head > WEIR__FRAME_HEAD_MAX) {
        weir_error_set(error, WEIR_BAD_DATA, "what arrived is no frame");
        return -1;
    }
    if (rest + WEIR__FRAME_PREFIX > max) {
        weir_error_set(error, WEIR_TOO_LARGE, "a frame of %zu bytes, where at most %zu are allowed",
                       rest + WEIR__FRAME_PREFIX, max);
        return -1;
    }
    if (size < rest + WEIR__FRAME_PREFIX)
        return 0;
    *frame = (weir__frame){ .kind = (weir__frame_kind)at[6],
                            .head = at + WEIR__FRAME_PREFIX,
                            .head_size = head,
                            .body = at + WEIR__FRAME_PREFIX + head,
                            .body_size = rest - head };
    return (int64_t)(rest + WEIR__FRAME_PREFIX);
}

/* ---- reading heads ---- */

typedef struct reader {
    const unsigned char *at, *end;
    bool ok;
} reader;

static uint64_t take_big(reader *r, unsigned bytes)
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

static uint64_t take_number(reader *r)
{
    uint64_t tag = take_big(r, 1);
    if (tag < 0x80)
        return tag;
    if (tag >= 0xcc && tag <= 0xcf)
        return take_big(r, 1u << (tag - 0xcc));
    r->ok = false;
    return 0;
}

static uint32_t take_u32(reader *r)
{
    uint64_t value = take_number(r);
    r->ok = r->ok && value <= UINT32_MAX;
    return (uint32_t)value;
}

/* str or bin. */
static weir_str take_bytes(reader *r)
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

/* bin 8 of exactly so many bytes, as it lies there; NULL: it is none. */
static const unsigned char *take_fixed(reader *r, size_t bytes)
{
    if (take_big(r, 1) != 0xc4 || take_big(r, 1) != bytes || (size_t)(r->end - r->at) < bytes) {
        r->ok = false;
        return NULL;
    }
    r->at += bytes;
    return r->at - bytes;
}

/* A head that is one array of `count` values. */
static reader open_head(const weir__frame *frame, weir__frame_kind kind, unsigned count)
{
    reader r = { frame->head, frame->head + frame->head_size, true };
    uint64_t tag = take_big(&r, 1), found = 0;
    if (tag >= 0x90 && tag < 0xa0)
        found = tag & 15;
    else if (tag == 0xdc)
        found = take_big(&r, 2);
    r.ok = r.ok && frame->kind == kind && found == count;
    return r;
}

static bool finished(const reader *r)
{
    return r->ok && r->at == r->end;
}

bool weir__frame_get_hello(const weir__frame *frame, weir__hello *hello)
{
    reader r = open_head(frame, WEIR__FRAME_HELLO, 5);
    weir_str magic = take_bytes(&r);
    *hello = (weir__hello){ .protocol = take_u32(&r), .process = 0 };
    hello->process = take_u32(&r);
    hello->processes = take_u32(&r);
    hello->nonce = take_fixed(&r, WEIR__NONCE_BYTES);
    return finished(&r) && magic.len == 4 && memcmp(weir_str_data(&magic), "weir", 4) == 0;
}

const unsigned char *weir__frame_get_proof(const weir__frame *frame)
{
    reader r = open_head(frame, WEIR__FRAME_PROOF, 1);
    const unsigned char *mac = take_fixed(&r, WEIR__MAC_BYTES);
    return finished(&r) ? mac : NULL;
}

bool weir__frame_get_facts(const weir__frame *frame, weir__facts *facts)
{
    reader r = open_head(frame, WEIR__FRAME_FACTS, 2);
    facts->seed = take_number(&r);
    facts->incarnation = take_number(&r);
    return finished(&r);
}

bool weir__frame_next_fact(const weir__frame *frame, size_t *at, weir_str fact[2], bool *bad)
{
    reader r = { frame->body + *at, frame->body + frame->body_size, true };
    *bad = false;
    if (r.at == r.end)
        return false;
    fact[0] = take_bytes(&r);
    fact[1] = take_bytes(&r);
    *bad = !r.ok;
    *at = (size_t)(r.at - frame->body);
    return r.ok;
}

bool weir__frame_get_complaint(const weir__frame *frame, weir__complaint *complaint)
{
    if (frame->kind != WEIR__FRAME_REFUSE && frame->kind != WEIR__FRAME_FAIL)
        return false;
    reader r = open_head(frame, frame->kind, 5);
    complaint->status = take_u32(&r);
    complaint->again = take_u32(&r) != 0;
    complaint->what = take_bytes(&r);
    complaint->detail = take_bytes(&r);
    complaint->hint = take_bytes(&r);
    return finished(&r);
}

void weir__complaint_error(const weir__complaint *complaint, const char *otherwise,
                           weir_error *error)
{
    bool known = complaint->status > WEIR_OK && complaint->status <= WEIR_CANCELLED;
    weir_error_set(error, known ? (weir_status)complaint->status : WEIR_FAILED, "%.*s",
                   (int)complaint->what.len, weir_str_data(&complaint->what));
    if (!error->what[0]) /* also of a text that begins with a zero */
        weir_error_set(error, error->status, "%s", otherwise);
    weir_error_hint(error, "%.*s", (int)complaint->hint.len, weir_str_data(&complaint->hint));
}

bool weir__frame_get_data(const weir__frame *frame, weir__data *data)
{
    reader r = open_head(frame, WEIR__FRAME_DATA, 5);
    *data = (weir__data){ .dataflow = take_u32(&r), .port = 0 };
    data->port = take_u32(&r);
    data->from = take_u32(&r);
    data->to = take_u32(&r);
    data->charged = take_number(&r);
    return finished(&r) && data->charged <= INT64_MAX;
}

bool weir__frame_get_credit(const weir__frame *frame, weir__credited *credit)
{
    reader r = open_head(frame, WEIR__FRAME_CREDIT, 4);
    *credit = (weir__credited){ .dataflow = take_u32(&r), .from = 0 };
    credit->from = take_u32(&r);
    credit->to = take_u32(&r);
    credit->bytes = take_number(&r);
    return finished(&r) && credit->bytes <= INT64_MAX;
}

/* ---- writing ---- */

static unsigned char *put_big(unsigned char *at, uint64_t value, unsigned bytes)
{
    while (bytes-- > 0)
        *at++ = (unsigned char)(value >> 8 * bytes);
    return at;
}

static unsigned char *put_number(unsigned char *at, uint64_t value)
{
    if (value < 0x80) {
        *at = (unsigned char)value;
        return at + 1;
    }
    unsigned width = value <= 0xff ? 0 : value <= 0xffff ? 1 : value <= UINT32_MAX ? 2 : 3;
    *at = (unsigned char)(0xcc + width);
    return put_big(at + 1, value, 1u << width);
}

static unsigned char *put_text(unsigned char *at, const char *text, size_t len)
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

static unsigned char *put_fixed(unsigned char *at, const unsigned char *bytes, size_t count)
{
    *at++ = 0xc4;
    *at++ = (unsigned char)count;
    memcpy(at, bytes, count);
    return at + count;
}

static unsigned char *open_array(unsigned char *at, unsigned count)
{
    at += WEIR__FRAME_PREFIX;
    if (count < 16) {
        *at = (unsigned char)(0x90 | count);
        return at + 1;
    }
    *at = 0xdc;
    return put_big(at + 1, count, 2);
}

/* Fills in the prefix before a head that goes from `at` to `end`. */
static size_t close_head(unsigned char *at, const unsigned char *end, weir__frame_kind kind,
                         size_t body)
{
    size_t head = (size_t)(end - at) - WEIR__FRAME_PREFIX;
    put_little(at, head + body, 4);
    put_little(at + 4, head, 2);
    at[6] = (unsigned char)kind;
    at[7] = WEIR__FRAME_MARK;
    return WEIR__FRAME_PREFIX + head;
}

size_t weir__frame_put_plain(unsigned char *at, weir__frame_kind kind, size_t body)
{
    return close_head(at, open_array(at, 0), kind, body);
}

size_t weir__frame_put_hello(unsigned char *at, const weir__hello *hello)
{
    unsigned char *to = put_text(open_array(at, 5), "weir", 4);
    to = put_number(to, hello->protocol);
    to = put_number(to, hello->process);
    to = put_number(to, hello->processes);
    to = put_fixed(to, hello->nonce, WEIR__NONCE_BYTES);
    return close_head(at, to, WEIR__FRAME_HELLO, 0);
}

size_t weir__frame_put_proof(unsigned char *at, const unsigned char mac[WEIR__MAC_BYTES])
{
    unsigned char *to = put_fixed(open_array(at, 1), mac, WEIR__MAC_BYTES);
    return close_head(at, to, WEIR__FRAME_PROOF, 0);
}

size_t weir__frame_put_facts(unsigned char *at, const weir__facts *facts, size_t body)
{
    unsigned char *to = put_number(open_array(at, 2), facts->seed);
    to = put_number(to, facts->incarnation);
    return close_head(at, to, WEIR__FRAME_FACTS, body);
}

static unsigned char *put_cut(unsigned char *at, const weir_str *text)
{
    enum { TEXT_MAX = 511 };
    return put_text(at, weir_str_data(text), text->len < TEXT_MAX ? text->len : TEXT_MAX);
}

size_t weir__frame_put_complaint(unsigned char *at, weir__frame_kind kind,
                                 const weir__complaint *complaint)
{
    unsigned char *to = put_number(open_array(at, 5), complaint->status);
    to = put_number(to, complaint->again);
    to = put_cut(to, &complaint->what);
    to = put_cut(to, &complaint->detail);
    to = put_cut(to, &complaint->hint);
    return close_head(at, to, kind, 0);
}

size_t weir__frame_put_data(unsigned char *at, const weir__data *data, size_t body)
{
    unsigned char *to = put_number(open_array(at, 5), data->dataflow);
    to = put_number(to, data->port);
    to = put_number(to, data->from);
    to = put_number(to, data->to);
    to = put_number(to, data->charged);
    return close_head(at, to, WEIR__FRAME_DATA, body);
}

size_t weir__frame_put_credit(unsigned char *at, const weir__credited *credit)
{
    unsigned char *to = put_number(open_array(at, 4), credit->dataflow);
    to = put_number(to, credit->from);
    to = put_number(to, credit->to);
    to = put_number(to, credit->bytes);
    return close_head(at, to, WEIR__FRAME_CREDIT, 0);
}

size_t weir__frame_put_fact(unsigned char *at, const char *name, const char *value)
{
    size_t sizes[2] = { strlen(name), strlen(value) }, total = 0;
    const char *texts[2] = { name, value };
    for (int i = 0; i < 2; i++) {
        total += sizes[i] + (sizes[i] < 32 ? 1 : sizes[i] <= 0xffff ? 3 : 5);
        if (at)
            at = put_text(at, texts[i], sizes[i]);
    }
    return total;
}

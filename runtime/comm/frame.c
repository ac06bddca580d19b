/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the frames that every mesh has, both ways. What heads are made of is in head.c.
 */
#include "comm/frame.h"

#include "comm/head.h"

static uint64_t little(const unsigned char *at, unsigned bytes)
{
    uint64_t value = 0;
    while (bytes-- > 0)
        value = value << 8 | at[bytes];
    return value;
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

bool weir__frame_get_hello(const weir__frame *frame, weir__hello *hello)
{
    weir__head r = weir__head_open(frame, WEIR__FRAME_HELLO, 5);
    weir_str magic = weir__head_bytes(&r);
    *hello = (weir__hello){ .protocol = weir__head_u32(&r), .process = 0 };
    hello->process = weir__head_u32(&r);
    hello->processes = weir__head_u32(&r);
    hello->nonce = weir__head_fixed(&r, WEIR__NONCE_BYTES);
    return weir__head_ended(&r) && magic.len == 4 && memcmp(weir_str_data(&magic), "weir", 4) == 0;
}

const unsigned char *weir__frame_get_proof(const weir__frame *frame)
{
    weir__head r = weir__head_open(frame, WEIR__FRAME_PROOF, 1);
    const unsigned char *mac = weir__head_fixed(&r, WEIR__MAC_BYTES);
    return weir__head_ended(&r) ? mac : NULL;
}

bool weir__frame_get_facts(const weir__frame *frame, weir__facts *facts)
{
    weir__head r = weir__head_open(frame, WEIR__FRAME_FACTS, 2);
    facts->seed = weir__head_number(&r);
    facts->incarnation = weir__head_number(&r);
    return weir__head_ended(&r);
}

bool weir__frame_next_fact(const weir__frame *frame, size_t *at, weir_str fact[2], bool *bad)
{
    weir__head r = { frame->body + *at, frame->body + frame->body_size, true };
    *bad = false;
    if (r.at == r.end)
        return false;
    fact[0] = weir__head_bytes(&r);
    fact[1] = weir__head_bytes(&r);
    *bad = !r.ok;
    *at = (size_t)(r.at - frame->body);
    return r.ok;
}

bool weir__frame_get_complaint(const weir__frame *frame, weir__complaint *complaint)
{
    if (frame->kind != WEIR__FRAME_REFUSE && frame->kind != WEIR__FRAME_FAIL)
        return false;
    weir__head r = weir__head_open(frame, frame->kind, 5);
    complaint->status = weir__head_u32(&r);
    complaint->again = weir__head_u32(&r) != 0;
    complaint->what = weir__head_bytes(&r);
    complaint->detail = weir__head_bytes(&r);
    complaint->hint = weir__head_bytes(&r);
    return weir__head_ended(&r);
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
    weir__head r = weir__head_open(frame, WEIR__FRAME_DATA, 5);
    *data = (weir__data){ .dataflow = weir__head_u32(&r), .port = 0 };
    data->port = weir__head_u32(&r);
    data->from = weir__head_u32(&r);
    data->to = weir__head_u32(&r);
    data->charged = weir__head_number(&r);
    return weir__head_ended(&r) && data->charged <= INT64_MAX;
}

bool weir__frame_get_credit(const weir__frame *frame, weir__credited *credit)
{
    weir__head r = weir__head_open(frame, WEIR__FRAME_CREDIT, 4);
    *credit = (weir__credited){ .dataflow = weir__head_u32(&r), .from = 0 };
    credit->from = weir__head_u32(&r);
    credit->to = weir__head_u32(&r);
    credit->bytes = weir__head_number(&r);
    return weir__head_ended(&r) && credit->bytes <= INT64_MAX;
}

/* ---- writing ---- */

size_t weir__frame_put_plain(unsigned char *at, weir__frame_kind kind, size_t body)
{
    return weir__head_end(at, weir__head_begin(at, 0), kind, body);
}

size_t weir__frame_put_hello(unsigned char *at, const weir__hello *hello)
{
    unsigned char *to = weir__head_put_text(weir__head_begin(at, 5), "weir", 4);
    to = weir__head_put_number(to, hello->protocol);
    to = weir__head_put_number(to, hello->process);
    to = weir__head_put_number(to, hello->processes);
    to = weir__head_put_fixed(to, hello->nonce, WEIR__NONCE_BYTES);
    return weir__head_end(at, to, WEIR__FRAME_HELLO, 0);
}

size_t weir__frame_put_proof(unsigned char *at, const unsigned char mac[WEIR__MAC_BYTES])
{
    unsigned char *to = weir__head_put_fixed(weir__head_begin(at, 1), mac, WEIR__MAC_BYTES);
    return weir__head_end(at, to, WEIR__FRAME_PROOF, 0);
}

size_t weir__frame_put_facts(unsigned char *at, const weir__facts *facts, size_t body)
{
    unsigned char *to = weir__head_put_number(weir__head_begin(at, 2), facts->seed);
    to = weir__head_put_number(to, facts->incarnation);
    return weir__head_end(at, to, WEIR__FRAME_FACTS, body);
}

static unsigned char *put_cut(unsigned char *at, const weir_str *text)
{
    enum { TEXT_MAX = 511 };
    size_t len = text->len < TEXT_MAX ? text->len : TEXT_MAX;
    return weir__head_put_text(at, weir_str_data(text), len);
}

size_t weir__frame_put_complaint(unsigned char *at, weir__frame_kind kind,
                                 const weir__complaint *complaint)
{
    unsigned char *to = weir__head_put_number(weir__head_begin(at, 5), complaint->status);
    to = weir__head_put_number(to, complaint->again);
    to = put_cut(to, &complaint->what);
    to = put_cut(to, &complaint->detail);
    to = put_cut(to, &complaint->hint);
    return weir__head_end(at, to, kind, 0);
}

size_t weir__frame_put_data(unsigned char *at, const weir__data *data, size_t body)
{
    unsigned char *to = weir__head_put_number(weir__head_begin(at, 5), data->dataflow);
    to = weir__head_put_number(to, data->port);
    to = weir__head_put_number(to, data->from);
    to = weir__head_put_number(to, data->to);
    to = weir__head_put_number(to, data->charged);
    return weir__head_end(at, to, WEIR__FRAME_DATA, body);
}

size_t weir__frame_put_credit(unsigned char *at, const weir__credited *credit)
{
    unsigned char *to = weir__head_put_number(weir__head_begin(at, 4), credit->dataflow);
    to = weir__head_put_number(to, credit->from);
    to = weir__head_put_number(to, credit->to);
    to = weir__head_put_number(to, credit->bytes);
    return weir__head_end(at, to, WEIR__FRAME_CREDIT, 0);
}

size_t weir__frame_put_fact(unsigned char *at, const char *name, const char *value)
{
    size_t sizes[2] = { strlen(name), strlen(value) }, total = 0;
    const char *texts[2] = { name, value };
    for (int i = 0; i < 2; i++) {
        total += sizes[i] + (sizes[i] < 32 ? 1 : sizes[i] <= 0xffff ? 3 : 5);
        if (at)
            at = weir__head_put_text(at, texts[i], sizes[i]);
    }
    return total;
}

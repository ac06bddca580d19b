/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the bytes of COMMAND frames, both ways.
 */
#include "comm/note.h"

#include "comm/head.h"

bool weir__note_get(const weir__frame *frame, weir__note *note)
{
    weir__head r = weir__head_open(frame, WEIR__FRAME_COMMAND, 8);
    uint32_t kind = weir__head_u32(&r);
    *note = (weir__note){ .process = weir__head_u32(&r) };
    note->dataflow = weir__head_u32(&r);
    note->status = weir__head_u32(&r);
    note->number = weir__head_number(&r);
    note->layouts = weir__head_number(&r);
    uint64_t first = weir__head_number(&r), second = weir__head_number(&r);
    if (!weir__head_ended(&r) || kind >= WEIR__NOTE_KINDS || first > frame->body_size ||
        second > frame->body_size - first)
        return false;
    const char *body = (const char *)frame->body;
    note->kind = (weir__note_kind)kind;
    note->first = weir_str_view(body, (size_t)first);
    note->second = weir_str_view(body + first, (size_t)second);
    note->data = weir_str_view(body + first + second, frame->body_size - first - second);
    return true;
}

static unsigned char *put_bytes(unsigned char *at, const weir_str *bytes)
{
    if (bytes->len)
        memcpy(at, weir_str_data(bytes), bytes->len);
    return at + bytes->len;
}

size_t weir__note_put(unsigned char *at, const weir__note *note)
{
    unsigned char *to = weir__head_put_number(weir__head_begin(at, 8), note->kind);
    to = weir__head_put_number(to, note->process);
    to = weir__head_put_number(to, note->dataflow);
    to = weir__head_put_number(to, note->status);
    to = weir__head_put_number(to, note->number);
    to = weir__head_put_number(to, note->layouts);
    to = weir__head_put_number(to, note->first.len);
    to = weir__head_put_number(to, note->second.len);
    size_t body = (size_t)note->first.len + note->second.len + note->data.len;
    size_t head = weir__head_end(at, to, WEIR__FRAME_COMMAND, body);
    (void)put_bytes(put_bytes(put_bytes(to, &note->first), &note->second), &note->data);
    return head + body;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the bytes of the frames ASK and ANSWER, both ways.
 */
#include "comm/ask.h"

#include "comm/head.h"

enum { SENTENCE_MAX = 511 };

bool weir__frame_get_ask(const weir__frame *frame, weir__ask *ask)
{
    weir__head r = weir__head_open(frame, WEIR__FRAME_ASK, 10);
    *ask = (weir__ask){ .id = weir__head_number(&r) };
    uint32_t kind = weir__head_u32(&r);
    ask->kind = kind < WEIR__ASK_KINDS ? (weir__ask_kind)kind : WEIR__ASK_KINDS;
    ask->reader = weir__head_number(&r);
    ask->time = weir__head_number(&r);
    ask->from = weir__head_number(&r);
    ask->ordinal = weir__head_number(&r);
    ask->limit = weir__head_number(&r);
    ask->dataflow = weir__head_u32(&r);
    ask->view = weir__head_bytes(&r);
    ask->owner = weir__head_bytes(&r);
    return weir__head_ended(&r) && ask->kind < WEIR__ASK_KINDS &&
           ask->view.len <= WEIR__ASK_TEXT_MAX && ask->owner.len <= WEIR__ASK_TEXT_MAX;
}

bool weir__frame_get_answer(const weir__frame *frame, weir__answer *answer)
{
    weir__head r = weir__head_open(frame, WEIR__FRAME_ANSWER, 7);
    *answer = (weir__answer){ .id = weir__head_number(&r) };
    answer->status = weir__head_u32(&r);
    answer->ended = weir__head_u32(&r) != 0;
    answer->since = weir__head_number(&r);
    answer->upper = weir__head_number(&r);
    answer->what = weir__head_bytes(&r);
    answer->hint = weir__head_bytes(&r);
    return weir__head_ended(&r);
}

static unsigned char *put_cut(unsigned char *at, const weir_str *text, size_t most)
{
    return weir__head_put_text(at, weir_str_data(text), text->len < most ? text->len : most);
}

size_t weir__frame_put_ask(unsigned char *at, const weir__ask *ask, size_t body)
{
    unsigned char *to = weir__head_put_number(weir__head_begin(at, 10), ask->id);
    to = weir__head_put_number(to, ask->kind);
    to = weir__head_put_number(to, ask->reader);
    to = weir__head_put_number(to, ask->time);
    to = weir__head_put_number(to, ask->from);
    to = weir__head_put_number(to, ask->ordinal);
    to = weir__head_put_number(to, ask->limit);
    to = weir__head_put_number(to, ask->dataflow);
    to = put_cut(to, &ask->view, WEIR__ASK_TEXT_MAX);
    to = put_cut(to, &ask->owner, WEIR__ASK_TEXT_MAX);
    return weir__head_end(at, to, WEIR__FRAME_ASK, body);
}

size_t weir__frame_put_answer(unsigned char *at, const weir__answer *answer, size_t body)
{
    unsigned char *to = weir__head_put_number(weir__head_begin(at, 7), answer->id);
    to = weir__head_put_number(to, answer->status);
    to = weir__head_put_number(to, answer->ended);
    to = weir__head_put_number(to, answer->since);
    to = weir__head_put_number(to, answer->upper);
    to = put_cut(to, &answer->what, SENTENCE_MAX);
    to = put_cut(to, &answer->hint, SENTENCE_MAX);
    return weir__head_end(at, to, WEIR__FRAME_ANSWER, body);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns plain updates of builders (build.h): noting, sorting and writing them, and making records of
 * them again when that is no longer all there is; in two forms, for values of one word or none, and
 * of two.
 */
#include "trace/plain.h"

#include "base/wide.h"
#include "trace/digits.h"
#include "trace/words.h"

enum {
    HASHED = 256, /* keys at once */
    PART_BITS = 12,
    PART_DIGITS = 1 << PART_BITS,
    FEW = 8, /* that are put in order without branches */
};

#define PLAIN plain
#define PLAIN_WORDS 1
#define FORM(name) plain_##name
#include "trace/plain_form.h"
#undef PLAIN
#undef PLAIN_WORDS
#undef FORM

#define PLAIN wide
#define PLAIN_WORDS 2
#define FORM(name) wide_##name
#include "trace/plain_form.h"

static bool is_wide(const weir_trace_builder *b)
{
    return b->shape->rests.word_count > 1;
}

bool weir__plain_add(weir_trace_builder *b, const weir_updates *u)
{
    return is_wide(b) ? wide_add(b, u) : plain_add(b, u);
}

bool weir__plain_leave(weir_trace_builder *b)
{
    return is_wide(b) ? wide_leave(b) : plain_leave(b);
}

weir_status weir__plain_sort(weir_trace_builder *b, weir__room *room)
{
    return is_wide(b) ? wide_sort_all(b, room) : plain_sort_all(b, room);
}

void weir__plain_write(const weir_trace_builder *b, weir_trace_run *run)
{
    if (is_wide(b))
        wide_write(b, run);
    else
        plain_write(b, run);
}

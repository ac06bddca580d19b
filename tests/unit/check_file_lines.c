/* SPDX-License-Identifier: Apache-2.0
 *
 * Cutting bytes into lines: whatever the pieces they come in, whoever reads which part.
 */
#include <stdio.h>
#include <string.h>

#include <weir/memory.h>

#include "file/lines.h"
#include "support.h"

/* Reads text[begin, end) as the source does, in pieces of at most `piece` bytes; what came out,
 * each line in brackets. */
static const char *cut_part(const char *text, size_t len, size_t begin, size_t end, size_t piece)
{
    static char out[1 << 16];
    weir__lines lines = { .line_max = 40, .end = end };
    size_t at = begin ? begin - 1 : 0, n = 0, line_len, room_size;
    const char *line;
    bool ended = false;
    lines.base = at;
    lines.skipping = begin > 0;
    while (!ended && !weir__lines_over(&lines)) {
        char *room = weir__lines_room(&lines, &room_size);
        ck_assert_ptr_nonnull(room);
        size_t got = len - at < piece ? len - at : piece;
        got = got < room_size ? got : room_size;
        memcpy(room, text + at, got);
        at += got;
        weir__lines_fill(&lines, got);
        ended = got == 0;
        while (weir__lines_next(&lines, &line, &line_len))
            n += (size_t)snprintf(out + n, sizeof out - n, "[%.*s]", (int)line_len, line);
    }
    if (ended && weir__lines_rest(&lines, &line, &line_len))
        n += (size_t)snprintf(out + n, sizeof out - n, "[%.*s]", (int)line_len, line);
    out[n] = '\0';
    weir__lines_fini(&lines);
    return out;
}

static const char *cut(const char *text, size_t piece)
{
    return cut_part(text, strlen(text), 0, strlen(text), piece);
}

START_TEST(lines_are_what_newlines_part)
{
    for (size_t piece = 1; piece < 9; piece++) {
        ck_assert_str_eq(cut("", piece), "");
        ck_assert_str_eq(cut("\n", piece), "[]");
        ck_assert_str_eq(cut("a\nbc\n", piece), "[a][bc]");
        ck_assert_str_eq(cut("a\n\nbc", piece), "[a][][bc]");
        ck_assert_str_eq(cut("a\r\n\xff\xfe\n", piece), "[a\r][\xff\xfe]");
    }
}
END_TEST

START_TEST(long_lines_are_skipped_and_counted)
{
    char text[200];
    memset(text, 'x', sizeof text);
    memcpy(text, "a\n", 2);
    text[43] = '\n'; /* 41 bytes: one too many */
    text[84] = '\n'; /* 40 */
    memcpy(text + 150, "\nb\n", 4);
    for (size_t piece = 1; piece < 160; piece += 7) {
        const char *out = cut(text, piece);
        ck_assert_msg(strncmp(out, "[a][xxx", 7) == 0 && strlen(out) == 3 + 42 + 3 &&
                          strcmp(out + 45, "[b]") == 0,
                      "pieces of %zu: %s", piece, out);
    }
    weir__lines lines = { .line_max = 3, .end = 100 };
    const char *line;
    size_t size, len;
    memcpy(weir__lines_room(&lines, &size), "abcd\nabcde", 10);
    weir__lines_fill(&lines, 10);
    ck_assert(!weir__lines_next(&lines, &line, &len));
    ck_assert(!weir__lines_rest(&lines, &line, &len));
    ck_assert_uint_eq(lines.skipped, 2);
    weir__lines_fini(&lines);
}
END_TEST

/* Any number of readers find each line once, in order, however the file is parted. */
START_TEST(parts_have_each_line_once)
{
    uint64_t seed = test_seed(7), state = seed;
    for (int round = 0; round < 300; round++) {
        char text[400], all[8000] = "";
        size_t len = test_below(&state, sizeof text - 1), at = 0;
        for (size_t i = 0; i < len; i++)
            text[i] = test_below(&state, 6) ? (char)('a' + i % 26) : '\n';
        text[len] = '\0';
        unsigned parts = 1 + (unsigned)test_below(&state, 9);
        for (unsigned w = 0; w < parts; w++) {
            size_t begin = len * w / parts, end = len * (w + 1) / parts;
            if (begin == end)
                continue;
            const char *out = cut_part(text, len, begin, end, 1 + test_below(&state, 20));
            memcpy(all + at, out, strlen(out) + 1);
            at += strlen(out);
        }
        ck_assert_msg(strcmp(all, cut(text, 50)) == 0, "seed %llu, round %d",
                      (unsigned long long)seed, round);
    }
}
END_TEST

START_TEST(blocks_live_as_long_as_they_are_pinned)
{
    weir__lines lines = { .line_max = 1000, .end = UINT64_MAX };
    size_t size, len, before = weir_memory_used();
    const char *line;
    char *room = weir__lines_room(&lines, &size);
    memset(room, 'y', size);
    memcpy(room, "kept\n", 5);
    weir__lines_fill(&lines, size);
    ck_assert(weir__lines_next(&lines, &line, &len));
    weir_pin *pin = &lines.block->pin;
    weir_pin_retain(pin);
    ck_assert(!weir__lines_next(&lines, &line, &len)); /* too long: forgotten */
    ck_assert_ptr_nonnull(weir__lines_room(&lines, &size));
    weir__lines_fini(&lines);
    ck_assert_int_eq(memcmp(room, "kept", 4), 0);
    weir_pin_release(pin);
    ck_assert_uint_eq(weir_memory_used(), before);
    weir_memory_fail_nth(1, 0);
    ck_assert_ptr_null(weir__lines_room(&lines, &size));
    weir_memory_fail_nth(0, 0);
}
END_TEST

int main(void)
{
    const TTest *tests[] = { lines_are_what_newlines_part, long_lines_are_skipped_and_counted,
                             parts_have_each_line_once, blocks_live_as_long_as_they_are_pinned,
                             NULL };
    return test_run(test_suite("file_lines", tests));
}

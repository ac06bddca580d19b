/* SPDX-License-Identifier: Apache-2.0
 *
 * Replays the corpus of every fuzz target, without libFuzzer: each input, its prefixes, and copies
 * with bytes changed at random. A file holds an input a line; bytes that are no printable ASCII,
 * and the backslash, stand as \xNN.
 */
#include <stdio.h>
#include <string.h>

#include "fuzz/targets.h"
#include "support.h"

enum { INPUT_MAX = 2000, CHANGED = 200 };

typedef void target_fn(const char *data, size_t size);

static size_t unescape(const char *line, char *input)
{
    size_t size = 0;
    for (; *line && *line != '\n' && size < INPUT_MAX; size++) {
        unsigned byte = (unsigned char)*line;
        if (line[0] == '\\' && line[1] == 'x' && sscanf(line + 2, "%2x", &byte) == 1)
            line += 4;
        else
            line++;
        input[size] = (char)byte;
    }
    return size;
}

/* From memory of exactly that size, so that a read beyond it is seen. */
static void feed(target_fn *target, const char *input, size_t size)
{
    char *exact = weir_alloc(size + !size);
    memcpy(exact, input, size);
    target(exact, size);
    weir_free(exact, size + !size);
}

static void replay(const char *name, target_fn *target)
{
    char path[1024], line[4 * INPUT_MAX + 2], input[INPUT_MAX];
    uint64_t state = test_seed(51);
    unsigned inputs = 0;
    const char *end = strrchr(__FILE__, '/');
    snprintf(path, sizeof path, "%.*s/corpus/%s.txt", (int)(end - __FILE__), __FILE__, name);
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s cannot be opened", path);
    for (; fgets(line, sizeof line, file); inputs++) {
        size_t size = unescape(line, input);
        for (size_t len = 0; len <= size; len++)
            feed(target, input, len);
        for (int round = 0; round < CHANGED && size > 0; round++) {
            size_t at = test_below(&state, size);
            char before = input[at];
            input[at] = (char)test_random(&state);
            feed(target, input, size);
            if (round % 8) /* some changes stay, and add up */
                input[at] = before;
        }
    }
    fclose(file);
    ck_assert_uint_gt(inputs, 0);
}

#define REPLAY(target)                  \
    START_TEST(replay_##target)         \
    {                                   \
        replay(#target, fuzz_##target); \
    }                                   \
    END_TEST
FUZZ_TARGETS(REPLAY)

int main(void)
{
#define NAME(target) replay_##target,
    const TTest *const tests[] = { FUZZ_TARGETS(NAME) NULL };
    return test_run(test_suite("fuzz_replay", tests));
}

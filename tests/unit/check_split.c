/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding separators: each way that this machine has, against the plain reading of the rule.
 */
#include "data/split.h"

#include <weir/memory.h>

#include "support.h"

static const char *const way_name[WEIR__SPLIT_WAYS] = { "plain", "avx512" };

/* The text and the room for stops are as large as promised, so that a step beyond is seen. */
static void expect_way(weir__split_way way, const char *text, size_t len)
{
    size_t room = (len + WEIR__SPLIT_MORE) * sizeof(uint16_t), wanted = 0;
    uint16_t *stops = weir_alloc_must(room);
    weir_str all = weir_str_view(text, len);
    size_t count = weir__split_by(way, &all, ',', stops);
    for (size_t i = 0; i < len; i++) {
        if (text[i] != ',')
            continue;
        ck_assert_msg(wanted < count && stops[wanted] == i, "%s: stop %zu at %zu of %zu",
                      way_name[way], wanted, i, len);
        wanted++;
    }
    ck_assert_msg(count == wanted, "%s: %zu stops, not %zu, of %zu bytes", way_name[way], count,
                  wanted, len);
    weir_free(stops, room);
}

START_TEST(every_way_finds_every_separator)
{
    uint64_t state = test_seed(17);
    for (size_t len = 1; len <= WEIR__SPLIT_SPAN; len++)
        for (size_t density = 1; density <= 64; density *= 2) {
            char *text = weir_alloc_must(len);
            for (size_t i = 0; i < len; i++)
                text[i] = test_below(&state, density) == 0 ? ',' : (char)('0' + i % 64);
            for (int way = 0; way < WEIR__SPLIT_WAYS; way++)
                if (weir__split_has((weir__split_way)way))
                    expect_way((weir__split_way)way, text, len);
            weir_free(text, len);
        }
}
END_TEST

START_TEST(the_plain_way_is_always_there)
{
    ck_assert(weir__split_has(WEIR__SPLIT_PLAIN));
    expect_way(WEIR__SPLIT_PLAIN, "", 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { every_way_finds_every_separator, the_plain_way_is_always_there,
                                   NULL };
    return test_run(test_suite("split", tests));
}

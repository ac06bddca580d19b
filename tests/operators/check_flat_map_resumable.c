/* SPDX-License-Identifier: Apache-2.0
 *
 * flat_map's resumable form: the same records as the plain one, with diffs, times and strings of
 * what they come from, in as many calls as it takes, and others get their turn in between.
 */
#include <stdio.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define LINE(F) F(str, text) F(u64, times)
#define WORD(F) F(str, text) F(u64, number)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

typedef struct place {
    uint64_t next;
} place;

/* A few at a time; text that lies in the input, or a copy. */
static bool repeat_slowly(const line *in, place *at, weir_out(word) out)
{
    for (int i = 0; i < 7 && at->next < in->times; i++, at->next++)
        word_emit(out, (word){ .text = at->next % 2 ? in->text : weir_str_copy(out, in->text),
                               .number = at->next });
    return at->next < in->times;
}
WEIR_FLAT_MAP_RESUMABLE(repeat_slowly, line, place, word)

static void repeat(const line *in, weir_out(word) out)
{
    for (uint64_t i = 0; i < in->times; i++)
        word_emit(out, (word){ .text = in->text, .number = i });
}
WEIR_FLAT_MAP(repeat, line, word)

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(line) lines = weir_test_collection(g, line);
    weir_stream(line) all = weir_exchange(lines, WEIR_KEY(line, times));
    weir_test_output(weir_flat_map_resumable(all, repeat_slowly));
    weir_test_output(weir_flat_map(all, repeat));
}

/* The same as the plain form, whatever the budget and the size of batches. */
START_TEST(same_as_plain)
{
    for (unsigned workers = 1; workers <= 3; workers++)
        for (int small = 0; small < 2; small++) {
            weir_test *t = weir_test_create(build, NULL, .workers = workers, .seed = workers,
                                            .batch_bytes = small ? 200 : 0,
                                            .budget_bytes = small ? 20000 : 0);
            for (uint64_t i = 0; i < 60; i++)
                weir_test_push(t, 0, line, 1 + i / 20, (int64_t)(i % 5) - 2,
                               { i % 3 ? weir_str_of("a line of more than a few bytes")
                                       : weir_str_of("short"), i * i % 101 });
            ck_assert_int_eq(weir_test_run(t), WEIR_OK);
            char *plain = strdup(weir_test_take(t, 1));
            ck_assert_uint_gt(strlen(plain), 10000);
            ck_assert_str_eq(weir_test_take(t, 0), plain);
            free(plain);
            ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
            weir_test_destroy(t);
        }
}
END_TEST

/* Of a record that makes very many, what was made so far is already worked off by others. */
typedef struct meeting {
    uint64_t made, seen, ahead; /* the most that was made before it was seen */
} meeting;
static meeting met;

static bool make(const line *in, place *at, weir_out(word) out)
{
    for (int i = 0; i < 100 && at->next < in->times; i++, met.made++)
        word_emit(out, (word){ .text = in->text, .number = at->next++ });
    return at->next < in->times;
}
WEIR_FLAT_MAP_RESUMABLE(make, line, place, word)

static void see(weir_step *step, void *state)
{
    (void)state;
    for (const weir_batch *b; (b = weir_step_take(step, 0));) {
        met.ahead = met.made - met.seen > met.ahead ? met.made - met.seen : met.ahead;
        for (size_t i = 0; i < b->count; i++)
            ck_assert_uint_eq(((const word *)b->records)[i].number, met.seen + i);
        met.seen += b->count;
    }
}

static void build_meeting(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(word) made = weir_flat_map_resumable(weir_test_input(g, line), make);
    weir_node_input input = { .type = word_type() };
    weir_node_add(g, &(weir_node_spec){ .struct_size = sizeof(weir_node_spec), .kind = "see",
                                        .input_count = 1, .inputs = &input, .step = see },
                  &made.port);
}

START_TEST(others_get_their_turn)
{
    enum { MANY = 1000000, BUDGET = 256 << 10 };
    met = (meeting){ 0 };
    weir_test *t = weir_test_create(build_meeting, NULL, .budget_bytes = BUDGET);
    weir_test_push(t, 0, line, 1, +1, { weir_str_of("many"), MANY });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_uint_eq(met.seen, MANY);
    ck_assert_uint_le(met.ahead * sizeof(word), BUDGET);
    weir_process_info info;
    weir_observe_process(weir_test_runtime(t), &info);
    ck_assert_uint_eq(info.spilled_total_bytes, 0);
    ck_assert_uint_le(info.in_flight_peak_bytes, BUDGET);
    weir_test_destroy(t);
}
END_TEST

static void build_nothing(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir__flat_map_resumable(weir_test_input(g, line).port,
                             &(weir_resumable_spec){ .struct_size = sizeof(weir_resumable_spec),
                                                     .in = line_type(), .out = word_type() });
}

START_TEST(refuses_nothing_to_call)
{
    weir_test *t = weir_test_create(build_nothing, NULL, .workers = 1);
    ck_assert_int_eq(weir_test_error(t)->status, WEIR_INVALID);
    ck_assert(strstr(weir_test_error(t)->what, "no function"));
    weir_test_destroy(t);
}
END_TEST

int main(void)
{
    return test_run(test_suite("flat_map_resumable", (const TTest *const[]){
        same_as_plain, others_get_their_turn, refuses_nothing_to_call, NULL }));
}

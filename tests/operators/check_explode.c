/* SPDX-License-Identifier: Apache-2.0
 *
 * explode: against multiplying from scratch at every time, strings made and passed on, a product
 * that does not fit, a stream of other records.
 */
#include <weir/operators/explode.h>

#include <stdio.h>
#include <weir/test.h>

#include "oracle.h"

#define PART(F) F(u32, key) F(str, name) F(str, long_name)
WEIR_RECORD(part, PART)

static const char *const parts[3] = { "one", "a name of more than twelve bytes", "three" };

/* Part p as often as the value less p: some of them less than never. */
static void split(const fact *f, weir_out(part) out)
{
    for (uint32_t p = 0; p < 3 && f->value > 0; p++)
        part_emit_n(out,
                    (part){ f->key, weir_str_of(parts[p]),
                            weir_str_format(out, "%s of the value %u", parts[p], f->value) },
                    (int64_t)f->value - p - 1);
    part_emit(out, (part){ f->key, weir_str_of("itself"), weir_str_of("") });
}
WEIR_EXPLODE(split, fact, part)

static void build(const weir_stream(fact) *in)
{
    weir_test_output(weir_explode(in[0], split));
}

static void expect(unsigned output, bag *b, const oracle_sums *sums)
{
    (void)output;
    for (uint32_t k = 0; k < KEYS; k++)
        for (uint32_t v = 0; v < VALUES; v++) {
            for (uint32_t p = 0; p < 3 && v > 0; p++) {
                char text[100];
                snprintf(text, sizeof text, "%s of the value %u", parts[p], v);
                bag_add_record(b, part_type(),
                               &(part){ k, weir_str_of(parts[p]), weir_str_of(text) },
                               sums[0].of[k][v] * ((int64_t)v - p - 1));
            }
            bag_add_record(b, part_type(), &(part){ k, weir_str_of("itself"), weir_str_of("") },
                           sums[0].of[k][v]);
        }
}

START_TEST(like_multiplying)
{
    oracle_check(&(oracle){ .inputs = 1, .outputs = 1, .depth_max = 3, .negative = true,
                            .types = { part_type() }, .build = build, .expect = expect,
                            .seeds = 30 });
}
END_TEST

/* ---- by hand ---- */

#define LINE(F) F(str, text) F(i64, times)
WEIR_RECORD(line, LINE)

static void repeat(const line *l, weir_out(line) out)
{
    line_emit_n(out, (line){ l->text, 0 }, l->times);
}
WEIR_EXPLODE(repeat, line, line)

static void build_plain(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(line) made = weir_explode(weir_test_input(g, line), repeat);
    ck_assert(weir_port_is_collection(made.port));
    weir_test_output(made);
}

static void build_changes(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_test_output(weir_explode(weir_test_collection(g, line), repeat));
}

START_TEST(of_a_plain_stream)
{
    weir_test *t = weir_test_create(build_plain, NULL, .workers = 2);
    weir_test_push(t, 0, line, 1, 1, { weir_str_of("a text that came with the record"), 3 });
    weir_test_push(t, 0, line, 2, 1, { weir_str_of("none"), 0 });
    weir_test_push(t, 0, line, 2, 1, { weir_str_of("less"), -2 });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_uint_eq(weir_test_count(t, 0), 2);
    ck_assert_str_eq(weir_test_take(t, 0),
                     "(text: \"a text that came with the record\", times: 0) @1 +3\n"
                     "(text: \"less\", times: 0) @2 -2\n");
    weir_test_destroy(t);
}
END_TEST

START_TEST(overflow)
{
    weir_test *t = weir_test_create(build_changes, NULL);
    weir_test_push(t, 0, line, 1, 2, { weir_str_of("half"), INT64_MAX / 2 });
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    weir_test_push(t, 0, line, 1, 3, { weir_str_of("too much"), INT64_MAX / 2 });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OVERFLOWED);
    ck_assert_str_eq(weir_test_error(t)->what,
                     "how often (text: \"too much\", times: 4611686018427387903) is there, and how "
                     "often it makes something, have a product beyond 64 bits");
    weir_test_destroy(t);
}
END_TEST

static void build_wrong(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_explode_erased(weir_test_input(g, part).port, line_type(), line_type(),
                        weir_explode_of_repeat, "repeat");
    ck_assert_ptr_null(weir_explode_erased(NULL, line_type(), line_type(), NULL, "none"));
}

START_TEST(refusals)
{
    weir_test *t = weir_test_create(build_wrong, NULL);
    ck_assert_int_eq(weir_test_error(t)->status, WEIR_TYPE_MISMATCH);
    weir_test_destroy(t);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { like_multiplying, of_a_plain_stream, overflow, refusals, NULL };
    return test_run(test_suite("explode", tests));
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * count_distinct: against counting from scratch at every time, null as a value, refusals.
 */
#include <weir/operators/count_distinct.h>

#include <weir/test.h>

#include "oracle.h"

#define VISIT(F) F(opt_str, user) F(u32, page) F(u8, hour)
#define USERS(F) F(u32, page) F(i64, users)
WEIR_RECORD(visit, VISIT)
WEIR_RECORD(users, USERS)

/* Values 2n and 2n + 1 are visits of one user, value 0 and 1 of nobody. */
static visit to_visit(const fact *f)
{
    static const char *const names[] = { "", "me", "somebody with a long name", "you" };
    uint32_t user = f->value / 2;
    return (visit){ { user > 0, weir_str_of(names[user]) }, f->key, (uint8_t)(f->value % 2) };
}
WEIR_MAP(to_visit, fact, visit)

static void build(const weir_stream(fact) *in)
{
    weir_stream(users) u = weir_count_distinct(weir_map(in[0], to_visit), users,
                                               WEIR_KEY(visit, page), user);
    ck_assert_uint_eq(weir_port_unique_key(u.port)->count, 1);
    weir_test_output(u);
}

static void expect(unsigned output, bag *b, const oracle_sums *sums)
{
    (void)output;
    for (uint32_t k = 0; k < KEYS; k++) {
        int64_t count = 0;
        for (uint32_t v = 0; v < VALUES; v += 2)
            count += sums[0].of[k][v] + (v + 1 < VALUES ? sums[0].of[k][v + 1] : 0) > 0;
        bag_add_record(b, users_type(), &(users){ k, count }, count > 0);
    }
}

START_TEST(like_counting)
{
    oracle_check(&(oracle){ .inputs = 1, .outputs = 1, .depth_max = 3, .negative = true,
                            .types = { users_type() }, .build = build, .expect = expect,
                            .seeds = 45 });
}
END_TEST

#define WIDE(F) F(u8, a) F(u8, b) F(u8, c) F(u8, d) F(u8, e) F(u8, f) F(u8, g) F(u8, h) F(u8, i)
WEIR_RECORD(wide, WIDE)

static void refuse_field(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_key key = { .count = 1, .field = { 1 } };
    weir_stream(visit) in = weir_test_input(g, visit);
    ck_assert_ptr_null(weir__count_distinct(NULL, users_type(), NULL, "user"));
    ck_assert_ptr_null(weir_count_distinct_erased(in.port, &key, 3, users_type()));
}

static void refuse_name(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(visit) in = weir_test_input(g, visit);
    const char *const names[] = { "page", NULL };
    ck_assert_ptr_null(weir__count_distinct(in.port, users_type(), names, "colour"));
}

static void refuse_wide(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_key key = { .count = 8, .field = { 0, 1, 2, 3, 4, 5, 6, 7 } };
    weir_stream(wide) in = weir_test_input(g, wide);
    ck_assert_ptr_null(weir_count_distinct_erased(in.port, &key, 8, users_type()));
}

static void refuse_key(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_key key = { .count = 1, .field = { 9 } };
    weir_stream(wide) in = weir_test_input(g, wide);
    ck_assert_ptr_null(weir_count_distinct_erased(in.port, &key, 8, users_type()));
}

static void refuse_result(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_key key = { .count = 1, .field = { 1 } };
    weir_stream(visit) in = weir_test_input(g, visit);
    ck_assert_ptr_null(weir_count_distinct_erased(in.port, &key, 0, wide_type()));
}

START_TEST(refusals)
{
    oracle_refused(refuse_field, WEIR_TYPE_MISMATCH, "record 'visit' has no field 3");
    oracle_refused(refuse_name, WEIR_TYPE_MISMATCH, "record 'visit' has no field 'colour'");
    oracle_refused(refuse_wide, WEIR_INVALID, "a key of 8 fields");
    oracle_refused(refuse_key, WEIR_TYPE_MISMATCH, "record 'wide' has no field 9");
    oracle_refused(refuse_result, WEIR_TYPE_MISMATCH,
                   "record 'wide' cannot hold counts of 'fields' by this key");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { like_counting, refusals, NULL };
    return test_run(test_suite("count_distinct", tests));
}

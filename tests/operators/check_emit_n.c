/* SPDX-License-Identifier: Apache-2.0
 *
 * n of a record at once, in the functions that are not made for it: in joins and flat_maps it
 * multiplies with the diff of what it comes from; into a plain stream it cannot go.
 */
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define MANY(F) F(str, name) F(i64, n)
#define PIECE(F) F(str, name) F(u32, part)
WEIR_RECORD(many, MANY)
WEIR_RECORD(piece, PIECE)

/* n of one piece, and one each of those around it. */
static void around(const many *m, weir_out(piece) out)
{
    piece_emit(out, (piece){ m->name, 0 });
    piece_emit_n(out, (piece){ m->name, 1 }, m->n);
    piece_emit(out, (piece){ m->name, 2 });
}
WEIR_FLAT_MAP(around, many, piece)
WEIR_EXPLODE(around, many, piece)

typedef struct place {
    uint32_t next;
} place;

static bool slowly(const many *m, place *at, weir_out(piece) out)
{
    piece_emit_n(out, (piece){ m->name, at->next }, at->next == 1 ? m->n : 1);
    piece_emit(out, (piece){ m->name, 3 });
    return ++at->next < 3;
}
WEIR_FLAT_MAP_RESUMABLE(slowly, many, place, piece)

static void again(const many *m, weir_out(piece) out)
{
    piece_emit_n(out, (piece){ m->name, 0 }, m->n);
    piece_emit_n(out, (piece){ m->name, 0 }, 2);
    piece_emit_n(out, (piece){ m->name, 1 }, 1);
}
WEIR_FLAT_MAP(again, many, piece)

static void both(const many *a, const many *b, weir_out(piece) out)
{
    piece_emit_n(out, (piece){ a->name, 1 }, b->n);
    piece_emit(out, (piece){ a->name, 2 });
}
WEIR_JOIN(both, many, many, piece)

/* ---- results ---- */

static void build_flat_map(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(many) in = weir_test_collection(g, many);
    weir_test_output(weir_consolidate(weir_flat_map(in, around)));
    weir_test_output(weir_consolidate(weir_explode(in, around)));
}

/* Whether the batch has a column of diffs or none. */
START_TEST(flat_map_of_a_collection)
{
    for (int64_t diff = -2; diff <= 3; diff++) {
        weir_test *t = weir_test_create(build_flat_map, NULL);
        if (diff != 0)
            weir_test_push(t, 0, many, 1, diff, { weir_str_of("a"), 5 });
        weir_test_push(t, 0, many, 1, 1, { weir_str_of("b"), -4 });
        weir_test_push(t, 0, many, 1, 1, { weir_str_of("c"), 0 });
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        char *exploded = strdup(weir_test_take(t, 1));
        ck_assert_str_eq(weir_test_take(t, 0), exploded);
        ck_assert_ptr_nonnull(strstr(exploded, "(name: \"b\", part: 1) @1 -4\n"));
        ck_assert_ptr_null(strstr(exploded, "(name: \"c\", part: 1)"));
        ck_assert(diff != 3 || strstr(exploded, "(name: \"a\", part: 1) @1 +15\n"));
        free(exploded);
        weir_test_destroy(t);
    }
}
END_TEST

static void build_slowly(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_test_output(weir_flat_map_resumable(weir_test_collection(g, many), slowly));
}

START_TEST(flat_map_resumable_of_a_collection)
{
    weir_test *t = weir_test_create(build_slowly, NULL);
    weir_test_push(t, 0, many, 1, -3, { weir_str_of("a"), 5 });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_str_eq(weir_test_take(t, 0), "(name: \"a\", part: 0) @1 -3\n"
                                           "(name: \"a\", part: 1) @1 -15\n"
                                           "(name: \"a\", part: 2) @1 -3\n"
                                           "(name: \"a\", part: 3) @1 -3\n"
                                           "(name: \"a\", part: 3) @1 -3\n"
                                           "(name: \"a\", part: 3) @1 -3\n");
    weir_test_destroy(t);
}
END_TEST

static void build_again(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_test_output(weir_flat_map(weir_test_collection(g, many), again));
}

/* What comes again at once is added to what it was, unless nothing would be left of it or it would
 * leave the range. */
START_TEST(the_same_again)
{
    weir_test *t = weir_test_create(build_again, NULL);
    weir_test_push(t, 0, many, 1, 1, { weir_str_of("a"), 3 });
    weir_test_push(t, 0, many, 1, 1, { weir_str_of("b"), -2 });
    weir_test_push(t, 0, many, 1, 1, { weir_str_of("c"), INT64_MAX });
    weir_test_push(t, 0, many, 1, 1, { weir_str_of("d"), WEIR__TOGETHER_MAX - 2 });
    weir_test_push(t, 0, many, 1, 1, { weir_str_of("e"), WEIR__TOGETHER_MAX - 1 });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_str_eq(weir_test_take(t, 0), "(name: \"a\", part: 0) @1 +5\n"
                                           "(name: \"a\", part: 1) @1 +1\n"
                                           "(name: \"b\", part: 0) @1 -2\n"
                                           "(name: \"b\", part: 0) @1 +2\n"
                                           "(name: \"b\", part: 1) @1 +1\n"
                                           "(name: \"c\", part: 0) @1 +2\n"
                                           "(name: \"c\", part: 0) @1 +9223372036854775807\n"
                                           "(name: \"c\", part: 1) @1 +1\n"
                                           "(name: \"d\", part: 0) @1 +512\n"
                                           "(name: \"d\", part: 1) @1 +1\n"
                                           "(name: \"e\", part: 0) @1 +2\n"
                                           "(name: \"e\", part: 0) @1 +511\n"
                                           "(name: \"e\", part: 1) @1 +1\n");
    weir_test_destroy(t);
}
END_TEST

static void build_join(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(many) a = weir_test_collection(g, many);
    weir_stream(many) b = weir_test_collection(g, many);
    weir_test_output(weir_consolidate(
        weir_join(a, WEIR_KEY(many, name), b, WEIR_KEY(many, name), both)));
}

START_TEST(joins)
{
    weir_test *t = weir_test_create(build_join, NULL, .workers = 2);
    weir_test_push(t, 0, many, 1, 1, { weir_str_of("a"), 0 });
    weir_test_push(t, 0, many, 1, 3, { weir_str_of("b"), 0 });
    weir_test_push(t, 1, many, 1, 1, { weir_str_of("a"), 5 });
    weir_test_push(t, 1, many, 1, -2, { weir_str_of("b"), 7 });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_str_eq(weir_test_take(t, 0), "(name: \"a\", part: 1) @1 +5\n"
                                           "(name: \"a\", part: 2) @1 +1\n"
                                           "(name: \"b\", part: 1) @1 -42\n"
                                           "(name: \"b\", part: 2) @1 -6\n");
    weir_test_destroy(t);
}
END_TEST

/* ---- out of range ---- */

static void expect_beyond(weir_test *t, const char *what)
{
    ck_assert_int_eq(weir_test_finish(t), WEIR_OVERFLOWED);
    ck_assert_str_eq(weir_test_error(t)->what, what);
    weir_test_destroy(t);
}

START_TEST(products_out_of_range)
{
    weir_test *t = weir_test_create(build_slowly, NULL);
    weir_test_push(t, 0, many, 1, 3, { weir_str_of("a"), INT64_MAX / 2 });
    expect_beyond(t, "how often a record is there, and how often 'flat_map-1' makes "
                     "something of it, have a product beyond 64 bits");
    t = weir_test_create(build_flat_map, NULL);
    weir_test_push(t, 0, many, 1, 3, { weir_str_of("a"), INT64_MAX / 2 });
    expect_beyond(t, "how often a record is there, and how often 'around' makes something of it, "
                     "have a product beyond 64 bits");
    t = weir_test_create(build_join, NULL);
    weir_test_push(t, 0, many, 1, 3, { weir_str_of("a"), 0 });
    weir_test_push(t, 1, many, 1, 1, { weir_str_of("a"), INT64_MAX / 2 });
    expect_beyond(t, "how often a record is there, and how often 'join-1' makes something of it, "
                     "have a product beyond 64 bits");
}
END_TEST

/* ---- plain streams ---- */

static void build_plain(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_test_output(weir_flat_map(weir_test_input(g, many), around));
}

static void build_plain_slowly(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_test_output(weir_flat_map_resumable(weir_test_input(g, many), slowly));
}

static void run_two(void *build)
{
    weir_test *t = weir_test_create(*(weir_build_fn **)build, NULL);
    weir_test_push(t, 0, many, 1, 1, { weir_str_of("a"), 2 });
    (void)weir_test_finish(t);
}

START_TEST(of_a_plain_stream)
{
    weir_build_fn *builds[] = { build_plain, build_plain_slowly };
    for (int i = 0; i < 2; i++) {
        test_dies(run_two, &builds[i],
                  "a record 'piece' is emitted 2 times at once into a plain stream");
        weir_test *t = weir_test_create(builds[i], NULL);
        weir_test_push(t, 0, many, 1, 1, { weir_str_of("a"), 1 });
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        ck_assert_ptr_nonnull(strstr(weir_test_take(t, 0), "(name: \"a\", part: 1) @1 +1\n"));
        weir_test_destroy(t);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { flat_map_of_a_collection,
                                   flat_map_resumable_of_a_collection,
                                   the_same_again,
                                   joins,
                                   products_out_of_range,
                                   of_a_plain_stream,
                                   NULL };
    return test_run(test_suite("emit_n", tests));
}

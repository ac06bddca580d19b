/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs in files that go bad while they are read: by a join's look-ups, by whoever merges when the
 * one who arranged is gone, by readers of a view. The run ends with the file's name, and nothing
 * that came of it is seen.
 */
#include <string.h>

#include <weir/operators/publish.h>
#include <weir/test.h>
#include <weir/view.h>
#include <weir/weir.h>

#include "harness/disk.h"
#include "support.h"

#define EDGE(F) F(u64, from) F(u64, to)
WEIR_RECORD(edge, EDGE)
#define ASKED(F) F(u64, id)
WEIR_RECORD(asked, ASKED)

/* Of MANY edges with three updates each, diffs are among others at this place of the file. */
enum { EDGES = 40, HEAD = 4096, MANY = 20000, DIFFS = 1000000 };

static void pair_up(const asked *a, const edge *e, weir_out(edge) out)
{
    (void)a;
    edge_emit(out, *e);
}
WEIR_JOIN(pair_up, asked, edge, edge)

static void ends_with(weir_test *t, weir_status status, const char *what)
{
    ck_assert_int_eq(weir_test_run(t), status);
    const weir_error *error = weir_test_error(t);
    ck_assert_msg(strstr(error->what, "the run state/") && strstr(error->what, what), "%s",
                  error->what);
}

static void many_edges(weir_test *t, uint64_t epoch, int64_t diff, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        weir_test_push(t, 0, edge, epoch, diff, { i, i + 1 });
    weir_test_advance(t, 0, epoch + 1);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
}

static void edges(weir_test *t, uint64_t epoch, int64_t diff)
{
    many_edges(t, epoch, diff, EDGES);
}

/* ---- look-ups ---- */

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(edge) all = weir_test_collection(g, edge);
    weir_stream(asked) ids = weir_test_collection(g, asked);
    weir_test_output(
        weir_join(ids, WEIR_KEY(asked, id), all, WEIR_KEY(edge, from), pair_up));
}

/* The first who reads the side that was arranged once. */
START_TEST(a_join_finds_it)
{
    for (unsigned lost = 0; lost < 2; lost++) {
        weir_test *t = weir_test_create(build, NULL, .segment_bytes = 600, .no_delays = true);
        edges(t, 1, 1);
        weir_test_advance(t, 1, 1);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_str_eq(weir_test_take(t, 0), "");
        if (lost)
            weir__test_disk_of(t)->lost = true;
        else
            weir__test_disk_damage_maps(weir__test_disk_of(t), HEAD + 8);
        weir_test_push(t, 1, asked, 1, 1, { 3 });
        weir_test_push(t, 1, asked, 1, 1, { 30 });
        weir_test_advance(t, 1, 2);
        ends_with(t, WEIR_BAD_DATA,
                  lost ? "is damaged: it is truncated, or the disk fails: block 0 cannot be read"
                       : "is damaged: the checksum of block 0 does not fit");
        weir_test_destroy(t);
    }
}
END_TEST

/* ---- merges ---- */

static void build_publisher(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(edge) all = weir_test_collection(g, edge);
    weir_arranged_publish(weir_arrange(all, WEIR_KEY(edge, from)), "edges");
}

static void build_importer(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(edge) all = weir_arranged_collection(
        weir_arranged_import(g, edge, WEIR_KEY(edge, from), "edges"));
    weir_stream(asked) ids = weir_test_collection(g, asked);
    weir_test_output(
        weir_join(ids, WEIR_KEY(asked, id), all, WEIR_KEY(edge, from), pair_up));
}

static const weir_test_build builds[] = { { "publisher", build_publisher, NULL },
                                          { "importer", build_importer, NULL } };

/* The publisher is gone; who still reads merges what it left. The key that it looks up is not
 * there: of the file it reads hashes only, and what is damaged are diffs. */
START_TEST(somebody_elses_merge_finds_it)
{
    weir_test *t = weir_test_create(NULL, NULL, .segment_bytes = 600, .builds = builds,
                                    .build_count = 2, .no_delays = true);
    weir_dataflow_spec spec = { .struct_size = sizeof spec, .build = "publisher" };
    weir_dataflow *publisher = weir_test_add(t, &spec);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    many_edges(t, 1, 1, MANY);
    spec.build = "importer";
    weir_test_add(t, &spec);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    many_edges(t, 3, -1, MANY);
    many_edges(t, 4, 1, MANY);
    weir_test_remove(t, publisher);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    weir__test_disk_damage_maps(weir__test_disk_of(t), HEAD + DIFFS);
    weir_test_push(t, 1, asked, 5, 1, { UINT64_MAX });
    weir_test_advance(t, 1, 6); /* what was before may be forgotten: the run is merged */
#ifdef WEIR_HASH_8BIT /* hashes of other keys fit, too: the look-up reads on and finds it */
    ends_with(t, WEIR_BAD_DATA, "does not fit");
#else
    ends_with(t, WEIR_BAD_DATA, "does not fit, which begins in its diffs");
#endif
    weir_test_destroy(t);
}
END_TEST

/* ---- readers ---- */

static void build_view(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_view(weir_test_collection(g, edge), "edges", WEIR_KEY(edge, from));
}

static bool count_row(const weir_view_row *row, void *ctx)
{
    (void)row;
    ++*(unsigned *)ctx;
    return true;
}

typedef weir_status read_fn(weir_view_reader *reader, unsigned *rows);

static weir_status look_up(weir_view_reader *reader, unsigned *rows)
{
    return weir_view_reader_lookup(reader, &(edge){ 3, 0 }, count_row, rows);
}
static weir_status scan(weir_view_reader *reader, unsigned *rows)
{
    weir_view_place place = { 0 };
    return weir_view_reader_scan(reader, &place, 0, count_row, rows);
}
static weir_status changes(weir_view_reader *reader, unsigned *rows)
{
    return weir_view_reader_changes(reader, 0, NULL, count_row, rows);
}
static weir_status changes_of_key(weir_view_reader *reader, unsigned *rows)
{
    return weir_view_reader_changes(reader, 0, &(edge){ 3, 0 }, count_row, rows);
}

START_TEST(a_reader_finds_it)
{
    static read_fn *const readers[] = { look_up, scan, changes, changes_of_key };
    for (unsigned r = 0; r < 4; r++)
        for (unsigned damaged = 0; damaged < 2; damaged++) {
            weir_test *t = weir_test_create(build_view, NULL, .segment_bytes = 600);
            edges(t, 1, 1);
            weir_view *view = weir_views_find(weir_runtime_views(weir_test_runtime(t)), "edges");
            weir_view_reader *reader;
            unsigned rows = 0;
            ck_assert_int_eq(weir_view_reader_open(view, "test", &reader, NULL), WEIR_OK);
            if (damaged)
                weir__test_disk_damage_maps(weir__test_disk_of(t), HEAD + 8);
            ck_assert_int_eq(readers[r](reader, &rows), damaged ? WEIR_BAD_DATA : WEIR_OK);
            ck_assert_uint_eq(rows, damaged ? 0 : r % 3 == 0 ? 1 : EDGES);
            const weir_error *error = weir_view_reader_error(reader);
            ck_assert_int_eq(error != NULL, damaged);
            ck_assert(!error || strstr(error->what, "the run state/"));
            weir_view_reader_close(reader);
            weir_view_release(view);
            if (damaged) { /* the run ends when it does something */
                weir_test_push(t, 0, edge, 2, 1, { 1, 1 });
                weir_test_advance(t, 0, 3);
                ends_with(t, WEIR_BAD_DATA, "is damaged");
            }
            weir_test_destroy(t);
        }
}
END_TEST

/* ---- a disk that is full ---- */

START_TEST(a_full_disk_costs_no_answer)
{
    weir_test *t = weir_test_create(build, NULL, .segment_bytes = 600, .disk_bytes = 12000);
    for (uint64_t epoch = 1; epoch <= 9; epoch++)
        edges(t, epoch, 1);
    weir_test_push(t, 1, asked, 9, 1, { 3 });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_str_eq(weir_test_take_sums(t, 0), "(from: 3, to: 4) @9 +9\n");
    weir_test_destroy(t);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { a_join_finds_it, somebody_elses_merge_finds_it,
                                   a_reader_finds_it, a_full_disk_costs_no_answer, NULL };
    return test_run(test_suite("state", tests));
}

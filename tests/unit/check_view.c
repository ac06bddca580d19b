/* SPDX-License-Identifier: Apache-2.0
 *
 * The registry of views, and readers of what two workers publish by hand: which time they read at,
 * what holds keep, pages of a scan, changes, what is gone, what fails.
 */
#include <weir/view.h>

#include <stdio.h>
#include <string.h>

#include <weir/record.h>
#include <weir/worker.h>

#include "support.h"

#define STOCK(F) F(str, product) F(i64, left)
WEIR_RECORD(stock, STOCK)

enum { WORKERS = 2, SEED = 5 };

/* ---- workers that do what they are told ---- */

typedef struct publisher {
    weir_spine *spine;
    weir_trace_builder *builder;
} publisher;

static weir_views *views;
static weir_view *view;
static weir_shape *shape;
static publisher publishers[WORKERS];
static const char *const products[] = { "apples", "bananas of the largest size", "cherries",
                                        "dates" };

static weir_view_spec spec_of(const char *name)
{
    return (weir_view_spec){ .struct_size = sizeof(weir_view_spec),
                             .name = name,
                             .type = stock_type(),
                             .key = { .count = 1 },
                             .workers = WORKERS,
                             .retention_ms = 10 };
}

static void start(void)
{
    weir_view_spec spec = spec_of("stock");
    views = weir_views_create();
    ck_assert_int_eq(weir_views_add(views, &spec, &view, NULL), WEIR_OK);
    weir_shape_spec arranged = { .type = stock_type(), .key = spec.key, .depth = 1, .seed = SEED };
    ck_assert_int_eq(weir_shape_create(&shape, &arranged, NULL), WEIR_OK);
    for (int w = 0; w < WORKERS; w++) {
        publishers[w].spine = weir_spine_create(shape, NULL);
        publishers[w].builder = weir_trace_builder_create(shape, NULL);
    }
}

static void end(void)
{
    for (int w = 0; w < WORKERS; w++) {
        weir_spine_destroy(publishers[w].spine);
        weir_trace_builder_destroy(publishers[w].builder);
    }
    weir_shape_release(shape);
    weir_views_remove(view);
    weir_views_destroy(views);
}

static stock make(unsigned product, int64_t left)
{
    return (stock){ weir_str_of(products[product]), left };
}

static void change(unsigned product, int64_t left, uint64_t time, int64_t diff)
{
    stock s = make(product, left);
    weir_updates u = { .records = &s, .count = 1, .time = { { time } }, .diffs = &diff };
    unsigned owner = (unsigned)(weir_shape_hash(shape, &s) >> 63);
    ck_assert_int_eq(weir_trace_builder_add(publishers[owner].builder, &u), WEIR_OK);
}

/* What was changed since becomes a run. */
static void build(unsigned w)
{
    weir_trace_run *run;
    ck_assert_int_eq(weir_trace_builder_build(publishers[w].builder, &run), WEIR_OK);
    if (run)
        ck_assert_int_eq(weir_spine_append(publishers[w].spine, run, NULL), WEIR_OK);
}

static void publish(unsigned w, uint64_t upper)
{
    build(w);
    weir_trace_runs *runs = weir_spine_list(publishers[w].spine);
    weir_view_part part = { .runs = runs,
                            .upper = upper,
                            .seed = SEED,
                            .now_ns = 77 + w,
                            .records = 2,
                            .updates = weir_spine_updates(publishers[w].spine),
                            .bytes = weir_spine_bytes(publishers[w].spine) };
    weir_view_publish(view, w, &part);
    weir_trace_runs_release(runs);
}

static weir_view_reader *open(const char *owner)
{
    weir_view_reader *reader;
    ck_assert_int_eq(weir_view_reader_open(view, owner, &reader, NULL), WEIR_OK);
    return reader;
}

/* ---- rows as text ---- */

typedef struct rows {
    char text[2000];
    int left;
} rows;

static bool add_row(const weir_view_row *row, void *ctx)
{
    rows *r = ctx;
    size_t used = strlen(r->text);
    weir_record_text(stock_type(), row->record, r->text + used, sizeof r->text - used);
    used = strlen(r->text);
    snprintf(r->text + used, sizeof r->text - used, "%+d@%d ", (int)row->diff, (int)row->time);
    return --r->left != 0;
}

static const char *lookup(weir_view_reader *reader, unsigned product)
{
    static rows r;
    stock key = make(product, 0);
    r = (rows){ .left = -1 };
    ck_assert_int_eq(weir_view_reader_lookup(reader, &key, add_row, &r), WEIR_OK);
    return r.text;
}

static const char *changes(weir_view_reader *reader, uint64_t since)
{
    static rows r;
    r = (rows){ .left = -1 };
    ck_assert_int_eq(weir_view_reader_changes(reader, since, NULL, add_row, &r), WEIR_OK);
    return r.text;
}

static size_t count_rows(const char *text)
{
    size_t n = 0;
    for (; (text = strchr(text, '@')); text++)
        n++;
    return n;
}

/* ---- tests ---- */

static void note_name(weir_view *v, void *ctx)
{
    snprintf((char *)ctx + strlen(ctx), 100 - strlen(ctx), "%s ", weir_view_name(v));
}

START_TEST(registry)
{
    weir_view *other, *third;
    weir_error error;
    start();
    weir_view_spec spec = spec_of("stock");
    ck_assert_int_eq(weir_views_add(views, &spec, &other, &error), WEIR_EXISTS);
    ck_assert_str_eq(error.what, "there is a view 'stock' already");
    const char *const bad[] = { NULL, "", "a b", "a/b", "\xc3\xa4" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        spec.name = bad[i];
        ck_assert_int_eq(weir_views_add(views, &spec, &other, &error), WEIR_INVALID);
        ck_assert_ptr_null(other);
    }
    spec.name = "more.of_it-2";
    ck_assert_int_eq(weir_views_add(NULL, &spec, &other, &error), WEIR_INVALID);
    for (uint64_t nth = 1; nth < 3; nth++) {
        weir_memory_fail_nth(nth, 0);
        ck_assert_int_eq(weir_views_add(views, &spec, &other, &error), WEIR_NO_MEMORY);
    }
    weir_memory_fail_nth(1, 0);
    ck_assert_ptr_null(weir_views_create());
    weir_memory_fail_nth(0, 0);
    ck_assert_int_eq(weir_views_add(views, &spec, &other, &error), WEIR_OK);
    spec.name = "z";
    ck_assert_int_eq(weir_views_add(views, &spec, &third, &error), WEIR_OK);
    char names[100] = "";
    weir_views_each(views, note_name, names);
    ck_assert_str_eq(names, "more.of_it-2 stock z ");
    ck_assert_ptr_eq(weir_views_find(views, "stock"), view);
    ck_assert_ptr_eq(weir_views_find(views, "more.of_it-2"), other);
    weir_view_release(view);
    weir_view_release(other);
    weir_view_release(NULL);
    ck_assert_ptr_null(weir_views_find(views, "stoc"));
    ck_assert_ptr_null(weir_views_find(views, "zz"));
    ck_assert_ptr_eq(weir_view_type(view), stock_type());
    ck_assert_uint_eq(weir_view_key(view)->count, 1);
    weir_views_remove(third);
    weir_views_remove(other);
    end();
    weir_views_destroy(NULL);
}
END_TEST

START_TEST(time_of_a_reader)
{
    weir_view_reader *reader;
    weir_error error;
    start();
    ck_assert_int_eq(weir_view_reader_open(view, "r", &reader, &error), WEIR_NOT_READY);
    ck_assert_str_eq(error.hint, "try again later");
    change(0, 10, 0, 1);
    change(1, 20, 0, 1);
    change(2, 30, 0, 1);
    publish(0, 1);
    ck_assert_uint_eq(weir_view_upper(view), 0);
    ck_assert_int_eq(weir_view_reader_open(view, "r", &reader, &error), WEIR_NOT_READY);
    publish(1, 1);
    ck_assert_uint_eq(weir_view_upper(view), 1);
    reader = open("r");
    ck_assert_uint_eq(weir_view_reader_time(reader), 0);
    ck_assert_str_eq(lookup(reader, 0), "(product: \"apples\", left: 10)+1@0 ");
    ck_assert_str_eq(lookup(reader, 3), "");
    /* One worker is ahead: what it alone has is not seen. */
    for (unsigned p = 0; p < 3; p++) {
        change(p, 10 * (p + 1), 1, -1);
        change(p, 5, 1, 1);
    }
    publish(0, 2);
    ck_assert(!weir_view_reader_refresh(reader));
    weir_view_reader *later = open("later");
    ck_assert_uint_eq(weir_view_reader_time(later), 0);
    for (unsigned p = 0; p < 3; p++)
        ck_assert_ptr_null(strstr(lookup(later, p), "left: 5"));
    publish(1, 3);
    ck_assert_str_eq(lookup(later, 1), "(product: \"bananas of the largest size\", left: 20)+1@0 ");
    ck_assert(weir_view_reader_refresh(later));
    ck_assert_uint_eq(weir_view_reader_time(later), 1);
    ck_assert_str_eq(lookup(later, 1), "(product: \"bananas of the largest size\", left: 5)+1@1 ");
    ck_assert_str_eq(lookup(reader, 1),
                     "(product: \"bananas of the largest size\", left: 20)+1@0 ");
    publish(0, WEIR_VIEW_ENDED);
    publish(1, WEIR_VIEW_ENDED);
    ck_assert_uint_eq(weir_view_upper(view), WEIR_VIEW_ENDED);
    ck_assert(weir_view_reader_refresh(reader));
    ck_assert(!weir_view_reader_refresh(reader));
    ck_assert_uint_eq(weir_view_reader_time(reader), WEIR_VIEW_ENDED - 1);
    ck_assert_uint_eq(count_rows(changes(reader, 0)), 6);
    weir_view_reader_close(reader);
    weir_view_reader_close(later);
    weir_view_reader_close(NULL);
    end();
}
END_TEST

/* A key need not be unique; pages go on where the last one ended, in other readers too. */
START_TEST(pages)
{
    start();
    for (unsigned p = 0; p < 4; p++)
        for (int64_t left = 0; left < 5; left++)
            change(p, left, 0, left + 1);
    publish(0, 1);
    publish(1, 1);
    weir_view_reader *reader = open("pages");
    ck_assert_uint_eq(count_rows(lookup(reader, 2)), 5);
    rows whole = { .left = -1 };
    weir_view_place place = { 0 };
    ck_assert_int_eq(weir_view_reader_scan(reader, &place, 0, add_row, &whole), WEIR_OK);
    ck_assert_uint_eq(count_rows(whole.text), 20);
    ck_assert(place.ended);
    ck_assert_int_eq(weir_view_reader_scan(reader, &place, 0, add_row, &whole), WEIR_OK);
    ck_assert_uint_eq(count_rows(whole.text), 20);
    for (size_t limit = 1; limit < 22; limit++) {
        rows parts = { .left = -1 };
        size_t got = 0;
        place = (weir_view_place){ 0 };
        while (!place.ended) {
            weir_view_reader *other = open("other");
            ck_assert_int_eq(weir_view_reader_scan(other, &place, limit, add_row, &parts), WEIR_OK);
            weir_view_reader_close(other);
            ck_assert_uint_le(got++, 20 / limit);
        }
        ck_assert_str_eq(parts.text, whole.text);
    }
    rows stopped = { .left = 3 };
    place = (weir_view_place){ 0 };
    ck_assert_int_eq(weir_view_reader_scan(reader, &place, 0, add_row, &stopped), WEIR_OK);
    ck_assert(!place.ended);
    stopped.left = -1;
    ck_assert_int_eq(weir_view_reader_scan(reader, &place, 0, add_row, &stopped), WEIR_OK);
    ck_assert_str_eq(stopped.text, whole.text);
    stopped = (rows){ .left = 2 };
    stock key = make(2, 0);
    ck_assert_int_eq(weir_view_reader_lookup(reader, &key, add_row, &stopped), WEIR_OK);
    ck_assert_uint_eq(count_rows(stopped.text), 2);
    weir_view_reader_close(reader);
    end();
}
END_TEST

START_TEST(changes_in_order)
{
    start();
    for (int w = 0; w < WORKERS; w++)
        publish((unsigned)w, 1);
    for (unsigned p = 0; p < 4; p++) {
        change(p, 1, 3, 1);
        change(p, 1, 4, -1);
        change(p, 2, 4, 1);
    }
    /* Epoch 4 lies in two runs, and a part of it cancels out. */
    build(0);
    build(1);
    change(0, 2, 4, -1);
    change(0, 3, 4, 1);
    change(1, 2, 4, 1);
    publish(0, 5);
    publish(1, 5);
    weir_view_reader *reader = open("r");
    ck_assert_str_eq(changes(reader, 4), "");
    ck_assert_str_eq(changes(reader, 9), "");
    ck_assert_uint_eq(count_rows(changes(reader, 3)), 8);
    ck_assert_uint_eq(count_rows(changes(reader, 2)), 12);
    const char *all = changes(reader, 0), *last = all;
    for (int row = 0; row < 12; row++, last++) {
        last = strchr(last, '@');
        ck_assert_int_eq(last[1], row < 4 ? '3' : '4');
    }
    ck_assert_ptr_nonnull(strstr(all, "(product: \"apples\", left: 3)+1@4 "));
    ck_assert_ptr_null(strstr(all, "(product: \"apples\", left: 2)"));
    ck_assert_ptr_nonnull(strstr(all, "(product: \"bananas of the largest size\", left: 2)+2@4 "));
    rows one = { .left = -1 };
    stock key = make(3, 0);
    ck_assert_int_eq(weir_view_reader_changes(reader, 0, &key, add_row, &one), WEIR_OK);
    ck_assert_str_eq(one.text,
                     "(product: \"dates\", left: 1)+1@3 (product: \"dates\", left: 1)-1@4 "
                     "(product: \"dates\", left: 2)+1@4 ");
    one = (rows){ .left = 2 };
    ck_assert_int_eq(weir_view_reader_changes(reader, 0, NULL, add_row, &one), WEIR_OK);
    ck_assert_uint_eq(count_rows(one.text), 2);
    weir_view_reader_close(reader);
    end();
}
END_TEST

static void note_hold(const weir_view_hold *hold, void *ctx)
{
    snprintf((char *)ctx + strlen(ctx), 100 - strlen(ctx), "%s at %d since %d; ", hold->owner,
             (int)hold->time, (int)hold->since_ns);
}

START_TEST(holds)
{
    start();
    for (uint64_t t = 0; t < 10; t++) {
        change(0, (int64_t)t, t, 1);
        change(1, (int64_t)t, t, 1);
    }
    publish(0, 10);
    ck_assert_uint_eq(weir_view_grant_since(view, 0, 7), 0); /* worker 1 has nothing complete */
    publish(1, 5);
    ck_assert_uint_eq(weir_view_grant_since(view, 0, 7), 4);
    ck_assert_uint_eq(weir_view_grant_since(view, 0, 2), 4);
    ck_assert_uint_eq(weir_view_grant_since(view, 1, 2), 2);
    weir_view_reader *reader = open("the page");
    ck_assert_int_eq(weir_view_reader_changes(reader, 3, NULL, add_row, &(rows){ .left = -1 }),
                     WEIR_GONE);
    ck_assert_str_eq(changes(reader, 4), "");
    publish(1, 12);
    ck_assert_uint_eq(weir_view_grant_since(view, 0, 7), 4);
    ck_assert_uint_eq(weir_view_grant_since(view, 1, 11), 4);
    char text[100] = "";
    weir_view_each_hold(view, note_hold, text);
    ck_assert_str_eq(text, "the page at 4 since 78; ");
    weir_view_info info;
    weir_view_get_info(view, &info);
    ck_assert_uint_eq(info.readers, 1);
    ck_assert_uint_eq(info.upper, 10);
    ck_assert_uint_eq(info.since, 4);
    ck_assert_uint_eq(info.records, 4);
    ck_assert_uint_eq(info.updates, 20);
    ck_assert_uint_eq(info.workers, 2);
    ck_assert_uint_eq(info.retention_ms, 10);
    ck_assert_uint_ge(info.runs, 1);
    ck_assert_uint_gt(info.bytes, 0);
    /* What came after the reader's time is all there when it moves on. */
    ck_assert(weir_view_reader_refresh(reader));
    ck_assert_uint_eq(count_rows(changes(reader, 4)), 10);
    ck_assert_uint_eq(weir_view_grant_since(view, 0, 20), 9);
    weir_view_reader_close(reader);
    ck_assert_uint_eq(weir_view_grant_since(view, 1, 20), 9);
    end();
}
END_TEST

static void note_upper(weir_view *v, void *ctx)
{
    uint64_t *told = ctx;
    told[0]++;
    told[1] = weir_view_upper(v);
}

START_TEST(watches)
{
    start();
    uint64_t told[2] = { 0 }, other[2] = { 0 };
    weir_view_watch a = { .fn = note_upper, .ctx = told }, b = { .fn = note_upper, .ctx = other };
    weir_view_watch_add(view, &a);
    weir_view_watch_add(view, &b);
    publish(0, 3);
    ck_assert_uint_eq(told[0], 0);
    publish(1, 2);
    ck_assert_uint_eq(told[0], 1);
    ck_assert_uint_eq(told[1], 2);
    publish(1, 2);
    ck_assert_uint_eq(told[0], 1);
    weir_view_watch_remove(&a);
    publish(1, 3);
    ck_assert_uint_eq(told[0], 1);
    ck_assert_uint_eq(other[0], 2);
    weir_view_watch_remove(&b);
    end();
}
END_TEST

START_TEST(failures)
{
    start();
    change(0, 1, 0, INT64_MAX);
    publish(0, 1);
    publish(1, 1);
    change(0, 1, 1, INT64_MAX);
    publish(0, 2);
    publish(1, 2);
    change(0, 1, 1, 1);
    publish(0, 3);
    publish(1, 3);
    weir_memory_fail_nth(1, 0);
    weir_view_reader *reader;
    ck_assert_int_eq(weir_view_reader_open(view, "r", &reader, NULL), WEIR_NO_MEMORY);
    reader = open("r");
    stock key = make(0, 0);
    rows r = { .left = -1 };
    weir_view_place place = { 0 };
    weir_memory_fail_nth(1, 0);
    ck_assert_int_eq(weir_view_reader_lookup(reader, &key, add_row, &r), WEIR_NO_MEMORY);
    weir_memory_fail_nth(1, 0);
    ck_assert_int_eq(weir_view_reader_scan(reader, &place, 0, add_row, &r), WEIR_NO_MEMORY);
    weir_memory_fail_nth(1, 0);
    ck_assert_int_eq(weir_view_reader_changes(reader, 0, NULL, add_row, &r), WEIR_NO_MEMORY);
    weir_memory_fail_nth(0, 0);
    ck_assert_int_eq(weir_view_reader_lookup(reader, &key, add_row, &r), WEIR_OVERFLOWED);
    ck_assert_int_eq(weir_view_reader_scan(reader, &place, 0, add_row, &r), WEIR_OVERFLOWED);
    ck_assert_int_eq(weir_view_reader_changes(reader, 0, NULL, add_row, &r), WEIR_OVERFLOWED);
    ck_assert_str_eq(r.text, "");
    weir_view_reader_close(reader);
    end();
}
END_TEST

static bool take_diff(const weir_view_row *row, void *ctx)
{
    *(int64_t *)ctx = row->diff;
    return true;
}

/* An epoch's changes of one record, from several runs: only their sum has to fit. */
START_TEST(changes_are_added_up_before_they_are_told)
{
    static const int64_t diffs[] = { INT64_MAX, 1, -1 };
    start();
    publish(0, 1);
    publish(1, 1);
    for (uint64_t i = 0; i < 3; i++) {
        change(0, 1, 1, diffs[i]);
        publish(0, 2 + i);
        publish(1, 2 + i);
    }
    weir_view_reader *reader = open("r");
    int64_t sum = 0;
    ck_assert_int_eq(weir_view_reader_changes(reader, 0, NULL, take_diff, &sum), WEIR_OK);
    ck_assert_int_eq(sum, INT64_MAX);
    weir_view_reader_close(reader);
    end();
}
END_TEST

/* A runtime has a registry; a host's own takes its place. */
START_TEST(registry_of_a_runtime)
{
    weir_runtime *runtime = weir_runtime_create(NULL, NULL);
    ck_assert_ptr_nonnull(weir_runtime_views(runtime));
    weir_runtime_destroy(runtime);
    views = weir_views_create();
    weir_service services[] = { { "other", &services }, { "views", views } };
    weir_config config = { .struct_size = sizeof config, .services = services, .service_count = 2 };
    runtime = weir_runtime_create(&config, NULL);
    ck_assert_ptr_eq(weir_runtime_views(runtime), views);
    weir_runtime_destroy(runtime);
    config.service_count = 1;
    runtime = weir_runtime_create(&config, NULL);
    ck_assert_ptr_nonnull(weir_runtime_views(runtime));
    ck_assert_ptr_ne(weir_runtime_views(runtime), views);
    weir_runtime_destroy(runtime);
    weir_views_destroy(views);
}
END_TEST

static void note_told(weir_view *of, void *ctx)
{
    *(uint64_t *)ctx = weir_view_upper(of);
}

/* A view that goes while it is read and watched. */
START_TEST(removed)
{
    start();
    uint64_t told = 0;
    for (int w = 0; w < WORKERS; w++)
        publish(w, 5);
    weir_view_reader *reader, *late;
    ck_assert_int_eq(weir_view_reader_open(view, "test", &reader, NULL), WEIR_OK);
    weir_view_watch watch = { .fn = note_told, .ctx = &told };
    weir_view_watch_add(view, &watch);
    weir_view *found = weir_views_find(views, "stock");
    weir_views_remove(view);
    ck_assert_uint_eq(told, WEIR_VIEW_ENDED);
    ck_assert_ptr_null(weir_views_find(views, "stock"));
    weir_error error = { 0 };
    ck_assert_int_eq(weir_view_reader_open(found, "late", &late, &error), WEIR_CLOSED);
    ck_assert_str_eq(error.what, "the view 'stock' was removed");
    ck_assert_ptr_null(late);
    ck_assert(!weir_view_reader_refresh(reader));
    ck_assert_uint_eq(weir_view_reader_time(reader), 4);
    publish(0, 9); /* of a worker that has not heard of it */
    weir_view_info info;
    weir_view_get_info(found, &info);
    ck_assert_uint_eq(info.runs, 0);
    ck_assert_uint_eq(info.upper, WEIR_VIEW_ENDED);
    weir_view_release(found);
    weir_view_watch_remove(&watch);
    weir_view_reader_close(reader);
    weir_view_spec again = spec_of("stock");
    ck_assert_int_eq(weir_views_add(views, &again, &view, NULL), WEIR_OK);
    end();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        registry, time_of_a_reader, pages, changes_in_order, holds, watches, failures,
        changes_are_added_up_before_they_are_told, registry_of_a_runtime, removed, NULL
    };
    return test_run(test_suite("view", tests));
}

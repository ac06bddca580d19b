/* SPDX-License-Identifier: Apache-2.0
 *
 * Views while they change: transfers between accounts, so that the balances sum to zero at every
 * time. A reader on a thread of its own must never see another sum; a snapshot plus the changes up
 * to a later time is the later snapshot; look-ups agree with scans.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define BALANCE(F) F(u32, account) F(i64, cents)
WEIR_RECORD(balance, BALANCE)

enum { ACCOUNTS = 50, EPOCHS = 400 };

typedef struct fixture {
    weir_input(balance) input;
    weir_runtime *runtime;
    uint64_t seed;
    atomic_bool ended;
    atomic_uint reads, times;
} fixture;

static void build(weir_graph *g, void *ctx)
{
    fixture *f = ctx;
    weir_stream(balance) b = weir_input_add(g, balance, &f->input, .manual = true,
                                            .collection = true);
    weir_view(b, "balances", WEIR_KEY(balance, account), .retention_ms = 3600000);
}

/* Each epoch some accounts pay others: old balances out, new ones in. */
static void feed(weir_worker *worker, void *ctx)
{
    fixture *f = ctx;
    unsigned self = weir_worker_index(worker), workers = weir_worker_count(worker);
    uint64_t random = f->seed; /* the same on all workers: each sends its own accounts */
    int64_t cents[ACCOUNTS] = { 0 };
    weir_input_handle(balance) h = weir_input_open(f->input, self);
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
        weir_time now = weir_time_1(epoch);
        weir_input_advance_to(h, &now);
        for (int n = 0; n < 4; n++) {
            unsigned pair[2] = { (unsigned)test_below(&random, ACCOUNTS),
                                 (unsigned)test_below(&random, ACCOUNTS) };
            int64_t amount = (int64_t)test_below(&random, 1000) + 1;
            for (int k = 0; k < 2 && pair[0] != pair[1]; k++) {
                unsigned a = pair[k];
                balance old = { a, cents[a] };
                cents[a] += k ? amount : -amount;
                balance new = { a, cents[a] };
                if (a % workers != self)
                    continue;
                if (old.cents)
                    ck_assert_int_eq(weir_input_change(h, balance, old, -1), WEIR_OK);
                if (new.cents)
                    ck_assert_int_eq(weir_input_change(h, balance, new, 1), WEIR_OK);
            }
        }
        weir_worker_step(worker);
    }
    weir_input_close(h);
}

typedef struct snapshot {
    int64_t cents[ACCOUNTS], rows[ACCOUNTS];
} snapshot;

static bool add_row(const weir_view_row *row, void *ctx)
{
    snapshot *s = ctx;
    const balance *b = row->record;
    s->cents[b->account] += b->cents * row->diff;
    s->rows[b->account] += row->diff;
    return true;
}

static void check_sum(const snapshot *s, uint64_t time)
{
    int64_t sum = 0;
    for (unsigned a = 0; a < ACCOUNTS; a++) {
        sum += s->cents[a];
        ck_assert_int_eq(s->rows[a], s->cents[a] != 0);
    }
    ck_assert_msg(sum == 0, "the sum at %llu is %lld", (unsigned long long)time, (long long)sum);
}

static void read_once(fixture *f, weir_view_reader *reader, snapshot *before, uint64_t *last)
{
    snapshot now = { 0 }, again = { 0 };
    weir_view_place place = { 0 };
    while (!place.ended) /* in pages of seven */
        ck_assert_int_eq(weir_view_reader_scan(reader, &place, 7, add_row, &now), WEIR_OK);
    uint64_t time = weir_view_reader_time(reader);
    check_sum(&now, time);
    for (unsigned a = 0; a < ACCOUNTS; a++) {
        balance key = { a, 0 };
        ck_assert_int_eq(weir_view_reader_lookup(reader, &key, add_row, &again), WEIR_OK);
    }
    ck_assert(memcmp(&now, &again, sizeof now) == 0);
    if (*last != UINT64_MAX) {
        ck_assert_int_eq(weir_view_reader_changes(reader, *last, NULL, add_row, before), WEIR_OK);
        ck_assert(memcmp(before, &now, sizeof now) == 0);
    }
    atomic_fetch_add(&f->times, *last != time);
    *before = now;
    *last = time;
    atomic_fetch_add(&f->reads, 1);
}

static void *read_all(void *ctx)
{
    fixture *f = ctx;
    weir_view *view = weir_views_find(weir_runtime_views(f->runtime), "balances");
    snapshot before = { 0 };
    uint64_t last = UINT64_MAX;
    for (bool ended = false; !ended;) {
        ended = atomic_load(&f->ended); /* and once more after the end */
        weir_view_reader *reader;
        weir_status status = weir_view_reader_open(view, "test", &reader, NULL);
        if (status == WEIR_NOT_READY)
            continue;
        ck_assert_int_eq(status, WEIR_OK);
        read_once(f, reader, &before, &last);
        if (weir_view_reader_refresh(reader))
            read_once(f, reader, &before, &last);
        weir_view_reader_close(reader);
    }
    weir_view_release(view);
    return NULL;
}

START_TEST(sums_to_zero_at_every_time)
{
    static const unsigned workers[] = { 1, 2, 3, 8 };
    for (size_t k = 0; k < 4; k++) {
        fixture f = { .seed = test_seed(7) + k };
        weir_config config = { .struct_size = sizeof config, .workers = workers[k],
                               .worker_main = feed, .ctx = &f };
        weir_error error = { 0 };
        f.runtime = weir_runtime_create(&config, &error);
        ck_assert_int_eq(weir_runtime_build(f.runtime, "main", build, &f, &error), WEIR_OK);
        pthread_t thread;
        pthread_create(&thread, NULL, read_all, &f);
        ck_assert_int_eq(weir_runtime_start(f.runtime, &error), WEIR_OK);
        ck_assert_int_eq(weir_runtime_wait(f.runtime, &error), WEIR_OK);
        atomic_store(&f.ended, true);
        pthread_join(thread, NULL);
        ck_assert_uint_gt(atomic_load(&f.reads), 0);
        weir_view *view = weir_views_find(weir_runtime_views(f.runtime), "balances");
        ck_assert_uint_eq(weir_view_upper(view), WEIR_VIEW_ENDED);
        weir_view_release(view);
        weir_runtime_destroy(f.runtime);
    }
}
END_TEST

static void plain(weir_graph *g, void *ctx)
{
    fixture *f = ctx;
    weir_stream(balance) b = weir_input_add(g, balance, &f->input);
    weir_view(b, "balances", WEIR_KEY(balance, account));
}

static void keyless(weir_graph *g, void *ctx)
{
    fixture *f = ctx;
    weir_stream(balance) b = weir_input_add(g, balance, &f->input, .collection = true);
    weir_view_erased(b.port, "balances", NULL, NULL);
}

static void alien_key(weir_graph *g, void *ctx)
{
    fixture *f = ctx;
    weir_stream(balance) b = weir_input_add(g, balance, &f->input, .collection = true);
    weir_view_erased(b.port, "balances", &(weir_key){ .count = 1, .field = { 2 } }, NULL);
}

static void unknown_key(weir_graph *g, void *ctx)
{
    fixture *f = ctx;
    weir_stream(balance) b = weir_input_add(g, balance, &f->input, .collection = true);
    struct weir_view_options none = { .struct_size = sizeof none };
    weir__view_add(b.port, "balances", (const char *const[]){ "colour", NULL }, &none);
}

static void bad_name(weir_graph *g, void *ctx)
{
    fixture *f = ctx;
    weir_stream(balance) b = weir_input_add(g, balance, &f->input, .collection = true);
    weir_view(b, "my balances", WEIR_KEY(balance, account));
}

static void twice(weir_graph *g, void *ctx)
{
    fixture *f = ctx;
    weir_stream(balance) b = weir_input_add(g, balance, &f->input, .collection = true);
    weir_view(b, "balances", WEIR_KEY(balance, account));
    weir_view(b, "balances", WEIR_KEY(balance, account));
}

static void scoped(weir_graph *g, void *ctx)
{
    fixture *f = ctx;
    weir_stream(balance) b = weir_input_add(g, balance, &f->input, .collection = true);
    b.port = weir_port_enter(b.port, weir_scope_add(g, NULL, "inner"));
    weir_view(b, "balances", WEIR_KEY(balance, account));
}

START_TEST(refusals)
{
    static const struct {
        weir_build_fn *build;
        weir_status status;
        const char *what;
    } cases[] = {
        { plain, WEIR_TYPE_MISMATCH, "plain stream" }, { keyless, WEIR_INVALID, "key" },
        { unknown_key, WEIR_TYPE_MISMATCH, "colour" }, { bad_name, WEIR_INVALID, "my balances" },
        { twice, WEIR_EXISTS, "balances" },            { scoped, WEIR_INVALID, "scope" },
        { alien_key, WEIR_TYPE_MISMATCH, "none of the stream's records" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fixture f = { 0 };
        weir_error error = { 0 };
        ck_assert_int_eq(weir_run(NULL, cases[i].build, &f, &error), cases[i].status);
        ck_assert_msg(strstr(error.what, cases[i].what), "%s", error.what);
        ck_assert(error.hint[0] != 0);
    }
}
END_TEST

/* ---- step by step, under a virtual clock ---- */

static const uint64_t second = 1000000000;

static void build_retained(weir_graph *g, void *ctx)
{
    weir_stream(balance) b = weir_test_collection(g, balance);
    weir_view **view = ctx;
    *view = weir_view(b, "balances", WEIR_KEY(balance, account), .retention_ms = 2000);
}

static void build_latest(weir_graph *g, void *ctx)
{
    weir_key key = { .count = 1 };
    weir_stream(balance) b = weir_test_collection(g, balance);
    b.port = weir_port_with_key(b.port, &key);
    weir_view **view = ctx;
    *view = weir_view_unique(b, "balances", .no_retention = true);
}

static void push(weir_test *t, unsigned account, int64_t cents, uint64_t epoch, int64_t diff)
{
    weir_test_push(t, 0, balance, epoch, diff, { account, cents });
}

static void advance(weir_test *t, uint64_t epoch)
{
    weir_test_advance(t, 0, epoch);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
}

static void sleep_for(weir_test *t, uint64_t ns)
{
    for (int i = 0; i < 10; i++) {
        weir_test_pass_time(t, ns / 10);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    }
}

static bool count_row(const weir_view_row *row, void *ctx)
{
    (void)row;
    ++*(size_t *)ctx;
    return true;
}

static size_t changes_since(weir_view *view, uint64_t since)
{
    size_t n = 0;
    weir_view_reader *reader;
    ck_assert_int_eq(weir_view_reader_open(view, "test", &reader, NULL), WEIR_OK);
    weir_status status = weir_view_reader_changes(reader, since, NULL, count_row, &n);
    weir_view_reader_close(reader);
    ck_assert(status == WEIR_OK || status == WEIR_GONE);
    return status == WEIR_OK ? n : SIZE_MAX;
}

static weir_view_info info_of(const weir_view *view)
{
    weir_view_info info;
    weir_view_get_info(view, &info);
    return info;
}

START_TEST(changes_go_after_the_retention)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        weir_view *view;
        weir_test *t = weir_test_create(build_retained, &view, .workers = workers);
        for (uint64_t epoch = 0; epoch < 40; epoch++) {
            for (unsigned a = 0; a < 8; a++) {
                if (epoch > 0)
                    push(t, a, (int64_t)epoch, epoch, -1);
                push(t, a, (int64_t)epoch + 1, epoch, 1);
            }
            advance(t, epoch + 1);
            sleep_for(t, second / 10);
        }
        ck_assert_uint_eq(weir_view_upper(view), 40);
        ck_assert_uint_eq(changes_since(view, 39), 0);
        ck_assert_uint_eq(changes_since(view, 30), 9 * 16);
        ck_assert_uint_eq(changes_since(view, 25), 14 * 16);
        ck_assert_uint_eq(changes_since(view, 10), SIZE_MAX);
        ck_assert_uint_eq(info_of(view).records, 8);
        ck_assert_uint_gt(info_of(view).updates, 200);
        /* A reader holds what comes after its time, and no more. */
        weir_view_reader *reader;
        ck_assert_int_eq(weir_view_reader_open(view, "slow", &reader, NULL), WEIR_OK);
        push(t, 0, 7, 40, 1);
        advance(t, 41);
        sleep_for(t, 5 * second);
        ck_assert_uint_eq(info_of(view).since, 39);
        ck_assert_uint_eq(changes_since(view, 39), 1);
        ck_assert_uint_eq(changes_since(view, 38), SIZE_MAX);
        weir_view_reader_close(reader);
        /* Nothing comes any more: the history goes all the same. */
        sleep_for(t, 5 * second);
        ck_assert_uint_eq(info_of(view).since, 40);
        ck_assert_uint_eq(changes_since(view, 39), SIZE_MAX);
        ck_assert_uint_eq(changes_since(view, 40), 0);
        ck_assert_uint_lt(info_of(view).updates, 150);
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        ck_assert_uint_eq(weir_view_upper(view), WEIR_VIEW_ENDED);
        ck_assert_uint_eq(changes_since(view, 40), 0);
        weir_test_destroy(t);
    }
}
END_TEST

START_TEST(the_latest_only)
{
    weir_view *view;
    weir_test *t = weir_test_create(build_latest, &view, .workers = 2);
    for (uint64_t epoch = 0; epoch < 20; epoch++) {
        push(t, 1, (int64_t)epoch, epoch, 1);
        push(t, 1, (int64_t)epoch - 1, epoch, epoch > 0 ? -1 : 0);
        advance(t, epoch + 1);
    }
    sleep_for(t, second);
    ck_assert_uint_eq(changes_since(view, 18), SIZE_MAX);
    ck_assert_uint_eq(changes_since(view, 19), 0);
    ck_assert_uint_eq(info_of(view).records, 1);
    ck_assert_uint_eq(info_of(view).retention_ms, 0);
    weir_test_destroy(t);
}
END_TEST

/* Runs are merged while all epochs stay apart. */
/* A worker that has not come to the removal yet goes on publishing in a view that nobody reads. */
START_TEST(removed_unread)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        weir_view *view;
        const weir_test_build later = { "balances", build_latest, &view };
        weir_test *t = weir_test_create(NULL, NULL, .workers = 3, .seed = seed, .builds = &later,
                                        .build_count = 1);
        weir_dataflow *d = weir_test_add(t, &(weir_dataflow_spec){
                                                .struct_size = sizeof(weir_dataflow_spec),
                                                .build = "balances" });
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        for (unsigned a = 0; a < 30; a++)
            push(t, a, 1, 0, 1);
        weir_test_advance(t, 0, 1);
        weir_test_remove(t, d);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_ptr_null(weir_views_find(weir_runtime_views(weir_test_runtime(t)), "balances"));
        weir_test_destroy(t);
    }
}
END_TEST

START_TEST(many_small_epochs)
{
    enum { MANY = 1500 };
    weir_view *view;
    weir_test *t = weir_test_create(build_retained, &view, .workers = 2, .no_delays = true);
    uint64_t most = 0;
    for (uint64_t epoch = 0; epoch < MANY; epoch++) {
        for (unsigned a = 0; a < 3; a++)
            push(t, (unsigned)(epoch + a) % 10, (int64_t)epoch, epoch, 1);
        advance(t, epoch + 1);
        uint64_t runs = info_of(view).runs;
        most = runs > most ? runs : most;
    }
    ck_assert_uint_lt(most, 2 * 16);
    ck_assert_uint_eq(info_of(view).updates, 3 * MANY);
    for (uint64_t epoch = 0; epoch < MANY; epoch += 100)
        ck_assert_uint_eq(changes_since(view, epoch), 3 * (MANY - 1 - epoch));
    weir_test_destroy(t);
}
END_TEST

/* A large epoch is built up as it comes, and seen when it is complete. */
START_TEST(one_large_epoch)
{
    enum { ROWS = 60000 };
    weir_view *view;
    weir_test *t = weir_test_create(build_retained, &view, .workers = 2);
    push(t, 1, 1, 0, 1);
    advance(t, 1);
    for (unsigned i = 0; i < ROWS; i++)
        push(t, i, 5, 1, 1);
    push(t, 3, 5, 2, 1); /* ahead of it */
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_uint_eq(info_of(view).records, 1);
    ck_assert_uint_gt(info_of(view).updates, ROWS / 2);
    size_t rows = 0;
    weir_view_reader *reader;
    weir_view_place place = { 0 };
    ck_assert_int_eq(weir_view_reader_open(view, "early", &reader, NULL), WEIR_OK);
    ck_assert_int_eq(weir_view_reader_scan(reader, &place, 0, count_row, &rows), WEIR_OK);
    ck_assert_uint_eq(rows, 1);
    ck_assert_uint_eq(changes_since(view, 0), 0);
    advance(t, 2);
    ck_assert(weir_view_reader_refresh(reader));
    place = (weir_view_place){ 0 };
    rows = 0;
    ck_assert_int_eq(weir_view_reader_scan(reader, &place, 0, count_row, &rows), WEIR_OK);
    ck_assert_uint_eq(rows, ROWS + 1);
    ck_assert_uint_eq(info_of(view).records, ROWS + 1);
    ck_assert_uint_eq(changes_since(view, 0), ROWS);
    weir_view_reader_close(reader);
    weir_test_destroy(t);
}
END_TEST

START_TEST(diffs_overflow)
{
    weir_view *view;
    weir_test *t = weir_test_create(build_retained, &view, .workers = 1);
    push(t, 1, 1, 0, INT64_MAX);
    push(t, 1, 1, 0, INT64_MAX);
    weir_test_advance(t, 0, 1);
    ck_assert_int_eq(weir_test_run(t), WEIR_OVERFLOWED);
    ck_assert(strstr(weir_test_error(t)->what, "64 bits") != NULL);
    ck_assert_uint_eq(weir_view_upper(view), 0);
    weir_test_destroy(t);
}
END_TEST

/* Whichever allocation fails while it runs: it goes on, or says so. */
START_TEST(memory_runs_out)
{
    int failures = 0;
    for (uint64_t nth = 1; nth < 120; nth += nth < 60 ? 1 : 7) {
        weir_view *view;
        weir_test *t = weir_test_create(build_retained, &view, .workers = 1);
        for (int i = 0; i < 300; i++) {
            push(t, (unsigned)i, i, (uint64_t)i % 2, 1);
        }
        weir_test_advance(t, 0, 2);
        weir_memory_fail_nth(nth, 0);
        weir_status status = weir_test_run(t);
        weir_memory_fail_nth(0, 0);
        ck_assert(status == WEIR_OK || status == WEIR_NO_MEMORY);
        failures += status != WEIR_OK;
        weir_test_destroy(t);
        weir_memory_exhausted_reset();
    }
    ck_assert_int_gt(failures, 5);
}
END_TEST

int main(void)
{
    return test_run(test_suite("view", (const TTest *const[]){
        sums_to_zero_at_every_time, refusals, changes_go_after_the_retention, the_latest_only,
        removed_unread, many_small_epochs, one_large_epoch, diffs_overflow,
        memory_runs_out, NULL }));
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Views that are divided among processes: the processes run in one thread over a network in memory,
 * on a virtual clock; readers have a thread of their own, which waits until they are answered. What
 * workers publish is published by hand, so that each process is as far as the test wants it to be.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <weir/weir.h>

#include "harness/harness.h"
#include "harness/net.h"
#include "support.h"
#include "trace/view_page.h"
#include "worker/answers.h"
#include "worker/cluster.h"

#define STOCK(F) F(str, product) F(i64, left)
WEIR_RECORD(stock, STOCK)

enum { PROCESSES_MAX = 3, WORKERS = 2, SEED = 5, PRODUCTS = 40 };
#define MS UINT64_C(1000000)

/* ---- a cluster, and what its workers have published ---- */

typedef struct publisher {
    weir_spine *spine;
    weir_trace_builder *builder;
} publisher;

typedef struct process {
    weir_runtime *runtime;
    weir__test_env *env;
    weir_input(stock) input;
    weir_view *view;
    publisher of[WORKERS];
    bool frozen;
} process;

typedef struct cluster {
    weir__test_hub *hub;
    uint64_t random;
    unsigned count;
    weir_shape *shape;
    process of[PROCESSES_MAX];
} cluster;

static void build(weir_graph *g, void *ctx)
{
    process *p = ctx;
    weir_stream(stock) all = weir_input_add(g, stock, &p->input, .manual = true);
    (void)weir_probe(all, "all");
}

static weir_worker *worker_of(cluster *c, unsigned p, unsigned w)
{
    return &c->of[p].runtime->workers[w];
}

/* One step of some worker of some process that is not frozen; a millisecond passes for all. */
static void step(cluster *c)
{
    unsigned p = (unsigned)test_below(&c->random, c->count);
    if (!c->of[p].frozen)
        (void)weir_worker_step(worker_of(c, p, (unsigned)test_below(&c->random, WORKERS)));
    for (unsigned i = 0; i < c->count; i++)
        weir__test_env_pass_time(c->of[i].env, MS);
}

static void steps(cluster *c, unsigned n)
{
    while (n--)
        step(c);
}

static void add_process(cluster *c, unsigned p)
{
    static const char *const hosts[] = { "", "", "a:1,b:2", "a:1,b:2,c:3" };
    process *me = &c->of[p];
    weir_error error = { 0 };
    me->env = weir__test_env_create(WORKERS, c->random + p, true);
    weir__test_env_table(me->env)->net = weir__test_hub_net(c->hub);
    weir_config config = { .struct_size = sizeof config, .workers = WORKERS,
                           .env = weir__test_env_table(me->env), .processes = c->count,
                           .process = p, .hosts = hosts[c->count], .hash_seed = SEED,
                           .silence_ms = 4000000000 }; /* much may pass while readers start */
    me->runtime = weir_runtime_create(&config, &error);
    ck_assert_msg(me->runtime != NULL, "%s", error.what);
    ck_assert_int_eq(weir_runtime_build(me->runtime, "none", build, me, &error), WEIR_OK);
    weir_view_spec spec = { .struct_size = sizeof spec, .name = "stock", .type = stock_type(),
                            .key = { .count = 1 }, .workers = c->count * WORKERS,
                            .first = p * WORKERS, .here = WORKERS,
                            .asker = &me->runtime->asker };
    ck_assert_int_eq(weir_views_add(weir_runtime_views(me->runtime), &spec, &me->view, NULL),
                     WEIR_OK);
    weir_shape_spec arranged = { .type = stock_type(), .key = spec.key, .depth = 1, .seed = SEED };
    if (!c->shape)
        ck_assert_int_eq(weir_shape_create(&c->shape, &arranged, NULL), WEIR_OK);
    for (unsigned w = 0; w < WORKERS; w++) {
        ck_assert_ptr_nonnull(weir_runtime_take_worker(me->runtime, w, &error));
        me->of[w].spine = weir_spine_create(c->shape, NULL);
        me->of[w].builder = weir_trace_builder_create(c->shape, NULL);
    }
    ck_assert_int_eq(weir_runtime_start(me->runtime, &error), WEIR_OK);
}

static cluster *cluster_create(unsigned count, uint64_t seed)
{
    cluster *c = weir_alloc_zero(sizeof *c);
    c->hub = weir__test_hub_create(seed, true);
    c->random = seed;
    c->count = count;
    for (unsigned p = 0; p < count; p++)
        add_process(c, p);
    for (unsigned p = 0; p < count; p++)
        for (unsigned w = 0; w < WORKERS; w++) {
            while (!worker_of(c, p, w)->running)
                step(c);
            ck_assert_ptr_nonnull(weir_input_open(c->of[p].input, p * WORKERS + w).handle);
        }
    return c;
}

static void cluster_destroy(cluster *c)
{
    for (unsigned p = 0; p < c->count; p++) {
        process *me = &c->of[p];
        if (me->view)
            weir_views_remove(me->view);
        weir_runtime_destroy(me->runtime);
        weir__test_env_destroy(me->env);
        for (unsigned w = 0; w < WORKERS; w++) {
            weir_spine_destroy(me->of[w].spine);
            weir_trace_builder_destroy(me->of[w].builder);
        }
    }
    weir_shape_release(c->shape);
    ck_assert_uint_eq(weir__test_hub_open(c->hub), 0);
    weir__test_hub_destroy(c->hub);
    weir_free(c, sizeof *c);
}

/* Every third product has a long name. */
static weir_str name_of(unsigned product)
{
    static char names[PRODUCTS][60];
    snprintf(names[product], sizeof names[product],
             product % 3 ? "p%u" : "a product whose name lies outside of its record: %u", product);
    return weir_str_of(names[product]);
}

static unsigned owner_of(const cluster *c, const stock *key)
{
    __extension__ typedef unsigned __int128 wide;
    return (unsigned)(((wide)weir_shape_hash(c->shape, key) * c->count * WORKERS) >> 64);
}

static unsigned owner(const cluster *c, unsigned product)
{
    return owner_of(c, &(stock){ name_of(product), 0 });
}

static void change(cluster *c, unsigned product, int64_t left, uint64_t time, int64_t diff)
{
    unsigned w = owner(c, product);
    stock s = { name_of(product), left };
    weir_updates u = { .records = &s, .count = 1, .time = { { time } }, .diffs = &diff };
    ck_assert_int_eq(weir_trace_builder_add(c->of[w / WORKERS].of[w % WORKERS].builder, &u),
                     WEIR_OK);
}

/* What was changed in the process is complete before `upper`, and forgotten up to `since`. */
static void publish(cluster *c, unsigned p, uint64_t upper, uint64_t since)
{
    process *me = &c->of[p];
    for (unsigned w = 0; w < WORKERS; w++) {
        publisher *from = &me->of[w];
        weir_trace_run *run;
        ck_assert_int_eq(weir_trace_builder_build(from->builder, &run), WEIR_OK);
        if (run)
            ck_assert_int_eq(weir_spine_append(from->spine, run, NULL), WEIR_OK);
        (void)weir_spine_work(from->spine, 1000);
        weir_trace_runs *runs = weir_spine_list(from->spine);
        weir_view_part part = { .runs = runs, .upper = upper, .seed = SEED };
        weir_view_publish(me->view, p * WORKERS + w, &part);
        weir_trace_runs_release(runs);
    }
    for (unsigned w = 0; w < WORKERS && since; w++) {
        uint64_t granted = weir_view_grant_since(me->view, p * WORKERS + w, since);
        weir_frontier to = { .count = 1, .depth = 1, .one = weir_time_1(granted) };
        weir_spine_advance_since(me->of[w].spine, &to);
    }
}

static void publish_all(cluster *c, uint64_t upper)
{
    for (unsigned p = 0; p < c->count; p++)
        publish(c, p, upper, 0);
}

/* At time 1 there are `product` of each product, at time 2 as many of the next one. */
static void fill(cluster *c)
{
    for (unsigned i = 0; i < PRODUCTS; i++)
        change(c, i, i, 1, 1);
    publish_all(c, 2);
    for (unsigned i = 0; i < PRODUCTS; i++) {
        change(c, i, i, 2, -1);
        change(c, i, i + 1, 2, 1);
    }
}

/* ---- a reader's thread ---- */

typedef struct reading {
    cluster *c;
    unsigned process;
    unsigned wait_ms, open_ms, product; /* product: PRODUCTS for all */
    void (*fn)(struct reading *r);
    weir_view_reader *reader;
    weir_status status;
    weir_error error;
    uint64_t time;
    int64_t sum;       /* of left × diff */
    unsigned rows, passes;
    bool over;         /* atomic */
    pthread_t thread;
} reading;

static void *reading_main(void *ctx)
{
    reading *r = ctx;
    r->fn(r);
    __atomic_store_n(&r->over, true, __ATOMIC_RELEASE);
    return NULL;
}

static void reading_begin(reading *r)
{
    r->over = false;
    ck_assert_int_eq(pthread_create(&r->thread, NULL, reading_main, r), 0);
}

static bool reading_is_over(reading *r)
{
    return __atomic_load_n(&r->over, __ATOMIC_ACQUIRE);
}

static void reading_end(reading *r)
{
    while (!reading_is_over(r))
        step(r->c);
    pthread_join(r->thread, NULL);
}

static void run(reading *r, void (*fn)(reading *r))
{
    r->fn = fn;
    reading_begin(r);
    reading_end(r);
}

static bool add_row(const weir_view_row *row, void *ctx)
{
    reading *r = ctx;
    r->sum += ((const stock *)row->record)->left * row->diff;
    r->rows++;
    return true;
}

static void open_it(reading *r)
{
    stock key = { r->product < PRODUCTS ? name_of(r->product) : weir_str_of(""), 0 };
    weir_view_reader_options options = { .struct_size = sizeof options, .owner = "test",
                                         .wait_ms = r->wait_ms, .open_ms = r->open_ms,
                                         .key = r->product < PRODUCTS ? &key : NULL };
    r->status = weir_view_reader_open_with(r->c->of[r->process].view, &options, &r->reader,
                                           &r->error);
    r->time = r->status == WEIR_OK ? weir_view_reader_time(r->reader) : 0;
}

static void close_it(reading *r)
{
    weir_view_reader_close(r->reader);
    r->reader = NULL;
}

static void scan_it(reading *r)
{
    weir_view_place place = { 0 };
    r->sum = 0;
    r->rows = r->passes = 0;
    do {
        r->status = weir_view_reader_scan(r->reader, &place, 7, add_row, r);
        r->passes++;
    } while (r->status == WEIR_OK && !place.ended);
}

static void look_it_up(reading *r)
{
    stock key = { name_of(r->product), 0 };
    r->sum = 0;
    r->rows = 0;
    r->status = weir_view_reader_lookup(r->reader, &key, add_row, r);
}

static void find_changes(reading *r)
{
    stock key = { r->product < PRODUCTS ? name_of(r->product) : weir_str_of(""), 0 };
    r->sum = 0;
    r->rows = 0;
    r->status = weir_view_reader_changes(r->reader, 1, r->product < PRODUCTS ? &key : NULL, add_row,
                                         r);
}

static void open_and_scan(reading *r)
{
    open_it(r);
    if (r->status != WEIR_OK)
        return;
    scan_it(r);
    close_it(r);
}

static void move_on(reading *r)
{
    r->passes = weir_view_reader_refresh(r->reader);
    r->time = weir_view_reader_time(r->reader);
}

static unsigned readers_at(const cluster *c, unsigned p)
{
    weir_view_info info;
    weir_view_get_info(c->of[p].view, &info);
    return info.readers;
}

/* Readers that are closed are told to the others, and freed there. */
static void nobody_reads(cluster *c)
{
    for (int i = 0; i < 10000; i++) {
        unsigned left = 0;
        for (unsigned p = 0; p < c->count; p++)
            left += readers_at(c, p);
        if (left == 0)
            return;
        step(c);
    }
    ck_abort_msg("holds are left");
}

/* Process p answers for so many readers of others, which have so many holds there. */
static void nobody_asks_but(cluster *c, unsigned p, unsigned readers)
{
    weir__answers *answers = weir__cluster_answers(c->of[p].runtime->cluster);
    for (int i = 0; i < 100000; i++) {
        if (weir__answers_readers(answers) == readers && readers_at(c, p) == readers)
            return;
        step(c);
    }
    ck_abort_msg("%u readers are left, not %u", weir__answers_readers(answers), readers);
}

/* ---- what is read ---- */

START_TEST(all_is_read_from_everywhere)
{
    for (unsigned count = 2; count <= 3; count++) {
        cluster *c = cluster_create(count, count);
        unsigned there = 0;
        fill(c);
        publish_all(c, 3);
        for (unsigned p = 0; p < count; p++) {
            reading r = { .c = c, .process = p, .product = PRODUCTS };
            run(&r, open_it);
            ck_assert_msg(r.status == WEIR_OK, "%s", r.error.what);
            ck_assert_uint_eq(r.time, 2);
            run(&r, scan_it);
            ck_assert_int_eq(r.status, WEIR_OK);
            ck_assert_uint_eq(r.rows, PRODUCTS);
            ck_assert_uint_ge(r.passes, PRODUCTS / 7);
            ck_assert_int_eq(r.sum, PRODUCTS * (PRODUCTS + 1) / 2);
            run(&r, find_changes);
            ck_assert_int_eq(r.status, WEIR_OK);
            ck_assert_uint_eq(r.rows, 2 * PRODUCTS);
            ck_assert_int_eq(r.sum, PRODUCTS);
            for (r.product = 0; r.product < PRODUCTS; r.product++) {
                run(&r, look_it_up);
                ck_assert_int_eq(r.status, WEIR_OK);
                ck_assert_uint_eq(r.rows, 1);
                ck_assert_int_eq(r.sum, r.product + 1);
                run(&r, find_changes);
                ck_assert_uint_eq(r.rows, 2);
                ck_assert_int_eq(r.sum, 1);
                there += owner(c, r.product) / WORKERS != p;
            }
            run(&r, close_it);
        }
        ck_assert_uint_gt(there, PRODUCTS / 2);
        nobody_reads(c);
        cluster_destroy(c);
    }
}
END_TEST

/* One that is ahead is read at the time to which all have come; the rest waits. */
START_TEST(the_time_is_one_that_all_have)
{
    cluster *c = cluster_create(2, 7);
    reading r = { .c = c, .process = 0, .product = PRODUCTS };
    run(&r, open_it);
    ck_assert_int_eq(r.status, WEIR_NOT_READY);
    fill(c);
    publish(c, 1, 3, 0);
    for (r.process = 0; r.process < 2; r.process++) {
        run(&r, open_and_scan);
        ck_assert_int_eq(r.status, WEIR_OK);
        ck_assert_uint_eq(r.time, 1);
        ck_assert_uint_eq(r.rows, PRODUCTS);
        ck_assert_int_eq(r.sum, PRODUCTS * (PRODUCTS - 1) / 2);
    }
    r.process = 0;
    run(&r, open_it);
    publish(c, 0, 3, 0);
    run(&r, move_on);
    ck_assert_uint_eq(r.passes, 1);
    ck_assert_uint_eq(r.time, 2);
    run(&r, scan_it);
    ck_assert_int_eq(r.sum, PRODUCTS * (PRODUCTS + 1) / 2);
    run(&r, move_on);
    ck_assert_uint_eq(r.passes, 0);
    run(&r, close_it);
    nobody_reads(c);
    cluster_destroy(c);
}
END_TEST

/* What one has forgotten nobody can be asked for: readers wait until the others have come to what
 * it remembers. It is the other process that is behind, or this one. */
START_TEST(one_that_has_forgotten_is_waited_for)
{
    for (unsigned p = 0; p < 2; p++) {
        cluster *c = cluster_create(2, 9 + p);
        reading r = { .c = c, .process = p, .product = PRODUCTS, .fn = open_and_scan };
        fill(c);
        publish(c, 1, 3, 2);
        reading_begin(&r);
        while (readers_at(c, 1) == 0)
            step(c);
        steps(c, 500);
        ck_assert(!reading_is_over(&r));
        publish(c, 0, 3, 0);
        reading_end(&r);
        ck_assert_msg(r.status == WEIR_OK, "%s", r.error.what);
        ck_assert_uint_eq(r.time, 2);
        ck_assert_int_eq(r.sum, PRODUCTS * (PRODUCTS + 1) / 2);
        nobody_reads(c);
        cluster_destroy(c);
    }
}
END_TEST

START_TEST(but_not_for_ever)
{
    for (unsigned p = 0; p < 2; p++) {
        cluster *c = cluster_create(2, 11 + p);
        reading r = { .c = c, .process = p, .product = PRODUCTS, .wait_ms = 100 };
        fill(c);
        publish(c, 1, 3, 2);
        run(&r, open_it);
        ck_assert_int_eq(r.status, WEIR_UNAVAILABLE);
        ck_assert_ptr_nonnull(strstr(r.error.what, "process 0 has not"));
        nobody_reads(c);
        cluster_destroy(c);
    }
}
END_TEST

/* A reader's hold is one in every process. */
START_TEST(holds_are_kept_everywhere)
{
    cluster *c = cluster_create(2, 13);
    reading r = { .c = c, .process = 0, .product = PRODUCTS };
    fill(c);
    publish_all(c, 3);
    run(&r, open_it);
    publish(c, 0, 10, 9);
    publish(c, 1, 10, 9);
    ck_assert_uint_eq(weir_view_grant_since(c->of[0].view, 0, 9), 2);
    ck_assert_uint_le(weir_view_grant_since(c->of[1].view, WORKERS, 9), 2);
    run(&r, find_changes);
    ck_assert_int_eq(r.status, WEIR_OK);
    ck_assert_uint_eq(weir_view_grant_since(c->of[1].view, WORKERS, 9), 2);
    run(&r, close_it);
    nobody_reads(c);
    ck_assert_uint_eq(weir_view_grant_since(c->of[1].view, WORKERS, 9), 9);
    publish(c, 1, 11, 9);
    run(&r, open_it);
    ck_assert_uint_eq(r.time, 9);
    ck_assert_uint_eq(weir_view_reader_since(r.reader), 9);
    run(&r, find_changes);
    ck_assert_int_eq(r.status, WEIR_GONE);
    ck_assert_ptr_null(weir_view_reader_error(r.reader));
    run(&r, close_it);
    cluster_destroy(c);
}
END_TEST

/* One that moves on keeps nothing that is before where it was, whoever it asks what. How long it
 * may take to open it is not how long others may take later. */
START_TEST(one_that_moves_on_lets_go)
{
    cluster *c = cluster_create(2, 14);
    reading r = { .c = c, .process = 0, .product = PRODUCTS };
    fill(c);
    publish_all(c, 3);
    run(&r, open_it);
    for (r.product = 0; owner(c, r.product) / WORKERS != 0;)
        r.product++; /* one of this process's, so that the other hears nothing of the time */
    for (uint64_t upper = 10; upper <= 40; upper += 10) {
        publish(c, 0, upper, upper - 1);
        publish(c, 1, upper, upper - 1);
        uint64_t before = r.time;
        run(&r, move_on);
        ck_assert_uint_eq(r.time, upper - 1);
        run(&r, look_it_up);
        ck_assert_int_eq(r.sum, r.product + 1);
        ck_assert_uint_eq(weir_view_grant_since(c->of[1].view, WORKERS, upper - 1), before);
    }
    run(&r, close_it);
    nobody_reads(c);
    cluster_destroy(c);
}
END_TEST

START_TEST(to_open_it_may_take_less_than_to_read_it)
{
    cluster *c = cluster_create(2, 16);
    reading r = { .c = c, .process = 0, .product = PRODUCTS, .wait_ms = 300,
                  .open_ms = 50 };
    fill(c);
    c->of[1].frozen = true;
    run(&r, open_it);
    ck_assert_int_eq(r.status, WEIR_UNAVAILABLE);
    ck_assert_str_eq(r.error.what, "process 1 has not answered in 0.05 s");
    c->of[1].frozen = false;
    r.open_ms = 2000;
    run(&r, open_it);
    ck_assert_msg(r.status == WEIR_OK, "%s", r.error.what);
    c->of[1].frozen = true;
    run(&r, scan_it);
    ck_assert_str_eq(weir_view_reader_error(r.reader)->what,
                     "process 1 has not answered in 0.3 s");
    c->of[1].frozen = false;
    run(&r, close_it);
    nobody_reads(c);
    cluster_destroy(c);
}
END_TEST

/* A reader of one key asks nobody else. */
START_TEST(a_key_is_asked_for_where_it_is)
{
    cluster *c = cluster_create(3, 15);
    fill(c);
    publish_all(c, 3);
    for (unsigned product = 0; product < PRODUCTS; product++) {
        unsigned at = owner(c, product) / WORKERS;
        reading r = { .c = c, .process = (at + 1) % 3, .product = product };
        c->of[(at + 2) % 3].frozen = true;
        run(&r, open_it);
        ck_assert_msg(r.status == WEIR_OK, "%s", r.error.what);
        run(&r, look_it_up);
        ck_assert_int_eq(r.sum, product + 1);
        run(&r, find_changes);
        ck_assert_int_eq(r.sum, 1);
        run(&r, scan_it);
        ck_assert_int_eq(r.status, WEIR_INVALID);
        run(&r, close_it);
        c->of[(at + 2) % 3].frozen = false;
    }
    nobody_reads(c);
    cluster_destroy(c);
}
END_TEST

/* More than a page, of records and of changes; of one key, too. */
START_TEST(large_answers_come_in_pages)
{
    enum { MANY = 20000 };
    cluster *c = cluster_create(2, 17);
    reading r = { .c = c, .process = 0, .product = PRODUCTS };
    int64_t sum = 0;
    for (int i = 0; i < MANY; i++) {
        change(c, (unsigned)i % PRODUCTS, i, 1 + (uint64_t)i % 2, 1);
        sum += i;
    }
    publish_all(c, 3);
    run(&r, open_and_scan);
    ck_assert_int_eq(r.status, WEIR_OK);
    ck_assert_uint_eq(r.rows, MANY);
    ck_assert_int_eq(r.sum, sum);
    run(&r, open_it);
    run(&r, find_changes);
    ck_assert_uint_eq(r.rows, MANY / 2);
    for (r.product = 0; r.product < PRODUCTS; r.product++) {
        run(&r, look_it_up);
        ck_assert_uint_eq(r.rows, MANY / PRODUCTS);
    }
    run(&r, close_it);
    cluster_destroy(c);
}
END_TEST

/* ---- who cannot be asked ---- */

START_TEST(a_worker_does_not_wait)
{
    cluster *c = cluster_create(2, 19);
    weir_view_reader *reader;
    weir_error error = { 0 };
    fill(c);
    ck_assert(weir_view_is_divided(c->of[0].view));
    steps(c, 10);
    ck_assert_int_eq(weir_view_reader_open(c->of[0].view, "test", &reader, &error), WEIR_INVALID);
    ck_assert_ptr_null(reader);
    ck_assert_ptr_nonnull(strstr(error.what, "a worker's thread"));
    ck_assert_str_ne(error.hint, "");
    nobody_reads(c);
    cluster_destroy(c);
}
END_TEST

/* What it is asked meanwhile it answers late, to nobody; what was closed is closed there, too. */
START_TEST(one_that_does_not_answer_is_named)
{
    cluster *c = cluster_create(2, 21);
    reading r = { .c = c, .process = 0, .product = PRODUCTS, .wait_ms = 50 };
    fill(c);
    c->of[1].frozen = true;
    for (int i = 0; i < 3; i++) {
        run(&r, open_it);
        ck_assert_int_eq(r.status, WEIR_UNAVAILABLE);
        ck_assert_str_eq(r.error.what, "process 1 has not answered in 0.05 s");
        ck_assert_str_ne(r.error.hint, "");
    }
    c->of[1].frozen = false;
    r.wait_ms = 0;
    run(&r, open_it);
    ck_assert_int_eq(r.status, WEIR_OK);
    nobody_asks_but(c, 1, 1);
    c->of[1].frozen = true;
    run(&r, scan_it);
    ck_assert_int_eq(r.status, WEIR_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(weir_view_reader_error(r.reader)->what, "process 1 has not"));
    c->of[1].frozen = false;
    run(&r, scan_it); /* it stays so */
    ck_assert_int_eq(r.status, WEIR_UNAVAILABLE);
    run(&r, close_it);
    nobody_reads(c);
    run(&r, open_and_scan);
    ck_assert_int_eq(r.status, WEIR_OK);
    cluster_destroy(c);
}
END_TEST

START_TEST(one_that_is_lost_is_named)
{
    cluster *c = cluster_create(2, 23);
    reading r = { .c = c, .process = 0, .product = PRODUCTS };
    fill(c);
    run(&r, open_it);
    ck_assert_int_eq(r.status, WEIR_OK);
    c->of[1].frozen = true;
    r.fn = scan_it;
    reading_begin(&r);
    steps(c, 10);
    for (unsigned i = 0; i < 4; i++)
        weir__test_hub_break(c->hub, i);
    reading_end(&r);
    ck_assert_int_eq(r.status, WEIR_UNAVAILABLE);
    ck_assert_msg(strstr(weir_view_reader_error(r.reader)->what, "process 1 (b:2) is lost") != NULL,
                  "%s", weir_view_reader_error(r.reader)->what);
    run(&r, close_it);
    run(&r, open_it);
    ck_assert_int_eq(r.status, WEIR_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(r.error.what, "is lost"));
    cluster_destroy(c);
}
END_TEST

/* It says goodbye: its readers are nobody's any more, and it is asked nothing. */
START_TEST(one_that_ends_gives_back_its_holds)
{
    cluster *c = cluster_create(2, 25);
    reading r = { .c = c, .process = 1, .product = PRODUCTS };
    weir_error error;
    fill(c);
    run(&r, open_it);
    ck_assert_uint_eq(readers_at(c, 0), 1);
    weir_runtime_stop(c->of[1].runtime);
    for (int i = 0; i < 100000 && !worker_of(c, 1, 0)->ended; i++)
        step(c);
    ck_assert_int_eq(weir_runtime_wait(c->of[1].runtime, &error), WEIR_OK);
    ck_assert_int_eq(weir_runtime_wait(c->of[0].runtime, &error), WEIR_OK);
    run(&r, scan_it);
    ck_assert_int_eq(r.status, WEIR_CLOSED);
    run(&r, close_it);
    cluster_destroy(c);
}
END_TEST

/* ---- what others may send ---- */

static weir__wire *wire_from(cluster *c, unsigned from, unsigned to)
{
    return weir__mesh_wire(weir__cluster_mesh(c->of[from].runtime->cluster), to);
}

static void put_ask(cluster *c, const weir__ask *ask, const char *body, size_t size)
{
    weir__wire *wire = wire_from(c, 1, 0);
    unsigned char *room = weir__wire_room(wire, WEIR__FRAME_HEAD_MAX + size);
    size_t head = weir__frame_put_ask(room, ask, size);
    memcpy(room + head, body, size);
    weir__wire_commit(wire, head + size);
}

static weir__ask opening(uint64_t reader, const char *view)
{
    return (weir__ask){ .id = reader, .kind = WEIR__ASK_OPEN, .reader = reader,
                        .view = weir_str_of(view), .owner = weir_str_of("stranger") };
}

static bool has_failed(const cluster *c, unsigned p)
{
    return __atomic_load_n(&c->of[p].runtime->failed, __ATOMIC_ACQUIRE);
}

/* All of these are answered with a refusal, or not at all; and nothing is left of them. */
START_TEST(what_makes_no_sense_is_refused)
{
    static const weir__ask asks[] = {
        { .kind = WEIR__ASK_TAKE, .time = 0 },
        { .kind = WEIR__ASK_LOOKUP, .time = 2 }, /* without a key */
        { .kind = WEIR__ASK_LOOKUP, .time = UINT64_MAX },
        { .kind = WEIR__ASK_SCAN, .time = UINT64_MAX },
        { .kind = WEIR__ASK_SCAN, .time = 2, .from = UINT64_MAX, .ordinal = UINT64_MAX },
        { .kind = WEIR__ASK_CHANGES, .time = 2, .from = UINT64_MAX },
        { .kind = WEIR__ASK_CHANGES, .time = 2, .ordinal = 1 },
        { .kind = WEIR__ASK_CHANGES, .time = 2, .limit = 1 },
    };
    cluster *c = cluster_create(2, 27);
    weir__answers *answers = weir__cluster_answers(c->of[0].runtime->cluster);
    reading r = { .c = c, .process = 0, .product = PRODUCTS };
    char noise[200];
    fill(c);
    publish_all(c, 3);
    for (uint64_t n = 0; n < 300; n++) {
        weir__ask ask = opening(n + 1, n % 50 == 9 ? "none" : "stock");
        put_ask(c, &ask, "", 0);
        steps(c, 200);
        ask = asks[n % (sizeof asks / sizeof *asks)];
        ask.reader = n + 1;
        for (size_t i = 0; i < sizeof noise; i++)
            noise[i] = (char)test_random(&c->random);
        if (n % 50 != 9)
            put_ask(c, &ask, noise, n % 3 ? n % sizeof noise : 0);
        steps(c, n % 3 ? 200 : 0);
        put_ask(c, &(weir__ask){ .kind = WEIR__ASK_CLOSE, .reader = n + 1 }, "", 0);
        put_ask(c, &(weir__ask){ .kind = WEIR__ASK_CLOSE, .reader = n + 1 }, "", 0);
    }
    nobody_asks_but(c, 0, 0);
    ck_assert_uint_eq(weir__answers_readers(answers), 0);
    ck_assert(!has_failed(c, 0) && !has_failed(c, 1));
    run(&r, open_and_scan);
    ck_assert_int_eq(r.status, WEIR_OK);
    cluster_destroy(c);
}
END_TEST

/* What no process that works would send ends the cluster. */
START_TEST(what_cannot_be_asked_ends_it)
{
    char *large = weir_alloc_zero(WEIR__ASK_BODY_MAX + 1);
    for (int wrong = 0; wrong < 7; wrong++) {
        cluster *c = cluster_create(2, 29);
        weir_error error = { 0 };
        weir__ask ask = opening(7, "stock"), scan = { .kind = WEIR__ASK_SCAN, .reader = 7 };
        weir__wire *wire = wire_from(c, 1, 0);
        fill(c);
        if (wrong < 2) {
            put_ask(c, &ask, "", 0);
            put_ask(c, wrong ? &scan : &ask, "", 0); /* the first one is not answered yet */
        } else if (wrong == 2) {
            put_ask(c, &scan, "", 0); /* of no reader */
        } else if (wrong == 3) {
            put_ask(c, &(weir__ask){ .kind = WEIR__ASK_KINDS, .reader = 7 }, "", 0);
        } else if (wrong == 6) {
            put_ask(c, &ask, large, WEIR__ASK_BODY_MAX + 1);
        } else {
            unsigned char *room = weir__wire_room(wire, WEIR__FRAME_ROOM);
            weir__wire_commit(wire, weir__frame_put_plain(
                                        room, wrong == 4 ? WEIR__FRAME_ASK : WEIR__FRAME_ANSWER,
                                        0));
        }
        for (int i = 0; i < 10000 && !has_failed(c, 0); i++)
            step(c);
        ck_assert_int_eq(weir_runtime_wait(c->of[0].runtime, &error), WEIR_BAD_DATA);
        ck_assert_ptr_nonnull(strstr(error.what, "process 1 has "));
        cluster_destroy(c);
    }
    weir_free(large, WEIR__ASK_BODY_MAX + 1);
}
END_TEST

/* What waits for a time keeps what came with it; what would be too much is refused meanwhile. */
START_TEST(there_is_a_bound_on_keys)
{
    cluster *c = cluster_create(2, 37);
    char *large = weir_alloc_zero(WEIR__ASK_BODY_MAX);
    reading r = { .c = c, .process = 1, .product = PRODUCTS };
    fill(c);
    for (uint64_t n = 0; n < WEIR__ASK_BODIES_MAX / WEIR__ASK_BODY_MAX; n++) {
        weir__ask ask = opening(1000 + n, "stock");
        put_ask(c, &ask, "", 0);
        steps(c, 200);
        ask = (weir__ask){ .id = 2000 + n, .kind = WEIR__ASK_TAKE, .reader = 1000 + n, .time = 9 };
        put_ask(c, &ask, large, WEIR__ASK_BODY_MAX);
        steps(c, 200);
    }
    run(&r, open_it);
    ck_assert_msg(r.status == WEIR_OK, "%s", r.error.what);
    for (r.product = 0; owner(c, r.product) / WORKERS != 0;)
        r.product++;
    run(&r, look_it_up);
    ck_assert_int_eq(r.status, WEIR_FULL);
    ck_assert_str_eq(weir_view_reader_error(r.reader)->what, "process 0 has keys of 67108864 bytes "
                     "to look up for this process, as many as may be");
    publish_all(c, 20);
    steps(c, 2000);
    for (unsigned later = 0; later < 2; later++) { /* the same reader at its time; another one */
        run(&r, look_it_up);
        ck_assert_int_eq(r.status, WEIR_OK);
        ck_assert_int_eq(r.sum, r.product + later);
        ck_assert_uint_eq(r.rows, 1);
        ck_assert_ptr_null(weir_view_reader_error(r.reader));
        run(&r, close_it);
        run(&r, open_it);
    }
    run(&r, close_it);
    cluster_destroy(c);
    weir_free(large, WEIR__ASK_BODY_MAX);
}
END_TEST

/* By whoever asks: a key; by whoever has it: a record. */
START_TEST(what_is_too_large_is_told)
{
    enum { KEY = WEIR__ASK_BODY_MAX, RECORD = WEIR__ANSWER_BODY_MAX };
    cluster *c = cluster_create(2, 39);
    reading r = { .c = c, .product = PRODUCTS };
    char *text = weir_alloc_zero(RECORD);
    stock s = { weir_str_view(text, RECORD), 1 };
    while (weir_shape_hash(c->shape, &s) >> 63 == 0)
        text[0]++; /* it is process 1's */
    weir_updates u = { .records = &s, .count = 1, .time = { { 1 } } };
    ck_assert_int_eq(weir_trace_builder_add(c->of[1].of[0].builder, &u), WEIR_OK);
    publish_all(c, 2);
    run(&r, open_it);
    run(&r, scan_it);
    ck_assert_int_eq(r.status, WEIR_TOO_LARGE);
    ck_assert_ptr_nonnull(strstr(weir_view_reader_error(r.reader)->what, "a record of the view "
                                 "'stock' has 67108"));
    run(&r, close_it);
    run(&r, open_it);
    s.product = weir_str_view(text, KEY);
    while (weir_shape_hash(c->shape, &s) >> 63 == 0)
        text[0]++;
    ck_assert_int_eq(weir_view_reader_lookup(r.reader, &s, add_row, &r), WEIR_TOO_LARGE);
    ck_assert_ptr_null(weir_view_reader_error(r.reader));
    run(&r, close_it);
    nobody_reads(c);
    cluster_destroy(c);
    weir_free(text, RECORD);
}
END_TEST

/* One process has a record that is too large, which the next call may have no need of; another one
 * does not answer, which ends the reader: whichever is heard first. */
static void fail_twice(unsigned large, unsigned silent)
{
    enum { RECORD = WEIR__ANSWER_BODY_MAX };
    cluster *c = cluster_create(3, 41);
    reading r = { .c = c, .product = PRODUCTS };
    char *text = weir_alloc_zero(RECORD);
    stock s = { weir_str_view(text, RECORD), 1 };
    fill(c);
    while (owner_of(c, &s) / WORKERS != large)
        text[0]++;
    weir_updates u = { .records = &s, .count = 1, .time = { { 2 } } };
    weir_trace_builder *builder = c->of[large].of[owner_of(c, &s) % WORKERS].builder;
    ck_assert_int_eq(weir_trace_builder_add(builder, &u), WEIR_OK);
    publish_all(c, 3);
    run(&r, open_it);
    ck_assert_msg(r.status == WEIR_OK, "%s", r.error.what);
    run(&r, find_changes);
    ck_assert_int_eq(r.status, WEIR_TOO_LARGE);
    c->of[silent].frozen = true;
    for (int i = 0; i < 2; i++) {
        run(&r, find_changes);
        ck_assert_int_eq(r.status, i == 0 && large < silent ? WEIR_TOO_LARGE : WEIR_UNAVAILABLE);
        ck_assert_int_eq(weir_view_reader_error(r.reader)->status, WEIR_UNAVAILABLE);
        c->of[silent].frozen = false; /* it stays so */
    }
    run(&r, close_it);
    nobody_reads(c);
    cluster_destroy(c);
    weir_free(text, RECORD);
}

START_TEST(what_ends_a_reader_is_not_forgotten)
{
    fail_twice(1, 2);
    fail_twice(2, 1);
}
END_TEST

START_TEST(there_is_a_bound_on_readers)
{
    enum { TOO_MANY = WEIR__ASK_READERS_MAX + 50 };
    cluster *c = cluster_create(2, 31);
    weir__answers *answers = weir__cluster_answers(c->of[0].runtime->cluster);
    reading r = { .c = c, .process = 1, .product = PRODUCTS };
    fill(c);
    for (uint64_t n = 1; n <= TOO_MANY; n++) {
        weir__ask ask = opening(1000000 + n, "stock");
        put_ask(c, &ask, "", 0);
    }
    for (int i = 0; i < 100000 && readers_at(c, 0) < WEIR__ASK_READERS_MAX; i++)
        step(c);
    ck_assert_uint_eq(weir__answers_readers(answers), WEIR__ASK_READERS_MAX);
    run(&r, open_it);
    ck_assert_int_eq(r.status, WEIR_FULL);
    ck_assert_ptr_nonnull(strstr(r.error.what, "process 0 answers for 1024 readers"));
    for (uint64_t n = 1; n <= TOO_MANY; n++)
        put_ask(c, &(weir__ask){ .kind = WEIR__ASK_CLOSE, .reader = 1000000 + n }, "", 0);
    nobody_asks_but(c, 0, 0);
    run(&r, open_and_scan);
    ck_assert_int_eq(r.status, WEIR_OK);
    cluster_destroy(c);
}
END_TEST

/* ---- what others may answer ---- */

static void put_answer(cluster *c, const weir__answer *answer, const char *body, size_t size)
{
    weir__wire *wire = wire_from(c, 1, 0);
    unsigned char *room = weir__wire_room(wire, WEIR__FRAME_HEAD_MAX + size);
    size_t head = weir__frame_put_answer(room, answer, size);
    memcpy(room + head, body, size);
    weir__wire_commit(wire, head + size);
    weir__mesh_flush(weir__cluster_mesh(c->of[1].runtime->cluster)); /* it is frozen */
}

/* The test answers for process 1, which is frozen: first that it is open, then what is wrong. */
static void answer_wrongly(void (*fn)(reading *r), const weir__answer *wrong, const char *body,
                           size_t size)
{
    cluster *c = cluster_create(2, 33);
    reading r = { .c = c, .process = 0, .product = PRODUCTS };
    fill(c);
    c->of[1].frozen = true;
    r.fn = open_it;
    reading_begin(&r);
    put_answer(c, &(weir__answer){ .id = 99, .upper = 2 }, "", 0); /* to nothing */
    for (; !reading_is_over(&r); steps(c, 20)) /* with rows that nobody has asked for */
        put_answer(c, &(weir__answer){ .id = 1, .upper = 2 }, body, size);
    reading_end(&r);
    ck_assert_msg(r.status == WEIR_OK, "%s", r.error.what);
    r.fn = fn;
    reading_begin(&r);
    while (!reading_is_over(&r)) {
        weir__answer answer = *wrong;
        answer.id = 2;
        put_answer(c, &answer, body, size);
        steps(c, 20);
    }
    reading_end(&r);
    ck_assert_int_eq(r.status, WEIR_BAD_DATA);
    ck_assert_str_eq(weir_view_reader_error(r.reader)->what,
                     "process 1 has answered what cannot be");
    run(&r, close_it);
    ck_assert(!has_failed(c, 0));
    cluster_destroy(c);
}

START_TEST(what_cannot_be_answered_is_refused)
{
    char noise[500];
    size_t size;
    uint64_t random = 35;
    weir_view view = { .type = stock_type(), .key = { .count = 1 } };
    stock key = { weir_str_of("p1"), 3 };
    weir__pool *pool = weir__pool_create();
    char *row = weir__key_bytes(&view, &key, pool, &size); /* has no hash */
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (char)test_random(&random);
    answer_wrongly(scan_it, &(weir__answer){ .ended = true }, noise, sizeof noise);
    answer_wrongly(scan_it, &(weir__answer){ .ended = false }, "", 0);
    answer_wrongly(scan_it, &(weir__answer){ .ended = true }, row, size);
    answer_wrongly(scan_it, &(weir__answer){ .status = WEIR_INVALID }, "", 0);
    answer_wrongly(find_changes, &(weir__answer){ .ended = true }, noise, sizeof noise);
    answer_wrongly(find_changes, &(weir__answer){ .ended = false }, "", 0);
    answer_wrongly(find_changes, &(weir__answer){ .status = WEIR_BAD_DATA }, noise, 300);
    weir_free(row, size);
    weir__pool_close(pool);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        all_is_read_from_everywhere,
        the_time_is_one_that_all_have,
        one_that_has_forgotten_is_waited_for,
        but_not_for_ever,
        holds_are_kept_everywhere,
        one_that_moves_on_lets_go,
        to_open_it_may_take_less_than_to_read_it,
        a_key_is_asked_for_where_it_is,
        large_answers_come_in_pages,
        a_worker_does_not_wait,
        one_that_does_not_answer_is_named,
        one_that_is_lost_is_named,
        one_that_ends_gives_back_its_holds,
        what_makes_no_sense_is_refused,
        what_cannot_be_asked_ends_it,
        there_is_a_bound_on_keys,
        what_is_too_large_is_told,
        what_ends_a_reader_is_not_forgotten,
        there_is_a_bound_on_readers,
        what_cannot_be_answered_is_refused,
        NULL,
    };
    return test_run(test_suite("views_far", tests));
}

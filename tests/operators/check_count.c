/* SPDX-License-Identifier: Apache-2.0
 *
 * count against a naive model: random insertions and deletions over random epochs, 1 to 8 workers.
 * At the end of every epoch the sum of all changes so far equals the count from scratch.
 */
#include <pthread.h>
#include <stdio.h>
#include <weir/weir.h>

#include "support.h"

#define ITEM(F) F(str, name) F(u32, group)
WEIR_RECORD(item, ITEM)
#define ITEM_COUNT(F) F(str, name) F(u32, group) F(i64, count)
WEIR_RECORD(item_count, ITEM_COUNT)

enum { NAMES = 40, EPOCHS = 30 };

/* What came out: the sum of diffs for (name, count value) at each epoch. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int64_t seen_count[EPOCHS + 1][NAMES]; /* net count by name: sum of count × diff */
static int64_t seen_rows[EPOCHS + 1][NAMES];  /* net number of rows by name */
static int64_t truth[EPOCHS + 1][NAMES];

static void name_of(unsigned i, char *text, size_t size)
{
    snprintf(text, size, i % 2 ? "n%u" : "a rather long name, number %u", i);
}

static void collect_step(weir_step *step, void *state)
{
    (void)state;
    pthread_mutex_lock(&lock);
    for (const weir_batch *batch; (batch = weir_step_take(step, 0));)
        for (size_t i = 0; i < batch->count; i++) {
            const item_count *r = weir_batch_record(batch, i);
            char text[64];
            name_of(r->group, text, sizeof text);
            ck_assert_uint_eq(r->name.len, strlen(text));
            ck_assert(memcmp(weir_str_data(&r->name), text, r->name.len) == 0);
            uint64_t epoch = batch->time.at[0];
            ck_assert_uint_le(epoch, EPOCHS);
            seen_count[epoch][r->group] += r->count * weir_batch_diff(batch, i);
            seen_rows[epoch][r->group] += weir_batch_diff(batch, i);
        }
    pthread_mutex_unlock(&lock);
}

typedef struct fixture {
    weir_input *input;
    uint64_t seed;
} fixture;

static void build(weir_graph *g, void *ctx)
{
    fixture *f = ctx;
    weir_stream(item) items = weir_input_add(g, item, &f->input, .manual = true,
                                             .collection = true);
    weir_stream(item_count) counts = weir_count(items, item_count, WEIR_KEY(item, name, group));
    ck_assert_uint_eq(weir_port_unique_key(counts.port)->count, 2);
    weir_node_input in = { .type = item_count_type(), .takes_diffs = true };
    weir_node_add(g, &(weir_node_spec){ .struct_size = sizeof(weir_node_spec), .kind = "collect",
                                        .input_count = 1, .inputs = &in, .step = collect_step },
                  &counts.port);
}

static void feed(weir_worker *worker, void *ctx)
{
    fixture *f = ctx;
    uint64_t random = f->seed + weir_worker_index(worker);
    weir_input_handle *h = weir_input_open(f->input, weir_worker_index(worker));
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
        weir_time now = weir_time_1(epoch);
        weir_input_advance_to(h, &now);
        for (uint64_t n = test_below(&random, 200); n; n--) {
            unsigned i = (unsigned)test_below(&random, NAMES);
            int64_t diff = (int64_t)test_below(&random, 5) - 2;
            char text[64];
            name_of(i, text, sizeof text);
            item r = { .name = weir_str_of(text), .group = i };
            if (diff == 0)
                continue;
            ck_assert_int_eq(weir_input_send_record(h, &r, diff), WEIR_OK);
            pthread_mutex_lock(&lock);
            truth[epoch][i] += diff;
            pthread_mutex_unlock(&lock);
        }
        for (uint64_t n = test_below(&random, 3); n; n--)
            weir_worker_step(worker);
    }
    weir_input_close(h);
}

static void check_all(uint64_t seed)
{
    int64_t sum[NAMES] = { 0 }, seen[NAMES] = { 0 }, rows[NAMES] = { 0 };
    for (unsigned e = 0; e < EPOCHS; e++)
        for (unsigned i = 0; i < NAMES; i++) {
            sum[i] += truth[e][i];
            seen[i] += seen_count[e][i];
            rows[i] += seen_rows[e][i];
            ck_assert_msg(seen[i] == sum[i], "seed %llu epoch %u name %u: %lld, not %lld",
                          (unsigned long long)seed, e, i, (long long)seen[i],
                          (long long)sum[i]);
            ck_assert_int_eq(rows[i], sum[i] != 0);
        }
}

START_TEST(equals_the_model)
{
    static const unsigned workers[] = { 1, 2, 3, 8 };
    for (size_t k = 0; k < 4; k++)
        for (uint64_t s = 0; s < 5; s++) {
            fixture f = { .seed = test_seed(1) * 100 + s };
            memset(seen_count, 0, sizeof seen_count);
            memset(seen_rows, 0, sizeof seen_rows);
            memset(truth, 0, sizeof truth);
            weir_config config = { .struct_size = sizeof config, .workers = workers[k],
                                   .worker_main = feed, .ctx = &f };
            weir_error error = { 0 };
            ck_assert_msg(weir_run(&config, build, &f, &error) == WEIR_OK, "%s", error.what);
            check_all(f.seed);
        }
}
END_TEST

static void overflow_feed(weir_worker *worker, void *ctx)
{
    fixture *f = ctx;
    weir_input_handle *h = weir_input_open(f->input, weir_worker_index(worker));
    item r = { .name = weir_str_of("x"), .group = 1 };
    ck_assert_int_eq(weir_input_send_record(h, &r, INT64_MAX), WEIR_OK);
    ck_assert_int_eq(weir_input_send_record(h, &r, 1), WEIR_OK);
    weir_input_close(h);
}

START_TEST(overflow_ends_the_run)
{
    fixture f = { 0 };
    weir_config config = { .struct_size = sizeof config, .worker_main = overflow_feed,
                           .ctx = &f };
    weir_error error = { 0 };
    ck_assert_int_eq(weir_run(&config, build, &f, &error), WEIR_OVERFLOWED);
    ck_assert(strstr(error.what, "64 bits") != NULL);
    ck_assert(strstr(error.detail, "count") != NULL);
}
END_TEST

static void refused_key(weir_graph *g, void *ctx)
{
    fixture *f = ctx;
    weir_stream(item) items = weir_input_add(g, item, &f->input);
    weir__count(items.port, item_count_type(), (const char *const[]){ "colour", NULL });
}

static void refused_result(weir_graph *g, void *ctx)
{
    fixture *f = ctx;
    weir_stream(item) items = weir_input_add(g, item, &f->input);
    weir__count(items.port, item_count_type(), (const char *const[]){ "name", NULL });
}

static void refused_scope(weir_graph *g, void *ctx)
{
    fixture *f = ctx;
    weir_stream(item) items = weir_input_add(g, item, &f->input);
    weir_scope *scope = weir_scope_add(g, NULL, "inner");
    weir__count(weir_port_enter(items.port, scope), item_count_type(),
                (const char *const[]){ "name", "group", NULL });
}

START_TEST(refusals)
{
    fixture f = { 0 };
    weir_error error = { 0 };
    ck_assert_int_ne(weir_run(NULL, refused_key, &f, &error), WEIR_OK);
    ck_assert(strstr(error.what, "colour") != NULL);
    ck_assert_int_eq(weir_run(NULL, refused_result, &f, &error), WEIR_TYPE_MISMATCH);
    ck_assert(strstr(error.hint, "then one i64") != NULL);
    ck_assert_int_eq(weir_run(NULL, refused_scope, &f, &error), WEIR_INVALID);
    ck_assert(strstr(error.what, "scope") != NULL);
}
END_TEST

int main(void)
{
    return test_run(test_suite("count", (const TTest *const[]){
        equals_the_model, overflow_ends_the_run, refusals, NULL }));
}

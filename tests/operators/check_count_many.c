/* SPDX-License-Identifier: Apache-2.0
 *
 * count, where so many keys come in an epoch that they wait to be counted together: each has its
 * count when the epoch is complete, whichever came twice, or left again.
 */
#include <weir/operators/count.h>

#include <pthread.h>
#include <weir/weir.h>

#include "support.h"

#define ITEM(F) F(u64, key)
#define ITEM_COUNT(F) F(u64, key) F(i64, n)
WEIR_RECORD(item, ITEM)
WEIR_RECORD(item_count, ITEM_COUNT)

enum { KEYS = 600000, EPOCHS = 4, WORKERS = 2 };

/* What the collection says after an epoch: records of the key, and the sum of their counts. */
typedef struct said {
    int64_t records, sum;
} said;

static weir_input(item) input;
static int64_t sent[EPOCHS][KEYS];
static said heard[EPOCHS][KEYS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void hear(weir_step *step, void *state)
{
    (void)state;
    pthread_mutex_lock(&lock);
    for (const weir_batch *batch; (batch = weir_step_take(step, 0));)
        for (size_t i = 0; i < batch->count; i++) {
            const item_count *c = weir_batch_record(batch, i);
            said *s = &heard[weir_batch_time(batch, i).at[0]][c->key];
            s->records += weir_batch_diff(batch, i);
            s->sum += weir_batch_diff(batch, i) * c->n;
        }
    pthread_mutex_unlock(&lock);
}

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(item) items = weir_input_add(g, item, &input, .manual = true, .collection = true);
    weir_stream(item_count) counts = weir_count(items, item_count, WEIR_KEY(item, key));
    weir_node_input in = { .type = item_count_type(), .takes_diffs = true };
    weir_node_spec spec = {
        .struct_size = sizeof spec, .kind = "hear", .input_count = 1, .inputs = &in, .step = hear
    };
    weir_node_add(g, &spec, &counts.port);
}

static void send(weir_worker *worker, weir_input_handle(item) h, uint64_t key, int64_t diff)
{
    weir_status status;
    while ((status = weir_input_change(h, item, { key }, diff)) == WEIR_FULL)
        weir_worker_step(worker);
    ck_assert_int_eq(status, WEIR_OK);
}

/* In the second epoch some are there less than never, which the third makes up for. */
static int64_t diff_of(uint64_t epoch, uint64_t key)
{
    if (epoch == 1 && key >= KEYS * 5 / 8 && key % 1000 == 9)
        return -1;
    if (key / 100 % 500 != 7)
        return 1;
    return epoch < 2 ? 3 : -3;
}

/* Every worker sends keys of its own. In the second epoch most are new, and some have come before.
 * Nearly all of the third have, and some leave. */
static void feed(weir_worker *worker, void *ctx)
{
    const unsigned *workers = ctx;
    weir_input_handle(item) h = weir_input_open(input, weir_worker_index(worker));
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
        weir_time time = weir_time_1(epoch);
        uint64_t until = epoch == 0 ? KEYS * 5 / 8 : epoch == 1 ? KEYS - 100 : KEYS;
        uint64_t from = epoch < 2 ? epoch * (KEYS / 2) : epoch == 2 ? KEYS * 2 / 3 : KEYS - 1000;
        weir_input_advance_to(h, &time);
        for (uint64_t key = from; key < until; key++) {
            int64_t diff = diff_of(epoch, key);
            if (key % *workers != weir_worker_index(worker))
                continue;
            send(worker, h, key, diff);
            if (key % 50000 == 5 + epoch) /* again, at once */
                send(worker, h, key, 1);
            sent[epoch][key] += diff + (key % 50000 == 5 + epoch);
            if (key % 4096 == 0)
                weir_worker_step(worker);
        }
        for (int i = 0; i < 20; i++)
            weir_worker_step(worker);
    }
    weir_input_close(h);
}

static void compare(void)
{
    for (uint64_t key = 0; key < KEYS; key++) {
        said now = { 0, 0 };
        int64_t expected = 0;
        for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
            expected += sent[epoch][key];
            now.records += heard[epoch][key].records;
            now.sum += heard[epoch][key].sum;
            ck_assert_msg(now.sum == expected && now.records == (expected != 0),
                          "key %llu, epoch %llu: %lld records, in all %lld instead of %lld",
                          (unsigned long long)key, (unsigned long long)epoch,
                          (long long)now.records, (long long)now.sum, (long long)expected);
        }
    }
}

START_TEST(as_many_as_were_sent)
{
    for (unsigned workers = 1; workers <= WORKERS; workers++) {
        weir_error error;
        weir_config config = { .struct_size = sizeof config,
                               .workers = workers,
                               .worker_main = feed,
                               .ctx = &workers };
        memset(sent, 0, sizeof sent);
        memset(heard, 0, sizeof heard);
        ck_assert_int_eq(weir_run(&config, build, NULL, &error), WEIR_OK);
        compare();
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { as_many_as_were_sent, NULL };
    return test_run(test_suite("count_many", tests));
}

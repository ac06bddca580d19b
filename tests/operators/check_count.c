/* SPDX-License-Identifier: Apache-2.0
 *
 * count: against plain sums on several workers, epochs given by hand that arrive out of order,
 * collections, long keys, keys that vanish, refusals, overflow.
 */
#include <weir/operators/count.h>

#include <pthread.h>
#include <stdio.h>
#include <weir/observe.h>
#include <weir/operators/map.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define ITEM(F) F(i64, weight) F(str, name) F(opt_u32, size)
#define ITEM_COUNT(F) F(str, item) F(opt_u32, size) F(i64, n)
#define NAME_COUNT(F) F(str, name) F(i64, n)
#define WEIGHT_COUNT(F) F(i64, weight) F(i64, n)
#define NUMBER(F) F(u32, number)
#define NUMBER_COUNT(F) F(u32, number) F(i64, n)
#define TOO_WIDE(F) F(str, name) F(i64, n) F(i64, more)
WEIR_RECORD(item, ITEM)
WEIR_RECORD(item_count, ITEM_COUNT)
WEIR_RECORD(name_count, NAME_COUNT)
WEIR_RECORD(weight_count, WEIGHT_COUNT)
WEIR_RECORD(number, NUMBER)
WEIR_RECORD(number_count, NUMBER_COUNT)
WEIR_RECORD(too_wide, TOO_WIDE)

enum { NAMES = 40, SIZES = 3, EPOCHS = 30 };

static char names[NAMES][40];

static item make(unsigned i)
{
    unsigned name = i % NAMES, size = i / NAMES % SIZES;
    return (item){ i, weir_str_of(names[name]), { size > 0, size } };
}

/* ---- what came out: the sum of diffs of each record up to each epoch ---- */

typedef struct result {
    uint64_t epoch;
    unsigned key;
    int64_t n, diff;
} result;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static result *results;
static size_t result_count;
static uint64_t seed;

static unsigned key_of(const item_count *c)
{
    for (unsigned i = 0; i < NAMES * SIZES; i++) {
        item r = make(i);
        if (weir_str_equal(&r.name, &c->item) && r.size.set == c->size.set &&
            r.size.value == c->size.value)
            return i;
    }
    char text[200];
    weir_record_text(item_count_type(), c, text, sizeof text);
    ck_abort_msg("a key that was never sent: %s", text);
    return 0;
}

/* Of a record that comes from any of the counts. */
static result read_result(const weir_batch *batch, size_t i)
{
    const void *record = weir_batch_record(batch, i);
    result r = { weir_batch_time(batch, i).at[0], 0, 0, weir_batch_diff(batch, i) };
    if (batch->type == weight_count_type()) {
        weight_count c = *(const weight_count *)record;
        ck_assert(c.weight >= 0 && c.weight < NAMES * SIZES);
        r.key = (unsigned)c.weight;
        r.n = c.n;
    } else if (batch->type == number_count_type()) {
        number_count c = *(const number_count *)record;
        ck_assert_int_lt(c.number, NAMES * SIZES);
        ck_assert_int_eq(memcmp((const char *)record + sizeof c.number, (char[4]){ 0 }, 4), 0);
        r.key = c.number;
        r.n = c.n;
    } else {
        r.key = key_of(record);
        r.n = ((const item_count *)record)->n;
    }
    return r;
}

static void collect_step(weir_step *step, void *state)
{
    (void)state;
    for (const weir_batch *batch; (batch = weir_step_take(step, 0));) {
        pthread_mutex_lock(&lock);
        results = realloc(results, (result_count + batch->count) * sizeof *results);
        for (size_t i = 0; i < batch->count; i++)
            results[result_count++] = read_result(batch, i);
        pthread_mutex_unlock(&lock);
    }
}

static void collect(weir_port *port)
{
    weir_node_input in = { .type = weir_port_type(port), .takes_diffs = true };
    weir_node_spec spec = { .struct_size = sizeof spec,
                            .kind = "collect",
                            .input_count = 1,
                            .inputs = &in,
                            .step = collect_step };
    if (port)
        weir_node_add(weir_port_graph(port), &spec, &port);
}

/* ---- a program: every worker sends changes of random epochs, in no order ---- */

/* The key: two fields, one of 8 bytes, one of 4. */
typedef enum counted_by { BY_NAME_AND_SIZE, BY_WEIGHT, BY_NUMBER } counted_by;

typedef struct program {
    weir_input(item) inputs[2]; /* the second one lags behind, so that epochs wait */
    int64_t sent[EPOCHS][NAMES * SIZES];
    bool negative;
    counted_by by;
} program;

static number number_of(const item *r)
{
    return (number){ (uint32_t)r->weight };
}
WEIR_MAP(number_of, item, number)

static void build(weir_graph *g, void *ctx)
{
    program *p = ctx;
    weir_port *ports[2];
    for (int i = 0; i < 2; i++)
        ports[i] = weir_input_add(g, item, &p->inputs[i], .manual = true, .collection = true).port;
    weir_stream(item) both = { .port = weir_port_concat(ports, 2) };
    if (p->by == BY_WEIGHT) {
        collect(weir_count(both, weight_count, WEIR_KEY(item, weight)).port);
        return;
    }
    if (p->by == BY_NUMBER) {
        weir_stream(number) numbers = weir_map(both, number_of);
        collect(weir_count(numbers, number_count, WEIR_KEY(number, number)).port);
        return;
    }
    weir_stream(item_count) counts = weir_count(both, item_count, WEIR_KEY(item, name, size));
    ck_assert(!counts.port || weir_port_is_collection(counts.port));
    ck_assert(!counts.port || weir_port_unique_key(counts.port)->count == 2);
    collect(counts.port);
}

static void send_epoch(program *p, weir_input_handle(item) h, uint64_t epoch, uint64_t *random)
{
    weir_time time = weir_time_1(epoch);
    weir_input_advance_to(h, &time);
    for (uint64_t n = test_below(random, 300); n > 0; n--) {
        unsigned key = (unsigned)test_below(random, NAMES * SIZES);
        int64_t diff = p->negative ? (int64_t)test_below(random, 5) - 2 : 1;
        ck_assert_int_eq(weir_input_change(h, item, make(key), diff), WEIR_OK);
        pthread_mutex_lock(&lock);
        p->sent[epoch][key] += diff;
        pthread_mutex_unlock(&lock);
    }
}

static void feed(weir_worker *worker, void *ctx)
{
    program *p = ctx;
    uint64_t random = seed + weir_worker_index(worker) * 1000;
    weir_input_handle(item) fast = weir_input_open(p->inputs[0], weir_worker_index(worker));
    weir_input_handle(item) slow = weir_input_open(p->inputs[1], weir_worker_index(worker));
    for (uint64_t epoch = 0; epoch < EPOCHS + 5; epoch++) {
        if (epoch < EPOCHS)
            send_epoch(p, fast, epoch, &random);
        if (epoch >= 5)
            send_epoch(p, slow, epoch - 5, &random);
        for (uint64_t n = test_below(&random, 4); n > 0; n--)
            weir_worker_step(worker);
    }
    weir_input_close(fast);
    weir_input_close(slow);
}

/* After each epoch the collection has each key once, with its count, and no other record. */
static void compare(const program *p)
{
    for (unsigned key = 0; key < NAMES * SIZES; key++) {
        int64_t expected = 0;
        for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
            int64_t before = expected, old = 0, new = 0, changes = 0;
            expected += p->sent[epoch][key];
            for (size_t i = 0; i < result_count; i++) {
                const result *r = &results[i];
                if (r->epoch != epoch || r->key != key)
                    continue;
                changes++;
                old += r->diff == -1 && r->n == before;
                new += r->diff == 1 && r->n == expected;
            }
            bool changed = before != expected;
            ck_assert_msg(old == (changed && before != 0) && new == (changed && expected != 0) &&
                              changes == old + new,
                          "WEIR_SEED=%llu: key %u, epoch %u", (unsigned long long)seed, key,
                          (unsigned)epoch);
        }
    }
}

static void run(unsigned workers, bool negative, counted_by by)
{
    program *p = calloc(1, sizeof *p);
    weir_error error;
    p->negative = negative;
    p->by = by;
    weir_config config = { .struct_size = sizeof config,
                           .workers = workers,
                           .hash_seed = seed,
                           .worker_main = feed,
                           .ctx = p,
                           .batch_bytes = 1024 };
    char text[1600];
    weir_status status = weir_run(&config, build, p, &error);
    ck_assert_msg(status == WEIR_OK, "%s", weir_error_text(&error, text, sizeof text));
    compare(p);
    free(p);
    free(results);
    results = NULL;
    result_count = 0;
}

START_TEST(like_sums)
{
    for (unsigned i = 0; i < NAMES; i++) /* keys of two fields, and of a number */
        snprintf(names[i], sizeof names[i], i % 2 ? "%u" : "a name of over twelve bytes: %u", i);
    uint64_t fixed = test_seed(0);
    for (seed = fixed ? fixed : 1; seed <= (fixed ? fixed : 4); seed++)
        for (unsigned workers = 1; workers <= 8; workers += workers < 3 ? 1 : 5) {
            for (unsigned i = 0; i < 6; i++)
                run(workers, i % 2, (counted_by)(i / 2));
        }
}
END_TEST

/* ---- refusals ---- */

static weir_input(item) unused;

static void refuse_unknown_field(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_port *in = weir_input_add(g, item, &unused, .name = "in").port;
    ck_assert_ptr_null(weir__count(in, name_count_type(), (const char *const[]){ "colour", NULL }));
    ck_assert_ptr_null(weir__count(NULL, name_count_type(), (const char *const[]){ "a", NULL }));
}

static void refuse_key(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_key key = { .count = 1, .field = { 7 } };
    weir_port *in = weir_input_add(g, item, &unused, .name = "in").port;
    ck_assert_ptr_null(weir_count_erased(in, &key, name_count_type()));
}

static void refuse_result(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_key key = { .count = 1, .field = { 1 } };
    weir_port *in = weir_input_add(g, item, &unused, .name = "in").port;
    ck_assert_ptr_null(weir_count_erased(in, &key, too_wide_type()));
}

static void refuse_kinds(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_key key = { .count = 1, .field = { 0 } };
    weir_port *in = weir_input_add(g, item, &unused, .name = "in").port;
    ck_assert_ptr_null(weir_count_erased(in, &key, name_count_type()));
}

static void refused(weir_build_fn *fn, weir_status status, const char *what)
{
    weir_error error;
    weir_config config = { .struct_size = sizeof config };
    ck_assert_int_eq(weir_run(&config, fn, NULL, &error), status);
    ck_assert_str_eq(error.what, what);
    ck_assert(error.hint[0]);
}

START_TEST(refusals)
{
    refused(refuse_unknown_field, WEIR_TYPE_MISMATCH, "record 'item' has no field 'colour'");
    refused(refuse_key, WEIR_TYPE_MISMATCH, "the key is none of the stream's records 'item'");
    refused(refuse_result, WEIR_TYPE_MISMATCH,
            "record 'too_wide' cannot hold counts of 'item' by this key");
    refused(refuse_kinds, WEIR_TYPE_MISMATCH,
            "record 'name_count' cannot hold counts of 'item' by this key");
}
END_TEST

/* ---- in a scope: each record at the round of its weight ---- */

static uint64_t weight_of(const item *i) { return (uint64_t)i->weight; }
WEIR_ENTER_AT(weight_of, item)

static void build_scope(weir_graph *g, void *ctx)
{
    weir_stream(item) items = *(bool *)ctx ? weir_test_collection(g, item)
                                           : weir_test_input(g, item);
    weir_stream(item) inside =
        weir_enter_at(items, weir_scope_add(g, NULL, "rounds"), weight_of);
    weir_stream(name_count) counts = weir_count(inside, name_count, WEIR_KEY(item, name));
    ck_assert_uint_eq(weir_port_unique_key(counts.port)->count, 1);
    weir_test_output(counts);
}

START_TEST(in_a_scope)
{
    for (unsigned collection = 0; collection < 2; collection++) {
        bool is_collection = collection;
        weir_str a = weir_str_of("a name of over twelve bytes"), b = weir_str_of("b");
        weir_test *t = weir_test_create(build_scope, &is_collection, .workers = 2);
        weir_test_push(t, 0, item, 0, 1, { 1, a, { true, 1 } });
        weir_test_push(t, 0, item, 0, 1, { 1, b, { true, 1 } });
        weir_test_push(t, 0, item, 1, 1, { 0, a, { true, 2 } });
        if (is_collection)
            weir_test_push(t, 0, item, 1, -1, { 1, b, { true, 1 } });
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        const char *wanted = is_collection
                                 ? "(name: \"a name of over twelve bytes\", n: 1) @(0, 1) +1\n"
                               "(name: \"b\", n: 1) @(0, 1) +1\n"
                               "(name: \"a name of over twelve bytes\", n: 1) @(1, 0) +1\n"
                               "(name: \"a name of over twelve bytes\", n: 1) @(1, 1) -2\n"
                               "(name: \"a name of over twelve bytes\", n: 2) @(1, 1) +1\n"
                               "(name: \"b\", n: 1) @(1, 1) -1\n"
                                 : "(name: \"a name of over twelve bytes\", n: 1) @(0, 1) +1\n"
                               "(name: \"b\", n: 1) @(0, 1) +1\n"
                               "(name: \"a name of over twelve bytes\", n: 1) @(1, 0) +1\n"
                               "(name: \"a name of over twelve bytes\", n: 1) @(1, 1) -2\n"
                               "(name: \"a name of over twelve bytes\", n: 2) @(1, 1) +1\n";
        ck_assert_str_eq(weir_test_take(t, 0), wanted);
        weir_test_destroy(t);
    }
}
END_TEST

/* Which value comes first does not matter: only the sum has to be in range. */
START_TEST(range_in_a_scope)
{
    bool is_collection = true;
    for (int64_t rest = -5; rest <= 5; rest += 10) {
        weir_test *t = weir_test_create(build_scope, &is_collection);
        weir_str a = weir_str_of("a");
        weir_test_push(t, 0, item, 0, INT64_MAX, { 1, a, { true, 1 } });
        weir_test_push(t, 0, item, 0, 1, { 1, a, { true, 2 } });
        weir_test_push(t, 0, item, 0, rest, { 1, a, { true, 3 } });
        ck_assert_int_eq(weir_test_finish(t), rest < 0 ? WEIR_OK : WEIR_OVERFLOWED);
        if (rest < 0)
            ck_assert_str_eq(weir_test_take(t, 0),
                             "(name: \"a\", n: 9223372036854775803) @(0, 1) +1\n");
        weir_test_destroy(t);
    }
}
END_TEST

static void build_a_collection(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(item) items = weir_test_collection(g, item);
    weir_test_output(weir_count(items, name_count, WEIR_KEY(item, name)));
}

/* Counts that leave 64 bits on their way, within an epoch, several times and to both sides. */
START_TEST(range_of_an_epoch)
{
    static const int64_t diffs[][5] = {
        { INT64_MAX, INT64_MAX, -INT64_MAX, -INT64_MAX + 5 },
        { INT64_MIN, INT64_MIN, INT64_MIN, INT64_MAX, INT64_MAX },
        { INT64_MIN, 6 },
        { INT64_MAX, 1, 1, -7 },
    };
    static const char *const wanted[] = {
        "(name: \"a\", n: 5) @0 +1\n",
        NULL,
        "(name: \"a\", n: -9223372036854775802) @0 +1\n",
        "(name: \"a\", n: 9223372036854775802) @0 +1\n",
    };
    for (int i = 0; i < 4; i++) {
        weir_test *t = weir_test_create(build_a_collection, NULL);
        weir_str a = weir_str_of("a"), b = weir_str_of("b");
        for (int k = 0; k < 5; k++) {
            weir_test_push(t, 0, item, 0, diffs[i][k], { 1, a, { true, k } });
            weir_test_push(t, 0, item, 0, k % 2 ? -INT64_MAX : INT64_MAX, { 1, b, { true, k } });
        }
        weir_test_push(t, 0, item, 0, -INT64_MAX, { 1, b, { true, 9 } });
        ck_assert_int_eq(weir_test_finish(t), wanted[i] ? WEIR_OK : WEIR_OVERFLOWED);
        if (wanted[i])
            ck_assert_str_eq(weir_test_take(t, 0), wanted[i]);
        weir_test_destroy(t);
    }
}
END_TEST

/* Counts of more bits than a word of the table has room for, epoch after epoch, next to others. */
START_TEST(large_counts)
{
    static const int64_t half = INT64_MAX / 2 + 1; /* 2^62 */
    weir_test *t = weir_test_create(build_a_collection, NULL);
    weir_str a = weir_str_of("a"), b = weir_str_of("b"), c = weir_str_of("c");
    const struct {
        weir_str name;
        int64_t diff;
    } changes[][4] = {
        { { a, half / 2 }, { b, half }, { c, 1 }, { a, -half } },
        { { a, -half }, { b, half - 1 }, { c, half / 2 - 1 }, { c, 1 } },
        { { b, 0 }, { c, -half / 2 }, { a, half }, { c, -1 } },
        { { b, -half }, { b, -half + 1 }, { c, -half / 2 }, { a, 0 } },
        { { b, half }, { a, half / 2 }, { c, half / 2 }, { b, -1 } },
    };
    static const char *const wanted[] = {
        "(name: \"a\", n: -2305843009213693952) @0 +1\n"
        "(name: \"b\", n: 4611686018427387904) @0 +1\n(name: \"c\", n: 1) @0 +1\n",
        "(name: \"a\", n: -6917529027641081856) @1 +1\n"
        "(name: \"a\", n: -2305843009213693952) @1 -1\n"
        "(name: \"b\", n: 4611686018427387904) @1 -1\n"
        "(name: \"b\", n: 9223372036854775807) @1 +1\n"
        "(name: \"c\", n: 1) @1 -1\n(name: \"c\", n: 2305843009213693953) @1 +1\n",
        "(name: \"a\", n: -6917529027641081856) @2 -1\n"
        "(name: \"a\", n: -2305843009213693952) @2 +1\n"
        "(name: \"c\", n: 2305843009213693953) @2 -1\n",
        "(name: \"b\", n: 9223372036854775807) @3 -1\n"
        "(name: \"c\", n: -2305843009213693952) @3 +1\n",
        "(name: \"a\", n: -2305843009213693952) @4 -1\n"
        "(name: \"b\", n: 4611686018427387903) @4 +1\n"
        "(name: \"c\", n: -2305843009213693952) @4 -1\n",
    };
    for (uint64_t epoch = 0; epoch < sizeof changes / sizeof *changes; epoch++) {
        for (int i = 0; i < 4; i++)
            weir_test_push(t, 0, item, epoch, changes[epoch][i].diff,
                           { 1, changes[epoch][i].name, { true, 1 } });
        weir_test_advance(t, 0, epoch + 1);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_str_eq(weir_test_take(t, 0), wanted[epoch]);
    }
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    weir_test_destroy(t);
}
END_TEST

/* ---- failing runs ---- */

static weir_input(item) in;
static int64_t first_diff, second_diff;

static void build_names(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(item) items = weir_input_add(g, item, &in, .collection = true);
    weir_stream(name_count) counts = weir_count(items, name_count, WEIR_KEY(item, name));
    (void)counts;
}

static void feed_two(weir_worker *worker, void *ctx)
{
    (void)ctx;
    weir_input_handle(item) h = weir_input_open(in, weir_worker_index(worker));
    item i = { 1, weir_str_of("x"), { false, 0 } };
    weir_input_change(h, item, i, first_diff);
    weir_input_change(h, item, i, second_diff);
    weir_input_close(h);
}

START_TEST(overflow)
{
    weir_error error;
    weir_config config = { .struct_size = sizeof config, .worker_main = feed_two };
    const int64_t diffs[][2] = { { INT64_MAX, 1 }, { INT64_MIN + 1, -1 }, { INT64_MIN, 0 } };
    for (int i = 0; i < 3; i++) {
        first_diff = diffs[i][0];
        second_diff = diffs[i][1];
        ck_assert_int_eq(weir_run(&config, build_names, NULL, &error), WEIR_OVERFLOWED);
        ck_assert_str_eq(error.what, "the count of (name: \"x\") leaves the range of "
                                     "64 bits");
    }
    first_diff = INT64_MAX;
    second_diff = -1;
    ck_assert_int_eq(weir_run(&config, build_names, NULL, &error), WEIR_OK);
}
END_TEST

static void build_counts(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(item) items = weir_test_input(g, item);
    weir_test_output(weir_count(items, name_count, WEIR_KEY(item, name)));
}

static void build_collection(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_test_output(weir_count(weir_test_collection(g, item), name_count, WEIR_KEY(item, name)));
}

/* What comes of a count that was `before` and is `now`. */
static void check_change(weir_test *t, uint64_t epoch, int64_t before, int64_t now)
{
    size_t changes = weir_test_count(t, 0), expected = 0;
    for (size_t i = 0; i < changes; i++) {
        weir_test_change c = weir_test_at(t, 0, i);
        int64_t n = ((const name_count *)c.record)->n;
        ck_assert_uint_eq(c.time.at[0], epoch);
        ck_assert_int_eq(n, c.diff < 0 ? before : now);
        ck_assert_int_eq(c.diff, c.diff < 0 ? -1 : 1);
    }
    if (before != now)
        expected = (before != 0) + (now != 0);
    ck_assert_uint_eq(changes, expected);
    weir_test_take(t, 0);
}

static void memory_of_count(const weir_node_info *info, void *ctx)
{
    if (strcmp(info->kind, "count") == 0)
        *(int64_t *)ctx = info->memory_bytes;
}

/* What the node is charged with. */
static int64_t charged(weir_test *t)
{
    int64_t bytes = 0;
    weir_observe(weir_test_worker(t, 0),
                 &(weir_observer){ .node = memory_of_count, .ctx = &bytes });
    return bytes;
}

static void few_of(const char *name)
{
    enum { PIECES = 4 };
    static const int pieces[][PIECES] = { { 1 },        { 3, 2 },    { 8, 1, 1 }, { -16 },
                                          { 2, 20, 3 }, { -25, 25 }, { 9 },       { 1, 1, 1, 1 },
                                          { -38 },      { 1, -1 } };
    enum { EPOCHS_OF_FEW = sizeof pieces / sizeof pieces[0] };
    weir_test *t = weir_test_create(build_collection, NULL, .workers = 1);
    int64_t count = 0;
    for (uint64_t epoch = 0; epoch < EPOCHS_OF_FEW; epoch++) {
        int64_t before = count, memory = charged(t);
        for (int k = 0; k < PIECES; k++) {
            int diff = pieces[epoch][k] < 0 ? -1 : 1;
            for (int i = 0; i < diff * pieces[epoch][k]; i++)
                weir_test_push(t, 0, item, epoch, diff, { 1, weir_str_of(name), { 0 } });
            count += pieces[epoch][k];
            ck_assert_int_eq(weir_test_run(t), WEIR_OK);
            if (k == 0 && diff * pieces[epoch][k] <= 8) /* they are held */
                ck_assert_int_gt(charged(t), memory);
        }
        ck_assert_uint_eq(weir_test_count(t, 0), 0);
        weir_test_advance(t, 0, epoch + 1);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        check_change(t, epoch, before, count);
        if (epoch > 0 && before != 0 && count != 0)
            ck_assert_int_eq(charged(t), memory);
    }
    weir_test_push(t, 0, item, EPOCHS_OF_FEW, 1, { 1, weir_str_of("left"), { 0 } });
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    weir_test_destroy(t);
}

/* Few records, which come alone: with none behind them, with others, with their key leaving, and
 * where the program ends before their epoch does. */
START_TEST(few_in_an_epoch)
{
    few_of("a name");
    few_of("a name of many letters");
}
END_TEST

/* Whichever allocation fails while it runs: it goes on, or says so. */
START_TEST(memory_runs_out)
{
    int failures = 0;
    for (uint64_t nth = 1; nth < 120; nth += nth < 60 ? 1 : 7) {
        char texts[300][40];
        weir_test *t = weir_test_create(build_counts, NULL, .workers = 1);
        for (int i = 0; i < 300; i++) {
            snprintf(texts[i], sizeof texts[i], "a name of many letters, %d", i);
            weir_test_push(t, 0, item, (uint64_t)i % 2, 1, { 1, weir_str_of(texts[i]), { 0 } });
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
    const TTest *const tests[] = { like_sums,         refusals,     in_a_scope, range_in_a_scope,
                                   range_of_an_epoch, large_counts, overflow,   few_in_an_epoch,
                                   memory_runs_out,   NULL };
    return test_run(test_suite("count", tests));
}

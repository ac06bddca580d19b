/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory that runs out: whichever allocation fails while a runtime is created, a graph built and
 * run, the run ends, with WEIR_NO_MEMORY or as if nothing had been, and leaves nothing behind.
 */
#include <stdio.h>
#include <weir/weir.h>

#include "support.h"

#define ITEM(F) F(u64, id) F(str, name)
WEIR_RECORD(item, ITEM)

typedef struct fixture {
    weir_input(item) input;
    weir_captured *seen;
    uint64_t count;
} fixture;

static void name_it(const item *i, weir_out(item) out)
{
    item_emit(out, (item){ i->id, weir_str_format(out, "a name that is not short: %llu",
                                                  (unsigned long long)i->id) });
}
WEIR_FLAT_MAP(name_it, item, item)
static item less(const item *i) { return (item){ i->id / 2, i->name }; }
WEIR_MAP(less, item, item)
static bool not_zero(const item *i) { return i->id > 0; }
WEIR_FILTER(not_zero, item)
static uint64_t number(const item *i) { return i->id; }
WEIR_ROUTE(number, item)

static uint64_t *counter_open(void *ctx, unsigned worker)
{
    (void)ctx;
    (void)worker;
    return weir_alloc_zero(sizeof(uint64_t));
}
static void counter_close(uint64_t *n) { weir_free(n, sizeof *n); }
static void count_it(uint64_t *n, const item *i) { *n += i->id; }
WEIR_INSPECT_CTX(count_it, uint64_t, item)

/* Keeps every batch until its epoch is complete. */
typedef struct kept {
    weir_batch *batch;
    weir_cap cap;
} kept;

typedef struct keeper {
    kept *kept;
    unsigned count, capacity;
} keeper;

static weir_status keeper_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)step;
    (void)ctx;
    *state = weir_alloc_zero(sizeof(keeper));
    return *state ? WEIR_OK : weir_error_set(error, WEIR_NO_MEMORY, "no memory to keep anything");
}

static bool keep(keeper *k, weir_step *step, const weir_batch *batch)
{
    if (k->count == k->capacity) {
        unsigned capacity = k->capacity * 2 + 4;
        kept *larger = weir_realloc(k->kept, k->capacity * sizeof *larger,
                                    capacity * sizeof *larger);
        if (!larger) {
            weir_step_fail(step, WEIR_NO_MEMORY, "no memory to keep more");
            return false;
        }
        k->kept = larger;
        k->capacity = capacity;
    }
    k->kept[k->count++] = (kept){ weir_batch_retain(batch), weir_cap_retain(step, 0, NULL) };
    return true;
}

static void keeper_step(weir_step *step, void *state)
{
    keeper *k = state;
    for (const weir_batch *b; (b = weir_step_take(step, 0));)
        if (!keep(k, step, b))
            return;
    unsigned left = 0;
    for (unsigned i = 0; i < k->count; i++) {
        kept *p = &k->kept[i];
        if (weir_frontier_less_equal(weir_step_frontier(step, 0), &p->batch->time)) {
            k->kept[left++] = *p;
            continue;
        }
        weir_step_send(step, 0, p->batch, NULL);
        weir_cap_drop(step, p->cap);
        weir_batch_release(p->batch);
    }
    k->count = left;
}

static void keeper_fini(void *state)
{
    keeper *k = state;
    for (unsigned i = 0; i < k->count; i++)
        weir_batch_release(k->kept[i].batch);
    weir_free(k->kept, k->capacity * sizeof *k->kept);
    weir_free(k, sizeof *k);
}

/* Something of everything: stages, contexts, an exchange of strings, a loop in a scope, a node
 * that keeps capabilities, one with several outputs. */
static void build(weir_graph *g, void *ctx)
{
    fixture *f = ctx;
    weir_stream(item) in = weir_input_add(g, item, &f->input, .manual = true);
    weir_stream(item) named = weir_exchange(weir_flat_map(in, name_it), WEIR_KEY(item, name));
    weir_stream(item) counted = weir_inspect_ctx(named, count_it, .init = counter_open,
                                                 .fini = counter_close);
    weir_scope *scope = weir_scope_add(g, NULL, "halving");
    weir_feedback *back = weir_feedback_add(g, scope, item_type(), 1);
    weir_stream(item) again = { .port = weir_feedback_port(back) }, inside = counted;
    inside.port = weir_port_enter(counted.port, scope);
    weir_stream(item) half = weir_filter(weir_map(weir_concat(inside, again), less), not_zero);
    weir_feedback_connect(back, weir_exchange(half, WEIR_KEY(item, id)).port);
    weir_stream(item) out = { .port = weir_port_leave(half.port) }, parts[3];
    weir_partition(weir_unary(out, item, keeper_step, .init = keeper_init, .fini = keeper_fini,
                              .interest = WEIR_IF_HOLDING, .takes_diffs = true,
                              .collection = true), number, parts, 3);
    weir_capture(weir_concat(parts[0], parts[1], parts[2]), f->seen);
}

static void feed(weir_worker *worker, void *ctx)
{
    fixture *f = ctx;
    weir_input_handle(item) h = weir_input_open(f->input, weir_worker_index(worker));
    for (uint64_t i = weir_worker_index(worker); i < f->count; i += weir_worker_count(worker)) {
        weir_time now = weir_time_1(i / 20);
        weir_input_advance_to(h, &now);
        if (weir_input_send(h, item, { .id = i }) != WEIR_OK || !weir_worker_step(worker))
            break;
    }
    weir_input_close(h);
}

/* What the stream must hold in the end: each number halved until it is 0, but for the first. */
static uint64_t expected(uint64_t count)
{
    uint64_t n = 0;
    for (uint64_t i = 0; i < count; i++)
        for (uint64_t v = i / 2; v; v /= 2)
            n++;
    return n;
}

static weir_status run_once(unsigned workers, uint64_t count)
{
    fixture f = { .seen = weir_captured_create(), .count = count };
    weir_config config = { .struct_size = sizeof config, .workers = workers, .hash_seed = 1,
                           .worker_main = feed, .ctx = &f };
    weir_error error = { 0 };
    weir_status status = weir_run(&config, build, &f, &error);
    ck_assert_int_eq(status, error.status);
    bool no_context = strcmp(error.what, "its init has made no context") == 0;
    ck_assert_msg(status == WEIR_OK || status == WEIR_NO_MEMORY || no_context, "%s: %s",
                  weir_status_name(status), error.what);
    uint64_t seen = 0;
    for (unsigned w = 0; f.seen && w < weir_captured_workers(f.seen); w++)
        seen += weir_captured_count(f.seen, w);
    if (status == WEIR_OK)
        ck_assert_uint_eq(seen, expected(count));
    weir_captured_destroy(f.seen);
    return status;
}

/* How many allocations a run makes: those that are left of a number large enough. */
static uint64_t allocations(unsigned workers, uint64_t count)
{
    enum { MANY = 1000000 };
    weir_memory_fail_nth(MANY, 0);
    ck_assert_int_eq(run_once(workers, count), WEIR_OK);
    uint64_t left = 0;
    for (void *block; (block = weir_alloc(1)) != NULL; left++)
        weir_free(block, 1);
    weir_memory_fail_nth(0, 0);
    ck_assert_uint_lt(left, MANY - 100);
    return MANY - left - 1;
}

static void fail_each(unsigned workers, uint64_t count, uint64_t stride)
{
    uint64_t all = allocations(workers, count), refused = 0;
    size_t before = weir_memory_used();
    for (uint64_t nth = 1; nth <= all; nth += stride) {
        weir_memory_fail_nth(nth, 0);
        refused += run_once(workers, count) == WEIR_NO_MEMORY;
        weir_memory_fail_nth(0, 0);
        weir_memory_exhausted_reset();
        ck_assert_msg(weir_memory_used() == before, "allocation %llu of %llu: %zu bytes are left",
                      (unsigned long long)nth, (unsigned long long)all,
                      weir_memory_used() - before);
    }
    ck_assert_uint_gt(refused, all / stride / 4);
}

START_TEST(each_allocation_of_one_worker)
{
    fail_each(1, 40, 1);
}
END_TEST

START_TEST(some_allocations_of_several)
{
    fail_each(2, 40, 7);
    fail_each(3, 40, 13);
}
END_TEST

/* Not one, but all from the n-th on: what is left is the reserve. */
START_TEST(nothing_left)
{
    uint64_t all = allocations(1, 40);
    for (uint64_t nth = 1; nth <= all; nth += 5) {
        weir_memory_fail_nth(nth, 1);
        run_once(1, 40);
        weir_memory_fail_nth(0, 0);
        weir_memory_exhausted_reset();
    }
}
END_TEST

int main(void)
{
    return test_run(test_suite("engine_faults", (const TTest *const[]){
        each_allocation_of_one_worker, some_allocations_of_several, nothing_left, NULL }));
}

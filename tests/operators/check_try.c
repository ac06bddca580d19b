/* SPDX-License-Identifier: Apache-2.0
 *
 * try: results and errors in streams of their own, with strings, diffs and times; functions one
 * after the other.
 */
#include <string.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "operators/timed.h"
#include "support.h"

#define NUMBER(F) F(u64, i) F(str, name) F(str, all)
#define BAD(F) F(str, name) F(u64, why)
WEIR_RECORD(number, NUMBER)
WEIR_RECORD(bad, BAD)

static unsigned calls;

static bool parse(const timed *t, number *n, bad *b)
{
    __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED);
    ck_assert(n->i == 0 && b->why == 0);
    if (t->i % 3 == 0) {
        *b = (bad){ t->name, t->i };
        return false;
    }
    *n = (number){ t->i, t->name, weir_str_of(timed_text) };
    return true;
}
WEIR_TRY(parse, timed, number, bad)

static bool check(const number *n, number *ok, bad *b)
{
    if (n->i % 5 == 0) {
        *b = (bad){ n->name, n->i };
        return false;
    }
    *ok = *n;
    return true;
}
WEIR_TRY(check, number, number, bad)

static void build(weir_graph *g, void *ctx)
{
    weir_stream(timed) in = ctx ? timed_source(g) : weir_test_input(g, timed);
    weir_stream(number) numbers, checked;
    weir_stream(bad) errors;
    weir_try(in, parse, &numbers, &errors);
    weir_and_then(numbers, check, &checked, &errors);
    ck_assert_int_eq(weir_port_is_collection(checked.port), ctx != NULL);
    weir_test_output(checked);
    weir_test_output(errors);
}

static void run(unsigned workers, void *own_times)
{
    weir_test *t = weir_test_create(build, own_times, .workers = workers, .batch_bytes = 500);
    calls = 0;
    for (uint64_t i = 0; !own_times && i < TIMED_COUNT; i++)
        weir_test_push(t, 0, timed, timed_time(i), 1, { i, weir_str_view(timed_text, i % 40) });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_uint_eq(calls, TIMED_COUNT);
    ck_assert_uint_eq(weir_test_count(t, 0), 112);
    ck_assert_uint_eq(weir_test_count(t, 1), TIMED_COUNT - 112);
    uint64_t sum = 0;
    for (unsigned o = 0; o < 2; o++)
        for (size_t k = 0; k < weir_test_count(t, o); k++) {
            weir_test_change c = weir_test_at(t, o, k);
            uint64_t i = o ? ((const bad *)c.record)->why : ((const number *)c.record)->i;
            weir_str name = weir_str_view(timed_text, i % 40), all = weir_str_of(timed_text);
            ck_assert_int_eq(i % 3 == 0 || i % 5 == 0, o);
            ck_assert_uint_eq(c.time.at[0], timed_time(i));
            ck_assert_int_eq(c.diff, own_times ? timed_diff(i) : 1);
            ck_assert(weir_str_equal(&name, o ? &((const bad *)c.record)->name
                                              : &((const number *)c.record)->name));
            ck_assert(o || weir_str_equal(&all, &((const number *)c.record)->all));
            sum += i;
        }
    ck_assert_uint_eq(sum, (uint64_t)TIMED_COUNT * (TIMED_COUNT - 1) / 2);
    weir_test_destroy(t);
}

START_TEST(results_and_errors)
{
    int own_times;
    for (unsigned workers = 1; workers <= 3; workers++) {
        run(workers, NULL);
        run(workers, &own_times);
    }
}
END_TEST

static void build_wrong(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_port *results, *errors;
    weir_try_add_parse(NULL, &results, &errors);
    ck_assert(!results && !errors);
    weir_try_add_parse(weir_test_input(g, bad).port, &results, &errors);
    ck_assert(!results && !errors);
}

START_TEST(refuses_other_records)
{
    weir_test *t = weir_test_create(build_wrong, NULL);
    ck_assert_int_eq(weir_test_error(t)->status, WEIR_TYPE_MISMATCH);
    ck_assert_str_eq(weir_test_error(t)->what, "input 0 takes 'timed', the stream carries 'bad'");
    weir_test_destroy(t);
}
END_TEST

int main(void)
{
    return test_run(test_suite("try", (const TTest *const[]){
        results_and_errors, refuses_other_records, NULL }));
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Pins of runs: one for as long as the run at hand stays the same, and a run lives as long as its
 * pin.
 */
#include "pin.h"

#include <weir/record.h>

#include "support.h"

#define NUMBER(F) F(u64, value)
WEIR_RECORD(number, NUMBER)

static weir_trace_run *make_run(weir_shape *shape, uint64_t value)
{
    weir_trace_run *run;
    number n = { value };
    weir_trace_builder *builder = weir_trace_builder_create(shape, NULL);
    ck_assert_int_eq(weir_trace_builder_add(builder, &(weir_updates){ .records = &n, .count = 1 }),
                     WEIR_OK);
    ck_assert_int_eq(weir_trace_builder_build(builder, &run), WEIR_OK);
    weir_trace_builder_destroy(builder);
    return run;
}

START_TEST(one_pin_a_run)
{
    weir_error error;
    weir_shape *shape;
    weir_shape_spec spec = { .type = number_type(), .key = { .count = 1 }, .depth = 1 };
    ck_assert_int_eq(weir_shape_create(&shape, &spec, &error), WEIR_OK);
    weir_trace_run *a = make_run(shape, 1), *b = make_run(shape, 2);
    weir__run_pin *at = NULL;
    weir_pin *first = weir__run_pin_of(&at, a);
    ck_assert_ptr_eq(weir__run_pin_of(&at, a), first);
    weir_pin_retain(first);
    weir_trace_run_release(a);
    weir_pin *second = weir__run_pin_of(&at, b);
    ck_assert_ptr_ne(second, first);
    ck_assert_uint_eq(weir_trace_run_updates(((weir__run_pin *)first)->run), 1);
    weir_pin_release(first);
    weir__run_pin_drop(&at);
    weir__run_pin_drop(&at);
    ck_assert_ptr_null(at);
    ck_assert_uint_eq(weir_trace_run_updates(b), 1);
    weir_trace_run_release(b);
    weir_shape_release(shape);
    ck_assert_uint_eq(weir_memory_used(), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { one_pin_a_run, NULL };
    return test_run(test_suite("pin", tests));
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * What a filter leaves of records that a node lends: those without strings need the memory no more
 * that was lent, those with strings do; either is charged with what it has.
 */
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define NUMBER(F) F(u64, id) F(u64, x)
#define NAMED(F) F(u64, id) F(str, name)
WEIR_RECORD(number, NUMBER)
WEIR_RECORD(named, NAMED)

enum { COUNT = 2000, LEFT = COUNT / 2, PIN_BYTES = 1 << 20 };

static number numbers[COUNT];
static named nameds[COUNT];
static weir_lent lent;
static unsigned released;

static void forget(weir_pin *pin)
{
    (void)pin;
    released++;
}
static weir_pin pin;

static void source_step(weir_step *step, void *state)
{
    (void)state;
    if (!weir_cap_held(step, 0))
        return;
    weir_step_lend(step, 0, &lent, &(weir_time){ { 0 } });
    weir_pin_release(&pin);
    weir_cap_drop(step, 0);
}

static weir_port *source(weir_graph *g, const weir_type *type, const void *records)
{
    weir_node_output output = { .type = type, .collection = true };
    lent = (weir_lent){ records, COUNT, &pin };
    pin = (weir_pin){ .refs = 1, .bytes = PIN_BYTES, .release = forget };
    released = 0;
    return weir_node_output_port(
        weir_node_add(g, &(weir_node_spec){
            .struct_size = sizeof(weir_node_spec), .kind = "source", .output_count = 1,
            .outputs = &output, .initial_capabilities = true, .step = source_step }, NULL), 0);
}

/* ---- a node that keeps what comes until nothing comes any more ---- */

static const weir_batch *kept;
static unsigned released_before; /* when all had come, and was still kept */

static void keep_step(weir_step *step, void *state)
{
    (void)state;
    for (const weir_batch *b; (b = weir_step_take(step, 0));) {
        ck_assert_ptr_null(kept);
        kept = weir_batch_retain(b);
        ck_assert_uint_eq(b->count, LEFT);
        for (size_t i = 0; i < b->count; i++)
            ck_assert_uint_eq(*(const uint64_t *)weir_batch_record(b, i), 2 * i);
    }
}

static void keep(weir_graph *g, weir_port *port, const weir_type *type)
{
    weir_node_input input = { .type = type, .takes_diffs = true };
    weir_node_add(g, &(weir_node_spec){ .struct_size = sizeof(weir_node_spec), .kind = "keep",
                                        .input_count = 1, .inputs = &input, .step = keep_step },
                  &port);
}

static bool number_is_even(const number *n) { return n->id % 2 == 0; }
WEIR_FILTER(number_is_even, number)
static bool named_is_even(const named *n) { return n->id % 2 == 0; }
WEIR_FILTER(named_is_even, named)

static void build_numbers(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(number) s = { .port = source(g, number_type(), numbers) };
    keep(g, weir_filter(s, number_is_even).port, number_type());
}

static void build_nameds(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(named) s = { .port = source(g, named_type(), nameds) };
    keep(g, weir_filter(s, named_is_even).port, named_type());
}

/* ---- tests ---- */

/* What the batch that was kept is charged with, less its header. */
static size_t run(weir_build_fn *build)
{
    for (uint64_t i = 0; i < COUNT; i++) {
        numbers[i] = (number){ i, i };
        nameds[i] = (named){ i, weir_str_of("a name that does not lie in the record") };
    }
    kept = NULL;
    weir_test *t = weir_test_create(build, NULL, .workers = 1);
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    released_before = released;
    ck_assert_ptr_nonnull(kept);
    size_t bytes = kept->bytes - sizeof *kept;
    weir_batch_release((weir_batch *)kept);
    ck_assert_uint_eq(released, 1);
    weir_test_destroy(t);
    return bytes;
}

START_TEST(without_strings)
{
    size_t bytes = run(build_numbers);
    ck_assert_uint_eq(released_before, 1);
    ck_assert_uint_ge(bytes, LEFT * sizeof(number));
    ck_assert_uint_lt(bytes, COUNT * sizeof(number) + PIN_BYTES);
}
END_TEST

START_TEST(with_strings)
{
    size_t bytes = run(build_nameds);
    ck_assert_uint_eq(released_before, 0);
    ck_assert_uint_ge(bytes, LEFT * sizeof(named) + PIN_BYTES);
    ck_assert_uint_lt(bytes, COUNT * sizeof(named) + PIN_BYTES);
}
END_TEST

int main(void)
{
    return test_run(test_suite("engine_lent_filter", (const TTest *const[]){
        without_strings, with_strings, NULL }));
}

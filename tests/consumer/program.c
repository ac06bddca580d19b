/* SPDX-License-Identifier: Apache-2.0
 *
 * A user's C program: runs a small dataflow with what it was linked with, and tells whether
 * jemalloc is its allocator.
 */
#include <stdio.h>
#include <string.h>
#include <weir/weir.h>

#ifndef WITH_JEMALLOC
#define WITH_JEMALLOC 0
#endif

extern int mallctl(const char *, void *, size_t *, void *, size_t) __attribute__((weak));

#define NUMBER(F) F(i64, value)
WEIR_RECORD(number, NUMBER)

static number square(const number *in)
{
    return (number){ .value = in->value * in->value };
}
WEIR_MAP(square, number, number)

static weir_input(number) numbers;
static int64_t sum;

static void add(const weir_batch *batch, void *ctx)
{
    (void)ctx;
    for (size_t i = 0; i < batch->count; i++)
        sum += ((const number *)weir_batch_record(batch, i))->value;
}

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(number) squares = weir_map(weir_input_add(g, number, &numbers), square);
    weir_stage_add(squares.port, &(weir_stage_spec){ .struct_size = sizeof(weir_stage_spec),
                                                     .kind = "sum",
                                                     .in = number_type(),
                                                     .out = number_type(),
                                                     .inspect = add });
}

static void feed(weir_worker *worker, void *ctx)
{
    (void)ctx;
    weir_input_handle(number) handle = weir_input_open(numbers, weir_worker_index(worker));
    for (int64_t i = 1; i <= 10; i++)
        weir_input_send(handle, number, { i });
    weir_input_close(handle);
}

int main(void)
{
    if (strcmp(weir_version(), WEIR_VERSION) != 0) {
        printf("headers of %s, library of %s\n", WEIR_VERSION, weir_version());
        return 1;
    }
    if ((mallctl != NULL) != WITH_JEMALLOC) {
        printf("jemalloc is %slinked\n", mallctl ? "" : "not ");
        return 1;
    }
    weir_error error;
    weir_config config = { .struct_size = sizeof config, .worker_main = feed };
    if (weir_run(&config, build, NULL, &error) != WEIR_OK) {
        char text[1000];
        printf("%s\n", weir_error_text(&error, text, sizeof text));
        return 1;
    }
    printf("the sum of squares is %lld\n", (long long)sum);
    return sum == 385 ? 0 : 1;
}

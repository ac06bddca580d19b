/* SPDX-License-Identifier: Apache-2.0
 *
 * Records out of a function: for tests, demonstrations and measurements. The function is called
 * with the numbers 0, 1, 2, …, each once; worker w of n has w, w + n, w + 2n, …, so that what comes
 * out as a whole does not depend on the number of workers.
 *
 *     static void reading_of(uint64_t n, weir_out(reading) out)
 *     {
 *         reading_emit(out, (reading){ .sensor = n % 10, .value = n * n % 97 });
 *     }
 *     WEIR_GENERATE(reading_of, reading)
 *     …
 *     weir_stream(reading) r = weir_generator(g, reading, reading_of, .count = 1000);
 */
#ifndef WEIR_CONNECTORS_GENERATOR_H
#define WEIR_CONNECTORS_GENERATOR_H

#include <weir/batch.h>
#include <weir/graph.h>

WEIR_BEGIN_DECLS

/* Emits what belongs to the numbers first, first + stride, …, count of them. Any number of records
 * each, but what one call emits is sent as a whole. */
typedef void weir_generate_fn(weir_builder *out, uint64_t first, uint64_t stride, size_t count,
                              void *ctx);

/* Zero means default for every field. Copied. */
typedef struct weir_generator_options {
    size_t struct_size;
    const char *name;      /* of the node; default derived from its place */
    uint64_t count;        /* how many numbers, over all workers; default: without end */
    double rate;           /* numbers a second, over all workers; default: as fast as they go */
    size_t batch;          /* numbers a call; default 1024. Fewer where the rate is small */
    void *ctx;             /* of the function; shared by the workers */
} weir_generator_options;

/* A plain stream of what fn emits. NULL after an error, which sticks to the graph. */
WEIR_API weir_port *weir_generator_add(weir_graph *graph, const weir_type *type,
                                       weir_generate_fn *fn,
                                       const weir_generator_options *options);

WEIR_END_DECLS

#ifndef __cplusplus
#include <weir/record.h>

/* Registers void fn(uint64_t n, weir_out(T) out) and makes the loop that inlines it. */
#define WEIR_GENERATE(fn, T)                                                                       \
    _Static_assert(__builtin_types_compatible_p(__typeof__(&fn), void (*)(uint64_t, weir_out(T))), \
                   "WEIR_GENERATE(" #fn ", " #T "): " #fn                                          \
                   " must be void (uint64_t n, weir_out(" #T ") out)");                            \
    typedef T fn##_generates_;                                                                     \
    static void fn##_generate_(weir_builder *weir_b, uint64_t weir_n, uint64_t weir_stride,        \
                               size_t weir_count, void *weir_ctx)                                  \
    {                                                                                              \
        (void)weir_ctx;                                                                            \
        for (; weir_count > 0; weir_count--, weir_n += weir_stride)                                \
            fn(weir_n, (weir_out(T)){ weir_b });                                                   \
    }

/* weir_generator(g, T, fn, options…) */
#define weir_generator(g, T, ...)                                                                  \
    weir_generator_(g, T, __VA_ARGS__, .struct_size = sizeof(weir_generator_options))
#define weir_generator_(g, T, fn, ...)                                                             \
    (__extension__({                                                                               \
        _Static_assert(__builtin_types_compatible_p(fn##_generates_, T),                           \
                       "weir_generator(..., " #T ", " #fn "): " #fn " makes other records");       \
        (weir_stream(T)){ .port = weir_generator_add(                                              \
                              g, T##_type(), fn##_generate_,                                       \
                              &(weir_generator_options){ __VA_ARGS__ }) };                         \
    }))
#endif
#endif

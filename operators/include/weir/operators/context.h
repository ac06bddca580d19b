/* SPDX-License-Identifier: Apache-2.0
 *
 * Contexts of stages: the _CTX forms of WEIR_MAP, WEIR_FILTER, WEIR_FLAT_MAP, its resumable form
 * and WEIR_INSPECT, whose functions take a typed context first.
 *
 *     static rates *rates_open(void *ctx, unsigned worker) { return read_rates(ctx); }
 *     static void rates_close(rates *r) { free(r); }
 *     static sale convert(rates *r, const order *o) { return (sale){ o->cents * r->factor }; }
 *     WEIR_MAP_CTX(convert, rates, order, sale)
 *     …
 *     weir_map_ctx(orders, convert, .init = rates_open, .fini = rates_close, .ctx = "rates.csv");
 *     weir_map_ctx(orders, convert, .ctx = &rates_of_today);
 *
 * With .init every worker makes a context of its own, on its own thread, of what .ctx is; NULL from
 * it ends the run with WEIR_FAILED; in a dataflow that was added later (weir/dataflow.h) only that
 * dataflow. .fini ends what .init has made. Without .init the function gets .ctx itself, which the
 * workers share: it must not change while they run. .name names the stage.
 */
#ifndef WEIR_OPERATORS_CONTEXT_H
#define WEIR_OPERATORS_CONTEXT_H

#include <weir/graph.h>

WEIR_BEGIN_DECLS

/* Adds the stage with a copy of the options (size bytes) as its ctx. has_ctx: .init or .ctx was
 * given; it is refused otherwise. */
WEIR_API weir_port *weir__stage_with_context(weir_port *in, const weir_stage_spec *spec,
                                             const void *options, size_t size, bool has_ctx);

WEIR_END_DECLS

#ifndef __cplusplus
#include <weir/record.h>

enum { WEIR_LINE_ = 64, WEIR_AHEAD_ = 80 * WEIR_LINE_ };

/* Of wide records, which are read one after the other, asks for those that come in a while: by
 * itself a processor stops doing so at the end of each page. What lies behind the last one may be
 * asked for, too. */
static inline void weir_ask_ahead_(const void *record, size_t size)
{
    for (size_t at = 0; size >= WEIR_LINE_ && at < size; at += WEIR_LINE_)
        __builtin_prefetch((const void *)((uintptr_t)record + WEIR_AHEAD_ + at));
}

/* For an operator `op`: options of its function fn, and what makes and ends contexts by them. */
#define WEIR_CONTEXT_(op, fn, CTX)                                                                 \
    struct weir_##op##_options_##fn {                                                              \
        const char *name;                                                                          \
        CTX *(*init)(void *ctx, unsigned worker);                                                  \
        void (*fini)(CTX *made);                                                                   \
        const void *ctx;                                                                           \
        char end_; /* that no call is without any */                                               \
    };                                                                                             \
    static void *weir_##op##_init_##fn(void *weir_ctx_, unsigned weir_worker_)                     \
    {                                                                                              \
        const struct weir_##op##_options_##fn *weir_o_ = weir_ctx_;                                \
        return weir_o_->init                                                                       \
                   ? (void *)weir_o_->init((void *)weir_o_->ctx, weir_worker_)                     \
                   : (void *)weir_o_->ctx;                                                         \
    }                                                                                              \
    static void weir_##op##_fini_##fn(void *weir_made_, void *weir_ctx_)                           \
    {                                                                                              \
        const struct weir_##op##_options_##fn *weir_o_ = weir_ctx_;                                \
        if (weir_o_->init && weir_o_->fini)                                                        \
            weir_o_->fini(weir_made_);                                                             \
    }

/* The stage of kind `op` whose spec's member .op is the function's kernel. */
#define WEIR_CONTEXT_STAGE_(op, fn, IN, OUT, port, o)                                              \
    weir__stage_with_context(port,                                                                 \
                             &(weir_stage_spec){ .struct_size = sizeof(weir_stage_spec),           \
                                                 .kind = #op,                                      \
                                                 .name = (o)->name ? (o)->name : #fn,              \
                                                 .in = IN##_type(),                                \
                                                 .out = OUT##_type(),                              \
                                                 .op = weir_##op##_ctx_kernel_##fn,                \
                                                 .init = weir_##op##_init_##fn,                    \
                                                 .fini = weir_##op##_fini_##fn },                  \
                             o, sizeof *(o), (o)->init || (o)->ctx)

/* The call; its options end with .end_. */
#define WEIR_CONTEXT_CALL_(op, s, fn, ...)                                                         \
    (WEIR_CHECK_(WEIR_CARRIES_(s, weir_##op##_ctx_in_##fn),                                        \
                 "weir_" #op "_ctx(" #s ", " #fn                                                   \
                 "): the stream does not carry the records " #fn " takes"),                        \
     weir_##op##_ctx_add_##fn((s).port, &(struct weir_##op##_options_##fn){ __VA_ARGS__ }))

#endif
#endif

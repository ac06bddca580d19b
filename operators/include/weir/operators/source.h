/* SPDX-License-Identifier: Apache-2.0
 *
 * source: records out of a function of one's own, with a state on each worker. It is asked for more
 * as long as there is room, and can wait: for a while, or for another thread.
 *
 *     static weir_more next_line(reader *r, weir_out(line) out)
 *     {
 *         if (!reader_next(r))
 *             return WEIR_SOURCE_END;
 *         line_emit(out, (line){ weir_str_copy(out, r->text) });
 *         return WEIR_SOURCE_MORE;
 *     }
 *     WEIR_SOURCE(next_line, reader, line)
 *     …
 *     static reader *reader_begin(const weir_source_start *start)
 *     {
 *         return reader_new(start->ctx);
 *     }
 *     …
 *     weir_stream(line) l = weir_source(g, line, next_line, .init = reader_begin,
 *                                       .fini = reader_free, .ctx = "lines.txt");
 *
 * One call emits a few records: room is asked for between calls, so what one makes beyond the
 * dataflow's budget goes to files (weir_config.spill_dir). It runs on every worker: what they share
 * out among themselves is its own business. Records go at the open epoch. .init may return NULL to
 * end the run with WEIR_FAILED.
 */
#ifndef WEIR_OPERATORS_SOURCE_H
#define WEIR_OPERATORS_SOURCE_H

#include <weir/batch.h>
#include <weir/graph.h>
#include <weir/node.h>

WEIR_BEGIN_DECLS

typedef enum weir_more {
    WEIR_SOURCE_MORE, /* call again as soon as there is room */
    WEIR_SOURCE_WAIT, /* call again when the waker was called, or after .wait_ms */
    WEIR_SOURCE_END   /* no more calls */
} weir_more;

/* What .init of a worker gets. */
typedef struct weir_source_start {
    const void *ctx;
    unsigned worker, workers;
    weir_waker *waker; /* weir_wake from any thread makes a waiting source be called */
} weir_source_start;

typedef weir_more weir_source_fn(void *state, weir_builder *out);

/* Over records described at run time. */
typedef struct weir_source_spec {
    size_t struct_size;
    const char *kind; /* what metrics group by, and the default name */
    const char *name;
    const weir_type *type;
    weir_source_fn *next;
    unsigned wait_ms; /* 0: only the waker ends a wait */
    const void *ctx;
    /* NULL: the state is ctx, which the workers share. */
    void *(*init)(const weir_source_start *start, const void *options);
    void (*fini)(void *state, const void *options);
    const void *options; /* copied, for init and fini */
    size_t options_size;
} weir_source_spec;

WEIR_API weir_port *weir_source_erased(weir_graph *graph, const weir_source_spec *spec);

WEIR_END_DECLS

#ifndef __cplusplus
#include <weir/record.h>

/* weir_source(graph, T, fn, options…): .name, .wait_ms, .init, .fini, .ctx */
#define weir_source(g, T, ...) weir_source_(g, T, __VA_ARGS__, .end_ = 0)
#define weir_source_(g, T, fn, ...)                                                                \
    (WEIR_CHECK_(WEIR_SAME_(T, weir_source_out_##fn),                                              \
                 "weir_source(" #g ", " #T ", " #fn "): " #fn " makes other records"),             \
     (weir_stream(T)){ .port = weir_source_add_##fn(                                               \
                           g, &(struct weir_source_options_##fn){ __VA_ARGS__ }) })

/* Registers fn, weir_more fn(STATE *, weir_out(T)), for weir_source. */
#define WEIR_SOURCE(fn, STATE, T)                                                                  \
    _Static_assert(WEIR_SAME_(__typeof__(&fn), weir_more(*)(STATE *, weir_out(T))),                \
                   "WEIR_SOURCE(" #fn ", " #STATE ", " #T "): " #fn " must be weir_more (" #STATE  \
                   " *, weir_out(" #T "))");                                                       \
    typedef T weir_source_out_##fn;                                                                \
    struct weir_source_options_##fn {                                                              \
        const char *name;                                                                          \
        unsigned wait_ms;                                                                          \
        STATE *(*init)(const weir_source_start *start);                                            \
        void (*fini)(STATE *state);                                                                \
        const void *ctx;                                                                           \
        char end_; /* that no call is without any */                                               \
    };                                                                                             \
    static weir_more weir_source_next_##fn(void *weir_state_, weir_builder *weir_builder_)         \
    {                                                                                              \
        return fn(weir_state_, (weir_out(T)){ .builder = weir_builder_ });                         \
    }                                                                                              \
    static void *weir_source_init_##fn(const weir_source_start *weir_start_,                       \
                                       const void *weir_options_)                                  \
    {                                                                                              \
        const struct weir_source_options_##fn *weir_o_ = weir_options_;                            \
        return weir_o_->init ? (void *)weir_o_->init(weir_start_) : (void *)weir_o_->ctx;          \
    }                                                                                              \
    static void weir_source_fini_##fn(void *weir_state_, const void *weir_options_)                \
    {                                                                                              \
        const struct weir_source_options_##fn *weir_o_ = weir_options_;                            \
        if (weir_o_->init && weir_o_->fini)                                                        \
            weir_o_->fini(weir_state_);                                                            \
    }                                                                                              \
    WEIR_UNUSED static inline weir_port *weir_source_add_##fn(                                     \
        weir_graph *weir_graph_, const struct weir_source_options_##fn *weir_o_)                   \
    {                                                                                              \
        return weir_source_erased(                                                                 \
            weir_graph_,                                                                           \
            &(weir_source_spec){ .struct_size = sizeof(weir_source_spec),                          \
                                 .kind = #fn,                                                      \
                                 .name = weir_o_->name,                                            \
                                 .type = T##_type(),                                               \
                                 .next = weir_source_next_##fn,                                    \
                                 .wait_ms = weir_o_->wait_ms,                                      \
                                 .ctx = weir_o_->ctx,                                              \
                                 .init = weir_source_init_##fn,                                    \
                                 .fini = weir_source_fini_##fn,                                    \
                                 .options = weir_o_,                                               \
                                 .options_size = sizeof *weir_o_ });                               \
    }
#endif

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * input: records that a program sends in from outside the graph, one handle a worker.
 *
 *     static weir_input(order) orders_in;                        // while building
 *     weir_stream(order) orders = weir_input_add(g, order, &orders_in, .name = "orders");
 *
 *     weir_input_handle(order) h = weir_input_open(orders_in, worker); // while running
 *     weir_input_send(h, order, { .cents = 100 });
 *     weir_input_flush(h);
 *     weir_input_close(h);
 *
 * An input follows the epoch clock: what was flushed goes at the open epoch. With .manual = true
 * the caller gives the times: weir_input_advance_to moves on, and everything sent goes at that
 * time. A manual input may hold several times at once, and send at them in any order:
 *
 *     weir_frontier held;                                // {(3, 0), (0, 5)}
 *     weir_input_advance_frontier(h, &held);
 *     weir_input_at(h, &(weir_time){ { 4, 2 } });        // at or after one of them
 *     weir_input_send(h, order, { .cents = 100 });
 */
#ifndef WEIR_OPERATORS_INPUT_H
#define WEIR_OPERATORS_INPUT_H

#include <weir/frontier.h>
#include <weir/graph.h>
#include <weir/record.h>
#include <weir/worker.h>

WEIR_BEGIN_DECLS

typedef struct weir_input weir_input;
typedef struct weir_input_handle weir_input_handle;

struct weir_input_options {
    size_t struct_size;
    const char *name;
    bool manual;     /* the caller gives the times */
    weir_scope *scope; /* of a manual input: its times have the scope's depth; default: the root */
    bool collection; /* weir_input_change may be called */
};

WEIR_API weir_port *weir__input_add(weir_graph *graph, const weir_type *type, weir_input **input,
                                    const struct weir_input_options *options);

/* For records described at run time, and from C++: what weir_input_… below say, typed. */
WEIR_API weir_input_handle *weir__input_open(weir_input *input, unsigned index);
/* One record, of which a collection has a change of diff; strings are copied. */
WEIR_API weir_status weir__input_send(weir_input_handle *handle, const void *record, int64_t diff);
WEIR_API void weir__input_flush(weir_input_handle *handle);
WEIR_API void weir__input_advance_to(weir_input_handle *handle, const weir_time *t);
WEIR_API weir_status weir__input_advance_frontier(weir_input_handle *handle,
                                                  const weir_frontier *frontier);
WEIR_API weir_status weir__input_at(weir_input_handle *handle, const weir_time *t);
WEIR_API weir_time weir__input_time(const weir_input_handle *handle);
WEIR_API void weir__input_close(weir_input_handle *handle);

WEIR_END_DECLS

#ifndef __cplusplus
/* An input and a handle of one worker, which know their records: weir_input(T) and
 * weir_input_handle(T). Values. .input and .handle are what the calls above take. A handle of {0},
 * whose .handle is NULL, is none, and like one that was closed: what gives a status answers
 * WEIR_CLOSED, the rest does nothing. In what follows, t is a pointer to a time, and frontier one
 * to a frontier. */

/* The options may be left out: struct_size at the end keeps the variadic part from being empty,
 * which ISO C does not allow. */
#define weir_input_add(g, T, ...)                                                                  \
    weir_input_add_(g, T, __VA_ARGS__, .struct_size = sizeof(struct weir_input_options))
#define weir_input_add_(g, T, in, ...)                                                             \
    (WEIR_CHECK_(WEIR_CARRIES_(*(in), T),                                                          \
                 "weir_input_add(" #g ", " #T ", " #in "): that is an input of other records"),    \
     (weir_stream(T)){ .port = weir__input_add(g, T##_type(), &(in)->input,                        \
                                               &(struct weir_input_options){ __VA_ARGS__ }) })

/* The handle of worker `index`; it may be used by one thread at a time, the worker's own or any
 * other (then nothing is sent before a flush, an advance or a close). It is none if it was opened
 * already, no worker of this process has that index, or the input is {0}. Valid until
 * weir_input_close, or as long as what building the dataflow gave out (weir/dataflow.h): once that
 * was removed, sends answer WEIR_CLOSED. Open it before the worker is done: a worker waits for its
 * inputs. When worker_main returns, or the runtime is stopped, an input ends by itself, with what
 * was flushed and what the worker's own thread has sent. */
#define weir_input_open(in, index)                                                                 \
    ((__typeof__(*(in).handle)){ .handle = weir__input_open((in).input, index) })

/* Sends one record. WEIR_FULL: the dataflow's budget is used up, or 1 MiB waits for the worker to
 * step; nothing was taken, step the worker or try again later. WEIR_CLOSED: the input has ended.
 * Never blocks. */
#define weir_input_send(h, T, ...)                                                                 \
    (WEIR_CHECK_(WEIR_CARRIES_(h, T),                                                              \
                 "weir_input_send(" #h ", " #T ", ...): the input takes other records"),           \
     weir__input_send((h).handle, (const void *)&(T[1]){ __VA_ARGS__ }[0], 1))
/* The same for a change of a collection: diff of it more, or less if negative. change is an
 * expression: a variable, or a literal in parentheses: ((road){ 0, 3, 100 }). TYPE_MISMATCH: the
 * input was added without .collection, and diff is not 1. */
#define weir_input_change(h, T, change, diff)                                                      \
    (WEIR_CHECK_(WEIR_CARRIES_(h, T), "weir_input_change(" #h ", " #T ", " #change ", " #diff      \
                                      "): the input takes other records"),                         \
     weir__input_send((h).handle, (const void *)&(T[1]){ change }[0], diff))
/* Hands over what was sent. On the worker's own thread it is taken by its next step. */
#define weir_input_flush(h) weir__input_flush((h).handle)
/* weir_input_advance_to(h, t). Manual inputs: everything sent from now on is at t, at or after the
 * time before: an earlier one is an assertion. Flushes. Of an input that follows the clock it
 * flushes and nothing else. */
#define weir_input_advance_to(h, ...) weir__input_advance_to((h).handle, __VA_ARGS__)
/* weir_input_advance_frontier(h, frontier). Manual inputs: nothing will be sent any more at times
 * that are not at or after one of the frontier's. What is sent from now on is at the first of them,
 * or as weir_input_at says. Flushes. INVALID: the frontier is empty, of another depth, or goes
 * back; nothing has changed. */
#define weir_input_advance_frontier(h, ...)                                                        \
    weir__input_advance_frontier((h).handle, __VA_ARGS__)
/* weir_input_at(h, t). Manual inputs: everything sent from now on is at t, which may be before the
 * time before. Flushes. INVALID: it is not at or after what the handle has advanced to. */
#define weir_input_at(h, ...) weir__input_at((h).handle, __VA_ARGS__)
/* Manual inputs: the time of what is sent now. Of others it says nothing. */
#define weir_input_time(h) weir__input_time((h).handle)
/* Flushes and gives the capability up. The handle is gone. */
#define weir_input_close(h) weir__input_close((h).handle)
#endif

#endif

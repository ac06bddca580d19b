/* SPDX-License-Identifier: Apache-2.0
 *
 * The node contract: how operators with state, inputs and notification are written. Every operator
 * that ships with Weir uses this and nothing else.
 *
 * A node is described once (weir_node_spec) and made once on each worker. Its worker calls `step`
 * when there is input, when a frontier that it is interested in moved, or when it was activated.
 * All that a step does (what it consumed, produced, holds) becomes known to others as one change.
 */
#ifndef WEIR_NODE_H
#define WEIR_NODE_H

#include <weir/batch.h>
#include <weir/frontier.h>
#include <weir/graph.h>
#include <weir/memory.h>

WEIR_BEGIN_DECLS

typedef struct weir_step weir_step;
typedef struct weir_waker weir_waker;

/* What a node wants to be told about an input's frontier: nothing; its moves while the node holds a
 * capability, and that it is empty; every move. An input that is empty from the beginning, since
 * nothing leads to it, is told once. */
typedef enum weir_interest { WEIR_NEVER, WEIR_IF_HOLDING, WEIR_ALWAYS } weir_interest;

/* Which worker's instance of the node a record reaches. */
typedef enum weir_route {
    WEIR_LOCAL,       /* the one that sent it */
    WEIR_BY_KEY,      /* the owner of the key's hash: (hash × workers) >> 64 */
    WEIR_BY_FUNCTION, /* route_fn names the worker, modulo their number; never into keyed state */
    WEIR_TO_ALL       /* a copy to each */
} weir_route;

typedef struct weir_node_input {
    const weir_type *type;   /* must have the layout of the stream's */
    weir_interest interest;
    weir_route route;
    weir_key key;            /* WEIR_BY_KEY */
    weir_route_fn *route_fn; /* WEIR_BY_FUNCTION */
    void *route_ctx;
    bool takes_diffs;        /* false: a collection is refused here when the graph is built */
    /* WEIR_BY_KEY, with takes_diffs: nothing but keys and diffs is looked at, so on the way records
     * of one time and key may become one of them, with the sum of their diffs. The batches of a
     * plain stream then have diffs, too. */
    bool combines;
    bool settles;            /* a view, a sink, what is published: epochs close when done */
    /* With settles: it writes once in so many ms, 0 at once. Where all that settle write less often
     * than every fourth tick, epochs last a tick: more changes of a record cancel out. */
    unsigned settles_every_ms;
} weir_node_input;

typedef struct weir_node_output {
    const weir_type *type;
    bool collection;         /* records may have a diff */
    weir_key unique_key;     /* count 0: unknown */
} weir_node_output;

/* What a node's saved state belongs to when workers are more or fewer after a restart. States are
 * not saved yet: nothing looks at it so far, nor at `deterministic`. */
typedef enum weir_state_kind {
    WEIR_STATE_NONE, WEIR_STATE_KEYED, WEIR_STATE_PER_PARTITION, WEIR_STATE_SINGLE, WEIR_STATE_MERGE
} weir_state_kind;

/* The description is copied; the types, ctx and strings it points to are borrowed for the graph's
 * life. ctx is shared by the workers and read-only; what a worker owns is made by init. */
typedef struct weir_node_spec {
    size_t struct_size;
    const char *kind;        /* "flat_map": the default of the name, and what metrics group by; the
                              * call's name without weir_, or that of the user's function */
    const char *name;        /* stable and unique in the dataflow; NULL: the kind and a number */
    unsigned input_count, output_count;
    const weir_node_input *inputs;
    const weir_node_output *outputs;
    /* summaries[i * output_count + o]: how time moves from input i to output o. NULL: identity for
     * all. .depth = 0 says that no capability of o comes from input i. */
    const weir_summary *summaries;
    bool initial_capabilities; /* one an output, at time 0, numbered as the outputs, from init on */
    bool follows_clock;      /* a source: see weir_step_epoch. Implies initial_capabilities */
    bool at_start;           /* a source that sends at time 0 only: goes with any clock */
    bool is_input;           /* a source fed from outside: ends when the worker's program returns */
    bool deterministic;      /* output up to an epoch is a function of the input up to it */
    bool watches;            /* it opens a weir_event_reader: its dataflow is left out of events */
    weir_state_kind state_kind;
    weir_scope *scope;       /* of a node without inputs; NULL: the root */
    void *ctx;
    /* Makes the worker's state. step is valid for capabilities and accounts, not for sending. NULL:
     * state is NULL. A failure ends the run with this error; in a dataflow that was added later
     * (weir/dataflow.h) only that dataflow. */
    weir_status (*init)(weir_step *step, void *ctx, void **state, weir_error *error);
    void (*step)(weir_step *step, void *state);
    /* Frees the state. Called once, after the last step; no step call is valid in it. */
    void (*fini)(void *state);
} weir_node_spec;

/* Adds a node; inputs are input_count streams. Returns it, or NULL after the graph's first error
 * (weir_node_output_port(NULL, …) is NULL, too: building goes on in straight lines). */
WEIR_API weir_node *weir_node_add(weir_graph *graph, const weir_node_spec *spec,
                                  weir_port *const *inputs);
WEIR_API weir_port *weir_node_output_port(weir_node *node, unsigned output);
WEIR_API const char *weir_node_name(const weir_node *node);

/* ---- Inside a step: the worker's thread only. ---- */

WEIR_API const char *weir_step_name(const weir_step *step);
WEIR_API unsigned weir_step_worker(const weir_step *step);
WEIR_API unsigned weir_step_workers(const weir_step *step);
/* The number of its dataflow, the same on all workers. */
WEIR_API uint32_t weir_step_dataflow(const weir_step *step);
/* The seed of key hashes, the same on all workers. */
WEIR_API uint64_t weir_step_hash_seed(const weir_step *step);
/* Monotonic and wall clock of the environment (virtual under simulation), and random numbers. */
WEIR_API uint64_t weir_step_now_ns(const weir_step *step);
WEIR_API int64_t weir_step_wall_us(const weir_step *step);
WEIR_API uint64_t weir_step_random(const weir_step *step);
/* The node's account: charge what its state takes. */
WEIR_API weir_account *weir_step_account(weir_step *step);

/* The next batch that waits at an input, or NULL. It is the current batch until the next take (of
 * any input) or the end of the step, and counts as consumed then; retain it to keep it longer.
 * NULL also when the step's budget is used up (weir_step_spent): it is called again soon. */
WEIR_API const weir_batch *weir_step_take(weir_step *step, unsigned input);
/* Batches that wait at an input and may be taken in this step. */
WEIR_API size_t weir_step_waiting(const weir_step *step, unsigned input);
/* The current batch is not worked off: the next take of its input gives it again, in another step,
 * which comes soon. Until then it is where it was, so no capability is needed for what it will
 * make; where in it to go on is for the node's state to know. */
WEIR_API void weir_step_put_back(weir_step *step);
/* The input's frontier: no batch with a time that is not at or after one of its times will come. Of
 * an input with interest NEVER it must not be asked (assertion). */
WEIR_API const weir_frontier *weir_step_frontier(const weir_step *step, unsigned input);

/* A capability: the right to send at its time or later at one output. A number; the engine owns it.
 * Worth nothing after it was dropped: using it is an assertion. */
typedef uint32_t weir_cap;
#define WEIR_CAP_NONE UINT32_MAX

/* A new one, from the current batch: at its time (t NULL) or later, through the node's summary. */
WEIR_API weir_cap weir_cap_retain(weir_step *step, unsigned output, const weir_time *t);
/* A new one from another, at its time (t NULL) or later. */
WEIR_API weir_cap weir_cap_delayed(weir_step *step, weir_cap cap, const weir_time *t);
/* Moves it on to t, at or after its time. */
WEIR_API void weir_cap_downgrade(weir_step *step, weir_cap cap, const weir_time *t);
WEIR_API void weir_cap_drop(weir_step *step, weir_cap cap);
WEIR_API weir_time weir_cap_time(const weir_step *step, weir_cap cap);
/* Whether the node still has it (sources: the engine drops capabilities of a removed dataflow). */
WEIR_API bool weir_cap_held(const weir_step *step, weir_cap cap);

/* The builder of an output, for records at time t (NULL: the current batch's). The node must hold a
 * capability at or before t at this output, or t be at or after the current batch's time through
 * the summary: an assertion otherwise. Valid until the next take, output or send call. Its diff is
 * 1. */
WEIR_API weir_builder *weir_step_output(weir_step *step, unsigned output, const weir_time *t);
/* Sends a whole batch at time t (NULL: its own) without copying records. Same rule. */
WEIR_API void weir_step_send(weir_step *step, unsigned output, const weir_batch *batch,
                             const weir_time *t);

/* Records of the output's type that lie in memory one after the other, aligned as the type is, to
 * be sent as one batch: rows of a table, part of a mapped file. The pin keeps alive them and what
 * their strings point to; nothing of that may change before its release is called: by any thread,
 * maybe after the dataflow is gone. They have to be in canonical form (weir_record_canonicalize):
 * NAME_emit brings records into it, lending does not touch them, and where two differ in padding or
 * by -0 operators may take them for two. Each batch is charged with its records and the pin's
 * bytes: 0 where the memory is there anyway. */
typedef struct weir_lent {
    const void *records;
    size_t count;  /* of at most WEIR_LENT_MAX bytes */
    weir_pin *pin; /* a batch has a reference of its own; the caller's stays the caller's */
} weir_lent;
enum { WEIR_LENT_MAX = 16 << 20 };
/* Sends them at time t (NULL: the current batch's) without copying them, each with diff 1. Same
 * rule. */
WEIR_API void weir_step_lend(weir_step *step, unsigned output, const weir_lent *lent,
                             const weir_time *t);

/* Whether anybody reads what is sent at this output: else it need not be made. */
WEIR_API bool weir_step_output_is_read(const weir_step *step, unsigned output);

/* Call step again soon, even if nothing comes. */
WEIR_API void weir_step_again(weir_step *step);
/* Call step when the worker has had nothing else to do for a while, before it sleeps: for work that
 * nobody waits for, in pieces of some microseconds. On a worker that always has other things to do
 * one node is called so every few milliseconds. A complete dataflow may not be called so. */
WEIR_API void weir_step_when_idle(weir_step *step);
/* Whether this call is one of these. */
WEIR_API bool weir_step_is_idle(const weir_step *step);
/* Call step at or after this moment of weir_step_now_ns; the earliest one asked for counts. */
WEIR_API void weir_step_at_ns(weir_step *step, uint64_t when_ns);
/* Whether the step's budget of output bytes and work is used up: then say weir_step_again, keep
 * what is unfinished, and return. */
WEIR_API bool weir_step_spent(const weir_step *step);
/* Whether half of this worker's share of the dataflow's budget is under way or in its files. Only
 * a source asks: it then stops taking and is called again when there is room. */
WEIR_API bool weir_step_full(weir_step *step);
/* This worker's share of the dataflow's budget, in bytes: a node that gathers much before it sends
 * a number that stands for it gathers a part of that. */
WEIR_API size_t weir_step_share(const weir_step *step);
/* Says how much there is that this node has sent by reference (a number that stands for a run of a
 * trace) and that has not been taken: it counts as under way, though no batch has it. While it is
 * much, the senders of what the node has taken stay charged with it. */
WEIR_API void weir_step_under_way(weir_step *step, size_t bytes);
/* Ends the run with this status and text: weir_run returns it. The step's sends still count. One
 * dataflow alone is ended by weir_step_fail_dataflow (weir/dataflow.h). */
WEIR_API void weir_step_fail(weir_step *step, weir_status status, const char *format, ...)
    WEIR_PRINTF(3, 4);
/* The same for functions that have no step: those that operators call with records, keys and states
 * (WEIR_MAP, WEIR_REDUCE, WEIR_PROCESS, …), and those that make their contexts. Ends the run with
 * this status (WEIR_OK: WEIR_FAILED) and text, and the operator's name. It returns, and so should
 * the function; what it makes after that is of no account, but it may be called for other records
 * before the run is over. What is an error of the record, not of the run, is a result of its own:
 * weir/operators/try.h. Of several calls the first counts. What ends a context or a state calls it
 * to no effect; elsewhere it is an assertion. No time becomes complete by what a worker consumed
 * while something failed: results of such a time are never taken for whole. */
WEIR_API void weir_fail(weir_status status, const char *format, ...) WEIR_PRINTF(2, 3);

/* Something that makes the worker call this node's step, from any thread; cheap if it was called
 * already. Belongs to the node: valid until its fini has returned. */
WEIR_API weir_waker *weir_step_waker(weir_step *step);
WEIR_API void weir_wake(weir_waker *waker);

/* The worker's libuv loop (struct uv_loop_s), for descriptors and timers that a connector watches.
 * Callbacks run on the worker's thread between steps and call weir_wake. NULL under simulation. */
WEIR_API struct uv_loop_s *weir_step_loop(weir_step *step);

/* ---- The epoch clock, for nodes with follows_clock. ----
 * Capability o of output o is held by the engine at the open epoch and moved on by it: a source
 * never downgrades. What it sends goes at weir_step_epoch. After a send (or a touch) the epoch is
 * closed as soon as the one before is complete where it settles (unless all that settle write
 * seldom), at the latest after the tick. */
WEIR_API weir_time weir_step_epoch(const weir_step *step);
/* The open epoch carries something though no record was sent: a watermark, an idleness, a timer. */
WEIR_API void weir_step_touch(weir_step *step);
/* The source has ended: its capabilities are dropped. */
WEIR_API void weir_step_finish(weir_step *step);
/* The source was told to end (weir_runtime_stop, or its program returned): this is its last step.
 * What it has taken over it sends now, whether there is room or not. */
WEIR_API bool weir_step_ending(const weir_step *step);

WEIR_END_DECLS
#endif

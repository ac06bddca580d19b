/* SPDX-License-Identifier: Apache-2.0
 *
 * The library's operators over collections, as the simulator has them: how each is added to a
 * graph, and what it gives, from the whole of its inputs at one time. Records are items, and small:
 * what an operator makes of other records is mapped to them.
 */
#ifndef WEIR_TESTS_SIM_FORMS_H
#define WEIR_TESTS_SIM_FORMS_H

#include "sim.h"

/* ---- bags ---- */

typedef struct sim_count {
    item record;
    int64_t count;
} sim_count;
/* How often each record is there. */
typedef struct sim_bag {
    sim_count *items;
    size_t count, capacity;
} sim_bag;
void sim_bag_add(sim_bag *bag, item record, int64_t count);
/* In the order of key, value, hops, each once, none that is there 0 times. */
void sim_bag_settle(sim_bag *bag);
void sim_bag_fini(sim_bag *bag);
/* Counts of one key of a settled bag that lie together. False: there is none at or after *at. */
typedef struct sim_of_key {
    uint64_t key;
    const sim_count *items;
    size_t count;
    int64_t total;
} sim_of_key;
bool sim_bag_next_key(const sim_bag *bag, size_t *at, sim_of_key *of);

/* A number as a value of items. */
static inline uint64_t sim_small(int64_t n)
{
    return (uint64_t)((n % 16 + 16) % 16);
}

enum { SIM_SEEN_EPOCHS = 20, SIM_SEEN_ROUNDS = 12 };

/* ---- what an operator gives at one time (scratch.c) ---- */

typedef struct sim_scratch sim_scratch;
typedef struct sim_at {
    sim_scratch *scratch;
    const sim_op *op;
    unsigned depth;
    weir_time time;
} sim_at;
/* An input at the time, or at an earlier one. Settled. */
const sim_bag *sim_at_input(const sim_at *at, unsigned input, const weir_time *time);
/* From scratch, of what gives no records. */
void sim_nothing(const sim_at *at, sim_bag *out);
/* What was sent at this time or before into input 0, which is a source's, from *i on; NULL: no
 * more. */
const sim_record *sim_at_sent(const sim_at *at, size_t *i);

/* Of a stream at a time; all of it, or what has changed since another time; of all keys, or one. */
typedef struct sim_wanted {
    unsigned stream;
    weir_time time, after;
    bool is_change;
    uint64_t key;
} sim_wanted;
#define SIM_ALL UINT64_MAX
/* Whether that differs from a settled bag, and how. False also where it cannot be known. */
bool sim_scratch_is_not(sim_flow *flow, const sim_wanted *wanted, const sim_bag *have, char *text,
                        size_t size);

/* ---- forms ---- */

enum {
    SIM_OUTSIDE = 1,   /* refused in scopes */
    SIM_WHOLE = 2,     /* counts of its inputs are not below 0 */
    SIM_OF_SOURCE = 4, /* takes a source, as it is */
    SIM_PLAIN_TOO = 8, /* also one that is no collection */
    SIM_CLEAN = 16,    /* its own counts are above 0, whatever its inputs' are */
    SIM_NEGATES = 32,  /* its own counts may be below 0, whatever its inputs' are */
    SIM_LONG = 64,     /* many rounds: in scopes not with many workers */
    SIM_LATE = 128,    /* drawn by itself (plan_more.c), so that other drawings stay as they are */
    SIM_LEAVES = 256,  /* has no output; what it evaluates to is left outside (outside.c) */
    SIM_OF_LATER = 512 /* of dataflows that are added while others run */
};

typedef struct sim_form {
    const char *name;
    unsigned inputs, outputs; /* outputs: 1, or none */
    unsigned flags;
    unsigned rounds;          /* coordinates that it adds inside */
    unsigned weight;          /* of 100 forms, about so many; 0: drawn in its own way */
    weir_port *(*build)(const sim_op *op, weir_port *const *in);
    void (*evaluate)(const sim_at *at, sim_bag *out);
    /* or: what it gives for each key of its only input */
    void (*of_key)(const sim_op *op, const sim_of_key *of, sim_bag *out);
} sim_form;

/* Lists of forms, each ended by one without a name. */
extern const sim_form sim_forms_moves[], sim_forms_keys[], sim_forms_sets[], sim_forms_joins[],
    sim_forms_graphs[], sim_forms_streams[], sim_forms_nodes[], sim_forms_stages[],
    sim_forms_readers[], sim_forms_sinks[], sim_forms_sources[];
/* Of all of them; NULL: there are not so many. */
const sim_form *sim_form_at(unsigned index);
void sim_form_evaluate(const sim_form *form, const sim_at *at, sim_bag *out);

/* What the flow whose graph this is has of an operator. */
struct sim_use *sim_use_of(weir_graph *graph, const sim_op *op);
unsigned sim_process_that_builds(weir_graph *graph);
/* The topic of an operator. */
void sim_topic_name(const struct sim_use *use, char *name, size_t size);
/* Of the run: made for the first who asks. */
struct weir_kafka_broker *sim_broker(sim_run *run);

#endif

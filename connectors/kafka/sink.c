/* SPDX-License-Identifier: Apache-2.0
 *
 * The sink's node. What it does next is always one of three things, as long as the outbox has
 * room: write what an epoch that is complete has changed, write what a throttled sink has kept,
 * or take the next batch. A plain stream's batches are written as they come; a collection's
 * changes wait for their epoch.
 */
#include <string.h>

#include <weir/memory.h>

#include "kafka/latest.h"
#include "kafka/sink.h"

/* Messages of one step; then others have their turn. */
enum { STEP_MESSAGES = 16 << 10 };

typedef struct sink {
    const weir__kafka_sink_plan *plan;
    weir__kafka_outbox outbox;
    weir__kafka_notice ambiguous;
    char *scratch;              /* a record with time and diff */
    int64_t charged;

    weir_batch *batch;          /* being written, from record `next` on */
    size_t next;

    weir__kafka_changes changes;
    weir__kafka_latest latest;  /* .every_ms */
    uint64_t latest_epoch;      /* held while latest has something */
    uint64_t written_ns;        /* when it was last emptied */
    size_t latest_next;
    bool emptying;
    weir_step *step;            /* the current one, for callbacks */
} sink;

static void write_letter(sink *s, weir_step *step, const weir__kafka_letter *letter)
{
    weir__kafka_encode(s->plan, &s->outbox, step, letter, s->scratch);
}

/* ---- as it comes ---- */

static bool write_batch(sink *s, weir_step *step)
{
    if (!s->batch) {
        const weir_batch *batch = weir_step_take(step, 0);
        if (!batch)
            return false;
        s->batch = weir_batch_retain(batch);
        s->next = 0;
        weir__kafka_outbox_hold(&s->outbox, step, batch->time.at[0]);
    }
    const weir_batch *b = s->batch;
    for (; s->next < b->count && !weir__kafka_outbox_is_full(&s->outbox); s->next++)
        write_letter(s, step, &(weir__kafka_letter){ .record = weir_batch_record(b, s->next),
                                                     .epoch = b->time.at[0],
                                                     .time = weir_batch_time(b, s->next).at[0],
                                                     .diff = weir_batch_diff(b, s->next) });
    if (s->next == b->count) {
        weir__kafka_outbox_unhold(&s->outbox, b->time.at[0]);
        weir_batch_release(s->batch);
        s->batch = NULL;
    }
    return true;
}

/* ---- upserts ---- */

static bool is_complete(weir_step *step, uint64_t epoch)
{
    weir_time t = weir_time_1(epoch);
    return !weir_frontier_less_equal(weir_step_frontier(step, 0), &t);
}

static void say_ambiguous(sink *s, weir_step *step)
{
    weir__kafka_notice_say(&s->ambiguous, step,
                           "topic '%s': several records have one key, and one of them is written: "
                           "the key is not unique", s->plan->options.topic);
}

/* Writes the changes of an epoch that is complete, or keeps the newest. */
static bool write_epoch(sink *s, weir_step *step)
{
    uint64_t epoch;
    if (!weir__kafka_changes_first(&s->changes, &epoch) || !is_complete(step, epoch))
        return false;
    weir__kafka_outcome outcome;
    bool throttled = s->plan->options.every_ms > 0;
    for (size_t n = 0; n < STEP_MESSAGES && !weir__kafka_outbox_is_full(&s->outbox); n++) {
        if (!weir__kafka_changes_next(&s->changes, &outcome)) {
            bool kept = throttled && s->latest.count > 0 && s->latest_epoch == epoch;
            if (!kept)
                weir__kafka_outbox_unhold(&s->outbox, epoch);
            return true;
        }
        if (outcome.ambiguous)
            say_ambiguous(s, step);
        if (!throttled) {
            write_letter(s, step, &(weir__kafka_letter){ .record = outcome.record, .epoch = epoch,
                                                         .gone = outcome.gone });
            continue;
        }
        if (s->latest.count == 0)
            s->latest_epoch = epoch;
        weir__kafka_latest_put(&s->latest, &outcome);
    }
    return true;
}

/* Writes what was kept, when it is time. */
static bool write_latest(sink *s, weir_step *step)
{
    if (s->latest.count == 0)
        return false;
    uint64_t now = weir_step_now_ns(step);
    uint64_t due = s->written_ns ? s->written_ns + s->plan->options.every_ms * UINT64_C(1000000)
                                 : now;
    if (!s->emptying && now < due && !weir_frontier_is_empty(weir_step_frontier(step, 0))) {
        weir_step_at_ns(step, due);
        return false;
    }
    s->emptying = true;
    for (; s->latest_next < s->latest.count && !weir__kafka_outbox_is_full(&s->outbox);
         s->latest_next++) {
        const weir__kafka_latest_entry *e = &s->latest.entries[s->latest_next];
        write_letter(s, step, &(weir__kafka_letter){ .record = e->record,
                                                     .epoch = s->latest_epoch, .gone = e->gone });
    }
    if (s->latest_next == s->latest.count) {
        weir__kafka_latest_clear(&s->latest);
        weir__kafka_outbox_unhold(&s->outbox, s->latest_epoch);
        s->latest_next = 0;
        s->emptying = false;
        s->written_ns = now;
    }
    return true;
}

static void on_opened(uint64_t epoch, void *ctx)
{
    sink *s = ctx;
    weir__kafka_outbox_hold(&s->outbox, s->step, epoch);
}

static bool keep_batch(sink *s, weir_step *step)
{
    const weir_batch *batch = weir_step_take(step, 0);
    if (!batch)
        return false;
    s->step = step;
    weir__kafka_changes_add(&s->changes, batch, on_opened, s);
    return true;
}

/* ---- the node ---- */

static bool do_something(sink *s, weir_step *step)
{
    if (!s->plan->upserts)
        return write_batch(s, step);
    if (s->emptying)
        return write_latest(s, step);
    return write_epoch(s, step) || keep_batch(s, step) || write_latest(s, step);
}

static void sink_step(weir_step *step, void *state)
{
    sink *s = state;
    for (size_t n = 0; weir__kafka_outbox_pump(&s->outbox, step) && do_something(s, step); n++)
        if (n * WEIR__KAFKA_OUTBOX_MESSAGES >= STEP_MESSAGES) {
            weir_step_again(step);
            break;
        }
    weir__kafka_outbox_settle(&s->outbox, step, weir_step_frontier(step, 0));
    int64_t bytes = s->changes.bytes + s->latest.bytes +
                    (s->batch ? (int64_t)s->batch->bytes : 0);
    weir_account_add(weir_step_account(step), bytes - s->charged);
    s->charged = bytes;
}

static void sink_fini(void *state)
{
    sink *s = state;
    if (s->batch)
        weir_batch_release(s->batch);
    weir__kafka_changes_fini(&s->changes);
    weir__kafka_latest_fini(&s->latest);
    weir__kafka_outbox_close(&s->outbox);
    weir_free(s->scratch, s->plan->value_type ? s->plan->value_type->size : 0);
    weir_free(s, sizeof *s);
}

static weir_status sink_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    weir__kafka_sink_plan *plan = ctx;
    sink *s = weir_alloc_must(sizeof *s);
    *s = (sink){ .plan = plan };
    s->changes = (weir__kafka_changes){ .type = plan->type, .key = plan->key,
                                        .seed = weir_step_hash_seed(step) };
    s->latest = (weir__kafka_latest){ .type = plan->type, .key = plan->key };
    if (plan->value_type)
        s->scratch = weir_alloc_must(plan->value_type->size);
    weir__kafka_outbox_spec spec = { .broker = plan->broker,
                                     .settings = &plan->settings,
                                     .topic = plan->options.topic,
                                     .told = &plan->told,
                                     .message_bytes_max = plan->options.message_bytes_max,
                                     .stop = plan->options.on_error == WEIR_KAFKA_STOP };
    if (weir__kafka_outbox_open(&s->outbox, step, &spec, error) != WEIR_OK) {
        sink_fini(s);
        return error->status;
    }
    *state = s;
    return WEIR_OK;
}

weir_port *weir__kafka_sink_node(weir_port *port, const weir__kafka_sink_plan *plan)
{
    bool collection = weir_port_is_collection(port);
    weir_node_input input = { .type = plan->type, .interest = WEIR_ALWAYS, .settles = true,
                              .settles_every_ms = plan->options.every_ms,
                              .takes_diffs = collection };
    if (collection && plan->key.count) {
        input.route = WEIR_BY_KEY; /* one worker writes a key, in order */
        input.key = plan->key;
    }
    weir_node_output output = { .type = plan->type };
    weir_node_spec spec = { .struct_size = sizeof spec,
                            .kind = "kafka_sink",
                            .name = plan->options.name,
                            .input_count = 1,
                            .output_count = 1,
                            .inputs = &input,
                            .outputs = &output,
                            .deterministic = true,
                            .ctx = (void *)(uintptr_t)plan,
                            .init = sink_init,
                            .step = sink_step,
                            .fini = sink_fini };
    return weir_node_output_port(weir_node_add(weir_port_graph(port), &spec, &port), 0);
}

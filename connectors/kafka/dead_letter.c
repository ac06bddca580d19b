/* SPDX-License-Identifier: Apache-2.0
 *
 * The node behind a source that writes undecodable messages to their topic, as they were, with the
 * reason beside them. A node of its own, so that the run ends only when they are acknowledged.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <weir/memory.h>

#include "kafka/outbox.h"
#include "kafka/source.h"

/* A message may be dead because it is long: the topic's limit decides. */
enum { DEAD_BYTES_MAX = 100 << 20 };

typedef struct undertaker {
    weir__kafka_source_plan *plan;
    weir__kafka_outbox outbox;
    weir_batch *batch; /* being written, from record `next` on */
    size_t next;
} undertaker;

static weir_status add_header(weir__kafka_outbox *outbox, weir__kafka_draft *draft,
                              const char *name, const weir_str *value)
{
    draft->headers[draft->header_count++] =
        (weir__kafka_draft_header){ name, outbox->bytes.len, value->len };
    return weir_bytes_out_add(&outbox->bytes, weir_str_data(value), value->len);
}

static weir_status add_number(weir__kafka_outbox *outbox, weir__kafka_draft *draft,
                              const char *name, int64_t number)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%" PRId64, number);
    weir_str value = weir_str_view(text, (size_t)len);
    return add_header(outbox, draft, name, &value);
}

static weir_status add_bytes(weir__kafka_outbox *outbox, const weir_opt_bytes *bytes, size_t *at,
                             size_t *len)
{
    *at = outbox->bytes.len;
    *len = bytes->set ? bytes->value.len : 0;
    return weir_bytes_out_add(&outbox->bytes, weir_str_data(&bytes->value), *len);
}

static void add(undertaker *u, weir_step *step, const weir__kafka_dead *dead)
{
    weir__kafka_outbox *outbox = &u->outbox;
    weir__kafka_draft draft = { .epoch = u->batch->time.at[0], .partition = -1,
                                .has_key = dead->key.set, .has_value = dead->value.set };
    weir_str topic = weir_str_of(u->plan->options.topic);
    weir_status status = add_bytes(outbox, &dead->key, &draft.key_at, &draft.key_len);
    status |= add_bytes(outbox, &dead->value, &draft.value_at, &draft.value_len);
    status |= add_header(outbox, &draft, "weir-reason", &dead->reason);
    status |= add_header(outbox, &draft, "weir-topic", &topic);
    status |= add_number(outbox, &draft, "weir-partition", dead->partition);
    status |= add_number(outbox, &draft, "weir-offset", dead->offset);
    if (status != WEIR_OK) { /* there is one way to fail */
        weir__kafka_outbox_refuse(outbox, step, WEIR_NO_MEMORY, "no memory for a dead letter");
        return;
    }
    weir__kafka_outbox_add(outbox, step, &draft);
}

static bool take(undertaker *u, weir_step *step)
{
    const weir_batch *batch = weir_step_take(step, 0);
    if (!batch)
        return false;
    u->batch = weir_batch_retain(batch);
    u->next = 0;
    weir__kafka_outbox_hold(&u->outbox, step, batch->time.at[0]);
    return true;
}

static void undertaker_step(weir_step *step, void *state)
{
    undertaker *u = state;
    while (weir__kafka_outbox_pump(&u->outbox, step) && (u->batch || take(u, step))) {
        while (u->next < u->batch->count && !weir__kafka_outbox_is_full(&u->outbox))
            add(u, step, weir_batch_record(u->batch, u->next++));
        if (u->next < u->batch->count)
            continue;
        weir__kafka_outbox_unhold(&u->outbox, u->batch->time.at[0]);
        weir_batch_release(u->batch);
        u->batch = NULL;
    }
    weir__kafka_outbox_settle(&u->outbox, step, weir_step_frontier(step, 0));
}

static void undertaker_fini(void *state)
{
    undertaker *u = state;
    if (u->batch)
        weir_batch_release(u->batch);
    weir__kafka_outbox_close(&u->outbox);
    weir_free(u, sizeof *u);
}

static weir_status undertaker_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    weir__kafka_source_plan *plan = ctx;
    const weir_kafka_source_options *o = &plan->options;
    undertaker *u = weir_alloc_must(sizeof *u);
    *u = (undertaker){ .plan = plan };
    weir__kafka_outbox_spec spec = { .broker = plan->broker,
                                     .settings = &plan->settings,
                                     .topic = o->dead_letter,
                                     .told = &plan->dead_told,
                                     .message_bytes_max = DEAD_BYTES_MAX,
                                     .forgiving = true };
    if (weir__kafka_outbox_open(&u->outbox, step, &spec, error) != WEIR_OK) {
        undertaker_fini(u);
        return error->status;
    }
    *state = u;
    return WEIR_OK;
}

void weir__kafka_dead_letter_node(weir_port *dead, const weir__kafka_source_plan *plan)
{
    /* Nobody waits for it, so it does not settle. */
    weir_node_input input = { .type = weir__kafka_dead_type(), .interest = WEIR_ALWAYS };
    weir_node_output output = { .type = weir__kafka_dead_type() };
    weir_node_spec spec = { .struct_size = sizeof spec,
                            .kind = "kafka_dead_letter",
                            .input_count = 1,
                            .output_count = 1,
                            .inputs = &input,
                            .outputs = &output,
                            .deterministic = true,
                            .ctx = (void *)(uintptr_t)plan,
                            .init = undertaker_init,
                            .step = undertaker_step,
                            .fini = undertaker_fini };
    weir_node_add(dead ? weir_port_graph(dead) : NULL, &spec, &dead);
}

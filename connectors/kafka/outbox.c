/* SPDX-License-Identifier: Apache-2.0
 *
 * See outbox.h. Order: messages are given to the writer in the order in which they were added, and
 * the writer keeps it; one that is refused holds up no other.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <weir/memory.h>

#include "kafka/outbox.h"

static const uint64_t ASK_AGAIN_NS = UINT64_C(300) * 1000000;
/* A topic is made by first use, which takes brokers a moment. */
static const uint64_t MISSING_NS = UINT64_C(8) * 1000000000;

/* ---- epochs ---- */

static weir__kafka_open_epoch *find_epoch(weir__kafka_outbox *o, uint64_t epoch)
{
    size_t low = 0, high = o->epoch_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (o->epochs[middle].epoch < epoch)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < o->epoch_count && o->epochs[low].epoch == epoch)
        return &o->epochs[low];
    if (o->epoch_count == o->epoch_capacity) {
        size_t capacity = o->epoch_capacity ? 2 * o->epoch_capacity : 16;
        o->epochs = weir_realloc_must(o->epochs, o->epoch_capacity * sizeof *o->epochs,
                                      capacity * sizeof *o->epochs);
        o->epoch_capacity = capacity;
    }
    memmove(&o->epochs[low + 1], &o->epochs[low], (o->epoch_count - low) * sizeof *o->epochs);
    o->epochs[low] = (weir__kafka_open_epoch){ .epoch = epoch };
    o->epoch_count++;
    return &o->epochs[low];
}

/* Forgets epochs that have nothing to do any more. */
static void close_epochs(weir__kafka_outbox *o)
{
    size_t kept = 0;
    for (size_t i = 0; i < o->epoch_count; i++)
        if (o->epochs[i].messages || o->epochs[i].holds)
            o->epochs[kept++] = o->epochs[i];
    o->epoch_count = kept;
}

void weir__kafka_outbox_hold(weir__kafka_outbox *o, weir_step *step, uint64_t epoch)
{
    weir_time t = weir_time_1(epoch);
    if (o->cap == WEIR_CAP_NONE || epoch < weir_cap_time(step, o->cap).at[0]) {
        weir_cap earlier = weir_cap_retain(step, 0, &t);
        if (o->cap != WEIR_CAP_NONE)
            weir_cap_drop(step, o->cap);
        o->cap = earlier;
    }
    find_epoch(o, epoch)->holds++;
}

void weir__kafka_outbox_unhold(weir__kafka_outbox *o, uint64_t epoch)
{
    find_epoch(o, epoch)->holds--;
}

static void update_metrics(weir__kafka_outbox *o, const weir_frontier *frontier)
{
    uint64_t waiting = 0;
    for (size_t i = 0; i < o->epoch_count; i++)
        waiting += o->epochs[i].messages;
    weir_metric_set(o->pending_metric, (int64_t)waiting);
    uint64_t open = o->epoch_count ? o->epochs[0].epoch
                    : weir_frontier_is_empty(frontier) ? 0
                                                       : weir_frontier_times(frontier)->at[0];
    if (open > 0)
        weir_metric_set(o->epoch_metric, (int64_t)open - 1);
}

void weir__kafka_outbox_settle(weir__kafka_outbox *o, weir_step *step,
                               const weir_frontier *frontier)
{
    close_epochs(o);
    if (o->cap != WEIR_CAP_NONE && o->epoch_count == 0) {
        weir_cap_drop(step, o->cap);
        o->cap = WEIR_CAP_NONE;
    } else if (o->cap != WEIR_CAP_NONE && weir_cap_time(step, o->cap).at[0] < o->epochs[0].epoch) {
        weir_time t = weir_time_1(o->epochs[0].epoch);
        weir_cap_downgrade(step, o->cap, &t);
    }
    update_metrics(o, frontier);
    int64_t bytes = (int64_t)(o->bytes.capacity + o->capacity * sizeof *o->messages);
    weir_account_add(weir_step_account(step), bytes - o->charged);
    o->charged = bytes;
}

/* ---- opening and closing ---- */

static void on_wake(void *ctx) { weir_wake(ctx); }

static weir_metric *metric(weir_step *step, const char *name, const char *help,
                           weir_metric_kind kind, const char *topic)
{
    char labels[300];
    snprintf(labels, sizeof labels, "topic=\"%s\"", topic);
    return weir_step_metric(step, &(weir_metric_spec){ name, help, kind, labels });
}

weir_status weir__kafka_outbox_open(weir__kafka_outbox *o, weir_step *step,
                                    const weir__kafka_outbox_spec *spec, weir_error *error)
{
    *o = (weir__kafka_outbox){ .spec = *spec, .cap = WEIR_CAP_NONE };
    o->link.servers = weir__kafka_settings_get(spec->settings, "bootstrap.servers");
    o->link.told = spec->told;
    const char *topic = spec->topic;
    o->messages_metric = metric(step, "weir_kafka_written_messages_total",
                                "messages that the broker has acknowledged", WEIR_COUNTER, topic);
    o->bytes_metric = metric(step, "weir_kafka_written_bytes_total",
                             "bytes of keys and values given to the writer", WEIR_COUNTER, topic);
    o->refused_metric = metric(step, "weir_kafka_refused_total",
                               "records that could not be written", WEIR_COUNTER, topic);
    o->pending_metric = metric(step, "weir_kafka_unacknowledged",
                               "messages that the broker has not acknowledged", WEIR_GAUGE, topic);
    o->epoch_metric = metric(step, "weir_kafka_acknowledged_epoch",
                             "all that epochs up to this one wrote is acknowledged", WEIR_GAUGE,
                             topic);
    o->writer = spec->broker->open_writer(
        spec->broker,
        &(weir__kafka_open){ .topic = topic, .settings = spec->settings, .wake = on_wake,
                             .ctx = weir_step_waker(step), .loop = weir_step_loop(step),
                             .queue_bytes = 64 << 20,
                             .message_bytes_max = spec->message_bytes_max },
        error);
    if (!o->writer)
        return error->status;
    o->writer->ops->ask(o->writer);
    o->asked = true;
    return WEIR_OK;
}

void weir__kafka_outbox_close(weir__kafka_outbox *o)
{
    if (o->writer)
        o->writer->ops->close(o->writer);
    weir_bytes_out_fini(&o->bytes);
    weir_free(o->messages, o->capacity * sizeof *o->messages);
    weir_free(o->epochs, o->epoch_capacity * sizeof *o->epochs);
}

/* ---- what goes wrong ---- */

void weir__kafka_outbox_refuse(weir__kafka_outbox *o, weir_step *step, weir_status status,
                               const char *why)
{
    weir_metric_add(o->refused_metric, 1);
    if ((o->spec.stop || status == WEIR_NO_MEMORY) && !o->failed) {
        o->failed = true;
        weir_step_fail(step, status, "topic '%s': a record cannot be written: %s", o->spec.topic,
                       why);
    } else {
        weir__kafka_notice_say(&o->notice, step, "topic '%s': a record is dropped: %s",
                           o->spec.topic, why);
    }
}

/* Nothing can be written any more. */
static void break_down(weir__kafka_outbox *o, weir_step *step, weir_status status,
                       const char *why)
{
    if (!o->spec.forgiving || o->spec.stop) {
        if (!o->failed)
            weir_step_fail(step, status, "%s", why);
        o->failed = true;
        return;
    }
    uint64_t lost = 0;
    for (size_t i = 0; i < o->epoch_count; i++) {
        lost += o->epochs[i].messages;
        o->epochs[i].messages = 0;
    }
    weir_metric_add(o->refused_metric, (int64_t)lost);
    weir_log(WEIR_LOG_ERROR, "%s: %s; from now on its records are dropped (%" PRIu64 " so far)",
             weir_step_name(step), why, lost);
    o->broken = true;
    o->first = o->count = o->bytes.len = 0;
    o->writer->ops->close(o->writer);
    o->writer = NULL;
}

static void ask_later(weir__kafka_outbox *o, weir_step *step)
{
    o->ask_ns = weir_step_now_ns(step) + ASK_AGAIN_NS;
    weir_step_at_ns(step, o->ask_ns);
}

static void handle_answer(weir__kafka_outbox *o, weir_step *step,
                          const weir__kafka_answer *answer)
{
    const weir__kafka_trouble *trouble = &answer->trouble;
    uint64_t now = weir_step_now_ns(step);
    o->asked = false;
    if (!answer->failed) {
        o->ready = true;
        o->missing_since_ns = 0;
        weir__kafka_link_back(&o->link, step, o->spec.topic);
        return;
    }
    if (trouble->status == WEIR_NOT_FOUND && !o->missing_since_ns)
        o->missing_since_ns = now ? now : 1;
    bool missing = trouble->status == WEIR_NOT_FOUND && now < o->missing_since_ns + MISSING_NS;
    if (trouble->class == WEIR__KAFKA_RETRY)
        weir__kafka_link_away(&o->link, step, o->spec.topic, trouble->text);
    else if (!missing) {
        break_down(o, step, trouble->status, trouble->text);
        return;
    }
    ask_later(o, step);
}

static void handle_news(weir__kafka_outbox *o, weir_step *step)
{
    weir__kafka_answer answer;
    if (o->writer->ops->answered(o->writer, &answer)) {
        handle_answer(o, step, &answer);
        weir__kafka_answer_fini(&answer);
    }
    weir__kafka_trouble trouble;
    while (!o->broken && o->writer->ops->trouble(o->writer, &trouble)) {
        if (trouble.class == WEIR__KAFKA_FATAL && trouble.status != WEIR_NOT_FOUND)
            break_down(o, step, trouble.status, trouble.text);
        else if (!o->asked && !o->ask_ns)
            ask_later(o, step); /* whether anybody is there */
        weir_log(WEIR_LOG_DEBUG, "%s: topic '%s': %s", weir_step_name(step), o->spec.topic,
                 trouble.text);
    }
    if (o->ask_ns && !o->broken) {
        if (weir_step_now_ns(step) >= o->ask_ns) {
            o->ask_ns = 0;
            o->asked = true;
            o->writer->ops->ask(o->writer);
        } else {
            weir_step_at_ns(step, o->ask_ns);
        }
    }
}

static void handle_report(weir__kafka_outbox *o, weir_step *step, const weir__kafka_report *report)
{
    if (WEIR_LIKELY(report->status == WEIR_OK)) {
        find_epoch(o, report->token)->messages--;
        return;
    }
    if (report->class == WEIR__KAFKA_SKIP || (o->spec.forgiving && !o->spec.stop)) {
        find_epoch(o, report->token)->messages--;
        weir__kafka_outbox_refuse(o, step, report->status,
                                  report->status == WEIR_TOO_LARGE
                                      ? "it is longer than the topic takes (its max.message.bytes)"
                                      : report->text);
        if (report->class == WEIR__KAFKA_FATAL)
            weir_log(WEIR_LOG_DEBUG, "%s: %s", weir_step_name(step), report->text);
        return;
    }
    char why[400];
    snprintf(why, sizeof why, "topic '%s': a message was not written: %s", o->spec.topic,
             report->text);
    break_down(o, step, report->status, why);
}

static void handle_reports(weir__kafka_outbox *o, weir_step *step)
{
    weir__kafka_report reports[WEIR__KAFKA_OUTBOX_MESSAGES];
    size_t n;
    int64_t good = 0;
    do {
        n = o->writer->ops->reports(o->writer, reports, WEIR__KAFKA_OUTBOX_MESSAGES);
        for (size_t i = 0; i < n && !o->broken; i++) {
            good += reports[i].status == WEIR_OK;
            handle_report(o, step, &reports[i]);
        }
    } while (n > 0 && !o->broken);
    if (good) {
        weir_metric_add(o->messages_metric, good);
        weir__kafka_link_back(&o->link, step, o->spec.topic);
    }
}

/* ---- writing ---- */

static size_t write_some(weir__kafka_outbox *o, size_t count)
{
    weir__kafka_output outputs[WEIR__KAFKA_OUTBOX_MESSAGES];
    weir_kafka_header headers[WEIR__KAFKA_OUTBOX_MESSAGES][WEIR__KAFKA_HEADERS_MAX];
    const char *bytes = o->bytes.data ? o->bytes.data : "";
    for (size_t i = 0; i < count; i++) {
        const weir__kafka_draft *draft = &o->messages[o->first + i];
        for (uint32_t h = 0; h < draft->header_count; h++)
            headers[i][h] = (weir_kafka_header){ draft->headers[h].name,
                                                 bytes + draft->headers[h].at,
                                                 draft->headers[h].len };
        outputs[i] = (weir__kafka_output){
            { .key = draft->has_key ? bytes + draft->key_at : NULL, .key_len = draft->key_len,
              .value = draft->has_value ? bytes + draft->value_at : NULL,
              .value_len = draft->value_len, .partition = draft->partition,
              .headers = headers[i], .header_count = draft->header_count },
            draft->epoch
        };
    }
    size_t taken = o->writer->ops->write(o->writer, outputs, count);
    int64_t written = 0;
    for (size_t i = 0; i < taken; i++)
        written += (int64_t)(outputs[i].record.key_len + outputs[i].record.value_len);
    weir_metric_add(o->bytes_metric, written);
    return taken;
}

bool weir__kafka_outbox_pump(weir__kafka_outbox *o, weir_step *step)
{
    if (o->broken)
        return true;
    handle_news(o, step);
    if (!o->broken)
        handle_reports(o, step);
    if (o->broken)
        return true;
    if (!o->ready || o->failed)
        return false;
    while (o->first < o->count) {
        size_t want = o->count - o->first;
        if (want > WEIR__KAFKA_OUTBOX_MESSAGES)
            want = WEIR__KAFKA_OUTBOX_MESSAGES;
        size_t taken = write_some(o, want);
        o->first += taken;
        if (taken < want)
            return false;
    }
    o->first = o->count = o->bytes.len = 0;
    return true;
}

void weir__kafka_outbox_add(weir__kafka_outbox *o, weir_step *step,
                            const weir__kafka_draft *draft)
{
    size_t size = draft->key_len + draft->value_len;
    if (o->broken) {
        weir_metric_add(o->refused_metric, 1);
        return;
    }
    if (size > o->spec.message_bytes_max) {
        char why[128];
        snprintf(why, sizeof why, "it has %zu bytes, above the limit of %zu (.message_bytes_max)",
                 size, o->spec.message_bytes_max);
        weir__kafka_outbox_refuse(o, step, WEIR_TOO_LARGE, why);
        return;
    }
    if (o->count == o->capacity) {
        size_t capacity = o->capacity ? 2 * o->capacity : 64;
        o->messages = weir_realloc_must(o->messages, o->capacity * sizeof *o->messages,
                                        capacity * sizeof *o->messages);
        o->capacity = capacity;
    }
    o->messages[o->count++] = *draft;
    find_epoch(o, draft->epoch)->messages++;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The source's node. On each worker it has a reader and its share of the partitions: p, p +
 * workers, … from p = its own number on. It takes messages until the broker has no more here, the
 * step's or the dataflow's budget is spent, and is woken when there are more. What waits for
 * brokers is asked for, and the answer is looked at in a later step.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <weir/memory.h>
#include <weir/observe.h>

#include "kafka/link.h"
#include "kafka/source.h"

static const uint64_t MS = 1000000;
/* How long a topic may seem to be missing: at the start, and while it is read (brokers that start
 * do not know theirs for a while). */
enum { ASK_AGAIN_MS = 300, MISSING_START_MS = 3000, MISSING_MS = 30000 };
/* What one lot should have at most, and what a step looks at between two lots. */
enum { LOT_BYTES = 256 << 10, LOT_MESSAGES = 256 };

typedef struct partition {
    int32_t number;
    bool done;        /* until_end: it was read to its end */
    bool stale;       /* its lag has changed since the metric was set */
    int64_t next;     /* offset */
    int64_t end;      /* until_end */
    weir_metric *lag;
} partition;

/* A message of the lot at hand that is no record, and why. */
typedef struct corpse {
    uint32_t message;
    weir_error error;
} corpse;

typedef struct source {
    weir__kafka_source_plan *plan;
    weir__kafka_reader *reader;
    weir__kafka_decode decode;
    weir__kafka_link link;
    weir__kafka_notice notice;
    partition *partitions;
    uint32_t count, capacity, done_count;
    bool known;               /* the partitions were found once */
    bool tells;               /* of the workers the first */
    bool asked, finished, failed;
    uint64_t ask_ns;          /* when to ask again; 0: not */
    uint64_t missing_since_ns;
    uint64_t discover_ns;
    int32_t reset;            /* the partition that the next question is about, or -1 */
    int64_t reset_offset;
    size_t bytes_mean;        /* of recent messages */
    corpse *dead_found;       /* of the lot at hand; kept for the next one */
    uint32_t dead_capacity;
    int64_t charged;
    weir_metric *messages, *bytes, *undecodable, *empty;
} source;

/* What a lot came to. */
typedef struct tally {
    uint64_t messages, bytes, empty;
    uint32_t dead_count;
} tally;

static void fail(source *s, weir_step *step, weir_status status, const char *text)
{
    if (!s->failed)
        weir_step_fail(step, status, "%s", text);
    s->failed = true;
}

/* ---- questions and troubles ---- */

static void ask(source *s, weir_step *step)
{
    const weir_kafka_source_options *o = &s->plan->options;
    int32_t workers = (int32_t)weir_step_workers(step), worker = (int32_t)weir_step_worker(step);
    weir__kafka_question question = { .first = worker + (int32_t)s->count * workers,
                                      .stride = workers, .only = -1 };
    if (s->reset >= 0) {
        question.only = s->reset;
        question.start = WEIR_KAFKA_OFFSET;
        question.start_at = s->reset_offset;
    } else if (!s->known) {
        question.start = o->start;
        question.start_at = o->start_at;
        question.end = o->until_end;
    } /* else new partitions, from their beginning */
    s->asked = true;
    s->ask_ns = 0;
    s->reader->ops->ask(s->reader, &question);
}

static void ask_later(source *s, weir_step *step)
{
    if (!s->asked && !s->ask_ns)
        s->ask_ns = weir_step_now_ns(step) + ASK_AGAIN_MS * MS;
}

static void add_partition(source *s, weir_step *step, const weir__kafka_place *place)
{
    if (s->count == s->capacity) {
        uint32_t capacity = s->capacity ? 2 * s->capacity : 4;
        s->partitions = weir_realloc_must(s->partitions, s->capacity * sizeof *s->partitions,
                                          capacity * sizeof *s->partitions);
        s->capacity = capacity;
    }
    char labels[320];
    snprintf(labels, sizeof labels, "topic=\"%s\",partition=\"%" PRId32 "\"",
             s->plan->options.topic, place->partition);
    partition *p = &s->partitions[s->count++];
    *p = (partition){ .number = place->partition, .next = place->start, .end = place->end,
                      .stale = true };
    p->lag = weir_step_metric(step, &(weir_metric_spec){
                                        "weir_kafka_lag",
                                        "messages of a partition that were not taken yet",
                                        WEIR_GAUGE, labels });
    if (s->plan->options.until_end && p->next >= p->end) {
        p->done = true;
        s->done_count++;
        return;
    }
    s->reader->ops->start(s->reader, p->number, p->next);
}

static partition *find(source *s, weir_step *step, int32_t number)
{
    uint32_t i = (uint32_t)number / weir_step_workers(step);
    return i < s->count && s->partitions[i].number == number ? &s->partitions[i] : NULL;
}

/* A partition goes on where its offsets are: retention was faster than us, or its log was cut. */
static void restart(source *s, weir_step *step, const weir__kafka_answer *answer)
{
    s->reset = -1;
    partition *p = answer->place_count ? find(s, step, answer->places[0].partition) : NULL;
    if (!p)
        return;
    int64_t start = answer->places[0].start;
    weir_log(WEIR_LOG_WARN,
             "%s: topic '%s', partition %" PRId32 ": offset %" PRId64 " is not there, going on at "
             "%" PRId64 "%s", weir_step_name(step), s->plan->options.topic, p->number, p->next,
             start, start > p->next ? ": records between were deleted before they were read" : "");
    p->next = start;
    s->reader->ops->start(s->reader, p->number, start);
}

static void on_answer(source *s, weir_step *step, const weir__kafka_answer *answer)
{
    const char *topic = s->plan->options.topic;
    const weir__kafka_trouble *trouble = &answer->trouble;
    uint64_t now = weir_step_now_ns(step);
    s->asked = false;
    if (!answer->failed) {
        s->missing_since_ns = 0;
        weir__kafka_link_back(&s->link, step, topic);
        if (answer->question.only >= 0) {
            restart(s, step, answer);
            return;
        }
        if (s->known && answer->place_count)
            weir_log(WEIR_LOG_INFO, "%s: topic '%s' has new partitions: %" PRId32 " now",
                     weir_step_name(step), topic, answer->partitions);
        for (uint32_t i = 0; i < answer->place_count; i++)
            add_partition(s, step, &answer->places[i]);
        s->known = true;
        if (!s->plan->options.until_end && s->plan->options.discover_ms != WEIR_KAFKA_NEVER)
            s->discover_ns = now + s->plan->options.discover_ms * MS;
        return;
    }
    if (trouble->class == WEIR__KAFKA_RETRY) {
        weir__kafka_link_away(&s->link, step, topic, trouble->text);
    } else if (trouble->status == WEIR_NOT_FOUND) {
        if (!s->missing_since_ns)
            s->missing_since_ns = now;
        if (now >= s->missing_since_ns + (s->known ? MISSING_MS : MISSING_START_MS) * MS)
            fail(s, step, trouble->status, trouble->text);
    } else {
        fail(s, step, trouble->status, trouble->text);
    }
    ask_later(s, step);
}

static void on_trouble(source *s, weir_step *step, const weir__kafka_trouble *trouble)
{
    weir_log(WEIR_LOG_DEBUG, "%s: topic '%s': %s", weir_step_name(step), s->plan->options.topic,
             trouble->text);
    if (trouble->class == WEIR__KAFKA_RESET && s->reset < 0) {
        partition *p = find(s, step, trouble->partition);
        s->reset = trouble->partition;
        s->reset_offset = p ? p->next : trouble->offset;
        if (!s->asked)
            ask(s, step);
    } else if (trouble->class == WEIR__KAFKA_SKIP) {
        weir_metric_add(s->undecodable, 1);
        weir__kafka_notice_say(&s->notice, step, "%s", trouble->text);
    } else if (trouble->class == WEIR__KAFKA_FATAL && trouble->status != WEIR_NOT_FOUND) {
        fail(s, step, trouble->status, trouble->text);
    } else {
        ask_later(s, step); /* whether anybody is there, and the topic, too */
    }
}

/* False if the run has failed. */
static bool handle_news(source *s, weir_step *step)
{
    weir__kafka_answer answer;
    if (s->reader->ops->answered(s->reader, &answer)) {
        on_answer(s, step, &answer);
        weir__kafka_answer_fini(&answer);
    }
    weir__kafka_trouble trouble;
    while (!s->failed && s->reader->ops->trouble(s->reader, &trouble))
        on_trouble(s, step, &trouble);
    uint64_t now = weir_step_now_ns(step);
    if (s->discover_ns && now >= s->discover_ns && !s->asked) {
        s->discover_ns = 0;
        ask(s, step);
    }
    if (s->reset >= 0 && !s->asked && !s->ask_ns)
        ask(s, step);
    if (s->ask_ns && now >= s->ask_ns)
        ask(s, step);
    if (s->ask_ns)
        weir_step_at_ns(step, s->ask_ns);
    if (s->discover_ns)
        weir_step_at_ns(step, s->discover_ns);
    return !s->failed;
}

/* ---- messages ---- */

/* Whether the message counts: false for the end of a partition and what lies beyond the end. */
static bool track(source *s, weir_step *step, const weir__kafka_message *m)
{
    partition *p = find(s, step, m->partition);
    if (!p || p->done)
        return false;
    bool bounded = s->plan->options.until_end;
    p->stale = true;
    if (!m->end && !(bounded && m->offset >= p->end))
        p->next = m->offset + 1;
    else if (m->end && m->offset > p->next)
        p->next = m->offset;
    bool counts = !m->end && !(bounded && m->offset >= p->end);
    if (bounded && (p->next >= p->end || m->offset >= p->end)) {
        p->done = true;
        s->done_count++;
    }
    return counts;
}

/* One message into the record at room; true if it is one. */
static bool take(source *s, weir_step *step, weir__kafka_decode_job *job, tally *t)
{
    const weir__kafka_message *m = &job->lot->messages[job->message];
    t->messages++;
    t->bytes += m->key_len + m->value_len;
    if (!weir__kafka_has_value(s->plan, m) && !s->plan->value_is_empty) {
        t->empty++;
        if (s->plan->tombstone == WEIR__KAFKA_NO_FIELD)
            return false;
    }
    weir_error error;
    weir_status status = weir__kafka_decode_one(&s->decode, job, &error);
    if (WEIR_LIKELY(status == WEIR_OK))
        return true;
    if (status == WEIR_NO_MEMORY) { /* the record may be fine: nobody is to lose it */
        fail(s, step, status, error.what);
        return false;
    }
    if (t->dead_count == s->dead_capacity) {
        uint32_t capacity = s->dead_capacity ? 2 * s->dead_capacity : 4;
        s->dead_found = weir_realloc_must(s->dead_found,
                                          s->dead_capacity * sizeof *s->dead_found,
                                          capacity * sizeof *s->dead_found);
        s->dead_capacity = capacity;
    }
    s->dead_found[t->dead_count++] = (corpse){ job->message, error };
    return false;
}

/* Fills the builder's room with records of the lot, from message *i on. */
static void fill(source *s, weir_step *step, weir__kafka_lot *lot, uint32_t *i, tally *t)
{
    weir_time epoch = weir_step_epoch(step);
    weir_builder *builder = weir_step_output(step, 0, &epoch);
    void *room;
    size_t size = s->plan->type->size;
    size_t want = weir_builder_bulk(builder, lot->count - *i, &room, NULL), made = 0;
    bool pinned = false;
    for (; *i < lot->count && made < want; ++*i) {
        uint32_t dead_before = t->dead_count;
        weir__kafka_decode_job job = { lot, *i, builder, (char *)room + made * size, false };
        bool is = track(s, step, &lot->messages[*i]) && take(s, step, &job, t);
        if (is && job.borrows && !pinned) {
            weir_builder_pin(builder, &lot->pin);
            pinned = true;
        }
        made += is;
        if (!(is && job.borrows) && t->dead_count == dead_before)
            lot->let_go(lot, *i);
    }
    weir_builder_commit(builder, made);
}

static void emit_dead(weir_step *step, const weir__kafka_message *m, const char *why)
{
    weir_time epoch = weir_step_epoch(step);
    weir_builder *b = weir_step_output(step, 1, &epoch);
    weir__kafka_dead dead = { .reason = weir_builder_str(b, why, strlen(why)),
                              .partition = m->partition, .offset = m->offset };
    if (m->key)
        dead.key = (weir_opt_bytes){ true, weir_builder_str(b, m->key, m->key_len) };
    if (m->value)
        dead.value = (weir_opt_bytes){ true, weir_builder_str(b, m->value, m->value_len) };
    weir__kafka_dead_emit((weir_out(weir__kafka_dead)){ b }, dead);
}

/* Tells of the messages that are no records, and sends them to where those go. */
static void bury(source *s, weir_step *step, weir__kafka_lot *lot, const tally *t)
{
    const weir_kafka_source_options *o = &s->plan->options;
    for (uint32_t d = 0; d < t->dead_count && !s->failed; d++) {
        const weir__kafka_message *m = &lot->messages[s->dead_found[d].message];
        const weir_error *error = &s->dead_found[d].error;
        char why[400];
        snprintf(why, sizeof why, "%.200s%s%.190s", error->what, *error->detail ? ": " : "",
                 error->detail);
        weir_metric_add(s->undecodable, 1);
        if (o->on_error == WEIR_KAFKA_STOP) {
            char text[512];
            snprintf(text, sizeof text,
                     "topic '%.80s', partition %" PRId32 ", offset %" PRId64 ": %.380s", o->topic,
                     m->partition, m->offset, why);
            fail(s, step, error->status, text);
            return;
        }
        weir__kafka_notice_say(&s->notice, step,
                               "topic '%s', partition %" PRId32 ", offset %" PRId64 ": %s",
                               o->topic, m->partition, m->offset, why);
        if (o->dead_letter)
            emit_dead(step, m, why);
    }
}

static void handle_lot(source *s, weir_step *step, weir__kafka_lot *lot)
{
    tally t = { 0 };
    for (uint32_t i = 0; i < lot->count;)
        fill(s, step, lot, &i, &t);
    bury(s, step, lot, &t);
    weir_pin_release(&lot->pin);
    weir_metric_add(s->messages, (int64_t)t.messages);
    weir_metric_add(s->bytes, (int64_t)t.bytes);
    if (t.empty)
        weir_metric_add(s->empty, (int64_t)t.empty);
    if (t.messages) {
        s->bytes_mean = (7 * s->bytes_mean + t.bytes / t.messages) / 8;
        weir__kafka_link_back(&s->link, step, s->plan->options.topic);
    }
}

/* ---- steps ---- */

static void update_metrics(source *s, weir_step *step)
{
    for (uint32_t i = 0; i < s->count; i++) {
        partition *p = &s->partitions[i];
        int64_t end = p->stale ? s->reader->ops->end(s->reader, p->number) : -1;
        if (end >= 0)
            weir_metric_set(p->lag, end > p->next ? end - p->next : 0);
        p->stale = false;
    }
    int64_t queued = (int64_t)s->reader->ops->queued(s->reader);
    weir_account_add(weir_step_account(step), queued - s->charged);
    s->charged = queued;
}

/* Whether nothing can come any more. */
static bool is_over(const source *s)
{
    const weir_kafka_source_options *o = &s->plan->options;
    return s->known && (o->until_end ? s->done_count == s->count
                                     : s->count == 0 && o->discover_ms == WEIR_KAFKA_NEVER);
}

static void source_step(weir_step *step, void *state)
{
    source *s = state;
    if (s->failed || s->finished || !handle_news(s, step))
        return;
    bool more = s->count > 0;
    while (more && !s->failed && !is_over(s)) {
        if (weir_step_full(step))
            break; /* we are called when there is room */
        if (weir_step_spent(step)) {
            weir_step_again(step);
            break;
        }
        size_t max = LOT_BYTES / (s->bytes_mean + 1) + 1;
        weir__kafka_lot *lot = s->reader->ops->fetch(
            s->reader, max < LOT_MESSAGES ? (uint32_t)max : LOT_MESSAGES);
        more = lot != NULL;
        if (lot)
            handle_lot(s, step, lot);
    }
    if (s->count > 0)
        update_metrics(s, step);
    if (!s->failed && handle_news(s, step) && is_over(s)) {
        s->finished = true;
        weir_step_finish(step);
    }
}

static void on_wake(void *ctx) { weir_wake(ctx); }

static weir_metric *counter(weir_step *step, const source *s, const char *name, const char *help)
{
    char labels[300];
    snprintf(labels, sizeof labels, "topic=\"%s\"", s->plan->options.topic);
    return weir_step_metric(step, &(weir_metric_spec){ name, help, WEIR_COUNTER, labels });
}

static void source_fini(void *state)
{
    source *s = state;
    if (s->tells && !s->known && !s->failed && !s->missing_since_ns)
        weir__kafka_link_never(&s->link, s->plan->options.topic);
    if (s->reader)
        s->reader->ops->close(s->reader);
    weir__kafka_decode_close(&s->decode);
    weir_free(s->partitions, s->capacity * sizeof *s->partitions);
    weir_free(s->dead_found, s->dead_capacity * sizeof *s->dead_found);
    weir_free(s, sizeof *s);
}

static weir_status source_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    weir__kafka_source_plan *plan = ctx;
    const weir_kafka_source_options *o = &plan->options;
    source *s = weir_alloc_must(sizeof *s);
    *s = (source){ .plan = plan, .reset = -1, .bytes_mean = 1024 };
    s->link.servers = weir__kafka_settings_get(&plan->settings, "bootstrap.servers");
    s->link.told = &plan->told;
    weir_status status = weir__kafka_decode_open(&s->decode, plan, error);
    if (status == WEIR_OK) {
        s->reader = plan->broker->open_reader(
            plan->broker,
            &(weir__kafka_open){ .topic = o->topic, .settings = &plan->settings, .wake = on_wake,
                                 .ctx = weir_step_waker(step), .loop = weir_step_loop(step),
                                 .queue_bytes = o->queue_bytes,
                                 .message_bytes_max = o->message_bytes_max,
                                 .tell_end = o->until_end },
            error);
        status = s->reader ? WEIR_OK : error->status;
    }
    if (status != WEIR_OK) {
        source_fini(s);
        return status;
    }
    s->messages = counter(step, s, "weir_kafka_read_messages_total", "messages taken");
    s->bytes = counter(step, s, "weir_kafka_read_bytes_total", "bytes of their keys and values");
    s->undecodable = counter(step, s, "weir_kafka_undecodable_total",
                             "messages that are no records");
    s->empty = counter(step, s, "weir_kafka_tombstones_total", "messages without a value");
    s->tells = weir_step_worker(step) == 0;
    ask(s, step);
    *state = s;
    return WEIR_OK;
}

weir_node *weir__kafka_source_node(weir_graph *graph, const weir__kafka_source_plan *plan)
{
    weir_node_output outputs[] = { { .type = plan->type },
                                   { .type = weir__kafka_dead_type() } };
    weir_node_spec spec = { .struct_size = sizeof spec,
                            .kind = "kafka_source",
                            .name = plan->options.name,
                            .output_count = plan->options.dead_letter ? 2 : 1,
                            .outputs = outputs,
                            .follows_clock = true,
                            .ctx = (void *)(uintptr_t)plan,
                            .init = source_init,
                            .step = source_step,
                            .fini = source_fini };
    return weir_node_add(graph, &spec, NULL);
}

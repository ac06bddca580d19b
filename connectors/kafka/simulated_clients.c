/* SPDX-License-Identifier: Apache-2.0
 *
 * Readers and writers of the simulated broker. A fetched message is a copy of its own, freed when
 * it is let go of: a record that points into one after that is found by the sanitizers.
 */
#include <stdio.h>
#include <string.h>

#include <weir/memory.h>

#include "kafka/simulated.h"

enum { LOT_MAX = 256 };

/* ---- reading ---- */

typedef struct position {
    int32_t partition;
    int64_t next;
    bool stopped;  /* at an offset that is not there */
    bool told_end; /* since the last message */
} position;

typedef struct reader {
    weir__kafka_reader base; /* first */
    weir__sim_client client;
    position *positions;
    uint32_t count, capacity;
    uint32_t turn;           /* whose position is looked at first */
    bool tell_end;
} reader;

typedef struct lot {
    weir__kafka_lot base; /* first */
    weir__kafka_message messages[LOT_MAX];
} lot;

static void lot_let_go(weir__kafka_lot *base, uint32_t i)
{
    weir__sim_drop(base->messages[i].native);
    base->messages[i].native = NULL;
}

static void lot_release(weir_pin *pin)
{
    lot *l = (lot *)pin;
    for (uint32_t i = 0; i < l->base.count; i++)
        lot_let_go(&l->base, i);
    weir_free(l, sizeof *l);
}

static bool lot_header(const weir__kafka_lot *base, uint32_t i, const char *name,
                       weir_kafka_header *header)
{
    const weir_kafka_record *record = base->messages[i].native;
    for (size_t h = record->header_count; h-- > 0;)
        if (strcmp(record->headers[h].name, name) == 0) {
            *header = record->headers[h];
            return true;
        }
    return false;
}

static void take_message(lot *l, const weir_kafka_record *from)
{
    weir_kafka_record *copy = weir__sim_copy(from);
    l->messages[l->base.count++] = (weir__kafka_message){
        copy->key, copy->value, (uint32_t)copy->key_len, (uint32_t)copy->value_len,
        copy->partition, false, copy->offset, copy->timestamp_ms, copy
    };
    l->base.pin.bytes += copy->key_len + copy->value_len;
}

static void fetch_from(const reader *r, position *at, const weir__sim_topic *topic, uint32_t max,
                       lot *l)
{
    const weir__sim_partition *p = &topic->partitions[at->partition];
    if (at->next < p->first)
        at->stopped = true;
    while (!at->stopped && at->next < p->end && l->base.count < max) {
        take_message(l, p->records[at->next++]);
        at->told_end = false;
    }
    if (!at->stopped && r->tell_end && !at->told_end && at->next == p->end && l->base.count < max) {
        at->told_end = true;
        l->messages[l->base.count++] = (weir__kafka_message){ .end = true,
                                                              .partition = at->partition,
                                                              .offset = at->next };
    }
}

static weir__kafka_lot *reader_fetch(weir__kafka_reader *base, uint32_t max)
{
    reader *r = (reader *)base;
    weir__sim *sim = r->client.sim;
    max = max < LOT_MAX ? max : LOT_MAX;
    lot *l = weir_alloc_must(sizeof *l);
    l->base = (weir__kafka_lot){ .pin = { 1, 0, lot_release }, .messages = l->messages,
                                 .let_go = lot_let_go, .header = lot_header };
    pthread_mutex_lock(&sim->lock);
    const weir__sim_topic *topic = weir__sim_find(sim, r->client.topic);
    for (uint32_t i = 0; i < r->count && topic && !topic->denied && !sim->away; i++)
        fetch_from(r, &r->positions[(r->turn + i) % r->count], topic, max, l);
    r->turn++;
    pthread_mutex_unlock(&sim->lock);
    if (l->base.count)
        return &l->base;
    weir_pin_release(&l->base.pin);
    return NULL;
}

static void reader_start(weir__kafka_reader *base, int32_t partition, int64_t offset)
{
    reader *r = (reader *)base;
    pthread_mutex_lock(&r->client.sim->lock);
    uint32_t i = 0;
    while (i < r->count && r->positions[i].partition != partition)
        i++;
    if (i == r->capacity) {
        uint32_t capacity = r->capacity ? 2 * r->capacity : 4;
        r->positions = weir_realloc_must(r->positions, r->capacity * sizeof *r->positions,
                                         capacity * sizeof *r->positions);
        r->capacity = capacity;
    }
    r->positions[i] = (position){ partition, offset, false, false };
    r->count += i == r->count;
    r->client.wake(r->client.ctx);
    pthread_mutex_unlock(&r->client.sim->lock);
}

static void reader_ask(weir__kafka_reader *base, const weir__kafka_question *question)
{
    weir__sim_ask(&((reader *)base)->client, question);
}

static bool reader_answered(weir__kafka_reader *base, weir__kafka_answer *answer)
{
    return weir__sim_answered(&((reader *)base)->client, answer);
}

static bool reader_trouble(weir__kafka_reader *base, weir__kafka_trouble *trouble)
{
    reader *r = (reader *)base;
    weir__sim *sim = r->client.sim;
    bool found = false;
    pthread_mutex_lock(&sim->lock);
    const weir__sim_topic *topic = weir__sim_find(sim, r->client.topic);
    for (uint32_t i = 0; i < r->count && !found && !sim->away; i++) {
        position *at = &r->positions[i];
        found = at->stopped && at->next >= 0;
        if (!found)
            continue;
        *trouble = (weir__kafka_trouble){ WEIR__KAFKA_RESET, WEIR_GONE, at->partition, at->next,
                                          "the offset is no longer there" };
        at->next = -1; /* told */
    }
    if (!found && topic && topic->denied && r->count) {
        *trouble = (weir__kafka_trouble){ WEIR__KAFKA_FATAL, WEIR_DENIED, -1, -1, "" };
        snprintf(trouble->text, sizeof trouble->text, "access to topic '%s' is denied",
                 topic->name);
        r->count = 0;
        found = true;
    }
    pthread_mutex_unlock(&sim->lock);
    return found || weir__sim_trouble(&r->client, trouble);
}

static int64_t reader_end(weir__kafka_reader *base, int32_t partition)
{
    reader *r = (reader *)base;
    return weir_kafka_simulated_end(&r->client.sim->base, r->client.topic, partition);
}

static size_t reader_queued(weir__kafka_reader *base)
{
    (void)base;
    return 0; /* the log itself is the queue */
}

static void reader_close(weir__kafka_reader *base)
{
    reader *r = (reader *)base;
    weir__sim_leave(&r->client);
    weir_free(r->positions, r->capacity * sizeof *r->positions);
    weir_free(r, sizeof *r);
}

weir__kafka_reader *weir__sim_open_reader(weir_kafka_broker *broker, const weir__kafka_open *open,
                                          weir_error *error)
{
    static const weir__kafka_reader_ops ops = {
        reader_fetch,   reader_start, reader_ask,    reader_answered,
        reader_trouble, reader_end,   reader_queued, reader_close
    };
    (void)error;
    reader *r = weir_alloc_must(sizeof *r);
    *r = (reader){ .base = { &ops }, .tell_end = open->tell_end };
    weir__sim_join((weir__sim *)broker, &r->client, open);
    return &r->base;
}

/* ---- writing ---- */

/* A message that was taken: written or refused when it has a status, else waiting. */
typedef struct taken {
    weir_kafka_record *record; /* NULL once it is in the log or refused */
    weir__kafka_report report;
} taken;

typedef struct writer {
    weir__kafka_writer base; /* first */
    weir__sim_client client;
    taken *queue;            /* in order; those before `done` have a report */
    size_t count, done, capacity;
    size_t message_bytes_max;
} writer;

/* Writes what the broker takes now. */
static void writer_changed(weir__sim_client *client)
{
    writer *w = (writer *)((char *)client - offsetof(writer, client));
    weir__sim_topic *topic = weir__sim_find(client->sim, client->topic);
    while (w->done < w->count && topic && !client->sim->away &&
           topic->refused != WEIR_UNAVAILABLE) {
        taken *t = &w->queue[w->done++];
        const weir_kafka_record *r = t->record;
        t->report.status = topic->refused;
        t->report.class = topic->refused == WEIR_DENIED ? WEIR__KAFKA_FATAL : WEIR__KAFKA_SKIP;
        t->report.text = "the broker refuses it";
        if (r->value_len > w->message_bytes_max)
            t->report.status = WEIR_TOO_LARGE;
        else if (r->partition >= topic->partition_count)
            t->report.status = WEIR_NOT_FOUND;
        if (t->report.status == WEIR_OK)
            weir__sim_append(topic, r);
        weir__sim_drop(t->record);
        t->record = NULL;
    }
}

static size_t writer_write(weir__kafka_writer *base, const weir__kafka_output *outputs,
                           size_t count)
{
    writer *w = (writer *)base;
    weir__sim *sim = w->client.sim;
    size_t i = 0;
    pthread_mutex_lock(&sim->lock);
    for (; i < count && (!sim->window || w->count < sim->window); i++) {
        if (w->count == w->capacity) {
            size_t capacity = w->capacity ? 2 * w->capacity : 64;
            w->queue = weir_realloc_must(w->queue, w->capacity * sizeof *w->queue,
                                         capacity * sizeof *w->queue);
            w->capacity = capacity;
        }
        w->queue[w->count++] = (taken){ weir__sim_copy(&outputs[i].record),
                                        { .token = outputs[i].token } };
    }
    weir__sim_topic *topic = weir__sim_find(sim, w->client.topic);
    if (i > 0 && topic)
        weir__sim_changed(sim); /* others read what is new, this one its reports */
    pthread_mutex_unlock(&sim->lock);
    return i;
}

static size_t writer_reports(weir__kafka_writer *base, weir__kafka_report *reports, size_t max)
{
    writer *w = (writer *)base;
    weir__sim *sim = w->client.sim;
    pthread_mutex_lock(&sim->lock);
    size_t n = sim->held || sim->away ? 0 : w->done < max ? w->done : max;
    for (size_t i = 0; i < n; i++)
        reports[i] = w->queue[i].report;
    if (n > 0)
        memmove(w->queue, w->queue + n, (w->count - n) * sizeof *w->queue);
    w->count -= n;
    w->done -= n;
    pthread_mutex_unlock(&sim->lock);
    return n;
}

static void writer_ask(weir__kafka_writer *base)
{
    weir__sim_ask(&((writer *)base)->client, &(weir__kafka_question){ .only = -1 });
}

static bool writer_answered(weir__kafka_writer *base, weir__kafka_answer *answer)
{
    return weir__sim_answered(&((writer *)base)->client, answer);
}

static bool writer_trouble(weir__kafka_writer *base, weir__kafka_trouble *trouble)
{
    return weir__sim_trouble(&((writer *)base)->client, trouble);
}

static void writer_close(weir__kafka_writer *base)
{
    writer *w = (writer *)base;
    weir__sim_leave(&w->client);
    for (size_t i = 0; i < w->count; i++)
        weir__sim_drop(w->queue[i].record);
    weir_free(w->queue, w->capacity * sizeof *w->queue);
    weir_free(w, sizeof *w);
}

weir__kafka_writer *weir__sim_open_writer(weir_kafka_broker *broker, const weir__kafka_open *open,
                                          weir_error *error)
{
    static const weir__kafka_writer_ops ops = { writer_write,    writer_reports, writer_ask,
                                                writer_answered, writer_trouble, writer_close };
    (void)error;
    writer *w = weir_alloc_must(sizeof *w);
    *w = (writer){ .base = { &ops }, .message_bytes_max = open->message_bytes_max };
    w->client.writes = true;
    w->client.changed = writer_changed;
    weir__sim_join((weir__sim *)broker, &w->client, open);
    return &w->base;
}

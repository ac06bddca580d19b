/* SPDX-License-Identifier: Apache-2.0
 *
 * The simulated broker: the log, its faults, answers to questions. Everything happens in the calls
 * that are made to it, in their order. Wakes are called under the lock, and take none themselves.
 */
#include <stdio.h>
#include <string.h>

#include <weir/memory.h>

#include "kafka/simulated.h"

/* ---- records: one block each, which knows its size ---- */

typedef struct block {
    size_t size;
    weir_kafka_record record;
} block;

static const char *put(char **at, const char *bytes, size_t len)
{
    if (!bytes)
        return NULL;
    char *to = *at;
    memcpy(to, bytes, len);
    to[len] = 0;
    *at += len + 1;
    return to;
}

weir_kafka_record *weir__sim_copy(const weir_kafka_record *record)
{
    size_t size = sizeof(block) + record->header_count * sizeof(weir_kafka_header) +
                  record->key_len + record->value_len + 2;
    for (size_t i = 0; i < record->header_count; i++)
        size += strlen(record->headers[i].name) + record->headers[i].value_len + 2;
    block *b = weir_alloc_must(size);
    b->size = size;
    b->record = *record;
    weir_kafka_header *headers = (weir_kafka_header *)(b + 1);
    char *at = (char *)(headers + record->header_count);
    for (size_t i = 0; i < record->header_count; i++) {
        const weir_kafka_header *from = &record->headers[i];
        headers[i].name = put(&at, from->name, strlen(from->name));
        headers[i].value = put(&at, from->value, from->value_len);
        headers[i].value_len = from->value_len;
    }
    b->record.headers = headers;
    b->record.key = put(&at, record->key, record->key_len);
    b->record.value = put(&at, record->value, record->value_len);
    return &b->record;
}

void weir__sim_drop(weir_kafka_record *record)
{
    if (!record)
        return;
    block *b = (block *)((char *)record - offsetof(block, record));
    weir_free(b, b->size);
}

/* ---- topics ---- */

weir__sim_topic *weir__sim_find(weir__sim *sim, const char *topic)
{
    weir__sim_topic *t = sim->topics;
    while (t && strcmp(t->name, topic))
        t = t->next;
    return t;
}

static int32_t choose(const weir__sim_topic *topic, const weir_kafka_record *record)
{
    if (record->partition >= 0)
        return record->partition;
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < record->key_len; i++)
        hash = (hash ^ (unsigned char)record->key[i]) * 16777619u;
    return record->key ? (int32_t)(hash % (uint32_t)topic->partition_count) : 0;
}

int64_t weir__sim_append(weir__sim_topic *topic, const weir_kafka_record *record)
{
    int32_t number = choose(topic, record);
    weir__sim_partition *p = &topic->partitions[number];
    if (p->end == p->capacity) {
        int64_t capacity = p->capacity ? 2 * p->capacity : 16;
        p->records = weir_realloc_must(p->records, (size_t)p->capacity * sizeof *p->records,
                                       (size_t)capacity * sizeof *p->records);
        p->capacity = capacity;
    }
    weir_kafka_record *copy = weir__sim_copy(record);
    copy->partition = number;
    copy->offset = p->end;
    p->records[p->end] = copy;
    return p->end++;
}

void weir_kafka_simulated_topic(weir_kafka_broker *broker, const char *topic, int32_t partitions)
{
    weir__sim *sim = (weir__sim *)broker;
    pthread_mutex_lock(&sim->lock);
    weir__sim_topic *t = weir__sim_find(sim, topic);
    if (!t) {
        t = weir_alloc_must(sizeof *t);
        *t = (weir__sim_topic){ .next = sim->topics };
        t->name = memcpy(weir_alloc_must(strlen(topic) + 1), topic, strlen(topic) + 1);
        sim->topics = t;
    }
    if (partitions > t->partition_count) {
        size_t size = sizeof *t->partitions, old = (size_t)t->partition_count;
        t->partitions = weir_realloc_must(t->partitions, old * size, (size_t)partitions * size);
        memset(t->partitions + old, 0, ((size_t)partitions - old) * size);
        t->partition_count = partitions;
    }
    weir__sim_changed(sim);
    pthread_mutex_unlock(&sim->lock);
}

static void free_topic(weir__sim_topic *t)
{
    for (int32_t i = 0; i < t->partition_count; i++) {
        weir__sim_partition *p = &t->partitions[i];
        for (int64_t o = 0; o < p->end; o++)
            weir__sim_drop(p->records[o]);
        weir_free(p->records, (size_t)p->capacity * sizeof *p->records);
    }
    weir_free(t->partitions, (size_t)t->partition_count * sizeof *t->partitions);
    weir_free(t->name, strlen(t->name) + 1);
    weir_free(t, sizeof *t);
}

int64_t weir_kafka_simulated_write(weir_kafka_broker *broker, const char *topic,
                                   const weir_kafka_record *record)
{
    weir__sim *sim = (weir__sim *)broker;
    pthread_mutex_lock(&sim->lock);
    weir__sim_topic *t = weir__sim_find(sim, topic);
    int64_t offset = t && record->partition < t->partition_count ? weir__sim_append(t, record) : -1;
    weir__sim_changed(sim);
    pthread_mutex_unlock(&sim->lock);
    return offset;
}

int64_t weir_kafka_simulated_end(weir_kafka_broker *broker, const char *topic, int32_t partition)
{
    weir__sim *sim = (weir__sim *)broker;
    pthread_mutex_lock(&sim->lock);
    weir__sim_topic *t = weir__sim_find(sim, topic);
    int64_t end = t && partition < t->partition_count ? t->partitions[partition].end : 0;
    pthread_mutex_unlock(&sim->lock);
    return end;
}

bool weir_kafka_simulated_read(weir_kafka_broker *broker, const char *topic, int32_t partition,
                               int64_t offset, weir_kafka_record *record)
{
    weir__sim *sim = (weir__sim *)broker;
    pthread_mutex_lock(&sim->lock);
    weir__sim_topic *t = weir__sim_find(sim, topic);
    const weir__sim_partition *p = t && partition < t->partition_count ? &t->partitions[partition]
                                                                       : NULL;
    bool found = p && offset >= p->first && offset < p->end;
    if (found)
        *record = *p->records[offset];
    pthread_mutex_unlock(&sim->lock);
    return found;
}

/* ---- faults ---- */

/* Changes one thing, and tells the clients. */
#define FAULT(broker, statement)                                                                   \
    do {                                                                                           \
        weir__sim *sim = (weir__sim *)(broker);                                                    \
        pthread_mutex_lock(&sim->lock);                                                            \
        statement;                                                                                 \
        weir__sim_changed(sim);                                                                    \
        pthread_mutex_unlock(&sim->lock);                                                          \
    } while (0)

void weir_kafka_simulated_away(weir_kafka_broker *broker, bool away)
{
    FAULT(broker, sim->away = away);
}

void weir_kafka_simulated_refuse(weir_kafka_broker *broker, const char *topic, weir_status status)
{
    FAULT(broker, {
        weir__sim_topic *t = weir__sim_find(sim, topic);
        if (t)
            t->refused = status;
    });
}

void weir_kafka_simulated_deny(weir_kafka_broker *broker, const char *topic, bool denied)
{
    FAULT(broker, {
        weir__sim_topic *t = weir__sim_find(sim, topic);
        if (t)
            t->denied = denied;
    });
}

void weir_kafka_simulated_hold_reports(weir_kafka_broker *broker, bool held)
{
    FAULT(broker, sim->held = held);
}

void weir_kafka_simulated_window(weir_kafka_broker *broker, size_t messages)
{
    FAULT(broker, sim->window = messages);
}

void weir_kafka_simulated_forget(weir_kafka_broker *broker, const char *topic, int32_t partition,
                                 int64_t offset)
{
    FAULT(broker, {
        weir__sim_topic *t = weir__sim_find(sim, topic);
        if (t && partition < t->partition_count && offset <= t->partitions[partition].end &&
            offset > t->partitions[partition].first)
            t->partitions[partition].first = offset;
    });
}

/* ---- clients ---- */

void weir__sim_changed(weir__sim *sim)
{
    for (weir__sim_client *c = sim->clients; c; c = c->next) {
        if (c->changed)
            c->changed(c);
        c->wake(c->ctx);
    }
}

void weir__sim_join(weir__sim *sim, weir__sim_client *client, const weir__kafka_open *open)
{
    size_t size = strlen(open->topic) + 1;
    client->sim = sim;
    client->topic = memcpy(weir_alloc_must(size), open->topic, size);
    client->wake = open->wake;
    client->ctx = open->ctx;
    pthread_mutex_lock(&sim->lock);
    client->next = sim->clients;
    sim->clients = client;
    pthread_mutex_unlock(&sim->lock);
}

void weir__sim_leave(weir__sim_client *client)
{
    weir__sim *sim = client->sim;
    pthread_mutex_lock(&sim->lock);
    weir__sim_client **at = &sim->clients;
    while (*at != client)
        at = &(*at)->next;
    *at = client->next;
    pthread_mutex_unlock(&sim->lock);
    weir_free(client->topic, strlen(client->topic) + 1);
}

void weir__sim_ask(weir__sim_client *client, const weir__kafka_question *question)
{
    pthread_mutex_lock(&client->sim->lock);
    client->question = *question;
    client->asked = true;
    client->wake(client->ctx);
    pthread_mutex_unlock(&client->sim->lock);
}

static int64_t at_time(const weir__sim_partition *p, int64_t time)
{
    int64_t o = p->first;
    while (o < p->end && p->records[o]->timestamp_ms < time)
        o++;
    return o;
}

static void find_places(const weir__sim_topic *t, weir__kafka_answer *answer)
{
    const weir__kafka_question *q = &answer->question;
    int32_t stride = q->only >= 0 ? t->partition_count : q->stride;
    int32_t first = q->only >= 0 ? q->only : q->first;
    for (int32_t i = first; i < t->partition_count; i += stride)
        answer->place_count++;
    if (answer->place_count)
        answer->places = weir_alloc_must(answer->place_count * sizeof *answer->places);
    for (uint32_t i = 0; i < answer->place_count; i++) {
        weir__kafka_place *place = &answer->places[i];
        place->partition = first + (int32_t)i * stride;
        const weir__sim_partition *p = &t->partitions[place->partition];
        place->end = p->end;
        place->start = q->start == WEIR_KAFKA_EARLIEST ? p->first
                       : q->start == WEIR_KAFKA_LATEST ? p->end
                       : q->start == WEIR_KAFKA_TIMESTAMP ? at_time(p, q->start_at)
                       : q->start_at < p->first ? p->first
                       : q->start_at > p->end ? p->end : q->start_at;
    }
}

bool weir__sim_answered(weir__sim_client *client, weir__kafka_answer *answer)
{
    weir__sim *sim = client->sim;
    pthread_mutex_lock(&sim->lock);
    bool is = client->asked;
    client->asked = false;
    if (is)
        *answer = (weir__kafka_answer){ .question = client->question };
    if (is && sim->away) {
        answer->failed = true;
        answer->trouble = (weir__kafka_trouble){ WEIR__KAFKA_RETRY, WEIR_UNAVAILABLE, -1, -1,
                                                 "the broker cannot be reached" };
    } else if (is) {
        const weir__sim_topic *t = weir__sim_find(sim, client->topic);
        if (t && !t->denied) {
            answer->partitions = t->partition_count;
            if (!client->writes)
                find_places(t, answer);
        } else {
            answer->failed = true;
            answer->trouble = (weir__kafka_trouble){ WEIR__KAFKA_FATAL,
                                                     t ? WEIR_DENIED : WEIR_NOT_FOUND, -1, -1, "" };
            snprintf(answer->trouble.text, sizeof answer->trouble.text,
                     t ? "access to topic '%s' is denied" : "topic '%s' does not exist",
                     client->topic);
        }
    }
    pthread_mutex_unlock(&sim->lock);
    return is;
}

bool weir__sim_trouble(weir__sim_client *client, weir__kafka_trouble *trouble)
{
    weir__sim *sim = client->sim;
    pthread_mutex_lock(&sim->lock);
    bool is = sim->away && !client->told_away;
    client->told_away = sim->away;
    if (is)
        *trouble = (weir__kafka_trouble){ WEIR__KAFKA_RETRY, WEIR_UNAVAILABLE, -1, -1,
                                          "the broker cannot be reached" };
    pthread_mutex_unlock(&sim->lock);
    return is;
}

/* ---- the broker ---- */

static weir_status check(weir_kafka_broker *broker, const weir__kafka_settings *settings,
                         bool writes, weir_error *error)
{
    (void)broker;
    (void)settings;
    (void)writes;
    (void)error;
    return WEIR_OK; /* it has no settings, so it takes any */
}

static void settle(weir_kafka_broker *broker)
{
    (void)broker; /* nothing is left behind */
}

weir_kafka_broker *weir_kafka_simulated_create(void)
{
    weir__sim *sim = weir_alloc_must(sizeof *sim);
    *sim = (weir__sim){ .base = { check, weir__sim_open_reader, weir__sim_open_writer, settle } };
    pthread_mutex_init(&sim->lock, NULL);
    return &sim->base;
}

void weir_kafka_simulated_destroy(weir_kafka_broker *broker)
{
    weir__sim *sim = (weir__sim *)broker;
    if (!sim)
        return;
    while (sim->topics) {
        weir__sim_topic *t = sim->topics;
        sim->topics = t->next;
        free_topic(t);
    }
    pthread_mutex_destroy(&sim->lock);
    weir_free(sim, sizeof *sim);
}

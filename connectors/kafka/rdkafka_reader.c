/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading on librdkafka. Partitions are started one by one into one queue, without a group:
 * rd_kafka_assign insists on one, whose coordinator it then looks for again and again, and which
 * the program would need the right to. Messages are taken by batches without waiting; a lot keeps
 * them until the last record that points into one is gone. (The calls cost alike: 0.25 µs of CPU
 * a message by batches, and by callbacks, which want a copy.)
 *
 * A broker's thread that finds the queue full does not look again for up to 1 s, unless it is
 * woken; from 2.2 on it has fetch.queue.backoff.ms for that. Before, any request wakes it: when a
 * queue that was nearly full is half empty, and once more when it is empty, the ends of its
 * partitions are asked for, and not waited for. (Their leaders are woken: with client.rack, what is
 * fetched from a follower may still rest.)
 */
#include <string.h>

#include <weir/memory.h>

#include "kafka/rdkafka.h"

enum { LOT_MAX = 256, MESSAGE_OVERHEAD = 300 /* bytes of librdkafka's about a message */ };
enum { ASKS = 2, WITH_BACKOFF = 0x02020000 };

typedef struct reader {
    weir__kafka_reader base; /* first */
    weir__rdkafka *handle;
    size_t bytes_mean;       /* of recent messages */
    size_t messages_max, bytes_max; /* what librdkafka fetches ahead */
    bool rests;              /* librdkafka rests while the queue is full */
    unsigned asks_left;      /* since the queue was nearly full */
} reader;

typedef struct lot {
    weir__kafka_lot base; /* first */
    weir__rdkafka *handle;
    uint32_t capacity;
    weir__kafka_message messages[];
} lot;

static void lot_let_go(weir__kafka_lot *base, uint32_t i)
{
    if (base->messages[i].native)
        rd_kafka_message_destroy(base->messages[i].native);
    base->messages[i].native = NULL;
}

static void lot_release(weir_pin *pin)
{
    lot *l = (lot *)pin;
    for (uint32_t i = 0; i < l->base.count; i++)
        lot_let_go(&l->base, i);
    weir__rdkafka_release(l->handle);
    weir_free(l, sizeof *l + l->capacity * sizeof *l->messages);
}

static bool lot_header(const weir__kafka_lot *base, uint32_t i, const char *name,
                       weir_kafka_header *header)
{
    rd_kafka_headers_t *headers = NULL;
    const void *value = NULL;
    size_t len = 0;
    if (rd_kafka_message_headers(base->messages[i].native, &headers) ||
        rd_kafka_header_get_last(headers, name, &value, &len))
        return false;
    *header = (weir_kafka_header){ name, value, len };
    return true;
}

/* An event of a partition, or of all, that came as a message. */
static void on_bad_message(weir__rdkafka *handle, const rd_kafka_message_t *from)
{
    weir__kafka_trouble trouble;
    weir__rdkafka_classify(handle, from->err, rd_kafka_message_errstr(from), &trouble);
    if (from->rkt) {
        trouble.partition = from->partition;
        trouble.offset = from->offset;
    }
    if (from->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
        from->err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE)
        trouble.class = WEIR__KAFKA_RESET;
    weir__rdkafka_trouble(handle, &trouble);
}

static bool convert(reader *r, rd_kafka_message_t *from, weir__kafka_message *to)
{
    bool end = from->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
    if (from->err && !end) {
        on_bad_message(r->handle, from);
        rd_kafka_message_destroy(from);
        return false;
    }
    rd_kafka_timestamp_type_t kind;
    *to = (weir__kafka_message){ .end = end, .partition = from->partition,
                                 .offset = from->offset, .native = from };
    if (end)
        return true;
    to->key = from->key;
    to->value = from->payload;
    to->key_len = (uint32_t)from->key_len;
    to->value_len = (uint32_t)from->len;
    to->timestamp_ms = rd_kafka_message_timestamp(from, &kind);
    return true;
}

/* NULL if all of them were news of something else. */
static weir__kafka_lot *make_lot(reader *r, rd_kafka_message_t *const *taken, uint32_t count)
{
    lot *l = weir_alloc_must(sizeof *l + count * sizeof *l->messages);
    size_t bytes = 0;
    uint32_t good = 0;
    for (uint32_t i = 0; i < count; i++)
        if (convert(r, taken[i], &l->messages[good])) {
            bytes += l->messages[good].key_len + l->messages[good].value_len;
            good++;
        }
    l->base = (weir__kafka_lot){ .pin = { 1, bytes, lot_release },
                                 .count = good,
                                 .messages = l->messages,
                                 .let_go = lot_let_go,
                                 .header = lot_header };
    l->handle = r->handle;
    l->capacity = count;
    weir__rdkafka_retain(r->handle);
    if (good == 0) {
        weir_pin_release(&l->base.pin);
        return NULL;
    }
    r->handle->connected = true;
    r->bytes_mean = (7 * r->bytes_mean + bytes / good) / 8;
    return &l->base;
}

static void ask_on(reader *r, size_t queued)
{
    weir__rdkafka *handle = r->handle;
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)handle->started_count);
    for (uint32_t i = 0; i < handle->started_count; i++)
        rd_kafka_topic_partition_list_add(list, handle->topic_name, handle->started[i])->offset =
            RD_KAFKA_OFFSET_END;
    rd_kafka_offsets_for_times(handle->rk, list, 0);
    rd_kafka_topic_partition_list_destroy(list);
    weir_log(WEIR_LOG_DEBUG, "kafka: topic '%s': %zu messages are left: fetching goes on",
             handle->topic_name, queued);
}

/* Bytes are known by their mean only: half of the bound counts as all of it. */
static void keep_filled(reader *r)
{
    size_t queued = rd_kafka_queue_length(r->handle->queue);
    size_t most = r->bytes_max / 2 / (r->bytes_mean + 1) + 1;
    size_t full = most < r->messages_max ? most : r->messages_max;
    if (queued >= full - full / 4) {
        r->asks_left = ASKS;
    } else if ((r->asks_left == ASKS && queued <= full / 2) || (r->asks_left && queued == 0)) {
        r->asks_left--;
        ask_on(r, queued);
    }
}

static weir__kafka_lot *reader_fetch(weir__kafka_reader *base, uint32_t max)
{
    reader *r = (reader *)base;
    rd_kafka_message_t *taken[LOT_MAX];
    for (;;) {
        if (r->rests)
            keep_filled(r);
        ssize_t count = rd_kafka_consume_batch_queue(r->handle->queue, 0, taken,
                                                     max < LOT_MAX ? max : LOT_MAX);
        if (count <= 0)
            return NULL;
        weir__kafka_lot *made = make_lot(r, taken, (uint32_t)count);
        if (made)
            return made;
    }
}

static void reader_start(weir__kafka_reader *base, int32_t partition, int64_t offset)
{
    weir__rdkafka *handle = ((reader *)base)->handle;
    bool again = false;
    for (uint32_t i = 0; i < handle->started_count && !again; i++)
        again = handle->started[i] == partition;
    if (again) {
        rd_kafka_consume_stop(handle->topic, partition);
    } else {
        if (handle->started_count == handle->started_capacity) {
            uint32_t old = handle->started_capacity, capacity = old ? 2 * old : 8;
            handle->started = weir_realloc_must(handle->started, old * sizeof *handle->started,
                                                capacity * sizeof *handle->started);
            handle->started_capacity = capacity;
        }
        handle->started[handle->started_count++] = partition;
    }
    if (rd_kafka_consume_start_queue(handle->topic, partition, offset, handle->queue)) {
        weir__kafka_trouble trouble;
        weir__rdkafka_classify(handle, rd_kafka_last_error(), NULL, &trouble);
        trouble.partition = partition;
        weir__rdkafka_trouble(handle, &trouble);
        weir__rdkafka_wake(handle);
    }
}

static void reader_ask(weir__kafka_reader *base, const weir__kafka_question *question)
{
    weir__rdkafka_ask(((reader *)base)->handle, question);
}

static bool reader_answered(weir__kafka_reader *base, weir__kafka_answer *answer)
{
    return weir__rdkafka_answered(((reader *)base)->handle, answer);
}

static bool reader_trouble(weir__kafka_reader *base, weir__kafka_trouble *trouble)
{
    return weir__rdkafka_next_trouble(((reader *)base)->handle, trouble);
}

static int64_t reader_end(weir__kafka_reader *base, int32_t partition)
{
    weir__rdkafka *handle = ((reader *)base)->handle;
    int64_t low = -1, high = -1;
    if (rd_kafka_get_watermark_offsets(handle->rk, handle->topic_name, partition, &low, &high))
        return -1;
    return high < 0 ? -1 : high;
}

static size_t reader_queued(weir__kafka_reader *base)
{
    reader *r = (reader *)base;
    return rd_kafka_queue_length(r->handle->queue) * (r->bytes_mean + MESSAGE_OVERHEAD);
}

static void reader_close(weir__kafka_reader *base)
{
    weir__rdkafka_close(((reader *)base)->handle);
    weir_free(base, sizeof(reader));
}

weir__kafka_reader *weir__rdkafka_reader_open(const weir__kafka_open *open, weir_error *error)
{
    static const weir__kafka_reader_ops ops = {
        reader_fetch,   reader_start, reader_ask,    reader_answered,
        reader_trouble, reader_end,   reader_queued, reader_close
    };
    weir__rdkafka *handle = weir__rdkafka_open(open, false, error);
    if (!handle)
        return NULL;
    reader *r = weir_alloc_must(sizeof *r);
    *r = (reader){ .base = { &ops }, .handle = handle };
    r->rests = rd_kafka_version() < WITH_BACKOFF;
    const rd_kafka_conf_t *conf = rd_kafka_conf(handle->rk);
    r->messages_max = weir__rdkafka_number(conf, "queued.min.messages");
    r->bytes_max = weir__rdkafka_number(conf, "queued.max.messages.kbytes") * 1000;
    return &r->base;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Questions about a topic: its partitions, where they begin and end, which offset a time has.
 * librdkafka waits for such answers, so each question has a thread, which keeps the handle alive.
 */
#include <string.h>

#include <weir/memory.h>

#include "kafka/rdkafka.h"

enum { TRY_MS = 1000, TRIES = 2, OFFSETS_MS = 5000 };

/* librdkafka and the protocol give these two times their own meaning. */
enum { AT_BEGIN = RD_KAFKA_OFFSET_BEGINNING, AT_END = RD_KAFKA_OFFSET_END };

typedef struct errand {
    weir__rdkafka *handle;
    weir__kafka_question question;
} errand;

void weir__kafka_answer_fini(weir__kafka_answer *answer)
{
    weir_free(answer->places, answer->place_count * sizeof *answer->places);
    answer->places = NULL;
    answer->place_count = 0;
}

static bool closed(weir__rdkafka *handle)
{
    pthread_mutex_lock(&handle->lock);
    bool is = handle->closed;
    pthread_mutex_unlock(&handle->lock);
    return is;
}

static bool fail(weir__rdkafka *handle, rd_kafka_resp_err_t code, weir__kafka_answer *answer)
{
    answer->failed = true;
    weir__rdkafka_classify(handle, code, NULL, &answer->trouble);
    return false;
}

static bool count_partitions(weir__rdkafka *handle, weir__kafka_answer *answer)
{
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__TIMED_OUT;
    const rd_kafka_metadata_t *metadata = NULL;
    for (int i = 0; i < TRIES && code && !closed(handle); i++)
        code = rd_kafka_metadata(handle->rk, 0, handle->topic, &metadata, TRY_MS);
    if (code)
        return fail(handle, code, answer);
    if (metadata->topic_cnt != 1)
        code = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    else
        code = metadata->topics[0].err;
    if (!code && metadata->topics[0].partition_cnt == 0)
        code = RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE; /* being made */
    if (!code)
        answer->partitions = metadata->topics[0].partition_cnt;
    rd_kafka_metadata_destroy(metadata);
    return code ? fail(handle, code, answer) : true;
}

/* The offsets of a time in all places: into start, or into end. */
static bool find(weir__rdkafka *handle, int64_t time, bool into_end, weir__kafka_answer *answer)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)answer->place_count);
    for (uint32_t i = 0; i < answer->place_count; i++)
        rd_kafka_topic_partition_list_add(list, handle->topic_name, answer->places[i].partition)
            ->offset = time;
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(handle->rk, list, OFFSETS_MS);
    for (int i = 0; i < list->cnt && !code; i++)
        code = list->elems[i].err;
    for (int i = 0; i < list->cnt && !code; i++)
        for (uint32_t p = 0; p < answer->place_count; p++)
            if (answer->places[p].partition == list->elems[i].partition) {
                if (into_end)
                    answer->places[p].end = list->elems[i].offset;
                else
                    answer->places[p].start = list->elems[i].offset;
            }
    rd_kafka_topic_partition_list_destroy(list);
    return code ? fail(handle, code, answer) : true;
}

static int64_t clamp(int64_t offset, int64_t low, int64_t high)
{
    return offset < low ? low : offset > high ? high : offset;
}

static bool find_places(weir__rdkafka *handle, const weir__kafka_question *q,
                        weir__kafka_answer *answer)
{
    int32_t first = q->only >= 0 ? q->only : q->first;
    int32_t stride = q->only >= 0 ? answer->partitions : q->stride;
    for (int32_t p = first; p < answer->partitions; p += stride)
        answer->place_count++;
    if (answer->place_count == 0)
        return true;
    answer->places = weir_alloc_must(answer->place_count * sizeof *answer->places);
    for (uint32_t i = 0; i < answer->place_count; i++)
        answer->places[i] = (weir__kafka_place){ first + (int32_t)i * stride, 0, 0 };
    bool ok = true;
    if (q->end || q->start != WEIR_KAFKA_EARLIEST)
        ok = find(handle, AT_END, true, answer);
    if (ok && (q->start == WEIR_KAFKA_EARLIEST || q->start == WEIR_KAFKA_OFFSET))
        ok = find(handle, AT_BEGIN, false, answer);
    else if (ok && q->start == WEIR_KAFKA_TIMESTAMP)
        ok = find(handle, q->start_at < 0 ? 0 : q->start_at, false, answer);
    for (uint32_t i = 0; ok && i < answer->place_count; i++) {
        weir__kafka_place *place = &answer->places[i];
        if (q->start == WEIR_KAFKA_OFFSET)
            place->start = clamp(q->start_at, place->start, place->end);
        else if (q->start == WEIR_KAFKA_LATEST || place->start < 0)
            place->start = place->end; /* nothing is as late as that time */
    }
    return ok;
}

static void run(void *ctx)
{
    errand e = *(errand *)ctx;
    weir_free(ctx, sizeof e);
    weir__kafka_answer answer = { .question = e.question };
    if (count_partitions(e.handle, &answer) && !e.handle->writes)
        find_places(e.handle, &e.question, &answer);
    if (answer.failed)
        weir__kafka_answer_fini(&answer);
    pthread_mutex_lock(&e.handle->lock);
    e.handle->answer = answer;
    e.handle->answered = true;
    pthread_mutex_unlock(&e.handle->lock);
    weir__rdkafka_wake(e.handle);
    weir__rdkafka_release(e.handle);
}

void weir__rdkafka_ask(weir__rdkafka *handle, const weir__kafka_question *question)
{
    errand *e = weir_alloc_must(sizeof *e);
    *e = (errand){ handle, *question };
    weir__rdkafka_retain(handle);
    weir__rdkafka_background(run, e);
}

bool weir__rdkafka_answered(weir__rdkafka *handle, weir__kafka_answer *answer)
{
    pthread_mutex_lock(&handle->lock);
    bool is = handle->answered;
    if (is) {
        *answer = handle->answer;
        handle->answer = (weir__kafka_answer){ 0 };
        handle->answered = false;
    }
    pthread_mutex_unlock(&handle->lock);
    if (is && !answer->failed) {
        handle->connected = true;
        handle->partitions = answer->partitions;
    }
    return is;
}

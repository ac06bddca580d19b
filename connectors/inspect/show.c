/* SPDX-License-Identifier: Apache-2.0
 *
 * See show.h. Owns the words and the members.
 */
#include "inspect/show.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static bool is_shown(const weir__show *show, const weir_flight_info *info, const weir_event *e)
{
    if (show->summary || (show->worker >= 0 && e->worker != show->worker))
        return false;
    return !show->last_ns || e->at_ns + show->last_ns >= info->end_ns;
}

static bool has_node(uint32_t kind)
{
    return kind == WEIR_EVENT_OPERATOR || kind == WEIR_EVENT_STEP || kind == WEIR_EVENT_STEPPED ||
           kind == WEIR_EVENT_SENT || kind == WEIR_EVENT_RECEIVED ||
           kind == WEIR_EVENT_FRONTIER || kind == WEIR_EVENT_LONG_STEP ||
           kind == WEIR_EVENT_BUSIEST || kind == WEIR_EVENT_EDGE || kind == WEIR_EVENT_TRACE;
}

/* The operator's name, or its numbers. */
static const char *operator_text(const weir_flight *flight, uint32_t dataflow, uint32_t node,
                                 char *text, size_t size)
{
    const char *name = weir_flight_operator(flight, dataflow, node);
    if (name)
        (void)snprintf(text, size, "%s", name);
    else
        (void)snprintf(text, size, "#%u/%u", dataflow, node);
    return text;
}

static const char *time_text(const weir_event *e, char *text, size_t size)
{
    const uint64_t t[4] = { e->t0, e->t1, e->t2, e->t3 };
    size_t used = 0;
    if (e->depth == 1) {
        (void)snprintf(text, size, "%" PRIu64, t[0]);
        return text;
    }
    for (uint32_t i = 0; i < e->depth && i < 4 && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%" PRIu64, i ? ", " : "(", t[i]);
    if (used < size)
        (void)snprintf(text + used, size - used, ")");
    return text;
}

static const char *wall_text(int64_t wall_us, char *text, size_t size)
{
    time_t seconds = (time_t)(wall_us / 1000000);
    struct tm utc;
    if (!gmtime_r(&seconds, &utc) || strftime(text, size, "%Y-%m-%d %H:%M:%S UTC", &utc) == 0)
        (void)snprintf(text, size, "%" PRId64 " s after 1970", wall_us / 1000000);
    return text;
}

/* ---- text ---- */

static void text_of_work(const weir_event *e, const char *name)
{
    double ms = (double)e->ns / 1e6;
    switch (e->kind) {
    case WEIR_EVENT_SUMMARY:
        printf("%.1f ms: %" PRIu64 " turns, %" PRIu64 " steps, %" PRIu64 " batches sent (%" PRIu64
               " bytes), %" PRIu64 " received, %" PRIu64 " frontiers moved, %u parks", ms, e->t3,
               e->records, e->t0, e->bytes, e->t1, e->t2, e->port);
        break;
    case WEIR_EVENT_BUSIEST:
        printf("longest measured step: '%s', %.3f ms; dataflow %u is ", name, ms, e->dataflow);
        if (e->t0 == UINT64_MAX)
            printf("complete");
        else
            printf("complete before epoch %" PRIu64, e->t0);
        break;
    case WEIR_EVENT_LONG_STEP:
        printf("'%s' kept the worker for %.1f ms", name, ms);
        break;
    case WEIR_EVENT_STEPPED:
        printf("'%s' has ended its step, %.3f ms", name, ms);
        break;
    case WEIR_EVENT_TRACE:
        printf("'%s' has a trace of %" PRIu64 " updates in %u runs (%" PRIu64 " bytes), %u readers",
               name, e->records, e->port, e->bytes, e->peer);
        break;
    case WEIR_EVENT_UNPARK:
        printf("awake, after %.1f ms", ms);
        break;
    default:
        printf("%s", weir_event_kind_text(e->kind));
        if (has_node(e->kind))
            printf(" '%s'", name);
        break;
    }
}

static void text_of_event(const weir_flight *flight, const weir_flight_info *info,
                          const weir_event *e)
{
    char name[200], time[120];
    (void)operator_text(flight, e->dataflow, e->node, name, sizeof name);
    printf("%12.6f  worker %u  ", -(double)(int64_t)(info->end_ns - e->at_ns) / 1e9, e->worker);
    if (e->kind == WEIR_EVENT_SENT || e->kind == WEIR_EVENT_RECEIVED) {
        char peer[200];
        printf("'%s' %s %" PRIu64 " records, %" PRIu64 " bytes, at %s", name,
               weir_event_kind_text(e->kind), e->records, e->bytes,
               time_text(e, time, sizeof time));
        if (e->kind == WEIR_EVENT_SENT)
            printf(", to '%s' of worker %u",
                   operator_text(flight, e->dataflow, e->peer, peer, sizeof peer), e->to_worker);
        else
            printf(", from worker %u", e->to_worker);
    } else if (e->kind == WEIR_EVENT_FRONTIER) {
        printf("input %u of '%s' is ", e->port, name);
        if (e->records == 0)
            printf("complete");
        else
            printf("at %s%s", time_text(e, time, sizeof time), e->records > 1 ? " and others" : "");
        if (e->ns)
            printf(", after it had stood for %.3f ms", (double)e->ns / 1e6);
    } else if (e->kind == WEIR_EVENT_PUBLISHED || e->kind == WEIR_EVENT_APPLIED) {
        printf("%" PRIu64 " changes %s, %" PRIu64 " bytes", e->records,
               weir_event_kind_text(e->kind), e->bytes);
    } else if (e->kind == WEIR_EVENT_DATAFLOW || e->kind == WEIR_EVENT_REMOVED ||
               e->kind == WEIR_EVENT_COMPLETE) {
        const char *own = weir_flight_dataflow(flight, e->dataflow);
        printf("dataflow %u '%s' %s", e->dataflow, own ? own : "?",
               e->kind == WEIR_EVENT_DATAFLOW ? "was built" : weir_event_kind_text(e->kind));
    } else {
        text_of_work(e, name);
    }
    printf("\n");
}

static void text_of_worker(const weir_flight *flight, const weir_flight_info *info, uint32_t w)
{
    weir_flight_worker worker;
    char name[200];
    if (!weir_flight_worker_at(flight, w, &worker))
        return;
    printf("worker %u: ", w);
    if (worker.in_step)
        printf("in a step of '%s'",
               operator_text(flight, worker.dataflow, worker.node, name, sizeof name));
    else
        printf("%s", worker.parked ? "asleep" : "between steps");
    printf("; last seen %.3f s before the end; %" PRIu64 " steps, %" PRIu64
           " batches sent (%" PRIu64 " bytes), %" PRIu64 " received, %" PRIu64
           " frontiers moved\n",
           worker.turn_ns ? (double)(info->end_ns - worker.turn_ns) / 1e9 : 0.0, worker.steps,
           worker.sent_batches, worker.sent_bytes, worker.received_batches, worker.frontiers);
}

void weir__show_text(const weir__show *show, const weir_flight *flight, const char *path)
{
    weir_flight_info info;
    char wall[80];
    weir_event event;
    weir_flight_get_info(flight, &info);
    printf("%s: %s, process %u%s, started %s, %.3f s of life, %u workers, %zu events%s\n", path,
           info.program, info.pid, info.alive ? " (running)" : "",
           wall_text(info.started_wall_us, wall, sizeof wall),
           (double)(int64_t)(info.end_ns - info.started_ns) / 1e9, info.workers, info.events,
           info.names_full ? "; too many operators to name all" : "");
    for (uint32_t w = 0; w < info.workers; w++)
        if (show->worker < 0 || show->worker == w)
            text_of_worker(flight, &info, w);
    for (size_t i = 0; weir_flight_at(flight, i, &event); i++)
        if (is_shown(show, &info, &event))
            text_of_event(flight, &info, &event);
}

/* ---- JSON ---- */

/* Bytes that are no printable ASCII go as escapes, each for itself. */
static void json_text(const char *name, const char *text)
{
    printf("\"%s\":\"", name);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            printf("\\%c", c);
        else if (c < ' ' || c > '~')
            printf("\\u%04x", c);
        else
            printf("%c", c);
    }
    printf("\"");
}

static void json_of_event(const weir_flight *flight, const weir_event *e)
{
    char text[200];
    printf("{\"what\":\"event\",");
    json_text("kind", weir_event_kind_text(e->kind));
    printf(",\"at_ns\":%" PRIu64 ",\"worker\":%u,\"dataflow\":%u,\"node\":%u", e->at_ns, e->worker,
           e->dataflow, e->node);
    if (has_node(e->kind)) {
        printf(",");
        json_text("operator", operator_text(flight, e->dataflow, e->node, text, sizeof text));
    }
    printf(",\"port\":%u,\"peer\":%u,\"to_worker\":%u,\"depth\":%u,\"t\":[%" PRIu64 ",%" PRIu64
           ",%" PRIu64 ",%" PRIu64 "],\"records\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"ns\":%" PRIu64
           "}\n", e->port, e->peer, e->to_worker, e->depth, e->t0, e->t1, e->t2, e->t3, e->records,
           e->bytes, e->ns);
}

static void json_of_worker(const weir_flight *flight, uint32_t w)
{
    weir_flight_worker worker;
    char text[200];
    if (!weir_flight_worker_at(flight, w, &worker))
        return;
    printf("{\"what\":\"worker\",\"worker\":%u,\"parked\":%s,\"in_step\":%s", w,
           worker.parked ? "true" : "false", worker.in_step ? "true" : "false");
    if (worker.in_step) {
        printf(",");
        json_text("operator", operator_text(flight, worker.dataflow, worker.node, text,
                                            sizeof text));
    }
    printf(",\"turn_ns\":%" PRIu64 ",\"steps\":%" PRIu64 ",\"sent_batches\":%" PRIu64
           ",\"sent_bytes\":%" PRIu64 ",\"received_batches\":%" PRIu64 ",\"frontiers\":%" PRIu64
           "}\n", worker.turn_ns, worker.steps, worker.sent_batches, worker.sent_bytes,
           worker.received_batches, worker.frontiers);
}

void weir__show_json(const weir__show *show, const weir_flight *flight, const char *path)
{
    weir_flight_info info;
    weir_event event;
    weir_flight_get_info(flight, &info);
    printf("{\"what\":\"file\",");
    json_text("path", path);
    printf(",");
    json_text("program", info.program);
    printf(",\"pid\":%u,\"alive\":%s,\"workers\":%u,\"started_wall_us\":%" PRId64
           ",\"started_ns\":%" PRIu64 ",\"end_ns\":%" PRIu64
           ",\"events\":%zu,\"damaged\":%zu,\"names_full\":%s}\n", info.pid,
           info.alive ? "true" : "false", info.workers, info.started_wall_us, info.started_ns,
           info.end_ns, info.events, info.damaged, info.names_full ? "true" : "false");
    for (uint32_t w = 0; w < info.workers; w++)
        if (show->worker < 0 || show->worker == w)
            json_of_worker(flight, w);
    for (size_t i = 0; weir_flight_at(flight, i, &event); i++)
        if (is_shown(show, &info, &event))
            json_of_event(flight, &event);
}

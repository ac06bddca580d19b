/* SPDX-License-Identifier: Apache-2.0
 *
 * /why: what is stuck, in one sentence, and who holds frontiers back. Every worker is asked, since
 * each knows of its own only; one that does not answer in time is in a step that does not return,
 * and that is the answer. A thread of the pool waits for them, no worker does.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include <weir/memory.h>

#include "http/flow.h"

enum { HELD_US = 1000 * 1000 };

/* Asked of all workers. Those that answer late still have it: it goes with the server at the
 * latest. */
struct weir__inquiry {
    weir__inquiry *next; /* of the server */
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    unsigned first;      /* of the process's workers, in the cluster */
    unsigned asked, answered;
    bool abandoned;      /* whoever asked has gone */
    weir__text held;     /* JSON objects, a comma between two */
    char sentence[600];
    uint64_t longest_us;
    bool *has_answered;  /* by worker of the process */
};

typedef struct why {
    weir__flow flow; /* first */
    weir__inquiry *inquiry;
    bool asked, over;
} why;

static void on_held(const weir_held_info *held, void *ctx)
{
    weir__inquiry *inquiry = ctx;
    weir__text *out = &inquiry->held;
    const char *by = held->is_capability ? "a capability" : "a batch that it does not take";
    weir__text_put(out, out->bytes.len ? ",{\"dataflow\":" : "{\"dataflow\":");
    weir__text_json(out, held->dataflow);
    weir__text_put(out, ",\"holder\":");
    weir__text_json(out, held->node);
    weir__text_put(out, ",\"time\":");
    weir__text_json(out, held->time);
    weir__text_format(out, ",\"worker\":%u,\"by\":\"%s\",\"for_us\":%" PRIu64 ",\"input\":%u",
                      held->worker, held->is_capability ? "capability" : "batch", held->held_us,
                      held->input);
    weir__text_put(out, ",\"input_of\":");
    weir__text_json(out, held->input_of);
    weir__text_put(out, "}");
    if (held->held_us < inquiry->longest_us)
        return;
    inquiry->longest_us = held->held_us;
    (void)snprintf(inquiry->sentence, sizeof inquiry->sentence,
                   "operator '%.120s' on worker %u has held time %s for %.1f s by %s; input %u of "
                   "'%.120s' waits for it", held->node, held->worker, held->time,
                   (double)held->held_us / 1e6, by, held->input, held->input_of);
}

/* On each worker's thread. */
static void answer(weir_worker *worker, void *ctx)
{
    weir__inquiry *inquiry = ctx;
    (void)pthread_mutex_lock(&inquiry->lock);
    if (!inquiry->abandoned)
        weir_observe_held(worker, HELD_US, on_held, inquiry);
    inquiry->has_answered[weir_worker_index(worker) - inquiry->first] = true;
    inquiry->answered++;
    (void)pthread_cond_signal(&inquiry->changed);
    (void)pthread_mutex_unlock(&inquiry->lock);
}

/* In a thread of the pool: a second is long for a worker that runs. */
static void wait_for_answers(weir__flow *flow)
{
    weir__inquiry *inquiry = ((why *)flow)->inquiry;
    struct timespec until;
    int code = 0;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += 1;
    (void)pthread_mutex_lock(&inquiry->lock);
    while (inquiry->answered < inquiry->asked && code == 0)
        code = pthread_cond_timedwait(&inquiry->changed, &inquiry->lock, &until);
    (void)pthread_mutex_unlock(&inquiry->lock);
}

/* Who has not answered is the first thing to say. */
static void put_workers(weir__text *out, const weir_http *http, weir__inquiry *inquiry)
{
    for (unsigned w = inquiry->asked; w-- > 0;) {
        weir_worker_info info;
        weir_observe_worker(http->runtime, w, &info);
        if (inquiry->has_answered[w])
            info.in_step = false; /* the one that asks */
        weir__text_format(out, "{\"worker\":%u,\"answers\":%s,\"in_step_of\":",
                          inquiry->first + w, inquiry->has_answered[w] ? "true" : "false");
        weir__text_json(out, info.in_step ? info.node : NULL);
        weir__text_put(out, w ? "}," : "}");
        if (!inquiry->has_answered[w])
            (void)snprintf(inquiry->sentence, sizeof inquiry->sentence,
                           "worker %u does not answer: it is in %s%s", inquiry->first + w,
                           info.in_step ? "a step of " : "no step of an operator",
                           info.in_step ? info.node : "");
    }
}

static void write_answer(why *y)
{
    weir__text *out = &y->flow.text, workers = { .failed = false };
    weir__inquiry *inquiry = y->inquiry;
    (void)pthread_mutex_lock(&inquiry->lock);
    put_workers(&workers, y->flow.http, inquiry);
    bool stuck = inquiry->sentence[0] != '\0';
    weir__text_format(out, "{\"stuck\":%s,\"why\":", stuck ? "true" : "false");
    weir__text_json(out, stuck ? inquiry->sentence
                               : "nothing is stuck: nobody waits for a frontier that has been held "
                                 "back for a second");
    weir__text_put(out, ",\"workers\":[");
    weir__text_add(out, workers.bytes.data, workers.bytes.len);
    weir__text_put(out, "],\"held\":[");
    weir__text_add(out, inquiry->held.bytes.data, inquiry->held.bytes.len);
    weir__text_put(out, "]}\n");
    out->failed |= workers.failed || inquiry->held.failed;
    (void)pthread_mutex_unlock(&inquiry->lock);
    weir__text_fini(&workers);
}

static weir__flow_more more(weir__flow *flow)
{
    why *y = (why *)flow;
    if (!y->asked) {
        y->asked = true;
        for (unsigned w = 0; w < y->inquiry->asked; w++)
            weir_runtime_call(flow->http->runtime, w, answer, y->inquiry);
        return weir__flow_work(flow, wait_for_answers) ? WEIR__FLOW_WAITS : WEIR__FLOW_BROKEN;
    }
    if (y->over)
        return WEIR__FLOW_ENDED;
    y->over = true;
    write_answer(y);
    return WEIR__FLOW_MADE;
}

static void destroy_inquiry(weir__inquiry *inquiry)
{
    weir__text_fini(&inquiry->held);
    (void)pthread_cond_destroy(&inquiry->changed);
    (void)pthread_mutex_destroy(&inquiry->lock);
    weir_free(inquiry->has_answered, inquiry->asked * sizeof *inquiry->has_answered);
    weir_free(inquiry, sizeof *inquiry);
}

void weir__inquiries_end(weir_http *http, bool all)
{
    for (weir__inquiry **at = &http->inquiries, *i; (i = *at);) {
        (void)pthread_mutex_lock(&i->lock);
        bool ends = all || (i->abandoned && i->answered == i->asked);
        (void)pthread_mutex_unlock(&i->lock);
        if (ends) {
            *at = i->next;
            destroy_inquiry(i);
        } else {
            at = &i->next;
        }
    }
}

static void destroy(weir__flow *flow)
{
    why *y = (why *)flow;
    (void)pthread_mutex_lock(&y->inquiry->lock);
    y->inquiry->abandoned = true;
    if (!y->asked)
        y->inquiry->answered = y->inquiry->asked; /* nobody will */
    (void)pthread_mutex_unlock(&y->inquiry->lock);
    weir__inquiries_end(flow->http, false);
    weir_free(y, sizeof *y);
}

static weir__inquiry *create_inquiry(weir_http *http)
{
    pthread_condattr_t attributes;
    weir__inquiry *inquiry = weir_alloc_zero(sizeof *inquiry);
    unsigned workers = weir_runtime_workers(http->runtime);
    if (!inquiry)
        return NULL;
    inquiry->has_answered = weir_alloc_zero(workers * sizeof *inquiry->has_answered);
    if (!inquiry->has_answered) {
        weir_free(inquiry, sizeof *inquiry);
        return NULL;
    }
    weir_process_info info;
    weir_observe_process(http->runtime, &info);
    inquiry->first = info.process * info.workers;
    inquiry->asked = workers;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&inquiry->lock, NULL);
    (void)pthread_cond_init(&inquiry->changed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    inquiry->next = http->inquiries;
    http->inquiries = inquiry;
    return inquiry;
}

enum MHD_Result weir__serve_why(weir__request *request)
{
    weir_error error = { 0 };
    why *y = weir_alloc_zero(sizeof *y);
    if (y)
        y->inquiry = create_inquiry(request->http);
    if (!y || !y->inquiry) {
        weir_free(y, sizeof *y);
        weir_error_set(&error, WEIR_NO_MEMORY, "no memory to ask the workers");
        return weir__refuse_error(request, &error);
    }
    y->flow.more = more;
    y->flow.destroy = destroy;
    return weir__flow_answer(request, &y->flow, "application/json");
}

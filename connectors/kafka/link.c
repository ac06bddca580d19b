/* SPDX-License-Identifier: Apache-2.0
 *
 * See link.h.
 */
#include <inttypes.h>
#include <stdio.h>

#include "kafka/link.h"

static const uint64_t AWAY_SAY_NS = UINT64_C(30) * 1000000000;
static const uint64_t NOTICE_SAY_NS = UINT64_C(10) * 1000000000;

/* One worker says it for all of them: the first one, then again every half a minute. */
static bool is_to_say(weir__kafka_told *told, uint64_t now)
{
    uint64_t said = __atomic_load_n(&told->said_ns, __ATOMIC_ACQUIRE);
    return (said == 0 || now >= said + AWAY_SAY_NS) &&
           __atomic_compare_exchange_n(&told->said_ns, &said, now ? now : 1, false,
                                       __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

void weir__kafka_link_away(weir__kafka_link *link, weir_step *step, const char *topic,
                           const char *why)
{
    uint64_t now = weir_step_now_ns(step);
    char since[40] = "";
    if (!link->away) {
        link->away = true;
        link->since_ns = now;
        __atomic_fetch_add(&link->told->away, 1, __ATOMIC_ACQ_REL);
    }
    if (!is_to_say(link->told, now))
        return;
    if (now > link->since_ns)
        (void)snprintf(since, sizeof since, ", for %" PRIu64 " s now",
                       (now - link->since_ns) / 1000000000);
    weir_log(WEIR_LOG_WARN, "%s: topic '%s': no broker answers%s; trying on: %s%s%.200s",
             weir_step_name(step), topic, since, why, link->servers ? "; asked: " : "",
             link->servers ? link->servers : "");
}

void weir__kafka_link_never(const weir__kafka_link *link, const char *topic)
{
    if (__atomic_load_n(&link->told->said_ns, __ATOMIC_ACQUIRE) == 0)
        weir_log(WEIR_LOG_WARN, "topic '%s': nothing was read, no broker has answered%s%.200s",
                 topic, link->servers ? "; asked: " : "", link->servers ? link->servers : "");
}

void weir__kafka_link_back(weir__kafka_link *link, weir_step *step, const char *topic)
{
    if (!link->away)
        return;
    link->away = false;
    if (__atomic_sub_fetch(&link->told->away, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    __atomic_store_n(&link->told->said_ns, 0, __ATOMIC_RELEASE);
    weir_log(WEIR_LOG_INFO, "%s: topic '%s': the broker is back after %" PRIu64 " s",
             weir_step_name(step), topic,
             (weir_step_now_ns(step) - link->since_ns) / 1000000000);
}

void weir__kafka_notice_say(weir__kafka_notice *notice, weir_step *step, const char *format, ...)
{
    uint64_t now = weir_step_now_ns(step);
    if (notice->said_ns && now < notice->said_ns + NOTICE_SAY_NS) {
        notice->unsaid++;
        return;
    }
    char text[640], more[64] = "";
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (notice->unsaid)
        snprintf(more, sizeof more, " (and %" PRIu64 " more before)", notice->unsaid);
    weir_log(WEIR_LOG_WARN, "%s: %s%s", weir_step_name(step), text, more);
    notice->said_ns = now ? now : 1;
    notice->unsaid = 0;
}

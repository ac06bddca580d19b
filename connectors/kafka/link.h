/* SPDX-License-Identifier: Apache-2.0
 *
 * How the log hears of what happens again and again: a broker that is away (a warning, again every
 * half a minute, a line when it is back, and one at the end if none has ever answered), which one
 * worker says for all of a node's, and records that are refused (the first at once, the others as a
 * number every ten seconds).
 */
#ifndef WEIR_KAFKA_LINK_H
#define WEIR_KAFKA_LINK_H

#include <weir/node.h>

/* What the log has heard of the connections of a node's workers together. All zero: nothing. */
typedef struct weir__kafka_told {
    uint32_t away;    /* of so many workers */
    uint64_t said_ns; /* 0: not since one of them last was fine */
} weir__kafka_told;

/* A connection, as far as questions tell. Zero but for these two: fine so far. */
typedef struct weir__kafka_link {
    const char *servers; /* who was asked first, borrowed; NULL: not told */
    weir__kafka_told *told; /* borrowed, of all workers */
    bool away;
    uint64_t since_ns;
} weir__kafka_link;

void weir__kafka_link_away(weir__kafka_link *link, weir_step *step, const char *topic,
                           const char *why);
void weir__kafka_link_back(weir__kafka_link *link, weir_step *step, const char *topic);
/* The run is over, and nobody has ever answered: says so, if that was not said before. */
void weir__kafka_link_never(const weir__kafka_link *link, const char *topic);

/* A line that may come too often. All zero: none so far. */
typedef struct weir__kafka_notice {
    uint64_t said_ns, unsaid;
} weir__kafka_notice;

/* Logs a warning, or counts it. */
void weir__kafka_notice_say(weir__kafka_notice *notice, weir_step *step, const char *format, ...)
    WEIR_PRINTF(3, 4);

#endif

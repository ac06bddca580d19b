/* SPDX-License-Identifier: Apache-2.0
 *
 * What of a flight recorder's file is printed, and how.
 */
#ifndef WEIR_INSPECT_SHOW_H
#define WEIR_INSPECT_SHOW_H

#include <weir/flight.h>

typedef struct weir__show {
    bool json, summary, remove;
    uint64_t last_ns; /* 0: all */
    int64_t worker;   /* -1: all */
} weir__show;

/* To standard output. */
void weir__show_text(const weir__show *show, const weir_flight *flight, const char *path);
void weir__show_json(const weir__show *show, const weir_flight *flight, const char *path);

#endif

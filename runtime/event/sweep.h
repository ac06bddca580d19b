/* SPDX-License-Identifier: Apache-2.0
 *
 * What killed processes have left of flight recorders in a folder.
 */
#ifndef WEIR_EVENT_SWEEP_H
#define WEIR_EVENT_SWEEP_H

#include <stdint.h>

enum { WEIR__SWEEP_KEPT = 64 };

/* Removes this user's recorders that no process holds and that nobody came for in a day, and those
 * that are older than the newest WEIR__SWEEP_KEPT, however new: a program that is started again and
 * again, and killed each time, must not fill the disk. */
void weir__flight_sweep(const char *dir, int64_t wall_us);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * The signals that end a program, and the alarm of --seconds; bus errors in files of the state
 * directory, which are told with the file's name. One runtime at a time; main thread.
 */
#ifndef WEIR_MAIN_SIGNALS_H
#define WEIR_MAIN_SIGNALS_H

#include <weir/worker.h>

/* SIGPIPE is ignored from here on. */
void weir__signals_ignore_pipe(void);
/* Before the workers' threads are made, so that they inherit it: SIGINT, SIGTERM and SIGALRM are
 * held back until `watch`. It is this runtime that they stop. */
void weir__signals_hold(weir_runtime *runtime);
/* Lets them through, in this thread only: the first one stops the runtime, after seconds if they
 * are above 0, and from SIGINT and SIGTERM on a second one ends the process. */
void weir__signals_watch(double seconds);
/* Stops the runtime, once, whoever asks: any thread from `hold` until the runtime goes. */
void weir__signals_stop(void);
/* Before the runtime goes: everything is as it was before `hold`. */
void weir__signals_restore(void);

#endif

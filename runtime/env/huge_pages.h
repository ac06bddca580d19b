/* SPDX-License-Identifier: Apache-2.0
 *
 * Large tables in huge pages: a fresh one costs an eighth of what its 512 small ones do, and
 * looking up here and there misses fewer translations. With jemalloc only, and where the system
 * gives them; otherwise nothing changes.
 *
 * Results of merges stay in small ones: they are read and written in order, and a fresh huge page
 * in the middle of a step may take milliseconds (huge_pages.c).
 */
#ifndef WEIR_ENV_HUGE_PAGES_H
#define WEIR_ENV_HUGE_PAGES_H

#include <stdbool.h>
#include <stddef.h>

/* From now on, for the whole process. Any thread, any number of times. */
void weir__huge_pages_use(void);
/* Of memory that nobody has touched; not committed: nobody may yet, as where the system does not
 * overcommit. */
void weir__huge_pages_ask(void *block, size_t size, bool committed);
/* How often a fresh one was slow, so that small ones were taken. */
unsigned weir__huge_pages_slow(void);

#endif

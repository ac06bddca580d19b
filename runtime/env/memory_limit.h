/* SPDX-License-Identifier: Apache-2.0
 *
 * What the system allows this process to use of memory.
 */
#ifndef WEIR_ENV_MEMORY_LIMIT_H
#define WEIR_ENV_MEMORY_LIMIT_H

#include <stdint.h>

/* The least of the limits in bytes on its address space and its data (ulimit -v and -d), and those
 * of its memory cgroup and of all above that: memory.max where there is version 2, else
 * memory.limit_in_bytes. UINT64_MAX: nothing limits it. `root` is put before the names of what is
 * read, /proc/self/cgroup and /sys/fs/cgroup: empty, but for tests. */
uint64_t weir__memory_limit(const char *root);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * How many cores this process may really use: what its affinity mask and the CPU quotas of its
 * cgroups (version 2 and 1) leave of the machine. Keeps nothing; asks anew each time. Any thread.
 */
#ifndef WEIR_COMM_CORES_H
#define WEIR_COMM_CORES_H

#include <weir/base.h>

typedef struct weir__cores {
    unsigned allowed;        /* CPUs in the affinity mask of the calling thread, at least 1 */
    uint64_t quota_permille; /* the least quota on the way up, in thousandths of a core; UINT64_MAX:
                                none */
    unsigned usable;         /* whole cores that both leave, at least 1 */
} weir__cores;

/* Where to look; NULL: /proc/self/cgroup and /sys/fs/cgroup. What cannot be read sets no limit. */
typedef struct weir__cores_files {
    const char *membership; /* lines of hierarchy:controllers:path */
    const char *mount;      /* the folder under which the cgroup file systems are mounted */
} weir__cores_files;

weir__cores weir__cores_find(const weir__cores_files *files);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads the affinity mask and the CPU quotas. A quota binds every group below the one it is written
 * in, so the way from this process's group up to the mount is walked; in a container that sees only
 * its own part of the tree, the folders that do not exist there are passed over and its mount is
 * its group.
 */
#include "comm/cores.h"

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include <weir/memory.h>

/* One file of two or so numbers. False: it cannot be read. */
static bool read_text(const char *folder, const char *name, char *text, size_t size)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = length < (int)sizeof path ? fopen(path, "re") : NULL;
    if (!file)
        return false;
    size_t got = fread(text, 1, size - 1, file);
    text[got] = '\0';
    fclose(file);
    return true;
}

static uint64_t permille(long long quota, long long period)
{
    return quota > 0 && period > 0 ? (uint64_t)quota * 1000 / (uint64_t)period : UINT64_MAX;
}

/* Version 2 writes "max 100000" or "150000 100000" in one file; version 1 has two files, and −1 for
 * no quota. */
static uint64_t folder_quota(const char *folder)
{
    char text[64];
    long long quota, period;
    if (read_text(folder, "cpu.max", text, sizeof text))
        return sscanf(text, "%lld %lld", &quota, &period) == 2 ? permille(quota, period)
                                                               : UINT64_MAX;
    if (!read_text(folder, "cpu.cfs_quota_us", text, sizeof text) ||
        sscanf(text, "%lld", &quota) != 1 ||
        !read_text(folder, "cpu.cfs_period_us", text, sizeof text) ||
        sscanf(text, "%lld", &period) != 1)
        return UINT64_MAX;
    return permille(quota, period);
}

/* The least quota of mount/hierarchy/path and the folders above it, hierarchy included. */
static uint64_t path_quota(const char *mount, const char *hierarchy, const char *path)
{
    char folder[PATH_MAX];
    size_t top = strlen(mount) + strlen(hierarchy);
    if (top + strlen(path) >= sizeof folder)
        return UINT64_MAX;
    snprintf(folder, sizeof folder, "%s%s%s", mount, hierarchy, path);
    uint64_t least = UINT64_MAX;
    for (;;) {
        uint64_t quota = folder_quota(folder);
        if (quota < least)
            least = quota;
        char *slash = strrchr(folder + top, '/');
        if (!slash)
            return least;
        *slash = '\0';
    }
}

/* Whether "cpu" is one of a line's controllers, which are separated by commas. */
static bool has_cpu(const char *controllers)
{
    for (const char *at = controllers; *at; at += strcspn(at, ","), at += *at == ',')
        if (strcspn(at, ",") == 3 && memcmp(at, "cpu", 3) == 0)
            return true;
    return false;
}

/* A line is "0::/path" for version 2, "4:cpu,cpuacct:/path" for version 1. Version 2 beside version
 * 1 is mounted in "unified"; version 1 in a folder named by all controllers, or linked by one. */
static uint64_t line_quota(const char *mount, char *line)
{
    char *controllers = strchr(line, ':');
    char *path = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!path)
        return UINT64_MAX;
    *path++ = '\0';
    controllers++;
    path[strcspn(path, "\n")] = '\0';
    uint64_t a, b;
    if (*controllers == '\0') {
        a = path_quota(mount, "", path);
        b = path_quota(mount, "/unified", path);
    } else if (has_cpu(controllers)) {
        char joined[256];
        snprintf(joined, sizeof joined, "/%s", controllers);
        a = path_quota(mount, joined, path);
        b = path_quota(mount, "/cpu", path);
    } else {
        return UINT64_MAX;
    }
    return a < b ? a : b;
}

static uint64_t quota_permille(const weir__cores_files *files)
{
    const char *mount = files && files->mount ? files->mount : "/sys/fs/cgroup";
    FILE *file = fopen(files && files->membership ? files->membership : "/proc/self/cgroup", "re");
    uint64_t least = UINT64_MAX;
    char line[PATH_MAX + 256];
    while (file && fgets(line, sizeof line, file)) {
        uint64_t quota = line_quota(mount, line);
        if (quota < least)
            least = quota;
    }
    if (file)
        fclose(file);
    return least;
}

/* The kernel refuses a mask that is too small for the CPUs the machine could have. */
static unsigned allowed_cpus(void)
{
    for (int cpus = 1024; cpus <= 1 << 20; cpus *= 4) {
        size_t size = CPU_ALLOC_SIZE(cpus);
        cpu_set_t *mask = weir_alloc_zero(size);
        if (!mask)
            break;
        int count = sched_getaffinity(0, size, mask) == 0 ? CPU_COUNT_S(size, mask) : 0;
        weir_free(mask, size);
        if (count > 0)
            return (unsigned)count;
    }
    return 1;
}

weir__cores weir__cores_find(const weir__cores_files *files)
{
    weir__cores found = { .allowed = allowed_cpus(), .quota_permille = quota_permille(files) };
    uint64_t whole = found.quota_permille / 1000;
    found.usable = whole < found.allowed ? (unsigned)whole : found.allowed;
    if (found.usable == 0)
        found.usable = 1;
    return found;
}

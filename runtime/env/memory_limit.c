/* SPDX-License-Identifier: Apache-2.0
 *
 * See memory_limit.h. Where a container has mounted its own cgroup as the root of the tree, the
 * path that the kernel tells is not there: then what is there on the way up is all there is.
 */
#include "env/memory_limit.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

enum { PATH_BYTES = 4096, LINE_BYTES = 4096 + 256 };

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* The number in a file; "max", or no file: none. */
static uint64_t read_limit(const char *name)
{
    uint64_t limit;
    FILE *file = fopen(name, "re");
    if (!file)
        return UINT64_MAX;
    if (fscanf(file, "%" SCNu64, &limit) != 1)
        limit = UINT64_MAX;
    (void)fclose(file);
    return limit;
}

/* Of the cgroup at a path of a tree, and of those above. */
static uint64_t limit_up(const char *tree, const char *path, const char *name)
{
    char at[PATH_BYTES], file[2 * PATH_BYTES];
    uint64_t limit = UINT64_MAX;
    (void)snprintf(at, sizeof at, "%s", path);
    for (char *end = at + strlen(at); end; end = strrchr(at, '/')) {
        *end = '\0';
        int size = snprintf(file, sizeof file, "%s%s/%s", tree, at, name);
        if (size > 0 && (size_t)size < sizeof file)
            limit = least(limit, read_limit(file));
    }
    return limit;
}

static bool has_word(const char *words, const char *word)
{
    size_t size = strlen(word);
    for (const char *at = words; (at = strstr(at, word)); at += size)
        if ((at == words || at[-1] == ',') && (at[size] == ',' || at[size] == '\0'))
            return true;
    return false;
}

/* A line is NUMBER:CONTROLLERS:PATH; of version 2 there are no controllers in it. */
static uint64_t limit_of(const char *root, char *line)
{
    char tree[PATH_BYTES];
    line[strcspn(line, "\n")] = '\0';
    char *controllers = strchr(line, ':');
    char *path = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!path)
        return UINT64_MAX;
    *path++ = '\0';
    controllers++;
    bool is_second = *controllers == '\0';
    if (!is_second && !has_word(controllers, "memory"))
        return UINT64_MAX;
    int size = snprintf(tree, sizeof tree, "%s/sys/fs/cgroup%s", root, is_second ? "" : "/memory");
    if (size < 0 || (size_t)size >= sizeof tree)
        return UINT64_MAX;
    return limit_up(tree, path, is_second ? "memory.max" : "memory.limit_in_bytes");
}

static uint64_t limit_of_cgroups(const char *root)
{
    char name[PATH_BYTES], line[LINE_BYTES];
    uint64_t limit = UINT64_MAX;
    (void)snprintf(name, sizeof name, "%s/proc/self/cgroup", root);
    FILE *file = fopen(name, "re");
    if (!file)
        return limit;
    while (fgets(line, sizeof line, file))
        limit = least(limit, limit_of(root, line));
    (void)fclose(file);
    return limit;
}

uint64_t weir__memory_limit(const char *root)
{
    uint64_t limit = limit_of_cgroups(root);
    const int kinds[] = { RLIMIT_AS, RLIMIT_DATA };
    for (int i = 0; i < 2; i++) {
        struct rlimit r;
        if (getrlimit(kinds[i], &r) == 0 && r.rlim_cur != RLIM_INFINITY)
            limit = least(limit, r.rlim_cur);
    }
    return limit;
}

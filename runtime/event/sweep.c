/* SPDX-License-Identifier: Apache-2.0
 *
 * See sweep.h. Only what may have to go is opened: every start of a program comes through here.
 */
#include "event/sweep.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const int64_t KEPT_NS = INT64_C(24) * 3600 * 1000000000;

/* When the newest ones were written last. */
typedef struct newest {
    int64_t at[WEIR__SWEEP_KEPT];
    unsigned count, oldest; /* oldest: the place of the oldest of them */
} newest;

/* Whether it is a recorder's file of this user, and when it was written last. */
static bool is_ours(DIR *folder, const char *name, int64_t *written_ns)
{
    int pid, n, end = 0;
    struct stat about;
    if (sscanf(name, "weir-%d-%d.flight%n", &pid, &n, &end) != 2 || !end || name[end] ||
        fstatat(dirfd(folder), name, &about, AT_SYMLINK_NOFOLLOW) != 0 ||
        about.st_uid != geteuid() || !S_ISREG(about.st_mode))
        return false;
    *written_ns = (int64_t)about.st_mtim.tv_sec * 1000000000 + about.st_mtim.tv_nsec;
    return true;
}

static void note(newest *all, int64_t written_ns)
{
    if (all->count < WEIR__SWEEP_KEPT)
        all->at[all->count++] = written_ns;
    else if (written_ns > all->at[all->oldest])
        all->at[all->oldest] = written_ns;
    else
        return;
    for (unsigned i = 0; i < all->count; i++)
        if (all->at[i] < all->at[all->oldest])
            all->oldest = i;
}

/* But for one that a process holds. */
static void remove_left(DIR *folder, const char *name)
{
    int fd = openat(dirfd(folder), name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        (void)unlinkat(dirfd(folder), name, 0);
    (void)close(fd);
}

void weir__flight_sweep(const char *dir, int64_t wall_us)
{
    newest all = { .count = 0 };
    int64_t written_ns, before_ns = wall_us * 1000 - KEPT_NS;
    DIR *folder = opendir(dir);
    if (!folder)
        return;
    for (struct dirent *entry; (entry = readdir(folder));)
        if (is_ours(folder, entry->d_name, &written_ns))
            note(&all, written_ns);
    if (all.count == WEIR__SWEEP_KEPT && all.at[all.oldest] > before_ns)
        before_ns = all.at[all.oldest];
    rewinddir(folder);
    for (struct dirent *entry; (entry = readdir(folder));)
        if (is_ours(folder, entry->d_name, &written_ns) && written_ns < before_ns)
            remove_left(folder, entry->d_name);
    (void)closedir(folder);
}

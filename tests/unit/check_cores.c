/* SPDX-License-Identifier: Apache-2.0
 *
 * How many cores: quotas of both cgroup versions from files made for the purpose, and the mask.
 */
#include "comm/cores.h"

#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/memory.h>

#include "support.h"

static char root[64], membership[128];

static void make_root(void)
{
    snprintf(root, sizeof root, "/tmp/weir-cores-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    snprintf(membership, sizeof membership, "%s/membership", root);
}

static int remove_entry(const char *path, const struct stat *stat, int kind, struct FTW *walk)
{
    (void)stat;
    (void)kind;
    (void)walk;
    return remove(path);
}

static void remove_root(void)
{
    nftw(root, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* Writes text to root/name, making the folders on the way. */
static void put(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", root, name);
    for (char *at = path + strlen(root) + 1; (at = strchr(at, '/')) != NULL; *at++ = '/') {
        *at = '\0';
        mkdir(path, 0700);
    }
    FILE *file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static uint64_t quota(void)
{
    weir__cores found =
        weir__cores_find(&(weir__cores_files){ .membership = membership, .mount = root });
    unsigned whole = (unsigned)(found.quota_permille / 1000);
    unsigned expected = found.quota_permille == UINT64_MAX || whole > found.allowed ? found.allowed
                        : whole                                                     ? whole
                                                                                    : 1;
    ck_assert_uint_ge(found.allowed, 1);
    ck_assert_uint_eq(found.usable, expected);
    return found.quota_permille;
}

START_TEST(version_2)
{
    make_root();
    put("membership", "0::/a/b/c\n");
    ck_assert_uint_eq(quota(), UINT64_MAX);
    put("a/b/c/cpu.max", "max 100000\n");
    ck_assert_uint_eq(quota(), UINT64_MAX);
    put("a/b/cpu.max", "250000 100000\n");
    ck_assert_uint_eq(quota(), 2500);
    put("a/cpu.max", "800000 100000\n"); /* a wider one above does not help */
    ck_assert_uint_eq(quota(), 2500);
    put("a/b/c/cpu.max", "10000 20000\n");
    ck_assert_uint_eq(quota(), 500);
    put("cpu.max", "1000 100000\n"); /* a container's mount */
    ck_assert_uint_eq(quota(), 10);
    remove_root();
}
END_TEST

START_TEST(version_1)
{
    make_root();
    put("membership", "9:name=systemd:/x\n4:cpuacct,cpu:/job/one\n3:cpuset:/job\n");
    ck_assert_uint_eq(quota(), UINT64_MAX);
    put("cpuset/job/cpu.cfs_quota_us", "1000\n"); /* another hierarchy */
    put("cpuset/job/cpu.cfs_period_us", "1000\n");
    ck_assert_uint_eq(quota(), UINT64_MAX);
    put("cpuacct,cpu/job/one/cpu.cfs_quota_us", "-1\n");
    put("cpuacct,cpu/job/one/cpu.cfs_period_us", "100000\n");
    ck_assert_uint_eq(quota(), UINT64_MAX);
    put("cpuacct,cpu/job/cpu.cfs_quota_us", "400000\n");
    ck_assert_uint_eq(quota(), UINT64_MAX);
    put("cpuacct,cpu/job/cpu.cfs_period_us", "100000\n");
    ck_assert_uint_eq(quota(), 4000);
    put("cpu/cpu.cfs_quota_us", "150000\n"); /* by the link of one controller */
    put("cpu/cpu.cfs_period_us", "100000\n");
    ck_assert_uint_eq(quota(), 1500);
    remove_root();
}
END_TEST

START_TEST(both_versions)
{
    make_root();
    put("membership", "1:cpu:/v1\n0::/v2\n");
    put("cpu/v1/cpu.cfs_quota_us", "300000");
    put("cpu/v1/cpu.cfs_period_us", "100000");
    ck_assert_uint_eq(quota(), 3000);
    put("unified/v2/cpu.max", "200000 100000");
    ck_assert_uint_eq(quota(), 2000);
    remove_root();
}
END_TEST

START_TEST(nonsense_sets_no_limit)
{
    make_root();
    ck_assert_uint_eq(quota(), UINT64_MAX); /* no membership at all */
    put("membership", "\nnonsense\n7:cpu\n0::/a\n1:cpu:/b");
    put("a/cpu.max", "");
    put("cpu/b/cpu.cfs_quota_us", "much");
    put("cpu/b/cpu.cfs_period_us", "0");
    ck_assert_uint_eq(quota(), UINT64_MAX);
    put("a/cpu.max", "5 0");
    put("cpu/b/cpu.cfs_quota_us", "5");
    ck_assert_uint_eq(quota(), UINT64_MAX);
    char line[6000] = "0::/";
    memset(line + 4, 'x', sizeof line - 5);
    put("membership", line);
    ck_assert_uint_eq(quota(), UINT64_MAX);
    remove_root();
}
END_TEST

START_TEST(the_mask_counts)
{
    cpu_set_t old, one;
    ck_assert_int_eq(sched_getaffinity(0, sizeof old, &old), 0);
    ck_assert_uint_eq(weir__cores_find(NULL).allowed, (unsigned)CPU_COUNT(&old));
    int first = 0;
    while (!CPU_ISSET(first, &old))
        first++;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    ck_assert_int_eq(sched_setaffinity(0, sizeof one, &one), 0);
    weir__cores found = weir__cores_find(NULL);
    ck_assert_uint_eq(found.allowed, 1);
    ck_assert_uint_eq(found.usable, 1);
    sched_setaffinity(0, sizeof old, &old);
    weir_memory_fail_nth(1, 0); /* the least that can be */
    ck_assert_uint_eq(weir__cores_find(NULL).allowed, 1);
    weir_memory_fail_nth(0, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        version_2, version_1, both_versions, nonsense_sets_no_limit, the_mask_counts, NULL,
    };
    return test_run(test_suite("cores", tests));
}

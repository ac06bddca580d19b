/* SPDX-License-Identifier: Apache-2.0
 *
 * What limits a process's memory: its resource limits, and cgroups of both versions, in a tree of
 * files that stands for the system's; and what a runtime makes of it.
 */
#include "env/memory_limit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weir/observe.h>
#include <weir/worker.h>

#include "env/env.h"
#include "support.h"

static char root[64];

/* A file of the tree, and the folders that it lies in. */
static void put(const char *name, const char *text)
{
    char path[512];
    int size = snprintf(path, sizeof path, "%s%s", root, name);
    ck_assert(size > 0 && (size_t)size < sizeof path);
    for (char *at = path + strlen(root) + 1; (at = strchr(at, '/')); at++) {
        *at = '\0';
        (void)mkdir(path, 0700);
        *at = '/';
    }
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static void begin(const char *cgroups)
{
    (void)snprintf(root, sizeof root, "/tmp/weir-root-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    if (cgroups)
        put("/proc/self/cgroup", cgroups);
}

/* The limit that was asked for; the tree goes. */
static uint64_t end(void)
{
    char command[128];
    uint64_t limit = weir__memory_limit(root);
    (void)snprintf(command, sizeof command, "rm -r %s", root);
    ck_assert_int_eq(system(command), 0);
    return limit;
}

START_TEST(of_version_2)
{
    begin("0::/user.slice/job\n");
    put("/sys/fs/cgroup/user.slice/job/memory.max", "104857600\n");
    put("/sys/fs/cgroup/user.slice/memory.max", "max\n");
    ck_assert_uint_eq(end(), 104857600);

    begin("0::/user.slice/job\n");
    put("/sys/fs/cgroup/user.slice/job/memory.max", "max\n");
    put("/sys/fs/cgroup/user.slice/memory.max", "5000\n"); /* what holds it all */
    ck_assert_uint_eq(end(), 5000);

    begin("0::/user.slice/job\n");
    put("/sys/fs/cgroup/user.slice/job/memory.max", "max\n");
    ck_assert_uint_eq(end(), UINT64_MAX);
}
END_TEST

START_TEST(of_version_1)
{
    begin("9:name=systemd:/\n4:cpu,memory:/box/one\n3:memory2:/other\n0::/\n");
    put("/sys/fs/cgroup/memory/box/one/memory.limit_in_bytes", "7000\n");
    put("/sys/fs/cgroup/memory/box/memory.limit_in_bytes", "9223372036854771712\n");
    put("/sys/fs/cgroup/memory/other/memory.limit_in_bytes", "1000\n"); /* not ours */
    put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    ck_assert_uint_eq(end(), 7000);
}
END_TEST

/* The kernel tells a path of the machine, of which a container sees its own part, as the root. */
START_TEST(of_a_container)
{
    begin("0::/docker/0123456789abcdef\n");
    put("/sys/fs/cgroup/memory.max", "123456789\n");
    ck_assert_uint_eq(end(), 123456789);

    begin("4:memory:/docker/0123456789abcdef\n");
    put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "123456788\n");
    ck_assert_uint_eq(end(), 123456788);
}
END_TEST

START_TEST(of_files_that_say_nothing)
{
    begin(NULL);
    ck_assert_uint_eq(end(), UINT64_MAX);
    begin("no line of its kind\n4:memory\n\n0::\n");
    put("/sys/fs/cgroup/memory.max", "\n");
    ck_assert_uint_eq(end(), UINT64_MAX);
}
END_TEST

START_TEST(of_resource_limits)
{
    const int kinds[] = { RLIMIT_DATA, RLIMIT_AS };
    for (int i = 0; i < 2; i++) {
        struct rlimit old, few;
        ck_assert_int_eq(getrlimit(kinds[i], &old), 0);
        few = (struct rlimit){ (rlim_t)3 << 50, old.rlim_max };
        begin("0::/\n");
        ck_assert_int_eq(setrlimit(kinds[i], &few), 0);
        uint64_t alone = weir__memory_limit(root);
        put("/sys/fs/cgroup/memory.max", "5000\n");
        uint64_t both = end();
        ck_assert_int_eq(setrlimit(kinds[i], &old), 0);
        ck_assert_uint_eq(alone, (uint64_t)3 << 50);
        ck_assert_uint_eq(both, 5000);
    }
}
END_TEST

/* ---- the default budget ---- */

static uint64_t limit_to_tell;

static uint64_t tell_limit(void *ctx)
{
    (void)ctx;
    return limit_to_tell;
}

static uint64_t budget_of(uint64_t limit, unsigned processes, size_t given)
{
    weir_log_sum none = { 0 };
    weir_error error;
    weir_env *env = weir__env_threads_create(1, &none, &error);
    ck_assert_ptr_nonnull(env);
    ck_assert(env->memory_limit);
    limit_to_tell = limit;
    env->memory_limit = limit == 0 ? NULL : tell_limit;
    weir_config config = { .struct_size = sizeof config, .env = env, .processes = processes,
                           .hosts = processes > 1 ? "127.0.0.1:1,127.0.0.1:2" : NULL,
                           .budget_bytes = given, .flight = WEIR_FLIGHT_OFF };
    weir_runtime *runtime = weir_runtime_create(&config, &error);
    ck_assert_msg(runtime != NULL, "%s", error.what);
    weir_process_info info;
    weir_observe_process(runtime, &info);
    weir_runtime_destroy(runtime);
    weir__env_threads_destroy(env);
    return info.budget_bytes;
}

START_TEST(budgets)
{
    enum { MB = 1 << 20 };
    ck_assert_uint_eq(budget_of(0, 1, 0), 256 * MB); /* nobody knows */
    ck_assert_uint_eq(budget_of(UINT64_MAX, 1, 0), 256 * MB);
    ck_assert_uint_eq(budget_of((uint64_t)4096 * MB, 1, 0), 256 * MB);
    ck_assert_uint_eq(budget_of((uint64_t)2048 * MB, 1, 0), 256 * MB);
    ck_assert_uint_eq(budget_of(96 * MB, 1, 0), 12 * MB);
    ck_assert_uint_eq(budget_of(1, 1, 0), MB);
    ck_assert_uint_eq(budget_of(96 * MB, 2, 0), 24 * MB); /* half of it in each */
    ck_assert_uint_eq(budget_of(1024 * MB, 2, 0), 256 * MB);
    ck_assert_uint_eq(budget_of(96 * MB, 1, 300 * MB), 300 * MB); /* what was asked for */
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { of_version_2, of_version_1, of_a_container,
                                   of_files_that_say_nothing, of_resource_limits, budgets, NULL };
    return test_run(test_suite("memory_limit", tests));
}

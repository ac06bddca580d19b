/* SPDX-License-Identifier: Apache-2.0
 *
 * The seeds that every change of the library has to pass: 200 of one process, then those of plans
 * with up to three. Those of collections are in check_collections.c.
 */
#include "sim.h"

enum { FIXED = SIM_ALONE, MANY = 60 };

START_TEST(fixed_seeds)
{
    for (uint64_t seed = 1; seed <= FIXED; seed++)
        sim_expect_pass(&(sim_limits){ .seed = seed });
}
END_TEST

START_TEST(seeds_of_many_processes)
{
    for (uint64_t seed = SIM_ALONE + 1; seed <= SIM_ALONE + MANY; seed++)
        sim_expect_pass(&(sim_limits){ .seed = seed });
}
END_TEST

/* The same seed is the same run, to the step: else nothing could be looked at again. */
START_TEST(runs_repeat)
{
    for (uint64_t seed = SIM_ALONE - 20; seed <= SIM_ALONE + 10; seed++) {
        sim_outcome one, two;
        sim_run_once(&(sim_limits){ .seed = seed }, &one);
        sim_run_once(&(sim_limits){ .seed = seed }, &two);
        ck_assert_uint_eq(one.steps, two.steps);
        sim_run_once(&(sim_limits){ .seed = 2 * seed + 1 }, &one);
        sim_run_once(&(sim_limits){ .seed = 2 * seed + 1 }, &two);
        ck_assert_msg(one.steps == two.steps, "seed %llu: %llu steps, then %llu",
                      (unsigned long long)(2 * seed + 1), (unsigned long long)one.steps,
                      (unsigned long long)two.steps);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { fixed_seeds, seeds_of_many_processes, runs_repeat, NULL };
    return test_run(test_suite("seeds", tests));
}

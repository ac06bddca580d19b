/* SPDX-License-Identifier: Apache-2.0
 *
 * See support.h.
 */
#include "support.h"

Suite *test_suite(const char *name, const TTest *const *tests)
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);
    tcase_set_timeout(tcase, 0);
    for (; *tests; tests++)
        tcase_add_test(tcase, *tests);
    suite_add_tcase(suite, tcase);
    return suite;
}

int test_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner), ran = srunner_ntests_run(runner);
    srunner_free(runner);
    return failed == 0 && ran > 0 ? 0 : 1;
}

uint64_t test_seed(uint64_t fixed)
{
    const char *given = getenv("WEIR_SEED");
    return given && *given ? strtoull(given, NULL, 0) : fixed;
}

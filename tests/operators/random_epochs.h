/* SPDX-License-Identifier: Apache-2.0
 *
 * What tests against a model of a group have in common: epochs of random changes, after each of
 * which the model says what is to be shown. Included behind what it calls, which each test has
 * of its own: model, EPOCHS, change_some, end_epoch, expect_shown.
 */
#ifndef WEIR_TESTS_OPERATORS_RANDOM_EPOCHS_H
#define WEIR_TESTS_OPERATORS_RANDOM_EPOCHS_H

/* Fewer than `most` calls of change_some an epoch. Ends the test and frees the model. */
static void run_epochs(weir_test *t, model *m, uint64_t seed, uint64_t *random, uint64_t most)
{
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
        for (uint64_t n = test_below(random, most); n > 0; n--)
            change_some(t, m, random, epoch);
        end_epoch(t, m, epoch);
        expect_shown(m, seed, epoch);
    }
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    weir_test_destroy(t);
    free(m);
}

#endif

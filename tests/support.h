/* SPDX-License-Identifier: Apache-2.0
 *
 * What every check program shares: running a suite, seeds, a small random generator.
 */
#ifndef WEIR_TESTS_SUPPORT_H
#define WEIR_TESTS_SUPPORT_H

#include <check.h>
#include <stdint.h>
#include <stdlib.h>

#include <weir/base.h>

/* Check writes down the place of each assertion that holds, by a system call: for cases that run in
 * a process of their own and die there. Ours do not, and many assert a million times. */
#define _mark_point(file, line) ((void)0)

/* A test case for each of the functions given, ended by NULL; `around` has something done before
 * and after each. A case says its name on stderr when it begins, so that one that is killed there
 * is known. */
Suite *test_suite(const char *name, const TTest *const *tests);
Suite *test_suite_around(const char *name, const TTest *const *tests, SFun before, SFun after);

/* Runs the suite without forking (sanitizers see everything); 0 if all passed and one ran. */
int test_run(Suite *suite);

/* Fails the test that waited for something in vain, and says so on stderr at once: Check's own
 * report comes when the suite has ended, and what waits may be killed before. */
void test_gives_up(const char *format, ...) WEIR_PRINTF(1, 2) __attribute__((noreturn));

/* Looks for what another thread brings about: called after each look that was in vain, by any
 * thread, with a count that began at 0. After very many of them it ends the program and says what
 * was waited for. */
void test_look_again(uint64_t *looks, const char *what);
/* Waits until there is something to read, at most so long: processes may be stopped for a while. It
 * ends likewise. */
enum { TEST_PATIENCE_MS = 240000 };
void test_wait_to_read(int fd, const char *what);

/* The seed of a random test: WEIR_SEED if set, else `fixed`. Print it when something fails. */
uint64_t test_seed(uint64_t fixed);
/* A random test of seeds 1 to count, or of the one that the environment names. */
void test_each_seed(void (*run)(uint64_t seed), uint64_t count);

/* HOST:PORT to listen at, another one each time. Nobody else takes it: each program has a loopback
 * address of its own, and the ports are none that the system gives away by itself. */
void test_address(char *address, size_t size);

/* All that comes from the descriptor, which is closed then, as a string; what has no room is left
 * out. */
void test_read_all(int from, char *text, size_t size);

/* Whether the mapping at this address has one of the flags of /proc/self/smaps, two letters. */
bool test_mapped_with(const void *at, const char *flag);

/* Runs fn in a child process, which has to end by an assertion whose text contains `text`. */
void test_dies(void (*fn)(void *ctx), void *ctx, const char *text);

/* splitmix64. */
static inline uint64_t test_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}
/* Uniform in 0 to bound - 1 (bound > 0; the bias is immaterial here). */
static inline uint64_t test_below(uint64_t *state, uint64_t bound)
{
    return test_random(state) % bound;
}

#endif

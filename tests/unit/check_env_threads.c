/* SPDX-License-Identifier: Apache-2.0
 *
 * The env of production: channels reach whom they should, parking loses no wake-up, failures on the
 * way up leave nothing behind.
 */
#include "env/env.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weir/memory.h>

#include "env/thread.h"
#include "support.h"

/* Entries are one number each; a sum of numbers is their sum. */
static void *number_begin(void *ctx)
{
    (void)ctx;
    return weir_alloc_zero(sizeof(uint64_t));
}

static void number_add(void *sum, const void *entry, size_t size)
{
    (void)size;
    *(uint64_t *)sum += *(const uint64_t *)entry;
}

static weir_mail number_finish(void *sum)
{
    return (weir_mail){ .data = sum, .size = sizeof(uint64_t) };
}

static const weir_log_sum number_sum = { .begin = number_begin,
                                         .add = number_add,
                                         .finish = number_finish };

static weir_env *create(unsigned workers)
{
    weir_error error;
    weir_env *env = weir__env_threads_create(workers, &number_sum, &error);
    ck_assert_ptr_nonnull(env);
    return env;
}

static void send(weir_env *env, unsigned from, unsigned to, void *item)
{
    memcpy(env->mail_room(env->ctx, from, to, sizeof item), &item, sizeof item);
    env->mail_commit(env->ctx, from, to, sizeof item);
}

static void *take(weir_env *env, unsigned to, unsigned from)
{
    weir_mail letter;
    void *item;
    if (!env->mail_take(env->ctx, to, from, &letter))
        return NULL;
    ck_assert_uint_eq(letter.size, sizeof item);
    memcpy(&item, letter.data, sizeof item);
    return item;
}

static bool woken(weir_env *env, unsigned self)
{
    struct pollfd fd = { .fd = env->park_fd(env->ctx, self), .events = POLLIN };
    return poll(&fd, 1, 0) == 1;
}

START_TEST(mail_reaches_its_worker)
{
    enum { WORKERS = 4 };
    weir_env *env = create(WORKERS);
    uint64_t letters[WORKERS][WORKERS][2];
    for (unsigned to = 0; to < WORKERS; to++)
        ck_assert(!env->has_mail(env->ctx, to));
    for (int i = 0; i < 2; i++)
        for (unsigned from = 0; from < WORKERS; from++)
            for (unsigned to = 0; to < WORKERS; to++)
                send(env, from, to, &letters[from][to][i]);
    for (unsigned from = 0; from < WORKERS; from++)
        for (unsigned to = 0; to < WORKERS; to++) {
            ck_assert(env->has_mail(env->ctx, to) || from == to);
            ck_assert_ptr_eq(take(env, to, from), &letters[from][to][0]);
            ck_assert_ptr_eq(take(env, to, from), &letters[from][to][1]);
            ck_assert_ptr_null(take(env, to, from));
        }
    for (unsigned to = 0; to < WORKERS; to++)
        ck_assert(!env->has_mail(env->ctx, to));
    weir__env_threads_destroy(env);
}
END_TEST

START_TEST(logs_reach_all_others)
{
    enum { WORKERS = 4 };
    weir_env *env = create(WORKERS);
    weir_mail entry;
    for (uint64_t i = 0; i < 2; i++)
        for (unsigned from = 0; from < WORKERS; from++)
            env->log_append(env->ctx, from, &(uint64_t){ from * 10 + i }, sizeof(uint64_t));
    for (unsigned to = 0; to < WORKERS; to++)
        for (unsigned from = 0; from < WORKERS; from++) {
            for (uint64_t i = 0; from != to && i < 2; i++) {
                ck_assert(env->has_mail(env->ctx, to));
                ck_assert(env->log_read(env->ctx, to, from, &entry));
                ck_assert_uint_eq(entry.size, sizeof(uint64_t));
                ck_assert_uint_eq(*(const uint64_t *)entry.data, from * 10 + i);
            }
            ck_assert(from == to || !env->log_read(env->ctx, to, from, &entry));
        }
    for (unsigned to = 0; to < WORKERS; to++)
        ck_assert(!env->has_mail(env->ctx, to));
    weir__env_threads_destroy(env);
}
END_TEST

START_TEST(a_worker_behind_reads_a_sum)
{
    weir_env *env = create(2);
    static uint64_t entry[8000]; /* nearly a whole chunk of the log */
    for (uint64_t i = 1; i <= 40; i++) {
        entry[0] = i;
        env->log_append(env->ctx, 0, entry, sizeof entry);
    }
    weir_mail got;
    uint64_t sum = 0, reads = 0;
    for (; env->log_read(env->ctx, 1, 0, &got); reads++)
        sum += *(const uint64_t *)got.data;
    ck_assert_uint_eq(sum, 40 * 41 / 2);
    ck_assert_uint_lt(reads, 25);
    weir__env_threads_destroy(env);
}
END_TEST

START_TEST(a_lone_worker)
{
    weir_env *env = create(1);
    env->log_append(env->ctx, 0, &(uint64_t){ 1 }, sizeof(uint64_t));
    send(env, 0, 0, env);
    ck_assert_ptr_eq(take(env, 0, 0), env);
    weir__env_threads_destroy(env);
    weir__env_threads_destroy(NULL);
}
END_TEST

START_TEST(waking)
{
    weir_env *env = create(2);
    env->wake(env->ctx, 1); /* not parked: nothing happens */
    ck_assert(!woken(env, 1));
    for (int round = 0; round < 3; round++) {
        env->park_prepare(env->ctx, 1);
        ck_assert(!woken(env, 1));
        env->wake(env->ctx, 0);
        ck_assert(!woken(env, 1));
        env->wake(env->ctx, 1);
        env->wake(env->ctx, 1);
        ck_assert(woken(env, 1));
        env->park_cancel(env->ctx, 1);
        ck_assert(!woken(env, 1));
        env->park_prepare(env->ctx, 1); /* found something after all */
        env->park_cancel(env->ctx, 1);
        env->wake(env->ctx, 1);
        ck_assert(!woken(env, 1));
        env->park_cancel(env->ctx, 1); /* cancelling nothing is harmless */
    }
    weir__env_threads_destroy(env);
}
END_TEST

START_TEST(clocks_and_random_numbers)
{
    weir_env *env = create(1);
    uint64_t before = env->now_ns(env->ctx);
    ck_assert_uint_ge(env->now_ns(env->ctx), before);
    ck_assert_int_gt(env->wall_us(env->ctx), (int64_t)1600000000 * 1000000);
    uint64_t ones = 0, zeroes = 0, first = env->random_u64(env->ctx);
    for (int i = 0; i < 200; i++) {
        uint64_t next = env->random_u64(env->ctx);
        ck_assert_uint_ne(next, first);
        ones |= next;
        zeroes |= ~next;
    }
    ck_assert_uint_eq(ones, UINT64_MAX);
    ck_assert_uint_eq(zeroes, UINT64_MAX);
    weir_env *other = create(1);
    ck_assert_uint_ne(other->random_u64(other->ctx), first);
    weir__env_threads_destroy(other);
    weir__env_threads_destroy(env);
}
END_TEST

START_TEST(memory_may_fail_anywhere)
{
    size_t before = weir_memory_used();
    weir_env *env = NULL;
    uint64_t n = 1;
    for (; !env; n++) {
        weir_error error = { .status = WEIR_OK };
        weir_memory_fail_nth(n, 0);
        env = weir__env_threads_create(3, &number_sum, &error);
        if (!env) {
            ck_assert_int_eq(error.status, WEIR_NO_MEMORY);
            ck_assert_uint_eq(weir_memory_used(), before);
        }
    }
    weir_memory_fail_nth(0, 0);
    ck_assert_uint_gt(n, 10);
    weir__env_threads_destroy(env);
    ck_assert_uint_eq(weir_memory_used(), before);
}
END_TEST

START_TEST(descriptors_may_run_out)
{
    size_t before = weir_memory_used();
    weir_error error = { .status = WEIR_OK };
    struct rlimit old, few;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
    few = (struct rlimit){ .rlim_cur = 16, .rlim_max = old.rlim_max };
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    weir_env *env = weir__env_threads_create(20, &number_sum, &error);
    weir_env *silent = weir__env_threads_create(20, &number_sum, NULL);
    setrlimit(RLIMIT_NOFILE, &old);
    ck_assert_ptr_null(env);
    ck_assert_ptr_null(silent);
    ck_assert_int_eq(error.status, WEIR_SYSTEM);
    ck_assert_ptr_nonnull(strstr(error.detail, "eventfd"));
    ck_assert_uint_gt(strlen(error.hint), 0);
    ck_assert_uint_eq(weir_memory_used(), before);
}
END_TEST

/* Workers hand tokens to one another and sleep whenever they have none; a token that has made all
 * its hops is announced in the log. A wake-up lost anywhere is waited for in vain. */
enum { WORKERS = 4, TOKENS = 3, HOPS = 2000 };

typedef struct token {
    uint64_t hops;
} token;

typedef struct member {
    weir_env *env;
    unsigned self;
    uint64_t ended; /* tokens announced, own ones included */
    uint64_t random;
} member;

static bool work(member *me)
{
    weir_env *env = me->env;
    bool found = false, wake[WORKERS] = { false };
    for (unsigned from = 0; from < WORKERS; from++) {
        weir_mail entry;
        for (token *t; (t = take(env, me->self, from)) != NULL; found = true) {
            unsigned to = (unsigned)test_below(&me->random, WORKERS);
            if (--t->hops > 0) {
                send(env, me->self, to, t);
                wake[to] = true;
                continue;
            }
            me->ended++;
            env->log_append(env->ctx, me->self, &(uint64_t){ 1 }, sizeof(uint64_t));
            memset(wake, 1, sizeof wake);
        }
        while (from != me->self && env->log_read(env->ctx, me->self, from, &entry)) {
            me->ended += *(const uint64_t *)entry.data;
            found = true;
        }
    }
    for (unsigned to = 0; to < WORKERS; to++)
        if (wake[to] && to != me->self)
            env->wake(env->ctx, to);
    return found;
}

static void *member_run(void *ctx)
{
    member *me = ctx;
    weir_env *env = me->env;
    int fd = env->park_fd(env->ctx, me->self);
    while (me->ended < WORKERS * TOKENS) {
        if (work(me))
            continue;
        env->park_prepare(env->ctx, me->self);
        if (!work(me))
            test_wait_to_read(fd, "a wake-up");
        env->park_cancel(env->ctx, me->self);
    }
    return NULL;
}

START_TEST(no_wake_up_is_lost)
{
    uint64_t seed = test_seed(29);
    weir_env *env = create(WORKERS);
    token tokens[WORKERS][TOKENS];
    member members[WORKERS];
    pthread_t threads[WORKERS];
    for (unsigned w = 0; w < WORKERS; w++) {
        members[w] = (member){ .env = env, .self = w, .random = seed + w };
        for (unsigned t = 0; t < TOKENS; t++) {
            tokens[w][t].hops = HOPS;
            send(env, w, w, &tokens[w][t]);
        }
    }
    for (unsigned w = 0; w < WORKERS; w++)
        ck_assert_int_eq(pthread_create(&threads[w], NULL, member_run, &members[w]), 0);
    for (unsigned w = 0; w < WORKERS; w++) {
        pthread_join(threads[w], NULL);
        ck_assert_uint_eq(members[w].ended, WORKERS * TOKENS);
    }
    weir__env_threads_destroy(env);
}
END_TEST

static void *draw(void *ctx)
{
    uint64_t *drawn = ctx;
    weir_env *env = (weir_env *)(uintptr_t)drawn[0];
    for (int i = 0; i < 1000; i++)
        drawn[i] = env->random_u64(env->ctx);
    return NULL;
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

START_TEST(no_two_threads_draw_the_same)
{
    weir_env *env = create(1);
    static uint64_t drawn[4 * 1000];
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        drawn[i * 1000] = (uintptr_t)env;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, draw, &drawn[i * 1000]), 0);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    qsort(drawn, 4000, sizeof(uint64_t), compare_u64);
    for (int i = 1; i < 4000; i++)
        ck_assert_uint_ne(drawn[i - 1], drawn[i]);
    weir__env_threads_destroy(env);
}
END_TEST

/* A program's own crash handler, which a fault in one of the library's threads has to reach. */
static void on_fault(int signal)
{
    (void)signal;
    _exit(42);
}

static void *fault(void *ctx)
{
    (void)raise(SIGSEGV);
    return ctx;
}

START_TEST(a_fault_in_a_thread_of_ours_reaches_the_handler)
{
    int status;
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        pthread_t thread;
        (void)alarm(120); /* then it is killed by that */
        (void)signal(SIGSEGV, on_fault);
        if (weir__thread_start(&thread, fault, NULL) == 0)
            (void)pthread_join(thread, NULL);
        _exit(1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status), "killed by signal %d", WTERMSIG(status));
    ck_assert_int_eq(WEXITSTATUS(status), 42);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        mail_reaches_its_worker,
        logs_reach_all_others,
        a_worker_behind_reads_a_sum,
        a_lone_worker,
        waking,
        clocks_and_random_numbers,
        memory_may_fail_anywhere,
        descriptors_may_run_out,
        no_wake_up_is_lost,
        no_two_threads_draw_the_same,
        a_fault_in_a_thread_of_ours_reaches_the_handler,
        NULL,
    };
    return test_run(test_suite("env_threads", tests));
}

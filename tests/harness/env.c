/* SPDX-License-Identifier: Apache-2.0
 *
 * The environment of a test: all workers in one thread, a clock that the test moves, channels that
 * keep their order but deliver when a seeded generator says so, a disk in memory.
 */
#include <string.h>

#include "disk.h"
#include "harness.h"

enum { LOOK_NS = 1000 };

typedef struct item {
    struct item *next;
    size_t size;
    _Alignas(16) char entry[];
} item;

/* From one worker to another: in order. */
typedef struct channel {
    item *first, *last;
    item *read; /* the entry that the reader has in its hands */
} channel;

struct weir__test_env {
    weir_env table;
    unsigned workers;
    bool delays;
    uint64_t random, now_ns;
    channel *mail, *logs; /* [from * workers + to] */
    size_t under_way;
    void *room; /* of the entry that is being written */
    size_t room_size;
    bool was_late; /* a command of the order was held back since somebody asked */
    weir__test_disk disk;
};

uint64_t weir__test_env_random(weir__test_env *env)
{
    uint64_t z = (env->random += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t now_ns(void *ctx)
{
    weir__test_env *env = ctx;
    return env->now_ns += LOOK_NS;
}

static int64_t wall_us(void *ctx)
{
    return 1700000000000000 + (int64_t)(((weir__test_env *)ctx)->now_ns / 1000);
}

static uint64_t random_u64(void *ctx)
{
    return weir__test_env_random(ctx);
}

static channel *find(channel *channels, const weir__test_env *env, unsigned from, unsigned to)
{
    return &channels[from * env->workers + to];
}

static void put(weir__test_env *env, channel *c, item *i)
{
    i->next = NULL;
    if (c->last)
        c->last->next = i;
    else
        c->first = i;
    c->last = i;
    env->under_way++;
}

/* The next item, unless it is to be late. */
static item *take(weir__test_env *env, channel *c)
{
    item *i = c->first;
    if (!i || (env->delays && weir__test_env_random(env) % 3 == 0))
        return NULL;
    c->first = i->next;
    if (!c->first)
        c->last = NULL;
    env->under_way--;
    return i;
}

static item *item_create(size_t size)
{
    item *i = weir_alloc_must(sizeof *i + size);
    i->size = sizeof *i + size;
    return i;
}

static void item_destroy(item *i)
{
    if (i)
        weir_free(i, i->size);
}

/* The next one in order is in the reader's hands until it takes another. */
static bool next(weir__test_env *env, channel *c, weir_mail *entry)
{
    item_destroy(c->read);
    c->read = take(env, c);
    if (c->read)
        *entry = (weir_mail){ c->read->entry, c->read->size - sizeof(item) };
    return c->read != NULL;
}

static void *room(weir__test_env *env, size_t most)
{
    if (most > env->room_size) {
        env->room = weir_realloc_must(env->room, env->room_size, 2 * most);
        env->room_size = 2 * most;
    }
    return env->room;
}

static void *mail_room(void *ctx, unsigned from, unsigned to, size_t most)
{
    (void)from;
    (void)to;
    return room(ctx, most);
}

static void mail_commit(void *ctx, unsigned from, unsigned to, size_t size)
{
    weir__test_env *env = ctx;
    item *i = item_create(size);
    memcpy(i->entry, env->room, size);
    put(env, find(env->mail, env, from, to), i);
}

static bool mail_take(void *ctx, unsigned to, unsigned from, weir_mail *letter)
{
    weir__test_env *env = ctx;
    return next(env, find(env->mail, env, from, to), letter);
}

static void log_append(void *ctx, unsigned from, const void *entry, size_t size)
{
    weir__test_env *env = ctx;
    for (unsigned to = 0; to < env->workers; to++) {
        if (to == from)
            continue;
        item *i = item_create(size);
        memcpy(i->entry, entry, size);
        put(env, find(env->logs, env, from, to), i);
    }
}

static void *log_room(void *ctx, unsigned from, size_t most)
{
    (void)from;
    return room(ctx, most);
}

static void log_commit(void *ctx, unsigned from, size_t size)
{
    log_append(ctx, from, ((weir__test_env *)ctx)->room, size);
}

static bool log_read(void *ctx, unsigned to, unsigned from, weir_mail *entry)
{
    weir__test_env *env = ctx;
    return next(env, find(env->logs, env, from, to), entry);
}

static bool order_is_late(void *ctx, unsigned self)
{
    weir__test_env *env = ctx;
    (void)self;
    bool late = env->delays && weir__test_env_random(env) % 3 == 0;
    env->was_late = env->was_late || late;
    return late;
}

static void nobody_sleeps(void *ctx, unsigned self)
{
    (void)ctx;
    (void)self;
}

static int park_fd(void *ctx, unsigned self)
{
    (void)ctx;
    (void)self;
    return -1;
}

weir__test_env *weir__test_env_create(unsigned workers, uint64_t seed, bool delays)
{
    weir__test_env *env = weir_alloc_must(sizeof *env);
    size_t size = (size_t)workers * workers * sizeof(channel);
    *env = (weir__test_env){
        .table = { .ctx = env, .now_ns = now_ns, .wall_us = wall_us, .random_u64 = random_u64,
                   .mail_room = mail_room, .mail_commit = mail_commit, .mail_take = mail_take,
                   .log_append = log_append, .log_room = log_room, .log_commit = log_commit,
                   .log_read = log_read, .order_is_late = order_is_late, .wake = nobody_sleeps,
                   .park_prepare = nobody_sleeps, .park_cancel = nobody_sleeps,
                   .park_fd = park_fd },
        .workers = workers, .delays = delays, .random = seed, .now_ns = 1000000000,
        .mail = weir_alloc_must(size), .logs = weir_alloc_must(size) };
    weir__test_disk_set(&env->table, &env->disk);
    memset(env->mail, 0, size);
    memset(env->logs, 0, size);
    return env;
}

void weir__test_env_destroy(weir__test_env *env)
{
    size_t count = (size_t)env->workers * env->workers;
    for (size_t k = 0; k < count; k++) {
        channel *both[2] = { &env->mail[k], &env->logs[k] };
        for (int c = 0; c < 2; c++) {
            for (item *i = both[c]->first, *next; i; i = next) {
                next = i->next;
                item_destroy(i);
            }
            item_destroy(both[c]->read);
        }
    }
    weir_free(env->mail, count * sizeof(channel));
    weir_free(env->logs, count * sizeof(channel));
    weir_free(env->room, env->room_size);
    weir_free(env, sizeof *env);
}

weir_env *weir__test_env_table(weir__test_env *env) { return &env->table; }
struct weir__test_disk *weir__test_env_disk(weir__test_env *env) { return &env->disk; }

bool weir__test_env_is_quiet(weir__test_env *env)
{
    bool was_late = env->was_late;
    env->was_late = false;
    return env->under_way == 0 && !was_late;
}

void weir__test_env_stop_delays(weir__test_env *env) { env->delays = false; }
void weir__test_env_pass_time(weir__test_env *env, uint64_t ns) { env->now_ns += ns; }
